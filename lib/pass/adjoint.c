/* SPDX-License-Identifier: BSD-2-Clause
 * Losses of a program's own: the networks backwards, from derivatives by what vae_infer() gives to those by
 * what it takes.
 *
 * Encoder and decoder are two passes that know nothing of each other: what is between them, from q's
 * parameters to z, is the program's. The decoder goes first, and leaves the rows of its head to the encoder.
 */
#include "adjoint.h"

#include "base/status.h"
#include "gradient.h"
#include "graph.h"
#include "loss.h"
#include "posterior.h"
#include "rows.h"

#include <float.h>

struct job {
    const struct vae_pass *pass;
    const vae_adjoints *adjoints;
};

/* ---- what must be finite ---- */

/* An array of the call: its name, and some columns of its rows. */
struct array {
    const char *name;
    const float *data;
    size_t ld, first, cols;
    int by_index; /* does the batch's index say where row i is? */
};

static int check_row(const char *function, const struct array *a, size_t i, const float *row)
{
    for (size_t j = a->first; j < a->first + a->cols; j++)
        if (!(row[j] - row[j] == 0))
            return vae_fail(VAE_ERR_NONFINITE, "%s: %s of row %zu, column %zu, is %g: must be finite",
                function, a->name, i, j, vae_shown((double)row[j]));
    return VAE_OK;
}

static int check_array(const char *function, const struct vae_pass *p, const struct array *a)
{
    int status = VAE_OK;
    for (size_t i = 0; status == VAE_OK && a->data && i < p->rows.n; i++) {
        const float *row = a->data + (a->by_index ? vae_data_row(&p->rows, i) : i) * a->ld;
        if (!(p->net->kernels->train->max_abs(a->cols, row + a->first) <= FLT_MAX))
            status = check_row(function, a, i, row);
    }
    return status;
}

/* The cells whose scale is no constant; what the others say is ignored. */
static int check_scales(const char *function, const struct vae_pass *p, const float *scale)
{
    int status = VAE_OK;
    for (size_t k = 0; status == VAE_OK && k < p->net->n_spans; k++) {
        const struct vae_cells_span *span = &p->net->spans[k];
        struct array a = {"adjoints.x_scale", scale, p->net->x_dim, span->first, span->columns, 0};
        if (vae_scale_is_decoded(span) || vae_scale_is_learned(span))
            status = check_array(function, p, &a);
    }
    return status;
}

int vae_adjoint_check(const char *function, const struct vae_pass *p, const vae_adjoints *a)
{
    size_t x = p->net->x_dim, z = p->net->z_dim;
    const struct array arrays[] = {{"adjoints.mu", a->mu, z, 0, z, 0},
        {"adjoints.logvar", a->logvar, z, 0, z, 0}, {"adjoints.x_location", a->x_location, x, 0, x, 0},
        {"x", vae_adjoint_encodes(a) ? p->rows.x : NULL, p->rows.ldx, 0, x, 1},
        {"z", vae_adjoint_decodes(a) ? p->rows.z : NULL, p->rows.ldz, 0, z, 1}};
    int status = check_scales(function, p, a->x_scale);
    for (size_t i = 0; status == VAE_OK && i < sizeof arrays / sizeof *arrays; i++)
        status = check_array(function, p, &arrays[i]);
    return status;
}

/* ---- the passes ---- */

struct vae_pass vae_adjoint_pass(
    const struct vae_network *net, struct vae_workspace *ws, const struct vae_rows *rows)
{
    struct vae_pass p = {.net = net, .ws = ws, .rows = *rows, .draws = 1, .training = 1};
    p.task_rows = vae_task_rows(ws->pool.threads, rows->n, 1);
    return p;
}

static void decode(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    const struct vae_pass *p = job->pass;
    struct vae_range r = vae_task_range(p, task);
    size_t middle = p->net->encoder, nodes = vae_network_nodes(p->net);
    vae_posterior_copy_z(p, r);
    vae_graph_forward(p, middle, nodes, r, worker);
    vae_loss_finish_head(p, r);
    vae_loss_adjoint(p, r, job->adjoints->x_location, job->adjoints->x_scale);
    vae_graph_backward(p, middle, nodes, r, worker);
}

/* No layer reads the decoder's head: its values make room for x's gradient, whose rows are no longer. */
static float *x_gradient(const struct vae_pass *p)
{
    return p->ws->values[vae_network_values(p->net) - 1].y;
}

static void encode(void *arg, size_t task, size_t worker)
{
    const struct job *job = arg;
    const struct vae_pass *p = job->pass;
    struct vae_range r = vae_task_range(p, task);
    vae_rows_gather(p, r);
    vae_graph_forward(p, 0, p->net->encoder, r, worker);
    vae_posterior_clamp(p, r);
    vae_posterior_adjoint(p, r, job->adjoints->mu, job->adjoints->logvar);
    vae_graph_backward(p, 0, p->net->encoder, r, worker);
    if (job->adjoints->x)
        vae_graph_input(p, x_gradient(p), r, worker);
}

double vae_adjoint_run(const struct vae_pass *p, struct vae_trainer *trainer, const vae_adjoints *adjoints)
{
    struct job job = {p, adjoints};
    size_t middle = p->net->encoder;
    double squared_norm = 0;
    if (vae_adjoint_decodes(adjoints)) {
        vae_pool_run(&p->ws->pool, vae_tasks(p), decode, &job);
        squared_norm = vae_gradient_add(p, trainer, NULL, middle, vae_network_nodes(p->net));
    }
    if (vae_adjoint_encodes(adjoints)) {
        vae_rows_attach(p);
        vae_pool_run(&p->ws->pool, vae_tasks(p), encode, &job);
        squared_norm = vae_gradient_add(p, trainer, NULL, 0, middle);
    }
    return squared_norm;
}

/* ---- what comes out ---- */

/* In the workspace; zeros, that is no data, where the half was not run. */
static struct array x_of(const struct vae_pass *p, const vae_adjoints *a)
{
    const float *data = a->x && vae_adjoint_encodes(a) ? x_gradient(p) : NULL;
    return (struct array){"the derivative by x", data, vae_row_stride(p->net->x_dim), 0, p->net->x_dim, 0};
}

static struct array z_of(const struct vae_pass *p, const vae_adjoints *a)
{
    const struct vae_value *z = &p->ws->values[vae_network_z(p->net)];
    const float *data = a->z && vae_adjoint_decodes(a) ? z->g : NULL;
    return (struct array){"the derivative by z", data, z->ld, 0, p->net->z_dim, 0};
}

int vae_adjoint_check_outputs(const char *function, const struct vae_pass *p, const vae_adjoints *adjoints)
{
    struct array x = x_of(p, adjoints), z = z_of(p, adjoints);
    int status = check_array(function, p, &z);
    return status == VAE_OK ? check_array(function, p, &x) : status;
}

void vae_adjoint_put(const struct vae_pass *p, const vae_adjoints *adjoints)
{
    struct array x = x_of(p, adjoints), z = z_of(p, adjoints);
    if (adjoints->x)
        vae_rows_copy(p->rows.n, x.cols, x.data, x.ld, adjoints->x, x.cols);
    if (adjoints->z)
        vae_rows_copy(p->rows.n, z.cols, z.data, z.ld, adjoints->z, z.cols);
}
