/* SPDX-License-Identifier: BSD-2-Clause
 * Template: all tiles of one width, of which tile.c looks up one by its rows. tile.c includes it for each
 * width, with
 *
 *   VECS    vectors side by side: 1, 2 or 4
 */

#define ROWS 1
#include "tile_tmpl.h"
#define ROWS 2
#include "tile_tmpl.h"
#if TILE_ROWS >= 6
#define ROWS 3
#include "tile_tmpl.h"
#define ROWS 4
#include "tile_tmpl.h"
#define ROWS 5
#include "tile_tmpl.h"
#define ROWS 6
#include "tile_tmpl.h"
#endif
#if TILE_ROWS >= 14
#define ROWS 7
#include "tile_tmpl.h"
#define ROWS 8
#include "tile_tmpl.h"
#define ROWS 9
#include "tile_tmpl.h"
#define ROWS 10
#include "tile_tmpl.h"
#define ROWS 11
#include "tile_tmpl.h"
#define ROWS 12
#include "tile_tmpl.h"
#define ROWS 13
#include "tile_tmpl.h"
#define ROWS 14
#include "tile_tmpl.h"
#endif

static tile_function *const SHAPE_ARRAY(tiles, VECS)[] = {
    SHAPE_NAME(tile, 1, VECS),
    SHAPE_NAME(tile, 2, VECS),
#if TILE_ROWS >= 6
    SHAPE_NAME(tile, 3, VECS),
    SHAPE_NAME(tile, 4, VECS),
    SHAPE_NAME(tile, 5, VECS),
    SHAPE_NAME(tile, 6, VECS),
#endif
#if TILE_ROWS >= 14
    SHAPE_NAME(tile, 7, VECS),
    SHAPE_NAME(tile, 8, VECS),
    SHAPE_NAME(tile, 9, VECS),
    SHAPE_NAME(tile, 10, VECS),
    SHAPE_NAME(tile, 11, VECS),
    SHAPE_NAME(tile, 12, VECS),
    SHAPE_NAME(tile, 13, VECS),
    SHAPE_NAME(tile, 14, VECS),
#endif
};
static back_function *const SHAPE_ARRAY(backs, VECS)[] = {
    SHAPE_NAME(back, 1, VECS),
    SHAPE_NAME(back, 2, VECS),
#if BACK_ROWS >= 6
    SHAPE_NAME(back, 3, VECS),
    SHAPE_NAME(back, 4, VECS),
    SHAPE_NAME(back, 5, VECS),
    SHAPE_NAME(back, 6, VECS),
#endif
#if BACK_ROWS >= 11
    SHAPE_NAME(back, 7, VECS),
    SHAPE_NAME(back, 8, VECS),
    SHAPE_NAME(back, 9, VECS),
    SHAPE_NAME(back, 10, VECS),
    SHAPE_NAME(back, 11, VECS),
#endif
};

#undef VECS
