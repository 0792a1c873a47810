/* SPDX-License-Identifier: BSD-2-Clause
 * Writes a model as a safetensors file.
 */
#ifndef VAE_LIB_FILES_SAVE_H
#define VAE_LIB_FILES_SAVE_H

#include "model/model.h"
#include "sink.h"

/* Beyond the public options: with the parameters in the library's own order, too, to be used in place. For
 * models without a matrix product of the program's. */
#define VAE_SAVE_PANELS 0x10000u

/* A view writes its owner's parameters. VAE_OK, VAE_ERR_NOMEM, VAE_ERR_UNSUPPORTED for a header that the
 * format has no room for, or what `write` returned. */
int vae_model_save(
    const char *function, const struct vae_model *model, uint32_t flags, vae_write *write, void *ctx);

#endif
