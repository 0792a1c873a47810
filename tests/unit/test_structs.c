/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The rule of public structs: defaults byte for byte, structs of older and of newer headers, arrays of
 * layers with a stride of their own, output structs of any size.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <stddef.h>
#include <string.h>

enum { AROUND = 32, PATTERN = 0xa5 };

static void all_bytes(const unsigned char *bytes, size_t n, int value, const char *where)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(bytes[i] == value, "%s: byte %zu is %d", where, i, bytes[i]);
}

/* One init function at every size from a whole size_t on: the first `size` bytes are the defaults, then
 * zeros. */
#define CHECK_INIT(TYPE, FUNCTION, WANTED)                                                                   \
    do {                                                                                                     \
        union {                                                                                              \
            TYPE value;                                                                                      \
            unsigned char bytes[sizeof(TYPE) + AROUND];                                                      \
        } u;                                                                                                 \
        for (size_t size = sizeof(size_t); size <= sizeof(TYPE) + AROUND; size++) {                          \
            TYPE wanted = WANTED;                                                                            \
            size_t known = size < sizeof wanted ? size : sizeof wanted;                                      \
            wanted.size = size;                                                                              \
            memset(&u, PATTERN, sizeof u);                                                                   \
            FUNCTION(&u.value, size);                                                                        \
            ck_assert_msg(memcmp(&u, &wanted, known) == 0, #FUNCTION ", size %zu", size);                    \
            all_bytes(u.bytes + known, size - known, 0, #FUNCTION " behind what is known");                  \
            all_bytes(u.bytes + size, sizeof u - size, PATTERN, #FUNCTION " behind the struct");             \
        }                                                                                                    \
        memset(&u, PATTERN, sizeof u);                                                                       \
        FUNCTION(&u.value, 0);                                                                               \
        all_bytes(u.bytes, sizeof u, PATTERN, #FUNCTION " of size 0");                                       \
        FUNCTION(NULL, sizeof(TYPE));                                                                        \
    } while (0)

START_TEST(defaults)
{
    const vae_config config = {.likelihood = VAE_BERNOULLI,
        .init = VAE_INIT_TORCH,
        .optimizer = VAE_ADAM,
        .init_scale = 1.0,
        .learning_rate = 1e-3,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
        .max_batch = 128,
        .train_samples = 1,
        .threads = 1,
        .gemm = VAE_GEMM_NATIVE};
    const vae_layer layer = {.kind = VAE_LAYER_DENSE, .activation = VAE_RELU};
    const vae_batch batch = {0};
    CHECK_INIT(vae_config, vae_config_init, config);
    CHECK_INIT(vae_layer, vae_layer_init, layer);
    CHECK_INIT(vae_batch, vae_batch_init, batch);
}
END_TEST

/* The configuration cut off behind x_dim, z_dim, the layers or more; what lies behind is poisoned and not
 * read. */
START_TEST(older_config)
{
    const size_t sizes[] = {offsetof(vae_config, likelihood), offsetof(vae_config, gauss_logvar),
        offsetof(vae_config, seed), offsetof(vae_config, threads), offsetof(vae_config, allocator),
        offsetof(vae_config, log_ctx)};
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    plan.config.seed = 0;
    plan.config.max_batch = 128;
    vae_model *whole = model_of(&plan.config);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        vae_config old;
        memset(&old, PATTERN, sizeof old);
        memcpy(&old, &plan.config, sizes[i]);
        old.size = sizes[i];
        vae_model *model = model_of(&old);
        same_models(whole, model);
        train_some(model, 1, 128);
        vae_destroy(model);
    }
    vae_destroy(whole);
}
END_TEST

/* Creation fails with `status`, words that hold `words`, and no model. */
static void refused(const vae_config *config, int status, const char *words)
{
    vae_model *model = (vae_model *)&model;
    ck_assert_int_eq(vae_create(&model, config), status);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(vae_last_error(), words), "\"%s\" lacks \"%s\"", vae_last_error(), words);
}

START_TEST(config_without_what_is_required)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    plan.config.size = offsetof(vae_config, z_dim);
    refused(&plan.config, VAE_ERR_ARG, "z_dim");
    for (size_t size = 0; size < sizeof(size_t); size++) {
        plan.config.size = size;
        refused(&plan.config, VAE_ERR_ABI, "config.size");
    }
}
END_TEST

START_TEST(newer_config)
{
    struct {
        vae_config config;
        uint64_t news[3];
    } newer;
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    vae_model *whole = model_of(&plan.config);
    newer.config = plan.config;
    newer.config.size = sizeof newer;
    memset(newer.news, 0, sizeof newer.news);
    vae_model *model = model_of(&newer.config);
    same_models(whole, model);
    vae_destroy(model);
    vae_destroy(whole);
    for (size_t byte = 0; byte < sizeof newer.news; byte++) {
        memset(newer.news, 0, sizeof newer.news);
        ((unsigned char *)newer.news)[byte] = 1;
        refused(&newer.config, VAE_ERR_ABI, "config");
    }
}
END_TEST

struct newer_layer {
    vae_layer layer;
    uint64_t news;
};

static void newer_layers(struct newer_layer *to, const vae_layer *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = (struct newer_layer){from[i], 0};
        to[i].layer.size = sizeof *to;
    }
}

START_TEST(layers_with_another_stride)
{
    struct plan plan, other;
    struct newer_layer encoder[2], decoder[2];
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 2);
    plan_init(&other, VAE_BERNOULLI, VAE_TANH, 2);
    newer_layers(encoder, plan.encoder, 2);
    newer_layers(decoder, plan.decoder, 2);
    other.config.encoder = &encoder[0].layer;
    other.config.decoder = &decoder[0].layer;
    vae_model *whole = model_of(&plan.config), *model = model_of(&other.config);
    train_some(whole, 2, 16);
    train_some(model, 2, 16);
    same_models(whole, model);
    vae_destroy(model);
    vae_destroy(whole);

    decoder[1].news = (uint64_t)1 << 63;
    refused(&other.config, VAE_ERR_ABI, "decoder");
    decoder[1].news = 0;
    encoder[1].layer.size = sizeof(vae_layer);
    refused(&other.config, VAE_ERR_ABI, "encoder[1].size");
}
END_TEST

START_TEST(layers_of_impossible_sizes)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 2);
    plan.encoder[0].size = plan.encoder[1].size = 0;
    refused(&plan.config, VAE_ERR_ABI, "encoder");
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    plan.decoder[0].size = offsetof(vae_layer, units);
    refused(&plan.config, VAE_ERR_ARG, "decoder[0].units");
}
END_TEST

/* vae_batch: cut off behind ldx the noise is the default's; a newer one must be zero behind. */
START_TEST(batches_of_other_sizes)
{
    struct {
        vae_batch batch;
        uint64_t news;
    } newer = {.news = 0};
    struct plan plan;
    double whole[4], cut[4];
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    vae_model *model = model_of(&plan.config);
    float *x = rows_for(model, 4, 1);
    must(vae_elbo(model, x, 4, 2, whole, NULL));
    newer.batch = batch_of(model, x, 4);
    newer.batch.first_row = newer.batch.seed = 77;
    newer.batch.size = offsetof(vae_batch, first_row);
    must(vae_elbo_batch(model, &newer.batch, 2, cut, NULL));
    ck_assert_int_eq(memcmp(whole, cut, sizeof whole), 0);
    newer.batch.first_row = newer.batch.seed = 0;
    newer.batch.size = sizeof newer;
    must(vae_elbo_batch(model, &newer.batch, 2, cut, NULL));
    ck_assert_int_eq(memcmp(whole, cut, sizeof whole), 0);

    newer.news = 1;
    memset(cut, PATTERN, sizeof cut);
    ck_assert_int_eq(vae_elbo_batch(model, &newer.batch, 2, cut, NULL), VAE_ERR_ABI);
    all_bytes((unsigned char *)cut, sizeof cut, PATTERN, "elbo");
    ck_assert_int_eq(vae_grad(model, &newer.batch, NULL), VAE_ERR_ABI);
    ck_assert_int_eq(vae_step_batch(model, &newer.batch, NULL), VAE_ERR_ABI);
    newer.batch.size = sizeof(size_t) - 1;
    ck_assert_int_eq(vae_step_batch(model, &newer.batch, NULL), VAE_ERR_ABI);
    ck_assert(strstr(vae_last_error(), "batch.size"));
    ck_assert_uint_eq(vae_steps(model), 0);
    free(x);
    vae_destroy(model);
}
END_TEST

/* vae_terms of every size: as much of the four numbers as fits, zeros behind them, nothing behind the struct.
 */
START_TEST(terms_of_any_size)
{
    union {
        vae_terms terms;
        unsigned char bytes[sizeof(vae_terms) + AROUND];
    } u;
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    vae_model *model = model_of(&plan.config);
    float *x = rows_for(model, 4, 1);
    vae_terms whole = empty_terms();
    must(vae_elbo(model, x, 4, 2, NULL, &whole));
    for (size_t size = sizeof(size_t); size <= sizeof u; size++) {
        size_t known = size < sizeof whole ? size : sizeof whole;
        memset(&u, PATTERN, sizeof u);
        whole.size = u.terms.size = size;
        must(vae_elbo(model, x, 4, 2, NULL, &u.terms));
        ck_assert_int_eq(memcmp(&u, &whole, known), 0);
        all_bytes(u.bytes + known, size - known, 0, "behind what is known");
        all_bytes(u.bytes + size, sizeof u - size, PATTERN, "behind the struct");
    }
    double elbo[4] = {1, 2, 3, 4};
    u.terms.size = sizeof(size_t) - 1;
    ck_assert_int_eq(vae_elbo(model, x, 4, 2, elbo, &u.terms), VAE_ERR_ABI);
    ck_assert(strstr(vae_last_error(), "terms.size"));
    ck_assert(elbo[0] == 1 && elbo[3] == 4);
    ck_assert_int_eq(vae_step(model, x, 4, &u.terms), VAE_ERR_ABI);
    ck_assert_uint_eq(vae_steps(model), 0);
    free(x);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {defaults, older_config, config_without_what_is_required, newer_config,
        layers_with_another_stride, layers_of_impossible_sizes, batches_of_other_sizes, terms_of_any_size};
    return RUN_SUITE("structs", tests);
}
