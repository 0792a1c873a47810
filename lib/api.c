/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 0. Entry points of the model, section 3 of the public header: check arguments, call inward. Means over
 * rows are all the arithmetic there is.
 */
#include "config.h"
#include "inference.h"
#include "model.h"
#include "objective.h"
#include "status.h"
#include "structs.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

unsigned vae_version(void)
{
    return VAE_VERSION_MAJOR << 16 | VAE_VERSION_MINOR << 8 | VAE_VERSION_PATCH;
}

const char *vae_build_info(void)
{
    static _Thread_local char info[128];
    snprintf(info, sizeof info, "%s isa=%s gemm=native blas=%s", VAE_VERSION_STRING, vae_kernels_get()->isa,
        vae_gemm_blas_name());
    return info;
}

void vae_batch_init(vae_batch *batch, size_t size)
{
    const vae_batch defaults = {0};
    vae_struct_init(batch, size, &defaults, sizeof defaults);
}

static void warn_of_slow_blas(const vae_config *c)
{
    char message[256];
    if (!c->log || c->gemm != VAE_GEMM_CBLAS || !vae_gemm_blas_is_slow())
        return;
    snprintf(message, sizeof message,
        "%s is far below this CPU: use VAE_GEMM_NATIVE, or set OPENBLAS_CORETYPE (see docs/performance.md)",
        vae_gemm_blas_name());
    c->log(c->log_ctx, 1, message);
}

int vae_create(vae_model **out, const vae_config *config)
{
    vae_config own;
    if (!out)
        return vae_fail(VAE_ERR_ARG, "vae_create: out is NULL");
    *out = NULL;
    int status = vae_config_read(&own, config);
    if (status != VAE_OK)
        return status;
    warn_of_slow_blas(&own);
    return vae_model_create(out, &own);
}

int vae_share(vae_model **view, const vae_model *owner, uint64_t max_batch)
{
    if (!view)
        return vae_fail(VAE_ERR_ARG, "vae_share: view is NULL");
    *view = NULL;
    if (!owner)
        return vae_fail(VAE_ERR_ARG, "vae_share: owner is NULL");
    if (max_batch < 1 || max_batch > INT32_MAX)
        return vae_fail(VAE_ERR_ARG, "vae_share: max_batch is %llu: must be 1 to %d",
            (unsigned long long)max_batch, INT32_MAX);
    return vae_model_share(view, owner->owner ? owner->owner : owner, max_batch);
}

void vae_destroy(vae_model *model)
{
    vae_model_destroy(model);
}

/* ---- arguments ---- */

static int check_model(const char *function, const vae_model *model)
{
    return model ? VAE_OK : vae_fail(VAE_ERR_ARG, "%s: model is NULL", function);
}

static int check_owner(const char *function, const vae_model *model)
{
    if (!model)
        return check_model(function, model);
    return model->owner ? vae_fail(VAE_ERR_STATE, "%s: not on a view", function) : VAE_OK;
}

static int check_pointer(const char *function, const char *name, const void *pointer, size_t n)
{
    return pointer || n == 0 ? VAE_OK : vae_fail(VAE_ERR_ARG, "%s: %s is NULL", function, name);
}

/* n rows of ld elements: is there such an array? */
static int check_rows(const char *function, size_t n, uint64_t ld, size_t size)
{
    if (ld == 0 || n <= SIZE_MAX / size / ld)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "%s: n is %zu: so many rows of %llu do not fit the address space", function,
        n, (unsigned long long)ld);
}

static int check_terms(const char *function, const vae_terms *terms)
{
    if (!terms || terms->size >= sizeof terms->size)
        return VAE_OK;
    return vae_fail(VAE_ERR_ABI, "%s: terms.size is %zu: set it to sizeof(vae_terms)", function, terms->size);
}

static int check_samples(const char *function, size_t samples)
{
    if (samples <= 65536)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "%s: samples is %zu: must be at most 65536", function, samples);
}

/* The batch as the inner ranks see it. */
static int read_batch(
    const char *function, const vae_model *model, const vae_batch *batch, struct vae_rows *rows)
{
    vae_batch own = {0};
    int status;
    if (!batch)
        return vae_fail(VAE_ERR_ARG, "%s: batch is NULL", function);
    if ((status = vae_struct_read("batch", &own, sizeof own, batch)) != VAE_OK ||
        (status = check_pointer(function, "x", own.x, own.n)) != VAE_OK)
        return status;
    if (own.n > 0 && own.ldx < model->net.x_dim)
        return vae_fail(
            VAE_ERR_ARG, "%s: ldx is %zu: must be at least x_dim, %zu", function, own.ldx, model->net.x_dim);
    if ((status = check_rows(function, own.n, own.ldx, sizeof(float))) != VAE_OK)
        return status;
    *rows = (struct vae_rows){own.x, own.ldx, own.n, own.first_row, model->config.seed ^ own.seed};
    return VAE_OK;
}

static vae_batch plain_batch(const vae_model *model, const float *x, size_t n)
{
    vae_batch batch = {.size = sizeof batch, .n = n, .x = x, .ldx = model ? model->net.x_dim : 0};
    return batch;
}

/* ---- training ---- */

static int is_finite(double x)
{
    return x - x == 0;
}

static int check_row_terms(const char *function, const struct vae_net *net, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_finite(net->loglik[i]))
            return vae_fail(VAE_ERR_NONFINITE, "%s: loglik of row %zu is %g", function, i, net->loglik[i]);
        if (!is_finite(net->kl[i]))
            return vae_fail(VAE_ERR_NONFINITE, "%s: kl of row %zu is %g", function, i, net->kl[i]);
    }
    return VAE_OK;
}

/* The gradient in grads: finite, and its squares too, else the moments would overflow and never come back. */
static int check_gradient(const char *function, const vae_model *model, double squared_norm)
{
    const float *grads = model->optimizer.grads;
    if (squared_norm <= FLT_MAX)
        return VAE_OK;
    for (uint64_t i = 0; i < model->tensor_count; i++) {
        const struct vae_tensor *t = &model->tensors[i];
        for (uint64_t j = 0; j < t->shape[0] * t->shape[1]; j++) {
            float g = grads[vae_model_own_index(model, t, j)];
            if (!(g * g <= FLT_MAX))
                return vae_fail(VAE_ERR_NONFINITE, "%s: gradient of %s, element %llu, is %g", function,
                    t->name, (unsigned long long)j, (double)g);
        }
    }
    return VAE_OK;
}

static void mean_terms(const struct vae_net *net, size_t n, vae_terms *sum)
{
    for (size_t i = 0; i < n; i++) {
        sum->loglik += net->loglik[i];
        sum->kl += net->kl[i];
    }
}

static void put_terms(vae_terms *terms, vae_terms sum, size_t n, double squared_norm)
{
    if (!terms)
        return;
    vae_terms own = {.loglik = n ? sum.loglik / (double)n : 0, .kl = n ? sum.kl / (double)n : 0};
    own.elbo = own.loglik - own.kl;
    own.grad_norm = sqrt(squared_norm);
    vae_struct_write(terms, &own, sizeof own);
}

/* All that vae_grad and vae_step share: arguments, the pass, its terms. */
static int train_pass(const char *function, vae_model *model, const vae_batch *batch, const vae_terms *terms,
    struct vae_rows *rows)
{
    int status = check_owner(function, model);
    if (status != VAE_OK || (status = check_terms(function, terms)) != VAE_OK ||
        (status = read_batch(function, model, batch, rows)) != VAE_OK)
        return status;
    if (rows->n < 1 || rows->n > model->net.max_batch)
        return vae_fail(VAE_ERR_ARG, "%s: n is %zu: must be 1 to max_batch, %zu", function, rows->n,
            model->net.max_batch);
    model->gradient = VAE_GRADIENT_NONE;
    vae_objective_train(&model->net, rows, model->optimizer.steps);
    return check_row_terms(function, &model->net, rows->n);
}

static void finish_terms(vae_model *model, size_t n, double squared_norm, vae_terms *terms)
{
    vae_terms sum = {0};
    mean_terms(&model->net, n, &sum);
    put_terms(terms, sum, n, squared_norm);
}

static int step(const char *function, vae_model *model, const vae_batch *batch, vae_terms *terms)
{
    struct vae_rows rows;
    int status = train_pass(function, model, batch, terms, &rows);
    if (status != VAE_OK)
        return status;
    double squared_norm;
    if (model->net.gemm.provider == VAE_GEMM_NATIVE && vae_optimizer_bounded(&model->net, rows.n)) {
        squared_norm = vae_optimizer_fused(&model->optimizer, &model->net, &rows);
    } else {
        squared_norm = vae_optimizer_gradient(&model->optimizer, &model->net, &rows);
        if ((status = check_gradient(function, model, squared_norm)) != VAE_OK)
            return status;
        vae_optimizer_apply(&model->optimizer, &model->net);
    }
    finish_terms(model, rows.n, squared_norm, terms);
    return VAE_OK;
}

int vae_step(vae_model *model, const float *x, size_t n, vae_terms *terms)
{
    vae_batch batch = plain_batch(model, x, n);
    return step("vae_step", model, &batch, terms);
}

int vae_step_batch(vae_model *model, const vae_batch *batch, vae_terms *terms)
{
    return step("vae_step_batch", model, batch, terms);
}

int vae_grad(vae_model *model, const vae_batch *batch, vae_terms *terms)
{
    struct vae_rows rows;
    int status = train_pass("vae_grad", model, batch, terms, &rows);
    if (status != VAE_OK)
        return status;
    double squared_norm = vae_optimizer_gradient(&model->optimizer, &model->net, &rows);
    if ((status = check_gradient("vae_grad", model, squared_norm)) != VAE_OK)
        return status;
    model->gradient = VAE_GRADIENT_FRESH;
    finish_terms(model, rows.n, squared_norm, terms);
    return VAE_OK;
}

int vae_apply(vae_model *model)
{
    int status = check_owner("vae_apply", model);
    if (status != VAE_OK)
        return status;
    if (model->gradient != VAE_GRADIENT_FRESH)
        return vae_fail(
            VAE_ERR_STATE, "vae_apply: no gradient that was not applied yet; call vae_grad first");
    double squared_norm =
        model->net.kernels->train->sum_squares((size_t)model->param_count, model->optimizer.grads);
    if ((status = check_gradient("vae_apply", model, squared_norm)) != VAE_OK)
        return status;
    vae_optimizer_apply(&model->optimizer, &model->net);
    model->gradient = VAE_GRADIENT_APPLIED;
    return VAE_OK;
}

int vae_set_learning_rate(vae_model *model, double learning_rate)
{
    int status = check_owner("vae_set_learning_rate", model);
    if (status != VAE_OK)
        return status;
    if (!(learning_rate >= 0 && learning_rate <= 1e30))
        return vae_fail(
            VAE_ERR_ARG, "vae_set_learning_rate: learning_rate is %g: must be 0 to 1e30", learning_rate);
    model->optimizer.learning_rate = learning_rate;
    return VAE_OK;
}

/* ---- reading ---- */

/* The bound of every row, a model's batch at a time. sign: 1 for the ELBO, -1 for scores. */
static void evaluate(vae_model *model, const struct vae_rows *rows, size_t samples, double sign, double *elbo,
    vae_terms *terms)
{
    struct vae_net *net = &model->net;
    vae_terms sum = {0};
    for (size_t first = 0; first < rows->n; first += net->max_batch) {
        struct vae_rows part = *rows;
        part.x += first * rows->ldx;
        part.first_row += first;
        part.n = rows->n - first < net->max_batch ? rows->n - first : net->max_batch;
        vae_objective_evaluate(net, &part, samples);
        for (size_t i = 0; elbo && i < part.n; i++)
            elbo[first + i] = sign * (net->loglik[i] - net->kl[i]);
        mean_terms(net, part.n, &sum);
    }
    put_terms(terms, sum, rows->n, 0);
}

static int elbo_of(const char *function, vae_model *model, const vae_batch *batch, size_t samples,
    double sign, double *elbo, vae_terms *terms)
{
    struct vae_rows rows;
    int status = check_model(function, model);
    if (status != VAE_OK || (status = check_terms(function, terms)) != VAE_OK ||
        (status = check_samples(function, samples)) != VAE_OK ||
        (status = read_batch(function, model, batch, &rows)) != VAE_OK)
        return status;
    evaluate(model, &rows, samples, sign, elbo, terms);
    return VAE_OK;
}

int vae_elbo(vae_model *model, const float *x, size_t n, size_t samples, double *elbo, vae_terms *terms)
{
    vae_batch batch = plain_batch(model, x, n);
    return elbo_of("vae_elbo", model, &batch, samples, 1, elbo, terms);
}

int vae_elbo_batch(vae_model *model, const vae_batch *batch, size_t samples, double *elbo, vae_terms *terms)
{
    return elbo_of("vae_elbo_batch", model, batch, samples, 1, elbo, terms);
}

int vae_score(vae_model *model, const float *x, size_t n, size_t samples, double *score)
{
    vae_batch batch = plain_batch(model, x, n);
    int status = check_pointer("vae_score", "score", score, n);
    return status != VAE_OK ? status : elbo_of("vae_score", model, &batch, samples, -1, score, NULL);
}

/* What the calls below share: a model, n rows of data or latents in, and an output of at most such rows. */
static int check_reading(const char *function, const vae_model *model, const char *in_name, const float *in,
    size_t n, const char *out_name, const void *out)
{
    int status = check_model(function, model);
    if (status != VAE_OK || (status = check_pointer(function, in_name, in, n)) != VAE_OK ||
        (status = check_pointer(function, out_name, out, n)) != VAE_OK)
        return status;
    const struct vae_net *net = &model->net;
    return check_rows(function, n, net->z_dim > net->x_dim ? net->z_dim : net->x_dim, sizeof(float));
}

static size_t part_of(const vae_model *model, size_t n, size_t first)
{
    return n - first < model->net.max_batch ? n - first : model->net.max_batch;
}

int vae_latent_kl(vae_model *model, const float *x, size_t n, double *kl)
{
    int status = check_reading("vae_latent_kl", model, "x", x, n, "kl", kl);
    if (status != VAE_OK || !kl)
        return status;
    struct vae_net *net = &model->net;
    for (size_t j = 0; j < net->z_dim; j++)
        kl[j] = 0;
    for (size_t first = 0; first < n; first += net->max_batch)
        vae_inference_latent_kl(net, x + first * net->x_dim, part_of(model, n, first), kl);
    for (size_t j = 0; n > 0 && j < net->z_dim; j++)
        kl[j] /= (double)n;
    return VAE_OK;
}

int vae_encode(vae_model *model, const float *x, size_t n, float *mu, float *logvar)
{
    int status = check_reading("vae_encode", model, "x", x, n, "mu", mu);
    if (status != VAE_OK)
        return status;
    struct vae_net *net = &model->net;
    for (size_t first = 0; first < n; first += net->max_batch)
        vae_inference_encode(net, x + first * net->x_dim, part_of(model, n, first), mu + first * net->z_dim,
            logvar ? logvar + first * net->z_dim : NULL);
    return VAE_OK;
}

static void decode(vae_model *model, const float *z, size_t n, float *x_mean, float *location, float *logvar)
{
    struct vae_net *net = &model->net;
    for (size_t first = 0; first < n; first += net->max_batch) {
        size_t offset = first * net->x_dim;
        struct vae_decoded out = {x_mean ? x_mean + offset : NULL, location ? location + offset : NULL,
            logvar ? logvar + offset : NULL};
        vae_inference_decode(net, z + first * net->z_dim, part_of(model, n, first), &out);
    }
}

int vae_decode(vae_model *model, const float *z, size_t n, float *x_mean)
{
    int status = check_reading("vae_decode", model, "z", z, n, "x_mean", x_mean);
    if (status == VAE_OK)
        decode(model, z, n, x_mean, NULL, NULL);
    return status;
}

int vae_decode_params(vae_model *model, const float *z, size_t n, float *location, float *logvar)
{
    int status = check_reading("vae_decode_params", model, "z", z, n, "location", location);
    if (status != VAE_OK)
        return status;
    if (logvar && !model->net.likelihood.family->has_logvar)
        return vae_fail(
            VAE_ERR_ARG, "vae_decode_params: logvar must be NULL, a Bernoulli likelihood has none");
    decode(model, z, n, NULL, location, logvar);
    return VAE_OK;
}

int vae_reconstruct(vae_model *model, const float *x, size_t n, float *x_mean)
{
    int status = check_reading("vae_reconstruct", model, "x", x, n, "x_mean", x_mean);
    if (status != VAE_OK)
        return status;
    struct vae_net *net = &model->net;
    for (size_t first = 0; first < n; first += net->max_batch)
        vae_inference_reconstruct(
            net, x + first * net->x_dim, part_of(model, n, first), x_mean + first * net->x_dim);
    return VAE_OK;
}

int vae_sample(vae_model *model, uint64_t seed, size_t n, float *x_mean)
{
    int status = check_reading("vae_sample", model, "x_mean", x_mean, n, "x_mean", x_mean);
    if (status != VAE_OK)
        return status;
    struct vae_net *net = &model->net;
    for (size_t first = 0; first < n; first += net->max_batch)
        vae_inference_sample(
            net, model->config.seed ^ seed, first, part_of(model, n, first), x_mean + first * net->x_dim);
    return VAE_OK;
}
