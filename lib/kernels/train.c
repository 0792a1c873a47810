/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The train part of the table.
 */
#include "isa.h"

const struct vae_train_kernels K(train) = {0};
