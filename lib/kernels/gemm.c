/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The native matrix product: a tile of C held in registers, A broadcast, B in rows of one panel.
 *
 * Each output is one fma chain in order of k, so that its bits depend on no tile shape, thread count or
 * instruction set. K is not split: at 14 x 32 a tile asks for 2.9 cache lines per 28 fma, which the
 * second-level cache gives.
 */
#include "train.h"
#include "vec.h"

#define UNROLL _Pragma("GCC unroll 16")

/* A macro, and not an inline function, because clang unrolls a loop early enough to keep acc in registers
 * only where its bounds are literally constant. CONTIGUOUS: A's rows are; else its columns. */
#define TILE(ROWS, VECS, CONTIGUOUS)                                                                         \
    static void tile_##ROWS##_##VECS##_##CONTIGUOUS(size_t k, const float *a, size_t lda, const float *b,    \
        size_t ldb, float *c, size_t ldc, uintptr_t ahead)                                                   \
    {                                                                                                        \
        vec acc[ROWS][VECS];                                                                                 \
        UNROLL for (size_t i = 0; i < ROWS; i++) UNROLL for (size_t j = 0; j < VECS; j++) acc[i][j] =        \
            vec_all(0);                                                                                      \
        for (size_t p = 0; p < k; p++, a += (CONTIGUOUS) ? 1 : lda, b += ldb, ahead += 64) {                 \
            if (!(CONTIGUOUS))                                                                               \
                __builtin_prefetch((const void *)ahead, 1, 2);                                               \
            vec row[VECS];                                                                                   \
            UNROLL for (size_t j = 0; j < VECS; j++) row[j] = vec_load(b + j * VEC_LANES);                   \
            UNROLL for (size_t i = 0; i < ROWS; i++)                                                         \
            {                                                                                                \
                vec x = vec_all(a[i * ((CONTIGUOUS) ? lda : 1)]);                                            \
                UNROLL for (size_t j = 0; j < VECS; j++) acc[i][j] = vec_fma(x, row[j], acc[i][j]);          \
            }                                                                                                \
        }                                                                                                    \
        UNROLL for (size_t i = 0; i < ROWS; i++) UNROLL for (size_t j = 0; j < VECS; j++)                    \
            vec_store(c + i * ldc + j * VEC_LANES, acc[i][j]);                                               \
    }
#define ENTRY(ROWS, VECS)                                                                                    \
    {                                                                                                        \
        tile_##ROWS##_##VECS##_0, tile_##ROWS##_##VECS##_1                                                   \
    }
#if TILE_VECS == 2
#define WIDTHS 2
#define TILES(ROWS) TILE(ROWS, 1, 0) TILE(ROWS, 1, 1) TILE(ROWS, 2, 0) TILE(ROWS, 2, 1)
#define ENTRIES(ROWS) {ENTRY(ROWS, 1), ENTRY(ROWS, 2)},
#else
#define WIDTHS 3
#define TILES(ROWS)                                                                                          \
    TILE(ROWS, 1, 0) TILE(ROWS, 1, 1) TILE(ROWS, 2, 0) TILE(ROWS, 2, 1) TILE(ROWS, 4, 0) TILE(ROWS, 4, 1)
#define ENTRIES(ROWS) {ENTRY(ROWS, 1), ENTRY(ROWS, 2), ENTRY(ROWS, 4)},
#endif
#if TILE_ROWS == 14
#define ALL_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif TILE_ROWS == 6
#define ALL_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#else
#define ALL_ROWS(X) X(1) X(2)
#endif

typedef void tile_function(
    size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc, uintptr_t ahead);

ALL_ROWS(TILES)

/* [rows - 1][log2 vecs][A's rows are contiguous] */
static tile_function *const tiles[TILE_ROWS][WIDTHS][2] = {ALL_ROWS(ENTRIES)};

/* Rows of the next tile when `left` remain: whole tiles while two or more fit, then two nearly equal ones, so
 * that no tile is so low that the loads of B outweigh its arithmetic. */
static size_t next_rows(size_t left)
{
    if (left >= 2 * TILE_ROWS || left == TILE_ROWS)
        return TILE_ROWS;
    return left > TILE_ROWS ? (left + 1) / 2 : left;
}

/* Vectors of the next tile when `left` columns remain, as a power of two. */
static unsigned next_vecs_log2(size_t left)
{
    unsigned log2 = 0;
    while (((size_t)VEC_LANES << log2) < left && (1u << log2) < TILE_VECS)
        log2++;
    return log2;
}

/* What a tile fetches while it computes: a line at each step of k, so that memory and arithmetic overlap. */
struct ahead {
    const struct vae_block *block;
    unsigned stream;
    size_t lines; /* of the stream, given out so far */
};

static uintptr_t next_ahead(struct ahead *ahead)
{
    const struct vae_block *block = ahead->block;
    if (ahead->stream == 3 || !block->ahead[ahead->stream])
        return (uintptr_t)block->a; /* which is there already */
    uintptr_t from = (uintptr_t)(block->ahead[ahead->stream] + ahead->lines * 16);
    ahead->lines += block->k;
    if (ahead->lines * 16 >= block->m * block->ldc) {
        ahead->stream++;
        ahead->lines = 0;
    }
    return from;
}

/* One column of tiles, at most TILE_COLS wide. */
static void column(const struct vae_block *block, size_t first, size_t cols, unsigned vecs_log2)
{
    int contiguous = block->a_col == 1;
    size_t lda = contiguous ? block->a_row : block->a_col, width = (size_t)VEC_LANES << vecs_log2;
    float partial[TILE_ROWS * TILE_COLS];
    struct ahead ahead = {block, first == 0 ? 0 : 3, 0};
    for (size_t i = 0, rows; i < block->m; i += rows) {
        rows = next_rows(block->m - i);
        float *c = block->c + i * block->ldc + first;
        tile_function *run = tiles[rows - 1][vecs_log2][contiguous];
        if (cols == width) {
            run(block->k, block->a + i * block->a_row, lda, block->b + first, block->ldb, c, block->ldc,
                next_ahead(&ahead));
        } else {
            run(block->k, block->a + i * block->a_row, lda, block->b + first, block->ldb, partial, width,
                next_ahead(&ahead));
            for (size_t r = 0; r < rows; r++)
                for (size_t j = 0; j < cols; j++)
                    c[r * block->ldc + j] = partial[r * width + j];
        }
        K(epilogue_rows)(&block->epilogue, i, rows, first, cols, c, block->ldc);
    }
}

/* One row of A times several whole panels of B at once: as many chains as the units' latency asks for. */
#if VEC_LANES == 16
#define ROW_PANELS 4
#else
#define ROW_PANELS 2
#endif
#define PANEL_VECS (VAE_PANEL / VEC_LANES)

static void row_tile(size_t k, const float *a, const float *b, size_t step, float *c)
{
    vec acc[ROW_PANELS][PANEL_VECS];
    UNROLL for (size_t i = 0; i < ROW_PANELS; i++)
        UNROLL for (size_t j = 0; j < PANEL_VECS; j++)
            acc[i][j] = vec_all(0);
    for (size_t p = 0; p < k; p++, b += VAE_PANEL) {
        vec x = vec_all(a[p]);
        UNROLL for (size_t i = 0; i < ROW_PANELS; i++)
            UNROLL for (size_t j = 0; j < PANEL_VECS; j++)
                acc[i][j] = vec_fma(x, vec_load(b + i * step + j * VEC_LANES), acc[i][j]);
    }
    UNROLL for (size_t i = 0; i < ROW_PANELS; i++)
        UNROLL for (size_t j = 0; j < PANEL_VECS; j++)
            vec_store(c + i * VAE_PANEL + j * VEC_LANES, acc[i][j]);
}

size_t K(gemm_row)(const struct vae_block *block, size_t panels, size_t step)
{
    size_t done = 0;
    for (; done + ROW_PANELS <= panels; done += ROW_PANELS) {
        float *c = block->c + done * VAE_PANEL;
        row_tile(block->k, block->a, block->b + done * step, step, c);
        K(epilogue_rows)(&block->epilogue, 0, 1, done * VAE_PANEL, ROW_PANELS * VAE_PANEL, c, block->ldc);
    }
    return done;
}

void K(gemm_block)(const struct vae_block *block)
{
    for (size_t first = 0; first < block->n;) {
        unsigned vecs_log2 = next_vecs_log2(block->n - first);
        size_t width = (size_t)VEC_LANES << vecs_log2;
        size_t cols = block->n - first < width ? block->n - first : width;
        column(block, first, cols, vecs_log2);
        first += cols;
    }
}
