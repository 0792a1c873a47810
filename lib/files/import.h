/* SPDX-License-Identifier: BSD-2-Clause
 * Fills a model from a safetensors file of another program.
 */
#ifndef VAE_LIB_FILES_IMPORT_H
#define VAE_LIB_FILES_IMPORT_H

#include "archive.h"
#include "model/model.h"

#define VAE_NO_TENSOR SIZE_MAX

/* Rows of a tensor of theirs to rows of one of ours, by their numbers in the file and in the model: ours =
 * factor * theirs, or what a batch normalisation behind the layer makes of that. */
struct vae_mapping {
    size_t ours, theirs; /* no tensor of theirs: zeros */
    uint64_t first_row, their_row, their_step;
    uint64_t rows; /* that theirs must have; 0: any number */
    int transpose;
    double factor;
    int is_bias;                         /* and with it the normalisation: */
    size_t scale, shift, mean, variance; /* mean: no tensor where there is none */
};

/* The epsilon of torch.nn.BatchNorm1d, which no file holds. */
#define VAE_IMPORT_EPSILON 1e-5

/* All is checked before anything is written. Without rules the names must be among the common spellings. */
int vae_model_import_file(
    struct vae_model *model, struct vae_source *source, const vae_import_rule *rules, size_t n_rules);

/* Mappings by the common spellings, as many as `room` at most. */
int vae_spellings_map(struct vae_archive *archive, const struct vae_model *model,
    struct vae_mapping *mappings, size_t room, size_t *count);

#endif
