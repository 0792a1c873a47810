/* SPDX-License-Identifier: BSD-2-Clause
 * The reading pass: everything that vae_infer() gives, a workspace's rows at a time.
 *
 * Draws are gone through one after the other, and sums over them are kept in float64 in their order. No
 * result depends on how rows are cut.
 */
#include "infer.h"

#include "components.h"
#include "graph.h"
#include "loss.h"
#include "posterior.h"
#include "rows.h"
#include "stream.h"

#include <string.h>

struct job {
    struct vae_pass pass;
    const struct vae_reading *reading;
    int encodes, decodes, diverges, by_latent, scores; /* what is needed */
    uint64_t draws;                                    /* of each row; at least 1 */
};

/* ---- what is asked for ---- */

static int asks_loglik(const struct vae_reading *r)
{
    return r->out.loglik || r->out.elbo || (r->terms && r->batch->source == VAE_FROM_DATA && !r->batch->z);
}

static int asks_first_draw(const vae_outputs *o)
{
    return o->x_location || o->x_scale || o->x_shape || o->x_draw;
}

static int asks_every_draw(const struct vae_reading *r)
{
    return asks_loglik(r) || r->out.x_mean || r->out.loglik_by_column;
}

static int from_encoder(const struct vae_reading *r)
{
    return r->batch->source == VAE_FROM_DATA && !r->batch->z;
}

static struct job job_of(const struct vae_network *net, struct vae_workspace *ws, const struct vae_reading *r)
{
    const vae_outputs *o = &r->out;
    struct job job = {.pass = {.net = net, .ws = ws, .draws = 1}, .reading = r};
    job.encodes = from_encoder(r);
    job.diverges = job.encodes && (o->elbo || o->kl || r->terms);
    job.by_latent = job.encodes && o->kl_by_latent;
    job.scores = asks_loglik(r);
    job.decodes = asks_every_draw(r) || asks_first_draw(o);
    job.draws = asks_every_draw(r) && o->samples > 1 ? o->samples : 1;
    return job;
}

/* Are sums by element kept over the draws? */
static int keeps_sums(const struct job *job)
{
    return job->reading->out.loglik_by_column || (job->reading->out.x_mean && job->draws > 1);
}

/* ---- outputs of rows ---- */

/* Runs of rows whose outputs follow one another: the whole range, or one row. */
static size_t run_length(const struct job *job, struct vae_range r)
{
    return job->pass.rows.place ? 1 : r.n;
}

static void put_rows(
    const struct job *job, struct vae_range r, const float *from, size_t ld, size_t cols, float *to)
{
    for (size_t i = r.first; to && i < r.last; i++)
        memcpy(to + vae_place(&job->pass.rows, i) * cols, from + i * ld, cols * sizeof *to);
}

static void put_encoded(const struct job *job, struct vae_range r)
{
    const struct vae_value *head = &job->pass.ws->values[job->pass.net->encoder];
    size_t d = job->pass.net->z_dim;
    put_rows(job, r, head->y, head->ld, d, job->reading->out.mu);
    put_rows(job, r, head->y + d, head->ld, d, job->reading->out.logvar);
}

static void put_z(const struct job *job, struct vae_range r)
{
    const struct vae_value *z = &job->pass.ws->values[vae_network_z(job->pass.net)];
    put_rows(job, r, z->y, z->ld, z->cols, job->reading->out.z);
}

/* The row of x's columns of one span, in an output of [n][x_dim]. */
static float *cell_row(const struct job *job, size_t k, size_t row, float *output)
{
    return output + vae_place(&job->pass.rows, row) * job->pass.net->x_dim + job->pass.net->spans[k].first;
}

static void put_scale(const struct vae_cells *cells, float *to)
{
    if (cells->scale)
        memcpy(to, cells->scale, cells->d * sizeof *to);
    else
        memset(to, 0, cells->d * sizeof *to);
}

static void put_drawn(const struct job *job, size_t k, size_t row, const struct vae_cells *cells, float *to)
{
    const struct vae_network *net = job->pass.net;
    uint64_t whole = job->pass.rows.first_row + vae_place(&job->pass.rows, row);
    struct vae_cells_noise noise = {.seed = job->pass.rows.seed,
        .stream = vae_stream(VAE_STREAM_OBSERVE, 0, 0),
        .element = whole * net->x_dim + net->spans[k].first,
        .row_step = net->x_dim};
    net->spans[k].kind->draw(cells, &noise, to, net->x_dim);
}

/* The parameters of p(x|z) at the first draw, and a draw from it. */
static void put_parameters(const struct job *job, struct vae_range r)
{
    const vae_outputs *o = &job->reading->out;
    for (size_t k = 0; asks_first_draw(o) && k < job->pass.net->n_spans; k++)
        for (size_t i = r.first; i < r.last; i++) {
            struct vae_cells cells = vae_loss_cells(&job->pass, k, (struct vae_range){i, i + 1, 1}, 0);
            if (o->x_location)
                vae_cells_copy_location(&cells, cell_row(job, k, i, o->x_location), cells.d);
            if (o->x_scale)
                put_scale(&cells, cell_row(job, k, i, o->x_scale));
            if (o->x_shape)
                memset(cell_row(job, k, i, o->x_shape), 0, cells.d * sizeof *o->x_shape);
            if (o->x_draw)
                put_drawn(job, k, i, &cells, cell_row(job, k, i, o->x_draw));
        }
}

/* ---- sums by element ---- */

static double *sums_of(const struct job *job, size_t worker, size_t which)
{
    const struct vae_workspace *ws = job->pass.ws;
    return ws->sums + (2 * worker + which) * ws->sum_rows * job->pass.net->x_dim;
}

/* One draw: where there is but one, straight to the output; else row i of a task to row i of `drawn`. */
static void mean_of_draw(const struct job *job, struct vae_range r, float *drawn)
{
    size_t x_dim = job->pass.net->x_dim, run = drawn ? r.n : run_length(job, r);
    for (size_t k = 0; k < job->pass.net->n_spans; k++)
        for (size_t i = r.first; i < r.last; i += run) {
            struct vae_cells cells = vae_loss_cells(&job->pass, k, (struct vae_range){i, i + run, run}, 0);
            float *to = drawn ? drawn + (i - r.first) * x_dim + job->pass.net->spans[k].first
                              : cell_row(job, k, i, job->reading->out.x_mean);
            job->pass.net->spans[k].kind->mean(&cells, to, x_dim);
        }
}

static void add_mean(const struct job *job, struct vae_range r, size_t worker)
{
    size_t count = r.n * job->pass.net->x_dim;
    double *sum = sums_of(job, worker, 0);
    float *drawn = job->pass.ws->columns + worker * job->pass.ws->columns_size;
    if (job->draws == 1) {
        mean_of_draw(job, r, NULL);
        return;
    }
    mean_of_draw(job, r, drawn);
    for (size_t i = 0; i < count; i++)
        sum[i] += (double)drawn[i];
}

/* Every cell is a row of its own. */
static void add_columns(const struct job *job, struct vae_range r, size_t worker)
{
    const struct vae_network *net = job->pass.net;
    double *sum = sums_of(job, worker, 1), *value = job->pass.ws->cells + worker * net->x_dim;
    for (size_t k = 0; k < net->n_spans; k++)
        for (size_t i = r.first; i < r.last; i++) {
            struct vae_cells row = vae_loss_cells(&job->pass, k, (struct vae_range){i, i + 1, 1}, 0),
                             cells = row;
            double *to = sum + (i - r.first) * net->x_dim + net->spans[k].first;
            cells.n = row.d;
            cells.d = cells.ldx = cells.ldlocation = cells.ldscale = 1;
            net->spans[k].kind->exact(&cells, value);
            for (size_t j = 0; j < row.d; j++)
                to[j] += value[j];
        }
}

static void put_sums(const struct job *job, struct vae_range r, const double *sum, float *output)
{
    size_t x_dim = job->pass.net->x_dim;
    for (size_t i = r.first; i < r.last; i++) {
        float *to = output + vae_place(&job->pass.rows, i) * x_dim;
        for (size_t j = 0; j < x_dim; j++)
            to[j] = (float)(sum[(i - r.first) * x_dim + j] / (double)job->draws);
    }
}

static void clear_sums(const struct job *job, size_t worker)
{
    const struct vae_workspace *ws = job->pass.ws;
    memset(sums_of(job, worker, 0), 0, 2 * ws->sum_rows * job->pass.net->x_dim * sizeof *ws->sums);
}

/* ---- a task ---- */

static void make_z(const struct job *job, struct vae_range r, uint64_t s, size_t worker)
{
    const struct vae_reading *reading = job->reading;
    if (reading->batch->source == VAE_FROM_PRIOR)
        vae_posterior_draw_prior(&job->pass, r, vae_reading_stream(VAE_STREAM_PRIOR, s));
    else if (reading->batch->z)
        vae_posterior_copy_z(&job->pass, r);
    else if (reading->out.samples == 0)
        vae_posterior_copy_mu(&job->pass, r);
    else
        vae_posterior_draw(&job->pass, r, vae_reading_stream(VAE_STREAM_EVALUATE, s), 0, worker);
}

static void add_loglik(const struct job *job, struct vae_range r)
{
    struct vae_workspace *ws = job->pass.ws;
    vae_loss_exact(&job->pass, r, ws->loglik);
    for (size_t i = r.first; i < r.last; i++)
        ws->row_sum[i] += ws->loglik[i];
}

static void encode(const struct job *job, struct vae_range r, size_t worker)
{
    vae_graph_forward(&job->pass, 0, job->pass.net->encoder, r, worker);
    put_encoded(job, r);
    if (job->diverges)
        vae_posterior_kl(&job->pass, r);
    if (job->by_latent)
        vae_posterior_kl_by_latent(&job->pass, r);
}

static void decode(const struct job *job, struct vae_range r, uint64_t s, size_t worker)
{
    const struct vae_network *net = job->pass.net;
    vae_graph_forward(&job->pass, net->encoder, vae_network_nodes(net), r, worker);
    vae_loss_finish_head(&job->pass, r);
    if (s == 0)
        put_parameters(job, r);
    if (job->scores)
        add_loglik(job, r);
    if (job->reading->out.x_mean)
        add_mean(job, r, worker);
    if (job->reading->out.loglik_by_column)
        add_columns(job, r, worker);
}

static void finish(const struct job *job, struct vae_range r, size_t worker)
{
    const vae_outputs *o = &job->reading->out;
    double *sum = job->pass.ws->row_sum;
    for (size_t i = r.first; job->scores && i < r.last; i++)
        sum[i] /= (double)job->draws;
    if (o->x_mean && job->draws > 1)
        put_sums(job, r, sums_of(job, worker, 0), o->x_mean);
    if (o->loglik_by_column)
        put_sums(job, r, sums_of(job, worker, 1), o->loglik_by_column);
}

static void run_task(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    struct vae_range r = vae_task_range(&job->pass, task);
    vae_rows_gather(&job->pass, r);
    if (job->encodes)
        encode(job, r, worker);
    if (keeps_sums(job))
        clear_sums(job, worker);
    for (size_t i = r.first; job->scores && i < r.last; i++)
        job->pass.ws->row_sum[i] = 0;
    for (uint64_t s = 0; (job->decodes || job->reading->out.z) && s < job->draws; s++) {
        make_z(job, r, s, worker);
        if (s == 0)
            put_z(job, r);
        if (job->decodes)
            decode(job, r, s, worker);
    }
    finish(job, r, worker);
}

/* ---- the call ---- */

/* Terms of the rows of one pass, in their order. */
static void put_terms(const struct job *job, struct vae_reading_sums *sums)
{
    const vae_outputs *o = &job->reading->out;
    const struct vae_workspace *ws = job->pass.ws;
    size_t d = job->pass.net->z_dim;
    for (size_t i = 0; i < job->pass.rows.n; i++) {
        size_t place = vae_place(&job->pass.rows, i);
        double w = vae_row_weight(&job->pass.rows, i);
        if (o->elbo)
            o->elbo[place] = ws->row_sum[i] - ws->kl[i];
        if (o->loglik)
            o->loglik[place] = ws->row_sum[i];
        if (o->kl)
            o->kl[place] = ws->kl[i];
        for (size_t j = 0; job->by_latent && j < d; j++)
            o->kl_by_latent[j] += w * ws->latent_kl[i * d + j];
        if (job->reading->terms && job->encodes) {
            sums->loglik += w * ws->row_sum[i];
            sums->kl += w * ws->kl[i];
        }
    }
}

struct vae_reading_sums vae_infer_run(
    const struct vae_network *net, struct vae_workspace *ws, const struct vae_reading *reading)
{
    struct job job = job_of(net, ws, reading);
    struct vae_reading_sums sums = {0, 0};
    uint64_t key = vae_key(net->seed, reading->batch->seed);
    for (size_t j = 0; job.by_latent && j < net->z_dim; j++)
        reading->out.kl_by_latent[j] = 0;
    vae_loss_prepare(net, ws);
    if (job.diverges || reading->batch->source == VAE_FROM_PRIOR)
        vae_components_read(net, ws);
    for (size_t next = 0; next < reading->batch->n;) {
        job.pass.rows = vae_rows_take(ws, reading->batch, key, &next);
        job.pass.task_rows = vae_task_rows(ws->pool.threads, job.pass.rows.n, 1);
        if (keeps_sums(&job) && job.pass.task_rows > ws->sum_rows)
            job.pass.task_rows = ws->sum_rows;
        vae_rows_attach(&job.pass);
        /* The next pass meets the weights from the other end, and finds in the cache what the last one left
         * there; in one direction a cache that is a little too small would keep nothing. */
        ws->descending = !ws->descending;
        vae_pool_run(&ws->pool, vae_tasks(&job.pass), run_task, &job);
        put_terms(&job, &sums);
    }
    return sums;
}
