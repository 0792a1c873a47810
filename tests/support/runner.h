/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: one Check suite of one case, run as CK_ENV says.
 */
#ifndef VAE_TESTS_RUNNER_H
#define VAE_TESTS_RUNNER_H

#include <check.h>
#include <stdlib.h>

/* Seconds that one test may take: a multiple of what it takes under valgrind on a busy machine. */
#define TEST_TIMEOUT 300

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, TEST_TIMEOUT);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_SUITE(name, tests) run_suite(name, tests, sizeof(tests) / sizeof *(tests))

#endif
