/* SPDX-License-Identifier: BSD-2-Clause
 * Times of one kernel, and the memory's for comparison.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static size_t bytes_of(const struct array *array)
{
    return array->at && array->role != WORK ? array->rows * array->cols * (array->type == F64 ? 8 : 4) : 0;
}

/* Of a size that every CPU has registers for. */
typedef uint64_t pair __attribute__((vector_size(16)));

static uint64_t sum_of(const unsigned char *at, size_t bytes)
{
    pair sum[4] = {{0}}, next;
    for (size_t i = 0; i + sizeof sum <= bytes; i += sizeof sum)
        for (size_t k = 0; k < 4; k++) {
            memcpy(&next, at + i + k * sizeof next, sizeof next);
            sum[k] += next;
        }
    pair total = sum[0] + sum[1] + sum[2] + sum[3];
    return total[0] + total[1];
}

/* Reads what the kernel reads and writes what it writes. */
static void plain_pass(struct frame *frame, volatile uint64_t *sink)
{
    for (size_t a = 0; a < frame->count; a++) {
        const struct array *array = &frame->array[a];
        if (array->fill != NOISE)
            *sink += sum_of(array->at, bytes_of(array));
        if (array_is_output(array))
            memset(array->at, (int)(*sink & 1), bytes_of(array));
    }
}

/* The shortest of many runs, in ns. */
static double fastest(struct frame *frame, const struct vae_kernels *table)
{
    static volatile uint64_t sink;
    double best = 1e30;
    for (int run = 0; run < 60; run++) {
        double start = now();
        if (table)
            frame->kernel->call(table, frame);
        else
            plain_pass(frame, &sink);
        double time = now() - start;
        best = time < best ? time : best;
    }
    return best;
}

void bench_kernel(const struct kernel *kernel, const struct vae_kernels *table, uint64_t seed)
{
    static const struct placement aligned = {0, 0, 0};
    struct frame frame = {.kernel = kernel, .n = 60, .d = 784, .seed = seed};
    if (kernel->most && kernel->most < frame.d)
        frame.n = frame.d = kernel->most;
    for (frame.choice = 0; frame.choice == 0 || frame.choice < kernel->choices; frame.choice++) {
        frame_declare(&frame);
        frame_draw(&frame);
        frame_place(&frame, aligned);
        double time = fastest(&frame, table);
        frame_place(&frame, aligned);
        double memory = fastest(&frame, NULL);
        printf("%-24s %-8s %2d %9.3f ns an element %8.2f memory floors\n", kernel->name, table->isa,
            frame.choice, time / (double)frame.elements, time / memory);
    }
}
