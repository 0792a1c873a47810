/* SPDX-License-Identifier: BSD-2-Clause
 * The random numbers under test: every element from the definition in docs/random.md, one at a time.
 */
#include "frame.h"

#include <math.h>

#define AT(TYPE, I) ((TYPE *)f->array[I].at)

/* Where the slice begins: odd offsets, and one that wraps. */
static uint64_t offset_of(const struct frame *f)
{
    return f->seed % 3 == 2 ? UINT64_MAX - 20 : f->seed % 3 ? 1000003 : 0;
}

#define WHERE f->seed, f->seed << 40 | 5, offset_of(f), f->n * f->d

static void round_of(uint32_t x[4], uint32_t key0, uint32_t key1)
{
    uint64_t p0 = (uint64_t)x[0] * 0xD2511F53u, p1 = (uint64_t)x[2] * 0xCD9E8D57u;
    uint32_t next[4] = {
        (uint32_t)(p1 >> 32) ^ x[1] ^ key0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ x[3] ^ key1, (uint32_t)p0};
    for (int i = 0; i < 4; i++)
        x[i] = next[i];
}

/* The four words of a block. */
static void block_of(const struct frame *f, uint64_t block, uint32_t x[4])
{
    uint64_t stream = f->seed << 40 | 5;
    x[0] = (uint32_t)block;
    x[1] = (uint32_t)(block >> 32);
    x[2] = (uint32_t)stream;
    x[3] = (uint32_t)(stream >> 32);
    for (uint32_t i = 0; i < 10; i++)
        round_of(x, (uint32_t)f->seed + i * 0x9E3779B9u, (uint32_t)(f->seed >> 32) + i * 0xBB67AE85u);
}

/* An element's place: 64 (or 32) a group, sixteen blocks a group. */
static uint32_t word_at(const struct frame *f, uint64_t element)
{
    uint32_t x[4];
    block_of(f, element / 64 * 16 + element % 16, x);
    return x[element / 16 % 4];
}

static void declare(struct frame *f, enum type type, int bits)
{
    struct array *out = frame_array(f, "out", type, OUT, 1, f->n * f->d);
    array_bound(out, bits, 0, bits - 2);
}

static void random_u32_arrays(struct frame *f)
{
    declare(f, U32, 99);
}

static void random_u32_call(const struct vae_kernels *k, struct frame *f)
{
    k->rng->random_u32(WHERE, AT(uint32_t, 0));
}

static void random_u32_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++)
        array_expect(&f->array[0], 0, i, word_at(f, offset_of(f) + i), 0);
}

static void normal32_arrays(struct frame *f)
{
    declare(f, F32, 24);
}

static void normal32_call(const struct vae_kernels *k, struct frame *f)
{
    k->rng->normal32(WHERE, AT(float, 0));
}

static void expect_normal(struct frame *f, size_t i, long double u, long double turn, int sine)
{
    const long double two_pi = 6.28318530717958647692528676655900577L;
    long double r = sqrtl(-2 * logl(u));
    array_expect(&f->array[0], 0, i, r * (sine ? sinl(two_pi * turn) : cosl(two_pi * turn)), r);
}

static void normal32_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        uint32_t x[4];
        uint64_t element = offset_of(f) + i, half = element / 32 % 2 * 2;
        block_of(f, element / 64 * 16 + element % 16, x);
        expect_normal(f, i, fmaf((float)x[half], 0x1p-32f, 0x1p-33f), (int32_t)x[half + 1] * 0x1p-32L,
            element / 16 % 2);
    }
}

static void normal64_arrays(struct frame *f)
{
    declare(f, F64, 53);
}

static void normal64_call(const struct vae_kernels *k, struct frame *f)
{
    k->rng->normal64(WHERE, AT(double, 0));
}

static void normal64_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        uint32_t x[4];
        uint64_t element = offset_of(f) + i;
        block_of(f, element / 32 * 16 + element % 16, x);
        double u = fma(x[1], 0x1p-32, fma(x[0], 0x1p-64, 0x1p-65));
        expect_normal(f, i, u, (int64_t)((uint64_t)x[3] << 32 | x[2]) * 0x1p-64L, element / 16 % 2);
    }
}

static void chances(struct frame *f, enum type type)
{
    array_fill(frame_array(f, "p", type, IN, 1, f->n * f->d), UNIT, 0, 1);
    array_bound(frame_array(f, "x", type, OUT, 1, f->n * f->d), 24, 0, 99);
}

static void expect_draws(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        double p = array_given(&f->array[0], 0, i);
        array_expect(&f->array[1], 0, i, word_at(f, offset_of(f) + i) < p * 0x1p32, 0);
    }
}

static void bernoulli32_arrays(struct frame *f)
{
    chances(f, F32);
}

static void bernoulli32_call(const struct vae_kernels *k, struct frame *f)
{
    k->rng->bernoulli32(WHERE, AT(float, 0), AT(float, 1));
}

static void bernoulli64_arrays(struct frame *f)
{
    chances(f, F64);
}

static void bernoulli64_call(const struct vae_kernels *k, struct frame *f)
{
    k->rng->bernoulli64(WHERE, AT(double, 0), AT(double, 1));
}

/* ---- draws from p(x|z): the textbook's inverse in long double, where rounding cannot move a count ---- */

static long double unit_at(const struct frame *f, size_t i)
{
    return ((long double)word_at(f, offset_of(f) + i) + 0.5L) * 0x1p-32L;
}

static struct array *parameter(struct frame *f, const char *name, double low, double high)
{
    struct array *array = frame_array(f, name, F32, IN, 1, f->n * f->d);
    array_fill(array, UNIFORM, low, high);
    return array;
}

static void drawn(struct frame *f)
{
    array_bound(frame_array(f, "x", F32, OUT, 1, f->n * f->d), 24, 0.51, 26);
}

static void laplace32_arrays(struct frame *f)
{
    parameter(f, "mean", -3, 3);
    parameter(f, "logscale", -4, 2);
    drawn(f);
}

static void laplace32_call(const struct vae_kernels *k, struct frame *f)
{
    k->rng->laplace32(WHERE, AT(float, 0), AT(float, 1), AT(float, 2));
}

static void laplace32_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        long double u = unit_at(f, i), mean = array_given(&f->array[0], 0, i);
        long double size = expl(array_given(&f->array[1], 0, i)) * log1pl(-2 * fabsl(u - 0.5L));
        array_expect(&f->array[2], 0, i, mean + (u < 0.5L ? size : -size), fmaxl(fabsl(mean), fabsl(size)));
    }
}

static void poisson32_arrays(struct frame *f)
{
    parameter(f, "lograte", -4, 6);
    drawn(f);
}

static void poisson32_call(const struct vae_kernels *k, struct frame *f)
{
    k->rng->poisson32(WHERE, AT(float, 0), AT(float, 1));
}

static long double poisson_chance(long double k, long double lograte)
{
    return expl(k * lograte - expl(lograte) - lgammal(k + 1));
}

/* From the mode outwards, above before below. */
static void poisson32_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        long double lograte = array_given(&f->array[0], 0, i), mode = floorl(expl(lograte)), k = mode;
        long double left = unit_at(f, i) - poisson_chance(mode, lograte);
        for (long double step = 1; left >= 0; step++) {
            left -= poisson_chance(k = mode + step, lograte);
            if (left >= 0 && step <= mode)
                left -= poisson_chance(k = mode - step, lograte);
        }
        array_expect(&f->array[1], 0, i, k, 0);
    }
}

static void cbernoulli32_arrays(struct frame *f)
{
    parameter(f, "logits", -9, 9);
    drawn(f);
}

static void cbernoulli32_call(const struct vae_kernels *k, struct frame *f)
{
    k->rng->cbernoulli32(WHERE, AT(float, 0), AT(float, 1));
}

static void cbernoulli32_reference(struct frame *f)
{
    for (size_t i = 0; i < f->n * f->d; i++) {
        long double l = array_given(&f->array[0], 0, i), u = unit_at(f, i);
        array_expect(&f->array[1], 0, i, l == 0 ? u : log1pl(u * expm1l(l)) / l, 1);
    }
}

#define MEMBER(NAME, REFERENCE)                                                                              \
    {                                                                                                        \
        KERNEL(rng, vae_rng_kernels, NAME), .arrays = NAME##_arrays, .call = NAME##_call,                    \
                                            .reference = REFERENCE                                           \
    }
static const struct kernel kernels[] = {
    MEMBER(random_u32, random_u32_reference),
    MEMBER(normal32, normal32_reference),
    MEMBER(normal64, normal64_reference),
    MEMBER(bernoulli32, expect_draws),
    MEMBER(bernoulli64, expect_draws),
    MEMBER(laplace32, laplace32_reference),
    MEMBER(poisson32, poisson32_reference),
    MEMBER(cbernoulli32, cbernoulli32_reference),
};

const struct family rng_family = {
    "rng", sizeof(struct vae_rng_kernels) / sizeof(any_function), kernels, sizeof kernels / sizeof *kernels};
