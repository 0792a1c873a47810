/* SPDX-License-Identifier: BSD-2-Clause
 * The priors, one row each.
 */
#include "prior.h"

extern const struct vae_prior_kind vae_prior_normal, vae_prior_mixture, vae_prior_vamp;
static const struct vae_prior_kind *const kinds[] = {&vae_prior_normal, &vae_prior_mixture, &vae_prior_vamp};
const int32_t vae_prior_last = VAE_PRIOR_VAMP;

const struct vae_prior_kind *vae_prior_of(int32_t number)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->number == number)
            return kinds[i];
    return NULL;
}
