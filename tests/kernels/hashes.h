/* SPDX-License-Identifier: BSD-2-Clause
 * 64-bit hashes of bits: FNV-1a over words.
 */
#ifndef VAE_TESTS_KERNELS_HASHES_H
#define VAE_TESTS_KERNELS_HASHES_H

#include <stdint.h>

#define HASH_START 0xcbf29ce484222325u

static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
    for (int byte = 0; byte < 8; byte++)
        hash = (hash ^ (word >> 8 * byte & 255)) * 0x100000001b3u;
    return hash;
}

/* One line of the list. */
void hash_report(const char *name, uint64_t hash);
/* Trains small models through the public interface, and reports the hash of each. */
void hash_models(void);

#endif
