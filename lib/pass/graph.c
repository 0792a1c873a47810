/* SPDX-License-Identifier: BSD-2-Clause
 * The graph x -> encoder -> z -> decoder: one layer after the other, forward and backward, over a task's
 * rows.
 */
#include "graph.h"

#include <string.h>

struct vae_layer_call vae_graph_call(
    const struct vae_network *net, const struct vae_workspace *ws, size_t worker)
{
    return (struct vae_layer_call){.gemm = &net->gemm,
        .params = net->params,
        .panel = net->panel,
        .descending = ws->descending,
        .packed = ws->packed + worker * ws->packed_size};
}

struct vae_layer_rows vae_graph_rows(const struct vae_pass *p, size_t i, struct vae_range r)
{
    const struct vae_node *node = &p->net->nodes[i];
    const struct vae_value *out = &p->ws->values[node->to];
    size_t draws = out->drawn ? p->draws : 1;
    return (struct vae_layer_rows){.node = node,
        .in = &p->ws->values[node->from],
        .out = out,
        .first = r.first * draws,
        .last = r.last * draws};
}

/* With the places where this worker notes magnitudes; z's gradient takes part in no product. */
static struct vae_layer_rows noted_rows(const struct vae_pass *p, size_t i, struct vae_range r, size_t worker)
{
    struct vae_layer_rows rows = vae_graph_rows(p, i, r);
    if (p->training) {
        struct vae_most *most = p->ws->most + worker * vae_network_values(p->net);
        rows.most_in = rows.node->from == vae_network_z(p->net) ? NULL : &most[rows.node->from];
        rows.most_out = &most[rows.node->to];
    }
    return rows;
}

void vae_graph_forward(const struct vae_pass *p, size_t from, size_t to, struct vae_range r, size_t worker)
{
    struct vae_layer_call call = vae_graph_call(p->net, p->ws, worker);
    for (size_t i = from; i < to; i++) {
        struct vae_layer_rows rows = noted_rows(p, i, r, worker);
        rows.node->kind->forward(&call, &rows);
    }
}

void vae_graph_backward(const struct vae_pass *p, size_t from, size_t to, struct vae_range r, size_t worker)
{
    struct vae_layer_call call = vae_graph_call(p->net, p->ws, worker);
    for (size_t i = to; i-- > from;) {
        struct vae_layer_rows rows = noted_rows(p, i, r, worker);
        if (rows.node->kind->open)
            rows.node->kind->open(&call, &rows);
        if (rows.in->g)
            rows.node->kind->backward(&call, &rows);
    }
}

void vae_graph_input(const struct vae_pass *p, float *to, struct vae_range r, size_t worker)
{
    struct vae_layer_call call = vae_graph_call(p->net, p->ws, worker);
    struct vae_layer_rows rows = vae_graph_rows(p, 0, r);
    struct vae_value x = *rows.in;
    x.g = to;
    x.ld = vae_row_stride(x.cols); /* x itself, which may lie elsewhere, is not read */
    rows.in = &x;
    rows.node->kind->backward(&call, &rows);
}

struct vae_most *vae_graph_most(const struct vae_pass *p, size_t value, size_t worker)
{
    return &p->ws->most[worker * vae_network_values(p->net) + value];
}

void vae_graph_note(
    const struct vae_pass *p, const float *rows, size_t ld, size_t n, size_t cols, uint32_t *most)
{
    for (size_t i = 0; i < n; i++) {
        float largest = p->net->kernels->train->max_abs(cols, rows + i * ld);
        uint32_t bits;
        memcpy(&bits, &largest, sizeof bits);
        *most = bits > *most ? bits : *most;
    }
}

static double larger(double most, const uint32_t lanes[VAE_LANES])
{
    for (size_t l = 0; l < VAE_LANES; l++) {
        float x;
        memcpy(&x, &lanes[l], sizeof x);
        most = (double)x > most || x != x ? (double)x : most; /* NaN stays */
    }
    return most;
}

double vae_most_y(const struct vae_network *net, const struct vae_workspace *ws, size_t value)
{
    double most = 0;
    for (size_t t = 0; t < ws->pool.threads; t++)
        most = larger(most, ws->most[t * vae_network_values(net) + value].y);
    return most;
}

double vae_most_g(const struct vae_network *net, const struct vae_workspace *ws, size_t value)
{
    double most = 0;
    for (size_t t = 0; t < ws->pool.threads; t++)
        most = larger(most, ws->most[t * vae_network_values(net) + value].g);
    return most;
}
