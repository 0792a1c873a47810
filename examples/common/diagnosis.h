/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. What the latents of a trained model say about its data, all in nats:
 *
 *     active units   latents whose mean moves with x: Var_x(E[z_j]) > 0.01 (Burda et al., arXiv:1509.00519)
 *     mean KL        KL(q(z|x) || p(z)), mean over the rows: the sum of the next two (Hoffman & Johnson,
 *                    "ELBO surgery", 2016)
 *     information    I(x; z) under q: E[log q(z|x) - log q(z)], by draws
 *     marginal KL    KL(q(z) || p(z)): how far the codes of the data are from the prior's draws
 *
 * q(z) is the mixture of all rows' q(z|x) with equal weights, computed whole for each draw. The draws are
 * therefore unbiased for these rows taken as the whole population. No draw exceeds log(rows), so that for the
 * population behind the rows the information is a lower bound, in expectation, and the marginal KL an upper
 * one.
 */
#ifndef VAE_EXAMPLES_DIAGNOSIS_H
#define VAE_EXAMPLES_DIAGNOSIS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <vae/vae.h>

struct diagnosis {
    size_t rows, done, latents;
    float *mu, *logvar;       /* [rows][latents], of q(z|x) */
    int by_latent;            /* the prior factorises: the next array is filled */
    double *kl_by_latent;     /* [latents] */
    double *variance_of_mean; /* [latents] Var_x(E[z_j]) */
    size_t active;            /* latents of which that is above ACTIVE_VARIANCE */
    double kl;
    double information, information_error; /* and its standard error, also that of marginal_kl */
    double marginal_kl;
};

#define ACTIVE_VARIANCE 0.01

/* Takes memory for `rows` rows: 8 bytes a latent and row. -1: out of memory, or no rows. diagnosis_free comes
 * after either. */
int diagnosis_init(struct diagnosis *d, const vae_model *model, size_t rows);
void diagnosis_free(struct diagnosis *d);
/* Encodes the next n rows x [n][x_dim], in all `rows`. Returns VAE_OK or the library's error. */
int diagnosis_add(struct diagnosis *d, vae_model *model, const float *x, size_t n);
/* After all rows: fills the results, by `draws` >= 1 of z, each from another row as long as there are any.
 * Takes time in proportion to draws * rows * latents. -1: out of memory. */
int diagnosis_finish(struct diagnosis *d, size_t draws, uint64_t seed);

/* Writes a table of the latents, largest KL first, the figures, and a verdict in words. */
void diagnosis_print(const struct diagnosis *d, FILE *out);

#endif
