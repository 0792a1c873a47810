/* SPDX-License-Identifier: BSD-2-Clause
 * A training pass: from x to the gradients of every layer's values, and what the objective came to.
 *
 * The pass is a sequence of stations: each layer forward, the loss, each layer backward. A task takes some
 * rows through all of them, so threads meet once, at the end; only where a station needs something of the
 * whole batch is the pass cut before it. A prior's components depend on no row, and their gradients on all:
 * they come before the first station and after the last one (components.c). What a row gives does not depend
 * on how rows are cut into tasks, calls or batches.
 */
#include "train.h"

#include "base/profile.h"
#include "base/status.h"
#include "components.h"
#include "graph.h"
#include "loss.h"
#include "posterior.h"
#include "rows.h"
#include "stream.h"

#include <string.h>

struct job {
    const struct vae_pass *pass;
    const struct vae_trainer *trainer;
    const struct vae_bound *bound;
    struct vae_bound_needs needs;
    size_t from, to; /* stations */
};

/* ---- stations ---- */

enum { GATHER, ENCODE, DIVERGE, DECODE, LOSS, DECODE_BACK, POSTERIOR_BACK, ENCODE_BACK, STATIONS };

static void diverge(const struct job *job, struct vae_range r, size_t worker)
{
    const struct vae_pass *p = job->pass;
    if (p->net->prior->kl)
        vae_posterior_kl(p, r);
    if (job->needs.whole)
        vae_posterior_kl_by_latent(p, r);
    for (size_t s = 0; s < p->draws; s++)
        vae_posterior_draw(p, r, vae_stream(VAE_STREAM_TRAIN, s, p->step), s, worker);
    if (job->needs.by_ratio)
        vae_posterior_log_ratio(p, r);
    if (!p->net->prior->kl)
        vae_posterior_kl_of_draws(p, r);
}

static void loss(const struct job *job, struct vae_range r, size_t worker)
{
    if (job->needs.early) {
        job->trainer->objective->weigh(job->bound, r.first, r.last);
        vae_loss_train(job->pass, r, worker, VAE_LOSS_VALUE | VAE_LOSS_GRADIENT);
    } else {
        vae_loss_train(job->pass, r, worker, VAE_LOSS_VALUE);
        job->trainer->objective->weigh(job->bound, r.first, r.last);
        vae_loss_train(job->pass, r, worker, VAE_LOSS_GRADIENT);
    }
}

static void station(const struct job *job, size_t number, struct vae_range r, size_t worker)
{
    const struct vae_pass *p = job->pass;
    size_t middle = p->net->encoder, nodes = vae_network_nodes(p->net);
    switch (number) {
    case GATHER:
        vae_rows_gather(p, r);
        break;
    case ENCODE:
        vae_graph_forward(p, 0, middle, r, worker);
        vae_posterior_clamp(p, r);
        vae_profile_mark(VAE_PHASE_ENCODER_FORWARD);
        break;
    case DIVERGE:
        diverge(job, r, worker);
        vae_profile_mark(VAE_PHASE_DRAW);
        break;
    case DECODE:
        vae_graph_forward(p, middle, nodes, r, worker);
        vae_loss_finish_head(p, r);
        vae_profile_mark(VAE_PHASE_DECODER_FORWARD);
        break;
    case LOSS:
        loss(job, r, worker);
        vae_profile_mark(VAE_PHASE_LIKELIHOOD);
        break;
    case DECODE_BACK:
        vae_graph_backward(p, middle, nodes, r, worker);
        vae_profile_mark(VAE_PHASE_DECODER_BACKWARD);
        break;
    case POSTERIOR_BACK:
        vae_posterior_backward(p, &job->needs, r, worker);
        vae_profile_mark(VAE_PHASE_POSTERIOR_BACKWARD);
        break;
    default:
        vae_graph_backward(p, 0, middle, r, worker);
        vae_profile_mark(VAE_PHASE_ENCODER_BACKWARD);
    }
}

static void run_task(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    struct vae_range r = vae_task_range(job->pass, task);
    vae_profile_start();
    for (size_t i = job->from; i < job->to; i++)
        station(job, i, r, worker);
}

/* ---- where tasks meet ---- */

/* Is the pass cut before this station? */
static int meets(const struct job *job, size_t number)
{
    return number == STATIONS || (number == POSTERIOR_BACK && job->needs.whole);
}

/* Means of the divergences by latent, over the rows in order. */
static void meet(const struct job *job)
{
    const struct vae_pass *p = job->pass;
    size_t d = p->net->z_dim;
    for (size_t j = 0; j < d; j++) {
        double sum = 0;
        for (size_t i = 0; i < p->rows.n; i++)
            sum += vae_row_weight(&p->rows, i) * p->ws->latent_kl[i * d + j];
        job->bound->latent[j] = sum / job->bound->sum;
    }
    job->trainer->objective->weigh_latents(job->bound);
}

static void clear_notes(const struct vae_pass *p)
{
    size_t threads = p->ws->pool.threads;
    memset(p->ws->most, 0, threads * vae_network_values(p->net) * sizeof *p->ws->most);
    memset(p->ws->seen, 0, threads * p->net->n_spans * sizeof *p->ws->seen);
}

/* The largest magnitude of x, which the likelihoods have seen. */
static void note_x(const struct vae_pass *p)
{
    for (size_t t = 0; t < p->ws->pool.threads; t++) {
        uint32_t *most = p->ws->most[t * vae_network_values(p->net)].y;
        for (size_t k = 0; k < p->net->n_spans; k++) {
            uint32_t seen = p->ws->seen[t * p->net->n_spans + k].most;
            *most = seen > *most ? seen : *most;
        }
    }
}

struct vae_pass vae_train_pass(const struct vae_network *net, struct vae_workspace *ws,
    const struct vae_trainer *trainer, const struct vae_rows *rows)
{
    struct vae_pass p = {.net = net,
        .ws = ws,
        .rows = *rows,
        .draws = vae_trainer_draws(&trainer->settings),
        .draws_ld = ws->max_batch,
        .training = 1,
        .step = trainer->counts.steps,
        .extra = net->prior->encoded ? net->components : 0};
    p.task_rows = vae_task_rows(ws->pool.threads, rows->n, p.draws);
    return p;
}

struct vae_bound vae_train_bound(
    const struct vae_pass *p, const struct vae_trainer *trainer, double sum, double total)
{
    struct vae_workspace *ws = p->ws;
    return (struct vae_bound){.training = &trainer->settings,
        .kernels = p->net->kernels,
        .n = p->rows.n,
        .draws = p->draws,
        .ld = ws->max_batch,
        .z_dim = p->net->z_dim,
        .row_weight = p->rows.row_weight,
        .sum = sum,
        .total = total,
        .loglik = ws->loglik,
        .kl = p->net->prior->kl ? ws->kl : NULL,
        .latent = ws->latent,
        .log_ratio = ws->log_ratio,
        .relative = ws->relative,
        .w_loglik = ws->w_loglik,
        .w_ratio = ws->w_ratio,
        .w_path = ws->w_path,
        .w_kl = ws->w_kl,
        .w_latent = ws->w_latent,
        .value = ws->value,
        .work = ws->bound_work};
}

void vae_train_run(const struct vae_pass *p, const struct vae_trainer *trainer, const struct vae_bound *bound)
{
    int closed = p->net->prior->kl != NULL;
    struct job job = {p, trainer, bound, trainer->objective->needs(&trainer->settings, closed), 0, 0};
    vae_rows_attach(p);
    vae_loss_prepare(p->net, p->ws);
    clear_notes(p);
    vae_components_forward(p);
    for (; job.from < STATIONS; job.from = job.to) {
        for (job.to = job.from + 1; !meets(&job, job.to);)
            job.to++;
        vae_pool_run(&p->ws->pool, vae_tasks(p), run_task, &job);
        if (job.to < STATIONS)
            meet(&job);
    }
    vae_components_backward(p);
    note_x(p);
    trainer->objective->value(bound);
}

/* ---- terms ---- */

static int is_finite(double x)
{
    return x - x == 0;
}

static double mean_loglik(const struct vae_pass *p, size_t i)
{
    double sum = p->ws->loglik[i];
    for (size_t s = 1; s < p->draws; s++)
        sum += p->ws->loglik[s * p->ws->max_batch + i];
    return sum / (double)p->draws;
}

int vae_train_check(const char *function, const struct vae_pass *p, const struct vae_bound *bound)
{
    int status = vae_loss_check_data(function, p);
    for (size_t i = 0; status == VAE_OK && i < p->rows.n; i++) {
        const struct term {
            const char *name;
            double value;
        } terms[] = {{"loglik", mean_loglik(p, i)}, {"kl", p->ws->kl[i]}, {"objective", bound->value[i]}};
        for (size_t k = 0; status == VAE_OK && k < sizeof terms / sizeof *terms; k++)
            if (!is_finite(terms[k].value))
                status = vae_fail(VAE_ERR_NONFINITE,
                    "%s: %s of row %zu is %g: lower the learning rate, scale the data, or give a scale a "
                    "floor",
                    function, terms[k].name, vae_place(&p->rows, i), vae_shown(terms[k].value));
    }
    return status;
}

struct vae_sums vae_train_sums(const struct vae_pass *p, const struct vae_bound *bound)
{
    struct vae_sums sums = {0, 0, 0};
    for (size_t i = 0; i < p->rows.n; i++) {
        double w = vae_row_weight(&p->rows, i);
        sums.objective += w * bound->value[i];
        sums.loglik += w * mean_loglik(p, i);
        sums.kl += w * p->ws->kl[i];
    }
    return sums;
}
