/* SPDX-License-Identifier: BSD-2-Clause
 * Sorting of numbers that stand for something else: heapsort, for the C library's qsort() may take memory and
 * be quadratic.
 */
#include "sort.h"

static int is_sorted(const uint32_t *items, size_t n, vae_order *order, const void *ctx)
{
    for (size_t i = 1; i < n; i++)
        if (order(ctx, items[i - 1], items[i]) > 0)
            return 0;
    return 1;
}

static void exchange(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Moves item i down the heap to where no child of it is larger. */
static void sift(uint32_t *items, size_t i, size_t n, vae_order *order, const void *ctx)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && order(ctx, items[child], items[child + 1]) < 0)
            child++;
        if (order(ctx, items[i], items[child]) >= 0)
            return;
        exchange(&items[i], &items[child]);
    }
}

void vae_sort(uint32_t *items, size_t n, vae_order *order, const void *ctx)
{
    if (is_sorted(items, n, order, ctx))
        return;
    for (size_t i = n / 2; i-- > 0;)
        sift(items, i, n, order, ctx);
    for (size_t i = n; i-- > 1;) {
        exchange(&items[0], &items[i]);
        sift(items, 0, i, order, ctx);
    }
}
