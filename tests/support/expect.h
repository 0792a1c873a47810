/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: assertions for inner loops. Check's own ones write to a pipe each time they hold; these are
 * silent then.
 */
#ifndef VAE_TESTS_EXPECT_H
#define VAE_TESTS_EXPECT_H

#include <check.h>
#include <math.h>
#include <vae/vae.h>

#define EXPECT(condition, ...)                                                                               \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            ck_abort_msg(__VA_ARGS__);                                                                       \
    } while (0)

#define HOLDS(condition) EXPECT(condition, "%s", #condition)
#define EXPECT_OK(call) EXPECT((call) == VAE_OK, "%s", vae_last_error())

/* Fails the test unless |a - b| <= tolerance; also for NaN. */
static inline void near(double a, double b, double tolerance)
{
    EXPECT(fabs(a - b) <= tolerance, "%.17g and %.17g differ by %.3g, more than %.3g", a, b, fabs(a - b),
        tolerance);
}

#endif
