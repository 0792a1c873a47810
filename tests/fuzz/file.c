/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. A file in memory, for readers that take a path.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const void *bytes, size_t size)
{
    static char path[32];
    static int file = -1;
    if (file < 0) {
        file = memfd_create("fuzz", MFD_CLOEXEC);
        EXPECT(file >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    EXPECT(ftruncate(file, 0) == 0);
    EXPECT(pwrite(file, bytes, size, 0) == (ssize_t)size);
    return path;
}
