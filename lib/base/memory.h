/* SPDX-License-Identifier: BSD-2-Clause
 * The allocator hooks, and sizes that cannot wrap.
 */
#ifndef VAE_LIB_BASE_MEMORY_H
#define VAE_LIB_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Enough for a zmm register and for a cache line of its own. */
#define VAE_ALIGNMENT 64

/* Where memory comes from: vae_runtime's hooks, or the C library where they are NULL. */
struct vae_allocator {
    void *ctx;
    void *(*alloc)(void *ctx, size_t size, size_t alignment);
    void (*free)(void *ctx, void *ptr, size_t size);
};

void *vae_memory_alloc(const struct vae_allocator *allocator, size_t size);
void vae_memory_free(const struct vae_allocator *allocator, void *ptr, size_t size);

/* A plan of one arena: sizes are added first, the block is allocated once, pointers are handed out in the
 * same order. A total that does not fit saturates, and stays so. */
struct vae_arena {
    unsigned char *base; /* NULL while planning */
    size_t used;
};
/* `count` elements of `size` bytes, aligned; NULL while planning. */
void *vae_arena_take(struct vae_arena *arena, uint64_t count, size_t size);
int vae_arena_overflowed(const struct vae_arena *arena);
/* Before the block goes back: the gaps between its arrays, which the address sanitizer guards, are memory
 * again. */
void vae_arena_release(void *base, size_t size);

#endif
