/* SPDX-License-Identifier: BSD-2-Clause
 * The kinds of layer and the activations, one row each.
 */
#include "layer.h"

extern const struct vae_layer_kind vae_layer_dense, vae_layer_gated;
static const struct vae_layer_kind *const kinds[] = {&vae_layer_dense, &vae_layer_gated};
const int32_t vae_layer_kind_last = VAE_LAYER_DROPOUT;

const struct vae_layer_kind *vae_layer_kind_of(int32_t number)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->number == number)
            return kinds[i];
    return NULL;
}

/* The kernels have a formula for each (kernels/train/epilogue.c). Most derivatives follow from the value
 * after the activation. */
static const struct activation {
    int32_t number;
    int keeps_pre;
} activations[] = {
    {VAE_IDENTITY, 0},
    {VAE_RELU, 0},
    {VAE_TANH, 0},
    {VAE_SIGMOID, 0},
    {VAE_SOFTPLUS, 1},
    {VAE_SILU, 1},
    {VAE_GELU, 1},
    {VAE_LEAKY_RELU, 0},
    {VAE_ELU, 0},
};

static const struct activation *find(int32_t number)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (activations[i].number == number)
            return &activations[i];
    return NULL;
}

int vae_activation_known(int32_t number)
{
    return find(number) != NULL;
}

int vae_activation_keeps_pre(int32_t number)
{
    const struct activation *activation = find(number);
    return activation && activation->keeps_pre;
}

size_t vae_row_stride(size_t cols)
{
    size_t lines = cols / 16 + (cols % 16 != 0);
    return (lines | 1) * 16;
}
