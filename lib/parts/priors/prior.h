/* SPDX-License-Identifier: BSD-2-Clause
 * The prior p(z), and the divergence of q(z|x) = N(mu, diag exp(logvar)) from it.
 *
 * A prior is one file in this folder and one row of the table in kinds.c. q's parameters are rows of the
 * encoder's head: z_dim means, then z_dim log-variances.
 */
#ifndef VAE_LIB_PARTS_PRIORS_PRIOR_H
#define VAE_LIB_PARTS_PRIORS_PRIOR_H

#include "kernels/table.h"

#include <vae/vae.h>

struct vae_prior_call {
    const struct vae_kernels *kernels;
    size_t z_dim;
    const float *zeros; /* [z_dim] */
};

struct vae_prior_kind {
    int32_t number;
    /* The closed form of KL(q || p), one value a row; NULL where there is none. */
    void (*kl)(const struct vae_prior_call *call, size_t n, const float *head, size_t ldhead, double *kl);
    /* Of one row, [z_dim]: its parts by latent; NULL where the prior does not factorise. */
    void (*kl_by_latent)(const struct vae_prior_call *call, const float *head, double *kl);
    /* g = w[i] d KL / d head; or of one row, with a weight for each latent. */
    void (*kl_grad)(const struct vae_prior_call *call, size_t n, const float *head, size_t ldhead,
        const float *w, float *g, size_t ldg);
    void (*kl_by_latent_grad)(const struct vae_prior_call *call, const float *head, const float *w, float *g);
    /* log p(z) of n rows; and gz += w[i] d log p / d z. */
    void (*log_density)(
        const struct vae_prior_call *call, size_t n, const float *z, size_t ldz, double *value);
    void (*log_density_grad)(const struct vae_prior_call *call, size_t n, const float *z, size_t ldz,
        const float *w, float *gz, size_t ldgz);
    /* n rows from p(z): elements `element` and following of a stream of VAE_STREAM_PRIOR, contiguous. */
    void (*draw)(const struct vae_prior_call *call, uint64_t seed, uint64_t stream, uint64_t element,
        size_t n, float *z);
};

/* NULL for a number that names no prior, or one that is not served. */
const struct vae_prior_kind *vae_prior_of(int32_t number);
/* The last number that names a prior. */
extern const int32_t vae_prior_last;

#endif
