/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: assertions for inner loops. Check's own ones write to a pipe each time they hold; these are
 * silent then.
 */
#ifndef VAE_TESTS_EXPECT_H
#define VAE_TESTS_EXPECT_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <vae/vae.h>

#define EXPECT(condition, ...)                                                                               \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            ck_abort_msg(__VA_ARGS__);                                                                       \
    } while (0)

#define HOLDS(condition) EXPECT(condition, "%s", #condition)
#define EXPECT_OK(call) EXPECT((call) == VAE_OK, "%s", vae_last_error())

/* |a - b| <= tolerance, which NaN is not; then words, as printf takes them. */
#define NEAR(a, b, tolerance, ...)                                                                           \
    do {                                                                                                     \
        double near_a = (a), near_b = (b), near_limit = (tolerance);                                         \
        char near_words[128];                                                                                \
        if (fabs(near_a - near_b) <= near_limit)                                                             \
            break;                                                                                           \
        snprintf(near_words, sizeof near_words, __VA_ARGS__);                                                \
        ck_abort_msg("%s: %.17g and %.17g differ by %.3g, more than %.3g", near_words, near_a, near_b,       \
            fabs(near_a - near_b), near_limit);                                                              \
    } while (0)

#endif
