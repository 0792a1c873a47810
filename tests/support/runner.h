/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: one Check suite of one case, run as CK_ENV says.
 */
#ifndef VAE_TESTS_RUNNER_H
#define VAE_TESTS_RUNNER_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Seconds that one test may take: a multiple of what it takes under valgrind on a busy machine. */
#define TEST_TIMEOUT 300
/* Exit status of a program that was skipped, as Meson knows it; also of a test that cannot run here. */
#define TEST_SKIPPED 77

/* A test is a process of its own: that it exited with TEST_SKIPPED is known from Check's words alone. */
static inline int count_skipped(SRunner *runner)
{
    int skipped = 0, failed = srunner_ntests_failed(runner);
    TestResult **results = srunner_failures(runner);
    for (int i = 0; i < failed; i++)
        skipped += strstr(tr_msg(results[i]), "Early exit with return value 77") != NULL;
    free(results);
    return skipped;
}

/* Runs one case, which may have loops, fixtures and a timeout of its own. */
static inline int run_case(const char *name, TCase *tcase)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), skipped = count_skipped(runner);
    srunner_free(runner);
    if (failed > skipped)
        return EXIT_FAILURE;
    return skipped ? TEST_SKIPPED : EXIT_SUCCESS;
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, TEST_TIMEOUT);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    return run_case(name, tcase);
}

#define RUN_SUITE(name, tests) run_suite(name, tests, sizeof(tests) / sizeof *(tests))

#endif
