/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The exact64 part of the table.
 */
#include "isa.h"

const struct vae_exact64 K(exact64) = {0};
