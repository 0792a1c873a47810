/* SPDX-License-Identifier: BSD-2-Clause
 * A sample of each version of the file format: a small model with spans, a learned scale, metadata and 25
 * steps of training. A text next to it has the scores of four rows, and hashes of the parameters and of the
 * terms after ten more steps.
 *
 *     sample write FILE.safetensors FILE.txt      by the writer of this library
 *     sample check FILE.safetensors FILE.txt      loads the file and compares, to the bit, on any machine
 *     sample same FILE.safetensors FILE.txt       also that this library writes the same bytes
 *
 * A sample stays in the tree when the format changes; a new version gets one of its own. Needs no Check, so
 * that it runs wherever the library does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

enum { X = 10, ROWS = 4, MORE = 10 };

struct answers {
    double score[ROWS];
    unsigned long long params, terms;
};

static void need(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, vae_last_error());
    exit(1);
}

#define MUST(call) need((call) == VAE_OK, #call)

static vae_model *make(void)
{
    vae_layer layer;
    vae_span spans[3];
    vae_config config;
    vae_model *model;
    static const uint64_t columns[] = {4, 3, 3};
    vae_layer_init(&layer, sizeof layer);
    layer.units = 8;
    layer.activation = VAE_SILU;
    for (int i = 0; i < 3; i++) {
        vae_span_init(&spans[i], sizeof spans[i]);
        spans[i].columns = columns[i];
    }
    spans[1].likelihood = VAE_GAUSS;
    spans[1].scale = VAE_PARAM_SPAN;
    spans[2].likelihood = VAE_LAPLACE;
    spans[2].scale_min = -3;
    vae_config_init(&config, sizeof config);
    config.x_dim = X;
    config.z_dim = 2;
    config.encoder = config.decoder = &layer;
    config.n_encoder = config.n_decoder = 1;
    config.spans = spans;
    config.n_spans = 3;
    config.seed = 0x0123456789abcdefu;
    MUST(vae_create(&model, &config, NULL, NULL));
    return model;
}

/* FNV-1a of numbers' bits, in one order of bytes. */
static unsigned long long hash(unsigned long long h, uint64_t bits, int bytes)
{
    for (int i = 0; i < bytes; i++)
        h = ((h ^ (bits >> 8 * i & 255)) * 0x100000001b3u) & 0xffffffffffffffffu;
    return h;
}

static unsigned long long hash_real(unsigned long long h, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return hash(h, bits, 8);
}

static unsigned long long step(vae_model *model, const float *x, unsigned long long h)
{
    vae_terms terms;
    vae_terms_init(&terms, sizeof terms);
    MUST(vae_step(model, x, ROWS, &terms));
    return hash_real(hash_real(hash_real(h, terms.objective), terms.kl), terms.grad_norm);
}

static struct answers answers_of(vae_model *model, const float *x)
{
    struct answers a = {{0}, 0, 0};
    float params[1000];
    uint64_t count = vae_param_count(model);
    MUST(vae_score(model, x, ROWS, 3, a.score));
    for (int i = 0; i < MORE; i++)
        a.terms = step(model, x, a.terms);
    need(count <= 1000, "a model of at most 1000 parameters");
    MUST(vae_get_params(model, params, count));
    for (uint64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &params[i], sizeof bits);
        a.params = hash(a.params, bits, 4);
    }
    return a;
}

static void write_answers(const struct answers *a, const char *path)
{
    FILE *file = fopen(path, "w");
    need(file != NULL, path);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "%a\n", a->score[i]);
    fprintf(file, "%016llx %016llx\n", a->params, a->terms);
    need(fclose(file) == 0, path);
}

static void check_answers(const struct answers *a, const char *path)
{
    struct answers b;
    FILE *file = fopen(path, "r");
    need(file != NULL, path);
    for (int i = 0; i < ROWS; i++)
        need(fscanf(file, "%la", &b.score[i]) == 1 && b.score[i] == a->score[i], "the scores");
    need(fscanf(file, "%llx %llx", &b.params, &b.terms) == 2, path);
    need(b.terms == a->terms, "the terms of steps after loading");
    need(b.params == a->params, "the parameters after steps after loading");
    fclose(file);
}

/* A function for vae_save_stream(): the file's bytes, one after the other. */
static int compare(void *ctx, const void *data, size_t size)
{
    char expected[16384];
    return fread(expected, 1, size, ctx) != size || memcmp(expected, data, size) != 0;
}

static void check_bytes(const vae_model *model, const char *path)
{
    FILE *file = fopen(path, "rb");
    need(file != NULL, path);
    MUST(vae_save_stream(model, compare, file, 0));
    need(getc(file) == EOF, "the length of the file");
    fclose(file);
}

static vae_model *trained(const float *x, const char *path)
{
    vae_model *model = make();
    for (int i = 0; i < 25; i++)
        step(model, x, 0);
    MUST(vae_set_metadata(model, "made by", "tests/files/sample.c"));
    MUST(vae_save(model, path, 0));
    return model;
}

int main(int argc, char **argv)
{
    float x[ROWS * X];
    vae_model *model;
    need(argc == 4, "usage: sample write|check|same FILE.safetensors FILE.txt");
    int writes = strcmp(argv[1], "write") == 0;
    for (int i = 0; i < ROWS * X; i++)
        x[i] = (float)(i * 7 % 16) / 16;
    if (writes)
        model = trained(x, argv[2]);
    else
        MUST(vae_load(&model, argv[2], NULL));
    need(vae_steps(model) == 25 && vae_get_metadata(model, "made by"), "steps and metadata");
    if (strcmp(argv[1], "same") == 0)
        check_bytes(model, argv[2]);
    struct answers answers = answers_of(model, x);
    if (writes)
        write_answers(&answers, argv[3]);
    else
        check_answers(&answers, argv[3]);
    vae_destroy(model);
    return 0;
}
