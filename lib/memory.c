/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 5. The allocator hooks, and sizes that cannot wrap.
 */
#include "memory.h"

#include <stdlib.h>

void *vae_memory_alloc(const vae_allocator *allocator, size_t size)
{
    if (allocator->alloc)
        return allocator->alloc(allocator->ctx, size, VAE_ALIGNMENT);
    if (size > SIZE_MAX - VAE_ALIGNMENT)
        return NULL;
    return aligned_alloc(VAE_ALIGNMENT, (size + VAE_ALIGNMENT - 1) / VAE_ALIGNMENT * VAE_ALIGNMENT);
}

void vae_memory_free(const vae_allocator *allocator, void *ptr, size_t size)
{
    if (!ptr)
        return;
    if (allocator->free)
        allocator->free(allocator->ctx, ptr, size);
    else
        free(ptr);
}

/* Half of the address space: no real block is as large, and two such sums do not wrap. */
#define ARENA_LIMIT (SIZE_MAX / 2)

void *vae_arena_take(struct vae_arena *arena, uint64_t count, size_t size)
{
    uint64_t limit = (ARENA_LIMIT - arena->used) / size;
    if (arena->used >= ARENA_LIMIT || count >= limit) {
        arena->used = ARENA_LIMIT;
        return NULL;
    }
    void *ptr = arena->base ? arena->base + arena->used : NULL;
    size_t bytes = (size_t)count * size;
    arena->used += (bytes + VAE_ALIGNMENT - 1) / VAE_ALIGNMENT * VAE_ALIGNMENT;
    return ptr;
}

int vae_arena_overflowed(const struct vae_arena *arena)
{
    return arena->used >= ARENA_LIMIT;
}
