/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Saving and loading: every field and every bit comes back, by file, stream and memory; metadata;
 * options and states.
 */
#include "../support/expect.h"
#include "../support/files.h"
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>

enum { ROWS = 16 };

static void plan_full(struct plan *plan)
{
    plan_init(plan, VAE_BERNOULLI, VAE_LEAKY_RELU, 2);
    plan->encoder[0].slope = 0.1 + 0.2;
    plan->encoder[1].activation = VAE_ELU;
    plan->decoder[1].activation = VAE_ACTIVATION_DEFAULT;
    plan->config.n_spans = 4;
    plan->config.seed = UINT64_MAX - 6;
    plan->config.init_scale = 1 / 3.0;
    plan->config.init = VAE_INIT_HE;
    plan->config.z_logvar_min = -17.0 / 3;
    plan->config.z_logvar_max = 0.1;
    plan->encoder[1].kind = plan->decoder[0].kind = VAE_LAYER_GATED;
    static const uint64_t columns[] = {5, 1, 4, 3};
    for (size_t i = 0; i < 4; i++)
        plan->spans[i].columns = columns[i];
    plan->spans[1].likelihood = VAE_GAUSS;
    plan->spans[1].scale = VAE_PARAM_SPAN;
    plan->spans[1].scale_value = -0.1;
    plan->spans[1].mean_activation = VAE_SIGMOID;
    plan->spans[2].likelihood = VAE_LAPLACE;
    plan->spans[2].scale_min = -5.0 / 3;
    plan->spans[3].likelihood = VAE_POISSON;
    plan->training.samples = 2;
    plan->training.kl_weight = 0.7;
    plan->training.learning_rate = 1e-3 / 3;
    plan->training.beta1 = 0.85;
    plan->training.beta2 = 0.9990000000000001;
    plan->training.epsilon = 1e-7;
    plan->training.free_bits = 0.01;
}

/* Fields that nothing reads yet, and settings that exclude those above. */
static void plan_rest(struct plan *plan)
{
    plan_init(plan, VAE_GAUSS, VAE_LEAKY_RELU, 2);
    plan->encoder[0].epsilon = 3e-5;
    plan->encoder[1].momentum = 0.2;
    plan->decoder[0].dropout = 0.25;
    plan->spans[0].scale = VAE_PARAM_FIXED;
    plan->spans[0].scale_value = -2.5;
    plan->spans[0].shape_value = 1.5;
    plan->spans[0].levels = UINT64_MAX;
    plan->config.init = VAE_INIT_NORMAL;
    plan->config.init_scale = 0.01;
    plan->training.objective = VAE_IWAE;
    plan->training.samples = 2;
    plan->training.estimates = 3;
    plan->training.elbo_weight = 0.3;
}

/* A model with a past: moments, counts, metadata. */
static vae_model *full_model(void)
{
    struct plan plan;
    plan_full(&plan);
    vae_model *model = model_of(&plan);
    train_some(model, 7, ROWS);
    must(vae_set_metadata(model, "threshold", "12.5"));
    must(vae_set_metadata(model, "", ""));
    must(vae_set_metadata(model, "caf\xc3\xa9 \"\\\n\x01", "\xf0\x9f\x98\x80 \"\\/\t\x1f\x7f"));
    return model;
}

static vae_model *load_bytes(const struct bytes *bytes, const vae_runtime *runtime)
{
    vae_model *model;
    must(vae_load_memory(&model, bytes->data, bytes->size, 0, runtime));
    return model;
}

static void same_bytes(const struct bytes *a, const struct bytes *b)
{
    ck_assert_uint_eq(a->size, b->size);
    ck_assert_int_eq(memcmp(a->data, b->data, a->size), 0);
}

/* Structs as the program gets them, a field apart from its padding: there is none. */
static void same_descriptions(const vae_model *a, const vae_model *b)
{
    vae_config ca, cb;
    vae_training ta, tb;
    vae_config_init(&ca, sizeof ca);
    vae_config_init(&cb, sizeof cb);
    vae_training_init(&ta, sizeof ta);
    vae_training_init(&tb, sizeof tb);
    must(vae_get_config(a, &ca));
    must(vae_get_config(b, &cb));
    ck_assert_int_eq(memcmp(&ca, &cb, sizeof ca), 0);
    must(vae_get_training(a, &ta));
    must(vae_get_training(b, &tb));
    ck_assert_int_eq(memcmp(&ta, &tb, sizeof ta), 0);
    for (int32_t decoder = 0; decoder < 2; decoder++)
        for (uint64_t i = 0; i < (decoder ? ca.n_decoder : ca.n_encoder); i++) {
            vae_layer la, lb;
            vae_layer_init(&la, sizeof la);
            vae_layer_init(&lb, sizeof lb);
            must(vae_get_layer(a, decoder, i, &la));
            must(vae_get_layer(b, decoder, i, &lb));
            ck_assert_int_eq(memcmp(&la, &lb, sizeof la), 0);
        }
    for (uint64_t i = 0; i < ca.n_spans; i++) {
        vae_span sa, sb;
        vae_span_init(&sa, sizeof sa);
        vae_span_init(&sb, sizeof sb);
        must(vae_get_span(a, i, &sa));
        must(vae_get_span(b, i, &sb));
        ck_assert_int_eq(memcmp(&sa, &sb, sizeof sa), 0);
    }
}

/* They go on as one. */
static void same_futures(vae_model *a, vae_model *b)
{
    same_descriptions(a, b);
    same_models(a, b);
    train_some(a, 3, ROWS);
    train_some(b, 3, ROWS);
    same_models(a, b);
}

START_TEST(everything_comes_back)
{
    vae_model *model = full_model(), *again;
    must(vae_save(model, path_to("a"), 0));
    must(vae_load(&again, path_to("a"), NULL));
    ck_assert_str_eq(vae_get_metadata(again, "threshold"), "12.5");
    ck_assert_str_eq(vae_get_metadata(again, ""), "");
    ck_assert_str_eq(vae_get_metadata(again, "caf\xc3\xa9 \"\\\n\x01"), "\xf0\x9f\x98\x80 \"\\/\t\x1f\x7f");
    ck_assert_ptr_null(vae_get_metadata(again, "format"));
    ck_assert_ptr_null(vae_get_metadata(again, "vae.config"));
    must(vae_save(again, path_to("b"), 0));
    struct bytes a = bytes_of_file(path_to("a")), b = bytes_of_file(path_to("b"));
    same_bytes(&a, &b);
    same_futures(model, again);
    bytes_free(&a);
    bytes_free(&b);
    vae_destroy(again);
    vae_destroy(model);
}
END_TEST

START_TEST(every_field_comes_back)
{
    for (int i = 0; i < 3; i++) {
        struct plan plan;
        plan_rest(&plan);
        if (i == 1) {
            plan_init(&plan, VAE_BERNOULLI, VAE_SIGMOID, 1);
            plan.training.kl_capacity = 1e-300;
            plan.training.estimator = VAE_ESTIMATOR_ANALYTIC_KL;
            plan.training.learning_rate = 0;
        } else if (i == 2) {
            plan.config.n_spans = 0;
            plan.config.likelihood = VAE_LAPLACE;
            plan.config.mean_activation = VAE_SIGMOID;
        }
        vae_model *model = model_of(&plan);
        struct bytes bytes = bytes_of_model(model, 0);
        vae_model *again = load_bytes(&bytes, &plan.runtime);
        same_futures(model, again);
        vae_destroy(again);
        vae_destroy(model);
        bytes_free(&bytes);
    }
}
END_TEST

/* Every kind of likelihood, as an ordinary model. */
START_TEST(every_likelihood_comes_back)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        struct plan plan;
        plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
        plan_kind(&plan, kind);
        vae_model *model = model_of(&plan);
        train_some(model, 2, ROWS);
        struct bytes bytes = bytes_of_model(model, 0);
        vae_model *again = load_bytes(&bytes, &plan.runtime);
        same_futures(model, again);
        vae_destroy(again);
        vae_destroy(model);
        bytes_free(&bytes);
    }
}
END_TEST

/* No layers, no spans; fields that nothing reads, with values that JSON lacks. */
START_TEST(odd_configurations_come_back)
{
    vae_config config;
    vae_layer layer;
    vae_model *model;
    vae_config_init(&config, sizeof config);
    config.x_dim = config.z_dim = 1;
    config.likelihood = VAE_GAUSS;
    config.mean_activation = VAE_SIGMOID;
    vae_layer_init(&layer, sizeof layer);
    layer.units = 1;
    layer.epsilon = (double)INFINITY;
    layer.momentum = -(double)INFINITY;
    layer.dropout = 0x1p-1074;
    for (config.n_decoder = 0; config.n_decoder < 2; config.n_decoder++) {
        config.decoder = &layer;
        must(vae_create(&model, &config, NULL, NULL));
        struct bytes bytes = bytes_of_model(model, 0);
        vae_model *again = load_bytes(&bytes, NULL);
        same_descriptions(model, again);
        same_models(model, again);
        vae_destroy(again);
        vae_destroy(model);
        bytes_free(&bytes);
    }
}
END_TEST

START_TEST(weights_alone)
{
    vae_model *model = full_model(), *view = view_of(model, 4), *read;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.inference_only = 1;
    struct bytes full = bytes_of_model(model, 0), weights = bytes_of_model(model, VAE_SAVE_WEIGHTS_ONLY);
    vae_model *fresh = load_bytes(&weights, NULL);
    ck_assert_uint_eq(vae_steps(fresh), 0);
    same_descriptions(model, fresh);
    read = load_bytes(&full, &runtime);
    same_models(model, read);
    same_descriptions(model, read);
    must_fail(
        vae_save(read, path_to("a"), 0), VAE_ERR_STATE, "inference_only saves with VAE_SAVE_WEIGHTS_ONLY");
    must_fail(vae_save(view, path_to("a"), 0), VAE_ERR_STATE, "a view saves with");
    struct bytes of_read = bytes_of_model(read, VAE_SAVE_WEIGHTS_ONLY),
                 of_view = bytes_of_model(view, VAE_SAVE_WEIGHTS_ONLY);
    same_bytes(&weights, &of_read);
    same_bytes(&weights, &of_view);
    ck_assert_uint_lt(weights.size, full.size / 2);
    vae_destroy(read);
    vae_destroy(fresh);
    vae_destroy(view);
    vae_destroy(model);
    bytes_free(&full);
    bytes_free(&weights);
    bytes_free(&of_read);
    bytes_free(&of_view);
}
END_TEST

START_TEST(metadata)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    vae_model *model = model_of(&plan), *view = view_of(model, 4);
    ck_assert_ptr_null(vae_get_metadata(model, "a"));
    must(vae_set_metadata(model, "gone", NULL));
    must(vae_set_metadata(model, "a", "1"));
    must(vae_set_metadata(model, "b", "2"));
    must(vae_set_metadata(model, "c", ""));
    must(vae_set_metadata(model, "a", vae_get_metadata(model, "b")));
    ck_assert_str_eq(vae_get_metadata(model, "a"), "2");
    ck_assert_str_eq(vae_get_metadata(view, "b"), "2");
    must(vae_set_metadata(model, "b", NULL));
    ck_assert_ptr_null(vae_get_metadata(model, "b"));
    ck_assert_str_eq(vae_get_metadata(model, "c"), "");
    must(vae_set_metadata(model, "c", NULL));
    must(vae_set_metadata(model, "a", NULL));
    ck_assert_ptr_null(vae_get_metadata(model, "a"));
    must(vae_set_metadata(model, "formats", "x"));
    must(vae_set_metadata(model, "vae", "x"));
    must_fail(vae_set_metadata(model, "format", "x"), VAE_ERR_ARG, "are the library's");
    must_fail(vae_set_metadata(model, "vae.x", NULL), VAE_ERR_ARG, "are the library's");
    must_fail(vae_set_metadata(model, NULL, "x"), VAE_ERR_ARG, "key is NULL");
    must_fail(vae_set_metadata(model, "\xff", "x"), VAE_ERR_ARG, "key is not UTF-8");
    must_fail(vae_set_metadata(model, "a", "\xed\xa0\x80"), VAE_ERR_ARG, "value is not UTF-8");
    must_fail(vae_set_metadata(model, "a", "x\xc3"), VAE_ERR_ARG, "value is not UTF-8");
    must_fail(vae_set_metadata(NULL, "a", "x"), VAE_ERR_ARG, "model is NULL");
    must_fail(vae_set_metadata(view, "a", "x"), VAE_ERR_STATE, "not on a view");
    ck_assert_ptr_null(vae_get_metadata(NULL, "a"));
    ck_assert_ptr_null(vae_get_metadata(model, NULL));
    vae_destroy(view);
    vae_destroy(model);
}
END_TEST

/* ---- streams ---- */

static int read_one_by_one(void *ctx, void *data, size_t size)
{
    struct reading *r = ctx;
    for (size_t i = 0; i < size; i++)
        if (read_bytes(r, (unsigned char *)data + i, 1) != 0)
            return 1;
    return 0;
}

/* Not a byte beyond the model, and no large request before many bytes have come. */
START_TEST(streams_are_read_to_the_end_and_no_further)
{
    vae_model *model = full_model(), *again, *second;
    struct bytes bytes = bytes_of_model(model, 0);
    size_t size = bytes.size;
    struct bytes weights = bytes_of_model(model, VAE_SAVE_WEIGHTS_ONLY);
    bytes_add(&bytes, weights.data, weights.size);
    struct reading reading = {&bytes, 0, READING_NEVER_FAILS, 0, 0};
    must(vae_load_stream(&again, read_one_by_one, &reading, NULL));
    ck_assert_uint_eq(reading.at, size);
    must(vae_load_stream(&second, read_bytes, &reading, NULL));
    ck_assert_uint_eq(reading.at, bytes.size);
    same_futures(model, again);
    vae_destroy(again);
    vae_destroy(second);
    vae_destroy(model);
    bytes_free(&bytes);
    bytes_free(&weights);
}
END_TEST

/* A stream that ends early ends the call, wherever it does, and leaves nothing. */
START_TEST(streams_may_fail_at_every_byte)
{
    struct plan plan;
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 0);
    vae_model *model = model_of(&plan), *again;
    struct bytes bytes = bytes_of_model(model, 0);
    count_allocations(&plan.runtime, &counter);
    for (size_t n = 0; n < bytes.size; n++) {
        struct reading reading = {&bytes, 0, n, 0, 0};
        again = model;
        int status = vae_load_stream(&again, read_one_by_one, &reading, &plan.runtime);
        EXPECT(status == VAE_ERR_IO && !again, "%zu: %d, %s", n, status, vae_last_error());
        EXPECT(strstr(vae_last_error(), "read callback failed"), "%s", vae_last_error());
        must_balance(&counter);
    }
    bytes_free(&bytes);
    vae_destroy(model);
}
END_TEST

struct writing {
    size_t left, calls;
};

static int write_until(void *ctx, const void *data, size_t size)
{
    struct writing *w = ctx;
    (void)data;
    w->calls++;
    if (size > 16384)
        return 99;
    if (size > w->left)
        return 1;
    w->left -= size;
    return 0;
}

START_TEST(writing_may_fail_at_every_call)
{
    struct plan plan;
    static const uint64_t widths[] = {200};
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan_sizes(&plan, 100, 4, widths, 1);
    count_allocations(&plan.runtime, &counter);
    vae_model *model = model_of(&plan);
    struct bytes bytes = bytes_of_model(model, 0);
    size_t calls = counter.calls, live = counter.live_bytes;
    for (size_t left = 0; left < bytes.size; left += 1000) {
        struct writing writing = {left, 0};
        must_fail(
            vae_save_stream(model, write_until, &writing, 0), VAE_ERR_IO, "the write callback failed after");
        EXPECT(writing.calls == left / 16384 + 1, "called again after a failure");
        ck_assert_uint_eq(counter.live_bytes, live);
    }
    struct writing writing = {bytes.size, 0};
    must(vae_save_stream(model, write_until, &writing, 0));
    ck_assert_uint_eq(writing.left, 0);
    ck_assert_uint_gt(counter.calls, calls);
    vae_destroy(model);
    must_balance(&counter);
    bytes_free(&bytes);
}
END_TEST

/* ---- arguments ---- */

START_TEST(arguments_are_checked)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    vae_model *model = model_of(&plan), *out = model;
    struct bytes bytes = bytes_of_model(model, 0);
    must_fail(vae_save(NULL, "x", 0), VAE_ERR_ARG, "model is NULL");
    must_fail(vae_save(model, NULL, 0), VAE_ERR_ARG, "path is NULL");
    must_fail(vae_save(model, path_to("x"), 2), VAE_ERR_ARG, "flags is 0x2");
    must_fail(vae_save_stream(model, NULL, NULL, 0), VAE_ERR_ARG, "write is NULL");
    must_fail(vae_load(NULL, "x", NULL), VAE_ERR_ARG, "out is NULL");
    must_fail(vae_load(&out, NULL, NULL), VAE_ERR_ARG, "path is NULL");
    ck_assert_ptr_null(out);
    must_fail(vae_load_stream(&out, NULL, NULL, NULL), VAE_ERR_ARG, "read is NULL");
    must_fail(vae_load_memory(&out, NULL, 1, 0, NULL), VAE_ERR_ARG, "data is NULL");
    must_fail(vae_load_memory(&out, NULL, 0, 0, NULL), VAE_ERR_FORMAT, "0 bytes");
    must_fail(vae_load_memory(&out, bytes.data, bytes.size, 2, NULL), VAE_ERR_ARG, "flags is 0x2");
    plan.runtime.threads = 0;
    must_fail(
        vae_load_memory(&out, bytes.data, bytes.size, 0, &plan.runtime), VAE_ERR_ARG, "runtime.threads");
    plan.runtime.size = 3;
    must_fail(vae_load(&out, "x", &plan.runtime), VAE_ERR_ABI, "runtime.size");
    must_fail(vae_load(&out, path_to("none"), NULL), VAE_ERR_IO, "No such file");
    must_fail(vae_load(&out, "/", NULL), VAE_ERR_IO, "Is a directory");
    bytes_free(&bytes);
    vae_destroy(model);
}
END_TEST

/* A file's draws are a lower limit of max_draws, and the meaning of 0. */
START_TEST(draws_are_those_of_the_file)
{
    struct plan plan;
    vae_model *again = NULL;
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan.training.samples = 5;
    vae_model *model = model_of(&plan);
    struct bytes bytes = bytes_of_model(model, 0);
    plan.runtime.max_draws = 4;
    must_fail(
        vae_load_memory(&again, bytes.data, bytes.size, 0, &plan.runtime), VAE_ERR_ARG, "max_draws is 4");
    plan.runtime.max_draws = 6;
    again = load_bytes(&bytes, &plan.runtime);
    plan.training.samples = 6;
    must(vae_set_training(again, &plan.training));
    vae_destroy(again);
    again = load_bytes(&bytes, NULL);
    must_fail(vae_set_training(again, &plan.training), VAE_ERR_ARG, "max_draws, 5");
    vae_destroy(again);
    vae_destroy(model);
    bytes_free(&bytes);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {everything_comes_back, every_field_comes_back, every_likelihood_comes_back,
        odd_configurations_come_back, weights_alone, metadata, streams_are_read_to_the_end_and_no_further,
        streams_may_fail_at_every_byte, writing_may_fail_at_every_call, arguments_are_checked,
        draws_are_those_of_the_file};
    return RUN_SUITE("files", tests);
}
