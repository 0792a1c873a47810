/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: small models, data for them, copies of their parameters, and an allocator that counts.
 */
#include "models.h"
#include "runner.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Laplace is not in the library yet. */
#define WITH_LAPLACE 1

const struct likelihood likelihoods[] = {
    {VAE_BERNOULLI, VAE_IDENTITY, VAE_PARAM_CELL, "bernoulli"},
    {VAE_GAUSS, VAE_IDENTITY, VAE_PARAM_FIXED, "gauss, fixed"},
    {VAE_GAUSS, VAE_SIGMOID, VAE_PARAM_FIXED, "gauss, fixed, sigmoid"},
    {VAE_GAUSS, VAE_IDENTITY, VAE_PARAM_SPAN, "gauss, span"},
    {VAE_GAUSS, VAE_SIGMOID, VAE_PARAM_SPAN, "gauss, span, sigmoid"},
    {VAE_GAUSS, VAE_IDENTITY, VAE_PARAM_CELL, "gauss, cell"},
    {VAE_GAUSS, VAE_SIGMOID, VAE_PARAM_CELL, "gauss, cell, sigmoid"},
    {VAE_POISSON, VAE_IDENTITY, VAE_PARAM_CELL, "poisson"},
    {VAE_CBERNOULLI, VAE_IDENTITY, VAE_PARAM_CELL, "cbernoulli"},
#if WITH_LAPLACE
    {VAE_LAPLACE, VAE_IDENTITY, VAE_PARAM_FIXED, "laplace, fixed"},
    {VAE_LAPLACE, VAE_IDENTITY, VAE_PARAM_SPAN, "laplace, span"},
    {VAE_LAPLACE, VAE_IDENTITY, VAE_PARAM_CELL, "laplace, cell"},
#endif
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
    if (c->n_spans == 1)
        plan->spans[0].columns = x_dim;
}

void plan_scale(struct plan *plan, size_t i, int32_t scale)
{
    plan->spans[i].scale = scale;
    plan->spans[i].scale_value = scale == VAE_PARAM_CELL ? 0 : -0.5;
}

void plan_kind(struct plan *plan, size_t i)
{
    plan->spans[0].likelihood = likelihoods[i].kind;
    plan->spans[0].mean_activation = likelihoods[i].mean_activation;
    plan_scale(plan, 0, likelihoods[i].scale);
}

void plan_init(struct plan *plan, int32_t likelihood, int32_t activation, size_t hidden)
{
    static const uint64_t widths[] = {19, 17, 5};
    vae_config *c = &plan->config;
    vae_config_init(c, sizeof *c);
    vae_training_init(&plan->training, sizeof plan->training);
    vae_runtime_init(&plan->runtime, sizeof plan->runtime);
    for (size_t i = 0; i < 3; i++) {
        set_layer(&plan->encoder[i], activation, 0);
        set_layer(&plan->decoder[i], activation, 0);
    }
    for (size_t i = 0; i < 4; i++)
        vae_span_init(&plan->spans[i], sizeof plan->spans[i]);
    c->encoder = plan->encoder;
    c->decoder = plan->decoder;
    c->spans = plan->spans;
    c->n_spans = 1;
    c->seed = 5;
    plan->spans[0].likelihood = likelihood;
    plan->runtime.max_batch = 16;
    plan_sizes(plan, 13, 3, widths, hidden);
}

void must(int status)
{
    ck_assert_msg(status == VAE_OK, "status %d: %s", status, vae_last_error());
}

vae_model *model_of(const struct plan *plan)
{
    vae_model *model;
    int status = vae_create(&model, &plan->config, &plan->training, &plan->runtime);
    if (status == VAE_ERR_UNSUPPORTED && plan->runtime.threads > 1 && strstr(vae_last_error(), "thread"))
        exit(TEST_SKIPPED);
    must(status);
    return model;
}

vae_model *view_of(const vae_model *owner, uint64_t max_batch)
{
    vae_model *view;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = max_batch;
    must(vae_share(&view, owner, &runtime));
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

/* Numbers in (0, 1) as counts 0 to 6. */
static void make_counts(float *x, size_t n, size_t columns, size_t ld)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < columns; j++)
            x[i * ld + j] = floorf(7 * x[i * ld + j]);
}

float *rows_for(const vae_model *model, size_t n, uint64_t seed)
{
    size_t d = (size_t)vae_x_dim(model), at = 0;
    float *x = malloc(n * d * sizeof *x);
    vae_span span;
    fill_rows(x, n, d, d, seed);
    for (uint64_t i = 0; at < d; i++) {
        vae_span_init(&span, sizeof span);
        must(vae_get_span(model, i, &span));
        if (span.likelihood == VAE_POISSON)
            make_counts(x + at, n, (size_t)span.columns, d);
        at += (size_t)span.columns;
    }
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
    vae_terms terms;
    vae_terms_init(&terms, sizeof terms);
    return terms;
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

vae_tensor_info tensor_of(const vae_model *model, const char *name)
{
    vae_tensor_info info;
    vae_tensor_info_init(&info, sizeof info);
    for (uint64_t i = 0; i < vae_tensor_count(model); i++) {
        must(vae_tensor(model, i, &info));
        if (strcmp(info.name, name) == 0)
            return info;
    }
    ck_abort_msg("no tensor %s", name);
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
    counter->misused += size < 1 || alignment != 64;
    counter->most_bytes = size > counter->most_bytes ? size : counter->most_bytes;
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

void count_allocations(vae_runtime *runtime, struct counter *counter)
{
    runtime->alloc_ctx = counter;
    runtime->alloc = counted_alloc;
    runtime->free = counted_free;
}

void must_balance(const struct counter *counter)
{
    ck_assert_uint_eq(counter->live_blocks, 0);
    ck_assert_uint_eq(counter->live_bytes, 0);
    ck_assert_uint_eq(counter->misused, 0);
}
