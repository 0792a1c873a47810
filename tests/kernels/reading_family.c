/* SPDX-License-Identifier: BSD-2-Clause
 * The kernels of reading calls under test: importance weights against sums over all of them at once.
 */
#include "frame.h"

#include <math.h>

#define VALUES(I) ((double *)f->array[I].at)

/* Draws before the call. */
static uint64_t done_of(const struct frame *f)
{
    return f->choice ? 5 : 0;
}

static struct vae_weights weights_at(struct frame *f, size_t first)
{
    return (struct vae_weights){VALUES(first), VALUES(first + 1), VALUES(first + 2)};
}

static struct array *numbers(
    struct frame *f, const char *name, enum role role, size_t rows, enum fill fill, double low, double high)
{
    struct array *array = frame_array(f, name, F64, role, rows, f->n);
    array_fill(array, fill, low, high);
    return array;
}

/* Draws down, rows across. */
static void weigh_arrays(struct frame *f)
{
    numbers(f, "loglik", IN, f->d, UNIFORM, -300, -200);
    numbers(f, "log_ratio", IN, f->d, UNIFORM, -20, 20);
    array_bound(numbers(f, "largest", STATE, 1, UNIFORM, -300, -200), 53, 0, 99);
    array_bound(numbers(f, "mean", STATE, 1, POSITIVE, 0.1, 1), 53, 0, 36);
    array_bound(numbers(f, "squares", STATE, 1, POSITIVE, 0, 1), 53, 0, 36);
}

static void weigh_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_weights weights = weights_at(f, 2);
    k->reading->weigh(f->n, f->d, done_of(f), VALUES(0), VALUES(1), f->array[0].ld, &weights);
}

/* What was kept counts as `done` draws of the mean's size, and the spread about it. */
static void weigh_reference(struct frame *f)
{
    long double done = done_of(f), count = done + f->d;
    for (size_t i = 0; i < f->n; i++) {
        long double logarithm[1000], most = -INFINITY, sum = 0, squares = 0;
        long double before = array_given(&f->array[2], 0, i);
        if (done > 0)
            most = before;
        for (size_t s = 0; s < f->d; s++) {
            logarithm[s] = array_given(&f->array[0], s, i) + array_given(&f->array[1], s, i);
            most = fmaxl(most, logarithm[s]);
        }
        long double scale = done > 0 ? expl(before - most) : 0;
        long double kept = scale * array_given(&f->array[3], 0, i);
        for (size_t s = 0; s < f->d; s++)
            sum += expl(logarithm[s] - most);
        long double mean = count > 0 ? (done * kept + sum) / count : 0;
        for (size_t s = 0; s < f->d; s++)
            squares += powl(expl(logarithm[s] - most) - mean, 2);
        squares += done > 0 ? scale * scale * array_given(&f->array[4], 0, i) : 0;
        squares += done * powl(kept - mean, 2);
        array_expect(&f->array[2], 0, i, most, 0);
        array_expect(&f->array[3], 0, i, mean, mean);
        array_expect(&f->array[4], 0, i, squares, squares);
    }
}

static uint64_t draws_of(const struct frame *f)
{
    static const uint64_t draws[] = {1, 2, 5000};
    return draws[f->choice];
}

static void evidence_arrays(struct frame *f)
{
    numbers(f, "largest", IN, 1, UNIFORM, -300, 0);
    numbers(f, "mean", IN, 1, POSITIVE, 0.0002, 1);
    numbers(f, "squares", IN, 1, POSITIVE, 0, 10);
    array_bound(frame_array(f, "log_mean", F64, VALUE, 1, f->n), 53, 1, 99);
    array_bound(frame_array(f, "error", F64, VALUE, 1, f->n), 53, 3, 99);
}

static void evidence_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_weights weights = weights_at(f, 0);
    k->reading->evidence(f->n, draws_of(f), &weights, VALUES(3), VALUES(4));
}

static void evidence_reference(struct frame *f)
{
    long double draws = draws_of(f);
    for (size_t i = 0; i < f->n; i++) {
        long double mean = array_given(&f->array[1], 0, i), squares = array_given(&f->array[2], 0, i);
        array_expect(&f->array[3], 0, i, array_given(&f->array[0], 0, i) + logl(mean), 0);
        array_expect(&f->array[4], 0, i, draws > 1 ? sqrtl(squares / (draws - 1) / draws) / mean : NAN, 0);
    }
}

static const struct kernel kernels[] = {
    {KERNEL(reading, vae_reading_kernels, weigh), .arrays = weigh_arrays, .call = weigh_call,
        .reference = weigh_reference, .choices = 2},
    {KERNEL(reading, vae_reading_kernels, evidence), .arrays = evidence_arrays, .call = evidence_call,
        .reference = evidence_reference, .choices = 3},
};

const struct family reading_family = {"reading", sizeof(struct vae_reading_kernels) / sizeof(any_function),
    kernels, sizeof kernels / sizeof *kernels};
