/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The exact32 part of the table.
 */
#include "isa.h"

const struct vae_exact32 K(exact32) = {0};
