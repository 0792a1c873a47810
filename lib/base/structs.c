/* SPDX-License-Identifier: BSD-2-Clause
 * The rule of public structs: `size` first, fields only appended, in units of eight bytes.
 */
#include "structs.h"

#include "status.h"

#include <string.h>
#include <vae/vae.h>

/* No struct of any release will be larger; an uninitialised size nearly always is. */
#define MOST_SIZE 65536

static uint64_t size_of(const void *caller)
{
    uint64_t size;
    memcpy(&size, caller, sizeof size);
    return size;
}

static int possible(const struct vae_struct *kind, uint64_t size)
{
    return size >= kind->least && size <= MOST_SIZE && size % 8 == 0;
}

int vae_struct_check(const char *function, const struct vae_struct *kind, const void *caller)
{
    uint64_t size = size_of(caller);
    if (possible(kind, size))
        return VAE_OK;
    return vae_fail(VAE_ERR_ABI, "%s: %s.size is %llu: initialise the struct with vae_%s_init()", function,
        kind->name, (unsigned long long)size, kind->name);
}

int vae_struct_read(const char *function, const struct vae_struct *kind, void *own, const void *caller)
{
    const unsigned char *bytes = caller;
    int status = vae_struct_check(function, kind, caller);
    if (status != VAE_OK)
        return status;
    size_t size = (size_t)size_of(caller);
    for (size_t i = kind->size; i < size; i++)
        if (bytes[i] != 0)
            return vae_fail(VAE_ERR_ABI, "%s: %s has a field beyond byte %zu set, which libvae %s lacks",
                function, kind->name, kind->size, VAE_VERSION_STRING);
    memcpy(own, caller, size < kind->size ? size : kind->size);
    uint64_t own_size = kind->size;
    memcpy(own, &own_size, sizeof own_size);
    return VAE_OK;
}

void vae_struct_write(const struct vae_struct *kind, void *caller, const void *own)
{
    uint64_t kept = size_of(caller);
    size_t size = (size_t)kept, known = size < kind->size ? size : kind->size;
    memset(caller, 0, size);
    memcpy(caller, own, known);
    memcpy(caller, &kept, sizeof kept);
}

void vae_struct_init(const struct vae_struct *kind, void *caller, size_t size)
{
    uint64_t own_size = size;
    if (!caller || !possible(kind, size))
        return;
    memcpy(caller, &own_size, sizeof own_size);
    vae_struct_write(kind, caller, kind->defaults);
}

int vae_struct_element(
    const char *function, const struct vae_struct *kind, const void *array, uint64_t i, void *own)
{
    uint64_t stride = size_of(array);
    if (!possible(kind, stride))
        return vae_struct_check(function, kind, array);
    const void *element = (const unsigned char *)array + i * stride;
    if (size_of(element) != stride)
        return vae_fail(VAE_ERR_ABI,
            "%s: %s %llu of an array has size %llu, but the first one, which is the stride, %llu", function,
            kind->name, (unsigned long long)i, (unsigned long long)size_of(element),
            (unsigned long long)stride);
    memcpy(own, kind->defaults, kind->size);
    return vae_struct_read(function, kind, own, element);
}
