/* SPDX-License-Identifier: BSD-2-Clause
 * The references' own functions, in long double.
 */
#ifndef VAE_TESTS_KERNELS_TEXTBOOK_H
#define VAE_TESTS_KERNELS_TEXTBOOK_H

#include <stddef.h>

/* e^x - 1 - x */
long double expm1mxl(long double x);
/* log(sinh(y) / y), and its derivative coth(y) - 1 / y */
long double log_sinhcl(long double y);
long double log_sinhc_slopel(long double y);

/* KL(N(mean, q q') || N(0, p p')) and its gradients; matrices [d][d], the strict upper triangle not read and
 * zero in the gradients. */
#define TEXTBOOK_FULL 65
struct textbook_full {
    size_t d;
    long double mean[TEXTBOOK_FULL], q[TEXTBOOK_FULL * TEXTBOOK_FULL], p[TEXTBOOK_FULL * TEXTBOOK_FULL];
    long double value, gmean[TEXTBOOK_FULL], gq[TEXTBOOK_FULL * TEXTBOOK_FULL],
        gp[TEXTBOOK_FULL * TEXTBOOK_FULL];
};
void textbook_kl_full(struct textbook_full *full);

#endif
