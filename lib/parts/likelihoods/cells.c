/* SPDX-License-Identifier: BSD-2-Clause
 * What several likelihoods do alike: domains, copies, notes.
 */
#include "likelihood.h"

#include <string.h>

/* Bits of 1 and of the largest finite number. */
#define ONE 0x3f800000u
#define LARGEST 0x7f7fffffu

void vae_cells_copy_location(const struct vae_cells *c, float *to, size_t ldto)
{
    for (size_t i = 0; i < c->n; i++)
        memcpy(to + i * ldto, c->location + i * c->ldlocation, c->d * sizeof *to);
}

void vae_cells_negate(size_t n, size_t d, float *rows, size_t ld)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            rows[i * ld + j] = -rows[i * ld + j];
}

void vae_cells_clear(size_t n, size_t d, float *rows, size_t ld)
{
    for (size_t i = 0; i < n; i++)
        memset(rows + i * ld, 0, d * sizeof *rows);
}

static void note(const struct vae_cells *c, const float *rows, size_t ld, uint32_t *most)
{
    for (size_t i = 0; i < c->n; i++) {
        struct vae_seen seen = {0, 0, 0};
        c->kernels->train->look(c->d, rows + i * ld, &seen);
        *most = seen.most > *most ? seen.most : *most;
    }
}

void vae_cells_look(const struct vae_cells *c, const struct vae_cells_out *out)
{
    for (size_t i = 0; out->seen && i < c->n; i++)
        c->kernels->train->look(c->d, c->x + i * c->ldx, out->seen);
    if (out->most && out->glocation)
        note(c, out->glocation, out->ldg, out->most);
    if (out->most && out->gscale)
        note(c, out->gscale, out->ldg, out->most);
}

int vae_takes_unit(float x)
{
    return x >= 0 && x <= 1;
}

int vae_suspects_unit(const struct vae_seen *seen)
{
    return seen->most > ONE || seen->any >> 31;
}

int vae_takes_finite(float x)
{
    return x - x == 0;
}

int vae_suspects_finite(const struct vae_seen *seen)
{
    return seen->most > LARGEST;
}
