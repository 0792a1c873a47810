/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 3. One VAE as the objective sees it: weights, layers, families, and the workspace of one caller. A
 * model and each of its views have one of their own, over the same weights.
 */
#ifndef VAE_LIB_NET_H
#define VAE_LIB_NET_H

#include "likelihood.h"
#include "network.h"
#include "pool.h"
#include "posterior.h"

/* Largest magnitudes of a layer's operands in the last training pass. */
struct vae_bounds {
    float x, g;
};

struct vae_net {
    const struct vae_kernels *kernels;
    struct vae_gemm gemm;
    struct vae_pool pool;
    struct vae_weights weights;
    struct vae_stack encoder, decoder;
    struct vae_posterior posterior;
    struct vae_likelihood likelihood;
    size_t x_dim, z_dim;
    size_t max_batch; /* rows that one pass holds */
    size_t samples;   /* draws a row in a training pass */

    /* Workspace. Row r, sample s of the decoder is row r * samples + s of its arrays. */
    size_t ldz;
    float *z;                            /* [max_batch * samples][ldz] */
    float *eps;                          /* [samples][max_batch][z_dim] */
    double *loglik, *kl, *sample_loglik; /* [max_batch] */
    size_t packed_size;
    float *packed; /* [threads][packed_size]: the operands of a worker's product */

    /* For training only; NULL in a view. */
    float *gz;                 /* as z */
    float *kl_scale;           /* [max_batch] */
    struct vae_bounds *bounds; /* [threads][layers], encoder's first */
};

/* A batch after all checks. seed: the model's, already mixed with the batch's. */
struct vae_rows {
    const float *x;
    size_t ldx, n;
    uint64_t first_row, seed;
};

static inline float *vae_net_packed(const struct vae_net *net, size_t worker)
{
    return net->packed + worker * net->packed_size;
}

static inline size_t vae_net_layers(const struct vae_net *net)
{
    return net->encoder.count + net->decoder.count;
}

/* Before each reading pass: the next one meets the weights from the other end, and finds in the cache what
 * the last one left there; in one direction a cache that is a little too small would keep nothing. */
static inline void vae_net_turn(struct vae_net *net)
{
    net->weights.descending = !net->weights.descending;
}

/* How many rows a task takes: a thread's share, because every task reads all weights once; never more than
 * keep their activations in the second-level cache. */
static inline size_t vae_net_chunk(const struct vae_net *net, size_t n, size_t samples)
{
    size_t most = samples < 64 ? 128 / samples + (128 % samples != 0) : 2;
    size_t threads = net->pool.threads, share = (n + threads - 1) / threads;
    return share < most ? share + (share == 0) : most;
}

#endif
