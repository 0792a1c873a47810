/* SPDX-License-Identifier: BSD-2-Clause
 * Defaults of the public structs, written into the caller's.
 */
#include "base/defaults.h"

#include <vae/vae.h>

void vae_layer_init(vae_layer *layer, size_t size)
{
    vae_struct_init(&vae_layer_struct, layer, size);
}

void vae_span_init(vae_span *span, size_t size)
{
    vae_struct_init(&vae_span_struct, span, size);
}

void vae_config_init(vae_config *config, size_t size)
{
    vae_struct_init(&vae_config_struct, config, size);
}

void vae_training_init(vae_training *training, size_t size)
{
    vae_struct_init(&vae_training_struct, training, size);
}

void vae_runtime_init(vae_runtime *runtime, size_t size)
{
    vae_struct_init(&vae_runtime_struct, runtime, size);
}

void vae_batch_init(vae_batch *batch, size_t size)
{
    vae_struct_init(&vae_batch_struct, batch, size);
}

void vae_outputs_init(vae_outputs *outputs, size_t size)
{
    vae_struct_init(&vae_outputs_struct, outputs, size);
}

void vae_adjoints_init(vae_adjoints *adjoints, size_t size)
{
    vae_struct_init(&vae_adjoints_struct, adjoints, size);
}

void vae_terms_init(vae_terms *terms, size_t size)
{
    vae_struct_init(&vae_terms_struct, terms, size);
}

void vae_tensor_info_init(vae_tensor_info *info, size_t size)
{
    vae_struct_init(&vae_tensor_info_struct, info, size);
}

void vae_import_rule_init(vae_import_rule *rule, size_t size)
{
    vae_struct_init(&vae_import_rule_struct, rule, size);
}
