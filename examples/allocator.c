/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A model in a static pool: vae_create takes one block of it, and no other call takes memory.
 */
#include <stdio.h>
#include <vae/vae.h>

enum { POOL = 1 << 20, ROWS = 32, X_DIM = 64 };

struct pool {
    unsigned char *base;
    size_t used, calls, live;
};

static _Alignas(64) unsigned char memory[POOL];

static void *pool_alloc(void *ctx, size_t size, size_t alignment)
{
    struct pool *pool = ctx;
    size_t start = (pool->used + alignment - 1) / alignment * alignment;
    if (start > POOL || size > POOL - start)
        return NULL;
    pool->used = start + size;
    pool->calls++;
    pool->live++;
    return pool->base + start;
}

/* Blocks are not reused: the pool is given up as a whole. */
static void pool_free(void *ctx, void *ptr, size_t size)
{
    struct pool *pool = ctx;
    (void)ptr;
    (void)size;
    pool->live--;
}

static int create(vae_model **model, struct pool *pool, uint64_t hidden)
{
    vae_layer layer;
    vae_layer_init(&layer, sizeof layer);
    layer.units = hidden;
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = X_DIM;
    config.z_dim = 4;
    config.encoder = config.decoder = &layer;
    config.n_encoder = config.n_decoder = 1;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = ROWS;
    runtime.alloc_ctx = pool;
    runtime.alloc = pool_alloc;
    runtime.free = pool_free;
    return vae_create(model, &config, NULL, &runtime);
}

int main(void)
{
    struct pool pool = {.base = memory};
    static float x[ROWS * X_DIM], copy[ROWS * X_DIM];
    vae_model *model;
    for (int i = 0; i < ROWS * X_DIM; i++)
        x[i] = i / X_DIM % 8 == i % 8;
    if (create(&model, &pool, 32) != VAE_OK) {
        fprintf(stderr, "%s\n", vae_last_error());
        return 1;
    }
    size_t calls = pool.calls;
    printf("vae_create took %zu bytes in %zu allocation%s\n", pool.used, calls, calls == 1 ? "" : "s");
    for (int step = 0; step < 100; step++)
        if (vae_step(model, x, ROWS, NULL) != VAE_OK)
            return 1;
    if (vae_elbo(model, x, ROWS, 8, NULL, NULL) != VAE_OK || vae_reconstruct(model, x, ROWS, copy) != VAE_OK)
        return 1;
    printf("100 steps, a bound and a reconstruction took %zu more\n", pool.calls - calls);
    int more = pool.calls != calls;
    vae_destroy(model);
    printf("%zu blocks left after vae_destroy\n", pool.live);
    int refused = create(&model, &pool, 100000); /* larger than the pool */
    printf("a model too large for the pool: %s\n", vae_last_error());
    return more || pool.live || refused != VAE_ERR_NOMEM;
}
