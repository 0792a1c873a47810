/* SPDX-License-Identifier: BSD-2-Clause
 * Matrix products behind one function: by the native kernel, or by the program's own CBLAS.
 */
#include "product.h"

#include <string.h>

size_t vae_gemm_panel(vae_sgemm *sgemm)
{
    return sgemm ? SIZE_MAX : VAE_PANEL;
}

struct vae_panels vae_panels_rows(float *data, size_t cols, size_t ld)
{
    return (struct vae_panels){data, cols, VAE_PANEL, VAE_PANEL, ld, ld};
}

struct vae_panels vae_panels_packed(float *data, size_t rows, size_t cols, size_t width)
{
    if (width > cols)
        width = cols;
    size_t tail = cols % width;
    return (struct vae_panels){data, cols, width, rows * width, width, tail ? tail : width};
}

size_t vae_panels_count(const struct vae_panels *panels)
{
    return (panels->cols + panels->width - 1) / panels->width;
}

struct vae_panel_shape vae_panels_shape(const struct vae_panels *panels, size_t panel)
{
    size_t left = panels->cols - panel * panels->width;
    size_t cols = left < panels->width ? left : panels->width;
    return (struct vae_panel_shape){cols, cols < panels->width ? panels->tail_ld : panels->ld};
}

struct vae_panels vae_panels_one(const struct vae_panels *panels, size_t panel, size_t row)
{
    struct vae_panel_shape shape = vae_panels_shape(panels, panel);
    return (struct vae_panels){panels->data + panel * panels->step + row * shape.ld, shape.cols, shape.cols,
        shape.cols, shape.ld, shape.ld};
}

static struct vae_epilogue shifted(struct vae_epilogue epilogue, size_t cols)
{
    if (epilogue.bias)
        epilogue.bias += cols;
    if (epilogue.pre)
        epilogue.pre += cols;
    if (epilogue.y)
        epilogue.y += cols;
    if (epilogue.other)
        epilogue.other += cols;
    if (epilogue.kept)
        epilogue.kept += cols;
    return epilogue;
}

uint64_t vae_gemm_packed(size_t m, size_t k)
{
    return (uint64_t)((m + VAE_PANEL - 1) / VAE_PANEL * VAE_PANEL) * k;
}

/* A single row is bound by the loads of B: whole panels side by side. Returns how many panels are done. */
static size_t run_row(const struct vae_gemm *gemm, const struct vae_product *p, struct vae_block block)
{
    if (p->b.ld != VAE_PANEL || p->c.step != VAE_PANEL)
        return 0;
    block.b = p->b.data;
    block.c = p->c.data;
    block.epilogue = p->epilogue;
    return gemm->kernels->gemm_row(&block, p->c.cols / VAE_PANEL, p->b.step, p->descending);
}

/* Prefetched after panel i: what the product names, else the next panel of weights. */
static struct vae_ahead ahead_of(const struct vae_product *p, size_t i)
{
    struct vae_ahead ahead = p->ahead;
    if (!ahead.from[0] && p->b.ld == VAE_PANEL && i + 1 < vae_panels_count(&p->c)) {
        struct vae_panels next = vae_panels_one(&p->b, i + 1, 0);
        ahead = (struct vae_ahead){{next.data}, p->k * next.ld, 0};
    }
    return ahead;
}

static void run_native(const struct vae_gemm *gemm, const struct vae_product *p)
{
    struct vae_block block = {.m = p->m, .k = p->k, .a = p->a, .a_step = p->a_col};
    size_t first = 0;
    if (p->a_col == 1 && p->m == 1) {
        first = run_row(gemm, p, block);
    } else if (p->a_col == 1) {
        gemm->kernels->gemm_pack(p->m, p->k, p->a, p->a_row, p->packed);
        block.a = p->packed;
        block.a_step = 0;
    }
    for (size_t i = first; i < vae_panels_count(&p->c); i++) {
        struct vae_panels b = vae_panels_one(&p->b, i, 0), c = vae_panels_one(&p->c, i, 0);
        block.n = c.cols;
        block.b = b.data;
        block.ldb = b.ld;
        block.c = c.data;
        block.ldc = c.ld;
        block.epilogue = shifted(p->epilogue, i * p->c.width);
        block.ahead = ahead_of(p, i);
        gemm->kernels->gemm_block(&block);
    }
}

/* A's rows side by side, a panel at a time; zeros behind the last one. */
static void pack_back(const struct vae_gemm *gemm, const struct vae_product *p)
{
    for (size_t i = 0; i < p->m; i += VAE_PANEL) {
        size_t rows = p->m - i < VAE_PANEL ? p->m - i : VAE_PANEL;
        float *to = p->packed + i * p->k;
        if (rows < VAE_PANEL)
            memset(to, 0, VAE_PANEL * p->k * sizeof *to);
        gemm->kernels->transpose(rows, p->k, p->a + i * p->a_row, p->a_row, to, VAE_PANEL);
    }
}

static void run_back(const struct vae_gemm *gemm, const struct vae_product *p)
{
    struct vae_back_block block = {
        .m = p->m, .k = p->k, .a = p->packed, .b_step = p->b.step, .ldrest = p->b.tail_ld, .ldc = p->c.ld};
    size_t whole = p->k / VAE_PANEL;
    pack_back(gemm, p);
    for (size_t i = 0; i < vae_panels_count(&p->c); i++) {
        struct vae_panels c = vae_panels_one(&p->c, i, 0);
        block.n = c.cols;
        block.b = p->b.data + i * VAE_PANEL * VAE_PANEL;
        block.rest = p->b.data + whole * p->b.step + i * VAE_PANEL * p->b.tail_ld;
        block.c = c.data;
        block.epilogue = shifted(p->epilogue, i * VAE_PANEL);
        gemm->kernels->gemm_back_block(&block);
    }
}

/* cblas.h's values. */
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

/* A sum over no rows is 0; a BLAS need not be asked. */
static void clear(const struct vae_product *p)
{
    for (size_t i = 0; i < p->m; i++)
        memset(p->c.data + i * p->c.ld, 0, p->c.cols * sizeof *p->c.data);
}

static void run_sgemm(const struct vae_gemm *gemm, const struct vae_product *p)
{
    int transposed = p->a_col != 1;
    if (p->k == 0) {
        clear(p);
        return;
    }
    /* The stride of a single row does not matter, except to a BLAS, which requires lda >= k. */
    size_t lda = transposed ? p->a_col : p->m == 1 ? p->k : p->a_row;
    gemm->sgemm(ROW_MAJOR, transposed ? TRANS : NO_TRANS, p->back ? TRANS : NO_TRANS, (int)p->m,
        (int)p->c.cols, (int)p->k, 1.0f, p->a, (int)lda, p->b.data, (int)p->b.ld, 0.0f, p->c.data,
        (int)p->c.ld);
    gemm->kernels->epilogue(&p->epilogue, p->m, p->c.cols, p->c.data, p->c.ld);
}

void vae_gemm_run(const struct vae_gemm *gemm, const struct vae_product *product)
{
    if (gemm->sgemm)
        run_sgemm(gemm, product);
    else if (product->back)
        run_back(gemm, product);
    else
        run_native(gemm, product);
}
