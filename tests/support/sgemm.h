/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: cblas_sgemm() by the book, row-major, with its enumerations as integers.
 */
#ifndef VAE_TESTS_SGEMM_H
#define VAE_TESTS_SGEMM_H

enum { SGEMM_ROW_MAJOR = 101, SGEMM_PLAIN = 111, SGEMM_TRANSPOSED = 112 };

/* As vae_runtime.sgemm. */
typedef void sgemm_function(int order, int transa, int transb, int m, int n, int k, float alpha,
    const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

static inline float sgemm_element(const float *a, int lda, int trans, int i, int j)
{
    return trans == SGEMM_PLAIN ? a[i * lda + j] : a[j * lda + i];
}

/* Sums in float64. With beta = 0 what was in c does not matter, be it NaN. */
static inline void sgemm_by_the_book(int order, int transa, int transb, int m, int n, int k, float alpha,
    const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    (void)order;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0, kept = beta == 0 ? 0 : (double)(beta * c[i * ldc + j]);
            for (int l = 0; l < k; l++)
                sum +=
                    (double)sgemm_element(a, lda, transa, i, l) * (double)sgemm_element(b, ldb, transb, l, j);
            c[i * ldc + j] = (float)((double)alpha * sum + kept);
        }
}

/* Arguments that cblas_sgemm() takes: a stride holds a row, also one that is not read. */
static inline int sgemm_takes(
    int order, int transa, int transb, int m, int n, int k, int lda, int ldb, int ldc)
{
    int known = order == SGEMM_ROW_MAJOR && (transa == SGEMM_PLAIN || transa == SGEMM_TRANSPOSED) &&
                (transb == SGEMM_PLAIN || transb == SGEMM_TRANSPOSED);
    return known && m >= 1 && n >= 1 && k >= 1 && lda >= (transa == SGEMM_PLAIN ? k : m) &&
           ldb >= (transb == SGEMM_PLAIN ? n : k) && ldc >= n;
}

#endif
