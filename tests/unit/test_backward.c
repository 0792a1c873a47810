/* SPDX-License-Identifier: BSD-2-Clause
 * Test. vae_backward(), the networks backwards: a VAE put together from it and the kernels of section 2 has the
 * gradient of vae_grad(), for every likelihood and activation; linear functions of the outputs have the slopes
 * that it says, by finite differences in parameters, x and z; what it adds to, what it leaves alone, and where
 * rows come from. Its errors are in test_backward_errors.c.
 */
#include "../support/answers.h"
#include "../support/expect.h"
#include "../support/runner.h"
#include "../support/sgemm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 11, XS = N * X_DIM, ZS = N * Z_DIM };

/* The outputs of both networks, and derivatives by them and by their inputs. */
struct hand {
    float mu[ZS], logvar[ZS], eps[ZS], z[ZS], location[XS], scale[XS];
    float gmu[ZS], glogvar[ZS], gz[ZS], glocation[XS], gscale[XS], gx[XS];
};

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

static vae_batch latents_of(const float *z, size_t n)
{
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    batch.n = n;
    batch.z = z;
    return batch;
}

static vae_adjoints no_adjoints(void)
{
    vae_adjoints adjoints;
    vae_adjoints_init(&adjoints, sizeof adjoints);
    return adjoints;
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

static double norm_of(size_t n, const float *a)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)a[i];
    return sqrt(sum);
}

/* Norm-wise, tensor by tensor. */
static void same_gradient(
    const vae_model *model, const float *found, const float *expected, double tolerance, const char *what)
{
    for (uint64_t i = 0; i < vae_tensor_count(model); i++) {
        vae_tensor_info t;
        double error = 0;
        vae_tensor_info_init(&t, sizeof t);
        must(vae_tensor(model, i, &t));
        for (uint64_t j = t.offset; j < t.offset + t.count; j++)
            error += pow((double)found[j] - (double)expected[j], 2);
        double norm = norm_of((size_t)t.count, expected + t.offset);
        EXPECT(sqrt(error) <= tolerance * norm, "%s: %s, norm %g, is off by %g", what, t.name, norm,
            sqrt(error));
    }
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

/* Of mu, logvar, x_location and x_scale, with random coefficients. */
struct linear {
    vae_model *model;
    struct hand outputs, c; /* coefficients where the derivatives by outputs are */
    float *x, z[ZS];
};

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

/* Both halves in one call; the gradient is left open. */
static void linear_open(struct linear *l, const struct plan *plan)
{
    l->model = model_of(plan);
    l->x = rows_for(l->model, N, 3);
    must(vae_normal(4, 1, 0, ZS, l->z));
    must(vae_normal(4, 2, 0, ZS, l->c.gmu));
    must(vae_normal(4, 3, 0, ZS, l->c.glogvar));
    must(vae_normal(4, 4, 0, XS, l->c.glocation));
    must(vae_normal(4, 5, 0, XS, l->c.gscale));
    vae_batch batch = batch_of(l->model, l->x, N);
    vae_adjoints all = {
        sizeof all, l->c.gmu, l->c.glogvar, l->c.glocation, l->c.gscale, NULL, l->c.gx, l->c.gz, NULL};
    batch.z = l->z;
    must(vae_backward(l->model, &batch, &all));
}

static void linear_close(struct linear *l)
{
    free(l->x);
    vae_destroy(l->model);
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
            linear_open(&l, &plan);
            check_params(&l, kind_name(kinds[i]));
            check_inputs(&l, XS, l.x, l.c.gx, "x");
            check_inputs(&l, ZS, l.z, l.c.gz, "z");
            linear_close(&l);
        }
}
END_TEST

/* ---- what it adds to ---- */

/* One call for some of the rows: the encoder's half (1), the decoder's (2), or both. */
static void call(struct linear *l, vae_model *model, size_t first, size_t n, int halves)
{
    vae_batch batch = batch_of(model, l->x + first * X_DIM, n);
    vae_adjoints a = no_adjoints();
    batch.z = l->z + first * Z_DIM;
    if (halves & 1) {
        a.mu = l->c.gmu + first * Z_DIM;
        a.logvar = l->c.glogvar + first * Z_DIM;
        a.x = l->c.gx + first * X_DIM;
    }
    if (halves & 2) {
        a.x_location = l->c.glocation + first * X_DIM;
        a.x_scale = l->c.gscale + first * X_DIM;
        a.z = l->c.gz + first * Z_DIM;
    }
    must(vae_backward(model, &batch, &a));
}

static void plan_sums(struct plan *plan)
{
    plan_any(plan, likelihood_count, VAE_SILU);
}

/* Element by element, one float32 addition; the half that takes no part keeps its bits. */
START_TEST(adds_to_an_open_gradient)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    vae_batch batch = batch_of(l.model, l.x, N);
    size_t n = (size_t)vae_param_count(l.model),
           middle = (size_t)tensor_of(l.model, "decoder.0.weight").offset;
    float *once = grads_of(l.model);
    must(vae_grad(l.model, &batch, NULL));
    float *before = grads_of(l.model);
    for (int halves = 0; halves <= 3; halves++) {
        must(vae_grad(l.model, &batch, NULL));
        call(&l, l.model, 0, N, halves);
        float *after = grads_of(l.model);
        for (size_t i = 0; i < n; i++) {
            int part = halves & (i < middle ? 1 : 2);
            float expected = part ? before[i] + once[i] : before[i];
            EXPECT(after[i] == expected, "halves %d, element %zu: %a, not %a", halves, i, (double)after[i],
                (double)expected);
        }
        free(after);
    }
    free(once);
    free(before);
    linear_close(&l);
}
END_TEST

/* The prior takes no part: what vae_grad() has left of its gradient stays. */
START_TEST(priors_take_no_part)
{
    for (int32_t prior = VAE_PRIOR_MIXTURE; prior <= VAE_PRIOR_VAMP; prior++) {
        static struct linear l;
        struct plan plan;
        plan_sums(&plan);
        plan.config.prior = prior;
        plan.config.prior_components = 4;
        plan.training.objective = VAE_IWAE;
        linear_open(&l, &plan);
        vae_batch batch = batch_of(l.model, l.x, N);
        const char *first = prior == VAE_PRIOR_VAMP ? "prior.inputs" : "prior.mu";
        size_t at = (size_t)tensor_of(l.model, first).offset, n = (size_t)vae_param_count(l.model) - at;
        float *alone = grads_of(l.model);
        must(vae_grad(l.model, &batch, NULL));
        float *before = grads_of(l.model);
        call(&l, l.model, 0, N, 3);
        float *after = grads_of(l.model);
        ck_assert(norm_of(n, alone + at) == 0 && norm_of(n, before + at) > 0);
        ck_assert_mem_eq(after + at, before + at, n * sizeof *after);
        ck_assert(norm_of(at, alone) > 0 && memcmp(after, before, at * sizeof *after) != 0);
        free(alone);
        free(before);
        free(after);
        linear_close(&l);
    }
}
END_TEST

/* Nothing to add, yet a gradient is open then: of zeros, or as it was. */
START_TEST(nothing_adds_nothing)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    size_t n = (size_t)vae_param_count(l.model);
    float *open = grads_of(l.model);
    for (int halves = 0; halves <= 3; halves++) {
        call(&l, l.model, 0, 0, halves);
        float *kept = grads_of(l.model);
        ck_assert_mem_eq(kept, open, n * sizeof *kept);
        free(kept);
    }
    must(vae_apply(l.model, NULL));
    call(&l, l.model, 0, 0, 3);
    float *zeros = grads_of(l.model);
    ck_assert(norm_of(n, zeros) == 0);
    free(zeros);
    free(open);
    linear_close(&l);
}
END_TEST

/* Outputs of a half that takes no part are zeros. */
START_TEST(no_adjoints_no_slope)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    vae_batch batch = latents_of(l.z, N);
    vae_adjoints a = no_adjoints();
    a.x = l.c.gx;
    a.x_shape = l.c.glocation; /* no likelihood here has one */
    a.z = l.c.gz;
    must(vae_apply(l.model, NULL));
    must(vae_backward(l.model, &batch, &a));
    float *grads = grads_of(l.model);
    ck_assert(norm_of(XS, l.c.gx) == 0 && norm_of(ZS, l.c.gz) == 0);
    ck_assert(norm_of((size_t)vae_param_count(l.model), grads) == 0);
    free(grads);
    linear_close(&l);
}
END_TEST

START_TEST(parts_add_up)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    float *whole = grads_of(l.model), gx[XS], gz[ZS];
    memcpy(gx, l.c.gx, sizeof gx);
    memcpy(gz, l.c.gz, sizeof gz);
    vae_model *fresh = model_of(&plan);
    call(&l, fresh, 0, 4, 3);
    call(&l, fresh, 4, 1, 1);
    call(&l, fresh, 4, 1, 2);
    call(&l, fresh, 5, N - 5, 3);
    float *sum = grads_of(fresh);
    same_gradient(fresh, sum, whole, 1e-6, "parts");
    ck_assert_mem_eq(l.c.gx, gx, sizeof gx);
    ck_assert_mem_eq(l.c.gz, gz, sizeof gz);
    free(sum);
    free(whole);
    vae_destroy(fresh);
    linear_close(&l);
}
END_TEST

/* ---- where rows come from, and who computes them ---- */

START_TEST(threads_do_not_matter)
{
    for (int32_t threads = 2; threads <= 4; threads++) {
        static struct linear one, more;
        struct plan plan;
        plan_sums(&plan);
        linear_open(&one, &plan);
        plan.runtime.threads = threads;
        linear_open(&more, &plan);
        float *a = grads_of(one.model), *b = grads_of(more.model);
        ck_assert_mem_eq(a, b, (size_t)vae_param_count(one.model) * sizeof *a);
        ck_assert_mem_eq(&one.c, &more.c, sizeof one.c);
        free(a);
        free(b);
        linear_close(&one);
        linear_close(&more);
    }
}
END_TEST

/* Rows by an index, with repeats, of arrays with gaps; weights that are no weights. */
START_TEST(rows_by_index)
{
    enum { LDX = X_DIM + 2, LDZ = Z_DIM + 3 };
    static struct linear l;
    struct plan plan;
    float x[N * LDX], z[N * LDZ], weight[N], gx[XS], gz[ZS];
    uint32_t index[N];
    plan_sums(&plan);
    linear_open(&l, &plan);
    vae_model *other = model_of(&plan);
    for (int i = 0; i < N; i++) {
        int from = i == 3 ? 2 : i; /* rows 2 and 3 are the same */
        index[i] = (uint32_t)(N - 1 - from);
        weight[i] = (float)NAN;
        memcpy(l.x + i * X_DIM, l.x + from * X_DIM, X_DIM * sizeof *x);
        memcpy(l.z + i * Z_DIM, l.z + from * Z_DIM, Z_DIM * sizeof *z);
    }
    for (int i = 0; i < N; i++) {
        memset(x + i * LDX, 0xff, LDX * sizeof *x);
        memset(z + i * LDZ, 0xff, LDZ * sizeof *z);
        memcpy(x + i * LDX, l.x + (N - 1 - i) * X_DIM, X_DIM * sizeof *x);
        memcpy(z + i * LDZ, l.z + (N - 1 - i) * Z_DIM, Z_DIM * sizeof *z);
    }
    must(vae_apply(l.model, NULL));
    float *params = params_of(l.model);
    must(vae_set_params(other, params, vae_param_count(other)));
    call(&l, l.model, 0, N, 3);
    vae_batch batch = {sizeof batch, N, index, weight, x, LDX, NULL, 0, z, LDZ, NULL, 0, 0, 77, 3, 0, 0};
    vae_adjoints all = {sizeof all, l.c.gmu, l.c.glogvar, l.c.glocation, l.c.gscale, NULL, gx, gz, NULL};
    must(vae_backward(other, &batch, &all));
    float *a = grads_of(l.model), *b = grads_of(other);
    ck_assert_mem_eq(a, b, (size_t)vae_param_count(other) * sizeof *a);
    ck_assert_mem_eq(gx, l.c.gx, sizeof gx);
    ck_assert_mem_eq(gz, l.c.gz, sizeof gz);
    free(a);
    free(b);
    free(params);
    vae_destroy(other);
    linear_close(&l);
}
END_TEST

/* What comes out may take the place of what goes in. */
START_TEST(in_place)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    vae_model *other = model_of(&plan);
    vae_batch batch = batch_of(other, l.x, N);
    float gx[XS], gz[ZS];
    memcpy(gx, l.c.gx, sizeof gx);
    memcpy(gz, l.c.gz, sizeof gz);
    batch.z = l.z;
    vae_adjoints all = {
        sizeof all, l.c.gmu, l.c.glogvar, l.c.glocation, l.c.gscale, NULL, l.c.glocation, l.c.gmu, NULL};
    must(vae_backward(other, &batch, &all));
    ck_assert_mem_eq(gx, l.c.glocation, sizeof gx);
    ck_assert_mem_eq(gz, l.c.gmu, sizeof gz);
    float *a = grads_of(l.model), *b = grads_of(other);
    ck_assert_mem_eq(a, b, (size_t)vae_param_count(other) * sizeof *a);
    free(a);
    free(b);
    vae_destroy(other);
    linear_close(&l);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {composes_to_training, floors_compose_to_training,
        composes_with_a_product_of_the_program, slopes_of_linear_functions, adds_to_an_open_gradient,
        priors_take_no_part, nothing_adds_nothing, no_adjoints_no_slope, parts_add_up, threads_do_not_matter,
        rows_by_index, in_place};
    return RUN_SUITE("backward", tests);
}
