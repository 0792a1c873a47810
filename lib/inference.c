/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 2. The passes that stop half-way: x to q(z|x), z to p(x|z), x to its reconstruction.
 */
#include "inference.h"

#include <string.h>
#include <vae/vae.h>

struct job {
    struct vae_net *net;
    size_t n, chunk;
    const float *x; /* [n][x_dim], or NULL: start at z */
    const float *z; /* [n][z_dim], or NULL: z = mu */
    float *mu, *logvar;
    const struct vae_decoded *decoded; /* NULL: stop at q */
};

static void put_head(const struct job *job, size_t first, size_t n)
{
    size_t d = job->net->z_dim;
    const struct vae_activations *top = vae_stack_top(&job->net->encoder);
    for (size_t i = first; i < first + n; i++) {
        if (job->mu)
            memcpy(job->mu + i * d, top->y + i * top->ld, d * sizeof(float));
        if (job->logvar)
            memcpy(job->logvar + i * d, top->y + i * top->ld + d, d * sizeof(float));
    }
}

static void put_decoded(const struct job *job, size_t first, size_t n)
{
    const struct vae_net *net = job->net;
    const struct vae_activations *top = vae_stack_top(&net->decoder);
    const struct vae_decoded *out = job->decoded;
    float *head = top->y + first * top->ld;
    size_t offset = first * net->x_dim;
    vae_likelihood_finish_head(&net->likelihood, n, head, top->ld);
    if (out->x_mean)
        vae_likelihood_mean(&net->likelihood, n, head, top->ld, out->x_mean + offset);
    if (out->location)
        vae_likelihood_params(&net->likelihood, n, head, top->ld, out->location + offset,
            out->logvar ? out->logvar + offset : NULL);
}

static void pass(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    struct vae_net *net = job->net;
    size_t first = task * job->chunk, last = first + job->chunk < job->n ? first + job->chunk : job->n;
    const float *z = job->z;
    size_t ldz = net->z_dim;
    float *packed = vae_net_packed(net, worker);
    if (job->x) {
        vae_stack_forward(&net->gemm, &net->weights, &net->encoder, job->x, net->x_dim, first, last, packed);
        put_head(job, first, last - first);
        z = vae_stack_top(&net->encoder)->y;
        ldz = vae_stack_top(&net->encoder)->ld;
    }
    if (!job->decoded)
        return;
    vae_stack_forward(&net->gemm, &net->weights, &net->decoder, z, ldz, first, last, packed);
    put_decoded(job, first, last - first);
}

static void run(struct job job)
{
    job.chunk = vae_net_chunk(job.net, job.n, 1);
    vae_net_turn(job.net);
    vae_likelihood_prepare(&job.net->likelihood);
    vae_pool_run(&job.net->pool, (job.n + job.chunk - 1) / job.chunk, pass, &job);
}

void vae_inference_encode(struct vae_net *net, const float *x, size_t n, float *mu, float *logvar)
{
    run((struct job){.net = net, .n = n, .x = x, .mu = mu, .logvar = logvar});
}

void vae_inference_decode(struct vae_net *net, const float *z, size_t n, const struct vae_decoded *out)
{
    run((struct job){.net = net, .n = n, .z = z, .decoded = out});
}

void vae_inference_reconstruct(struct vae_net *net, const float *x, size_t n, float *x_mean)
{
    struct vae_decoded out = {.x_mean = x_mean};
    run((struct job){.net = net, .n = n, .x = x, .decoded = &out});
}

void vae_inference_sample(struct vae_net *net, uint64_t seed, uint64_t first_row, size_t n, float *x_mean)
{
    struct vae_decoded out = {.x_mean = x_mean};
    net->kernels->rng->normal32(
        seed, vae_noise_stream(VAE_STREAM_PRIOR, 0, 0), first_row * net->z_dim, n * net->z_dim, net->eps);
    run((struct job){.net = net, .n = n, .z = net->eps, .decoded = &out});
}

void vae_inference_latent_kl(struct vae_net *net, const float *x, size_t n, double *sum)
{
    const struct vae_activations *top = vae_stack_top(&net->encoder);
    run((struct job){.net = net, .n = n, .x = x});
    for (size_t j = 0; j < net->z_dim; j++)
        for (size_t i = 0; i < n; i++) {
            const float *head = top->y + i * top->ld + j;
            double kl;
            net->kernels->exact32->kl_diag(1, 1, head, 1, head + net->z_dim, 1, NULL, &kl, NULL, 0, NULL, 0);
            sum[j] += kl;
        }
}
