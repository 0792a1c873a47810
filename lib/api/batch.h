/* SPDX-License-Identifier: BSD-2-Clause
 * What the entry points of the model check alike: the model, batches, output structs.
 */
#ifndef VAE_LIB_API_BATCH_H
#define VAE_LIB_API_BATCH_H

#include "model/model.h"

/* All return VAE_OK, or an error and words that begin with `function`. */
int vae_check_model(const char *function, const vae_model *model);
/* No view; one whose parameters may be written; and one that is trained. */
int vae_check_owner(const char *function, const vae_model *model);
int vae_check_writable(const char *function, const vae_model *model);
int vae_check_trained(const char *function, const vae_model *model);
int vae_check_terms(const char *function, const vae_terms *terms);
int vae_check_pointer(const char *function, const char *name, const void *pointer, uint64_t n);

/* Reads a batch into a complete one, every stride in place. */
int vae_batch_read(const char *function, const vae_model *model, vae_batch *own, const vae_batch *caller);
/* A contiguous batch of n rows. */
vae_batch vae_batch_of(const float *x, size_t n);

#endif
