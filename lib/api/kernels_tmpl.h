/* SPDX-License-Identifier: BSD-2-Clause
 * The entry points of section 2 in one precision. api_kernels.c includes this twice, with REAL, API,
 * API_NAME, KERNELS and RNG set. A call without gradients is the call with them, none wanted.
 */

#define MATRIX(name)                                                                                         \
    {                                                                                                        \
#name, name, ld##name, 0, NULL                                                                       \
    }
#define WANTED(name)                                                                                         \
    {                                                                                                        \
#name, name, ld##name, 1, NULL                                                                       \
    }
#define CHECK(n, d, ...)                                                                                     \
    vae_check_matrices(function, n, d, sizeof(REAL), (const struct vae_matrix_arg[]){__VA_ARGS__},           \
        sizeof((const struct vae_matrix_arg[]){__VA_ARGS__}) / sizeof(struct vae_matrix_arg))
#define ROW(matrix) ((matrix) ? (matrix) + row * ld##matrix : NULL)
#define KERNEL(member) vae_kernels_get()->KERNELS->member

/* Rows are handed on in pieces, whose sums stand here until they are rounded. */
#ifndef PIECE
#define PIECE 256
#define PIECES(n)                                                                                            \
    size_t row = 0, rows;                                                                                    \
    row < (n) && (rows = (n)-row < PIECE ? (n)-row : PIECE);                                                 \
    row += rows
#endif

static void API(store)(REAL *to, const double *sum, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (REAL)sum[i];
}

/* value_name is NULL where the value may be, too. */
static int API(check_vectors)(
    const char *function, const char *value_name, size_t n, const REAL *w, const REAL *value)
{
    int status = vae_check_vector(function, "w", w, n, sizeof *w, 1);
    if (status)
        return status;
    return vae_check_vector(
        function, value_name ? value_name : "value", value, n, sizeof *value, !value_name);
}

static int API(kl_diag)(const char *function, const char *value_name, size_t n, size_t d, const REAL *mu,
    size_t ldmu, const REAL *logvar, size_t ldlogvar, const REAL *w, REAL *value, REAL *gmu, size_t ldgmu,
    REAL *glogvar, size_t ldglogvar)
{
    if (n == 0)
        return VAE_OK;
    int status = CHECK(n, d, MATRIX(mu), MATRIX(logvar), WANTED(gmu), WANTED(glogvar));
    if (status || (status = API(check_vectors)(function, value_name, n, w, value)))
        return status;
    for (PIECES(n)) {
        double sum[PIECE];
        KERNEL(kl_diag)
        (rows, d, ROW(mu), ldmu, ROW(logvar), ldlogvar, w ? w + row : NULL, value ? sum : NULL, ROW(gmu),
            ldgmu, ROW(glogvar), ldglogvar);
        if (value)
            API(store)(value + row, sum, rows);
    }
    return VAE_OK;
}

int API(vae_kl_diag_gauss)(
    size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar, size_t ldlogvar, REAL *kl)
{
    return API(kl_diag)(
        API_NAME(vae_kl_diag_gauss), "kl", n, d, mu, ldmu, logvar, ldlogvar, NULL, kl, NULL, 0, NULL, 0);
}

int API(vae_kl_diag_gauss_grad)(size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar,
    size_t ldlogvar, const REAL *w, REAL *value, REAL *gmu, size_t ldgmu, REAL *glogvar, size_t ldglogvar)
{
    return API(kl_diag)(API_NAME(vae_kl_diag_gauss_grad), NULL, n, d, mu, ldmu, logvar, ldlogvar, w, value,
        gmu, ldgmu, glogvar, ldglogvar);
}

static int API(kl_pair)(const char *function, const char *value_name, size_t n, size_t d, const REAL *mu_q,
    size_t ldmu_q, const REAL *logvar_q, size_t ldlogvar_q, const REAL *mu_p, size_t ldmu_p,
    const REAL *logvar_p, size_t ldlogvar_p, const REAL *w, REAL *value, REAL *gmu_q, size_t ldgmu_q,
    REAL *glogvar_q, size_t ldglogvar_q, REAL *gmu_p, size_t ldgmu_p, REAL *glogvar_p, size_t ldglogvar_p)
{
    if (n == 0)
        return VAE_OK;
    int status = CHECK(n, d, MATRIX(mu_q), MATRIX(logvar_q), MATRIX(mu_p), MATRIX(logvar_p), WANTED(gmu_q),
        WANTED(glogvar_q), WANTED(gmu_p), WANTED(glogvar_p));
    if (status || (status = API(check_vectors)(function, value_name, n, w, value)))
        return status;
    for (PIECES(n)) {
        double sum[PIECE];
        KERNEL(kl_pair)
        (rows, d, ROW(mu_q), ldmu_q, ROW(logvar_q), ldlogvar_q, ROW(mu_p), ldmu_p, ROW(logvar_p), ldlogvar_p,
            w ? w + row : NULL, value ? sum : NULL, ROW(gmu_q), ldgmu_q, ROW(glogvar_q), ldglogvar_q,
            ROW(gmu_p), ldgmu_p, ROW(glogvar_p), ldglogvar_p);
        if (value)
            API(store)(value + row, sum, rows);
    }
    return VAE_OK;
}

int API(vae_kl_diag_gauss_pair)(size_t n, size_t d, const REAL *mu_q, size_t ldmu_q, const REAL *logvar_q,
    size_t ldlogvar_q, const REAL *mu_p, size_t ldmu_p, const REAL *logvar_p, size_t ldlogvar_p, REAL *kl)
{
    return API(kl_pair)(API_NAME(vae_kl_diag_gauss_pair), "kl", n, d, mu_q, ldmu_q, logvar_q, ldlogvar_q,
        mu_p, ldmu_p, logvar_p, ldlogvar_p, NULL, kl, NULL, 0, NULL, 0, NULL, 0, NULL, 0);
}

int API(vae_kl_diag_gauss_pair_grad)(size_t n, size_t d, const REAL *mu_q, size_t ldmu_q,
    const REAL *logvar_q, size_t ldlogvar_q, const REAL *mu_p, size_t ldmu_p, const REAL *logvar_p,
    size_t ldlogvar_p, const REAL *w, REAL *value, REAL *gmu_q, size_t ldgmu_q, REAL *glogvar_q,
    size_t ldglogvar_q, REAL *gmu_p, size_t ldgmu_p, REAL *glogvar_p, size_t ldglogvar_p)
{
    return API(kl_pair)(API_NAME(vae_kl_diag_gauss_pair_grad), NULL, n, d, mu_q, ldmu_q, logvar_q, ldlogvar_q,
        mu_p, ldmu_p, logvar_p, ldlogvar_p, w, value, gmu_q, ldgmu_q, glogvar_q, ldglogvar_q, gmu_p, ldgmu_p,
        glogvar_p, ldglogvar_p);
}

/* The vectors and factors of one kl_gauss call: there, of strides that fit, with diagonals > 0 (or NaN, which
 * passes through). Vectors are rows of one matrix each. */
static int API(check_factors)(const char *function, size_t d, const REAL *mu_q, const REAL *chol_q,
    size_t ldq, const REAL *mu_p, const REAL *chol_p, size_t ldp)
{
    int status = CHECK(1, d, {"mu_q", mu_q, d, 0, NULL}, {"mu_p", mu_p, d, 0, NULL});
    if (status ||
        (status = CHECK(d, d, {"chol_q", chol_q, ldq, 0, "ldq"}, {"chol_p", chol_p, ldp, 0, "ldp"})))
        return status;
    for (size_t i = 0; i < d; i++) {
        if (chol_q[i * ldq + i] <= 0)
            return vae_fail(VAE_ERR_ARG, "%s: chol_q[%zu][%zu] is %g, must be above 0", function, i, i,
                (double)chol_q[i * ldq + i]);
        if (chol_p[i * ldp + i] <= 0)
            return vae_fail(VAE_ERR_ARG, "%s: chol_p[%zu][%zu] is %g, must be above 0", function, i, i,
                (double)chol_p[i * ldp + i]);
    }
    return VAE_OK;
}

int API(vae_kl_gauss)(size_t d, const REAL *mu_q, const REAL *chol_q, size_t ldq, const REAL *mu_p,
    const REAL *chol_p, size_t ldp, void *work, size_t work_size, REAL *kl)
{
    const char *function = API_NAME(vae_kl_gauss);
    double sum;
    int status = vae_check_vector(function, "kl", kl, 1, sizeof *kl, 0);
    if (status || (status = API(check_factors)(function, d, mu_q, chol_q, ldq, mu_p, chol_p, ldp)) ||
        (status = vae_check_work(function, d, work, work_size)))
        return status;
    KERNEL(kl_full)(d, mu_q, chol_q, ldq, mu_p, chol_p, ldp, work, 1, &sum, NULL, NULL, 0, NULL, NULL, 0);
    API(store)(kl, &sum, 1);
    return VAE_OK;
}

int API(vae_kl_gauss_grad)(size_t d, const REAL *mu_q, const REAL *chol_q, size_t ldq, const REAL *mu_p,
    const REAL *chol_p, size_t ldp, void *work, size_t work_size, REAL w, REAL *value, REAL *gmu_q,
    REAL *gchol_q, size_t ldgq, REAL *gmu_p, REAL *gchol_p, size_t ldgp)
{
    const char *function = API_NAME(vae_kl_gauss_grad);
    double sum;
    int status = CHECK(d, d, {"gchol_q", gchol_q, ldgq, 1, "ldgq"}, {"gchol_p", gchol_p, ldgp, 1, "ldgp"});
    if (status || (status = API(check_factors)(function, d, mu_q, chol_q, ldq, mu_p, chol_p, ldp)) ||
        (status = vae_check_work(function, d, work, work_size)))
        return status;
    KERNEL(kl_full)
    (d, mu_q, chol_q, ldq, mu_p, chol_p, ldp, work, w, value ? &sum : NULL, gmu_q, gchol_q, ldgq, gmu_p,
        gchol_p, ldgp);
    if (value)
        API(store)(value, &sum, 1);
    return VAE_OK;
}

int API(vae_reparam)(size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar, size_t ldlogvar,
    const REAL *eps, size_t ldeps, REAL *z, size_t ldz)
{
    const char *function = API_NAME(vae_reparam);
    if (n == 0)
        return VAE_OK;
    int status = CHECK(n, d, MATRIX(mu), MATRIX(logvar), MATRIX(eps), MATRIX(z));
    if (status == VAE_OK)
        KERNEL(reparam)(n, d, mu, ldmu, logvar, ldlogvar, eps, ldeps, z, ldz);
    return status;
}

int API(vae_reparam_grad)(size_t n, size_t d, const REAL *logvar, size_t ldlogvar, const REAL *eps,
    size_t ldeps, const REAL *gz, size_t ldgz, REAL *gmu, size_t ldgmu, REAL *glogvar, size_t ldglogvar)
{
    const char *function = API_NAME(vae_reparam_grad);
    if (n == 0)
        return VAE_OK;
    int status = CHECK(n, d, MATRIX(logvar), MATRIX(eps), MATRIX(gz), WANTED(gmu), WANTED(glogvar));
    if (status == VAE_OK)
        KERNEL(reparam_grad)(n, d, logvar, ldlogvar, eps, ldeps, gz, ldgz, gmu, ldgmu, glogvar, ldglogvar);
    return status;
}

int API(vae_normal)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, REAL *out)
{
    int status = vae_check_vector(API_NAME(vae_normal), "out", out, n, sizeof *out, 0);
    if (status == VAE_OK && n)
        vae_kernels_get()->rng->RNG(normal)(seed, stream, offset, n, out);
    return status;
}

int API(vae_bernoulli)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const REAL *p, REAL *x)
{
    int status = vae_check_vector(API_NAME(vae_bernoulli), "p", p, n, sizeof *p, 0);
    if (status || (status = vae_check_vector(API_NAME(vae_bernoulli), "x", x, n, sizeof *x, 0)))
        return status;
    if (n)
        vae_kernels_get()->rng->RNG(bernoulli)(seed, stream, offset, n, p, x);
    return VAE_OK;
}

#include "loglik_tmpl.h"

#undef MATRIX
#undef WANTED
#undef CHECK
#undef ROW
#undef KERNEL
#undef REAL
#undef API
#undef API_NAME
#undef KERNELS
#undef RNG
