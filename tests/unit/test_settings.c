/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every field of vae_config, vae_layer and vae_span: the ends of its range, choices that do not exist,
 * values that this version does not serve, and fields that contradict one another. The words name function
 * and field.
 */
#include "../support/refused.h"
#include "../support/runner.h"

#include <float.h>

/* ---- the configuration ---- */

START_TEST(config_counts)
{
    REFUSED(config.x_dim, 0, VAE_ERR_ARG, WIDTHS);
    REFUSED(config.x_dim, (uint64_t)1 << 30, VAE_ERR_ARG, WIDTHS);
    REFUSED(config.z_dim, 0, VAE_ERR_ARG, WIDTHS);
    REFUSED(config.z_dim, UINT64_MAX, VAE_ERR_ARG, WIDTHS);
    REFUSED(config.c_dim, 1, VAE_ERR_UNSUPPORTED, NULL);
    REFUSED(config.n_encoder, 65536, VAE_ERR_ARG, "65535");
    REFUSED(config.n_decoder, SIZE_MAX, VAE_ERR_ARG, "65535");
    REFUSED(config.encoder, NULL, VAE_ERR_ARG, "NULL");
    REFUSED(config.decoder, NULL, VAE_ERR_ARG, "NULL");
    REFUSED(config.spans, NULL, VAE_ERR_ARG, "NULL");
    REFUSED(config.n_spans, 14, VAE_ERR_ARG, "13");
    REFUSED(config.prior_components, 1, VAE_ERR_ARG, "must be 0");
    struct plan plan;
    base(&plan);
    plan.config.n_encoder = plan.config.n_decoder = 0;
    plan.config.encoder = plan.config.decoder = NULL;
    accepted(&plan);
}
END_TEST

static void check_components(int32_t prior)
{
    static const uint64_t wrong[] = {0, (uint64_t)1 << 30, UINT64_MAX};
    struct plan plan;
    base(&plan);
    plan.config.prior = prior;
    for (size_t k = 0; k < 3; k++) {
        plan.config.prior_components = wrong[k];
        refused(&plan, VAE_ERR_ARG, "config.prior_components", "1 to 1073741823");
    }
    plan.config.prior_components = 1;
    accepted(&plan);
}

START_TEST(config_choices)
{
    for (int32_t i = -1; i <= 4; i++) {
        if (i < VAE_PRIOR_NORMAL || i > VAE_PRIOR_VAMP)
            REFUSED(config.prior, i, VAE_ERR_ARG, NULL);
        else if (i != VAE_PRIOR_NORMAL)
            check_components(i);
    }
    REFUSED(config.standardise, 1, VAE_ERR_UNSUPPORTED, NULL);
    REFUSED(config.standardise, 2, VAE_ERR_ARG, NULL);
    REFUSED(config.standardise, -1, VAE_ERR_ARG, NULL);
    REFUSED(config.init, 0, VAE_ERR_ARG, NULL);
    REFUSED(config.init, 5, VAE_ERR_ARG, NULL);
    REFUSED(config.init, -1, VAE_ERR_ARG, NULL);
    REFUSED(config.reserved, 1, VAE_ERR_ABI, NULL);
    for (int32_t i = VAE_INIT_TORCH; i <= VAE_INIT_NORMAL; i++)
        ACCEPTED(config.init, i);
}
END_TEST

START_TEST(config_reals)
{
    for (int i = 0; i < NEVER; i++)
        REFUSED(config.init_scale, never[i], VAE_ERR_ARG, "1e30");
    REFUSED(config.init_scale, -DBL_MIN, VAE_ERR_ARG, "1e30");
    ACCEPTED(config.init_scale, 0.0);
    ACCEPTED(config.init_scale, 1e-30);
    ACCEPTED(config.seed, UINT64_MAX);
}
END_TEST

START_TEST(limits_of_log_variances)
{
    struct plan plan;
    for (int i = 0; i < NEVER; i++) {
        REFUSED(config.z_logvar_min, never[i], VAE_ERR_ARG, "-1e30 to 1e4");
        REFUSED(config.z_logvar_max, never[i], VAE_ERR_ARG, "-1e4 to 1e30");
    }
    REFUSED(config.z_logvar_min, nextafter(-1e30, -INFINITY), VAE_ERR_ARG, "-1e30 to 1e4");
    REFUSED(config.z_logvar_min, nextafter(1e4, INFINITY), VAE_ERR_ARG, "-1e30 to 1e4");
    REFUSED(config.z_logvar_max, nextafter(-1e4, -INFINITY), VAE_ERR_ARG, "-1e4 to 1e30");
    REFUSED(config.z_logvar_max, nextafter(1e30, INFINITY), VAE_ERR_ARG, "-1e4 to 1e30");
    ACCEPTED(config.z_logvar_min, 1e4);
    ACCEPTED(config.z_logvar_max, -1e4);
    base(&plan);
    plan.config.z_logvar_min = plan.config.z_logvar_max = -1.5;
    accepted(&plan);
    plan.config.z_logvar_max = nextafter(-1.5, -2);
    refused(&plan, VAE_ERR_ARG, "config.z_logvar_max", "at least z_logvar_min");
}
END_TEST

/* Without spans the two fields are those of all columns; with spans they stay as they are. */
START_TEST(likelihood_of_all_columns)
{
    REFUSED(config.likelihood, VAE_GAUSS, VAE_ERR_ARG, "span");
    REFUSED(config.mean_activation, VAE_SIGMOID, VAE_ERR_ARG, NULL);
    for (int32_t i = -1; i <= 11; i++) {
        struct plan plan;
        base(&plan);
        plan.config.n_spans = 0;
        plan.config.spans = NULL;
        plan.config.likelihood = i;
        if (i < VAE_BERNOULLI || i > VAE_DISCRETIZED_LOGISTIC)
            refused(&plan, VAE_ERR_ARG, "config.likelihood", NULL);
        else if (i > VAE_CBERNOULLI)
            refused(&plan, VAE_ERR_UNSUPPORTED, "config.likelihood", NULL);
        else
            accepted(&plan);
        plan.config.mean_activation = VAE_SIGMOID;
        if (i == VAE_GAUSS || i == VAE_LAPLACE)
            accepted(&plan);
        else if (i == VAE_BERNOULLI || i == VAE_POISSON || i == VAE_CBERNOULLI)
            refused(&plan, VAE_ERR_ARG, "config.mean_activation", "VAE_IDENTITY");
    }
}
END_TEST

/* ---- layers ---- */

START_TEST(layers)
{
    for (int32_t i = -1; i <= 5; i++) {
        if (i < VAE_LAYER_DENSE || i > VAE_LAYER_DROPOUT)
            REFUSED(decoder[1].kind, i, VAE_ERR_ARG, NULL);
        else if (i == VAE_LAYER_GATED)
            ACCEPTED(decoder[1].kind, i);
        else if (i > VAE_LAYER_GATED)
            REFUSED(decoder[1].kind, i, VAE_ERR_UNSUPPORTED, NULL);
    }
    REFUSED(encoder[1].activation, -2, VAE_ERR_ARG, NULL);
    REFUSED(encoder[1].activation, VAE_ELU + 1, VAE_ERR_ARG, NULL);
    for (int32_t i = VAE_ACTIVATION_DEFAULT; i <= VAE_ELU; i++)
        ACCEPTED(encoder[1].activation, i);
    REFUSED(encoder[0].units, 0, VAE_ERR_ARG, WIDTHS);
    REFUSED(encoder[1].units, (uint64_t)1 << 30, VAE_ERR_ARG, WIDTHS);
    for (int i = 0; i < NEVER; i++)
        REFUSED(decoder[0].slope, never[i], VAE_ERR_ARG, "0 to 1");
    REFUSED(decoder[1].slope, -DBL_MIN, VAE_ERR_ARG, "0 to 1");
    REFUSED(decoder[1].slope, nextafter(1, 2), VAE_ERR_ARG, "0 to 1");
    ACCEPTED(decoder[1].slope, 0.0);
    ACCEPTED(decoder[1].slope, 1.0);
}
END_TEST

START_TEST(default_activation_is_relu)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_ACTIVATION_DEFAULT, 2);
    vae_model *model = model_of(&plan);
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 2);
    vae_model *relu = model_of(&plan);
    train_some(model, 3, 16);
    train_some(relu, 3, 16);
    same_models(model, relu);
    vae_destroy(model);
    vae_destroy(relu);
}
END_TEST

/* ---- spans ---- */

static void span_refused(int32_t likelihood, int32_t scale, int32_t shape, int status, const char *field)
{
    struct plan plan;
    base(&plan);
    plan.spans[0].likelihood = likelihood;
    plan.spans[0].scale = scale;
    plan.spans[0].shape = shape;
    refused(&plan, status, field, NULL);
}

START_TEST(span_choices)
{
    REFUSED(spans[0].likelihood, 0, VAE_ERR_ARG, NULL);
    REFUSED(spans[0].likelihood, 11, VAE_ERR_ARG, NULL);
    for (int32_t i = VAE_CATEGORICAL; i <= VAE_DISCRETIZED_LOGISTIC; i++)
        REFUSED(spans[0].likelihood, i, VAE_ERR_UNSUPPORTED, NULL);
    for (int32_t i = -1; i <= VAE_ELU + 1; i++)
        if (i != VAE_IDENTITY && i != VAE_SIGMOID)
            REFUSED(spans[0].mean_activation, i, VAE_ERR_ARG, NULL);
    REFUSED(spans[0].scale, -1, VAE_ERR_ARG, NULL);
    REFUSED(spans[0].scale, 4, VAE_ERR_ARG, NULL);
    REFUSED(spans[0].scale, VAE_PARAM_COLUMN, VAE_ERR_UNSUPPORTED, NULL);
    const int32_t without[] = {VAE_BERNOULLI, VAE_POISSON, VAE_CBERNOULLI};
    for (int i = 0; i < 3; i++) {
        for (int32_t source = VAE_PARAM_COLUMN; source <= VAE_PARAM_FIXED; source++)
            span_refused(without[i], source, 0, VAE_ERR_ARG, "spans[0].scale");
        span_refused(without[i], 0, VAE_PARAM_FIXED, VAE_ERR_ARG, "spans[0].shape");
    }
    span_refused(VAE_GAUSS, 0, VAE_PARAM_COLUMN, VAE_ERR_ARG, "spans[0].shape");
    REFUSED(spans[0].input, VAE_INPUT_LOG1P, VAE_ERR_UNSUPPORTED, NULL);
    REFUSED(spans[0].input, 2, VAE_ERR_ARG, NULL);
    REFUSED(spans[0].input, -1, VAE_ERR_ARG, NULL);
    REFUSED(spans[0].reserved, 1, VAE_ERR_ABI, NULL);
}
END_TEST

START_TEST(span_reals)
{
    for (int i = 0; i < NEVER; i++) {
        REFUSED(spans[0].scale_value, never[i], VAE_ERR_ARG, "1e4");
        REFUSED(spans[0].shape_value, never[i], VAE_ERR_ARG, "1e4");
        REFUSED(spans[0].scale_min, never[i], VAE_ERR_ARG, "-1e30 to 1e4");
    }
    REFUSED(spans[0].scale_value, 1e4, VAE_ERR_ARG, "1e4");
    REFUSED(spans[0].scale_value, -1e4, VAE_ERR_ARG, "1e4");
    REFUSED(spans[0].shape_value, 1e4, VAE_ERR_ARG, "1e4");
    REFUSED(spans[0].shape_value, -1e4, VAE_ERR_ARG, "1e4");
    REFUSED(spans[0].scale_min, nextafter(1e4, 2e4), VAE_ERR_ARG, "-1e30 to 1e4");
    REFUSED(spans[0].scale_min, nextafter(-1e30, -2e30), VAE_ERR_ARG, "-1e30 to 1e4");
    ACCEPTED(spans[0].scale_value, nextafter(1e4, 0));
    ACCEPTED(spans[0].scale_value, nextafter(-1e4, 0));
    ACCEPTED(spans[0].shape_value, nextafter(1e4, 0));
    ACCEPTED(spans[0].shape_value, nextafter(-1e4, 0));
    ACCEPTED(spans[0].scale_min, 1e4);
    ACCEPTED(spans[0].scale_min, -1e30);
}
END_TEST

/* The columns of all spans are those of x: not more, not fewer, and none is empty. */
START_TEST(columns_of_spans)
{
    REFUSED(spans[0].columns, 0, VAE_ERR_ARG, NULL);
    REFUSED(spans[0].columns, 14, VAE_ERR_ARG, "13");
    REFUSED(spans[0].columns, UINT64_MAX, VAE_ERR_ARG, "13");
    struct plan plan;
    base(&plan);
    plan.spans[0].columns = 12;
    refused(&plan, VAE_ERR_ARG, "columns", "13");
    plan.config.n_spans = 2;
    refused(&plan, VAE_ERR_ARG, "spans[1].columns", NULL);
    plan.spans[1].columns = 2;
    refused(&plan, VAE_ERR_ARG, "spans[1].columns", NULL);
    plan.spans[1].columns = UINT64_MAX - 11; /* together 0 in 64 bits */
    refused(&plan, VAE_ERR_ARG, "spans[1].columns", NULL);
    plan.spans[1].columns = 1;
    accepted(&plan);
    plan.spans[1].mean_activation = VAE_SIGMOID;
    refused(&plan, VAE_ERR_ARG, "spans[1].mean_activation", "VAE_IDENTITY");
}
END_TEST

static void out_of_memory(const struct plan *plan)
{
    vae_model *model = (vae_model *)&model;
    ck_assert_int_eq(vae_create(&model, &plan->config, &plan->training, &plan->runtime), VAE_ERR_NOMEM);
    ck_assert(strstr(vae_last_error(), "memory"));
    ck_assert_ptr_null(model);
}

/* Sizes whose products do not fit, or that no machine has. */
START_TEST(too_large)
{
    const uint64_t most = ((uint64_t)1 << 30) - 1;
    struct plan plan;
    base(&plan);
    plan.config.x_dim = plan.spans[0].columns = plan.encoder[0].units = plan.encoder[1].units = most;
    out_of_memory(&plan);
    base(&plan);
    plan.config.n_encoder = plan.config.n_decoder = 0;
    plan.config.x_dim = plan.spans[0].columns = plan.runtime.max_batch = most;
    plan.training.samples = 65536;
    out_of_memory(&plan);
}
END_TEST

START_TEST(structs_that_are_not_there)
{
    vae_model *model = (vae_model *)&model;
    struct plan plan;
    base(&plan);
    ck_assert_int_eq(vae_create(&model, NULL, &plan.training, &plan.runtime), VAE_ERR_ARG);
    said("vae_create", "config", "NULL");
    ck_assert_ptr_null(model);
    ck_assert_int_eq(vae_create(NULL, &plan.config, NULL, NULL), VAE_ERR_ARG);
    said("vae_create", "out", "NULL");
    must(vae_create(&model, &plan.config, NULL, NULL));
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {config_counts, config_choices, config_reals, limits_of_log_variances,
        likelihood_of_all_columns, layers, default_activation_is_relu, span_choices, span_reals,
        columns_of_spans, too_large, structs_that_are_not_there};
    return RUN_SUITE("settings", tests);
}
