/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. Names of one instruction set's kernels: VAE_ISA is set by the build, K(name) is the symbol.
 */
#ifndef VAE_LIB_KERNELS_ISA_H
#define VAE_LIB_KERNELS_ISA_H

#include "../kernels.h"

#define VAE_CAT2(a, b, c) a##b##_##c
#define VAE_CAT(a, b, c) VAE_CAT2(a, b, c)
#define K(name) VAE_CAT(vae_k_, VAE_ISA, name)
#define VAE_STR2(x) #x
#define VAE_STR(x) VAE_STR2(x)

/* Lanes of every sum: element j of a row goes to lane j % 16, whatever the instruction set. */
#define VAE_LANES 16

extern const struct vae_exact32 K(exact32);
extern const struct vae_exact64 K(exact64);
extern const struct vae_rng_kernels K(rng);
extern const struct vae_train_kernels K(train);

#endif
