/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 1. The first values of the parameters.
 */
#ifndef VAE_LIB_INITIAL_H
#define VAE_LIB_INITIAL_H

#include "model.h"

/* A function of the config alone: element i in canonical order draws word or normal i of the seed's init
 * stream. */
void vae_initial_params(struct vae_model *model, const vae_config *config);

#endif
