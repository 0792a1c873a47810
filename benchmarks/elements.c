/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. Work on each element: divergence, likelihood, noise, draw; value and gradients in one call.
 */
#include "serve.h"

#include "kernels/table.h"

#include <stdio.h>
#include <vae/vae.h>

/* A matrix of every kind that some case needs. */
struct arrays {
    size_t n, d;
    float *mu, *logvar, *gmu, *glogvar;
    float *eps, *z, *gz;
    float *x, *logits, *glogits, *sums;
    float *weights; /* of rows, as in a batch */
    double *exact_sums;
    uint64_t offset;
};

static struct arrays *arrays_new(size_t n, size_t d)
{
    struct arrays *a = bench_memory(sizeof *a);
    size_t count = n * d;
    *a = (struct arrays){.n = n,
        .d = d,
        .mu = bench_uniform(count, -1, 1),
        .logvar = bench_uniform(count, -1, 1),
        .gmu = bench_floats(count),
        .glogvar = bench_floats(count),
        .eps = bench_floats(count),
        .z = bench_floats(count),
        .gz = bench_uniform(count, -1, 1),
        .x = bench_uniform(count, 0, 1),
        .logits = bench_uniform(count, -4, 4),
        .glogits = bench_floats(count),
        .sums = bench_floats(n),
        .weights = bench_uniform(n, 1.0f / 128, 1.0f / 128),
        .exact_sums = bench_memory(n * sizeof(double))};
    return a;
}

static void kl(void *arg)
{
    struct arrays *a = arg;
    vae_kl_diag_gauss_grad(
        a->n, a->d, a->mu, a->d, a->logvar, a->d, NULL, a->sums, a->gmu, a->d, a->glogvar, a->d);
}

static void bernoulli_exact(void *arg)
{
    struct arrays *a = arg;
    vae_loglik_bernoulli_grad(a->n, a->d, a->x, a->d, a->logits, a->d, NULL, a->sums, a->glogits, a->d);
}

static void bernoulli_training(void *arg)
{
    struct arrays *a = arg;
    struct vae_seen seen = {0};
    vae_kernels_get()->train->bernoulli(
        a->n, a->d, a->x, a->d, a->logits, a->d, a->weights, a->exact_sums, a->glogits, a->d, &seen);
}

static void normals(void *arg)
{
    struct arrays *a = arg;
    vae_normal(1, 2, a->offset, a->n * a->d, a->eps);
    a->offset += a->n * a->d;
}

static void draw(void *arg)
{
    struct arrays *a = arg;
    normals(arg);
    vae_reparam(a->n, a->d, a->mu, a->d, a->logvar, a->d, a->eps, a->d, a->z, a->d);
    vae_reparam_grad(a->n, a->d, a->logvar, a->d, a->eps, a->d, a->gz, a->d, a->gmu, a->d, a->glogvar, a->d);
}

static struct bench_case make(const char *what, void (*run)(void *arg), size_t n, size_t d)
{
    struct bench_case c = {.work = (double)n * (double)d, .run = run, .arg = arrays_new(n, d)};
    snprintf(c.name, sizeof c.name, "%s/%zux%zu", what, n, d);
    return c;
}

int main(void)
{
    const struct bench_case cases[] = {
        make("kl", kl, 128, 20),
        make("kl", kl, 10000, 20),
        make("kl", kl, 100000, 64),
        make("bernoulli-training", bernoulli_training, 128, 784),
        make("bernoulli-exact", bernoulli_exact, 128, 784),
        make("normals", normals, 1000000, 1),
        make("draw", draw, 128, 20),
        make("draw", draw, 10000, 20),
    };
    bench_about("libvae %s", vae_build_info());
    return bench_serve(cases, sizeof cases / sizeof *cases);
}
