/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 3. log p(x|z): one row of a table for each family, over the decoder's last layer (its head).
 * Bernoulli and the Gaussians: Kingma & Welling, arXiv:1312.6114, app. C.
 */
#include "likelihood.h"

#include <string.h>
#include <vae/vae.h>

#define LOG_2PI 1.8378770664093453

static void bernoulli_exact(const struct vae_likelihood *l, size_t n, const float *x, size_t ldx,
    const float *head, size_t ldhead, double *value)
{
    l->kernels->exact32->bernoulli(n, l->x_dim, x, ldx, head, ldhead, NULL, value, NULL, 0);
}

static void bernoulli_train(const struct vae_likelihood *l, size_t n, const float *x, size_t ldx,
    const float *head, size_t ldhead, float scale, double *value, float *g, size_t ldg)
{
    l->kernels->train->bernoulli(n, l->x_dim, x, ldx, head, ldhead, scale, value, g, ldg);
}

static const float *logvars(const struct vae_likelihood *l, const float *head, size_t ldhead, size_t *ld)
{
    *ld = l->family->logvar_in_head ? ldhead : 0;
    return l->family->logvar_in_head ? head + l->x_dim : l->logvar_row;
}

static void gauss_exact(const struct vae_likelihood *l, size_t n, const float *x, size_t ldx,
    const float *head, size_t ldhead, double *value)
{
    size_t ld;
    const float *logvar = logvars(l, head, ldhead, &ld);
    l->kernels->exact32->gauss(n, l->x_dim, x, ldx, head, ldhead, logvar, ld, NULL, value, NULL, 0, NULL, 0);
}

static void gauss_train(const struct vae_likelihood *l, size_t n, const float *x, size_t ldx,
    const float *head, size_t ldhead, float scale, double *value, float *g, size_t ldg)
{
    size_t ld;
    const float *logvar = logvars(l, head, ldhead, &ld);
    float *glogvar = l->family->logvar_in_head ? g + l->x_dim : NULL;
    l->kernels->train->gauss(
        n, l->x_dim, x, ldx, head, ldhead, logvar, ld, scale, value, g, ldg, glogvar, ldg);
    struct vae_epilogue slope = {
        .kind = VAE_EPILOGUE_BACKWARD, .activation = l->mean_activation, .y = head, .ldy = ldhead};
    l->kernels->train->epilogue(&slope, n, l->x_dim, g, ldg);
}

static const struct vae_likelihood_family families[] = {
    [VAE_BERNOULLI] = {1, 0, 0, bernoulli_exact, bernoulli_train},
    [VAE_GAUSS_FIXED] = {1, 1, 0, gauss_exact, gauss_train},
    [VAE_GAUSS_SHARED] = {1, 1, 0, gauss_exact, gauss_train},
    [VAE_GAUSS] = {2, 1, 1, gauss_exact, gauss_train},
};

const struct vae_likelihood_family *vae_likelihood_family_of(int32_t likelihood)
{
    if (likelihood < VAE_BERNOULLI || likelihood > VAE_GAUSS)
        return NULL;
    return &families[likelihood];
}

void vae_likelihood_prepare(const struct vae_likelihood *l)
{
    if (!l->logvar_row)
        return;
    float logvar = l->shared_logvar ? *l->shared_logvar : (float)l->gauss_logvar;
    for (size_t j = 0; j < l->x_dim; j++)
        l->logvar_row[j] = logvar;
}

void vae_likelihood_finish_head(const struct vae_likelihood *l, size_t n, float *head, size_t ldhead)
{
    struct vae_epilogue activation = {.kind = VAE_EPILOGUE_FORWARD, .activation = l->mean_activation};
    if (l->family->has_logvar && l->mean_activation != VAE_IDENTITY)
        l->kernels->train->epilogue(&activation, n, l->x_dim, head, ldhead);
}

void vae_likelihood_mean(
    const struct vae_likelihood *l, size_t n, const float *head, size_t ldhead, float *x_mean)
{
    struct vae_epilogue sigmoid = {.kind = VAE_EPILOGUE_FORWARD, .activation = VAE_SIGMOID};
    vae_likelihood_params(l, n, head, ldhead, x_mean, NULL);
    if (!l->family->has_logvar)
        l->kernels->train->epilogue(&sigmoid, n, l->x_dim, x_mean, l->x_dim);
}

void vae_likelihood_params(const struct vae_likelihood *l, size_t n, const float *head, size_t ldhead,
    float *location, float *logvar)
{
    for (size_t i = 0; i < n; i++) {
        size_t ld;
        memcpy(location + i * l->x_dim, head + i * ldhead, l->x_dim * sizeof *location);
        if (logvar)
            memcpy(
                logvar + i * l->x_dim, logvars(l, head + i * ldhead, ldhead, &ld), l->x_dim * sizeof *logvar);
    }
}

/* With S = sum t^2: loglik = -(d log 2 pi + d logvar + S) / 2, and the slope is (S - d) / 2. */
double vae_likelihood_shared_slope(const struct vae_likelihood *l, double loglik)
{
    double d = (double)l->x_dim;
    return -loglik - 0.5 * d * (LOG_2PI + (double)*l->shared_logvar + 1.0);
}
