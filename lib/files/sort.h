/* SPDX-License-Identifier: BSD-2-Clause
 * Sorting of numbers that stand for something else: in place, and never slower than n log n.
 */
#ifndef VAE_LIB_FILES_SORT_H
#define VAE_LIB_FILES_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Negative, 0 or positive as a comes before b, with it or after it. */
typedef int vae_order(const void *ctx, uint32_t a, uint32_t b);

void vae_sort(uint32_t *items, size_t n, vae_order *order, const void *ctx);

#endif
