/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Gated layers against dense ones, to the bit. A gate whose weights are 0 is sigmoid(c) for all rows: 1
 * where c is large, which leaves the dense layer, and 1/2 where c is 0, which halves what comes out, as
 * halving the next layer's weights does. Values and gradients of golden.txt and differences are elsewhere.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A dense model, and a gated one of the same W and b. */
struct twins {
    vae_model *dense, *gated;
    float scale; /* of every gate */
};

static void copy_tensor(struct twins *t, const char *name, float factor)
{
    vae_tensor_info from = tensor_of(t->dense, name), to = tensor_of(t->gated, name);
    float *values = malloc((size_t)from.count * sizeof *values);
    must(vae_get_tensor(t->dense, name, values, from.count));
    for (uint64_t i = 0; i < from.count; i++)
        values[i] *= factor;
    must(vae_set_tensor(t->gated, &to, values));
    free(values);
}

static void fill_tensor(vae_model *model, const char *name, float value)
{
    vae_tensor_info info = tensor_of(model, name);
    float *values = malloc((size_t)info.count * sizeof *values);
    for (uint64_t i = 0; i < info.count; i++)
        values[i] = value;
    must(vae_set_tensor(model, &info, values));
    free(values);
}

/* Two hidden layers and a head on either side. */
typedef void visit_layer(struct twins *t, const char *layer, int hidden, int first);
static void each_layer(struct twins *t, visit_layer *visit)
{
    static const char *const layers[] = {
        "encoder.0", "encoder.1", "encoder.2", "decoder.0", "decoder.1", "decoder.2"};
    for (int i = 0; i < 6; i++)
        visit(t, layers[i], i % 3 < 2, i % 3 == 0);
}

static void set_layer(struct twins *t, const char *layer, int hidden, int first)
{
    char name[64];
    snprintf(name, sizeof name, "%s.weight", layer);
    copy_tensor(t, name, first ? 1 : 1 / t->scale);
    snprintf(name, sizeof name, "%s.bias", layer);
    copy_tensor(t, name, 1);
    if (!hidden)
        return;
    snprintf(name, sizeof name, "%s.gate.weight", layer);
    fill_tensor(t->gated, name, 0);
    snprintf(name, sizeof name, "%s.gate.bias", layer);
    fill_tensor(t->gated, name, t->scale < 1 ? 0 : 100);
}

static struct twins twins_open(int32_t activation, float scale, int32_t threads)
{
    struct plan plan;
    struct twins t = {.scale = scale};
    plan_init(&plan, VAE_GAUSS, activation, 2);
    plan.training.samples = 2;
    plan.runtime.threads = threads;
    t.dense = model_of(&plan);
    for (int i = 0; i < 2; i++)
        plan.encoder[i].kind = plan.decoder[i].kind = VAE_LAYER_GATED;
    t.gated = model_of(&plan);
    each_layer(&t, set_layer);
    return t;
}

static void twins_close(struct twins *t)
{
    vae_destroy(t->dense);
    vae_destroy(t->gated);
}

/* A tensor's open gradient. */
static float *gradient_of(const vae_model *model, const char *name, uint64_t *count)
{
    vae_tensor_info info = tensor_of(model, name);
    float *all = grads_of(model), *part = malloc((size_t)info.count * sizeof *part);
    memcpy(part, all + info.offset, (size_t)info.count * sizeof *part);
    *count = info.count;
    free(all);
    return part;
}

static void same_gradient(struct twins *t, const char *name, float factor)
{
    uint64_t count, same;
    float *dense = gradient_of(t->dense, name, &count), *gated = gradient_of(t->gated, name, &same);
    ck_assert_uint_eq(count, same);
    for (uint64_t i = 0; i < count; i++)
        ck_assert_msg(dense[i] * factor == gated[i], "%s, element %llu: %a, gated %a", name,
            (unsigned long long)i, (double)dense[i], (double)gated[i]);
    free(dense);
    free(gated);
}

static int is_zero(const vae_model *model, const char *name)
{
    uint64_t count, zeros = 0;
    float *g = gradient_of(model, name, &count);
    for (uint64_t i = 0; i < count; i++)
        zeros += g[i] == 0;
    free(g);
    return zeros == count;
}

/* Behind a gate of 1/2 the operand of a weight's gradient is half of what it was. A gate of 1 has slope 0. */
static void check_layer(struct twins *t, const char *layer, int hidden, int first)
{
    char name[64];
    snprintf(name, sizeof name, "%s.weight", layer);
    same_gradient(t, name, first ? 1 : t->scale);
    snprintf(name, sizeof name, "%s.bias", layer);
    same_gradient(t, name, 1);
    snprintf(name, sizeof name, "%s.gate.weight", layer);
    if (hidden)
        ck_assert_int_eq(is_zero(t->gated, name), t->scale == 1);
    snprintf(name, sizeof name, "%s.gate.bias", layer);
    if (hidden)
        ck_assert_int_eq(is_zero(t->gated, name), t->scale == 1);
}

static void check_twins(int32_t activation, float scale, int32_t threads)
{
    static struct answers a, b;
    struct twins t = twins_open(activation, scale, threads);
    float *x = rows_for(t.dense, ROWS, 4);
    vae_batch batch = batch_of(t.dense, x, ROWS);
    must_ask(t.dense, &batch, 3, ALL_ANSWERS, &a);
    must_ask(t.gated, &batch, 3, ALL_ANSWERS, &b);
    same_answers(&a, &b, ALL_ANSWERS, scale < 1 ? "gates of 1/2" : "gates of 1");
    batch.n = 16;
    must(vae_grad(t.dense, &batch, NULL));
    must(vae_grad(t.gated, &batch, NULL));
    each_layer(&t, check_layer);
    free(x);
    twins_close(&t);
}

START_TEST(constant_gates)
{
    for (int32_t activation = VAE_IDENTITY; activation <= VAE_ELU; activation++)
        for (int32_t threads = 1; threads <= 2; threads++) {
            check_twins(activation, 0.5f, threads);
            check_twins(activation, 1, threads);
        }
}
END_TEST

START_TEST(default_activation_is_the_identity)
{
    vae_model *model[2];
    for (int i = 0; i < 2; i++) {
        struct plan plan;
        plan_init(&plan, VAE_BERNOULLI, i ? VAE_IDENTITY : VAE_ACTIVATION_DEFAULT, 1);
        plan.encoder[0].kind = plan.decoder[0].kind = VAE_LAYER_GATED;
        model[i] = model_of(&plan);
        train_some(model[i], 3, 16);
    }
    same_models(model[0], model[1]);
    vae_destroy(model[0]);
    vae_destroy(model[1]);
}
END_TEST

/* One row at a time takes panels of weights side by side, from either end by turns. */
START_TEST(single_rows)
{
    const uint64_t widths[] = {320, 161};
    double together[ROWS], alone;
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_SILU, 2);
    plan_sizes(&plan, 37, 5, widths, 2);
    plan.encoder[0].kind = plan.encoder[1].kind = plan.decoder[1].kind = VAE_LAYER_GATED;
    for (int inference_only = 0; inference_only < 2; inference_only++) {
        plan.runtime.inference_only = inference_only;
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 6);
        must(vae_score(model, x, ROWS, 0, together));
        for (size_t i = 0; i < ROWS; i++) {
            must(vae_score(model, x + 37 * i, 1, 0, &alone));
            ck_assert_double_eq(alone, together[i]);
        }
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* Gradients of gates do not depend on whether derivatives by what goes into their layers are asked for. */
START_TEST(derivatives_by_inputs_left_out)
{
    static float location[16 * X_DIM], logvar[16 * Z_DIM], gx[16 * X_DIM], gz[16 * Z_DIM];
    float *grads[2], z[16 * Z_DIM];
    must(vae_normal(1, 1, 0, 16 * X_DIM, location));
    must(vae_normal(1, 2, 0, 16 * Z_DIM, logvar));
    must(vae_normal(1, 3, 0, 16 * Z_DIM, z));
    for (int asked = 0; asked < 2; asked++) {
        struct plan plan;
        vae_adjoints adjoints;
        plan_init(&plan, VAE_GAUSS, VAE_TANH, 1);
        plan.encoder[0].kind = plan.decoder[0].kind = VAE_LAYER_GATED;
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, 16, 4);
        vae_batch batch = batch_of(model, x, 16);
        batch.z = z;
        vae_adjoints_init(&adjoints, sizeof adjoints);
        adjoints.logvar = logvar;
        adjoints.x_location = location;
        adjoints.x = asked ? gx : NULL;
        adjoints.z = asked ? gz : NULL;
        must(vae_backward(model, &batch, &adjoints));
        grads[asked] = grads_of(model);
        if (asked)
            ck_assert_mem_eq(grads[0], grads[1], (size_t)vae_param_count(model) * sizeof *grads[0]);
        free(x);
        vae_destroy(model);
    }
    free(grads[0]);
    free(grads[1]);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        constant_gates, default_activation_is_the_identity, single_rows, derivatives_by_inputs_left_out};
    return RUN_SUITE("gated", tests);
}
