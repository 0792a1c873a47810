/* SPDX-License-Identifier: BSD-2-Clause
 * The public structs: sizes and defaults of each. Defaults stand in the header's comments, too.
 */
#include "defaults.h"

#include <vae/vae.h>

static const vae_layer layer = {.kind = VAE_LAYER_DENSE,
    .activation = VAE_ACTIVATION_DEFAULT,
    .slope = 0.01,
    .epsilon = 1e-5,
    .momentum = 0.1,
    .dropout = 0.5};
static const vae_span span = {.likelihood = VAE_BERNOULLI,
    .mean_activation = VAE_IDENTITY,
    .scale = VAE_PARAM_CELL,
    .shape = VAE_PARAM_CELL,
    .scale_min = -1e30,
    .levels = 256,
    .input = VAE_INPUT_PLAIN};
static const vae_config config = {.likelihood = VAE_BERNOULLI,
    .mean_activation = VAE_IDENTITY,
    .prior = VAE_PRIOR_NORMAL,
    .z_logvar_min = -1e30,
    .z_logvar_max = 1e30,
    .init = VAE_INIT_TORCH,
    .init_scale = 1};
static const vae_training training = {.objective = VAE_ELBO,
    .estimator = VAE_ESTIMATOR_DEFAULT,
    .samples = 1,
    .estimates = 1,
    .kl_weight = 1,
    .optimizer = VAE_ADAM,
    .learning_rate = 1e-3,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8};
static const vae_runtime runtime = {.max_batch = 128, .threads = 1};
static const vae_batch batch = {.source = VAE_FROM_DATA};
static const vae_outputs outputs = {.samples = 1};
static const vae_adjoints adjoints = {0};
static const vae_terms terms = {0};
static const vae_tensor_info tensor_info = {0};
static const vae_import_rule import_rule = {.their_step = 1, .factor = 1};

/* A struct that grows keeps the size of 0.1.0 as its least. */
#define STRUCT(NAME)                                                                                         \
    const struct vae_struct vae_##NAME##_struct = {#NAME, sizeof(vae_##NAME), sizeof(vae_##NAME), &NAME}

STRUCT(layer);
STRUCT(span);
STRUCT(config);
STRUCT(training);
STRUCT(runtime);
STRUCT(batch);
STRUCT(outputs);
STRUCT(adjoints);
STRUCT(terms);
STRUCT(tensor_info);
STRUCT(import_rule);
