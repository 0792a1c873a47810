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
    K(lanes_exp)(&e, &half);
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd_wide move = dd_wide_mul(dd_wide_of(eps[l]), dd_exp_of(exp_lane_of(&e, l)));
        move = wide_or(move, dd_finite(eps[l]) ? 0.0 : eps[l] * exp_limit(half.h[l]));
        set_wide_lane(to, l, (struct dd_wide){move.v, move.e + exponent});
    }
}

static void draw(struct rows64_block *b)
{
    struct wide_lanes move;
    moves(&move, b->in[1], b->in[2], 0.0);
    memcpy(b->out[0], b->in[0], sizeof b->out[0]);
    K(lanes_add_weighted)(b->out[0], b->w, &move); /* of weight 1 */
}

static void draw_grad(struct rows64_block *b)
{
    struct wide_lanes half_move;
    moves(&half_move, b->in[0], b->in[1], -1.0);
    for (int l = 0; l < VAE_LANES; l++)
        b->out[0][l] += b->in[2][l];
    K(lanes_add_weighted)(b->out[1], b->in[2], &half_move);
}

void K(reparam64)(size_t n, size_t d, const double *mu, size_t ldmu, const double *logvar, size_t ldlogvar,
    const double *eps, size_t ldeps, double *z, size_t ldz)
{
    K(rows64_run)
    (&(struct rows64_job){.n = n,
        .d = d,
        .grad = draw,
        .overwrite = 1,
        .inputs = 3,
        .in = {mu, logvar, eps},
        .ld_in = {ldmu, ldlogvar, ldeps},
        .outputs = 1,
        .out = {z},
        .ld_out = {ldz}});
}

void K(reparam_grad64)(size_t n, size_t d, const double *logvar, size_t ldlogvar, const double *eps,
    size_t ldeps, const double *gz, size_t ldgz, double *gmu, size_t ldgmu, double *glogvar, size_t ldglogvar)
{
    K(rows64_run)
    (&(struct rows64_job){.n = n,
        .d = d,
        .grad = draw_grad,
        .inputs = 3,
        .in = {logvar, eps, gz},
        .ld_in = {ldlogvar, ldeps, ldgz},
        .outputs = 2,
        .out = {gmu, glogvar},
        .ld_out = {ldgmu, ldglogvar}});
}
