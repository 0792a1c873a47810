/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. What a trained model sees: its reconstructions, its samples, its latent plane.
 */
#ifndef VAE_EXAMPLES_PICTURES_H
#define VAE_EXAMPLES_PICTURES_H

#include <vae/vae.h>

#include "data.h"

/* DIR/reconstructions.png: n rows x [n][x_dim], each beside what the model makes of it; how images look is
 * taken from `data`. DIR/samples.png: drawn from the prior. DIR/manifold.png, where z_dim is 2: the images
 * over the latent plane, evenly in probability. 0, or -1 with the reason on stderr. */
int pictures_write(vae_model *model, const struct data *data, const float *x, size_t n, const char *dir);
/* Rows of x that pictures_write has room for. */
size_t pictures_rows(const struct data *data);

#endif
