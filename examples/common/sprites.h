/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Images that need no file: one shape each, drawn from five known factors.
 */
#ifndef VAE_EXAMPLES_SPRITES_H
#define VAE_EXAMPLES_SPRITES_H

#include <stdint.h>

#include "data.h"

enum { SPRITE_SIDE = 28 }; /* pixels */
enum { SPRITE_SQUARE, SPRITE_ELLIPSE, SPRITE_HEART, SPRITE_SHAPES };

struct sprite {
    int shape;
    float x, y;  /* centre, in units of the side, 0.5 = the middle */
    float scale; /* half of the side's length, in units of the side */
    float angle; /* radians */
};

/* The factors of sprite number `index` of a seed. */
struct sprite sprite_factors(uint64_t seed, uint64_t index);
/* pixel: [SPRITE_SIDE][SPRITE_SIDE], white on black, edges smoothed. */
void sprite_draw(const struct sprite *sprite, uint8_t *pixel);
/* Sprites 0..n-1 of a seed. -1: out of memory. */
int sprites_make(struct data *data, size_t n, uint64_t seed);

#endif
