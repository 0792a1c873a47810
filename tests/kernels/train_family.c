/* SPDX-License-Identifier: BSD-2-Clause
 * The kernels of a training step under test. What is a chain of operations in a written order is held to its
 * bits, the rest to the errors that the files in lib/kernels state.
 */
#include "train_frame.h"

#include <math.h>
#include <string.h>
#include <vae/vae.h>

/* ---- epilogues: activations by choice, forward and backward ---- */

#define ACTIVATIONS 7

static int is_backward(const struct frame *f)
{
    return f->choice >= ACTIVATIONS;
}

static void epilogue_arrays(struct frame *f)
{
    array_bound(matrix(f, "c", STATE, f->n, f->d, 8), 24, 5, 20);
    if (is_backward(f)) {
        array_fill(matrix(f, "y", IN, f->n, f->d, 0), UNIFORM, 0, 1);
        matrix(f, "pre", IN, f->n, f->d, 8);
    } else {
        matrix(f, "bias", WEIGHT, 1, f->d, 1);
        array_bound(written(f, "pre", F32, VALUE, f->n, f->d), 24, 0, 99);
    }
}

static void epilogue_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_epilogue epilogue = {.activation = f->choice % ACTIVATIONS, .pre = AT(2), .ldpre = LD(2)};
    epilogue.kind = is_backward(f) ? VAE_EPILOGUE_BACKWARD : VAE_EPILOGUE_FORWARD;
    if (is_backward(f)) {
        epilogue.y = AT(1);
        epilogue.ldy = LD(1);
    } else {
        epilogue.bias = AT(1);
    }
    k->train->epilogue(&epilogue, f->n, f->d, M(0));
}

static long double sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

static long double gauss_cdf(long double x)
{
    return erfcl(-x / sqrtl(2)) / 2;
}

static long double activation(int kind, long double x)
{
    switch (kind) {
    case VAE_RELU:
        return x > 0 ? x : 0;
    case VAE_TANH:
        return tanhl(x);
    case VAE_SIGMOID:
        return sigmoid(x);
    case VAE_SOFTPLUS:
        return fmaxl(x, 0) + log1pl(expl(-fabsl(x)));
    case VAE_SILU:
        return x * sigmoid(x);
    case VAE_GELU:
        return x * gauss_cdf(x);
    default:
        return x;
    }
}

/* The derivative as the sum of two terms: the second is 0 but for silu and gelu, which cross zero. */
static void slope(int kind, long double y, long double x, long double term[2])
{
    const long double root_two_pi = 2.50662827463100050241576528481104525L;
    term[1] = 0;
    switch (kind) {
    case VAE_RELU:
        term[0] = y > 0;
        break;
    case VAE_TANH:
        term[0] = 1 - y * y;
        break;
    case VAE_SIGMOID:
        term[0] = y * (1 - y);
        break;
    case VAE_SOFTPLUS:
        term[0] = sigmoid(x);
        break;
    case VAE_SILU:
        term[0] = sigmoid(x);
        term[1] = x * sigmoid(x) * sigmoid(-x);
        break;
    case VAE_GELU:
        term[0] = gauss_cdf(x);
        term[1] = x * expl(-x * x / 2) / root_two_pi;
        break;
    default:
        term[0] = 1;
    }
}

static void epilogue_reference(struct frame *f)
{
    int kind = f->choice % ACTIVATIONS;
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++) {
            long double term[2], c = GIVEN(0, i, j);
            if (is_backward(f)) {
                slope(kind, GIVEN(1, i, j), GIVEN(2, i, j), term);
                array_expect(
                    &f->array[0], i, j, c * (term[0] + term[1]), fabsl(c) * fmaxl(term[0], fabsl(term[1])));
                continue;
            }
            float x = (float)c + (f->array[1].at ? (float)GIVEN(1, 0, j) : 0);
            array_expect(&f->array[0], i, j, activation(kind, x), 0);
            array_expect(&f->array[2], i, j, x, 0);
        }
}

/* ---- columns and transposition ---- */

static void column_sums_arrays(struct frame *f)
{
    matrix(f, "g", IN, f->n, f->d, 1);
    array_bound(written(f, "out", F32, OUT, 1, f->d), 24, 0, 99);
}

static void column_sums_call(const struct vae_kernels *k, struct frame *f)
{
    k->train->column_sums(f->n, f->d, M(0), AT(1));
}

static void column_sums_reference(struct frame *f)
{
    for (size_t j = 0; j < f->d; j++) {
        float sum = 0;
        for (size_t i = 0; i < f->n; i++)
            sum += (float)GIVEN(0, i, j);
        array_expect(&f->array[1], 0, j, sum, 0);
    }
}

static void transpose_arrays(struct frame *f)
{
    matrix(f, "from", IN, f->n, f->d, 1);
    array_bound(written(f, "to", F32, OUT, f->d, f->n), 24, 0, 99);
}

static void transpose_call(const struct vae_kernels *k, struct frame *f)
{
    k->train->transpose(f->n, f->d, M(0), M(1));
}

static void transpose_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++)
            array_expect(&f->array[1], j, i, GIVEN(0, i, j), 0);
}

/* ---- likelihoods: 4 ULP of the largest term, which for a value is the sum of all ---- */

static const float scale = 0.37f;

/* The same weight for every row. */
static const float *weights(const struct frame *f)
{
    float *w = workspace(f->n);
    for (size_t i = 0; i < f->n; i++)
        w[i] = scale;
    return w;
}

static void bernoulli_arrays(struct frame *f)
{
    matrix(f, "x", IN, f->n, f->d, 1)->fill = UNIT;
    matrix(f, "logits", IN, f->n, f->d, 12);
    written(f, "value", F64, VALUE, 1, f->n);
    written(f, "g", F32, GRAD, f->n, f->d);
}

static void bernoulli_call(const struct vae_kernels *k, struct frame *f)
{
    k->train->bernoulli(f->n, f->d, M(0), M(1), weights(f), VALUES(2), M(3), NULL);
}

static void bernoulli_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++) {
        long double sum = 0;
        for (size_t j = 0; j < f->d; j++) {
            long double x = GIVEN(0, i, j), l = GIVEN(1, i, j), e = expl(-fabsl(l)), near = e / (1 + e);
            long double w = l > 0 ? 1 - x : x, g = scale * (l > 0 ? near - w : w - near);
            sum -= w * fabsl(l) + log1pl(e);
            array_expect(&f->array[3], i, j, g, scale * fmaxl(w, near));
        }
        array_expect(&f->array[2], 0, i, sum, fabsl(sum));
    }
}

/* Choice 1: one row of log-variances for all. */
static void gauss_arrays(struct frame *f)
{
    matrix(f, "x", IN, f->n, f->d, 3);
    matrix(f, "mean", IN, f->n, f->d, 3);
    array_fill(matrix(f, "logvar", IN, f->choice ? f->n > 0 : f->n, f->d, 0), UNIFORM, -4, 2);
    written(f, "value", F64, VALUE, 1, f->n);
    written(f, "gmean", F32, GRAD, f->n, f->d);
    written(f, "glogvar", F32, GRAD, f->n, f->d);
}

static void gauss_call(const struct vae_kernels *k, struct frame *f)
{
    k->train->gauss(
        f->n, f->d, M(0), M(1), AT(2), f->choice ? 0 : LD(2), weights(f), VALUES(3), M(4), M(5), NULL, NULL);
}

static void gauss_reference(struct frame *f)
{
    const long double log_two_pi = 1.837877066409345483560659472811235L;
    for (size_t i = 0; i < f->n; i++) {
        long double sum = 0, largest = 0;
        for (size_t j = 0; j < f->d; j++) {
            long double lv = GIVEN(2, f->choice ? 0 : i, j), root = expl(-lv / 2);
            long double t = (GIVEN(0, i, j) - GIVEN(1, i, j)) * root;
            sum -= (log_two_pi + lv + t * t) / 2;
            largest += (log_two_pi + fabsl(lv) + t * t) / 2;
            array_expect(&f->array[4], i, j, scale * t * root, fabsl(scale * t * root));
            array_expect(&f->array[5], i, j, scale * (t * t - 1) / 2, scale * fmaxl(t * t, 1) / 2);
        }
        array_expect(&f->array[3], 0, i, sum, largest);
    }
}

/* ---- flat ---- */

static const struct vae_adam adam = {0.9f, 0.999f, 1.3e-3f, 1e-8f, 1.7f, 0.1f, 0.001f, 0.03f};
static const struct vae_adagrad adagrad = {0.01f, 1e-8f};
static const struct vae_sgd sgd = {0.9f, 0.02f};

static void adam_arrays(struct frame *f)
{
    size_t n = f->n * f->d;
    matrix(f, "g", IN, 1, n, 1);
    array_bound(matrix(f, "p", STATE, 1, n, 1), 24, 0, 21);
    array_bound(matrix(f, "m", STATE, 1, n, 1), 24, 0, 22);
    struct array *v = matrix(f, "v", STATE, 1, n, 1);
    v->fill = POSITIVE;
    array_bound(v, 24, 0, 22);
    array_bound(frame_array(f, "sum", F64, OUT, 1, 1), 53, 0, 46);
}

static void adam_call(const struct vae_kernels *k, struct frame *f)
{
    double sum = k->train->adam(&adam, f->n * f->d, AT(0), AT(1), AT(2), AT(3));
    memcpy(f->array[4].at, &sum, sizeof sum);
}

static void adamw_arrays(struct frame *f)
{
    adam_arrays(f);
}

static void adamw_call(const struct vae_kernels *k, struct frame *f)
{
    double sum = k->train->adamw(&adam, f->n * f->d, AT(0), AT(1), AT(2), AT(3));
    memcpy(f->array[4].at, &sum, sizeof sum);
}

/* What the updates and sum_squares return, in array `i`. */
static void expect_sum_squares(struct frame *f, size_t i)
{
    long double sum = 0;
    for (size_t j = 0; j < f->n * f->d; j++)
        sum += (long double)GIVEN(0, 0, j) * GIVEN(0, 0, j);
    array_expect(&f->array[i], 0, 0, sum, sum);
}

static void expect_adam(struct frame *f, long double shrink)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        long double g = GIVEN(0, 0, i), p = GIVEN(1, 0, i) * (1 - shrink);
        long double m0 = (long double)adam.beta1 * GIVEN(2, 0, i), m1 = (long double)adam.rest1 * g;
        long double v = (long double)adam.beta2 * GIVEN(3, 0, i) + (long double)adam.rest2 * g * g;
        long double denominator = sqrtl(v) * adam.root_correction2 + adam.epsilon;
        long double largest = fmaxl(fabsl(m0), fabsl(m1)), step = adam.rate * largest / denominator;
        array_expect(&f->array[1], 0, i, p - adam.rate * (m0 + m1) / denominator, fmaxl(fabsl(p), step));
        array_expect(&f->array[2], 0, i, m0 + m1, largest);
        array_expect(&f->array[3], 0, i, v, v);
    }
    expect_sum_squares(f, 4);
}

static void adam_reference(struct frame *f)
{
    expect_adam(f, 0);
}

static void adamw_reference(struct frame *f)
{
    expect_adam(f, adam.shrink);
}

static void adagrad_arrays(struct frame *f)
{
    size_t n = f->n * f->d;
    matrix(f, "g", IN, 1, n, 1);
    array_bound(matrix(f, "p", STATE, 1, n, 1), 24, 0, 21);
    struct array *s = matrix(f, "s", STATE, 1, n, 1);
    s->fill = POSITIVE;
    array_bound(s, 24, 0, 23);
    array_bound(frame_array(f, "sum", F64, OUT, 1, 1), 53, 0, 46);
}

static void adagrad_call(const struct vae_kernels *k, struct frame *f)
{
    double sum = k->train->adagrad(&adagrad, f->n * f->d, AT(0), AT(1), AT(2));
    memcpy(f->array[3].at, &sum, sizeof sum);
}

static void adagrad_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        long double g = GIVEN(0, 0, i), p = GIVEN(1, 0, i), s = GIVEN(2, 0, i) + g * g;
        long double step = adagrad.rate * g / (sqrtl(s) + adagrad.epsilon);
        array_expect(&f->array[1], 0, i, p - step, fmaxl(fabsl(p), fabsl(step)));
        array_expect(&f->array[2], 0, i, s, s);
    }
    expect_sum_squares(f, 3);
}

static void sgd_arrays(struct frame *f)
{
    size_t n = f->n * f->d;
    matrix(f, "g", IN, 1, n, 1);
    array_bound(matrix(f, "p", STATE, 1, n, 1), 24, 0, 21);
    array_bound(matrix(f, "b", STATE, 1, n, 1), 24, 0, 23);
    array_bound(frame_array(f, "sum", F64, OUT, 1, 1), 53, 0, 46);
}

static void sgd_call(const struct vae_kernels *k, struct frame *f)
{
    double sum = k->train->sgd(&sgd, f->n * f->d, AT(0), AT(1), AT(2));
    memcpy(f->array[3].at, &sum, sizeof sum);
}

static void sgd_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        long double g = GIVEN(0, 0, i), p = GIVEN(1, 0, i), kept = (long double)sgd.momentum * GIVEN(2, 0, i);
        long double largest = fmaxl(fabsl(kept), fabsl(g));
        array_expect(&f->array[1], 0, i, p - sgd.rate * (kept + g), fmaxl(fabsl(p), sgd.rate * largest));
        array_expect(&f->array[2], 0, i, kept + g, largest);
    }
    expect_sum_squares(f, 3);
}

/* Choice 1: factors that change nothing but the sum. */
static void blend_arrays(struct frame *f)
{
    matrix(f, "x", IN, 1, f->n * f->d, 1);
    array_bound(matrix(f, "y", STATE, 1, f->n * f->d, 1), 24, 0, 22);
}

static void blend_call(const struct vae_kernels *k, struct frame *f)
{
    k->train->blend(f->n * f->d, f->choice ? 1 : 0.01f, AT(0), f->choice ? 1 : 0.7f, AT(1));
}

static void blend_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        long double x = GIVEN(0, 0, i), y = GIVEN(1, 0, i);
        if (f->choice)
            array_expect(&f->array[1], 0, i, (float)x + (float)y, 0);
        else
            array_expect(&f->array[1], 0, i, 0.01f * x + 0.7f * y, fmaxl(fabsl(0.01f * x), fabsl(0.7f * y)));
    }
}

static void sum_squares_arrays(struct frame *f)
{
    matrix(f, "g", IN, 1, f->n * f->d, 1);
    array_bound(frame_array(f, "sum", F64, OUT, 1, 1), 53, 0, 46);
}

static void sum_squares_call(const struct vae_kernels *k, struct frame *f)
{
    double sum = k->train->sum_squares(f->n * f->d, AT(0));
    memcpy(f->array[1].at, &sum, sizeof sum);
}

static void sum_squares_reference(struct frame *f)
{
    expect_sum_squares(f, 1);
}

static void max_abs_arrays(struct frame *f)
{
    matrix(f, "g", IN, 1, f->n * f->d, 1);
    array_bound(frame_array(f, "largest", F32, OUT, 1, 1), 24, 0, 99);
}

static void max_abs_call(const struct vae_kernels *k, struct frame *f)
{
    float largest = k->train->max_abs(f->n * f->d, AT(0));
    memcpy(f->array[1].at, &largest, sizeof largest);
}

static void max_abs_reference(struct frame *f)
{
    double largest = 0;
    for (size_t i = 0; i < f->n * f->d; i++)
        largest = fmax(largest, fabs(GIVEN(0, 0, i)));
    array_expect(&f->array[1], 0, 0, largest, 0);
}

static const struct kernel kernels[] = {
    TRAIN_KERNEL(epilogue, 2 * ACTIVATIONS),
    TRAIN_KERNEL(column_sums, 1),
    TRAIN_KERNEL(transpose, 1),
    TRAIN_KERNEL(bernoulli, 1),
    TRAIN_KERNEL(gauss, 2),
    TRAIN_KERNEL(adam, 1),
    TRAIN_KERNEL(adamw, 1),
    TRAIN_KERNEL(adagrad, 1),
    TRAIN_KERNEL(sgd, 1),
    TRAIN_KERNEL(blend, 2),
    TRAIN_KERNEL(sum_squares, 1),
    TRAIN_KERNEL(max_abs, 1),
};

const struct family train_family = {"train", sizeof(struct vae_train_kernels) / sizeof(any_function), kernels,
    sizeof kernels / sizeof *kernels};
