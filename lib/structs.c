/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 5. The rule of public structs: `size` first, fields only appended.
 */
#include "structs.h"

#include "status.h"

#include <string.h>

static size_t size_of(const void *caller)
{
    size_t size;
    memcpy(&size, caller, sizeof size);
    return size;
}

int vae_struct_read(const char *name, void *own, size_t own_size, const void *caller)
{
    size_t size = size_of(caller);
    const unsigned char *bytes = caller;
    if (size < sizeof size)
        return vae_fail(VAE_ERR_ABI, "%s.size is %zu: the struct was not initialised", name, size);
    for (size_t i = own_size; i < size; i++)
        if (bytes[i] != 0)
            return vae_fail(VAE_ERR_ABI, "%s: a field beyond byte %zu is set, which libvae %s does not know",
                name, own_size, VAE_VERSION_STRING);
    memcpy(own, caller, size < own_size ? size : own_size);
    return VAE_OK;
}

void vae_struct_write(void *caller, const void *own, size_t own_size)
{
    size_t size = size_of(caller), known = size < own_size ? size : own_size;
    memset(caller, 0, size);
    memcpy(caller, own, known);
    memcpy(caller, &size, sizeof size);
}

void vae_struct_init(void *caller, size_t size, const void *defaults, size_t own_size)
{
    if (!caller || size < sizeof size)
        return;
    memcpy(caller, &size, sizeof size);
    vae_struct_write(caller, defaults, own_size);
}

void vae_layer_init(vae_layer *layer, size_t size)
{
    const vae_layer defaults = {.kind = VAE_LAYER_DENSE, .activation = VAE_RELU};
    vae_struct_init(layer, size, &defaults, sizeof defaults);
}

int vae_struct_layer(const char *name, const vae_layer *layers, uint64_t i, vae_layer *own)
{
    const void *layer = (const char *)layers + i * layers->size;
    vae_layer_init(own, sizeof *own);
    if (size_of(layer) != layers->size)
        return vae_fail(VAE_ERR_ABI, "%s[%llu].size is %zu, but %s[0].size, the array's stride, is %zu", name,
            (unsigned long long)i, size_of(layer), name, layers->size);
    return vae_struct_read(name, own, sizeof *own, layer);
}
