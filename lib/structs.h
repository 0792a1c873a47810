/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 5. The rule of public structs: `size` first, fields only appended.
 *
 * A caller built against an older header passes a smaller struct: what it lacks has its defaults. One built
 * against a newer header passes a larger one: what this library lacks must be zero.
 */
#ifndef VAE_LIB_STRUCTS_H
#define VAE_LIB_STRUCTS_H

#include <stddef.h>
#include <stdint.h>
#include <vae/vae.h>

/* Copies the caller's struct over `own`, which holds `own_size` bytes of defaults. VAE_OK, or VAE_ERR_ABI and
 * words. */
int vae_struct_read(const char *name, void *own, size_t own_size, const void *caller);
/* Writes `own` into the caller's output struct, zeros behind it; the caller's size is kept. */
void vae_struct_write(void *caller, const void *own, size_t own_size);
/* Defaults into the first `size` bytes of the caller's struct, zeros behind what this library knows, and its
 * size. */
void vae_struct_init(void *caller, size_t size, const void *defaults, size_t own_size);
/* Layer i of a caller's array, whose stride is its first element's size. VAE_OK, or an error and words. */
int vae_struct_layer(const char *name, const vae_layer *layers, uint64_t i, vae_layer *own);

#endif
