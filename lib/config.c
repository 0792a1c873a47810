/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 0. Defaults and limits of a model's configuration.
 */
#include "config.h"

#include "gemm.h"
#include "likelihood.h"
#include "status.h"
#include "structs.h"

#include <float.h>

/* A side of a matrix must fit the int of a BLAS; the counts are far beyond what memory holds. */
#define MOST_WIDTH 0x3fffffffu
#define MOST_LAYERS 65535u
#define MOST_SAMPLES 65536u
#define MOST_THREADS 1024

static const vae_config defaults = {
    .likelihood = VAE_BERNOULLI,
    .mean_activation = VAE_IDENTITY,
    .init = VAE_INIT_TORCH,
    .optimizer = VAE_ADAM,
    .init_scale = 1,
    .learning_rate = 1e-3,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
    .max_batch = 128,
    .train_samples = 1,
    .threads = 1,
    .gemm = VAE_GEMM_NATIVE,
};

void vae_config_init(vae_config *config, size_t size)
{
    vae_struct_init(config, size, &defaults, sizeof defaults);
}

static int check_range(const char *name, uint64_t value, uint64_t least, uint64_t most)
{
    if (value >= least && value <= most)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "config.%s is %llu: must be %llu to %llu", name, (unsigned long long)value,
        (unsigned long long)least, (unsigned long long)most);
}

static int check_choice(const char *name, int32_t value, int32_t least, int32_t most)
{
    if (value >= least && value <= most)
        return VAE_OK;
    return vae_fail(VAE_ERR_ARG, "config.%s is %d: no such choice", name, (int)value);
}

/* NaN is inside of nothing. */
static int check_real(const char *name, double value, int inside, const char *limits)
{
    return inside ? VAE_OK : vae_fail(VAE_ERR_ARG, "config.%s is %g: must be %s", name, value, limits);
}

static int check_layers(const char *name, const vae_layer *layers, uint64_t count)
{
    if (count > MOST_LAYERS)
        return vae_fail(VAE_ERR_ARG, "config.n_%s is %llu: must be at most %u", name,
            (unsigned long long)count, MOST_LAYERS);
    if (count > 0 && !layers)
        return vae_fail(
            VAE_ERR_ARG, "config.%s is NULL, but config.n_%s is %llu", name, name, (unsigned long long)count);
    for (uint64_t i = 0; i < count; i++) {
        unsigned long long n = i;
        vae_layer layer;
        int status = vae_struct_layer(name, layers, i, &layer);
        if (status != VAE_OK)
            return status;
        if (layer.kind != VAE_LAYER_DENSE)
            return vae_fail(
                VAE_ERR_ARG, "config.%s[%llu].kind is %d: no such choice", name, n, (int)layer.kind);
        if (layer.activation < VAE_IDENTITY || layer.activation > VAE_GELU)
            return vae_fail(VAE_ERR_ARG, "config.%s[%llu].activation is %d: no such choice", name, n,
                (int)layer.activation);
        if (layer.units < 1 || layer.units > MOST_WIDTH)
            return vae_fail(VAE_ERR_ARG, "config.%s[%llu].units is %llu: must be 1 to %u", name, n,
                (unsigned long long)layer.units, MOST_WIDTH);
    }
    return VAE_OK;
}

static int check_shape(const vae_config *c)
{
    int status;
    if ((status = check_range("x_dim", c->x_dim, 1, MOST_WIDTH)) != VAE_OK ||
        (status = check_range("z_dim", c->z_dim, 1, MOST_WIDTH)) != VAE_OK ||
        (status = check_range("max_batch", c->max_batch, 1, MOST_WIDTH)) != VAE_OK ||
        (status = check_range("train_samples", c->train_samples, 1, MOST_SAMPLES)) != VAE_OK ||
        (status = check_layers("encoder", c->encoder, c->n_encoder)) != VAE_OK)
        return status;
    return check_layers("decoder", c->decoder, c->n_decoder);
}

static int check_choices(const vae_config *c)
{
    int status;
    if ((status = check_choice("likelihood", c->likelihood, VAE_BERNOULLI, VAE_GAUSS)) != VAE_OK ||
        (status = check_choice("init", c->init, VAE_INIT_TORCH, VAE_INIT_NORMAL)) != VAE_OK ||
        (status = check_choice("optimizer", c->optimizer, VAE_ADAM, VAE_ADAM)) != VAE_OK)
        return status;
    if (c->mean_activation != VAE_IDENTITY && c->mean_activation != VAE_SIGMOID)
        return vae_fail(VAE_ERR_ARG, "config.mean_activation is %d: must be VAE_IDENTITY or VAE_SIGMOID",
            (int)c->mean_activation);
    if (c->mean_activation != VAE_IDENTITY && !vae_likelihood_family_of(c->likelihood)->has_logvar)
        return vae_fail(
            VAE_ERR_ARG, "config.mean_activation is for Gaussian likelihoods; Bernoulli takes VAE_IDENTITY");
    return VAE_OK;
}

/* An epsilon that is no normal float32 would overflow as a divisor. */
static int check_numbers(const vae_config *c)
{
    double logvar = c->gauss_logvar, scale = c->init_scale, rate = c->learning_rate, b1 = c->beta1,
           b2 = c->beta2;
    double epsilon = c->epsilon;
    int status;
    if ((status = check_real(
             "gauss_logvar", logvar, logvar > -1e4 && logvar < 1e4, "of magnitude below 1e4")) != VAE_OK ||
        (status = check_real("init_scale", scale, scale >= 0 && scale <= 1e30, "0 to 1e30")) != VAE_OK ||
        (status = check_real("learning_rate", rate, rate >= 0 && rate <= 1e30, "0 to 1e30")) != VAE_OK ||
        (status = check_real("beta1", b1, b1 >= 0 && b1 < 1, "at least 0 and below 1")) != VAE_OK ||
        (status = check_real("beta2", b2, b2 >= 0 && b2 < 1, "at least 0 and below 1")) != VAE_OK)
        return status;
    return check_real(
        "epsilon", epsilon, epsilon >= (double)FLT_MIN && epsilon <= 1e30, "1.17549436e-38 to 1e30");
}

static int check_machine(const vae_config *c)
{
    if (c->threads < 1 || c->threads > MOST_THREADS)
        return vae_fail(VAE_ERR_ARG, "config.threads is %d: must be 1 to %d", (int)c->threads, MOST_THREADS);
#if !defined(VAE_HAVE_THREADS)
    if (c->threads > 1 && !c->parallel_for)
        return vae_fail(VAE_ERR_UNSUPPORTED, "config.threads is %d: this build has no threads of its own",
            (int)c->threads);
#endif
    int status = check_choice("gemm", c->gemm, VAE_GEMM_NATIVE, VAE_GEMM_CBLAS);
    if (status != VAE_OK)
        return status;
    if (!vae_gemm_available(c->gemm))
        return vae_fail(VAE_ERR_UNSUPPORTED, "config.gemm is VAE_GEMM_CBLAS: this build has no BLAS");
    if (!c->allocator.alloc != !c->allocator.free)
        return vae_fail(VAE_ERR_ARG, "config.allocator: alloc and free go together");
    return VAE_OK;
}

int vae_config_read(vae_config *own, const vae_config *caller)
{
    if (!caller)
        return vae_fail(VAE_ERR_ARG, "config is NULL");
    *own = defaults;
    own->size = sizeof *own;
    int status = vae_struct_read("config", own, sizeof *own, caller);
    if (status != VAE_OK || (status = check_shape(own)) != VAE_OK ||
        (status = check_choices(own)) != VAE_OK || (status = check_numbers(own)) != VAE_OK)
        return status;
    return check_machine(own);
}
