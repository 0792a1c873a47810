/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. A target is libFuzzer's function and the checks that it makes. replay.c runs the same function on
 * the files of a corpus in an ordinary build.
 */
#ifndef VAE_TESTS_FUZZ_H
#define VAE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs one input; returns 0. A finding ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be true for every input. */
#define EXPECT(TRUTH)                                                                                        \
    do {                                                                                                     \
        if (!(TRUTH)) {                                                                                      \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #TRUTH);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* Makes a file of these bytes and returns its path, the same at every call. The file is in memory. */
const char *fuzz_file(const void *bytes, size_t size);

#endif
