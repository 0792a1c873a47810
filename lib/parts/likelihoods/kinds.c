/* SPDX-License-Identifier: BSD-2-Clause
 * The likelihoods, one row each.
 */
#include "likelihood.h"

extern const struct vae_likelihood_kind vae_likelihood_bernoulli;
extern const struct vae_likelihood_kind vae_likelihood_gauss;
extern const struct vae_likelihood_kind vae_likelihood_laplace;
extern const struct vae_likelihood_kind vae_likelihood_poisson;
extern const struct vae_likelihood_kind vae_likelihood_cbernoulli;
static const struct vae_likelihood_kind *const kinds[] = {
    &vae_likelihood_bernoulli,
    &vae_likelihood_gauss,
    &vae_likelihood_laplace,
    &vae_likelihood_poisson,
    &vae_likelihood_cbernoulli,
};
const int32_t vae_likelihood_last = VAE_DISCRETIZED_LOGISTIC;

const struct vae_likelihood_kind *vae_likelihood_of(int32_t number)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->number == number)
            return kinds[i];
    return NULL;
}
