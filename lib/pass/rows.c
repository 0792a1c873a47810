/* SPDX-License-Identifier: BSD-2-Clause
 * A batch's rows on their way into a pass: rows of weight 0 left out, the rest where a pass can read them.
 */
#include "rows.h"

#include <limits.h>
#include <string.h>

double vae_batch_weight(const vae_batch *batch, size_t place)
{
    return batch->weight ? (double)batch->weight[batch->index ? batch->index[place] : place] : 1.0;
}

double vae_rows_sum(const vae_batch *batch)
{
    double sum = 0;
    for (size_t i = 0; batch->weight && i < batch->n; i++)
        sum += vae_batch_weight(batch, i);
    return batch->weight ? sum : (double)batch->n;
}

/* Places and weights of the next rows that count. */
static size_t choose(struct vae_workspace *ws, const vae_batch *batch, size_t *next)
{
    size_t n = 0;
    for (; *next < batch->n && n < ws->max_batch; ++*next) {
        double weight = vae_batch_weight(batch, *next);
        if (weight == 0)
            continue;
        ws->place[n] = *next;
        ws->row_weight[n++] = weight;
    }
    return n;
}

struct vae_rows vae_rows_take(struct vae_workspace *ws, const vae_batch *batch, uint64_t key, size_t *next)
{
    size_t first = *next, left = batch->n - first;
    struct vae_rows rows = {.x = batch->x,
        .z = batch->z,
        .ldx = batch->ldx,
        .ldz = batch->ldz,
        .index = batch->index,
        .first_place = first,
        .first_row = batch->first_row,
        .seed = key};
    if (batch->weight) {
        rows.n = choose(ws, batch, next);
        rows.place = ws->place;
        rows.row_weight = ws->row_weight;
    } else {
        rows.n = left < ws->max_batch ? left : ws->max_batch;
        *next = first + rows.n;
    }
    return rows;
}

static int in_order(const struct vae_rows *rows)
{
    if (rows->index)
        return 0;
    for (size_t i = 1; rows->place && i < rows->n; i++)
        if (rows->place[i] != rows->place[i - 1] + 1)
            return 0;
    return 1;
}

void vae_rows_attach(const struct vae_pass *p)
{
    struct vae_value *x = &p->ws->values[0];
    x->y = p->ws->x; /* also where there is no row: products of no rows want a place and a stride, too */
    x->ld = vae_row_stride(x->cols);
    if (!p->rows.x || p->rows.n == 0 || p->extra > 0 || p->rows.ldx > INT_MAX || !in_order(&p->rows))
        return;
    /* Nothing writes to value 0 where it is the caller's. */
    x->y = (float *)p->rows.x + vae_place(&p->rows, 0) * p->rows.ldx;
    x->ld = p->rows.ldx;
}

void vae_rows_gather(const struct vae_pass *p, struct vae_range r)
{
    const struct vae_value *x = &p->ws->values[0];
    if (!p->rows.x || x->y != p->ws->x)
        return;
    for (size_t i = r.first; i < r.last; i++)
        memcpy(x->y + i * x->ld, p->rows.x + vae_data_row(&p->rows, i) * p->rows.ldx, x->cols * sizeof *x->y);
}

void vae_rows_copy(size_t n, size_t cols, const float *from, size_t ldfrom, float *to, size_t ldto)
{
    for (size_t i = 0; i < n; i++)
        if (from)
            memcpy(to + i * ldto, from + i * ldfrom, cols * sizeof *to);
        else
            memset(to + i * ldto, 0, cols * sizeof *to);
}
