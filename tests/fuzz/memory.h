/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. An allocator that knows how much is too much, and a runtime that uses it.
 */
#ifndef VAE_TESTS_FUZZ_MEMORY_H
#define VAE_TESTS_FUZZ_MEMORY_H

#include <vae/vae.h>

struct fuzz_memory {
    size_t live, most; /* bytes taken; more than `most` at a time is a finding */
};

/* Memory that reading a file of `size` bytes may take: a multiple, because a single unit of a layer takes a
 * whole panel for each of parameters, gradient and moments, and a constant. */
size_t fuzz_most(size_t size);
/* One thread, batches of two rows. */
vae_runtime fuzz_runtime(struct fuzz_memory *memory);

#endif
