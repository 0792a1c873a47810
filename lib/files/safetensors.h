/* SPDX-License-Identifier: BSD-2-Clause
 * The header of a safetensors file, read by the rules of the reference implementation and two of ours: no
 * name twice, no tensor of more than eight dimensions.
 *
 * The header stays as it came. The only other memory is an index of names, four bytes each.
 */
#ifndef VAE_LIB_FILES_SAFETENSORS_H
#define VAE_LIB_FILES_SAFETENSORS_H

#include "json.h"
#include "system.h"

/* A header may not be longer. */
#define VAE_MOST_HEADER 100000000
/* Before the header: its length, the least significant byte first. */
#define VAE_HEADER_AT 8
#define VAE_MOST_RANK 8
/* Bytes of a tensor's name and description: entries are read again and again while they are put in order. */
#define VAE_MOST_ENTRY 4096

/* The element types that are read; there are others, which have a name alone. */
enum vae_dtype { VAE_DTYPE_OTHER, VAE_DTYPE_F16, VAE_DTYPE_BF16, VAE_DTYPE_F32, VAE_DTYPE_F64 };

struct vae_safetensor {
    struct vae_json_string name, type;
    enum vae_dtype dtype;
    size_t rank;
    uint64_t shape[VAE_MOST_RANK];
    uint64_t count, begin, end; /* bytes of the data, which begin behind the header */
};

struct vae_safetensors {
    const char *function; /* words begin with it */
    const char *text;
    size_t size;
    uint64_t data; /* bytes behind the header, VAE_SIZE_UNKNOWN until the header was read */
    size_t metadata, tensors;
    uint32_t *index; /* [metadata + tensors] metadata in the order of the file, then tensors by name */
};

/* The header's length by the first bytes of a file of `file_size` bytes, or of VAE_SIZE_UNKNOWN. */
int vae_safetensors_length(
    const char *function, const unsigned char first[VAE_HEADER_AT], uint64_t file_size, size_t *length);
/* Checks the header and counts what is in it, the first four members given. */
int vae_safetensors_count(struct vae_safetensors *st);
/* Fills the index, which has place for what was counted. */
int vae_safetensors_index(struct vae_safetensors *st, uint32_t *index);

void vae_safetensors_metadata(
    const struct vae_safetensors *st, size_t i, struct vae_json_string *key, struct vae_json_string *value);
/* 0 where the metadata have no such key. */
int vae_safetensors_value(const struct vae_safetensors *st, const char *key, struct vae_json_string *value);

/* Tensor number i by name. */
void vae_safetensors_tensor(const struct vae_safetensors *st, size_t i, struct vae_safetensor *tensor);
/* The number of the tensor of a name, or `tensors` where there is none. */
size_t vae_safetensors_find(
    const struct vae_safetensors *st, const char *name, struct vae_safetensor *tensor);
/* Notes that tensor i was used; the number of the first one from `first` on that was not, or `tensors`. */
void vae_safetensors_use(struct vae_safetensors *st, size_t i);
size_t vae_safetensors_unused(const struct vae_safetensors *st, size_t first);

/* For "%.*s": as much of a name as a message has room for. */
int vae_shown_length(const struct vae_json_string *name);
#define VAE_SHOWN(name) vae_shown_length(&(name)), (name).at

#endif
