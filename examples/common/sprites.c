/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Images that need no file: one shape each, drawn from five known factors.
 */
#include "sprites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

#define STREAM_SPRITES ((uint64_t)129 << 56)
enum { FACTORS = 8, SMOOTH = 4 }; /* random words kept for each sprite; points along a pixel's side */

static float between(float low, float high, uint32_t word)
{
    return low + (high - low) * (float)(word >> 8) * 0x1p-24f;
}

struct sprite sprite_factors(uint64_t seed, uint64_t index)
{
    uint32_t word[FACTORS];
    vae_random_u32(seed, STREAM_SPRITES, index * FACTORS, FACTORS, word);
    return (struct sprite){
        .shape = (int)(((uint64_t)word[0] * SPRITE_SHAPES) >> 32),
        .x = between(0.3f, 0.7f, word[1]),
        .y = between(0.3f, 0.7f, word[2]),
        .scale = between(0.12f, 0.25f, word[3]),
        .angle = between(0, 6.2831853f, word[4]),
    };
}

/* Is (u, v), in the shape's own axes with its half side as unit, inside? */
static int inside(int shape, float u, float v)
{
    switch (shape) {
    case SPRITE_SQUARE:
        return fabsf(u) <= 0.85f && fabsf(v) <= 0.85f;
    case SPRITE_ELLIPSE:
        return u * u + 4 * v * v <= 1;
    default: { /* the curve (u^2 + v^2 - 1)^3 = u^2 v^3, point downwards */
        float x = 1.25f * u, y = 0.15f - 1.25f * v, r = x * x + y * y - 1;
        return r * r * r <= x * x * y * y * y;
    }
    }
}

void sprite_draw(const struct sprite *sprite, uint8_t *pixel)
{
    enum { POINTS = SPRITE_SIDE * SMOOTH };
    float cosine = cosf(sprite->angle), sine = sinf(sprite->angle);
    int hits[SPRITE_SIDE * SPRITE_SIDE] = {0};
    for (int i = 0; i < POINTS; i++) {
        for (int j = 0; j < POINTS; j++) {
            float dx = (((float)j + 0.5f) / POINTS - sprite->x) / sprite->scale;
            float dy = (((float)i + 0.5f) / POINTS - sprite->y) / sprite->scale;
            float u = cosine * dx + sine * dy, v = cosine * dy - sine * dx;
            hits[i / SMOOTH * SPRITE_SIDE + j / SMOOTH] += inside(sprite->shape, u, v);
        }
    }
    for (int i = 0; i < SPRITE_SIDE * SPRITE_SIDE; i++)
        pixel[i] = (uint8_t)(hits[i] * 255 / (SMOOTH * SMOOTH));
}

int sprites_make(struct data *data, size_t n, uint64_t seed)
{
    memset(data, 0, sizeof *data);
    if (n == 0 || n > UINT32_MAX || !(data->cells = calloc(n, SPRITE_SIDE * SPRITE_SIDE)))
        return -1;
    data->rows = n;
    data->height = data->width = SPRITE_SIDE;
    data->dim = SPRITE_SIDE * SPRITE_SIDE;
    data->cell = DATA_UINT8;
    data->unit = 255;
    data->high = 1;
    for (size_t i = 0; i < n; i++) {
        struct sprite sprite = sprite_factors(seed, i);
        sprite_draw(&sprite, (uint8_t *)data->cells + i * data->dim);
    }
    return 0;
}
