/* SPDX-License-Identifier: BSD-2-Clause
 * One pass over rows of a batch, and the tasks that it is cut into.
 */
#ifndef VAE_LIB_PASS_PASS_H
#define VAE_LIB_PASS_PASS_H

#include "workspace.h"

/* Rows of a batch after all checks: at most max_batch of those whose weight is not 0. */
struct vae_rows {
    size_t n;
    const float *x, *z; /* NULL, or row i of the batch is row index[i] (NULL: i) */
    size_t ldx, ldz;
    const uint32_t *index;
    const size_t *place; /* [n] numbers in the batch; NULL: first_place + i */
    size_t first_place;
    const double *row_weight; /* [n]; NULL: ones */
    uint64_t first_row, seed; /* number of the batch's row 0 in the whole; the key of all noise */
};

struct vae_pass {
    const struct vae_network *net;
    struct vae_workspace *ws;
    struct vae_rows rows;
    size_t draws;    /* of each row, held at once */
    size_t draws_ld; /* in arrays by draw and row: from one draw to the next; max_batch in training */
    size_t extra;    /* rows of the encoder behind the batch's: pseudo-inputs */
    int training;
    int purpose;      /* of the noise */
    uint64_t step;    /* of the noise in training */
    size_t task_rows; /* rows of a task */
};

struct vae_range {
    size_t first, last, n;
};

static inline struct vae_range vae_task_range(const struct vae_pass *p, size_t task)
{
    size_t first = task * p->task_rows, last = first + p->task_rows;
    last = last > p->rows.n ? p->rows.n : last;
    return (struct vae_range){first, last, last - first};
}

static inline size_t vae_tasks(const struct vae_pass *p)
{
    return (p->rows.n + p->task_rows - 1) / p->task_rows;
}

/* The number of row i in the batch. */
static inline size_t vae_place(const struct vae_rows *rows, size_t i)
{
    return rows->place ? rows->place[i] : rows->first_place + i;
}

/* The number of that row in the caller's arrays. */
static inline size_t vae_data_row(const struct vae_rows *rows, size_t i)
{
    size_t place = vae_place(rows, i);
    return rows->index ? rows->index[place] : place;
}

static inline double vae_row_weight(const struct vae_rows *rows, size_t i)
{
    return rows->row_weight ? rows->row_weight[i] : 1.0;
}

#endif
