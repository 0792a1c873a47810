/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 2. The evidence lower bound, L = E_q[log p(x|z)] - KL(q(z|x) || p(z)), forward and backward.
 *
 * Kingma & Welling, arXiv:1312.6114, eq. (10): the KL in closed form, the reconstruction by L draws. A task
 * takes some rows through the whole pass, from x to the gradients of every layer, so threads meet once, at
 * its end. Rows know nothing of each other here: what a row gives does not depend on how rows are cut into
 * tasks, calls or batches.
 */
#include "objective.h"

#include "profile.h"

#include <vae/vae.h>

struct job {
    struct vae_net *net;
    const struct vae_rows *rows;
    size_t samples, chunk;
    uint64_t step;
};

struct range {
    size_t first, last, n;
};

static struct range range_of(const struct job *job, size_t task)
{
    size_t first = task * job->chunk, last = first + job->chunk;
    if (last > job->rows->n)
        last = job->rows->n;
    return (struct range){first, last, last - first};
}

static void encode(const struct job *job, struct range r, size_t worker)
{
    struct vae_net *net = job->net;
    struct vae_activations *top = vae_stack_top(&net->encoder);
    vae_profile_start();
    vae_stack_forward(&net->gemm, &net->weights, &net->encoder, job->rows->x, job->rows->ldx, r.first, r.last,
        vae_net_packed(net, worker));
    vae_profile_mark(VAE_PHASE_ENCODER_FORWARD);
    vae_posterior_kl(&net->posterior, r.n, top->y + r.first * top->ld, top->ld, net->kl + r.first);
}

/* Draw `sample` of these rows into every stride-th row of z. */
static void draw(
    const struct job *job, struct range r, int purpose, size_t sample, float *eps, float *z, size_t stride)
{
    struct vae_net *net = job->net;
    struct vae_activations *top = vae_stack_top(&net->encoder);
    uint64_t stream = vae_noise_stream(purpose, sample, job->step);
    net->kernels->rng->normal32(
        job->rows->seed, stream, (job->rows->first_row + r.first) * net->z_dim, r.n * net->z_dim, eps);
    vae_posterior_draw(&net->posterior, r.n, top->y + r.first * top->ld, top->ld, eps, z, stride * net->ldz);
}

static void copy_mu(struct vae_net *net, struct range r)
{
    struct vae_activations *top = vae_stack_top(&net->encoder);
    for (size_t i = r.first; i < r.last; i++)
        for (size_t j = 0; j < net->z_dim; j++)
            net->z[i * net->ldz + j] = top->y[i * top->ld + j];
}

/* log p(x|z) of one draw a row, by the exact kernels. */
static void decode_exact(const struct job *job, struct range r, double *value, size_t worker)
{
    struct vae_net *net = job->net;
    struct vae_activations *top = vae_stack_top(&net->decoder);
    float *head = top->y + r.first * top->ld;
    vae_stack_forward(&net->gemm, &net->weights, &net->decoder, net->z, net->ldz, r.first, r.last,
        vae_net_packed(net, worker));
    vae_likelihood_finish_head(&net->likelihood, r.n, head, top->ld);
    net->likelihood.family->exact(&net->likelihood, r.n, job->rows->x + r.first * job->rows->ldx,
        job->rows->ldx, head, top->ld, value + r.first);
}

static void evaluate_rows(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    struct vae_net *net = job->net;
    struct range r = range_of(job, task);
    encode(job, r, worker);
    if (job->samples == 0) {
        copy_mu(net, r);
        decode_exact(job, r, net->loglik, worker);
        return;
    }
    for (size_t i = r.first; i < r.last; i++)
        net->loglik[i] = 0;
    for (size_t s = 0; s < job->samples; s++) {
        draw(job, r, VAE_STREAM_EVALUATE, s, net->eps + r.first * net->z_dim, net->z + r.first * net->ldz, 1);
        decode_exact(job, r, net->sample_loglik, worker);
        for (size_t i = r.first; i < r.last; i++)
            net->loglik[i] += net->sample_loglik[i];
    }
    for (size_t i = r.first; i < r.last; i++)
        net->loglik[i] /= (double)job->samples;
}

void vae_objective_evaluate(struct vae_net *net, const struct vae_rows *rows, size_t samples)
{
    struct job job = {net, rows, samples, vae_net_chunk(net, rows->n, 1), 0};
    vae_net_turn(net);
    vae_likelihood_prepare(&net->likelihood);
    vae_pool_run(&net->pool, (rows->n + job.chunk - 1) / job.chunk, evaluate_rows, &job);
}

/* Value and gradient at the decoder's head, sample by sample; loglik is their mean. */
static void reconstruct(const struct job *job, struct range r)
{
    struct vae_net *net = job->net;
    struct vae_activations *top = vae_stack_top(&net->decoder);
    size_t samples = net->samples, ld = samples * top->ld;
    float scale = (float)(-1.0 / ((double)job->rows->n * (double)samples));
    const float *x = job->rows->x + r.first * job->rows->ldx;
    for (size_t s = 0; s < samples; s++) {
        size_t offset = (r.first * samples + s) * top->ld;
        double *value = s == 0 ? net->loglik : net->sample_loglik;
        net->likelihood.family->train(&net->likelihood, r.n, x, job->rows->ldx, top->y + offset, ld, scale,
            value + r.first, top->g + offset, ld);
        for (size_t i = r.first; s > 0 && i < r.last; i++)
            net->loglik[i] += net->sample_loglik[i];
    }
    for (size_t i = r.first; i < r.last; i++)
        net->loglik[i] /= (double)samples;
}

/* The gradient at the encoder's head: the KL's, then each draw's. */
static void posterior_backward(const struct job *job, struct range r)
{
    struct vae_net *net = job->net;
    struct vae_activations *top = vae_stack_top(&net->encoder);
    const float *head = top->y + r.first * top->ld;
    float *g = top->g + r.first * top->ld;
    vae_posterior_kl_grad(&net->posterior, r.n, head, top->ld, net->kl_scale + r.first, g, top->ld);
    for (size_t s = 0; s < net->samples; s++)
        vae_posterior_draw_grad(&net->posterior, r.n, head, top->ld,
            net->eps + (s * net->max_batch + r.first) * net->z_dim,
            net->gz + (r.first * net->samples + s) * net->ldz, net->samples * net->ldz, g, top->ld);
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

static float largest(const struct vae_net *net, const float *rows, size_t ld, size_t cols, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = larger(most, net->kernels->train->max_abs(cols, rows + i * ld));
    return most;
}

/* What these rows hold of each layer's operands of the weight gradient. */
static void note_bounds(const struct vae_net *net, const struct vae_stack *stack, const float *x, size_t ldx,
    size_t first, size_t n, struct vae_bounds *bounds)
{
    for (size_t i = 0; i < stack->count; i++) {
        const struct vae_activations *v = &stack->values[i];
        bounds[i].x = larger(bounds[i].x, largest(net, x + first * ldx, ldx, stack->layers[i].in, n));
        bounds[i].g = larger(bounds[i].g, largest(net, v->g + first * v->ld, v->ld, stack->layers[i].out, n));
        x = v->y;
        ldx = v->ld;
    }
}

static void train_rows(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    struct vae_net *net = job->net;
    struct range r = range_of(job, task);
    struct vae_activations *head = vae_stack_top(&net->decoder);
    size_t first = r.first * net->samples, last = r.last * net->samples;
    float *packed = vae_net_packed(net, worker);

    encode(job, r, worker);
    for (size_t s = 0; s < net->samples; s++)
        draw(job, r, VAE_STREAM_TRAIN, s, net->eps + (s * net->max_batch + r.first) * net->z_dim,
            net->z + (first + s) * net->ldz, net->samples);
    vae_profile_mark(VAE_PHASE_DRAW);
    vae_stack_forward(&net->gemm, &net->weights, &net->decoder, net->z, net->ldz, first, last, packed);
    vae_likelihood_finish_head(&net->likelihood, last - first, head->y + first * head->ld, head->ld);
    vae_profile_mark(VAE_PHASE_DECODER_FORWARD);
    reconstruct(job, r);
    vae_profile_mark(VAE_PHASE_LIKELIHOOD);
    vae_stack_backward(&net->gemm, &net->weights, &net->decoder, net->gz, net->ldz, first, last, packed);
    vae_profile_mark(VAE_PHASE_DECODER_BACKWARD);
    posterior_backward(job, r);
    vae_profile_mark(VAE_PHASE_POSTERIOR_BACKWARD);
    vae_stack_backward(&net->gemm, &net->weights, &net->encoder, NULL, 0, r.first, r.last, packed);
    vae_profile_mark(VAE_PHASE_ENCODER_BACKWARD);

    struct vae_bounds *bounds = net->bounds + worker * vae_net_layers(net);
    note_bounds(net, &net->encoder, job->rows->x, job->rows->ldx, r.first, r.n, bounds);
    note_bounds(net, &net->decoder, net->z, net->ldz, first, last - first, bounds + net->encoder.count);
    vae_profile_mark(VAE_PHASE_BOUNDS);
}

void vae_objective_train(struct vae_net *net, const struct vae_rows *rows, uint64_t step)
{
    struct job job = {net, rows, net->samples, vae_net_chunk(net, rows->n, net->samples), step};
    vae_likelihood_prepare(&net->likelihood);
    for (size_t i = 0; i < net->pool.threads * vae_net_layers(net); i++)
        net->bounds[i] = (struct vae_bounds){0, 0};
    for (size_t i = 0; i < rows->n; i++)
        net->kl_scale[i] = (float)(1.0 / (double)rows->n);
    vae_pool_run(&net->pool, (rows->n + job.chunk - 1) / job.chunk, train_rows, &job);
}
