/* SPDX-License-Identifier: BSD-2-Clause
 * Backward through a gate, y = h s with s = sigmoid(t): dL/dh = s dL/dy, dL/dt = y (1 - s) dL/dy.
 *
 * s (1 - s) h is y (1 - s), so that h need not be kept. Each is right to 2 ULP of itself, given y and s.
 */
#include "note.h"
#include "train.h"

VAE_INLINE void gate_row(
    size_t n, const float *restrict y, const float *restrict s, float *restrict g, float *restrict gate_g)
{
    for (size_t j = 0; j < n; j++) {
        gate_g[j] = y[j] * (1.0f - s[j]) * g[j];
        g[j] *= s[j];
    }
}

void train_gate_back(const struct vae_epilogue *epilogue, size_t m, size_t n, const float *y, const float *s,
    float *g, float *gate_g, size_t ld)
{
    for (size_t i = 0; i < m; i++)
        gate_row(n, y + i * ld, s + i * ld, g + i * ld, gate_g + i * ld);
    if (epilogue->most)
        note_matrix(m, n, gate_g, ld, 0, epilogue->most);
    epilogue_rows(epilogue, 0, m, 0, n, g, ld);
}
