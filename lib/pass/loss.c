/* SPDX-License-Identifier: BSD-2-Clause
 * log p(x|z) over the decoder's head, span by span: heads, values, gradients.
 */
#include "loss.h"

#include "base/status.h"
#include "rows.h"

#include <float.h>

static const struct vae_value *head_of(const struct vae_pass *p)
{
    return &p->ws->values[vae_network_values(p->net) - 1];
}

static int clamped(const struct vae_cells_span *span)
{
    return span->scale_min > -FLT_MAX;
}

static float at_least(float least, float x)
{
    return x < least ? least : x;
}

void vae_loss_prepare(const struct vae_network *net, struct vae_workspace *ws)
{
    for (size_t k = 0; k < net->n_spans; k++) {
        const struct vae_cells_span *span = &net->spans[k];
        if (!span->kind->has_scale || vae_scale_is_decoded(span))
            continue;
        float scale = span->scale_from == VAE_PARAM_SPAN ? net->params[span->scale_at] : span->scale_value;
        scale = at_least(span->scale_min, scale);
        for (size_t j = 0; j < span->columns; j++)
            ws->scales[span->first + j] = scale;
    }
}

void vae_loss_finish_head(const struct vae_pass *p, struct vae_range r)
{
    const struct vae_value *head = head_of(p);
    size_t n = r.n * p->draws;
    float *rows = head->y + r.first * p->draws * head->ld;
    for (size_t k = 0; k < p->net->n_spans; k++) {
        const struct vae_cells_span *span = &p->net->spans[k];
        struct vae_epilogue activation = {.kind = VAE_EPILOGUE_FORWARD, .activation = span->mean_activation};
        if (span->mean_activation != VAE_IDENTITY)
            p->net->kernels->train->epilogue(&activation, n, span->columns, rows + span->first, head->ld);
        for (size_t i = 0; vae_scale_is_decoded(span) && clamped(span) && i < n; i++)
            for (size_t j = 0; j < span->columns; j++)
                rows[i * head->ld + span->scale_at + j] =
                    at_least(span->scale_min, rows[i * head->ld + span->scale_at + j]);
    }
}

struct vae_cells vae_loss_cells(const struct vae_pass *p, size_t k, struct vae_range r, size_t draw)
{
    const struct vae_cells_span *span = &p->net->spans[k];
    const struct vae_value *head = head_of(p), *x = &p->ws->values[0];
    const float *row = head->y + (r.first * p->draws + draw) * head->ld;
    struct vae_cells cells = {.kernels = p->net->kernels,
        .n = r.n,
        .d = span->columns,
        .ldx = x->ld,
        .location = row + span->first,
        .ldlocation = p->draws * head->ld,
        .zeros = p->ws->zeros};
    if (p->rows.x)
        cells.x = x->y + r.first * x->ld + span->first;
    if (vae_scale_is_decoded(span)) {
        cells.scale = row + span->scale_at;
        cells.ldscale = p->draws * head->ld;
    } else if (span->kind->has_scale) {
        cells.scale = p->ws->scales + span->first;
    }
    return cells;
}

static void add(double *to, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += values[i];
}

/* Values of span k, which follow one another from `at` on, on top of those of the spans before. */
static void exact_span(const struct vae_pass *p, size_t k, const struct vae_cells *cells, size_t at)
{
    double *value = k == 0 ? p->ws->loglik : p->ws->span_loglik;
    p->net->spans[k].kind->exact(cells, value + at);
    if (k > 0)
        add(p->ws->loglik + at, value + at, cells->n);
}

void vae_loss_exact(const struct vae_pass *p, struct vae_range r, size_t draw)
{
    for (size_t k = 0; k < p->net->n_spans; k++) {
        struct vae_cells cells = vae_loss_cells(p, k, r, draw);
        exact_span(p, k, &cells, draw * p->draws_ld + r.first);
    }
}

void vae_loss_exact_row(const struct vae_pass *p, size_t first, size_t last)
{
    for (size_t k = 0; k < p->net->n_spans; k++) {
        struct vae_cells cells = vae_loss_cells(p, k, (struct vae_range){0, 1, 1}, first);
        cells.n = last - first;
        cells.ldx = 0;
        cells.ldlocation = head_of(p)->ld;
        cells.ldscale = cells.ldscale ? head_of(p)->ld : 0;
        exact_span(p, k, &cells, first);
    }
}

/* ---- training ---- */

double *vae_loss_span_values(const struct vae_network *net, const struct vae_workspace *ws, size_t k)
{
    return net->n_spans == 1 ? ws->loglik : ws->span_loglik + k * ws->max_draws * ws->max_batch;
}

/* Through the activation of the means, and through the clamps: what is clamped has no slope. */
static void finish_gradient(const struct vae_pass *p, const struct vae_cells_span *span,
    const struct vae_cells *cells, const struct vae_cells_out *out)
{
    struct vae_epilogue slope = {.kind = VAE_EPILOGUE_BACKWARD,
        .activation = span->mean_activation,
        .y = cells->location,
        .ldy = cells->ldlocation};
    if (span->mean_activation != VAE_IDENTITY)
        p->net->kernels->train->epilogue(&slope, cells->n, cells->d, out->glocation, out->ldg);
    for (size_t i = 0; out->gscale && clamped(span) && i < cells->n; i++)
        for (size_t j = 0; j < cells->d; j++)
            if (cells->scale[i * cells->ldscale + j] <= span->scale_min)
                out->gscale[i * out->ldg + j] = 0;
}

static void train_span(
    const struct vae_pass *p, size_t k, struct vae_range r, size_t draw, size_t worker, int work)
{
    const struct vae_cells_span *span = &p->net->spans[k];
    const struct vae_value *head = head_of(p);
    struct vae_cells cells = vae_loss_cells(p, k, r, draw);
    size_t at = draw * p->ws->max_batch + r.first, values = vae_network_values(p->net);
    struct vae_cells_out out = {.w = p->ws->w_loglik + at, .ldg = p->draws * head->ld};
    if (work & VAE_LOSS_VALUE) {
        out.value = vae_loss_span_values(p->net, p->ws, k) + at;
        out.seen = draw == 0 ? &p->ws->seen[worker * p->net->n_spans + k] : NULL;
    }
    if (work & VAE_LOSS_GRADIENT) {
        float *g = head->g + (r.first * p->draws + draw) * head->ld;
        out.glocation = g + span->first;
        out.gscale = vae_scale_is_decoded(span) ? g + span->scale_at : NULL;
        out.most = p->ws->most[worker * values + values - 1].g;
    }
    span->kind->train(&cells, &out);
    if (work & VAE_LOSS_GRADIENT)
        finish_gradient(p, span, &cells, &out);
}

void vae_loss_train(const struct vae_pass *p, struct vae_range r, size_t worker, int work)
{
    for (size_t s = 0; s < p->draws; s++) {
        double *total = p->ws->loglik + s * p->ws->max_batch + r.first;
        for (size_t k = 0; k < p->net->n_spans; k++)
            train_span(p, k, r, s, worker, work);
        if (p->net->n_spans == 1 || !(work & VAE_LOSS_VALUE))
            continue;
        for (size_t i = 0; i < r.n; i++)
            total[i] = 0;
        for (size_t k = 0; k < p->net->n_spans; k++)
            add(total, vae_loss_span_values(p->net, p->ws, k) + s * p->ws->max_batch + r.first, r.n);
    }
}

/* ---- losses of a program's own ---- */

/* The span's columns from row `first` on, of an array that may not be there. */
static const float *span_rows(
    const struct vae_pass *p, const struct vae_cells_span *span, size_t first, const float *rows)
{
    return rows ? rows + first * p->net->x_dim + span->first : NULL;
}

static void sum_rows(size_t n, size_t cols, const float *rows, size_t ld, double *sum)
{
    for (size_t i = 0; i < n; i++) {
        sum[i] = 0;
        for (size_t j = 0; rows && j < cols; j++)
            sum[i] += (double)rows[i * ld + j];
    }
}

void vae_loss_adjoint(const struct vae_pass *p, struct vae_range r, const float *location, const float *scale)
{
    const struct vae_value *head = head_of(p);
    float *g = head->g + r.first * head->ld;
    size_t ld = p->net->x_dim;
    for (size_t k = 0; k < p->net->n_spans; k++) {
        const struct vae_cells_span *span = &p->net->spans[k];
        struct vae_cells cells = vae_loss_cells(p, k, r, 0);
        struct vae_cells_out out = {.glocation = g + span->first, .ldg = head->ld};
        const float *by_scale = span_rows(p, span, r.first, scale);
        vae_rows_copy(r.n, cells.d, span_rows(p, span, r.first, location), ld, out.glocation, out.ldg);
        if (vae_scale_is_decoded(span)) {
            out.gscale = g + span->scale_at;
            vae_rows_copy(r.n, cells.d, by_scale, ld, out.gscale, out.ldg);
        } else if (vae_scale_is_learned(span)) {
            sum_rows(r.n, cells.d, by_scale, ld, vae_loss_span_values(p->net, p->ws, k) + r.first);
        }
        finish_gradient(p, span, &cells, &out);
    }
}

/* ---- data ---- */

static int refuse(
    const char *function, const struct vae_pass *p, const struct vae_cells_span *span, size_t i, size_t j)
{
    float x = p->ws->values[0].y[i * p->ws->values[0].ld + j];
    int finite = x - x == 0;
    return vae_fail(finite ? VAE_ERR_DATA : VAE_ERR_NONFINITE,
        "%s: x of row %zu (data row %zu), column %zu, is %g: %s takes values that are %s", function,
        vae_place(&p->rows, i), vae_data_row(&p->rows, i), j, vae_shown((double)x), span->kind->name,
        span->kind->domain);
}

/* Where there is something, or is nothing after all: the first value in order of rows. */
static int search(const char *function, const struct vae_pass *p, size_t k)
{
    const struct vae_cells_span *span = &p->net->spans[k];
    const struct vae_value *x = &p->ws->values[0];
    for (size_t i = 0; i < p->rows.n; i++)
        for (size_t j = span->first; j < span->first + span->columns; j++)
            if (!span->kind->takes(x->y[i * x->ld + j]))
                return refuse(function, p, span, i, j);
    return VAE_OK;
}

static void raise_seen(struct vae_seen *all, const struct vae_seen *one)
{
    all->most = one->most > all->most ? one->most : all->most;
    all->any |= one->any;
    all->broken |= one->broken;
}

int vae_loss_check_data(const char *function, const struct vae_pass *p)
{
    for (size_t k = 0; k < p->net->n_spans; k++) {
        struct vae_seen seen = {0, 0, 0};
        for (size_t t = 0; t < p->ws->pool.threads; t++)
            raise_seen(&seen, &p->ws->seen[t * p->net->n_spans + k]);
        int status = p->net->spans[k].kind->suspects(&seen) ? search(function, p, k) : VAE_OK;
        if (status != VAE_OK)
            return status;
    }
    return VAE_OK;
}
