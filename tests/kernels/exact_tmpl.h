/* SPDX-License-Identifier: BSD-2-Clause
 * The exact kernels under test, for one precision: REAL, TYPE, BITS, TABLE and FAMILY are set by the
 * includer.
 *
 * A reference is the textbook's formula in long double, with the care that ordinary inputs ask for. Bounds
 * are those of docs/numerics.md.
 */
#include "frame.h"
#include "textbook.h"

#include <math.h>
#include <vae/vae.h>

#define AT(I) ((REAL *)f->array[I].at)
#define LD(I) f->array[I].ld
/* A matrix and its stride, as kernels take them. */
#define M(I) AT(I), LD(I)
#define VALUES(I) ((double *)f->array[I].at)
#define GIVEN(I) ((long double)array_given(&f->array[I], i, j))
#define WEIGHT_OF(I) (f->array[I].at ? (long double)array_given(&f->array[I], 0, i) : 1.0L)
#define KL_ULPS (BITS == 24 ? 1 : 2)
#define ULPS (BITS == 24 ? 2 : 4)
#define FLOOR (BITS == 24 ? 28 : 51)
/* The continuous Bernoulli's are wider: it cancels near its centre. */
#define CB_FLOOR (BITS == 24 ? 24 : 51)

static void matrix(struct frame *f, const char *name, double low, double high)
{
    array_fill(frame_array(f, name, TYPE, IN, f->n, f->d), UNIFORM, low, high);
}

static void weights(struct frame *f)
{
    array_fill(frame_array(f, "w", TYPE, WEIGHT, 1, f->n), UNIFORM, -2, 2);
}

static void values(struct frame *f, double ulps, int floor)
{
    array_bound(frame_array(f, "value", F64, VALUE, 1, f->n), BITS, ulps, floor);
}

static void gradient(struct frame *f, const char *name, double ulps, int floor)
{
    struct array *array = frame_array(f, name, TYPE, GRAD, f->n, f->d);
    array_fill(array, UNIFORM, -1, 1);
    array_bound(array, BITS, ulps, floor);
}

/* What a formula gives for one element: the term of the row's sum, the derivatives, and each one's largest
 * term. */
struct term {
    long double value, largest;
    long double slope[4], steepest[4];
};

/* Sums of terms and gradients of a kernel whose inputs come first, then w, value and `slopes` gradients. */
static void reference_rows(
    struct frame *f, size_t inputs, size_t slopes, struct term (*formula)(const long double *x))
{
    for (size_t i = 0; i < f->n; i++) {
        long double sum = 0, largest = 0, w = WEIGHT_OF(inputs);
        for (size_t j = 0; j < f->d; j++) {
            long double x[4];
            for (size_t k = 0; k < inputs; k++)
                x[k] = GIVEN(k);
            struct term term = formula(x);
            sum += term.value;
            largest += term.largest;
            for (size_t k = 0; k < slopes; k++)
                array_expect_added(
                    &f->array[inputs + 2 + k], i, j, w * term.slope[k], fabsl(w) * term.steepest[k]);
        }
        array_expect(&f->array[inputs + 1], 0, i, sum, largest);
    }
}

/* ---- KL ---- */

static struct term kl_diag_term(const long double *x)
{
    long double mu = x[0], e = expm1l(x[1]) / 2, value = (mu * mu + expm1mxl(x[1])) / 2;
    return (struct term){value, value, {mu, e}, {fabsl(mu), fabsl(e)}};
}

static void kl_diag_arrays(struct frame *f)
{
    matrix(f, "mu", -3, 3);
    matrix(f, "logvar", -4, 2);
    weights(f);
    values(f, KL_ULPS, 99);
    gradient(f, "gmu", KL_ULPS, FLOOR);
    gradient(f, "glogvar", KL_ULPS, FLOOR);
}

static void kl_diag_call(const struct vae_kernels *k, struct frame *f)
{
    k->TABLE->kl_diag(f->n, f->d, M(0), M(1), AT(2), VALUES(3), M(4), M(5));
}

static void kl_diag_reference(struct frame *f)
{
    reference_rows(f, 2, 2, kl_diag_term);
}

static struct term kl_pair_term(const long double *x)
{
    long double root = expl(-x[3] / 2), t = (x[0] - x[2]) * root, difference = x[1] - x[3],
                e = expm1l(difference);
    long double value = (t * t + expm1mxl(difference)) / 2;
    return (struct term){value, value, {t * root, e / 2, -t * root, -(e + t * t) / 2},
        {fabsl(t * root), fabsl(e) / 2, fabsl(t * root), fmaxl(fabsl(e), t * t) / 2}};
}

static void kl_pair_arrays(struct frame *f)
{
    matrix(f, "mu_q", -3, 3);
    matrix(f, "logvar_q", -4, 2);
    matrix(f, "mu_p", -3, 3);
    matrix(f, "logvar_p", -4, 2);
    weights(f);
    values(f, KL_ULPS, 99);
    gradient(f, "gmu_q", KL_ULPS, FLOOR);
    gradient(f, "glogvar_q", KL_ULPS, FLOOR);
    gradient(f, "gmu_p", KL_ULPS, FLOOR);
    gradient(f, "glogvar_p", KL_ULPS, FLOOR);
}

static void kl_pair_call(const struct vae_kernels *k, struct frame *f)
{
    k->TABLE->kl_pair(f->n, f->d, M(0), M(1), M(2), M(3), AT(4), VALUES(5), M(6), M(7), M(8), M(9));
}

static void kl_pair_reference(struct frame *f)
{
    reference_rows(f, 4, 4, kl_pair_term);
}

/* One pair for any n; w is a number, so it is drawn here. */
static REAL full_weight(const struct frame *f)
{
    return (REAL)(f->seed % 5 + 1) / 4;
}

static void kl_full_arrays(struct frame *f)
{
    static const char *const names[] = {
        "mu_q", "chol_q", "mu_p", "chol_p", "gmu_q", "gchol_q", "gmu_p", "gchol_p"};
    size_t d = f->d;
    for (size_t i = 0; i < 8; i++) {
        struct array *array = frame_array(f, names[i], TYPE, i < 4 ? IN : GRAD, i % 2 ? d : 1, d);
        array_fill(array, i == 1 || i == 3 ? CHOLESKY : UNIFORM, -1, 1);
        array_bound(array, BITS, 0, BITS == 24 ? 20 : 48);
    }
    array_bound(frame_array(f, "value", F64, VALUE, 1, 1), BITS, BITS == 24 ? 1 : 4, 99);
    frame_array(f, "work", F64, WORK, 1, (vae_kl_gauss_work(d) + 7) / 8);
    f->elements = d * d;
}

static void kl_full_call(const struct vae_kernels *k, struct frame *f)
{
    k->TABLE->kl_full(
        f->d, AT(0), M(1), AT(2), M(3), f->array[9].at, full_weight(f), VALUES(8), AT(4), M(5), AT(6), M(7));
}

/* A gradient of the pair, bounded by the largest element of all of it. */
static void expect_matrix(struct frame *f, size_t index, const long double *gradient)
{
    struct array *array = &f->array[index];
    long double w = full_weight(f), largest = 0;
    for (size_t k = 0; k < array->rows * array->cols; k++)
        largest = fmaxl(largest, fabsl(w * gradient[k]));
    for (size_t i = 0; i < array->rows; i++)
        for (size_t j = 0; j < array->cols; j++)
            array_expect_added(array, i, j, w * gradient[i * array->cols + j], largest);
}

static void kl_full_reference(struct frame *f)
{
    static struct textbook_full full;
    full.d = f->d;
    for (size_t i = 0; i < f->d; i++) {
        full.mean[i] = (long double)array_given(&f->array[0], 0, i) - array_given(&f->array[2], 0, i);
        for (size_t j = 0; j <= i; j++) {
            full.q[i * f->d + j] = GIVEN(1);
            full.p[i * f->d + j] = GIVEN(3);
        }
    }
    textbook_kl_full(&full);
    array_expect(&f->array[8], 0, 0, full.value, full.value);
    expect_matrix(f, 4, full.gmean);
    expect_matrix(f, 5, full.gq);
    for (size_t i = 0; i < f->d; i++)
        full.gmean[i] = -full.gmean[i];
    expect_matrix(f, 6, full.gmean);
    expect_matrix(f, 7, full.gp);
}

/* ---- draws ---- */

static void reparam_arrays(struct frame *f)
{
    matrix(f, "mu", -3, 3);
    matrix(f, "logvar", -4, 2);
    matrix(f, "eps", -4, 4);
    array_bound(frame_array(f, "z", TYPE, OUT, f->n, f->d), BITS, ULPS, FLOOR);
}

static void reparam_call(const struct vae_kernels *k, struct frame *f)
{
    k->TABLE->reparam(f->n, f->d, M(0), M(1), M(2), M(3));
}

static void reparam_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++) {
            long double mu = GIVEN(0), noise = expl(GIVEN(1) / 2) * GIVEN(2);
            array_expect(&f->array[3], i, j, mu + noise, fmaxl(fabsl(mu), fabsl(noise)));
        }
}

static void reparam_grad_arrays(struct frame *f)
{
    matrix(f, "logvar", -4, 2);
    matrix(f, "eps", -4, 4);
    matrix(f, "gz", -2, 2);
    gradient(f, "gmu", ULPS, FLOOR);
    gradient(f, "glogvar", ULPS, FLOOR);
}

static void reparam_grad_call(const struct vae_kernels *k, struct frame *f)
{
    k->TABLE->reparam_grad(f->n, f->d, M(0), M(1), M(2), M(3), M(4));
}

static void reparam_grad_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++) {
            long double gz = GIVEN(2), slope = gz * GIVEN(1) * expl(GIVEN(0) / 2) / 2;
            array_expect_added(&f->array[3], i, j, gz, fabsl(gz));
            array_expect_added(&f->array[4], i, j, slope, fabsl(slope));
        }
}

/* ---- log-likelihoods of one parameter: x, logits or lograte, w, value, gradient ---- */

static void one_parameter_arrays(
    struct frame *f, enum fill fill, double range, const char *name, double ulps, int floor)
{
    matrix(f, "x", 0, 60);
    f->array[0].fill = fill;
    matrix(f, name, -range, range);
    weights(f);
    values(f, ULPS, floor);
    gradient(f, "gradient", ulps, floor);
}

#define ONE_PARAMETER(NAME, FILL, RANGE, PARAMETER, SLOPE_ULPS, SLOPE_FLOOR)                                 \
    static void NAME##_arrays(struct frame *f)                                                               \
    {                                                                                                        \
        one_parameter_arrays(f, FILL, RANGE, PARAMETER, SLOPE_ULPS, SLOPE_FLOOR);                            \
    }                                                                                                        \
    static void NAME##_call(const struct vae_kernels *k, struct frame *f)                                    \
    {                                                                                                        \
        k->TABLE->NAME(f->n, f->d, M(0), M(1), AT(2), VALUES(3), M(4));                                      \
    }                                                                                                        \
    static void NAME##_reference(struct frame *f)                                                            \
    {                                                                                                        \
        reference_rows(f, 2, 1, NAME##_term);                                                                \
    }

static struct term bernoulli_term(const long double *x)
{
    long double l = x[1], e = expl(-fabsl(l)), w = l > 0 ? 1 - x[0] : x[0], near = e / (1 + e);
    long double value = -(w * fabsl(l) + log1pl(e));
    return (struct term){value, fabsl(value), {l > 0 ? near - w : w - near}, {fmaxl(w, near)}};
}
ONE_PARAMETER(bernoulli, UNIT, 12, "logits", ULPS, FLOOR)

static struct term poisson_term(const long double *x)
{
    long double rate = expl(x[1]), log_factorial = lgammal(x[0] + 1), scale = fmaxl(rate, log_factorial);
    return (struct term){x[0] * x[1] - rate - log_factorial, fmaxl(scale, fabsl(x[0] * x[1])), {x[0] - rate},
        {fmaxl(x[0], rate)}};
}
ONE_PARAMETER(poisson, COUNT, 4, "lograte", ULPS, FLOOR)

static struct term cbernoulli_term(const long double *x)
{
    long double linear = (x[0] - 0.5L) * x[1], normaliser = log_sinhcl(x[1] / 2),
                mean = log_sinhc_slopel(x[1] / 2) / 2;
    return (struct term){linear - normaliser, fmaxl(fabsl(linear), normaliser), {(x[0] - 0.5L) - mean},
        {fmaxl(fabsl(x[0] - 0.5L), fabsl(mean))}};
}
ONE_PARAMETER(cbernoulli, UNIT, 12, "logits", 4, CB_FLOOR)

/* ---- of two: x, mean, logvar or logscale, w, value, two gradients ---- */

static void two_parameters_arrays(struct frame *f)
{
    matrix(f, "x", -3, 3);
    matrix(f, "mean", -3, 3);
    matrix(f, "logvar", -4, 2);
    weights(f);
    values(f, ULPS, FLOOR);
    gradient(f, "gmean", ULPS, FLOOR);
    gradient(f, "glogvar", ULPS, FLOOR);
}

#define TWO_PARAMETERS(NAME)                                                                                 \
    static void NAME##_arrays(struct frame *f)                                                               \
    {                                                                                                        \
        two_parameters_arrays(f);                                                                            \
    }                                                                                                        \
    static void NAME##_call(const struct vae_kernels *k, struct frame *f)                                    \
    {                                                                                                        \
        k->TABLE->NAME(f->n, f->d, M(0), M(1), M(2), AT(3), VALUES(4), M(5), M(6));                          \
    }                                                                                                        \
    static void NAME##_reference(struct frame *f)                                                            \
    {                                                                                                        \
        reference_rows(f, 3, 2, NAME##_term);                                                                \
    }

static struct term gauss_term(const long double *x)
{
    const long double log_two_pi = 1.837877066409345483560659472811235L;
    long double root = expl(-x[2] / 2), t = (x[0] - x[1]) * root;
    return (struct term){-(log_two_pi + x[2] + t * t) / 2, fmaxl(log_two_pi, fmaxl(fabsl(x[2]), t * t)) / 2,
        {t * root, (t * t - 1) / 2}, {fabsl(t * root), fmaxl(t * t, 1) / 2}};
}
TWO_PARAMETERS(gauss)

static struct term laplace_term(const long double *x)
{
    long double away = x[0] - x[1], scale = expl(-x[2]), t = fabsl(away) * scale;
    return (struct term){-(logl(2) + x[2] + t), fmaxl(logl(2), fmaxl(fabsl(x[2]), t)),
        {away > 0      ? scale
            : away < 0 ? -scale
                       : 0,
            t - 1},
        {scale, fmaxl(t, 1)}};
}
TWO_PARAMETERS(laplace)

/* ---- of none: z, w, value, gradient ---- */

static struct term std_normal_term(const long double *x)
{
    long double value = -(1.837877066409345483560659472811235L + x[0] * x[0]) / 2;
    return (struct term){value, fabsl(value), {-x[0]}, {fabsl(x[0])}};
}

static void std_normal_arrays(struct frame *f)
{
    matrix(f, "z", -3, 3);
    weights(f);
    values(f, ULPS, FLOOR);
    gradient(f, "gz", ULPS, FLOOR);
}

static void std_normal_call(const struct vae_kernels *k, struct frame *f)
{
    k->TABLE->std_normal(f->n, f->d, M(0), AT(1), VALUES(2), M(3));
}

static void std_normal_reference(struct frame *f)
{
    reference_rows(f, 1, 1, std_normal_term);
}

/* ---- rows that belong together ---- */

static void categorical_arrays(struct frame *f)
{
    array_fill(frame_array(f, "label", U32, IN, 1, f->n), COUNT, 0, (double)f->d);
    matrix(f, "logits", -6, 6);
    weights(f);
    values(f, ULPS, FLOOR);
    gradient(f, "glogits", ULPS, FLOOR);
}

static void categorical_call(const struct vae_kernels *k, struct frame *f)
{
    k->TABLE->categorical(f->n, f->d, (const uint32_t *)f->array[0].at, M(1), AT(2), VALUES(3), M(4));
}

static void categorical_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++) {
        size_t label = (size_t)array_given(&f->array[0], 0, i);
        long double x[1000], w = WEIGHT_OF(2), others = 0, sum = 0;
        for (size_t j = 0; j < f->d; j++)
            x[j] = GIVEN(1);
        for (size_t j = 0; j < f->d; j++) {
            sum += expl(x[j] - x[label]);
            others += j == label ? 0 : expl(x[j] - x[label]);
        }
        array_expect(&f->array[3], 0, i, -log1pl(others), log1pl(others));
        for (size_t j = 0; j < f->d; j++) {
            long double slope = j == label ? others / sum : -expl(x[j] - x[label]) / sum;
            array_expect_added(&f->array[4], i, j, w * slope, fabsl(w * slope));
        }
    }
}

static void logmeanexp_arrays(struct frame *f)
{
    matrix(f, "logw", -6, 6);
    array_bound(frame_array(f, "lme", F64, OUT, 1, f->n), BITS, ULPS, FLOOR);
    array_bound(frame_array(f, "weights", TYPE, VALUE, f->n, f->d), BITS, ULPS, FLOOR);
}

static void logmeanexp_call(const struct vae_kernels *k, struct frame *f)
{
    k->TABLE->logmeanexp(f->n, f->d, M(0), VALUES(1), M(2));
}

static void logmeanexp_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++) {
        long double x[1000], most = -INFINITY, sum = 0;
        for (size_t j = 0; j < f->d; j++)
            most = fmaxl(most, x[j] = GIVEN(0));
        for (size_t j = 0; j < f->d; j++)
            sum += expl(x[j] - most);
        long double spread = logl(sum / f->d);
        array_expect(&f->array[1], 0, i, most + spread, fmaxl(fabsl(most), fabsl(spread)));
        for (size_t j = 0; f->array[2].at && j < f->d; j++)
            array_expect(&f->array[2], i, j, expl(x[j] - most) / sum, 0);
    }
}

#define MEMBER(NAME, LEAST, MOST)                                                                            \
    {                                                                                                        \
        KERNEL(TABLE, STRUCT, NAME), .arrays = NAME##_arrays, .call = NAME##_call,                           \
                                     .reference = NAME##_reference, .least = LEAST, .most = MOST             \
    }
static const struct kernel kernels[] = {
    MEMBER(kl_diag, 0, 0),
    MEMBER(kl_pair, 0, 0),
    MEMBER(kl_full, 0, TEXTBOOK_FULL),
    MEMBER(reparam, 0, 0),
    MEMBER(reparam_grad, 0, 0),
    MEMBER(bernoulli, 0, 0),
    MEMBER(gauss, 0, 0),
    MEMBER(std_normal, 0, 0),
    MEMBER(laplace, 0, 0),
    MEMBER(poisson, 0, 0),
    MEMBER(cbernoulli, 0, 0),
    MEMBER(categorical, 1, 0),
    MEMBER(logmeanexp, 1, 0),
};

const struct family FAMILY = {
    NAME_OF(TABLE), sizeof(struct STRUCT) / sizeof(any_function), kernels, sizeof kernels / sizeof *kernels};
