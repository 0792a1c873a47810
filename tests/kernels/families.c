/* SPDX-License-Identifier: BSD-2-Clause
 * Every kernel of the table.
 */
#include "frame.h"

#include <string.h>

static const struct family *const families[] = {&exact32_family, &exact64_family, &rng_family, &tile_family,
    &train_family, &gate_family, &noted_family, &mixture_family, &reading_family};

const struct family *family_at(size_t i)
{
    return i < sizeof families / sizeof *families ? families[i] : NULL;
}

const struct kernel *kernel_at(size_t i)
{
    const struct family *family;
    for (size_t k = 0; (family = family_at(k)); k++) {
        if (i < family->count)
            return &family->kernel[i];
        i -= family->count;
    }
    return NULL;
}

const struct kernel *kernel_find(const char *name)
{
    const struct kernel *kernel;
    for (size_t i = 0; (kernel = kernel_at(i)); i++)
        if (strcmp(kernel->name, name) == 0)
            return kernel;
    return NULL;
}

any_function kernel_function(const struct kernel *kernel, const struct vae_kernels *kernels)
{
    const unsigned char *table;
    any_function function;
    memcpy(&table, (const unsigned char *)kernels + kernel->table, sizeof table);
    memcpy(&function, table + kernel->member, sizeof function);
    return function;
}
