/* SPDX-License-Identifier: BSD-2-Clause
 * The parts of the training table, each in a file of its own.
 */
#ifndef VAE_LIB_KERNELS_TRAIN_H
#define VAE_LIB_KERNELS_TRAIN_H

#include "kernels/isa.h"

void tile_block(const struct vae_block *block);
void tile_back_block(const struct vae_back_block *block);
void tile_pack(size_t m, size_t k, const float *a, size_t lda, float *to);
size_t tile_row(const struct vae_block *block, size_t panels, size_t step, int descending);
extern __typeof__(*((struct vae_train_kernels *)0)->bernoulli) train_bernoulli;
extern __typeof__(*((struct vae_train_kernels *)0)->gauss) train_gauss;
extern __typeof__(*((struct vae_train_kernels *)0)->gate_back) train_gate_back;

void transpose_matrix(size_t rows, size_t cols, const float *from, size_t ldfrom, float *to, size_t ldto);
/* The epilogue of the m x n part of C that begins at row `row` and column `col` of the block; c points at
 * that part. */
void epilogue_rows(
    const struct vae_epilogue *epilogue, size_t row, size_t m, size_t col, size_t n, float *c, size_t ldc);

#endif
