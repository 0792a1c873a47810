/* SPDX-License-Identifier: BSD-2-Clause
 * The members of struct vae_rng_kernels that stand in files of their own, and what those call.
 */
#ifndef VAE_LIB_KERNELS_RANDOM_RANDOM_H
#define VAE_LIB_KERNELS_RANDOM_RANDOM_H

#include "kernels/isa.h"

extern __typeof__(*((struct vae_rng_kernels *)0)->random_u32) rng_words;
extern __typeof__(*((struct vae_rng_kernels *)0)->normal32) rng_normals;
extern __typeof__(*((struct vae_rng_kernels *)0)->laplace32) observe_laplace;
extern __typeof__(*((struct vae_rng_kernels *)0)->poisson32) observe_poisson;
extern __typeof__(*((struct vae_rng_kernels *)0)->cbernoulli32) observe_cbernoulli;

#endif
