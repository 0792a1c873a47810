/* SPDX-License-Identifier: BSD-2-Clause
 * The parameters as the outside sees them: tensors by name and shape in canonical order.
 */
#include "tensors.h"

#include <stdio.h>

static struct vae_tensor layer_tensor(
    const struct vae_layer_tensor *t, const struct vae_node *node, const char *side, size_t number)
{
    struct vae_tensor tensor = {.rank = t->rank,
        .shape = {t->shape[0], t->rank > 1 ? t->shape[1] : 1},
        .in_panels = t->in_panels,
        .node = node};
    snprintf(tensor.name, sizeof tensor.name, "%s.%zu.%s", side, number, t->name);
    return tensor;
}

static struct vae_tensor scale_tensor(size_t span)
{
    struct vae_tensor tensor = {.rank = 1, .shape = {1, 1}};
    snprintf(tensor.name, sizeof tensor.name, "spans.%zu.scale", span);
    return tensor;
}

static struct vae_tensor prior_tensor(const struct vae_prior_tensor *t)
{
    struct vae_tensor tensor = {.rank = t->rank, .shape = {t->shape[0], t->shape[1]}};
    snprintf(tensor.name, sizeof tensor.name, "%s", t->name);
    return tensor;
}

/* In canonical order: layer by layer, then what is learned outside of them. */
static size_t list(const vae_config *config, struct vae_network *net, struct vae_tensor *tensors)
{
    struct vae_prior_tensor prior;
    size_t n = 0;
    for (size_t i = 0; i < vae_network_nodes(net); i++) {
        struct vae_layer_tensor t;
        int encoder = i < net->encoder;
        for (size_t k = 0; net->nodes[i].kind->tensor(&net->nodes[i], k, &t); k++)
            tensors[n++] = layer_tensor(
                &t, &net->nodes[i], encoder ? "encoder" : "decoder", encoder ? i : i - net->encoder);
    }
    for (size_t k = 0; k < net->n_spans; k++)
        if (vae_scale_is_learned(&net->spans[k]))
            tensors[n++] = scale_tensor(k);
    for (size_t i = 0; net->prior->tensor(config, i, &prior); i++)
        tensors[n++] = prior_tensor(&prior);
    return n;
}

/* The model's own order: tensors of whole cache lines first, so that each begins on one; the others behind
 * them. */
static void place(struct vae_tensor *tensors, size_t n)
{
    size_t own = 0;
    for (int odd = 0; odd < 2; odd++)
        for (size_t i = 0; i < n; i++)
            if ((tensors[i].count % 16 != 0) == odd) {
                tensors[i].own = own;
                own += (size_t)tensors[i].count;
            }
}

/* Layers, spans and prior note where their parameters are, in the order of the list. */
static void tell(const vae_config *config, struct vae_network *net, const struct vae_tensor *tensor)
{
    struct vae_prior_tensor prior;
    for (size_t i = 0; i < vae_network_nodes(net); i++) {
        struct vae_layer_tensor t;
        for (size_t k = 0; net->nodes[i].kind->tensor(&net->nodes[i], k, &t); k++)
            *(size_t *)((unsigned char *)&net->nodes[i] + t.offset) = (tensor++)->own;
    }
    for (size_t k = 0; k < net->n_spans; k++)
        if (vae_scale_is_learned(&net->spans[k]))
            net->spans[k].scale_at = (tensor++)->own;
    for (size_t i = 0; net->prior->tensor(config, i, &prior); i++)
        net->prior_at[i] = (tensor++)->own;
}

void vae_tensors_list(const struct vae_plan *plan, struct vae_network *net, struct vae_tensor *tensors)
{
    struct vae_plan_walk walk = {0, 0};
    struct vae_span_walk spans = {0, 0, 0};
    while (vae_plan_node(plan, &walk, &net->nodes[walk.next]))
        ;
    while (vae_plan_cells(plan->config, &spans, &net->spans[spans.next]))
        ;
    size_t n = list(plan->config, net, tensors);
    uint64_t offset = 0;
    for (size_t i = 0; i < n; i++) {
        tensors[i].count = tensors[i].shape[0] * tensors[i].shape[1];
        tensors[i].offset = offset;
        offset += tensors[i].count;
    }
    place(tensors, n);
    tell(plan->config, net, tensors);
}

/* One panel of a matrix [out][in] that is held as [in][out]. */
struct window {
    size_t in, first, cols, own, ld;
};

static struct window window_of(const struct vae_tensor *t, size_t panel_width, size_t panel)
{
    size_t out = (size_t)t->shape[0], in = (size_t)t->shape[1];
    struct vae_panels panels = vae_panels_packed(NULL, in, out, panel_width);
    struct vae_panel_shape shape = vae_panels_shape(&panels, panel);
    return (struct window){in, panel * panels.width, shape.cols, t->own + panel * panels.step, shape.ld};
}

static size_t panels_of(const struct vae_tensor *t, size_t panel_width)
{
    struct vae_panels panels = vae_panels_packed(NULL, (size_t)t->shape[1], (size_t)t->shape[0], panel_width);
    return t->in_panels ? vae_panels_count(&panels) : 0;
}

/* The first of n canonical elements that lie evenly in the model's own order: one row of a matrix at most. */
struct run {
    size_t at, step, n;
};

static struct run run_of(const struct vae_tensor *t, size_t panel, uint64_t first, size_t n)
{
    if (!t->in_panels)
        return (struct run){t->own + (size_t)first, 1, n};
    size_t in = (size_t)t->shape[1], row = (size_t)(first / in), col = (size_t)(first % in);
    struct vae_panels panels = vae_panels_packed(NULL, in, (size_t)t->shape[0], panel);
    struct window w = window_of(t, panel, row / panels.width);
    return (struct run){w.own + col * w.ld + (row - w.first), w.ld, n < in - col ? n : in - col};
}

void vae_tensor_get(
    const struct vae_tensor *t, size_t panel, const float *own, uint64_t first, size_t n, float *values)
{
    for (struct run run; n > 0; first += run.n, n -= run.n, values += run.n) {
        run = run_of(t, panel, first, n);
        for (size_t i = 0; i < run.n; i++)
            values[i] = own[run.at + i * run.step];
    }
}

/* Rows of one panel at once, some columns after the others: what is written next is near in memory. */
static void put_rows(const struct run *run, const float *values, size_t in, size_t rows, float *own)
{
    enum { COLUMNS = 16 };
    for (size_t first = 0; first < in; first += COLUMNS) {
        size_t last = in - first < COLUMNS ? in : first + COLUMNS;
        for (size_t r = 0; r < rows; r++)
            for (size_t j = first; j < last; j++)
                own[run->at + r + j * run->step] = values[r * in + j];
    }
}

/* How many whole rows of one panel the n elements begin with; at least one where a row begins. */
static size_t rows_of(const struct vae_tensor *t, size_t panel, uint64_t first, size_t n)
{
    size_t in = (size_t)t->shape[1];
    if (!t->in_panels || first % in != 0)
        return 0;
    struct vae_panels panels = vae_panels_packed(NULL, in, (size_t)t->shape[0], panel);
    size_t left = panels.width - (size_t)(first / in) % panels.width;
    return n / in < left ? n / in : left;
}

void vae_tensor_put(
    const struct vae_tensor *t, size_t panel, const float *values, uint64_t first, size_t n, float *own)
{
    for (size_t done; n > 0; first += done, n -= done, values += done) {
        struct run run = run_of(t, panel, first, n);
        size_t rows = rows_of(t, panel, first, n);
        done = rows > 1 ? rows * (size_t)t->shape[1] : run.n;
        if (rows > 1)
            put_rows(&run, values, (size_t)t->shape[1], rows, own);
        for (size_t i = 0; rows <= 1 && i < run.n; i++)
            own[run.at + i * run.step] = values[i];
    }
}

uint64_t vae_tensor_own(const struct vae_tensor *t, size_t panel, uint64_t i)
{
    return run_of(t, panel, i, 1).at;
}

uint64_t vae_tensor_find(const struct vae_tensor *t, size_t panel, uint64_t own)
{
    if (own < t->own || own - t->own >= t->count)
        return t->count;
    if (!t->in_panels)
        return own - t->own;
    for (size_t p = panels_of(t, panel); p-- > 0;) {
        struct window w = window_of(t, panel, p);
        if (own >= w.own)
            return (w.first + (own - w.own) % w.ld) * w.in + (own - w.own) / w.ld;
    }
    return t->count;
}
