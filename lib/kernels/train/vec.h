/* SPDX-License-Identifier: BSD-2-Clause
 * A register of floats and its fused multiply-add, for the one kernel where compilers need to be
 * told: clang 14 keeps a plain array of accumulators in memory (a fifth of the speed). Each lane is an fmaf()
 * as elsewhere.
 */
#ifndef VAE_LIB_KERNELS_VEC_H
#define VAE_LIB_KERNELS_VEC_H

#include <math.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define VEC_LANES 16
#define TILE_ROWS 14 /* 14 x 32: 28 accumulators, 2 of B */
#define BACK_ROWS 11 /* of which three make a panel */
#define TILE_VECS 2
typedef __m512 vec;
static inline vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void vec_store(float *p, vec v)
{
    _mm512_storeu_ps(p, v);
}
static inline vec vec_all(float x)
{
    return _mm512_set1_ps(x);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
/* acc + x b with x from memory. As one instruction, which compilers would take apart where x is used twice:
 * with a neighbour on the other half of the core, its decoder is the limit. */
static inline void vec_add_product(vec *acc, const float *x, vec b)
{
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(*acc) : "v"(b), "m"(*x));
}
#define VEC_ADDS_PRODUCTS 1
#elif defined(__AVX2__)
#include <immintrin.h>
#define VEC_LANES 8
#define TILE_ROWS 6 /* 6 x 16: 12 accumulators, 2 of B, 1 of A */
#define BACK_ROWS 6
#define TILE_VECS 2
typedef __m256 vec;
static inline vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline void vec_store(float *p, vec v)
{
    _mm256_storeu_ps(p, v);
}
static inline vec vec_all(float x)
{
    return _mm256_set1_ps(x);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
#elif defined(__ARM_NEON) && defined(__aarch64__) && defined(VAE_SIMD_LOOPS)
#include <arm_neon.h>
#define VEC_LANES 4
#define TILE_ROWS 6 /* 6 x 16: 24 accumulators, 4 of B, 1 of A */
#define BACK_ROWS 6
#define TILE_VECS 4
typedef float32x4_t vec;
static inline vec vec_load(const float *p)
{
    return vld1q_f32(p);
}
static inline void vec_store(float *p, vec v)
{
    vst1q_f32(p, v);
}
static inline vec vec_all(float x)
{
    return vdupq_n_f32(x);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}
#else
#define VEC_LANES 1
#define TILE_ROWS 2
#define BACK_ROWS 2
#define TILE_VECS 4
typedef float vec;
static inline vec vec_load(const float *p)
{
    return *p;
}
static inline void vec_store(float *p, vec v)
{
    *p = v;
}
static inline vec vec_all(float x)
{
    return x;
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return fmaf(a, b, c);
}
#endif

#if !defined(VEC_ADDS_PRODUCTS)
#define VEC_ADDS_PRODUCTS 0
static inline void vec_add_product(vec *acc, const float *x, vec b)
{
    *acc = vec_fma(vec_all(*x), b, *acc);
}
#endif

#define TILE_COLS (VEC_LANES * TILE_VECS)

#endif
