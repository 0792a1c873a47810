/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Importing weights of other programs: common spellings and rules give the bound that was computed
 * elsewhere (tests/files/generate.py); what does not fit is named, and the model stays as it was.
 */
#include "../support/expect.h"
#include "../support/files.h"
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>

enum { X = 6, Z = 2 };

/* ---- models of the files ---- */

static vae_model *model_for(uint64_t first, uint64_t second, uint64_t third, uint64_t fourth)
{
    struct plan plan;
    const uint64_t encoder[] = {first, second}, decoder[] = {third, fourth};
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 2);
    plan_sizes(&plan, X, Z, encoder, 2);
    plan.config.n_encoder = second ? 2 : 1;
    plan.config.n_decoder = fourth ? 2 : 1;
    for (int i = 0; i < 2; i++) {
        plan.encoder[i].units = encoder[i];
        plan.decoder[i].units = decoder[i];
    }
    return model_of(&plan);
}

static vae_model *small_model(void)
{
    return model_for(5, 0, 5, 0);
}

static vae_model *gated_model(void)
{
    struct plan plan;
    const uint64_t widths[] = {5, 4};
    plan_init(&plan, VAE_BERNOULLI, VAE_ACTIVATION_DEFAULT, 2);
    plan_sizes(&plan, X, Z, widths, 2);
    for (int i = 0; i < 2; i++)
        plan.encoder[i].kind = plan.decoder[i].kind = VAE_LAYER_GATED;
    return model_of(&plan);
}

/* A file of the folder of samples. */
static const char *sample(const char *name)
{
    static char path[2][600];
    static int next;
    next = !next;
    snprintf(path[next], sizeof path[next], "%s/%s.safetensors", getenv("VAE_FILES"), name);
    return path[next];
}

static double expected_elbo(const char *name)
{
    char path[600], found[64];
    double value;
    snprintf(path, sizeof path, "%s/expected.txt", getenv("VAE_FILES"));
    FILE *file = fopen(path, "r");
    ck_assert(file != NULL);
    while (fscanf(file, "%63s %lf", found, &value) == 2)
        if (strcmp(found, name) == 0) {
            fclose(file);
            return value;
        }
    ck_abort_msg("no %s in %s", name, path);
}

static void check_elbo(vae_model *model, const char *name)
{
    float x[X];
    double elbo, expected = expected_elbo(name);
    for (int j = 0; j < X; j++)
        x[j] = (float)(j + 1) / 8;
    must(vae_elbo(model, x, 1, 0, &elbo, NULL));
    EXPECT(fabs(elbo - expected) <= 1e-6 * fabs(expected), "%s: %.17g, not %.17g", name, elbo, expected);
}

static void check_sample(const char *name, vae_model *model)
{
    must(vae_import(model, sample(name), NULL, 0));
    check_elbo(model, name);
    vae_destroy(model);
}

START_TEST(common_spellings)
{
    check_sample("examples", small_model());
    check_sample("pythae", small_model());
    check_sample("sequential", model_for(5, 4, 4, 5));
    check_sample("heads", small_model());
    check_sample("gated", gated_model());
}
END_TEST

/* Its own names, and moments that are passed over. */
START_TEST(files_of_our_own)
{
    struct plan plan;
    plan_init(&plan, VAE_GAUSS, VAE_RELU, 2);
    plan_scale(&plan, 0, VAE_PARAM_SPAN);
    plan.encoder[0].kind = plan.decoder[1].kind = VAE_LAYER_GATED;
    vae_model *model = model_of(&plan);
    train_some(model, 3, 16);
    must(vae_save(model, path_to("full"), 0));
    must(vae_save(model, path_to("weights"), VAE_SAVE_WEIGHTS_ONLY));
    for (int i = 0; i < 2; i++) {
        plan.config.seed = 99;
        vae_model *other = model_of(&plan);
        must(vae_import(other, path_to(i ? "full" : "weights"), NULL, 0));
        ck_assert_uint_eq(vae_steps(other), 0);
        float *a = params_of(model), *b = params_of(other);
        ck_assert_int_eq(memcmp(a, b, vae_param_count(model) * sizeof *a), 0);
        free(a);
        free(b);
        vae_destroy(other);
    }
    vae_destroy(model);
}
END_TEST

/* ---- rules ---- */

static vae_import_rule rule(const char *ours, const char *theirs)
{
    vae_import_rule r;
    vae_import_rule_init(&r, sizeof r);
    r.ours = ours;
    r.theirs = theirs;
    return r;
}

enum { RULES = 10 };

static void interleaved_rules(vae_import_rule rules[RULES])
{
    static const char *const pairs[RULES][2] = {{"encoder.0.weight", "lin1.weight"},
        {"encoder.0.bias", "lin1.bias"}, {"encoder.1.weight", "head.weight"},
        {"encoder.1.weight", "head.weight"}, {"encoder.1.bias", "head.bias"}, {"encoder.1.bias", "head.bias"},
        {"decoder.0.weight", "kernel1"}, {"decoder.0.bias", "shift1"}, {"decoder.1.weight", "kernel2"},
        {"decoder.1.bias", "shift2"}};
    for (int i = 0; i < RULES; i++)
        rules[i] = rule(pairs[i][0], pairs[i][1]);
    for (int i = 2; i < 6; i++) {
        rules[i].their_step = 2;
        rules[i].their_row = i % 2;
        rules[i].first_row = i % 2 ? Z : 0;
        rules[i].factor = i % 2 ? 2 : 1;
    }
    rules[6].transpose = rules[8].transpose = 1;
}

START_TEST(rules_map_rows)
{
    vae_import_rule rules[RULES];
    vae_model *model = small_model();
    interleaved_rules(rules);
    must(vae_import(model, sample("interleaved"), rules, RULES));
    check_elbo(model, "interleaved");
    vae_destroy(model);
}
END_TEST

/* ---- what does not fit ---- */

/* Refused, and every parameter is as it was. */
static void refused(vae_model *model, const char *path, const vae_import_rule *rules, size_t n, int expected,
    const char *words)
{
    float *before = params_of(model);
    must_fail(vae_import(model, path, rules, n), expected, words);
    float *after = params_of(model);
    ck_assert_int_eq(memcmp(before, after, vae_param_count(model) * sizeof *before), 0);
    free(before);
    free(after);
}

static void refused_with(const char *name, const char *old, const char *replacement, const char *words)
{
    vae_model *model = small_model();
    struct bytes file = bytes_of_file(sample(name)), changed = with_header(&file, old, replacement);
    write_file(path_to("changed"), &changed);
    refused(model, path_to("changed"), NULL, 0, VAE_ERR_FORMAT, words);
    bytes_free(&changed);
    bytes_free(&file);
    vae_destroy(model);
}

START_TEST(names_that_do_not_fit)
{
    refused_with("examples", "\"fc3.bias\"", "\"fc3.gain\"", "tensor fc3.gain: no common spelling");
    refused_with("examples", "\"fc3.bias\"", "\"gamma\"", "tensor gamma: no common spelling");
    refused_with("examples", "\"fc3.bias\"", "\"fc5.bias\"",
        "the file has 3 dense layers in the decoder, the model 2");
    refused_with("examples", "\"fc22.", "\"fc23.", "tensor fc23.weight: no common spelling");
    refused_with("pythae", "\"encoder.embedding.weight\"", "\"encoder.unknown.weight\"",
        "dense layers in the encoder");
    refused_with("pythae", "\"encoder.layers.0.0.weight\"", "\"encoder.layers.0.0.width\"",
        "tensor encoder.layers.0.0.width: no common spelling");
    refused_with("examples", "\"fc1.bias\"", "\"fc1.num_batches_tracked\"",
        "encoder.0.bias, row 0: the file has nothing that fills it");
    refused_with("examples", "\"fc1.weight\"", "\"fc1.num_batches_tracked\"",
        "encoder.0.weight, row 0: the file has nothing that fills it");
    refused_with("examples", "\"fc1.weight\"", "\"fc\\\\1.weight\"", "no common spelling");
}
END_TEST

START_TEST(shapes_that_do_not_fit)
{
    refused_with("examples", "\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[5,6]",
        "\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[6,5]",
        "tensor fc1.weight: its shape, [6][5], does not fit encoder.0.weight, [5][6]; it is transposed");
    refused_with("examples", "\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[5,6]",
        "\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[30]",
        "tensor fc1.weight: its shape, [30][1], does not fit");
    refused_with("examples", "\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[5,6]",
        "\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[5,6,1]",
        "tensor fc1.weight: its shape, [5][6][...], does not fit");
    refused_with("examples", "\"fc1.weight\":{\"dtype\":\"F32\"", "\"fc1.weight\":{\"dtype\":\"I32\"",
        "tensor fc1.weight: its dtype is I32");
    vae_model *wide = model_for(7, 0, 5, 0), *deep = model_for(5, 5, 5, 0), *narrow = model_for(5, 0, 4, 0);
    refused(wide, sample("examples"), NULL, 0, VAE_ERR_FORMAT, "does not fit encoder.0.weight");
    refused(deep, sample("examples"), NULL, 0, VAE_ERR_FORMAT,
        "the file has 3 dense layers in the encoder, the model 4 (heads included)");
    refused(narrow, sample("examples"), NULL, 0, VAE_ERR_FORMAT,
        "tensor fc3.weight: its shape, [5][2], does not fit decoder.0.weight, [4][2]");
    vae_destroy(wide);
    vae_destroy(deep);
    vae_destroy(narrow);
}
END_TEST

START_TEST(normalisations_that_do_not_fit)
{
    refused_with("pythae", "\"encoder.layers.0.1.running_mean\":{\"dtype\":\"F32\",\"shape\":[5]",
        "\"encoder.layers.0.1.running_mean\":{\"dtype\":\"F32\",\"shape\":[5,1]",
        "tensor encoder.layers.0.1.running_mean: must be 5 values");
    refused_with("pythae", "\"encoder.layers.0.1.running_var\"", "\"encoder.layers.0.1.running_val\"",
        "no common spelling");
    vae_model *model = model_for(5, 4, 4, 5);
    struct bytes file = bytes_of_file(sample("sequential"));
    struct bytes other = with_header(&file, "\"vae.encoder.0.weight\"", "\"vae.encoder.9.zzz.0.weight\"");
    write_file(path_to("other"), &other);
    refused(model, path_to("other"), NULL, 0, VAE_ERR_FORMAT,
        "encoder.1 is a normalisation that is not behind a dense layer");
    bytes_free(&other);
    bytes_free(&file);
    vae_destroy(model);
}
END_TEST

START_TEST(gates_that_do_not_fit)
{
    vae_model *dense = model_for(5, 4, 4, 5), *gated = gated_model();
    struct bytes file = bytes_of_file(sample("gated"));
    struct bytes other = with_header(&file, "q_z_layers.1.g.weight", "q_z_layers.2.g.weight");
    write_file(path_to("other"), &other);
    refused(dense, sample("gated"), NULL, 0, VAE_ERR_FORMAT,
        "q_z_layers.0.g is a gate that is not of a gated layer");
    refused(gated, path_to("other"), NULL, 0, VAE_ERR_FORMAT,
        "q_z_layers.2.g is a gate that is not of a gated layer");
    refused(gated, sample("sequential"), NULL, 0, VAE_ERR_FORMAT,
        "encoder.0.gate.weight, row 0: the file has nothing that fills it");
    bytes_free(&other);
    bytes_free(&file);
    vae_destroy(dense);
    vae_destroy(gated);
}
END_TEST

/* The first value of a tensor as other bytes. */
static void refused_value(
    const char *name, const char *tensor, const unsigned char *bytes, size_t size, const char *words)
{
    char key[64];
    vae_model *model = small_model();
    struct bytes file = bytes_of_file(sample(name));
    size_t length = file.data[0] | (size_t)file.data[1] << 8;
    char *header = calloc(1, length + 1);
    memcpy(header, file.data + 8, length);
    snprintf(key, sizeof key, "\"%s\":", tensor);
    size_t begin = (size_t)strtoul(strstr(strstr(header, key), "data_offsets\":[") + 15, NULL, 10);
    memcpy(file.data + 8 + length + begin, bytes, size);
    write_file(path_to("changed"), &file);
    refused(model, path_to("changed"), NULL, 0, VAE_ERR_FORMAT, words);
    free(header);
    bytes_free(&file);
    vae_destroy(model);
}

START_TEST(values_that_do_not_fit)
{
    static const unsigned char nan[] = {0, 0, 0xc0, 0x7f}, large[] = {0, 0, 0, 0, 0, 0, 0, 0x50},
                               infinity[] = {0, 0x7c}, minus[] = {0, 0, 0x80, 0xbf};
    refused_value("examples", "fc4.weight", nan, 4,
        "decoder.1.weight, row 0, would have an element nan: must be finite");
    refused_value("examples", "fc22.bias", nan, 4, "encoder.1.bias, row 2, would have an element nan");
    refused_value(
        "heads", "model.encoder.0.weight", large, 8, "encoder.0.weight, row 0, would have an element inf");
    refused_value(
        "heads", "model.fc_mu.weight", infinity, 2, "encoder.1.weight, row 0, would have an element inf");
    refused_value(
        "pythae", "encoder.layers.0.1.running_var", minus, 4, "a running variance, element 0, is -1");
    refused_value("pythae", "encoder.layers.0.1.running_mean", nan, 4,
        "encoder.0.bias, row 0, would have an element nan");
}
END_TEST

START_TEST(rules_that_do_not_fit)
{
    vae_import_rule rules[RULES + 1];
    vae_model *model = small_model();
    const char *path = sample("interleaved");
    interleaved_rules(rules);
    refused(model, path, rules, RULES - 1, VAE_ERR_FORMAT, "tensor shift2 is left over");
    refused(model, path, NULL, 0, VAE_ERR_FORMAT, "no common spelling: rules can say what it is");
    refused(model, path, rules, 0, VAE_ERR_FORMAT, "is left over");
    rules[RULES] = rules[1];
    refused(model, path, rules, RULES + 1, VAE_ERR_FORMAT, "encoder.0.bias, row 0, is filled twice");
    rules[1].ours = "encoder.9.bias";
    refused(
        model, path, rules, RULES, VAE_ERR_ARG, "rules[1].ours: the model has no tensor \"encoder.9.bias\"");
    rules[1].ours = NULL;
    refused(model, path, rules, RULES, VAE_ERR_ARG, "rules[1]: ours or theirs is NULL");
    rules[1] = rule("encoder.0.bias", "lin1.bios");
    refused(model, path, rules, RULES, VAE_ERR_FORMAT, "tensor lin1.bios is missing: rules[1] needs it");
    rules[1].theirs = "lin1\\bias";
    refused(model, path, rules, RULES, VAE_ERR_FORMAT, "is missing");
    rules[1].theirs = "\xff";
    refused(model, path, rules, RULES, VAE_ERR_FORMAT, "is missing");
    interleaved_rules(rules);
    rules[3].their_row = 0;
    refused(model, path, rules, RULES, VAE_ERR_FORMAT,
        "tensor head.weight: its shape, [4][5], does not fit encoder.1.weight, [4][5]: it has more rows");
    rules[3].their_row = 4;
    refused(model, path, rules, RULES, VAE_ERR_FORMAT, "tensor head.weight");
    interleaved_rules(rules);
    rules[3].first_row = 1;
    refused(model, path, rules, RULES, VAE_ERR_FORMAT, "encoder.1.weight, row 1, is filled twice");
    interleaved_rules(rules);
    rules[6].transpose = 0;
    refused(model, path, rules, RULES, VAE_ERR_FORMAT,
        "tensor kernel1: its shape, [2][5], does not fit decoder.0.weight, [5][2]; it is transposed");
    vae_destroy(model);
}
END_TEST

START_TEST(rules_are_checked)
{
    vae_import_rule rules[RULES];
    vae_model *model = small_model(), *view = view_of(model, 3);
    const char *path = sample("interleaved");
    interleaved_rules(rules);
    rules[2].reserved = 1;
    refused(model, path, rules, RULES, VAE_ERR_ABI, "rules[2].reserved");
    interleaved_rules(rules);
    rules[2].their_step = 0;
    refused(model, path, rules, RULES, VAE_ERR_ARG, "rules[2]: their_step must be at least 1");
    interleaved_rules(rules);
    rules[2].transpose = 2;
    refused(model, path, rules, RULES, VAE_ERR_ARG, "rules[2]:");
    interleaved_rules(rules);
    rules[2].factor = (double)NAN;
    refused(model, path, rules, RULES, VAE_ERR_ARG, "factor finite");
    interleaved_rules(rules);
    rules[0].size = 5;
    refused(model, path, rules, RULES, VAE_ERR_ABI, "import_rule.size is 5");
    refused(model, path, NULL, 1, VAE_ERR_ARG, "rules is NULL, n_rules is 1");
    refused(model, NULL, NULL, 0, VAE_ERR_ARG, "path is NULL");
    refused(model, path_to("none"), NULL, 0, VAE_ERR_IO, "No such file");
    must_fail(vae_import(NULL, path, NULL, 0), VAE_ERR_ARG, "model is NULL");
    refused(view, path, NULL, 0, VAE_ERR_STATE, "not on a view");
    vae_destroy(view);
    vae_destroy(model);
}
END_TEST

/* All memory comes from the model's allocator and is freed; every request may be refused. */
START_TEST(memory)
{
    struct plan plan;
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    static const uint64_t widths[] = {5};
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan_sizes(&plan, X, Z, widths, 1);
    count_allocations(&plan.runtime, &counter);
    vae_model *model = model_of(&plan);
    size_t live = counter.live_bytes, n = 0;
    for (int status = VAE_ERR_NOMEM; status != VAE_OK; n++) {
        counter.fail_at = counter.calls + n;
        status = vae_import(model, sample("pythae"), NULL, 0);
        if (status != VAE_OK)
            must_fail(status, VAE_ERR_NOMEM, "out of memory");
        ck_assert_uint_eq(counter.live_bytes, live);
    }
    ck_assert_uint_ge(n, 6);
    check_elbo(model, "pythae");
    vae_destroy(model);
    must_balance(&counter);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {common_spellings, files_of_our_own, rules_map_rows, names_that_do_not_fit,
        shapes_that_do_not_fit, normalisations_that_do_not_fit, gates_that_do_not_fit, values_that_do_not_fit,
        rules_that_do_not_fit, rules_are_checked, memory};
    return RUN_SUITE("import", tests);
}
