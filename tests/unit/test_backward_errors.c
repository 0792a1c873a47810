/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every error of vae_backward(): the status, words that name the argument, outputs and model untouched;
 * an open gradient stays open unless a value was NaN or infinite. What is ignored is not read.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { N = 5, XS = N * X_DIM, ZS = N * Z_DIM };

/* Spans as in plan_mixed(): Bernoulli [4], Gauss by cell [3], Gauss by span [2], Poisson [4]. */
struct scene {
    vae_model *model, *twin; /* the twin sees no error */
    float *x, z[ZS], mu[ZS], logvar[ZS], location[XS], scale[XS], gx[XS], gz[ZS];
    vae_batch batch;
    vae_adjoints all;
};

static void scene_open(struct scene *s)
{
    struct plan plan;
    plan_mixed(&plan, VAE_TANH);
    s->model = model_of(&plan);
    s->twin = model_of(&plan);
    s->x = rows_for(s->model, N, 1);
    must(vae_normal(4, 1, 0, ZS, s->z));
    must(vae_normal(4, 2, 0, ZS, s->mu));
    must(vae_normal(4, 3, 0, ZS, s->logvar));
    must(vae_normal(4, 4, 0, XS, s->location));
    must(vae_normal(4, 5, 0, XS, s->scale));
    for (int i = 0; i < XS; i++)
        s->gx[i] = s->gz[i % ZS] = 9;
    s->batch = batch_of(s->model, s->x, N);
    s->batch.z = s->z;
    s->all = (vae_adjoints){sizeof s->all, s->mu, s->logvar, s->location, s->scale, NULL, s->gx, s->gz, NULL};
}

/* The model goes on as its twin does. */
static void scene_close(struct scene *s)
{
    same_models(s->model, s->twin);
    train_some(s->model, 3, N);
    train_some(s->twin, 3, N);
    same_models(s->model, s->twin);
    free(s->x);
    vae_destroy(s->model);
    vae_destroy(s->twin);
}

static void untouched_outputs(const struct scene *s)
{
    for (int i = 0; i < XS; i++)
        ck_assert(s->gx[i] == 9 && s->gz[i % ZS] == 9);
}

static void words(const char *a, const char *b)
{
    ck_assert_msg(strstr(vae_last_error(), "vae_backward: ") == vae_last_error() &&
                      strstr(vae_last_error(), a) && (!b || strstr(vae_last_error(), b)),
        "\"%s\" lacks %s or %s", vae_last_error(), a, b ? b : "");
}

/* Found before the pass: a gradient that is open stays what it is. */
static void refused(struct scene *s, vae_model *model, const vae_batch *batch, const vae_adjoints *adjoints,
    int status, const char *a, const char *b)
{
    vae_batch rows = batch_of(s->model, s->x, N);
    size_t bytes = (size_t)vae_param_count(s->model) * sizeof *s->x;
    must(vae_grad(s->model, &rows, NULL));
    float *before = grads_of(s->model);
    ck_assert_int_eq(vae_backward(model, batch, adjoints), status);
    words(a, b);
    float *after = grads_of(s->model);
    ck_assert_mem_eq(before, after, bytes);
    untouched_outputs(s);
    free(before);
    free(after);
}

START_TEST(who_may)
{
    struct scene s;
    struct plan plan;
    scene_open(&s);
    plan_mixed(&plan, VAE_TANH);
    plan.runtime.inference_only = 1;
    vae_model *view = view_of(s.model, 16), *reader = model_of(&plan);
    refused(&s, NULL, &s.batch, &s.all, VAE_ERR_ARG, "model", "NULL");
    refused(&s, view, &s.batch, &s.all, VAE_ERR_STATE, "view", NULL);
    refused(&s, reader, &s.batch, &s.all, VAE_ERR_STATE, "inference_only", NULL);
    refused(&s, s.model, NULL, &s.all, VAE_ERR_ARG, "batch", "NULL");
    refused(&s, s.model, &s.batch, NULL, VAE_ERR_ARG, "adjoints", "NULL");
    vae_destroy(view);
    vae_destroy(reader);
    scene_close(&s);
}
END_TEST

#define REFUSED(STRUCT, FIELD, VALUE, STATUS, A, B)                                                          \
    do {                                                                                                     \
        vae_batch batch = s.batch;                                                                           \
        vae_adjoints all = s.all;                                                                            \
        STRUCT.FIELD = VALUE;                                                                                \
        refused(&s, s.model, &batch, &all, STATUS, A, B);                                                    \
    } while (0)

START_TEST(fields_of_calls)
{
    static uint8_t known[XS];
    static float c[N];
    struct scene s;
    scene_open(&s);
    REFUSED(batch, n, 17, VAE_ERR_ARG, "n is 17", "at most max_batch, 16");
    REFUSED(batch, n, UINT64_MAX, VAE_ERR_ARG, "n", NULL);
    REFUSED(batch, ldx, X_DIM - 1, VAE_ERR_ARG, "ldx", "13");
    REFUSED(batch, ldz, Z_DIM - 1, VAE_ERR_ARG, "ldz", "3");
    REFUSED(batch, source, VAE_FROM_PRIOR, VAE_ERR_ARG, "source", NULL);
    REFUSED(batch, source, 7, VAE_ERR_ARG, "source", "7");
    REFUSED(batch, c, c, VAE_ERR_ARG, "batch.c", NULL);
    REFUSED(all, c, c, VAE_ERR_ARG, "adjoints.c", NULL);
    REFUSED(batch, observed, known, VAE_ERR_UNSUPPORTED, "observed", NULL);
    REFUSED(batch, reserved, 1, VAE_ERR_ABI, "reserved", NULL);
    REFUSED(batch, size, sizeof batch - 8, VAE_ERR_ABI, "batch.size", NULL);
    REFUSED(all, size, sizeof all - 8, VAE_ERR_ABI, "adjoints.size", "vae_adjoints_init");
    REFUSED(all, size, sizeof all + 4, VAE_ERR_ABI, "adjoints.size", NULL);
    scene_close(&s);
}
END_TEST

/* Each adjoint by itself, without what it needs. */
START_TEST(what_adjoints_need)
{
    static const char *const names[] = {"mu", "logvar", "x_location", "x_scale", "x_shape"};
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < 5; i++) {
        vae_adjoints one = {.size = sizeof one};
        const float **const fields[] = {&one.mu, &one.logvar, &one.x_location, &one.x_scale, &one.x_shape};
        vae_batch batch = s.batch;
        *fields[i] = s.scale;
        if (i < 2)
            batch.x = NULL;
        else
            batch.z = NULL;
        refused(&s, s.model, &batch, &one, VAE_ERR_ARG, names[i], i < 2 ? "batch.x" : "batch.z");
        batch.n = 0;
        must(vae_backward(s.model, &batch, &one));
    }
    scene_close(&s);
}
END_TEST

/* A program newer than the library: what the library lacks must be zero. */
START_TEST(larger_structs)
{
    struct {
        vae_adjoints known;
        uint64_t added;
    } newer;
    struct scene s;
    scene_open(&s);
    newer.known = s.all;
    newer.known.size = sizeof newer;
    newer.added = 1;
    refused(&s, s.model, &s.batch, &newer.known, VAE_ERR_ABI, "adjoints", "72");
    newer.added = 0;
    must(vae_backward(s.model, &s.batch, &newer.known));
    ck_assert(s.gx[0] != 9 && s.gz[0] != 9);
    scene_close(&s);
}
END_TEST

/* ---- NaN and infinity ---- */

/* The gradient is closed, nothing was written. */
static void not_finite(struct scene *s, const char *a, const char *b)
{
    for (int open = 0; open < 2; open++) {
        if (open)
            must(vae_backward(s->model, &s->batch, &(vae_adjoints){.size = sizeof(vae_adjoints)}));
        ck_assert_int_eq(vae_backward(s->model, &s->batch, &s->all), VAE_ERR_NONFINITE);
        words(a, b);
        ck_assert_ptr_null(vae_grad_buffer(s->model, NULL));
        ck_assert_int_eq(vae_apply(s->model, NULL), VAE_ERR_STATE);
        untouched_outputs(s);
    }
}

START_TEST(values_that_go_in)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        struct scene s;
        scene_open(&s);
        struct {
            float *at;
            const char *name, *place;
        } const values[] = {{s.mu + 4, "adjoints.mu", "row 1, column 1"},
            {s.logvar + 8, "adjoints.logvar", "row 2, column 2"},
            {s.location + XS - 1, "adjoints.x_location", "row 4, column 12"},
            {s.scale + X_DIM + 5, "adjoints.x_scale", "row 1, column 5"},
            {s.scale + X_DIM + 8, "adjoints.x_scale", "row 1, column 8"}, {s.x + 2, "x", "row 0, column 2"},
            {s.z + ZS - 1, "z", "row 4, column 2"}};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            float kept = *values[k].at;
            *values[k].at = bad[i];
            not_finite(&s, values[k].name, values[k].place);
            *values[k].at = kept;
        }
        scene_close(&s);
    }
}
END_TEST

/* Rows that the index leads to are checked, others are not, and the words say the row of the call. */
START_TEST(values_by_index)
{
    const uint32_t index[] = {4, 2, 0};
    struct scene s;
    scene_open(&s);
    s.batch.index = index;
    s.batch.n = 3;
    s.x[3 * X_DIM] = s.z[Z_DIM] = NAN;
    must(vae_backward(s.model, &s.batch, &(vae_adjoints){.size = sizeof s.all, .mu = s.mu}));
    must(vae_backward(s.model, &s.batch, &(vae_adjoints){.size = sizeof s.all, .x_scale = s.scale}));
    s.x[4 * X_DIM + 6] = NAN;
    not_finite(&s, "x", "row 0, column 6");
    s.x[3 * X_DIM] = s.x[4 * X_DIM + 6] = s.z[Z_DIM] = 0;
    s.z[2 * Z_DIM + 1] = INFINITY;
    not_finite(&s, "z", "row 1, column 1");
    scene_close(&s);
}
END_TEST

/* What has no scale, what no adjoint asks about, and the columns between rows. */
START_TEST(ignored_values)
{
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < X_DIM; j++)
            if (j < 4 || j >= 9)
                s.scale[i * X_DIM + j] = NAN;
    s.all.x_shape = (float[XS]){NAN};
    must(vae_backward(s.model, &s.batch, &s.all));
    s.x[3] = NAN;
    s.all.mu = s.all.logvar = NULL;
    must(vae_backward(s.model, &s.batch, &s.all));
    s.x[3] = 0.5f;
    s.z[3] = NAN;
    s.all = (vae_adjoints){.size = sizeof s.all, .mu = s.mu};
    must(vae_backward(s.model, &s.batch, &s.all));
    scene_close(&s);
}
END_TEST

static void set_weights(struct scene *s, const char *tensor, float value)
{
    vae_tensor_info info = tensor_of(s->model, tensor);
    float values[512];
    ck_assert_uint_le(info.count, 512);
    for (uint64_t i = 0; i < info.count; i++)
        values[i] = value;
    must(vae_set_tensor(s->model, &info, values));
}

/* Sane rows and adjoints, but weights so large that what comes out overflows, and the gradient does not. */
static void output_overflows(const char *tensor, const char *what)
{
    struct scene s;
    scene_open(&s);
    float *params = params_of(s.model);
    memset(s.x, 0, XS * sizeof *s.x);
    memset(s.z, 0, sizeof s.z);
    for (int i = 0; i < ZS; i++)
        s.mu[i] = s.logvar[i] = 10;
    for (int i = 0; i < XS; i++)
        s.location[i] = s.scale[i] = 1e4f;
    set_weights(&s, tensor, 3e38f);
    not_finite(&s, what, "row 0, column 0");
    must(vae_set_params(s.model, params, vae_param_count(s.model)));
    free(params);
    scene_close(&s);
}

START_TEST(values_that_come_out)
{
    output_overflows("encoder.0.weight", "the derivative by x");
    output_overflows("decoder.0.weight", "the derivative by z");
}
END_TEST

START_TEST(gradients_that_overflow)
{
    struct scene s;
    scene_open(&s);
    s.all.mu = s.all.logvar = NULL;
    for (int i = 0; i < XS; i++)
        s.location[i] = 1e20f; /* finite, its square not */
    not_finite(&s, "gradient of decoder.", ", element ");
    scene_close(&s);
}
END_TEST

/* A gradient that the program has spoilt is no better after a sum. */
START_TEST(spoilt_buffer)
{
    struct scene s;
    scene_open(&s);
    vae_batch rows = batch_of(s.model, s.x, N);
    must(vae_grad(s.model, &rows, NULL));
    vae_grad_buffer(s.model, NULL)[0] = NAN;
    ck_assert_int_eq(vae_backward(s.model, &s.batch, &s.all), VAE_ERR_NONFINITE);
    words("gradient of ", "nan");
    ck_assert_ptr_null(vae_grad_buffer(s.model, NULL));
    untouched_outputs(&s);
    must(vae_backward(s.model, &s.batch, &s.all)); /* begins at zero */
    must(vae_apply(s.model, NULL));
    must(vae_backward(s.twin, &s.batch, &s.all));
    must(vae_apply(s.twin, NULL));
    scene_close(&s);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {who_may, fields_of_calls, what_adjoints_need, larger_structs, values_that_go_in,
        values_by_index, ignored_values, values_that_come_out, gradients_that_overflow, spoilt_buffer};
    return RUN_SUITE("backward-errors", tests);
}
