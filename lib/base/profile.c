/* SPDX-License-Identifier: BSD-2-Clause
 * Where the time of a training step goes. Compiled into the benchmarks' own copy of the library
 * alone.
 */
#include "profile.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic uint64_t spent[VAE_PHASES];
static _Thread_local uint64_t last;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void vae_profile_start(void)
{
    last = now();
}

void vae_profile_mark(enum vae_phase phase)
{
    uint64_t time = now();
    atomic_fetch_add_explicit(&spent[phase], time - last, memory_order_relaxed);
    last = time;
}

uint64_t vae_profile_take(enum vae_phase phase)
{
    return atomic_exchange(&spent[phase], 0);
}
