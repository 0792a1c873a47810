/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Train a variational auto-encoder on images, watch the held-out bound, see what it learned.
 *
 *     train --train train-images-idx3-ubyte.gz --test t10k-images-idx3-ubyte.gz --epochs 10 --out pictures \
 *         --save model.safetensors
 *
 * The auto-encoder's part is in three functions: model_create (common/model.c), train_epoch and evaluate. The
 * rest is data and pictures.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <vae/vae.h>

#include "common/evidence.h"
#include "common/history.h"
#include "common/input.h"
#include "common/model.h"
#include "common/options.h"
#include "common/pictures.h"
#include "common/plot.h"
#include "common/progress.h"
#include "common/resume.h"

enum { DONE = 0, FAILED = 1, WRONG = 2, EVALUATE_ROWS = 1000 };
enum { OTHER_DATA = 1 }; /* no status of the library */

/* What a run has in hand. */
struct run {
    struct options *o;
    struct set *train;
    const struct set *held_out;
    vae_model *model;
    float *x; /* [rows][dim] for one call */
    size_t rows;
    double *elbo;      /* [held_out->n] */
    double *latent_kl; /* [2][latent]: of all held-out rows, and of one call's */
    struct history history;
    struct position start; /* where a resumed run goes on */
    uint64_t epoch;
    size_t done; /* images of that epoch */
    int written; /* everything so far */
};

static volatile sig_atomic_t interrupted; /* by this signal */

static void on_signal(int signal)
{
    interrupted = signal;
}

/* A second signal of the same kind ends the program. What is ignored (SIGHUP under nohup) stays ignored. */
static void catch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

static void on_log(void *ctx, int32_t level, const char *message)
{
    (void)ctx;
    (void)level;
    fprintf(stderr, "train: %s\n", message);
}

static vae_runtime runtime_of(const struct options *o)
{
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = o->batch;
    runtime.threads = (int32_t)o->threads;
    runtime.log = on_log;
    return runtime;
}

/* A new model, or the file's. */
static int create_or_load(struct run *run)
{
    struct options *o = run->o;
    vae_runtime runtime = runtime_of(o);
    if (!o->resume)
        return model_create(&run->model, o, run->train, &runtime);
    int status = resume_load(&run->model, o, &run->start, &runtime);
    if (status == VAE_OK && vae_x_dim(run->model) != run->train->data->dim) {
        fprintf(stderr, "train: --resume %s: its model has %llu values a row, the data %zu\n", o->resume,
            (unsigned long long)vae_x_dim(run->model), run->train->data->dim);
        return OTHER_DATA;
    }
    return status;
}

static void fetch(
    const struct options *o, const struct set *set, size_t first, size_t n, uint64_t epoch, float *x)
{
    if (o->binarise)
        set_fetch_binary(set, first, n, epoch ? o->seed : 0, epoch, x);
    else
        set_fetch(set, first, n, x);
}

/* One pass over the rows in a new order. nelbo: mean over the rows done before the end or a signal. */
static int train_epoch(struct run *run, double *nelbo, double *rate)
{
    struct set *set = run->train;
    struct progress progress;
    char label[64];
    double sum = 0;
    vae_terms terms;
    vae_terms_init(&terms, sizeof terms);
    snprintf(label, sizeof label, "epoch %llu/%llu", (unsigned long long)run->epoch,
        (unsigned long long)run->o->epochs);
    progress_start(&progress, stdout, label, set->n);
    set_shuffle(set, run->o->seed, run->epoch);
    size_t first = run->epoch == run->start.epoch + 1 ? (size_t)run->start.done : 0;
    run->done = first;
    do {
        size_t n = set->n - run->done < run->o->batch ? set->n - run->done : run->o->batch;
        fetch(run->o, set, run->done, n, run->epoch, run->x);
        int status = vae_step(run->model, run->x, n, &terms);
        if (status != VAE_OK) {
            progress_end(&progress);
            return status;
        }
        sum -= terms.elbo * (double)n;
        run->done += n;
        progress_update(&progress, run->done);
    } while (run->done < set->n && !interrupted);
    *rate = (double)(run->done - first) / progress_end(&progress);
    *nelbo = sum / (double)(run->done - first);
    return VAE_OK;
}

/* The bound on held-out rows: their noise, and their draws if binarised, are the same at every call. Each
 * call gets some of the rows and divides by their number in all, so that results add up to the means. */
static int evaluate(struct run *run, vae_terms *mean)
{
    const struct set *set = run->held_out;
    double *part = run->latent_kl + run->o->latent;
    vae_terms_init(mean, sizeof *mean);
    memset(run->latent_kl, 0, run->o->latent * sizeof *run->latent_kl);
    for (size_t first = 0; first < set->n; first += EVALUATE_ROWS) {
        vae_terms terms;
        vae_terms_init(&terms, sizeof terms);
        vae_outputs outputs;
        vae_outputs_init(&outputs, sizeof outputs);
        outputs.samples = run->o->samples;
        outputs.elbo = run->elbo + first;
        outputs.kl_by_latent = run->o->prior == VAE_PRIOR_NORMAL ? part : NULL;
        vae_batch batch;
        vae_batch_init(&batch, sizeof batch);
        batch.n = set->n - first < EVALUATE_ROWS ? set->n - first : EVALUATE_ROWS;
        batch.x = run->x;
        batch.first_row = first;
        batch.total_weight = (double)set->n;
        fetch(run->o, set, first, batch.n, 0, run->x);
        int status = vae_infer(run->model, &batch, &outputs, &terms);
        if (status != VAE_OK)
            return status;
        mean->elbo += terms.elbo;
        mean->loglik += terms.loglik;
        mean->kl += terms.kl;
        for (uint64_t j = 0; outputs.kl_by_latent && j < run->o->latent; j++)
            run->latent_kl[j] += part[j];
    }
    return VAE_OK;
}

/* log p(x) of the held-out rows, whose binarised draws are those of the bound. */
static int estimate_evidence(struct run *run)
{
    const struct set *set = run->held_out;
    struct evidence evidence = {.draws = run->o->evidence};
    struct progress progress;
    int status = VAE_OK;
    progress_start(&progress, stdout, "log p(x)", set->n);
    for (size_t first = 0; first < set->n && status == VAE_OK && !interrupted; first += EVIDENCE_ROWS) {
        vae_batch batch;
        vae_batch_init(&batch, sizeof batch);
        batch.n = set->n - first < EVIDENCE_ROWS ? set->n - first : EVIDENCE_ROWS;
        batch.x = run->x;
        batch.first_row = first;
        fetch(run->o, set, first, batch.n, 0, run->x);
        status = evidence_add(&evidence, run->model, &batch);
        progress_update(&progress, evidence.rows);
    }
    progress_end(&progress);
    if (evidence.rows > 0)
        evidence_print(&evidence);
    return status;
}

/* The model as it is now, if it is to be kept. */
static int save(struct run *run)
{
    int whole = run->done == run->train->n;
    struct position now = {run->epoch - !whole, whole ? 0 : run->done};
    if (run->epoch == run->start.epoch) /* no epoch has begun */
        now = run->start;
    return run->o->save ? resume_save(run->model, run->o, &now) : VAE_OK;
}

static int train(struct run *run)
{
    const struct options *o = run->o;
    puts("-ELBO in nats an image; train: mean over the epoch while the model learns; held-out: after the "
         "epoch");
    for (run->epoch = run->start.epoch + 1; run->epoch <= o->epochs && !interrupted; run->epoch++) {
        vae_terms terms;
        double nelbo, rate;
        int status = train_epoch(run, &nelbo, &rate);
        if (status == VAE_OK)
            status = evaluate(run, &terms);
        if (status == VAE_OK)
            status = save(run);
        if (status != VAE_OK)
            return status;
        run->written &= history_add(&run->history, (size_t)run->epoch, nelbo, &terms, rate) == 0;
        printf("epoch %llu/%llu  train -ELBO %.2f  held-out -ELBO %.2f (log-likelihood %.2f, KL %.2f)  "
               "%.0f images/s\n",
            (unsigned long long)run->epoch, (unsigned long long)o->epochs, nelbo, -terms.elbo, terms.loglik,
            terms.kl, rate);
    }
    run->epoch--;
    return run->epoch == run->start.epoch ? save(run) : VAE_OK;
}

/* ---- results --------------------------------------------------------------------------------------- */

/* Of which moment the results are, if it is not the end. */
static void say_where(const struct run *run, int status)
{
    unsigned long long epoch = run->epoch, epochs = run->o->epochs;
    if (status != VAE_OK)
        printf("results are of the model before that step\n");
    else if (interrupted && run->done < run->train->n)
        printf("interrupted in epoch %llu of %llu, after %zu of its %zu images; results are of that moment\n",
            epoch, epochs, run->done, run->train->n);
    else if (interrupted)
        printf("interrupted after epoch %llu of %llu\n", epoch, epochs);
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* DIR/latents.png and a line in words: the prior alone explains a latent whose divergence is near 0. Of a
 * mixture there is no divergence by latent. */
static int write_latents(struct run *run)
{
    enum { LABEL = 4200 };
    const double least = 0.01;
    char path[LABEL];
    size_t n = (size_t)run->o->latent, used = 0;
    if (run->o->prior != VAE_PRIOR_NORMAL)
        return 0;
    for (size_t j = 0; j < n; j++)
        used += run->latent_kl[j] > least;
    qsort(run->latent_kl, n, sizeof *run->latent_kl, descending);
    printf("%zu of %zu latents are used (a KL above %g nats); the largest KL is %.2f\n", used, n, least,
        run->latent_kl[0]);
    struct plot_line line = {"held-out", run->latent_kl, 0x1f77b4};
    struct plot plot = {"KL of a latent, nats", "latents, largest first", n, 1, 1, &line};
    snprintf(path, sizeof path, "%s/latents.png", run->o->out);
    return plot_write(&plot, path);
}

/* The held-out rows of the lowest bound, lowest first, into x; takes them out of run->elbo. Returns their
 * number. */
static size_t fetch_unusual(struct run *run, size_t most)
{
    size_t dim = run->train->data->dim, n = 0;
    for (; n < most && n < run->held_out->n && n < run->rows; n++) {
        size_t lowest = 0;
        for (size_t i = 1; i < run->held_out->n; i++)
            lowest = run->elbo[i] < run->elbo[lowest] ? i : lowest;
        fetch(run->o, run->held_out, lowest, 1, 0, run->x + n * dim);
        run->elbo[lowest] = HUGE_VAL;
    }
    return n;
}

static int write_pictures(struct run *run)
{
    const struct data *data = run->held_out->data;
    size_t n = pictures_rows(data);
    n = n < run->held_out->n ? n : run->held_out->n;
    n = n < run->rows ? n : run->rows;
    fetch(run->o, run->held_out, 0, n, 0, run->x);
    if (pictures_write(run->model, data, run->x, n, run->o->out) != 0)
        return -1;
    n = fetch_unusual(run, pictures_unusual_rows(data));
    if (pictures_unusual(data, run->x, n, run->o->out) != 0)
        return -1;
    return write_latents(run) == 0 ? history_plot(&run->history, run->o->out) : -1;
}

static void explain(const struct run *run)
{
    printf("in %s:\n"
           "  history.csv          a row for each epoch\n"
           "  curve.png            negative ELBO of training and held-out images over epochs\n"
           "  reconstructions.png  held-out images, each with the mean of p(x|z) at z = mu to its right\n"
           "  samples.png          means of p(x|z) for z from the prior; means are smoother than data\n"
           "  interpolation.png    the same on lines in latent space between two held-out images\n"
           "%s"
           "  unusual.png          the held-out images of the lowest ELBO, lowest first\n"
           "  latents.png          KL of each latent, largest first\n",
        run->o->out,
        run->o->latent == 2
            ? "  manifold.png         the same over the latent plane: z0 to the right, z1 downwards,\n"
              "                       at equal steps of prior probability from 0.025 to 0.975\n"
            : "");
    if (run->o->save)
        printf("the model is in %s\n", run->o->save);
}

/* The library's words, and the option that may help. */
static void complain(int status, const struct options *o)
{
    fprintf(stderr, "%s", vae_last_error());
    if (status == VAE_ERR_NOMEM)
        fprintf(stderr, " (lower --latent, --hidden or --batch)");
    if (status == VAE_ERR_NONFINITE)
        fprintf(stderr, " (lower --rate, now %g)", o->rate);
    if (status == VAE_ERR_DATA)
        fprintf(stderr, " (choose another --likelihood, or scale the data)");
    fputc('\n', stderr);
}

static int learn(struct run *run)
{
    printf("libvae %s\n%zu images of %zu x %zu, %zu held out; %llu parameters\n", vae_build_info(),
        run->train->n, run->train->data->height, run->train->data->width, run->held_out->n,
        (unsigned long long)vae_param_count(run->model));
    int status = train(run);
    vae_terms terms;
    if (status != VAE_OK) {
        fprintf(stderr,
            "train: stopped at step %llu, in epoch %llu: ", (unsigned long long)vae_steps(run->model),
            (unsigned long long)run->epoch);
        complain(status, run->o);
        run->written &= evaluate(run, &terms) == VAE_OK;
    }
    say_where(run, status);
    if (run->o->evidence && status == VAE_OK && !interrupted)
        run->written &= estimate_evidence(run) == VAE_OK;
    run->written &= write_pictures(run) == 0;
    if (run->written)
        explain(run);
    return status != VAE_OK || !run->written ? FAILED : interrupted ? 128 + interrupted : DONE;
}

static int allocate(struct run *run)
{
    size_t dim = run->train->data->dim, latents = (size_t)run->o->latent;
    run->rows = run->o->batch > EVALUATE_ROWS ? (size_t)run->o->batch : EVALUATE_ROWS;
    run->x = calloc(run->rows, dim * sizeof *run->x);
    run->elbo = calloc(run->held_out->n, sizeof *run->elbo);
    run->latent_kl = calloc(latents, 2 * sizeof *run->latent_kl);
    if (run->x && run->elbo && run->latent_kl)
        return history_init(&run->history, (size_t)run->o->epochs, (size_t)run->start.epoch, run->o->out);
    fprintf(stderr, "train: out of memory for %zu images of a call (--batch)\n", run->rows);
    return -1;
}

/* Create, train, and write the results, whether or not the training got to its end. */
static int run_all(struct options *o, struct set *train_set, const struct set *held_out)
{
    struct run run = {.o = o, .train = train_set, .held_out = held_out, .written = 1};
    int status = create_or_load(&run), code = FAILED;
    if (status == OTHER_DATA) {
        code = WRONG;
    } else if (status != VAE_OK) {
        fprintf(stderr, "train: ");
        complain(status, o);
    } else if (allocate(&run) == 0)
        code = learn(&run);
    vae_destroy(run.model);
    history_free(&run.history);
    free(run.x);
    free(run.elbo);
    free(run.latent_kl);
    return code;
}

int main(int argc, char **argv)
{
    struct options options;
    struct input input = {0};
    int parsed = options_parse(&options, argc, argv), code = WRONG;
    if (parsed != 0)
        return parsed > 0 ? DONE : WRONG;
    if (!options.save)
        options.save = options.resume;
    setvbuf(stdout, NULL, _IOLBF, 0); /* a log file gets each line at once */
    catch_signals();
    if (mkdir(options.out, 0777) != 0 && errno != EEXIST)
        fprintf(stderr, "train: --out %s: %s\n", options.out, strerror(errno));
    else if (input_open(&input, &options) == 0)
        code = run_all(&options, &input.train, &input.held_out);
    input_close(&input);
    return code;
}
