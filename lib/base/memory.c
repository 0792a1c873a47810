/* SPDX-License-Identifier: BSD-2-Clause
 * The allocator hooks, and sizes that cannot wrap.
 */
#include "memory.h"

#include <stdlib.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

/* Arrays of one block touch, so a sanitizer would see no step from one into the next: leave poisoned gaps. */
#if defined(__SANITIZE_ADDRESS__)
#define GUARDED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUARDED 1
#endif
#endif
#if defined(GUARDED)
#include <sanitizer/asan_interface.h>
#define GAP VAE_ALIGNMENT
#else
#define GAP 0
#define ASAN_POISON_MEMORY_REGION(from, size) ((void)(from))
#define ASAN_UNPOISON_MEMORY_REGION(from, size) ((void)(from), (void)(size))
#endif

/* A step walks through five arrays as long as the parameters: more small pages than the CPU keeps
 * translations of. */
#define HUGE_PAGE ((size_t)2 << 20)

static void *default_alloc(size_t size)
{
    size_t alignment = size >= 2 * HUGE_PAGE ? HUGE_PAGE : VAE_ALIGNMENT;
    if (size > SIZE_MAX - alignment)
        return NULL;
    size_t rounded = (size + alignment - 1) / alignment * alignment; /* as aligned_alloc wants it */
    void *ptr = aligned_alloc(alignment, rounded);
#if defined(__linux__)
    if (ptr && alignment == HUGE_PAGE)
        madvise(ptr, rounded, MADV_HUGEPAGE); /* advisory; failure is harmless */
#endif
    return ptr;
}

void *vae_memory_alloc(const struct vae_allocator *allocator, size_t size)
{
    return allocator->alloc ? allocator->alloc(allocator->ctx, size, VAE_ALIGNMENT) : default_alloc(size);
}

void vae_memory_free(const struct vae_allocator *allocator, void *ptr, size_t size)
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
    if (GAP > 0 && arena->base)
        ASAN_POISON_MEMORY_REGION(arena->base + arena->used, GAP);
    arena->used += GAP;
    return ptr;
}

int vae_arena_overflowed(const struct vae_arena *arena)
{
    return arena->used >= ARENA_LIMIT;
}

void vae_arena_release(void *base, size_t size)
{
    if (base)
        ASAN_UNPOISON_MEMORY_REGION(base, size);
}
