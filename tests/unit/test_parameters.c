/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Parameters: names, offsets and shapes in canonical order, what the weights mean, copies in and out,
 * and the laws, seeds and streams of every initialisation.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

struct tensor {
    const char *name;
    uint64_t units, inputs;
};

static void check_tensors(const vae_model *model, const struct tensor *wanted, size_t count)
{
    uint64_t total = 0;
    ck_assert_uint_eq(vae_tensor_count(model), count);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        uint64_t offset, shape[2];
        must(vae_tensor(model, i, &name, &offset, shape));
        must(vae_tensor(model, i, NULL, NULL, NULL));
        ck_assert_str_eq(name, wanted[i].name);
        ck_assert_uint_eq(offset, total);
        ck_assert_uint_eq(shape[0], wanted[i].units);
        ck_assert_uint_eq(shape[1], wanted[i].inputs);
        total += wanted[i].units * wanted[i].inputs;
    }
    ck_assert_uint_eq(vae_param_count(model), total);
}

START_TEST(canonical_order)
{
    const struct tensor wanted[] = {
        {"encoder.0.weight", 19, 13},
        {"encoder.0.bias", 19, 1},
        {"encoder.1.weight", 17, 19},
        {"encoder.1.bias", 17, 1},
        {"encoder.2.weight", 6, 17},
        {"encoder.2.bias", 6, 1},
        {"decoder.0.weight", 17, 3},
        {"decoder.0.bias", 17, 1},
        {"decoder.1.weight", 19, 17},
        {"decoder.1.bias", 19, 1},
        {"decoder.2.weight", 13, 19},
        {"decoder.2.bias", 13, 1},
        {"decoder.logvar", 1, 1},
    };
    enum { ALL = sizeof wanted / sizeof *wanted };
    for (int32_t likelihood = VAE_BERNOULLI; likelihood <= VAE_GAUSS; likelihood++) {
        struct tensor list[ALL];
        struct plan plan;
        plan_init(&plan, likelihood, VAE_RELU, 2);
        memcpy(list, wanted, sizeof list);
        if (likelihood == VAE_GAUSS)
            list[10].units = list[11].units = 26;
        vae_model *model = model_of(&plan.config), *view = view_of(model, 1);
        check_tensors(model, list, likelihood == VAE_GAUSS_SHARED ? ALL : ALL - 1);
        check_tensors(view, list, likelihood == VAE_GAUSS_SHARED ? ALL : ALL - 1);
        ck_assert_uint_eq(vae_x_dim(view), 13);
        ck_assert_uint_eq(vae_z_dim(view), 3);
        vae_destroy(view);
        vae_destroy(model);
    }
    struct plan plan;
    const struct tensor heads[] = {{"encoder.0.weight", 6, 13}, {"encoder.0.bias", 6, 1},
        {"decoder.0.weight", 13, 3}, {"decoder.0.bias", 13, 1}};
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 0);
    vae_model *model = model_of(&plan.config);
    check_tensors(model, heads, 4);
    vae_destroy(model);
}
END_TEST

/* A linear encoder by hand: row u of the weights times x, plus bias u; the first z_dim units are mu. */
START_TEST(weights_are_units_by_inputs)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 0);
    vae_model *model = model_of(&plan.config);
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

/* Widths around the panels and cache lines in which the library holds its weights. */
START_TEST(copies_in_and_out)
{
    const uint64_t sides[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 65};
    for (size_t a = 0; a < sizeof sides / sizeof *sides; a++)
        for (size_t b = 0; b < sizeof sides / sizeof *sides; b++) {
            struct plan plan;
            plan_init(&plan, VAE_GAUSS_SHARED, VAE_TANH, 1);
            plan_sizes(&plan, sides[a], 1 + sides[b] % 5, &sides[b], 1);
            vae_model *model = model_of(&plan.config);
            uint64_t count = vae_param_count(model);
            float *in = malloc((size_t)count * sizeof *in);
            for (uint64_t i = 0; i < count; i++)
                in[i] = (float)i - 0.5f;
            must(vae_set_params(model, in, count));
            float *out = params_of(model);
            ck_assert_int_eq(memcmp(in, out, (size_t)count * sizeof *in), 0);
            free(in);
            free(out);
            vae_destroy(model);
        }
}
END_TEST

/* Parameters alone decide what reading calls say: one model's, put into another of a different seed. */
START_TEST(copies_decide)
{
    for (int32_t likelihood = VAE_BERNOULLI; likelihood <= VAE_GAUSS; likelihood++) {
        struct plan plan;
        double one[5], other[5];
        plan_init(&plan, likelihood, VAE_SILU, 2);
        vae_model *a = model_of(&plan.config);
        plan.config.seed = 6;
        vae_model *b = model_of(&plan.config);
        train_some(a, 3, 16);
        float *params = params_of(a), *x = rows_for(a, 5, 3);
        must(vae_set_params(b, params, vae_param_count(b)));
        must(vae_elbo(a, x, 5, 0, one, NULL));
        must(vae_elbo(b, x, 5, 0, other, NULL));
        ck_assert_int_eq(memcmp(one, other, sizeof one), 0);
        ck_assert_uint_eq(vae_steps(b), 0);
        free(params);
        free(x);
        vae_destroy(a);
        vae_destroy(b);
    }
}
END_TEST

/* ---- initialisation ---- */

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
    ck_assert_msg(fabs(m.deviation / deviation - 1) < 6 / root, "%s: deviation %g, wanted %g", name,
        m.deviation, deviation);
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
    plan_init(&plan, VAE_GAUSS_SHARED, VAE_RELU, 1);
    plan_sizes(&plan, IN, 20, &wide, 1);
    plan.config.init = init;
    plan.config.init_scale = scale;
    plan.config.seed = seed;
    plan.config.gauss_logvar = -1.25;
    return model_of(&plan.config);
}

static void check_init(int32_t init, double scale)
{
    vae_model *model = wide_model(init, scale, 3);
    float *params = params_of(model);
    for (uint64_t i = 0; i + 1 < vae_tensor_count(model); i += 2) {
        const char *name;
        uint64_t offset, shape[2];
        must(vae_tensor(model, i, &name, &offset, shape));
        double units = (double)shape[0], inputs = (double)shape[1], weight = 0, bias = 0;
        int normal = init == VAE_INIT_HE || init == VAE_INIT_NORMAL;
        if (init == VAE_INIT_TORCH)
            weight = bias = scale / sqrt(inputs);
        else if (init == VAE_INIT_GLOROT)
            weight = scale * sqrt(6 / (inputs + units));
        else if (init == VAE_INIT_HE)
            weight = scale * sqrt(2 / inputs);
        else
            weight = bias = scale;
        check_law(name, params + offset, (size_t)(shape[0] * shape[1]), normal, weight);
        must(vae_tensor(model, i + 1, &name, &offset, NULL));
        check_law(name, params + offset, (size_t)shape[0], normal, bias);
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

/* The stream that the header names: element i of the canonical order, scaled. */
START_TEST(stream_of_initialisation)
{
    vae_model *model = wide_model(VAE_INIT_NORMAL, 1.0, 3);
    size_t count = (size_t)vae_param_count(model) - 1;
    float *params = params_of(model), *normals = malloc(count * sizeof *normals);
    must(vae_normal(3, (uint64_t)VAE_STREAM_INIT << 56, 0, count, normals));
    ck_assert_int_eq(memcmp(params, normals, count * sizeof *params), 0);
    free(params);
    free(normals);
    vae_destroy(model);
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

int main(void)
{
    const TTest *tests[] = {canonical_order, weights_are_units_by_inputs, copies_in_and_out, copies_decide,
        laws_of_initialisation, stream_of_initialisation, seeds};
    return RUN_SUITE("parameters", tests);
}
