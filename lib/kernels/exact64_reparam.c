/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The reparameterised draw, float64 in double-double: z = mu + exp(lv / 2) eps; dmu += gz,
 * dlv += gz eps exp(lv / 2) / 2.
 */
#include "exact64.h"

/* exp(lv / 2) eps */
DD_INLINE struct dd_wide move_of(double lv, double eps)
{
    double half = 0.5 * lv;
    struct dd_wide move = dd_wide_mul(dd_wide_of(eps), dd_exp(dd_of(half)));
    return wide_or(move, dd_finite(eps) ? 0.0 : eps * exp_limit(half));
}

static void draw(struct rows64_block *b)
{
    for (int l = 0; l < VAE_LANES; l++)
        b->out[0][l] = dd_add_weighted(b->in[0][l], 1.0, move_of(b->in[1][l], b->in[2][l]));
}

static void draw_grad(struct rows64_block *b)
{
    for (int l = 0; l < VAE_LANES; l++) {
        struct dd_wide move = move_of(b->in[0][l], b->in[1][l]);
        double gz = b->in[2][l];
        move.e -= 1.0;
        b->out[0][l] += gz;
        b->out[1][l] = dd_add_weighted(b->out[1][l], gz, move);
    }
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
