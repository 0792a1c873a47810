/* SPDX-License-Identifier: BSD-2-Clause
 * What the tests of the training table share: names for a frame's arrays, matrices, workspace.
 */
#ifndef VAE_TESTS_KERNELS_TRAIN_FRAME_H
#define VAE_TESTS_KERNELS_TRAIN_FRAME_H

#include "frame.h"

#define AT(I) ((float *)f->array[I].at)
#define LD(I) f->array[I].ld
#define M(I) AT(I), LD(I)
#define VALUES(I) ((double *)f->array[I].at)
#define GIVEN(I, J, K) array_given(&f->array[I], J, K)

static inline struct array *matrix(
    struct frame *f, const char *name, enum role role, size_t rows, size_t cols, double range)
{
    struct array *array = frame_array(f, name, F32, role, rows, cols);
    array_fill(array, UNIFORM, -range, range);
    return array;
}

static inline struct array *written(
    struct frame *f, const char *name, enum type type, enum role role, size_t rows, size_t cols)
{
    struct array *array = frame_array(f, name, type, role, rows, cols);
    array_bound(array, 24, 0, 21);
    return array;
}

static inline float *workspace(size_t floats)
{
    static float space[1 << 20];
    return floats <= sizeof space / sizeof *space ? space : NULL;
}

#define TRAIN_KERNEL(NAME, CHOICES)                                                                          \
    {                                                                                                        \
        KERNEL(train, vae_train_kernels, NAME), .arrays = NAME##_arrays, .call = NAME##_call,                \
                                                .reference = NAME##_reference, .choices = CHOICES            \
    }

#endif
