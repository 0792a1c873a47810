/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A loss of one's own through the model's networks. Here it is minus the ELBO, put together from
 * section 2's functions, so that the result can be compared: vae_step() gives the same parameters.
 *
 *     x --encoder--> mu, logvar --reparam--> z --decoder--> x_location, x_scale --loglik--> loss
 *
 * vae_infer() is the networks' arrows forward, vae_backward() the same ones backward; the others, and what is
 * added up in the end, are the program's. Replace them by what you like.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

enum { N = 64, X = 16, Z = 4, STEPS = 100 };

static void check(int status)
{
    if (status == VAE_OK)
        return;
    fprintf(stderr, "%s: %s\n", vae_strerror(status), vae_last_error());
    exit(1);
}

static vae_model *create(void)
{
    vae_layer hidden;
    vae_layer_init(&hidden, sizeof hidden);
    hidden.units = 32;
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = X;
    config.z_dim = Z;
    config.encoder = config.decoder = &hidden;
    config.n_encoder = config.n_decoder = 1;
    config.likelihood = VAE_GAUSS;
    vae_model *model;
    check(vae_create(&model, &config, NULL, NULL));
    return model;
}

/* Saws that begin anywhere, with noise. */
static void fill(float x[N][X], uint64_t step)
{
    check(vae_normal(1, step, 0, N * X, x[0]));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < X; j++)
            x[i][j] = 0.1f * x[i][j] + (float)((i + 3 * j) % 16) / 8 - 1;
}

/* Values that go from arrow to arrow, and the loss's derivatives by them. */
static float mu[N][Z], logvar[N][Z], eps[N][Z], z[N][Z], mean[N][X], scale[N][X];
static float gmu[N][Z], glogvar[N][Z], gz[N][Z], gmean[N][X], gscale[N][X];

static void forward(vae_model *model, const vae_batch *rows, const vae_batch *latents)
{
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = 0;
    outputs.mu = mu[0];
    outputs.logvar = logvar[0];
    check(vae_infer(model, rows, &outputs, NULL));
    /* The noise of vae_step() at this step: any other would do. */
    check(vae_normal(0, (uint64_t)VAE_STREAM_TRAIN << 56 | vae_steps(model), 0, N * Z, eps[0]));
    check(vae_reparam(N, Z, mu[0], Z, logvar[0], Z, eps[0], Z, z[0], Z));
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.x_location = mean[0];
    outputs.x_scale = scale[0];
    check(vae_infer(model, latents, &outputs, NULL));
}

/* The loss, the mean over rows of KL - log p(x|z), and its gradient, which is left open. */
static double loss(vae_model *model, float x[N][X])
{
    float loglik[N], kl[N], plus[N], minus[N];
    double sum = 0;
    vae_batch rows, latents;
    vae_batch_init(&rows, sizeof rows);
    vae_batch_init(&latents, sizeof latents);
    rows.n = latents.n = N;
    rows.x = x[0];
    latents.z = z[0];
    forward(model, &rows, &latents);
    memset(gmu, 0, sizeof gmu); /* section 2 adds to gradients */
    memset(glogvar, 0, sizeof glogvar);
    memset(gmean, 0, sizeof gmean);
    memset(gscale, 0, sizeof gscale);
    for (int i = 0; i < N; i++)
        minus[i] = -(plus[i] = 1.0f / N);
    check(vae_loglik_gauss_grad(
        N, X, x[0], X, mean[0], X, scale[0], X, minus, loglik, gmean[0], X, gscale[0], X));
    vae_adjoints adjoints;
    vae_adjoints_init(&adjoints, sizeof adjoints);
    adjoints.x_location = gmean[0];
    adjoints.x_scale = gscale[0];
    adjoints.z = gz[0];
    check(vae_backward(model, &latents, &adjoints));
    check(vae_kl_diag_gauss_grad(N, Z, mu[0], Z, logvar[0], Z, plus, kl, gmu[0], Z, glogvar[0], Z));
    check(vae_reparam_grad(N, Z, logvar[0], Z, eps[0], Z, gz[0], Z, gmu[0], Z, glogvar[0], Z));
    vae_adjoints_init(&adjoints, sizeof adjoints);
    adjoints.mu = gmu[0];
    adjoints.logvar = glogvar[0];
    check(vae_backward(model, &rows, &adjoints));
    for (int i = 0; i < N; i++)
        sum += (double)kl[i] - (double)loglik[i];
    return sum / N;
}

/* The largest difference of two parameters. */
static double difference(const vae_model *a, const vae_model *b)
{
    uint64_t count = vae_param_count(a);
    float *pa = malloc(count * sizeof *pa), *pb = malloc(count * sizeof *pb);
    double most = 0;
    if (!pa || !pb)
        exit(1);
    check(vae_get_params(a, pa, count));
    check(vae_get_params(b, pb, count));
    for (uint64_t i = 0; i < count; i++) {
        double apart = (double)pa[i] - (double)pb[i];
        apart = apart < 0 ? -apart : apart;
        most = most > apart ? most : apart;
    }
    free(pa);
    free(pb);
    return most;
}

int main(void)
{
    static float x[N][X];
    vae_model *by_hand = create(), *by_step = create();
    for (uint64_t step = 0; step < STEPS; step++) {
        vae_terms terms;
        vae_terms_init(&terms, sizeof terms);
        fill(x, step);
        double value = loss(by_hand, x);
        check(vae_apply(by_hand, NULL));
        check(vae_step(by_step, x[0], N, &terms));
        if (step % 20 == 0)
            printf("step %3d  loss %.6f  vae_step() %.6f nats\n", (int)step, value, -terms.objective);
    }
    double most = difference(by_hand, by_step);
    printf("parameters differ by %.1g at most\n", most);
    vae_destroy(by_hand);
    vae_destroy(by_step);
    return !(most < 1e-5);
}
