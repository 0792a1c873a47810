/* SPDX-License-Identifier: BSD-2-Clause
 * Times of one kernel, and the memory's for comparison.
 */
#ifndef VAE_TESTS_KERNELS_BENCH_H
#define VAE_TESTS_KERNELS_BENCH_H

#include "frame.h"

/* Prints ns per element, and the ratio to the time of one plain pass over the same bytes. */
void bench_kernel(const struct kernel *kernel, const struct vae_kernels *table, uint64_t seed);

#endif
