/* SPDX-License-Identifier: BSD-2-Clause
 * The float64 exact kernels under test.
 */
#define REAL double
#define TYPE F64
#define BITS 53
#define TABLE exact64
#define STRUCT vae_exact64
#define FAMILY exact64_family
#include "exact_tmpl.h"
