/* SPDX-License-Identifier: BSD-2-Clause
 * Template: the entry points of section 2 in one precision, for kernels_f32.c and kernels_f64.c. They check
 * arguments and call the kernel table; a call without gradients is the call with them, all NULL. Parameters:
 *
 *   REAL         float or double
 *   API(name)    the public name: `name` for float, `name##_f64` for double
 *   EXACT        the member of struct vae_kernels: exact32 or exact64
 *   RNG(name)    the member of struct vae_rng_kernels: name##32 or name##64
 */
#include "check.h"

#include "kernels/table.h"

/* A matrix argument and its stride, which is called ld + its name; `OPTIONAL` may be NULL. */
#define MATRIX(matrix) matrix_arg(#matrix, matrix, ld##matrix, 0)
#define OPTIONAL(matrix) matrix_arg(#matrix, matrix, ld##matrix, 1)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct vae_matrix_arg matrix_arg(const char *name, const void *data, size_t ld, int optional)
{
    return (struct vae_matrix_arg){name, data, ld, optional, NULL};
}

static int check_matrices(
    const char *function, size_t n, size_t d, const struct vae_matrix_arg *matrices, size_t count)
{
    return vae_check_matrices(function, n, d, sizeof(REAL), matrices, count);
}

/* value_name is NULL where the value is optional, too. */
static int check_vectors(
    const char *function, const char *value_name, size_t n, const REAL *w, const REAL *value)
{
    int status = vae_check_vector(function, "w", w, n, sizeof *w, 1);
    if (status)
        return status;
    return vae_check_vector(
        function, value_name ? value_name : "value", value, n, sizeof *value, !value_name);
}

/* Rows are handed on in pieces, whose float64 sums are kept until they are rounded. */
#define PIECE 256

static size_t piece_of(size_t left)
{
    return left < PIECE ? left : PIECE;
}

/* Row `row` of a matrix, or of a vector with ld 1; NULL of NULL. */
static const REAL *from(const REAL *matrix, size_t row, size_t ld)
{
    return matrix ? matrix + row * ld : NULL;
}

static REAL *to(REAL *matrix, size_t row, size_t ld)
{
    return matrix ? matrix + row * ld : NULL;
}

/* Rounds the sums of a piece; a NULL value is skipped. */
static void store(REAL *value, size_t row, const double *sum, size_t rows)
{
    for (size_t i = 0; i < rows && value; i++)
        value[row + i] = (REAL)sum[i];
}

static int kl_diag(const char *function, const char *value_name, size_t n, size_t d, const REAL *mu,
    size_t ldmu, const REAL *logvar, size_t ldlogvar, const REAL *w, REAL *value, REAL *gmu, size_t ldgmu,
    REAL *glogvar, size_t ldglogvar)
{
    const struct vae_matrix_arg matrices[] = {MATRIX(mu), MATRIX(logvar), OPTIONAL(gmu), OPTIONAL(glogvar)};
    double sum[PIECE];
    if (n == 0)
        return VAE_OK;
    int status = check_matrices(function, n, d, matrices, COUNT(matrices));
    if (status || (status = check_vectors(function, value_name, n, w, value)))
        return status;
    for (size_t row = 0; row < n; row += PIECE) {
        size_t rows = piece_of(n - row);
        vae_kernels_get()->EXACT->kl_diag(rows, d, from(mu, row, ldmu), ldmu, from(logvar, row, ldlogvar),
            ldlogvar, from(w, row, 1), value ? sum : NULL, to(gmu, row, ldgmu), ldgmu,
            to(glogvar, row, ldglogvar), ldglogvar);
        store(value, row, sum, rows);
    }
    return VAE_OK;
}

int API(vae_kl_diag_gauss)(
    size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar, size_t ldlogvar, REAL *kl)
{
    return kl_diag(__func__, "kl", n, d, mu, ldmu, logvar, ldlogvar, NULL, kl, NULL, 0, NULL, 0);
}

int API(vae_kl_diag_gauss_grad)(size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar,
    size_t ldlogvar, const REAL *w, REAL *value, REAL *gmu, size_t ldgmu, REAL *glogvar, size_t ldglogvar)
{
    return kl_diag(
        __func__, NULL, n, d, mu, ldmu, logvar, ldlogvar, w, value, gmu, ldgmu, glogvar, ldglogvar);
}

static int kl_pair(const char *function, const char *value_name, size_t n, size_t d, const REAL *mu_q,
    size_t ldmu_q, const REAL *logvar_q, size_t ldlogvar_q, const REAL *mu_p, size_t ldmu_p,
    const REAL *logvar_p, size_t ldlogvar_p, const REAL *w, REAL *value, REAL *gmu_q, size_t ldgmu_q,
    REAL *glogvar_q, size_t ldglogvar_q, REAL *gmu_p, size_t ldgmu_p, REAL *glogvar_p, size_t ldglogvar_p)
{
    const struct vae_matrix_arg matrices[] = {MATRIX(mu_q), MATRIX(logvar_q), MATRIX(mu_p), MATRIX(logvar_p),
        OPTIONAL(gmu_q), OPTIONAL(glogvar_q), OPTIONAL(gmu_p), OPTIONAL(glogvar_p)};
    double sum[PIECE];
    if (n == 0)
        return VAE_OK;
    int status = check_matrices(function, n, d, matrices, COUNT(matrices));
    if (status || (status = check_vectors(function, value_name, n, w, value)))
        return status;
    for (size_t row = 0; row < n; row += PIECE) {
        size_t rows = piece_of(n - row);
        vae_kernels_get()->EXACT->kl_pair(rows, d, from(mu_q, row, ldmu_q), ldmu_q,
            from(logvar_q, row, ldlogvar_q), ldlogvar_q, from(mu_p, row, ldmu_p), ldmu_p,
            from(logvar_p, row, ldlogvar_p), ldlogvar_p, from(w, row, 1), value ? sum : NULL,
            to(gmu_q, row, ldgmu_q), ldgmu_q, to(glogvar_q, row, ldglogvar_q), ldglogvar_q,
            to(gmu_p, row, ldgmu_p), ldgmu_p, to(glogvar_p, row, ldglogvar_p), ldglogvar_p);
        store(value, row, sum, rows);
    }
    return VAE_OK;
}

int API(vae_kl_diag_gauss_pair)(size_t n, size_t d, const REAL *mu_q, size_t ldmu_q, const REAL *logvar_q,
    size_t ldlogvar_q, const REAL *mu_p, size_t ldmu_p, const REAL *logvar_p, size_t ldlogvar_p, REAL *kl)
{
    return kl_pair(__func__, "kl", n, d, mu_q, ldmu_q, logvar_q, ldlogvar_q, mu_p, ldmu_p, logvar_p,
        ldlogvar_p, NULL, kl, NULL, 0, NULL, 0, NULL, 0, NULL, 0);
}

int API(vae_kl_diag_gauss_pair_grad)(size_t n, size_t d, const REAL *mu_q, size_t ldmu_q,
    const REAL *logvar_q, size_t ldlogvar_q, const REAL *mu_p, size_t ldmu_p, const REAL *logvar_p,
    size_t ldlogvar_p, const REAL *w, REAL *value, REAL *gmu_q, size_t ldgmu_q, REAL *glogvar_q,
    size_t ldglogvar_q, REAL *gmu_p, size_t ldgmu_p, REAL *glogvar_p, size_t ldglogvar_p)
{
    return kl_pair(__func__, NULL, n, d, mu_q, ldmu_q, logvar_q, ldlogvar_q, mu_p, ldmu_p, logvar_p,
        ldlogvar_p, w, value, gmu_q, ldgmu_q, glogvar_q, ldglogvar_q, gmu_p, ldgmu_p, glogvar_p, ldglogvar_p);
}

/* Checks the vectors and factors of one vae_kl_gauss(): strides that fit, diagonals > 0 (or NaN, which passes
 * through). Vectors are rows of one matrix each. */
static int check_factors(const char *function, size_t d, const REAL *mu_q, const REAL *chol_q, size_t ldq,
    const REAL *mu_p, const REAL *chol_p, size_t ldp)
{
    const struct vae_matrix_arg vectors[] = {{"mu_q", mu_q, d, 0, NULL}, {"mu_p", mu_p, d, 0, NULL}};
    const struct vae_matrix_arg factors[] = {
        {"chol_q", chol_q, ldq, 0, "ldq"}, {"chol_p", chol_p, ldp, 0, "ldp"}};
    int status = check_matrices(function, 1, d, vectors, COUNT(vectors));
    if (status || (status = check_matrices(function, d, d, factors, COUNT(factors))))
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
    double sum;
    int status = vae_check_vector(__func__, "kl", kl, 1, sizeof *kl, 0);
    if (status || (status = check_factors(__func__, d, mu_q, chol_q, ldq, mu_p, chol_p, ldp)) ||
        (status = vae_check_work(__func__, d, work, work_size, vae_kl_gauss_work(d))))
        return status;
    vae_kernels_get()->EXACT->kl_full(
        d, mu_q, chol_q, ldq, mu_p, chol_p, ldp, work, 1, &sum, NULL, NULL, 0, NULL, NULL, 0);
    store(kl, 0, &sum, 1);
    return VAE_OK;
}

int API(vae_kl_gauss_grad)(size_t d, const REAL *mu_q, const REAL *chol_q, size_t ldq, const REAL *mu_p,
    const REAL *chol_p, size_t ldp, void *work, size_t work_size, REAL w, REAL *value, REAL *gmu_q,
    REAL *gchol_q, size_t ldgq, REAL *gmu_p, REAL *gchol_p, size_t ldgp)
{
    const struct vae_matrix_arg gradients[] = {
        {"gchol_q", gchol_q, ldgq, 1, "ldgq"}, {"gchol_p", gchol_p, ldgp, 1, "ldgp"}};
    double sum;
    int status = check_matrices(__func__, d, d, gradients, COUNT(gradients));
    if (status || (status = check_factors(__func__, d, mu_q, chol_q, ldq, mu_p, chol_p, ldp)) ||
        (status = vae_check_work(__func__, d, work, work_size, vae_kl_gauss_work(d))))
        return status;
    vae_kernels_get()->EXACT->kl_full(d, mu_q, chol_q, ldq, mu_p, chol_p, ldp, work, w, value ? &sum : NULL,
        gmu_q, gchol_q, ldgq, gmu_p, gchol_p, ldgp);
    store(value, 0, &sum, 1);
    return VAE_OK;
}

int API(vae_reparam)(size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar, size_t ldlogvar,
    const REAL *eps, size_t ldeps, REAL *z, size_t ldz)
{
    const struct vae_matrix_arg matrices[] = {MATRIX(mu), MATRIX(logvar), MATRIX(eps), MATRIX(z)};
    if (n == 0)
        return VAE_OK;
    int status = check_matrices(__func__, n, d, matrices, COUNT(matrices));
    if (status == VAE_OK)
        vae_kernels_get()->EXACT->reparam(n, d, mu, ldmu, logvar, ldlogvar, eps, ldeps, z, ldz);
    return status;
}

int API(vae_reparam_grad)(size_t n, size_t d, const REAL *logvar, size_t ldlogvar, const REAL *eps,
    size_t ldeps, const REAL *gz, size_t ldgz, REAL *gmu, size_t ldgmu, REAL *glogvar, size_t ldglogvar)
{
    const struct vae_matrix_arg matrices[] = {
        MATRIX(logvar), MATRIX(eps), MATRIX(gz), OPTIONAL(gmu), OPTIONAL(glogvar)};
    if (n == 0)
        return VAE_OK;
    int status = check_matrices(__func__, n, d, matrices, COUNT(matrices));
    if (status == VAE_OK)
        vae_kernels_get()->EXACT->reparam_grad(
            n, d, logvar, ldlogvar, eps, ldeps, gz, ldgz, gmu, ldgmu, glogvar, ldglogvar);
    return status;
}

int API(vae_normal)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, REAL *out)
{
    int status = vae_check_vector(__func__, "out", out, n, sizeof *out, 0);
    if (status == VAE_OK && n)
        vae_kernels_get()->rng->RNG(normal)(seed, stream, offset, n, out);
    return status;
}

int API(vae_bernoulli)(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, const REAL *p, REAL *x)
{
    int status = vae_check_vector(__func__, "p", p, n, sizeof *p, 0);
    if (status || (status = vae_check_vector(__func__, "x", x, n, sizeof *x, 0)))
        return status;
    if (n)
        vae_kernels_get()->rng->RNG(bernoulli)(seed, stream, offset, n, p, x);
    return VAE_OK;
}

#include "loglik_tmpl.h"
