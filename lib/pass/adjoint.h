/* SPDX-License-Identifier: BSD-2-Clause
 * Losses of a program's own: the networks backwards, from derivatives by what vae_infer() gives to those by
 * what it takes.
 */
#ifndef VAE_LIB_PASS_ADJOINT_H
#define VAE_LIB_PASS_ADJOINT_H

#include "pass.h"
#include "trainer.h"

/* Which halves does a call take part in? */
static inline int vae_adjoint_encodes(const vae_adjoints *a)
{
    return a->mu || a->logvar;
}

static inline int vae_adjoint_decodes(const vae_adjoints *a)
{
    return a->x_location || a->x_scale || a->x_shape;
}

/* The pass over at most max_batch rows. */
struct vae_pass vae_adjoint_pass(
    const struct vae_network *net, struct vae_workspace *ws, const struct vae_rows *rows);
/* VAE_OK, or VAE_ERR_NONFINITE and words for the first value that goes in and is NaN or infinite. */
int vae_adjoint_check(const char *function, const struct vae_pass *pass, const vae_adjoints *adjoints);
/* Forward and backward; adds to trainer->grads and returns its squared l2 norm. What is to come out stays in
 * the workspace. */
double vae_adjoint_run(
    const struct vae_pass *pass, struct vae_trainer *trainer, const vae_adjoints *adjoints);
/* The same of what is to come out, after vae_adjoint_run(). */
int vae_adjoint_check_outputs(
    const char *function, const struct vae_pass *pass, const vae_adjoints *adjoints);
/* Writes it to the caller's arrays. */
void vae_adjoint_put(const struct vae_pass *pass, const vae_adjoints *adjoints);

#endif
