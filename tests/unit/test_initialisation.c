/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The first values of parameters: law, seed and stream of every initialisation.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = 300, IN = 200 };

/* Moments of a tensor's values: mean, standard deviation, largest magnitude, fourth moment over the squared
 * variance. */
struct moments {
    double mean, deviation, largest, kurtosis;
};

static struct moments moments(const float *v, size_t n)
{
    struct moments m = {0, 0, 0, 0};
    double second = 0, fourth = 0;
    for (size_t i = 0; i < n; i++) {
        double x = (double)v[i];
        m.mean += x / (double)n;
        second += x * x / (double)n;
        fourth += x * x * x * x / (double)n;
        m.largest = fabs(x) > m.largest ? fabs(x) : m.largest;
    }
    m.deviation = sqrt(second);
    m.kurtosis = fourth / (second * second);
    return m;
}

/* Uniform within a, or normal of deviation a: moments within 6 standard errors. */
static void check_law(const char *name, const float *v, size_t n, int normal, double a)
{
    struct moments m = moments(v, n);
    double root = sqrt((double)n), deviation = normal ? a : a / sqrt(3);
    if (a == 0) {
        ck_assert_msg(m.largest == 0, "%s: not zero", name);
        return;
    }
    ck_assert_msg(fabs(m.mean) < 6 * deviation / root, "%s: mean %g", name, m.mean);
    ck_assert_msg(fabs(m.deviation / deviation - 1) < 6 / root, "%s: deviation %g, not %g", name, m.deviation,
        deviation);
    if (!normal)
        ck_assert_msg(m.largest <= a * (1 + 1e-7) && m.largest > a * (1 - 10 / (double)n),
            "%s: largest %g of %g", name, m.largest, a);
    if (n > 1000)
        ck_assert_msg(
            fabs(m.kurtosis - (normal ? 3 : 1.8)) < 6 * 10 / root, "%s: kurtosis %g", name, m.kurtosis);
}

static vae_model *wide_model(int32_t init, double scale, uint64_t seed)
{
    const uint64_t wide = WIDE;
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_RELU, 1);
    plan_scale(&plan, 0, VAE_PARAM_SPAN);
    plan_sizes(&plan, IN, 20, &wide, 1);
    plan.encoder[0].kind = VAE_LAYER_GATED;
    plan.config.init = init;
    plan.config.init_scale = scale;
    plan.config.seed = seed;
    plan.spans[0].scale_value = -1.25;
    return model_of(&plan);
}

static void check_init(int32_t init, double scale)
{
    vae_model *model = wide_model(init, scale, 3);
    float *params = params_of(model);
    for (uint64_t i = 0; i + 1 < vae_tensor_count(model); i += 2) {
        vae_tensor_info info;
        vae_tensor_info_init(&info, sizeof info);
        must(vae_tensor(model, i, &info));
        double units = (double)info.shape[0], inputs = (double)info.shape[1], weight = 0, bias = 0;
        int normal = init == VAE_INIT_HE || init == VAE_INIT_NORMAL;
        if (init == VAE_INIT_TORCH)
            weight = bias = scale / sqrt(inputs);
        else if (init == VAE_INIT_GLOROT)
            weight = scale * sqrt(6 / (inputs + units));
        else if (init == VAE_INIT_HE)
            weight = scale * sqrt(2 / inputs);
        else
            weight = bias = scale;
        check_law(info.name, params + info.offset, (size_t)info.count, normal, weight);
        must(vae_tensor(model, i + 1, &info));
        check_law(info.name, params + info.offset, (size_t)info.count, normal, bias);
    }
    ck_assert_float_eq(params[vae_param_count(model) - 1], -1.25f);
    free(params);
    vae_destroy(model);
}

START_TEST(laws_of_initialisation)
{
    for (int32_t init = VAE_INIT_TORCH; init <= VAE_INIT_NORMAL; init++) {
        check_init(init, 1.0);
        check_init(init, 0.01);
        check_init(init, 0.0);
    }
}
END_TEST

/* The stream that the header names: element i of the canonical order, scaled; also where biases are 0. */
START_TEST(stream_of_initialisation)
{
    vae_model *model = wide_model(VAE_INIT_NORMAL, 1.0, 3), *he = wide_model(VAE_INIT_HE, 1.0, 3);
    size_t count = (size_t)vae_param_count(model) - 1;
    float *params = params_of(model), *normals = malloc(count * sizeof *normals);
    must(vae_normal(3, noise_stream(VAE_STREAM_INIT, 0, 0), 0, count, normals));
    ck_assert_mem_eq(params, normals, count * sizeof *params);
    free(params);
    params = params_of(he);
    vae_tensor_info info = tensor_of(he, "decoder.1.weight");
    for (uint64_t i = info.offset; i < info.offset + info.count; i++)
        ck_assert_double_eq_tol(
            (double)params[i], sqrt(2.0 / WIDE) * (double)normals[i], 6e-8 * fabs((double)params[i]));
    free(params);
    free(normals);
    vae_destroy(model);
    vae_destroy(he);
}
END_TEST

START_TEST(seeds)
{
    vae_model *a = wide_model(VAE_INIT_TORCH, 1, 3), *b = wide_model(VAE_INIT_TORCH, 1, 3);
    vae_model *c = wide_model(VAE_INIT_TORCH, 1, (uint64_t)1 << 63 | 3);
    size_t count = (size_t)vae_param_count(a), equal = 0;
    same_models(a, b);
    float *pa = params_of(a), *pc = params_of(c);
    for (size_t i = 0; i < count; i++)
        equal += pa[i] == pc[i];
    ck_assert_uint_lt(equal, count / 1000);
    free(pa);
    free(pc);
    vae_destroy(a);
    vae_destroy(b);
    vae_destroy(c);
}
END_TEST

/* Each span's own, of as many as there are; a fixed one is no parameter. */
START_TEST(first_scales)
{
    struct plan plan;
    float scale;
    plan_mixed(&plan, VAE_TANH);
    plan.spans[1].scale = VAE_PARAM_SPAN;
    plan.spans[1].scale_value = 2.5;
    plan.spans[2].scale_value = -3;
    plan.config.init_scale = 0;
    vae_model *model = model_of(&plan);
    must(vae_get_tensor(model, "spans.1.scale", &scale, 1));
    ck_assert_float_eq(scale, 2.5f);
    must(vae_get_tensor(model, "spans.2.scale", &scale, 1));
    ck_assert_float_eq(scale, -3.0f);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {laws_of_initialisation, stream_of_initialisation, seeds, first_scales};
    return RUN_SUITE("initialisation", tests);
}
