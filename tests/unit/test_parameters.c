/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Parameters: names, ranks and shapes of tensors in canonical order, what the weights mean, copies in
 * and out, whole and by tensor. First values are in test_initialisation.c.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tensor {
    const char *name;
    uint64_t units, inputs; /* inputs 0: of rank 1 */
};

static uint64_t elements(const struct tensor *t)
{
    return t->inputs ? t->units * t->inputs : t->units;
}

static vae_tensor_info info_at(const vae_model *model, uint64_t i)
{
    vae_tensor_info info;
    memset(&info, 0xa5, sizeof info);
    info.size = sizeof info;
    must(vae_tensor(model, i, &info));
    return info;
}

static void check_tensors(const vae_model *model, const struct tensor *expected, size_t count)
{
    uint64_t total = 0;
    float *params = params_of(model);
    ck_assert_uint_eq(vae_tensor_count(model), count);
    for (size_t i = 0; i < count; i++) {
        const struct tensor *e = &expected[i];
        vae_tensor_info info = info_at(model, i);
        float values[26 * 19];
        ck_assert_str_eq(info.name, e->name);
        ck_assert_msg(info.rank == (e->inputs ? 2 : 1), "%s: rank %zu", e->name, info.rank);
        ck_assert_uint_eq(info.shape[0], e->units);
        ck_assert_uint_eq(info.shape[1], e->inputs);
        for (int k = 2; k < 8; k++)
            ck_assert_uint_eq(info.shape[k], 0);
        ck_assert_uint_eq(info.offset, total);
        ck_assert_uint_eq(info.count, elements(e));
        ck_assert_uint_eq(info.flags, VAE_TENSOR_LEARNED);
        must(vae_get_tensor(model, e->name, values, info.count));
        ck_assert_mem_eq(values, params + total, (size_t)info.count * sizeof *values);
        total += info.count;
    }
    ck_assert_uint_eq(vae_param_count(model), total);
    free(params);
}

/* Two hidden layers; a head of `head` units, then `scales` learned scales of these names. */
static void check_order(const struct plan *plan, uint64_t head, const char *const *names, size_t scales)
{
    struct tensor list[16] = {
        {"encoder.0.weight", 19, 13},
        {"encoder.0.bias", 19, 0},
        {"encoder.1.weight", 17, 19},
        {"encoder.1.bias", 17, 0},
        {"encoder.2.weight", 6, 17},
        {"encoder.2.bias", 6, 0},
        {"decoder.0.weight", 17, 3},
        {"decoder.0.bias", 17, 0},
        {"decoder.1.weight", 19, 17},
        {"decoder.1.bias", 19, 0},
        {"decoder.2.weight", head, 19},
        {"decoder.2.bias", head, 0},
    };
    for (size_t i = 0; i < scales; i++)
        list[12 + i] = (struct tensor){names[i], 1, 0};
    vae_model *model = model_of(plan), *view = view_of(model, 1);
    check_tensors(model, list, 12 + scales);
    check_tensors(view, list, 12 + scales);
    ck_assert_uint_eq(vae_x_dim(view), 13);
    ck_assert_uint_eq(vae_z_dim(view), 3);
    vae_destroy(view);
    vae_destroy(model);
}

START_TEST(canonical_order)
{
    const char *const first[] = {"spans.0.scale"}, *const two[] = {"spans.1.scale", "spans.3.scale"};
    struct plan plan;
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        int with_scale = likelihoods[kind].kind == VAE_GAUSS || likelihoods[kind].kind == VAE_LAPLACE;
        plan_any(&plan, kind, VAE_RELU);
        check_order(&plan, with_scale && likelihoods[kind].scale == VAE_PARAM_CELL ? 26 : 13, first,
            likelihoods[kind].scale == VAE_PARAM_SPAN);
    }
    plan_mixed(&plan, VAE_RELU);
    plan.encoder[1].kind = plan.decoder[1].kind = VAE_LAYER_DENSE;
    check_order(&plan, 16, (const char *const[]){"spans.2.scale"}, 1);
    plan.spans[1].scale = VAE_PARAM_SPAN;
    plan.spans[2].scale = VAE_PARAM_CELL;
    plan.spans[3].likelihood = VAE_GAUSS;
    plan.spans[3].scale = VAE_PARAM_SPAN;
    check_order(&plan, 15, two, 2);
    const struct tensor heads[] = {{"encoder.0.weight", 6, 13}, {"encoder.0.bias", 6, 0},
        {"decoder.0.weight", 13, 3}, {"decoder.0.bias", 13, 0}};
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 0);
    vae_model *model = model_of(&plan);
    check_tensors(model, heads, 4);
    vae_destroy(model);
}
END_TEST

START_TEST(gated_layers_have_two_matrices)
{
    const struct tensor list[] = {{"encoder.0.weight", 19, 13}, {"encoder.0.bias", 19, 0},
        {"encoder.0.gate.weight", 19, 13}, {"encoder.0.gate.bias", 19, 0}, {"encoder.1.weight", 6, 19},
        {"encoder.1.bias", 6, 0}, {"decoder.0.weight", 19, 3}, {"decoder.0.bias", 19, 0},
        {"decoder.1.weight", 13, 19}, {"decoder.1.bias", 13, 0}};
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan.encoder[0].kind = VAE_LAYER_GATED;
    vae_model *model = model_of(&plan);
    check_tensors(model, list, sizeof list / sizeof *list);
    vae_destroy(model);
}
END_TEST

/* A linear encoder by hand: row u of the weights times x, plus bias u; the first z_dim units are mu. */
START_TEST(weights_are_units_by_inputs)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 0);
    vae_model *model = model_of(&plan);
    float *params = params_of(model), *x = rows_for(model, 1, 2), mu[3], logvar[3];
    must(vae_encode(model, x, 1, mu, logvar));
    for (int unit = 0; unit < 6; unit++) {
        double sum = (double)params[6 * 13 + unit];
        for (int i = 0; i < 13; i++)
            sum += (double)params[unit * 13 + i] * (double)x[i];
        ck_assert_double_eq_tol((double)(unit < 3 ? mu[unit] : logvar[unit - 3]), sum, 1e-6);
    }
    free(params);
    free(x);
    vae_destroy(model);
}
END_TEST

/* ---- copies ---- */

static void check_copies(uint64_t width, uint64_t other)
{
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 1);
    plan_scale(&plan, 0, VAE_PARAM_SPAN);
    plan_sizes(&plan, width, 1 + other % 5, &other, 1);
    vae_model *model = model_of(&plan), *by_tensor = model_of(&plan);
    uint64_t count = vae_param_count(model);
    float *in = malloc((size_t)count * sizeof *in);
    for (uint64_t i = 0; i < count; i++)
        in[i] = (float)i - 0.5f;
    must(vae_set_params(model, in, count));
    float *out = params_of(model);
    ck_assert_mem_eq(in, out, (size_t)count * sizeof *in);
    for (uint64_t i = vae_tensor_count(model); i-- > 0;) {
        vae_tensor_info info = info_at(model, i);
        must(vae_set_tensor(by_tensor, &info, in + info.offset));
        must(vae_get_tensor(by_tensor, info.name, out, info.count));
        ck_assert_mem_eq(out, in + info.offset, (size_t)info.count * sizeof *in);
    }
    same_models(model, by_tensor);
    free(in);
    free(out);
    vae_destroy(model);
    vae_destroy(by_tensor);
}

/* Widths around the panels and cache lines in which the library keeps its weights. */
START_TEST(copies_in_and_out)
{
    const uint64_t sides[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 65};
    for (size_t a = 0; a < sizeof sides / sizeof *sides; a++)
        for (size_t b = 0; b < sizeof sides / sizeof *sides; b++)
            check_copies(sides[a], sides[b]);
}
END_TEST

/* Parameters alone decide what reading calls say: one model's, put into another of a different seed, and into
 * one that is only read. */
START_TEST(copies_decide)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++) {
        struct plan plan;
        double one[5], other[5];
        plan_any(&plan, kind, VAE_SILU);
        vae_model *a = model_of(&plan);
        plan.config.seed = 6;
        plan.runtime.inference_only = kind % 2;
        vae_model *b = model_of(&plan);
        train_some(a, 3, 16);
        float *params = params_of(a), *x = rows_for(a, 5, 3);
        must(vae_set_params(b, params, vae_param_count(b)));
        must(vae_elbo(a, x, 5, 0, one, NULL));
        must(vae_elbo(b, x, 5, 0, other, NULL));
        ck_assert_mem_eq(one, other, sizeof one);
        ck_assert_uint_eq(vae_steps(b), 0);
        vae_tensor_info info = info_at(b, 1);
        must(vae_set_tensor(b, &info, params));
        must(vae_elbo(b, x, 5, 0, other, NULL));
        ck_assert_mem_ne(one, other, sizeof one);
        free(params);
        free(x);
        vae_destroy(a);
        vae_destroy(b);
    }
}
END_TEST

/* Copies of a model's own values between vae_grad() and vae_apply() do not show: moments, step count and the
 * open gradient stay. */
START_TEST(copies_leave_the_rest)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_SILU, 1);
    vae_model *a = model_of(&plan), *b = model_of(&plan);
    train_some(a, 3, 16);
    train_some(b, 3, 16);
    float *params = params_of(a), *x = rows_for(a, 16, 3);
    vae_batch batch = batch_of(a, x, 16);
    must(vae_grad(a, &batch, NULL));
    must(vae_grad(b, &batch, NULL));
    must(vae_set_params(b, params, vae_param_count(b)));
    for (uint64_t i = 0; i < vae_tensor_count(b); i++) {
        vae_tensor_info info = info_at(b, i);
        must(vae_set_tensor(b, &info, params + info.offset));
    }
    float *grads_a = grads_of(a), *grads_b = grads_of(b);
    ck_assert_mem_eq(grads_a, grads_b, (size_t)vae_param_count(a) * sizeof *grads_a);
    must(vae_apply(a, NULL));
    must(vae_apply(b, NULL));
    same_models(a, b);
    train_some(a, 2, 16);
    train_some(b, 2, 16);
    same_models(a, b);
    free(params);
    free(x);
    free(grads_a);
    free(grads_b);
    vae_destroy(a);
    vae_destroy(b);
}
END_TEST

/* ---- what is refused ---- */

static void tensor_refused(
    vae_model *model, const vae_tensor_info *info, const float *values, const char *word)
{
    float *before = params_of(model), *after;
    ck_assert_msg(vae_set_tensor(model, info, values) == VAE_ERR_ARG, "%s", word);
    ck_assert_msg(strstr(vae_last_error(), "vae_set_tensor") && strstr(vae_last_error(), word), "\"%s\"",
        vae_last_error());
    after = params_of(model);
    ck_assert_mem_eq(before, after, (size_t)vae_param_count(model) * sizeof *after);
    free(before);
    free(after);
}

/* A description of the program's own: its own string, and noise in the fields that are ignored. */
static vae_tensor_info info_of(const char *name, size_t rank, uint64_t rows, uint64_t columns)
{
    vae_tensor_info info;
    memset(&info, 0xa5, sizeof info);
    info.size = sizeof info;
    info.name = name;
    info.rank = rank;
    info.shape[0] = rows;
    info.shape[1] = columns;
    return info;
}

static void check_shapes(vae_model *model, const float *values)
{
    char name[] = "encoder.1.weight";
    vae_tensor_info info = info_of(name, 2, 17, 19);
    must(vae_set_tensor(model, &info, values));
    info = info_of("encoder.1.bias", 1, 17, 1);
    must(vae_set_tensor(model, &info, values));
    const struct {
        const char *name;
        size_t rank;
        uint64_t rows, columns;
        const char *word;
    } wrong[] = {{"encoder.1.weight", 2, 19, 17, "shape[0]"}, {"encoder.1.weight", 2, 17, 18, "shape[1]"},
        {"encoder.1.weight", 1, 17, 19, "rank"}, {"encoder.1.weight", 3, 17, 19, "rank"},
        {"encoder.1.weight", 1, 17 * 19, 0, "rank"}, {"encoder.1.weight", 0, 17, 19, "rank"},
        {"encoder.1.weight", SIZE_MAX, 17, 19, "rank"}, {"encoder.1.bias", 2, 17, 1, "rank"},
        {"encoder.1.bias", 1, 18, 0, "shape[0]"}, {"spans.0.scale", 0, 1, 1, "rank"},
        {"spans.0.scale", 1, 13, 1, "shape[0]"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        info = info_of(wrong[i].name, wrong[i].rank, wrong[i].rows, wrong[i].columns);
        tensor_refused(model, &info, values, wrong[i].word);
    }
}

static void check_names(vae_model *model, const float *values)
{
    const char *const wrong[] = {"", "encoder.1.weigh", "encoder.1.weights", "encoder.4.weight",
        "Encoder.1.weight", "spans.1.scale", "decoder.logvar", " encoder.1.weight"};
    float out[17 * 19] = {9, 9, 9};
    vae_tensor_info info;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        info = info_of(wrong[i], 2, 17, 19);
        tensor_refused(model, &info, values, wrong[i]);
        ck_assert_int_eq(vae_get_tensor(model, wrong[i], out, 17 * 19), VAE_ERR_ARG);
        ck_assert(strstr(vae_last_error(), "vae_get_tensor") && strstr(vae_last_error(), wrong[i]));
    }
    info = info_of(NULL, 2, 17, 19);
    tensor_refused(model, &info, values, "NULL");
    const uint64_t counts_not[] = {0, 1, 17 * 19 - 1, 17 * 19 + 1, UINT64_MAX};
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(vae_get_tensor(model, "encoder.1.weight", out, counts_not[i]), VAE_ERR_ARG);
        ck_assert(strstr(vae_last_error(), "count"));
    }
    ck_assert_int_eq(vae_get_tensor(model, NULL, out, 1), VAE_ERR_ARG);
    ck_assert_int_eq(vae_get_tensor(model, "encoder.1.weight", NULL, 17 * 19), VAE_ERR_ARG);
    ck_assert(strstr(vae_last_error(), "values") && out[0] == 9 && out[2] == 9);
}

START_TEST(tensors_refused)
{
    struct plan plan;
    float values[17 * 19];
    plan_any(&plan, KIND_GAUSS_SPAN, VAE_TANH);
    vae_model *model = model_of(&plan), *view = view_of(model, 1);
    for (int i = 0; i < 17 * 19; i++)
        values[i] = (float)i;
    check_shapes(model, values);
    check_names(model, values);
    vae_tensor_info info = info_of("encoder.1.weight", 2, 17, 19);
    const float not_finite[] = {NAN, INFINITY, -INFINITY};
    const int at[] = {0, 1, 160, 17 * 19 - 1};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++) {
            values[at[k]] = not_finite[i];
            tensor_refused(model, &info, values, "finite");
            values[at[k]] = 0;
        }
    tensor_refused(model, &info, NULL, "values");
    ck_assert_int_eq(vae_set_tensor(view, &info, values), VAE_ERR_STATE);
    ck_assert_int_eq(vae_set_tensor(model, NULL, values), VAE_ERR_ARG);
    ck_assert_int_eq(vae_set_tensor(NULL, &info, values), VAE_ERR_ARG);
    ck_assert_int_eq(vae_get_tensor(NULL, info.name, values, 17 * 19), VAE_ERR_ARG);
    must(vae_get_tensor(view, info.name, values, 17 * 19));
    vae_destroy(view);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {canonical_order, gated_layers_have_two_matrices, weights_are_units_by_inputs,
        copies_in_and_out, copies_decide, copies_leave_the_rest, tensors_refused};
    return RUN_SUITE("parameters", tests);
}
