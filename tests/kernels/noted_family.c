/* SPDX-License-Identifier: BSD-2-Clause
 * What the kernels of a training step note on their way, under test: it must be what the bits of the arrays
 * say. The results themselves are tested in train_family.c and tile_family.c.
 */
#include "train_frame.h"

#include <math.h>
#include <string.h>
#include <vae/vae.h>

#define WORDS(I) ((uint32_t *)f->array[I].at)

/* Words that are raised, from where an earlier call may have left them. */
static void raised(struct frame *f, size_t words)
{
    struct array *array = frame_array(f, "noted", U32, STATE, 1, words);
    array_fill(array, COUNT, 0, 0x3f000000);
    array_bound(array, 24, 0, 99);
}

/* Every NaN the same: its payload is not the same on every instruction set. */
static void settle(uint32_t *word, size_t count)
{
    for (size_t i = 0; i < count; i++)
        word[i] = word[i] > 0x7f800000u ? 0x7fc00000u : word[i];
}

static uint32_t bits_of(long double value)
{
    float x = (float)value;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x7fffffffu;
}

/* The lanes of array `noted`, raised by the magnitudes that now stand in array `of`. */
static void expect_raised(struct frame *f, size_t noted, size_t of)
{
    const struct array *c = &f->array[of];
    for (size_t lane = 0; lane < VAE_LANES; lane++) {
        long double most = f->array[noted].want[lane];
        for (size_t i = 0; i < c->rows; i++)
            for (size_t j = lane; j < c->cols; j += VAE_LANES)
                most = fmaxl(most, bits_of(array_now(c, i, j)));
        array_expect(&f->array[noted], 0, lane, most, 0);
    }
}

static void expect_given(struct frame *f, size_t noted)
{
    for (size_t lane = 0; lane < VAE_LANES; lane++)
        array_expect(&f->array[noted], 0, lane, array_given(&f->array[noted], 0, lane), 0);
}

/* Array `i` as it is. */
static void expect_now(struct frame *f, size_t i)
{
    for (size_t r = 0; r < f->array[i].rows; r++)
        for (size_t j = 0; j < f->array[i].cols; j++)
            array_expect(&f->array[i], r, j, array_now(&f->array[i], r, j), 0);
}

/* ---- products and epilogues ---- */

static const size_t widths[] = {32, 17, 16, 7, 1};

static void gemm_block_arrays(struct frame *f)
{
    size_t n = widths[f->choice];
    matrix(f, "a", IN, f->d, f->n, 1);
    matrix(f, "b", IN, f->d, (n + 15) / 16 * 16, 1);
    frame_array(f, "c", F32, OUT, f->n, n);
    raised(f, VAE_LANES);
    f->elements = f->n * f->d * n;
}

static void gemm_block_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_block block = {.m = f->n,
        .n = widths[f->choice],
        .k = f->d,
        .a = AT(0),
        .a_step = LD(0),
        .b = AT(1),
        .ldb = LD(1),
        .c = AT(2),
        .ldc = LD(2),
        .epilogue = {.kind = f->choice ? VAE_EPILOGUE_FORWARD : VAE_EPILOGUE_NONE, .most = WORDS(3)}};
    k->train->gemm_block(&block);
    settle(WORDS(3), VAE_LANES);
}

static void gemm_block_reference(struct frame *f)
{
    expect_now(f, 2);
    expect_given(f, 3);
    expect_raised(f, 3, 2);
}

/* Forward by relu, backward by tanh, none. */
static void epilogue_arrays(struct frame *f)
{
    matrix(f, "c", STATE, f->n, f->d, 8);
    array_fill(matrix(f, "y", IN, f->n, f->d, 0), UNIFORM, 0, 1);
    raised(f, VAE_LANES);
}

static void epilogue_call(const struct vae_kernels *k, struct frame *f)
{
    static const int32_t kind[] = {VAE_EPILOGUE_FORWARD, VAE_EPILOGUE_BACKWARD, VAE_EPILOGUE_NONE};
    struct vae_epilogue epilogue = {.kind = kind[f->choice],
        .activation = f->choice ? VAE_TANH : VAE_RELU,
        .y = AT(1),
        .ldy = LD(1),
        .most = WORDS(2)};
    k->train->epilogue(&epilogue, f->n, f->d, M(0));
    settle(WORDS(2), VAE_LANES);
}

static void epilogue_reference(struct frame *f)
{
    expect_now(f, 0);
    expect_given(f, 2);
    expect_raised(f, 2, 0);
}

/* Both gradients raise the same lanes. */
static void gate_back_arrays(struct frame *f)
{
    matrix(f, "y", IN, f->n, f->d, 8);
    array_fill(matrix(f, "s", IN, f->n, f->d, 0), UNIFORM, 0, 1);
    matrix(f, "g", STATE, f->n, f->d, 8);
    frame_array(f, "gate_g", F32, OUT, f->n, f->d);
    raised(f, VAE_LANES);
}

static void gate_back_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_epilogue epilogue = {.kind = VAE_EPILOGUE_NONE, .most = WORDS(4)};
    k->train->gate_back(&epilogue, f->n, f->d, AT(0), AT(1), AT(2), AT(3), LD(0));
    settle(WORDS(4), VAE_LANES);
}

static void gate_back_reference(struct frame *f)
{
    expect_now(f, 2);
    expect_now(f, 3);
    expect_given(f, 4);
    expect_raised(f, 4, 2);
    expect_raised(f, 4, 3);
}

/* ---- likelihoods, with a weight for each row ---- */

/* `most` and `any` of array 0, in two words of array `seen`; the third stays. */
static void expect_seen(struct frame *f, size_t seen)
{
    const struct array *x = &f->array[0];
    double most = array_given(&f->array[seen], 0, 0);
    uint32_t any = (uint32_t)array_given(&f->array[seen], 0, 1);
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->cols; j++) {
            float value = (float)array_given(x, i, j);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            most = fmax(most, bits_of((long double)value));
            any |= bits;
        }
    array_expect(&f->array[seen], 0, 0, most, 0);
    array_expect(&f->array[seen], 0, 1, any, 0);
    array_expect(&f->array[seen], 0, 2, array_given(&f->array[seen], 0, 2), 0);
}

static struct vae_seen seen_given(const uint32_t *word)
{
    return (struct vae_seen){word[0], word[1], word[2]};
}

static void seen_keep(uint32_t *word, struct vae_seen seen)
{
    word[0] = seen.most;
    word[1] = seen.any;
    word[2] = seen.broken;
}

static void bernoulli_arrays(struct frame *f)
{
    matrix(f, "x", IN, f->n, f->d, 1)->fill = UNIT;
    matrix(f, "logits", IN, f->n, f->d, 12);
    matrix(f, "w", IN, 1, f->n, 1);
    frame_array(f, "g", F32, OUT, f->n, f->d);
    raised(f, 3);
}

static void bernoulli_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_seen seen = seen_given(WORDS(4));
    k->train->bernoulli(f->n, f->d, M(0), M(1), AT(2), NULL, M(3), &seen);
    seen_keep(WORDS(4), seen);
}

/* x less the mean, times the weight of its row */
static void bernoulli_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++) {
            long double w = array_given(&f->array[2], 0, i),
                        mean = 1 / (1 + expl(-array_given(&f->array[1], i, j)));
            array_expect(&f->array[3], i, j, w * (array_given(&f->array[0], i, j) - mean), fabsl(w));
        }
    array_bound(&f->array[3], 24, 0, 21);
    expect_seen(f, 4);
}

/* Choice 1: without the log-variances' gradients. */
static void gauss_arrays(struct frame *f)
{
    matrix(f, "x", IN, f->n, f->d, 3);
    matrix(f, "mean", IN, f->n, f->d, 3);
    matrix(f, "logvar", IN, f->n, f->d, 2);
    matrix(f, "w", IN, 1, f->n, 1);
    frame_array(f, "gmean", F32, OUT, f->n, f->d);
    if (!f->choice)
        frame_array(f, "glogvar", F32, OUT, f->n, f->d);
    raised(f, 3);
    raised(f, VAE_LANES);
}

static void gauss_call(const struct vae_kernels *k, struct frame *f)
{
    size_t at = f->choice ? 5 : 6;
    struct vae_seen seen = seen_given(WORDS(at));
    k->train->gauss(f->n, f->d, M(0), M(1), M(2), AT(3), NULL, M(4), f->choice ? NULL : AT(5),
        f->choice ? 0 : LD(5), &seen, WORDS(at + 1));
    seen_keep(WORDS(at), seen);
    settle(WORDS(at + 1), VAE_LANES);
}

static void gauss_reference(struct frame *f)
{
    size_t at = f->choice ? 5 : 6;
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->d; j++) {
            long double w = array_given(&f->array[3], 0, i),
                        scale = expl(-array_given(&f->array[2], i, j) / 2);
            long double t = (array_given(&f->array[0], i, j) - array_given(&f->array[1], i, j)) * scale;
            array_expect(&f->array[4], i, j, w * t * scale, fabsl(w * t * scale));
            if (!f->choice)
                array_expect(&f->array[5], i, j, w * (t * t - 1) / 2, fabsl(w) * fmaxl(t * t, 1));
        }
    for (size_t i = 4; i < at; i++)
        array_bound(&f->array[i], 24, 0, 21);
    expect_seen(f, at);
    expect_given(f, at + 1);
    for (size_t i = 4; i < at; i++)
        expect_raised(f, at + 1, i);
}

/* ---- a pass over x ---- */

/* Any numbers, whole ones up to 2^24, whole ones beyond. */
static void look_arrays(struct frame *f)
{
    struct array *x = matrix(f, "x", IN, 1, f->n * f->d, 1);
    if (f->choice)
        array_fill(x, COUNT, 0, f->choice == 1 ? 0x1p24 + 1 : 0x1p26);
    raised(f, 3);
}

static void look_call(const struct vae_kernels *k, struct frame *f)
{
    struct vae_seen seen = {WORDS(1)[0], WORDS(1)[1], 0};
    k->train->look(f->n * f->d, AT(0), &seen);
    WORDS(1)[0] = seen.most;
    WORDS(1)[1] = seen.any;
    WORDS(1)[2] = seen.broken != 0;
}

static void look_reference(struct frame *f)
{
    double most = array_given(&f->array[1], 0, 0);
    uint32_t any = (uint32_t)array_given(&f->array[1], 0, 1);
    int broken = 0;
    for (size_t i = 0; i < f->n * f->d; i++) {
        float x = (float)array_given(&f->array[0], 0, i);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        most = fmax(most, bits_of((long double)x));
        any |= bits;
        broken |= !(fabsf(x) <= 0x1p24f && x == rintf(x));
    }
    array_expect(&f->array[1], 0, 0, most, 0);
    array_expect(&f->array[1], 0, 1, any, 0);
    array_expect(&f->array[1], 0, 2, broken, 0);
}

#define NOTED(MEMBER, WHAT, CHOICES)                                                                         \
    {                                                                                                        \
        .name = "train." #MEMBER "." #WHAT, .table = offsetof(struct vae_kernels, train),                    \
        .member = offsetof(struct vae_train_kernels, MEMBER), .arrays = MEMBER##_arrays,                     \
        .call = MEMBER##_call, .reference = MEMBER##_reference, .choices = CHOICES                           \
    }
static const struct kernel kernels[] = {
    NOTED(gemm_block, most, sizeof widths / sizeof *widths),
    NOTED(epilogue, most, 3),
    NOTED(gate_back, most, 1),
    NOTED(bernoulli, seen, 1),
    NOTED(gauss, seen, 2),
    {KERNEL(train, vae_train_kernels, look), .arrays = look_arrays, .call = look_call,
        .reference = look_reference, .choices = 3},
};

const struct family noted_family = {"train, noted", 0, kernels, sizeof kernels / sizeof *kernels};
