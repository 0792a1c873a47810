/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: structs of creation that must be refused, or accepted.
 */
#ifndef VAE_TESTS_REFUSED_H
#define VAE_TESTS_REFUSED_H

#include "models.h"

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* The range of all widths. */
#define WIDTHS "1 to 1073741823"

/* Fails the test unless the last error's words have all three; `limit` may be NULL. */
static inline void said(const char *function, const char *field, const char *limit)
{
    const char *words = vae_last_error();
    ck_assert_msg(strstr(words, function), "%s: \"%s\" lacks \"%s\"", field, words, function);
    ck_assert_msg(strstr(words, field), "\"%s\" lacks \"%s\"", words, field);
    ck_assert_msg(!limit || strstr(words, limit), "%s: \"%s\" lacks \"%s\"", field, words, limit);
}

/* What the fields under test are set in. */
static inline void base(struct plan *plan)
{
    plan_init(plan, VAE_GAUSS, VAE_TANH, 2);
}

static inline void refused(const struct plan *plan, int wanted, const char *field, const char *limit)
{
    vae_model *model = (vae_model *)&model;
    int status = vae_create(&model, &plan->config, &plan->training, &plan->runtime);
    ck_assert_msg(status == wanted, "%s: status %d, not %d: %s", field, status, wanted, vae_last_error());
    said("vae_create", field, limit);
    ck_assert_msg(!model, "%s: a model in spite of the error", field);
}

static inline void accepted(const struct plan *plan)
{
    vae_destroy(model_of(plan));
}

/* One field set to a value, everything else right. */
#define REFUSED(FIELD, VALUE, STATUS, LIMIT)                                                                 \
    do {                                                                                                     \
        struct plan one;                                                                                     \
        base(&one);                                                                                          \
        one.FIELD = VALUE;                                                                                   \
        refused(&one, STATUS, #FIELD, LIMIT);                                                                \
    } while (0)
#define ACCEPTED(FIELD, VALUE)                                                                               \
    do {                                                                                                     \
        struct plan one;                                                                                     \
        base(&one);                                                                                          \
        one.FIELD = VALUE;                                                                                   \
        accepted(&one);                                                                                      \
    } while (0)
/* What no real field takes. */
static const double never[] = {NAN, INFINITY, -INFINITY, 1e31, -1e31};
enum { NEVER = sizeof never / sizeof *never };

#endif
