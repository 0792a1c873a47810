/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The command line of train.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

static const char usage[] =
    "usage: train (--train FILE | --sprites N) [options]\n"
    "Trains a variational auto-encoder and writes history.csv and pictures.\n"
    "\n"
    "data\n"
    "  --train FILE       IDX or NPY, plain or .gz; uint8 (scaled to 0..1) or float32; 2 or 3 dimensions\n"
    "  --test FILE        held-out data (without it: one row in ten of the training data)\n"
    "  --sprites N        N drawn sprites instead of a file\n"
    "  --limit N          read at most N rows of each file\n"
    "  --width N          width of one image, where the file has 2 dimensions\n"
    "  --binarise         each epoch draws 0 and 1 from the grey values (default for bernoulli)\n"
    "  --grey             grey values as they are (default for gauss*)\n"
    "model\n"
    "  --likelihood L     bernoulli | gauss-fixed | gauss-shared | gauss         (bernoulli)\n"
    "  --logvar X         log variance of gauss-fixed                            (0)\n"
    "  --mean M           identity | sigmoid, of Gaussian means                  (identity)\n"
    "  --hidden N[,N]     units of the encoder's layers; the decoder mirrors them (400)\n"
    "  --latent N         latent dimensions; 2 gives a picture of the manifold   (20)\n"
    "  --activation A     identity | relu | tanh | sigmoid | softplus | silu | gelu  (relu)\n"
    "  --init I           torch | glorot | he | normal                           (torch)\n"
    "run\n"
    "  --epochs N (10)  --batch N (128)  --rate X (0.001)  --seed N (0)  --threads N (1)\n"
    "  --samples N        draws per row for the held-out bound; 0: z = mu        (1)\n"
    "  --gemm G           native | cblas                                         (native)\n"
    "  --out DIR          where to write                                         (.)\n"
    "\n"
    "Ctrl-C stops after the current step and writes what there is.\n"
    "Exit code: 0 done, 1 failed, 2 wrong command line or data, 130 interrupted.\n";

struct name {
    const char *name;
    int value;
};

static const struct name likelihoods[] = {{"bernoulli", VAE_BERNOULLI}, {"gauss-fixed", VAE_GAUSS_FIXED},
    {"gauss-shared", VAE_GAUSS_SHARED}, {"gauss", VAE_GAUSS}, {NULL, 0}};
static const struct name activations[] = {{"identity", VAE_IDENTITY}, {"relu", VAE_RELU}, {"tanh", VAE_TANH},
    {"sigmoid", VAE_SIGMOID}, {"softplus", VAE_SOFTPLUS}, {"silu", VAE_SILU}, {"gelu", VAE_GELU}, {NULL, 0}};
static const struct name inits[] = {{"torch", VAE_INIT_TORCH}, {"glorot", VAE_INIT_GLOROT},
    {"he", VAE_INIT_HE}, {"normal", VAE_INIT_NORMAL}, {NULL, 0}};
static const struct name gemms[] = {{"native", VAE_GEMM_NATIVE}, {"cblas", VAE_GEMM_CBLAS}, {NULL, 0}};

enum { BINARISE_UNSET = -1 };
enum {
    TRAIN = 256,
    TEST,
    SPRITES,
    LIMIT,
    WIDTH,
    LIKELIHOOD,
    LOGVAR,
    MEAN,
    HIDDEN,
    LATENT,
    ACTIVATION,
    INIT,
    EPOCHS,
    BATCH,
    RATE,
    SEED,
    THREADS,
    SAMPLES,
    GEMM,
    OUT,
    HELP
};

static const struct option known[] = {{"train", 1, NULL, TRAIN}, {"test", 1, NULL, TEST},
    {"sprites", 1, NULL, SPRITES}, {"limit", 1, NULL, LIMIT}, {"width", 1, NULL, WIDTH},
    {"likelihood", 1, NULL, LIKELIHOOD}, {"logvar", 1, NULL, LOGVAR}, {"mean", 1, NULL, MEAN},
    {"hidden", 1, NULL, HIDDEN}, {"latent", 1, NULL, LATENT}, {"activation", 1, NULL, ACTIVATION},
    {"init", 1, NULL, INIT}, {"epochs", 1, NULL, EPOCHS}, {"batch", 1, NULL, BATCH}, {"rate", 1, NULL, RATE},
    {"seed", 1, NULL, SEED}, {"threads", 1, NULL, THREADS}, {"samples", 1, NULL, SAMPLES},
    {"gemm", 1, NULL, GEMM}, {"out", 1, NULL, OUT}, {"help", 0, NULL, HELP}, {"binarise", 0, NULL, 1},
    {"grey", 0, NULL, 0}, {NULL, 0, NULL, 0}};

/* Digits and nothing else, within low..high. */
static int take_count(const char **text, uint64_t low, uint64_t high, uint64_t *count)
{
    char *end;
    if (**text < '0' || **text > '9')
        return -1;
    errno = 0;
    *count = strtoull(*text, &end, 10);
    *text = end;
    return errno || *count < low || *count > high ? -1 : 0;
}

static int take_whole(const char *text, uint64_t low, uint64_t high, uint64_t *count)
{
    return take_count(&text, low, high, count) != 0 || *text ? -1 : 0;
}

static int take_real(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end == text || *end || !isfinite(*value) ? -1 : 0;
}

static int take_name(const char *text, const struct name *names, int *value)
{
    for (; names->name; names++) {
        if (strcmp(text, names->name) == 0) {
            *value = names->value;
            return 0;
        }
    }
    return -1;
}

static int take_hidden(const char *text, struct options *o)
{
    for (o->n_hidden = 0; o->n_hidden < OPTIONS_MAX_HIDDEN; text++) {
        if (take_count(&text, 1, UINT32_MAX, &o->hidden[o->n_hidden++]) != 0)
            return -1;
        if (!*text)
            return 0;
        if (*text != ',')
            return -1;
    }
    return -1;
}

static int take(struct options *o, int option, const char *text)
{
    uint64_t threads;
    switch (option) {
    case TRAIN:
        o->train = text;
        return 0;
    case TEST:
        o->test = text;
        return 0;
    case OUT:
        o->out = text;
        return 0;
    case SPRITES:
        return take_whole(text, 2, UINT32_MAX, &o->sprites);
    case LIMIT:
        return take_whole(text, 1, UINT64_MAX, &o->limit);
    case WIDTH:
        return take_whole(text, 1, UINT32_MAX, &o->width);
    case LIKELIHOOD:
        return take_name(text, likelihoods, &o->likelihood);
    case LOGVAR:
        return take_real(text, &o->logvar);
    case MEAN:
        if (take_name(text, activations, &o->mean) != 0)
            return -1;
        return o->mean == VAE_IDENTITY || o->mean == VAE_SIGMOID ? 0 : -1;
    case HIDDEN:
        return take_hidden(text, o);
    case LATENT:
        return take_whole(text, 1, UINT32_MAX, &o->latent);
    case ACTIVATION:
        return take_name(text, activations, &o->activation);
    case INIT:
        return take_name(text, inits, &o->init);
    case EPOCHS:
        return take_whole(text, 1, 1000000, &o->epochs);
    case BATCH:
        return take_whole(text, 1, UINT32_MAX, &o->batch);
    case RATE:
        return take_real(text, &o->rate);
    case SEED:
        return take_whole(text, 0, UINT64_MAX, &o->seed);
    case THREADS:
        if (take_whole(text, 1, 1024, &threads) != 0)
            return -1;
        o->threads = (int)threads;
        return 0;
    case SAMPLES:
        return take_whole(text, 0, 65535, &o->samples);
    case GEMM:
        return take_name(text, gemms, &o->gemm);
    default:
        o->binarise = option;
        return 0;
    }
}

static int refuse(const char *reason)
{
    fprintf(stderr, "train: %s\n", reason);
    return -1;
}

/* What the options mean together. */
static int settle(struct options *o)
{
    if (!o->train == !o->sprites)
        return fputs("train: give either --train FILE or --sprites N (--help lists the options)\n", stderr),
               -1;
    if (o->test && !o->train)
        return refuse("--test goes with --train");
    if (o->binarise == BINARISE_UNSET)
        o->binarise = o->likelihood == VAE_BERNOULLI;
    if (o->binarise && o->likelihood != VAE_BERNOULLI)
        return refuse("--binarise goes with --likelihood bernoulli");
    return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.out = ".",
        .likelihood = VAE_BERNOULLI,
        .activation = VAE_RELU,
        .init = VAE_INIT_TORCH,
        .mean = VAE_IDENTITY,
        .gemm = VAE_GEMM_NATIVE,
        .binarise = BINARISE_UNSET,
        .hidden = {400},
        .n_hidden = 1,
        .latent = 20,
        .epochs = 10,
        .batch = 128,
        .samples = 1,
        .rate = 1e-3,
        .threads = 1};
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        if (option == '?')
            return -1;
        if (option == HELP)
            return fputs(usage, stdout) < 0 ? -1 : 1;
        if (take(o, option, optarg) != 0) {
            fprintf(stderr, "train: --%s cannot be '%s' (--help says what it can be)\n", known[index].name,
                optarg);
            return -1;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "train: '%s' is not an option\n", argv[optind]);
        return -1;
    }
    return settle(o);
}
