/* SPDX-License-Identifier: BSD-2-Clause
 * Test. vae_backward(), the networks backwards: a VAE put together from it and the kernels of section 2 has
 * the gradient of vae_grad(), for every likelihood and activation; linear functions of the outputs have the
 * slopes that it says, by finite differences in parameters, x and z. Sums and rows are in
 * test_backward_sums.c, errors in test_backward_errors.c.
 */
#include "../support/halves.h"
#include "../support/runner.h"
#include "../support/sgemm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void encode(vae_model *model, const vae_batch *batch, struct hand *h)
{
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = 0;
    outputs.mu = h->mu;
    outputs.logvar = h->logvar;
    EXPECT_OK(vae_infer(model, batch, &outputs, NULL));
}

static void decode(vae_model *model, const vae_batch *batch, struct hand *h)
{
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.x_location = h->location;
    outputs.x_scale = h->scale;
    EXPECT_OK(vae_infer(model, batch, &outputs, NULL));
}

/* ---- a VAE by hand ---- */

/* w times the slopes of a span's log-likelihood, columns from `at` on. */
static void span_slopes(const vae_span *s, size_t at, const float *x, const float *w, struct hand *h)
{
    size_t d = (size_t)s->columns;
    const float *location = h->location + at, *scale = h->scale + at;
    float *gl = h->glocation + at, *gs = h->gscale + at;
    x += at;
    switch (s->likelihood) {
    case VAE_BERNOULLI:
        must(vae_loglik_bernoulli_grad(N, d, x, X_DIM, location, X_DIM, w, NULL, gl, X_DIM));
        break;
    case VAE_POISSON:
        must(vae_loglik_poisson_grad(N, d, x, X_DIM, location, X_DIM, w, NULL, gl, X_DIM));
        break;
    case VAE_CBERNOULLI:
        must(vae_loglik_cbernoulli_grad(N, d, x, X_DIM, location, X_DIM, w, NULL, gl, X_DIM));
        break;
    case VAE_GAUSS:
        must(vae_loglik_gauss_grad(
            N, d, x, X_DIM, location, X_DIM, scale, X_DIM, w, NULL, gl, X_DIM, gs, X_DIM));
        break;
    default:
        must(vae_loglik_laplace_grad(
            N, d, x, X_DIM, location, X_DIM, scale, X_DIM, w, NULL, gl, X_DIM, gs, X_DIM));
    }
}

static void head_slopes(const vae_model *model, const float *x, const float *w, struct hand *h)
{
    vae_span span;
    size_t at = 0;
    for (uint64_t k = 0; at < X_DIM; k++) {
        vae_span_init(&span, sizeof span);
        must(vae_get_span(model, k, &span));
        span_slopes(&span, at, x, w, h);
        at += (size_t)span.columns;
    }
}

/* Minus the mean ELBO of N rows at the noise of the model's next step; its gradient is added. */
static void by_hand(vae_model *model, const float *x)
{
    static struct hand h;
    float plus[N], minus[N];
    vae_batch rows = batch_of(model, x, N), latents = latents_of(h.z, N);
    vae_adjoints decoder = no_adjoints(), encoder = no_adjoints();
    memset(&h, 0, sizeof h);
    for (int i = 0; i < N; i++)
        minus[i] = -(plus[i] = 1.0f / N);
    encode(model, &rows, &h);
    must(vae_normal(5, noise_stream(VAE_STREAM_TRAIN, 0, vae_steps(model)), 0, ZS, h.eps));
    must(vae_reparam(N, Z_DIM, h.mu, Z_DIM, h.logvar, Z_DIM, h.eps, Z_DIM, h.z, Z_DIM));
    decode(model, &latents, &h);
    head_slopes(model, x, minus, &h);
    decoder.x_location = h.glocation;
    decoder.x_scale = h.gscale;
    decoder.z = h.gz;
    must(vae_backward(model, &latents, &decoder));
    must(vae_kl_diag_gauss_grad(
        N, Z_DIM, h.mu, Z_DIM, h.logvar, Z_DIM, plus, NULL, h.gmu, Z_DIM, h.glogvar, Z_DIM));
    must(vae_reparam_grad(
        N, Z_DIM, h.logvar, Z_DIM, h.eps, Z_DIM, h.gz, Z_DIM, h.gmu, Z_DIM, h.glogvar, Z_DIM));
    encoder.mu = h.gmu;
    encoder.logvar = h.glogvar;
    must(vae_backward(model, &rows, &encoder));
}

static void check_composition(const struct plan *plan, const char *what)
{
    vae_model *model = model_of(plan), *twin = model_of(plan);
    float *x = rows_for(model, N, 6);
    for (int round = 0; round < 2; round++) {
        vae_batch batch = batch_of(twin, x, N);
        must(vae_grad(twin, &batch, NULL));
        by_hand(model, x);
        float *found = grads_of(model), *expected = grads_of(twin);
        EXPECT(norm_of((size_t)vae_param_count(model), expected) > 0.01, "%s: no gradient", what);
        same_gradient(model, found, expected, 1e-5, what);
        free(found);
        free(expected);
        must(vae_apply(model, NULL));
        train_some(model, 3, N);
        float *params = params_of(model); /* the two updates differ by rounding */
        must(vae_apply(twin, NULL));
        train_some(twin, 3, N);
        must(vae_set_params(twin, params, vae_param_count(twin)));
        free(params);
    }
    free(x);
    vae_destroy(model);
    vae_destroy(twin);
}

START_TEST(composes_to_training)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++)
        for (int32_t activation = VAE_IDENTITY; activation <= VAE_ELU; activation++) {
            struct plan plan;
            char what[64];
            plan_any(&plan, kind, activation);
            plan.runtime.threads = 1 + (activation & 1);
            snprintf(what, sizeof what, "%s, activation %d", kind_name(kind), activation);
            check_composition(&plan, what);
        }
}
END_TEST

/* Some scales below the floor, some above; of those that are learned for a span, the one or the other. */
START_TEST(floors_compose_to_training)
{
    const size_t kinds[] = {KIND_GAUSS_CELL, KIND_GAUSS_CELL_SIGMOID, KIND_LAPLACE_CELL, KIND_GAUSS_SPAN};
    const double floors[] = {-0.6, -0.4, 0.02};
    for (size_t i = 0; i < 4; i++)
        for (size_t f = 0; f < 3; f++) {
            struct plan plan;
            plan_any(&plan, kinds[i], VAE_TANH);
            plan.spans[0].scale_min = floors[f];
            check_composition(&plan, kind_name(kinds[i]));
        }
}
END_TEST

START_TEST(composes_with_a_product_of_the_program)
{
    struct plan plan;
    plan_any(&plan, likelihood_count, VAE_TANH);
    plan.runtime.sgemm = sgemm_by_the_book;
    plan.runtime.threads = 2;
    check_composition(&plan, "sgemm");
}
END_TEST

/* ---- linear functions of the outputs ---- */

static double dot(size_t n, const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static double linear_value(struct linear *l)
{
    vae_batch rows = batch_of(l->model, l->x, N), latents = latents_of(l->z, N);
    encode(l->model, &rows, &l->outputs);
    decode(l->model, &latents, &l->outputs);
    return dot(ZS, l->c.gmu, l->outputs.mu) + dot(ZS, l->c.glogvar, l->outputs.logvar) +
           dot(XS, l->c.glocation, l->outputs.location) + dot(XS, l->c.gscale, l->outputs.scale);
}

/* Central differences at h and 2 h, extrapolated, along one element of an input. */
static double slope_of_input(struct linear *l, float *element)
{
    const float kept = *element;
    double slope[2];
    for (int i = 0; i < 2; i++) {
        float h = 0.02f * (float)(1 + i), above = kept + h, below = kept - h;
        *element = above;
        double high = linear_value(l);
        *element = below;
        slope[i] = (high - linear_value(l)) / ((double)above - (double)below);
    }
    *element = kept;
    return (4 * slope[0] - slope[1]) / 3;
}

static void check_inputs(struct linear *l, size_t n, float *input, const float *found, const char *what)
{
    double error = 0;
    for (size_t i = 0; i < n; i++)
        error += pow(slope_of_input(l, input + i) - (double)found[i], 2);
    ck_assert_msg(norm_of(n, found) > 0.1 && sqrt(error) <= 1e-3 * norm_of(n, found),
        "%s: the gradient of norm %g is off by %g", what, norm_of(n, found), sqrt(error));
}

/* The same along u, a direction of the parameters. */
static double slope_of_params(struct linear *l, size_t n, const float *params, const double *u)
{
    double slope[2];
    float *moved = malloc(n * sizeof *moved);
    for (int i = 0; i < 2; i++) {
        double value[2], h = 0.02 * (1 + i);
        for (int side = 0; side < 2; side++) {
            for (size_t j = 0; j < n; j++)
                moved[j] = (float)((double)params[j] + (side ? -h : h) * u[j]);
            must(vae_set_params(l->model, moved, n));
            value[side] = linear_value(l);
        }
        slope[i] = (value[0] - value[1]) / (2 * h);
    }
    must(vae_set_params(l->model, params, n));
    free(moved);
    return (4 * slope[0] - slope[1]) / 3;
}

/* Each tensor along its own gradient. */
static void check_params(struct linear *l, const char *what)
{
    size_t n = (size_t)vae_param_count(l->model);
    float *params = params_of(l->model), *grads = grads_of(l->model);
    double *u = malloc(n * sizeof *u);
    for (uint64_t i = 0; i < vae_tensor_count(l->model); i++) {
        vae_tensor_info t;
        vae_tensor_info_init(&t, sizeof t);
        must(vae_tensor(l->model, i, &t));
        double norm = norm_of((size_t)t.count, grads + t.offset);
        ck_assert_msg(norm > 0.01, "%s: %s has no gradient", what, t.name);
        for (uint64_t j = 0; j < n; j++)
            u[j] = j >= t.offset && j < t.offset + t.count ? (double)grads[j] / norm : 0;
        double slope = slope_of_params(l, n, params, u);
        ck_assert_msg(
            fabs(slope - norm) <= 1e-3 * norm, "%s: %s: slope %g, gradient %g", what, t.name, slope, norm);
    }
    free(u);
    free(params);
    free(grads);
}

START_TEST(slopes_of_linear_functions)
{
    const size_t kinds[] = {
        KIND_BERNOULLI, KIND_GAUSS_SPAN, KIND_GAUSS_CELL_SIGMOID, KIND_LAPLACE_FIXED, likelihood_count};
    const int32_t activations[] = {VAE_TANH, VAE_GELU, VAE_SOFTPLUS};
    static struct linear l;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t a = 0; a < 3; a++) {
            struct plan plan;
            plan_any(&plan, kinds[i], activations[a]);
            plan.encoder[0].kind = plan.decoder[0].kind = a > 0 ? VAE_LAYER_GATED : VAE_LAYER_DENSE;
            linear_open(&l, &plan);
            check_params(&l, kind_name(kinds[i]));
            check_inputs(&l, XS, l.x, l.c.gx, "x");
            check_inputs(&l, ZS, l.z, l.c.gz, "z");
            linear_close(&l);
        }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {composes_to_training, floors_compose_to_training,
        composes_with_a_product_of_the_program, slopes_of_linear_functions};
    return RUN_SUITE("backward", tests);
}
