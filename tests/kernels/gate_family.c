/* SPDX-License-Identifier: BSD-2-Clause
 * The kernels of gated layers under test: epilogues with a second factor or addend, and the way back through
 * a gate. Each result is a chain of operations in a written order, held to its bits.
 */
#include "train_frame.h"

#include <vae/vae.h>

/* By choice: the identity or relu, whose values are exact. */
static int32_t activation_of(const struct frame *f)
{
    return f->choice ? VAE_RELU : VAE_IDENTITY;
}

static float relu(const struct frame *f, float x)
{
    return f->choice && x <= 0 ? 0 : x;
}

static float rounded(double x)
{
    return (float)x;
}

/* ---- epilogue, times ---- */

static void times_arrays(struct frame *f)
{
    array_bound(matrix(f, "c", STATE, f->n, f->d, 8), 24, 0, 99);
    matrix(f, "bias", WEIGHT, 1, f->d, 1);
    array_bound(written(f, "pre", F32, VALUE, f->n, f->d), 24, 0, 99);
    array_fill(matrix(f, "other", IN, f->n, f->d, 0), UNIFORM, 0, 1);
    array_bound(written(f, "kept", F32, VALUE, f->n, f->d), 24, 0, 99);
}

static void times_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_epilogue epilogue = {.kind = VAE_EPILOGUE_TIMES,
        .activation = activation_of(f),
        .bias = AT(1),
        .pre = AT(2),
        .ldpre = LD(2),
        .other = AT(3),
        .ldother = LD(3),
        .kept = AT(4)};
    k->train->epilogue(&epilogue, f->n, f->d, M(0));
}

static void times_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++) {
            float x = rounded(GIVEN(0, i, j) + (f->array[1].at ? GIVEN(1, 0, j) : 0)), h = relu(f, x);
            array_expect(&f->array[0], i, j, rounded((double)h * GIVEN(3, i, j)), 0);
            array_expect(&f->array[2], i, j, x, 0);
            array_expect(&f->array[4], i, j, h, 0);
        }
}

/* ---- epilogue, plus ---- */

static void plus_arrays(struct frame *f)
{
    array_bound(matrix(f, "c", STATE, f->n, f->d, 8), 24, 0, 99);
    matrix(f, "y", IN, f->n, f->d, 1);
    matrix(f, "other", IN, f->n, f->d, 8);
}

static void plus_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_epilogue epilogue = {.kind = VAE_EPILOGUE_PLUS,
        .activation = activation_of(f),
        .y = AT(1),
        .ldy = LD(1),
        .other = AT(2),
        .ldother = LD(2)};
    k->train->epilogue(&epilogue, f->n, f->d, M(0));
}

static void plus_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++) {
            float sum = rounded(GIVEN(0, i, j) + GIVEN(2, i, j));
            array_expect(&f->array[0], i, j, f->choice && GIVEN(1, i, j) <= 0 ? 0 : sum, 0);
        }
}

/* ---- back through a gate ---- */

static void gate_back_arrays(struct frame *f)
{
    matrix(f, "y", IN, f->n, f->d, 8);
    array_fill(matrix(f, "s", IN, f->n, f->d, 0), UNIFORM, 0, 1);
    array_bound(matrix(f, "g", STATE, f->n, f->d, 8), 24, 0, 99);
    array_bound(written(f, "gate_g", F32, OUT, f->n, f->d), 24, 0, 99);
}

static void gate_back_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_epilogue epilogue = {
        .kind = VAE_EPILOGUE_BACKWARD, .activation = activation_of(f), .y = AT(0), .ldy = LD(0)};
    k->train->gate_back(&epilogue, f->n, f->d, AT(0), AT(1), AT(2), AT(3), LD(0));
}

static void gate_back_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++) {
            double y = GIVEN(0, i, j), s = GIVEN(1, i, j), g = GIVEN(2, i, j);
            float by_y = rounded(y * (double)rounded(1 - s));
            array_expect(&f->array[3], i, j, rounded((double)by_y * g), 0);
            array_expect(&f->array[2], i, j, f->choice && y <= 0 ? 0 : rounded(g * s), 0);
        }
}

static const struct kernel kernels[] = {
    {.name = "train.epilogue.times",
        .table = offsetof(struct vae_kernels, train),
        .member = offsetof(struct vae_train_kernels, epilogue),
        .arrays = times_arrays,
        .call = times_call,
        .reference = times_reference,
        .choices = 2},
    {.name = "train.epilogue.plus",
        .table = offsetof(struct vae_kernels, train),
        .member = offsetof(struct vae_train_kernels, epilogue),
        .arrays = plus_arrays,
        .call = plus_call,
        .reference = plus_reference,
        .choices = 2},
    TRAIN_KERNEL(gate_back, 2),
};

const struct family gate_family = {"train, gates", 0, kernels, sizeof kernels / sizeof *kernels};
