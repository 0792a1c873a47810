/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every error path of section 3 of the header but memory and NaN: the status, words that name function
 * and argument with its limit, outputs and model untouched.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { ROWS = 4, X = 13, Z = 3, VALUES = ROWS * X };

/* `status` was meant to be `wanted`, and the words to hold each of up to three others. */
static void failed(int status, int wanted, const char *a, const char *b, const char *c)
{
    const char *const words[] = {a, b, c};
    ck_assert_msg(status == wanted, "%s %s: status %d, not %d", a, b ? b : "", status, wanted);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(!words[i] || strstr(vae_last_error(), words[i]), "\"%s\" lacks \"%s\"",
            vae_last_error(), words[i] ? words[i] : "");
}

/* ---- configurations ---- */

static void refused(const vae_config *config, int status, const char *name, const char *limit)
{
    vae_model *model = (vae_model *)&model;
    failed(vae_create(&model, config), status, name, limit, NULL);
    ck_assert_msg(!model, "%s: a model in spite of the error", name);
}

static void accepted(const vae_config *config)
{
    vae_destroy(model_of(config));
}

/* One field set to a value that must be refused, everything else right. */
#define REFUSED(FIELD, VALUE, STATUS, LIMIT)                                                                 \
    do {                                                                                                     \
        struct plan one;                                                                                     \
        plan_init(&one, VAE_GAUSS, VAE_TANH, 2);                                                             \
        one.config.FIELD = VALUE;                                                                            \
        refused(&one.config, STATUS, "config." #FIELD, LIMIT);                                               \
    } while (0)
#define ACCEPTED(FIELD, VALUE)                                                                               \
    do {                                                                                                     \
        struct plan plan;                                                                                    \
        plan_init(&plan, VAE_GAUSS, VAE_TANH, 2);                                                            \
        plan.config.FIELD = VALUE;                                                                           \
        accepted(&plan.config);                                                                              \
    } while (0)

START_TEST(config_counts)
{
    REFUSED(x_dim, 0, VAE_ERR_ARG, "1 to 1073741823");
    REFUSED(x_dim, (uint64_t)1 << 30, VAE_ERR_ARG, "1 to 1073741823");
    REFUSED(z_dim, 0, VAE_ERR_ARG, "1 to 1073741823");
    REFUSED(z_dim, UINT64_MAX, VAE_ERR_ARG, "1 to 1073741823");
    REFUSED(max_batch, 0, VAE_ERR_ARG, "1 to 1073741823");
    REFUSED(max_batch, (uint64_t)1 << 30, VAE_ERR_ARG, "1 to 1073741823");
    REFUSED(train_samples, 0, VAE_ERR_ARG, "1 to 65536");
    REFUSED(train_samples, 65537, VAE_ERR_ARG, "1 to 65536");
    REFUSED(threads, 0, VAE_ERR_ARG, "1 to 1024");
    REFUSED(threads, -1, VAE_ERR_ARG, "1 to 1024");
    REFUSED(threads, 1025, VAE_ERR_ARG, "1 to 1024");
    REFUSED(n_encoder, 65536, VAE_ERR_ARG, "65535");
    REFUSED(n_decoder, UINT64_MAX, VAE_ERR_ARG, "65535");
    REFUSED(encoder, NULL, VAE_ERR_ARG, "NULL");
    REFUSED(decoder, NULL, VAE_ERR_ARG, "NULL");
    ACCEPTED(max_batch, 1);
    ACCEPTED(train_samples, 7);
}
END_TEST

START_TEST(config_choices)
{
    const int32_t likelihoods_not[] = {0, -1, 5}, inits_not[] = {0, 5}, others_not[] = {0, 2, -7};
    for (size_t i = 0; i < 3; i++) {
        REFUSED(likelihood, likelihoods_not[i], VAE_ERR_ARG, NULL);
        REFUSED(optimizer, others_not[i], VAE_ERR_ARG, NULL);
    }
    for (size_t i = 0; i < 2; i++)
        REFUSED(init, inits_not[i], VAE_ERR_ARG, NULL);
    REFUSED(gemm, 0, VAE_ERR_ARG, NULL);
    REFUSED(gemm, 3, VAE_ERR_ARG, NULL);
    for (int32_t activation = -1; activation <= VAE_GELU + 1; activation++)
        if (activation != VAE_IDENTITY && activation != VAE_SIGMOID)
            REFUSED(mean_activation, activation, VAE_ERR_ARG, "VAE_SIGMOID");
    ACCEPTED(mean_activation, VAE_SIGMOID);
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    plan.config.mean_activation = VAE_SIGMOID;
    refused(&plan.config, VAE_ERR_ARG, "config.mean_activation", "Bernoulli");
}
END_TEST

/* The ends of every real field's range, and what has no place in any. */
START_TEST(config_reals)
{
    const double never[] = {NAN, INFINITY, -INFINITY, 1e31, -1e31};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        REFUSED(gauss_logvar, never[i], VAE_ERR_ARG, "1e4");
        REFUSED(init_scale, never[i], VAE_ERR_ARG, "1e30");
        REFUSED(learning_rate, never[i], VAE_ERR_ARG, "1e30");
        REFUSED(beta1, never[i], VAE_ERR_ARG, "1");
        REFUSED(beta2, never[i], VAE_ERR_ARG, "1");
        REFUSED(epsilon, never[i], VAE_ERR_ARG, "1e30");
    }
    REFUSED(gauss_logvar, 1e4, VAE_ERR_ARG, "1e4");
    REFUSED(gauss_logvar, -1e4, VAE_ERR_ARG, "1e4");
    REFUSED(init_scale, -DBL_MIN, VAE_ERR_ARG, "1e30");
    REFUSED(learning_rate, -DBL_MIN, VAE_ERR_ARG, "1e30");
    REFUSED(beta1, -DBL_MIN, VAE_ERR_ARG, "1");
    REFUSED(beta1, 1.0, VAE_ERR_ARG, "1");
    REFUSED(beta2, -DBL_MIN, VAE_ERR_ARG, "1");
    REFUSED(beta2, 1.0, VAE_ERR_ARG, "1");
    REFUSED(epsilon, 0.0, VAE_ERR_ARG, "epsilon");
    REFUSED(epsilon, 1e-38, VAE_ERR_ARG, "1.17549436e-38");
    ACCEPTED(gauss_logvar, nextafter(1e4, 0));
    ACCEPTED(gauss_logvar, nextafter(-1e4, 0));
    ACCEPTED(init_scale, 0.0);
    ACCEPTED(init_scale, 1e30);
    ACCEPTED(learning_rate, 0.0);
    ACCEPTED(learning_rate, 1e30);
    ACCEPTED(beta1, 0.0);
    ACCEPTED(beta2, nextafter(1, 0));
    ACCEPTED(epsilon, (double)FLT_MIN);
    ACCEPTED(epsilon, 1e30);
}
END_TEST

START_TEST(config_layers)
{
    struct plan plan;
    const int32_t kinds_not[] = {0, 2, -1}, activations_not[] = {-1, VAE_GELU + 1};
    for (size_t i = 0; i < 3; i++) {
        plan_init(&plan, VAE_GAUSS, VAE_TANH, 2);
        plan.decoder[1].kind = kinds_not[i];
        refused(&plan.config, VAE_ERR_ARG, "config.decoder[1].kind", NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        plan_init(&plan, VAE_GAUSS, VAE_TANH, 2);
        plan.encoder[1].activation = activations_not[i];
        refused(&plan.config, VAE_ERR_ARG, "config.encoder[1].activation", NULL);
    }
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 2);
    plan.encoder[0].units = 0;
    refused(&plan.config, VAE_ERR_ARG, "config.encoder[0].units", "1 to 1073741823");
    plan.encoder[0].units = (uint64_t)1 << 30;
    refused(&plan.config, VAE_ERR_ARG, "config.encoder[0].units", "1 to 1073741823");
}
END_TEST

static void *no_alloc(void *ctx, size_t size, size_t alignment)
{
    (void)ctx;
    (void)size;
    (void)alignment;
    return NULL;
}

static void no_free(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
}

START_TEST(config_itself)
{
    vae_model *model = (vae_model *)&model;
    struct plan plan;
    failed(vae_create(&model, NULL), VAE_ERR_ARG, "config", "NULL", NULL);
    ck_assert_ptr_null(model);
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 2);
    failed(vae_create(NULL, &plan.config), VAE_ERR_ARG, "vae_create", "out", "NULL");
    plan.config.allocator.alloc = no_alloc;
    refused(&plan.config, VAE_ERR_ARG, "config.allocator", NULL);
    plan.config.allocator = (vae_allocator){NULL, NULL, no_free};
    refused(&plan.config, VAE_ERR_ARG, "config.allocator", NULL);
    if (strstr(vae_build_info(), "blas=none"))
        REFUSED(gemm, VAE_GEMM_CBLAS, VAE_ERR_UNSUPPORTED, "CBLAS");
}
END_TEST

/* Sizes whose products do not fit, or that no machine has. */
START_TEST(config_too_large)
{
    const uint64_t most = ((uint64_t)1 << 30) - 1;
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 2);
    plan.config.x_dim = plan.encoder[0].units = plan.encoder[1].units = most;
    refused(&plan.config, VAE_ERR_NOMEM, "memory", NULL);
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 0);
    plan.config.x_dim = plan.config.max_batch = most;
    plan.config.train_samples = 65536;
    refused(&plan.config, VAE_ERR_NOMEM, "memory", NULL);
}
END_TEST

/* ---- calls ---- */

/* A model, its view, and outputs that hold a pattern. */
struct scene {
    vae_model *model, *view;
    float *x, *before;
    vae_batch batch;
    vae_terms terms;
    float out[VALUES], more[VALUES];
    double real[VALUES];
    uint64_t count;
};

static void scene_open(struct scene *s, int32_t likelihood)
{
    struct plan plan;
    plan_init(&plan, likelihood, VAE_TANH, 1);
    s->model = model_of(&plan.config);
    s->view = view_of(s->model, 2);
    s->x = rows_for(s->model, 2 * ROWS, 1);
    s->batch = batch_of(s->model, s->x, ROWS);
    must(vae_grad(s->model, &s->batch, NULL));
    s->before = params_of(s->model);
    s->count = vae_param_count(s->model);
    s->terms = (vae_terms){sizeof(vae_terms), 9, 9, 9, 9};
    for (int i = 0; i < VALUES; i++) {
        s->out[i] = s->more[i] = 9;
        s->real[i] = 9;
    }
}

/* Nothing was written, nothing has changed, and the gradient is still there to be applied. */
static void scene_close(struct scene *s)
{
    for (int i = 0; i < VALUES; i++)
        ck_assert(s->out[i] == 9 && s->more[i] == 9 && s->real[i] == 9);
    ck_assert(s->terms.elbo == 9 && s->terms.loglik == 9 && s->terms.kl == 9 && s->terms.grad_norm == 9);
    float *params = params_of(s->model);
    ck_assert_int_eq(memcmp(params, s->before, (size_t)s->count * sizeof *params), 0);
    ck_assert_uint_eq(vae_steps(s->model), 0);
    must(vae_apply(s->model));
    free(params);
    free(s->before);
    free(s->x);
    vae_destroy(s->view);
    vae_destroy(s->model);
}

START_TEST(share_errors)
{
    struct scene s;
    vae_model *view = (vae_model *)&view;
    scene_open(&s, VAE_BERNOULLI);
    failed(vae_share(NULL, s.model, 1), VAE_ERR_ARG, "vae_share", "view", "NULL");
    failed(vae_share(&view, NULL, 1), VAE_ERR_ARG, "vae_share", "owner", "NULL");
    ck_assert_ptr_null(view);
    const uint64_t no_batch[] = {0, (uint64_t)1 << 31, UINT64_MAX};
    for (int i = 0; i < 3; i++) {
        view = (vae_model *)&view;
        failed(
            vae_share(&view, s.model, no_batch[i]), VAE_ERR_ARG, "vae_share", "max_batch", "1 to 2147483647");
        ck_assert_ptr_null(view);
    }
    vae_destroy(NULL);
    scene_close(&s);
}
END_TEST

START_TEST(training_errors)
{
    struct scene s;
    scene_open(&s, VAE_BERNOULLI);
    failed(vae_step(NULL, s.x, 1, &s.terms), VAE_ERR_ARG, "vae_step", "model", "NULL");
    failed(vae_step(s.model, NULL, 1, &s.terms), VAE_ERR_ARG, "vae_step", "x", "NULL");
    failed(vae_step(s.model, s.x, 0, &s.terms), VAE_ERR_ARG, "vae_step", "n", "1 to max_batch, 16");
    failed(vae_step(s.model, s.x, 17, &s.terms), VAE_ERR_ARG, "vae_step", "n is 17", "1 to max_batch, 16");
    failed(vae_step(s.view, s.x, 1, &s.terms), VAE_ERR_STATE, "vae_step", "view", NULL);

    int (*const calls[])(vae_model *, const vae_batch *, vae_terms *) = {vae_step_batch, vae_grad};
    const char *const names[] = {"vae_step_batch", "vae_grad"};
    for (int i = 0; i < 2; i++) {
        vae_batch batch = s.batch;
        failed(calls[i](NULL, &batch, &s.terms), VAE_ERR_ARG, names[i], "model", "NULL");
        failed(calls[i](s.view, &batch, &s.terms), VAE_ERR_STATE, names[i], "view", NULL);
        failed(calls[i](s.model, NULL, &s.terms), VAE_ERR_ARG, names[i], "batch", "NULL");
        batch.ldx = X - 1;
        failed(calls[i](s.model, &batch, &s.terms), VAE_ERR_ARG, names[i], "ldx is 12", "x_dim, 13");
        batch.n = 1;
        failed(calls[i](s.model, &batch, &s.terms), VAE_ERR_ARG, names[i], "ldx is 12", "x_dim, 13");
        batch = s.batch;
        batch.ldx = SIZE_MAX / 8;
        failed(calls[i](s.model, &batch, &s.terms), VAE_ERR_ARG, names[i], "address space", NULL);
        batch = s.batch;
        batch.x = NULL;
        failed(calls[i](s.model, &batch, &s.terms), VAE_ERR_ARG, names[i], "x", "NULL");
        batch.n = 0;
        failed(calls[i](s.model, &batch, &s.terms), VAE_ERR_ARG, names[i], "n is 0", "max_batch");
    }
    scene_close(&s);
}
END_TEST

START_TEST(update_errors)
{
    struct scene s;
    const double rates_not[] = {-1, -DBL_MIN, 1.0000001e30, INFINITY, NAN};
    scene_open(&s, VAE_BERNOULLI);
    failed(vae_apply(NULL), VAE_ERR_ARG, "vae_apply", "model", "NULL");
    failed(vae_apply(s.view), VAE_ERR_STATE, "vae_apply", "view", NULL);
    failed(vae_set_learning_rate(NULL, 1), VAE_ERR_ARG, "vae_set_learning_rate", "model", "NULL");
    failed(vae_set_learning_rate(s.view, 1), VAE_ERR_STATE, "vae_set_learning_rate", "view", NULL);
    for (size_t i = 0; i < sizeof rates_not / sizeof *rates_not; i++)
        failed(vae_set_learning_rate(s.model, rates_not[i]), VAE_ERR_ARG, "vae_set_learning_rate",
            "learning_rate", "1e30");
    must(vae_set_learning_rate(s.model, 0));
    must(vae_set_learning_rate(s.model, 1e30));
    scene_close(&s);
}
END_TEST

/* A gradient is there after vae_grad() alone, and applied once. */
START_TEST(gradient_states)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    vae_model *model = model_of(&plan.config);
    float *x = rows_for(model, ROWS, 1), *grads = params_of(model);
    uint64_t count = vae_param_count(model);
    vae_batch batch = batch_of(model, x, ROWS);
    failed(vae_apply(model), VAE_ERR_STATE, "vae_apply", "vae_grad", NULL);
    failed(vae_get_grads(model, grads, count), VAE_ERR_STATE, "vae_get_grads", "vae_grad", NULL);
    must(vae_grad(model, &batch, NULL));
    must(vae_apply(model));
    failed(vae_apply(model), VAE_ERR_STATE, "vae_apply", "vae_grad", NULL);
    must(vae_get_grads(model, grads, count));
    ck_assert_uint_eq(vae_steps(model), 1);
    must(vae_grad(model, &batch, NULL));
    must(vae_step(model, x, ROWS, NULL));
    failed(vae_apply(model), VAE_ERR_STATE, "vae_apply", "vae_grad", NULL);
    failed(vae_get_grads(model, grads, count), VAE_ERR_STATE, "vae_get_grads", "vae_grad", NULL);
    ck_assert_uint_eq(vae_steps(model), 2);
    free(x);
    free(grads);
    vae_destroy(model);
}
END_TEST

START_TEST(bound_errors)
{
    struct scene s;
    scene_open(&s, VAE_BERNOULLI);
    failed(vae_elbo(NULL, s.x, 2, 1, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo", "model", "NULL");
    failed(vae_elbo(s.model, NULL, 2, 1, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo", "x", "NULL");
    failed(vae_elbo(s.model, s.x, 2, 65537, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo", "samples is 65537",
        "65536");
    failed(vae_elbo(s.model, s.x, SIZE_MAX / 8, 1, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo", "n is",
        "address");
    failed(
        vae_elbo_batch(NULL, &s.batch, 1, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo_batch", "model", "NULL");
    failed(
        vae_elbo_batch(s.model, NULL, 1, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo_batch", "batch", "NULL");
    failed(vae_elbo_batch(s.view, &s.batch, 70000, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo_batch",
        "samples", NULL);
    vae_batch batch = s.batch;
    batch.ldx = 0;
    failed(vae_elbo_batch(s.model, &batch, 1, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo_batch", "ldx is 0",
        "13");
    batch.ldx = X;
    batch.x = NULL;
    failed(vae_elbo_batch(s.model, &batch, 1, s.real, &s.terms), VAE_ERR_ARG, "vae_elbo_batch", "x", "NULL");
    failed(vae_score(NULL, s.x, 2, 0, s.real), VAE_ERR_ARG, "vae_score", "model", "NULL");
    failed(vae_score(s.model, NULL, 2, 0, s.real), VAE_ERR_ARG, "vae_score", "x", "NULL");
    failed(vae_score(s.model, s.x, 2, 0, NULL), VAE_ERR_ARG, "vae_score", "score", "NULL");
    failed(vae_score(s.model, s.x, 2, SIZE_MAX, s.real), VAE_ERR_ARG, "vae_score", "samples", "65536");
    failed(vae_latent_kl(NULL, s.x, 2, s.real), VAE_ERR_ARG, "vae_latent_kl", "model", "NULL");
    failed(vae_latent_kl(s.model, NULL, 2, s.real), VAE_ERR_ARG, "vae_latent_kl", "x", "NULL");
    failed(vae_latent_kl(s.model, s.x, 2, NULL), VAE_ERR_ARG, "vae_latent_kl", "kl", "NULL");
    failed(vae_latent_kl(s.model, s.x, SIZE_MAX, s.real), VAE_ERR_ARG, "vae_latent_kl", "n is", "address");
    scene_close(&s);
}
END_TEST

START_TEST(coding_errors)
{
    struct scene s;
    scene_open(&s, VAE_BERNOULLI);
    failed(vae_encode(NULL, s.x, 2, s.out, s.more), VAE_ERR_ARG, "vae_encode", "model", "NULL");
    failed(vae_encode(s.model, NULL, 2, s.out, s.more), VAE_ERR_ARG, "vae_encode", "x", "NULL");
    failed(vae_encode(s.model, s.x, 2, NULL, s.more), VAE_ERR_ARG, "vae_encode", "mu", "NULL");
    failed(vae_encode(s.model, s.x, SIZE_MAX, s.out, NULL), VAE_ERR_ARG, "vae_encode", "n is", "address");
    failed(vae_decode(NULL, s.x, 2, s.out), VAE_ERR_ARG, "vae_decode", "model", "NULL");
    failed(vae_decode(s.model, NULL, 2, s.out), VAE_ERR_ARG, "vae_decode", "z", "NULL");
    failed(vae_decode(s.model, s.x, 2, NULL), VAE_ERR_ARG, "vae_decode", "x_mean", "NULL");
    failed(vae_decode(s.model, s.x, SIZE_MAX / 32, s.out), VAE_ERR_ARG, "vae_decode", "n is", "address");
    failed(vae_decode_params(NULL, s.x, 2, s.out, NULL), VAE_ERR_ARG, "vae_decode_params", "model", "NULL");
    failed(vae_decode_params(s.model, NULL, 2, s.out, NULL), VAE_ERR_ARG, "vae_decode_params", "z", "NULL");
    failed(
        vae_decode_params(s.model, s.x, 2, NULL, NULL), VAE_ERR_ARG, "vae_decode_params", "location", "NULL");
    failed(vae_decode_params(s.view, s.x, 2, s.out, s.more), VAE_ERR_ARG, "vae_decode_params", "logvar",
        "Bernoulli");
    failed(vae_reconstruct(NULL, s.x, 2, s.out), VAE_ERR_ARG, "vae_reconstruct", "model", "NULL");
    failed(vae_reconstruct(s.model, NULL, 2, s.out), VAE_ERR_ARG, "vae_reconstruct", "x", "NULL");
    failed(vae_reconstruct(s.model, s.x, 2, NULL), VAE_ERR_ARG, "vae_reconstruct", "x_mean", "NULL");
    failed(vae_sample(NULL, 1, 2, s.out), VAE_ERR_ARG, "vae_sample", "model", "NULL");
    failed(vae_sample(s.model, 1, 2, NULL), VAE_ERR_ARG, "vae_sample", "x_mean", "NULL");
    failed(vae_sample(s.model, 1, SIZE_MAX / 16, s.out), VAE_ERR_ARG, "vae_sample", "n is", "address");
    scene_close(&s);
}
END_TEST

START_TEST(parameter_errors)
{
    struct scene s;
    scene_open(&s, VAE_BERNOULLI);
    const uint64_t counts_not[] = {0, s.count - 1, s.count + 1};
    failed(vae_get_params(NULL, s.out, s.count), VAE_ERR_ARG, "vae_get_params", "model", "NULL");
    failed(vae_get_params(s.model, NULL, s.count), VAE_ERR_ARG, "vae_get_params", "params", "NULL");
    failed(vae_set_params(NULL, s.before, s.count), VAE_ERR_ARG, "vae_set_params", "model", "NULL");
    failed(vae_set_params(s.model, NULL, s.count), VAE_ERR_ARG, "vae_set_params", "params", "NULL");
    failed(vae_set_params(s.view, s.before, s.count), VAE_ERR_STATE, "vae_set_params", "view", NULL);
    failed(vae_get_grads(NULL, s.out, s.count), VAE_ERR_ARG, "vae_get_grads", "model", "NULL");
    failed(vae_get_grads(s.model, NULL, s.count), VAE_ERR_ARG, "vae_get_grads", "grads", "NULL");
    failed(vae_get_grads(s.view, s.out, s.count), VAE_ERR_STATE, "vae_get_grads", "view", NULL);
    for (int i = 0; i < 3; i++) {
        failed(vae_get_params(s.model, s.out, counts_not[i]), VAE_ERR_ARG, "vae_get_params", "count",
            "vae_param_count");
        failed(vae_set_params(s.model, s.out, counts_not[i]), VAE_ERR_ARG, "vae_set_params", "count",
            "vae_param_count");
        failed(vae_get_grads(s.model, s.out, counts_not[i]), VAE_ERR_ARG, "vae_get_grads", "count",
            "vae_param_count");
    }
    const float values_not[] = {NAN, INFINITY, -INFINITY};
    float *params = params_of(s.model);
    for (int i = 0; i < 3; i++) {
        params[0] = 1;
        params[s.count - 1] = values_not[i];
        failed(vae_set_params(s.model, params, s.count), VAE_ERR_ARG, "vae_set_params", "finite", NULL);
    }
    free(params);
    scene_close(&s);
}
END_TEST

START_TEST(question_errors)
{
    struct scene s;
    uint64_t number = 9, shape[2] = {9, 9};
    const char *name = "before";
    scene_open(&s, VAE_BERNOULLI);
    failed(vae_tensor(NULL, 0, &name, &number, shape), VAE_ERR_ARG, "vae_tensor", "model", "NULL");
    failed(vae_tensor(s.model, 8, &name, &number, shape), VAE_ERR_ARG, "vae_tensor", "index is 8", "8");
    ck_assert_str_eq(name, "before");
    ck_assert_ptr_null(vae_grad_buffer(NULL, &number));
    ck_assert_ptr_null(vae_grad_buffer(s.view, &number));
    ck_assert(strstr(vae_last_error(), "view"));
    ck_assert(number == 9 && shape[0] == 9 && shape[1] == 9);
    ck_assert_uint_eq(vae_param_count(NULL) | vae_tensor_count(NULL) | vae_x_dim(NULL) | vae_z_dim(NULL), 0);
    ck_assert_uint_eq(vae_steps(NULL), 0);
    scene_close(&s);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {config_counts, config_choices, config_reals, config_layers, config_itself,
        config_too_large, share_errors, training_errors, update_errors, gradient_states, bound_errors,
        coding_errors, parameter_errors, question_errors};
    return RUN_SUITE("errors", tests);
}
