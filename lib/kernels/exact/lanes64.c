/* SPDX-License-Identifier: BSD-2-Clause
 * The functions of rows64.h that work on sixteen lanes: one copy of each, which all kernels of an
 * instruction set call.
 */
#include "rows64.h"

void lanes_exp(struct exp_lanes *restrict to, const struct dd_lanes *restrict x)
{
    for (int l = 0; l < VAE_LANES; l++)
        set_exp_lane(to, l, dd_exp_parts(lane_of(x, l)));
}

/* n ln 2 + log(1 + f) */
struct log_lanes {
    struct dd_lanes f;
    double n[VAE_LANES];
};

static void logs(struct dd_lanes *restrict to, const struct log_lanes *restrict x)
{
    for (int l = 0; l < VAE_LANES; l++)
        set_lane(to, l, dd_log_of((struct dd_log){x->n[l], lane_of(&x->f, l)}));
}

DD_INLINE void set_log_lane(struct log_lanes *to, int l, struct dd_log x)
{
    set_lane(&to->f, l, x.f);
    to->n[l] = x.n;
}

void lanes_log(struct dd_lanes *restrict to, const struct dd_lanes *restrict x)
{
    struct log_lanes parts;
    for (int l = 0; l < VAE_LANES; l++)
        set_log_lane(&parts, l, dd_log_parts(lane_of(x, l)));
    logs(to, &parts);
}

void lanes_log1p(struct dd_lanes *restrict to, const struct dd_lanes *restrict x)
{
    struct log_lanes parts;
    for (int l = 0; l < VAE_LANES; l++)
        set_log_lane(&parts, l, dd_log1p_parts(lane_of(x, l)));
    logs(to, &parts);
    for (int l = 0; l < VAE_LANES; l++)
        set_lane(to, l, dd_log1p_or(lane_of(x, l), lane_of(to, l)));
}

void lanes_add_weighted(double *restrict g, const double *restrict w, const struct wide_lanes *restrict x)
{
    for (int l = 0; l < VAE_LANES; l++)
        g[l] = dd_add_weighted(g[l], w[l], wide_lane_of(x, l));
}
