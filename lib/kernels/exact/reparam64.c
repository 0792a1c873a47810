/* SPDX-License-Identifier: BSD-2-Clause
 * The reparameterised draw, float64 in double-double: z = mu + exp(lv / 2) eps; dmu += gz,
 * dlv += gz eps exp(lv / 2) / 2.
 */
#include "exact64.h"

/* exp(lv / 2) eps, times a power of two */
static void moves(struct wide_lanes *to, const double *lv, const double *eps, double exponent)
{
    struct dd_lanes half = {.l = {0}};
    struct exp_lanes e;
    for (int l = 0; l < VAE_LANES; l++)
        half.h[l] = 0.5 * lv[l];
    lanes_exp(&e, &half);
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd_wide move = dd_wide_mul(dd_wide_of(eps[l]), dd_exp_of(exp_lane_of(&e, l)));
        move = wide_or(move, dd_finite(eps[l]) ? 0.0 : eps[l] * exp_limit(half.h[l]));
        set_wide_lane(to, l, (struct dd_wide){move.v, move.e + exponent});
    }
}

void reparam64_grads(struct rows64_block *b)
{
    struct wide_lanes move;
    moves(&move, b->in[1], b->in[2], 0.0);
    memcpy(b->out[0], b->in[0], sizeof b->out[0]);
    lanes_add_weighted(b->out[0], b->w, &move); /* of weight 1 */
}

void reparam_grad64_grads(struct rows64_block *b)
{
    struct wide_lanes half_move;
    moves(&half_move, b->in[0], b->in[1], -1.0);
    for (int l = 0; l < VAE_LANES; l++)
        b->out[0][l] += b->in[2][l];
    lanes_add_weighted(b->out[1], b->in[2], &half_move);
}
