/* SPDX-License-Identifier: BSD-2-Clause
 * log p(x|z) over the decoder's head, span by span: heads, values, gradients.
 */
#ifndef VAE_LIB_PASS_LOSS_H
#define VAE_LIB_PASS_LOSS_H

#include "pass.h"

/* Before each pass: scales that do not come from the decoder may have changed. */
void vae_loss_prepare(const struct vae_network *net, struct vae_workspace *ws);
/* Activations of means and clamps of scales, once after the decoder's forward pass; rows of all draws. */
void vae_loss_finish_head(const struct vae_pass *pass, struct vae_range range);
/* The cells of span k, draw s, in some rows of a task, x's included unless the pass has none. */
struct vae_cells vae_loss_cells(const struct vae_pass *pass, size_t k, struct vae_range range, size_t draw);
/* Log-likelihoods by the exact kernels into the workspace: of one draw of rows, and of draws first ..
 * last - 1 of a pass's only row, which share x. */
void vae_loss_exact(const struct vae_pass *pass, struct vae_range range, size_t draw);
void vae_loss_exact_row(const struct vae_pass *pass, size_t first, size_t last);

/* A training pass, every draw: values into the workspace, or gradients by its weights, or both at once. */
enum vae_loss_work { VAE_LOSS_VALUE = 1, VAE_LOSS_GRADIENT = 2 };
void vae_loss_train(const struct vae_pass *pass, struct vae_range range, size_t worker, int work);

/* The gradient at the decoder's head from a loss of the program's own, by p(x|z)'s parameters as
 * vae_loss_cells() gives them: [n][x_dim] each, or NULL: zeros. A row's sum over the cells of a scale that is
 * learned outside the decoder goes where its log-likelihood is in training. */
void vae_loss_adjoint(
    const struct vae_pass *pass, struct vae_range range, const float *location, const float *scale);

/* [max_draws][max_batch] log-likelihoods of span k, of the last training pass. */
double *vae_loss_span_values(const struct vae_network *net, const struct vae_workspace *ws, size_t k);
/* VAE_OK, or VAE_ERR_DATA or VAE_ERR_NONFINITE and words for a value of x that its likelihood does not take.
 */
int vae_loss_check_data(const char *function, const struct vae_pass *pass);

#endif
