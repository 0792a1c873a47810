/* SPDX-License-Identifier: BSD-2-Clause
 * The list of hashes that every build must give: each kernel's outputs on fixed inputs, and trained models.
 *
 *     hashes          prints "name hash" lines
 *     hashes LIST     compares with such lines; exit status 1 where any differs, is missing or is not known
 *
 * VAE_CPU chooses the instruction set; where the CPU lacks that one, the exit status is 77.
 */
#include "hashes.h"

#include "frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

#define MAX_LINES 512
static struct line {
    char name[64];
    uint64_t hash;
    int seen;
} lines[MAX_LINES];
static size_t line_count, different;
static int comparing;

static int read_list(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    for (; line_count < MAX_LINES; line_count++)
        if (fscanf(file, "%63s %" SCNx64, lines[line_count].name, &lines[line_count].hash) != 2)
            break;
    int complete = feof(file);
    fclose(file);
    return complete && line_count > 0;
}

void hash_report(const char *name, uint64_t hash)
{
    if (!comparing) {
        printf("%s %016" PRIx64 "\n", name, hash);
        return;
    }
    for (size_t i = 0; i < line_count; i++)
        if (strcmp(lines[i].name, name) == 0) {
            lines[i].seen = 1;
            if (lines[i].hash == hash)
                return;
        }
    different++;
    printf("different: %s %016" PRIx64 "\n", name, hash);
}

static void report_unseen(void)
{
    for (size_t i = 0; i < line_count; i++)
        if (!lines[i].seen) {
            different++;
            printf("missing: %s\n", lines[i].name);
        }
}

/* ---- kernels ---- */

static uint64_t hash_outputs(uint64_t hash, const struct frame *f)
{
    for (size_t a = 0; a < f->count; a++) {
        const struct array *array = &f->array[a];
        if (!array->at || !array_is_output(array))
            continue;
        for (size_t k = 0; k < array->rows * array->cols; k++)
            hash = hash_word(hash, array_bits(array, k / array->cols, k % array->cols));
    }
    return hash;
}

static void hash_kernel(const struct kernel *kernel, const struct vae_kernels *table)
{
    static const size_t shape[][2] = {{3, 1}, {2, 17}, {9, 65}, {1, 300}};
    static const struct placement plain = {0, 0, 0};
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        if (kernel->most && shape[i][1] > kernel->most)
            continue;
        struct frame f = {.kernel = kernel, .n = shape[i][0], .d = shape[i][1], .seed = 100 * i};
        for (f.choice = 0; f.choice == 0 || f.choice < kernel->choices; f.choice++)
            for (f.special = 0; f.special < 2; f.special++, f.seed++)
                for (unsigned variant = 0; variant < 4; variant++) {
                    frame_declare(&f);
                    if (!frame_variant(&f, variant))
                        continue;
                    frame_draw(&f);
                    frame_place(&f, plain);
                    kernel->call(table, &f);
                    hash = hash_outputs(hash, &f);
                }
    }
    hash_report(kernel->name, hash);
}

int main(int argc, char **argv)
{
    const struct vae_kernels *table = vae_kernels_get();
    const struct kernel *kernel;
    const char *wanted = getenv("VAE_CPU");
    if (wanted && strcmp(wanted, table->isa) != 0) {
        printf("skipped: no %s here\n", wanted);
        return 77;
    }
    comparing = argc > 1;
    if (comparing && !read_list(argv[1])) {
        fprintf(stderr, "hashes: %s is no list\n", argv[1]);
        return 2;
    }
    frame_setup();
    for (size_t i = 0; (kernel = kernel_at(i)); i++)
        hash_kernel(kernel, table);
    hash_models();
    if (!comparing)
        return 0;
    report_unseen();
    printf("%s: %zu hashes, %zu different\n", table->isa, line_count, different);
    return different != 0;
}
