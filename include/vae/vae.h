/* SPDX-License-Identifier: BSD-2-Clause
 * libvae: the variational auto-encoder as an embeddable C library.
 *
 * Conventions
 *   - float32, row-major; ld* is the row stride in elements and at least the number of columns, else VAE_ERR_ARG (also for
 *     n = 1). Any alignment. Outputs do not overlap inputs, except that z may be eps in vae_reparam.
 *   - All log quantities in nats, summed over dimensions, one value per row.
 *   - Kernels (section 2) judge arguments, never element values: NaN in, NaN out; overflow is inf; finite inputs never
 *     give NaN; for infinite inputs the limit where one exists, else NaN. n = 0: VAE_OK, pointers may be NULL. d = 0: sums are 0.
 *   - *_grad functions take the per-row upstream weights `w` ([n], NULL = ones), may return the value as well (`value`, [n] or NULL), and
 *     ADD to each gradient output; a NULL gradient output is not wanted.
 *   - Every function of section 2 has a float64 twin, NAME_f64, of the same order of arguments.
 *   - int returns: VAE_OK (0) or a negative code; on error all outputs are as before (vae_create, vae_load, vae_share: *out = NULL).
 *   - No call prints, exits, aborts, or changes process-wide state. */
#ifndef VAE_VAE_H
#define VAE_VAE_H
#include <stddef.h>
#include <stdint.h>

#define VAE_VERSION_MAJOR 0
#define VAE_VERSION_MINOR 1
#define VAE_VERSION_PATCH 0
#define VAE_VERSION_STRING "0.1.0"

#if defined(__GNUC__)
#define VAE_API __attribute__((visibility("default")))
#else
#define VAE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. status and version ------------------------------------------------------------------------------------ */

enum { VAE_OK = 0, VAE_ERR_ARG = -1, VAE_ERR_NOMEM = -2, VAE_ERR_ABI = -3, VAE_ERR_NONFINITE = -4, VAE_ERR_FORMAT = -5,
       VAE_ERR_IO = -6, VAE_ERR_STATE = -7, VAE_ERR_UNSUPPORTED = -8 };
VAE_API const char *vae_strerror(int status);     /* static string, never NULL */
VAE_API const char *vae_last_error(void);         /* this thread's last failure in words, naming the argument and the limit; never NULL;
                                             thread-local, fixed size, valid until this thread's next failing call */
VAE_API unsigned vae_version(void);               /* major << 16 | minor << 8 | patch */
VAE_API const char *vae_build_info(void);         /* "0.1.0 isa=avx512 gemm=native blas=..." ; isa is the one in use */

/* ---- 2. kernels: stateless, no allocation, no locks, any thread ------------------------------------------------- */

/* KL(N(mu, diag exp(logvar)) || N(0, I)); seed (8) */
VAE_API int vae_kl_diag_gauss(size_t n, size_t d, const float *mu, size_t ldmu, const float *logvar, size_t ldlogvar, float *kl);
VAE_API int vae_kl_diag_gauss_grad(size_t n, size_t d, const float *mu, size_t ldmu, const float *logvar, size_t ldlogvar,
    const float *w, float *value, float *gmu, size_t ldgmu, float *glogvar, size_t ldglogvar);

/* KL(q || p), both diagonal */
VAE_API int vae_kl_diag_gauss_pair(size_t n, size_t d, const float *mu_q, size_t ldmu_q, const float *logvar_q, size_t ldlogvar_q,
    const float *mu_p, size_t ldmu_p, const float *logvar_p, size_t ldlogvar_p, float *kl);
VAE_API int vae_kl_diag_gauss_pair_grad(size_t n, size_t d, const float *mu_q, size_t ldmu_q, const float *logvar_q, size_t ldlogvar_q,
    const float *mu_p, size_t ldmu_p, const float *logvar_p, size_t ldlogvar_p, const float *w, float *value,
    float *gmu_q, size_t ldgmu_q, float *glogvar_q, size_t ldglogvar_q,
    float *gmu_p, size_t ldgmu_p, float *glogvar_p, size_t ldglogvar_p);

/* KL(N(mu_q, L_q L_q') || N(mu_p, L_p L_p')), one pair; L: [d][d] lower Cholesky factors (strict upper part not read), a diagonal
 * entry <= 0 is VAE_ERR_ARG. work: vae_kl_gauss_work(d) bytes (enough for either precision), any content; gradients as the other _grad functions. */
VAE_API size_t vae_kl_gauss_work(size_t d);
VAE_API int vae_kl_gauss(size_t d, const float *mu_q, const float *chol_q, size_t ldq, const float *mu_p, const float *chol_p, size_t ldp,
    void *work, size_t work_size, float *kl);
VAE_API int vae_kl_gauss_grad(size_t d, const float *mu_q, const float *chol_q, size_t ldq, const float *mu_p, const float *chol_p, size_t ldp,
    void *work, size_t work_size, float w, float *value,
    float *gmu_q, float *gchol_q, size_t ldgq, float *gmu_p, float *gchol_p, size_t ldgp);

/* z = mu + exp(logvar / 2) eps */
VAE_API int vae_reparam(size_t n, size_t d, const float *mu, size_t ldmu, const float *logvar, size_t ldlogvar,
    const float *eps, size_t ldeps, float *z, size_t ldz);
VAE_API int vae_reparam_grad(size_t n, size_t d, const float *logvar, size_t ldlogvar, const float *eps, size_t ldeps,
    const float *gz, size_t ldgz, float *gmu, size_t ldgmu, float *glogvar, size_t ldglogvar);

/* standard normals and raw words, addressed: element i of the call is element offset + i of stream (seed, stream), always.
 * Philox4x32-10, the mapping of numerics.md section 3; the bits never change within a SONAME. */
VAE_API int vae_normal(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, float *out);
VAE_API int vae_random_u32(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, uint32_t *out);   /* no _f64 twin */

/* The streams that a model draws from: purpose << 56 | sample << 40 | step, where step is vae_steps() for the training noise and 0
 * elsewhere; element row * z_dim + j of it belongs to latent j of that row. Purposes 0 and 6 to 255 are the caller's. */
enum { VAE_STREAM_INIT = 1, VAE_STREAM_TRAIN = 2, VAE_STREAM_EVALUATE = 3, VAE_STREAM_PRIOR = 4, VAE_STREAM_BINARISE = 5 };

/* log p(x | parameters), summed over d */
VAE_API int vae_loglik_bernoulli(size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits, float *loglik);
VAE_API int vae_loglik_bernoulli_grad(size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits,
    const float *w, float *value, float *glogits, size_t ldglogits);
VAE_API int vae_loglik_gauss(size_t n, size_t d, const float *x, size_t ldx, const float *mean, size_t ldmean,
    const float *logvar, size_t ldlogvar, float *loglik);
VAE_API int vae_loglik_gauss_grad(size_t n, size_t d, const float *x, size_t ldx, const float *mean, size_t ldmean,
    const float *logvar, size_t ldlogvar, const float *w, float *value, float *gmean, size_t ldgmean, float *glogvar, size_t ldglogvar);
VAE_API int vae_loglik_laplace(size_t n, size_t d, const float *x, size_t ldx, const float *mean, size_t ldmean,
    const float *logscale, size_t ldlogscale, float *loglik);
VAE_API int vae_loglik_laplace_grad(size_t n, size_t d, const float *x, size_t ldx, const float *mean, size_t ldmean,
    const float *logscale, size_t ldlogscale, const float *w, float *value, float *gmean, size_t ldgmean, float *glogscale, size_t ldglogscale);
VAE_API int vae_loglik_poisson(size_t n, size_t d, const float *x, size_t ldx, const float *lograte, size_t ldlograte, float *loglik);
VAE_API int vae_loglik_poisson_grad(size_t n, size_t d, const float *x, size_t ldx, const float *lograte, size_t ldlograte,
    const float *w, float *value, float *glograte, size_t ldglograte);
VAE_API int vae_loglik_cbernoulli(size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits, float *loglik);
VAE_API int vae_loglik_cbernoulli_grad(size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits,
    const float *w, float *value, float *glogits, size_t ldglogits);
/* one label in 0..k-1 per row (out of range: VAE_ERR_ARG), logits [n][k] */
VAE_API int vae_loglik_categorical(size_t n, size_t k, const uint32_t *label, const float *logits, size_t ldlogits, float *loglik);
VAE_API int vae_loglik_categorical_grad(size_t n, size_t k, const uint32_t *label, const float *logits, size_t ldlogits,
    const float *w, float *value, float *glogits, size_t ldglogits);

/* log(mean_k exp(logw[i][k])) and the normalised weights (overwritten, not added; NULL = not wanted) */
VAE_API int vae_logmeanexp(size_t n, size_t k, const float *logw, size_t ldlogw, float *lme, float *weights, size_t ldweights);

/* x[i] = 1 with probability p[i], else 0; element i is decided by word offset + i of stream (seed, stream) */
VAE_API int vae_bernoulli(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *p, float *x);

/* the float64 twins */

VAE_API int vae_kl_diag_gauss_f64(size_t n, size_t d, const double *mu, size_t ldmu, const double *logvar, size_t ldlogvar, double *kl);
VAE_API int vae_kl_diag_gauss_grad_f64(size_t n, size_t d, const double *mu, size_t ldmu, const double *logvar, size_t ldlogvar,
    const double *w, double *value, double *gmu, size_t ldgmu, double *glogvar, size_t ldglogvar);
VAE_API int vae_kl_diag_gauss_pair_f64(size_t n, size_t d, const double *mu_q, size_t ldmu_q, const double *logvar_q, size_t ldlogvar_q,
    const double *mu_p, size_t ldmu_p, const double *logvar_p, size_t ldlogvar_p, double *kl);
VAE_API int vae_kl_diag_gauss_pair_grad_f64(size_t n, size_t d, const double *mu_q, size_t ldmu_q, const double *logvar_q, size_t ldlogvar_q,
    const double *mu_p, size_t ldmu_p, const double *logvar_p, size_t ldlogvar_p, const double *w, double *value,
    double *gmu_q, size_t ldgmu_q, double *glogvar_q, size_t ldglogvar_q,
    double *gmu_p, size_t ldgmu_p, double *glogvar_p, size_t ldglogvar_p);
VAE_API int vae_kl_gauss_f64(size_t d, const double *mu_q, const double *chol_q, size_t ldq, const double *mu_p, const double *chol_p, size_t ldp,
    void *work, size_t work_size, double *kl);
VAE_API int vae_kl_gauss_grad_f64(size_t d, const double *mu_q, const double *chol_q, size_t ldq, const double *mu_p, const double *chol_p, size_t ldp,
    void *work, size_t work_size, double w, double *value,
    double *gmu_q, double *gchol_q, size_t ldgq, double *gmu_p, double *gchol_p, size_t ldgp);
VAE_API int vae_reparam_f64(size_t n, size_t d, const double *mu, size_t ldmu, const double *logvar, size_t ldlogvar,
    const double *eps, size_t ldeps, double *z, size_t ldz);
VAE_API int vae_reparam_grad_f64(size_t n, size_t d, const double *logvar, size_t ldlogvar, const double *eps, size_t ldeps,
    const double *gz, size_t ldgz, double *gmu, size_t ldgmu, double *glogvar, size_t ldglogvar);
VAE_API int vae_normal_f64(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, double *out);
VAE_API int vae_loglik_bernoulli_f64(size_t n, size_t d, const double *x, size_t ldx, const double *logits, size_t ldlogits, double *loglik);
VAE_API int vae_loglik_bernoulli_grad_f64(size_t n, size_t d, const double *x, size_t ldx, const double *logits, size_t ldlogits,
    const double *w, double *value, double *glogits, size_t ldglogits);
VAE_API int vae_loglik_gauss_f64(size_t n, size_t d, const double *x, size_t ldx, const double *mean, size_t ldmean,
    const double *logvar, size_t ldlogvar, double *loglik);
VAE_API int vae_loglik_gauss_grad_f64(size_t n, size_t d, const double *x, size_t ldx, const double *mean, size_t ldmean,
    const double *logvar, size_t ldlogvar, const double *w, double *value, double *gmean, size_t ldgmean, double *glogvar, size_t ldglogvar);
VAE_API int vae_loglik_laplace_f64(size_t n, size_t d, const double *x, size_t ldx, const double *mean, size_t ldmean,
    const double *logscale, size_t ldlogscale, double *loglik);
VAE_API int vae_loglik_laplace_grad_f64(size_t n, size_t d, const double *x, size_t ldx, const double *mean, size_t ldmean,
    const double *logscale, size_t ldlogscale, const double *w, double *value, double *gmean, size_t ldgmean, double *glogscale, size_t ldglogscale);
VAE_API int vae_loglik_poisson_f64(size_t n, size_t d, const double *x, size_t ldx, const double *lograte, size_t ldlograte, double *loglik);
VAE_API int vae_loglik_poisson_grad_f64(size_t n, size_t d, const double *x, size_t ldx, const double *lograte, size_t ldlograte,
    const double *w, double *value, double *glograte, size_t ldglograte);
VAE_API int vae_loglik_cbernoulli_f64(size_t n, size_t d, const double *x, size_t ldx, const double *logits, size_t ldlogits, double *loglik);
VAE_API int vae_loglik_cbernoulli_grad_f64(size_t n, size_t d, const double *x, size_t ldx, const double *logits, size_t ldlogits,
    const double *w, double *value, double *glogits, size_t ldglogits);
VAE_API int vae_loglik_categorical_f64(size_t n, size_t k, const uint32_t *label, const double *logits, size_t ldlogits, double *loglik);
VAE_API int vae_loglik_categorical_grad_f64(size_t n, size_t k, const uint32_t *label, const double *logits, size_t ldlogits,
    const double *w, double *value, double *glogits, size_t ldglogits);
VAE_API int vae_logmeanexp_f64(size_t n, size_t k, const double *logw, size_t ldlogw, double *lme, double *weights, size_t ldweights);
VAE_API int vae_bernoulli_f64(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const double *p, double *x);

/* ---- 3. model --------------------------------------------------------------------------------------------------- */

typedef struct vae_model vae_model;                       /* opaque */

typedef struct vae_allocator { void *ctx;
    void *(*alloc)(void *ctx, size_t size, size_t alignment);
    void  (*free)(void *ctx, void *ptr, size_t size); } vae_allocator;

/* Structs: `size` first, set by vae_*_init; fields are only appended. The init functions write every default: a field's value is what
 * it says, zero included. A tail that the caller lacks has its defaults; a non-zero tail that the library lacks is VAE_ERR_ABI.
 * Output structs: only `size` is read; all other bytes up to size are written. */
enum { VAE_LAYER_DENSE = 1 };                             /* convolutions come later */
enum { VAE_IDENTITY = 0, VAE_RELU = 1, VAE_TANH = 2, VAE_SIGMOID = 3, VAE_SOFTPLUS = 4, VAE_SILU = 5, VAE_GELU = 6 };
enum { VAE_BERNOULLI = 1, VAE_GAUSS_FIXED = 2, VAE_GAUSS_SHARED = 3, VAE_GAUSS = 4 };    /* variance fixed, one learned, one per element */
enum { VAE_INIT_TORCH = 1, VAE_INIT_GLOROT = 2, VAE_INIT_HE = 3, VAE_INIT_NORMAL = 4 };  /* TORCH: U(+-1/sqrt(fan_in)), nn.Linear's */
enum { VAE_ADAM = 1 };
enum { VAE_GEMM_NATIVE = 1, VAE_GEMM_CBLAS = 2 };

typedef struct vae_layer { size_t size; int32_t kind, activation; uint64_t units; } vae_layer;
VAE_API void vae_layer_init(vae_layer *layer, size_t size);       /* dense, relu, 0 units (units are required) */

typedef struct vae_config { size_t size;
    uint64_t x_dim, z_dim;                                /* required */
    const vae_layer *encoder; uint64_t n_encoder;         /* hidden layers x -> (mu | logvar); copied; encoder[0].size is the stride */
    const vae_layer *decoder; uint64_t n_decoder;         /* hidden layers z -> x's parameters */
    int32_t  likelihood;                                  /* VAE_BERNOULLI */
    int32_t  mean_activation;                             /* of Gaussian means: VAE_IDENTITY or VAE_SIGMOID (Kingma's Frey faces) */
    double   gauss_logvar;                                /* for VAE_GAUSS_FIXED: 0 */
    int32_t  init; int32_t optimizer; double init_scale;  /* VAE_INIT_TORCH, VAE_ADAM, 1 */
    double   learning_rate, beta1, beta2, epsilon;        /* 1e-3, 0.9, 0.999, 1e-8 */
    uint64_t seed;                                        /* 0 is a seed */
    uint64_t max_batch;                                   /* 128; rows that one vae_step may hold */
    uint64_t train_samples;                               /* L = 1 */
    int32_t  threads;                                     /* 1 */
    int32_t  gemm;                                        /* VAE_GEMM_NATIVE */
    vae_allocator allocator;                              /* all NULL: the C library's */
    void   (*parallel_for)(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg);   /* NULL: the model's own threads */
    void    *parallel_ctx;
    void   (*log)(void *ctx, int32_t level, const char *message);   /* NULL: silent */
    void    *log_ctx;
} vae_config;
VAE_API void vae_config_init(vae_config *config, size_t size);

/* A batch in full; the short calls below are these with ldx = x_dim, first_row = 0, the model's seed. More fields follow later
 * (mask, condition, row weights). */
typedef struct vae_batch { size_t size; size_t n; const float *x; size_t ldx;
    uint64_t first_row;                                   /* number of x's first row in the whole: noise is addressed by it */
    uint64_t seed;                                        /* xor-ed with the model's: 0 keeps it */
} vae_batch;
VAE_API void vae_batch_init(vae_batch *batch, size_t size);

typedef struct vae_terms { size_t size;                   /* nats, means over the batch's rows */
    double elbo, loglik, kl;                              /* elbo = loglik - kl */
    double grad_norm;                                     /* l2, of the gradient of the mean; 0 where none was computed */
} vae_terms;

VAE_API int  vae_create(vae_model **out, const vae_config *config);
VAE_API void vae_destroy(vae_model *model);                       /* NULL: nothing */
/* A view: a model of its own workspace and threads, the owner's weights, uncopied. All reading calls work on it; step, grad, apply and
 * set_params are VAE_ERR_STATE. One thread per view, any number of views; the owner outlives them and is not changed while one runs. */
VAE_API int  vae_share(vae_model **view, const vae_model *owner, uint64_t max_batch);

/* One step: forward, backward, update. n > max_batch: VAE_ERR_ARG. A non-finite term or gradient: VAE_ERR_NONFINITE naming term and row,
 * parameters, moments and step count bit-identical to before. vae_step = vae_grad + vae_apply, to the bit. */
VAE_API int  vae_step(vae_model *model, const float *x, size_t n, vae_terms *terms /* or NULL */);
VAE_API int  vae_step_batch(vae_model *model, const vae_batch *batch, vae_terms *terms);
VAE_API int  vae_grad(vae_model *model, const vae_batch *batch, vae_terms *terms);   /* overwrites the gradient: of -(mean ELBO) */
VAE_API int  vae_apply(vae_model *model);                         /* optimizer update by the gradient; counts one step */

/* Reading calls: pure functions of (parameters, batch, seed, samples); any n, worked in chunks, no allocation.
 * samples = 0: at z = mu, deterministic. elbo: [n] or NULL. */
VAE_API int  vae_elbo(vae_model *model, const float *x, size_t n, size_t samples, double *elbo, vae_terms *terms);
VAE_API int  vae_elbo_batch(vae_model *model, const vae_batch *batch, size_t samples, double *elbo, vae_terms *terms);
VAE_API int  vae_score(vae_model *model, const float *x, size_t n, size_t samples, double *score);   /* -ELBO per row: high = anomalous */
VAE_API int  vae_latent_kl(vae_model *model, const float *x, size_t n, double *kl /*[z_dim], means over rows*/);
VAE_API int  vae_encode(vae_model *model, const float *x, size_t n, float *mu /*[n][z_dim]*/, float *logvar /*or NULL*/);
VAE_API int  vae_decode(vae_model *model, const float *z, size_t n, float *x_mean /*[n][x_dim]*/);            /* Bernoulli: probabilities */
VAE_API int  vae_decode_params(vae_model *model, const float *z, size_t n, float *location, float *logvar); /* Bernoulli: logits; logvar NULL or Gaussian's */
VAE_API int  vae_reconstruct(vae_model *model, const float *x, size_t n, float *x_mean);                     /* at z = mu */
VAE_API int  vae_sample(vae_model *model, uint64_t seed, size_t n, float *x_mean);                           /* z from the prior */

/* Parameters, copied in canonical order: weights [out][in], then the bias, layer by layer, encoder first. The order in which the model
 * itself holds them is its own business. */
VAE_API uint64_t     vae_param_count(const vae_model *model);
VAE_API int          vae_get_params(const vae_model *model, float *params, uint64_t count);
VAE_API int          vae_set_params(vae_model *model, const float *params, uint64_t count);   /* refreshes every derived copy */
VAE_API int          vae_get_grads(const vae_model *model, float *grads, uint64_t count);     /* of the last vae_grad */
VAE_API float       *vae_grad_buffer(vae_model *model, uint64_t *count);  /* the gradient in the model's own order (equal for equal configs), in
                                             place, writable between vae_grad and vae_apply: sums over machines, clipping */
VAE_API uint64_t     vae_tensor_count(const vae_model *model);
VAE_API int          vae_tensor(const vae_model *model, uint64_t index, const char **name, uint64_t *offset, uint64_t shape[2]);   /* "encoder.0.weight" */

VAE_API uint64_t vae_x_dim(const vae_model *model);
VAE_API uint64_t vae_z_dim(const vae_model *model);
VAE_API uint64_t vae_steps(const vae_model *model);
VAE_API int  vae_set_learning_rate(vae_model *model, double learning_rate);

#ifdef __cplusplus
}
#endif
#endif
