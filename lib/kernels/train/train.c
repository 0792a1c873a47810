/* SPDX-License-Identifier: BSD-2-Clause
 * The training table, and its small members: optimizers, sums, transposition, checks.
 */
#include "note.h"
#include "train.h"

#include "kernels/math/lanes.h"
#include "kernels/math/math32.h"

/* Columns side by side, rows in order: one addition chain a column. */
static void column_sums(size_t m, size_t n, const float *g, size_t ldg, float *out)
{
    for (size_t j = 0; j < n; j += VAE_LANES) {
        size_t cols = n - j < VAE_LANES ? n - j : VAE_LANES;
        float sum[VAE_LANES] = {0};
        for (size_t i = 0; i < m; i++)
            for (size_t l = 0; l < cols; l++)
                sum[l] += g[i * ldg + j + l];
        memcpy(out + j, sum, cols * sizeof *sum);
    }
}

typedef float four __attribute__((vector_size(16)));

/* By a pointer: where vectors are no part of the baseline, they are no value that a function returns. */
static inline void load_four(four *to, const float *from)
{
    memcpy(to, from, sizeof *to);
}

/* Four by four, in registers. */
static void transpose_four(const float *from, size_t ldfrom, float *to, size_t ldto)
{
    four a, b, c, d;
    load_four(&a, from);
    load_four(&b, from + ldfrom);
    load_four(&c, from + 2 * ldfrom);
    load_four(&d, from + 3 * ldfrom);
    four ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    four cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    four rows[4] = {__builtin_shufflevector(ab0, cd0, 0, 1, 4, 5),
        __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7), __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5),
        __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7)};
    for (size_t i = 0; i < 4; i++)
        memcpy(to + i * ldto, &rows[i], sizeof rows[i]);
}

/* Along the rows of the target, so that its lines are written whole. Squares at the edges overlap others. */
void transpose_matrix(size_t rows, size_t cols, const float *from, size_t ldfrom, float *to, size_t ldto)
{
    if (rows < 4 || cols < 4) {
        for (size_t c = 0; c < cols; c++)
            for (size_t r = 0; r < rows; r++)
                to[c * ldto + r] = from[r * ldfrom + c];
        return;
    }
    for (size_t i = 0; i < cols; i += 4) {
        size_t c = i + 4 < cols ? i : cols - 4;
        for (size_t j = 0; j < rows; j += 4) {
            size_t r = j + 4 < rows ? j : rows - 4;
            transpose_four(from + r * ldfrom + c, ldfrom, to + c * ldto + r, ldto);
        }
    }
}

/* sqrt(x) for x >= 0, as x times 1 / sqrt(x): a guess from the exponent, a cubic step, then a quadratic one
 * for the product; 2 ULP for normal x. */
VAE_INLINE float fast_root(float x)
{
    float y = float_of_bits(0x5f375a86u - (bits_of_float(x) >> 1));
    float e = fmaf(-x * y, y, 1.0f);
    y = fmaf(y * e, fmaf(e, 0.375f, 0.5f), y);
    float root = x * y;
    return fmaf(0.5f * root, fmaf(-root, y, 1.0f), root);
}

VAE_INLINE void add_squares(size_t n, const float *restrict g, double lane[restrict VAE_LANES])
{
    VAE_ROLLED
    for (size_t l = 0; l < n; l++)
        lane[l] = fma((double)g[l], (double)g[l], lane[l]);
}

static double sum_squares(size_t n, const float *g)
{
    double lane[VAE_LANES] = {0};
    size_t i = 0;
    for (; i + VAE_LANES <= n; i += VAE_LANES)
        add_squares(VAE_LANES, g + i, lane);
    add_squares(n - i, g + i, lane);
    return lanes_sum_in_order(lane);
}

/* The root in multiply-adds, because a core has one unit for roots and quotients, which the quotient keeps
 * busy. Its error is of the update, not of the parameter. */
VAE_INLINE void update(const struct vae_adam *a, size_t n, const float *restrict g, float *restrict p,
    float *restrict m, float *restrict v, int decays)
{
    VAE_ROLLED
    for (size_t i = 0; i < n; i++) {
        float first = fmaf(a->beta1, m[i], a->rest1 * g[i]);
        float second = fmaf(a->beta2, v[i], a->rest2 * g[i] * g[i]);
        m[i] = first;
        v[i] = second;
        float from = decays ? fmaf(-a->shrink, p[i], p[i]) : p[i];
        p[i] = from - a->rate * first / fmaf(fast_root(second), a->root_correction2, a->epsilon);
    }
}

VAE_INLINE double update_all(const struct vae_adam *a, size_t n, const float *restrict g, float *restrict p,
    float *restrict m, float *restrict v, int decays)
{
    const struct vae_adam adam = *a;
    double lane[VAE_LANES] = {0};
    size_t i = 0;
    for (; i + VAE_LANES <= n; i += VAE_LANES) {
        update(&adam, VAE_LANES, g + i, p + i, m + i, v + i, decays);
        add_squares(VAE_LANES, g + i, lane);
    }
    update(&adam, n - i, g + i, p + i, m + i, v + i, decays);
    add_squares(n - i, g + i, lane);
    return lanes_sum_in_order(lane);
}

static double adam(const struct vae_adam *a, size_t n, const float *g, float *p, float *m, float *v)
{
    return update_all(a, n, g, p, m, v, 0);
}

static double adamw(const struct vae_adam *a, size_t n, const float *g, float *p, float *m, float *v)
{
    return update_all(a, n, g, p, m, v, 1);
}

/* The quotient is at most about 1 and the product with the rate no larger than the update, so that no rate
 * makes it overflow. */
VAE_INLINE void adagrad_update(
    const struct vae_adagrad *a, size_t n, const float *restrict g, float *restrict p, float *restrict s)
{
    VAE_ROLLED
    for (size_t i = 0; i < n; i++) {
        float sum = fmaf(g[i], g[i], s[i]);
        s[i] = sum;
        p[i] = fmaf(-a->rate, g[i] / (fast_root(sum) + a->epsilon), p[i]);
    }
}

static double adagrad(const struct vae_adagrad *a, size_t n, const float *g, float *p, float *s)
{
    const struct vae_adagrad rule = *a;
    double lane[VAE_LANES] = {0};
    size_t i = 0;
    for (; i + VAE_LANES <= n; i += VAE_LANES) {
        adagrad_update(&rule, VAE_LANES, g + i, p + i, s + i);
        add_squares(VAE_LANES, g + i, lane);
    }
    adagrad_update(&rule, n - i, g + i, p + i, s + i);
    add_squares(n - i, g + i, lane);
    return lanes_sum_in_order(lane);
}

VAE_INLINE void sgd_update(
    const struct vae_sgd *a, size_t n, const float *restrict g, float *restrict p, float *restrict b)
{
    VAE_ROLLED
    for (size_t i = 0; i < n; i++) {
        b[i] = fmaf(a->momentum, b[i], g[i]);
        p[i] = fmaf(-a->rate, b[i], p[i]);
    }
}

static double sgd(const struct vae_sgd *a, size_t n, const float *g, float *p, float *b)
{
    const struct vae_sgd rule = *a;
    double lane[VAE_LANES] = {0};
    size_t i = 0;
    for (; i + VAE_LANES <= n; i += VAE_LANES) {
        sgd_update(&rule, VAE_LANES, g + i, p + i, b + i);
        add_squares(VAE_LANES, g + i, lane);
    }
    sgd_update(&rule, n - i, g + i, p + i, b + i);
    add_squares(n - i, g + i, lane);
    return lanes_sum_in_order(lane);
}

static void blend(size_t n, float a, const float *restrict x, float b, float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = fmaf(a, x[i], b * y[i]);
}

static float max_abs(size_t n, const float *g)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = note_larger(most, bits_of_float(g[i]) & NOTE_MAGNITUDE);
    return float_of_bits(most < 0x7f800000u ? most : 0x7f800000u);
}

/* Returns 1 for what is no whole number of magnitude <= 2^24, such as NaN. Adding 2^23 rounds to a whole
 * number; floats above that are whole. */
VAE_INLINE uint32_t is_broken(float x)
{
    float size = fabsf(x), whole = (size + 0x1p23f) - 0x1p23f;
    whole = size < 0x1p23f ? whole : size;
    return !(size <= 0x1p24f && whole == size);
}

static void look(size_t n, const float *x, struct vae_seen *seen)
{
    struct seen_lanes lanes = {{0}, {0}};
    uint32_t broken = 0;
    size_t blocks = n / VAE_LANES * VAE_LANES;
    see_blocks(blocks, x, &lanes);
    see_lanes(n - blocks, x + blocks, &lanes);
    for (size_t i = 0; i < n; i++)
        broken |= is_broken(x[i]);
    seen_raise(seen, &lanes);
    seen->broken |= broken;
}

static void epilogue(const struct vae_epilogue *e, size_t m, size_t n, float *c, size_t ldc)
{
    epilogue_rows(e, 0, m, 0, n, c, ldc);
}

const struct vae_train_kernels K(train) = {
    .gemm_block = tile_block,
    .gemm_back_block = tile_back_block,
    .gemm_pack = tile_pack,
    .gemm_row = tile_row,
    .epilogue = epilogue,
    .gate_back = train_gate_back,
    .column_sums = column_sums,
    .transpose = transpose_matrix,
    .bernoulli = train_bernoulli,
    .gauss = train_gauss,
    .adam = adam,
    .adamw = adamw,
    .adagrad = adagrad,
    .sgd = sgd,
    .blend = blend,
    .sum_squares = sum_squares,
    .max_abs = max_abs,
    .look = look,
};
