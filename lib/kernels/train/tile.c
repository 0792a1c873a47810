/* SPDX-License-Identifier: BSD-2-Clause
 * The native matrix product: a tile of C held in registers, A broadcast, B in rows of one panel.
 *
 * Each output is one fma chain in order of k, so that its bits depend on no tile shape, thread count or
 * instruction set. K is not split: at 14 x 32 a tile asks for 2.9 cache lines per 28 fma, which the
 * second-level cache gives. What is broadcast lies side by side for each step of k, or at a constant
 * distance, so that one pointer serves a tile; an A by rows is packed first.
 */
#include "train.h"
#include "vec.h"

#define LINE 64 /* bytes of a cache line */

/* The names of a shape's functions, tile_14_2, and of a width's arrays of them, tiles_2 */
#define SHAPE_NAME2(name, rows, vecs) name##_##rows##_##vecs
#define SHAPE_NAME(name, rows, vecs) SHAPE_NAME2(name, rows, vecs)
#define SHAPE_ARRAY2(name, vecs) name##_##vecs
#define SHAPE_ARRAY(name, vecs) SHAPE_ARRAY2(name, vecs)
#define WHOLE(name) SHAPE_NAME(name, TILE_ROWS, TILE_VECS)

#define TILE_INLINE static inline __attribute__((always_inline))

typedef void tile_function(
    size_t k, const float *a, size_t step, const float *b, size_t ldb, float *c, size_t ldc);
typedef void back_function(
    size_t k, const float *w, size_t step, const float *rest, const float *b, float *c, size_t ldc);

#define VECS 1
#include "tile_shapes.h"
#define VECS 2
#include "tile_shapes.h"
#if TILE_VECS == 4
#define VECS 4
#include "tile_shapes.h"
#endif

/* [log2 vecs][rows - 1] */
static tile_function *const *const tiles[] = {
    tiles_1,
    tiles_2,
#if TILE_VECS == 4
    tiles_4,
#endif
};
static back_function *const *const backs[] = {
    backs_1,
    backs_2,
#if TILE_VECS == 4
    backs_4,
#endif
};

/* Rows of the next tile of at most `most` when `left` remain: whole tiles while two or more fit, then two
 * nearly equal ones, so that no tile is so low that the loads of B outweigh its arithmetic. */
static size_t next_rows(size_t left, size_t most)
{
    if (left >= 2 * most || left == most)
        return most;
    return left > most ? (left + 1) / 2 : left;
}

/* Vectors of the next tile when `left` columns remain, as a power of two. */
static unsigned next_vecs_log2(size_t left)
{
    unsigned log2 = 0;
    while (((size_t)VEC_LANES << log2) < left && (1u << log2) < TILE_VECS)
        log2++;
    return log2;
}

void tile_pack(size_t m, size_t k, const float *a, size_t lda, float *to)
{
    for (size_t i = 0, rows; i < m; i += rows) {
        rows = next_rows(m - i, TILE_ROWS);
        transpose_matrix(rows, k, a + i * lda, lda, to + i * k, rows);
    }
}

/* Prefetch progress */
struct fetched {
    size_t array, bytes;
};

/* Where the next lines to fetch lie, or 0. */
static uintptr_t next_ahead(const struct vae_ahead *ahead, size_t k, struct fetched *done)
{
    if (done->array == 3 || !ahead->from[done->array])
        return 0;
    uintptr_t from = (uintptr_t)ahead->from[done->array] + done->bytes;
    done->bytes += k * LINE;
    if (done->bytes >= ahead->floats * sizeof(float))
        *done = (struct fetched){done->array + 1, 0};
    return from;
}

static void whole_tile(const struct vae_block *block, const float *a, size_t step, const float *b, float *c,
    struct fetched *fetched)
{
    uintptr_t ahead = next_ahead(&block->ahead, block->k, fetched);
    if (!ahead)
        WHOLE(tile)(block->k, a, step, b, block->ldb, c, block->ldc);
    else if (block->ahead.written)
        WHOLE(tile_before_write)(block->k, a, step, b, block->ldb, c, block->ldc, ahead);
    else
        WHOLE(tile_before_read)(block->k, a, step, b, block->ldb, c, block->ldc, ahead);
}

/* One column of tiles, at most TILE_COLS wide. */
static void column(const struct vae_block *block, size_t first, size_t cols, unsigned vecs_log2)
{
    size_t width = (size_t)VEC_LANES << vecs_log2;
    float partial[TILE_ROWS * TILE_COLS];
    struct fetched fetched = {first == 0 ? 0 : 3, 0};
    for (size_t i = 0, rows; i < block->m; i += rows) {
        rows = next_rows(block->m - i, TILE_ROWS);
        float *c = block->c + i * block->ldc + first;
        const float *a = block->a + i * (block->a_step ? 1 : block->k);
        size_t step = block->a_step ? block->a_step : rows;
        int whole = cols == width;
        if (rows == TILE_ROWS && cols == TILE_COLS)
            whole_tile(block, a, step, block->b + first, c, &fetched);
        else
            tiles[vecs_log2][rows - 1](block->k, a, step, block->b + first, block->ldb, whole ? c : partial,
                whole ? block->ldc : width);
        for (size_t r = 0; !whole && r < rows; r++)
            for (size_t j = 0; j < cols; j++)
                c[r * block->ldc + j] = partial[r * width + j];
        epilogue_rows(&block->epilogue, i, rows, first, cols, c, block->ldc);
    }
}

void tile_block(const struct vae_block *block)
{
    for (size_t first = 0; first < block->n;) {
        unsigned vecs_log2 = next_vecs_log2(block->n - first);
        size_t width = (size_t)VEC_LANES << vecs_log2;
        size_t cols = block->n - first < width ? block->n - first : width;
        column(block, first, cols, vecs_log2);
        first += cols;
    }
}

/* One panel of A's rows: C' in tiles, and back. */
static void back_panel(const struct vae_back_block *block, size_t first, size_t rows, const float *rest)
{
    float turned[VAE_PANEL * VAE_PANEL], *c = block->c + first * block->ldc;
    const float *a = block->a + first * block->k;
    for (size_t col = 0; col < rows; col += TILE_COLS) {
        unsigned vecs_log2 = next_vecs_log2(rows - col);
        for (size_t j = 0, height; j < block->n; j += height) {
            height = next_rows(block->n - j, BACK_ROWS);
            backs[vecs_log2][height - 1](block->k, block->b + j * VAE_PANEL, block->b_step,
                rest + j * VAE_PANEL, a + col, turned + j * VAE_PANEL + col, VAE_PANEL);
        }
    }
    transpose_matrix(block->n, rows, turned, VAE_PANEL, c, block->ldc);
}

void tile_back_block(const struct vae_back_block *block)
{
    float rest[VAE_PANEL * VAE_PANEL];
    for (size_t j = 0; j < block->n; j++)
        for (size_t p = 0; p < block->k % VAE_PANEL; p++)
            rest[j * VAE_PANEL + p] = block->rest[j * block->ldrest + p];
    for (size_t first = 0; first < block->m; first += VAE_PANEL)
        back_panel(block, first, block->m - first < VAE_PANEL ? block->m - first : VAE_PANEL, rest);
    /* Only now: a load of a whole line that has just been stored in parts waits until they are in the cache.
     */
    epilogue_rows(&block->epilogue, 0, block->m, 0, block->n, block->c, block->ldc);
}

/* One row of A times several whole panels of B at once: as many chains as the units' latency asks for. */
#if VEC_LANES == 16
#define ROW_PANELS 4
#else
#define ROW_PANELS 2
#endif
#define PANEL_VECS (VAE_PANEL / VEC_LANES)

/* clang-format off */
static void row_tile(size_t k, const float *a, const float *b, size_t step, float *c)
{
    vec acc[ROW_PANELS][PANEL_VECS];
    VAE_UNROLL for (size_t i = 0; i < ROW_PANELS; i++)
        VAE_UNROLL for (size_t j = 0; j < PANEL_VECS; j++)
            acc[i][j] = vec_all(0);
    for (size_t p = 0; p < k; p++, b += VAE_PANEL) {
        vec x = vec_all(a[p]);
        VAE_UNROLL for (size_t i = 0; i < ROW_PANELS; i++)
            VAE_UNROLL for (size_t j = 0; j < PANEL_VECS; j++)
                acc[i][j] = vec_fma(x, vec_load(b + i * step + j * VEC_LANES), acc[i][j]);
    }
    VAE_UNROLL for (size_t i = 0; i < ROW_PANELS; i++)
        VAE_UNROLL for (size_t j = 0; j < PANEL_VECS; j++)
            vec_store(c + i * VAE_PANEL + j * VEC_LANES, acc[i][j]);
}
/* clang-format on */

size_t tile_row(const struct vae_block *block, size_t panels, size_t step, int descending)
{
    size_t groups = panels / ROW_PANELS;
    for (size_t i = 0; i < groups; i++) {
        size_t first = (descending ? groups - 1 - i : i) * ROW_PANELS;
        float *c = block->c + first * VAE_PANEL;
        row_tile(block->k, block->a, block->b + first * step, step, c);
        epilogue_rows(&block->epilogue, 0, 1, first * VAE_PANEL, ROW_PANELS * VAE_PANEL, c, block->ldc);
    }
    return groups * ROW_PANELS;
}
