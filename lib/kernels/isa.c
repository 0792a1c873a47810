/* SPDX-License-Identifier: BSD-2-Clause
 * The table of one instruction set.
 */
#include "isa.h"

extern const struct vae_kernels K(table);
const struct vae_kernels K(table) = {
    VAE_STR(VAE_ISA), &K(exact32), &K(exact64), &K(rng), &K(train), &K(mixture), &K(reading)};
