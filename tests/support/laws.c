/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: the distributions of likelihoods. Moments by sums and quadrature over section 2's float64
 * functions, distribution functions in closed form.
 */
#include "laws.h"

#include <check.h>
#include <math.h>
#include <vae/vae.h>

const struct law laws[] = {
    {VAE_BERNOULLI, -6, 0},
    {VAE_BERNOULLI, -0.75, 0},
    {VAE_BERNOULLI, 0, 0},
    {VAE_BERNOULLI, 2.5, 0},
    {VAE_GAUSS, 0, 0},
    {VAE_GAUSS, -1.5, -4},
    {VAE_GAUSS, 3.25, 2.5},
    {VAE_POISSON, -3, 0},
    {VAE_POISSON, 0.5, 0},
    {VAE_POISSON, 2.25, 0},
    {VAE_POISSON, 3.5, 0},
    {VAE_POISSON, 7, 0},
    {VAE_CBERNOULLI, -25, 0},
    {VAE_CBERNOULLI, -3, 0},
    {VAE_CBERNOULLI, -1e-4, 0},
    {VAE_CBERNOULLI, 0, 0},
    {VAE_CBERNOULLI, 0.5, 0},
    {VAE_CBERNOULLI, 12, 0},
    {VAE_LAPLACE, 0, 0},
    {VAE_LAPLACE, -1.5, -4},
    {VAE_LAPLACE, 3.25, 2.5},
};
const int law_count = sizeof laws / sizeof *laws;

int law_is_discrete(const struct law *law)
{
    return law->likelihood == VAE_BERNOULLI || law->likelihood == VAE_POISSON;
}

double law_loglik(const struct law *law, double x)
{
    double l = law->location, s = law->scale, value = 0;
    int status = VAE_ERR_ARG;
    if (law->likelihood == VAE_BERNOULLI)
        status = vae_loglik_bernoulli_f64(1, 1, &x, 1, &l, 1, &value);
    else if (law->likelihood == VAE_GAUSS)
        status = vae_loglik_gauss_f64(1, 1, &x, 1, &l, 1, &s, 1, &value);
    else if (law->likelihood == VAE_LAPLACE)
        status = vae_loglik_laplace_f64(1, 1, &x, 1, &l, 1, &s, 1, &value);
    else if (law->likelihood == VAE_POISSON)
        status = vae_loglik_poisson_f64(1, 1, &x, 1, &l, 1, &value);
    else if (law->likelihood == VAE_CBERNOULLI)
        status = vae_loglik_cbernoulli_f64(1, 1, &x, 1, &l, 1, &value);
    ck_assert_int_eq(status, VAE_OK);
    return value;
}

/* Adds points of weight w to sums of 1, x - from and its square. */
static void add(const struct law *law, double x, double w, double from, double sum[3])
{
    double mass = w * exp(law_loglik(law, x)), at = x - from;
    sum[0] += mass;
    sum[1] += mass * at;
    sum[2] += mass * at * at;
}

/* Simpson's rule with its ends and points at even distances. */
static void simpson(const struct law *law, double from, double to, int points, double origin, double sum[3])
{
    double h = (to - from) / (points - 1);
    for (int i = 0; i < points; i++) {
        double w = i == 0 || i == points - 1 ? 1 : i % 2 ? 4 : 2;
        add(law, from + i * h, w * h / 3, origin, sum);
    }
}

struct law_moments law_moments(const struct law *law)
{
    double sum[3] = {0, 0, 0}, origin = law->location;
    int points = 8001;
    if (law->likelihood == VAE_BERNOULLI || law->likelihood == VAE_POISSON) {
        double rate = exp(law->location),
               last = law->likelihood == VAE_BERNOULLI ? 1 : rate + 14 * sqrt(rate) + 40;
        origin = law->likelihood == VAE_BERNOULLI ? 0 : rate;
        for (double k = 0; k <= last; k++)
            add(law, k, 1, origin, sum);
    } else if (law->likelihood == VAE_GAUSS) {
        double reach = 10 * exp(law->scale / 2);
        simpson(law, origin - reach, origin + reach, points, origin, sum);
    } else if (law->likelihood == VAE_LAPLACE) { /* a kink at the mean: either side alone */
        double reach = 40 * exp(law->scale);
        simpson(law, origin - reach, origin, points, origin, sum);
        simpson(law, origin, origin + reach, points, origin, sum);
    } else {
        origin = 0.5;
        simpson(law, 0, 1, points, origin, sum);
    }
    double mean = sum[1] / sum[0];
    return (struct law_moments){sum[0], origin + mean, sum[2] / sum[0] - mean * mean};
}

double law_below(const struct law *law, double x)
{
    double l = law->location, b = exp(law->scale);
    if (law->likelihood == VAE_GAUSS)
        return 0.5 * erfc((l - x) / sqrt(2 * b));
    if (law->likelihood == VAE_LAPLACE)
        return x < l ? 0.5 * exp((x - l) / b) : 1 - 0.5 * exp((l - x) / b);
    return l == 0 ? x : l > 0 ? (exp(l * (x - 1)) - exp(-l)) / -expm1(-l) : expm1(l * x) / expm1(l);
}
