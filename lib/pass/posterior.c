/* SPDX-License-Identifier: BSD-2-Clause
 * q(z|x) between encoder and decoder: draws of z, the divergence from the prior, and their gradients. Kingma
 * & Welling, arXiv:1312.6114, sec. 2.4 and app. B.
 *
 * A few thousand elements a step: the exact kernels serve training, too.
 */
#include "posterior.h"

#include "graph.h"
#include "rows.h"

#include <string.h>

/* Rows of one kind: the encoder's head, z, their gradients. */
struct strided {
    float *y, *g;
    size_t ld;
};

static struct strided head_rows(const struct vae_pass *p, size_t first)
{
    const struct vae_value *v = &p->ws->values[p->net->encoder];
    return (struct strided){v->y + first * v->ld, v->g ? v->g + first * v->ld : NULL, v->ld};
}

/* Every draws-th row of z, from draw `draw` of row `first` on. */
static struct strided z_rows(const struct vae_pass *p, size_t first, size_t draw)
{
    const struct vae_value *v = &p->ws->values[vae_network_z(p->net)];
    size_t row = first * p->draws + draw;
    return (struct strided){v->y + row * v->ld, v->g ? v->g + row * v->ld : NULL, p->draws * v->ld};
}

/* Of z's rows from draw `draw` of row `first` on. */
static struct vae_prior_call prior_call(const struct vae_pass *p, size_t first, size_t draw)
{
    struct vae_prior_call call = {.kernels = p->net->kernels, .z_dim = p->net->z_dim, .zeros = p->ws->zeros};
    if (p->net->prior->has_components) {
        call.mixture = &p->ws->mixture;
        call.share = p->ws->share + (first * p->draws + draw) * call.mixture->ld;
        call.ldshare = p->draws * call.mixture->ld;
    }
    return call;
}

static float *eps_rows(const struct vae_pass *p, size_t first, size_t draw)
{
    return p->ws->eps + (draw * p->draws_ld + first) * p->net->z_dim;
}

void vae_posterior_clamp(const struct vae_pass *p, struct vae_range r)
{
    float least = p->net->logvar_min, most = p->net->logvar_max;
    struct strided head = head_rows(p, r.first);
    size_t d = p->net->z_dim;
    for (size_t i = 0; p->net->clamps && i < r.n; i++)
        for (size_t j = d; j < 2 * d; j++) {
            float v = head.y[i * head.ld + j];
            head.y[i * head.ld + j] = v < least ? least : v > most ? most : v;
        }
}

void vae_posterior_clamp_back(const struct vae_pass *p, struct vae_range r)
{
    float least = p->net->logvar_min, most = p->net->logvar_max;
    struct strided head = head_rows(p, r.first);
    size_t d = p->net->z_dim;
    for (size_t i = 0; p->net->clamps && i < r.n; i++)
        for (size_t j = d; j < 2 * d; j++)
            if (head.y[i * head.ld + j] <= least || head.y[i * head.ld + j] >= most)
                head.g[i * head.ld + j] = 0;
}

void vae_posterior_kl(const struct vae_pass *p, struct vae_range r)
{
    struct vae_prior_call call = prior_call(p, r.first, 0);
    struct strided head = head_rows(p, r.first);
    p->net->prior->kl(&call, r.n, head.y, head.ld, p->ws->kl + r.first);
}

void vae_posterior_kl_by_latent(const struct vae_pass *p, struct vae_range r)
{
    struct vae_prior_call call = prior_call(p, r.first, 0);
    struct strided head = head_rows(p, r.first);
    for (size_t i = 0; i < r.n; i++)
        p->net->prior->kl_by_latent(
            &call, head.y + i * head.ld, p->ws->latent_kl + (r.first + i) * p->net->z_dim);
}

/* Elements (row in the whole) * z_dim + latent; at once where the rows follow one another. */
static void noise(const struct vae_pass *p, struct vae_range r, uint64_t stream, float *eps)
{
    const struct vae_rng_kernels *rng = p->net->kernels->rng;
    size_t d = p->net->z_dim;
    if (!p->rows.place) {
        uint64_t row = p->rows.first_row + vae_place(&p->rows, r.first);
        rng->normal32(p->rows.seed, stream, row * d, r.n * d, eps);
        return;
    }
    for (size_t i = 0; i < r.n; i++) {
        uint64_t row = p->rows.first_row + vae_place(&p->rows, r.first + i);
        rng->normal32(p->rows.seed, stream, row * d, d, eps + i * d);
    }
}

void vae_posterior_draw(
    const struct vae_pass *p, struct vae_range r, uint64_t stream, size_t draw, size_t worker)
{
    size_t d = p->net->z_dim;
    struct strided head = head_rows(p, r.first), z = z_rows(p, r.first, draw);
    float *eps = eps_rows(p, r.first, draw);
    noise(p, r, stream, eps);
    p->net->kernels->exact32->reparam(r.n, d, head.y, head.ld, head.y + d, head.ld, eps, d, z.y, z.ld);
    if (p->training)
        vae_graph_note(p, z.y, z.ld, r.n, d, vae_graph_most(p, vae_network_z(p->net), worker)->y);
}

void vae_posterior_copy_mu(const struct vae_pass *p, struct vae_range r)
{
    struct strided head = head_rows(p, r.first), z = z_rows(p, r.first, 0);
    for (size_t i = 0; i < r.n; i++)
        memcpy(z.y + i * z.ld, head.y + i * head.ld, p->net->z_dim * sizeof *z.y);
    memset(eps_rows(p, r.first, 0), 0, r.n * p->net->z_dim * sizeof(float));
}

void vae_posterior_copy_z(const struct vae_pass *p, struct vae_range r)
{
    struct strided z = z_rows(p, r.first, 0);
    for (size_t i = 0; i < r.n; i++)
        memcpy(z.y + i * z.ld, p->rows.z + vae_data_row(&p->rows, r.first + i) * p->rows.ldz,
            p->net->z_dim * sizeof *z.y);
}

void vae_posterior_draw_prior(const struct vae_pass *p, struct vae_range r, uint64_t stream, size_t draw)
{
    struct vae_prior_call call = prior_call(p, r.first, draw);
    struct strided z = z_rows(p, r.first, draw);
    size_t d = p->net->z_dim, run = p->rows.place ? 1 : r.n;
    float *drawn = eps_rows(p, r.first, draw);
    for (size_t i = 0; i < r.n; i += run) {
        uint64_t row = p->rows.first_row + vae_place(&p->rows, r.first + i);
        p->net->prior->draw(&call, p->rows.seed, stream, row * d, run, drawn + i * d);
    }
    for (size_t i = 0; i < r.n; i++)
        memcpy(z.y + i * z.ld, drawn + i * d, d * sizeof *drawn);
}

void vae_posterior_sum_logs(const struct vae_pass *p, struct vae_range r)
{
    size_t d = p->net->z_dim;
    struct strided head = head_rows(p, r.first);
    for (size_t i = 0; i < r.n; i++) {
        double half = 0;
        for (size_t j = 0; j < d; j++)
            half += 0.5 * (double)head.y[i * head.ld + d + j];
        p->ws->log_sigma[r.first + i] = half;
    }
}

/* log q(z|x) = log N(eps; 0, I) - sum_j logvar_j / 2. */
static void subtract_log_q(const struct vae_pass *p, struct vae_range r, size_t draw, double *to)
{
    size_t d = p->net->z_dim;
    double *log_eps = p->ws->log_eps + draw * p->draws_ld + r.first;
    p->net->kernels->exact32->std_normal(r.n, d, eps_rows(p, r.first, draw), d, NULL, log_eps, NULL, 0);
    for (size_t i = 0; i < r.n; i++)
        to[i] -= log_eps[i] - p->ws->log_sigma[r.first + i];
}

void vae_posterior_log_ratio_of_draw(const struct vae_pass *p, struct vae_range r, size_t draw)
{
    struct vae_prior_call call = prior_call(p, r.first, draw);
    struct strided z = z_rows(p, r.first, draw);
    double *to = p->ws->log_ratio + draw * p->draws_ld + r.first;
    p->net->prior->log_density(&call, r.n, z.y, z.ld, to);
    subtract_log_q(p, r, draw, to);
}

void vae_posterior_log_ratio(const struct vae_pass *p, struct vae_range r)
{
    vae_posterior_sum_logs(p, r);
    for (size_t s = 0; s < p->draws; s++)
        vae_posterior_log_ratio_of_draw(p, r, s);
}

void vae_posterior_kl_of_draws(const struct vae_pass *p, struct vae_range r)
{
    for (size_t i = r.first; i < r.last; i++) {
        double sum = p->ws->log_ratio[i];
        for (size_t s = 1; s < p->draws; s++)
            sum += p->ws->log_ratio[s * p->draws_ld + i];
        p->ws->kl[i] = -sum / (double)p->draws;
    }
}

/* ---- backward ---- */

static void backward_kl(
    const struct vae_pass *p, const struct vae_bound_needs *needs, struct vae_range r, size_t worker)
{
    struct vae_prior_call call = prior_call(p, r.first, 0);
    struct strided head = head_rows(p, r.first);
    const float *w = p->ws->w_kl + r.first;
    float *by_latent = p->ws->columns + worker * p->ws->columns_size;
    if (!needs->by_kl) {
        for (size_t i = 0; i < r.n; i++)
            memset(head.g + i * head.ld, 0, 2 * p->net->z_dim * sizeof *head.g);
    } else if (!needs->whole) {
        p->net->prior->kl_grad(&call, r.n, head.y, head.ld, w, head.g, head.ld);
    } else {
        for (size_t i = 0; i < r.n; i++) {
            for (size_t j = 0; j < p->net->z_dim; j++)
                by_latent[j] = w[i] * p->ws->w_latent[j];
            p->net->prior->kl_by_latent_grad(&call, head.y + i * head.ld, by_latent, head.g + i * head.ld);
        }
    }
}

static float *half_logvar_rows(const struct vae_pass *p, size_t first)
{
    return p->ws->half_logvar + first * p->net->z_dim;
}

static void halve_logvars(const struct vae_pass *p, struct vae_range r)
{
    size_t d = p->net->z_dim;
    struct strided head = head_rows(p, r.first);
    float *half = half_logvar_rows(p, r.first);
    for (size_t i = 0; i < r.n; i++)
        for (size_t j = 0; j < d; j++)
            half[i * d + j] = 0.5f * head.y[i * head.ld + d + j];
}

/* With q's parameters held, -d log q(z|x) / dz = eps / sigma = d log N(eps; m, sigma) / dm at m = 0, where
 * sigma is a variance. */
static void backward_path(const struct vae_pass *p, struct vae_range r, size_t draw, const float *w)
{
    struct strided z = z_rows(p, r.first, draw);
    const float *zeros = p->ws->zeros, *half = half_logvar_rows(p, r.first);
    size_t d = p->net->z_dim;
    p->net->kernels->exact32->gauss(
        r.n, d, eps_rows(p, r.first, draw), d, zeros, 0, half, d, w, NULL, z.g, z.ld, NULL, 0);
}

/* Of w (log p(z) - log q(z|x)): log p through z; log q through z with q's parameters held, or through all,
 * which leaves the log-variances alone, as z moves along. */
static void backward_ratio(
    const struct vae_pass *p, const struct vae_bound_needs *needs, struct vae_range r, size_t draw)
{
    struct vae_prior_call call = prior_call(p, r.first, draw);
    struct strided head = head_rows(p, r.first), z = z_rows(p, r.first, draw);
    const float *w = p->ws->w_ratio + draw * p->ws->max_batch + r.first;
    size_t d = p->net->z_dim;
    p->net->prior->log_density_grad(&call, r.n, z.y, z.ld, w, z.g, z.ld);
    if (needs->path)
        backward_path(p, r, draw, w);
    for (size_t i = 0; !needs->path && i < r.n; i++)
        for (size_t j = 0; j < d; j++)
            head.g[i * head.ld + d + j] += 0.5f * w[i];
}

/* What goes on to q from a draw, by a factor of each row. */
static void scale_path(const struct vae_pass *p, struct vae_range r, size_t draw)
{
    struct strided z = z_rows(p, r.first, draw);
    const float *w = p->ws->w_path + draw * p->ws->max_batch + r.first;
    for (size_t i = 0; i < r.n; i++)
        for (size_t j = 0; j < p->net->z_dim; j++)
            z.g[i * z.ld + j] *= w[i];
}

void vae_posterior_backward(
    const struct vae_pass *p, const struct vae_bound_needs *needs, struct vae_range r, size_t worker)
{
    size_t d = p->net->z_dim;
    struct strided head = head_rows(p, r.first);
    backward_kl(p, needs, r, worker);
    if (needs->path)
        halve_logvars(p, r);
    for (size_t s = 0; s < p->draws; s++) {
        struct strided z = z_rows(p, r.first, s);
        if (needs->by_ratio)
            backward_ratio(p, needs, r, s);
        if (needs->scaled)
            scale_path(p, r, s);
        p->net->kernels->exact32->reparam_grad(r.n, d, head.y + d, head.ld, eps_rows(p, r.first, s), d, z.g,
            z.ld, head.g, head.ld, head.g + d, head.ld);
    }
    vae_posterior_clamp_back(p, r);
    vae_graph_note(p, head.g, head.ld, r.n, 2 * d, vae_graph_most(p, p->net->encoder, worker)->g);
}

/* Rows from `first` on, of an array that may not be there. */
static const float *rows_from(const float *rows, size_t first, size_t cols)
{
    return rows ? rows + first * cols : NULL;
}

void vae_posterior_adjoint(const struct vae_pass *p, struct vae_range r, const float *mu, const float *logvar)
{
    size_t d = p->net->z_dim;
    struct strided head = head_rows(p, r.first);
    vae_rows_copy(r.n, d, rows_from(mu, r.first, d), d, head.g, head.ld);
    vae_rows_copy(r.n, d, rows_from(logvar, r.first, d), d, head.g + d, head.ld);
    vae_posterior_clamp_back(p, r);
}
