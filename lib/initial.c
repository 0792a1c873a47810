/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 1. The first values of the parameters.
 *
 * Glorot: Glorot & Bengio 2010, eq. (16). He: He et al., arXiv:1502.01852, eq. (10). The first is PyTorch's
 * nn.Linear, weights and biases alike uniform within 1 / sqrt(fan_in).
 */
#include "initial.h"

#include <math.h>
#include <string.h>

/* Values are drawn in canonical order into a piece of this many, then put where the model holds them. */
#define DRAWN 256

struct law {
    int normal;
    double weight_scale, bias_scale; /* half-width or standard deviation */
};

static struct law law_of(const vae_config *c, const struct vae_dense *layer)
{
    double in = (double)layer->in, out = (double)layer->out, scale = c->init_scale;
    switch (c->init) {
    case VAE_INIT_GLOROT:
        return (struct law){0, scale * sqrt(6 / (in + out)), 0};
    case VAE_INIT_HE:
        return (struct law){1, scale * sqrt(2 / in), 0};
    case VAE_INIT_NORMAL:
        return (struct law){1, scale, scale};
    default:
        return (struct law){0, scale / sqrt(in), scale / sqrt(in)};
    }
}

static void draw(
    const struct vae_model *model, uint64_t seed, uint64_t offset, size_t n, int normal, float *to)
{
    const struct vae_rng_kernels *rng = model->net.kernels->rng;
    uint64_t stream = vae_noise_stream(VAE_STREAM_INIT, 0, 0);
    uint32_t words[DRAWN];
    if (normal) {
        rng->normal32(seed, stream, offset, n, to);
        return;
    }
    rng->random_u32(seed, stream, offset, n, words);
    for (size_t i = 0; i < n; i++)
        to[i] = (float)(((double)words[i] + 0.5) * 0x1p-31 - 1.0);
}

static void fill(struct vae_model *model, const vae_config *c, const struct vae_tensor *t)
{
    struct law law = law_of(c, t->layer);
    double scale = t->is_bias ? law.bias_scale : law.weight_scale;
    uint64_t count = t->shape[0] * t->shape[1];
    float drawn[DRAWN];
    for (uint64_t i = 0; i < count; i += DRAWN) {
        size_t n = count - i < DRAWN ? (size_t)(count - i) : DRAWN;
        draw(model, c->seed, t->offset + i, n, law.normal, drawn);
        for (size_t j = 0; j < n; j++)
            model->net.weights.params[vae_model_own_index(model, t, i + j)] =
                (float)(scale * (double)drawn[j]);
    }
}

void vae_initial_params(struct vae_model *model, const vae_config *c)
{
    for (uint64_t i = 0; i < model->tensor_count; i++)
        if (model->tensors[i].layer)
            fill(model, c, &model->tensors[i]);
        else
            model->net.weights.params[model->tensors[i].own] = (float)c->gauss_logvar;
}
