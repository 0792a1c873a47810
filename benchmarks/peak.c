/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. The processor's peak: fused multiply-adds on registers alone, in more independent chains than
 * two pipelines of four or five cycles need, no loads and no stores in the loop. One case for each
 * instruction set ("avx512"), and one for two threads ("avx512/2"). Products are measured against it.
 */
#include "serve.h"

#include <pthread.h>
#include <stdio.h>

#define ROUNDS 20000
#define UNROLL _Pragma("GCC unroll 32")

/* acc -> 0.5 acc + 0.5 has its fixed point at 1. The asm statements hide from the compiler where the chains
 * begin, and make it believe that their ends are used; else it leaves out the chain that begins at its fixed
 * point. */
#define HIDE(REGISTER, VALUE) __asm__ volatile("" : "+" REGISTER(VALUE))
#define PEAK(NAME, TARGET, VECTOR, CHAINS, ALL, FMA, REGISTER)                                               \
    TARGET static void NAME(void *arg)                                                                       \
    {                                                                                                        \
        VECTOR acc[CHAINS], half = ALL(0.5f);                                                                \
        (void)arg;                                                                                           \
        UNROLL for (int i = 0; i < CHAINS; i++)                                                              \
        {                                                                                                    \
            acc[i] = ALL((float)i);                                                                          \
            HIDE(REGISTER, acc[i]);                                                                          \
        }                                                                                                    \
        for (int round = 0; round < ROUNDS; round++)                                                         \
            UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = FMA(acc[i], half, half);                        \
        UNROLL for (int i = 0; i < CHAINS; i++) HIDE(REGISTER, acc[i]);                                      \
    }

struct peak {
    const char *name;
    double work;
    void (*run)(void *arg);
    int runs_here;
};

#if defined(__x86_64__)
#include <immintrin.h>

#define FMA_SCALAR(A, B, C) __builtin_fmaf(A, B, C)
#define SAME(X) (X)
PEAK(peak_avx512, __attribute__((target("avx512f"))), __m512, 20, _mm512_set1_ps, _mm512_fmadd_ps, "v")
PEAK(peak_avx2, __attribute__((target("avx2,fma"))), __m256, 12, _mm256_set1_ps, _mm256_fmadd_ps, "x")
PEAK(peak_scalar, __attribute__((target("fma"))), float, 12, SAME, FMA_SCALAR, "x")

static size_t peaks(struct peak out[3])
{
    out[0] = (struct peak){"avx512", 2.0 * 16 * 20 * ROUNDS, peak_avx512, __builtin_cpu_supports("avx512f")};
    out[1] = (struct peak){"avx2", 2.0 * 8 * 12 * ROUNDS, peak_avx2,
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")};
    out[2] = (struct peak){"scalar", 2.0 * 12 * ROUNDS, peak_scalar, __builtin_cpu_supports("fma")};
    return 3;
}

#elif defined(__aarch64__)
#include <arm_neon.h>

#define FMA_NEON(A, B, C) vfmaq_f32(C, A, B)
PEAK(peak_neon, , float32x4_t, 24, vdupq_n_f32, FMA_NEON, "w")

static size_t peaks(struct peak out[3])
{
    out[0] = (struct peak){"neon", 2.0 * 4 * 24 * ROUNDS, peak_neon, 1};
    return 1;
}

#else

static size_t peaks(struct peak out[3])
{
    (void)out;
    return 0;
}

#endif

#define NOPS_4 "nop\n nop\n nop\n nop\n "
#define NOPS_24 NOPS_4 NOPS_4 NOPS_4 NOPS_4 NOPS_4 NOPS_4

static void issue(void *arg)
{
    (void)arg;
    for (int round = 0; round < ROUNDS; round++)
        __asm__ volatile(NOPS_24);
}

struct pair {
    void (*run)(void *arg);
};

/* Long enough that the thread's start does not show. */
static void *many(void *arg)
{
    const struct pair *pair = arg;
    for (int i = 0; i < 20; i++)
        pair->run(NULL);
    return NULL;
}

static void run_pair(void *arg)
{
    pthread_t other;
    bench_need(pthread_create(&other, NULL, many, arg) == 0, "cannot start a thread");
    many(arg);
    pthread_join(other, NULL);
}

int main(void)
{
    struct peak list[3];
    struct pair pairs[3];
    struct bench_case cases[7];
    size_t count = 0, known = peaks(list);
    for (size_t i = 0; i < known; i++) {
        struct bench_case *c = &cases[count];
        if (!list[i].runs_here)
            continue;
        pairs[i].run = list[i].run;
        c[0] = (struct bench_case){.work = list[i].work, .run = list[i].run};
        snprintf(c[0].name, sizeof c[0].name, "%s", list[i].name);
        c[1] = (struct bench_case){.work = 40 * list[i].work, .run = run_pair, .arg = &pairs[i]};
        snprintf(c[1].name, sizeof c[1].name, "%s/2", list[i].name);
        count += 2;
    }
    if (count == 0)
        return bench_skip("the peak: no loop for this processor");
    cases[count++] = (struct bench_case){.name = "issue", .work = 24.0 * ROUNDS, .run = issue};
    return bench_serve(cases, count);
}
