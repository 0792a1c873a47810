/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vae.h
 * libvae: the variational auto-encoder as an embeddable C library. This is its only public header.
 *
 * Section 1 is status and version. Section 2 is stateless functions (KL terms, log-likelihoods, draws,
 * each with its gradient) for a training loop that exists already. Section 3 is the model: an opaque
 * ::vae_model made from a ::vae_config, trained by vae_step(), read by vae_infer() and its short forms.
 * Section 4 is files: saving, loading, and importing weights of other programs.
 *
 * The library needs libc and libm alone.
 *
 * @par Arrays
 * Row-major. A shape [n][d] with a stride `ld*` means: element (i, j) is at `i * ld + j`. A stride counts
 * elements and must be at least the number of columns, else #VAE_ERR_ARG, also for n = 1; the stride of a
 * NULL output is ignored. In the structs of section 3 a stride of 0 is the number of columns. Where no stride
 * is passed, rows are contiguous. Arrays must be aligned to their element. Outputs must overlap neither
 * inputs nor one another, unless a function says otherwise. The caller owns every buffer; none is used after
 * the return.
 *
 * @par Units
 * Every log quantity is in nats and summed over dimensions, one value for each row. `logvar` is the
 * natural log of a variance, not of a standard deviation.
 *
 * @par Errors
 * `int` functions return #VAE_OK or a negative code, with words in vae_last_error(). After an error all
 * outputs are as they were (vae_create(), vae_share(): the handle is NULL) and the model is as it was, except
 * that a failed training pass ends an open gradient: see Training in section 3.
 *
 * @par Threads
 * Section 2 and the functions without a model may be called from any thread at any time. Different models
 * are independent. One model must be used by one thread at a time; vae_share() makes views for more. The
 * words of vae_last_error() and vae_build_info() are in thread-local storage, for which the C library may
 * allocate when a thread first uses it, if the program loaded libvae with dlopen().
 *
 * @par Conduct
 * No call prints, exits, aborts, installs a handler or changes process-wide state (FPU modes, locale,
 * environment). Callbacks must return: an exception or a longjmp() must not pass through the library.
 *
 * @par Structs
 * Every struct that crosses the border begins with `size`, the caller's `sizeof`. Its `vae_*_init` function
 * writes that and all defaults; it must be called first, also for structs that are only written. A field's
 * value is what it says, zero included. `reserved` must be 0, else #VAE_ERR_ABI.
 * @par
 * Later versions only append fields, so that programs and libraries of different versions work together. Of
 * an input struct, fields that an older caller lacks at the end have their defaults (in vae_set_training(),
 * the model's present values), and what a newer caller has beyond the library's struct must be zero, else
 * #VAE_ERR_ABI. Of an output struct `size` alone is read; all other bytes up to `size` are written, with
 * zeros beyond what the library knows; what does not fit is left out.
 * @par
 * A `size` that is smaller than the struct was in version 0.1.0, larger than 65536 or no multiple of 8 is
 * #VAE_ERR_ABI, and nothing is written; an init function then does nothing. The stride of an array of structs
 * is the `size` of its first element, and all elements must have that size. Structs contain no padding:
 * fields are appended in units of 8 bytes, `int32_t`, pointers and `size_t` in pairs.
 *
 * @par Noise
 * Every random number is a function of a key, a stream and the number of its element (vae_random_u32(),
 * vae_normal()), so that results depend neither on how data are cut into calls nor on threads nor on
 * machines. A program can compute the same numbers itself. The stream's number is
 *
 *     stream = purpose << 56 | sample << 40 | step
 *
 * Purposes 1 to 127 are the library's, see ::VAE_STREAM_INIT and those after it; 0 and 128 to 255 are
 * reserved for the application. In training, `step` is vae_steps() and `sample` is the number of the draw. In
 * reading calls, draw s has `sample` s mod 65536 and `step` s / 65536. Latent j of a row has element number
 * `row * z_dim + j`, where row i of a call counts as row first_row + i (::vae_batch), also with an index.
 * @par
 * The key is
 *
 *     key = model seed ^ mix(batch seed)
 *
 *     mix(h):  h ^= h >> 33;  h *= 0xff51afd7ed558ccd;  h ^= h >> 33;  h *= 0xc4ceb9fe1a85ec53;  h ^= h >> 33
 *
 * where mix is MurmurHash3's 64-bit finaliser, and mix(0) = 0. Mixing keeps runs of different seeds apart: by
 * XOR alone, model seed 1 with batch seed 2 would have the same noise as 2 with 1.
 *
 * @since 0.1
 */
#ifndef VAE_VAE_H
#define VAE_VAE_H

#include <stddef.h>
#include <stdint.h>

/** Major version of this header; vae_version() returns the library's. @since 0.1 */
#define VAE_VERSION_MAJOR 0
/** Minor version of this header. @since 0.1 */
#define VAE_VERSION_MINOR 1
/** Patch level of this header. @since 0.1 */
#define VAE_VERSION_PATCH 0
/** The three numbers as "major.minor.patch". @since 0.1 */
#define VAE_VERSION_STRING "0.1.0"

/** Marks what the shared library exports. @since 0.1 */
#if defined(__GNUC__)
#define VAE_API __attribute__((visibility("default")))
#else
#define VAE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. status and version ----------------------------------------------------------------------------- */

/**
 * @defgroup status 1. Status and version
 * @{
 */

/** Return codes of `int` functions. Codes are never reused. @since 0.1 */
enum {
    VAE_OK = 0,               /**< done */
    VAE_ERR_ARG = -1,         /**< an argument is NULL, out of range or inconsistent with another argument */
    VAE_ERR_NOMEM = -2,       /**< the allocator returned NULL, or a size does not fit `size_t` */
    VAE_ERR_ABI = -3,         /**< a struct of impossible `size` (was its init function called?), or with a
                               *   field set that this library lacks */
    VAE_ERR_NONFINITE = -4,   /**< training met a NaN, an infinity or an overflow; nothing is updated */
    VAE_ERR_FORMAT = -5,      /**< a file is not what it should be: malformed, or of another model */
    VAE_ERR_IO = -6,          /**< a file or a stream cannot be read or written */
    VAE_ERR_STATE = -7,       /**< invalid in the current state: on a view, on an inference-only model, or
                               *   before a required call */
    VAE_ERR_UNSUPPORTED = -8, /**< recognised, but not available in this version, in this build or on this
                               *   machine */
    VAE_ERR_DATA = -9         /**< in training: a value that its column's likelihood does not take */
};

/**
 * Returns a status code in words.
 *
 * @param status  any number
 * @return a static string, never NULL; "unknown status" for a number that is no code
 * @since 0.1
 */
VAE_API const char *vae_strerror(int status);

/**
 * Returns the calling thread's last failure in words, naming the argument and its limit.
 *
 * @return a string of at most 255 characters in storage of the calling thread: empty before the first
 *         failure, valid until this thread's next failing call, untouched by calls that succeed; never
 *         NULL
 * @since 0.1
 */
VAE_API const char *vae_last_error(void);

/**
 * Returns the version of the library that is linked.
 *
 * @return major << 16 | minor << 8 | patch
 * @since 0.1
 */
VAE_API unsigned vae_version(void);

/**
 * Describes how the library was built and what it chose on this machine.
 *
 * @return a string such as "0.1.0 isa=avx512 gemm=native blas=none": the version, then `key=value` pairs
 *         separated by single spaces; more pairs may follow in later versions. `isa` is the instruction set
 *         in use (the environment variable VAE_CPU lowers it: scalar, avx2, avx512, neon). `blas` is always
 *         none: a program may pass a CBLAS of its own in vae_runtime.sgemm. In storage of the calling
 *         thread, valid as long as the thread; never NULL
 * @since 0.1
 */
VAE_API const char *vae_build_info(void);

/** @} */

/* ---- 2. kernels ---------------------------------------------------------------------------------------- */

/**
 * @defgroup kernels 2. Kernels
 * Stateless functions: no model, no allocation, no locks, safe from any thread at any time. The same bits
 * on every instruction set and machine; NaNs count as equal, for their signs and payloads may differ.
 *
 * Arguments are validated; element values are not: NaN in gives NaN out, what is too large becomes an
 * infinity, finite inputs never give NaN, infinite inputs give the limit where there is one and NaN where
 * there is none. float32 functions compute in float64 and round once; their float64 twins compute in
 * double-double.
 *
 * With n = 0 nothing is read or written and pointers may be NULL. With d = 0 each row's sum is 0.
 *
 * Functions named `*_grad` ADD w[i] times row i's derivative to each gradient output, NULL to skip; the
 * caller must clear gradient buffers before the first call. `w` is [n] upstream weights, NULL for ones. They
 * also compute the value, if `value` ([n]) is not NULL: it is overwritten, and not multiplied by w.
 *
 * Weights or masks for each element are a matter of shape: pass n d rows of d = 1, with w of n d elements.
 * Likelihoods with a location (Gaussian, Laplace) depend on x - mean alone, so that the derivative with
 * respect to x is minus the one with respect to the mean: gx = -gmean.
 *
 * Errors, unless a function says more: #VAE_ERR_ARG for a required pointer that is NULL and for a stride
 * that is smaller than the number of columns. Every function except vae_kl_gauss_work(), vae_random_u32()
 * and vae_permutation() has a float64 twin of the same order of arguments, NAME_f64.
 * @{
 */

/**
 * Computes the KL divergence of a diagonal Gaussian from the standard normal,
 * KL(N(mu, diag exp(logvar)) || N(0, I)):
 *
 *     kl[i] = 1/2 sum_j (mu[i][j]^2 + exp(logvar[i][j]) - 1 - logvar[i][j])    [nats, >= 0]
 *
 * Kingma & Welling, arXiv:1312.6114, appendix B, with the opposite sign (the bound subtracts it);
 * equation (8) of docs/derivation.md. Computed as (mu^2 + g(logvar)) / 2 with g(v) = expm1(v) - v >= 0:
 * evaluated as written, the formula loses all precision near logvar = 0.
 *
 * @param n              rows
 * @param d              latent dimensions
 * @param mu,logvar      [n][d] means and log-variances
 * @param ldmu,ldlogvar  their row strides
 * @param kl             [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_kl_diag_gauss(
    size_t n, size_t d, const float *mu, size_t ldmu, const float *logvar, size_t ldlogvar, float *kl);

/**
 * Adds the gradients of vae_kl_diag_gauss():
 *
 *     gmu[i][j]     += w[i] mu[i][j]
 *     glogvar[i][j] += w[i] expm1(logvar[i][j]) / 2
 *
 * @param n,d              rows, latent dimensions
 * @param mu,logvar        [n][d] means and log-variances
 * @param ldmu,ldlogvar    their row strides
 * @param w                [n] upstream weights, NULL for ones
 * @param value            [n] the divergence itself; NULL to skip
 * @param gmu,glogvar      [n][d] added to; NULL to skip
 * @param ldgmu,ldglogvar  their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_kl_diag_gauss_grad(size_t n, size_t d, const float *mu, size_t ldmu, const float *logvar,
    size_t ldlogvar, const float *w, float *value, float *gmu, size_t ldgmu, float *glogvar,
    size_t ldglogvar);

/**
 * Computes the KL divergence between two diagonal Gaussians, KL(q || p), as for a learned or conditional
 * prior:
 *
 *     kl[i] = 1/2 sum_j (t^2 + exp(D) - 1 - D)    [nats, >= 0]
 *     with D = logvar_q - logvar_p and t = (mu_q - mu_p) exp(-logvar_p / 2)
 *
 * This is the general form of Kingma & Welling, arXiv:1312.6114, appendix B; vae_kl_diag_gauss() is the case
 * mu_p = 0, logvar_p = 0. Both terms are >= 0.
 *
 * @param n,d                  rows, latent dimensions
 * @param mu_q,logvar_q        [n][d] the first Gaussian
 * @param ldmu_q,ldlogvar_q    their row strides
 * @param mu_p,logvar_p        [n][d] the second one
 * @param ldmu_p,ldlogvar_p    their row strides
 * @param kl                   [n] output, nats
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_kl_diag_gauss_pair(size_t n, size_t d, const float *mu_q, size_t ldmu_q,
    const float *logvar_q, size_t ldlogvar_q, const float *mu_p, size_t ldmu_p, const float *logvar_p,
    size_t ldlogvar_p, float *kl);

/**
 * Adds the gradients of vae_kl_diag_gauss_pair(), with D and t as there:
 *
 *     gmu_q += w t exp(-logvar_p / 2)      glogvar_q += w expm1(D) / 2
 *     gmu_p -= w t exp(-logvar_p / 2)      glogvar_p -= w (expm1(D) + t^2) / 2
 *
 * @param n,d                    rows, latent dimensions
 * @param mu_q,logvar_q          [n][d] the first Gaussian
 * @param ldmu_q,ldlogvar_q      their row strides
 * @param mu_p,logvar_p          [n][d] the second one
 * @param ldmu_p,ldlogvar_p      their row strides
 * @param w                      [n] upstream weights, NULL for ones
 * @param value                  [n] the divergence itself; NULL to skip
 * @param gmu_q,glogvar_q        [n][d] added to; NULL to skip
 * @param ldgmu_q,ldglogvar_q    their row strides
 * @param gmu_p,glogvar_p        [n][d] added to; NULL to skip
 * @param ldgmu_p,ldglogvar_p    their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_kl_diag_gauss_pair_grad(size_t n, size_t d, const float *mu_q, size_t ldmu_q,
    const float *logvar_q, size_t ldlogvar_q, const float *mu_p, size_t ldmu_p, const float *logvar_p,
    size_t ldlogvar_p, const float *w, float *value, float *gmu_q, size_t ldgmu_q, float *glogvar_q,
    size_t ldglogvar_q, float *gmu_p, size_t ldgmu_p, float *glogvar_p, size_t ldglogvar_p);

/**
 * Returns the bytes of scratch that vae_kl_gauss(), vae_kl_gauss_grad() and their float64 twins need.
 *
 * @param d  dimensions
 * @return the number of bytes, enough for either precision; grows as d^2; SIZE_MAX where it does not fit
 *         `size_t`
 * @since 0.1
 */
VAE_API size_t vae_kl_gauss_work(size_t d);

/**
 * Computes the KL divergence between two Gaussians of full covariance, given by their Cholesky factors, for
 * one pair:
 *
 *     KL(N(mu_q, Lq Lq') || N(mu_p, Lp Lp'))
 *       = 1/2 (|Lp^-1 Lq|_F^2 - d + |Lp^-1 (mu_q - mu_p)|^2) + sum_i log(Lp[i][i] / Lq[i][i])    [nats, >= 0]
 *
 * Computed from N = Lp^-1 (Lq - Lp), so that near pairs lose no precision.
 *
 * @param d              dimensions; 0 gives 0
 * @param mu_q,mu_p      [d] means
 * @param chol_q,chol_p  [d][d] lower Cholesky factors; elements above the diagonal are ignored
 * @param ldq,ldp        their row strides
 * @param work           scratch of any content and alignment; overwritten
 * @param work_size      its bytes, at least vae_kl_gauss_work(d)
 * @param kl             [1] output
 * @return #VAE_OK or #VAE_ERR_ARG, also for a diagonal entry that is <= 0 and for too small a work_size
 * @since 0.1
 */
VAE_API int vae_kl_gauss(size_t d, const float *mu_q, const float *chol_q, size_t ldq, const float *mu_p,
    const float *chol_p, size_t ldp, void *work, size_t work_size, float *kl);

/**
 * Adds the gradients of vae_kl_gauss() with respect to both means and to both factors' lower triangles:
 *
 *     gmu_q   += w Lp^-T y,  gmu_p -= the same,            y = Lp^-1 (mu_q - mu_p)
 *     gchol_q += w (tril(Lp^-T (I + N)) - diag(1 / Lq[i][i]))
 *     gchol_p -= w tril(Lp^-T (N + N' + N N' + y y'))
 *
 * @param d              dimensions
 * @param mu_q,mu_p      [d] means
 * @param chol_q,chol_p  [d][d] lower Cholesky factors; elements above the diagonal are ignored
 * @param ldq,ldp        their row strides
 * @param work           scratch of any content and alignment; overwritten
 * @param work_size      its bytes, at least vae_kl_gauss_work(d)
 * @param w              upstream weight
 * @param value          [1] the divergence itself; NULL to skip
 * @param gmu_q,gmu_p    [d] added to; NULL to skip
 * @param gchol_q,gchol_p  [d][d] lower triangles added to, the rest untouched; NULL to skip
 * @param ldgq,ldgp      their row strides
 * @return #VAE_OK or #VAE_ERR_ARG, also for a diagonal entry that is <= 0 and for too small a work_size
 * @since 0.1
 */
VAE_API int vae_kl_gauss_grad(size_t d, const float *mu_q, const float *chol_q, size_t ldq, const float *mu_p,
    const float *chol_p, size_t ldp, void *work, size_t work_size, float w, float *value, float *gmu_q,
    float *gchol_q, size_t ldgq, float *gmu_p, float *gchol_p, size_t ldgp);

/**
 * Computes the reparameterised draw, z = mu + exp(logvar / 2) eps: a draw from N(mu, diag exp(logvar)) if
 * eps is standard normals (vae_normal()). Kingma & Welling, arXiv:1312.6114, section 2.4 and equation (10).
 *
 * @param n,d               rows, latent dimensions
 * @param mu,logvar         [n][d] means and log-variances
 * @param ldmu,ldlogvar     their row strides
 * @param eps               [n][d] the noise
 * @param ldeps             its row stride
 * @param z                 [n][d] output; may be eps itself, with the same stride
 * @param ldz               its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_reparam(size_t n, size_t d, const float *mu, size_t ldmu, const float *logvar,
    size_t ldlogvar, const float *eps, size_t ldeps, float *z, size_t ldz);

/**
 * Propagates a gradient with respect to z back through vae_reparam():
 *
 *     gmu += gz      glogvar += gz eps exp(logvar / 2) / 2
 *
 * @param n,d              rows, latent dimensions
 * @param logvar,eps       [n][d] as they were in the draw
 * @param ldlogvar,ldeps   their row strides
 * @param gz               [n][d] the gradient with respect to z
 * @param ldgz             its row stride
 * @param gmu,glogvar      [n][d] added to; NULL to skip
 * @param ldgmu,ldglogvar  their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_reparam_grad(size_t n, size_t d, const float *logvar, size_t ldlogvar, const float *eps,
    size_t ldeps, const float *gz, size_t ldgz, float *gmu, size_t ldgmu, float *glogvar, size_t ldglogvar);

/**
 * Purposes of streams, see Noise above. @since 0.1
 */
enum {
    VAE_STREAM_INIT = 1,     /**< initial parameters, element: their canonical number; sample 0, step 0 */
    VAE_STREAM_TRAIN = 2,    /**< normals of z in training, element row * z_dim + j */
    VAE_STREAM_EVALUATE = 3, /**< normals of z from q(z|x) in reading calls, element row * z_dim + j */
    VAE_STREAM_PRIOR = 4,    /**< normals of z from the prior in reading calls, element row * z_dim + j */
    VAE_STREAM_BINARISE = 5, /**< for programs that binarise grey values with vae_bernoulli() */
    /** vae_outputs.x_draw, element row * x_dim + j; attempt t of a draw by rejection has step t */
    VAE_STREAM_OBSERVE = 6,
    /** Dropout, element row * W + the unit's number among the model's W units behind dropout layers; sample:
     *  the draw, 0 in the encoder; not used yet */
    VAE_STREAM_DROPOUT = 7,
    /** The component k that a draw from a prior with components takes, element row: the first one of which
     *  the weights up to k add up to more than (word + 1/2) / 2^32. Sample and step are those of the draw */
    VAE_STREAM_MIXTURE = 8,
    VAE_STREAM_SHUFFLE = 9 /**< for programs that shuffle with vae_permutation() */
};

/**
 * Draws standard normals by address: element i of the call is element offset + i of stream (seed, stream),
 * however the elements are cut into calls. The bits never change within a SONAME.
 *
 * Words come from vae_random_u32(); element e = 64 g + 16 q + l uses two words of block 16 g + l, those
 * numbered 0 and 1 for q = 0, 1 and those numbered 2 and 3 for q = 2, 3, through Box & Muller (1958): of
 * the pair (a, b), u = fma(a, 2^-32, 2^-33) in float32 with a rounded to float32 first, r = sqrt(-2 ln u),
 * t = pi b / 2^31 with b read as a signed number; r cos t for even q, r sin t for odd q. The largest
 * magnitude is 6.76.
 *
 * @param seed    key
 * @param stream  stream of that key; those of a model are listed under Noise above
 * @param offset  number of the first element; the one after 2^64 - 1 is 0
 * @param n       elements
 * @param out     [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_normal(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, float *out);

/**
 * Draws uniform 32-bit words by address, as vae_normal(): element e = 64 g + 16 q + l is word q of the
 * Philox4x32-10 block with counter (16 g + l, stream) and key seed, each a 64-bit number, low half first.
 * Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 *
 * @param seed    key
 * @param stream  upper half of the counter
 * @param offset  number of the first element
 * @param n       elements
 * @param out     [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_random_u32(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, uint32_t *out);

/**
 * Draws from Bernoulli distributions: x[i] = 1 with probability p[i], else 0. It is 1 if word offset + i of
 * stream (seed, stream) is below p[i] 2^32. Dynamic binarisation of grey images is one call for each
 * pass over the data.
 *
 * @param seed,stream,offset  as in vae_random_u32()
 * @param n                   elements
 * @param p                   [n] probabilities; <= 0 always gives 0, >= 1 always 1, NaN gives NaN
 * @param x                   [n] output; may be p itself
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_bernoulli(
    uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *p, float *x);

/**
 * Draws a random order of the numbers 0 to n - 1, by the method of Fisher & Yates from the top: beginning
 * with out[i] = i, for i = n - 1, ..., 1 it swaps out[i] and out[j],
 *
 *     j = (word[n - 1 - i] * (i + 1)) >> 32    in 64-bit arithmetic
 *
 * with the words of stream (seed, stream), elements 0 to n - 2: see vae_random_u32(). An epoch in random
 * order is one call and steps on vae_batch.index = out, out + max_batch, ...
 *
 * @param seed    key
 * @param stream  stream of that key, for instance (uint64_t)VAE_STREAM_SHUFFLE << 56 | epoch
 * @param n       elements, at most 2^32
 * @param out     [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_permutation(uint64_t seed, uint64_t stream, size_t n, uint32_t *out);

/**
 * Computes the Bernoulli log-likelihood on logits, p = sigmoid(l):
 *
 *     loglik[i] = sum_j x log p + (1 - x) log(1 - p) = sum_j x l - softplus(l)    [nats, <= 0 for x in 0..1]
 *
 * Kingma & Welling, arXiv:1312.6114, appendix C.1, equation (11). Targets may be between 0 and 1
 * (grey values).
 *
 * @param n,d           rows, dimensions
 * @param x             [n][d] targets, 0 to 1
 * @param ldx           its row stride
 * @param logits        [n][d] log(p / (1 - p))
 * @param ldlogits      its row stride
 * @param loglik        [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_bernoulli(
    size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits, float *loglik);

/**
 * Adds the gradient of vae_loglik_bernoulli(): glogits[i][j] += w[i] (x - sigmoid(l)).
 *
 * @param n,d           rows, dimensions
 * @param x,logits      [n][d] targets and logits
 * @param ldx,ldlogits  their row strides
 * @param w             [n] upstream weights, NULL for ones
 * @param value         [n] the log-likelihood itself; NULL to skip
 * @param glogits       [n][d] added to; NULL to skip
 * @param ldglogits     its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_bernoulli_grad(size_t n, size_t d, const float *x, size_t ldx, const float *logits,
    size_t ldlogits, const float *w, float *value, float *glogits, size_t ldglogits);

/**
 * Computes the Gaussian log-likelihood of a diagonal covariance:
 *
 *     loglik[i] = -1/2 sum_j (log 2 pi + logvar + (x - mean)^2 exp(-logvar))    [nats]
 *
 * Kingma & Welling, arXiv:1312.6114, appendix C.2, equation (12). The constant is included. With means and
 * log-variances of q(z|x) and x = z it is log q(z|x), whose derivative with respect to z is minus that with
 * respect to the mean: d log N(z; m, v) / dz = -d log N(z; m, v) / dm.
 *
 * @param n,d           rows, dimensions
 * @param x             [n][d] targets
 * @param ldx           its row stride
 * @param mean,logvar   [n][d] means and log-variances
 * @param ldmean,ldlogvar  their row strides
 * @param loglik        [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_gauss(size_t n, size_t d, const float *x, size_t ldx, const float *mean, size_t ldmean,
    const float *logvar, size_t ldlogvar, float *loglik);

/**
 * Adds the gradients of vae_loglik_gauss():
 *
 *     gmean += w (x - mean) exp(-logvar)      glogvar += w ((x - mean)^2 exp(-logvar) - 1) / 2
 *
 * @param n,d                    rows, dimensions
 * @param x,mean,logvar          [n][d] targets, means and log-variances
 * @param ldx,ldmean,ldlogvar    their row strides
 * @param w                      [n] upstream weights, NULL for ones
 * @param value                  [n] the log-likelihood itself; NULL to skip
 * @param gmean,glogvar          [n][d] added to; NULL to skip
 * @param ldgmean,ldglogvar      their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_gauss_grad(size_t n, size_t d, const float *x, size_t ldx, const float *mean,
    size_t ldmean, const float *logvar, size_t ldlogvar, const float *w, float *value, float *gmean,
    size_t ldgmean, float *glogvar, size_t ldglogvar);

/**
 * Computes the log-density of the standard normal, N(0, I):
 *
 *     loglik[i] = -1/2 sum_j (log 2 pi + z^2)    [nats]
 *
 * The constant is included. It is the prior's log p(z), and log q(z|x) + 1/2 sum_j logvar at a draw's noise:
 * with vae_loglik_gauss(), the terms of importance weights and of Monte Carlo divergences. Kingma & Welling,
 * arXiv:1312.6114, appendix B. Equal to vae_loglik_gauss() with means and log-variances 0, and quicker.
 *
 * @param n,d     rows, dimensions
 * @param z       [n][d] points
 * @param ldz     its row stride
 * @param loglik  [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_std_normal(size_t n, size_t d, const float *z, size_t ldz, float *loglik);

/**
 * Adds the gradient of vae_loglik_std_normal():
 *
 *     gz -= w z
 *
 * @param n,d    rows, dimensions
 * @param z      [n][d] points
 * @param ldz    its row stride
 * @param w      [n] upstream weights, NULL for ones
 * @param value  [n] the log-density itself; NULL to skip
 * @param gz     [n][d] added to; NULL to skip
 * @param ldgz   its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_std_normal_grad(
    size_t n, size_t d, const float *z, size_t ldz, const float *w, float *value, float *gz, size_t ldgz);

/**
 * Computes the Laplace log-likelihood, of scale b = exp(logscale):
 *
 *     loglik[i] = -sum_j (log 2 + logscale + |x - mean| exp(-logscale))    [nats]
 *
 * @param n,d                    rows, dimensions
 * @param x,mean,logscale        [n][d] targets, centres and logs of the scale
 * @param ldx,ldmean,ldlogscale  their row strides
 * @param loglik                 [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_laplace(size_t n, size_t d, const float *x, size_t ldx, const float *mean,
    size_t ldmean, const float *logscale, size_t ldlogscale, float *loglik);

/**
 * Adds the gradients of vae_loglik_laplace():
 *
 *     gmean += w sign(x - mean) exp(-logscale), 0 at x = mean
 *     glogscale += w (|x - mean| exp(-logscale) - 1)
 *
 * @param n,d                    rows, dimensions
 * @param x,mean,logscale        [n][d] targets, centres and logs of the scale
 * @param ldx,ldmean,ldlogscale  their row strides
 * @param w                      [n] upstream weights, NULL for ones
 * @param value                  [n] the log-likelihood itself; NULL to skip
 * @param gmean,glogscale        [n][d] added to; NULL to skip
 * @param ldgmean,ldglogscale    their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_laplace_grad(size_t n, size_t d, const float *x, size_t ldx, const float *mean,
    size_t ldmean, const float *logscale, size_t ldlogscale, const float *w, float *value, float *gmean,
    size_t ldgmean, float *glogscale, size_t ldglogscale);

/**
 * Computes the Poisson log-likelihood of counts, of rate exp(lograte):
 *
 *     loglik[i] = sum_j x lograte - exp(lograte) - log x!    [nats, <= 0]
 *
 * Computed in the saddle-point form of Loader, "Fast and accurate computation of binomial probabilities"
 * (2000): all terms of one sign.
 *
 * @param n,d             rows, dimensions
 * @param x               [n][d] counts: whole numbers >= 0 (to 2^24 in float32)
 * @param ldx             its row stride
 * @param lograte         [n][d] natural logs of the rate
 * @param ldlograte       its row stride
 * @param loglik          [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_poisson(
    size_t n, size_t d, const float *x, size_t ldx, const float *lograte, size_t ldlograte, float *loglik);

/**
 * Adds the gradient of vae_loglik_poisson(): glograte[i][j] += w[i] (x - exp(lograte)).
 *
 * @param n,d            rows, dimensions
 * @param x,lograte      [n][d] counts and logs of the rate
 * @param ldx,ldlograte  their row strides
 * @param w              [n] upstream weights, NULL for ones
 * @param value          [n] the log-likelihood itself; NULL to skip
 * @param glograte       [n][d] added to; NULL to skip
 * @param ldglograte     its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_poisson_grad(size_t n, size_t d, const float *x, size_t ldx, const float *lograte,
    size_t ldlograte, const float *w, float *value, float *glograte, size_t ldglograte);

/**
 * Computes the continuous Bernoulli log-likelihood on logits, a density on [0, 1]:
 *
 *     loglik[i] = sum_j x l - softplus(l) + log C(l),    C(l) = l / tanh(l / 2), 2 at l = 0    [nats]
 *
 * Loaiza-Ganem & Cunningham, "The continuous Bernoulli", 2019, arXiv:1907.06845.
 *
 * @param n,d           rows, dimensions
 * @param x             [n][d] targets, 0 to 1
 * @param ldx           its row stride
 * @param logits        [n][d] log(lambda / (1 - lambda))
 * @param ldlogits      its row stride
 * @param loglik        [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_cbernoulli(
    size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits, float *loglik);

/**
 * Adds the gradient of vae_loglik_cbernoulli(), m being the distribution's mean:
 *
 *     glogits[i][j] += w[i] (x - m(l))
 *
 * @param n,d           rows, dimensions
 * @param x,logits      [n][d] targets and logits
 * @param ldx,ldlogits  their row strides
 * @param w             [n] upstream weights, NULL for ones
 * @param value         [n] the log-likelihood itself; NULL to skip
 * @param glogits       [n][d] added to; NULL to skip
 * @param ldglogits     its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_cbernoulli_grad(size_t n, size_t d, const float *x, size_t ldx, const float *logits,
    size_t ldlogits, const float *w, float *value, float *glogits, size_t ldglogits);

/**
 * Computes the categorical log-likelihood of one label for each row:
 *
 *     loglik[i] = log softmax(logits[i])[label[i]]    [nats, <= 0]
 *
 * @param n         rows
 * @param k         classes, at least 1 unless n is 0
 * @param label     [n] labels, 0 to k - 1
 * @param logits    [n][k] unnormalised log-probabilities
 * @param ldlogits  its row stride
 * @param loglik    [n] output
 * @return #VAE_OK or #VAE_ERR_ARG, also for a label that is out of range
 * @since 0.1
 */
VAE_API int vae_loglik_categorical(
    size_t n, size_t k, const uint32_t *label, const float *logits, size_t ldlogits, float *loglik);

/**
 * Adds the gradient of vae_loglik_categorical():
 *
 *     glogits[i][c] += w[i] ((c == label[i]) - softmax(logits[i])[c])
 *
 * @param n,k        rows, classes
 * @param label      [n] labels, 0 to k - 1
 * @param logits     [n][k] unnormalised log-probabilities
 * @param ldlogits   its row stride
 * @param w          [n] upstream weights, NULL for ones
 * @param value      [n] the log-likelihood itself; NULL to skip
 * @param glogits    [n][k] added to; NULL to skip
 * @param ldglogits  its row stride
 * @return #VAE_OK or #VAE_ERR_ARG, also for a label that is out of range
 * @since 0.1
 */
VAE_API int vae_loglik_categorical_grad(size_t n, size_t k, const uint32_t *label, const float *logits,
    size_t ldlogits, const float *w, float *value, float *glogits, size_t ldglogits);

/**
 * Computes the log of a mean of exponentials, and its derivatives, the normalised weights:
 *
 *     lme[i] = log(1/k sum_j exp(logw[i][j]))    [nats]
 *     weights[i][j] = exp(logw[i][j]) / sum_c exp(logw[i][c])
 *
 * With logw = log p(x, z_j) - log q(z_j | x) this is the importance-weighted bound of Burda, Grosse &
 * Salakhutdinov, arXiv:1509.00519, section 3, and the weights are its gradient with respect to logw.
 *
 * @param n          rows
 * @param k          samples, at least 1 unless n is 0
 * @param logw       [n][k] log-weights
 * @param ldlogw     its row stride
 * @param lme        [n] output
 * @param weights    [n][k] output, overwritten; NULL to skip
 * @param ldweights  its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_logmeanexp(
    size_t n, size_t k, const float *logw, size_t ldlogw, float *lme, float *weights, size_t ldweights);

/**
 * @name float64 twins
 * Each is the function of the same name without `_f64`, in float64: the same arguments in the same order,
 * the same formulas, domains and errors; scratch for the full-covariance ones is vae_kl_gauss_work()
 * bytes. vae_normal_f64() has a numbering of its own, 32 elements to a group: element 32 g + 16 q + l is
 * normal q of block 16 g + l, a and b being 64-bit numbers of two words each, low word first, and
 * u = (a + 1/2) / 2^64; the largest magnitude is 9.5.
 * @{
 */
/** float64 twin of vae_kl_diag_gauss(). @since 0.1 */
VAE_API int vae_kl_diag_gauss_f64(
    size_t n, size_t d, const double *mu, size_t ldmu, const double *logvar, size_t ldlogvar, double *kl);
/** float64 twin of vae_kl_diag_gauss_grad(). @since 0.1 */
VAE_API int vae_kl_diag_gauss_grad_f64(size_t n, size_t d, const double *mu, size_t ldmu,
    const double *logvar, size_t ldlogvar, const double *w, double *value, double *gmu, size_t ldgmu,
    double *glogvar, size_t ldglogvar);
/** float64 twin of vae_kl_diag_gauss_pair(). @since 0.1 */
VAE_API int vae_kl_diag_gauss_pair_f64(size_t n, size_t d, const double *mu_q, size_t ldmu_q,
    const double *logvar_q, size_t ldlogvar_q, const double *mu_p, size_t ldmu_p, const double *logvar_p,
    size_t ldlogvar_p, double *kl);
/** float64 twin of vae_kl_diag_gauss_pair_grad(). @since 0.1 */
VAE_API int vae_kl_diag_gauss_pair_grad_f64(size_t n, size_t d, const double *mu_q, size_t ldmu_q,
    const double *logvar_q, size_t ldlogvar_q, const double *mu_p, size_t ldmu_p, const double *logvar_p,
    size_t ldlogvar_p, const double *w, double *value, double *gmu_q, size_t ldgmu_q, double *glogvar_q,
    size_t ldglogvar_q, double *gmu_p, size_t ldgmu_p, double *glogvar_p, size_t ldglogvar_p);
/** float64 twin of vae_kl_gauss(). @since 0.1 */
VAE_API int vae_kl_gauss_f64(size_t d, const double *mu_q, const double *chol_q, size_t ldq,
    const double *mu_p, const double *chol_p, size_t ldp, void *work, size_t work_size, double *kl);
/** float64 twin of vae_kl_gauss_grad(). @since 0.1 */
VAE_API int vae_kl_gauss_grad_f64(size_t d, const double *mu_q, const double *chol_q, size_t ldq,
    const double *mu_p, const double *chol_p, size_t ldp, void *work, size_t work_size, double w,
    double *value, double *gmu_q, double *gchol_q, size_t ldgq, double *gmu_p, double *gchol_p, size_t ldgp);
/** float64 twin of vae_reparam(). @since 0.1 */
VAE_API int vae_reparam_f64(size_t n, size_t d, const double *mu, size_t ldmu, const double *logvar,
    size_t ldlogvar, const double *eps, size_t ldeps, double *z, size_t ldz);
/** float64 twin of vae_reparam_grad(). @since 0.1 */
VAE_API int vae_reparam_grad_f64(size_t n, size_t d, const double *logvar, size_t ldlogvar, const double *eps,
    size_t ldeps, const double *gz, size_t ldgz, double *gmu, size_t ldgmu, double *glogvar,
    size_t ldglogvar);
/** float64 twin of vae_normal(). @since 0.1 */
VAE_API int vae_normal_f64(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, double *out);
/** float64 twin of vae_loglik_bernoulli(). @since 0.1 */
VAE_API int vae_loglik_bernoulli_f64(
    size_t n, size_t d, const double *x, size_t ldx, const double *logits, size_t ldlogits, double *loglik);
/** float64 twin of vae_loglik_bernoulli_grad(). @since 0.1 */
VAE_API int vae_loglik_bernoulli_grad_f64(size_t n, size_t d, const double *x, size_t ldx,
    const double *logits, size_t ldlogits, const double *w, double *value, double *glogits, size_t ldglogits);
/** float64 twin of vae_loglik_gauss(). @since 0.1 */
VAE_API int vae_loglik_gauss_f64(size_t n, size_t d, const double *x, size_t ldx, const double *mean,
    size_t ldmean, const double *logvar, size_t ldlogvar, double *loglik);
/** float64 twin of vae_loglik_gauss_grad(). @since 0.1 */
VAE_API int vae_loglik_gauss_grad_f64(size_t n, size_t d, const double *x, size_t ldx, const double *mean,
    size_t ldmean, const double *logvar, size_t ldlogvar, const double *w, double *value, double *gmean,
    size_t ldgmean, double *glogvar, size_t ldglogvar);
/** float64 twin of vae_loglik_std_normal(). @since 0.1 */
VAE_API int vae_loglik_std_normal_f64(size_t n, size_t d, const double *z, size_t ldz, double *loglik);
/** float64 twin of vae_loglik_std_normal_grad(). @since 0.1 */
VAE_API int vae_loglik_std_normal_grad_f64(
    size_t n, size_t d, const double *z, size_t ldz, const double *w, double *value, double *gz, size_t ldgz);
/** float64 twin of vae_loglik_laplace(). @since 0.1 */
VAE_API int vae_loglik_laplace_f64(size_t n, size_t d, const double *x, size_t ldx, const double *mean,
    size_t ldmean, const double *logscale, size_t ldlogscale, double *loglik);
/** float64 twin of vae_loglik_laplace_grad(). @since 0.1 */
VAE_API int vae_loglik_laplace_grad_f64(size_t n, size_t d, const double *x, size_t ldx, const double *mean,
    size_t ldmean, const double *logscale, size_t ldlogscale, const double *w, double *value, double *gmean,
    size_t ldgmean, double *glogscale, size_t ldglogscale);
/** float64 twin of vae_loglik_poisson(). @since 0.1 */
VAE_API int vae_loglik_poisson_f64(
    size_t n, size_t d, const double *x, size_t ldx, const double *lograte, size_t ldlograte, double *loglik);
/** float64 twin of vae_loglik_poisson_grad(). @since 0.1 */
VAE_API int vae_loglik_poisson_grad_f64(size_t n, size_t d, const double *x, size_t ldx,
    const double *lograte, size_t ldlograte, const double *w, double *value, double *glograte,
    size_t ldglograte);
/** float64 twin of vae_loglik_cbernoulli(). @since 0.1 */
VAE_API int vae_loglik_cbernoulli_f64(
    size_t n, size_t d, const double *x, size_t ldx, const double *logits, size_t ldlogits, double *loglik);
/** float64 twin of vae_loglik_cbernoulli_grad(). @since 0.1 */
VAE_API int vae_loglik_cbernoulli_grad_f64(size_t n, size_t d, const double *x, size_t ldx,
    const double *logits, size_t ldlogits, const double *w, double *value, double *glogits, size_t ldglogits);
/** float64 twin of vae_loglik_categorical(). @since 0.1 */
VAE_API int vae_loglik_categorical_f64(
    size_t n, size_t k, const uint32_t *label, const double *logits, size_t ldlogits, double *loglik);
/** float64 twin of vae_loglik_categorical_grad(). @since 0.1 */
VAE_API int vae_loglik_categorical_grad_f64(size_t n, size_t k, const uint32_t *label, const double *logits,
    size_t ldlogits, const double *w, double *value, double *glogits, size_t ldglogits);
/** float64 twin of vae_logmeanexp(). @since 0.1 */
VAE_API int vae_logmeanexp_f64(
    size_t n, size_t k, const double *logw, size_t ldlogw, double *lme, double *weights, size_t ldweights);
/** float64 twin of vae_bernoulli(). @since 0.1 */
VAE_API int vae_bernoulli_f64(
    uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const double *p, double *x);
/** @} */

/** @} */

/* ---- 3. model ------------------------------------------------------------------------------------------ */

/**
 * @defgroup model 3. Model
 * An encoder q(z|x) = N(mu(x), diag exp(logvar(x))), a decoder p(x|z) and a prior p(z), trained by
 * stochastic gradient ascent on the evidence lower bound (ELBO) of Kingma & Welling, arXiv:1312.6114:
 *
 *     log p(x) >= ELBO(x) = E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z))    [nats]
 *
 * or on a tighter bound, see ::vae_training. A ::vae_config says what the model is, a ::vae_training how it
 * is trained, a ::vae_runtime where and how it runs.
 *
 * @par Memory
 * vae_create(), vae_share() and the loads of section 4 take a model's memory by exactly one allocation, whose
 * size vae_footprint() tells. Saving, loading, importing and vae_set_metadata() need more memory, from the
 * same allocator; all of it but the metadata is freed before the call returns. No other call allocates.
 *
 * @par Equal bits
 * With the library's own matrix product, a run is a function of configuration, training, data and the order
 * of calls: the same bits on every instruction set and machine, with any number of threads, in chunks of
 * any size. NaNs count as equal: their signs and payloads may differ.
 *
 * @par Threads
 * One model must be used by one thread at a time, also by calls that take a `const vae_model *`.
 *
 * @par Support in this version
 * Structs and enumerators declare more than version 0.1.0 serves: a value whose comment says "not served yet"
 * is #VAE_ERR_UNSUPPORTED. It serves dense and gated layers with every activation; the likelihoods
 * #VAE_BERNOULLI, #VAE_GAUSS, #VAE_LAPLACE, #VAE_POISSON and #VAE_CBERNOULLI, mixed in spans; scales from the
 * decoder, one for each span, or fixed; all priors, objectives, estimators and optimizers.
 * @{
 */

/** A model or a view of one: opaque, made by vae_create() or vae_share(). @since 0.1 */
typedef struct vae_model vae_model;

/** Kinds of layer: vae_layer.kind. @since 0.1 */
enum {
    VAE_LAYER_DENSE = 1, /**< y = activation(W x + b), W of shape [units][inputs] */
    /** y = activation(W x + b) sigmoid(V x + c), W and V of shape [units][inputs], the product being that of
     *  the elements. With the identity, the gated linear unit of Dauphin et al., arXiv:1612.08083; in a
     *  variational auto-encoder, Tomczak & Welling, arXiv:1705.07120 */
    VAE_LAYER_GATED = 2,
    VAE_LAYER_BATCH_NORM = 3, /**< batch normalisation of Ioffe & Szegedy, arXiv:1502.03167; not served yet */
    VAE_LAYER_DROPOUT = 4     /**< dropout, Srivastava et al. 2014; not served yet */
};

/** Activations: vae_layer.activation, and two of them vae_span.mean_activation. @since 0.1 */
enum {
    VAE_ACTIVATION_DEFAULT = -1, /**< #VAE_RELU for a dense layer, #VAE_IDENTITY for every other kind */
    VAE_IDENTITY = 0,            /**< x */
    VAE_RELU = 1,                /**< x where x > 0, else 0; its derivative at 0 is 0 */
    VAE_TANH = 2,                /**< tanh x */
    VAE_SIGMOID = 3,             /**< 1 / (1 + exp(-x)) */
    VAE_SOFTPLUS = 4,            /**< log(1 + exp x) */
    VAE_SILU = 5,                /**< x sigmoid(x): Elfwing et al., arXiv:1702.03118 */
    /** x Phi(x), Phi being the standard normal's distribution function (the erf form): Hendrycks & Gimpel,
     *  arXiv:1606.08415 */
    VAE_GELU = 6,
    VAE_LEAKY_RELU = 7, /**< x where x > 0, else vae_layer.slope x; its derivative at 0 is the slope */
    VAE_ELU = 8         /**< x where x > 0, else exp(x) - 1: Clevert et al., arXiv:1511.07289, alpha = 1 */
};

/**
 * Likelihoods p(x|z): vae_span.likelihood, vae_config.likelihood. The functions vae_loglik_* of section 2
 * define them. @since 0.1
 */
enum {
    VAE_BERNOULLI = 1,   /**< on logits; x in 0..1, also grey values: vae_loglik_bernoulli() */
    VAE_GAUSS = 2,       /**< mean, and log-variance as scale: vae_loglik_gauss() */
    VAE_LAPLACE = 3,     /**< mean, and log-scale as scale: vae_loglik_laplace() */
    VAE_POISSON = 4,     /**< on log-rates; x a whole number 0..2^24: vae_loglik_poisson() */
    VAE_CBERNOULLI = 5,  /**< on logits; x in 0..1: vae_loglik_cbernoulli() */
    VAE_CATEGORICAL = 6, /**< one variable, one-hot over its span's columns; not served yet */
    VAE_NEGBINOMIAL = 7, /**< counts, with an inverse dispersion as scale; not served yet */
    VAE_ZINB = 8,        /**< #VAE_NEGBINOMIAL with extra zeros, whose logits are the shape; not served yet */
    VAE_STUDENT = 9,     /**< log-scale as scale, log degrees of freedom as shape; not served yet */
    VAE_DISCRETIZED_LOGISTIC = 10 /**< x = i / (levels - 1); log-scale as scale; not served yet */
};

/** Sources of a likelihood's second and third parameter: vae_span.scale, vae_span.shape. @since 0.1 */
enum {
    VAE_PARAM_CELL = 0,   /**< one for each row and column, computed by the decoder */
    VAE_PARAM_COLUMN = 1, /**< one for each column, learned; not served yet */
    VAE_PARAM_SPAN = 2,   /**< one for the span, learned: sigma-VAE, Rybkin et al., arXiv:2006.13202 */
    VAE_PARAM_FIXED = 3   /**< given in vae_span.scale_value or vae_span.shape_value, not learned */
};

/** Forms in which a span's columns enter the encoder: vae_span.input. @since 0.1 */
enum {
    VAE_INPUT_PLAIN = 0, /**< x */
    VAE_INPUT_LOG1P = 1  /**< log(1 + x), for counts; not served yet */
};

/** Priors p(z): vae_config.prior. @since 0.1 */
enum {
    VAE_PRIOR_NORMAL = 1, /**< N(0, I) */
    /** A mixture of prior_components learned diagonal Gaussians with learned weights. Means begin at draws
     *  from N(0, I), log-variances and logits at 0 */
    VAE_PRIOR_MIXTURE = 2,
    /** The VampPrior, Tomczak & Welling, arXiv:1705.07120, eq. (9): the mean of q(z|u) over prior_components
     *  learned pseudo-inputs u, which begin uniform in 0 .. 1. Training often goes better from rows of data:
     *  vae_set_tensor() of "prior.inputs". Reading calls encode them once after each change of parameters */
    VAE_PRIOR_VAMP = 3
};

/** Initialisations, each from stream ::VAE_STREAM_INIT of the model's seed: vae_config.init. @since 0.1 */
enum {
    VAE_INIT_TORCH = 1,  /**< weights, biases U(-a, a), a = init_scale / sqrt(inputs): PyTorch's nn.Linear */
    VAE_INIT_GLOROT = 2, /**< weights U(-a, a), a = init_scale sqrt(6 / (inputs + units)), biases 0: Glorot
                          *   & Bengio 2010 */
    VAE_INIT_HE = 3,     /**< weights N(0, init_scale^2 2 / inputs), biases 0: He et al., arXiv:1502.01852 */
    VAE_INIT_NORMAL = 4  /**< weights, biases N(0, init_scale^2): Kingma & Welling's with init_scale 0.01 */
};

/** Objectives of training: vae_training.objective, see ::vae_training. @since 0.1 */
enum {
    VAE_ELBO = 1, /**< the evidence lower bound, with a weight, a floor or a target of its KL term */
    VAE_IWAE = 2  /**< the importance-weighted bound, with MIWAE and CIWAE */
};

/** Estimators of an objective's gradient: vae_training.estimator. @since 0.1 */
enum {
    VAE_ESTIMATOR_DEFAULT = 0,        /**< the analytic KL where there is one, Monte Carlo elsewhere */
    VAE_ESTIMATOR_ANALYTIC_KL = 1,    /**< the KL in closed form: #VAE_ELBO with #VAE_PRIOR_NORMAL alone */
    VAE_ESTIMATOR_MONTE_CARLO_KL = 2, /**< log q - log p at the draws, and its gradient */
    VAE_ESTIMATOR_STL = 3,            /**< sticking the landing, Roeder et al., arXiv:1703.09194 */
    VAE_ESTIMATOR_DREG = 4            /**< doubly reparameterised, Tucker et al., arXiv:1810.04152 */
};

/** Optimizers: vae_training.optimizer. Formulas are in ::vae_training. @since 0.1 */
enum {
    VAE_ADAM = 1,    /**< Adam, Kingma & Ba, arXiv:1412.6980, algorithm 1; epsilon is outside the root */
    VAE_ADAMW = 2,   /**< Adam with decoupled decay, Loshchilov & Hutter, arXiv:1711.05101 */
    VAE_ADAGRAD = 3, /**< Duchi, Hazan & Singer, JMLR 12, 2011, its diagonal form */
    VAE_SGD = 4      /**< stochastic gradient descent, with momentum: Sutskever et al., ICML 2013 */
};

/** Sources of z in vae_infer(): vae_batch.source. @since 0.1 */
enum {
    VAE_FROM_DATA = 0, /**< vae_batch.z where it is given, else the encoder of vae_batch.x */
    VAE_FROM_PRIOR = 1 /**< draws from the prior; vae_batch.x and vae_batch.z are NULL */
};

/** Properties of a tensor: bits of vae_tensor_info.flags. @since 0.1 */
enum {
    VAE_TENSOR_LEARNED = 1 /**< the optimizer updates it */
};

/**
 * One hidden layer. vae_create() copies it. @since 0.1
 */
typedef struct vae_layer {
    uint64_t size;      /**< sizeof(vae_layer), set by vae_layer_init() */
    int32_t kind;       /**< default #VAE_LAYER_DENSE; 3 and 4 are not served yet */
    int32_t activation; /**< default #VAE_ACTIVATION_DEFAULT; a dropout layer takes no other */
    /** Outputs of a dense or gated layer, 1 to 2^30 - 1, required there; default 0. Must be 0 for the other
     *  kinds, which have as many outputs as inputs */
    uint64_t units;
    double slope;    /**< of #VAE_LEAKY_RELU for x <= 0; 0 to 1, default 0.01 */
    double epsilon;  /**< of batch normalisation, default 1e-5; other kinds ignore it */
    double momentum; /**< of batch normalisation, default 0.1; other kinds ignore it */
    double dropout;  /**< probability of a dropout layer, 0 <= p < 1, default 0.5; other kinds ignore it */
} vae_layer;

/**
 * Writes a layer's defaults. Must be called for each element of an array.
 *
 * @param layer  output; NULL does nothing
 * @param size   sizeof(vae_layer)
 * @since 0.1
 */
VAE_API void vae_layer_init(vae_layer *layer, size_t size);

/**
 * A run of x's columns with one likelihood. The spans of a model cover x in order, without gaps.
 * vae_create() copies them. @since 0.1
 */
typedef struct vae_span {
    uint64_t size;      /**< sizeof(vae_span), set by vae_span_init() */
    uint64_t columns;   /**< number of columns, at least 1, required (default 0); together they are x_dim */
    int32_t likelihood; /**< default #VAE_BERNOULLI; 6 to 10 are not served yet */
    /** Applied to the decoder's locations: #VAE_IDENTITY (default) or #VAE_SIGMOID (Kingma & Welling's
     *  choice for grey values under a Gaussian, appendix C.2); #VAE_GAUSS and #VAE_LAPLACE take both, the
     *  other likelihoods #VAE_IDENTITY alone */
    int32_t mean_activation;
    /** Source of the second parameter: #VAE_PARAM_CELL (default), #VAE_PARAM_SPAN or #VAE_PARAM_FIXED;
     *  #VAE_PARAM_COLUMN is not served yet; must be 0 for likelihoods without one */
    int32_t scale;
    int32_t shape; /**< source of the third parameter; must be 0 (default) for likelihoods without one */
    /** The second parameter where it is fixed, its initial value where it is learned outside the decoder, as
     *  section 2 takes it: a log-variance of #VAE_GAUSS, a log-scale of #VAE_LAPLACE; of magnitude below
     *  1e4, default 0 */
    double scale_value;
    double shape_value; /**< the same for the third parameter, default 0 */
    /** Floor of the second parameter, from any source: smaller values are clamped to it, with slope 0 (from
     *  the decoder, values equal to it too); -1e30 to 1e4, default -1e30. A Gaussian with a log-variance for
     *  each cell and no floor has no maximum of the likelihood: one column that the decoder fits exactly
     *  drives its log-variance to minus infinity */
    double scale_min;
    uint64_t levels; /**< of #VAE_DISCRETIZED_LOGISTIC, default 256; other likelihoods ignore it */
    int32_t input; /**< form that enters the encoder, default #VAE_INPUT_PLAIN; the other is not served yet */
    int32_t reserved; /**< 0 */
} vae_span;

/**
 * Writes a span's defaults. Must be called for each element of an array.
 *
 * @param span  output; NULL does nothing
 * @param size  sizeof(vae_span)
 * @since 0.1
 */
VAE_API void vae_span_init(vae_span *span, size_t size);

/**
 * Configuration of a model: everything that is needed to make it again. Call vae_config_init(), then set
 * x_dim, z_dim and the fields that differ from the defaults. vae_create() copies everything, arrays included.
 * @since 0.1
 */
typedef struct vae_config {
    uint64_t size;  /**< sizeof(vae_config), set by vae_config_init() */
    uint64_t x_dim; /**< values in a row of data, 1 to 2^30 - 1; required (default 0) */
    uint64_t z_dim; /**< latent dimensions, 1 to 2^30 - 1; required (default 0) */
    /** Values of a condition, given to the encoder next to x and to the decoder next to z; default 0: none.
     *  Not served yet: must be 0 */
    uint64_t c_dim;
    /** [n_encoder] hidden layers between x and the head of 2 z_dim units, linear: z_dim means, then z_dim
     *  log-variances. Default NULL */
    const vae_layer *encoder;
    size_t n_encoder; /**< number of them, at most 65535, default 0: the head alone */
    /** [n_decoder] hidden layers between z and the head, linear: x_dim locations, then, span by span, the
     *  scales whose source is #VAE_PARAM_CELL, then the shapes. Default NULL */
    const vae_layer *decoder;
    size_t n_decoder; /**< number of them, at most 65535, default 0: the head alone */
    /** [n_spans] likelihoods of x's columns, in order. Default NULL: one span of all columns, with the next
     *  two fields, and a span's defaults otherwise */
    const vae_span *spans;
    size_t n_spans;          /**< number of them, at most x_dim, default 0 */
    int32_t likelihood;      /**< of all columns, default #VAE_BERNOULLI; with spans it must stay at that */
    int32_t mean_activation; /**< of all columns, default #VAE_IDENTITY; with spans it must stay at that */
    int32_t prior;           /**< default #VAE_PRIOR_NORMAL */
    int32_t standardise;     /**< 1: x is standardised inside; default 0. Not served yet: must be 0 */
    uint64_t
        prior_components; /**< of the other priors, 1 to 2^30 - 1; default 0, that of #VAE_PRIOR_NORMAL */
    /** Floor of the encoder's log-variances: smaller values are clamped to it. Everything behind the encoder
     *  sees clamped values, outputs.logvar included. What is clamped has slope 0, and so has a value that is
     *  equal to a limit, as in PyTorch's Hardtanh. -1e30 to 1e4, default -1e30: none */
    double z_logvar_min;
    double z_logvar_max; /**< their ceiling, in the same way; -1e4 to 1e30 and not below the floor, default
                          *   1e30: none */
    int32_t init;        /**< initialisation of the parameters, default #VAE_INIT_TORCH */
    int32_t reserved;    /**< 0 */
    double init_scale;   /**< factor of the initialisation, see there; 0 to 1e30, default 1 */
    uint64_t seed;       /**< key of the initialisation and of all noise, default 0; 0 is an ordinary seed */
} vae_config;

/**
 * Writes a configuration's defaults.
 *
 * @param config  output; NULL does nothing
 * @param size    sizeof(vae_config)
 * @since 0.1
 */
VAE_API void vae_config_init(vae_config *config, size_t size);

/**
 * Settings of training. They may change between any two steps, for schedules or a warm-up of the KL term:
 * call vae_get_training(), change fields, call vae_set_training(). Two are fixed by vae_create(), because
 * they need memory: the optimizer, and the limit of samples * estimates, vae_runtime.max_draws.
 *
 * Training maximises, with S = samples, M = estimates and z drawn from q(z|x), the weighted mean over rows of
 *
 *     VAE_ELBO    1/S sum_s log p(x|z_s) - kl_weight K
 *
 *     where K is one of
 *                 KL(q(z|x) || p(z))                           kl_capacity = free_bits = 0
 *                 1/S sum_s (log q(z_s|x) - log p(z_s))        by the draws, see the estimators below
 *                 |KL(q(z|x) || p(z)) - kl_capacity|           kl_capacity > 0
 *                 sum_j max(free_bits, mean_i KL_ij)           free_bits > 0
 *
 *     VAE_IWAE    (1 - a) 1/M sum_m log(1/S sum_s w_ms) + a 1/(M S) sum_ms log w_ms
 *
 *     with        log w = log p(x|z) + kl_weight (log p(z) - log q(z|x)),    a = elbo_weight
 *
 * The ELBO is Kingma & Welling's, arXiv:1312.6114, equation (7); kl_weight is the beta of Higgins et al.,
 * ICLR 2017; kl_capacity is C of Burgess et al., arXiv:1804.03599; free_bits is lambda of
 * Kingma et al., arXiv:1606.04934, appendix C.8, with KL_ij the term of row i and latent j and mean_i the
 * weighted mean over the rows of the call. The importance-weighted bound is Burda et al.'s, arXiv:1509.00519,
 * section 3; M > 1 is MIWAE and a > 0 is CIWAE of Rainforth et al., arXiv:1802.04537. Estimate m
 * consists of draws m S to (m + 1) S - 1, both counted from 0.
 *
 * The estimator says how K of the ELBO is computed, and which gradient is followed:
 *
 *     VAE_ESTIMATOR_DEFAULT         K by the closed form, or by the draws where the prior has none; IWAE:
 *                                   the derivative of the bound itself
 *     VAE_ESTIMATOR_ANALYTIC_KL     K by the closed form
 *     VAE_ESTIMATOR_MONTE_CARLO_KL  K by the draws: estimator A of Kingma & Welling, arXiv:1312.6114,
 *                                   equation (6); IWAE: the same as the default
 *     VAE_ESTIMATOR_STL             the same values; the gradient leaves out the derivative of log q(z|x)
 *                                   with respect to q's parameters at fixed z, whose mean is 0 for the
 *                                   ELBO. With IWAE and samples > 1 it is not: the gradient is biased
 *     VAE_ESTIMATOR_DREG            the same values; as STL, and what a draw adds to the encoder's gradient
 *                                   is multiplied by 1 - c + c w~, c = kl_weight, w~ the draw's normalised
 *                                   weight in its estimate: unbiased
 *
 * STL and DReG have no noise left in the encoder's gradient where q is the posterior. At single draws they
 * are no derivatives of the objective that is reported. The formulas are in docs/derivation.md.
 *
 * An update takes the gradient G of the loss, cuts it to g if clip_norm > 0 and its l2 norm |G| over all
 * tensors is larger (Pascanu et al., arXiv:1211.5063), and changes each learned parameter p by
 *
 *     g = min(1, clip_norm / |G|) G                 g = G if clip_norm = 0
 *
 *     VAE_ADAM     g += weight_decay p
 *                  m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
 *                  p -= learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *     VAE_ADAMW    p -= learning_rate weight_decay p, then as VAE_ADAM without decay
 *     VAE_ADAGRAD  g += weight_decay p,  s += g^2,  p -= learning_rate g / (sqrt(s) + epsilon)
 *     VAE_SGD      g += weight_decay p,  b = momentum b + g,  p -= learning_rate b
 *
 * where t counts updates and m, v, s, b are 0 at first. These are PyTorch's rules, for SGD with dampening 0
 * and without Nesterov's look-ahead; its clip_grad_norm_() adds 1e-6 to |G|. An SGD step at momentum 0
 * leaves b as it is. Fields of other optimizers are ignored.
 *
 * #VAE_ERR_ARG: kl_capacity and free_bits both above 0; one of them above 0, or #VAE_ESTIMATOR_ANALYTIC_KL,
 * with #VAE_IWAE or a prior other than #VAE_PRIOR_NORMAL; one of them above 0 with an estimator other than
 * the first two; estimates > 1 or elbo_weight > 0 with #VAE_ELBO; #VAE_ESTIMATOR_DREG with #VAE_ELBO or
 * elbo_weight > 0.
 * @since 0.1
 */
typedef struct vae_training {
    uint64_t size;        /**< sizeof(vae_training), set by vae_training_init() */
    int32_t objective;    /**< default #VAE_ELBO */
    int32_t estimator;    /**< default #VAE_ESTIMATOR_DEFAULT */
    uint64_t samples;     /**< draws of z for one bound, S, at least 1, default 1 */
    uint64_t estimates;   /**< bounds for one row, M, at least 1, default 1; samples * estimates <= 65536 */
    double kl_weight;     /**< 0 to 1e30, default 1 */
    double free_bits;     /**< nats for each latent, 0 to 1e30, default 0 */
    double kl_capacity;   /**< nats, 0 to 1e30, default 0 */
    double elbo_weight;   /**< 0 to 1, default 0 */
    int32_t optimizer;    /**< default #VAE_ADAM */
    int32_t reserved;     /**< 0 */
    double learning_rate; /**< step size, 0 to 1e30, default 1e-3 */
    double beta1;         /**< decay of the first moment of Adam and AdamW, 0 <= beta1 < 1, default 0.9 */
    double beta2;         /**< decay of their second moment, 0 <= beta2 < 1, default 0.999 */
    double epsilon;       /**< of Adam and Adagrad, 1.17549436e-38 (FLT_MIN) to 1e30, default 1e-8 */
    double momentum;      /**< of #VAE_SGD, 0 <= momentum < 1, default 0 */
    double weight_decay;  /**< of all learned tensors, biases and scales included; 0 to 1e30, default 0 */
    double clip_norm;     /**< limit of the gradient's l2 norm, 0 to 1e30, default 0: none */
} vae_training;

/**
 * Writes the defaults of training.
 *
 * @param training  output; NULL does nothing
 * @param size      sizeof(vae_training)
 * @since 0.1
 */
VAE_API void vae_training_init(vae_training *training, size_t size);

/**
 * Settings of the machine that a model runs on. They are no part of the model, and no result depends on them,
 * except on `sgemm`. Callbacks and their contexts must remain valid until vae_destroy(); everything else is
 * copied.
 * @since 0.1
 */
typedef struct vae_runtime {
    uint64_t size; /**< sizeof(vae_runtime), set by vae_runtime_init() */
    /** Largest number of rows of a training call, and of rows that a reading call processes at a time; 1 to
     *  2^30 - 1, default 128 */
    uint64_t max_batch;
    /** Largest samples * estimates that vae_set_training() may ask for; default 0: those of vae_create() or
     *  of the file. At most 65536, and not less than those */
    uint64_t max_draws;
    /** Threads that work in one call, the caller's included; 1 to 1024, default 1: no thread is started. More
     *  than 1 without parallel_for in a build without threads is #VAE_ERR_UNSUPPORTED */
    int32_t threads;
    /** 1: the model is only read, and has no memory for gradients and moments. Training calls,
     *  vae_set_training() and calls on gradients are then #VAE_ERR_STATE; vae_set_params(), vae_set_tensor()
     *  and vae_import() work. Default 0 */
    int32_t inference_only;
    void *alloc_ctx; /**< passed to alloc and free, default NULL */
    /** Returns `size` bytes (at least 1) aligned to `alignment` (a power of two), or NULL if there are none.
     *  Called on the calling thread, with alignment 64: see Memory above. The stacks of the model's own
     *  threads come from the C library. alloc and free go together, else #VAE_ERR_ARG; default NULL: the C
     *  library's */
    void *(*alloc)(void *ctx, size_t size, size_t alignment);
    /** Frees what `alloc` returned, of the same `size`; never NULL. vae_destroy() calls it, and so does a
     *  call that fails or needs memory for itself alone */
    void (*free)(void *ctx, void *ptr, size_t size);
    /** A matrix product to use instead of the library's, with the arguments of cblas_sgemm(): order is 101
     *  (row-major), transa and transb are 111 (as it is) or 112 (transposed). Default NULL: the library's.
     *  Results of a product of the program's are outside the promise of equal bits. It must allow calls from
     *  several threads at the same time if `threads` is more than 1. A CBLAS has enumerations in place of the
     *  first three integers, so that a program wraps it:
     *
     *      static void sgemm(int order, int transa, int transb, int m, int n, int k, float alpha,
     *          const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
     *      { cblas_sgemm(order, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc); }
     */
    void (*sgemm)(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a,
        int lda, const float *b, int ldb, float beta, float *c, int ldc);
    /** The program's executor, default NULL: the model's own threads. It must call task(arg, index) once for
     *  each index below `tasks`, which is at most `threads`, in any order, on any threads, one after the
     *  other or at the same time, and return when all have returned */
    void (*parallel_for)(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg);
    void *parallel_ctx; /**< passed to parallel_for, default NULL */
    /** Receives warnings on the calling thread, default NULL: silent. `level` 1 is a warning. The message is
     *  valid during the call; the model must not be used inside. Warnings are about how the model runs, not
     *  about data: a value that its likelihood does not take is #VAE_ERR_DATA in training */
    void (*log)(void *ctx, int32_t level, const char *message);
    void *log_ctx; /**< passed to log, default NULL */
} vae_runtime;

/**
 * Writes a runtime's defaults.
 *
 * @param runtime  output; NULL does nothing
 * @param size     sizeof(vae_runtime)
 * @since 0.1
 */
VAE_API void vae_runtime_init(vae_runtime *runtime, size_t size);

/**
 * A batch of rows with all options. Calls that take x and n alone use the defaults of the others.
 *
 * With `index`, row i of the call is row index[i] of x, c, z, observed and weight; nothing is copied. Outputs
 * are by i. Noise is that of row first_row + i, so that a program may split a data set or a batch into
 * several calls: first_row is then the number of rows in the calls before. A program that shuffles rows for
 * training does not have to set it, because each step has noise of its own. In the shapes below [..] is as
 * many rows as the call reads.
 * @since 0.1
 */
typedef struct vae_batch {
    uint64_t size; /**< sizeof(vae_batch), set by vae_batch_init() */
    uint64_t n;    /**< rows of the call, default 0; in training 1 to max_batch */
    /** [n] row i's place in the arrays below, repeats allowed; default NULL: i. The library cannot check that
     *  the arrays have such rows */
    const uint32_t *index;
    /** [..] weights, finite and >= 0, else #VAE_ERR_ARG; default NULL: ones. Rows of weight 0 are left
     *  out: neither read nor checked; in vae_infer() their outputs stay as they were */
    const float *weight;
    const float *x; /**< [..][x_dim] data, default NULL */
    size_t ldx;     /**< its row stride, at least x_dim; default 0: x_dim */
    const float *c; /**< [..][c_dim] conditions, default NULL; must be NULL for a model without condition */
    size_t ldc;     /**< its row stride; default 0: c_dim */
    const float *z; /**< [..][z_dim] latents to decode, default NULL; must be NULL in steps and vae_grad() */
    size_t ldz;     /**< its row stride, at least z_dim; default 0: z_dim */
    const uint8_t *observed; /**< [..][x_dim] non-zero: known; default NULL: all. Others not served yet */
    size_t ldobserved;       /**< its row stride; default 0: x_dim */
    /** Divisor of all sums over rows (gradient, terms, kl_by_latent); finite and >= 0; default 0: the sum of
     *  this call's weights. With one total_weight for all parts of a batch, their gradients and terms add up
     *  to the whole batch's (free_bits excepted). In training the sum of weights must be positive, else
     *  #VAE_ERR_ARG, unless total_weight is given; n may then be 0, too */
    double total_weight;
    uint64_t first_row; /**< index of row 0 in the full data set, for its noise; default 0 */
    uint64_t seed;      /**< mixed into the model's, see Noise above; default 0: the model's own noise */
    int32_t source;     /**< of z in vae_infer(), default #VAE_FROM_DATA; must be that in training */
    int32_t reserved;   /**< 0 */
} vae_batch;

/**
 * Writes a batch's defaults.
 *
 * @param batch  output; NULL does nothing
 * @param size   sizeof(vae_batch)
 * @since 0.1
 */
VAE_API void vae_batch_init(vae_batch *batch, size_t size);

/**
 * Results of a pass, in nats: weighted sums over the call's rows, divided by vae_batch.total_weight; by
 * default, their weighted means. Output: of it only `size` is read. @since 0.1
 */
typedef struct vae_terms {
    uint64_t size;    /**< sizeof(vae_terms), set by vae_terms_init() */
    double objective; /**< what training maximised, see ::vae_training; in reading calls the same as elbo */
    double elbo;      /**< loglik - kl, by the same draws: kl_weight 1, without free_bits and kl_capacity */
    double loglik;    /**< log p(x|z), summed over x's dimensions, mean over the draws of z */
    double kl;        /**< KL(q(z|x) || p(z)), in closed form for #VAE_PRIOR_NORMAL, else by the draws */
    double grad_norm; /**< l2 norm of the open gradient, before clipping; 0 where none was computed */
} vae_terms;

/**
 * Writes a size and zeros.
 *
 * @param terms  output; NULL does nothing
 * @param size   sizeof(vae_terms)
 * @since 0.1
 */
VAE_API void vae_terms_init(vae_terms *terms, size_t size);

/**
 * Outputs of vae_infer(): contiguous arrays of the caller's, NULL (default) to skip. The call computes only
 * what the outputs given need. @since 0.1
 */
typedef struct vae_outputs {
    uint64_t size; /**< sizeof(vae_outputs), set by vae_outputs_init() */
    /** Draws of z for each row, S; default 1. 0: one evaluation at z = mu, deterministic; its `elbo` is no
     *  bound, and is comparable only with others of samples = 0 */
    uint64_t samples;
    double *elbo;   /**< [n] loglik - kl */
    double *loglik; /**< [n] log p(x|z), mean over the draws */
    double *kl; /**< [n] KL(q(z|x) || p(z)): in closed form for #VAE_PRIOR_NORMAL, else log q(z|x) - log p(z),
                 *   mean over the draws */
    /** [n] log p(x) by importance sampling with q(z|x) as proposal, log of the mean over `samples` >= 1 draws
     *  of the weight w = p(x|z) p(z) / q(z|x). At most log p(x) on average, from below as draws grow: the
     *  bound of Burda et al., arXiv:1509.00519. Sums go draw by draw in float64, any number of draws */
    double *log_evidence;
    /** [n] standard error of log_evidence, sqrt(sum (w - mean w)^2 / (samples - 1) / samples) / mean w (delta
     *  method); NaN for samples = 1. Above about 0.5 neither number is to be trusted: few draws carry the
     *  mean, and there may be regions that no draw has met */
    double *log_evidence_error;
    /** [z_dim] KL of each latent, over the rows as ::vae_terms; a latent near 0 has collapsed to the prior.
     *  Needs a prior that factorises, else #VAE_ERR_ARG */
    double *kl_by_latent;
    float *loglik_by_column; /**< [n][x_dim] log p(x_j|z), mean over the draws: which column is unusual */
    float *mu;               /**< [n][z_dim] means of q(z|x) */
    float *logvar;           /**< [n][z_dim] log-variances of q(z|x) */
    float *z;                /**< [n][z_dim] the first draw; mu for samples = 0 */
    float *x_mean;           /**< [n][x_dim] mean of p(x|z), mean over the draws */
    /** [n][x_dim] first parameter of p(x|z) at the first draw, as section 2 takes it: logits, log-rates, or
     *  means after mean_activation */
    float *x_location;
    /** [n][x_dim] second parameter at the first draw, after scale_min: log-variances or log-scales, the same
     *  in each cell where the span has one; 0 where the likelihood has none */
    float *x_scale;
    float *x_shape;   /**< [n][x_dim] third parameter at the first draw; 0 where the likelihood has none */
    float *x_draw;    /**< [n][x_dim] a draw from p(x|z), z being the first draw */
    float *x_imputed; /**< [n][x_dim] x where known, else its estimate; not served yet: must be NULL */
} vae_outputs;

/**
 * Writes the defaults of outputs.
 *
 * @param outputs  output; NULL does nothing
 * @param size     sizeof(vae_outputs)
 * @since 0.1
 */
VAE_API void vae_outputs_init(vae_outputs *outputs, size_t size);

/**
 * Derivatives of a loss of the program's own, which is to be minimised, for vae_backward(): those with
 * respect to the model's outputs go in, those with respect to its inputs come out. Contiguous arrays of the
 * caller's; row i is that of row i of the call. An array that comes out may be one that went in. @since 0.1
 */
typedef struct vae_adjoints {
    uint64_t size;       /**< sizeof(vae_adjoints), set by vae_adjoints_init() */
    const float *mu;     /**< [n][z_dim] in, by vae_outputs.mu; default NULL: zeros, here and below */
    const float *logvar; /**< [n][z_dim] in, by vae_outputs.logvar */
    /** [n][x_dim] in, by vae_outputs.x_location: logits, log-rates, or means after mean_activation */
    const float *x_location;
    /** [n][x_dim] in, by vae_outputs.x_scale: log-variances or log-scales, after scale_min. Where the span
     *  has one learned scale, its gradient takes the sum over rows and columns. Ignored where the likelihood
     *  has no scale or the scale is #VAE_PARAM_FIXED */
    const float *x_scale;
    const float *x_shape; /**< [n][x_dim] in, by vae_outputs.x_shape; ignored where there is none */
    float *x; /**< [n][x_dim] out, overwritten: by vae_batch.x, through mu and logvar; default NULL: skipped,
               *   here and below. Zeros where both are NULL */
    float *z; /**< [n][z_dim] out, overwritten: by vae_batch.z, through the x_*; zeros where all are NULL */
    float *c; /**< [n][c_dim] out, overwritten; must be NULL for a model without condition */
} vae_adjoints;

/**
 * Writes the defaults of adjoints.
 *
 * @param adjoints  output; NULL does nothing
 * @param size      sizeof(vae_adjoints)
 * @since 0.1
 */
VAE_API void vae_adjoints_init(vae_adjoints *adjoints, size_t size);

/** A tensor of the model: output of vae_tensor(), input of vae_set_tensor(). @since 0.1 */
typedef struct vae_tensor_info {
    uint64_t size;    /**< sizeof(vae_tensor_info), set by vae_tensor_info_init() */
    const char *name; /**< such as "encoder.0.weight"; as output a string of the model, valid as long as it */
    size_t rank;      /**< number of dimensions, at most 8 */
    uint64_t offset;  /**< values before the tensor in vae_get_params(); ignored as input */
    uint64_t count;   /**< values, the product of the shape; ignored as input */
    uint64_t flags;   /**< #VAE_TENSOR_LEARNED or 0; ignored as input */
    uint64_t shape[8]; /**< the first `rank` count; the others are 0 as output and ignored as input */
} vae_tensor_info;

/**
 * Writes a size and zeros.
 *
 * @param info  output; NULL does nothing
 * @param size  sizeof(vae_tensor_info)
 * @since 0.1
 */
VAE_API void vae_tensor_info_init(vae_tensor_info *info, size_t size);

/**
 * @name Life
 * @{
 */

/**
 * Makes a model: validates everything, takes all memory, draws the parameters, and starts threads if there
 * are to be more than one.
 *
 * @param out       the model, NULL after an error; vae_destroy() frees it
 * @param config    what it is; copied
 * @param training  how it is trained, copied; NULL: defaults
 * @param runtime   where and how it runs, copied; NULL: defaults
 * @return #VAE_OK; #VAE_ERR_ARG (a field out of range or inconsistent with another one), #VAE_ERR_ABI (see
 *         Structs above), #VAE_ERR_NOMEM (also where sizes do not fit `size_t`), #VAE_ERR_UNSUPPORTED (a
 *         value that is not served yet, or threads that the build lacks)
 * @since 0.1
 */
VAE_API int vae_create(
    vae_model **out, const vae_config *config, const vae_training *training, const vae_runtime *runtime);

/**
 * Returns the size of the one block of memory that vae_create() takes with the same arguments, and a load of
 * a file that holds this configuration and these settings of training. A load that uses the weights in place
 * (#VAE_LOAD_IN_PLACE) takes less: the parameters are not in its block.
 *
 * @param config    as for vae_create()
 * @param training  as for vae_create()
 * @param runtime   as for vae_create(); no memory is taken
 * @param bytes     [1] output
 * @return as vae_create()
 * @since 0.1
 */
VAE_API int vae_footprint(
    const vae_config *config, const vae_training *training, const vae_runtime *runtime, size_t *bytes);

/**
 * Makes a view: a model with a workspace and threads of its own on the owner's parameters, which are not
 * copied. Reading calls work on it and give the owner's bits; calls that change a model (training,
 * vae_set_training(), vae_set_params(), vae_set_tensor(), vae_import(), vae_set_metadata()) and calls on
 * gradients are #VAE_ERR_STATE. Each
 * view may be used by one thread at a time, different views at the same time. The owner must outlive its
 * views and must not be modified while a call on one is running; afterwards views read the new parameters.
 *
 * @param view     the view, NULL after an error; vae_destroy() frees it
 * @param owner    a model that vae_create() made, or a view, whose owner is then shared
 * @param runtime  the view's own, copied; its sgemm, inference_only and max_draws are ignored: they are the
 *                 owner's. NULL: the owner's allocator, log and max_batch, one thread
 * @return #VAE_OK, #VAE_ERR_ARG, #VAE_ERR_ABI, #VAE_ERR_NOMEM or #VAE_ERR_UNSUPPORTED (threads that the build
 *         lacks)
 * @since 0.1
 */
VAE_API int vae_share(vae_model **view, const vae_model *owner, const vae_runtime *runtime);

/**
 * Destroys a model or a view and frees its memory. Views must be destroyed before their owner.
 *
 * @param model  NULL does nothing
 * @since 0.1
 */
VAE_API void vae_destroy(vae_model *model);

/**
 * Copies the configuration out. Numbers are as vae_create() was given them, also n_encoder, n_decoder and
 * n_spans; the three pointers are NULL: vae_get_layer() and vae_get_span() read the arrays.
 *
 * @param model   a model or a view
 * @param config  output, of which `size` is read
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_get_config(const vae_model *model, vae_config *config);

/**
 * Copies a hidden layer's description out, as vae_create() was given it.
 *
 * @param model    a model or a view
 * @param decoder  0: of the encoder; 1: of the decoder
 * @param index    0 to n_encoder - 1 or n_decoder - 1
 * @param layer    output, of which `size` is read
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_get_layer(const vae_model *model, int32_t decoder, uint64_t index, vae_layer *layer);

/**
 * Copies a span's description out, as vae_create() was given it. In a model that was configured without
 * spans, index 0 is the one that represents all columns.
 *
 * @param model  a model or a view
 * @param index  0 to n_spans - 1, or 0
 * @param span   output, of which `size` is read
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_get_span(const vae_model *model, uint64_t index, vae_span *span);

/**
 * Copies out how the model is trained now.
 *
 * @param model     a model or a view (its owner's)
 * @param training  output, of which `size` is read
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_get_training(const vae_model *model, vae_training *training);

/**
 * Changes how the model is trained, from the next call on. Moments, step count and an open gradient stay.
 *
 * @param model     neither a view nor inference-only
 * @param training  copied; what an older struct lacks at its end stays as the model has it. The optimizer
 *                  must be that of vae_create(), samples * estimates at most vae_runtime.max_draws
 * @return #VAE_OK, #VAE_ERR_ARG, #VAE_ERR_ABI, #VAE_ERR_STATE or #VAE_ERR_UNSUPPORTED; after an error nothing
 *         has changed
 * @since 0.1
 */
VAE_API int vae_set_training(vae_model *model, const vae_training *training);

/**
 * Returns the configuration's x_dim.
 *
 * @param model  a model or a view; NULL gives 0
 * @return values in a row of data
 * @since 0.1
 */
VAE_API uint64_t vae_x_dim(const vae_model *model);

/**
 * Returns the configuration's z_dim.
 *
 * @param model  a model or a view; NULL gives 0
 * @return latent dimensions
 * @since 0.1
 */
VAE_API uint64_t vae_z_dim(const vae_model *model);

/**
 * Returns the number of updates so far, by vae_step(), vae_step_batch() and vae_apply().
 *
 * @param model  a model or a view (its owner's count); NULL gives 0
 * @return their number
 * @since 0.1
 */
VAE_API uint64_t vae_steps(const vae_model *model);

/** @} */

/**
 * @name Training
 * Training calls are #VAE_ERR_STATE on views and on inference-only models.
 *
 * Data are checked before anything is changed. NaN or an infinity in x is #VAE_ERR_NONFINITE. A finite value
 * that its column's likelihood does not take is #VAE_ERR_DATA: outside 0..1 for #VAE_BERNOULLI and
 * #VAE_CBERNOULLI; other than a whole number 0..2^24 for #VAE_POISSON. #VAE_GAUSS and #VAE_LAPLACE take every
 * finite value; their columns should be scaled to a magnitude near 1 all the same. The words of
 * vae_last_error() name row i of the call, the row of x, the column and the value.
 *
 * The gradient is that of the loss, which is minus the objective of ::vae_training, divided by
 * vae_batch.total_weight: by default, of the mean over the batch. A program whose loss is the sum over a
 * batch of 128 has gradients and gradient norms 128 times as large.
 *
 * A gradient is open from a successful vae_grad(), vae_grad_add(), vae_backward() or vae_set_grads() on. It
 * ends with the next vae_apply(), vae_step() or vae_step_batch(), be it a success, #VAE_ERR_NONFINITE or
 * #VAE_ERR_DATA; another vae_grad() or vae_set_grads() replaces it, vae_grad_add() and vae_backward() add to
 * it, and these errors of theirs end it. Errors found before the pass (#VAE_ERR_ARG, #VAE_ERR_ABI,
 * #VAE_ERR_STATE, #VAE_ERR_UNSUPPORTED) change nothing, an open gradient included.
 *
 * After any error parameters, moments and step count are bit-identical to before.
 * @{
 */

/**
 * Performs one training step on n rows: forward, backward, update. The results have the same bits as those of
 * vae_grad() followed by vae_apply(). The gradient is not kept. Row i has the noise of row i at this step,
 * see Noise above, so that a program may pass rows in any order without repeating noise.
 *
 * @param model  neither a view nor inference-only
 * @param x      [n][x_dim] data, contiguous
 * @param n      rows, 1 to max_batch
 * @param terms  before the update; NULL to skip
 * @return #VAE_OK; #VAE_ERR_ARG; #VAE_ERR_ABI (terms); #VAE_ERR_STATE; #VAE_ERR_DATA; #VAE_ERR_NONFINITE,
 *         its words naming the place, where a value of x, a term or a gradient is NaN or infinite, a
 *         gradient's square overflows float32 (also after weight decay was added), or the update would make a
 *         parameter or a moment infinite
 * @since 0.1
 */
VAE_API int vae_step(vae_model *model, const float *x, size_t n, vae_terms *terms);

/**
 * Performs a step as vae_step(), with all options of a batch.
 *
 * @param model  neither a view nor inference-only
 * @param batch  n from 1 to max_batch, or 0 if total_weight is given; source #VAE_FROM_DATA, z NULL
 * @param terms  before the update; NULL to skip
 * @return as vae_step(), and #VAE_ERR_UNSUPPORTED (observed)
 * @since 0.1
 */
VAE_API int vae_step_batch(vae_model *model, const vae_batch *batch, vae_terms *terms);

/**
 * Computes a gradient and leaves it open: the first half of a step. Parameters, moments and step count stay
 * as they are.
 *
 * @param model  neither a view nor inference-only
 * @param batch  as in vae_step_batch()
 * @param terms  NULL to skip
 * @return as vae_step_batch(); after #VAE_ERR_NONFINITE and #VAE_ERR_DATA no gradient is open
 * @since 0.1
 */
VAE_API int vae_grad(vae_model *model, const vae_batch *batch, vae_terms *terms);

/**
 * Adds a gradient to the open one, or begins at zero if none is open: a batch in parts (micro-batches), where
 * it does not fit max_batch. With one total_weight for all parts, the sum is the gradient of the whole batch,
 * up to rounding, and the parts' terms add up to the whole's (free_bits excepted). Row i of the call has
 * the noise of row first_row + r + i, where r is the number of rows that vae_grad() and vae_grad_add() have
 * put into the open gradient before: a program that leaves first_row at the whole batch's value in every part
 * has the whole's noise.
 *
 * @param model  neither a view nor inference-only
 * @param batch  as in vae_step_batch(), with total_weight > 0
 * @param terms  of the rows of this call; grad_norm is that of the open gradient, after the addition. NULL to
 *               skip
 * @return as vae_step_batch(), and #VAE_ERR_ARG without total_weight; after #VAE_ERR_NONFINITE (also where
 *         the sum, or its square, overflows float32) and #VAE_ERR_DATA no gradient is open
 * @since 0.1
 */
VAE_API int vae_grad_add(vae_model *model, const vae_batch *batch, vae_terms *terms);

/**
 * Takes a loss of the program's own back through the model's networks: vae_infer() transposed. Given the
 * derivatives of the loss with respect to what vae_infer() gives for the same rows, it adds those with
 * respect to the parameters to the open gradient, which begins at zero if none is open, and writes those with
 * respect to x and z. vae_apply() then makes the update.
 *
 * The encoder (x to mu and logvar) takes part where adjoints.mu or adjoints.logvar is given, the decoder (z
 * to x_location, x_scale, x_shape) where one of the x_* is; the gradients of what takes no part stay as they
 * are. What is between the two, the draw of z, belongs to the program: vae_reparam() and vae_reparam_grad().
 * The prior takes no part.
 *
 * Each layer's gradient is summed over the call's rows in their order, then added. With the library's own
 * matrix product the bits depend neither on instruction set nor on threads; a batch cut into several calls
 * gives the same up to rounding.
 *
 * The forward pass is computed again, with the bits of vae_infer(), so that no state is kept between the
 * calls; parameters must not change in between. Only n, index, x, ldx, z and ldz of the batch count: weights,
 * total_weight, first_row and seed are ignored. A loss may weight its rows by their derivatives. Values of x
 * must be finite; they need not be in their likelihoods' domains, because none is evaluated.
 *
 * @param model     neither a view nor inference-only
 * @param batch     n from 0 to max_batch; x where mu or logvar goes in, z where one of the x_* does; source
 *                  #VAE_FROM_DATA
 * @param adjoints  what goes in, and where to write what comes out; all may be NULL
 * @return #VAE_OK; #VAE_ERR_ARG; #VAE_ERR_ABI; #VAE_ERR_STATE; #VAE_ERR_UNSUPPORTED (observed);
 *         #VAE_ERR_NONFINITE, its words naming the place, where a value that goes in or comes out, or the
 *         gradient, is NaN or infinite, or a gradient's square overflows float32: nothing is written, and no
 *         gradient is open
 * @since 0.1
 */
VAE_API int vae_backward(vae_model *model, const vae_batch *batch, const vae_adjoints *adjoints);

/**
 * Updates the parameters by the open gradient, and ends it: the second half of a step. vae_steps() grows by
 * 1. The gradient is read where vae_grad_buffer() points to, so that a program may change it or sum it over
 * machines in between; clip_norm and weight_decay count here. The buffer's values are unspecified afterwards.
 *
 * @param model      neither a view nor inference-only, with an open gradient
 * @param grad_norm  [1] output: the gradient's l2 norm, before clipping; NULL to skip
 * @return #VAE_OK; #VAE_ERR_ARG; #VAE_ERR_STATE (also without an open gradient); #VAE_ERR_NONFINITE, where a
 *         gradient is NaN or infinite, its square overflows float32 (also after weight decay was added), or
 *         the update would make a parameter or a moment infinite: nothing is changed, but the gradient is no
 *         longer open
 * @since 0.1
 */
VAE_API int vae_apply(vae_model *model, double *grad_norm);

/** @} */

/**
 * @name Reading
 * Pure functions of (parameters, data, seed, samples): they change nothing, allocate nothing, accept any
 * number of rows (n = 0 writes no row; means over no rows are 0) and of draws, and process them in chunks;
 * neither chunks nor threads affect results. They work on views and on inference-only models. Data are not
 * checked: a row that contains NaN gives NaN for that row, and #VAE_OK.
 * @{
 */

/**
 * Computes every output that `outputs` points to, in one pass. All other reading calls are short forms of it.
 *
 * What it computes depends on where z comes from:
 *
 *     source, batch.z        z is                        outputs of x               samples
 *     VAE_FROM_DATA, NULL    drawn from q(z|x); needs x  all                        0: z = mu; else S draws
 *     VAE_FROM_DATA, given   batch.z                     loglik, loglik_by_column,  0 or 1
 *                                                        if x is given
 *     VAE_FROM_PRIOR, NULL   drawn from p(z)             none                       0 or 1: one; else S draws
 *
 * Outputs of x are elbo, kl, log_evidence, log_evidence_error, kl_by_latent, mu, logvar, terms, loglik and
 * loglik_by_column; to ask for one that the table does not grant is #VAE_ERR_ARG. So is log_evidence with
 * samples = 0. z and the x_* outputs are always granted. Sums over draws are computed draw by draw in
 * float64.
 *
 * Draw s of row i is noise of row first_row + i in streams #VAE_STREAM_EVALUATE or #VAE_STREAM_PRIOR: see
 * Noise above. The first draws are the same for any larger number of samples.
 *
 * @param model    a model or a view
 * @param batch    the rows, any n
 * @param outputs  what to compute
 * @param terms    over the rows, as vae_batch.total_weight says; NULL to skip
 * @return #VAE_OK, #VAE_ERR_ARG, #VAE_ERR_ABI or #VAE_ERR_UNSUPPORTED (observed, x_imputed)
 * @since 0.1
 */
VAE_API int vae_infer(vae_model *model, const vae_batch *batch, const vae_outputs *outputs, vae_terms *terms);

/**
 * Computes the evidence lower bound of each row, in nats:
 *
 *     elbo[i] = 1/S sum_s log p(x_i | z_is) - KL(q(z|x_i) || p(z)),    z_is = mu_i + exp(logvar_i / 2) eps_is
 *
 * Kingma & Welling, arXiv:1312.6114, equation (7). eps_is is row i of draw s of #VAE_STREAM_EVALUATE.
 * With samples = 0 the value is that at z = mu, without noise: it is no bound and is comparable only with
 * other values of samples = 0.
 *
 * @param model    a model or a view
 * @param x        [n][x_dim] data, contiguous
 * @param n        rows, any number
 * @param samples  S; 0: one evaluation at z = mu
 * @param elbo     [n] output; NULL to skip
 * @param terms    means over the rows; NULL to skip
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_elbo(
    vae_model *model, const float *x, size_t n, size_t samples, double *elbo, vae_terms *terms);

/**
 * Computes an anomaly score for each row, minus its ELBO, in nats. A high score means that the row is unlike
 * the training data. An alarm must be written `!(score <= threshold)`, so that it is also raised for NaN, the
 * score of a row that contains NaN. Scores and their threshold must use the same `samples`.
 *
 * @param model    a model or a view
 * @param x        [n][x_dim] data, contiguous
 * @param n        rows, any number
 * @param samples  as in vae_elbo(); 0 is the usual choice on a stream: no noise, one evaluation
 * @param score    [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_score(vae_model *model, const float *x, size_t n, size_t samples, double *score);

/**
 * Computes the parameters of q(z|x) = N(mu, diag exp(logvar)) for each row.
 *
 * @param model   a model or a view
 * @param x       [n][x_dim] data, contiguous
 * @param n       rows, any number
 * @param mu      [n][z_dim] output
 * @param logvar  [n][z_dim] output; NULL to skip
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_encode(vae_model *model, const float *x, size_t n, float *mu, float *logvar);

/**
 * Computes the mean of p(x|z) for each row: probabilities for #VAE_BERNOULLI, rates for #VAE_POISSON, means
 * for the others.
 *
 * @param model   a model or a view
 * @param z       [n][z_dim] latents, contiguous
 * @param n       rows, any number
 * @param x_mean  [n][x_dim] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_decode(vae_model *model, const float *z, size_t n, float *x_mean);

/**
 * Encodes each row and decodes its mean: the mean of p(x|z) at z = mu, without noise.
 *
 * @param model   a model or a view
 * @param x       [n][x_dim] data, contiguous
 * @param n       rows, any number
 * @param x_mean  [n][x_dim] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_reconstruct(vae_model *model, const float *x, size_t n, float *x_mean);

/**
 * Computes means of p(x|z), not draws from it, for latents drawn from the prior. Draws of x are
 * vae_outputs.x_draw of vae_infer(). The first rows are the same for any larger n.
 *
 * @param model   a model or a view
 * @param seed    as vae_batch.seed
 * @param n       rows, any number
 * @param x_mean  [n][x_dim] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_sample_mean(vae_model *model, uint64_t seed, size_t n, float *x_mean);

/** @} */

/**
 * @name Tensors and parameters
 * The model's tensors in canonical order, in which vae_get_params() and its counterparts copy their values:
 *
 *     encoder.0.weight    [units][inputs]     the first hidden layer
 *     encoder.0.bias      [units]
 *     encoder.0.gate.weight, encoder.0.gate.bias    V and c, likewise, of a gated layer alone
 *     ...                                     encoder.K, K = n_encoder, being the head: z_dim rows of means,
 *                                             then z_dim rows of log-variances
 *     decoder.0.weight    ...                 the same; the head, decoder.K, K = n_decoder: x_dim rows of
 *                                             locations in x's order, then, span by span, the scales of
 *                                             source VAE_PARAM_CELL
 *     spans.N.scale       [1]                 for each span N whose scale is VAE_PARAM_SPAN
 *     prior.mu            [prior_components][z_dim]    means of VAE_PRIOR_MIXTURE
 *     prior.logvar        [prior_components][z_dim]    its log-variances
 *     prior.logits        [prior_components]           its weights are their softmax
 *     prior.inputs        [prior_components][x_dim]    pseudo-inputs of VAE_PRIOR_VAMP
 *
 * Weights are row-major, as in PyTorch's nn.Linear, with the bias after each.
 * @{
 */

/**
 * Returns the number of tensors.
 *
 * @param model  a model or a view; NULL gives 0
 * @return their count
 * @since 0.1
 */
VAE_API uint64_t vae_tensor_count(const vae_model *model);

/**
 * Describes a tensor.
 *
 * @param model  a model or a view
 * @param index  0 to vae_tensor_count() - 1, in canonical order
 * @param info   output, of which `size` is read
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_tensor(const vae_model *model, uint64_t index, vae_tensor_info *info);

/**
 * Copies a tensor out, row-major.
 *
 * @param model   a model or a view
 * @param name    its name
 * @param values  [count] output
 * @param count   vae_tensor_info.count
 * @return #VAE_OK or #VAE_ERR_ARG (also for a name that the model lacks, or another count)
 * @since 0.1
 */
VAE_API int vae_get_tensor(const vae_model *model, const char *name, float *values, uint64_t count);

/**
 * Copies a tensor in. Moments, step count and an open gradient stay as they are.
 *
 * @param model   not a view, its weights not in place; may be inference-only
 * @param info    name, rank and shape, which must be the model's; the rest is ignored
 * @param values  the tensor, row-major, contiguous; finite
 * @return #VAE_OK, #VAE_ERR_ARG (also for a name that the model lacks, another shape, a value that is not
 *         finite), #VAE_ERR_ABI or #VAE_ERR_STATE (a view, or weights in place)
 * @since 0.1
 */
VAE_API int vae_set_tensor(vae_model *model, const vae_tensor_info *info, const float *values);

/**
 * Returns the number of values in all tensors.
 *
 * @param model  a model or a view; NULL gives 0
 * @return their count
 * @since 0.1
 */
VAE_API uint64_t vae_param_count(const vae_model *model);

/**
 * Copies all tensors out, in canonical order.
 *
 * @param model   a model or a view
 * @param params  [count] output
 * @param count   vae_param_count()
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_get_params(const vae_model *model, float *params, uint64_t count);

/**
 * Copies all tensors in, in canonical order. The optimizer's moments, the step count and an open gradient
 * stay as they are: training then continues with the moments of the parameters that were replaced.
 *
 * @param model   not a view, its weights not in place; may be inference-only
 * @param params  [count] finite values
 * @param count   vae_param_count()
 * @return #VAE_OK, #VAE_ERR_ARG (also for a value that is not finite) or #VAE_ERR_STATE (a view, or weights
 *         in place)
 * @since 0.1
 */
VAE_API int vae_set_params(vae_model *model, const float *params, uint64_t count);

/**
 * Copies the open gradient out, in canonical order.
 *
 * @param model  neither a view nor inference-only, with an open gradient
 * @param grads  [count] output
 * @param count  vae_param_count()
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_STATE
 * @since 0.1
 */
VAE_API int vae_get_grads(const vae_model *model, float *grads, uint64_t count);

/**
 * Opens a gradient of the program's own, in canonical order, in the place of one that may be open: for
 * example a sum over machines of what vae_get_grads() gave. vae_apply() updates by it. Rows that
 * vae_grad_add() adds to it are numbered from first_row on.
 *
 * @param model  neither a view nor inference-only
 * @param grads  [count] finite values, of a loss to be minimised
 * @param count  vae_param_count()
 * @return #VAE_OK, #VAE_ERR_ARG (also for a value that is not finite) or #VAE_ERR_STATE; after an error an
 *         open gradient is as it was
 * @since 0.1
 */
VAE_API int vae_set_grads(vae_model *model, const float *grads, uint64_t count);

/**
 * Returns the open gradient in place: the values of vae_get_grads() in the model's internal order, which is
 * unspecified, and the same for models of equal configurations that both have `sgemm` or both have none. A
 * program may read and write it until vae_apply().
 *
 * @param model  neither a view nor inference-only, with an open gradient
 * @param count  [1] output: vae_param_count(); NULL to skip
 * @return [count] memory of the model, at the same address at every call; NULL, with words in
 *         vae_last_error(), if there is no open gradient, as on a view
 * @since 0.1
 */
VAE_API float *vae_grad_buffer(vae_model *model, uint64_t *count);

/** @} */

/** @} */

/* ---- 4. files ------------------------------------------------------------------------------------------ */

/**
 * @defgroup files 4. Files
 * A model in one safetensors file: its configuration, its tensors by the names of vae_tensor(), its metadata
 * and how it is trained; with the optimizer's moments and the step count, unless #VAE_SAVE_WEIGHTS_ONLY. Not
 * in it: an open gradient, the ::vae_runtime, and what a program's own loop keeps. All numbers come back
 * exactly, on machines of any byte order. docs/files.md describes the format.
 *
 * @par Exact resume
 * A model that was saved and loaded goes on as the one that was not: the same bits of parameters and terms,
 * on any instruction set and with any number of threads. A program with a loop of its own keeps its place in
 * the data, for example as metadata; with vae_permutation() and a seed of its own it needs only the step
 * count, vae_steps().
 *
 * @par Hostile files
 * Loading and importing trust nothing in a file. A file that is malformed, whose tensors do not fit its
 * configuration, or that holds a NaN or an infinity is #VAE_ERR_FORMAT, with words that name the tensor or
 * the field. The configuration is validated as by vae_create(). Besides the model and its metadata, loading
 * takes no more memory than three times the file's header and, of a stream, the bytes that have come. The
 * model's own memory grows with vae_runtime.max_batch and vae_runtime.max_draws, which a program may limit.
 *
 * @par Threads
 * As for the other calls on a model: one thread at a time. Loads may run at the same time.
 *
 * @par Errors
 * After an error of a load the handle is NULL; of vae_save() the old file is as it was; of vae_import() and
 * vae_set_metadata() the model is as it was.
 * @{
 */

/** Options of saving: bits. @since 0.1 */
enum {
    VAE_SAVE_WEIGHTS_ONLY = 1 /**< without the optimizer's moments and the step count */
};

/** Options of loading from memory: bits. @since 0.1 */
enum {
    VAE_LOAD_IN_PLACE = 1 /**< the model reads its weights where they are; see vae_load_memory() */
};

/**
 * @name Metadata
 * Strings of the program's own: a threshold, names of classes, a place in the data. They are saved and loaded
 * with the model. Keys and values are UTF-8. The key "format" and all keys that begin with "vae." are the
 * library's.
 * @{
 */

/**
 * Sets the value of a key, or removes the key. Pointers that vae_get_metadata() returned are then invalid.
 *
 * @param model  not a view
 * @param key    copied
 * @param value  copied; NULL removes the key, if there is one
 * @return #VAE_OK, #VAE_ERR_ARG (also for a key of the library's, or text that is not UTF-8), #VAE_ERR_NOMEM
 *         or #VAE_ERR_STATE (a view)
 * @since 0.1
 */
VAE_API int vae_set_metadata(vae_model *model, const char *key, const char *value);

/**
 * Returns the value of a key.
 *
 * @param model  a model or a view (its owner's metadata); NULL gives NULL
 * @param key    NULL gives NULL
 * @return a string of the model, valid until vae_set_metadata() or vae_destroy(); NULL if there is no such
 *         key
 * @since 0.1
 */
VAE_API const char *vae_get_metadata(const vae_model *model, const char *key);

/** @} */

/**
 * @name Saving
 * With flags 0 a model is saved in full, to be trained further. Inference-only models and views have no state
 * of training: they are saved with #VAE_SAVE_WEIGHTS_ONLY, else #VAE_ERR_STATE; a view saves its owner's
 * weights. The settings of training are always in the file.
 * @{
 */

/**
 * Saves a model to a file, whole or not at all: a crash at any moment, also of the machine, leaves the old
 * file or the new one. The new file is written under another name in the same folder (".vae-" and 16
 * hexadecimal digits), flushed to the disk and renamed, and the folder is flushed. Symbolic links are
 * followed; a file that exists keeps its mode and must be writable; a new one has the mode that the umask
 * leaves of 0666. A path to something other than a regular file, such as a pipe, is written to directly.
 * Where there is no POSIX, the file is overwritten.
 *
 * @param model  a model or a view
 * @param path   the file
 * @param flags  0 or #VAE_SAVE_WEIGHTS_ONLY
 * @return #VAE_OK; #VAE_ERR_ARG; #VAE_ERR_STATE; #VAE_ERR_NOMEM; #VAE_ERR_IO, its words naming the step that
 *         failed and the system's reason; #VAE_ERR_UNSUPPORTED (metadata of more than about 10^8 bytes)
 * @since 0.1
 */
VAE_API int vae_save(const vae_model *model, const char *path, uint32_t flags);

/**
 * Saves a model through a function of the program's.
 *
 * @param model  a model or a view
 * @param write  takes exactly `size` bytes and returns 0; any other value ends the call. It is called on the
 *               calling thread, with at most 16384 bytes, and must not use the model
 * @param ctx    passed to write
 * @param flags  0 or #VAE_SAVE_WEIGHTS_ONLY
 * @return as vae_save(); #VAE_ERR_IO where `write` failed
 * @since 0.1
 */
VAE_API int vae_save_stream(const vae_model *model, int (*write)(void *ctx, const void *data, size_t size),
    void *ctx, uint32_t flags);

/** @} */

/**
 * @name Loading
 * The model's memory is one block, as that of vae_create(). A file without the state of training gives a
 * model with no steps done. With vae_runtime.inference_only the state is left out; vae_steps() still tells
 * the count.
 * @{
 */

/**
 * Loads a model from a file.
 *
 * @param out      the model, NULL after an error; vae_destroy() frees it
 * @param path     a file that vae_save() wrote; it may be a pipe
 * @param runtime  as for vae_create(); NULL: defaults
 * @return #VAE_OK; #VAE_ERR_ARG (also max_draws below the file's); #VAE_ERR_ABI; #VAE_ERR_NOMEM; #VAE_ERR_IO;
 *         #VAE_ERR_FORMAT; #VAE_ERR_UNSUPPORTED (a file of a newer format, a value that is not served yet, or
 *         threads that the build lacks)
 * @since 0.1
 */
VAE_API int vae_load(vae_model **out, const char *path, const vae_runtime *runtime);

/**
 * Loads a model through a function of the program's. Not a byte beyond the model is read, so that something
 * else may follow in the stream, and no length is believed before its bytes have come.
 *
 * @param out      the model, NULL after an error
 * @param read     gives exactly `size` bytes and returns 0; any other value ends the call. It is called on
 *                 the calling thread
 * @param ctx      passed to read
 * @param runtime  as for vae_create(); NULL: defaults
 * @return as vae_load(); #VAE_ERR_IO where `read` failed
 * @since 0.1
 */
VAE_API int vae_load_stream(
    vae_model **out, int (*read)(void *ctx, void *data, size_t size), void *ctx, const vae_runtime *runtime);

/**
 * Loads a model from memory.
 *
 * With #VAE_LOAD_IN_PLACE the model is inference-only, and `data` must outlive it and must not change. Where
 * `data` holds the parameters in the library's own order, at an address that is a multiple of 64, the model
 * reads them there, also from read-only memory; vae_set_params(), vae_set_tensor() and vae_import() are then
 * #VAE_ERR_STATE. Otherwise they are copied, as without the flag: files of vae_save() have the canonical
 * order, and the program vae-embed adds the other one. It writes a C array to be linked.
 *
 * @param out      the model, NULL after an error
 * @param data     [size] the file's bytes
 * @param size     their number
 * @param flags    0 or #VAE_LOAD_IN_PLACE
 * @param runtime  as for vae_create(); NULL: defaults
 * @return as vae_load()
 * @since 0.1
 */
VAE_API int vae_load_memory(
    vae_model **out, const void *data, size_t size, uint32_t flags, const vae_runtime *runtime);

/** @} */

/**
 * @name Importing
 * Weights from a safetensors file of another program, for example a PyTorch state_dict. Element types F32,
 * F64, F16 and BF16 are converted.
 * @{
 */

/**
 * Says where rows of a tensor of the model come from: row their_row + r their_step of theirs is row
 * first_row + r of ours, for r = 0, 1, ... as long as both have such rows. A vector has one value in a row.
 *
 * For an encoder whose two heads are interleaved in one layer, means in its even rows:
 *
 *     {ours "encoder.1.weight", theirs "lin.weight", first_row 0,     their_row 0, their_step 2}
 *     {ours "encoder.1.weight", theirs "lin.weight", first_row z_dim, their_row 1, their_step 2}
 * @since 0.1
 */
typedef struct vae_import_rule {
    uint64_t size;       /**< sizeof(vae_import_rule), set by vae_import_rule_init() */
    const char *ours;    /**< the tensor's name in the model; required (default NULL) */
    const char *theirs;  /**< the tensor's name in the file; required (default NULL) */
    uint64_t first_row;  /**< row of ours that the first row taken goes to, default 0 */
    uint64_t their_row;  /**< first row taken of theirs, default 0 */
    uint64_t their_step; /**< step between rows taken, at least 1, default 1 */
    int32_t transpose;   /**< 1: theirs is transposed first, default 0 */
    int32_t reserved;    /**< 0 */
    double factor;       /**< ours = factor * theirs, default 1; 2 makes log-variances of log-scales */
} vae_import_rule;

/**
 * Writes a rule's defaults. Must be called for each element of an array.
 *
 * @param rule  output; NULL does nothing
 * @param size  sizeof(vae_import_rule)
 * @since 0.1
 */
VAE_API void vae_import_rule_init(vae_import_rule *rule, size_t size);

/**
 * Fills a model's tensors from a file. Everything is checked before anything is written: each row of the
 * model's tensors must be filled exactly once, those of spans.* excepted, which may stay as they are; each
 * tensor of the file must be used, and each of its rows, counters of batches (num_batches_tracked) excepted.
 * Moments, step count and an open gradient stay as they are.
 *
 * Without rules the names must be among the common spellings, which are listed in docs/files.md and are no
 * part of the ABI: those of pytorch/examples, of pythae's MLP, of an nn.Sequential each for encoder and
 * decoder, and the library's own. Batch normalisation right behind a dense layer is then folded into it, with
 * PyTorch's default epsilon, 1e-5.
 *
 * @param model    not a view, its weights not in place; may be inference-only
 * @param path     a safetensors file
 * @param rules    [n_rules] where each tensor comes from; NULL: by the common spellings
 * @param n_rules  their number
 * @return #VAE_OK; #VAE_ERR_ARG (also a rule for a tensor that the model lacks); #VAE_ERR_ABI; #VAE_ERR_STATE
 *         (a view, or weights in place); #VAE_ERR_NOMEM; #VAE_ERR_IO; #VAE_ERR_FORMAT, its words naming the
 *         tensor
 * @since 0.1
 */
VAE_API int vae_import(vae_model *model, const char *path, const vae_import_rule *rules, size_t n_rules);

/** @} */

/** @} */

#ifdef __cplusplus
}
#endif

#endif
