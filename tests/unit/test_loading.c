/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Files that are not what they should be: each field and each tensor may be missing, wrong, of another
 * model or hostile; the words name it.
 */
#include "../support/expect.h"
#include "../support/files.h"
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>

/* A model of 13 values, one hidden layer of 19 units, 3 latents, a Gaussian whose scale is learned. */
static struct bytes file_of(int32_t optimizer)
{
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_RELU, 1);
    plan.training.optimizer = optimizer;
    plan.training.momentum = 0.9;
    plan_scale(&plan, 0, VAE_PARAM_SPAN);
    vae_model *model = model_of(&plan);
    train_some(model, 2, 16);
    must(vae_set_metadata(model, "mine", "x"));
    struct bytes bytes = bytes_of_model(model, 0);
    vae_destroy(model);
    return bytes;
}

static struct bytes small_file(void)
{
    return file_of(VAE_ADAM);
}

static void refused(const struct bytes *file, int expected, const char *words)
{
    vae_model *model = (vae_model *)&model;
    must_fail(vae_load_memory(&model, file->data, file->size, 0, NULL), expected, words);
    ck_assert_ptr_null(model);
}

static void refused_with(const char *old, const char *replacement, int expected, const char *words)
{
    struct bytes file = small_file(), changed = with_header(&file, old, replacement);
    refused(&changed, expected, words);
    bytes_free(&changed);
    bytes_free(&file);
}

#define Q "\\\"" /* as it is in a string of the header */

START_TEST(versions)
{
    refused_with("\"vae.format\":\"1\"", "\"vae.format\":\"2\"", VAE_ERR_UNSUPPORTED,
        "vae.format is 2: a newer libvae wrote the file");
    refused_with("\"vae.format\":\"1\"", "\"vae.format\":\"4294967297\"", VAE_ERR_UNSUPPORTED, "newer");
    refused_with(
        "\"vae.format\":\"1\"", "\"vae.format\":\"0\"", VAE_ERR_FORMAT, "vae.format is \"0\": no version");
    refused_with("\"vae.format\":\"1\"", "\"vae.format\":\"\"", VAE_ERR_FORMAT, "no version");
    refused_with("\"vae.format\":\"1\"", "\"vae.format\":\"1x\"", VAE_ERR_FORMAT, "no version");
    refused_with("\"vae.format\":\"1\"", "\"vae.format\":\"-1\"", VAE_ERR_FORMAT, "no version");
    refused_with("\"vae.format\":\"1\",", "", VAE_ERR_FORMAT,
        "__metadata__ has no vae.format (vae_import reads files of others)");
    refused_with("\"__metadata__\"", "\"metadata\"", VAE_ERR_FORMAT, "tensor metadata");
}
END_TEST

START_TEST(descriptions_may_be_missing)
{
    refused_with("\"vae.config\"", "\"vae.konfig\"", VAE_ERR_FORMAT, "vae.config is missing");
    refused_with("\"vae.training\"", "\"vae.draining\"", VAE_ERR_FORMAT, "vae.training is missing");
    refused_with("\"vae.state\"", "\"vae.estate\"", VAE_ERR_FORMAT,
        "tensor optimizer.0.decoder.0.bias is no part of the model");
}
END_TEST

/* Each field by another name. */
START_TEST(every_field_must_be_there)
{
    static const char *const fields[] = {"x_dim", "z_dim", "c_dim", "encoder", "decoder", "spans", "prior",
        "standardise", "prior_components", "z_logvar_min", "z_logvar_max", "init", "init_scale", "seed",
        "kind", "activation", "units", "slope", "dropout", "columns", "scale", "shape", "scale_value",
        "shape_value", "scale_min", "levels", "input", "objective", "estimator", "samples", "estimates",
        "kl_weight", "free_bits", "kl_capacity", "elbo_weight", "optimizer", "learning_rate", "beta1",
        "beta2", "weight_decay", "clip_norm", "steps", "beta1_power", "beta2_power"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char old[64], other[64], words[64];
        snprintf(old, sizeof old, Q "%s" Q, fields[i]);
        snprintf(other, sizeof other, Q "x%s" Q, fields[i]);
        snprintf(words, sizeof words, "x%s: a field that libvae", fields[i]);
        refused_with(old, other, VAE_ERR_UNSUPPORTED, words);
    }
    refused_with("," Q "seed" Q ":5", "", VAE_ERR_FORMAT, "vae.config: seed: missing");
    refused_with(Q "kind" Q ":1,", "", VAE_ERR_FORMAT, "vae.config, encoder[0]: kind: missing");
    refused_with("," Q "input" Q ":0", "", VAE_ERR_FORMAT, "vae.config, spans[0]: input: missing");
    refused_with("," Q "clip_norm" Q ":0", "", VAE_ERR_FORMAT, "vae.training: clip_norm: missing");
    refused_with(Q "steps" Q ":2,", "", VAE_ERR_FORMAT, "vae.state: steps: missing");
}
END_TEST

START_TEST(fields_of_a_wrong_kind)
{
    refused_with(Q "seed" Q ":5", Q "seed" Q ":-5", VAE_ERR_FORMAT, "seed: a whole number");
    refused_with(Q "seed" Q ":5", Q "seed" Q ":5.0", VAE_ERR_FORMAT, "seed: a whole number");
    refused_with(Q "seed" Q ":5", Q "seed" Q ":18446744073709551616", VAE_ERR_FORMAT,
        "seed: a whole number below 2^64");
    refused_with(Q "seed" Q ":5", Q "seed" Q ":5," Q "seed" Q ":5", VAE_ERR_FORMAT, "seed: there twice");
    refused_with(Q "seed" Q ":5", Q "seed" Q ":" Q "5" Q, VAE_ERR_FORMAT, "seed: a number is expected");
    refused_with(Q "kind" Q ":1", Q "kind" Q ":2147483648", VAE_ERR_FORMAT, "kind: out of range");
    refused_with(Q "kind" Q ":1", Q "kind" Q ":-2147483649", VAE_ERR_FORMAT, "kind: out of range");
    refused_with(Q "kind" Q ":1", Q "kind" Q ":1.0", VAE_ERR_FORMAT, "kind: out of range");
    refused_with(Q "slope" Q ":0.01", Q "slope" Q ":1e999", VAE_ERR_FORMAT, "slope: out of range");
    refused_with(Q "slope" Q ":0.01", Q "slope" Q ":" Q "one" Q, VAE_ERR_FORMAT, "slope: out of range");
    refused_with(Q "slope" Q ":0.01", Q "slope" Q ":[]", VAE_ERR_FORMAT, "slope: a number is expected");
    refused_with(Q "encoder" Q ":[", Q "encoder" Q ":{", VAE_ERR_FORMAT, "vae.config, byte");
    refused_with(
        "{" Q "x_dim" Q, "[" Q "x_dim" Q, VAE_ERR_FORMAT, "vae.config, byte 0: an object is expected");
    refused_with(Q "seed" Q ":5}", Q "seed" Q ":5}}", VAE_ERR_FORMAT, "something follows the end");
}
END_TEST

/* As vae_create() checks them. */
START_TEST(values_are_checked)
{
    refused_with(Q "x_dim" Q ":13", Q "x_dim" Q ":0", VAE_ERR_FORMAT, "vae_load_memory: config.x_dim is 0");
    refused_with(Q "z_dim" Q ":3", Q "z_dim" Q ":1073741824", VAE_ERR_FORMAT, "config.z_dim is 1073741824");
    refused_with(Q "units" Q ":19", Q "units" Q ":0", VAE_ERR_FORMAT, "config.encoder[0].units is 0");
    refused_with(
        Q "slope" Q ":0.01", Q "slope" Q ":" Q "nan" Q, VAE_ERR_FORMAT, "config.encoder[0].slope is nan");
    refused_with(
        Q "kind" Q ":1", Q "kind" Q ":99", VAE_ERR_FORMAT, "config.encoder[0].kind is 99: no such choice");
    refused_with(Q "kind" Q ":1", Q "kind" Q ":4", VAE_ERR_UNSUPPORTED, "config.encoder[0].kind is 4");
    refused_with(Q "columns" Q ":13", Q "columns" Q ":12", VAE_ERR_FORMAT, "config.spans have 12 columns");
    refused_with(Q "kl_weight" Q ":1", Q "kl_weight" Q ":-1", VAE_ERR_FORMAT, "training.kl_weight is -1");
    refused_with(Q "beta1" Q ":0.9", Q "beta1" Q ":1", VAE_ERR_FORMAT, "training.beta1 is 1");
    refused_with(Q "samples" Q ":1", Q "samples" Q ":65537", VAE_ERR_FORMAT, "training.samples is 65537");
    refused_with(Q "steps" Q ":2", Q "steps" Q ":0", VAE_ERR_FORMAT, "beta1_power does not fit steps");
    refused_with(Q "beta2_power" Q ":0.99", Q "beta2_power" Q ":1.99", VAE_ERR_FORMAT,
        "beta2_power does not fit steps");
    refused_with(
        Q "beta1_power" Q ":0", Q "beta1_power" Q ":-0", VAE_ERR_FORMAT, "beta1_power does not fit steps");
    refused_with(
        "\"mine\":\"x\"", "\"mine\":\"\\u0000\"", VAE_ERR_FORMAT, "metadata mine: a character is NUL");
    refused_with("\"mine\":\"x\"", "\"mi\\u0000ne\":\"x\"", VAE_ERR_FORMAT, "a character is NUL");
}
END_TEST

/* Tensors and configuration must fit. */
START_TEST(tensors_of_another_model)
{
    refused_with(Q "units" Q ":19", Q "units" Q ":1000000", VAE_ERR_FORMAT, "vae.config has ");
    refused_with(Q "units" Q ":19", Q "units" Q ":18", VAE_ERR_FORMAT,
        "tensor encoder.0.weight: its shape is not that of the configuration");
    refused_with("\"encoder.0.weight\":{\"dtype\":\"F32\",\"shape\":[19,13]",
        "\"encoder.0.weight\":{\"dtype\":\"F32\",\"shape\":[13,19]", VAE_ERR_FORMAT,
        "tensor encoder.0.weight: its shape");
    refused_with("\"encoder.0.weight\":{\"dtype\":\"F32\",\"shape\":[19,13]",
        "\"encoder.0.weight\":{\"dtype\":\"F32\",\"shape\":[247]", VAE_ERR_FORMAT,
        "tensor encoder.0.weight: its shape");
    refused_with("\"encoder.0.weight\":{\"dtype\":\"F32\"", "\"encoder.0.weight\":{\"dtype\":\"I32\"",
        VAE_ERR_FORMAT, "tensor encoder.0.weight: its dtype is I32: must be F32");
    refused_with(
        "\"encoder.0.weight\"", "\"encoder.0.height\"", VAE_ERR_FORMAT, "tensor encoder.0.weight is missing");
    refused_with("\"spans.0.scale\"", "\"spans.0.skale\"", VAE_ERR_FORMAT, "tensor spans.0.scale is missing");
    refused_with("\"optimizer.1.decoder.1.bias\"", "\"optimizer.2.decoder.1.bias\"", VAE_ERR_FORMAT,
        "tensor optimizer.1.decoder.1.bias is missing");
    refused_with("\"decoder.0.bias\"",
        "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"decoder.0.bias\"", VAE_ERR_FORMAT,
        "tensor a is no part of the model");
}
END_TEST

/* The place of a tensor's data in a file. */
static size_t data_of(const struct bytes *file, const char *name)
{
    char key[64];
    size_t length = file->data[0] | (size_t)file->data[1] << 8;
    snprintf(key, sizeof key, "\"%s\":", name);
    char *header = calloc(1, length + 1);
    memcpy(header, file->data + 8, length);
    const char *offsets = strstr(strstr(header, key), "data_offsets\":[");
    size_t begin = (size_t)strtoul(offsets + 15, NULL, 10);
    free(header);
    return 8 + length + begin;
}

static void put_bits(const struct bytes *file, const char *name, size_t element, uint32_t bits)
{
    for (int i = 0; i < 4; i++)
        file->data[data_of(file, name) + 4 * element + (size_t)i] = (unsigned char)(bits >> 8 * i);
}

static void refused_value(const char *name, size_t element, uint32_t bits, const char *words)
{
    struct bytes file = small_file();
    put_bits(&file, name, element, bits);
    refused(&file, VAE_ERR_FORMAT, words);
    bytes_free(&file);
}

START_TEST(values_that_no_training_leaves)
{
    refused_value(
        "encoder.0.weight", 5, 0x7fc00000, "tensor encoder.0.weight, element 5, is nan: must be finite");
    refused_value("encoder.0.weight", 246, 0x7f800000, "tensor encoder.0.weight, element 246, is inf");
    refused_value("spans.0.scale", 0, 0xff800000, "tensor spans.0.scale, element 0, is -inf");
    refused_value("optimizer.0.decoder.1.bias", 12, 0xffc00000,
        "tensor optimizer.0.decoder.1.bias, element 12, is nan");
    refused_value("optimizer.1.decoder.1.bias", 0, 0xbf800000,
        "tensor optimizer.1.decoder.1.bias, element 0, is -1: must be finite and at least 0");
}
END_TEST

/* No sum and no mean of squares is below 0; other moments may be. Adam and AdamW alone count powers. */
START_TEST(moments_and_counts_of_optimizers)
{
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++)
        for (int moment = 0; moment < (i <= VAE_ADAMW ? 2 : 1); moment++) {
            int squares = i == VAE_ADAGRAD || moment == 1;
            struct bytes file = file_of(i);
            vae_model *model = NULL;
            char name[64];
            snprintf(name, sizeof name, "optimizer.%d.decoder.1.bias", moment);
            put_bits(&file, name, 3, 0xbf800000);
            if (squares) {
                refused(&file, VAE_ERR_FORMAT, "element 3, is -1: must be finite and at least 0");
            } else {
                must(vae_load_memory(&model, file.data, file.size, 0, NULL));
            }
            vae_destroy(model);
            bytes_free(&file);
        }
    for (int32_t i = VAE_ADAGRAD; i <= VAE_SGD; i++) {
        struct bytes file = file_of(i);
        struct bytes changed = with_header(&file, Q "beta2_power" Q ":1", Q "beta2_power" Q ":0.998001");
        refused(&changed, VAE_ERR_FORMAT, "beta2_power does not fit steps");
        bytes_free(&changed);
        bytes_free(&file);
    }
    refused_with(Q "optimizer" Q ":1", Q "optimizer" Q ":5", VAE_ERR_FORMAT, "training.optimizer");
}
END_TEST

/* A finite moment that no training leaves: the step that it would spoil is refused. */
START_TEST(moments_that_would_overflow)
{
    for (int32_t i = VAE_ADAM; i <= VAE_SGD; i++) {
        struct bytes file = file_of(i);
        vae_model *model;
        put_bits(&file, "optimizer.0.decoder.1.bias", 3, 0x7f7fffff);
        must(vae_load_memory(&model, file.data, file.size, 0, NULL));
        vae_training training;
        vae_training_init(&training, sizeof training);
        must(vae_get_training(model, &training));
        training.learning_rate = 10;
        training.momentum = nextafter(1, 0);
        must(vae_set_training(model, &training));
        float *before = params_of(model), *x = rows_for(model, 16, 1), *ones = params_of(model);
        for (uint64_t k = 0; k < vae_param_count(model); k++)
            ones[k] = 1e16f;
        must(vae_set_grads(model, ones, vae_param_count(model)));
        must_fail(vae_apply(model, NULL), VAE_ERR_NONFINITE, "decoder.1.bias, element 3");
        float *after = params_of(model);
        ck_assert_mem_eq(before, after, (size_t)vae_param_count(model) * sizeof *after);
        free(before);
        free(after);
        free(ones);
        free(x);
        vae_destroy(model);
        bytes_free(&file);
    }
}
END_TEST

/* An inference-only model needs no moments: they are not read, but must exist. */
START_TEST(moments_are_left_out_for_reading)
{
    struct bytes file = small_file(), without = with_header(&file, "\"optimizer.1.decoder.1.bias\"",
                                          "\"optimizer.2.decoder.1.bias\"");
    vae_runtime runtime;
    vae_model *model;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.inference_only = 1;
    must(vae_load_memory(&model, file.data, file.size, 0, &runtime));
    ck_assert_uint_eq(vae_steps(model), 2);
    vae_destroy(model);
    must_fail(vae_load_memory(&model, without.data, without.size, 0, &runtime), VAE_ERR_FORMAT, "is missing");
    bytes_free(&without);
    bytes_free(&file);
}
END_TEST

/* A file that ends early, or goes on, is refused at every length. */
START_TEST(every_length_may_be_wrong)
{
    struct bytes file = small_file(), cut = file;
    vae_model *model;
    for (cut.size = 0; cut.size < file.size; cut.size += cut.size < 3000 ? 1 : 97) {
        int status = vae_load_memory(&model, cut.data, cut.size, 0, NULL);
        EXPECT(status == VAE_ERR_FORMAT && !model, "%zu bytes: %d, %s", cut.size, status, vae_last_error());
    }
    write_file(path_to("cut"), &(struct bytes){file.data, file.size - 1});
    must_fail(vae_load(&model, path_to("cut"), NULL), VAE_ERR_FORMAT, "follow the header");
    bytes_add(&file, "x", 1);
    refused(&file, VAE_ERR_FORMAT, "follow the header");
    bytes_free(&file);
}
END_TEST

/* Any byte is changed: what is loaded is a model that works, or an error. */
START_TEST(every_byte_may_be_wrong)
{
    struct bytes file = small_file();
    vae_runtime runtime;
    vae_model *model;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = runtime.max_draws = 1;
    size_t header = 8 + (file.data[0] | (size_t)file.data[1] << 8);
    for (size_t i = 0; i < header; i++)
        for (unsigned flip = 1; flip < 256; flip *= i < 8 ? 2 : 4) {
            file.data[i] ^= (unsigned char)flip;
            int status = vae_load_memory(&model, file.data, file.size, 0, &runtime);
            EXPECT((status == VAE_OK) == (model != NULL), "byte %zu", i);
            vae_destroy(model);
            file.data[i] ^= (unsigned char)flip;
        }
    bytes_free(&file);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {versions, descriptions_may_be_missing, every_field_must_be_there,
        fields_of_a_wrong_kind, values_are_checked, tensors_of_another_model, values_that_no_training_leaves,
        moments_and_counts_of_optimizers, moments_that_would_overflow, moments_are_left_out_for_reading,
        every_length_may_be_wrong, every_byte_may_be_wrong};
    return RUN_SUITE("loading", tests);
}
