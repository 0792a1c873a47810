/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: small models, data for them, copies of their parameters, and an allocator that counts.
 */
#include "models.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct likelihood likelihoods[] = {
    {VAE_BERNOULLI, VAE_IDENTITY, "bernoulli"},
    {VAE_GAUSS_FIXED, VAE_IDENTITY, "gauss_fixed"},
    {VAE_GAUSS_FIXED, VAE_SIGMOID, "gauss_fixed, sigmoid"},
    {VAE_GAUSS_SHARED, VAE_IDENTITY, "gauss_shared"},
    {VAE_GAUSS_SHARED, VAE_SIGMOID, "gauss_shared, sigmoid"},
    {VAE_GAUSS, VAE_IDENTITY, "gauss"},
    {VAE_GAUSS, VAE_SIGMOID, "gauss, sigmoid"},
};
const size_t likelihood_count = sizeof likelihoods / sizeof *likelihoods;

static void set_layer(vae_layer *layer, int32_t activation, uint64_t units)
{
    vae_layer_init(layer, sizeof *layer);
    layer->activation = activation;
    layer->units = units;
}

void plan_sizes(struct plan *plan, uint64_t x_dim, uint64_t z_dim, const uint64_t *widths, size_t hidden)
{
    vae_config *c = &plan->config;
    c->x_dim = x_dim;
    c->z_dim = z_dim;
    for (size_t i = 0; i < hidden; i++) {
        plan->encoder[i].units = widths[i];
        plan->decoder[hidden - 1 - i].units = widths[i];
    }
    c->n_encoder = c->n_decoder = hidden;
}

void plan_init(struct plan *plan, int32_t likelihood, int32_t activation, size_t hidden)
{
    static const uint64_t widths[] = {19, 17, 5};
    vae_config *c = &plan->config;
    vae_config_init(c, sizeof *c);
    for (size_t i = 0; i < 3; i++) {
        set_layer(&plan->encoder[i], activation, 0);
        set_layer(&plan->decoder[i], activation, 0);
    }
    c->encoder = plan->encoder;
    c->decoder = plan->decoder;
    c->likelihood = likelihood;
    c->max_batch = 16;
    c->seed = 5;
    c->gauss_logvar = likelihood == VAE_BERNOULLI ? 0 : -0.5;
    plan_sizes(plan, 13, 3, widths, hidden);
}

void must(int status)
{
    ck_assert_msg(status == VAE_OK, "status %d: %s", status, vae_last_error());
}

vae_model *model_of(const vae_config *config)
{
    vae_model *model;
    int status = vae_create(&model, config);
    if (status == VAE_ERR_UNSUPPORTED && config->threads > 1) {
        vae_config alone = *config;
        alone.threads = 1;
        status = vae_create(&model, &alone);
    }
    must(status);
    return model;
}

vae_model *view_of(const vae_model *owner, uint64_t max_batch)
{
    vae_model *view;
    must(vae_share(&view, owner, max_batch));
    return view;
}

void fill_rows(float *x, size_t n, size_t d, size_t ld, uint64_t seed)
{
    uint32_t word;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < ld; j++) {
            must(vae_random_u32(seed, 99, i * d + j, 1, &word));
            x[i * ld + j] = j < d ? (float)(word >> 9 | 1) * 0x1p-23f : (float)NAN;
        }
}

float *rows_for(const vae_model *model, size_t n, uint64_t seed)
{
    size_t d = (size_t)vae_x_dim(model);
    float *x = malloc(n * d * sizeof *x);
    fill_rows(x, n, d, d, seed);
    return x;
}

vae_batch batch_of(const vae_model *model, const float *x, size_t n)
{
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    batch.n = n;
    batch.x = x;
    batch.ldx = (size_t)vae_x_dim(model);
    return batch;
}

vae_terms empty_terms(void)
{
    return (vae_terms){.size = sizeof(vae_terms)};
}

float *params_of(const vae_model *model)
{
    uint64_t count = vae_param_count(model);
    float *params = malloc((size_t)count * sizeof *params);
    must(vae_get_params(model, params, count));
    return params;
}

float *grads_of(const vae_model *model)
{
    uint64_t count = vae_param_count(model);
    float *grads = malloc((size_t)count * sizeof *grads);
    must(vae_get_grads(model, grads, count));
    return grads;
}

void train_some(vae_model *model, int steps, size_t n)
{
    for (int i = 0; i < steps; i++) {
        float *x = rows_for(model, n, 1000 + vae_steps(model));
        must(vae_step(model, x, n, NULL));
        free(x);
    }
}

void same_models(const vae_model *a, const vae_model *b)
{
    uint64_t count = vae_param_count(a);
    ck_assert_uint_eq(count, vae_param_count(b));
    ck_assert_uint_eq(vae_steps(a), vae_steps(b));
    float *pa = params_of(a), *pb = params_of(b);
    for (uint64_t i = 0; i < count; i++)
        if (memcmp(&pa[i], &pb[i], sizeof *pa) != 0)
            ck_abort_msg("parameter %llu: %a, %a", (unsigned long long)i, (double)pa[i], (double)pb[i]);
    free(pa);
    free(pb);
}

/* ---- the allocator ---- */

/* No assertions in here: Check allocates, and some tests count that. */
static void *counted_alloc(void *ctx, size_t size, size_t alignment)
{
    struct counter *counter = ctx;
    counter->misused += size < 1 || alignment < 1 || (alignment & (alignment - 1)) != 0;
    if (counter->calls++ == counter->fail_at)
        return NULL;
    void *block = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (!block)
        return NULL;
    counter->live_blocks++;
    counter->live_bytes += size;
    return memset(block, 0xa5, size);
}

static void counted_free(void *ctx, void *ptr, size_t size)
{
    struct counter *counter = ctx;
    counter->misused += !ptr || counter->live_blocks < 1 || counter->live_bytes < size;
    counter->live_blocks--;
    counter->live_bytes -= size;
    free(ptr);
}

vae_allocator counting_allocator(struct counter *counter)
{
    return (vae_allocator){counter, counted_alloc, counted_free};
}

void must_balance(const struct counter *counter)
{
    ck_assert_uint_eq(counter->live_blocks, 0);
    ck_assert_uint_eq(counter->live_bytes, 0);
    ck_assert_uint_eq(counter->misused, 0);
}
