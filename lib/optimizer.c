/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 2. Weight gradients and the update by them, piece by piece: together where no gradient can overflow.
 *
 * A piece is some rows of one panel of one layer's weights, contiguous in the flat arrays, small enough for
 * the nearest cache: its gradient is made there, measured, and used for the update before it has left. Adam:
 * Kingma & Ba, arXiv:1412.6980. Pieces do not depend on threads or instruction sets, and so neither does the
 * norm that they add up to.
 */
#include "optimizer.h"

#include "profile.h"

#include <math.h>
#include <vae/vae.h>

/* Rows of a piece: 8 tiles of 14, and 14 KB of gradient at 32 columns. */
#define PIECE_ROWS 112

enum work { WORK_GRADIENT = 1, WORK_UPDATE = 2 };

struct job {
    struct vae_optimizer *optimizer;
    struct vae_net *net;
    const struct vae_rows *rows;
    struct vae_adam adam;
    int work, through_scratch;
};

/* One layer with the operands of its weight gradient, x' g. */
struct operands {
    const struct vae_dense *layer;
    const float *x, *g;
    size_t ldx, ldg, n;
};

struct piece {
    struct operands operands;
    size_t row, rows, col, cols, ld;
    size_t weight, bias; /* offsets in the flat arrays */
};

static size_t piece_rows(const struct vae_net *net, const struct vae_dense *layer)
{
    return net->gemm.provider == VAE_GEMM_NATIVE && layer->in > PIECE_ROWS ? PIECE_ROWS : layer->in;
}

static size_t row_pieces(const struct vae_net *net, const struct vae_dense *layer)
{
    size_t rows = piece_rows(net, layer);
    return (layer->in + rows - 1) / rows;
}

static size_t layer_pieces(const struct vae_net *net, const struct vae_dense *layer)
{
    struct vae_panels weight = vae_dense_weight(layer, &net->weights);
    return vae_panels_count(&weight) * row_pieces(net, layer);
}

size_t vae_optimizer_scratch(const struct vae_net *net)
{
    return net->gemm.provider == VAE_GEMM_NATIVE ? (PIECE_ROWS + 1) * VAE_PANEL : 0;
}

static const struct vae_dense *layer_at(const struct vae_net *net, size_t i)
{
    return i < net->encoder.count ? &net->encoder.layers[i] : &net->decoder.layers[i - net->encoder.count];
}

uint64_t vae_optimizer_pieces(const struct vae_net *net)
{
    uint64_t total = 0;
    for (size_t i = 0; i < vae_net_layers(net); i++)
        total += layer_pieces(net, layer_at(net, i));
    return total;
}

static struct operands operands_of(const struct vae_net *net, const struct vae_rows *rows, size_t i)
{
    int encoder = i < net->encoder.count;
    const struct vae_stack *stack = encoder ? &net->encoder : &net->decoder;
    size_t own = encoder ? i : i - net->encoder.count;
    const struct vae_activations *values = &stack->values[own];
    struct operands o = {.layer = &stack->layers[own], .g = values->g, .ldg = values->ld};
    if (!rows)
        return o;
    o.n = encoder ? rows->n : rows->n * net->samples;
    o.x = own > 0 ? values[-1].y : encoder ? rows->x : net->z;
    o.ldx = own > 0 ? values[-1].ld : encoder ? rows->ldx : net->ldz;
    return o;
}

static struct piece locate(const struct job *job, size_t task)
{
    const struct vae_net *net = job->net;
    size_t i = 0;
    for (size_t own; task >= (own = layer_pieces(net, layer_at(net, i))); i++)
        task -= own;
    struct piece p = {.operands = operands_of(net, job->rows, i)};
    const struct vae_dense *layer = p.operands.layer;
    struct vae_panels weight = vae_dense_weight(layer, &net->weights);
    size_t pieces = row_pieces(net, layer), rows = piece_rows(net, layer);
    p.row = task % pieces * rows;
    p.rows = layer->in - p.row < rows ? layer->in - p.row : rows;
    struct vae_panels one = vae_panels_one(&weight, task / pieces, p.row);
    p.col = task / pieces * weight.width;
    p.cols = one.cols;
    p.ld = one.ld;
    p.weight = (size_t)(one.data - net->weights.params);
    p.bias = layer->bias + p.col;
    return p;
}

/* The piece's gradient, and that of its columns' biases if it is the panel's first. */
static void gradient(const struct job *job, const struct piece *p, float *weight, float *bias)
{
    const struct operands *o = &p->operands;
    const float *g = o->g + p->col;
    struct vae_product product = {.m = p->rows,
        .k = o->n,
        .a = o->x + p->row,
        .a_row = 1,
        .a_col = o->ldx,
        .b = {(float *)g, p->cols, p->cols, p->cols, o->ldg, o->ldg},
        .c = {weight, p->cols, p->cols, p->cols, p->ld, p->ld}};
    if (job->work & WORK_UPDATE)
        product.ahead = (struct vae_ahead){{job->net->weights.params + p->weight,
                                               job->optimizer->m + p->weight, job->optimizer->v + p->weight},
            p->rows * p->ld, 1};
    vae_gemm_run(&job->net->gemm, &product);
    if (p->row == 0)
        job->net->kernels->train->column_sums(o->n, p->cols, g, o->ldg, bias);
}

/* Of n numbers of the gradient, which belong at `offset`: the squared norm, after the update where there is
 * one. */
static double use(const struct job *job, size_t offset, size_t n, const float *g)
{
    struct vae_optimizer *o = job->optimizer;
    const struct vae_train_kernels *kernels = job->net->kernels->train;
    if (!(job->work & WORK_UPDATE))
        return kernels->sum_squares(n, g);
    return kernels->adam(&job->adam, n, g, job->net->weights.params + offset, o->m + offset, o->v + offset);
}

static void run_piece(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    struct vae_optimizer *o = job->optimizer;
    struct piece p = locate(job, task);
    float *weight = o->grads + p.weight, *bias = o->grads + p.bias;
    vae_profile_start();
    if (job->through_scratch) {
        weight = o->scratch + worker * vae_optimizer_scratch(job->net);
        bias = weight + PIECE_ROWS * VAE_PANEL;
    }
    if (job->work & WORK_GRADIENT)
        gradient(job, &p, weight, bias);
    vae_profile_mark(VAE_PHASE_WEIGHT_GRADIENTS);
    double sum = use(job, p.weight, p.rows * p.ld, weight);
    if (p.row == 0)
        sum += use(job, p.bias, p.cols, bias);
    o->partial[task] = sum;
    vae_profile_mark(VAE_PHASE_UPDATE);
}

/* The one parameter outside the layers: a learned log-variance, whose gradient follows from the rows'
 * log-likelihoods. */
static double run_shared_logvar(const struct job *job)
{
    const struct vae_likelihood *l = &job->net->likelihood;
    if (!l->shared_logvar)
        return 0;
    size_t offset = (size_t)(l->shared_logvar - job->net->weights.params);
    float g = job->optimizer->grads[offset];
    if (job->work & WORK_GRADIENT) {
        double slope = 0;
        for (size_t i = 0; i < job->rows->n; i++)
            slope += vae_likelihood_shared_slope(l, job->net->loglik[i]);
        g = (float)(-slope / (double)job->rows->n);
        if (!job->through_scratch)
            job->optimizer->grads[offset] = g;
    }
    return use(job, offset, 1, &g);
}

static double run(struct job *job)
{
    size_t pieces = (size_t)vae_optimizer_pieces(job->net);
    double sum = run_shared_logvar(job);
    vae_pool_run(&job->net->pool, pieces, run_piece, job);
    for (size_t i = 0; (job->work & WORK_GRADIENT) && i < pieces; i++)
        sum += job->optimizer->partial[i];
    return sum;
}

static struct vae_adam next_step(struct vae_optimizer *o)
{
    o->steps++;
    o->power1 *= o->beta1;
    o->power2 *= o->beta2;
    return (struct vae_adam){.beta1 = (float)o->beta1,
        .beta2 = (float)o->beta2,
        .rate = (float)(o->learning_rate / (1 - o->power1)),
        .epsilon = (float)o->epsilon,
        .root_correction2 = (float)(1 / sqrt(1 - o->power2)),
        .rest1 = (float)(1 - o->beta1),
        .rest2 = (float)(1 - o->beta2)};
}

/* A gradient of a learned log-variance is at most about a row's log-likelihood. */
static int shared_bounded(const struct vae_net *net, size_t n, double limit)
{
    for (size_t i = 0; net->likelihood.shared_logvar && i < n; i++)
        if (!(fabs(net->loglik[i]) < limit))
            return 0;
    return 1;
}

int vae_optimizer_bounded(const struct vae_net *net, size_t n)
{
    const double limit = 1e18; /* its square is far from the largest float32 */
    size_t layers = vae_net_layers(net);
    if (!shared_bounded(net, n, limit))
        return 0;
    for (size_t i = 0; i < layers; i++) {
        double x = 1, g = 0, rows = (double)n * (i < net->encoder.count ? 1.0 : (double)net->samples);
        for (size_t t = 0; t < net->pool.threads; t++) {
            const struct vae_bounds *b = &net->bounds[t * layers + i];
            x = b->x > x ? b->x : x;
            g = b->g > g ? b->g : g;
        }
        if (!(rows * x * g < limit))
            return 0;
    }
    return 1;
}

double vae_optimizer_gradient(
    struct vae_optimizer *optimizer, struct vae_net *net, const struct vae_rows *rows)
{
    struct job job = {.optimizer = optimizer, .net = net, .rows = rows, .work = WORK_GRADIENT};
    return run(&job);
}

void vae_optimizer_apply(struct vae_optimizer *optimizer, struct vae_net *net)
{
    struct job job = {.optimizer = optimizer, .net = net, .adam = next_step(optimizer), .work = WORK_UPDATE};
    run(&job);
}

double vae_optimizer_fused(struct vae_optimizer *optimizer, struct vae_net *net, const struct vae_rows *rows)
{
    struct job job = {.optimizer = optimizer,
        .net = net,
        .rows = rows,
        .adam = next_step(optimizer),
        .work = WORK_GRADIENT | WORK_UPDATE,
        .through_scratch = 1};
    return run(&job);
}
