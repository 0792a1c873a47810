/* SPDX-License-Identifier: BSD-2-Clause
 * Matrix products behind one function: by the native kernel, or by the program's own CBLAS.
 */
#ifndef VAE_LIB_KERNELS_PRODUCT_H
#define VAE_LIB_KERNELS_PRODUCT_H

#include "table.h"

/* cblas_sgemm() with its enumerations as the integers that they are. */
typedef void vae_sgemm(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc);

struct vae_gemm {
    const struct vae_train_kernels *kernels;
    vae_sgemm *sgemm; /* NULL: the native product */
};

/* A matrix whose columns lie in panels: element (r, c) of panel p = c / width is data[p * step + r * ld + c %
 * width]; the last panel, where it is narrower, has a row stride of its own. Row-major is the special case
 * step = width. */
struct vae_panels {
    float *data;
    size_t cols, width, step, ld, tail_ld;
};

/* C[m][n] = A[m][k] B[k][n]; A's element (i, p) is a[i * a_row + p * a_col], one of the strides being 1; the
 * native provider packs an A by rows (a_col 1) into `packed`, vae_gemm_packed(m, k) floats. Or, with
 * back set, C = A B' of a B[n][k] packed for the forward product, and A by rows. The epilogue's pointers
 * belong to column 0. */
struct vae_product {
    size_t m, k;
    const float *a;
    size_t a_row, a_col;
    struct vae_panels b, c;
    int back;
    int descending; /* a single row meets B's panels from the last one on */
    struct vae_epilogue epilogue;
    float *packed;
    struct vae_ahead ahead; /* for a C of one panel; else B's next panel is fetched */
};

/* The width of the panels in which a product by `sgemm` (NULL: the native one) takes its weights; SIZE_MAX:
 * plain row-major. */
size_t vae_gemm_panel(vae_sgemm *sgemm);
/* Row-major data, seen in panels. */
struct vae_panels vae_panels_rows(float *data, size_t cols, size_t ld);
/* rows x cols elements without a gap, panel after panel. */
struct vae_panels vae_panels_packed(float *data, size_t rows, size_t cols, size_t width);
size_t vae_panels_count(const struct vae_panels *panels);
/* The columns and the row stride of one panel. */
struct vae_panel_shape {
    size_t cols, ld;
};
struct vae_panel_shape vae_panels_shape(const struct vae_panels *panels, size_t panel);
/* One panel as a matrix of its own, from row `row` on. */
struct vae_panels vae_panels_one(const struct vae_panels *panels, size_t panel, size_t row);

/* Floats of `packed` for any product of m x k or less. */
uint64_t vae_gemm_packed(size_t m, size_t k);
void vae_gemm_run(const struct vae_gemm *gemm, const struct vae_product *product);

#endif
