/* SPDX-License-Identifier: BSD-2-Clause
 * What the entry points that make a gradient check alike.
 */
#ifndef VAE_LIB_API_TRAIN_H
#define VAE_LIB_API_TRAIN_H

#include "model/model.h"

/* Gradients must be finite, and their squares too, else the moments would overflow and never come back.
 * `squared_norm` is that of the whole. Returns VAE_OK, or VAE_ERR_NONFINITE and words that name the
 * element. */
int vae_check_gradient(const char *function, const vae_model *model, double squared_norm);

#endif
