/* SPDX-License-Identifier: BSD-2-Clause
 * Walking strided rows of float64: a kernel is written for blocks of sixteen elements held in local
 * arrays, and this brings them, adds up the terms in double-double, and takes the gradients back. Long
 * functions that many kernels need work on sixteen lanes at a time and are not inlined.
 *
 * Element j of a row goes to lane j % 16, and the lanes end in one fixed tree.
 */
#ifndef VAE_LIB_KERNELS_EXACT_ROWS64_H
#define VAE_LIB_KERNELS_EXACT_ROWS64_H

#include "kernels/isa.h"
#include "kernels/math/dd_math.h"
#include "rows.h"

/* Sixteen numbers, their parts apart so that loops along them vectorise */
struct dd_lanes {
    double h[VAE_LANES], l[VAE_LANES];
};

struct wide_lanes {
    struct dd_lanes v;
    double e[VAE_LANES];
};

struct exp_lanes {
    struct dd_lanes r, q;
    double n[VAE_LANES];
};

DD_INLINE struct dd lane_of(const struct dd_lanes *x, int l)
{
    return (struct dd){x->h[l], x->l[l]};
}

DD_INLINE void set_lane(struct dd_lanes *to, int l, struct dd x)
{
    to->h[l] = x.h;
    to->l[l] = x.l;
}

DD_INLINE struct dd_wide wide_lane_of(const struct wide_lanes *x, int l)
{
    return (struct dd_wide){lane_of(&x->v, l), x->e[l]};
}

DD_INLINE void set_wide_lane(struct wide_lanes *to, int l, struct dd_wide x)
{
    set_lane(&to->v, l, x.v);
    to->e[l] = x.e;
}

DD_INLINE struct dd_exp exp_lane_of(const struct exp_lanes *x, int l)
{
    return (struct dd_exp){lane_of(&x->r, l), lane_of(&x->q, l), x->n[l]};
}

DD_INLINE void set_exp_lane(struct exp_lanes *to, int l, struct dd_exp x)
{
    set_lane(&to->r, l, x.r);
    set_lane(&to->q, l, x.q);
    to->n[l] = x.n;
}

/* dd_exp_parts(), dd_log(), dd_log1p(), and g = dd_add_weighted(g, w, x) */
void lanes_exp(struct exp_lanes *restrict to, const struct dd_lanes *restrict x);
void lanes_log(struct dd_lanes *restrict to, const struct dd_lanes *restrict x);
void lanes_log1p(struct dd_lanes *restrict to, const struct dd_lanes *restrict x);
void lanes_add_weighted(double *restrict g, const double *restrict w, const struct wide_lanes *restrict x);

/* The parts of exp(x), x in float64 */
DD_INLINE void exps(struct exp_lanes *to, const double x[VAE_LANES])
{
    struct dd_lanes wide = {.l = {0}};
    memcpy(wide.h, x, sizeof wide.h);
    lanes_exp(to, &wide);
}

/* Sixteen elements; those past the end of a row are 0 on the way in and ignored on the way out. */
struct rows64_block {
    double in[ROWS_MATRICES][VAE_LANES];
    double out[ROWS_MATRICES][VAE_LANES];
    double w[VAE_LANES]; /* all the row's */
    struct dd_lanes term;
};
typedef void rows64_function(struct rows64_block *block);

struct rows64_job {
    ROWS_FIELDS(double);
    rows64_function *term; /* writes terms; an infinite or NaN one has a low part of 0 */
    rows64_function *grad; /* brings out[] up to date */
};

void rows64_run(const struct rows64_job *job);

/* The sum of a row so far: finite terms in sixteen lanes, and the others. */
struct rows64_sum {
    struct dd_lanes fine;
    double odd[VAE_LANES];
};

/* Adds `count` terms, times a power of two. */
void rows64_add(
    struct rows64_sum *restrict sum, const struct dd_lanes *restrict term, size_t count, double power);

/* The lanes in one; infinite or NaN where a term is. */
struct dd rows64_total(const struct rows64_sum *sum);

#endif
