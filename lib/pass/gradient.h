/* SPDX-License-Identifier: BSD-2-Clause
 * Weight gradients and the update by them, piece by piece: together where nothing can overflow.
 */
#ifndef VAE_LIB_PASS_GRADIENT_H
#define VAE_LIB_PASS_GRADIENT_H

#include "pass.h"
#include "trainer.h"

/* Pieces that the layers fall into, before layer `nodes`; fills first_piece if it is not NULL. */
uint64_t vae_gradient_pieces(const struct vae_network *net, size_t *first_piece);

/* Can no gradient of this pass, nor its square, nor the next update, overflow? Then the fused form may run.
 */
int vae_gradient_bounded(
    const struct vae_pass *pass, const struct vae_trainer *trainer, const struct vae_bound *bound);
/* After a training pass: the loss's gradient into trainer->grads. Returns its squared l2 norm, as all of
 * these. */
double vae_gradient_run(
    const struct vae_pass *pass, struct vae_trainer *trainer, const struct vae_bound *bound);
/* Adds to trainer->grads the gradient of layers from .. to - 1 and, with the last one, of the scales that are
 * learned outside the decoder. Without a bound those scales' is what vae_loss_adjoint() left. */
double vae_gradient_add(const struct vae_pass *pass, struct vae_trainer *trainer,
    const struct vae_bound *bound, size_t from, size_t to);
/* Of what trainer->grads holds. */
double vae_gradient_norm(
    const struct vae_network *net, struct vae_workspace *ws, struct vae_trainer *trainer);
/* Is a gradient clipped, or the decay of the parameters added to it? Then the fused form may not run. */
int vae_gradient_is_adjusted(const struct vae_trainer *trainer);
/* Does that to trainer->grads, whose squared norm is given; returns what it is then. */
double vae_gradient_adjust(const struct vae_network *net, struct vae_workspace *ws,
    struct vae_trainer *trainer, double squared_norm);
/* One update by trainer->grads. */
void vae_gradient_apply(const struct vae_network *net, struct vae_workspace *ws, struct vae_trainer *trainer);
/* Gradient and update at once, trainer->grads left alone; the same bits. */
double vae_gradient_fused(
    const struct vae_pass *pass, struct vae_trainer *trainer, const struct vae_bound *bound);

/* The first flat parameter that an update by trainer->grads would make infinite or NaN, itself or a moment of
 * it; net->learned where none. */
uint64_t vae_gradient_overflows(
    const struct vae_network *net, const struct vae_trainer *trainer, double squared_norm);

#endif
