/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. What the latents of a trained model say about its data. The sums are float64 in a written order,
 * so that the results have the same bits everywhere.
 */
#include "diagnosis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Streams of the program's own: vae.h reserves purposes 128 to 255 for applications. */
#define STREAM_ROWS ((uint64_t)130 << 56)
#define STREAM_DRAWS ((uint64_t)131 << 56)

enum { BLOCK = 256 }; /* rows of one call of vae_loglik_gauss */

int diagnosis_init(struct diagnosis *d, const vae_model *model, size_t rows)
{
    vae_config config;
    vae_config_init(&config, sizeof config);
    memset(d, 0, sizeof *d);
    if (rows == 0 || rows > UINT32_MAX || vae_get_config(model, &config) != VAE_OK)
        return -1;
    d->rows = rows;
    d->latents = (size_t)config.z_dim;
    d->by_latent = config.prior == VAE_PRIOR_NORMAL;
    d->mu = calloc(rows, d->latents * sizeof *d->mu);
    d->logvar = calloc(rows, d->latents * sizeof *d->logvar);
    d->kl_by_latent = calloc(d->latents, 2 * sizeof *d->kl_by_latent);
    d->variance_of_mean = calloc(d->latents, sizeof *d->variance_of_mean);
    return d->mu && d->logvar && d->kl_by_latent && d->variance_of_mean ? 0 : -1;
}

void diagnosis_free(struct diagnosis *d)
{
    free(d->mu);
    free(d->logvar);
    free(d->kl_by_latent);
    free(d->variance_of_mean);
    memset(d, 0, sizeof *d);
}

int diagnosis_add(struct diagnosis *d, vae_model *model, const float *x, size_t n)
{
    double *part = d->kl_by_latent + d->latents;
    vae_terms terms;
    vae_terms_init(&terms, sizeof terms);
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    batch.x = x;
    batch.n = n;
    batch.first_row = d->done;
    batch.total_weight = (double)d->rows;
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.mu = d->mu + d->done * d->latents;
    outputs.logvar = d->logvar + d->done * d->latents;
    outputs.kl_by_latent = d->by_latent ? part : NULL;
    int status = vae_infer(model, &batch, &outputs, &terms);
    if (status != VAE_OK)
        return status;
    d->done += n;
    d->kl += terms.kl;
    for (size_t j = 0; d->by_latent && j < d->latents; j++)
        d->kl_by_latent[j] += part[j];
    return VAE_OK;
}

/* Var_x(E[z_j]) of each latent, and how many are active. */
static void find_active(struct diagnosis *d)
{
    d->active = 0;
    for (size_t j = 0; j < d->latents; j++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < d->rows; i++)
            sum += (double)d->mu[i * d->latents + j];
        double mean = sum / (double)d->rows;
        for (size_t i = 0; i < d->rows; i++) {
            double from_mean = (double)d->mu[i * d->latents + j] - mean;
            squares += from_mean * from_mean;
        }
        d->variance_of_mean[j] = squares / (double)d->rows;
        d->active += d->variance_of_mean[j] > ACTIVE_VARIANCE;
    }
}

/* Memory of diagnosis_finish. */
struct work {
    uint32_t *order; /* [rows] */
    float *loglik;   /* [rows] log q(z|x) of one z */
    float *z;        /* [BLOCK][latents], every row the same z */
    float *noise;    /* [latents] */
};

/* Draws z number `draw`, from q(z|x) of `row`. Returns log q(z|x) - log q(z). */
static double draw_one(const struct diagnosis *d, size_t row, size_t draw, uint64_t seed, struct work *w)
{
    size_t k = d->latents;
    float log_q;
    vae_normal(seed, STREAM_DRAWS, draw * k, k, w->noise);
    vae_reparam(1, k, d->mu + row * k, k, d->logvar + row * k, k, w->noise, k, w->z, k);
    for (size_t i = 1; i < BLOCK; i++)
        memcpy(w->z + i * k, w->z, k * sizeof *w->z);
    for (size_t first = 0; first < d->rows; first += BLOCK) {
        size_t n = d->rows - first < BLOCK ? d->rows - first : BLOCK;
        vae_loglik_gauss(n, k, w->z, k, d->mu + first * k, k, d->logvar + first * k, k, w->loglik + first);
    }
    vae_logmeanexp(1, d->rows, w->loglik, d->rows, &log_q, NULL, d->rows);
    return (double)w->loglik[row] - (double)log_q;
}

/* The mean over the draws and its standard error. Rows without repeats differ less from one mean to another
 * than independent ones, so that the error is rather too large. */
static void find_information(struct diagnosis *d, size_t draws, uint64_t seed, struct work *w)
{
    double mean = 0, squares = 0;
    vae_permutation(seed, STREAM_ROWS, d->rows, w->order);
    for (size_t m = 0; m < draws; m++) {
        double value = draw_one(d, w->order[m % d->rows], m, seed, w), from_mean = value - mean;
        mean += from_mean / (double)(m + 1);
        squares += from_mean * (value - mean);
    }
    d->information = mean;
    d->information_error = draws > 1 ? sqrt(squares / (double)(draws - 1) / (double)draws) : NAN;
    d->marginal_kl = d->kl - mean;
}

int diagnosis_finish(struct diagnosis *d, size_t draws, uint64_t seed)
{
    struct work w = {.order = malloc(d->rows * sizeof *w.order),
        .loglik = malloc(d->rows * sizeof *w.loglik),
        .z = calloc(d->latents, BLOCK * sizeof *w.z),
        .noise = calloc(d->latents, sizeof *w.noise)};
    int status = w.order && w.loglik && w.z && w.noise ? 0 : -1;
    if (status == 0) {
        find_active(d);
        find_information(d, draws, seed, &w);
    }
    free(w.order);
    free(w.loglik);
    free(w.z);
    free(w.noise);
    return status;
}

/* ---- words ----------------------------------------------------------------------------------------- */

/* The latent of the largest KL that is not printed yet; of the largest variance of its mean, where the prior
 * does not factorise. */
static size_t next_latent(const struct diagnosis *d, const double *by, const unsigned char *printed)
{
    size_t best = d->latents;
    for (size_t j = 0; j < d->latents; j++)
        if (!printed[j] && (best == d->latents || by[j] > by[best]))
            best = j;
    return best;
}

static void print_latent(const struct diagnosis *d, size_t j, double part, FILE *out)
{
    enum { WIDTH = 40 };
    static const char bar[WIDTH + 1] = "########################################";
    int active = d->variance_of_mean[j] > ACTIVE_VARIANCE, length = (int)(part * WIDTH + 0.5);
    fprintf(out, "%6zu  ", j);
    if (d->by_latent)
        fprintf(out, "%8.3f", d->kl_by_latent[j]);
    else
        fprintf(out, "%8s", "-");
    fprintf(out, "  %10.4f%s", d->variance_of_mean[j], active ? "  active" : "");
    if (length > 0)
        fprintf(out, "%*s%.*s", active ? 2 : 10, "", length, bar);
    fputc('\n', out);
}

static void print_latents(const struct diagnosis *d, FILE *out)
{
    enum { MOST = 64 };
    const double *by = d->by_latent ? d->kl_by_latent : d->variance_of_mean;
    unsigned char *printed = calloc(d->latents, 1);
    double largest = 0;
    fprintf(out, "latent  KL, nats  Var_x(E[z])\n");
    for (size_t n = 0; printed && n < d->latents && n < MOST; n++) {
        size_t j = next_latent(d, by, printed);
        largest = n == 0 ? by[j] : largest;
        printed[j] = 1;
        print_latent(d, j, largest > ACTIVE_VARIANCE ? fmax(by[j], 0) / largest : 0, out);
    }
    if (d->latents > MOST)
        fprintf(out, "and %zu more, none larger\n", d->latents - MOST);
    free(printed);
}

static void print_verdict(const struct diagnosis *d, FILE *out)
{
    double most = log((double)d->rows);
    if (d->active == 0)
        fprintf(out, "verdict: collapsed, no latent's mean moves with x\n");
    else if (d->active < d->latents)
        fprintf(out, "verdict: %zu of %zu latents have collapsed\n", d->latents - d->active, d->latents);
    else
        fprintf(out, "verdict: no latent has collapsed\n");
    if (most > 0 && d->information > most - 1)
        fprintf(
            out, "         I(x; z) is near its limit: the true one may be larger; more rows would tell\n");
}

void diagnosis_print(const struct diagnosis *d, FILE *out)
{
    print_latents(d, out);
    fprintf(out,
        "active units       %zu of %zu (Var_x(E[z]) > %g)\n"
        "mean KL            %.3f nats a row, the sum of\n"
        "  I(x; z)          %.3f +- %.3f, at most log %zu = %.3f\n"
        "  KL(q(z) || p(z)) %.3f +- %.3f\n",
        d->active, d->latents, ACTIVE_VARIANCE, d->kl, d->information, d->information_error, d->rows,
        log((double)d->rows), d->marginal_kl, d->information_error);
    print_verdict(d, out);
}
