/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. The same products by another library, loaded by name: a CBLAS or oneDNN, called as a framework
 * calls it, on plain row-major arrays. usage: bench_gemm_blas LIBRARY
 */
#include "products.h"

#include <dlfcn.h>
#include <stdio.h>

/* The CBLAS interface's own numbers. */
enum { ROW_MAJOR = 101, AS_IS = 111, TRANSPOSED = 112 };
typedef void cblas_gemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void cblas_gemv(int order, int trans, int m, int n, float alpha, const float *a, int lda,
    const float *x, int incx, float beta, float *y, int incy);
/* oneDNN's is row-major, its sizes are 64 bits wide. */
typedef int dnnl_gemm(char trans_a, char trans_b, int64_t m, int64_t n, int64_t k, float alpha,
    const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

static cblas_gemm *sgemm;
static cblas_gemv *sgemv;
static dnnl_gemm *onednn;

struct operands {
    int trans_a, trans_b;
    size_t m, n, k, lda, ldb, ldc;
    const float *a, *b;
    float *c;
};

static struct operands operands_of(const struct layer *l, enum form form)
{
    if (form == FORM_FORWARD)
        return (struct operands){0, 0, l->rows, l->out, l->in, l->ldx, l->out, l->ldy, l->x, l->w, l->y};
    if (form == FORM_INPUT_GRADIENT)
        return (struct operands){0, 1, l->rows, l->in, l->out, l->ldy, l->out, l->ldx, l->g, l->w, l->dx};
    return (struct operands){1, 0, l->in, l->out, l->rows, l->ldx, l->ldy, l->out, l->x, l->g, l->dw};
}

static void multiply_cblas(const struct layer *layer, enum form form)
{
    struct operands o = operands_of(layer, form);
    sgemm(ROW_MAJOR, o.trans_a ? TRANSPOSED : AS_IS, o.trans_b ? TRANSPOSED : AS_IS, (int)o.m, (int)o.n,
        (int)o.k, 1, o.a, (int)o.lda, o.b, (int)o.ldb, 0, o.c, (int)o.ldc);
}

static void multiply_onednn(const struct layer *layer, enum form form)
{
    struct operands o = operands_of(layer, form);
    onednn(o.trans_a ? 'T' : 'N', o.trans_b ? 'T' : 'N', (int64_t)o.m, (int64_t)o.n, (int64_t)o.k, 1, o.a,
        (int64_t)o.lda, o.b, (int64_t)o.ldb, 0, o.c, (int64_t)o.ldc);
}

/* A vector by a matrix, with the weights lying one way and the other. */
static void apply_columns(const struct layer *l, enum form form)
{
    (void)form;
    sgemv(ROW_MAJOR, TRANSPOSED, (int)l->in, (int)l->out, 1, l->w, (int)l->out, l->x, 1, 0, l->y, 1);
}

static void apply_rows(const struct layer *l, enum form form)
{
    (void)form;
    sgemv(ROW_MAJOR, AS_IS, (int)l->out, (int)l->in, 1, l->wt, (int)l->in, l->x, 1, 0, l->y, 1);
}

static void apply_columns_onednn(const struct layer *l, enum form form)
{
    multiply_onednn(l, form);
}

static void apply_rows_onednn(const struct layer *l, enum form form)
{
    (void)form;
    onednn('N', 'T', 1, (int64_t)l->out, (int64_t)l->in, 1, l->x, (int64_t)l->in, l->wt, (int64_t)l->in, 0,
        l->y, (int64_t)l->out);
}

static size_t no_padding(size_t cols)
{
    return cols;
}

/* A function of the library, or NULL; the copy is how C lets an object pointer become a function's. */
static void find(void *library, const char *name, void *function)
{
    *(void **)function = dlsym(library, name);
}

/* Which kernels it chose, where it says so. */
static void introduce(void *library)
{
    char *(*corename)(void), *(*config)(void);
    const char *(*arch_name)(int), *(*version)(void);
    int (*arch)(void);
    void (*bli_init)(void);
    find(library, "openblas_get_corename", &corename);
    find(library, "openblas_get_config", &config);
    find(library, "bli_init", &bli_init);
    find(library, "bli_arch_query_id", &arch);
    find(library, "bli_arch_string", &arch_name);
    find(library, "bli_info_get_version_str", &version);
    const int *(*dnnl_version)(void);
    find(library, "dnnl_version", &dnnl_version);
    if (corename && config)
        bench_about("%s core=%s", config(), corename());
    if (bli_init && arch && arch_name && version) {
        bli_init();
        bench_about("BLIS %s core=%s", version(), arch_name(arch()));
    }
    if (onednn && dnnl_version)
        bench_about("oneDNN %d.%d.%d", dnnl_version()[0], dnnl_version()[1], dnnl_version()[2]);
}

int main(int argc, char **argv)
{
    bench_need(argc == 2, "usage: bench_gemm_blas LIBRARY");
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return bench_skip("%s: not installed", argv[1]);
    find(library, "cblas_sgemm", &sgemm);
    find(library, "cblas_sgemv", &sgemv);
    find(library, "dnnl_sgemm", &onednn);
    if (!onednn && (!sgemm || !sgemv))
        return bench_skip("%s: neither a CBLAS nor oneDNN", argv[1]);
    introduce(library);
    size_t count;
    struct bench_case *cases = products_cases(onednn ? multiply_onednn : multiply_cblas, no_padding, &count);
    products_add_score(
        cases, &count, "score/columns", onednn ? apply_columns_onednn : apply_columns, no_padding);
    products_add_score(cases, &count, "score/rows", onednn ? apply_rows_onednn : apply_rows, no_padding);
    return bench_serve(cases, count);
}
