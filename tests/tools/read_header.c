/* SPDX-License-Identifier: BSD-2-Clause
 * Reads safetensors files from standard input, each after its length (4 bytes, the least significant first),
 * and prints for each one its status and, after a failure, the words: for tests/files/compare.py.
 */
#include "files/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <vae/vae.h>

static void judge(const unsigned char *file, size_t size)
{
    static const struct vae_allocator plain = {NULL, NULL, NULL};
    struct vae_source source;
    struct vae_archive archive;
    vae_source_memory(&source, "read_header", file, size);
    int status = vae_archive_open(&archive, &source, &plain);
    printf("%d %s\n", status, status == VAE_OK ? "" : vae_last_error());
    vae_archive_close(&archive);
    vae_source_close(&source);
}

int main(void)
{
    unsigned char length[4];
    while (fread(length, 1, 4, stdin) == 4) {
        size_t size = length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
        unsigned char *file = malloc(size > 0 ? size : 1);
        if (!file || fread(file, 1, size, stdin) != size)
            return 1;
        judge(file, size);
        free(file);
    }
    return 0;
}
