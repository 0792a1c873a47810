/* SPDX-License-Identifier: BSD-2-Clause
 * log p(x|z) of a run of x's columns: everything that a likelihood is asked, behind one row of a table.
 *
 * A likelihood is one file in this folder and one row of the table in kinds.c. Its first parameter is called
 * the location (logits, means, log-rates); a second one, where there is one, the scale (log-variances,
 * log-scales).
 */
#ifndef VAE_LIB_PARTS_LIKELIHOODS_LIKELIHOOD_H
#define VAE_LIB_PARTS_LIKELIHOODS_LIKELIHOOD_H

#include "kernels/table.h"

#include <vae/vae.h>

/* n rows of d cells. A stride of 0 is one row for all. */
struct vae_cells {
    const struct vae_kernels *kernels;
    size_t n, d;
    const float *x;
    size_t ldx;
    const float *location, *scale; /* scale: NULL where the likelihood has none */
    size_t ldlocation, ldscale;
    const float *zeros; /* [d] */
};

/* What comes of them. */
struct vae_cells_out {
    double *value;             /* [n], or NULL: log-likelihoods */
    const float *w;            /* [n]: factors of the gradient's rows */
    float *glocation, *gscale; /* [n][d], overwritten; NULL: not computed */
    size_t ldg;                /* of both */
    struct vae_seen *seen;     /* raised by all of x, or NULL */
    uint32_t *most;            /* [VAE_LANES], raised by the gradient; with glocation */
};

/* Which draw: elements row * x_dim + first column of a stream. */
struct vae_cells_noise {
    uint64_t seed, stream, element, row_step;
};

struct vae_likelihood_kind {
    int32_t number;
    const char *name; /* its enumerator */
    int has_scale;
    int takes_means;    /* may an activation stand before the location? */
    const char *domain; /* what x may be, in words */
    int (*takes)(float x);
    /* Might x, of which this was seen, hold a value outside the domain? May say yes too often. */
    int (*suspects)(const struct vae_seen *seen);
    /* Log-likelihoods by the exact kernels. */
    void (*exact)(const struct vae_cells *cells, double *value);
    /* What a training step needs, by faster kernels where there are any. */
    void (*train)(const struct vae_cells *cells, const struct vae_cells_out *out);
    /* E[x] given the parameters, and a draw; rows of ldto. */
    void (*mean)(const struct vae_cells *cells, float *to, size_t ldto);
    void (*draw)(const struct vae_cells *cells, const struct vae_cells_noise *noise, float *to, size_t ldto);
    /* d loglik / d scale where one scale serves d cells whose log-likelihood is given. */
    double (*scale_slope)(double loglik, double d, double scale);
};

/* NULL for a number that names no likelihood, or one that is not served. */
const struct vae_likelihood_kind *vae_likelihood_of(int32_t number);
/* The last number that names a likelihood. */
extern const int32_t vae_likelihood_last;

/* For the table's rows. E[x] as minus the gradient at x = 0: right where the location is the natural
 * parameter. */
void vae_cells_copy_location(const struct vae_cells *cells, float *to, size_t ldto);
void vae_cells_negate(size_t n, size_t d, float *rows, size_t ld);
void vae_cells_clear(size_t n, size_t d, float *rows, size_t ld);
/* Notes x, and the gradient that a kernel without notes of its own has written. */
void vae_cells_look(const struct vae_cells *cells, const struct vae_cells_out *out);
int vae_takes_unit(float x);
int vae_suspects_unit(const struct vae_seen *seen);
int vae_takes_finite(float x);
int vae_suspects_finite(const struct vae_seen *seen);

#endif
