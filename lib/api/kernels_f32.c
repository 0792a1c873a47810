/* SPDX-License-Identifier: BSD-2-Clause
 * Entry points of section 2 of the public header in float32.
 */
#define REAL float
#define API(name) name
#define EXACT exact32
#define RNG(name) name##32
#include "kernels_tmpl.h"
