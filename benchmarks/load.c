/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. A saved model's way into a program that has just started: the processor time to load it and to
 * score the first row, and the memory that this takes. usage:
 *
 *     bench_load make FILE UNITS ACTIVATION BATCH DRAWS THREADS
 *     bench_load read FILE
 */
#include "models.h"
#include "serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define WARM ((size_t)512 << 20)

/* Of this process: other programs that run at the same time do not count. */
static uint64_t processor_nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Memory that was free for long may have gone back to a virtual machine's host, and is slow to come: it comes
 * now. Then the record of memory at its peak begins anew. */
static void warm(void)
{
    void *memory = mmap(NULL, WARM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench_need(memory != MAP_FAILED, "mmap");
    madvise(memory, WARM, MADV_HUGEPAGE);
    memset(memory, 1, WARM);
    munmap(memory, WARM);
    FILE *refs = fopen("/proc/self/clear_refs", "w");
    bench_need(refs && fputs("5", refs) >= 0 && fclose(refs) == 0, "clear_refs");
}

static int make(int argc, char **argv)
{
    struct bench_model *model = bench_model_new(argc - 3, argv + 3);
    bench_need(vae_save(model->vae, argv[2], VAE_SAVE_WEIGHTS_ONLY) == VAE_OK, vae_last_error());
    vae_destroy(model->vae);
    return 0;
}

static int read(const char *path)
{
    vae_runtime runtime;
    vae_model *model;
    double score;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.inference_only = 1;
    runtime.max_batch = 1;
    warm();
    long before = bench_peak_kib();
    uint64_t start = processor_nanoseconds();
    bench_need(vae_load(&model, path, &runtime) == VAE_OK, vae_last_error());
    uint64_t loaded = processor_nanoseconds();
    size_t x_dim = (size_t)vae_x_dim(model);
    float *x = bench_floats(x_dim);
    for (size_t j = 0; j < x_dim; j++)
        x[j] = j % 3 == 0;
    bench_need(vae_score(model, x, 1, 0, &score) == VAE_OK, vae_last_error());
    printf("model %" PRIu64 "\nscored %" PRIu64 "\n", loaded - start, processor_nanoseconds() - start);
    printf("kib %ld\nscore %.17g\n", bench_peak_kib() - before, score);
    vae_destroy(model);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "make") == 0)
        return make(argc, argv);
    bench_need(argc == 3 && strcmp(argv[1], "read") == 0, "usage: bench_load make FILE MODEL | read FILE");
    return read(argv[2]);
}
