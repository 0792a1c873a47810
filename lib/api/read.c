/* SPDX-License-Identifier: BSD-2-Clause
 * Entry points of reading: one call, and its short forms.
 */
#include "base/defaults.h"
#include "base/status.h"
#include "batch.h"
#include "pass/infer.h"
#include "pass/rows.h"

#include <string.h>

/* ---- what may be asked ---- */

static int refuse(const char *function, const char *output, const char *words)
{
    return vae_fail(VAE_ERR_ARG, "%s: outputs.%s %s", function, output, words);
}

/* Outputs that need q(z|x). */
static const char *of_encoder(const vae_outputs *o, const vae_terms *terms)
{
    return o->elbo                 ? "elbo"
           : o->kl                 ? "kl"
           : o->kl_by_latent       ? "kl_by_latent"
           : o->log_evidence       ? "log_evidence"
           : o->log_evidence_error ? "log_evidence_error"
           : o->mu                 ? "mu"
           : o->logvar             ? "logvar"
           : terms                 ? "terms"
                                   : NULL;
}

static int check_served(const char *function, const vae_outputs *o)
{
    if (!o->x_imputed)
        return VAE_OK;
    return vae_fail(
        VAE_ERR_UNSUPPORTED, "%s: outputs.x_imputed is not served yet: leave the default", function);
}

/* Of the encoder's z. */
static int check_posterior(const char *function, const struct vae_network *net, const vae_outputs *o)
{
    if (o->samples == 0 && (o->log_evidence || o->log_evidence_error))
        return vae_fail(VAE_ERR_ARG, "%s: outputs.samples is 0: must be at least 1 for outputs.%s", function,
            o->log_evidence ? "log_evidence" : "log_evidence_error");
    if (o->kl_by_latent && !net->prior->kl_by_latent)
        return refuse(function, "kl_by_latent", "needs a prior that factorises, which this model's does not");
    return VAE_OK;
}

static int check_prior(const char *function, const vae_batch *b, const vae_outputs *o)
{
    if (b->x || b->z)
        return vae_fail(VAE_ERR_ARG, "%s: batch.%s must be NULL where z comes from the prior", function,
            b->x ? "x" : "z");
    if (o->loglik || o->loglik_by_column)
        return refuse(
            function, o->loglik ? "loglik" : "loglik_by_column", "needs x, and z comes from the prior");
    return VAE_OK;
}

static int check_latents(const char *function, const vae_batch *b, const vae_outputs *o)
{
    if (o->samples > 1)
        return vae_fail(VAE_ERR_ARG, "%s: outputs.samples is %llu: must be 0 or 1 where batch.z is given",
            function, (unsigned long long)o->samples);
    if ((o->loglik || o->loglik_by_column) && !b->x && b->n > 0)
        return refuse(function, o->loglik ? "loglik" : "loglik_by_column", "needs batch.x");
    return VAE_OK;
}

/* The table of vae_infer(). */
static int check_source(const char *function, const struct vae_network *net, const vae_batch *b,
    const vae_outputs *o, const vae_terms *terms)
{
    const char *name = of_encoder(o, terms);
    int status = VAE_OK;
    if (b->source == VAE_FROM_DATA && !b->z) {
        status = vae_check_pointer(function, "x", b->x, b->n);
        return status != VAE_OK ? status : check_posterior(function, net, o);
    }
    if ((status = b->source == VAE_FROM_PRIOR ? check_prior(function, b, o)
                                              : check_latents(function, b, o)) != VAE_OK)
        return status;
    if (!name)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "%s: %s%s needs the encoder's z, and z does not come from it", function,
        strcmp(name, "terms") == 0 ? "" : "outputs.", name);
}

static int check_rows(const char *function, const vae_model *model, uint64_t n)
{
    const struct vae_network *net = model->network;
    size_t widest = net->x_dim > net->z_dim ? net->x_dim : net->z_dim;
    if (n <= SIZE_MAX / sizeof(double) / widest)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "%s: n is %llu: so many rows do not fit the address space", function,
        (unsigned long long)n);
}

static int read_call(const char *function, const vae_model *model, const vae_batch *batch,
    const vae_outputs *outputs, const vae_terms *terms, struct vae_reading *reading, vae_batch *own)
{
    int status;
    if (!outputs)
        return vae_fail(VAE_ERR_ARG, "%s: outputs is NULL", function);
    *reading = (struct vae_reading){
        .batch = own, .out = *(const vae_outputs *)vae_outputs_struct.defaults, .terms = terms != NULL};
    if ((status = vae_check_terms(function, terms)) != VAE_OK ||
        (status = vae_struct_read(function, &vae_outputs_struct, &reading->out, outputs)) != VAE_OK ||
        (status = vae_batch_read(function, model, own, batch)) != VAE_OK ||
        (status = check_served(function, &reading->out)) != VAE_OK ||
        (status = check_rows(function, model, own->n)) != VAE_OK)
        return status;
    return check_source(function, model->network, own, &reading->out, terms);
}

/* ---- the call ---- */

static double divided(double sum, double total)
{
    return total > 0 ? sum / total : 0;
}

static int infer(const char *function, vae_model *model, const vae_batch *batch, const vae_outputs *outputs,
    vae_terms *terms)
{
    struct vae_reading reading;
    vae_batch own;
    int status = vae_check_model(function, model);
    if (status != VAE_OK ||
        (status = read_call(function, model, batch, outputs, terms, &reading, &own)) != VAE_OK)
        return status;
    double total = own.total_weight > 0 ? own.total_weight : vae_rows_sum(&own);
    struct vae_reading_sums sums = vae_infer_run(model->network, &model->ws, &reading);
    for (size_t j = 0; reading.out.kl_by_latent && j < model->network->z_dim; j++)
        reading.out.kl_by_latent[j] = divided(reading.out.kl_by_latent[j], total);
    if (!terms)
        return VAE_OK;
    vae_terms result = {.loglik = divided(sums.loglik, total), .kl = divided(sums.kl, total)};
    result.objective = result.elbo = result.loglik - result.kl;
    vae_struct_write(&vae_terms_struct, terms, &result);
    return VAE_OK;
}

int vae_infer(vae_model *model, const vae_batch *batch, const vae_outputs *outputs, vae_terms *terms)
{
    return infer(__func__, model, batch, outputs, terms);
}

/* ---- short forms ---- */

static vae_outputs outputs_of(size_t samples)
{
    vae_outputs outputs = *(const vae_outputs *)vae_outputs_struct.defaults;
    outputs.size = sizeof outputs;
    outputs.samples = samples;
    return outputs;
}

int vae_elbo(vae_model *model, const float *x, size_t n, size_t samples, double *elbo, vae_terms *terms)
{
    vae_batch batch = vae_batch_of(x, n);
    vae_outputs outputs = outputs_of(samples);
    outputs.elbo = elbo;
    return infer(__func__, model, &batch, &outputs, terms);
}

int vae_score(vae_model *model, const float *x, size_t n, size_t samples, double *score)
{
    vae_batch batch = vae_batch_of(x, n);
    vae_outputs outputs = outputs_of(samples);
    int status = vae_check_pointer(__func__, "score", score, n);
    outputs.elbo = score;
    if (status != VAE_OK || (status = infer(__func__, model, &batch, &outputs, NULL)) != VAE_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        score[i] = -score[i];
    return VAE_OK;
}

int vae_encode(vae_model *model, const float *x, size_t n, float *mu, float *logvar)
{
    vae_batch batch = vae_batch_of(x, n);
    vae_outputs outputs = outputs_of(0);
    int status = vae_check_pointer(__func__, "mu", mu, n);
    outputs.mu = mu;
    outputs.logvar = logvar;
    return status != VAE_OK ? status : infer(__func__, model, &batch, &outputs, NULL);
}

int vae_decode(vae_model *model, const float *z, size_t n, float *x_mean)
{
    vae_batch batch = vae_batch_of(NULL, n);
    vae_outputs outputs = outputs_of(0);
    int status = vae_check_pointer(__func__, "z", z, n);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "x_mean", x_mean, n)) != VAE_OK)
        return status;
    batch.z = z;
    outputs.x_mean = x_mean;
    return infer(__func__, model, &batch, &outputs, NULL);
}

int vae_reconstruct(vae_model *model, const float *x, size_t n, float *x_mean)
{
    vae_batch batch = vae_batch_of(x, n);
    vae_outputs outputs = outputs_of(0);
    int status = vae_check_pointer(__func__, "x_mean", x_mean, n);
    outputs.x_mean = x_mean;
    return status != VAE_OK ? status : infer(__func__, model, &batch, &outputs, NULL);
}

int vae_sample_mean(vae_model *model, uint64_t seed, size_t n, float *x_mean)
{
    vae_batch batch = vae_batch_of(NULL, n);
    vae_outputs outputs = outputs_of(1);
    int status = vae_check_pointer(__func__, "x_mean", x_mean, n);
    batch.source = VAE_FROM_PRIOR;
    batch.seed = seed;
    outputs.x_mean = x_mean;
    return status != VAE_OK ? status : infer(__func__, model, &batch, &outputs, NULL);
}
