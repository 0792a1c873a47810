/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The kernels in a training loop that is not ours: a VAE of two layers by hand, with plain SGD.
 *
 *     mu = We x,  logvar: one free value per latent,  z = mu + exp(logvar / 2) eps,  logits = Wd z
 *
 * libvae gives the noise, the sample, both terms of the bound and all of their gradients; the two matrix
 * products and their gradients are the loop's own.
 */
#include <stdio.h>
#include <vae/vae.h>

enum { N = 64, X = 24, Z = 3, STEPS = 400 };

static float x[N][X], we[Z][X], wd[X][Z], logvar[Z]; /* data and parameters */
static float mu[N][Z], lv[N][Z], eps[N][Z], z[N][Z], logits[N][X];
static float gmu[N][Z], glv[N][Z], gz[N][Z], glogits[N][X];

/* c[rows][columns] = a b, all by strides: the element (i, j) of m is m[i * row + j * column]. */
static void product(int rows, int columns, int inner, const float *a, int a_row, int a_column, const float *b,
    int b_row, int b_column, float *c)
{
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            float sum = 0;
            for (int k = 0; k < inner; k++)
                sum += a[i * a_row + k * a_column] * b[k * b_row + j * b_column];
            c[i * columns + j] = sum;
        }
    }
}

/* The mean negative ELBO of the rows; gradients of it into gmu, glv and glogits. */
static double loss(int step)
{
    static float kl[N], loglik[N], minus[N], plus[N];
    for (int i = 0; i < N; i++) {
        plus[i] = 1.0f / N;
        minus[i] = -1.0f / N;
        for (int j = 0; j < Z; j++) {
            lv[i][j] = logvar[j];
            gmu[i][j] = glv[i][j] = 0;
        }
        for (int j = 0; j < X; j++)
            glogits[i][j] = 0; /* the kernels add to gradients */
    }
    product(N, Z, X, x[0], X, 1, we[0], 1, X, mu[0]);
    vae_normal(1, 0, (uint64_t)step * N * Z, N * Z, eps[0]);
    vae_reparam(N, Z, mu[0], Z, lv[0], Z, eps[0], Z, z[0], Z);
    product(N, X, Z, z[0], Z, 1, wd[0], 1, Z, logits[0]);
    vae_loglik_bernoulli_grad(N, X, x[0], X, logits[0], X, minus, loglik, glogits[0], X);
    vae_kl_diag_gauss_grad(N, Z, mu[0], Z, lv[0], Z, plus, kl, gmu[0], Z, glv[0], Z);
    product(N, Z, X, glogits[0], X, 1, wd[0], Z, 1, gz[0]);
    vae_reparam_grad(N, Z, lv[0], Z, eps[0], Z, gz[0], Z, gmu[0], Z, glv[0], Z);
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += (double)kl[i] - (double)loglik[i];
    return sum / N;
}

static void descend(int n, float *parameter, const float *gradient)
{
    for (int i = 0; i < n; i++)
        parameter[i] -= 0.1f * gradient[i];
}

int main(void)
{
    float gwe[Z][X], gwd[X][Z], glogvar[Z], ones[N];
    double first = 0, last = 0;
    vae_normal(2, 0, 0, Z * X, we[0]);
    vae_normal(3, 0, 0, X * Z, wd[0]);
    for (int i = 0; i < N; i++) {
        ones[i] = 1;
        for (int j = 0; j < X; j++)
            x[i][j] = (j / 8 + i) % 3 == 0 ||
                      (j + i / 3) % 8 == 0; /* three kinds of rows, each with a few more ones */
    }
    for (int step = 0; step < STEPS; step++) {
        double value = loss(step);
        product(X, Z, N, glogits[0], 1, X, z[0], Z, 1, gwd[0]);
        product(Z, X, N, gmu[0], 1, Z, x[0], X, 1, gwe[0]);
        product(1, Z, N, ones, N, 1, glv[0], Z, 1, glogvar);
        descend(X * Z, wd[0], gwd[0]);
        descend(Z * X, we[0], gwe[0]);
        descend(Z, logvar, glogvar);
        first += step < 20 ? value / 20 : 0;
        last += step >= STEPS - 20 ? value / 20 : 0;
        if (step % 100 == 0)
            printf("step %3d  negative ELBO %.2f nats\n", step, value);
    }
    printf("mean of 20 steps: %.2f at the start, %.2f at the end\n", first, last);
    return !(last < 0.7 * first);
}
