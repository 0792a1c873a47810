/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every gradient of vae_grad() against finite differences of the objective that it reports: every
 * activation of dense and of gated layers, every likelihood with every source of its scale, several
 * likelihoods in one model, 0 to 2 hidden layers, one draw and three, every objective, clamped log-variances,
 * a strided and weighted batch in the middle of a data set.
 *
 * vae_grad() changes neither parameters nor step count, so all evaluations see the same noise. Differences
 * are taken tensor by tensor along directions, d = p+ - p- as float32 holds them: (f(p+) - f(p-)) against
 * grad . d. The objective is a float64 sum of float32 terms, 10 to 30 nats with rounding noise of about 1e-6;
 * central differences at h and 2h are extrapolated (error h^4), so that h can be large enough to stand out of
 * that noise: at h = 0.02 along unit directions slopes are good to 5e-5. Along its own direction a tensor's
 * gradient is asked for to 5e-4 of its norm plus that. Along random directions u the error e of a gradient of
 * N elements shows as e . u, whose mean square is |e|^2 / N: the estimate of |e| is asked to be below 0.5 %
 * of the norm plus noise. (Seen: 2.3e-4, 0.16 %.) relu and its leaky form have kinks, and Laplace's density
 * has one at its mean, which no extrapolation removes: a smaller h and wider bounds there.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_OF_BATCH = 9, LD = 15, DIRECTIONS = 6 };

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
    float x[ROWS_OF_BATCH * LD], weight[ROWS_OF_BATCH];
    float *params, *grads, *moved; /* canonical, [count] */
    uint64_t count, offset, size;  /* the tensor under test */
    const char *what, *tensor;
};

/* Minus the objective: what the gradient is of. */
static double objective(struct subject *s)
{
    vae_terms terms = empty_terms();
    must(vae_set_params(s->model, s->moved, s->count));
    must(vae_grad(s->model, &s->batch, &terms));
    return -terms.objective;
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

/* Rows of 13 columns with a gap of NaN behind them, one of them left out. */
static void fill_batch(struct subject *s)
{
    float *x = rows_for(s->model, ROWS_OF_BATCH, 3);
    s->batch = batch_of(s->model, s->x, ROWS_OF_BATCH);
    for (size_t i = 0; i < ROWS_OF_BATCH; i++) {
        for (size_t j = 0; j < LD; j++)
            s->x[i * LD + j] = j < X_DIM && i != 4 ? x[i * X_DIM + j] : NAN;
        s->weight[i] = i == 4 ? 0 : 0.5f + 0.25f * (float)(i % 3);
    }
    s->batch.ldx = LD;
    s->batch.weight = s->weight;
    s->batch.first_row = 5;
    s->batch.seed = 77;
    free(x);
}

static struct subject subject_open(const struct plan *plan, const char *what, struct accuracy accuracy)
{
    struct subject s = {.model = model_of(plan), .accuracy = accuracy, .what = what};
    train_some(s.model, 2, 8);
    s.count = vae_param_count(s.model);
    s.params = params_of(s.model);
    s.moved = params_of(s.model);
    return s;
}

static void subject_check(struct subject *s)
{
    fill_batch(s);
    must(vae_grad(s->model, &s->batch, NULL));
    s->grads = grads_of(s->model);
    for (uint64_t i = 0; i < vae_tensor_count(s->model); i++) {
        vae_tensor_info info;
        vae_tensor_info_init(&info, sizeof info);
        must(vae_tensor(s->model, i, &info));
        s->tensor = info.name;
        s->offset = info.offset;
        s->size = info.count;
        check_tensor(s);
    }
}

static void subject_close(struct subject *s)
{
    free(s->params);
    free(s->moved);
    free(s->grads);
    vae_destroy(s->model);
}

static void check_model(const struct plan *plan, const char *what, struct accuracy accuracy)
{
    struct subject s = subject_open(plan, what, accuracy);
    subject_check(&s);
    subject_close(&s);
}

/* A plan of one kind, ready to be trained a little. */
static void plan_gradient(struct plan *plan, size_t kind, int32_t activation, size_t hidden)
{
    plan_any(plan, kind, activation);
    plan->config.n_encoder = plan->config.n_decoder = hidden;
    plan->config.init = VAE_INIT_GLOROT;
    plan->training.learning_rate = 0.05;
    if (kind == KIND_POISSON || kind == likelihood_count) { /* rates are exponentials: smaller logs of them */
        plan->config.init_scale = 0.3;
        plan->training.learning_rate = 0.01;
    }
}

static struct accuracy accuracy_of(const struct plan *plan)
{
    int32_t activation = plan->encoder[0].activation;
    int kinks =
        activation == VAE_RELU || activation == VAE_LEAKY_RELU || activation == VAE_ACTIVATION_DEFAULT;
    return (kinks && plan->config.n_encoder > 0) || plan->spans[0].likelihood == VAE_LAPLACE ? kinked
                                                                                             : smooth;
}

static void check_activation(int32_t activation, const char *name, size_t hidden_least, size_t hidden_most)
{
    for (size_t kind = 0; kind <= likelihood_count; kind++)
        for (size_t hidden = hidden_least; hidden <= hidden_most; hidden++)
            for (uint64_t samples = 1; samples <= 3; samples += 2) {
                struct plan plan;
                char what[96];
                plan_gradient(&plan, kind, activation, hidden);
                plan.training.samples = samples;
                snprintf(what, sizeof what, "%s, %s, %zu hidden, %d draws", name, kind_name(kind), hidden,
                    (int)samples);
                check_model(&plan, what, accuracy_of(&plan));
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
ACTIVATION_TEST(leaky_relu, VAE_LEAKY_RELU)
ACTIVATION_TEST(elu, VAE_ELU)

/* ---- gated layers ---- */

/* By bits of `gated`, the first and the second layer of either side: at x or z, and at a head. */
START_TEST(gated_layers)
{
    const size_t kinds[] = {KIND_BERNOULLI, KIND_GAUSS_CELL_SIGMOID};
    for (int32_t activation = VAE_ACTIVATION_DEFAULT; activation <= VAE_ELU; activation++)
        for (int gated = 1; gated <= 3; gated++)
            for (size_t i = 0; i < 2; i++) {
                struct plan plan;
                char what[96];
                plan_gradient(&plan, kinds[i], activation, 2);
                plan.training.samples = 2;
                for (int layer = 0; layer < 2; layer++)
                    if (gated & (1 << layer))
                        plan.encoder[layer].kind = plan.decoder[layer].kind = VAE_LAYER_GATED;
                snprintf(what, sizeof what, "activation %d, gates %d, %s", (int)activation, gated,
                    kind_name(kinds[i]));
                check_model(&plan, what, accuracy_of(&plan));
            }
}
END_TEST

/* ---- clamped log-variances ---- */

/* One latent's are below the floor, one's within, one's above the ceiling, by the head's biases and far from
 * either. Differences see the slope 0 of those that are clamped, and the others'. Pseudo-inputs of a prior go
 * through the same encoder. */
START_TEST(clamped_log_variances)
{
    const int32_t objectives[] = {VAE_ELBO, VAE_IWAE, VAE_IWAE};
    const float biases[Z_DIM] = {-4, 0, 4};
    for (int i = 0; i < 3; i++) {
        struct plan plan;
        plan_gradient(&plan, KIND_GAUSS_CELL, VAE_TANH, 1);
        plan.training.objective = objectives[i];
        plan.config.prior = i == 2 ? VAE_PRIOR_VAMP : VAE_PRIOR_NORMAL;
        plan.config.prior_components = i == 2 ? 5 : 0;
        plan.training.samples = 3;
        plan.config.z_logvar_min = -1.5;
        plan.config.z_logvar_max = 1.5;
        struct subject s = subject_open(&plan, "clamped", smooth);
        vae_tensor_info bias = tensor_of(s.model, "encoder.1.bias");
        memcpy(s.params + bias.offset + Z_DIM, biases, sizeof biases);
        memcpy(s.moved, s.params, (size_t)s.count * sizeof *s.moved);
        must(vae_set_params(s.model, s.params, s.count));
        subject_check(&s);
        for (uint64_t j = 0; j < Z_DIM; j++)
            ck_assert((s.grads[bias.offset + Z_DIM + j] == 0) == (j != 1));
        subject_close(&s);
    }
}
END_TEST

/* ---- objectives ---- */

static void check_objective(const vae_training *training, const char *name)
{
    const size_t kinds[] = {KIND_BERNOULLI, KIND_GAUSS_SPAN, KIND_GAUSS_CELL_SIGMOID, likelihood_count};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct plan plan;
        char what[96];
        plan_gradient(&plan, kinds[i], VAE_TANH, 1);
        double rate = plan.training.learning_rate;
        plan.training = *training;
        plan.training.learning_rate = rate;
        snprintf(what, sizeof what, "%s, %s", name, kind_name(kinds[i]));
        check_model(&plan, what, accuracy_of(&plan));
    }
}

static vae_training objective_of(int32_t objective, uint64_t samples, double kl_weight)
{
    vae_training training;
    vae_training_init(&training, sizeof training);
    training.objective = objective;
    training.samples = samples;
    training.kl_weight = kl_weight;
    return training;
}

START_TEST(weighted_divergence)
{
    vae_training training = objective_of(VAE_ELBO, 2, 4);
    check_objective(&training, "kl_weight 4");
    training.kl_weight = 0;
    check_objective(&training, "kl_weight 0");
}
END_TEST

/* On either side of the kink, at a distance from it. */
START_TEST(capacity)
{
    vae_training training = objective_of(VAE_ELBO, 1, 3);
    training.kl_capacity = 1e-3;
    check_objective(&training, "kl_capacity below");
    training.kl_capacity = 50;
    check_objective(&training, "kl_capacity above");
}
END_TEST

/* A floor below all latents, and one above all; between them is free_bits_by_latent. */
START_TEST(free_bits)
{
    vae_training training = objective_of(VAE_ELBO, 2, 1.5);
    training.free_bits = 1e-6;
    check_objective(&training, "free_bits below");
    training.free_bits = 50;
    check_objective(&training, "free_bits above");
}
END_TEST

/* Half the way between the largest divergence of a latent and the next one. */
static double floor_between(struct subject *s)
{
    double kl[Z_DIM], largest = 0, next = 0;
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.kl_by_latent = kl;
    fill_batch(s);
    must(vae_infer(s->model, &s->batch, &outputs, NULL));
    for (int j = 0; j < Z_DIM; j++) {
        next = kl[j] > largest ? largest : fmax(next, kl[j]);
        largest = fmax(largest, kl[j]);
    }
    ck_assert_msg(largest > 1.05 * next && next > 0, "divergences %g and %g", largest, next);
    return (largest + next) / 2;
}

/* A floor that one latent is above of, and the others are not. */
START_TEST(free_bits_by_latent)
{
    const size_t kinds[] = {KIND_BERNOULLI, KIND_GAUSS_CELL};
    for (size_t i = 0; i < 2; i++) {
        struct plan plan;
        plan_gradient(&plan, kinds[i], VAE_TANH, 1);
        struct subject s = subject_open(&plan, kind_name(kinds[i]), smooth);
        plan.training.free_bits = floor_between(&s);
        must(vae_set_training(s.model, &plan.training));
        subject_check(&s);
        subject_close(&s);
    }
}
END_TEST

/* Those of VAE_ESTIMATOR_STL and VAE_ESTIMATOR_DREG are no gradients of what is reported at the draws: see
 * test_expectations.c. */
START_TEST(monte_carlo_divergence)
{
    vae_training training = objective_of(VAE_ELBO, 1, 1);
    training.estimator = VAE_ESTIMATOR_MONTE_CARLO_KL;
    check_objective(&training, "Monte Carlo KL");
    training.samples = 4;
    training.kl_weight = 2.5;
    check_objective(&training, "Monte Carlo KL, 4 draws, kl_weight 2.5");
    training.kl_weight = 0;
    check_objective(&training, "Monte Carlo KL, kl_weight 0");
}
END_TEST

START_TEST(importance_weighted)
{
    vae_training training = objective_of(VAE_IWAE, 5, 1);
    check_objective(&training, "IWAE");
    training.samples = 1;
    check_objective(&training, "IWAE of one draw");
    training.samples = 4;
    training.kl_weight = 0.5;
    check_objective(&training, "IWAE, kl_weight 0.5");
    training.estimates = 3;
    check_objective(&training, "MIWAE");
    training.elbo_weight = 0.25;
    check_objective(&training, "CIWAE");
    training.elbo_weight = 1;
    check_objective(&training, "CIWAE, all ELBO");
}
END_TEST

/* ---- priors with components ---- */

/* More components than lanes, and fewer; one draw and three; both objectives. */
static void check_prior(int32_t prior, const char *name)
{
    const uint64_t components[] = {2, 5, 19}, samples[] = {1, 3, 2};
    for (size_t i = 0; i < 3; i++)
        for (int32_t objective = VAE_IWAE; objective <= VAE_IWAE; objective++) {
            struct plan plan;
            char what[96];
            plan_gradient(&plan, i == 0 ? KIND_GAUSS_SPAN : KIND_BERNOULLI, VAE_TANH, 1);
            plan.config.prior = prior;
            plan.config.prior_components = components[i];
            plan.encoder[0].kind = i == 1 ? VAE_LAYER_GATED : VAE_LAYER_DENSE;
            plan.training.objective = objective;
            plan.training.samples = samples[i];
            plan.training.kl_weight = 1.5;
            snprintf(what, sizeof what, "%s of %d, objective %d", name, (int)components[i], (int)objective);
            check_model(&plan, what, accuracy_of(&plan));
        }
}

START_TEST(mixture_prior)
{
    check_prior(VAE_PRIOR_MIXTURE, "mixture");
}
END_TEST

START_TEST(vamp_prior)
{
    check_prior(VAE_PRIOR_VAMP, "VampPrior");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {no_hidden_layer, identity, relu, tanh_layers, sigmoid, softplus, silu, gelu,
        leaky_relu, elu, gated_layers, clamped_log_variances, weighted_divergence, capacity, free_bits,
        free_bits_by_latent, monte_carlo_divergence, importance_weighted, mixture_prior, vamp_prior};
    return RUN_SUITE("gradients", tests);
}
