/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: assertions for inner loops. Check's own ones write to a pipe each time they hold; these are
 * silent then.
 */
#ifndef VAE_TESTS_EXPECT_H
#define VAE_TESTS_EXPECT_H

#include <check.h>
#include <vae/vae.h>

#define EXPECT(condition, ...)                                                                               \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            ck_abort_msg(__VA_ARGS__);                                                                       \
    } while (0)

#define HOLDS(condition) EXPECT(condition, "%s", #condition)
#define EXPECT_OK(call) EXPECT((call) == VAE_OK, "%s", vae_last_error())

#endif
