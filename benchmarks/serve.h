/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. The frame of every measuring program: it names its cases, then measures one at each order.
 *
 * benchmarks/run.py keeps the programs alive and takes turns between them, a short slice each, so that
 * a slow spell of the machine slows all of them. Standard output: "about WORDS" (any number of lines),
 * "case NAME WORK" for each case, then "ready"; or "skip REASON", and the end. Standard input:
 * "run SECONDS NAME" is answered by the seconds that one run takes; "calls COUNT NAME" by so many runs'
 * nanoseconds, one by one; the end of the input ends the program.
 */
#ifndef VAE_BENCHMARKS_SERVE_H
#define VAE_BENCHMARKS_SERVE_H

#include <stddef.h>
#include <stdint.h>

struct bench_case {
    char name[64]; /* without spaces */
    double work;   /* floating-point operations, elements or rows of one run */
    void (*run)(void *arg);
    void *arg;
};

uint64_t bench_nanoseconds(void);
/* Memory at its peak so far: the kernel's own record for this program image. getrusage() would also count the
 * starter's memory, which a process has between fork and exec. */
long bench_peak_kib(void);
/* Cache-aligned and touched. A program that has too little memory ends with a word. */
void *bench_memory(size_t size);
float *bench_floats(size_t count);
/* The same, uniform between low and high, from a generator of its own. */
float *bench_uniform(size_t count, float low, float high);

void bench_about(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says why there is nothing to measure; returns main's result. */
int bench_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program with a word; for what cannot go wrong. */
void bench_need(int condition, const char *what);
/* Runs until the input ends; returns main's result. */
int bench_serve(const struct bench_case *cases, size_t count);

#endif
