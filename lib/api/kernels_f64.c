/* SPDX-License-Identifier: BSD-2-Clause
 * Entry points of section 2 of the public header in float64.
 */
#define REAL double
#define API(name) name##_f64
#define EXACT exact64
#define RNG(name) name##64
#include "kernels_tmpl.h"
