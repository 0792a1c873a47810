/* SPDX-License-Identifier: BSD-2-Clause
 * Template: the log-likelihoods among the entry points in one precision; a part of kernels_tmpl.h, with its
 * parameters.
 *
 * Each shape (one parameter matrix, two, labels) is one function; the families give it their names and their
 * kernel.
 */

/* What the arguments of a family's last parameter are called */
struct parameter_names {
    const char *name, *ld, *gradient, *ld_gradient;
};

typedef void one_parameter(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *p, size_t ldp,
    const REAL *w, double *value, REAL *g, size_t ldg);

static int loglik_one(const char *function, const char *value_name, const struct parameter_names *names,
    one_parameter *kernel, size_t n, size_t d, const REAL *x, size_t ldx, const REAL *p, size_t ldp,
    const REAL *w, REAL *value, REAL *g, size_t ldg)
{
    const struct vae_matrix_arg matrices[] = {
        MATRIX(x), {names->name, p, ldp, 0, names->ld}, {names->gradient, g, ldg, 1, names->ld_gradient}};
    double sum[PIECE];
    if (n == 0)
        return VAE_OK;
    int status = check_matrices(function, n, d, matrices, COUNT(matrices));
    if (status || (status = check_vectors(function, value_name, n, w, value)))
        return status;
    for (size_t row = 0; row < n; row += PIECE) {
        size_t rows = piece_of(n - row);
        kernel(rows, d, from(x, row, ldx), ldx, from(p, row, ldp), ldp, from(w, row, 1), value ? sum : NULL,
            to(g, row, ldg), ldg);
        store(value, row, sum, rows);
    }
    return VAE_OK;
}

static const struct parameter_names logits_names = {"logits", "ldlogits", "glogits", "ldglogits"};
static const struct parameter_names lograte_names = {"lograte", "ldlograte", "glograte", "ldglograte"};
static const struct parameter_names logvar_names = {"logvar", "ldlogvar", "glogvar", "ldglogvar"};
static const struct parameter_names logscale_names = {"logscale", "ldlogscale", "glogscale", "ldglogscale"};

int API(vae_loglik_bernoulli)(
    size_t n, size_t d, const REAL *x, size_t ldx, const REAL *logits, size_t ldlogits, REAL *loglik)
{
    return loglik_one(__func__, "loglik", &logits_names, vae_kernels_get()->EXACT->bernoulli, n, d, x, ldx,
        logits, ldlogits, NULL, loglik, NULL, 0);
}

int API(vae_loglik_bernoulli_grad)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *logits,
    size_t ldlogits, const REAL *w, REAL *value, REAL *glogits, size_t ldglogits)
{
    return loglik_one(__func__, NULL, &logits_names, vae_kernels_get()->EXACT->bernoulli, n, d, x, ldx,
        logits, ldlogits, w, value, glogits, ldglogits);
}

int API(vae_loglik_poisson)(
    size_t n, size_t d, const REAL *x, size_t ldx, const REAL *lograte, size_t ldlograte, REAL *loglik)
{
    return loglik_one(__func__, "loglik", &lograte_names, vae_kernels_get()->EXACT->poisson, n, d, x, ldx,
        lograte, ldlograte, NULL, loglik, NULL, 0);
}

int API(vae_loglik_poisson_grad)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *lograte,
    size_t ldlograte, const REAL *w, REAL *value, REAL *glograte, size_t ldglograte)
{
    return loglik_one(__func__, NULL, &lograte_names, vae_kernels_get()->EXACT->poisson, n, d, x, ldx,
        lograte, ldlograte, w, value, glograte, ldglograte);
}

int API(vae_loglik_cbernoulli)(
    size_t n, size_t d, const REAL *x, size_t ldx, const REAL *logits, size_t ldlogits, REAL *loglik)
{
    return loglik_one(__func__, "loglik", &logits_names, vae_kernels_get()->EXACT->cbernoulli, n, d, x, ldx,
        logits, ldlogits, NULL, loglik, NULL, 0);
}

int API(vae_loglik_cbernoulli_grad)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *logits,
    size_t ldlogits, const REAL *w, REAL *value, REAL *glogits, size_t ldglogits)
{
    return loglik_one(__func__, NULL, &logits_names, vae_kernels_get()->EXACT->cbernoulli, n, d, x, ldx,
        logits, ldlogits, w, value, glogits, ldglogits);
}

typedef void two_parameters(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,
    const REAL *p, size_t ldp, const REAL *w, double *value, REAL *gmean, size_t ldgmean, REAL *g,
    size_t ldg);

static int loglik_two(const char *function, const char *value_name, const struct parameter_names *names,
    two_parameters *kernel, size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,
    const REAL *p, size_t ldp, const REAL *w, REAL *value, REAL *gmean, size_t ldgmean, REAL *g, size_t ldg)
{
    const struct vae_matrix_arg matrices[] = {MATRIX(x), MATRIX(mean), {names->name, p, ldp, 0, names->ld},
        OPTIONAL(gmean), {names->gradient, g, ldg, 1, names->ld_gradient}};
    double sum[PIECE];
    if (n == 0)
        return VAE_OK;
    int status = check_matrices(function, n, d, matrices, COUNT(matrices));
    if (status || (status = check_vectors(function, value_name, n, w, value)))
        return status;
    for (size_t row = 0; row < n; row += PIECE) {
        size_t rows = piece_of(n - row);
        kernel(rows, d, from(x, row, ldx), ldx, from(mean, row, ldmean), ldmean, from(p, row, ldp), ldp,
            from(w, row, 1), value ? sum : NULL, to(gmean, row, ldgmean), ldgmean, to(g, row, ldg), ldg);
        store(value, row, sum, rows);
    }
    return VAE_OK;
}

int API(vae_loglik_gauss)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,
    const REAL *logvar, size_t ldlogvar, REAL *loglik)
{
    return loglik_two(__func__, "loglik", &logvar_names, vae_kernels_get()->EXACT->gauss, n, d, x, ldx, mean,
        ldmean, logvar, ldlogvar, NULL, loglik, NULL, 0, NULL, 0);
}

int API(vae_loglik_gauss_grad)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,
    const REAL *logvar, size_t ldlogvar, const REAL *w, REAL *value, REAL *gmean, size_t ldgmean,
    REAL *glogvar, size_t ldglogvar)
{
    return loglik_two(__func__, NULL, &logvar_names, vae_kernels_get()->EXACT->gauss, n, d, x, ldx, mean,
        ldmean, logvar, ldlogvar, w, value, gmean, ldgmean, glogvar, ldglogvar);
}

static int std_normal(const char *function, const char *value_name, size_t n, size_t d, const REAL *z,
    size_t ldz, const REAL *w, REAL *value, REAL *gz, size_t ldgz)
{
    const struct vae_matrix_arg matrices[] = {MATRIX(z), OPTIONAL(gz)};
    double sum[PIECE];
    if (n == 0)
        return VAE_OK;
    int status = check_matrices(function, n, d, matrices, COUNT(matrices));
    if (status || (status = check_vectors(function, value_name, n, w, value)))
        return status;
    for (size_t row = 0; row < n; row += PIECE) {
        size_t rows = piece_of(n - row);
        vae_kernels_get()->EXACT->std_normal(
            rows, d, from(z, row, ldz), ldz, from(w, row, 1), value ? sum : NULL, to(gz, row, ldgz), ldgz);
        store(value, row, sum, rows);
    }
    return VAE_OK;
}

int API(vae_loglik_std_normal)(size_t n, size_t d, const REAL *z, size_t ldz, REAL *loglik)
{
    return std_normal(__func__, "loglik", n, d, z, ldz, NULL, loglik, NULL, 0);
}

int API(vae_loglik_std_normal_grad)(
    size_t n, size_t d, const REAL *z, size_t ldz, const REAL *w, REAL *value, REAL *gz, size_t ldgz)
{
    return std_normal(__func__, NULL, n, d, z, ldz, w, value, gz, ldgz);
}

int API(vae_loglik_laplace)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,
    const REAL *logscale, size_t ldlogscale, REAL *loglik)
{
    return loglik_two(__func__, "loglik", &logscale_names, vae_kernels_get()->EXACT->laplace, n, d, x, ldx,
        mean, ldmean, logscale, ldlogscale, NULL, loglik, NULL, 0, NULL, 0);
}

int API(vae_loglik_laplace_grad)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean,
    size_t ldmean, const REAL *logscale, size_t ldlogscale, const REAL *w, REAL *value, REAL *gmean,
    size_t ldgmean, REAL *glogscale, size_t ldglogscale)
{
    return loglik_two(__func__, NULL, &logscale_names, vae_kernels_get()->EXACT->laplace, n, d, x, ldx, mean,
        ldmean, logscale, ldlogscale, w, value, gmean, ldgmean, glogscale, ldglogscale);
}

static int categorical(const char *function, const char *value_name, size_t n, size_t k,
    const uint32_t *label, const REAL *logits, size_t ldlogits, const REAL *w, REAL *value, REAL *glogits,
    size_t ldglogits)
{
    const struct vae_matrix_arg matrices[] = {MATRIX(logits), OPTIONAL(glogits)};
    double sum[PIECE];
    if (n == 0)
        return VAE_OK;
    int status = vae_check_columns(function, k);
    if (status || (status = check_matrices(function, n, k, matrices, COUNT(matrices))) ||
        (status = check_vectors(function, value_name, n, w, value)) ||
        (status = vae_check_vector(function, "label", label, n, sizeof *label, 0)) ||
        (status = vae_check_labels(function, n, k, label)))
        return status;
    for (size_t row = 0; row < n; row += PIECE) {
        size_t rows = piece_of(n - row);
        vae_kernels_get()->EXACT->categorical(rows, k, label + row, from(logits, row, ldlogits), ldlogits,
            from(w, row, 1), value ? sum : NULL, to(glogits, row, ldglogits), ldglogits);
        store(value, row, sum, rows);
    }
    return VAE_OK;
}

int API(vae_loglik_categorical)(
    size_t n, size_t k, const uint32_t *label, const REAL *logits, size_t ldlogits, REAL *loglik)
{
    return categorical(__func__, "loglik", n, k, label, logits, ldlogits, NULL, loglik, NULL, 0);
}

int API(vae_loglik_categorical_grad)(size_t n, size_t k, const uint32_t *label, const REAL *logits,
    size_t ldlogits, const REAL *w, REAL *value, REAL *glogits, size_t ldglogits)
{
    return categorical(__func__, NULL, n, k, label, logits, ldlogits, w, value, glogits, ldglogits);
}

int API(vae_logmeanexp)(
    size_t n, size_t k, const REAL *logw, size_t ldlogw, REAL *lme, REAL *weights, size_t ldweights)
{
    const struct vae_matrix_arg matrices[] = {MATRIX(logw), OPTIONAL(weights)};
    double sum[PIECE];
    if (n == 0)
        return VAE_OK;
    int status = vae_check_columns(__func__, k);
    if (status || (status = check_matrices(__func__, n, k, matrices, COUNT(matrices))) ||
        (status = vae_check_vector(__func__, "lme", lme, n, sizeof *lme, 0)))
        return status;
    for (size_t row = 0; row < n; row += PIECE) {
        size_t rows = piece_of(n - row);
        vae_kernels_get()->EXACT->logmeanexp(
            rows, k, from(logw, row, ldlogw), ldlogw, sum, to(weights, row, ldweights), ldweights);
        store(lme, row, sum, rows);
    }
    return VAE_OK;
}
