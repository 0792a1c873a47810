/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The model that train's options describe.
 */
#include "model.h"

#include <stdlib.h>

static void layers_of(const struct options *o, vae_layer *encoder, vae_layer *decoder)
{
    for (size_t i = 0; i < o->n_hidden; i++) {
        vae_layer_init(&encoder[i], sizeof encoder[i]);
        vae_layer_init(&decoder[i], sizeof decoder[i]);
        encoder[i].units = o->hidden[i];
        decoder[i].units = o->hidden[o->n_hidden - 1 - i];
        encoder[i].activation = decoder[i].activation = o->activation;
        encoder[i].kind = decoder[i].kind = o->gated ? VAE_LAYER_GATED : VAE_LAYER_DENSE;
    }
}

static vae_training training_of(const struct options *o)
{
    vae_training training;
    vae_training_init(&training, sizeof training);
    training.objective = o->objective;
    training.estimator = o->estimator;
    training.samples = o->draws;
    training.estimates = o->estimates;
    training.elbo_weight = o->elbo_weight;
    training.kl_weight = o->kl_weight;
    training.free_bits = o->free_bits;
    training.optimizer = o->optimizer;
    training.learning_rate = o->rate;
    training.momentum = o->momentum;
    training.weight_decay = o->weight_decay;
    training.clip_norm = o->clip;
    return training;
}

/* One likelihood for all columns. */
static vae_span span_of(const struct options *o, uint64_t x_dim)
{
    vae_span pixels;
    vae_span_init(&pixels, sizeof pixels);
    pixels.columns = x_dim;
    pixels.likelihood = o->likelihood;
    pixels.mean_activation = o->mean;
    pixels.scale = o->scale;
    pixels.scale_value = o->scale_value;
    pixels.scale_min = o->scale_min;
    return pixels;
}

static int create(vae_model **model, const struct options *o, uint64_t x_dim, const vae_runtime *runtime)
{
    vae_layer encoder[OPTIONS_MAX_HIDDEN], decoder[OPTIONS_MAX_HIDDEN];
    vae_span pixels = span_of(o, x_dim);
    vae_training training = training_of(o);
    layers_of(o, encoder, decoder);
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = x_dim;
    config.z_dim = o->latent;
    config.encoder = encoder;
    config.decoder = decoder;
    config.n_encoder = config.n_decoder = o->n_hidden;
    config.spans = &pixels;
    config.n_spans = 1;
    config.z_logvar_min = o->logvar_min;
    config.z_logvar_max = o->logvar_max;
    config.prior = o->prior;
    config.prior_components = o->components;
    config.init = o->init;
    config.seed = o->seed;
    return vae_create(model, &config, &training, runtime);
}

/* Rows of the training data as the pseudo-inputs that a VampPrior begins with; from the first one again where
 * there are not enough. */
static int start_inputs(vae_model *model, const struct set *set, size_t count)
{
    vae_tensor_info info;
    vae_tensor_info_init(&info, sizeof info);
    info.name = "prior.inputs";
    info.rank = 2;
    info.shape[0] = count;
    info.shape[1] = set->data->dim;
    float *inputs = malloc(count * set->data->dim * sizeof *inputs);
    if (!inputs)
        return VAE_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        set_fetch(set, i % set->n, 1, inputs + i * set->data->dim);
    int status = vae_set_tensor(model, &info, inputs);
    free(inputs);
    return status;
}

int model_create(
    vae_model **model, const struct options *o, const struct set *train, const vae_runtime *runtime)
{
    int status = create(model, o, train->data->dim, runtime);
    if (status != VAE_OK || o->prior != VAE_PRIOR_VAMP)
        return status;
    return start_inputs(*model, train, (size_t)o->components);
}
