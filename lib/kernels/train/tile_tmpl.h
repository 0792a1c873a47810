/* SPDX-License-Identifier: BSD-2-Clause
 * Template: the products of one tile, whose accumulators stay in registers. tile_shapes.h includes it for
 * each shape, with
 *
 *   ROWS, VECS    the shape, literal numbers: clang unrolls a loop early enough to keep the accumulators in
 *                 registers only where its bounds are literal
 */
#define NAME(name) SHAPE_NAME(name, ROWS, VECS)

/* clang-format off */

TILE_INLINE void NAME(clear)(vec acc[ROWS][VECS])
{
    VAE_UNROLL for (size_t i = 0; i < ROWS; i++)
        VAE_UNROLL for (size_t j = 0; j < VECS; j++)
            acc[i][j] = vec_all(0);
}

/* One step of k: elements of A `stride` apart, each times a row of B. Every other row broadcasts in its
 * multiply-adds where vectors can, which are fewer instructions; all of them would be too many loads. */
TILE_INLINE void NAME(step)(vec acc[ROWS][VECS], const float *a, size_t stride, const float *b)
{
    vec row[VECS];
    VAE_UNROLL for (size_t j = 0; j < VECS; j++)
        row[j] = vec_load(b + j * VEC_LANES);
    VAE_UNROLL for (size_t i = 0; i < ROWS; i++) {
        const float *x = a + i * stride;
        if (VEC_ADDS_PRODUCTS && i % 2 == 0) {
            VAE_UNROLL for (size_t j = 0; j < VECS; j++)
                vec_add_product(&acc[i][j], x, row[j]);
        } else {
            vec all = vec_all(*x);
            VAE_UNROLL for (size_t j = 0; j < VECS; j++)
                acc[i][j] = vec_fma(all, row[j], acc[i][j]);
        }
    }
}

TILE_INLINE void NAME(store)(vec acc[ROWS][VECS], float *c, size_t ldc)
{
    VAE_UNROLL for (size_t i = 0; i < ROWS; i++)
        VAE_UNROLL for (size_t j = 0; j < VECS; j++)
            vec_store(c + i * ldc + j * VEC_LANES, acc[i][j]);
}

/* clang-format on */

/* C = A B, A's element (i, p) at a[i + p * step] */
static void NAME(tile)(
    size_t k, const float *a, size_t step, const float *b, size_t ldb, float *c, size_t ldc)
{
    vec acc[ROWS][VECS];
    NAME(clear)(acc);
    for (; k > 0; k--, a += step, b += ldb)
        NAME(step)(acc, a, 1, b);
    NAME(store)(acc, c, ldc);
}

#if ROWS == TILE_ROWS && VECS == TILE_VECS
/* The same, fetching a line at each step of k: memory and arithmetic overlap. `ahead` counts the steps.
 * `written`: the lines will be written, so other cores are to give them up. */
TILE_INLINE void NAME(tile_before)(size_t k, const float *a, size_t step, const float *b, size_t ldb,
    float *c, size_t ldc, uintptr_t ahead, const int written)
{
    vec acc[ROWS][VECS];
    NAME(clear)(acc);
    for (uintptr_t end = ahead + k * LINE; ahead != end; ahead += LINE, a += step, b += ldb) {
        if (written)
            __builtin_prefetch((const void *)ahead, 1, 2);
        else
            __builtin_prefetch((const void *)ahead, 0, 2);
        NAME(step)(acc, a, 1, b);
    }
    NAME(store)(acc, c, ldc);
}

static void NAME(tile_before_read)(
    size_t k, const float *a, size_t step, const float *b, size_t ldb, float *c, size_t ldc, uintptr_t ahead)
{
    NAME(tile_before)(k, a, step, b, ldb, c, ldc, ahead, 0);
}

static void NAME(tile_before_write)(
    size_t k, const float *a, size_t step, const float *b, size_t ldb, float *c, size_t ldc, uintptr_t ahead)
{
    NAME(tile_before)(k, a, step, b, ldb, c, ldc, ahead, 1);
}
#endif

#if ROWS <= BACK_ROWS
/* C' = B A' of gemm_back_block: B's rows are broadcast, panel after panel, the last one copied to `rest`, and
 * the vectors are A's. A panel's part is short, so the next one is fetched meanwhile. */
static void NAME(back)(
    size_t k, const float *w, size_t step, const float *rest, const float *b, float *c, size_t ldc)
{
    vec acc[ROWS][VECS];
    NAME(clear)(acc);
    while (k > 0) {
        size_t steps = k < VAE_PANEL ? k : VAE_PANEL;
        const float *a = k < VAE_PANEL ? rest : w;
        uintptr_t ahead = (uintptr_t)w + step * sizeof *w;
        for (k -= steps; steps > 0; steps--, a++, b += VAE_PANEL, ahead += LINE) {
            __builtin_prefetch((const void *)ahead, 0, 3);
            NAME(step)(acc, a, VAE_PANEL, b);
        }
        w += k > 0 ? step : 0;
    }
    NAME(store)(acc, c, ldc);
}
#endif

#undef NAME
#undef ROWS
