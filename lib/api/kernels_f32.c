/* SPDX-License-Identifier: BSD-2-Clause
 * Entry points of section 2 of the public header: check arguments, call the kernel table, no
 * arithmetic. One body serves both precisions: api_kernels_tmpl.h.
 */
#include "check.h"

#include "kernels/table.h"

/* Eight d x d matrices and sixteen vectors of float64: what double-double matrices of the float64 kernel
 * take; the float32 kernel uses less. A little more, so that the kernel may align it. */
size_t vae_kl_gauss_work(size_t d)
{
    const size_t slack = 64, limit = (SIZE_MAX - slack) / sizeof(double) / 8;
    if (d > limit - 2 || (d && d + 2 > limit / d))
        return SIZE_MAX;
    return 8 * d * (d + 2) * sizeof(double) + slack;
}

int vae_random_u32(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, uint32_t *out)
{
    int status = vae_check_vector("vae_random_u32", "out", out, n, sizeof *out, 0);
    if (status == VAE_OK && n)
        vae_kernels_get()->rng->random_u32(seed, stream, offset, n, out);
    return status;
}

#define REAL float
#define API(name) name
#define API_NAME(name) #name
#define KERNELS exact32
#define RNG(name) name##32
#include "kernels_tmpl.h"

#define REAL double
#define API(name) name##_f64
#define API_NAME(name) #name "_f64"
#define KERNELS exact64
#define RNG(name) name##64
#include "kernels_tmpl.h"
