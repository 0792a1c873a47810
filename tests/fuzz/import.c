/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. vae_import(). An input is one byte of options and a file.
 *
 * Options: bits 0, 1 and 4 are the model; bit 2: rules of the program's own, instead of those for common
 * names; bit 3: with rules, one of them asks for a name with a quote, which is never found.
 */
#include "fuzz.h"
#include "memory.h"

#include <string.h>

enum { MODELS = 7, X_DIM = 6, Z_DIM = 2, HIDDEN = 5, COMPONENTS = 3 };

static const struct recipe {
    size_t layers;
    int32_t likelihood, scale, kind, prior;
} recipes[MODELS] = {{1, VAE_BERNOULLI, VAE_PARAM_CELL, VAE_LAYER_DENSE, VAE_PRIOR_NORMAL},
    {0, VAE_BERNOULLI, VAE_PARAM_CELL, VAE_LAYER_DENSE, VAE_PRIOR_NORMAL},
    {2, VAE_GAUSS, VAE_PARAM_CELL, VAE_LAYER_DENSE, VAE_PRIOR_NORMAL},
    {1, VAE_LAPLACE, VAE_PARAM_SPAN, VAE_LAYER_DENSE, VAE_PRIOR_NORMAL},
    {1, VAE_BERNOULLI, VAE_PARAM_CELL, VAE_LAYER_GATED, VAE_PRIOR_NORMAL},
    {0, VAE_BERNOULLI, VAE_PARAM_CELL, VAE_LAYER_DENSE, VAE_PRIOR_MIXTURE},
    {1, VAE_BERNOULLI, VAE_PARAM_CELL, VAE_LAYER_DENSE, VAE_PRIOR_VAMP}};

/* Options that name no model: the first one. */
static size_t chosen(int options)
{
    size_t model = (size_t)((options & 3) | (options >> 2 & 4));
    return model < MODELS ? model : 0;
}

static vae_model *create(const struct recipe *recipe, const vae_runtime *runtime)
{
    vae_layer layers[2];
    vae_span span;
    vae_config config;
    vae_model *model;
    for (size_t i = 0; i < 2; i++) {
        vae_layer_init(&layers[i], sizeof layers[i]);
        layers[i].kind = recipe->kind;
        layers[i].units = HIDDEN;
    }
    vae_span_init(&span, sizeof span);
    span.columns = X_DIM;
    span.likelihood = recipe->likelihood;
    span.scale = recipe->scale;
    vae_config_init(&config, sizeof config);
    config.x_dim = X_DIM;
    config.z_dim = Z_DIM;
    config.encoder = config.decoder = layers;
    config.n_encoder = config.n_decoder = recipe->layers;
    config.spans = &span;
    config.n_spans = 1;
    config.prior = recipe->prior;
    config.prior_components = recipe->prior == VAE_PRIOR_NORMAL ? 0 : COMPONENTS;
    EXPECT(vae_create(&model, &config, NULL, runtime) == VAE_OK);
    return model;
}

/* For the first model: PyTorch's own names, with two heads. */
static size_t make_rules(vae_import_rule *rules)
{
    static const char *const names[][2] = {{"encoder.0.weight", "fc1.weight"}, {"encoder.0.bias", "fc1.bias"},
        {"encoder.1.weight", "fc21.weight"}, {"encoder.1.bias", "fc21.bias"},
        {"encoder.1.weight", "fc22.weight"}, {"encoder.1.bias", "fc22.bias"},
        {"decoder.0.weight", "fc3.weight"}, {"decoder.0.bias", "fc3.bias"},
        {"decoder.1.weight", "fc4.weight"}, {"decoder.1.bias", "fc4.bias"}};
    size_t count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++) {
        vae_import_rule_init(&rules[i], sizeof rules[i]);
        rules[i].ours = names[i][0];
        rules[i].theirs = names[i][1];
        rules[i].first_row = strncmp(names[i][1], "fc22", 4) == 0 ? Z_DIM : 0;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_memory memory = {0, SIZE_MAX};
    static vae_model *models[MODELS];
    float before[512], after[512];
    vae_import_rule rules[16];
    if (size < 1)
        return 0;
    vae_runtime runtime = fuzz_runtime(&memory);
    vae_model **model = &models[chosen(data[0])];
    size_t count = data[0] & 4 ? make_rules(rules) : 0;
    int impossible = count > 0 && data[0] & 8;
    if (impossible)
        rules[0].theirs = "fc1.weight\"";
    memory.most = SIZE_MAX;
    if (!*model)
        *model = create(&recipes[chosen(data[0])], &runtime);
    uint64_t params = vae_param_count(*model);
    EXPECT(params <= 512 && vae_get_params(*model, before, params) == VAE_OK);
    size_t live = memory.live;
    memory.most = live + fuzz_most(size - 1);
    int status = vae_import(*model, fuzz_file(data + 1, size - 1), count > 0 ? rules : NULL, count);
    EXPECT(status != VAE_OK || !impossible);
    EXPECT(memory.live == live && vae_get_params(*model, after, params) == VAE_OK);
    if (status != VAE_OK) {
        EXPECT(status == VAE_ERR_FORMAT || status == VAE_ERR_UNSUPPORTED || status == VAE_ERR_ARG);
        EXPECT(strncmp(vae_last_error(), "vae_import", 10) == 0);
        EXPECT(memcmp(before, after, params * sizeof *before) == 0);
    }
    for (uint64_t i = 0; i < params; i++)
        EXPECT(after[i] - after[i] == 0);
    return 0;
}
