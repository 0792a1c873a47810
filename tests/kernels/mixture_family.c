/* SPDX-License-Identifier: BSD-2-Clause
 * The kernels of mixtures under test, with fewer components than lanes, and more. References are sums of
 * exponentials in long double; errors are measured in parts of the largest term. Shares below 2^-48 may be
 * 0: that much of a share is allowed on top.
 */
#include "train_frame.h"

#include <math.h>
#include <string.h>

#define MOST_COMPONENTS 21
#define MOST_COLUMNS 48
#define MOST_LATENTS 512
#define MOST_ROWS 2048

static size_t components_of(const struct frame *f)
{
    static const size_t counts[] = {1, 5, MOST_COMPONENTS};
    return counts[f->choice];
}

/* Inputs of all: rows of means and log-variances, logits. */
enum { HEAD, LOGITS, Z, W };

static void inputs(struct frame *f)
{
    size_t k = components_of(f);
    matrix(f, "head", IN, k, 2 * f->d, 2);
    matrix(f, "logits", IN, 1, k, 3);
    matrix(f, "z", IN, f->n, f->d, 3);
    matrix(f, "w", IN, 1, f->n, 1);
}

static double work[2 * MOST_LATENTS * MOST_COLUMNS + 2 * MOST_COLUMNS], shares[MOST_ROWS * MOST_COLUMNS],
    densities[MOST_ROWS];

static struct vae_mixture mixture(const struct vae_kernels *k, const struct frame *f)
{
    struct vae_mixture m = {.components = components_of(f), .d = f->d, .ld = MOST_COLUMNS};
    m.mean = work;
    m.precision = m.mean + f->d * m.ld;
    m.weight = m.precision + f->d * m.ld;
    m.constant = m.weight + m.ld;
    k->mixture->fill(&m, AT(HEAD), AT(HEAD) + f->d, LD(HEAD), AT(LOGITS));
    return m;
}

/* ---- in long double ---- */

struct answer {
    long double value, share[MOST_COMPONENTS], weight[MOST_COMPONENTS],
        size; /* of the largest joint's terms */
};

static void weights(const struct frame *f, long double *weight)
{
    long double total = 0;
    for (size_t k = 0; k < components_of(f); k++)
        total += weight[k] = expl((long double)GIVEN(LOGITS, 0, k));
    for (size_t k = 0; k < components_of(f); k++)
        weight[k] /= total;
}

static long double joint(const struct frame *f, size_t i, size_t k, long double weight, long double *size)
{
    long double sum = logl(weight);
    *size = fabsl(sum);
    for (size_t j = 0; j < f->d; j++) {
        long double v = GIVEN(HEAD, k, f->d + j), away = GIVEN(Z, i, j) - GIVEN(HEAD, k, j);
        long double square = away * away * expl(-v) / 2;
        sum -= 0.918938533204672741780329736405617640L + v / 2 + square;
        *size += 0.92L + fabsl(v) / 2 + square;
    }
    return sum;
}

static struct answer answer_of(const struct frame *f, size_t i)
{
    struct answer a = {.value = -INFINITY};
    long double joints[MOST_COMPONENTS], most = -INFINITY, total = 0;
    weights(f, a.weight);
    for (size_t k = 0; k < components_of(f); k++) {
        long double size;
        joints[k] = joint(f, i, k, a.weight[k], &size);
        a.size = size > a.size ? size : a.size;
        most = fmaxl(most, joints[k]);
    }
    for (size_t k = 0; k < components_of(f); k++)
        total += a.share[k] = expl(joints[k] - most);
    for (size_t k = 0; k < components_of(f); k++)
        a.share[k] /= total;
    a.value = most + logl(total);
    return a;
}

/* ---- fill ---- */

static struct array *real(struct frame *f, const char *name, size_t rows, size_t cols)
{
    struct array *array = frame_array(f, name, F64, OUT, rows, cols);
    array_bound(array, 53, 0, 36);
    return array;
}

enum { MEAN = W + 1, PRECISION, WEIGHTS, CONSTANT };

static void fill_arrays(struct frame *f)
{
    inputs(f);
    real(f, "mean", f->d, MOST_COLUMNS);
    real(f, "precision", f->d, MOST_COLUMNS);
    real(f, "weight", 1, MOST_COLUMNS);
    real(f, "constant", 1, components_of(f));
}

static void put(struct array *to, const double *from)
{
    for (size_t i = 0; i < to->rows; i++)
        memcpy((double *)to->at + i * to->ld, from + i * MOST_COLUMNS, to->cols * sizeof *from);
}

static void fill_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_mixture m = mixture(k, f);
    put(&f->array[MEAN], m.mean);
    put(&f->array[PRECISION], m.precision);
    put(&f->array[WEIGHTS], m.weight);
    put(&f->array[CONSTANT], m.constant);
}

static void fill_reference(struct frame *f)
{
    long double weight[MOST_COLUMNS] = {0};
    weights(f, weight);
    for (size_t k = 0; k < MOST_COLUMNS; k++) {
        int one = k < components_of(f);
        long double sum = one ? logl(weight[k]) : 0, size = fabsl(sum);
        for (size_t j = 0; j < f->d; j++) {
            long double v = one ? GIVEN(HEAD, k, f->d + j) : 0, precision = one ? expl(-v) : 0;
            array_expect(&f->array[MEAN], j, k, one ? GIVEN(HEAD, k, j) : 0, 0);
            array_expect(&f->array[PRECISION], j, k, precision, precision);
            sum -= 0.918938533204672741780329736405617640L + v / 2;
            size += 0.92L + fabsl(v) / 2;
        }
        array_expect(&f->array[WEIGHTS], 0, k, weight[k], fmaxl(weight[k], 1e-9L));
        if (one)
            array_expect(&f->array[CONSTANT], 0, k, sum, size);
    }
}

/* ---- values ---- */

enum { VALUE_OF = W + 1, SHARE };

static void density_arrays(struct frame *f)
{
    inputs(f);
    real(f, "value", 1, f->n);
    real(f, "share", f->n, components_of(f));
}

static void density_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_mixture m = mixture(k, f);
    k->mixture->density(&m, f->n, M(Z), VALUES(VALUE_OF), shares, MOST_COLUMNS);
    put(&f->array[SHARE], shares);
}

static void density_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct answer a = answer_of(f, i);
        array_expect(&f->array[VALUE_OF], 0, i, a.value, a.size);
        for (size_t k = 0; k < components_of(f); k++)
            array_expect(&f->array[SHARE], i, k, a.share[k], a.share[k] * a.size + 0x1p-12L);
    }
}

/* ---- gradients ---- */

enum { GZ = W + 1 };

static void density_grad_arrays(struct frame *f)
{
    inputs(f);
    array_bound(matrix(f, "gz", STATE, f->n, f->d, 1), 24, 1, 22);
}

static void density_grad_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_mixture m = mixture(k, f);
    k->mixture->density(&m, f->n, M(Z), densities, shares, MOST_COLUMNS);
    k->mixture->density_grad(&m, f->n, M(Z), shares, MOST_COLUMNS, AT(W), M(GZ));
}

static void density_grad_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct answer a = answer_of(f, i);
        for (size_t j = 0; j < f->d; j++) {
            long double sum = 0, size = 0, w = GIVEN(W, 0, i), before = GIVEN(GZ, i, j);
            for (size_t k = 0; k < components_of(f); k++) {
                long double part = a.share[k] * (GIVEN(HEAD, k, j) - GIVEN(Z, i, j)) *
                                   expl(-(long double)GIVEN(HEAD, k, f->d + j));
                sum += part;
                size += fabsl(part);
            }
            array_expect(&f->array[GZ], i, j, before + w * sum, fmaxl(fabsl(before), fabsl(w) * size));
        }
    }
}

enum { G = W + 1, GLOGITS };

static void component_grad_arrays(struct frame *f)
{
    size_t k = components_of(f);
    inputs(f);
    array_bound(written(f, "g", F32, OUT, k, 2 * f->d), 24, 1, 22);
    array_bound(written(f, "glogits", F32, OUT, 1, k), 24, 1, 22);
}

static void component_grad_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_mixture m = mixture(k, f);
    k->mixture->density(&m, f->n, M(Z), densities, shares, MOST_COLUMNS);
    for (size_t first = 0; first < m.components; first += VAE_LANES)
        k->mixture->component_grad(
            &m, first, f->n, M(Z), shares, MOST_COLUMNS, AT(W), AT(G), AT(G) + f->d, LD(G), AT(GLOGITS));
}

/* Sums over the rows, and of the terms' magnitudes: of means, log-variances, logits. */
static void add_slopes(const struct frame *f, const struct answer *row, size_t i, size_t k, size_t j,
    long double sum[3], long double size[3])
{
    long double part = GIVEN(W, 0, i) * row->share[k], away = GIVEN(Z, i, j) - GIVEN(HEAD, k, j);
    long double slope = away * expl(-(long double)GIVEN(HEAD, k, f->d + j));
    long double w = fabsl((long double)GIVEN(W, 0, i)), largest = w * (row->share[k] + 0x1p-26L);
    const long double terms[3] = {
        part * slope, part * (away * slope - 1) / 2, GIVEN(W, 0, i) * (row->share[k] - row->weight[k])};
    const long double sizes[3] = {largest * fabsl(slope), largest * (fabsl(away * slope) + 1) / 2, w};
    for (int t = 0; t < 3; t++) {
        sum[t] += terms[t];
        size[t] += sizes[t];
    }
}

static void component_grad_reference(struct frame *f)
{
    static struct answer rows[MOST_ROWS];
    for (size_t i = 0; i < f->n; i++)
        rows[i] = answer_of(f, i);
    for (size_t k = 0; k < components_of(f); k++)
        for (size_t j = 0; j < f->d; j++) {
            long double sum[3] = {0}, size[3] = {0};
            for (size_t i = 0; i < f->n; i++)
                add_slopes(f, &rows[i], i, k, j, sum, size);
            array_expect(&f->array[G], k, j, sum[0], size[0]);
            array_expect(&f->array[G], k, f->d + j, sum[1], size[1]);
            if (j == 0)
                array_expect(&f->array[GLOGITS], 0, k, sum[2], size[2]);
        }
}

#define MIXTURE_KERNEL(NAME)                                                                                 \
    {                                                                                                        \
        KERNEL(mixture, vae_mixture_kernels, NAME), .arrays = NAME##_arrays, .call = NAME##_call,            \
                                                    .reference = NAME##_reference, .choices = 3, .least = 1, \
                                                    .most = MOST_LATENTS                                     \
    }

static const struct kernel kernels[] = {
    MIXTURE_KERNEL(fill),
    MIXTURE_KERNEL(density),
    MIXTURE_KERNEL(density_grad),
    MIXTURE_KERNEL(component_grad),
};

const struct family mixture_family = {"mixture", sizeof(struct vae_mixture_kernels) / sizeof(any_function),
    kernels, sizeof kernels / sizeof *kernels};
