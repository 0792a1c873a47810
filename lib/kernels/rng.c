/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The rng part of the table.
 */
#include "isa.h"

const struct vae_rng_kernels K(rng) = {0};
