/* SPDX-License-Identifier: BSD-2-Clause
 * The log-density of a mixture of diagonal Gaussians, and its gradients.
 *
 *   log p(z) = log sum_k pi_k N(z; m_k, diag exp(v_k)), of which component k has the share r_k
 *   dz += w sum_k r_k (m_k - z) exp(-v_k);  dm_k += w r_k (z - m_k) exp(-v_k)
 *   dv_k += w r_k ((z - m_k)^2 exp(-v_k) - 1) / 2;  dlogits_k += w (r_k - pi_k)
 *
 * In float64, with the exponential and the logarithm of math64.h; values and shares are good to 2^-38 of the
 * largest term. A lane is a component: the arrays of a mixture lie component by component, filled up with
 * components of no weight, so that no sum over latents has lanes of its own.
 */
#include "kernels/math/lanes.h"
#include "kernels/math/math64.h"

#define LOG_2PI 0x1.d67f1c864beb5p0
/* The logarithm of no weight */
#define NO_WEIGHT (-1e300)
/* A share below this is none: it is far below what a float32 gradient shows, and what came of it would be so
 * small that it takes a processor many times as long. */
#define LEAST_SHARE 0x1p-48

/* clang-format off */

/* The largest of the first n; NaN is passed over. */
static double largest(size_t n, const double *x)
{
    double most = NO_WEIGHT;
    for (size_t k = 0; k < n; k++)
        most = x[k] > most ? x[k] : most;
    return most;
}

/* x[k] = exp(x[k] - most); returns the sum of the first n. */
static double exponentials(size_t n, size_t ld, double most, double *restrict x)
{
    double lanes[VAE_LANES] = {0};
    for (size_t k = 0; k < ld; k += VAE_LANES)
        VAE_ROLLED for (size_t l = 0; l < VAE_LANES; l++)
            x[k + l] = m64_exp(x[k + l] - most);
    lanes_add(lanes, x, n);
    return lanes_sum_by_tree(lanes);
}

/* The weights, and their logarithms into `constant`. */
static void fill_weights(const struct vae_mixture *m, const float *logits)
{
    for (size_t k = 0; k < m->ld; k++)
        m->weight[k] = k >= m->components ? NO_WEIGHT : logits ? (double)logits[k] : 0.0;
    double most = largest(m->components, m->weight);
    for (size_t k = 0; k < m->ld; k++)
        m->constant[k] = m->weight[k] - most;
    double total = exponentials(m->components, m->ld, most, m->weight), log_total = m64_log(total);
    for (size_t k = 0; k < m->ld; k++) {
        m->weight[k] /= total;
        m->constant[k] -= log_total;
    }
}

static void fill(
    const struct vae_mixture *m, const float *mu, const float *logvar, size_t ldrow, const float *logits)
{
    fill_weights(m, logits);
    for (size_t k = 0; k < m->ld; k++) {
        int real = k < m->components;
        double sum = 0;
        for (size_t j = 0; j < m->d; j++) {
            double v = real ? (double)logvar[k * ldrow + j] : 0;
            m->mean[j * m->ld + k] = real ? (double)mu[k * ldrow + j] : 0;
            m->precision[j * m->ld + k] = real ? m64_exp(-v) : 0;
            sum += v;
        }
        m->constant[k] -= 0.5 * ((double)m->d * LOG_2PI + sum);
    }
}

/* log pi_k N(z; m_k, v_k) of sixteen components */
VAE_INLINE void joint(const struct vae_mixture *m, size_t k, const float *z, double *restrict to)
{
    double sum[VAE_LANES];
    VAE_ROLLED for (size_t l = 0; l < VAE_LANES; l++)
        sum[l] = m->constant[k + l];
    for (size_t j = 0; j < m->d; j++) {
        const double *mean = m->mean + j * m->ld + k, *precision = m->precision + j * m->ld + k;
        VAE_ROLLED for (size_t l = 0; l < VAE_LANES; l++) {
            double away = (double)z[j] - mean[l];
            sum[l] = fma(-0.5 * (away * away), precision[l], sum[l]);
        }
    }
    VAE_ROLLED for (size_t l = 0; l < VAE_LANES; l++)
        to[l] = sum[l];
}

static void density(const struct vae_mixture *m, size_t n, const float *z, size_t ldz, double *value,
    double *share, size_t ldshare)
{
    for (size_t i = 0; i < n; i++) {
        double *row = share + i * ldshare;
        for (size_t k = 0; k < m->ld; k += VAE_LANES)
            joint(m, k, z + i * ldz, row + k);
        double most = largest(m->components, row);
        double total = exponentials(m->components, m->ld, most, row);
        for (size_t k = 0; k < m->ld; k++) {
            double part = row[k] / total;
            row[k] = part < LEAST_SHARE ? 0.0 : part;
        }
        value[i] = most + m64_log(total);
        value[i] = total - total == 0 ? value[i] : total;
    }
}

/* sum_k r_k (m_k - z) exp(-v_k) of one latent */
VAE_INLINE double pull(const struct vae_mixture *m, size_t j, double z, const double *share)
{
    const double *mean = m->mean + j * m->ld, *precision = m->precision + j * m->ld;
    double lanes[VAE_LANES] = {0};
    for (size_t k = 0; k < m->ld; k += VAE_LANES)
        VAE_ROLLED for (size_t l = 0; l < VAE_LANES; l++)
            lanes[l] = fma(share[k + l] * precision[k + l], mean[k + l] - z, lanes[l]);
    return lanes_sum_by_tree(lanes);
}

static void density_grad(const struct vae_mixture *m, size_t n, const float *z, size_t ldz,
    const double *share, size_t ldshare, const float *w, float *gz, size_t ldgz)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m->d; j++) {
            double g = pull(m, j, (double)z[i * ldz + j], share + i * ldshare);
            gz[i * ldgz + j] = (float)fma((double)w[i], g, (double)gz[i * ldgz + j]);
        }
}

/* Rows of one latent's z and of the shares of sixteen components */
struct column {
    size_t n, ldz, ldshare;
    const float *z, *w;
    const double *share;
};

VAE_INLINE void add_rows(const struct column *c, const double *restrict mean,
    const double *restrict precision, double *restrict gmu, double *restrict glogvar)
{
    for (size_t i = 0; i < c->n; i++) {
        const double *share = c->share + i * c->ldshare;
        double z = (double)c->z[i * c->ldz], w = (double)c->w[i];
        VAE_ROLLED for (size_t l = 0; l < VAE_LANES; l++) {
            double away = z - mean[l], slope = away * precision[l], part = w * share[l];
            gmu[l] = fma(part, slope, gmu[l]);
            glogvar[l] = fma(0.5 * part, fma(away, slope, -1.0), glogvar[l]);
        }
    }
}

static void logits_grad(const struct vae_mixture *m, size_t first, const struct column *c, float *to)
{
    double sum[VAE_LANES] = {0};
    for (size_t i = 0; i < c->n; i++)
        for (size_t l = 0; l < VAE_LANES; l++) {
            double more = c->share[i * c->ldshare + l] - m->weight[first + l];
            sum[l] = fma((double)c->w[i], more, sum[l]);
        }
    for (size_t l = 0; l < VAE_LANES && first + l < m->components; l++)
        to[first + l] = (float)sum[l];
}

static void component_grad(const struct vae_mixture *m, size_t first, size_t n, const float *z, size_t ldz,
    const double *share, size_t ldshare, const float *w, float *gmu, float *glogvar, size_t ldg,
    float *glogits)
{
    struct column c = {n, ldz, ldshare, z, w, share + first};
    for (size_t j = 0; j < m->d; j++) {
        double sums[2][VAE_LANES] = {{0}, {0}};
        c.z = z + j;
        add_rows(&c, m->mean + j * m->ld + first, m->precision + j * m->ld + first, sums[0], sums[1]);
        for (size_t l = 0; l < VAE_LANES && first + l < m->components; l++) {
            gmu[(first + l) * ldg + j] = (float)sums[0][l];
            glogvar[(first + l) * ldg + j] = (float)sums[1][l];
        }
    }
    if (glogits)
        logits_grad(m, first, &c, glogits);
}

/* clang-format on */

const struct vae_mixture_kernels K(mixture) = {
    .fill = fill,
    .density = density,
    .density_grad = density_grad,
    .component_grad = component_grad,
};
