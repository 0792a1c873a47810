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
    /* Of a prior with components, else NULL. */
    const struct vae_mixture *mixture;
    double *share; /* [n][ldshare]: log_density() writes it, log_density_grad() reads it */
    size_t ldshare;
};

/* One of a prior's tensors and its first values. */
struct vae_prior_tensor {
    const char *name;
    size_t rank;
    uint64_t shape[2];
    int normal;      /* standard normal, or */
    float low, high; /* uniform between these */
};

/* The most tensors that a prior has. */
#define VAE_PRIOR_TENSORS 3

struct vae_prior_kind {
    int32_t number;
    int has_components; /* is it a mixture of vae_config.prior_components? */
    int encoded;        /* are these q(z|u) of learned inputs u? */
    /* Tensor number i, or 0 where there are no more. A mixture has its means, log-variances and logits in
     * this order, or its inputs. */
    int (*tensor)(const vae_config *config, size_t i, struct vae_prior_tensor *tensor);
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
    /* n rows from p(z): elements `element` and following of a stream of VAE_STREAM_PRIOR, contiguous;
     * `element` is that of a row's first latent. */
    void (*draw)(const struct vae_prior_call *call, uint64_t seed, uint64_t stream, uint64_t element,
        size_t n, float *z);
};

/* NULL for a number that names no prior, or one that is not served. */
const struct vae_prior_kind *vae_prior_of(int32_t number);
/* The last number that names a prior. */
extern const int32_t vae_prior_last;

/* What priors with components share. */
void vae_mixture_log_density(
    const struct vae_prior_call *call, size_t n, const float *z, size_t ldz, double *value);
void vae_mixture_log_density_grad(const struct vae_prior_call *call, size_t n, const float *z, size_t ldz,
    const float *w, float *gz, size_t ldgz);
void vae_mixture_draw(
    const struct vae_prior_call *call, uint64_t seed, uint64_t stream, uint64_t element, size_t n, float *z);

#endif
