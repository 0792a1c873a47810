/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every error path of the calls of section 3 of the header but memory, NaN and data: the status, words
 * that name function and argument with its limit, outputs and model untouched, an open gradient included.
 * Creation is in test_settings.c and test_run_settings.c, what vae_infer() may combine in test_infer.c.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { BATCH = 4, VALUES = ROWS * X_DIM };

/* `status` was meant to be `expected`, and the words to have each of up to three others. */
static void failed(int status, int expected, const char *a, const char *b, const char *c)
{
    const char *const words[] = {a, b, c};
    ck_assert_msg(status == expected, "%s %s: status %d, not %d", a, b ? b : "", status, expected);
    ck_assert_msg(strncmp(vae_last_error(), "vae_", 4) == 0, "\"%s\" names no function", vae_last_error());
    for (int i = 0; i < 3; i++)
        ck_assert_msg(!words[i] || strstr(vae_last_error(), words[i]), "\"%s\" lacks \"%s\"",
            vae_last_error(), words[i] ? words[i] : "");
}

/* A model with an open gradient, its view, a model that is only read, and outputs that hold a pattern. */
struct scene {
    vae_model *model, *view, *read_only;
    float *x, *before, *grads;
    vae_batch batch;
    vae_terms terms;
    float out[VALUES], more[VALUES];
    double real[VALUES];
    uint64_t count;
};

static void scene_open(struct scene *s)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    s->model = model_of(&plan);
    plan.runtime.inference_only = 1;
    s->read_only = model_of(&plan);
    s->view = view_of(s->model, 2);
    s->x = rows_for(s->model, 2 * BATCH, 1);
    s->batch = batch_of(s->model, s->x, BATCH);
    must(vae_grad(s->model, &s->batch, NULL));
    s->before = params_of(s->model);
    s->grads = grads_of(s->model);
    s->count = vae_param_count(s->model);
    s->terms = (vae_terms){sizeof(vae_terms), 9, 9, 9, 9, 9};
    for (int i = 0; i < VALUES; i++) {
        s->out[i] = s->more[i] = 9;
        s->real[i] = 9;
    }
}

/* Nothing was written, nothing has changed, and the gradient is still there to be applied. */
static void scene_close(struct scene *s)
{
    const vae_terms terms = {sizeof(vae_terms), 9, 9, 9, 9, 9};
    for (int i = 0; i < VALUES; i++)
        ck_assert(s->out[i] == 9 && s->more[i] == 9 && s->real[i] == 9);
    ck_assert_mem_eq(&s->terms, &terms, sizeof terms);
    float *params = params_of(s->model), *grads = grads_of(s->model);
    ck_assert_mem_eq(params, s->before, (size_t)s->count * sizeof *params);
    ck_assert_mem_eq(grads, s->grads, (size_t)s->count * sizeof *grads);
    ck_assert_uint_eq(vae_steps(s->model), 0);
    must(vae_apply(s->model, NULL));
    free(params);
    free(grads);
    free(s->before);
    free(s->grads);
    free(s->x);
    vae_destroy(s->view);
    vae_destroy(s->read_only);
    vae_destroy(s->model);
}

START_TEST(share_errors)
{
    struct scene s;
    vae_model *view = (vae_model *)&view;
    vae_runtime runtime;
    const uint64_t no_batch[] = {0, (uint64_t)1 << 30, UINT64_MAX};
    scene_open(&s);
    failed(vae_share(NULL, s.model, NULL), VAE_ERR_ARG, "vae_share", "view", "NULL");
    failed(vae_share(&view, NULL, NULL), VAE_ERR_ARG, "vae_share", "owner", "NULL");
    ck_assert_ptr_null(view);
    for (int i = 0; i < 3; i++) {
        view = (vae_model *)&view;
        vae_runtime_init(&runtime, sizeof runtime);
        runtime.max_batch = no_batch[i];
        failed(vae_share(&view, s.model, &runtime), VAE_ERR_ARG, "vae_share", "max_batch", "1 to 1073741823");
        ck_assert_ptr_null(view);
    }
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.threads = 1025;
    view = (vae_model *)&view;
    failed(vae_share(&view, s.view, &runtime), VAE_ERR_ARG, "vae_share", "threads", "1 to 1024");
    ck_assert_ptr_null(view);
    vae_destroy(NULL);
    scene_close(&s);
}
END_TEST

/* ---- training ---- */

typedef int batch_call(vae_model *, const vae_batch *, vae_terms *);
static batch_call *const batch_calls[] = {vae_step_batch, vae_grad, vae_grad_add};
static const char *const batch_names[] = {"vae_step_batch", "vae_grad", "vae_grad_add"};

static void who_may_train(struct scene *s)
{
    failed(vae_step(NULL, s->x, 1, &s->terms), VAE_ERR_ARG, "vae_step", "model", "NULL");
    failed(vae_step(s->model, NULL, 1, &s->terms), VAE_ERR_ARG, "vae_step", "x", "NULL");
    failed(vae_step(s->model, s->x, 0, &s->terms), VAE_ERR_ARG, "vae_step", "n", "1 to max_batch, 16");
    failed(vae_step(s->model, s->x, 17, &s->terms), VAE_ERR_ARG, "vae_step", "n is 17", "1 to max_batch, 16");
    failed(vae_step(s->view, s->x, 1, &s->terms), VAE_ERR_STATE, "vae_step", "view", NULL);
    failed(vae_step(s->read_only, s->x, 1, &s->terms), VAE_ERR_STATE, "vae_step", "inference", NULL);
    for (int i = 0; i < 3; i++) {
        failed(batch_calls[i](NULL, &s->batch, &s->terms), VAE_ERR_ARG, batch_names[i], "model", "NULL");
        failed(batch_calls[i](s->view, &s->batch, &s->terms), VAE_ERR_STATE, batch_names[i], "view", NULL);
        failed(batch_calls[i](s->read_only, &s->batch, &s->terms), VAE_ERR_STATE, batch_names[i], "inference",
            NULL);
        failed(batch_calls[i](s->model, NULL, &s->terms), VAE_ERR_ARG, batch_names[i], "batch", "NULL");
    }
}

/* One field of a batch that the first two refuse. */
#define BATCH_REFUSED(FIELD, VALUE, STATUS, NAME, LIMIT)                                                     \
    do {                                                                                                     \
        vae_batch one = s->batch;                                                                            \
        one.FIELD = VALUE;                                                                                   \
        for (int call = 0; call < 2; call++)                                                                 \
            failed(batch_calls[call](s->model, &one, &s->terms), STATUS, batch_names[call], NAME, LIMIT);    \
    } while (0)

static void fields_of_training_batches(struct scene *s)
{
    float z[BATCH * Z_DIM] = {0};
    const uint8_t observed[VALUES] = {0};
    BATCH_REFUSED(n, 0, VAE_ERR_ARG, "n is 0", "1 to max_batch, 16");
    BATCH_REFUSED(n, 17, VAE_ERR_ARG, "n is 17", "1 to max_batch, 16");
    BATCH_REFUSED(n, UINT64_MAX, VAE_ERR_ARG, "n", NULL);
    BATCH_REFUSED(ldx, X_DIM - 1, VAE_ERR_ARG, "ldx is 12", "13");
    BATCH_REFUSED(ldx, SIZE_MAX / 8, VAE_ERR_ARG, "address space", NULL);
    BATCH_REFUSED(x, NULL, VAE_ERR_ARG, "x", "NULL");
    BATCH_REFUSED(z, z, VAE_ERR_ARG, "z", NULL);
    BATCH_REFUSED(c, z, VAE_ERR_ARG, "batch.c", "NULL");
    BATCH_REFUSED(observed, observed, VAE_ERR_UNSUPPORTED, "batch.observed", NULL);
    BATCH_REFUSED(source, VAE_FROM_PRIOR, VAE_ERR_ARG, "source", NULL);
    BATCH_REFUSED(source, 2, VAE_ERR_ARG, "source", NULL);
    BATCH_REFUSED(source, -1, VAE_ERR_ARG, "source", NULL);
    BATCH_REFUSED(reserved, 1, VAE_ERR_ABI, "batch.reserved", NULL);
}

/* What neither a weight nor a total may be. */
static const double numbers_not[] = {NAN, INFINITY, -INFINITY, -1};

static void weights_of_training_batches(struct scene *s)
{
    float weight[BATCH] = {0};
    BATCH_REFUSED(weight, weight, VAE_ERR_ARG, "weight", NULL); /* all of them 0 */
    for (int i = 0; i < 4; i++) {
        BATCH_REFUSED(total_weight, numbers_not[i], VAE_ERR_ARG, "total_weight", "finite");
        for (int at = 0; at < BATCH; at += BATCH - 1) {
            for (int j = 0; j < BATCH; j++)
                weight[j] = j == at ? (float)numbers_not[i] : 1;
            BATCH_REFUSED(weight, weight, VAE_ERR_ARG, "weight", "finite");
        }
    }
}

START_TEST(training_errors)
{
    struct scene s;
    scene_open(&s);
    who_may_train(&s);
    fields_of_training_batches(&s);
    weights_of_training_batches(&s);
    scene_close(&s);
}
END_TEST

START_TEST(update_errors)
{
    struct scene s;
    vae_training training;
    scene_open(&s);
    vae_training_init(&training, sizeof training);
    failed(vae_apply(NULL, s.real), VAE_ERR_ARG, "vae_apply", "model", "NULL");
    failed(vae_apply(s.view, s.real), VAE_ERR_STATE, "vae_apply", "view", NULL);
    failed(vae_apply(s.read_only, s.real), VAE_ERR_STATE, "vae_apply", "inference", NULL);
    failed(vae_set_training(NULL, &training), VAE_ERR_ARG, "vae_set_training", "model", "NULL");
    failed(vae_set_training(s.model, NULL), VAE_ERR_ARG, "vae_set_training", "training", "NULL");
    failed(vae_set_training(s.view, &training), VAE_ERR_STATE, "vae_set_training", "view", NULL);
    failed(vae_set_training(s.read_only, &training), VAE_ERR_STATE, "vae_set_training", "inference", NULL);
    training.samples = 2;
    failed(vae_set_training(s.model, &training), VAE_ERR_ARG, "vae_set_training", "samples", "max_draws");
    training.samples = 1;
    training.learning_rate = 0;
    must(vae_set_training(s.model, &training)); /* and the gradient stays open */
    scene_close(&s);
}
END_TEST

/* The gradient is open after vae_grad() alone, and applied once. */
START_TEST(gradient_states)
{
    struct plan plan;
    uint64_t length = 9;
    double norm = 9;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, BATCH, 1), *grads = params_of(model);
    uint64_t count = vae_param_count(model);
    vae_batch batch = batch_of(model, x, BATCH);
    for (int round = 0; round < 4; round++) {
        failed(vae_apply(model, &norm), VAE_ERR_STATE, "vae_apply", "vae_grad", NULL);
        failed(vae_get_grads(model, grads, count), VAE_ERR_STATE, "vae_get_grads", "vae_grad", NULL);
        ck_assert_ptr_null(vae_grad_buffer(model, &length));
        ck_assert(strstr(vae_last_error(), "vae_grad") && length == 9 && norm == 9);
        must(vae_grad(model, &batch, NULL));
        must(vae_get_grads(model, grads, count));
        ck_assert_ptr_nonnull(vae_grad_buffer(model, NULL));
        if (round == 1)
            must(vae_step(model, x, BATCH, NULL));
        else if (round == 2)
            must(vae_step_batch(model, &batch, NULL));
        else
            must(vae_apply(model, NULL));
        ck_assert_uint_eq(vae_steps(model), (uint64_t)round + 1);
    }
    free(x);
    free(grads);
    vae_destroy(model);
}
END_TEST

/* ---- reading ---- */

static void short_bounds(struct scene *s)
{
    failed(vae_elbo(NULL, s->x, 2, 1, s->real, &s->terms), VAE_ERR_ARG, "vae_elbo", "model", "NULL");
    failed(vae_elbo(s->model, NULL, 2, 1, s->real, &s->terms), VAE_ERR_ARG, "vae_elbo", "x", "NULL");
    failed(vae_elbo(s->model, s->x, SIZE_MAX / 8, 1, s->real, &s->terms), VAE_ERR_ARG, "vae_elbo", "n",
        "address");
    failed(vae_score(NULL, s->x, 2, 0, s->real), VAE_ERR_ARG, "vae_score", "model", "NULL");
    failed(vae_score(s->model, NULL, 2, 0, s->real), VAE_ERR_ARG, "vae_score", "x", "NULL");
    failed(vae_score(s->model, s->x, 2, 0, NULL), VAE_ERR_ARG, "vae_score", "score", "NULL");
    failed(vae_score(s->view, s->x, SIZE_MAX, 0, s->real), VAE_ERR_ARG, "vae_score", "n", "address");
}

static void short_codes(struct scene *s)
{
    failed(vae_encode(NULL, s->x, 2, s->out, s->more), VAE_ERR_ARG, "vae_encode", "model", "NULL");
    failed(vae_encode(s->model, NULL, 2, s->out, s->more), VAE_ERR_ARG, "vae_encode", "x", "NULL");
    failed(vae_encode(s->model, s->x, 2, NULL, s->more), VAE_ERR_ARG, "vae_encode", "mu", "NULL");
    failed(vae_encode(s->model, s->x, SIZE_MAX, s->out, NULL), VAE_ERR_ARG, "vae_encode", "n", "address");
    failed(vae_decode(NULL, s->x, 2, s->out), VAE_ERR_ARG, "vae_decode", "model", "NULL");
    failed(vae_decode(s->model, NULL, 2, s->out), VAE_ERR_ARG, "vae_decode", "z", "NULL");
    failed(vae_decode(s->model, s->x, 2, NULL), VAE_ERR_ARG, "vae_decode", "x_mean", "NULL");
    failed(vae_decode(s->model, s->x, SIZE_MAX / 8, s->out), VAE_ERR_ARG, "vae_decode", "n", "address");
    failed(vae_reconstruct(NULL, s->x, 2, s->out), VAE_ERR_ARG, "vae_reconstruct", "model", "NULL");
    failed(vae_reconstruct(s->model, NULL, 2, s->out), VAE_ERR_ARG, "vae_reconstruct", "x", "NULL");
    failed(vae_reconstruct(s->model, s->x, 2, NULL), VAE_ERR_ARG, "vae_reconstruct", "x_mean", "NULL");
    failed(vae_sample_mean(NULL, 1, 2, s->out), VAE_ERR_ARG, "vae_sample_mean", "model", "NULL");
    failed(vae_sample_mean(s->model, 1, 2, NULL), VAE_ERR_ARG, "vae_sample_mean", "x_mean", "NULL");
    failed(
        vae_sample_mean(s->model, 1, SIZE_MAX / 16, s->out), VAE_ERR_ARG, "vae_sample_mean", "n", "address");
}

START_TEST(short_reading_errors)
{
    struct scene s;
    scene_open(&s);
    short_bounds(&s);
    short_codes(&s);
    scene_close(&s);
}
END_TEST

/* All answers of a batch are refused, and none is written. */
static void infer_fails(
    struct scene *s, const vae_batch *batch, int status, const char *name, const char *limit)
{
    struct answers a;
    failed(ask(s->model, batch, 1, ALL_ANSWERS, &a), status, "vae_infer", name, limit);
    untouched(&a, ALL_ANSWERS, name);
}

#define INFER_REFUSED(FIELD, VALUE, STATUS, NAME, LIMIT)                                                     \
    do {                                                                                                     \
        vae_batch one = s->batch;                                                                            \
        one.FIELD = VALUE;                                                                                   \
        infer_fails(s, &one, STATUS, NAME, LIMIT);                                                           \
    } while (0)

static void fields_of_reading_batches(struct scene *s)
{
    const uint8_t observed[VALUES] = {0};
    float weight[BATCH] = {1, 1, 1, NAN}, z[BATCH * Z_DIM] = {0};
    struct answers a;
    INFER_REFUSED(n, UINT64_MAX, VAE_ERR_ARG, "n", NULL);
    INFER_REFUSED(n, SIZE_MAX / 16, VAE_ERR_ARG, "address", NULL);
    INFER_REFUSED(ldx, X_DIM - 1, VAE_ERR_ARG, "ldx is 12", "13");
    INFER_REFUSED(ldx, SIZE_MAX / 8, VAE_ERR_ARG, "address space", NULL);
    INFER_REFUSED(x, NULL, VAE_ERR_ARG, "x", "NULL");
    INFER_REFUSED(c, s->x, VAE_ERR_ARG, "batch.c", "NULL");
    INFER_REFUSED(observed, observed, VAE_ERR_UNSUPPORTED, "batch.observed", NULL);
    INFER_REFUSED(source, 2, VAE_ERR_ARG, "source", NULL);
    INFER_REFUSED(source, -1, VAE_ERR_ARG, "source", NULL);
    INFER_REFUSED(reserved, 1, VAE_ERR_ABI, "batch.reserved", NULL);
    INFER_REFUSED(weight, weight, VAE_ERR_ARG, "weight", "finite");
    for (int i = 0; i < 4; i++)
        INFER_REFUSED(total_weight, numbers_not[i], VAE_ERR_ARG, "total_weight", "finite");
    vae_batch given = s->batch;
    given.z = z;
    given.ldz = Z_DIM - 1;
    failed(ask(s->model, &given, 1, ANSWERS_OF_Z, &a), VAE_ERR_ARG, "vae_infer", "ldz is 2", "3");
    untouched(&a, ALL_ANSWERS, "ldz");
}

START_TEST(infer_errors)
{
    struct scene s;
    vae_outputs outputs;
    double *const real = (double[]){9, 9, 9, 9};
    scene_open(&s);
    fields_of_reading_batches(&s);
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.elbo = s.real;
    failed(vae_infer(NULL, &s.batch, &outputs, &s.terms), VAE_ERR_ARG, "vae_infer", "model", "NULL");
    failed(vae_infer(s.model, NULL, &outputs, &s.terms), VAE_ERR_ARG, "vae_infer", "batch", "NULL");
    failed(vae_infer(s.model, &s.batch, NULL, &s.terms), VAE_ERR_ARG, "vae_infer", "outputs", "NULL");
    outputs.samples = 0;
    outputs.log_evidence = real;
    failed(vae_infer(s.model, &s.batch, &outputs, &s.terms), VAE_ERR_ARG, "vae_infer",
        "outputs.samples is 0: must be at least 1", "outputs.log_evidence");
    outputs.log_evidence = NULL;
    outputs.log_evidence_error = real;
    failed(vae_infer(s.model, &s.batch, &outputs, &s.terms), VAE_ERR_ARG, "vae_infer",
        "outputs.samples is 0: must be at least 1", "outputs.log_evidence_error");
    outputs.log_evidence_error = NULL;
    outputs.samples = 1;
    outputs.x_imputed = s.out;
    failed(vae_infer(s.model, &s.batch, &outputs, &s.terms), VAE_ERR_UNSUPPORTED, "vae_infer",
        "outputs.x_imputed", NULL);
    ck_assert(real[0] == 9 && real[3] == 9);
    scene_close(&s);
}
END_TEST

/* ---- parameters and questions ---- */

/* Every place at which a value that is not finite may be. */
static void values_not_finite(struct scene *s)
{
    const float not_finite[] = {NAN, INFINITY, -INFINITY};
    const uint64_t at[] = {0, 1, s->count / 2, s->count - 1};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
            float *params = params_of(s->model);
            for (uint64_t k = 0; k < s->count; k++)
                params[k] = 1;
            params[at[j]] = not_finite[i];
            failed(vae_set_params(s->model, params, s->count), VAE_ERR_ARG, "vae_set_params", "finite", NULL);
            free(params);
        }
}

START_TEST(parameter_errors)
{
    struct scene s;
    scene_open(&s);
    const uint64_t counts_not[] = {0, s.count - 1, s.count + 1};
    failed(vae_get_params(NULL, s.out, s.count), VAE_ERR_ARG, "vae_get_params", "model", "NULL");
    failed(vae_get_params(s.model, NULL, s.count), VAE_ERR_ARG, "vae_get_params", "params", "NULL");
    failed(vae_set_params(NULL, s.before, s.count), VAE_ERR_ARG, "vae_set_params", "model", "NULL");
    failed(vae_set_params(s.model, NULL, s.count), VAE_ERR_ARG, "vae_set_params", "params", "NULL");
    failed(vae_set_params(s.view, s.before, s.count), VAE_ERR_STATE, "vae_set_params", "view", NULL);
    failed(vae_get_grads(NULL, s.out, s.count), VAE_ERR_ARG, "vae_get_grads", "model", "NULL");
    failed(vae_get_grads(s.model, NULL, s.count), VAE_ERR_ARG, "vae_get_grads", "grads", "NULL");
    failed(vae_get_grads(s.view, s.out, s.count), VAE_ERR_STATE, "vae_get_grads", "view", NULL);
    failed(vae_get_grads(s.read_only, s.out, s.count), VAE_ERR_STATE, "vae_get_grads", "inference", NULL);
    for (int i = 0; i < 3; i++) {
        failed(vae_get_params(s.model, s.out, counts_not[i]), VAE_ERR_ARG, "vae_get_params", "count",
            "vae_param_count");
        failed(vae_set_params(s.model, s.out, counts_not[i]), VAE_ERR_ARG, "vae_set_params", "count",
            "vae_param_count");
        failed(vae_get_grads(s.model, s.out, counts_not[i]), VAE_ERR_ARG, "vae_get_grads", "count",
            "vae_param_count");
    }
    values_not_finite(&s);
    scene_close(&s);
}
END_TEST

/* The calls that fill a struct: no model, no struct, no such index. */
START_TEST(struct_errors)
{
    struct scene s;
    vae_config config;
    vae_training training;
    vae_layer layer;
    vae_span span;
    scene_open(&s);
    vae_config_init(&config, sizeof config);
    vae_training_init(&training, sizeof training);
    vae_layer_init(&layer, sizeof layer);
    vae_span_init(&span, sizeof span);
    layer.units = span.columns = config.x_dim = training.samples = 9;
    failed(vae_get_config(NULL, &config), VAE_ERR_ARG, "vae_get_config", "model", "NULL");
    failed(vae_get_config(s.model, NULL), VAE_ERR_ARG, "vae_get_config", "config", "NULL");
    failed(vae_get_training(NULL, &training), VAE_ERR_ARG, "vae_get_training", "model", "NULL");
    failed(vae_get_training(s.view, NULL), VAE_ERR_ARG, "vae_get_training", "training", "NULL");
    failed(vae_get_layer(NULL, 0, 0, &layer), VAE_ERR_ARG, "vae_get_layer", "model", "NULL");
    failed(vae_get_layer(s.model, 0, 0, NULL), VAE_ERR_ARG, "vae_get_layer", "layer", "NULL");
    failed(vae_get_layer(s.model, 2, 0, &layer), VAE_ERR_ARG, "vae_get_layer", "decoder", NULL);
    failed(vae_get_layer(s.model, -1, 0, &layer), VAE_ERR_ARG, "vae_get_layer", "decoder", NULL);
    failed(vae_get_layer(s.view, 0, 1, &layer), VAE_ERR_ARG, "vae_get_layer", "index is 1", NULL);
    failed(vae_get_layer(s.model, 1, UINT64_MAX, &layer), VAE_ERR_ARG, "vae_get_layer", "index", NULL);
    failed(vae_get_span(NULL, 0, &span), VAE_ERR_ARG, "vae_get_span", "model", "NULL");
    failed(vae_get_span(s.model, 0, NULL), VAE_ERR_ARG, "vae_get_span", "span", "NULL");
    failed(vae_get_span(s.view, 1, &span), VAE_ERR_ARG, "vae_get_span", "index is 1", NULL);
    ck_assert(layer.units == 9 && span.columns == 9 && config.x_dim == 9 && training.samples == 9);
    scene_close(&s);
}
END_TEST

START_TEST(question_errors)
{
    struct scene s;
    uint64_t number = 9;
    vae_tensor_info info, plain;
    scene_open(&s);
    vae_tensor_info_init(&info, sizeof info);
    vae_tensor_info_init(&plain, sizeof plain);
    failed(vae_tensor(NULL, 0, &info), VAE_ERR_ARG, "vae_tensor", "model", "NULL");
    failed(vae_tensor(s.model, 0, NULL), VAE_ERR_ARG, "vae_tensor", "info", "NULL");
    failed(vae_tensor(s.model, 8, &info), VAE_ERR_ARG, "vae_tensor", "index is 8", "8");
    failed(vae_tensor(s.view, UINT64_MAX, &info), VAE_ERR_ARG, "vae_tensor", "index", "8");
    ck_assert_mem_eq(&info, &plain, sizeof info);
    ck_assert_ptr_null(vae_grad_buffer(NULL, &number));
    ck_assert(strstr(vae_last_error(), "model"));
    ck_assert_ptr_null(vae_grad_buffer(s.view, &number));
    ck_assert(strstr(vae_last_error(), "view"));
    ck_assert_ptr_null(vae_grad_buffer(s.read_only, &number));
    ck_assert(strstr(vae_last_error(), "inference") && number == 9);
    ck_assert_uint_eq(vae_param_count(NULL) | vae_tensor_count(NULL) | vae_x_dim(NULL) | vae_z_dim(NULL), 0);
    ck_assert_uint_eq(vae_steps(NULL), 0);
    scene_close(&s);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {share_errors, training_errors, update_errors, gradient_states,
        short_reading_errors, infer_errors, parameter_errors, struct_errors, question_errors};
    return RUN_SUITE("errors", tests);
}
