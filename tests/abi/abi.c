/* SPDX-License-Identifier: BSD-2-Clause
 * Test. What programs compiled yesterday rely on: the public structs' layout on LP64, the codes' numbers, and
 * the rule of the leading `size` by which old and new programs and libraries meet.
 */
#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

#if ULONG_MAX == UINT64_MAX

/* Fields are only appended: a line that is here never changes, except that a struct's own size grows. */
struct place {
    const char *name;
    size_t offset, size, expected_offset, expected_size;
};
#define FIELD(type, field, offset, size)                                                                     \
    {                                                                                                        \
#type "." #field, offsetof(type, field), sizeof(((type *)0)->field), offset, size                    \
    }
#define WHOLE(type, size)                                                                                    \
    {                                                                                                        \
#type, 0, sizeof(type), 0, size                                                                      \
    }

/* clang-format off */
static const struct place places[] = {
    WHOLE(vae_allocator, 24),
    FIELD(vae_allocator, ctx, 0, 8),
    FIELD(vae_allocator, alloc, 8, 8),
    FIELD(vae_allocator, free, 16, 8),
    WHOLE(vae_layer, 24),
    FIELD(vae_layer, size, 0, 8),
    FIELD(vae_layer, kind, 8, 4),
    FIELD(vae_layer, activation, 12, 4),
    FIELD(vae_layer, units, 16, 8),
    WHOLE(vae_config, 208),
    FIELD(vae_config, size, 0, 8),
    FIELD(vae_config, x_dim, 8, 8),
    FIELD(vae_config, z_dim, 16, 8),
    FIELD(vae_config, encoder, 24, 8),
    FIELD(vae_config, n_encoder, 32, 8),
    FIELD(vae_config, decoder, 40, 8),
    FIELD(vae_config, n_decoder, 48, 8),
    FIELD(vae_config, likelihood, 56, 4),
    FIELD(vae_config, mean_activation, 60, 4),
    FIELD(vae_config, gauss_logvar, 64, 8),
    FIELD(vae_config, init, 72, 4),
    FIELD(vae_config, optimizer, 76, 4),
    FIELD(vae_config, init_scale, 80, 8),
    FIELD(vae_config, learning_rate, 88, 8),
    FIELD(vae_config, beta1, 96, 8),
    FIELD(vae_config, beta2, 104, 8),
    FIELD(vae_config, epsilon, 112, 8),
    FIELD(vae_config, seed, 120, 8),
    FIELD(vae_config, max_batch, 128, 8),
    FIELD(vae_config, train_samples, 136, 8),
    FIELD(vae_config, threads, 144, 4),
    FIELD(vae_config, gemm, 148, 4),
    FIELD(vae_config, allocator, 152, 24),
    FIELD(vae_config, parallel_for, 176, 8),
    FIELD(vae_config, parallel_ctx, 184, 8),
    FIELD(vae_config, log, 192, 8),
    FIELD(vae_config, log_ctx, 200, 8),
    WHOLE(vae_batch, 48),
    FIELD(vae_batch, size, 0, 8),
    FIELD(vae_batch, n, 8, 8),
    FIELD(vae_batch, x, 16, 8),
    FIELD(vae_batch, ldx, 24, 8),
    FIELD(vae_batch, first_row, 32, 8),
    FIELD(vae_batch, seed, 40, 8),
    WHOLE(vae_terms, 40),
    FIELD(vae_terms, size, 0, 8),
    FIELD(vae_terms, elbo, 8, 8),
    FIELD(vae_terms, loglik, 16, 8),
    FIELD(vae_terms, kl, 24, 8),
    FIELD(vae_terms, grad_norm, 32, 8),
};
/* clang-format on */

START_TEST(struct_layout)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct place *p = &places[i];
        ck_assert_msg(p->offset == p->expected_offset && p->size == p->expected_size,
            "%s is %zu bytes at %zu, was %zu at %zu", p->name, p->size, p->offset, p->expected_size,
            p->expected_offset);
    }
}
END_TEST

#endif

START_TEST(numbers)
{
    const int codes[] = {VAE_OK, VAE_ERR_ARG, VAE_ERR_NOMEM, VAE_ERR_ABI, VAE_ERR_NONFINITE, VAE_ERR_FORMAT,
        VAE_ERR_IO, VAE_ERR_STATE, VAE_ERR_UNSUPPORTED};
    for (int i = 0; i < (int)(sizeof codes / sizeof *codes); i++)
        ck_assert_int_eq(codes[i], -i);
    const int activations[] = {
        VAE_IDENTITY, VAE_RELU, VAE_TANH, VAE_SIGMOID, VAE_SOFTPLUS, VAE_SILU, VAE_GELU};
    for (int i = 0; i < (int)(sizeof activations / sizeof *activations); i++)
        ck_assert_int_eq(activations[i], i);
    const int counted[][5] = {
        {VAE_STREAM_INIT, VAE_STREAM_TRAIN, VAE_STREAM_EVALUATE, VAE_STREAM_PRIOR, VAE_STREAM_BINARISE},
        {VAE_BERNOULLI, VAE_GAUSS_FIXED, VAE_GAUSS_SHARED, VAE_GAUSS, 5},
        {VAE_INIT_TORCH, VAE_INIT_GLOROT, VAE_INIT_HE, VAE_INIT_NORMAL, 5},
        {VAE_GEMM_NATIVE, VAE_GEMM_CBLAS, 3, 4, 5},
        {VAE_LAYER_DENSE, 2, 3, 4, 5},
        {VAE_ADAM, 2, 3, 4, 5},
    };
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        for (int j = 0; j < 5; j++)
            ck_assert_int_eq(counted[i][j], j + 1);
}
END_TEST

/* The structs of a program that is newer than the library: the same fields, and one more that the library
 * lacks. */
struct newer_layer {
    vae_layer known;
    uint64_t added;
};
struct newer_config {
    vae_config known;
    uint64_t added;
};
struct newer_batch {
    vae_batch known;
    uint64_t added;
};
struct newer_terms {
    vae_terms known;
    uint64_t added;
};

static const float data[6] = {0, 1, 0.5f, 1, 0, 0.25f};

static void small_config(vae_config *config, size_t size)
{
    vae_config_init(config, size);
    config->x_dim = 3;
    config->z_dim = 2;
}

/* A model of three inputs and two latents. */
static vae_model *small_model(void)
{
    vae_config config;
    vae_model *model;
    small_config(&config, sizeof config);
    ck_assert_int_eq(vae_create(&model, &config), VAE_OK);
    return model;
}

/* Creates from `config` and checks the outcome; a refused one leaves NULL. */
static void expect_create(const vae_config *config, int expected)
{
    vae_model *model = (vae_model *)&config;
    int status = vae_create(&model, config);
    ck_assert_msg(status == expected, "%d, not %d: %s", status, expected, vae_last_error());
    ck_assert((model != NULL) == (expected == VAE_OK));
    vae_destroy(model);
}

static int all_bytes(const void *bytes, size_t size, int value)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++)
        if (p[i] != value)
            return 0;
    return 1;
}

/* The init functions write `size` bytes: no fewer, zeros past what they know, and no more. */
START_TEST(init_writes_its_size)
{
    union {
        struct newer_config config;
        struct newer_batch batch;
        struct newer_layer layer;
        unsigned char bytes[2 * sizeof(struct newer_config)];
    } u;
    for (size_t size = sizeof(size_t); size <= sizeof u.config; size += 8) {
        memset(&u, 0xa5, sizeof u);
        vae_config_init(&u.config.known, size);
        ck_assert_uint_eq(u.config.known.size, size);
        ck_assert(all_bytes(u.bytes + size, sizeof u - size, 0xa5));
        ck_assert(size < sizeof u.config || u.config.added == 0);
    }
    for (size_t size = sizeof(size_t); size <= sizeof u.batch; size += 8) {
        memset(&u, 0xa5, sizeof u);
        vae_batch_init(&u.batch.known, size);
        ck_assert_uint_eq(u.batch.known.size, size);
        ck_assert(all_bytes(u.bytes + size, sizeof u - size, 0xa5));
        ck_assert(size < sizeof u.batch || u.batch.added == 0);
    }
    for (size_t size = sizeof(size_t); size <= sizeof u.layer; size += 8) {
        memset(&u, 0xa5, sizeof u);
        vae_layer_init(&u.layer.known, size);
        ck_assert_uint_eq(u.layer.known.size, size);
        ck_assert(all_bytes(u.bytes + size, sizeof u - size, 0xa5));
        ck_assert(size < sizeof u.layer || u.layer.added == 0);
    }
}
END_TEST

START_TEST(written_defaults)
{
    vae_config c;
    memset(&c, 0xa5, sizeof c);
    vae_config_init(&c, sizeof c);
    ck_assert(c.x_dim == 0 && c.z_dim == 0 && !c.encoder && !c.n_encoder && !c.decoder && !c.n_decoder);
    ck_assert(c.likelihood == VAE_BERNOULLI && c.mean_activation == VAE_IDENTITY && c.gauss_logvar == 0);
    ck_assert(c.init == VAE_INIT_TORCH && c.optimizer == VAE_ADAM && c.init_scale == 1);
    ck_assert(c.learning_rate == 1e-3 && c.beta1 == 0.9 && c.beta2 == 0.999 && c.epsilon == 1e-8);
    ck_assert(c.seed == 0 && c.max_batch == 128 && c.train_samples == 1);
    ck_assert(c.threads == 1 && c.gemm == VAE_GEMM_NATIVE);
    ck_assert(!c.allocator.ctx && !c.allocator.alloc && !c.allocator.free);
    ck_assert(!c.parallel_for && !c.parallel_ctx && !c.log && !c.log_ctx);
    vae_layer l;
    memset(&l, 0xa5, sizeof l);
    vae_layer_init(&l, sizeof l);
    ck_assert(l.kind == VAE_LAYER_DENSE && l.activation == VAE_RELU && l.units == 0);
    vae_batch b;
    memset(&b, 0xa5, sizeof b);
    vae_batch_init(&b, sizeof b);
    ck_assert(b.n == 0 && !b.x && b.ldx == 0 && b.first_row == 0 && b.seed == 0);
}
END_TEST

START_TEST(newer_config_zero_tail)
{
    struct newer_config config;
    small_config(&config.known, sizeof config);
    expect_create(&config.known, VAE_OK);
    config.added = 1;
    expect_create(&config.known, VAE_ERR_ABI);
    config.added = (uint64_t)1 << 63;
    expect_create(&config.known, VAE_ERR_ABI);
}
END_TEST

/* A program of before the last fields: they have their defaults, and what follows its struct is not read. */
START_TEST(older_config)
{
    const size_t cuts[] = {offsetof(vae_config, log), offsetof(vae_config, parallel_for),
        offsetof(vae_config, allocator), offsetof(vae_config, threads), offsetof(vae_config, learning_rate),
        offsetof(vae_config, encoder)};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        vae_config config;
        small_config(&config, sizeof config);
        memset((char *)&config + cuts[i], 0xa5, sizeof config - cuts[i]);
        config.size = cuts[i];
        expect_create(&config, VAE_OK);
    }
}
END_TEST

START_TEST(impossible_sizes)
{
    const size_t sizes[] = {0, 1, sizeof(size_t) - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        vae_config config;
        small_config(&config, sizeof config);
        config.size = sizes[i];
        expect_create(&config, VAE_ERR_ABI);
    }
}
END_TEST

/* Layers of a newer program: the stride is the first one's size, each tail is looked at. */
START_TEST(newer_layers)
{
    struct newer_layer layers[3];
    for (size_t i = 0; i < 3; i++) {
        vae_layer_init(&layers[i].known, sizeof layers[i]);
        layers[i].known.units = 3 + i;
    }
    vae_config config;
    small_config(&config, sizeof config);
    config.encoder = &layers[0].known;
    config.n_encoder = 3;
    vae_model *model;
    ck_assert_int_eq(vae_create(&model, &config), VAE_OK);
    ck_assert_uint_eq(
        vae_param_count(model), (3 * 3 + 3) + (4 * 3 + 4) + (5 * 4 + 5) + (4 * 5 + 4) + (3 * 2 + 3));
    vae_destroy(model);
    layers[2].added = 7;
    expect_create(&config, VAE_ERR_ABI);
}
END_TEST

START_TEST(newer_batch)
{
    vae_model *model = small_model();
    struct newer_batch batch;
    vae_batch_init(&batch.known, sizeof batch);
    batch.known.n = 2;
    batch.known.x = data;
    batch.known.ldx = 3;
    double elbo[2] = {-1, -1}, plain[2];
    ck_assert_int_eq(vae_elbo_batch(model, &batch.known, 1, elbo, NULL), VAE_OK);
    ck_assert_int_eq(vae_elbo(model, data, 2, 1, plain, NULL), VAE_OK);
    ck_assert_mem_eq(elbo, plain, sizeof elbo);
    batch.added = 1;
    elbo[0] = elbo[1] = 42;
    ck_assert_int_eq(vae_elbo_batch(model, &batch.known, 1, elbo, NULL), VAE_ERR_ABI);
    ck_assert_int_eq(vae_step_batch(model, &batch.known, NULL), VAE_ERR_ABI);
    ck_assert_int_eq(vae_grad(model, &batch.known, NULL), VAE_ERR_ABI);
    ck_assert(elbo[0] == 42 && elbo[1] == 42 && vae_steps(model) == 0);
    vae_destroy(model);
}
END_TEST

/* A program of before first_row and seed: they are 0. */
START_TEST(older_batch)
{
    vae_model *model = small_model();
    vae_batch batch;
    memset(&batch, 0xa5, sizeof batch);
    vae_batch_init(&batch, offsetof(vae_batch, first_row));
    batch.n = 2;
    batch.x = data;
    batch.ldx = 3;
    double elbo[2], plain[2];
    ck_assert_int_eq(vae_elbo_batch(model, &batch, 3, elbo, NULL), VAE_OK);
    ck_assert_int_eq(vae_elbo(model, data, 2, 3, plain, NULL), VAE_OK);
    ck_assert_mem_eq(elbo, plain, sizeof elbo);
    vae_destroy(model);
}
END_TEST

/* Only `size` of an output struct is read; up to it all bytes are written, none after it. */
START_TEST(terms_of_other_sizes)
{
    vae_model *model = small_model();
    struct newer_terms now, wide;
    memset(&now, 0xa5, sizeof now);
    now.known.size = sizeof now.known;
    ck_assert_int_eq(vae_elbo(model, data, 2, 1, NULL, &now.known), VAE_OK);
    ck_assert_uint_eq(now.added, 0xa5a5a5a5a5a5a5a5u);
    memset(&wide, 0xa5, sizeof wide);
    wide.known.size = sizeof wide;
    ck_assert_int_eq(vae_elbo(model, data, 2, 1, NULL, &wide.known), VAE_OK);
    ck_assert_uint_eq(wide.added, 0);
    ck_assert_uint_eq(wide.known.size, sizeof wide);
    ck_assert_mem_eq(&wide.known.elbo, &now.known.elbo, sizeof(vae_terms) - offsetof(vae_terms, elbo));
    for (size_t size = offsetof(vae_terms, elbo); size < sizeof(vae_terms); size += sizeof(double)) {
        vae_terms old;
        memset(&old, 0xa5, sizeof old);
        old.size = size;
        ck_assert_int_eq(vae_elbo(model, data, 2, 1, NULL, &old), VAE_OK);
        ck_assert_mem_eq(&old.elbo, &now.known.elbo, size - offsetof(vae_terms, elbo));
        ck_assert(all_bytes((char *)&old + size, sizeof old - size, 0xa5));
    }
    vae_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("abi");
    TCase *tcase = tcase_create("abi");
#if ULONG_MAX == UINT64_MAX
    tcase_add_test(tcase, struct_layout);
#endif
    tcase_add_test(tcase, numbers);
    tcase_add_test(tcase, init_writes_its_size);
    tcase_add_test(tcase, written_defaults);
    tcase_add_test(tcase, newer_config_zero_tail);
    tcase_add_test(tcase, older_config);
    tcase_add_test(tcase, impossible_sizes);
    tcase_add_test(tcase, newer_layers);
    tcase_add_test(tcase, newer_batch);
    tcase_add_test(tcase, older_batch);
    tcase_add_test(tcase, terms_of_other_sizes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
