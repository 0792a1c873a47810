/* SPDX-License-Identifier: BSD-2-Clause
 * The first values of the parameters.
 *
 * Glorot: Glorot & Bengio 2010, eq. (16). He: He et al., arXiv:1502.01852, eq. (10). The first is PyTorch's
 * nn.Linear, weights and biases alike uniform within 1 / sqrt(fan_in).
 */
#include "initial.h"

#include "pass/stream.h"

#include <math.h>

/* Values are drawn in canonical order, as many at a time. */
#define DRAWN 256

struct law {
    int normal;
    double scale; /* half-width or standard deviation */
};

/* A matrix is a weight, a vector a bias. */
static struct law law_of(const vae_config *c, const struct vae_tensor *t)
{
    double in = (double)t->node->in, out = (double)t->node->out, scale = c->init_scale;
    int bias = t->rank == 1;
    switch (c->init) {
    case VAE_INIT_GLOROT:
        return (struct law){0, bias ? 0 : scale * sqrt(6 / (in + out))};
    case VAE_INIT_HE:
        return (struct law){1, bias ? 0 : scale * sqrt(2 / in)};
    case VAE_INIT_NORMAL:
        return (struct law){1, scale};
    default:
        return (struct law){0, scale / sqrt(in)};
    }
}

static void draw(const struct vae_network *net, uint64_t offset, size_t n, int normal, float *to)
{
    const struct vae_rng_kernels *rng = net->kernels->rng;
    uint64_t stream = vae_stream(VAE_STREAM_INIT, 0, 0);
    uint32_t words[DRAWN];
    if (normal) {
        rng->normal32(net->seed, stream, offset, n, to);
        return;
    }
    rng->random_u32(net->seed, stream, offset, n, words);
    for (size_t i = 0; i < n; i++)
        to[i] = (float)(((double)words[i] + 0.5) * 0x1p-31 - 1.0);
}

static void fill(const vae_config *c, struct vae_network *net, const struct vae_tensor *t)
{
    struct law law = law_of(c, t);
    float drawn[DRAWN];
    for (uint64_t i = 0; i < t->count; i += DRAWN) {
        size_t n = t->count - i < DRAWN ? (size_t)(t->count - i) : DRAWN;
        draw(net, t->offset + i, n, law.normal, drawn);
        for (size_t j = 0; j < n; j++)
            drawn[j] = (float)(law.scale * (double)drawn[j]);
        vae_tensor_put(t, net->panel, drawn, i, n, net->params);
    }
}

static void start_scales(struct vae_network *net)
{
    for (size_t k = 0; k < net->n_spans; k++)
        if (vae_scale_is_learned(&net->spans[k]))
            net->params[net->spans[k].scale_at] = net->spans[k].scale_value;
}

static void start_tensor(
    struct vae_network *net, const struct vae_tensor *t, const struct vae_prior_tensor *law)
{
    float drawn[DRAWN];
    for (uint64_t i = 0; i < t->count; i += DRAWN) {
        size_t n = t->count - i < DRAWN ? (size_t)(t->count - i) : DRAWN;
        draw(net, t->offset + i, n, law->normal, drawn);
        for (size_t j = 0; j < n && !law->normal; j++)
            drawn[j] = law->low + (law->high - law->low) * (0.5f + 0.5f * drawn[j]);
        vae_tensor_put(t, net->panel, drawn, i, n, net->params);
    }
}

/* The prior's tensors are the last ones. */
static void start_prior(
    const vae_config *c, struct vae_network *net, const struct vae_tensor *tensors, size_t count)
{
    struct vae_prior_tensor law;
    size_t own = 0;
    while (net->prior->tensor(c, own, &law))
        own++;
    for (size_t k = 0; net->prior->tensor(c, k, &law); k++)
        start_tensor(net, &tensors[count - own + k], &law);
}

void vae_initial_params(
    const vae_config *config, struct vae_network *net, const struct vae_tensor *tensors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tensors[i].node)
            fill(config, net, &tensors[i]);
    start_scales(net);
    start_prior(config, net, tensors, count);
}
