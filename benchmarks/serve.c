/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. The frame of every measuring program: it names its cases, then measures one at each order.
 */
#include "serve.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t bench_nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

long bench_peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1)
            break;
    if (status)
        fclose(status);
    return kib;
}

void bench_need(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

void *bench_memory(size_t size)
{
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    bench_need(memory != NULL, "not enough memory");
    return memset(memory, 0, size);
}

float *bench_floats(size_t count)
{
    return bench_memory((count + 16) * sizeof(float)); /* products may read to the end of a vector */
}

float *bench_uniform(size_t count, float low, float high)
{
    static uint32_t state = 1;
    float *out = bench_floats(count);
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        out[i] = low + (high - low) * (float)(state >> 8) / 16777216.0f;
    }
    return out;
}

static void say(const char *kind, const char *format, va_list arguments)
{
    printf("%s ", kind);
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
}

void bench_about(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("about", format, arguments);
    va_end(arguments);
}

int bench_skip(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("skip", format, arguments);
    va_end(arguments);
    return 0;
}

static double run_many(const struct bench_case *c, size_t count)
{
    uint64_t start = bench_nanoseconds();
    for (size_t i = 0; i < count; i++)
        c->run(c->arg);
    return 1e-9 * (double)(bench_nanoseconds() - start);
}

/* One run brings back the caches that others have used in between; the clock is read about every 100
 * microseconds. */
static void measure(const struct bench_case *c, double seconds)
{
    double spent = 0, once;
    run_many(c, 1);
    once = run_many(c, 1);
    size_t batch = once < 50e-6 ? (size_t)(100e-6 / (once + 1e-9)) : 1, runs = 0;
    do {
        spent += run_many(c, batch);
        runs += batch;
    } while (spent < seconds);
    printf("%.9g\n", spent / (double)runs);
}

static void measure_calls(const struct bench_case *c, size_t count)
{
    run_many(c, 10);
    for (size_t i = 0; i < count; i++) {
        uint64_t start = bench_nanoseconds();
        c->run(c->arg);
        printf("%" PRIu64 " ", bench_nanoseconds() - start);
    }
    printf("\n");
}

static const struct bench_case *find(const struct bench_case *cases, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    fprintf(stderr, "no case is called %s\n", name);
    exit(1);
}

int bench_serve(const struct bench_case *cases, size_t count)
{
    char line[256], name[64];
    double seconds;
    size_t calls;
    for (size_t i = 0; i < count; i++)
        printf("case %s %.9g\n", cases[i].name, cases[i].work);
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run %lf %63s", &seconds, name) == 2)
            measure(find(cases, count, name), seconds);
        else if (sscanf(line, "calls %zu %63s", &calls, name) == 2)
            measure_calls(find(cases, count, name), calls);
        else
            bench_need(0, "neither run nor calls");
        fflush(stdout);
    }
    return 0;
}
