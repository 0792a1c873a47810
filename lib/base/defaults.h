/* SPDX-License-Identifier: BSD-2-Clause
 * The public structs: sizes and defaults of each.
 */
#ifndef VAE_LIB_BASE_DEFAULTS_H
#define VAE_LIB_BASE_DEFAULTS_H

#include "structs.h"

extern const struct vae_struct vae_layer_struct, vae_span_struct, vae_config_struct, vae_training_struct,
    vae_runtime_struct, vae_batch_struct, vae_outputs_struct, vae_adjoints_struct, vae_terms_struct,
    vae_tensor_info_struct, vae_import_rule_struct;

#endif
