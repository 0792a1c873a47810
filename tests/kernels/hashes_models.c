/* SPDX-License-Identifier: BSD-2-Clause
 * Hashes of trained models: parameters after 100 steps, the last step's terms, a reading call, on 1, 2, 3 and
 * 8 threads; and of log p(x) by new models, few rows and many draws.
 */
#include "hashes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

struct example {
    const char *name;
    uint64_t x_dim, hidden, z_dim, batch, steps;
    int32_t layer, clamps; /* kind of the layers; are the log-variances clamped? */
    int32_t activation, likelihood, scale;
    int backward;        /* are there lines of vae_backward()? */
    int32_t prior;       /* 0: the normal one */
    uint64_t components; /* of the others */
};

#define SMALL 37, 24, 5, 32, 100, VAE_LAYER_DENSE, 0
#define GATED 37, 24, 5, 32, 100, VAE_LAYER_GATED, 0
#define CLAMPED 37, 24, 5, 32, 100, VAE_LAYER_DENSE, 1
static const struct example examples[] = {
    {"model.identity", SMALL, VAE_IDENTITY, VAE_BERNOULLI, VAE_PARAM_CELL, 0, 0, 0},
    {"model.relu", SMALL, VAE_RELU, VAE_BERNOULLI, VAE_PARAM_CELL, 0, 0, 0},
    {"model.tanh", SMALL, VAE_TANH, VAE_BERNOULLI, VAE_PARAM_CELL, 0, 0, 0},
    {"model.sigmoid", SMALL, VAE_SIGMOID, VAE_BERNOULLI, VAE_PARAM_CELL, 0, 0, 0},
    {"model.softplus", SMALL, VAE_SOFTPLUS, VAE_BERNOULLI, VAE_PARAM_CELL, 0, 0, 0},
    {"model.silu", SMALL, VAE_SILU, VAE_BERNOULLI, VAE_PARAM_CELL, 0, 0, 0},
    {"model.gelu", SMALL, VAE_GELU, VAE_BERNOULLI, VAE_PARAM_CELL, 0, 0, 0},
    {"model.gauss_fixed", SMALL, VAE_TANH, VAE_GAUSS, VAE_PARAM_FIXED, 0, 0, 0},
    {"model.gauss_shared", SMALL, VAE_TANH, VAE_GAUSS, VAE_PARAM_SPAN, 1, 0, 0},
    {"model.gauss", SMALL, VAE_TANH, VAE_GAUSS, VAE_PARAM_CELL, 1, 0, 0},
    {"model.wide", 300, 130, 20, 100, 5, VAE_LAYER_DENSE, 0, VAE_RELU, VAE_BERNOULLI, VAE_PARAM_CELL, 1, 0,
        0},
    {"model.gated", GATED, VAE_IDENTITY, VAE_BERNOULLI, VAE_PARAM_CELL, 1, 0, 0},
    {"model.gated_silu", GATED, VAE_SILU, VAE_GAUSS, VAE_PARAM_CELL, 1, 0, 0},
    {"model.gated_wide", 300, 130, 20, 100, 5, VAE_LAYER_GATED, 0, VAE_RELU, VAE_BERNOULLI, VAE_PARAM_CELL, 1,
        0, 0},
    {"model.clamped", CLAMPED, VAE_TANH, VAE_BERNOULLI, VAE_PARAM_CELL, 1, 0, 0},
    {"model.mixture", SMALL, VAE_TANH, VAE_BERNOULLI, VAE_PARAM_CELL, 0, VAE_PRIOR_MIXTURE, 21},
    {"model.vamp", SMALL, VAE_TANH, VAE_GAUSS, VAE_PARAM_SPAN, 0, VAE_PRIOR_VAMP, 35},
    {"model.vamp_gated", GATED, VAE_TANH, VAE_BERNOULLI, VAE_PARAM_CELL, 0, VAE_PRIOR_VAMP, 6},
};

/* Bounds by draws, of one more model. */
static const struct example by_draws = {"", SMALL, VAE_TANH, VAE_GAUSS, VAE_PARAM_SPAN, 0, 0, 0};
static const struct {
    const char *name;
    int32_t objective, estimator;
    uint64_t samples, estimates;
} bounds[] = {
    {"model.monte_carlo_kl", VAE_ELBO, VAE_ESTIMATOR_MONTE_CARLO_KL, 2, 1},
    {"model.stl", VAE_ELBO, VAE_ESTIMATOR_STL, 2, 1},
    {"model.iwae", VAE_IWAE, VAE_ESTIMATOR_DEFAULT, 5, 1},
    {"model.miwae_stl", VAE_IWAE, VAE_ESTIMATOR_STL, 3, 2},
    {"model.miwae_dreg", VAE_IWAE, VAE_ESTIMATOR_DREG, 3, 2},
};
#define MAX_VALUES 200000

/* Other optimizers than plain Adam, which trains the examples above. */
static const struct rule {
    const char *name;
    int32_t optimizer;
    double rate, momentum, weight_decay, clip_norm;
} rules[] = {
    {"optimizer.adam", VAE_ADAM, 1e-3, 0, 0.1, 0.5},
    {"optimizer.adamw", VAE_ADAMW, 1e-3, 0, 0.1, 0},
    {"optimizer.adagrad", VAE_ADAGRAD, 0.01, 0, 0, 0},
    {"optimizer.sgd", VAE_SGD, 1e-3, 0, 0, 0},
    {"optimizer.sgd_momentum", VAE_SGD, 1e-3, 0.9, 0.1, 10},
};

/* MurmurHash3's finaliser backwards: x ^ x >> 33 is its own inverse, and the factors are those modulo 2^64
 * that give 1 with the finaliser's. Batch seeds are mixed by it; the list was made with keys of model seed
 * ^ 11, so that the seed passed is the one whose mix is 11. */
static uint64_t unmix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0x9cb4b2f8129337db); /* 1 / 0xc4ceb9fe1a85ec53 */
    h ^= h >> 33;
    h *= UINT64_C(0x4f74430c22a54005); /* 1 / 0xff51afd7ed558ccd */
    return h ^ h >> 33;
}

static void must(int status)
{
    if (status == VAE_OK)
        return;
    printf("FAIL %s: %s\n", vae_strerror(status), vae_last_error());
    exit(1);
}

static void must_fit(uint64_t count)
{
    if (count <= MAX_VALUES)
        return;
    printf("FAIL %llu values: MAX_VALUES is too small\n", (unsigned long long)count);
    exit(1);
}

static uint64_t hash_floats(uint64_t hash, const float *x, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        hash = hash_word(hash, bits);
    }
    return hash;
}

static uint64_t hash_double(uint64_t hash, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return hash_word(hash, bits);
}

static void fill(float *x, uint64_t n, uint64_t step)
{
    static uint32_t word[MAX_VALUES];
    must(vae_random_u32(7, 0, step * n, n, word));
    for (uint64_t i = 0; i < n; i++)
        x[i] = (float)(word[i] >> 8) * 0x1p-24f;
}

static vae_model *create(const struct example *example, const vae_training *training, int32_t threads)
{
    vae_layer layer;
    vae_span span;
    vae_config config;
    vae_runtime runtime;
    vae_model *model;
    vae_layer_init(&layer, sizeof layer);
    layer.units = example->hidden;
    layer.activation = example->activation;
    layer.kind = example->layer;
    vae_span_init(&span, sizeof span);
    span.columns = example->x_dim;
    span.likelihood = example->likelihood;
    span.scale = example->scale;
    vae_config_init(&config, sizeof config);
    config.x_dim = example->x_dim;
    config.z_dim = example->z_dim;
    config.encoder = config.decoder = &layer;
    config.n_encoder = config.n_decoder = 1;
    config.spans = &span;
    config.n_spans = 1;
    config.seed = 3;
    if (example->clamps) {
        config.z_logvar_min = -0.5;
        config.z_logvar_max = 0.02;
    }
    if (example->prior) {
        config.prior = example->prior;
        config.prior_components = example->components;
    }
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = example->batch;
    runtime.threads = threads;
    int status = vae_create(&model, &config, training, &runtime);
    if (status == VAE_ERR_UNSUPPORTED && threads > 1)
        return NULL;
    must(status);
    return model;
}

/* Parameters, the last terms, and the reading calls' answers. */
static uint64_t hash_of(vae_model *model, const struct example *example)
{
    static float x[MAX_VALUES], values[MAX_VALUES];
    double elbo[128];
    uint64_t hash = HASH_START, count = vae_param_count(model), batch = example->batch;
    vae_terms terms;
    vae_terms_init(&terms, sizeof terms);
    for (uint64_t step = 0; step < example->steps; step++) {
        fill(x, batch * example->x_dim, step);
        must(vae_step(model, x, batch, &terms));
    }
    must_fit(count);
    must(vae_get_params(model, values, count));
    hash = hash_floats(hash, values, count);
    hash = hash_double(hash_double(hash, terms.elbo), terms.grad_norm);
    must(vae_elbo(model, x, batch, 3, elbo, &terms));
    for (uint64_t i = 0; i < batch; i++)
        hash = hash_double(hash, elbo[i]);
    must(vae_sample_mean(model, unmix(11), 5, values));
    hash = hash_floats(hash, values, 5 * example->x_dim);
    must(vae_reconstruct(model, x, batch, values));
    return hash_floats(hash, values, batch * example->x_dim);
}

/* vae_backward(), both halves: the gradient and what comes out. */
static uint64_t hash_of_backward(vae_model *model, const struct example *example)
{
    static float values[5][MAX_VALUES], grads[MAX_VALUES];
    uint64_t hash = HASH_START, count = vae_param_count(model), n = example->batch;
    vae_batch batch;
    vae_adjoints all = {
        sizeof all, values[0], values[1], values[2], values[3], NULL, values[3], values[4], NULL};
    for (int i = 0; i < 5; i++)
        fill(values[i], n * (example->x_dim + example->z_dim), (uint64_t)i);
    vae_batch_init(&batch, sizeof batch);
    batch.n = n;
    batch.x = values[4];
    batch.z = values[4] + n * example->x_dim;
    must(vae_backward(model, &batch, &all));
    must(vae_get_grads(model, grads, count));
    hash = hash_floats(hash, grads, count);
    return hash_floats(hash_floats(hash, values[3], n * example->x_dim), values[4], n * example->z_dim);
}

/* Few rows, whose draws share a pass, and more rows than a pass holds. */
static uint64_t hash_of_evidence(vae_model *model, const struct example *example)
{
    static const uint64_t rows[] = {1, 3, 40}, draws[] = {300, 20, 2};
    static float x[MAX_VALUES];
    double evidence[64], error[64];
    uint64_t hash = HASH_START;
    fill(x, 40 * example->x_dim, 0);
    for (int k = 0; k < 3; k++) {
        vae_batch batch;
        vae_outputs outputs;
        vae_batch_init(&batch, sizeof batch);
        batch.n = rows[k];
        batch.x = x;
        vae_outputs_init(&outputs, sizeof outputs);
        outputs.samples = draws[k];
        outputs.log_evidence = evidence;
        outputs.log_evidence_error = error;
        must(vae_infer(model, &batch, &outputs, NULL));
        for (uint64_t i = 0; i < rows[k]; i++)
            hash = hash_double(hash_double(hash, evidence[i]), error[i]);
    }
    return hash;
}

static void report(const struct example *example, const vae_training *training, const char *name)
{
    static const int32_t threads[] = {1, 2, 3, 8};
    for (size_t k = 0; k < 4; k++) {
        char line[64];
        vae_model *model = create(example, training, threads[k]);
        /* A build without threads gives these lines from its only one: the list is the same for all. */
        if (!model)
            model = create(example, training, 1);
        snprintf(line, sizeof line, "evidence.%s.threads%d", strchr(name, '.') + 1, threads[k]);
        if (!training)
            hash_report(line, hash_of_evidence(model, example));
        snprintf(line, sizeof line, "%s.threads%d", name, threads[k]);
        hash_report(line, hash_of(model, example));
        snprintf(line, sizeof line, "%s.backward.threads%d", name, threads[k]);
        if (example->backward)
            hash_report(line, hash_of_backward(model, example));
        vae_destroy(model);
    }
}

void hash_models(void)
{
    vae_training training;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        report(&examples[i], NULL, examples[i].name);
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        vae_training_init(&training, sizeof training);
        training.objective = bounds[i].objective;
        training.estimator = bounds[i].estimator;
        training.samples = bounds[i].samples;
        training.estimates = bounds[i].estimates;
        report(&by_draws, &training, bounds[i].name);
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        vae_training_init(&training, sizeof training);
        training.optimizer = rules[i].optimizer;
        training.learning_rate = rules[i].rate;
        training.momentum = rules[i].momentum;
        training.weight_decay = rules[i].weight_decay;
        training.clip_norm = rules[i].clip_norm;
        report(&by_draws, &training, rules[i].name);
    }
}
