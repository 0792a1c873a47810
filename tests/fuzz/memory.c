/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. An allocator that knows how much is too much, and a runtime that uses it.
 */
#include "memory.h"

#include "fuzz.h"

enum { TIMES = 256, CONSTANT = 1 << 20 };

size_t fuzz_most(size_t size)
{
    return TIMES * size + CONSTANT;
}

/* Of exactly `size` bytes, so that a sanitizer sees what is read beyond them. */
static void *take(void *ctx, size_t size, size_t alignment)
{
    struct fuzz_memory *memory = ctx;
    void *block = NULL;
    memory->live += size;
    EXPECT(size > 0 && memory->live >= size && memory->live <= memory->most);
    EXPECT(posix_memalign(&block, alignment, size) == 0);
    return block;
}

static void give_back(void *ctx, void *block, size_t size)
{
    struct fuzz_memory *memory = ctx;
    EXPECT(block && size <= memory->live);
    memory->live -= size;
    free(block);
}

vae_runtime fuzz_runtime(struct fuzz_memory *memory)
{
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = 2;
    runtime.alloc_ctx = memory;
    runtime.alloc = take;
    runtime.free = give_back;
    return runtime;
}
