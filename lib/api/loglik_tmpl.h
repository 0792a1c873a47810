/* SPDX-License-Identifier: BSD-2-Clause
 * The log-likelihoods among the entry points, in one precision; a part of api_kernels_tmpl.h.
 *
 * Each shape (one parameter matrix, two, labels) is one function; the families give it their names and their
 * kernel.
 */

struct API(loglik) {
    const char *function, *value_name; /* value_name is NULL where the value may be, too */
    const char *parameter, *ld_parameter, *gradient, *ld_gradient;
};
#define LOGLIK(function, value, parameter)                                                                   \
    &(const struct API(loglik))                                                                              \
    {                                                                                                        \
        API_NAME(function), value, #parameter, "ld" #parameter, "g" #parameter, "ldg" #parameter             \
    }

typedef void API(one_parameter)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *p, size_t ldp,
    const REAL *w, double *value, REAL *g, size_t ldg);

static int API(loglik_one)(const struct API(loglik) * call, API(one_parameter) * kernel, size_t n, size_t d,
    const REAL *x, size_t ldx, const REAL *p, size_t ldp, const REAL *w, REAL *value, REAL *g, size_t ldg)
{
    const char *function = call->function;
    if (n == 0)
        return VAE_OK;
    int status = CHECK(n, d, MATRIX(x), {call->parameter, p, ldp, 0, call->ld_parameter},
        {call->gradient, g, ldg, 1, call->ld_gradient});
    if (status || (status = API(check_vectors)(function, call->value_name, n, w, value)))
        return status;
    for (PIECES(n)) {
        double sum[PIECE];
        kernel(rows, d, ROW(x), ldx, ROW(p), ldp, w ? w + row : NULL, value ? sum : NULL, ROW(g), ldg);
        if (value)
            API(store)(value + row, sum, rows);
    }
    return VAE_OK;
}

#define ONE_PARAMETER(family, parameter)                                                                     \
    int API(vae_loglik_##family)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *parameter,       \
        size_t ld##parameter, REAL *loglik)                                                                  \
    {                                                                                                        \
        return API(loglik_one)(LOGLIK(vae_loglik_##family, "loglik", parameter), KERNEL(family), n, d, x,    \
            ldx, parameter, ld##parameter, NULL, loglik, NULL, 0);                                           \
    }                                                                                                        \
    int API(vae_loglik_##family##_grad)(size_t n, size_t d, const REAL *x, size_t ldx,                       \
        const REAL *parameter, size_t ld##parameter, const REAL *w, REAL *value, REAL *g##parameter,         \
        size_t ldg##parameter)                                                                               \
    {                                                                                                        \
        return API(loglik_one)(LOGLIK(vae_loglik_##family##_grad, NULL, parameter), KERNEL(family), n, d, x, \
            ldx, parameter, ld##parameter, w, value, g##parameter, ldg##parameter);                          \
    }
ONE_PARAMETER(bernoulli, logits)
ONE_PARAMETER(poisson, lograte)
ONE_PARAMETER(cbernoulli, logits)

typedef void API(two_parameters)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean,
    size_t ldmean, const REAL *p, size_t ldp, const REAL *w, double *value, REAL *gmean, size_t ldgmean,
    REAL *g, size_t ldg);

static int API(loglik_two)(const struct API(loglik) * call, API(two_parameters) * kernel, size_t n, size_t d,
    const REAL *x, size_t ldx, const REAL *mean, size_t ldmean, const REAL *p, size_t ldp, const REAL *w,
    REAL *value, REAL *gmean, size_t ldgmean, REAL *g, size_t ldg)
{
    const char *function = call->function;
    if (n == 0)
        return VAE_OK;
    int status = CHECK(n, d, MATRIX(x), MATRIX(mean), {call->parameter, p, ldp, 0, call->ld_parameter},
        WANTED(gmean), {call->gradient, g, ldg, 1, call->ld_gradient});
    if (status || (status = API(check_vectors)(function, call->value_name, n, w, value)))
        return status;
    for (PIECES(n)) {
        double sum[PIECE];
        kernel(rows, d, ROW(x), ldx, ROW(mean), ldmean, ROW(p), ldp, w ? w + row : NULL, value ? sum : NULL,
            ROW(gmean), ldgmean, ROW(g), ldg);
        if (value)
            API(store)(value + row, sum, rows);
    }
    return VAE_OK;
}

#define TWO_PARAMETERS(family, parameter)                                                                    \
    int API(vae_loglik_##family)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean,            \
        size_t ldmean, const REAL *parameter, size_t ld##parameter, REAL *loglik)                            \
    {                                                                                                        \
        return API(loglik_two)(LOGLIK(vae_loglik_##family, "loglik", parameter), KERNEL(family), n, d, x,    \
            ldx, mean, ldmean, parameter, ld##parameter, NULL, loglik, NULL, 0, NULL, 0);                    \
    }                                                                                                        \
    int API(vae_loglik_##family##_grad)(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean,     \
        size_t ldmean, const REAL *parameter, size_t ld##parameter, const REAL *w, REAL *value, REAL *gmean, \
        size_t ldgmean, REAL *g##parameter, size_t ldg##parameter)                                           \
    {                                                                                                        \
        return API(loglik_two)(LOGLIK(vae_loglik_##family##_grad, NULL, parameter), KERNEL(family), n, d, x, \
            ldx, mean, ldmean, parameter, ld##parameter, w, value, gmean, ldgmean, g##parameter,             \
            ldg##parameter);                                                                                 \
    }
TWO_PARAMETERS(gauss, logvar)
TWO_PARAMETERS(laplace, logscale)

static int API(categorical)(const char *function, const char *value_name, size_t n, size_t k,
    const uint32_t *label, const REAL *logits, size_t ldlogits, const REAL *w, REAL *value, REAL *glogits,
    size_t ldglogits)
{
    if (n == 0)
        return VAE_OK;
    int status = vae_check_columns(function, k);
    if (status || (status = CHECK(n, k, MATRIX(logits), WANTED(glogits))) ||
        (status = API(check_vectors)(function, value_name, n, w, value)) ||
        (status = vae_check_vector(function, "label", label, n, sizeof *label, 0)) ||
        (status = vae_check_labels(function, n, k, label)))
        return status;
    for (PIECES(n)) {
        double sum[PIECE];
        KERNEL(categorical)
        (rows, k, label + row, ROW(logits), ldlogits, w ? w + row : NULL, value ? sum : NULL, ROW(glogits),
            ldglogits);
        if (value)
            API(store)(value + row, sum, rows);
    }
    return VAE_OK;
}

int API(vae_loglik_categorical)(
    size_t n, size_t k, const uint32_t *label, const REAL *logits, size_t ldlogits, REAL *loglik)
{
    return API(categorical)(
        API_NAME(vae_loglik_categorical), "loglik", n, k, label, logits, ldlogits, NULL, loglik, NULL, 0);
}

int API(vae_loglik_categorical_grad)(size_t n, size_t k, const uint32_t *label, const REAL *logits,
    size_t ldlogits, const REAL *w, REAL *value, REAL *glogits, size_t ldglogits)
{
    return API(categorical)(API_NAME(vae_loglik_categorical_grad), NULL, n, k, label, logits, ldlogits, w,
        value, glogits, ldglogits);
}

int API(vae_logmeanexp)(
    size_t n, size_t k, const REAL *logw, size_t ldlogw, REAL *lme, REAL *weights, size_t ldweights)
{
    const char *function = API_NAME(vae_logmeanexp);
    if (n == 0)
        return VAE_OK;
    int status = vae_check_columns(function, k);
    if (status || (status = CHECK(n, k, MATRIX(logw), WANTED(weights))) ||
        (status = vae_check_vector(function, "lme", lme, n, sizeof *lme, 0)))
        return status;
    for (PIECES(n)) {
        double sum[PIECE];
        KERNEL(logmeanexp)(rows, k, ROW(logw), ldlogw, sum, ROW(weights), ldweights);
        API(store)(lme + row, sum, rows);
    }
    return VAE_OK;
}

#undef LOGLIK
#undef ONE_PARAMETER
#undef TWO_PARAMETERS
