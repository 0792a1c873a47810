/* SPDX-License-Identifier: BSD-2-Clause
 * Test. A model's bound against equations (3), (4) and (8) of docs/derivation.md, made from the model's own
 * encoder and decoder outputs and the public kernels: by Gauss-Hermite quadrature over one latent, and draw
 * by draw with the noise that the header says a row gets. Every likelihood, with every source of its scale.
 */
#include "../support/answers.h"
#include "../support/expect.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>

#include "quadrature.h"

enum { X = 6, ROWS_OF_DATA = 5, NODES = 48, MOST_Z = 3, SEED = 11 };

static struct quadrature rule;

/* One model of each kind, and rows of its domain. */
struct subject {
    vae_model *model;
    float data[ROWS_OF_DATA][X];
    const char *name;
};

/* Weights large enough for posteriors and decoders that bend. */
static struct subject make(size_t kind, uint64_t z_dim)
{
    const uint64_t width = 8;
    struct plan plan;
    struct subject s = {.name = likelihoods[kind].name};
    plan_init(&plan, likelihoods[kind].kind, VAE_TANH, 1);
    plan_kind(&plan, kind);
    plan_sizes(&plan, X, z_dim, &width, 1);
    if (likelihoods[kind].scale != VAE_PARAM_CELL)
        plan.spans[0].scale_value = -1.5;
    plan.config.init = VAE_INIT_NORMAL;
    plan.config.init_scale = 0.6;
    plan.config.seed = SEED;
    s.model = model_of(&plan);
    for (int i = 0; i < ROWS_OF_DATA * X; i++) {
        float x = (float)(i * 37 % 101) / 100;
        s.data[i / X][i % X] = likelihoods[kind].kind == VAE_POISSON ? floorf(6 * x) : x;
    }
    return s;
}

/* log p(x|z) for n latents and one row, or a row each, in float64 from the model's decoder. */
static void reconstruct(
    struct subject *s, size_t n, const float *x, size_t x_rows, const float *z, double *loglik)
{
    static float rows[NODES * X], location[NODES * X], scale[NODES * X];
    vae_batch batch;
    vae_outputs outputs;
    vae_batch_init(&batch, sizeof batch);
    vae_outputs_init(&outputs, sizeof outputs);
    batch.n = n;
    batch.z = z;
    outputs.x_location = location;
    outputs.x_scale = scale;
    must(vae_infer(s->model, &batch, &outputs, NULL));
    for (size_t i = 0; i < n * X; i++)
        rows[i] = x[i % (x_rows * X)];
    loglik_of(s->model, n, rows, location, scale, loglik);
}

/* Mean and variance of log p(x|z) for one latent z ~ N(mu, exp(logvar)), and the log of the mean of its exp.
 */
struct moments {
    double mean, variance, log_mean_exp;
};

static struct moments integrate(struct subject *s, const float *x, double mu, double logvar)
{
    float z[NODES];
    double f[NODES], square = 0, mass = 0;
    struct moments m = {0, 0, 0};
    for (int k = 0; k < NODES; k++)
        z[k] = (float)(mu + exp(logvar / 2) * rule.node[k]);
    reconstruct(s, NODES, x, 1, z, f);
    for (int k = 0; k < NODES; k++) {
        m.mean += rule.weight[k] * f[k];
        square += rule.weight[k] * f[k] * f[k];
        mass += rule.weight[k] * exp(f[k]);
    }
    m.variance = fmax(0, square - m.mean * m.mean);
    m.log_mean_exp = log(mass);
    return m;
}

/* Posteriors and divergences of the rows. */
struct codes {
    float mu[ROWS_OF_DATA * MOST_Z], logvar[ROWS_OF_DATA * MOST_Z], kl[ROWS_OF_DATA];
};

static struct codes encode(struct subject *s)
{
    struct codes c;
    size_t d = (size_t)vae_z_dim(s->model);
    must(vae_encode(s->model, s->data[0], ROWS_OF_DATA, c.mu, c.logvar));
    must(vae_kl_diag_gauss(ROWS_OF_DATA, d, c.mu, d, c.logvar, d, c.kl));
    return c;
}

/* A test of one kind of model, for all of them. */
#define EACH_KIND(name, z_dim)                                                                               \
    static void one_##name(struct subject *s);                                                               \
    START_TEST(name)                                                                                         \
    {                                                                                                        \
        for (size_t kind = 0; kind < likelihood_count; kind++) {                                             \
            struct subject s = make(kind, z_dim);                                                            \
            one_##name(&s);                                                                                  \
            vae_destroy(s.model);                                                                            \
        }                                                                                                    \
    }                                                                                                        \
    END_TEST                                                                                                 \
    static void one_##name(struct subject *s)

/* vae_elbo with many draws lies within 5 standard errors of the integral (plus the float32 decoder's
 * rounding), and all bounds lie below log p(x) by quadrature over the prior. */
EACH_KIND(bound_is_its_quadrature, 1)
{
    enum { DRAWS = 4096 };
    double elbo[ROWS_OF_DATA], sum = 0;
    vae_terms terms = empty_terms();
    struct codes c = encode(s);
    must(vae_elbo(s->model, s->data[0], ROWS_OF_DATA, DRAWS, elbo, &terms));
    for (int i = 0; i < ROWS_OF_DATA; i++) {
        struct moments posterior = integrate(s, s->data[i], (double)c.mu[i], (double)c.logvar[i]);
        struct moments prior = integrate(s, s->data[i], 0, 0);
        double bound = posterior.mean - (double)c.kl[i];
        ck_assert_double_gt(posterior.variance, 0);
        NEAR(elbo[i], bound, 5 * sqrt(posterior.variance / DRAWS) + 1e-5, "%s", s->name);
        ck_assert_double_lt(bound, prior.log_mean_exp);
        sum += elbo[i];
    }
    NEAR(terms.elbo, sum / ROWS_OF_DATA, 1e-12 * fabs(sum), "%s", s->name);
    NEAR(terms.elbo, terms.loglik - terms.kl, 1e-12 * fabs(terms.loglik), "%s", s->name);
    ck_assert(terms.grad_norm == 0);
}

/* samples = 0: log p(x | z = mu) - KL. */
EACH_KIND(bound_at_the_mean, MOST_Z)
{
    double elbo[ROWS_OF_DATA], score[ROWS_OF_DATA], loglik[ROWS_OF_DATA];
    struct codes c = encode(s);
    must(vae_elbo(s->model, s->data[0], ROWS_OF_DATA, 0, elbo, NULL));
    must(vae_score(s->model, s->data[0], ROWS_OF_DATA, 0, score));
    reconstruct(s, ROWS_OF_DATA, s->data[0], ROWS_OF_DATA, c.mu, loglik);
    for (int i = 0; i < ROWS_OF_DATA; i++) {
        double kl = (double)c.kl[i];
        NEAR(elbo[i], loglik[i] - kl, 1e-6 * (fabs(loglik[i]) + kl), "%s", s->name);
        ck_assert(score[i] == -elbo[i]);
    }
}

/* Element (first_row + i) z_dim + j of stream (EVALUATE, sample s, step 0); the key is that of both seeds. */
EACH_KIND(bound_with_the_noise_that_the_header_says, MOST_Z)
{
    enum { DRAWS = 7, FIRST = 1000, BATCH_SEED = 5, LATENTS = ROWS_OF_DATA * MOST_Z };
    float eps[LATENTS], z[LATENTS];
    double elbo[ROWS_OF_DATA], loglik[ROWS_OF_DATA], expected[ROWS_OF_DATA] = {0};
    struct codes c = encode(s);
    vae_batch batch = batch_of(s->model, s->data[0], ROWS_OF_DATA);
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = DRAWS;
    outputs.elbo = elbo;
    batch.first_row = FIRST;
    batch.seed = BATCH_SEED;
    must(vae_infer(s->model, &batch, &outputs, NULL));
    for (uint64_t k = 0; k < DRAWS; k++) {
        must(vae_normal(noise_key(SEED, BATCH_SEED), noise_stream(VAE_STREAM_EVALUATE, k, 0), FIRST * MOST_Z,
            LATENTS, eps));
        must(vae_reparam(ROWS_OF_DATA, MOST_Z, c.mu, MOST_Z, c.logvar, MOST_Z, eps, MOST_Z, z, MOST_Z));
        reconstruct(s, ROWS_OF_DATA, s->data[0], ROWS_OF_DATA, z, loglik);
        for (int i = 0; i < ROWS_OF_DATA; i++)
            expected[i] += loglik[i] / DRAWS;
    }
    for (int i = 0; i < ROWS_OF_DATA; i++)
        NEAR(elbo[i], expected[i] - (double)c.kl[i], 1e-6 * (fabs(expected[i]) + (double)c.kl[i]), "%s",
            s->name);
}

/* Stream (PRIOR, sample 0, step 0), the key of both seeds: the decoded noise, to the bit. */
EACH_KIND(samples_are_the_decoded_prior, MOST_Z)
{
    enum { CALL_SEED = 77 };
    float z[ROWS_OF_DATA * MOST_Z], sampled[ROWS_OF_DATA * X], decoded[ROWS_OF_DATA * X];
    must(vae_normal(
        noise_key(SEED, CALL_SEED), noise_stream(VAE_STREAM_PRIOR, 0, 0), 0, ROWS_OF_DATA * MOST_Z, z));
    must(vae_decode(s->model, z, ROWS_OF_DATA, decoded));
    must(vae_sample_mean(s->model, CALL_SEED, ROWS_OF_DATA, sampled));
    ck_assert_mem_eq(sampled, decoded, sizeof sampled);
}

/* (8), split by latent: means over rows. */
EACH_KIND(divergence_by_latent, MOST_Z)
{
    double by_latent[MOST_Z], sum = 0;
    struct codes c = encode(s);
    vae_batch batch = batch_of(s->model, s->data[0], ROWS_OF_DATA);
    vae_terms terms = empty_terms();
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.kl_by_latent = by_latent;
    must(vae_infer(s->model, &batch, &outputs, &terms));
    for (int j = 0; j < MOST_Z; j++) {
        double mean = 0;
        for (int i = 0; i < ROWS_OF_DATA; i++) {
            double m = (double)c.mu[i * MOST_Z + j], v = (double)c.logvar[i * MOST_Z + j];
            mean += -0.5 * (1 + v - m * m - exp(v)) / ROWS_OF_DATA;
        }
        NEAR(by_latent[j], mean, 1e-6 * (1 + mean), "%s", s->name);
        sum += by_latent[j];
    }
    NEAR(sum, terms.kl, 1e-6 * (1 + sum), "%s", s->name);
}

int main(void)
{
    const TTest *tests[] = {bound_is_its_quadrature, bound_at_the_mean,
        bound_with_the_noise_that_the_header_says, samples_are_the_decoded_prior, divergence_by_latent};
    quadrature_make(&rule, NODES);
    if (rule.n != NODES) {
        fputs("a quadrature without all of its nodes\n", stderr);
        return EXIT_FAILURE;
    }
    return RUN_SUITE("bound", tests);
}
