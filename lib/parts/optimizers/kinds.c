/* SPDX-License-Identifier: BSD-2-Clause
 * The optimizers, one row each.
 */
#include "optimizer.h"

extern const struct vae_optimizer_kind vae_optimizer_adamw, vae_optimizer_adagrad, vae_optimizer_sgd;
static const struct vae_optimizer_kind *const kinds[] = {
    &vae_optimizer_adam,
    &vae_optimizer_adamw,
    &vae_optimizer_adagrad,
    &vae_optimizer_sgd,
};
const int32_t vae_optimizer_last = VAE_SGD;

const struct vae_optimizer_kind *vae_optimizer_of(int32_t number)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->number == number)
            return kinds[i];
    return NULL;
}
