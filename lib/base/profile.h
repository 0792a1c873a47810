/* SPDX-License-Identifier: BSD-2-Clause
 * Where the time of a training step goes. For the benchmarks: in every other build these calls are
 * nothing.
 *
 * A task starts its thread's clock and marks the end of each phase, which gets the time since the last mark.
 * So the phases add up to the tasks without a gap; what a step takes beyond them is spent between tasks.
 */
#ifndef VAE_LIB_BASE_PROFILE_H
#define VAE_LIB_BASE_PROFILE_H

#include <stdint.h>

enum vae_phase {
    VAE_PHASE_ENCODER_FORWARD,
    VAE_PHASE_DRAW, /* with the divergence */
    VAE_PHASE_DECODER_FORWARD,
    VAE_PHASE_LIKELIHOOD,
    VAE_PHASE_DECODER_BACKWARD,
    VAE_PHASE_POSTERIOR_BACKWARD,
    VAE_PHASE_ENCODER_BACKWARD,
    VAE_PHASE_WEIGHT_GRADIENTS,
    VAE_PHASE_UPDATE,
    VAE_PHASES
};

#if defined(VAE_PROFILE)

void vae_profile_start(void);
void vae_profile_mark(enum vae_phase phase);
/* Summed over all threads since the last call; which also clears it. No step may be running. */
uint64_t vae_profile_take(enum vae_phase phase);

#else

static inline void vae_profile_start(void)
{
}

static inline void vae_profile_mark(enum vae_phase phase)
{
    (void)phase;
}

#endif

#endif
