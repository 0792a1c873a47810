/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 2. The passes that stop half-way: x to q(z|x), z to p(x|z), x to its reconstruction.
 */
#ifndef VAE_LIB_INFERENCE_H
#define VAE_LIB_INFERENCE_H

#include "net.h"

/* At most max_batch rows each. Outputs are contiguous; NULL ones are not wanted. */
struct vae_decoded {
    float *x_mean, *location, *logvar;
};
void vae_inference_encode(struct vae_net *net, const float *x, size_t n, float *mu, float *logvar);
void vae_inference_decode(struct vae_net *net, const float *z, size_t n, const struct vae_decoded *out);
void vae_inference_reconstruct(struct vae_net *net, const float *x, size_t n, float *x_mean);
/* z of rows first_row .. first_row + n - 1 from the prior, decoded */
void vae_inference_sample(struct vae_net *net, uint64_t seed, uint64_t first_row, size_t n, float *x_mean);
/* sum[j] += KL of latent j, over the rows in order */
void vae_inference_latent_kl(struct vae_net *net, const float *x, size_t n, double *sum);

#endif
