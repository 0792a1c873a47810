/* SPDX-License-Identifier: BSD-2-Clause
 * The components of a prior that has some: made from parameters, or by the encoder from pseudo-inputs, and
 * their gradients.
 *
 * In training, pseudo-inputs are rows behind those of the batch: the encoder's weight gradients are sums over
 * both, by the code that sums over the batch.
 */
#include "components.h"

#include "graph.h"
#include "posterior.h"

#include <string.h>

static const float *pseudo_inputs(const struct vae_network *net)
{
    return net->params + net->prior_at[0];
}

/* ---- reading ---- */

static void fill(const struct vae_network *net, struct vae_workspace *ws, const float *head, size_t ld)
{
    const struct vae_mixture_kernels *kernels = net->kernels->mixture;
    const size_t *at = net->prior_at;
    if (net->prior->encoded)
        kernels->fill(&ws->mixture, head, head + net->z_dim, ld, NULL);
    else
        kernels->fill(
            &ws->mixture, net->params + at[0], net->params + at[1], net->z_dim, net->params + at[2]);
    ws->components_of = net->version;
}

static void encode_task(void *arg, size_t task, size_t worker)
{
    const struct vae_pass *p = arg;
    struct vae_range r = vae_task_range(p, task);
    vae_graph_forward(p, 0, p->net->encoder, r, worker);
    vae_posterior_clamp(p, r);
}

/* As many pseudo-inputs at a time as the workspace has rows. */
static void encode_inputs(const struct vae_network *net, struct vae_workspace *ws)
{
    const struct vae_value *head = &ws->values[net->encoder];
    struct vae_value *x = &ws->values[0];
    size_t d = 2 * net->z_dim;
    for (size_t first = 0; first < net->components; first += ws->max_batch) {
        size_t left = net->components - first;
        struct vae_pass p = {.net = net, .ws = ws, .draws = 1};
        p.rows.n = left < ws->max_batch ? left : ws->max_batch;
        p.task_rows = vae_task_rows(ws->pool.threads, p.rows.n, 1);
        x->y = (float *)pseudo_inputs(net) + first * net->x_dim; /* which nothing writes to */
        x->ld = net->x_dim;
        vae_pool_run(&ws->pool, vae_tasks(&p), encode_task, &p);
        for (size_t i = 0; i < p.rows.n; i++)
            memcpy(ws->component_head + (first + i) * d, head->y + i * head->ld, d * sizeof *head->y);
    }
}

void vae_components_read(const struct vae_network *net, struct vae_workspace *ws)
{
    if (!net->prior->has_components || ws->components_of == net->version)
        return;
    if (net->prior->encoded)
        encode_inputs(net, ws);
    fill(net, ws, ws->component_head, 2 * net->z_dim);
}

/* ---- training, forward ---- */

/* Tasks over the rows behind the batch's: as large as memory allows, however few rows a task of the batch
 * has, because every task reads all weights. */
static size_t pseudo_task_rows(const struct vae_pass *p)
{
    size_t rows = p->extra < p->ws->max_batch ? p->extra : p->ws->max_batch;
    return vae_task_rows(p->ws->pool.threads, rows, 1);
}

static struct vae_range pseudo_range(const struct vae_pass *p, size_t task)
{
    size_t rows = pseudo_task_rows(p), first = p->rows.n + task * rows, end = p->rows.n + p->extra;
    size_t last = end - first < rows ? end : first + rows;
    return (struct vae_range){first, last, last - first};
}

static size_t pseudo_tasks(const struct vae_pass *p)
{
    size_t rows = pseudo_task_rows(p);
    return (p->extra + rows - 1) / rows;
}

static void forward_task(void *arg, size_t task, size_t worker)
{
    const struct vae_pass *p = arg;
    struct vae_range r = pseudo_range(p, task);
    const struct vae_value *x = &p->ws->values[0];
    const float *inputs = pseudo_inputs(p->net);
    for (size_t i = r.first; i < r.last; i++)
        memcpy(x->y + i * x->ld, inputs + (i - p->rows.n) * x->cols, x->cols * sizeof *x->y);
    vae_graph_note(p, x->y + r.first * x->ld, x->ld, r.n, x->cols, vae_graph_most(p, 0, worker)->y);
    vae_graph_forward(p, 0, p->net->encoder, r, worker);
    vae_posterior_clamp(p, r);
}

void vae_components_forward(const struct vae_pass *p)
{
    const struct vae_value *head = &p->ws->values[p->net->encoder];
    if (!p->net->prior->has_components)
        return;
    if (p->extra > 0)
        vae_pool_run(&p->ws->pool, pseudo_tasks(p), forward_task, (void *)p);
    fill(p->net, p->ws, head->y + p->rows.n * head->ld, head->ld);
}

/* ---- training, backward ---- */

/* Weights by row of z, as z's rows lie. */
static void order_weights(const struct vae_pass *p)
{
    for (size_t i = 0; i < p->rows.n; i++)
        for (size_t s = 0; s < p->draws; s++)
            p->ws->w_prior[i * p->draws + s] = p->ws->w_ratio[s * p->ws->max_batch + i];
}

/* Sixteen components. */
static void component_task(void *arg, size_t task, size_t worker)
{
    const struct vae_pass *p = arg;
    const struct vae_value *z = &p->ws->values[vae_network_z(p->net)],
                           *head = &p->ws->values[p->net->encoder];
    size_t d = p->net->z_dim, components = p->net->components;
    float *gmu = p->ws->prior_g, *glogvar = gmu + components * d, *glogits = glogvar + components * d;
    size_t ld = d;
    (void)worker;
    if (p->net->prior->encoded) {
        gmu = head->g + p->rows.n * head->ld;
        glogvar = gmu + d;
        glogits = NULL;
        ld = head->ld;
    }
    p->net->kernels->mixture->component_grad(&p->ws->mixture, task * VAE_LANES, p->rows.n * p->draws, z->y,
        z->ld, p->ws->share, p->ws->mixture.ld, p->ws->w_prior, gmu, glogvar, ld, glogits);
}

static void note_head(const struct vae_pass *p, struct vae_range r, size_t worker)
{
    const struct vae_value *head = &p->ws->values[p->net->encoder];
    vae_graph_note(p, head->g + r.first * head->ld, head->ld, r.n, head->cols,
        vae_graph_most(p, p->net->encoder, worker)->g);
}

/* Through the encoder, and on to the pseudo-inputs themselves. */
static void backward_task(void *arg, size_t task, size_t worker)
{
    const struct vae_pass *p = arg;
    struct vae_range r = pseudo_range(p, task);
    vae_posterior_clamp_back(p, r);
    note_head(p, r, worker);
    vae_graph_backward(p, 0, p->net->encoder, r, worker);
    vae_graph_input(p, p->ws->input_g, r, worker);
}

void vae_components_backward(const struct vae_pass *p)
{
    if (!p->net->prior->has_components)
        return;
    order_weights(p);
    vae_pool_run(&p->ws->pool, (p->net->components + VAE_LANES - 1) / VAE_LANES, component_task, (void *)p);
    if (p->extra > 0)
        vae_pool_run(&p->ws->pool, pseudo_tasks(p), backward_task, (void *)p);
}

int vae_components_gradient(
    const struct vae_network *net, const struct vae_pass *p, size_t i, struct vae_component_gradient *to)
{
    size_t components = net->components, d = net->z_dim, cols = i == 2 ? 1 : d,
           ld = vae_row_stride(net->x_dim);
    if (!net->prior->has_components || i >= (net->prior->encoded ? 1 : VAE_PRIOR_TENSORS))
        return 0;
    if (net->prior->encoded)
        *to = (struct vae_component_gradient){
            p ? p->ws->input_g + p->rows.n * ld : NULL, net->prior_at[i], components, net->x_dim, ld};
    else
        *to = (struct vae_component_gradient){
            p ? p->ws->prior_g + i * components * d : NULL, net->prior_at[i], components, cols, cols};
    return 1;
}
