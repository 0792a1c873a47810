/* SPDX-License-Identifier: BSD-2-Clause
 * The float32 exact kernels under test.
 */
#define REAL float
#define TYPE F32
#define BITS 24
#define TABLE exact32
#define STRUCT vae_exact32
#define FAMILY exact32_family
#include "exact_tmpl.h"
