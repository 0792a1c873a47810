/* SPDX-License-Identifier: BSD-2-Clause
 * A batch's rows on their way into a pass: rows of weight 0 left out, the rest where a pass can read them.
 */
#ifndef VAE_LIB_PASS_ROWS_H
#define VAE_LIB_PASS_ROWS_H

#include "pass.h"

/* The next rows of a batch that passed all checks, from row *next on, as many as the workspace holds; *next
 * moves behind them. */
struct vae_rows vae_rows_take(struct vae_workspace *ws, const vae_batch *batch, uint64_t key, size_t *next);
/* Points value 0 at x: at the caller's rows where they lie in order, else at copies that vae_rows_gather()
 * makes. */
void vae_rows_attach(const struct vae_pass *pass);
/* Copies rows of x if they have to be copied. */
void vae_rows_gather(const struct vae_pass *pass, struct vae_range range);
/* Copies n rows of `cols` values; zeros where `from` is NULL. */
void vae_rows_copy(size_t n, size_t cols, const float *from, size_t ldfrom, float *to, size_t ldto);

/* The sum of a batch's weights, in order. */
double vae_rows_sum(const vae_batch *batch);
/* The weight of row `place` of a batch. */
double vae_batch_weight(const vae_batch *batch, size_t place);

#endif
