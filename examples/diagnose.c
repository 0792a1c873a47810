/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Has a model collapsed? Reads a model's file and data; prints what each latent says about them.
 *
 *     train --sprites 20000 --save model.safetensors
 *     diagnose model.safetensors --sprites 2000
 *
 * common/diagnosis.h says what the figures are, docs/collapse.md what to do about them. Memory is what the
 * data take and 8 bytes a row and latent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vae/vae.h>

#include "common/data.h"
#include "common/diagnosis.h"
#include "common/sprites.h"

enum { DONE = 0, FAILED = 1, WRONG = 2, ROWS = 1000 };

struct options {
    const char *model, *data;
    uint64_t sprites, limit, draws, seed;
    int binarise; /* -1: as the model was trained by train */
};

static const char help[] =
    "usage: diagnose MODEL (--data FILE | --sprites N) [options]\n"
    "Prints KL and activity of each latent, mutual information, and the distance of q(z) from the prior.\n\n"
    "  --data FILE    IDX or NPY, plain or .gz\n"
    "  --sprites N    N drawn sprites instead of a file\n"
    "  --limit N      read no more than N rows of the file\n"
    "  --draws N      draws of z for the information; default 1000\n"
    "  --seed N       of draws and sprites; default 1: other sprites than those that train draws by default\n"
    "  --binarise     draw 0 and 1 from the grey values (default of models trained so)\n"
    "  --grey         grey values as they are";

static int refuse(const char *reason)
{
    fprintf(stderr, "diagnose: %s\n", reason);
    return WRONG;
}

/* ---- the command line ------------------------------------------------------------------------------ */

static int take_number(const char *word, const char *value, uint64_t least, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    if (value && *value >= '0' && *value <= '9')
        *number = strtoull(value, &end, 10);
    if (end && !*end && !errno && *number >= least)
        return 1;
    fprintf(stderr, "diagnose: %s '%s': must be a whole number, %llu or more\n", word, value ? value : "",
        (unsigned long long)least);
    return -1;
}

/* The words that argv[i] and its value are; -1: wrong. */
static int take(struct options *o, char **argv, int i)
{
    static const struct {
        const char *word;
        size_t at;
        uint64_t least;
    } numbers[] = {{"--sprites", offsetof(struct options, sprites), 1},
        {"--limit", offsetof(struct options, limit), 1}, {"--draws", offsetof(struct options, draws), 2},
        {"--seed", offsetof(struct options, seed), 0}};
    const char *word = argv[i], *value = argv[i + 1];
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        if (strcmp(word, numbers[k].word) == 0)
            return take_number(word, value, numbers[k].least, (void *)((char *)o + numbers[k].at)) > 0 ? 2
                                                                                                       : -1;
    if (strcmp(word, "--data") == 0 && value) {
        o->data = value;
        return 2;
    }
    if (strcmp(word, "--grey") == 0 || strcmp(word, "--binarise") == 0) {
        o->binarise = strcmp(word, "--binarise") == 0;
        return 1;
    }
    if (*word != '-' && !o->model) {
        o->model = word;
        return 1;
    }
    fprintf(stderr, "diagnose: '%s' is not expected (--help lists the options)\n", word);
    return -1;
}

static int parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.draws = 1000, .seed = 1, .binarise = -1};
    for (int i = 1; i < argc;) {
        int taken = take(o, argv, i);
        if (taken < 0)
            return WRONG;
        i += taken;
    }
    if (!o->model || !o->data == !o->sprites)
        return refuse("give a model's file and either --data FILE or --sprites N (--help lists the options)");
    return DONE;
}

/* ---- rows ------------------------------------------------------------------------------------------ */

static int span_of(const vae_model *model, vae_span *span)
{
    vae_span_init(span, sizeof *span);
    return vae_get_span(model, 0, span);
}

/* What values the model takes: for spans of several kinds, any that are finite. */
static enum data_domain domain_of(const vae_model *model, const vae_span *span)
{
    if (span->columns < vae_x_dim(model))
        return DATA_ANY;
    if (span->likelihood == VAE_BERNOULLI || span->likelihood == VAE_CBERNOULLI)
        return DATA_UNIT;
    return span->likelihood == VAE_POISSON ? DATA_COUNTS : DATA_ANY;
}

static int open_data(struct data *data, const vae_model *model, const struct options *o)
{
    char why[DATA_WHY];
    vae_span span;
    if (span_of(model, &span) != VAE_OK)
        return refuse(vae_last_error());
    enum data_domain domain = domain_of(model, &span);
    if (o->sprites && sprites_make(data, (size_t)o->sprites, o->seed) != 0)
        return refuse("out of memory for the sprites, or too many");
    if (o->data &&
        (data_read(data, o->data, o->limit, why) != 0 || data_check(data, domain, o->data, why) != 0))
        return refuse(why);
    if (domain == DATA_COUNTS)
        data_as_counts(data);
    if (data->dim != vae_x_dim(model)) {
        snprintf(why, sizeof why, "%s has %llu values a row, the data %zu", o->model,
            (unsigned long long)vae_x_dim(model), data->dim);
        return refuse(why);
    }
    return DONE;
}

/* Whether train drew 0 and 1 for this model: its file says. */
static int binarised(const vae_model *model, const struct options *o)
{
    const char *text = vae_get_metadata(model, "train.binarise");
    return o->binarise >= 0 ? o->binarise : text && strcmp(text, "0") != 0;
}

/* ---- the work -------------------------------------------------------------------------------------- */

static int add_rows(struct diagnosis *d, vae_model *model, const struct set *set, int binarise, float *x)
{
    int status = VAE_OK;
    for (size_t first = 0; first < set->n && status == VAE_OK; first += ROWS) {
        size_t n = set->n - first < ROWS ? set->n - first : ROWS;
        if (binarise)
            set_fetch_binary(set, first, n, 0, 0, x);
        else
            set_fetch(set, first, n, x);
        status = diagnosis_add(d, model, x, n);
    }
    return status;
}

static int diagnose(vae_model *model, const struct data *data, const struct options *o)
{
    struct diagnosis d = {0};
    struct set set = {0};
    float *x = calloc(ROWS, data->dim * sizeof *x);
    int binarise = binarised(model, o), status = VAE_ERR_NOMEM;
    clock_t start = clock();
    if (x && set_all(&set, data) == 0 && diagnosis_init(&d, model, set.n) == 0)
        status = add_rows(&d, model, &set, binarise, x);
    if (status == VAE_OK && diagnosis_finish(&d, (size_t)o->draws, o->seed) != 0)
        status = VAE_ERR_NOMEM;
    if (status == VAE_OK) {
        printf("%s: %zu rows%s\n", o->model, set.n, binarise ? ", binarised" : "");
        diagnosis_print(&d, stdout);
        printf(
            "%llu draws, %.1f s\n", (unsigned long long)o->draws, (double)(clock() - start) / CLOCKS_PER_SEC);
    } else
        fprintf(stderr, "diagnose: %s\n", status == VAE_ERR_NOMEM ? "out of memory" : vae_last_error());
    diagnosis_free(&d);
    set_free(&set);
    free(x);
    return status == VAE_OK ? DONE : FAILED;
}

int main(int argc, char **argv)
{
    struct options options;
    struct data data = {0};
    vae_model *model = NULL;
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return puts(help) < 0 ? FAILED : DONE;
    int code = parse(&options, argc, argv);
    if (code == DONE && vae_load(&model, options.model, NULL) != VAE_OK) {
        fprintf(stderr, "diagnose: %s\n", vae_last_error());
        code = FAILED;
    }
    if (code == DONE)
        code = open_data(&data, model, &options);
    if (code == DONE)
        code = diagnose(model, &data, &options);
    data_free(&data);
    vae_destroy(model);
    return code;
}
