/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing without a fuzzer: runs a target on every file of the folders given, then on each file cut at many
 * places and with many of its bytes changed in a few ways. usage: replay_TARGET FOLDER...
 */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

enum { MOST = 1 << 20, PLACES = 128 };

/* The input in memory of its own size, so that a sanitizer sees reads beyond it. */
static void run(const uint8_t *bytes, size_t n)
{
    uint8_t *input = malloc(n + (n == 0));
    EXPECT(input);
    memcpy(input, bytes, n);
    LLVMFuzzerTestOneInput(input, n);
    free(input);
}

/* All places of a short file, evenly spaced ones of a long one. */
static void mangle(uint8_t *bytes, size_t n)
{
    static const uint8_t change[] = {0x01, 0x10, 0x80, 0xff};
    for (size_t i = 0; i < n; i += 1 + n / PLACES) {
        run(bytes, i);
        for (size_t k = 0; k < sizeof change; k++) {
            bytes[i] ^= change[k];
            run(bytes, n);
            bytes[i] ^= change[k];
        }
    }
}

static void replay(const char *path)
{
    static uint8_t bytes[MOST];
    FILE *file = fopen(path, "rb");
    EXPECT(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    EXPECT(n < sizeof bytes && fclose(file) == 0);
    run(bytes, n);
    mangle(bytes, n);
}

static unsigned replay_folder(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    EXPECT(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        replay(path);
        count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    printf("%u files\n", count);
    return count == 0;
}
