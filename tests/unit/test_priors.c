/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Priors with components: log p(z) by its definition in float64, pseudo-inputs as the encoder makes
 * them, one component that is N(0, I), draws from a mixture, and that nothing is kept when parameters change.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

enum { COMPONENTS = 19, DRAWS = 20000 };

static const int32_t priors[] = {VAE_PRIOR_MIXTURE, VAE_PRIOR_VAMP};

static void plan_prior(struct plan *plan, int32_t prior, uint64_t components)
{
    plan_init(plan, VAE_BERNOULLI, VAE_TANH, 1);
    plan->config.prior = prior;
    plan->config.prior_components = components;
    plan->training.learning_rate = 0.02;
}

static vae_model *trained(int32_t prior, uint64_t components)
{
    struct plan plan;
    plan_prior(&plan, prior, components);
    vae_model *model = model_of(&plan);
    train_some(model, 5, 16);
    return model;
}

static float *tensor_values(const vae_model *model, const char *name)
{
    vae_tensor_info info = tensor_of(model, name);
    float *values = malloc((size_t)info.count * sizeof *values);
    must(vae_get_tensor(model, name, values, info.count));
    return values;
}

static void set_tensor(vae_model *model, const char *name, const float *values)
{
    vae_tensor_info info = tensor_of(model, name);
    must(vae_set_tensor(model, &info, values));
}

/* ---- log p(z), from what the header says ---- */

struct components {
    size_t count;
    float mu[COMPONENTS * Z_DIM], logvar[COMPONENTS * Z_DIM];
    double weight[COMPONENTS];
};

static void mixture_of(const vae_model *model, struct components *c)
{
    float *mu = tensor_values(model, "prior.mu"), *logvar = tensor_values(model, "prior.logvar"),
          *logits = tensor_values(model, "prior.logits");
    double total = 0;
    for (size_t k = 0; k < c->count; k++)
        total += exp((double)logits[k]);
    for (size_t k = 0; k < c->count; k++)
        c->weight[k] = exp((double)logits[k]) / total;
    memcpy(c->mu, mu, c->count * Z_DIM * sizeof *mu);
    memcpy(c->logvar, logvar, c->count * Z_DIM * sizeof *logvar);
    free(mu);
    free(logvar);
    free(logits);
}

static void encoded(vae_model *model, struct components *c)
{
    float *inputs = tensor_values(model, "prior.inputs");
    must(vae_encode(model, inputs, c->count, c->mu, c->logvar));
    for (size_t k = 0; k < c->count; k++)
        c->weight[k] = 1.0 / (double)c->count;
    free(inputs);
}

static void components_of(vae_model *model, struct components *c)
{
    vae_config config;
    vae_config_init(&config, sizeof config);
    must(vae_get_config(model, &config));
    c->count = (size_t)config.prior_components;
    if (config.prior == VAE_PRIOR_VAMP)
        encoded(model, c);
    else
        mixture_of(model, c);
}

static double log_normal(const float *z, const float *mu, const float *logvar)
{
    double sum = 0;
    for (int j = 0; j < Z_DIM; j++) {
        double away = (double)z[j] - (double)mu[j], v = (double)logvar[j];
        sum -= 0.5 * (1.8378770664093454836 + v + away * away * exp(-v));
    }
    return sum;
}

static double log_density(const struct components *c, const float *z)
{
    double sum = 0;
    for (size_t k = 0; k < c->count; k++)
        sum += c->weight[k] * exp(log_normal(z, c->mu + k * Z_DIM, c->logvar + k * Z_DIM));
    return log(sum);
}

/* The divergence by one draw is log q(z|x) - log p(z). */
static void check_density(vae_model *model, const char *what)
{
    static struct components c;
    struct answers a;
    float *x = rows_for(model, ROWS, 21);
    vae_batch batch = batch_of(model, x, ROWS);
    components_of(model, &c);
    must_ask(model, &batch, 1, ONLY(KL) | ONLY(MU) | ONLY(LOGVAR) | ONLY(Z), &a);
    for (int i = 0; i < ROWS; i++) {
        const float *z = a.z + i * Z_DIM;
        double wanted = log_normal(z, a.mu + i * Z_DIM, a.logvar + i * Z_DIM) - log_density(&c, z);
        ck_assert_msg(fabs(a.kl[i] - wanted) < 2e-6 * (1 + fabs(wanted)), "%s: kl %.9g, not %.9g", what,
            a.kl[i], wanted);
    }
    free(x);
}

START_TEST(log_density_of_a_mixture)
{
    static const uint64_t counts[] = {1, 5, COMPONENTS};
    for (size_t i = 0; i < 3; i++) {
        vae_model *model = trained(VAE_PRIOR_MIXTURE, counts[i]);
        check_density(model, "mixture");
        vae_destroy(model);
    }
}
END_TEST

START_TEST(pseudo_inputs_are_encoded)
{
    static const uint64_t counts[] = {1, 5, COMPONENTS}; /* the last is more than the workspace holds rows */
    for (size_t i = 0; i < 3; i++) {
        vae_model *model = trained(VAE_PRIOR_VAMP, counts[i]), *view = view_of(model, 4);
        check_density(model, "VampPrior");
        check_density(view, "a view's");
        vae_destroy(view);
        vae_destroy(model);
    }
}
END_TEST

/* Weights of e^-80 and means that are far away take no part, and do no harm. */
START_TEST(components_far_away)
{
    vae_model *model = trained(VAE_PRIOR_MIXTURE, COMPONENTS);
    float *mu = tensor_values(model, "prior.mu"), *logits = tensor_values(model, "prior.logits");
    for (int j = 0; j < Z_DIM; j++)
        mu[j] = 1e6f;
    logits[1] = -80;
    set_tensor(model, "prior.mu", mu);
    set_tensor(model, "prior.logits", logits);
    check_density(model, "far away");
    free(mu);
    free(logits);
    vae_destroy(model);
}
END_TEST

/* ---- one component at N(0, I) ---- */

/* The same model with another prior, the parameters of its layers being those of `from`. */
static void copy_layers(vae_model *to, const vae_model *from)
{
    for (uint64_t i = 0; i < vae_tensor_count(from); i++) {
        vae_tensor_info info;
        vae_tensor_info_init(&info, sizeof info);
        must(vae_tensor(from, i, &info));
        float *values = tensor_values(from, info.name);
        set_tensor(to, info.name, values);
        free(values);
    }
}

START_TEST(one_standard_normal_is_the_normal_prior)
{
    struct plan plan;
    static const float zeros[Z_DIM];
    plan_prior(&plan, VAE_PRIOR_NORMAL, 0);
    plan.training.objective = VAE_IWAE;
    plan.training.samples = 3;
    vae_model *normal = model_of(&plan);
    plan.config.prior = VAE_PRIOR_MIXTURE;
    plan.config.prior_components = 1;
    vae_model *mixture = model_of(&plan);
    float *x = rows_for(normal, 16, 5);
    vae_terms a = empty_terms(), b = empty_terms();
    copy_layers(mixture, normal);
    set_tensor(mixture, "prior.mu", zeros);
    vae_batch batch = batch_of(normal, x, 16);
    must(vae_grad(normal, &batch, &a));
    must(vae_grad(mixture, &batch, &b));
    ck_assert_double_eq_tol(a.objective, b.objective, 1e-6 * fabs(a.objective));
    float *g = grads_of(normal), *h = grads_of(mixture);
    double error = 0, norm = 0;
    for (uint64_t i = 0; i < vae_param_count(normal); i++) {
        error += pow((double)g[i] - (double)h[i], 2);
        norm += pow((double)g[i], 2);
    }
    ck_assert_double_lt(sqrt(error), 1e-5 * sqrt(norm));
    free(g);
    free(h);
    free(x);
    vae_destroy(normal);
    vae_destroy(mixture);
}
END_TEST

/* ---- draws ---- */

/* Of two components far apart: how many z are of the first, and their mean and spread. */
START_TEST(draws_follow_the_weights)
{
    static float z[DRAWS * Z_DIM];
    const float mu[] = {-20, -20, -20, 20, 21, 22}, logvar[] = {0, 1, -1, 2, 0, 0};
    const float logits[] = {0, 1.0986123f}; /* a quarter and three */
    struct plan plan;
    vae_outputs outputs;
    vae_batch batch;
    plan_prior(&plan, VAE_PRIOR_MIXTURE, 2);
    vae_model *model = model_of(&plan);
    set_tensor(model, "prior.mu", mu);
    set_tensor(model, "prior.logvar", logvar);
    set_tensor(model, "prior.logits", logits);
    vae_batch_init(&batch, sizeof batch);
    vae_outputs_init(&outputs, sizeof outputs);
    batch.n = DRAWS;
    batch.source = VAE_FROM_PRIOR;
    outputs.z = z;
    must(vae_infer(model, &batch, &outputs, NULL));
    for (int j = 0; j < Z_DIM; j++)
        for (int k = 0; k < 2; k++) {
            double count = 0, sum = 0, square = 0, mean = (double)mu[k * Z_DIM + j];
            for (int i = 0; i < DRAWS; i++) {
                double away = (double)z[i * Z_DIM + j] - mean;
                int mine = (z[i * Z_DIM + j] > 0) == k;
                count += mine;
                sum += mine ? away : 0;
                square += mine ? away * away : 0;
            }
            double variance = exp((double)logvar[k * Z_DIM + j]), share = k ? 0.75 : 0.25;
            ck_assert_double_eq_tol(count / DRAWS, share, 4 * sqrt(0.1875 / DRAWS));
            ck_assert_double_eq_tol(sum / count, 0, 4 * sqrt(variance / count));
            ck_assert_double_eq_tol(square / count, variance, 4 * variance * sqrt(2 / count));
        }
    vae_destroy(model);
}
END_TEST

/* ---- what is kept, and until when ---- */

static double kl_of_first_row(vae_model *model)
{
    double kl;
    float *x = rows_for(model, 1, 2);
    vae_batch batch = batch_of(model, x, 1);
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.kl = &kl;
    must(vae_infer(model, &batch, &outputs, NULL));
    free(x);
    return kl;
}

/* A model that was read before a change reads as one that was not. */
static void check_fresh(vae_model *model, const char *change)
{
    struct plan plan;
    vae_config config;
    vae_config_init(&config, sizeof config);
    must(vae_get_config(model, &config));
    plan_prior(&plan, config.prior, config.prior_components);
    vae_model *fresh = model_of(&plan);
    copy_layers(fresh, model);
    double kl = kl_of_first_row(model), wanted = kl_of_first_row(fresh);
    ck_assert_msg(kl == wanted, "after %s: kl %.17g, not %.17g", change, kl, wanted);
    vae_destroy(fresh);
}

START_TEST(components_follow_the_parameters)
{
    for (int i = 0; i < 2; i++) {
        vae_model *model = trained(priors[i], 5);
        float *params = params_of(model), *x = rows_for(model, 16, 3);
        vae_batch batch = batch_of(model, x, 16);
        double before = kl_of_first_row(model);
        must(vae_step(model, x, 16, NULL));
        ck_assert_double_ne(kl_of_first_row(model), before);
        check_fresh(model, "vae_step");
        must(vae_grad(model, &batch, NULL));
        check_fresh(model, "vae_grad");
        must(vae_apply(model, NULL));
        check_fresh(model, "vae_apply");
        must(vae_set_params(model, params, vae_param_count(model)));
        ck_assert_double_eq(kl_of_first_row(model), before);
        float *bias = tensor_values(model, "encoder.0.bias");
        bias[0] += 1;
        set_tensor(model, "encoder.0.bias", bias);
        check_fresh(model, "vae_set_tensor");
        free(bias);
        free(params);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* ---- bits ---- */

static vae_model *trained_by(int32_t prior, int32_t threads)
{
    struct plan plan;
    plan_prior(&plan, prior, COMPONENTS);
    plan.runtime.threads = threads;
    vae_model *model = model_of(&plan);
    train_some(model, 20, 16);
    return model;
}

START_TEST(threads_and_halves_give_the_same_bits)
{
    static const int32_t threads[] = {2, 3, 8};
    for (int i = 0; i < 2; i++) {
        vae_model *one = trained_by(priors[i], 1);
        for (int k = 0; k < 3; k++) {
            vae_model *other = trained_by(priors[i], threads[k]);
            same_models(one, other);
            ck_assert_double_eq(kl_of_first_row(one), kl_of_first_row(other));
            float *x = rows_for(one, 16, 3);
            vae_batch batch = batch_of(one, x, 16);
            must(vae_step(one, x, 16, NULL));
            must(vae_grad(other, &batch, NULL));
            must(vae_apply(other, NULL));
            same_models(one, other);
            free(x);
            vae_destroy(other);
            vae_destroy(one);
            one = trained_by(priors[i], 1);
        }
        vae_destroy(one);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {log_density_of_a_mixture, pseudo_inputs_are_encoded, components_far_away,
        one_standard_normal_is_the_normal_prior, draws_follow_the_weights, components_follow_the_parameters,
        threads_and_halves_give_the_same_bits};
    return RUN_SUITE("priors", tests);
}
