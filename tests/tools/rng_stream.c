/* SPDX-License-Identifier: BSD-2-Clause
 * The raw words of one stream on standard output, without end, for the batteries of statistical tests:
 *     rng_stream [seed [stream]] | dieharder -a -g 200
 */
#include "kernels/table.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK 65536

int main(int argc, char **argv)
{
    static uint32_t words[CHUNK];
    const struct vae_rng_kernels *rng = vae_kernels_get()->rng;
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    uint64_t stream = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    for (uint64_t offset = 0;; offset += CHUNK) {
        rng->random_u32(seed, stream, offset, CHUNK, words);
        if (fwrite(words, sizeof *words, CHUNK, stdout) != CHUNK)
            return 0;
    }
}
