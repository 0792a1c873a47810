/* SPDX-License-Identifier: BSD-2-Clause
 * The rule of public structs: `size` first, fields only appended, in units of eight bytes.
 *
 * A caller built against an older header passes a smaller struct: what it lacks has its defaults. One built
 * against a newer header passes a larger one: what this library lacks must be zero.
 */
#ifndef VAE_LIB_BASE_STRUCTS_H
#define VAE_LIB_BASE_STRUCTS_H

#include <stddef.h>
#include <stdint.h>

/* A kind of struct: its name in messages, its bytes here and in release 0.1.0, and its defaults. */
struct vae_struct {
    const char *name;
    size_t size, least;
    const void *defaults;
};

/* Copies the caller's struct over `own`, which holds defaults (or what is to stay where the caller's struct
 * ends early). Returns VAE_OK, or VAE_ERR_ABI and words that begin with `function`. */
int vae_struct_read(const char *function, const struct vae_struct *kind, void *own, const void *caller);
/* Returns VAE_OK if the caller's output struct has a size that may be written to. */
int vae_struct_check(const char *function, const struct vae_struct *kind, const void *caller);
/* Writes `own` into the caller's output struct, of a size that was checked, and zeros behind it; keeps the
 * caller's size. */
void vae_struct_write(const struct vae_struct *kind, void *caller, const void *own);
/* Writes the defaults and `size`; does nothing to NULL and to a size that no struct of this kind has. */
void vae_struct_init(const struct vae_struct *kind, void *caller, size_t size);
/* Reads element i of a caller's array, whose stride is its first element's size, into `own`. */
int vae_struct_element(
    const char *function, const struct vae_struct *kind, const void *array, uint64_t i, void *own);

#endif
