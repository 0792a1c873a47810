/* SPDX-License-Identifier: BSD-2-Clause
 * The references' own functions, in long double.
 */
#include "textbook.h"

#include <math.h>

long double expm1mxl(long double x)
{
    if (fabsl(x) > 0.5L)
        return expm1l(x) - x;
    long double term = x, sum = 0;
    for (int k = 2; k < 24; k++)
        sum += term *= x / k;
    return sum;
}

long double log_sinhcl(long double y)
{
    y = fabsl(y);
    if (y > 1)
        return y - logl(2 * y) + log1pl(-expl(-2 * y));
    long double term = 1, sum = 0;
    for (int k = 2; k < 28; k += 2)
        sum += term *= y * y / (k * (k + 1));
    return log1pl(sum);
}

/* (y cosh y - sinh y) / (y sinh y); the series of the numerator has terms 2k y^(2k+1) / (2k+1)!. */
long double log_sinhc_slopel(long double y)
{
    if (fabsl(y) > 1)
        return 1 / tanhl(y) - 1 / y;
    long double term = y, sum = 0;
    for (int k = 2; k < 28; k += 2) {
        term *= y * y / (k * (k + 1));
        sum += k * term;
    }
    return y == 0 ? 0 : sum / (y * sinhl(y));
}

/* x = p^-1 x, or p'^-1 x, column by column of a matrix of `cols` columns. */
static void solve(size_t d, const long double *p, size_t cols, long double *x)
{
    for (size_t c = 0; c < cols; c++)
        for (size_t i = 0; i < d; i++) {
            for (size_t k = 0; k < i; k++)
                x[i * cols + c] -= p[i * d + k] * x[k * cols + c];
            x[i * cols + c] /= p[i * d + i];
        }
}

static void solve_transposed(size_t d, const long double *p, size_t cols, long double *x)
{
    for (size_t c = 0; c < cols; c++)
        for (size_t i = d; i-- > 0;) {
            for (size_t k = i + 1; k < d; k++)
                x[i * cols + c] -= p[k * d + i] * x[k * cols + c];
            x[i * cols + c] /= p[i * d + i];
        }
}

static long double square_sum(size_t n, const long double *x)
{
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sum;
}

/* With M = p^-1 q = 1 + N and y = p^-1 mean: value = (|N|^2 + |y|^2 + 2 sum(N_ii - log M_ii)) / 2, dmean =
 * p'^-1 y, dq = tril(p'^-1 M) - diag(1 / q_ii), dp = -tril(p'^-1 (N + N' + N N' + y y')). */
void textbook_kl_full(struct textbook_full *full)
{
    static long double n[TEXTBOOK_FULL * TEXTBOOK_FULL], s[TEXTBOOK_FULL * TEXTBOOK_FULL],
        m[TEXTBOOK_FULL * TEXTBOOK_FULL];
    size_t d = full->d;
    for (size_t i = 0; i < d; i++) {
        full->gmean[i] = full->mean[i];
        for (size_t j = 0; j < d; j++)
            n[i * d + j] = j <= i ? full->q[i * d + j] - full->p[i * d + j] : 0;
    }
    solve(d, full->p, 1, full->gmean);
    solve(d, full->p, d, n);
    full->value = square_sum(d, full->gmean) + square_sum(d * d, n);
    for (size_t i = 0; i < d; i++)
        full->value += 2 * (n[i * d + i] - log1pl(n[i * d + i]));
    full->value /= 2;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) {
            m[i * d + j] = n[i * d + j] + (i == j);
            s[i * d + j] = n[i * d + j] + n[j * d + i] + full->gmean[i] * full->gmean[j];
            for (size_t k = 0; k < d; k++)
                s[i * d + j] += n[i * d + k] * n[j * d + k];
        }
    solve_transposed(d, full->p, 1, full->gmean);
    solve_transposed(d, full->p, d, m);
    solve_transposed(d, full->p, d, s);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) {
            full->gq[i * d + j] = j > i ? 0 : m[i * d + j] - (i == j ? 1 / full->q[i * d + i] : 0);
            full->gp[i * d + j] = j > i ? 0 : -s[i * d + j];
        }
}
