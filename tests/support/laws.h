/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: the distributions of likelihoods. Moments by sums and quadrature over section 2's float64
 * functions, distribution functions in closed form.
 */
#ifndef VAE_TESTS_LAWS_H
#define VAE_TESTS_LAWS_H

#include <stdint.h>

/* One value's distribution; `scale` is ignored where the likelihood has none. */
struct law {
    int32_t likelihood;
    double location, scale;
};

struct law_moments {
    double mass, mean, variance;
};

/* Relative errors below 1e-9. */
struct law_moments law_moments(const struct law *law);
/* The probability of values up to x, of a law that is not discrete. */
double law_below(const struct law *law, double x);
double law_loglik(const struct law *law, double x);
int law_is_discrete(const struct law *law);
/* Locations and scales that each likelihood is tested with, `law_count` in all. */
extern const struct law laws[];
extern const int law_count;

#endif
