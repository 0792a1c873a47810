/* SPDX-License-Identifier: BSD-2-Clause
 * What a caller asks of a model: reads the structs of vae_create() and checks every field.
 */
#include "config.h"

#include "base/defaults.h"
#include "base/status.h"
#include "parts/layers/layer.h"
#include "parts/likelihoods/likelihood.h"
#include "parts/objectives/objective.h"
#include "parts/optimizers/optimizer.h"
#include "parts/priors/prior.h"

#include <float.h>
#include <stdio.h>

/* A side of a matrix must fit the int of a BLAS; the counts are far beyond what memory holds. */
#define MOST_WIDTH 0x3fffffffu
#define MOST_LAYERS 65535u
#define MOST_THREADS 1024

/* A field under check: "vae_create: config.encoder[3].units". */
struct place {
    const char *function, *owner;
    unsigned long long index;
    int indexed;
};

static int refuse(const struct place *at, int status, const char *field, const char *words)
{
    if (at->indexed)
        return vae_fail(status, "%s: %s[%llu].%s %s", at->function, at->owner, at->index, field, words);
    return vae_fail(status, "%s: %s.%s %s", at->function, at->owner, field, words);
}

static int check_range(
    const struct place *at, const char *field, uint64_t value, uint64_t least, uint64_t most)
{
    char words[128];
    if (value >= least && value <= most)
        return VAE_OK;
    snprintf(words, sizeof words, "is %llu: must be %llu to %llu", (unsigned long long)value,
        (unsigned long long)least, (unsigned long long)most);
    return refuse(at, VAE_ERR_ARG, field, words);
}

/* Numbers first .. last have a name; those that are not served yet come with `served` 0. */
static int check_choice(
    const struct place *at, const char *field, int32_t value, int32_t first, int32_t last, int served)
{
    char words[128];
    if (value < first || value > last) {
        snprintf(words, sizeof words, "is %d: no such choice", (int)value);
        return refuse(at, VAE_ERR_ARG, field, words);
    }
    if (served)
        return VAE_OK;
    snprintf(
        words, sizeof words, "is %d, which libvae %s does not serve yet", (int)value, VAE_VERSION_STRING);
    return refuse(at, VAE_ERR_UNSUPPORTED, field, words);
}

/* NaN is inside of nothing. */
static int check_real(const struct place *at, const char *field, double value, int inside, const char *limits)
{
    char words[128];
    if (inside)
        return VAE_OK;
    snprintf(words, sizeof words, "is %g: must be %s", vae_shown(value), limits);
    return refuse(at, VAE_ERR_ARG, field, words);
}

/* Refuses a field that is declared, but not served yet, unless it has its default. */
static int check_unserved(const struct place *at, const char *field, int unused)
{
    if (unused)
        return VAE_OK;
    return refuse(at, VAE_ERR_UNSUPPORTED, field, "is not served yet: leave the default");
}

static int check_reserved(const struct place *at, int32_t reserved)
{
    return reserved == 0 ? VAE_OK : refuse(at, VAE_ERR_ABI, "reserved", "must be 0");
}

/* ---- layers ---- */

static int check_layer(const struct place *at, const vae_layer *layer)
{
    const struct vae_layer_kind *kind = vae_layer_kind_of(layer->kind);
    int known = layer->activation == VAE_ACTIVATION_DEFAULT || vae_activation_known(layer->activation);
    int status;
    if ((status = check_choice(
             at, "kind", layer->kind, VAE_LAYER_DENSE, vae_layer_kind_last, kind != NULL)) != VAE_OK ||
        (status = check_choice(
             at, "activation", layer->activation, VAE_ACTIVATION_DEFAULT, VAE_ELU, known)) != VAE_OK ||
        (status = check_real(at, "slope", layer->slope, layer->slope >= 0 && layer->slope <= 1, "0 to 1")) !=
            VAE_OK)
        return status;
    return check_range(at, "units", layer->units, 1, MOST_WIDTH);
}

static int check_layers(const struct place *config, const char *count_name, const char *side,
    const vae_layer *layers, uint64_t count)
{
    const char *function = config->function;
    struct place at = {function, side, 0, 1};
    int status = check_range(config, count_name, count, 0, MOST_LAYERS);
    if (status != VAE_OK)
        return status;
    if (count > 0 && !layers)
        return vae_fail(VAE_ERR_ARG, "%s: %s is NULL, but config.%s is %llu", function, side, count_name,
            (unsigned long long)count);
    for (; at.index < count; at.index++) {
        vae_layer layer;
        if ((status = vae_struct_element(function, &vae_layer_struct, layers, at.index, &layer)) != VAE_OK ||
            (status = check_layer(&at, &layer)) != VAE_OK)
            return status;
    }
    return VAE_OK;
}

/* ---- spans ---- */

static int check_values(const struct place *at, const vae_span *span)
{
    double scale = span->scale_value, shape = span->shape_value, least = span->scale_min;
    const char *limits = "of magnitude below 1e4";
    int status;
    if ((status = check_real(at, "scale_value", scale, scale > -1e4 && scale < 1e4, limits)) != VAE_OK ||
        (status = check_real(at, "shape_value", shape, shape > -1e4 && shape < 1e4, limits)) != VAE_OK)
        return status;
    return check_real(at, "scale_min", least, least >= -1e30 && least <= 1e4, "-1e30 to 1e4");
}

static int check_scale(const struct place *at, const vae_span *span, const struct vae_likelihood_kind *kind)
{
    int own = !kind->has_scale && span->scale != 0;
    if (own || span->shape != 0)
        return refuse(at, VAE_ERR_ARG, own ? "scale" : "shape", "must be 0: the likelihood has none");
    return check_choice(
        at, "scale", span->scale, VAE_PARAM_CELL, VAE_PARAM_FIXED, span->scale != VAE_PARAM_COLUMN);
}

static int check_means(const struct place *at, int32_t activation, const struct vae_likelihood_kind *kind)
{
    char words[128];
    if (activation != VAE_IDENTITY && activation != VAE_SIGMOID)
        return refuse(at, VAE_ERR_ARG, "mean_activation", "must be VAE_IDENTITY or VAE_SIGMOID");
    if (activation == VAE_IDENTITY || kind->takes_means)
        return VAE_OK;
    snprintf(words, sizeof words, "must be VAE_IDENTITY for %s", kind->name);
    return refuse(at, VAE_ERR_ARG, "mean_activation", words);
}

static int check_likelihood(const struct place *at, int32_t likelihood)
{
    return check_choice(at, "likelihood", likelihood, VAE_BERNOULLI, vae_likelihood_last,
        vae_likelihood_of(likelihood) != NULL);
}

static int check_span(const struct place *at, const vae_span *span, uint64_t left)
{
    const struct vae_likelihood_kind *kind = vae_likelihood_of(span->likelihood);
    int status;
    if ((status = check_reserved(at, span->reserved)) != VAE_OK ||
        (status = check_range(at, "columns", span->columns, 1, left)) != VAE_OK ||
        (status = check_likelihood(at, span->likelihood)) != VAE_OK ||
        (status = check_means(at, span->mean_activation, kind)) != VAE_OK ||
        (status = check_scale(at, span, kind)) != VAE_OK || (status = check_values(at, span)) != VAE_OK)
        return status;
    return check_choice(
        at, "input", span->input, VAE_INPUT_PLAIN, VAE_INPUT_LOG1P, span->input == VAE_INPUT_PLAIN);
}

static int check_spans(const char *function, const vae_config *c)
{
    struct place at = {function, "config.spans", 0, 1};
    uint64_t columns = 0;
    if (c->n_spans > c->x_dim)
        return vae_fail(VAE_ERR_ARG, "%s: config.n_spans is %zu: must be 0 to x_dim, %llu", function,
            c->n_spans, (unsigned long long)c->x_dim);
    if (c->n_spans > 0 && !c->spans)
        return vae_fail(
            VAE_ERR_ARG, "%s: config.spans is NULL, but config.n_spans is %zu", function, c->n_spans);
    if (c->n_spans > 0 && (c->likelihood != VAE_BERNOULLI || c->mean_activation != VAE_IDENTITY))
        return vae_fail(VAE_ERR_ARG,
            "%s: config.likelihood and config.mean_activation stay at their defaults where there are spans",
            function);
    for (; at.index < c->n_spans; at.index++) {
        vae_span span;
        int status = vae_struct_element(function, &vae_span_struct, c->spans, at.index, &span);
        if (status != VAE_OK || (status = check_span(&at, &span, c->x_dim - columns)) != VAE_OK)
            return status;
        columns += span.columns;
    }
    if (c->n_spans > 0 && columns != c->x_dim)
        return vae_fail(VAE_ERR_ARG, "%s: config.spans have %llu columns: must be x_dim, %llu", function,
            (unsigned long long)columns, (unsigned long long)c->x_dim);
    return VAE_OK;
}

/* ---- the configuration ---- */

static int check_shape(const struct place *at, const vae_config *c)
{
    int status;
    if ((status = check_range(at, "x_dim", c->x_dim, 1, MOST_WIDTH)) != VAE_OK ||
        (status = check_range(at, "z_dim", c->z_dim, 1, MOST_WIDTH)) != VAE_OK ||
        (status = check_unserved(at, "c_dim", c->c_dim == 0)) != VAE_OK ||
        (status = check_layers(at, "n_encoder", "config.encoder", c->encoder, c->n_encoder)) != VAE_OK ||
        (status = check_layers(at, "n_decoder", "config.decoder", c->decoder, c->n_decoder)) != VAE_OK ||
        (status = check_likelihood(at, c->likelihood)) != VAE_OK ||
        (status = check_means(at, c->mean_activation, vae_likelihood_of(c->likelihood))) != VAE_OK)
        return status;
    return check_spans(at->function, c);
}

static int check_components(const struct place *at, const vae_config *c)
{
    if (vae_prior_of(c->prior)->has_components)
        return check_range(at, "prior_components", c->prior_components, 1, MOST_WIDTH);
    return c->prior_components == 0
               ? VAE_OK
               : refuse(at, VAE_ERR_ARG, "prior_components", "must be 0: the prior has none");
}

static int check_clamp(const struct place *at, double least, double most)
{
    int status = check_real(at, "z_logvar_min", least, least >= -1e30 && least <= 1e4, "-1e30 to 1e4");
    if (status != VAE_OK)
        return status;
    return check_real(at, "z_logvar_max", most, most >= -1e4 && most <= 1e30 && most >= least,
        "-1e4 to 1e30, and at least z_logvar_min");
}

static int check_choices(const struct place *at, const vae_config *c)
{
    int status;
    if ((status = check_choice(at, "prior", c->prior, VAE_PRIOR_NORMAL, vae_prior_last,
             vae_prior_of(c->prior) != NULL)) != VAE_OK ||
        (status = check_components(at, c)) != VAE_OK ||
        (status = check_choice(at, "standardise", c->standardise, 0, 1, c->standardise == 0)) != VAE_OK ||
        (status = check_clamp(at, c->z_logvar_min, c->z_logvar_max)) != VAE_OK ||
        (status = check_choice(at, "init", c->init, VAE_INIT_TORCH, VAE_INIT_NORMAL, 1)) != VAE_OK)
        return status;
    return check_real(
        at, "init_scale", c->init_scale, c->init_scale >= 0 && c->init_scale <= 1e30, "0 to 1e30");
}

int vae_config_read(const char *function, vae_config *own, const vae_config *caller)
{
    struct place at = {function, "config", 0, 0};
    int status;
    if (!caller)
        return vae_fail(VAE_ERR_ARG, "%s: config is NULL", function);
    *own = *(const vae_config *)vae_config_struct.defaults;
    if ((status = vae_struct_read(function, &vae_config_struct, own, caller)) != VAE_OK ||
        (status = check_reserved(&at, own->reserved)) != VAE_OK || (status = check_shape(&at, own)) != VAE_OK)
        return status;
    return check_choices(&at, own);
}

/* ---- training ---- */

/* Settings that need the divergence in closed form: who has it? */
static int check_divergence(const struct place *at, const vae_training *t, int32_t number)
{
    const struct vae_prior_kind *prior = vae_prior_of(number);
    const char *field = t->estimator == VAE_ESTIMATOR_ANALYTIC_KL ? "estimator"
                        : t->free_bits > 0                        ? "free_bits"
                        : t->kl_capacity > 0                      ? "kl_capacity"
                                                                  : NULL;
    if (!field)
        return VAE_OK;
    if (t->objective == VAE_IWAE)
        return refuse(at, VAE_ERR_ARG, field, "needs the analytic KL, which VAE_IWAE has not");
    if (t->estimator > VAE_ESTIMATOR_ANALYTIC_KL)
        return refuse(at, VAE_ERR_ARG, field, "needs the analytic KL: estimator must be 0 or 1");
    if (!prior->kl || (t->free_bits > 0 && !prior->kl_by_latent))
        return refuse(at, VAE_ERR_ARG, field, "needs the analytic KL, which this prior has not");
    return VAE_OK;
}

static int check_bound(const struct place *at, const vae_training *t, int32_t prior)
{
    if (t->samples * t->estimates > VAE_MOST_DRAWS)
        return vae_fail(VAE_ERR_ARG, "%s: training.samples * estimates is %llu: must be at most %u",
            at->function, (unsigned long long)(t->samples * t->estimates), VAE_MOST_DRAWS);
    if (t->kl_capacity > 0 && t->free_bits > 0)
        return refuse(at, VAE_ERR_ARG, "kl_capacity", "and free_bits exclude each other");
    if (t->objective == VAE_ELBO && (t->estimates > 1 || t->elbo_weight > 0))
        return refuse(
            at, VAE_ERR_ARG, t->estimates > 1 ? "estimates" : "elbo_weight", "is for VAE_IWAE alone");
    if (t->estimator == VAE_ESTIMATOR_DREG && (t->objective != VAE_IWAE || t->elbo_weight > 0))
        return refuse(at, VAE_ERR_ARG, "estimator", "is VAE_ESTIMATOR_DREG: for VAE_IWAE at elbo_weight 0");
    return check_divergence(at, t, prior);
}

static int check_objective(const struct place *at, const vae_training *t, int32_t prior)
{
    int status;
    double kl = t->kl_weight, bits = t->free_bits, capacity = t->kl_capacity, a = t->elbo_weight;
    if ((status = check_choice(at, "objective", t->objective, VAE_ELBO, VAE_IWAE,
             vae_objective_of(t->objective) != NULL)) != VAE_OK ||
        (status = check_choice(
             at, "estimator", t->estimator, VAE_ESTIMATOR_DEFAULT, VAE_ESTIMATOR_DREG, 1)) != VAE_OK ||
        (status = check_range(at, "samples", t->samples, 1, VAE_MOST_DRAWS)) != VAE_OK ||
        (status = check_range(at, "estimates", t->estimates, 1, VAE_MOST_DRAWS)) != VAE_OK ||
        (status = check_real(at, "kl_weight", kl, kl >= 0 && kl <= 1e30, "0 to 1e30")) != VAE_OK ||
        (status = check_real(at, "free_bits", bits, bits >= 0 && bits <= 1e30, "0 to 1e30")) != VAE_OK ||
        (status = check_real(at, "kl_capacity", capacity, capacity >= 0 && capacity <= 1e30, "0 to 1e30")) !=
            VAE_OK ||
        (status = check_real(at, "elbo_weight", a, a >= 0 && a <= 1, "0 to 1")) != VAE_OK)
        return status;
    return check_bound(at, t, prior);
}

/* An epsilon that is no normal float32 would overflow as a divisor. */
static int check_optimizer(const struct place *at, const vae_training *t)
{
    double rate = t->learning_rate, b1 = t->beta1, b2 = t->beta2, epsilon = t->epsilon;
    double momentum = t->momentum, decay = t->weight_decay, clip = t->clip_norm;
    int status;
    if ((status = check_choice(at, "optimizer", t->optimizer, VAE_ADAM, vae_optimizer_last,
             vae_optimizer_of(t->optimizer) != NULL)) != VAE_OK ||
        (status = check_real(at, "learning_rate", rate, rate >= 0 && rate <= 1e30, "0 to 1e30")) != VAE_OK ||
        (status = check_real(at, "beta1", b1, b1 >= 0 && b1 < 1, "at least 0 and below 1")) != VAE_OK ||
        (status = check_real(at, "beta2", b2, b2 >= 0 && b2 < 1, "at least 0 and below 1")) != VAE_OK ||
        (status = check_real(at, "epsilon", epsilon, epsilon >= (double)FLT_MIN && epsilon <= 1e30,
             "1.17549436e-38 to 1e30")) != VAE_OK ||
        (status = check_real(
             at, "momentum", momentum, momentum >= 0 && momentum < 1, "at least 0 and below 1")) != VAE_OK ||
        (status = check_real(at, "weight_decay", decay, decay >= 0 && decay <= 1e30, "0 to 1e30")) != VAE_OK)
        return status;
    return check_real(at, "clip_norm", clip, clip >= 0 && clip <= 1e30, "0 to 1e30");
}

int vae_training_read(const char *function, vae_training *own, const vae_training *caller, int32_t prior)
{
    struct place at = {function, "training", 0, 0};
    int status;
    if (caller && (status = vae_struct_read(function, &vae_training_struct, own, caller)) != VAE_OK)
        return status;
    if ((status = check_reserved(&at, own->reserved)) != VAE_OK ||
        (status = check_objective(&at, own, prior)) != VAE_OK)
        return status;
    return check_optimizer(&at, own);
}

/* ---- runtime ---- */

int vae_runtime_read(const char *function, vae_runtime *own, const vae_runtime *caller)
{
    struct place at = {function, "runtime", 0, 0};
    int status;
    if (caller && (status = vae_struct_read(function, &vae_runtime_struct, own, caller)) != VAE_OK)
        return status;
    if ((status = check_range(&at, "max_batch", own->max_batch, 1, MOST_WIDTH)) != VAE_OK ||
        (status = check_range(&at, "max_draws", own->max_draws, 0, VAE_MOST_DRAWS)) != VAE_OK ||
        (status = check_choice(&at, "inference_only", own->inference_only, 0, 1, 1)) != VAE_OK)
        return status;
    if (own->threads < 1 || own->threads > MOST_THREADS)
        return vae_fail(VAE_ERR_ARG, "%s: runtime.threads is %d: must be 1 to %d", function,
            (int)own->threads, MOST_THREADS);
#if !defined(VAE_HAVE_THREADS)
    if (own->threads > 1 && !own->parallel_for)
        return vae_fail(VAE_ERR_UNSUPPORTED,
            "%s: runtime.threads is %d: this build has no threads of its own", function, (int)own->threads);
#endif
    if (!own->alloc != !own->free)
        return vae_fail(VAE_ERR_ARG, "%s: runtime.alloc and runtime.free go together", function);
    return VAE_OK;
}

int vae_runtime_fit(const char *function, vae_runtime *runtime, const vae_training *training)
{
    uint64_t draws = training->samples * training->estimates;
    if (runtime->max_draws == 0)
        runtime->max_draws = draws;
    if (runtime->max_draws >= draws)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "%s: runtime.max_draws is %llu: training.samples * estimates is %llu",
        function, (unsigned long long)runtime->max_draws, (unsigned long long)draws);
}
