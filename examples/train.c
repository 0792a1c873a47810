/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Train a variational auto-encoder on images, watch the held-out bound, look at what it learned.
 *
 *     train --train train-images-idx3-ubyte.gz --test t10k-images-idx3-ubyte.gz --epochs 10 --out pictures
 *
 * The auto-encoder's part is in three functions: create, train_epoch and evaluate. The rest is data and
 * pictures.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <vae/vae.h>

#include "common/history.h"
#include "common/input.h"
#include "common/options.h"
#include "common/pictures.h"
#include "common/progress.h"

enum { DONE = 0, FAILED = 1, WRONG = 2, INTERRUPTED = 130, EVALUATE_ROWS = 1000 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static void on_log(void *ctx, int32_t level, const char *message)
{
    (void)ctx;
    (void)level;
    fprintf(stderr, "train: %s\n", message);
}

static int create(vae_model **model, const struct options *o, uint64_t x_dim)
{
    vae_layer encoder[OPTIONS_MAX_HIDDEN], decoder[OPTIONS_MAX_HIDDEN];
    for (size_t i = 0; i < o->n_hidden; i++) {
        vae_layer_init(&encoder[i], sizeof encoder[i]);
        vae_layer_init(&decoder[i], sizeof decoder[i]);
        encoder[i].units = o->hidden[i];
        decoder[i].units = o->hidden[o->n_hidden - 1 - i];
        encoder[i].activation = decoder[i].activation = o->activation;
    }
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = x_dim;
    config.z_dim = o->latent;
    config.encoder = encoder;
    config.decoder = decoder;
    config.n_encoder = config.n_decoder = o->n_hidden;
    config.likelihood = o->likelihood;
    config.mean_activation = o->mean;
    config.gauss_logvar = o->logvar;
    config.init = o->init;
    config.learning_rate = o->rate;
    config.seed = o->seed;
    config.max_batch = o->batch;
    config.threads = o->threads;
    config.gemm = o->gemm;
    config.log = on_log;
    return vae_create(model, &config);
}

static void fetch(
    const struct options *o, const struct set *set, size_t first, size_t n, uint64_t epoch, float *x)
{
    if (o->binarise)
        set_fetch_binary(set, first, n, epoch ? o->seed : 0, epoch, x);
    else
        set_fetch(set, first, n, x);
}

/* One pass over the rows in a new order. nelbo: mean over the rows done before the end or Ctrl-C. */
static int train_epoch(vae_model *model, const struct options *o, struct set *set, uint64_t epoch, float *x,
    double *nelbo, double *rate)
{
    vae_terms terms = {.size = sizeof terms};
    struct progress progress;
    char label[64];
    double sum = 0;
    size_t done = 0;
    snprintf(
        label, sizeof label, "epoch %llu/%llu", (unsigned long long)epoch, (unsigned long long)o->epochs);
    progress_start(&progress, stdout, label, set->n);
    set_shuffle(set, o->seed, epoch);
    do {
        size_t n = set->n - done < o->batch ? set->n - done : o->batch;
        fetch(o, set, done, n, epoch, x);
        int status = vae_step(model, x, n, &terms);
        if (status != VAE_OK)
            return status;
        sum -= terms.elbo * (double)n;
        done += n;
        progress_update(&progress, done);
    } while (done < set->n && !interrupted);
    *rate = (double)done / progress_end(&progress);
    *nelbo = sum / (double)done;
    return VAE_OK;
}

/* The bound on held-out rows: their noise, and their draws if binarised, are the same at every call. */
static int evaluate(
    vae_model *model, const struct options *o, const struct set *set, float *x, vae_terms *mean)
{
    *mean = (vae_terms){.size = sizeof *mean};
    for (size_t first = 0; first < set->n; first += EVALUATE_ROWS) {
        vae_terms terms = {.size = sizeof terms};
        vae_batch batch;
        vae_batch_init(&batch, sizeof batch);
        batch.n = set->n - first < EVALUATE_ROWS ? set->n - first : EVALUATE_ROWS;
        batch.x = x;
        batch.ldx = set->data->dim;
        batch.first_row = first;
        fetch(o, set, first, batch.n, 0, x);
        int status = vae_elbo_batch(model, &batch, o->samples, NULL, &terms);
        if (status != VAE_OK)
            return status;
        double weight = (double)batch.n / (double)set->n;
        mean->elbo += weight * terms.elbo;
        mean->loglik += weight * terms.loglik;
        mean->kl += weight * terms.kl;
    }
    return VAE_OK;
}

static int train(vae_model *model, const struct options *o, struct set *set, const struct set *held_out,
    float *x, struct history *history)
{
    for (uint64_t epoch = 1; epoch <= o->epochs && !interrupted; epoch++) {
        vae_terms terms;
        double nelbo, rate;
        int status = train_epoch(model, o, set, epoch, x, &nelbo, &rate);
        if (status == VAE_OK)
            status = evaluate(model, o, held_out, x, &terms);
        if (status != VAE_OK)
            return status;
        history_add(history, nelbo, &terms, rate);
        printf("epoch %llu/%llu  train -ELBO %.2f  held-out -ELBO %.2f (log-likelihood %.2f, KL %.2f)  "
               "%.0f images/s\n",
            (unsigned long long)epoch, (unsigned long long)o->epochs, nelbo, -terms.elbo, terms.loglik,
            terms.kl, rate);
        fflush(stdout);
    }
    return VAE_OK;
}

/* Pictures of as many held-out rows as fit into x [rows][x_dim], and the history. */
static int write_results(vae_model *model, const struct options *o, const struct set *held_out, float *x,
    size_t rows, const struct history *history)
{
    size_t n = pictures_rows(held_out->data);
    n = n < held_out->n ? n : held_out->n;
    n = n < rows ? n : rows;
    fetch(o, held_out, 0, n, 0, x);
    if (pictures_write(model, held_out->data, x, n, o->out) != 0 || history_write(history, o->out) != 0)
        return -1;
    printf("%spictures and history.csv are in %s\n", interrupted ? "interrupted; " : "", o->out);
    return 0;
}

/* Create, train, and write what came of it, whether or not the training got to its end. */
static int run(const struct options *o, struct set *set, const struct set *held_out)
{
    size_t dim = set->data->dim, rows = o->batch > EVALUATE_ROWS ? o->batch : EVALUATE_ROWS;
    float *x = calloc(rows, dim * sizeof *x);
    struct history history = {0};
    vae_model *model = NULL;
    int code = FAILED;
    if (!x || history_init(&history, o->epochs) != 0)
        fprintf(stderr, "train: out of memory\n");
    else if (create(&model, o, dim) != VAE_OK)
        fprintf(stderr, "train: %s\n", vae_last_error());
    else {
        printf("libvae %s\n%zu images of %zu x %zu, %zu held out; %llu parameters\n", vae_build_info(),
            set->n, set->data->height, set->data->width, held_out->n,
            (unsigned long long)vae_param_count(model));
        int status = train(model, o, set, held_out, x, &history);
        if (status != VAE_OK)
            fprintf(stderr, "train: stopped at step %llu: %s\n", (unsigned long long)vae_steps(model),
                vae_last_error());
        int written = write_results(model, o, held_out, x, rows, &history) == 0;
        code = status != VAE_OK || !written ? FAILED : interrupted ? INTERRUPTED : DONE;
    }
    vae_destroy(model);
    history_free(&history);
    free(x);
    return code;
}

int main(int argc, char **argv)
{
    struct options options;
    struct input input = {0};
    int parsed = options_parse(&options, argc, argv), code = WRONG;
    if (parsed != 0)
        return parsed > 0 ? DONE : WRONG;
    struct sigaction action = {
        .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND}; /* a second Ctrl-C kills */
    sigaction(SIGINT, &action, NULL);
    if (mkdir(options.out, 0777) != 0 && errno != EEXIST)
        fprintf(stderr, "train: --out %s: %s\n", options.out, strerror(errno));
    else if (input_open(&input, &options) == 0)
        code = run(&options, &input.train, &input.held_out);
    input_close(&input);
    return code;
}
