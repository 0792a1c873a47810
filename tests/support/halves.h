/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: vae_backward() of both halves of a model at once, and norms of what comes of it.
 */
#ifndef VAE_TESTS_HALVES_H
#define VAE_TESTS_HALVES_H

#include "answers.h"
#include "expect.h"

#include <math.h>
#include <stdlib.h>

enum { N = 11, XS = N * X_DIM, ZS = N * Z_DIM };

/* The outputs of both networks, and derivatives by them and by their inputs. */
struct hand {
    float mu[ZS], logvar[ZS], eps[ZS], z[ZS], location[XS], scale[XS];
    float gmu[ZS], glogvar[ZS], gz[ZS], glocation[XS], gscale[XS], gx[XS];
};

static inline vae_batch latents_of(const float *z, size_t n)
{
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    batch.n = n;
    batch.z = z;
    return batch;
}

static inline vae_adjoints no_adjoints(void)
{
    vae_adjoints adjoints;
    vae_adjoints_init(&adjoints, sizeof adjoints);
    return adjoints;
}

static inline double norm_of(size_t n, const float *a)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)a[i];
    return sqrt(sum);
}

/* Norm-wise, tensor by tensor. */
static inline void same_gradient(
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

/* Of mu, logvar, x_location and x_scale, with random coefficients. */
struct linear {
    vae_model *model;
    struct hand outputs, c; /* coefficients where the derivatives by outputs are */
    float *x, z[ZS];
};

/* Both halves in one call; the gradient is left open. */
static inline void linear_open(struct linear *l, const struct plan *plan)
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

static inline void linear_close(struct linear *l)
{
    free(l->x);
    vae_destroy(l->model);
}

#endif
