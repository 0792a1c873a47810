/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Pictures of a trained model.
 */
#ifndef VAE_EXAMPLES_PICTURES_H
#define VAE_EXAMPLES_PICTURES_H

#include <vae/vae.h>

#include "data.h"

/* Writes, of n rows x [n][x_dim] and the model:
 *
 *     DIR/reconstructions.png  each row, and to its right the mean of p(x|z) at z = mu
 *     DIR/samples.png          means of p(x|z) for z from the prior
 *     DIR/interpolation.png    means on straight lines in latent space, from one row to the next
 *     DIR/manifold.png         where z_dim is 2: means over the latent plane, evenly in prior probability
 *
 * 0, or -1 with the reason on stderr. */
int pictures_write(vae_model *model, const struct data *data, const float *x, size_t n, const char *dir);
/* Rows of x that pictures_write has room for. */
size_t pictures_rows(const struct data *data);

/* DIR/unusual.png: the n rows x as they are. */
int pictures_unusual(const struct data *data, const float *x, size_t n, const char *dir);
size_t pictures_unusual_rows(const struct data *data);

#endif
