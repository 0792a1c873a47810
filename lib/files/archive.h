/* SPDX-License-Identifier: BSD-2-Clause
 * A safetensors file that is open: its header, its tensors' values, and the memory that is needed meanwhile.
 */
#ifndef VAE_LIB_FILES_ARCHIVE_H
#define VAE_LIB_FILES_ARCHIVE_H

#include "safetensors.h"
#include "source.h"

struct vae_archive {
    const char *function;
    struct vae_source *source;
    const struct vae_allocator *allocator;
    struct vae_safetensors st;
    size_t blocks;
    struct vae_archive_block {
        void *memory;
        size_t size;
    } block[12];
};

/* Reads and checks the header. VAE_OK, VAE_ERR_FORMAT, VAE_ERR_IO or VAE_ERR_NOMEM; vae_archive_close() must
 * follow all of them. The source and the allocator remain the caller's. */
int vae_archive_open(
    struct vae_archive *archive, struct vae_source *source, const struct vae_allocator *allocator);
void vae_archive_close(struct vae_archive *archive);

/* Memory until the end, or NULL and words. */
void *vae_archive_take(struct vae_archive *archive, uint64_t count, size_t size);
/* The value of a key of the metadata, decoded. */
int vae_archive_text(struct vae_archive *archive, const char *key, const char **text, size_t *size);

/* Makes the data available, where they are still to come. */
int vae_archive_need_data(struct vae_archive *archive);
/* Where a tensor's data are in memory; NULL where they are elsewhere. */
const unsigned char *vae_archive_data(const struct vae_archive *archive, const struct vae_safetensor *tensor);
/* Does memory hold a float32 as files do? */
int vae_archive_is_native(void);
/* Elements first .. first + n - 1 of a tensor of F32, and of any type that is read. */
int vae_archive_floats(struct vae_archive *archive, const struct vae_safetensor *tensor, uint64_t first,
    size_t n, float *values);
int vae_archive_reals(struct vae_archive *archive, const struct vae_safetensor *tensor, uint64_t first,
    size_t n, double *values);

#endif
