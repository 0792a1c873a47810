/* SPDX-License-Identifier: BSD-2-Clause
 * The objectives, one row each.
 */
#include "objective.h"

extern const struct vae_objective_kind vae_objective_elbo, vae_objective_iwae;
static const struct vae_objective_kind *const kinds[] = {&vae_objective_elbo, &vae_objective_iwae};

const struct vae_objective_kind *vae_objective_of(int32_t number)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->number == number)
            return kinds[i];
    return NULL;
}
