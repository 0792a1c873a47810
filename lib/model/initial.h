/* SPDX-License-Identifier: BSD-2-Clause
 * The first values of the parameters.
 */
#ifndef VAE_LIB_MODEL_INITIAL_H
#define VAE_LIB_MODEL_INITIAL_H

#include "tensors.h"

void vae_initial_params(
    const vae_config *config, struct vae_network *net, const struct vae_tensor *tensors, size_t count);

#endif
