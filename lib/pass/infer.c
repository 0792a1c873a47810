/* SPDX-License-Identifier: BSD-2-Clause
 * The reading pass: everything that vae_infer() gives, a workspace's rows at a time.
 *
 * A pass decodes one draw of each of its rows at a time, or, where it has few rows, as many draws of each as
 * the workspace has room for: draw s of row r is then row r * draws + s of one product. Sums over draws are
 * kept in float64, in the order of draws. No result depends on how rows and draws are cut.
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
    /* What is needed; closed: the divergence in closed form, ratios: log p(z) - log q(z|x) of every draw. */
    int encodes, decodes, closed, by_latent, scores, ratios, weighs;
    uint64_t draws, done; /* of each row: all, at least 1, and those before the pass's */
    size_t task_items;    /* decoder rows of a task of several draws */
};

/* ---- what is asked for ---- */

static int asks_evidence(const vae_outputs *o)
{
    return o->log_evidence || o->log_evidence_error;
}

static int asks_loglik(const struct vae_reading *r)
{
    return r->out.loglik || r->out.elbo || asks_evidence(&r->out) ||
           (r->terms && r->batch->source == VAE_FROM_DATA && !r->batch->z);
}

static int asks_first_draw(const vae_outputs *o)
{
    return o->x_location || o->x_scale || o->x_shape || o->x_draw;
}

static int from_encoder(const struct vae_reading *r)
{
    return r->batch->source == VAE_FROM_DATA && !r->batch->z;
}

static struct job job_of(const struct vae_network *net, struct vae_workspace *ws, const struct vae_reading *r)
{
    const vae_outputs *o = &r->out;
    struct job job = {.pass = {.net = net, .ws = ws, .draws = 1}, .reading = r};
    int every = asks_loglik(r) || o->x_mean || o->loglik_by_column;
    job.encodes = from_encoder(r);
    int diverges = job.encodes && (o->elbo || o->kl || r->terms);
    job.closed = diverges && net->prior->kl;
    job.by_latent = job.encodes && o->kl_by_latent;
    job.scores = asks_loglik(r);
    job.weighs = asks_evidence(o);
    job.ratios = job.weighs || (diverges && !net->prior->kl);
    job.decodes = every || asks_first_draw(o);
    job.draws = (every || job.ratios) && o->samples > 1 ? o->samples : 1;
    return job;
}

/* Are sums by element kept over the draws? */
static int keeps_sums(const struct job *job)
{
    return job->reading->out.loglik_by_column || (job->reading->out.x_mean && job->draws > 1);
}

static int makes_z(const struct job *job)
{
    return job->decodes || job->ratios || job->reading->out.z;
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
    put_rows(job, r, z->y, job->pass.draws * z->ld, z->cols, job->reading->out.z);
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

/* `slot`: the worker whose task goes through all draws, else the task. */
static double *sums_of(const struct job *job, size_t slot, size_t which)
{
    const struct vae_workspace *ws = job->pass.ws;
    return ws->sums + (2 * slot + which) * ws->sum_rows * job->pass.net->x_dim;
}

/* Draw s: where there is but one, straight to the output; else row i of a task to row i of `drawn`. */
static void mean_of_draw(const struct job *job, struct vae_range r, size_t s, float *drawn)
{
    size_t x_dim = job->pass.net->x_dim, run = drawn ? r.n : run_length(job, r);
    for (size_t k = 0; k < job->pass.net->n_spans; k++)
        for (size_t i = r.first; i < r.last; i += run) {
            struct vae_cells cells = vae_loss_cells(&job->pass, k, (struct vae_range){i, i + run, run}, s);
            float *to = drawn ? drawn + (i - r.first) * x_dim + job->pass.net->spans[k].first
                              : cell_row(job, k, i, job->reading->out.x_mean);
            job->pass.net->spans[k].kind->mean(&cells, to, x_dim);
        }
}

static void add_mean(const struct job *job, struct vae_range r, size_t s, size_t slot)
{
    size_t count = r.n * job->pass.net->x_dim;
    double *sum = sums_of(job, slot, 0);
    float *drawn = job->pass.ws->columns + slot * job->pass.ws->columns_size;
    if (job->draws == 1) {
        mean_of_draw(job, r, s, NULL);
        return;
    }
    mean_of_draw(job, r, s, drawn);
    for (size_t i = 0; i < count; i++)
        sum[i] += (double)drawn[i];
}

/* Every cell is a row of its own. */
static void add_columns(const struct job *job, struct vae_range r, size_t s, size_t slot)
{
    const struct vae_network *net = job->pass.net;
    double *sum = sums_of(job, slot, 1), *value = job->pass.ws->cells + slot * net->x_dim;
    for (size_t k = 0; k < net->n_spans; k++)
        for (size_t i = r.first; i < r.last; i++) {
            struct vae_cells row = vae_loss_cells(&job->pass, k, (struct vae_range){i, i + 1, 1}, s),
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

static void clear_sums(const struct job *job, struct vae_range r, size_t slot)
{
    const struct vae_workspace *ws = job->pass.ws;
    if (keeps_sums(job))
        memset(sums_of(job, slot, 0), 0, 2 * ws->sum_rows * job->pass.net->x_dim * sizeof *ws->sums);
    for (size_t i = r.first; job->scores && i < r.last; i++)
        ws->row_sum[i] = 0;
    for (size_t i = r.first; job->ratios && !job->closed && i < r.last; i++)
        ws->kl[i] = 0;
}

/* ---- the stations of a pass ---- */

static void begin(const struct job *job, struct vae_range r, size_t worker)
{
    vae_rows_gather(&job->pass, r);
    if (!job->encodes)
        return;
    vae_graph_forward(&job->pass, 0, job->pass.net->encoder, r, worker);
    vae_posterior_clamp(&job->pass, r);
    put_encoded(job, r);
    if (job->closed)
        vae_posterior_kl(&job->pass, r);
    if (job->by_latent)
        vae_posterior_kl_by_latent(&job->pass, r);
    if (job->ratios)
        vae_posterior_sum_logs(&job->pass, r);
}

/* z of draw s of the pass, of some rows. */
static void make_z(const struct job *job, struct vae_range r, size_t s, size_t worker)
{
    const struct vae_reading *reading = job->reading;
    uint64_t draw = job->done + s;
    if (reading->batch->source == VAE_FROM_PRIOR)
        vae_posterior_draw_prior(&job->pass, r, vae_reading_stream(VAE_STREAM_PRIOR, draw), s);
    else if (reading->batch->z)
        vae_posterior_copy_z(&job->pass, r);
    else if (reading->out.samples == 0)
        vae_posterior_copy_mu(&job->pass, r);
    else
        vae_posterior_draw(&job->pass, r, vae_reading_stream(VAE_STREAM_EVALUATE, draw), s, worker);
    if (job->ratios)
        vae_posterior_log_ratio_of_draw(&job->pass, r, s);
}

/* The rows whose draw s is among the decoder's rows `items`. */
static struct vae_range rows_of_draw(const struct job *job, struct vae_range items, size_t s)
{
    size_t draws = job->pass.draws;
    size_t first = (items.first + draws - 1 - s) / draws, last = (items.last + draws - 1 - s) / draws;
    return (struct vae_range){first, last, last - first};
}

static void score(const struct job *job, struct vae_range items)
{
    if (job->pass.rows.n == 1) {
        vae_loss_exact_row(&job->pass, items.first, items.last);
        return;
    }
    for (size_t s = 0; s < job->pass.draws; s++)
        vae_loss_exact(&job->pass, rows_of_draw(job, items, s), s);
}

/* Some of the decoder's rows. */
static void decode(const struct job *job, struct vae_range items, size_t worker)
{
    const struct vae_network *net = job->pass.net;
    struct vae_pass flat = job->pass;
    flat.draws = 1;
    for (size_t s = 0; s < job->pass.draws; s++) {
        struct vae_range r = rows_of_draw(job, items, s);
        if (r.n > 0)
            make_z(job, r, s, worker);
    }
    if (!job->decodes)
        return;
    vae_graph_forward(&flat, net->encoder, vae_network_nodes(net), items, worker);
    vae_loss_finish_head(&flat, items);
    if (job->scores)
        score(job, items);
}

/* Draw s of the pass into the sums of some rows. */
static void add_draw(const struct job *job, struct vae_range r, size_t s, size_t slot)
{
    const struct vae_workspace *ws = job->pass.ws;
    const double *loglik = ws->loglik + s * job->pass.draws_ld;
    const double *ratio = ws->log_ratio + s * job->pass.draws_ld;
    for (size_t i = r.first; job->scores && i < r.last; i++)
        ws->row_sum[i] += loglik[i];
    for (size_t i = r.first; job->ratios && !job->closed && i < r.last; i++)
        ws->kl[i] -= ratio[i];
    if (job->reading->out.x_mean)
        add_mean(job, r, s, slot);
    if (job->reading->out.loglik_by_column)
        add_columns(job, r, s, slot);
}

/* What has been decoded into the sums of some rows, and the first draw into outputs. */
static void add_up(const struct job *job, struct vae_range r, size_t slot)
{
    const struct vae_workspace *ws = job->pass.ws;
    if (job->done == 0) {
        clear_sums(job, r, slot);
        put_z(job, r);
        put_parameters(job, r);
    }
    for (size_t s = 0; s < job->pass.draws; s++)
        add_draw(job, r, s, slot);
    if (job->weighs) {
        struct vae_weights weights = {
            ws->weights.largest + r.first, ws->weights.mean + r.first, ws->weights.squares + r.first};
        job->pass.net->kernels->reading->weigh(r.n, job->pass.draws, job->done, ws->loglik + r.first,
            ws->log_ratio + r.first, job->pass.draws_ld, &weights);
    }
}

static void finish(const struct job *job, struct vae_range r, size_t slot)
{
    const vae_outputs *o = &job->reading->out;
    const struct vae_workspace *ws = job->pass.ws;
    for (size_t i = r.first; job->scores && i < r.last; i++)
        ws->row_sum[i] /= (double)job->draws;
    for (size_t i = r.first; job->ratios && !job->closed && i < r.last; i++)
        ws->kl[i] /= (double)job->draws;
    if (o->x_mean && job->draws > 1)
        put_sums(job, r, sums_of(job, slot, 0), o->x_mean);
    if (o->loglik_by_column)
        put_sums(job, r, sums_of(job, slot, 1), o->loglik_by_column);
}

/* ---- tasks ---- */

/* One draw at a time: a task takes its rows through all of them. */
static void run_rows(void *arg, size_t task, size_t worker)
{
    struct job job = *(const struct job *)arg;
    struct vae_range r = vae_task_range(&job.pass, task);
    begin(&job, r, worker);
    for (; makes_z(&job) && job.done < job.draws; job.done++) {
        decode(&job, r, worker);
        add_up(&job, r, worker);
    }
    finish(&job, r, worker);
}

static void begin_rows(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    begin(job, vae_task_range(&job->pass, task), worker);
}

static void decode_items(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    size_t all = job->pass.rows.n * job->pass.draws, first = task * job->task_items;
    size_t n = all - first < job->task_items ? all - first : job->task_items;
    decode(job, (struct vae_range){first, first + n, n}, worker);
}

static void add_up_rows(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    struct vae_range r = vae_task_range(&job->pass, task);
    (void)worker;
    add_up(job, r, task);
    if (job->done + job->pass.draws == job->draws)
        finish(job, r, task);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many draws of each row of the pass are decoded at once: what there is room for, but no more than some
 * tasks' worth. Sums by element have to be in place for all rows then. */
static size_t draws_at_once(const struct job *job)
{
    const struct vae_workspace *ws = job->pass.ws;
    size_t n = job->pass.rows.n, threads = ws->pool.threads;
    size_t worth = ws->max_batch > 128 * threads ? ws->max_batch : 128 * threads;
    size_t room = least(ws->max_batch * ws->max_draws, worth);
    if (n == 0 || n > room || (keeps_sums(job) && n > threads * ws->sum_rows))
        return 1;
    return job->draws < room / n ? (size_t)job->draws : room / n;
}

/* Several draws at a time: threads share the decoder's rows, and meet before these are added up. */
static void run_stacked(struct job *job, size_t draws)
{
    struct vae_pool *pool = &job->pass.ws->pool;
    size_t n = job->pass.rows.n;
    vae_pool_run(pool, vae_tasks(&job->pass), begin_rows, job);
    job->pass.task_rows = keeps_sums(job) ? (n + pool->threads - 1) / pool->threads : n;
    for (job->done = 0; job->done < job->draws; job->done += job->pass.draws) {
        job->pass.draws = job->draws - job->done < draws ? (size_t)(job->draws - job->done) : draws;
        job->task_items = vae_task_rows(pool->threads, n * job->pass.draws, 1);
        vae_pool_run(pool, (n * job->pass.draws + job->task_items - 1) / job->task_items, decode_items, job);
        vae_pool_run(pool, vae_tasks(&job->pass), add_up_rows, job);
    }
}

static void run_pass(struct job *job)
{
    struct vae_workspace *ws = job->pass.ws;
    size_t draws = makes_z(job) ? draws_at_once(job) : 1;
    job->pass.task_rows = vae_task_rows(ws->pool.threads, job->pass.rows.n, 1);
    if (draws > 1) {
        run_stacked(job, draws);
        return;
    }
    job->pass.draws = 1;
    job->done = 0;
    if (keeps_sums(job))
        job->pass.task_rows = least(job->pass.task_rows, ws->sum_rows);
    vae_pool_run(&ws->pool, vae_tasks(&job->pass), run_rows, job);
}

/* ---- the call ---- */

static void put_evidence(const struct job *job)
{
    const vae_outputs *o = &job->reading->out;
    const struct vae_workspace *ws = job->pass.ws;
    for (size_t i = 0; job->weighs && i < job->pass.rows.n; i++) {
        struct vae_weights weights = {ws->weights.largest + i, ws->weights.mean + i, ws->weights.squares + i};
        size_t place = vae_place(&job->pass.rows, i);
        job->pass.net->kernels->reading->evidence(1, job->draws, &weights,
            o->log_evidence ? o->log_evidence + place : NULL,
            o->log_evidence_error ? o->log_evidence_error + place : NULL);
    }
}

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
    if (job.ratios || reading->batch->source == VAE_FROM_PRIOR)
        vae_components_read(net, ws);
    for (size_t next = 0; next < reading->batch->n;) {
        job.pass.rows = vae_rows_take(ws, reading->batch, key, &next);
        job.pass.draws_ld = job.pass.rows.n;
        vae_rows_attach(&job.pass);
        /* The next pass meets the weights from the other end, and finds in the cache what the last one left
         * there; in one direction a cache that is a little too small would keep nothing. */
        ws->descending = !ws->descending;
        run_pass(&job);
        put_evidence(&job);
        put_terms(&job, &sums);
    }
    return sums;
}
