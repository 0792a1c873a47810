/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A run of train in a model's file: what the program needs beyond the model to go on.
 *
 * The file holds parameters, moments, settings and the step count, which addresses the noise. The program's
 * own loop is in the metadata: epochs, rows, batch. vae_permutation() gives the order of an epoch's rows by
 * its number, so that a run that goes on has the bits of one that was never cut off.
 */
#include "resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int put(vae_model *model, const char *key, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return vae_set_metadata(model, key, text);
}

/* A number of the program's; `missing` where the file has none. */
static uint64_t get(const vae_model *model, const char *key, uint64_t missing)
{
    const char *text = vae_get_metadata(model, key);
    return text ? strtoull(text, NULL, 10) : missing;
}

int resume_save(vae_model *model, const struct options *o, const struct position *position)
{
    int status;
    if ((status = put(model, "train.epoch", position->epoch)) != VAE_OK ||
        (status = put(model, "train.done", position->done)) != VAE_OK ||
        (status = put(model, "train.batch", o->batch)) != VAE_OK ||
        (status = put(model, "train.binarise", (uint64_t)o->binarise)) != VAE_OK)
        return status;
    return vae_save(model, o->save, 0);
}

static int keep(const vae_model *model, struct options *o)
{
    vae_config config;
    vae_span span;
    vae_training training;
    int status;
    vae_config_init(&config, sizeof config);
    vae_span_init(&span, sizeof span);
    vae_training_init(&training, sizeof training);
    if ((status = vae_get_config(model, &config)) != VAE_OK ||
        (status = vae_get_span(model, 0, &span)) != VAE_OK ||
        (status = vae_get_training(model, &training)) != VAE_OK)
        return status;
    o->latent = config.z_dim;
    o->prior = config.prior;
    o->seed = config.seed;
    o->likelihood = span.likelihood;
    o->rate = training.learning_rate;
    o->binarise = (int32_t)get(model, "train.binarise", (uint64_t)o->binarise);
    return VAE_OK;
}

int resume_load(vae_model **model, struct options *o, struct position *position, const vae_runtime *runtime)
{
    int status = vae_load(model, o->resume, runtime);
    if (status != VAE_OK)
        return status;
    position->epoch = get(*model, "train.epoch", 0);
    position->done = get(*model, "train.done", 0);
    uint64_t batch = get(*model, "train.batch", o->batch);
    if (batch == o->batch)
        return keep(*model, o);
    /* The batch of the file needs a workspace of its size. */
    vae_runtime own = *runtime;
    own.max_batch = o->batch = batch;
    vae_destroy(*model);
    if ((status = vae_load(model, o->resume, &own)) != VAE_OK)
        return status;
    return keep(*model, o);
}
