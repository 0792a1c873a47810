/* SPDX-License-Identifier: BSD-2-Clause
 * The components of a prior that has some: made from parameters, or by the encoder from pseudo-inputs, and
 * their gradients. With any other prior, none of these does anything.
 */
#ifndef VAE_LIB_PASS_COMPONENTS_H
#define VAE_LIB_PASS_COMPONENTS_H

#include "pass.h"
#include "trainer.h"

/* Before a reading pass: brings them up to date, which takes time once after the parameters have changed. */
void vae_components_read(const struct vae_network *net, struct vae_workspace *ws);

/* A training pass with all its rows forward, before any draw meets the prior. Pseudo-inputs are rows of the
 * encoder behind the batch's. */
void vae_components_forward(const struct vae_pass *pass);
/* The gradients of the prior's parameters, after the last gradient at z: those at the encoder's pseudo-inputs
 * and in between, or those of the components, into the workspace. */
void vae_components_backward(const struct vae_pass *pass);

/* The gradient of the prior's tensor i, or 0 where there are no more: rows of `cols` numbers, `ld` apart. Of
 * no pass (NULL) all but the numbers. */
struct vae_component_gradient {
    const float *g;
    size_t at, rows, cols, ld; /* at: its place in the flat parameters */
};
int vae_components_gradient(
    const struct vae_network *net, const struct vae_pass *pass, size_t i, struct vae_component_gradient *to);

#endif
