/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every gradient of vae_grad() against finite differences of the bound that it reports: every
 * activation, every likelihood, 0 to 2 hidden layers, one draw and three, a strided batch in the middle of a
 * data set.
 *
 * vae_grad() changes neither parameters nor step count, so all evaluations see the same noise. Differences
 * are taken tensor by tensor along directions, d = p+ - p- as float32 holds them: (f(p+) - f(p-)) against
 * grad . d. The bound is a float64 sum of float32 terms, 10 to 30 nats with rounding noise of about 1e-6;
 * central differences at h and 2h are extrapolated (error h^4), so that h can be large enough to stand out of
 * that noise: at h = 0.02 along unit directions slopes are good to 5e-5. Along its own direction a tensor's
 * gradient is asked for to 5e-4 of its norm plus that. Along random directions u the error e of a gradient of
 * N elements shows as e . u, whose mean square is |e|^2 / N: the estimate of |e| is asked to be below 0.5 %
 * of the norm plus noise. (Seen: 2.3e-4, 0.16 %.) relu has kinks, which no extrapolation removes: a smaller h
 * and wider bounds there.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 9, LD = 15, DIRECTIONS = 6 };

/* What one kind of function allows. */
struct accuracy {
    double h, noise;    /* step; error of a slope along a unit direction */
    double own, random; /* relative errors along the gradient and of the gradient */
    int smooth;
};
static const struct accuracy smooth = {0.02, 5e-5, 5e-4, 5e-3, 1};
static const struct accuracy kinked = {0.0005, 5e-3, 0.03, 0.1, 0};

struct subject {
    vae_model *model;
    vae_batch batch;
    struct accuracy accuracy;
    float x[ROWS * LD];
    float *params, *grads, *moved; /* canonical, [count] */
    uint64_t count, offset, size;  /* the tensor under test */
    const char *what, *tensor;
};

/* -(mean bound): what the gradient is of. */
static double objective(struct subject *s)
{
    vae_terms terms = empty_terms();
    must(vae_set_params(s->model, s->moved, s->count));
    must(vae_grad(s->model, &s->batch, &terms));
    return -terms.elbo;
}

/* Central difference over p +- h u, minus grad . (p+ - p-); both over 2 h. */
static double excess(struct subject *s, const double *u, double h, double *predicted)
{
    double dot = 0, at[2];
    for (int side = 0; side < 2; side++) {
        for (uint64_t i = 0; i < s->size; i++) {
            float to = (float)((double)s->params[s->offset + i] + (side ? -h : h) * u[i]);
            s->moved[s->offset + i] = to;
            dot += (side ? -(double)to : (double)to) * (double)s->grads[s->offset + i];
        }
        at[side] = objective(s);
    }
    memcpy(s->moved + s->offset, s->params + s->offset, (size_t)s->size * sizeof *s->moved);
    *predicted = dot / (2 * h);
    return (at[0] - at[1] - dot) / (2 * h);
}

/* The error of grad . u, the h^2 term of the differences taken out where there is one. */
static double slope_error(struct subject *s, const double *u, double *predicted)
{
    double one = excess(s, u, s->accuracy.h, predicted), ignored;
    return s->accuracy.smooth ? (4 * one - excess(s, u, 2 * s->accuracy.h, &ignored)) / 3 : one;
}

static void random_unit(double *u, uint64_t n, uint64_t stream)
{
    double norm = 0;
    must(vae_normal_f64(17, stream, 0, (size_t)n, u));
    for (uint64_t i = 0; i < n; i++)
        norm += u[i] * u[i];
    for (uint64_t i = 0; i < n; i++)
        u[i] /= sqrt(norm);
}

static void check_tensor(struct subject *s)
{
    double *u = malloc((size_t)s->size * sizeof *u), norm = 0, mean_square = 0, predicted;
    for (uint64_t i = 0; i < s->size; i++)
        norm += (double)s->grads[s->offset + i] * (double)s->grads[s->offset + i];
    norm = sqrt(norm);
    ck_assert_msg(norm > 1e-6, "%s: %s has no gradient", s->what, s->tensor);
    for (uint64_t i = 0; i < s->size; i++)
        u[i] = (double)s->grads[s->offset + i] / norm;
    double own = slope_error(s, u, &predicted);
    ck_assert_msg(fabs(own) <= s->accuracy.own * norm + s->accuracy.noise,
        "%s: %s along its gradient: %g, error %g", s->what, s->tensor, predicted, own);
    for (int k = 0; k < DIRECTIONS; k++) {
        random_unit(u, s->size, (uint64_t)k);
        double e = slope_error(s, u, &predicted);
        mean_square += e * e / DIRECTIONS;
    }
    double error = sqrt((double)s->size * mean_square);
    ck_assert_msg(error <= s->accuracy.random * norm + s->accuracy.noise * sqrt((double)s->size),
        "%s: %s: gradient of norm %g, error %g", s->what, s->tensor, norm, error);
    free(u);
}

static void check_model(const struct plan *plan, const char *what, struct accuracy accuracy)
{
    struct subject s = {.model = model_of(&plan->config), .accuracy = accuracy, .what = what};
    fill_rows(s.x, ROWS, 13, LD, 3);
    s.batch = batch_of(s.model, s.x, ROWS);
    s.batch.ldx = LD;
    s.batch.first_row = 5;
    s.batch.seed = 77;
    train_some(s.model, 2, 8);
    s.count = vae_param_count(s.model);
    s.params = params_of(s.model);
    s.moved = params_of(s.model);
    must(vae_grad(s.model, &s.batch, NULL));
    s.grads = grads_of(s.model);
    for (uint64_t i = 0; i < vae_tensor_count(s.model); i++) {
        uint64_t shape[2];
        must(vae_tensor(s.model, i, &s.tensor, &s.offset, shape));
        s.size = shape[0] * shape[1];
        check_tensor(&s);
    }
    free(s.params);
    free(s.moved);
    free(s.grads);
    vae_destroy(s.model);
}

static void check_activation(int32_t activation, const char *name, size_t hidden_least, size_t hidden_most)
{
    for (size_t i = 0; i < likelihood_count; i++)
        for (size_t hidden = hidden_least; hidden <= hidden_most; hidden++)
            for (uint64_t samples = 1; samples <= 3; samples += 2) {
                struct plan plan;
                char what[96];
                plan_init(&plan, likelihoods[i].kind, activation, hidden);
                plan.config.mean_activation = likelihoods[i].mean_activation;
                plan.config.train_samples = samples;
                plan.config.init = VAE_INIT_GLOROT;
                plan.config.learning_rate = 0.05;
                snprintf(what, sizeof what, "%s, %s, %zu hidden, %d draws", name, likelihoods[i].name, hidden,
                    (int)samples);
                check_model(&plan, what, activation == VAE_RELU ? kinked : smooth);
            }
}

START_TEST(no_hidden_layer)
{
    check_activation(VAE_IDENTITY, "head alone", 0, 0);
}
END_TEST

#define ACTIVATION_TEST(name, kind)                                                                          \
    START_TEST(name)                                                                                         \
    {                                                                                                        \
        check_activation(kind, #name, 1, 2);                                                                 \
    }                                                                                                        \
    END_TEST

ACTIVATION_TEST(identity, VAE_IDENTITY)
ACTIVATION_TEST(relu, VAE_RELU)
ACTIVATION_TEST(tanh_layers, VAE_TANH)
ACTIVATION_TEST(sigmoid, VAE_SIGMOID)
ACTIVATION_TEST(softplus, VAE_SOFTPLUS)
ACTIVATION_TEST(silu, VAE_SILU)
ACTIVATION_TEST(gelu, VAE_GELU)

int main(void)
{
    const TTest *tests[] = {no_hidden_layer, identity, relu, tanh_layers, sigmoid, softplus, silu, gelu};
    return RUN_SUITE("gradients", tests);
}
