/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vae.h
 * libvae: the variational auto-encoder as an embeddable C library. This is its only public header.
 *
 * Section 1 is status and version. Section 2 is stateless functions (KL terms, log-likelihoods, draws,
 * each with its gradient) for a training loop that exists already. Section 3 is the model: an opaque
 * ::vae_model made from a ::vae_config, trained by vae_step(), read by vae_elbo() and its kin.
 *
 * @par Arrays
 * Row-major. A shape [n][d] with a stride `ld*` means: element (i, j) is at `i * ld + j`. A stride counts
 * elements and is at least the number of columns, else #VAE_ERR_ARG, also for n = 1; the stride of an
 * output that is NULL is not looked at. Where no stride is passed, rows are contiguous. Any alignment.
 * Outputs overlap neither inputs nor one another, except where a function says so. The caller owns every
 * buffer; none is kept after the return.
 *
 * @par Units
 * Every log quantity is in nats and summed over dimensions, one value for each row. `logvar` is the
 * natural log of a variance, not of a standard deviation.
 *
 * @par Errors
 * `int` functions return #VAE_OK or a negative code, with words in vae_last_error(). After an error all
 * outputs are as they were (vae_create(), vae_share(): the handle is NULL) and the model is as it was.
 *
 * @par Threads
 * Section 2 and the functions without a model may be called from any thread at any time. Different models
 * are independent. One model is used by one thread at a time; vae_share() makes views for more.
 *
 * @par Conduct
 * No call prints, exits, aborts, installs a handler or changes process-wide state (BLAS threads, FPU modes,
 * locale, environment). Callbacks return: an exception or a longjmp() does not pass through the library.
 *
 * @par Structs
 * `size` comes first and is the caller's `sizeof`, written by the `vae_*_init` function, which also writes
 * every default: a field's value is what it says, zero included. Fields are only appended. What a caller's
 * older struct lacks at its end has its default; what a newer one has beyond the library's must be zero,
 * else #VAE_ERR_ABI. Of an output struct only `size` is read, and all other bytes up to `size` are
 * written.
 *
 * @since 0.1
 */
#ifndef VAE_VAE_H
#define VAE_VAE_H

#include <stddef.h>
#include <stdint.h>

/** Major version of this header; vae_version() says the library's. @since 0.1 */
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

/** What `int` functions return. Numbers are never used again for something else. @since 0.1 */
enum {
    VAE_OK = 0,         /**< done */
    VAE_ERR_ARG = -1,   /**< an argument is NULL, out of range or does not fit another one */
    VAE_ERR_NOMEM = -2, /**< the allocator returned NULL, or a size does not fit `size_t` */
    VAE_ERR_ABI = -3,   /**< a struct of an impossible `size`, or with a field set that this library lacks */
    VAE_ERR_NONFINITE = -4,  /**< training met a NaN or an infinity; nothing was changed */
    VAE_ERR_FORMAT = -5,     /**< a file is not what it should be */
    VAE_ERR_IO = -6,         /**< a file cannot be read or written */
    VAE_ERR_STATE = -7,      /**< not now, or not on a view: the call needs another one before it */
    VAE_ERR_UNSUPPORTED = -8 /**< known, but not in this build or on this machine */
};

/**
 * A status code in words.
 *
 * @param status  any number
 * @return a static string, never NULL; "unknown status" for a number that is no code
 * @since 0.1
 */
VAE_API const char *vae_strerror(int status);

/**
 * The calling thread's last failure in words, naming the argument and its limit.
 *
 * @return a string of at most 255 characters in storage of the calling thread: empty before the first
 *         failure, valid until this thread's next failing call, untouched by calls that succeed; never
 *         NULL
 * @since 0.1
 */
VAE_API const char *vae_last_error(void);

/**
 * The version of the library that is linked.
 *
 * @return major << 16 | minor << 8 | patch
 * @since 0.1
 */
VAE_API unsigned vae_version(void);

/**
 * How the library was built and what it chose on this machine.
 *
 * @return a string such as "0.1.0 isa=avx512 gemm=native blas=none": the version, then `key=value` pairs
 *         divided by single spaces; more pairs may follow in later versions. `isa` is the instruction set
 *         in use (the environment variable VAE_CPU lowers it: scalar, avx2, avx512, neon). In storage of the
 *         calling thread, valid as long as the thread; never NULL
 * @since 0.1
 */
VAE_API const char *vae_build_info(void);

/** @} */

/* ---- 2. kernels ---------------------------------------------------------------------------------------- */

/**
 * @defgroup kernels 2. Kernels
 * Stateless functions: no model, no allocation, no locks, safe from any thread at any time. The same bits
 * on every instruction set and machine.
 *
 * Arguments are judged, element values never are: NaN in gives NaN out, what is too large becomes an
 * infinity, finite inputs never give NaN, infinite inputs give the limit where there is one and NaN where
 * there is none. float32 functions compute in float64 and round once; their float64 twins compute in
 * double-double.
 *
 * With n = 0 nothing is read or written and pointers may be NULL. With d = 0 each row's sum is 0.
 *
 * Functions named `*_grad` take upstream weights `w` ([n], or NULL for ones), may give the value too
 * (`value`, [n], overwritten, NULL = not wanted; not multiplied by w) and ADD w[i] times row i's
 * derivative to each gradient output; a gradient output that is NULL is not wanted. Clear gradient buffers
 * before the first call.
 *
 * Errors, unless a function says more: #VAE_ERR_ARG for a required pointer that is NULL and for a stride
 * that is smaller than the number of columns. Every function but vae_kl_gauss_work() and vae_random_u32()
 * has a float64 twin of the same order of arguments, NAME_f64.
 * @{
 */

/**
 * KL divergence of a diagonal Gaussian from the standard normal, KL(N(mu, diag exp(logvar)) || N(0, I)):
 *
 *     kl[i] = 1/2 sum_j (mu[i][j]^2 + exp(logvar[i][j]) - 1 - logvar[i][j])    [nats, >= 0]
 *
 * Kingma & Welling, arXiv:1312.6114, appendix B, with the sign turned (the bound subtracts it); equation
 * (8) of docs/derivation.md. Computed as (mu^2 + g(logvar)) / 2 with g(v) = expm1(v) - v >= 0: the written
 * form loses every digit near logvar = 0.
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
 * Gradients of vae_kl_diag_gauss():
 *
 *     gmu[i][j]     += w[i] mu[i][j]
 *     glogvar[i][j] += w[i] expm1(logvar[i][j]) / 2
 *
 * @param n,d              rows, latent dimensions
 * @param mu,logvar        [n][d] means and log-variances
 * @param ldmu,ldlogvar    their row strides
 * @param w                [n] upstream weights, NULL = ones
 * @param value            [n] the divergence itself, or NULL
 * @param gmu,glogvar      [n][d] added to; NULL = not wanted
 * @param ldgmu,ldglogvar  their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_kl_diag_gauss_grad(size_t n, size_t d, const float *mu, size_t ldmu, const float *logvar,
    size_t ldlogvar, const float *w, float *value, float *gmu, size_t ldgmu, float *glogvar,
    size_t ldglogvar);

/**
 * KL divergence between two diagonal Gaussians, KL(q || p), as for a learned or conditional prior:
 *
 *     kl[i] = 1/2 sum_j (t^2 + exp(D) - 1 - D)    [nats, >= 0]
 *     with D = logvar_q - logvar_p and t = (mu_q - mu_p) exp(-logvar_p / 2)
 *
 * The general form of Kingma & Welling, arXiv:1312.6114, appendix B; vae_kl_diag_gauss() is the case
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
 * Gradients of vae_kl_diag_gauss_pair(), with D and t as there:
 *
 *     gmu_q += w t exp(-logvar_p / 2)      glogvar_q += w expm1(D) / 2
 *     gmu_p -= w t exp(-logvar_p / 2)      glogvar_p -= w (expm1(D) + t^2) / 2
 *
 * @param n,d                    rows, latent dimensions
 * @param mu_q,logvar_q          [n][d] the first Gaussian
 * @param ldmu_q,ldlogvar_q      their row strides
 * @param mu_p,logvar_p          [n][d] the second one
 * @param ldmu_p,ldlogvar_p      their row strides
 * @param w                      [n] upstream weights, NULL = ones
 * @param value                  [n] the divergence itself, or NULL
 * @param gmu_q,glogvar_q        [n][d] added to; NULL = not wanted
 * @param ldgmu_q,ldglogvar_q    their row strides
 * @param gmu_p,glogvar_p        [n][d] added to; NULL = not wanted
 * @param ldgmu_p,ldglogvar_p    their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_kl_diag_gauss_pair_grad(size_t n, size_t d, const float *mu_q, size_t ldmu_q,
    const float *logvar_q, size_t ldlogvar_q, const float *mu_p, size_t ldmu_p, const float *logvar_p,
    size_t ldlogvar_p, const float *w, float *value, float *gmu_q, size_t ldgmu_q, float *glogvar_q,
    size_t ldglogvar_q, float *gmu_p, size_t ldgmu_p, float *glogvar_p, size_t ldglogvar_p);

/**
 * Bytes of scratch that vae_kl_gauss(), vae_kl_gauss_grad() and their float64 twins need.
 *
 * @param d  dimensions
 * @return the number of bytes, enough for either precision; grows as d^2; SIZE_MAX where it does not fit
 *         `size_t`
 * @since 0.1
 */
VAE_API size_t vae_kl_gauss_work(size_t d);

/**
 * KL divergence between two Gaussians of full covariance, given by their Cholesky factors; one pair:
 *
 *     KL(N(mu_q, Lq Lq') || N(mu_p, Lp Lp'))
 *       = 1/2 (|Lp^-1 Lq|_F^2 - d + |Lp^-1 (mu_q - mu_p)|^2) + sum_i log(Lp[i][i] / Lq[i][i])    [nats, >= 0]
 *
 * Computed from N = Lp^-1 (Lq - Lp), so that near pairs keep their digits.
 *
 * @param d              dimensions; 0 gives 0
 * @param mu_q,mu_p      [d] means
 * @param chol_q,chol_p  [d][d] lower Cholesky factors; what is above the diagonal is not read
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
 * Gradients of vae_kl_gauss() with respect to both means and to both factors' lower triangles:
 *
 *     gmu_q   += w Lp^-T y,  gmu_p -= the same,            y = Lp^-1 (mu_q - mu_p)
 *     gchol_q += w (tril(Lp^-T (I + N)) - diag(1 / Lq[i][i]))
 *     gchol_p -= w tril(Lp^-T (N + N' + N N' + y y'))
 *
 * @param d              dimensions
 * @param mu_q,mu_p      [d] means
 * @param chol_q,chol_p  [d][d] lower Cholesky factors; what is above the diagonal is not read
 * @param ldq,ldp        their row strides
 * @param work           scratch of any content and alignment; overwritten
 * @param work_size      its bytes, at least vae_kl_gauss_work(d)
 * @param w              upstream weight
 * @param value          [1] the divergence itself, or NULL
 * @param gmu_q,gmu_p    [d] added to; NULL = not wanted
 * @param gchol_q,gchol_p  [d][d] lower triangles added to, the rest untouched; NULL = not wanted
 * @param ldgq,ldgp      their row strides
 * @return #VAE_OK or #VAE_ERR_ARG, also for a diagonal entry that is <= 0 and for too small a work_size
 * @since 0.1
 */
VAE_API int vae_kl_gauss_grad(size_t d, const float *mu_q, const float *chol_q, size_t ldq, const float *mu_p,
    const float *chol_p, size_t ldp, void *work, size_t work_size, float w, float *value, float *gmu_q,
    float *gchol_q, size_t ldgq, float *gmu_p, float *gchol_p, size_t ldgp);

/**
 * The reparameterised draw, z = mu + exp(logvar / 2) eps: a draw from N(mu, diag exp(logvar)) where eps
 * holds standard normals (vae_normal()). Kingma & Welling, arXiv:1312.6114, section 2.4 and equation (10).
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
 * Takes a gradient with respect to z back through vae_reparam():
 *
 *     gmu += gz      glogvar += gz eps exp(logvar / 2) / 2
 *
 * @param n,d              rows, latent dimensions
 * @param logvar,eps       [n][d] as they were in the draw
 * @param ldlogvar,ldeps   their row strides
 * @param gz               [n][d] the gradient with respect to z
 * @param ldgz             its row stride
 * @param gmu,glogvar      [n][d] added to; NULL = not wanted
 * @param ldgmu,ldglogvar  their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_reparam_grad(size_t n, size_t d, const float *logvar, size_t ldlogvar, const float *eps,
    size_t ldeps, const float *gz, size_t ldgz, float *gmu, size_t ldgmu, float *glogvar, size_t ldglogvar);

/**
 * Purposes of the streams that a model draws from. A stream's number is
 *
 *     purpose << 56 | sample << 40 | step
 *
 * where step is vae_steps() for the training noise and 0 elsewhere, and sample counts from 0. Element row
 * * z_dim + j of it belongs to latent j of that row, the row counted in the whole (vae_batch.first_row),
 * so that a draw depends neither on how data are cut into calls nor on threads nor on machines. The key is
 * the model's seed XOR the batch's. Purposes 0 and 6 to 255 are the caller's. @since 0.1
 */
enum {
    VAE_STREAM_INIT = 1,     /**< the parameters, by canonical number: sample 0, step 0 */
    VAE_STREAM_TRAIN = 2,    /**< the noise of vae_step() and vae_grad() */
    VAE_STREAM_EVALUATE = 3, /**< the noise of vae_elbo(), vae_elbo_batch() and vae_score(): step 0 */
    VAE_STREAM_PRIOR = 4,    /**< the latents of vae_sample(): sample 0, step 0 */
    VAE_STREAM_BINARISE = 5  /**< kept for callers that binarise grey values with vae_bernoulli() */
};

/**
 * Standard normals, addressed: element i of the call is element offset + i of stream (seed, stream),
 * whatever the call's bounds. The bits never change within a SONAME.
 *
 * Words come from vae_random_u32(); element e = 64 g + 16 q + l uses two words of block 16 g + l, those
 * numbered 0 and 1 for q = 0, 1 and those numbered 2 and 3 for q = 2, 3, through Box & Muller (1958): of
 * the pair (a, b), u = fma(a, 2^-32, 2^-33) in float32 with a rounded to float32 first, r = sqrt(-2 ln u),
 * t = pi b / 2^31 with b read as a signed number; r cos t for even q, r sin t for odd q. The largest
 * magnitude is 6.76.
 *
 * @param seed    key
 * @param stream  stream of that key; ::VAE_STREAM_INIT and its kin say which ones a model uses
 * @param offset  number of the first element; numbers are taken modulo 2^64
 * @param n       elements
 * @param out     [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_normal(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, float *out);

/**
 * Uniform 32-bit words, addressed as vae_normal(): element e = 64 g + 16 q + l is word q of the
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
 * Bernoulli draws: x[i] = 1 with probability p[i], else 0: where word offset + i of stream (seed, stream)
 * is below p[i] 2^32.
 * Dynamic binarisation of grey images is one call for each pass over the data.
 *
 * @param seed,stream,offset  as in vae_random_u32()
 * @param n                   elements
 * @param p                   [n] probabilities; <= 0 always gives 0, >= 1 always 1, NaN gives NaN
 * @param x                   [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_bernoulli(
    uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *p, float *x);

/**
 * Bernoulli log-likelihood on logits, p = sigmoid(l):
 *
 *     loglik[i] = sum_j x log p + (1 - x) log(1 - p) = sum_j x l - softplus(l)    [nats, <= 0 for x in 0..1]
 *
 * Kingma & Welling, arXiv:1312.6114, appendix C.1, equation (11). Targets between 0 and 1 (grey values)
 * are taken as they are.
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
 * Gradient of vae_loglik_bernoulli(): glogits[i][j] += w[i] (x - sigmoid(l)).
 *
 * @param n,d           rows, dimensions
 * @param x,logits      [n][d] targets and logits
 * @param ldx,ldlogits  their row strides
 * @param w             [n] upstream weights, NULL = ones
 * @param value         [n] the log-likelihood itself, or NULL
 * @param glogits       [n][d] added to; NULL = not wanted
 * @param ldglogits     its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_bernoulli_grad(size_t n, size_t d, const float *x, size_t ldx, const float *logits,
    size_t ldlogits, const float *w, float *value, float *glogits, size_t ldglogits);

/**
 * Gaussian log-likelihood of a diagonal covariance:
 *
 *     loglik[i] = -1/2 sum_j (log 2 pi + logvar + (x - mean)^2 exp(-logvar))    [nats]
 *
 * Kingma & Welling, arXiv:1312.6114, appendix C.2, equation (12). The constant is part of it.
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
 * Gradients of vae_loglik_gauss():
 *
 *     gmean += w (x - mean) exp(-logvar)      glogvar += w ((x - mean)^2 exp(-logvar) - 1) / 2
 *
 * @param n,d                    rows, dimensions
 * @param x,mean,logvar          [n][d] targets, means and log-variances
 * @param ldx,ldmean,ldlogvar    their row strides
 * @param w                      [n] upstream weights, NULL = ones
 * @param value                  [n] the log-likelihood itself, or NULL
 * @param gmean,glogvar          [n][d] added to; NULL = not wanted
 * @param ldgmean,ldglogvar      their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_gauss_grad(size_t n, size_t d, const float *x, size_t ldx, const float *mean,
    size_t ldmean, const float *logvar, size_t ldlogvar, const float *w, float *value, float *gmean,
    size_t ldgmean, float *glogvar, size_t ldglogvar);

/**
 * Laplace log-likelihood, of scale b = exp(logscale):
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
 * Gradients of vae_loglik_laplace():
 *
 *     gmean += w sign(x - mean) exp(-logscale), 0 at x = mean
 *     glogscale += w (|x - mean| exp(-logscale) - 1)
 *
 * @param n,d                    rows, dimensions
 * @param x,mean,logscale        [n][d] targets, centres and logs of the scale
 * @param ldx,ldmean,ldlogscale  their row strides
 * @param w                      [n] upstream weights, NULL = ones
 * @param value                  [n] the log-likelihood itself, or NULL
 * @param gmean,glogscale        [n][d] added to; NULL = not wanted
 * @param ldgmean,ldglogscale    their row strides
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_laplace_grad(size_t n, size_t d, const float *x, size_t ldx, const float *mean,
    size_t ldmean, const float *logscale, size_t ldlogscale, const float *w, float *value, float *gmean,
    size_t ldgmean, float *glogscale, size_t ldglogscale);

/**
 * Poisson log-likelihood of counts, of rate exp(lograte):
 *
 *     loglik[i] = sum_j x lograte - exp(lograte) - log x!    [nats, <= 0]
 *
 * In the saddle-point form of Loader, "Fast and accurate computation of binomial probabilities" (2000):
 * all terms of one sign.
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
 * Gradient of vae_loglik_poisson(): glograte[i][j] += w[i] (x - exp(lograte)).
 *
 * @param n,d            rows, dimensions
 * @param x,lograte      [n][d] counts and logs of the rate
 * @param ldx,ldlograte  their row strides
 * @param w              [n] upstream weights, NULL = ones
 * @param value          [n] the log-likelihood itself, or NULL
 * @param glograte       [n][d] added to; NULL = not wanted
 * @param ldglograte     its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_poisson_grad(size_t n, size_t d, const float *x, size_t ldx, const float *lograte,
    size_t ldlograte, const float *w, float *value, float *glograte, size_t ldglograte);

/**
 * Continuous Bernoulli log-likelihood on logits, a density on [0, 1]:
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
 * Gradient of vae_loglik_cbernoulli(): glogits[i][j] += w[i] (x - m(l)), where m is the distribution's mean.
 *
 * @param n,d           rows, dimensions
 * @param x,logits      [n][d] targets and logits
 * @param ldx,ldlogits  their row strides
 * @param w             [n] upstream weights, NULL = ones
 * @param value         [n] the log-likelihood itself, or NULL
 * @param glogits       [n][d] added to; NULL = not wanted
 * @param ldglogits     its row stride
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_loglik_cbernoulli_grad(size_t n, size_t d, const float *x, size_t ldx, const float *logits,
    size_t ldlogits, const float *w, float *value, float *glogits, size_t ldglogits);

/**
 * Categorical log-likelihood, one label to a row: loglik[i] = log softmax(logits[i])[label[i]]    [nats,
 * <= 0].
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
 * Gradient of vae_loglik_categorical(): glogits[i][c] += w[i] ((c == label[i]) - softmax(logits[i])[c]).
 *
 * @param n,k        rows, classes
 * @param label      [n] labels, 0 to k - 1
 * @param logits     [n][k] unnormalised log-probabilities
 * @param ldlogits   its row stride
 * @param w          [n] upstream weights, NULL = ones
 * @param value      [n] the log-likelihood itself, or NULL
 * @param glogits    [n][k] added to; NULL = not wanted
 * @param ldglogits  its row stride
 * @return #VAE_OK or #VAE_ERR_ARG, also for a label that is out of range
 * @since 0.1
 */
VAE_API int vae_loglik_categorical_grad(size_t n, size_t k, const uint32_t *label, const float *logits,
    size_t ldlogits, const float *w, float *value, float *glogits, size_t ldglogits);

/**
 * The log of a mean of exponentials, and the weights behind it:
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
 * @param weights    [n][k] output, overwritten; NULL = not wanted
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
 * An encoder q(z|x) = N(mu(x), diag exp(logvar(x))), a decoder p(x|z) and the prior p(z) = N(0, I),
 * trained by stochastic gradient ascent on the evidence lower bound (ELBO) of Kingma & Welling,
 * arXiv:1312.6114:
 *
 *     log p(x) >= ELBO(x) = E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z))    [nats]
 *
 * All memory is taken by vae_create() and vae_share(); no other call allocates. With the native gemm a run
 * is a function of configuration, seed and data: the same bits with any number of threads, on any
 * instruction set. One model is used by one thread at a time; calls that take a `const vae_model *` too.
 * @{
 */

/** A model or a view of one: opaque, made by vae_create() or vae_share(). @since 0.1 */
typedef struct vae_model vae_model;

/**
 * Where a model's memory comes from. All NULL: the C library. Else `alloc` and `free` are both given; they
 * are called by vae_create(), vae_share() and vae_destroy() alone, on the calling thread. @since 0.1
 */
typedef struct vae_allocator {
    void *ctx; /**< handed to both functions, not looked at */
    /** Returns `size` bytes (at least 1) aligned to `alignment` (a power of two), or NULL */
    void *(*alloc)(void *ctx, size_t size, size_t alignment);
    /** Takes back what `alloc` gave, of the same `size`; never NULL */
    void (*free)(void *ctx, void *ptr, size_t size);
} vae_allocator;

/** Kinds of layer: vae_layer.kind. @since 0.1 */
enum {
    VAE_LAYER_DENSE = 1 /**< y = activation(W x + b), W of shape [units][inputs] */
};

/** Activations: vae_layer.activation, and two of them vae_config.mean_activation. @since 0.1 */
enum {
    VAE_IDENTITY = 0, /**< x */
    VAE_RELU = 1,     /**< x where x > 0, else 0; its derivative at 0 is 0 */
    VAE_TANH = 2,     /**< tanh x */
    VAE_SIGMOID = 3,  /**< 1 / (1 + exp(-x)) */
    VAE_SOFTPLUS = 4, /**< log(1 + exp x) */
    VAE_SILU = 5,     /**< x sigmoid(x) */
    VAE_GELU = 6      /**< x Phi(x), Phi the standard normal's distribution function (the erf form) */
};

/** Likelihoods p(x|z): vae_config.likelihood. Kingma & Welling, arXiv:1312.6114, appendix C. @since 0.1 */
enum {
    VAE_BERNOULLI = 1,    /**< on logits; x in 0..1, grey values as they are (appendix C.1) */
    VAE_GAUSS_FIXED = 2,  /**< Gaussian, log-variance vae_config.gauss_logvar everywhere, not learned */
    VAE_GAUSS_SHARED = 3, /**< Gaussian, one learned log-variance: tensor "decoder.logvar" of shape {1, 1} */
    VAE_GAUSS = 4         /**< Gaussian, a log-variance for every element from the decoder (appendix C.2) */
};

/** Initialisations, each from stream ::VAE_STREAM_INIT of the model's seed: vae_config.init. @since 0.1 */
enum {
    VAE_INIT_TORCH = 1,  /**< weights, biases U(-a, a), a = init_scale / sqrt(inputs): PyTorch's nn.Linear */
    VAE_INIT_GLOROT = 2, /**< weights U(-a, a), a = init_scale sqrt(6 / (inputs + units)), biases 0: Glorot,
                          *   Bengio 2010 */
    VAE_INIT_HE = 3,     /**< weights N(0, init_scale^2 2 / inputs), biases 0: He et al., arXiv:1502.01852 */
    VAE_INIT_NORMAL = 4  /**< weights, biases N(0, init_scale^2): Kingma & Welling's with init_scale 0.01 */
};

/** Optimizers: vae_config.optimizer. @since 0.1 */
enum {
    VAE_ADAM = 1 /**< Adam, Kingma & Ba, arXiv:1412.6980, algorithm 1; epsilon is outside the root */
};

/** Who multiplies matrices: vae_config.gemm. @since 0.1 */
enum {
    VAE_GEMM_NATIVE = 1, /**< the library's own, always there; the same bits everywhere */
    VAE_GEMM_CBLAS = 2   /**< the CBLAS that the library was built with, outside the promise of equal bits */
};

/** One hidden layer; copied by vae_create(). @since 0.1 */
typedef struct vae_layer {
    size_t size;        /**< sizeof(vae_layer), set by vae_layer_init() */
    int32_t kind;       /**< default #VAE_LAYER_DENSE */
    int32_t activation; /**< default #VAE_RELU */
    uint64_t units;     /**< outputs, 1 to 2^30 - 1; required (default 0) */
} vae_layer;

/**
 * Writes a layer's defaults. Call it for each element of an array.
 *
 * @param layer  output; NULL does nothing
 * @param size   sizeof(vae_layer): exactly so many bytes are written
 * @since 0.1
 */
VAE_API void vae_layer_init(vae_layer *layer, size_t size);

/**
 * What a model is made of. Initialise it with vae_config_init(), then set x_dim and z_dim and what should
 * differ from the defaults. Nothing of it is kept by reference but the callbacks and their contexts.
 * @since 0.1
 */
typedef struct vae_config {
    size_t size;    /**< sizeof(vae_config), set by vae_config_init() */
    uint64_t x_dim; /**< values in a row of data, 1 to 2^30 - 1; required (default 0) */
    uint64_t z_dim; /**< latent dimensions, 1 to 2^30 - 1; required (default 0) */

    /** Hidden layers between x and the head (mu | logvar) of 2 z_dim units, default NULL; the array's
     *  stride is encoder[0].size, so that arrays of an older vae_layer work */
    const vae_layer *encoder;
    uint64_t n_encoder; /**< number of them, at most 65535, default 0: the head alone, linear */
    /** Hidden layers between z and the head: x_dim units, 2 x_dim (mean | logvar) for #VAE_GAUSS; default
     *  NULL; the array's stride is decoder[0].size */
    const vae_layer *decoder;
    uint64_t n_decoder; /**< number of them, at most 65535, default 0: the head alone, linear */

    int32_t likelihood; /**< p(x|z), default #VAE_BERNOULLI */
    /** Of Gaussian means: #VAE_IDENTITY (default) or #VAE_SIGMOID (appendix C.2's for faces in 0..1);
     *  Bernoulli takes #VAE_IDENTITY alone */
    int32_t mean_activation;
    /** Natural log of the variance: of #VAE_GAUSS_FIXED, and where #VAE_GAUSS_SHARED starts; of magnitude
     *  below 1e4, default 0 */
    double gauss_logvar;
    int32_t init;         /**< of the parameters, default #VAE_INIT_TORCH */
    int32_t optimizer;    /**< default #VAE_ADAM */
    double init_scale;    /**< factor of the initialisation, see there; 0 to 1e30, default 1 */
    double learning_rate; /**< step size, 0 to 1e30, default 1e-3 */
    double beta1;         /**< decay of Adam's first moment, 0 <= beta1 < 1, default 0.9 */
    double beta2;         /**< decay of Adam's second moment, 0 <= beta2 < 1, default 0.999 */
    double epsilon;       /**< Adam's, 1.17549436e-38 (FLT_MIN) to 1e30, default 1e-8 */

    uint64_t seed;          /**< of initialisation and all noise, default 0 (a seed like others) */
    uint64_t max_batch;     /**< rows that one vae_step() may hold, 1 to 2^30 - 1, default 128 */
    uint64_t train_samples; /**< draws of z for each row in training, L, 1 to 65536, default 1 */
    /** Threads that work in one call, the caller's included; 1 to 1024, default 1. More than 1 without
     *  parallel_for in a build without threads is #VAE_ERR_UNSUPPORTED */
    int32_t threads;
    int32_t gemm; /**< default #VAE_GEMM_NATIVE; what the build lacks is #VAE_ERR_UNSUPPORTED */

    vae_allocator allocator; /**< default all NULL: the C library's */
    /** The embedding program's executor, default NULL: the model's own threads. It calls task(arg, index)
     *  once for each index below `tasks`, which is at most `threads`, in any order, on any threads, one
     *  after the other or at the same time, and returns when all have returned */
    void (*parallel_for)(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg);
    void *parallel_ctx; /**< handed to parallel_for, default NULL */
    /** Receives remarks that are no errors, on the calling thread, default NULL: silent. `level` 1 is a
     *  warning. The message lives as long as the call; the model may not be used inside */
    void (*log)(void *ctx, int32_t level, const char *message);
    void *log_ctx; /**< handed to log, default NULL */
} vae_config;

/**
 * Writes a configuration's defaults.
 *
 * @param config  output; NULL does nothing
 * @param size    sizeof(vae_config): exactly so many bytes are written
 * @since 0.1
 */
VAE_API void vae_config_init(vae_config *config, size_t size);

/**
 * A batch in full. The calls without it are those with ldx = x_dim, first_row = 0 and the model's seed.
 * More fields may follow in later versions. @since 0.1
 */
typedef struct vae_batch {
    size_t size;        /**< sizeof(vae_batch), set by vae_batch_init() */
    size_t n;           /**< rows, default 0 */
    const float *x;     /**< [n][x_dim] data, default NULL */
    size_t ldx;         /**< its row stride, at least x_dim; default 0, which must be set */
    uint64_t first_row; /**< number of x's first row in the whole, default 0: noise is addressed by it */
    uint64_t seed;      /**< XOR-ed with the model's, default 0: the model's own noise */
} vae_batch;

/**
 * Writes a batch's defaults.
 *
 * @param batch  output; NULL does nothing
 * @param size   sizeof(vae_batch): exactly so many bytes are written
 * @since 0.1
 */
VAE_API void vae_batch_init(vae_batch *batch, size_t size);

/**
 * What a pass over a batch came to: nats, means over its rows. Only `size` is read; set it to
 * sizeof(vae_terms).
 * @since 0.1
 */
typedef struct vae_terms {
    size_t size;      /**< sizeof(vae_terms), set by the caller */
    double elbo;      /**< loglik - kl */
    double loglik;    /**< log p(x|z), summed over x's dimensions, mean over the draws of z */
    double kl;        /**< KL(q(z|x) || p(z)), in closed form */
    double grad_norm; /**< l2 norm of the gradient of the mean; 0 where none was computed */
} vae_terms;

/**
 * Makes a model: checks the configuration, takes all memory, starts its threads if it has more than one,
 * draws the parameters.
 *
 * @param out     the model, or NULL after an error
 * @param config  copied with its layers
 * @return #VAE_OK; #VAE_ERR_ARG (a field out of range, an unknown kind), #VAE_ERR_ABI (see the structs'
 *         rule), #VAE_ERR_NOMEM (also where sizes do not fit), #VAE_ERR_UNSUPPORTED (a gemm or threads
 *         that the build lacks)
 * @since 0.1
 */
VAE_API int vae_create(vae_model **out, const vae_config *config);

/**
 * Ends a model or a view and gives back its memory. Views go before their owner.
 *
 * @param model  NULL does nothing
 * @since 0.1
 */
VAE_API void vae_destroy(vae_model *model);

/**
 * A view: a model with a workspace and threads of its own on the owner's weights, which are not copied.
 * All reading calls work on it and give the owner's bits; vae_step(), vae_grad(), vae_apply(),
 * vae_set_params() and their kin are #VAE_ERR_STATE. One thread for each view, any number of views. The
 * owner outlives them and is not changed while a view's call runs; after a change views see the new
 * weights.
 *
 * @param view       the view, or NULL after an error
 * @param owner      a model that vae_create() made, or a view, whose owner is then shared
 * @param max_batch  rows that the view works on at a time, 1 to 2^31 - 1; more rows are cut, results do
 *                   not change
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_NOMEM
 * @since 0.1
 */
VAE_API int vae_share(vae_model **view, const vae_model *owner, uint64_t max_batch);

/**
 * @name Training
 * @{
 */

/**
 * One step on n rows: forward, backward, update. The same bits as vae_grad() followed by vae_apply().
 *
 * The noise is element row * z_dim + j of streams (#VAE_STREAM_TRAIN, sample 0 .. train_samples - 1,
 * vae_steps()). The gradient is not kept: vae_get_grads() and vae_apply() want a vae_grad() first.
 *
 * @param model  not a view
 * @param x      [n][x_dim] data
 * @param n      rows, 1 to max_batch
 * @param terms  before the update; NULL = not wanted
 * @return #VAE_OK; #VAE_ERR_ARG; #VAE_ERR_STATE (a view); #VAE_ERR_NONFINITE, its words naming the term
 *         and the row, where a term or a gradient is NaN or infinite or a gradient's square overflows
 *         float32. After any error parameters, moments and step count are bit-identical to before
 * @since 0.1
 */
VAE_API int vae_step(vae_model *model, const float *x, size_t n, vae_terms *terms);

/**
 * vae_step() on a batch in full.
 *
 * @param model  not a view
 * @param batch  n from 1 to max_batch
 * @param terms  before the update; NULL = not wanted
 * @return as vae_step(), and #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_step_batch(vae_model *model, const vae_batch *batch, vae_terms *terms);

/**
 * The first half of a step: overwrites the model's gradient with that of -(mean ELBO) over the batch's rows.
 * Parameters, moments and step count stay as they are.
 *
 * @param model  not a view
 * @param batch  n from 1 to max_batch
 * @param terms  NULL = not wanted
 * @return as vae_step_batch(); after #VAE_ERR_NONFINITE there is no gradient to read or to apply
 * @since 0.1
 */
VAE_API int vae_grad(vae_model *model, const vae_batch *batch, vae_terms *terms);

/**
 * The second half: one optimizer update by the gradient, vae_steps() + 1. It reads what vae_grad_buffer()
 * shows, so that the gradient may be clipped, or summed over machines, in between.
 *
 * @param model  not a view, after vae_grad(); each gradient is applied once
 * @return #VAE_OK; #VAE_ERR_STATE (a view, or no gradient); #VAE_ERR_NONFINITE (a gradient that is NaN or
 *         infinite, or whose square overflows float32: nothing changed)
 * @since 0.1
 */
VAE_API int vae_apply(vae_model *model);

/**
 * Changes the step size from the next update on.
 *
 * @param model          not a view
 * @param learning_rate  0 to 1e30
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_STATE
 * @since 0.1
 */
VAE_API int vae_set_learning_rate(vae_model *model, double learning_rate);

/** @} */

/**
 * @name Reading
 * Pure functions of (parameters, data, seed, samples): they change nothing, allocate nothing, take any
 * number of rows (n = 0 writes no row; means over no rows are 0) and work them in chunks whose bounds do
 * not show in the results. A row that holds NaN gives NaN for that row and #VAE_OK. They work on views.
 * @{
 */

/**
 * The evidence lower bound of each row, in nats:
 *
 *     elbo[i] = 1/S sum_s log p(x_i | z_is) - KL(q(z|x_i) || p(z)),    z_is = mu_i + exp(logvar_i / 2)
 *  eps_is
 *
 * Kingma & Welling, arXiv:1312.6114, equation (7). eps_is is row i's part of stream (#VAE_STREAM_EVALUATE,
 * sample s, step 0).
 *
 * @param model    a model or a view
 * @param x        [n][x_dim] data
 * @param n        rows, any number
 * @param samples  S, at most 65536; 0 = one evaluation at z = mu, deterministic
 * @param elbo     [n] output; NULL = not wanted
 * @param terms    means over the rows; NULL = not wanted
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_elbo(
    vae_model *model, const float *x, size_t n, size_t samples, double *elbo, vae_terms *terms);

/**
 * vae_elbo() on a batch in full: row i's noise is that of row first_row + i, under the seeds' XOR.
 *
 * @param model    a model or a view
 * @param batch    any n
 * @param samples  as in vae_elbo()
 * @param elbo     [n] output; NULL = not wanted
 * @param terms    means over the rows; NULL = not wanted
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_ABI
 * @since 0.1
 */
VAE_API int vae_elbo_batch(
    vae_model *model, const vae_batch *batch, size_t samples, double *elbo, vae_terms *terms);

/**
 * An anomaly score: minus the ELBO of each row, in nats. High means unlike the training data.
 *
 * @param model    a model or a view
 * @param x        [n][x_dim] data
 * @param n        rows, any number
 * @param samples  as in vae_elbo(); 0 is the usual choice on a stream
 * @param score    [n] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_score(vae_model *model, const float *x, size_t n, size_t samples, double *score);

/**
 * How much each latent is used: the KL term split by latent, each a mean over the rows, in nats. A latent
 * near 0 has collapsed to the prior. The sum is vae_terms.kl, up to rounding.
 *
 * @param model  a model or a view
 * @param x      [n][x_dim] data
 * @param n      rows, any number
 * @param kl     [z_dim] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_latent_kl(vae_model *model, const float *x, size_t n, double *kl);

/**
 * The posterior's parameters, q(z|x) = N(mu, diag exp(logvar)).
 *
 * @param model   a model or a view
 * @param x       [n][x_dim] data
 * @param n       rows, any number
 * @param mu      [n][z_dim] output
 * @param logvar  [n][z_dim] output; NULL = not wanted
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_encode(vae_model *model, const float *x, size_t n, float *mu, float *logvar);

/**
 * The mean of p(x|z): probabilities for #VAE_BERNOULLI, else the Gaussian's mean.
 *
 * @param model   a model or a view
 * @param z       [n][z_dim] latents
 * @param n       rows, any number
 * @param x_mean  [n][x_dim] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_decode(vae_model *model, const float *z, size_t n, float *x_mean);

/**
 * The parameters of p(x|z), as the functions vae_loglik_bernoulli() and vae_loglik_gauss() take them.
 *
 * @param model     a model or a view
 * @param z         [n][z_dim] latents
 * @param n         rows, any number
 * @param location  [n][x_dim] output: logits for #VAE_BERNOULLI, else means (after mean_activation)
 * @param logvar    [n][x_dim] output: a Gaussian's log-variances, fixed and shared ones repeated; NULL =
 *                  not wanted, and the only choice for #VAE_BERNOULLI
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_decode_params(vae_model *model, const float *z, size_t n, float *location, float *logvar);

/**
 * vae_decode() of the posterior's mean: x through the code z = mu and back.
 *
 * @param model   a model or a view
 * @param x       [n][x_dim] data
 * @param n       rows, any number
 * @param x_mean  [n][x_dim] output
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_reconstruct(vae_model *model, const float *x, size_t n, float *x_mean);

/**
 * vae_decode() of latents drawn from the prior: z = elements 0 .. n z_dim - 1 of stream
 * (#VAE_STREAM_PRIOR, sample 0, step 0) under the key model seed XOR seed. The first rows are the same
 * whatever n is.
 *
 * @param model   a model or a view
 * @param seed    XOR-ed with the model's
 * @param n       rows, any number
 * @param x_mean  [n][x_dim] output: means of p(x|z), not draws from it
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_sample(vae_model *model, uint64_t seed, size_t n, float *x_mean);

/** @} */

/**
 * @name Parameters
 * Copied in canonical order: weights [units][inputs], then the bias, layer by layer, the encoder first,
 * the head last in each; "decoder.logvar" at the end for #VAE_GAUSS_SHARED. The order in which the model
 * itself holds them is its own business.
 * @{
 */

/**
 * The number of learned values.
 *
 * @param model  a model or a view; NULL gives 0
 * @return their count
 * @since 0.1
 */
VAE_API uint64_t vae_param_count(const vae_model *model);

/**
 * Copies the parameters out.
 *
 * @param model   a model or a view
 * @param params  [count] output
 * @param count   vae_param_count()
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_get_params(const vae_model *model, float *params, uint64_t count);

/**
 * Copies parameters in. Moments and step count stay as they are.
 *
 * @param model   not a view
 * @param params  [count] finite values
 * @param count   vae_param_count()
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_STATE
 * @since 0.1
 */
VAE_API int vae_set_params(vae_model *model, const float *params, uint64_t count);

/**
 * Copies out the gradient of -(mean ELBO) that the last vae_grad() computed, in the order of
 * vae_get_params().
 *
 * @param model  not a view, after vae_grad()
 * @param grads  [count] output
 * @param count  vae_param_count()
 * @return #VAE_OK, #VAE_ERR_ARG or #VAE_ERR_STATE (a view, or no gradient)
 * @since 0.1
 */
VAE_API int vae_get_grads(const vae_model *model, float *grads, uint64_t count);

/**
 * The gradient in place: the elements of vae_get_grads() in the model's own order, which is the same for
 * models of equal configurations. To be read and written between vae_grad() and vae_apply().
 *
 * @param model  not a view
 * @param count  output, vae_param_count(); NULL = not wanted
 * @return [count] memory of the model, the same at every call; NULL for a view
 * @since 0.1
 */
VAE_API float *vae_grad_buffer(vae_model *model, uint64_t *count);

/**
 * The number of tensors: two for each layer, heads included, and one more for #VAE_GAUSS_SHARED.
 *
 * @param model  a model or a view; NULL gives 0
 * @return their count
 * @since 0.1
 */
VAE_API uint64_t vae_tensor_count(const vae_model *model);

/**
 * Where a tensor is in the canonical order: "encoder.0.weight", "encoder.0.bias", "encoder.1.weight", ...,
 * the last index being the head's, then "decoder.0.weight", ..., then "decoder.logvar" for
 * #VAE_GAUSS_SHARED.
 *
 * @param model   a model or a view
 * @param index   0 to vae_tensor_count() - 1
 * @param name    output, a string of the model, valid as long as it; NULL = not wanted
 * @param offset  output, elements before the tensor; NULL = not wanted
 * @param shape   [2] output: {units, inputs} of weights, {units, 1} of biases, {1, 1} of "decoder.logvar";
 *                NULL = not wanted
 * @return #VAE_OK or #VAE_ERR_ARG
 * @since 0.1
 */
VAE_API int vae_tensor(
    const vae_model *model, uint64_t index, const char **name, uint64_t *offset, uint64_t shape[2]);

/**
 * The configuration's x_dim.
 *
 * @param model  a model or a view; NULL gives 0
 * @return values in a row of data
 * @since 0.1
 */
VAE_API uint64_t vae_x_dim(const vae_model *model);

/**
 * The configuration's z_dim.
 *
 * @param model  a model or a view; NULL gives 0
 * @return latent dimensions
 * @since 0.1
 */
VAE_API uint64_t vae_z_dim(const vae_model *model);

/**
 * Updates done so far: by vae_step(), vae_step_batch() and vae_apply().
 *
 * @param model  a model or a view (its owner's count); NULL gives 0
 * @return their number
 * @since 0.1
 */
VAE_API uint64_t vae_steps(const vae_model *model);

/** @} */

/** @} */

#ifdef __cplusplus
}
#endif

#endif
