/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Every optimizer by hand along the model's own gradients, with momentum, weight decay, clipping and
 * settings that change; a step is a gradient and an update to the bit, on any number of threads.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { ROWS = 11 };

static const struct rule {
    int32_t optimizer;
    double rate, momentum, decay, clip;
} rules[] = {
    {VAE_ADAM, 0.01, 0, 0, 0},
    {VAE_ADAM, 0.01, 0, 0.3, 0},
    {VAE_ADAM, 0.1, 0, 0.3, 0.5},
    {VAE_ADAMW, 0.01, 0, 0, 0},
    {VAE_ADAMW, 0.1, 0, 0.9, 0},
    {VAE_ADAMW, 0.5, 0, 5, 1e-3},
    {VAE_ADAGRAD, 0.05, 0, 0, 0},
    {VAE_ADAGRAD, 0.05, 0, 0.2, 0},
    {VAE_ADAGRAD, 0.5, 0, 0, 0.01},
    {VAE_SGD, 0.01, 0, 0, 0},
    {VAE_SGD, 0.01, 0, 0.2, 2},
    {VAE_SGD, 0.01, 0.9, 0, 0},
    {VAE_SGD, 0.01, 0.5, 0.2, 0},
    {VAE_SGD, 0.02, 0.9, 0.2, 0.7},
};
enum { RULES = sizeof rules / sizeof *rules };

static void plan_rule(struct plan *plan, const struct rule *rule)
{
    plan_init(plan, VAE_GAUSS, VAE_TANH, 1);
    plan_scale(plan, 0, VAE_PARAM_SPAN);
    plan->training.optimizer = rule->optimizer;
    plan->training.learning_rate = rule->rate;
    plan->training.momentum = rule->momentum;
    plan->training.weight_decay = rule->decay;
    plan->training.clip_norm = rule->clip;
}

/* The normal prior, or one with parameters of its own. */
static void plan_prior(struct plan *plan, int k)
{
    plan->config.prior = VAE_PRIOR_NORMAL + k % 3;
    plan->config.prior_components = k % 3 ? 4 : 0;
    plan->training.objective = k % 3 ? VAE_IWAE : VAE_ELBO;
}

/* ---- by hand ---- */

/* A parameter after one update, as the header has it; `moment` are its moments. */
static double by_hand(const vae_training *t, int step, double p, double g, double moment[2])
{
    int adam = t->optimizer == VAE_ADAM || t->optimizer == VAE_ADAMW;
    if (t->optimizer == VAE_ADAMW)
        p -= t->learning_rate * t->weight_decay * p;
    else
        g += t->weight_decay * p;
    if (adam) {
        moment[0] = t->beta1 * moment[0] + (1 - t->beta1) * g;
        moment[1] = t->beta2 * moment[1] + (1 - t->beta2) * g * g;
        double first = moment[0] / (1 - pow(t->beta1, step)), second = moment[1] / (1 - pow(t->beta2, step));
        return p - t->learning_rate * first / (sqrt(second) + t->epsilon);
    }
    if (t->optimizer == VAE_ADAGRAD) {
        moment[0] += g * g;
        return p - t->learning_rate * g / (sqrt(moment[0]) + t->epsilon);
    }
    if (t->momentum == 0)
        return p - t->learning_rate * g;
    moment[0] = t->momentum * moment[0] + g;
    return p - t->learning_rate * moment[0];
}

/* Settings that change on the way: momentum comes and goes. */
static void schedule(vae_training *t, const struct rule *rule, int step)
{
    t->learning_rate = rule->rate * (step < 8 ? 1 : 0.3);
    t->momentum = rule->momentum * (step < 3 || step == 9 ? 0 : step < 14 ? 1 : 0.5);
    t->weight_decay = rule->decay * (step < 5 ? 1 : 0.25);
    t->clip_norm = rule->clip * (step < 12 ? 1 : 3);
}

static double norm_of(size_t n, const float *g)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    return sqrt(sum);
}

/* One update of a model against that of `p` from its gradient, all parameters. */
static void check_update(vae_model *model, const vae_training *t, int step, double (*moment)[2])
{
    size_t count = (size_t)vae_param_count(model);
    float *g = grads_of(model), *before = params_of(model);
    double found, norm = norm_of(count, g), cut = t->clip_norm > 0 ? fmin(1, t->clip_norm / norm) : 1;
    must(vae_apply(model, &found));
    float *after = params_of(model);
    ck_assert_double_eq_tol(found, norm, 1e-12 * norm);
    for (size_t i = 0; i < count; i++) {
        double p = (double)before[i], wanted = by_hand(t, step, p, cut * (double)g[i], moment[i]);
        double error = fabs((double)after[i] - wanted);
        /* Sums that almost cancel have a rounding error of their summands' size, hence the rate. */
        double size = t->learning_rate * (t->optimizer == VAE_SGD ? cut * norm : 1);
        ck_assert_msg(error <= 2e-6 * (fabs(wanted - p) + size) + 2e-7 * fabs(p),
            "optimizer %d, step %d, parameter %zu: %g is off by %g", t->optimizer, step, i, wanted, error);
    }
    free(g);
    free(before);
    free(after);
}

START_TEST(updates_by_hand)
{
    for (int k = 0; k < RULES; k++) {
        struct plan plan;
        plan_rule(&plan, &rules[k]);
        plan_prior(&plan, k);
        vae_model *model = model_of(&plan);
        double(*moment)[2] = calloc((size_t)vae_param_count(model), sizeof *moment);
        for (int step = 1; step <= 24; step++) {
            float *x = rows_for(model, ROWS, (uint64_t)step);
            vae_batch batch = batch_of(model, x, ROWS);
            schedule(&plan.training, &rules[k], step);
            must(vae_set_training(model, &plan.training));
            must(vae_grad(model, &batch, NULL));
            check_update(model, &plan.training, step, moment);
            free(x);
        }
        free(moment);
        vae_destroy(model);
    }
}
END_TEST

/* ---- bits ---- */

/* Both ways of a step, and all numbers of threads, on layers of several pieces. */
START_TEST(same_bits_on_every_way)
{
    const uint64_t widths[] = {150, 33};
    const int32_t threads[] = {1, 2, 8};
    for (int k = 0; k < RULES; k++) {
        struct plan plan;
        vae_model *models[4];
        plan_rule(&plan, &rules[k]);
        plan.config.n_encoder = plan.config.n_decoder = 2;
        plan_sizes(&plan, 131, 5, widths, 2);
        plan_prior(&plan, k);
        for (int i = 0; i < 4; i++) {
            plan.runtime.threads = threads[i % 3];
            models[i] = model_of(&plan);
        }
        for (int step = 0; step < 5; step++) {
            float *x = rows_for(models[0], ROWS, (uint64_t)step);
            vae_terms terms[4];
            vae_batch batch = batch_of(models[3], x, ROWS);
            double norm;
            for (int i = 0; i < 4; i++) {
                vae_terms_init(&terms[i], sizeof terms[i]);
                must(
                    i < 3 ? vae_step(models[i], x, ROWS, &terms[i]) : vae_grad(models[i], &batch, &terms[i]));
                ck_assert_mem_eq(&terms[i], &terms[0], sizeof terms[0]);
            }
            must(vae_apply(models[3], &norm));
            ck_assert(norm == terms[3].grad_norm);
            free(x);
        }
        for (int i = 1; i < 4; i++)
            same_models(models[i], models[0]);
        for (int i = 0; i < 4; i++)
            vae_destroy(models[i]);
    }
}
END_TEST

/* Two rules that are the same one at these settings. */
static void same_rules(const struct rule *a, const struct rule *b)
{
    struct plan plan;
    plan_rule(&plan, a);
    vae_model *one = model_of(&plan);
    plan_rule(&plan, b);
    vae_model *other = model_of(&plan);
    train_some(one, 6, ROWS);
    train_some(other, 6, ROWS);
    same_models(one, other);
    vae_destroy(one);
    vae_destroy(other);
}

START_TEST(rules_that_coincide)
{
    same_rules(&(struct rule){VAE_ADAM, 0.01, 0, 0, 0}, &(struct rule){VAE_ADAMW, 0.01, 0, 0, 0});
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++) {
        struct rule plain = {i, 0.01, 0, 0, 0}, loose = {i, 0.01, 0, 0, 1e30};
        same_rules(&plain, &loose); /* a limit that nothing reaches */
    }
    same_rules(&(struct rule){VAE_ADAGRAD, 0.01, 0, 0, 0}, &(struct rule){VAE_ADAGRAD, 0.01, 0.9, 0, 0});
}
END_TEST

/* ---- clipping, decay ---- */

static double distance(size_t n, const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

/* At rate 1 the parameters move by the clipped gradient, whose norm is told before it was clipped. */
START_TEST(the_norm_is_cut)
{
    const double limits[] = {0, 1e-3, 0.5, 1, 1e3, 1e30};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        struct plan plan;
        vae_terms terms = empty_terms();
        plan_rule(&plan, &(struct rule){VAE_SGD, 1, 0, 0, limits[k]});
        vae_model *model = model_of(&plan);
        size_t count = (size_t)vae_param_count(model);
        float *x = rows_for(model, ROWS, 1), *before = params_of(model);
        must(vae_step(model, x, ROWS, &terms));
        float *after = params_of(model);
        double moved = distance(count, before, after), norm = terms.grad_norm;
        ck_assert_double_gt(norm, 1.5);
        ck_assert_double_lt(norm, 100);
        ck_assert_double_eq_tol(moved, limits[k] > 0 ? fmin(limits[k], norm) : norm, 1e-5 * moved);
        free(x);
        free(before);
        free(after);
        vae_destroy(model);
    }
}
END_TEST

/* Without a gradient there is the decay alone: of every tensor, biases and the span's scale included. */
START_TEST(all_tensors_decay)
{
    for (int32_t i = VAE_ADAMW; i <= VAE_SGD; i += VAE_SGD - VAE_ADAMW) {
        struct plan plan;
        plan_rule(&plan, &(struct rule){i, 0.5, 0, 0.5, 0});
        vae_model *model = model_of(&plan);
        size_t count = (size_t)vae_param_count(model);
        float *before = params_of(model), *zeros = calloc(count, sizeof *zeros);
        must(vae_set_grads(model, zeros, count));
        must(vae_apply(model, NULL));
        float *after = params_of(model);
        ck_assert(before[tensor_of(model, "spans.0.scale").offset] != 0);
        for (size_t k = 0; k < count; k++)
            ck_assert_msg(after[k] == 0.75f * before[k], "optimizer %d, parameter %zu", i, k);
        free(before);
        free(after);
        free(zeros);
        vae_destroy(model);
    }
}
END_TEST

/* ---- use ---- */

START_TEST(all_of_them_learn)
{
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++) {
        struct plan plan;
        vae_terms first = empty_terms(), last = empty_terms();
        plan_rule(&plan, &(struct rule){i, i < VAE_ADAGRAD ? 0.01 : 0.05, 0.9, 0.01, 5});
        plan_kind(&plan, KIND_BERNOULLI);
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        must(vae_elbo(model, x, ROWS, 16, NULL, &first));
        for (int step = 0; step < 100; step++)
            must(vae_step(model, x, ROWS, NULL));
        must(vae_elbo(model, x, ROWS, 16, NULL, &last));
        ck_assert_msg(last.elbo > first.elbo + 0.3, "optimizer %d: %g, then %g", i, first.elbo, last.elbo);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* A parameter without a gradient stays, with the smallest epsilon too. */
START_TEST(no_gradient_and_the_smallest_epsilon)
{
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++) {
        struct plan plan;
        plan_rule(&plan, &(struct rule){i, 0.5, 0.9, 0, 0});
        plan.training.epsilon = (double)FLT_MIN;
        vae_model *model = model_of(&plan);
        size_t count = (size_t)vae_param_count(model);
        float *before = params_of(model), *zeros = calloc(count, sizeof *zeros);
        for (int step = 0; step < 3; step++) {
            must(vae_set_grads(model, zeros, count));
            must(vae_apply(model, NULL));
        }
        float *after = params_of(model);
        ck_assert_mem_eq(before, after, count * sizeof *before);
        free(before);
        free(after);
        free(zeros);
        vae_destroy(model);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {updates_by_hand, same_bits_on_every_way, rules_that_coincide, the_norm_is_cut,
        all_tensors_decay, all_of_them_learn, no_gradient_and_the_smallest_epsilon};
    return RUN_SUITE("optimizers", tests);
}
