/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The command line of train. One table says what each option takes; the parser, its messages and
 * the help are made from it.
 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

enum kind { HEADING, TEXT, COUNT, REAL, NAME, UNITS, FLAG, HELP };

struct name {
    const char *name;
    int32_t number;
};

struct rule {
    enum kind kind;
    const char *name, *value; /* --name value; a heading has a name alone */
    size_t at;                /* of what it sets, in struct options */
    double low, high;         /* limits of numbers; a flag sets `low` */
    const struct name *names;
    const char *words;
};

enum { BINARISE_UNSET = -1, MOST_UNITS = (1 << 30) - 1 };

static const struct name likelihoods[] = {{"bernoulli", VAE_BERNOULLI}, {"cbernoulli", VAE_CBERNOULLI},
    {"gauss", VAE_GAUSS}, {"laplace", VAE_LAPLACE}, {"poisson", VAE_POISSON}, {NULL, 0}};
static const struct name means[] = {{"identity", VAE_IDENTITY}, {"sigmoid", VAE_SIGMOID}, {NULL, 0}};
static const struct name scales[] = {
    {"cell", VAE_PARAM_CELL}, {"span", VAE_PARAM_SPAN}, {"fixed", VAE_PARAM_FIXED}, {NULL, 0}};
static const struct name activations[] = {{"identity", VAE_IDENTITY}, {"relu", VAE_RELU}, {"tanh", VAE_TANH},
    {"sigmoid", VAE_SIGMOID}, {"softplus", VAE_SOFTPLUS}, {"silu", VAE_SILU}, {"gelu", VAE_GELU},
    {"leaky-relu", VAE_LEAKY_RELU}, {"elu", VAE_ELU}, {NULL, 0}};
static const struct name inits[] = {{"torch", VAE_INIT_TORCH}, {"glorot", VAE_INIT_GLOROT},
    {"he", VAE_INIT_HE}, {"normal", VAE_INIT_NORMAL}, {NULL, 0}};
static const struct name optimizers[] = {
    {"adam", VAE_ADAM}, {"adamw", VAE_ADAMW}, {"adagrad", VAE_ADAGRAD}, {"sgd", VAE_SGD}, {NULL, 0}};
static const struct name priors[] = {
    {"normal", VAE_PRIOR_NORMAL}, {"mixture", VAE_PRIOR_MIXTURE}, {"vamp", VAE_PRIOR_VAMP}, {NULL, 0}};
static const struct name objectives[] = {{"elbo", VAE_ELBO}, {"iwae", VAE_IWAE}, {NULL, 0}};
static const struct name estimators[] = {{"plain", VAE_ESTIMATOR_DEFAULT},
    {"analytic-kl", VAE_ESTIMATOR_ANALYTIC_KL}, {"monte-carlo-kl", VAE_ESTIMATOR_MONTE_CARLO_KL},
    {"stl", VAE_ESTIMATOR_STL}, {"dreg", VAE_ESTIMATOR_DREG}, {NULL, 0}};

#define ANY 0x1p64 /* of 64 bits */
#define AT(MEMBER) offsetof(struct options, MEMBER)
/* clang-format off */
static const struct rule rules[] = {
    {HEADING, "data", NULL, 0, 0, 0, NULL, NULL},
    {TEXT, "train", "FILE", AT(train), 0, 0, NULL,
        "IDX or NPY, plain or .gz, of 2 or 3 dimensions: uint8, float32 or float64"},
    {TEXT, "test", "FILE", AT(test), 0, 0, NULL,
        "held-out data; without it one row in ten of the training data"},
    {COUNT, "sprites", "N", AT(sprites), 2, UINT32_MAX, NULL, "N drawn sprites instead of a file"},
    {COUNT, "limit", "N", AT(limit), 1, ANY, NULL, "read no more than N rows of each file"},
    {COUNT, "width", "N", AT(width), 1, UINT32_MAX, NULL, "width of one image, if the file has 2 dimensions"},
    {FLAG, "binarise", NULL, AT(binarise), 1, 0, NULL,
        "each epoch draws 0 and 1 from the grey values (default of bernoulli)"},
    {FLAG, "grey", NULL, AT(binarise), 0, 0, NULL, "grey values as they are (default of the others)"},
    {HEADING, "model", NULL, 0, 0, 0, NULL, NULL},
    {NAME, "likelihood", "L", AT(likelihood), 0, 0, likelihoods,
        "p(x|z): (c)bernoulli takes 0 to 1, poisson whole numbers, the others all"},
    {NAME, "scale", "S", AT(scale), 0, 0, scales,
        "of gauss and laplace: from the decoder, one learned number, or fixed"},
    {REAL, "scale-value", "X", AT(scale_value), -9999, 9999, NULL,
        "log-variance of gauss, log-scale of laplace: the fixed one, or the learned one at the start"},
    {REAL, "scale-min", "X", AT(scale_min), -1e30, 1e4, NULL, "its floor"},
    {NAME, "mean", "M", AT(mean), 0, 0, means, "of gauss and laplace"},
    {UNITS, "hidden", "N[,N]", AT(hidden), 1, MOST_UNITS, NULL,
        "units of the encoder's layers, of which the decoder is the mirror image"},
    {COUNT, "latent", "N", AT(latent), 1, MOST_UNITS, NULL,
        "latent dimensions; 2 give a picture of the manifold"},
    {NAME, "activation", "A", AT(activation), 0, 0, activations,
        "of hidden layers; default relu, with --gated identity"},
    {FLAG, "gated", NULL, AT(gated), 1, 0, NULL,
        "hidden layers with gates, y = activation(W x + b) sigmoid(V x + c)"},
    {REAL, "logvar-min", "X", AT(logvar_min), -1e30, 1e4, NULL, "floor of the encoder's log-variances"},
    {REAL, "logvar-max", "X", AT(logvar_max), -1e4, 1e30, NULL, "their ceiling"},
    {NAME, "prior", "P", AT(prior), 0, 0, priors, "p(z): vamp's pseudo-inputs begin as rows of the data"},
    {COUNT, "components", "N", AT(components), 1, MOST_UNITS, NULL, "of a mixture, pseudo-inputs of vamp"},
    {NAME, "init", "I", AT(init), 0, 0, inits, "initial weights"},
    {HEADING, "training", NULL, 0, 0, 0, NULL, NULL},
    {NAME, "objective", "O", AT(objective), 0, 0, objectives, "the bound that training maximises"},
    {NAME, "estimator", "E", AT(estimator), 0, 0, estimators,
        "of its gradient; dreg goes with iwae, analytic-kl with elbo"},
    {COUNT, "draws", "N", AT(draws), 1, 65536, NULL, "draws of z for one bound of a row of training data"},
    {COUNT, "estimates", "N", AT(estimates), 1, 65536, NULL,
        "bounds for a row, with iwae; draws times estimates are at most 65536"},
    {REAL, "elbo-weight", "X", AT(elbo_weight), 0, 1, NULL, "share of the elbo in the bound, with iwae"},
    {REAL, "kl-weight", "X", AT(kl_weight), 0, 1e30, NULL, "weight of the KL term"},
    {REAL, "free-bits", "X", AT(free_bits), 0, 1e30, NULL,
        "nats for each latent that cost nothing, with elbo"},
    {COUNT, "epochs", "N", AT(epochs), 1, 1000000, NULL, "passes over the training data"},
    {COUNT, "batch", "N", AT(batch), 1, MOST_UNITS, NULL, "rows of one step"},
    {NAME, "optimizer", "O", AT(optimizer), 0, 0, optimizers, "how weights follow the gradient"},
    {REAL, "rate", "X", AT(rate), 0, 1e30, NULL, "learning rate"},
    {REAL, "momentum", "X", AT(momentum), 0, 1 - 1e-9, NULL, "of sgd"},
    {REAL, "weight-decay", "X", AT(weight_decay), 0, 1e30, NULL, "of all weights"},
    {REAL, "clip", "X", AT(clip), 0, 1e30, NULL, "limit of the gradient's norm; 0: none"},
    {COUNT, "seed", "N", AT(seed), 0, ANY, NULL, "of weights, noise and order"},
    {COUNT, "threads", "N", AT(threads), 1, 1024, NULL, "threads that share the work"},
    {HEADING, "results", NULL, 0, 0, 0, NULL, NULL},
    {COUNT, "samples", "N", AT(samples), 0, 65536, NULL,
        "draws of z for a held-out row; 0: z = mu, which is no bound"},
    {COUNT, "evidence", "N", AT(evidence), 2, 1000000000, NULL,
        "at the end, log p(x) of held-out rows by N draws of z for each: 5000 takes a while"},
    {TEXT, "out", "DIR", AT(out), 0, 0, NULL, "where results are written"},
    {TEXT, "save", "FILE", AT(save), 0, 0, NULL,
        "keep the model in FILE (.safetensors) after each epoch and at the end"},
    {TEXT, "resume", "FILE", AT(resume), 0, 0, NULL,
        "go on from FILE with its model and settings, up to --epochs; saves there, too, without --save"},
    {HELP, "help", NULL, 0, 0, 0, NULL, "this text"},
};
/* clang-format on */

static const struct options defaults = {.out = ".",
    .binarise = BINARISE_UNSET,
    .likelihood = VAE_BERNOULLI,
    .mean = VAE_IDENTITY,
    .scale = VAE_PARAM_CELL,
    .scale_min = -1e30,
    .logvar_min = -1e30,
    .logvar_max = 1e30,
    .hidden = {400},
    .n_hidden = 1,
    .latent = 20,
    .activation = VAE_ACTIVATION_DEFAULT,
    .init = VAE_INIT_TORCH,
    .objective = VAE_ELBO,
    .prior = VAE_PRIOR_NORMAL,
    .estimator = VAE_ESTIMATOR_DEFAULT,
    .draws = 1,
    .estimates = 1,
    .kl_weight = 1,
    .optimizer = VAE_ADAM,
    .rate = 1e-3,
    .epochs = 10,
    .batch = 128,
    .threads = 1,
    .samples = 1};

/* ---- words ----------------------------------------------------------------------------------------- */

/* What the option takes, as in "1 to 1024". */
static void print_limits(FILE *to, const struct rule *rule)
{
    if (rule->kind == NAME) {
        for (const struct name *name = rule->names; name->name; name++)
            fprintf(to, "%s%s", name == rule->names ? "" : " | ", name->name);
        return;
    }
    if (rule->kind == UNITS)
        fprintf(to, "up to %d numbers, each ", OPTIONS_MAX_HIDDEN);
    fprintf(to, rule->high == ANY ? "%.0f to 2^64 - 1" : "%.10g to %.10g", rule->low, rule->high);
}

static void print_default(const struct rule *rule)
{
    const char *at = (const char *)&defaults + rule->at;
    if (rule->kind == TEXT && *(const char *const *)at)
        printf("; default %s", *(const char *const *)at);
    if (rule->kind == REAL)
        printf("; default %g", *(const double *)at);
    if ((rule->kind == COUNT || rule->kind == UNITS) && (double)*(const uint64_t *)at >= rule->low)
        printf("; default %llu", (unsigned long long)*(const uint64_t *)at);
    for (const struct name *name = rule->names; name && name->name; name++)
        if (name->number == *(const int32_t *)at)
            printf("; default %s", name->name);
}

static void print_rule(const struct rule *rule)
{
    char left[40];
    if (rule->kind == HEADING) {
        printf("%s\n", rule->name);
        return;
    }
    snprintf(left, sizeof left, "--%s %s", rule->name, rule->value ? rule->value : "");
    printf("  %-16s  %s", left, rule->words);
    if (rule->kind == COUNT || rule->kind == REAL || rule->kind == NAME || rule->kind == UNITS) {
        printf("\n%20s", "");
        print_limits(stdout, rule);
    }
    print_default(rule);
    putchar('\n');
}

static int print_help(void)
{
    puts("usage: train (--train FILE | --sprites N) [options]\n"
         "Trains a variational auto-encoder on images and writes history.csv and pictures.\n");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        print_rule(&rules[i]);
    puts("\n"
         "Ctrl-C, SIGTERM and SIGHUP stop after the current step, and results are written all the same; a\n"
         "second one ends the program at once. Exit code: 0 done, 1 failed, 2 wrong command line or data,\n"
         "128 and the signal's number (130 for Ctrl-C) if interrupted.");
    return fflush(stdout) == 0 ? 1 : -1;
}

static int refuse(const char *reason)
{
    fprintf(stderr, "train: %s\n", reason);
    return -1;
}

/* ---- values ---------------------------------------------------------------------------------------- */

/* Digits and nothing else, within the limits. */
static int take_count(const struct rule *rule, const char **text, uint64_t *count)
{
    char *end;
    if (**text < '0' || **text > '9')
        return -1;
    errno = 0;
    *count = strtoull(*text, &end, 10);
    *text = end;
    return errno || (double)*count < rule->low || (double)*count > rule->high ? -1 : 0;
}

static int take_units(const struct rule *rule, const char *text, struct options *o)
{
    for (o->n_hidden = 0; o->n_hidden < OPTIONS_MAX_HIDDEN; text++) {
        if (take_count(rule, &text, &o->hidden[o->n_hidden++]) != 0)
            return -1;
        if (!*text)
            return 0;
        if (*text != ',')
            return -1;
    }
    return -1;
}

static int take_real(const struct rule *rule, const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end == text || *end || !(*value >= rule->low && *value <= rule->high) ? -1 : 0;
}

static int take_name(const struct rule *rule, const char *text, int32_t *number)
{
    for (const struct name *name = rule->names; name->name; name++) {
        if (strcmp(text, name->name) == 0) {
            *number = name->number;
            return 0;
        }
    }
    return -1;
}

static int take(const struct rule *rule, const char *text, struct options *o)
{
    void *at = (char *)o + rule->at;
    switch (rule->kind) {
    case TEXT:
        *(const char **)at = text;
        return 0;
    case COUNT:
        return take_count(rule, &text, at) != 0 || *text ? -1 : 0;
    case REAL:
        return take_real(rule, text, at);
    case NAME:
        return take_name(rule, text, at);
    case UNITS:
        return take_units(rule, text, o);
    default:
        *(int32_t *)at = (int32_t)rule->low;
        return 0;
    }
}

/* ---- the command line ------------------------------------------------------------------------------ */

/* The rule of "--name" or "--name=value", or NULL. */
static const struct rule *find(const char *word)
{
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *name = rules[i].name;
        if (rules[i].kind != HEADING && length == strlen(name) + 2 && strncmp(word, "--", 2) == 0 &&
            strncmp(word + 2, name, length - 2) == 0)
            return &rules[i];
    }
    return NULL;
}

static int wrong_value(const struct rule *rule, const char *text)
{
    fprintf(stderr, "train: --%s '%s': must be %s", rule->name, text,
        rule->kind == COUNT ? "a whole number, " : "");
    print_limits(stderr, rule);
    fputc('\n', stderr);
    return -1;
}

/* Takes the option at argv[*i], and leaves *i at its last word. 1: help was printed. */
static int parse_one(struct options *o, int *i, char **argv)
{
    const char *word = argv[*i], *value = strchr(word, '=');
    const struct rule *rule = find(word);
    if (!rule || (value && !rule->value)) {
        fprintf(stderr, "train: '%s' is not an option (--help lists them)\n", word);
        return -1;
    }
    if (rule->kind == HELP)
        return print_help();
    if (rule->value && !(value = value ? value + 1 : argv[++*i])) {
        fprintf(stderr, "train: --%s needs a value (--help says which)\n", rule->name);
        return -1;
    }
    return take(rule, value, o) == 0 ? 0 : wrong_value(rule, value);
}

static int settle_estimator(const struct options *o)
{
    int normal = o->prior == VAE_PRIOR_NORMAL;
    if (!normal != (o->components > 0))
        return refuse("--components goes with --prior mixture and vamp, which need it");
    if (o->estimator == VAE_ESTIMATOR_ANALYTIC_KL && (o->objective != VAE_ELBO || !normal))
        return refuse("--estimator analytic-kl goes with --objective elbo and --prior normal");
    if (o->estimator == VAE_ESTIMATOR_DREG && (o->objective != VAE_IWAE || o->elbo_weight > 0))
        return refuse("--estimator dreg goes with --objective iwae and no --elbo-weight");
    if ((o->estimator > VAE_ESTIMATOR_ANALYTIC_KL || !normal) && o->free_bits > 0)
        return refuse("--free-bits goes with --estimator analytic-kl and --prior normal, the defaults");
    if (o->draws * o->estimates > 65536)
        return refuse("--draws times --estimates must be at most 65536");
    return 0;
}

/* What the options mean together. */
static int settle(struct options *o)
{
    int scaled = o->likelihood == VAE_GAUSS || o->likelihood == VAE_LAPLACE;
    if (!o->train == !o->sprites)
        return refuse("give either --train FILE or --sprites N (--help lists the options)");
    if (o->test && !o->train)
        return refuse("--test goes with --train");
    if (o->binarise == BINARISE_UNSET)
        o->binarise = o->likelihood == VAE_BERNOULLI;
    if (o->binarise && o->likelihood != VAE_BERNOULLI)
        return refuse("--binarise goes with --likelihood bernoulli");
    if (!scaled && (o->scale != VAE_PARAM_CELL || o->mean != VAE_IDENTITY))
        return refuse("--scale and --mean go with --likelihood gauss and laplace");
    if (o->momentum > 0 && o->optimizer != VAE_SGD)
        return refuse("--momentum goes with --optimizer sgd");
    if (o->logvar_min > o->logvar_max)
        return refuse("--logvar-min must not be above --logvar-max");
    if (o->free_bits > 0 && o->objective != VAE_ELBO)
        return refuse("--free-bits goes with --objective elbo");
    if (o->objective != VAE_IWAE && (o->estimates > 1 || o->elbo_weight > 0))
        return refuse("--estimates and --elbo-weight go with --objective iwae");
    return settle_estimator(o);
}

int options_parse(struct options *o, int argc, char **argv)
{
    *o = defaults;
    for (int i = 1; i < argc; i++) {
        int status = parse_one(o, &i, argv);
        if (status != 0)
            return status;
    }
    return settle(o);
}
