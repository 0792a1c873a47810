/* SPDX-License-Identifier: BSD-2-Clause
 * Tests. The C side of the tests in Python: small models of every kind, and what the library says about some
 * rows, as JSON.
 *
 *     models list                 prints the names of the models, one a line
 *     models make NAME FILE       trains one, saves it, prints its answers
 *     models read FILE            loads one, prints its answers
 *     models import NAME FILE     makes one with the parameters of PyTorch's FILE, prints its answers
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vae/vae.h>

enum { ROWS = 7, DRAWS = 3, Z_DIM = 3, MOST_LAYERS = 3, MOST_SPANS = 6, STEPS = 30 };

/* Hidden layers 9, 8 and 7 wide, in reverse in the decoder. */
struct recipe {
    const char *name;
    size_t hidden;
    int32_t activation[MOST_LAYERS];
    size_t spans; /* 0: by the configuration's own fields, those of span[0] */
    struct {
        uint64_t columns;
        int32_t likelihood, mean_activation, scale;
        double scale_value, scale_min;
    } span[MOST_SPANS];
    int32_t prior; /* 0: the normal one */
};

/* An activation of a gated layer. A model that begins with one has clamped log-variances, too. */
enum { GATE = 100 };
#define GATED(activation) (GATE + (activation))

#define NO_FLOOR (-1e30)
#define ANY_SCALE 0, NO_FLOOR

static const struct recipe recipes[] = {
    {"bernoulli", 1, {VAE_ACTIVATION_DEFAULT}, 0,
        {{12, VAE_BERNOULLI, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE}}, 0},
    {"gauss", 2, {VAE_TANH, VAE_SOFTPLUS}, 0, {{12, VAE_GAUSS, VAE_SIGMOID, VAE_PARAM_CELL, ANY_SCALE}}, 0},
    {"gauss_unit", 1, {VAE_RELU}, 1, {{12, VAE_GAUSS, VAE_IDENTITY, VAE_PARAM_FIXED, 0, NO_FLOOR}}, 0},
    {"gauss_floor", 2, {VAE_GELU, VAE_ELU}, 1, {{12, VAE_GAUSS, VAE_IDENTITY, VAE_PARAM_CELL, 0, -0.25}}, 0},
    {"gauss_span", 1, {VAE_SILU}, 1, {{12, VAE_GAUSS, VAE_SIGMOID, VAE_PARAM_SPAN, -0.5, NO_FLOOR}}, 0},
    {"laplace", 2, {VAE_SIGMOID, VAE_IDENTITY}, 1, {{12, VAE_LAPLACE, VAE_SIGMOID, VAE_PARAM_CELL, 0, -2}},
        0},
    {"laplace_fixed", 0, {0}, 1, {{12, VAE_LAPLACE, VAE_IDENTITY, VAE_PARAM_FIXED, -0.75, NO_FLOOR}}, 0},
    {"gated", 3, {GATED(VAE_ACTIVATION_DEFAULT), GATED(VAE_GELU), VAE_TANH}, 0,
        {{12, VAE_BERNOULLI, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE}}, 0},
    {"mixture", 1, {VAE_TANH}, 0, {{12, VAE_BERNOULLI, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE}},
        VAE_PRIOR_MIXTURE},
    {"vamp", 1, {GATED(VAE_TANH)}, 0, {{12, VAE_GAUSS, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE}},
        VAE_PRIOR_VAMP},
    {"poisson", 1, {VAE_LEAKY_RELU}, 0, {{12, VAE_POISSON, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE}}, 0},
    {"cbernoulli", 3, {VAE_SOFTPLUS, VAE_GELU, VAE_RELU}, 0,
        {{12, VAE_CBERNOULLI, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE}}, 0},
    {"mixed", 2, {VAE_ELU, VAE_SILU}, 6,
        {{3, VAE_BERNOULLI, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE},
            {2, VAE_GAUSS, VAE_IDENTITY, VAE_PARAM_CELL, 0, -3},
            {2, VAE_POISSON, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE},
            {2, VAE_LAPLACE, VAE_SIGMOID, VAE_PARAM_CELL, ANY_SCALE},
            {1, VAE_CBERNOULLI, VAE_IDENTITY, VAE_PARAM_CELL, ANY_SCALE},
            {2, VAE_GAUSS, VAE_SIGMOID, VAE_PARAM_SPAN, -1, -0.9}},
        0},
};

static void must(int status)
{
    if (status != VAE_OK) {
        fprintf(stderr, "status %d: %s\n", status, vae_last_error());
        exit(1);
    }
}

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        exit(1);
    return memory;
}

/* ---- models ---- */

static const struct recipe *recipe_of(const char *name)
{
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
        if (strcmp(recipes[i].name, name) == 0)
            return &recipes[i];
    fprintf(stderr, "no model %s\n", name);
    exit(1);
}

static uint64_t set_spans(const struct recipe *recipe, vae_span *spans)
{
    uint64_t x_dim = 0;
    for (size_t i = 0; i < MOST_SPANS; i++) {
        vae_span_init(&spans[i], sizeof spans[i]);
        spans[i].columns = recipe->span[i].columns;
        spans[i].likelihood = recipe->span[i].likelihood;
        spans[i].mean_activation = recipe->span[i].mean_activation;
        spans[i].scale = recipe->span[i].scale;
        spans[i].scale_value = recipe->span[i].scale_value;
        spans[i].scale_min = recipe->span[i].scale_min;
        x_dim += spans[i].columns;
    }
    return x_dim;
}

static vae_model *create(const struct recipe *recipe)
{
    static const uint64_t widths[MOST_LAYERS] = {9, 8, 7};
    vae_layer encoder[MOST_LAYERS], decoder[MOST_LAYERS];
    vae_span spans[MOST_SPANS];
    vae_config config;
    vae_model *model;
    for (size_t i = 0; i < recipe->hidden; i++) {
        vae_layer_init(&encoder[i], sizeof encoder[i]);
        encoder[i].units = widths[i];
        int gates = recipe->activation[i] >= GATED(VAE_ACTIVATION_DEFAULT);
        encoder[i].kind = gates ? VAE_LAYER_GATED : VAE_LAYER_DENSE;
        encoder[i].activation = recipe->activation[i] - (gates ? GATE : 0);
        encoder[i].slope = 0.125;
        decoder[recipe->hidden - 1 - i] = encoder[i];
    }
    vae_config_init(&config, sizeof config);
    config.x_dim = set_spans(recipe, spans);
    config.z_dim = Z_DIM;
    config.seed = 11;
    if (recipe->activation[0] >= GATED(VAE_ACTIVATION_DEFAULT)) {
        config.z_logvar_min = -0.1;
        config.z_logvar_max = -0.06;
    }
    if (recipe->prior != 0) {
        config.prior = recipe->prior;
        config.prior_components = 5;
    }
    config.encoder = encoder;
    config.decoder = decoder;
    config.n_encoder = config.n_decoder = recipe->hidden;
    config.spans = recipe->spans > 0 ? spans : NULL;
    config.n_spans = recipe->spans;
    if (recipe->spans == 0) {
        config.likelihood = spans[0].likelihood;
        config.mean_activation = spans[0].mean_activation;
    }
    must(vae_create(&model, &config, NULL, NULL));
    return model;
}

static int is_count(const vae_model *model, uint64_t column)
{
    vae_span span;
    uint64_t at = 0;
    for (uint64_t i = 0;; i++, at += span.columns) {
        vae_span_init(&span, sizeof span);
        must(vae_get_span(model, i, &span));
        if (column < at + span.columns)
            return span.likelihood == VAE_POISSON;
    }
}

/* Uniform in (0, 1); whole numbers 0 to 40 in columns of a Poisson likelihood. The caller frees them. */
static float *make_rows(const vae_model *model, uint64_t seed)
{
    uint64_t x_dim = vae_x_dim(model);
    float *x = room((size_t)(ROWS * x_dim), sizeof *x);
    for (uint64_t i = 0; i < ROWS * x_dim; i++) {
        uint32_t word;
        must(vae_random_u32(seed, 0, i, 1, &word));
        x[i] = is_count(model, i % x_dim) ? (float)(word % 41) : (float)((word >> 9) + 1) * 0x1p-24f;
    }
    return x;
}

static void train(vae_model *model)
{
    for (uint64_t step = 0; step < STEPS; step++) {
        float *x = make_rows(model, 100 + step);
        must(vae_step(model, x, ROWS, NULL));
        free(x);
    }
}

/* ---- answers ---- */

static void put_floats(const char *name, const float *values, uint64_t count)
{
    printf("\"%s\": [", name);
    for (uint64_t i = 0; i < count; i++)
        printf("%s%.9g", i > 0 ? ", " : "", (double)values[i]);
    printf("],\n");
}

static void put_doubles(const char *name, const double *values, uint64_t count)
{
    printf("\"%s\": [", name);
    for (uint64_t i = 0; i < count; i++)
        printf("%s%.17g", i > 0 ? ", " : "", values[i]);
    printf("],\n");
}

/* The noise of vae_infer()'s draws, as the header defines it. */
static void put_noise(uint64_t seed)
{
    float noise[DRAWS * ROWS * Z_DIM];
    for (uint64_t s = 0; s < DRAWS; s++)
        must(vae_normal(
            seed, (uint64_t)VAE_STREAM_EVALUATE << 56 | s << 40, 0, ROWS * Z_DIM, noise + s * ROWS * Z_DIM));
    put_floats("noise", noise, DRAWS * ROWS * Z_DIM);
}

/* At z = mu, without noise. */
static void put_at_mu(vae_model *model, const vae_batch *batch)
{
    size_t cells = ROWS * (size_t)vae_x_dim(model);
    double elbo[ROWS], loglik[ROWS], kl[ROWS];
    float mu[ROWS * Z_DIM], logvar[ROWS * Z_DIM], *x_mean = room(3 * cells, sizeof *x_mean);
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = 0;
    outputs.elbo = elbo;
    outputs.loglik = loglik;
    outputs.kl = kl;
    outputs.mu = mu;
    outputs.logvar = logvar;
    outputs.x_mean = x_mean;
    outputs.x_location = x_mean + cells;
    outputs.x_scale = x_mean + 2 * cells;
    must(vae_infer(model, batch, &outputs, NULL));
    put_doubles("elbo_at_mu", elbo, ROWS);
    put_doubles("loglik_at_mu", loglik, ROWS);
    put_doubles("kl", kl, ROWS);
    put_floats("mu", mu, ROWS * Z_DIM);
    put_floats("logvar", logvar, ROWS * Z_DIM);
    put_floats("x_mean", outputs.x_mean, cells);
    put_floats("x_location", outputs.x_location, cells);
    put_floats("x_scale", outputs.x_scale, cells);
    free(x_mean);
}

static void put_answers(vae_model *model)
{
    vae_config config;
    vae_batch batch;
    double elbo[ROWS];
    float *x = make_rows(model, 1);
    vae_config_init(&config, sizeof config);
    must(vae_get_config(model, &config));
    vae_batch_init(&batch, sizeof batch);
    batch.n = ROWS;
    batch.x = x;
    printf("{\n");
    put_floats("x", x, ROWS * config.x_dim);
    put_noise(config.seed);
    put_at_mu(model, &batch);
    must(vae_elbo(model, x, ROWS, DRAWS, elbo, NULL));
    put_doubles("elbo", elbo, ROWS);
    printf("\"rows\": %d, \"draws\": %d, \"z_dim\": %d, \"x_dim\": %d\n}\n", ROWS, DRAWS, Z_DIM,
        (int)config.x_dim);
    free(x);
}

int main(int argc, char **argv)
{
    vae_model *model = NULL;
    const char *what = argc > 1 ? argv[1] : "";
    if (argc == 2 && strcmp(what, "list") == 0) {
        for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
            printf("%s\n", recipes[i].name);
        return 0;
    }
    if (argc == 4 && strcmp(what, "make") == 0) {
        model = create(recipe_of(argv[2]));
        train(model);
        must(vae_set_metadata(model, "made by", "models.c"));
        must(vae_save(model, argv[3], 0));
    } else if (argc == 3 && strcmp(what, "read") == 0) {
        must(vae_load(&model, argv[2], NULL));
    } else if (argc == 4 && strcmp(what, "import") == 0) {
        model = create(recipe_of(argv[2]));
        must(vae_import(model, argv[3], NULL, 0));
    } else {
        fprintf(stderr, "usage: models list | make NAME FILE | read FILE | import NAME FILE\n");
        return 2;
    }
    put_answers(model);
    vae_destroy(model);
    return 0;
}
