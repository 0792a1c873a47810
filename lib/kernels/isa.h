/* SPDX-License-Identifier: BSD-2-Clause
 * What is compiled once for each instruction set: the build sets VAE_ISA, K(name) is the symbol.
 *
 * Kernels that gain nothing from wider vectors are not compiled again for them: K_NARROW(name) is then the
 * symbol of the set VAE_ISA_NARROW.
 */
#ifndef VAE_LIB_KERNELS_ISA_H
#define VAE_LIB_KERNELS_ISA_H

#include "table.h"

#include <float.h>

/* Equal bits need every product and sum rounded to its type. With 16, only types narrower than float are
 * evaluated in another one. */
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "libvae: float and double must be evaluated in their own precision (on x86: -msse2 -mfpmath=sse)"
#endif
#if defined(__FAST_MATH__)
#error "libvae: kernels cannot be compiled with -ffast-math"
#endif

#define VAE_CAT2(a, b, c) a##b##_##c
#define VAE_CAT(a, b, c) VAE_CAT2(a, b, c)
#define K(name) VAE_CAT(vae_k_, VAE_ISA, name)
#if !defined(VAE_ISA_NARROW)
#define VAE_ISA_NARROW VAE_ISA
#endif
#define K_NARROW(name) VAE_CAT(vae_k_, VAE_ISA_NARROW, name)
/* What is compiled once, in the plain set, for the tables of all sets */
#define K_PLAIN(name) VAE_CAT(vae_k_, scalar, name)
#define VAE_STR2(x) #x
#define VAE_STR(x) VAE_STR2(x)

/* A loop vectorises only when everything in it is inlined; where there are no vectors, a call is
 * shorter. */
#if defined(VAE_SIMD_LOOPS)
#define VAE_INLINE static inline __attribute__((always_inline))
#else
#define VAE_INLINE static inline
#endif

/* Before a short loop that is to be vectorised: gcc unrolls it before it could, unless it is told not to. */
#if defined(__GNUC__) && !defined(__clang__)
#define VAE_ROLLED _Pragma("GCC unroll 1")
#else
#define VAE_ROLLED
#endif

/* Before a loop of at most sixteen rounds that must be unrolled in full */
#if defined(__clang__)
#define VAE_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define VAE_UNROLL _Pragma("GCC unroll 16")
#else
#define VAE_UNROLL
#endif

#include "names.h"

extern const struct vae_exact32 K(exact32);
extern const struct vae_exact64 K(exact64);
extern const struct vae_rng_kernels K(rng);
extern const struct vae_train_kernels K(train);
extern const struct vae_mixture_kernels K(mixture);
extern const struct vae_reading_kernels K(reading);

#endif
