/* SPDX-License-Identifier: BSD-2-Clause
 * Test support. Gauss-Hermite quadrature for the standard normal, its nodes found by Newton's method.
 *
 * With the polynomials h_k that are orthonormal under N(0, 1),
 *     sqrt(k + 1) h_{k+1}(x) = x h_k(x) - sqrt(k) h_{k-1}(x),    h_n' = sqrt(n) h_{n-1},
 * the nodes are the roots of h_n and the weights 1 / sum_{k<n} h_k(x_i)^2. Exact for polynomials of degree 2n
 * - 1.
 */
#ifndef VAE_TESTS_QUADRATURE_H
#define VAE_TESTS_QUADRATURE_H

#include <math.h>

#define QUADRATURE_MOST 64

struct quadrature {
    int n;
    double node[QUADRATURE_MOST], weight[QUADRATURE_MOST];
};

/* h_n(x), and on the way h_{n-1}(x) and the sum of the squares of h_0 .. h_{n-1}. */
static double quadrature_hermite(int n, double x, double *before, double *squares)
{
    double last = 0, h = 1;
    *squares = 0;
    for (int k = 0; k < n; k++) {
        double next = (x * h - sqrt(k) * last) / sqrt(k + 1.0);
        *squares += h * h;
        last = h;
        h = next;
    }
    *before = last;
    return h;
}

/* Newton from the middle of a step over which h_n changes its sign; steps are much narrower than roots lie
 * apart. */
static void quadrature_make(struct quadrature *q, int n)
{
    const double step = 1.0 / 64, limit = 2 * sqrt(n + 1.0);
    double before, squares;
    q->n = 0;
    double left = quadrature_hermite(n, -limit, &before, &squares);
    for (double x = -limit; x < limit && q->n < n; x += step) {
        double right = quadrature_hermite(n, x + step, &before, &squares);
        if ((left < 0) != (right < 0)) {
            double root = x + step / 2;
            for (int i = 0; i < 20; i++)
                root -= quadrature_hermite(n, root, &before, &squares) / (sqrt(n) * before);
            quadrature_hermite(n, root, &before, &squares);
            q->node[q->n] = root;
            q->weight[q->n++] = 1 / squares;
        }
        left = right;
    }
}

#endif
