/* SPDX-License-Identifier: BSD-2-Clause
 * Weight gradients and the update by them, piece by piece: together where nothing can overflow.
 *
 * A piece is contiguous in the flat arrays and small enough for the nearest cache: its gradient is made
 * there, measured, and used for the update before it has left. Pieces depend neither on threads nor on
 * instruction sets, and so neither does the norm that they add up to.
 */
#include "gradient.h"

#include "base/profile.h"
#include "components.h"
#include "graph.h"
#include "loss.h"

#include <math.h>
#include <string.h>

enum work { WORK_GRADIENT = 1, WORK_ADD = 2, WORK_ADJUST = 4, WORK_UPDATE = 8 };

struct job {
    const struct vae_network *net;
    struct vae_workspace *ws;
    struct vae_trainer *trainer;
    const struct vae_pass *pass;   /* with WORK_GRADIENT */
    const struct vae_bound *bound; /* likewise; NULL: a loss of the program's own */
    struct vae_rule rule;
    float factor, decay; /* with WORK_ADJUST: of the gradient, and of the parameters that are added to it */
    int work, through_scratch;
    size_t from, to; /* with WORK_ADD: the layers that take part */
};

uint64_t vae_gradient_pieces(const struct vae_network *net, size_t *first_piece)
{
    uint64_t total = 0;
    for (size_t i = 0; i < vae_network_nodes(net); i++) {
        if (first_piece)
            first_piece[i] = (size_t)total;
        total += net->nodes[i].kind->pieces(&net->nodes[i], &net->gemm);
    }
    if (first_piece)
        first_piece[vae_network_nodes(net)] = (size_t)total;
    return total;
}

/* The layer that a piece belongs to: the last one whose first piece is not behind it. */
static size_t node_of(const struct job *job, size_t piece)
{
    const size_t *first = job->trainer->first_piece;
    size_t low = 0, high = vae_network_nodes(job->net);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (first[middle] <= piece)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* What is read for the update, to be fetched while the gradient is made. */
static struct vae_ahead ahead_of(const struct job *job, const struct vae_piece *piece)
{
    struct vae_ahead ahead = {{NULL}, piece->weights, 1};
    if (!(job->work & WORK_UPDATE))
        return (struct vae_ahead){{NULL}, 0, 0};
    ahead.from[0] = job->net->params + piece->weight;
    for (unsigned i = 0; i < job->trainer->optimizer->moments; i++)
        ahead.from[1 + i] = job->trainer->moment[i] + piece->weight;
    return ahead;
}

static void gradient(const struct job *job, size_t node, const struct vae_piece *piece, size_t worker,
    float *weight, float *bias)
{
    struct vae_layer_call call = vae_graph_call(job->net, job->ws, worker);
    size_t n = job->pass->rows.n + (node < job->net->encoder ? job->pass->extra : 0);
    struct vae_layer_rows rows = vae_graph_rows(job->pass, node, (struct vae_range){0, n, n});
    struct vae_ahead ahead = ahead_of(job, piece);
    rows.node->kind->gradient(&call, &rows, piece, &ahead, weight, bias);
}

/* Is the gradient of this layer made? */
static int takes_part(const struct job *job, size_t node)
{
    return !(job->work & WORK_ADD) || (node >= job->from && node < job->to);
}

/* Of n numbers of the gradient, which belong at `offset` and may lie there: the squared norm, after all other
 * work. */
static double use(const struct job *job, size_t offset, size_t n, const float *g)
{
    struct vae_trainer *t = job->trainer;
    const struct vae_train_kernels *kernels = job->net->kernels->train;
    float *params = job->net->params + offset, *grads = t->grads + offset;
    float *const moment[VAE_MOST_MOMENTS] = {
        t->moment[0] ? t->moment[0] + offset : NULL, t->moment[1] ? t->moment[1] + offset : NULL};
    if (job->work & WORK_ADD && g != grads) {
        kernels->blend(n, 1, g, 1, grads);
        g = grads;
    }
    if (job->work & WORK_ADJUST)
        kernels->blend(n, job->decay, params, job->factor, grads);
    if (!(job->work & WORK_UPDATE))
        return kernels->sum_squares(n, g);
    return t->optimizer->update(kernels, &job->rule, n, g, params, moment);
}

static void run_piece(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    struct vae_trainer *t = job->trainer;
    size_t node = node_of(job, task);
    const struct vae_node *layer = &job->net->nodes[node];
    struct vae_piece p = layer->kind->piece(layer, &job->net->gemm, task - t->first_piece[node]);
    int made = job->work & WORK_GRADIENT && takes_part(job, node), apart = made && job->through_scratch;
    float *weight = apart ? t->scratch : t->grads, *bias = weight;
    vae_profile_start();
    if (apart && !job->net->gemm.sgemm) {
        weight += worker * VAE_PIECE_FLOATS;
        bias = weight + VAE_PIECE_WEIGHTS;
    } else {
        weight += p.weight;
        bias += p.bias;
    }
    if (made)
        gradient(job, node, &p, worker, weight, bias);
    vae_profile_mark(VAE_PHASE_WEIGHT_GRADIENTS);
    double sum = use(job, p.weight, p.weights, weight);
    if (p.biases)
        sum += use(job, p.bias, p.biases, bias);
    t->partial[task] = sum;
    vae_profile_mark(VAE_PHASE_UPDATE);
}

/* ---- scales that are learned outside the decoder ---- */

/* From the log-likelihoods of the rows' draws, in order. */
static double bound_slope(const struct job *job, const struct vae_cells_span *span, const double *loglik)
{
    const struct vae_bound *b = job->bound;
    double slope = 0, scale = (double)job->net->params[span->scale_at];
    for (size_t i = 0; i < b->n; i++)
        for (size_t s = 0; s < b->draws; s++)
            slope += b->relative[s * b->ld + i] *
                     span->kind->scale_slope(loglik[s * b->ld + i], (double)span->columns, scale);
    return -slope / b->total;
}

/* No slope where the scale is clamped. */
static float scale_gradient(const struct job *job, size_t k)
{
    const struct vae_cells_span *span = &job->net->spans[k];
    const double *values = vae_loss_span_values(job->net, job->ws, k);
    double slope = 0;
    if (job->net->params[span->scale_at] < span->scale_min)
        return 0;
    if (job->bound)
        return (float)bound_slope(job, span, values);
    for (size_t i = 0; i < job->pass->rows.n; i++)
        slope += values[i];
    return (float)slope;
}

static double run_scales(const struct job *job)
{
    double sum = 0;
    for (size_t k = 0; k < job->net->n_spans; k++) {
        size_t at = job->net->spans[k].scale_at;
        if (!vae_scale_is_learned(&job->net->spans[k]))
            continue;
        int made = job->work & WORK_GRADIENT && takes_part(job, vae_network_nodes(job->net) - 1);
        float scratch, *g = made && job->through_scratch ? &scratch : &job->trainer->grads[at];
        if (made)
            *g = scale_gradient(job, k);
        sum += use(job, at, 1, g);
    }
    return sum;
}

/* ---- the prior's parameters ---- */

static double run_prior(const struct job *job)
{
    struct vae_component_gradient from;
    int made = job->work & WORK_GRADIENT && job->bound != NULL;
    double sum = 0;
    for (size_t i = 0; vae_components_gradient(job->net, job->pass, i, &from); i++)
        for (size_t k = 0; k < from.rows; k++) {
            size_t at = from.at + k * from.cols;
            float *grads = job->trainer->grads + at;
            const float *g = made ? from.g + k * from.ld : grads;
            if (made && !job->through_scratch)
                memcpy(grads, g, from.cols * sizeof *g);
            sum += use(job, at, from.cols, g);
        }
    return sum;
}

static double run(struct job *job)
{
    size_t pieces = job->trainer->first_piece[vae_network_nodes(job->net)];
    double sum = run_scales(job) + run_prior(job);
    vae_pool_run(&job->ws->pool, pieces, run_piece, job);
    for (size_t i = 0; i < pieces; i++)
        sum += job->trainer->partial[i];
    return sum;
}

/* ---- what can overflow ---- */

/* The largest update after which every finite parameter is still finite is half an ULP of the largest
 * float32. */
#define MOST_UPDATE 1e30
/* Its square is far from the largest float32. */
#define MOST_GRADIENT 1e18

static struct vae_rule next_rule(const struct vae_trainer *t)
{
    struct vae_optimizer_counts counts = t->counts;
    t->optimizer->count(&t->settings, &counts);
    return t->optimizer->prepare(&t->settings, &counts);
}

/* Of an update by gradients of at most g, whose rule may be asked for. */
static int update_bounded(const struct vae_trainer *t, const struct vae_rule *rule, double g)
{
    double reach[VAE_MOST_MOMENTS];
    memcpy(reach, t->reach, sizeof reach);
    return t->optimizer->most(rule, g, reach) < MOST_UPDATE;
}

/* A gradient of a learned scale is at most about a row's log-likelihood. */
static int scales_bounded(const struct vae_pass *p, const struct vae_bound *b)
{
    for (size_t k = 0; k < p->net->n_spans; k++) {
        const double *loglik = vae_loss_span_values(p->net, p->ws, k);
        for (size_t s = 0; vae_scale_is_learned(&p->net->spans[k]) && s < b->draws; s++)
            for (size_t i = 0; i < b->n; i++)
                if (!(fabs(loglik[s * b->ld + i]) * b->sum / b->total < MOST_GRADIENT))
                    return 0;
    }
    return 1;
}

static int prior_bounded(const struct vae_pass *p)
{
    struct vae_component_gradient of;
    for (size_t i = 0; vae_components_gradient(p->net, p, i, &of); i++)
        for (size_t k = 0; k < of.rows; k++)
            if (!((double)p->net->kernels->train->max_abs(of.cols, of.g + k * of.ld) < MOST_GRADIENT))
                return 0;
    return 1;
}

int vae_gradient_bounded(const struct vae_pass *p, const struct vae_trainer *t, const struct vae_bound *b)
{
    struct vae_rule rule = next_rule(t);
    if (!scales_bounded(p, b) || !prior_bounded(p) || !update_bounded(t, &rule, MOST_GRADIENT))
        return 0;
    for (size_t i = 0; i < vae_network_nodes(p->net); i++) {
        const struct vae_node *node = &p->net->nodes[i];
        int drawn = p->ws->values[node->to].drawn;
        double rows = drawn ? (double)b->n * (double)p->draws : (double)b->n + (double)p->extra;
        double x = vae_most_y(p->net, p->ws, node->from), g = vae_most_g(p->net, p->ws, node->to);
        if (!(node->kind->bound(rows, x, g) < MOST_GRADIENT))
            return 0;
    }
    return 1;
}

/* On copies, by the very kernels of the update. */
uint64_t vae_gradient_overflows(
    const struct vae_network *net, const struct vae_trainer *t, double squared_norm)
{
    enum { ROOM = 256 };
    struct vae_rule rule = next_rule(t);
    float p[ROOM],
        moments[VAE_MOST_MOMENTS][ROOM], *const moment[VAE_MOST_MOMENTS] = {moments[0], moments[1]};
    if (update_bounded(t, &rule, sqrt(squared_norm)))
        return net->learned;
    for (uint64_t at = 0; at < net->learned; at += ROOM) {
        size_t n = net->learned - at < ROOM ? (size_t)(net->learned - at) : ROOM;
        memcpy(p, net->params + at, n * sizeof *p);
        for (unsigned k = 0; k < t->optimizer->moments; k++)
            memcpy(moments[k], t->moment[k] + at, n * sizeof *p);
        t->optimizer->update(net->kernels->train, &rule, n, t->grads + at, p, moment);
        for (size_t i = 0; i < n; i++) {
            float all = p[i] - p[i];
            for (unsigned k = 0; k < t->optimizer->moments; k++)
                all += moments[k][i] - moments[k][i];
            if (all != 0)
                return at + i;
        }
    }
    return net->learned;
}

/* ---- what happens to a gradient before the update ---- */

/* As torch.nn.utils.clip_grad_norm_, but for the 1e-6 there: the norm is cut to clip_norm itself. */
static double clip_factor(const struct vae_trainer *t, double squared_norm)
{
    double norm = sqrt(squared_norm), limit = t->settings.clip_norm;
    return limit > 0 && norm > limit ? limit / norm : 1;
}

static double added_decay(const struct vae_trainer *t)
{
    return t->optimizer->decoupled ? 0 : t->settings.weight_decay;
}

int vae_gradient_is_adjusted(const struct vae_trainer *t)
{
    return t->settings.clip_norm > 0 || added_decay(t) > 0;
}

/* ---- the ways to run ---- */

static double run_update(struct job *job)
{
    struct vae_trainer *t = job->trainer;
    t->optimizer->count(&t->settings, &t->counts);
    job->rule = t->optimizer->prepare(&t->settings, &t->counts);
    double sum = run(job);
    t->optimizer->most(&job->rule, sqrt(sum), t->reach);
    return sum;
}

double vae_gradient_run(const struct vae_pass *p, struct vae_trainer *t, const struct vae_bound *b)
{
    struct job job = {.net = p->net, .ws = p->ws, .trainer = t, .pass = p, .bound = b, .work = WORK_GRADIENT};
    return run(&job);
}

double vae_gradient_add(
    const struct vae_pass *p, struct vae_trainer *t, const struct vae_bound *b, size_t from, size_t to)
{
    struct job job = {.net = p->net,
        .ws = p->ws,
        .trainer = t,
        .pass = p,
        .bound = b,
        .work = WORK_GRADIENT | WORK_ADD,
        .through_scratch = 1,
        .from = from,
        .to = to};
    return run(&job);
}

double vae_gradient_norm(const struct vae_network *net, struct vae_workspace *ws, struct vae_trainer *t)
{
    struct job job = {.net = net, .ws = ws, .trainer = t};
    return run(&job);
}

double vae_gradient_adjust(
    const struct vae_network *net, struct vae_workspace *ws, struct vae_trainer *t, double squared_norm)
{
    struct job job = {.net = net,
        .ws = ws,
        .trainer = t,
        .factor = (float)clip_factor(t, squared_norm),
        .decay = (float)added_decay(t),
        .work = WORK_ADJUST};
    return job.factor < 1 || job.decay > 0 ? run(&job) : squared_norm;
}

void vae_gradient_apply(const struct vae_network *net, struct vae_workspace *ws, struct vae_trainer *t)
{
    struct job job = {.net = net, .ws = ws, .trainer = t, .work = WORK_UPDATE};
    run_update(&job);
}

double vae_gradient_fused(const struct vae_pass *p, struct vae_trainer *t, const struct vae_bound *b)
{
    struct job job = {.net = p->net,
        .ws = p->ws,
        .trainer = t,
        .pass = p,
        .bound = b,
        .work = WORK_GRADIENT | WORK_UPDATE,
        .through_scratch = 1};
    return run_update(&job);
}
