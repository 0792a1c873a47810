/* SPDX-License-Identifier: BSD-2-Clause
 * Which instruction set runs: what the build has, what the CPU and the operating system allow, what
 * VAE_CPU asks for. The builtins look at CPUID and at XGETBV: an AVX bit alone does not say that the
 * registers are saved.
 */
#define _GNU_SOURCE /* secure_getenv() */
#include "table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

extern const struct vae_kernels vae_k_scalar_table;

static int always(void)
{
    return 1;
}

#if defined(VAE_HAVE_X86)
extern const struct vae_kernels vae_k_avx2_table, vae_k_avx512_table;

static int has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#elif defined(VAE_HAVE_NEON)
extern const struct vae_kernels vae_k_neon_table;
#endif

/* From the best to the plainest; VAE_CPU only lowers. */
static const struct candidate {
    const struct vae_kernels *table;
    int (*runs)(void);
} candidates[] = {
#if defined(VAE_HAVE_X86)
    {&vae_k_avx512_table, has_avx512},
    {&vae_k_avx2_table, has_avx2},
#elif defined(VAE_HAVE_NEON)
    {&vae_k_neon_table, always},
#endif
    {&vae_k_scalar_table, always},
};

const struct vae_kernels *vae_kernels_named(const char *isa)
{
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (strcmp(isa, candidates[i].table->isa) == 0)
            return candidates[i].runs() ? candidates[i].table : NULL;
    return NULL;
}

/* Ignored in programs that run with more rights than their user, where the C library can tell. */
static const char *asked_for(void)
{
#if defined(VAE_HAVE_SECURE_GETENV)
    return secure_getenv("VAE_CPU");
#else
    return getenv("VAE_CPU");
#endif
}

static const struct vae_kernels *choose(void)
{
    const char *isa = asked_for();
    const struct vae_kernels *named = isa ? vae_kernels_named(isa) : NULL;
    if (named)
        return named;
    for (size_t i = 0;; i++)
        if (candidates[i].runs())
            return candidates[i].table;
}

const struct vae_kernels *vae_kernels_get(void)
{
    /* Every thread that races here computes the same pointer, so no lock is needed. */
    static _Atomic(const struct vae_kernels *) chosen;
    const struct vae_kernels *table = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!table) {
        table = choose();
        atomic_store_explicit(&chosen, table, memory_order_release);
    }
    return table;
}
