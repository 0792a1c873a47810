/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: gradients with their terms, and sums of several.
 */
#include "passes.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Two threads in name, for builds that have one. */
static void in_order(void *ctx, size_t tasks, void (*task)(void *arg, size_t index), void *arg)
{
    (void)ctx;
    for (size_t i = 0; i < tasks; i++)
        task(arg, i);
}

void plan_pass(struct plan *plan, size_t kind, int32_t objective)
{
    plan_init(plan, VAE_BERNOULLI, VAE_TANH, 1);
    plan_kind(plan, kind);
    plan->training.objective = objective;
    plan->training.samples = 3;
    plan->training.kl_weight = 0.7;
    plan->runtime.threads = kind % 2 ? 2 : 1;
    plan->runtime.parallel_for = in_order;
}

void each_kind(void (*check)(const struct plan *plan))
{
    const struct {
        int32_t objective, estimator;
    } bounds[] = {{VAE_ELBO, VAE_ESTIMATOR_DEFAULT}, {VAE_ELBO, VAE_ESTIMATOR_MONTE_CARLO_KL},
        {VAE_ELBO, VAE_ESTIMATOR_STL}, {VAE_IWAE, VAE_ESTIMATOR_DEFAULT}, {VAE_IWAE, VAE_ESTIMATOR_STL},
        {VAE_IWAE, VAE_ESTIMATOR_DREG}};
    for (size_t kind = 0; kind < likelihood_count; kind++)
        for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
            struct plan plan;
            plan_pass(&plan, kind, bounds[i].objective);
            plan.training.estimator = bounds[i].estimator;
            check(&plan);
        }
}

struct pass pass_of(vae_model *model, const vae_batch *batch)
{
    struct pass pass = {.terms = empty_terms()};
    must(vae_grad(model, batch, &pass.terms));
    pass.grads = grads_of(model);
    return pass;
}

void total_open(struct total *total, const vae_model *model)
{
    *total = (struct total){.grads = calloc((size_t)vae_param_count(model), sizeof *total->grads)};
}

void total_add(struct total *total, vae_model *model, const vae_batch *batch, double weight)
{
    struct pass pass = pass_of(model, batch);
    for (uint64_t i = 0; i < vae_param_count(model); i++)
        total->grads[i] += weight * (double)pass.grads[i];
    total->objective += weight * pass.terms.objective;
    total->loglik += weight * pass.terms.loglik;
    total->kl += weight * pass.terms.kl;
    free(pass.grads);
}

static void close_to(double a, double b, const char *what)
{
    ck_assert_msg(fabs(a - b) <= 1e-6 * (1 + fabs(b)), "%s: %.9g, %.9g", what, a, b);
}

void total_is(struct total *total, const vae_model *model, const struct pass *all)
{
    double error = 0, norm = 0;
    for (uint64_t i = 0; i < vae_param_count(model); i++) {
        double g = (double)all->grads[i];
        error += (total->grads[i] - g) * (total->grads[i] - g);
        norm += g * g;
    }
    ck_assert_msg(sqrt(error) <= 1e-6 * sqrt(norm) && norm > 0, "the gradient of norm %g is off by %g",
        sqrt(norm), sqrt(error));
    close_to(total->objective, all->terms.objective, "objective");
    close_to(total->loglik, all->terms.loglik, "loglik");
    close_to(total->kl, all->terms.kl, "kl");
    close_to(total->loglik - total->kl, all->terms.elbo, "elbo");
    free(total->grads);
}
