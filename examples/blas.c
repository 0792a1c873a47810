/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The program's own CBLAS in place of the library's matrix product: a wrapper of three lines in
 * vae_runtime.sgemm. The two products round differently, so that results agree to rounding, not to the bit.
 *
 * The BLAS is the program's in every respect: if it starts threads of its own (OPENBLAS_NUM_THREADS), they
 * compete with those of vae_runtime.threads.
 */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <vae/vae.h>

enum { ROWS = 64, DIM = 96, STEPS = 300 };

static void sgemm(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    cblas_sgemm(order, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* Train on blocks of ones and give the bound, in nats; NAN after an error. */
static double train(const float *x, int with_blas)
{
    vae_layer layer;
    vae_layer_init(&layer, sizeof layer);
    layer.units = 64;
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = DIM;
    config.z_dim = 2;
    config.encoder = config.decoder = &layer;
    config.n_encoder = config.n_decoder = 1;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    if (with_blas)
        runtime.sgemm = sgemm;
    vae_model *model;
    vae_terms terms;
    vae_terms_init(&terms, sizeof terms);
    int status = vae_create(&model, &config, NULL, &runtime);
    for (int step = 0; step < STEPS && status == VAE_OK; step++)
        status = vae_step(model, x, ROWS, NULL);
    if (status == VAE_OK)
        status = vae_elbo(model, x, ROWS, 10, NULL, &terms);
    if (status != VAE_OK)
        fprintf(stderr, "%s\n", vae_last_error());
    vae_destroy(model);
    return status == VAE_OK ? terms.elbo : NAN;
}

int main(void)
{
    static float x[ROWS * DIM];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < DIM / 4; j++)
            x[i * DIM + (i * 7 + j) % DIM] = 1;
    double own = train(x, 0), blas = train(x, 1);
    printf("ELBO after %d steps: %.4f nats by libvae's product, %.4f by the CBLAS\n", STEPS, own, blas);
    return !(fabs(own - blas) < 0.5);
}
