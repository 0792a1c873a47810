/* SPDX-License-Identifier: BSD-2-Clause
 * The kernel table: everything that touches arrays, compiled once per instruction set.
 *
 * Every member is plain C in lib/kernels/, built several times with different flags and with the same bits
 * each time: fixed sixteen lanes, fma() where a fused multiply-add is meant, contraction off, no libm but
 * fma, sqrt and fabs. Members judge nothing: arguments were checked by the caller (lib/api/).
 */
#ifndef VAE_LIB_KERNELS_H
#define VAE_LIB_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Lanes of every sum: element j of a row goes to lane j % 16, on every instruction set. */
#define VAE_LANES 16

/* The exact kernels of section 2 of the public header, one member a family and precision. value: [n] float64
 * row sums or NULL; w: [n] upstream weights or NULL (ones); a gradient is added to, NULL to skip. float32
 * kernels compute in float64 and round once; float64 kernels compute in double-double. */
#define VAE_EXACT_KERNELS(NAME, REAL)                                                                        \
    struct NAME {                                                                                            \
        void (*kl_diag)(size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar,                 \
            size_t ldlogvar, const REAL *w, double *value, REAL *gmu, size_t ldgmu, REAL *glogvar,           \
            size_t ldglogvar);                                                                               \
        void (*kl_pair)(size_t n, size_t d, const REAL *mu_q, size_t ldmu_q, const REAL *logvar_q,           \
            size_t ldlogvar_q, const REAL *mu_p, size_t ldmu_p, const REAL *logvar_p, size_t ldlogvar_p,     \
            const REAL *w, double *value, REAL *gmu_q, size_t ldgmu_q, REAL *glogvar_q, size_t ldglogvar_q,  \
            REAL *gmu_p, size_t ldgmu_p, REAL *glogvar_p, size_t ldglogvar_p);                               \
        void (*kl_full)(size_t d, const REAL *mu_q, const REAL *chol_q, size_t ldq, const REAL *mu_p,        \
            const REAL *chol_p, size_t ldp, void *work, REAL w, double *value, REAL *gmu_q, REAL *gchol_q,   \
            size_t ldgq, REAL *gmu_p, REAL *gchol_p, size_t ldgp);                                           \
        void (*reparam)(size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar,                 \
            size_t ldlogvar, const REAL *eps, size_t ldeps, REAL *z, size_t ldz);                            \
        void (*reparam_grad)(size_t n, size_t d, const REAL *logvar, size_t ldlogvar, const REAL *eps,       \
            size_t ldeps, const REAL *gz, size_t ldgz, REAL *gmu, size_t ldgmu, REAL *glogvar,               \
            size_t ldglogvar);                                                                               \
        void (*bernoulli)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *logits,                 \
            size_t ldlogits, const REAL *w, double *value, REAL *glogits, size_t ldglogits);                 \
        void (*gauss)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,        \
            const REAL *logvar, size_t ldlogvar, const REAL *w, double *value, REAL *gmean, size_t ldgmean,  \
            REAL *glogvar, size_t ldglogvar);                                                                \
        void (*std_normal)(size_t n, size_t d, const REAL *z, size_t ldz, const REAL *w, double *value,      \
            REAL *gz, size_t ldgz);                                                                          \
        void (*laplace)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,      \
            const REAL *logscale, size_t ldlogscale, const REAL *w, double *value, REAL *gmean,              \
            size_t ldgmean, REAL *glogscale, size_t ldglogscale);                                            \
        void (*poisson)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *lograte,                  \
            size_t ldlograte, const REAL *w, double *value, REAL *glograte, size_t ldglograte);              \
        void (*cbernoulli)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *logits,                \
            size_t ldlogits, const REAL *w, double *value, REAL *glogits, size_t ldglogits);                 \
        void (*categorical)(size_t n, size_t k, const uint32_t *label, const REAL *logits, size_t ldlogits,  \
            const REAL *w, double *value, REAL *glogits, size_t ldglogits);                                  \
        void (*logmeanexp)(size_t n, size_t k, const REAL *logw, size_t ldlogw, double *lme, REAL *weights,  \
            size_t ldweights);                                                                               \
    }
VAE_EXACT_KERNELS(vae_exact32, float);
VAE_EXACT_KERNELS(vae_exact64, double);

/* Philox4x32-10, addressed: element i of a call is element offset + i of stream (seed, stream). */
struct vae_rng_kernels {
    void (*random_u32)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, uint32_t *out);
    void (*normal32)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, float *out);
    void (*normal64)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, double *out);
    void (*bernoulli32)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *p, float *x);
    void (*bernoulli64)(
        uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const double *p, double *x);
    /* Draws from p(x|z), an element each, parameters as section 2 of the public header takes them; those that
     * are NaN give NaN. */
    void (*laplace32)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *mean,
        const float *logscale, float *x);
    void (*poisson32)(
        uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *lograte, float *x);
    void (*cbernoulli32)(
        uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const float *logits, float *x);
};

/* What happens to a block of a product while it is still in the nearest cache. */
enum {
    VAE_EPILOGUE_NONE,
    VAE_EPILOGUE_FORWARD,
    VAE_EPILOGUE_BACKWARD,
    VAE_EPILOGUE_TIMES, /* forward, then C times `other` */
    VAE_EPILOGUE_PLUS   /* C plus `other`, then backward */
};
struct vae_epilogue {
    int32_t kind, activation;
    float slope;       /* of VAE_LEAKY_RELU below 0 */
    const float *bias; /* forward: [n], added last, or NULL */
    float *pre;        /* forward: receives the value before the activation, or NULL; backward: holds it */
    size_t ldpre;
    const float *y; /* backward: the activation's value; C is multiplied by its derivative */
    size_t ldy;
    const float *other; /* times, plus */
    size_t ldother;
    float *kept; /* times: receives the activation's value, [..][ldother], or NULL */
    /* [VAE_LANES]: raised to the bits (sign off) of the largest magnitude written, column j of the epilogue's
     * block in lane j % 16; NaN's bits are above infinity's; NULL to skip */
    uint32_t *most;
};

/* Arrays to prefetch during a product; NULL behind the last. */
struct vae_ahead {
    const float *from[3];
    size_t floats; /* of each */
    int written;   /* they will be written, not only read */
};

/* One block of a matrix product, C[m][n] = A B with n <= VAE_PANEL, each output one fma chain in order of k
 * from 0. A in order of k: element (i, p) is a[i + p * a_step], or with a_step 0 as gemm_pack left it. B's
 * row p starts at b + p * ldb, C's row i at c + i * ldc. Reads of B run to the next multiple of 16 columns,
 * whose values are ignored. */
#define VAE_PANEL 32
struct vae_block {
    size_t m, n, k;
    const float *a;
    size_t a_step;
    const float *b;
    size_t ldb;
    float *c;
    size_t ldc;
    struct vae_epilogue epilogue;
    struct vae_ahead ahead;
};

/* The same for C[m][n] = A B', where B is a matrix of weights as it lies. Of B's row j, column p is in
 *     b[p / VAE_PANEL * b_step + j * VAE_PANEL + p % VAE_PANEL]   for whole panels, and
 *     rest[j * ldrest + p % VAE_PANEL]                            for the last k % VAE_PANEL columns.
 * A in panels of VAE_PANEL rows, those beyond m being finite; element (i, p) is
 *     a[(i / VAE_PANEL * k + p) * VAE_PANEL + i % VAE_PANEL]. */
struct vae_back_block {
    size_t m, n, k;
    const float *a;
    const float *b, *rest;
    size_t b_step, ldrest;
    float *c;
    size_t ldc;
    struct vae_epilogue epilogue;
};

/* Adam, Kingma & Ba, arXiv:1412.6980, algorithm 1; the two corrections are 1 / (1 - beta^t). */
struct vae_adam {
    float beta1, beta2, rate, epsilon;
    float root_correction2; /* 1 / sqrt(1 - beta2^t) */
    float rest1, rest2;     /* 1 - beta, not of the rounded beta: 1e-5 off at 0.999, 0 near 1 */
    float shrink;           /* adamw: the part of p that is taken away first */
};

/* Adagrad, Duchi, Hazan & Singer 2011: p -= rate g / (sqrt(sum of g's squares so far) + epsilon). */
struct vae_adagrad {
    float rate, epsilon;
};

/* Gradient descent with a heavy ball: b = momentum b + g, p -= rate b. */
struct vae_sgd {
    float momentum, rate;
};

/* What a pass over x notes on the way: the bits, sign off, of the largest magnitude; all bits or-ed; not 0
 * where a value is no whole number of magnitude <= 2^24. Every field is raised (max, or), none cleared. */
struct vae_seen {
    uint32_t most, any, broken;
};

/* What runs inside a training step. Error bounds stand in the files. All of these overwrite. */
struct vae_train_kernels {
    void (*gemm_block)(const struct vae_block *block);
    void (*gemm_back_block)(const struct vae_back_block *block);
    /* A[m][k] by rows into m * k floats, for gemm_block */
    void (*gemm_pack)(size_t m, size_t k, const float *a, size_t lda, float *to);
    /* one row of contiguous A times the first of `panels` whole panels of B, `step` apart, several at a time,
     * from the first one on or from the last; returns how many it did, the rest being the caller's. Same bits
     * as gemm_block. */
    size_t (*gemm_row)(const struct vae_block *block, size_t panels, size_t step, int descending);
    /* the epilogue alone, on a C of m rows and n columns (for products that another library made) */
    void (*epilogue)(const struct vae_epilogue *epilogue, size_t m, size_t n, float *c, size_t ldc);
    /* backward through y = h s, s = sigmoid(t): of g, the gradient at y, makes that at h, and that at t in
     * gate_g; then the epilogue on g. Rows of `ld`. Raises the epilogue's `most` by both. */
    void (*gate_back)(const struct vae_epilogue *epilogue, size_t m, size_t n, const float *y, const float *s,
        float *g, float *gate_g, size_t ld);
    /* out[n] = sum over the m rows of g, in order */
    void (*column_sums)(size_t m, size_t n, const float *g, size_t ldg, float *out);
    /* to[c][r] = from[r][c] */
    void (*transpose)(size_t rows, size_t cols, const float *from, size_t ldfrom, float *to, size_t ldto);
    /* value[n] and w[i] * d value / d logits of row i, w[n]; g or value may be NULL. Raises `most` and `any`
     * of `seen` by x; NULL to skip */
    void (*bernoulli)(size_t n, size_t d, const float *x, size_t ldx, const float *logits, size_t ldlogits,
        const float *w, double *value, float *g, size_t ldg, struct vae_seen *seen);
    /* the same for means and log-variances; ldlogvar 0 is one row for all; gmean and glogvar may be NULL.
     * Raises most[VAE_LANES] to the bits (sign off) of the gradients that it writes, column j in lane j % 16;
     * NULL to skip */
    void (*gauss)(size_t n, size_t d, const float *x, size_t ldx, const float *mean, size_t ldmean,
        const float *logvar, size_t ldlogvar, const float *w, double *value, float *gmean, size_t ldgmean,
        float *glogvar, size_t ldglogvar, struct vae_seen *seen, uint32_t *most);
    /* p and its moments updated by g, n elements; these return sum_squares(n, g) */
    double (*adam)(const struct vae_adam *adam, size_t n, const float *g, float *p, float *m, float *v);
    double (*adamw)(const struct vae_adam *adam, size_t n, const float *g, float *p, float *m, float *v);
    double (*adagrad)(const struct vae_adagrad *adagrad, size_t n, const float *g, float *p, float *s);
    double (*sgd)(const struct vae_sgd *sgd, size_t n, const float *g, float *p, float *b);
    /* y = a x + b y, n elements */
    void (*blend)(size_t n, float a, const float *x, float b, float *y);
    double (*sum_squares)(size_t n, const float *g);
    float (*max_abs)(size_t n, const float *g); /* infinity where an element is NaN */
    /* a pass over x alone, which notes every field of seen */
    void (*look)(size_t n, const float *x, struct vae_seen *seen);
};

/* A mixture of diagonal Gaussians, component k in column k; columns beyond `components` have no weight. */
struct vae_mixture {
    size_t components, d, ld; /* ld: columns, a multiple of VAE_LANES */
    double *mean, *precision; /* [d][ld] */
    double *weight;           /* [ld], of sum 1 */
    double *constant;         /* [ld]: log of a component's density at its mean, times its weight */
};

/* share: [n][ldshare], the part of each component in p(z), of all columns. Sums over rows are in order. */
struct vae_mixture_kernels {
    /* from rows of means and log-variances, ldrow apart, and logits; logits NULL: equal weights */
    void (*fill)(
        const struct vae_mixture *m, const float *mu, const float *logvar, size_t ldrow, const float *logits);
    /* value[n] = log p(z), and the shares */
    void (*density)(const struct vae_mixture *m, size_t n, const float *z, size_t ldz, double *value,
        double *share, size_t ldshare);
    /* gz += w[i] d log p / d z */
    void (*density_grad)(const struct vae_mixture *m, size_t n, const float *z, size_t ldz,
        const double *share, size_t ldshare, const float *w, float *gz, size_t ldgz);
    /* sums of w[i] d log p over the rows, for components first .. first + VAE_LANES - 1, `first` being a
     * multiple of VAE_LANES: to rows of gmu and glogvar, ldg apart, and to glogits unless it is NULL */
    void (*component_grad)(const struct vae_mixture *m, size_t first, size_t n, const float *z, size_t ldz,
        const double *share, size_t ldshare, const float *w, float *gmu, float *glogvar, size_t ldg,
        float *glogits);
};

/* Importance weights of rows, kept so that none overflows: the largest logarithm; the mean of the weights
 * over the largest one; the sum of squares of these quotients about their mean. */
struct vae_weights {
    double *largest, *mean, *squares; /* [n] each */
};

/* What only reading calls need. */
struct vae_reading_kernels {
    /* k more draws after the first `done`: of row i, the logarithms of their weights are
     * loglik[s * ld + i] + log_ratio[s * ld + i]. Without any done, `weights` is written only. */
    void (*weigh)(size_t n, size_t k, uint64_t done, const double *loglik, const double *log_ratio, size_t ld,
        const struct vae_weights *weights);
    /* log of the mean weight, and the standard error of that; NULL to skip */
    void (*evidence)(
        size_t n, uint64_t draws, const struct vae_weights *weights, double *log_mean, double *error);
};

struct vae_kernels {
    const char *isa;
    const struct vae_exact32 *exact32;
    const struct vae_exact64 *exact64;
    const struct vae_rng_kernels *rng;
    const struct vae_train_kernels *train;
    const struct vae_mixture_kernels *mixture;
    const struct vae_reading_kernels *reading;
};

/* The best table that this CPU (and VAE_CPU) allows; the same pointer at every call. */
const struct vae_kernels *vae_kernels_get(void);
/* The table called `isa`, or NULL where the build or the CPU lacks it. */
const struct vae_kernels *vae_kernels_named(const char *isa);

#endif
