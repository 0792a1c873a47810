/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A model that collapses, and what helps: docs/collapse.md explains the table that this prints. One
 * thread, some seconds, and the same figures on every machine.
 *
 *     collapse [SEED [PERCENT [REMEDY]]]
 *
 * A row is eight switches, on or off with equal chances, each seen through eight cells, of which PERCENT (25)
 * tell the opposite. SEED (0) is that of the initial weights and the noise of training. REMEDY is one line of
 * the table.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

#include "common/diagnosis.h"

enum { SWITCHES = 8, CELLS = 8, DIM = SWITCHES * CELLS, TRAIN = 8000, HELD_OUT = 2000 };
enum { BATCH = 64, EPOCHS = 20, WARM_UP = 10, LONG = 8 * EPOCHS, UNITS = 64, LATENTS = 8 };
enum { CHECK = 10, MOST = 100 }; /* steps of the encoder until it is checked, and at most */
enum { DRAWS = 1000 };

#define STREAM_DATA ((uint64_t)140 << 56)

struct remedy {
    const char *name;
    size_t layers;
    int32_t init;
    int epochs, warm_up; /* of which the first warm_up raise kl_weight from 0 */
    double free_bits;
    int aggressive;
};

static const struct remedy remedies[] = {
    {"none", 2, VAE_INIT_GLOROT, EPOCHS, 0, 0, 0},
    {"eight times as long", 2, VAE_INIT_GLOROT, LONG, 0, 0, 0},
    {"warm-up", 2, VAE_INIT_GLOROT, EPOCHS, WARM_UP, 0, 0},
    {"free bits 0.1", 2, VAE_INIT_GLOROT, EPOCHS, 0, 0.1, 0},
    {"free bits 1", 2, VAE_INIT_GLOROT, EPOCHS, 0, 1, 0},
    {"aggressive", 2, VAE_INIT_GLOROT, EPOCHS, 0, 0, 1},
    {"default weights", 2, VAE_INIT_TORCH, EPOCHS, 0, 0, 0},
    {"one hidden layer", 1, VAE_INIT_GLOROT, EPOCHS, 0, 0, 0},
};

struct run {
    const struct remedy *remedy;
    vae_model *model;
    vae_training training;
    uint32_t *order;            /* [TRAIN] rows in this epoch's order */
    float *before, *after;      /* [parameters] */
    uint64_t n_encoder, n;      /* parameters of the encoder, which come first, and all */
    size_t next;                /* batch of the encoder's own steps */
    struct diagnosis diagnosis; /* of held-out rows after the latest epoch */
    int aggressive_epochs;
};

static float train[TRAIN][DIM], held_out[HELD_OUT][DIM];

/* Row i has its own 65 words: one for the switches, one for each cell. */
static void make(float (*x)[DIM], size_t n, uint64_t seed, unsigned percent)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t word[1 + DIM];
        vae_random_u32(seed, STREAM_DATA, i * (1 + DIM), 1 + DIM, word);
        for (size_t j = 0; j < DIM; j++) {
            unsigned on = word[0] >> (24 + j / CELLS) & 1,
                     opposite = (uint64_t)word[1 + j] * 100 >> 32 < percent;
            x[i][j] = (float)(on ^ opposite);
        }
    }
}

/* The mean of log p(x) under the distribution that makes the data: no bound gets above it but by chance. */
static double best_possible(double p)
{
    double sum = 0, ways = 1;
    for (int k = 0; k <= CELLS; k++) {
        double chance = (pow(p, k) * pow(1 - p, CELLS - k) + pow(p, CELLS - k) * pow(1 - p, k)) / 2;
        sum += chance > 0 ? ways * chance * log(chance) : 0;
        ways = ways * (CELLS - k) / (k + 1);
    }
    return SWITCHES * sum;
}

/* ---- training -------------------------------------------------------------------------------------- */

static int create(struct run *run, uint64_t seed)
{
    vae_layer layer[2];
    for (size_t i = 0; i < 2; i++) {
        vae_layer_init(&layer[i], sizeof layer[i]);
        layer[i].units = UNITS;
    }
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = DIM;
    config.z_dim = LATENTS;
    config.encoder = config.decoder = layer;
    config.n_encoder = config.n_decoder = run->remedy->layers;
    config.init = run->remedy->init;
    config.seed = seed;
    vae_training_init(&run->training, sizeof run->training);
    run->training.free_bits = run->remedy->free_bits;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = BATCH;
    return vae_create(&run->model, &config, &run->training, &runtime);
}

/* The encoder's parameters come first in canonical order. */
static int allocate(struct run *run)
{
    vae_tensor_info info;
    vae_tensor_info_init(&info, sizeof info);
    run->n = vae_param_count(run->model);
    for (uint64_t i = 0; vae_tensor(run->model, i, &info) == VAE_OK && strncmp(info.name, "encoder.", 8) == 0;
         i++)
        run->n_encoder = info.offset + info.count;
    run->order = malloc(TRAIN * sizeof *run->order);
    run->before = malloc(run->n * sizeof *run->before);
    run->after = malloc(run->n * sizeof *run->after);
    return run->order && run->before && run->after ? VAE_OK : VAE_ERR_NOMEM;
}

static int step(struct run *run, size_t number, double *objective)
{
    vae_terms terms;
    vae_terms_init(&terms, sizeof terms);
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    batch.x = train[0];
    batch.n = BATCH;
    batch.index = run->order + number % (TRAIN / BATCH) * BATCH;
    int status = vae_step_batch(run->model, &batch, &terms);
    *objective += terms.objective;
    return status;
}

/* A step after which the decoder is put back: only the encoder has learned. The decoder's moments take in its
 * gradients, which belong to other rows and the same decoder, so that they suit its next step. */
static int step_encoder(struct run *run, double *objective)
{
    int status;
    if ((status = vae_get_params(run->model, run->before, run->n)) != VAE_OK ||
        (status = step(run, run->next++, objective)) != VAE_OK ||
        (status = vae_get_params(run->model, run->after, run->n)) != VAE_OK)
        return status;
    memcpy(run->after + run->n_encoder, run->before + run->n_encoder,
        (run->n - run->n_encoder) * sizeof *run->after);
    return vae_set_params(run->model, run->after, run->n);
}

/* Steps of the encoder until CHECK of them are no better than the CHECK before (He et al.,
 * arXiv:1901.05534, algorithm 1). */
static int catch_up(struct run *run)
{
    double last = -HUGE_VAL;
    for (int done = 0; done < MOST; done += CHECK) {
        double now = 0;
        for (int i = 0; i < CHECK; i++) {
            int status = step_encoder(run, &now);
            if (status != VAE_OK)
                return status;
        }
        if (now <= last)
            break;
        last = now;
    }
    return VAE_OK;
}

static int look(struct run *run)
{
    struct diagnosis *d = &run->diagnosis;
    diagnosis_free(d);
    if (diagnosis_init(d, run->model, HELD_OUT) != 0)
        return VAE_ERR_NOMEM;
    int status = diagnosis_add(d, run->model, held_out[0], HELD_OUT);
    return status == VAE_OK && diagnosis_finish(d, DRAWS, 0) != 0 ? VAE_ERR_NOMEM : status;
}

static int learn_epoch(struct run *run, int epoch, int aggressive)
{
    double ignored = 0;
    int status = VAE_OK;
    if (run->remedy->warm_up > 0) {
        run->training.kl_weight = epoch < run->remedy->warm_up ? (double)epoch / run->remedy->warm_up : 1;
        status = vae_set_training(run->model, &run->training);
    }
    vae_permutation(1, (uint64_t)VAE_STREAM_SHUFFLE << 56 | (uint64_t)epoch, TRAIN, run->order);
    for (size_t i = 0; i < TRAIN / BATCH && status == VAE_OK; i++) {
        if (aggressive)
            status = catch_up(run);
        if (status == VAE_OK)
            status = step(run, i, &ignored);
    }
    return status;
}

/* The encoder is ahead until the information about held-out rows is no more than an epoch ago. */
static int learn(struct run *run)
{
    double information = 0;
    int aggressive = run->remedy->aggressive;
    for (int epoch = 0; epoch < run->remedy->epochs; epoch++) {
        int status = learn_epoch(run, epoch, aggressive);
        if (status != VAE_OK || (aggressive && (status = look(run)) != VAE_OK))
            return status;
        run->aggressive_epochs += aggressive;
        aggressive = aggressive && run->diagnosis.information > information;
        information = run->diagnosis.information;
    }
    return look(run);
}

/* ---- results --------------------------------------------------------------------------------------- */

/* Without the sign of what is 0 but for the draws' error. */
static double tidy(double nats)
{
    return fabs(nats) < 0.005 ? 0 : nats;
}

static int report(struct run *run)
{
    enum { SAMPLES = 10 };
    const struct diagnosis *d = &run->diagnosis;
    vae_terms terms;
    vae_terms_init(&terms, sizeof terms);
    int status = vae_elbo(run->model, held_out[0], HELD_OUT, SAMPLES, NULL, &terms);
    if (status == VAE_OK)
        printf("%-20s %7.2f %7.2f %6.2f %6.2f %6.2f %5zu of %zu %8llu\n", run->remedy->name, terms.elbo,
            terms.loglik, tidy(d->kl), tidy(d->information), tidy(d->marginal_kl), d->active, d->latents,
            (unsigned long long)vae_steps(run->model));
    return status;
}

static int try_one(const struct remedy *remedy, uint64_t seed)
{
    struct run run = {.remedy = remedy};
    int status;
    if ((status = create(&run, seed)) == VAE_OK && (status = allocate(&run)) == VAE_OK &&
        (status = learn(&run)) == VAE_OK)
        status = report(&run);
    if (status == VAE_OK && remedy->aggressive)
        printf("%20s the encoder was ahead for %d epochs\n", "", run.aggressive_epochs);
    if (status != VAE_OK)
        fprintf(stderr, "collapse: %s: %s\n", remedy->name,
            status == VAE_ERR_NOMEM ? "out of memory" : vae_last_error());
    vae_destroy(run.model);
    diagnosis_free(&run.diagnosis);
    free(run.order);
    free(run.before);
    free(run.after);
    return status;
}

static int wrong(void)
{
    fprintf(stderr, "usage: collapse [SEED [PERCENT [REMEDY]]]    PERCENT: 0 to 50; REMEDY, one of:");
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
        fprintf(stderr, "%s '%s'", i > 0 ? "," : "", remedies[i].name);
    fputc('\n', stderr);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    unsigned percent = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 25;
    size_t count = sizeof remedies / sizeof *remedies, only = 0;
    while (argc > 3 && only < count && strcmp(remedies[only].name, argv[3]) != 0)
        only++;
    if (argc > 4 || percent > 50 || only == count)
        return wrong();
    setvbuf(stdout, NULL, _IOLBF, 0);
    make(train, TRAIN, 1, percent);
    make(held_out, HELD_OUT, 2, percent);
    printf("held-out rows, nats a row; best possible ELBO %.2f, without latents %.2f\n",
        best_possible(percent / 100.0), -DIM * log(2));
    printf("%-20s %7s %7s %6s %6s %6s %10s %8s\n", "remedy", "ELBO", "loglik", "KL", "I(x;z)", "KL(q)",
        "active", "steps");
    int status = VAE_OK;
    for (size_t i = only; i < (argc > 3 ? only + 1 : count) && status == VAE_OK; i++)
        status = try_one(&remedies[i], seed);
    return status != VAE_OK;
}
