/* SPDX-License-Identifier: BSD-2-Clause
 * A safetensors file that is open: its header, its tensors' values, and the memory that is needed meanwhile.
 */
#include "archive.h"

#include "base/status.h"

#include <string.h>

/* ---- memory ---- */

void *vae_archive_take(struct vae_archive *a, uint64_t count, size_t size)
{
    size_t most = sizeof a->block / sizeof *a->block;
    struct vae_archive_block block = {NULL, (size_t)count * size};
    if (a->blocks < most && count <= SIZE_MAX / 2 / size)
        block.memory = vae_memory_alloc(a->allocator, block.size > 0 ? block.size : 1);
    if (!block.memory) {
        vae_fail(VAE_ERR_NOMEM, "%s: out of memory: reading the file needs %llu bytes", a->function,
            (unsigned long long)(count * size));
        return NULL;
    }
    block.size = block.size > 0 ? block.size : 1;
    a->block[a->blocks++] = block;
    return block.memory;
}

void vae_archive_close(struct vae_archive *a)
{
    while (a->blocks-- > 0)
        vae_memory_free(a->allocator, a->block[a->blocks].memory, a->block[a->blocks].size);
    a->blocks = 0;
}

/* ---- the header ---- */

/* In memory it stays where it is. */
static int read_header(struct vae_archive *a, size_t length)
{
    int status = vae_source_need(a->source, VAE_HEADER_AT + (uint64_t)length);
    if (status != VAE_OK)
        return status;
    a->st.size = length;
    if (a->source->memory) {
        a->st.text = (const char *)a->source->memory + VAE_HEADER_AT;
        return VAE_OK;
    }
    char *text = vae_archive_take(a, length, 1);
    a->st.text = text;
    return text ? vae_source_copy(a->source, VAE_HEADER_AT, text, length) : VAE_ERR_NOMEM;
}

int vae_archive_open(struct vae_archive *a, struct vae_source *source, const struct vae_allocator *allocator)
{
    unsigned char first[VAE_HEADER_AT] = {0};
    size_t length;
    int status;
    *a = (struct vae_archive){.function = source->function, .source = source, .allocator = allocator};
    a->st.function = source->function;
    a->st.data = VAE_SIZE_UNKNOWN;
    if ((status = vae_source_need(source, sizeof first)) != VAE_OK ||
        (source->size >= sizeof first &&
            (status = vae_source_copy(source, 0, first, sizeof first)) != VAE_OK) ||
        (status = vae_safetensors_length(a->function, first, source->size, &length)) != VAE_OK ||
        (status = read_header(a, length)) != VAE_OK)
        return status;
    if (source->size != VAE_SIZE_UNKNOWN)
        a->st.data = source->size - VAE_HEADER_AT - length;
    if ((status = vae_safetensors_count(&a->st)) != VAE_OK)
        return status;
    uint32_t *index = vae_archive_take(a, (uint64_t)a->st.metadata + a->st.tensors, sizeof *index);
    return index ? vae_safetensors_index(&a->st, index) : VAE_ERR_NOMEM;
}

int vae_archive_text(struct vae_archive *a, const char *key, const char **text, size_t *size)
{
    struct vae_json_string value;
    if (!vae_safetensors_value(&a->st, key, &value))
        return vae_fail(VAE_ERR_FORMAT, "%s: %s is missing in __metadata__", a->function, key);
    size_t room = (size_t)(value.end - value.at) + 1; /* decoded, it is not longer */
    char *to = vae_archive_take(a, room, 1);
    *text = to;
    *size = to ? vae_json_decode(&value, to, room) : 0;
    return to ? VAE_OK : VAE_ERR_NOMEM;
}

/* ---- data ---- */

static uint64_t data_at(const struct vae_archive *a)
{
    return VAE_HEADER_AT + (uint64_t)a->st.size;
}

int vae_archive_need_data(struct vae_archive *a)
{
    return vae_source_need(a->source, data_at(a) + a->st.data);
}

const unsigned char *vae_archive_data(const struct vae_archive *a, const struct vae_safetensor *t)
{
    return a->source->memory ? a->source->memory + data_at(a) + t->begin : NULL;
}

/* Written out, so that compilers see one load. */
static uint32_t word_of(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754's half precision: subnormal numbers are multiples of 2^-24. */
static double half_of(uint32_t bits)
{
    uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    double magnitude;
    if (exponent == 0)
        magnitude = fraction * 0x1p-24;
    else if (exponent < 31)
        magnitude = (double)float_of((exponent + 112) << 23 | fraction << 13);
    else
        magnitude = fraction ? (double)NAN : (double)INFINITY;
    return bits >> 15 ? -magnitude : magnitude;
}

static double real_of(enum vae_dtype dtype, const unsigned char *bytes)
{
    double value;
    uint64_t bits;
    switch (dtype) {
    case VAE_DTYPE_F16:
        return half_of(bytes[0] | (uint32_t)bytes[1] << 8);
    case VAE_DTYPE_BF16:
        return (double)float_of((uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24);
    case VAE_DTYPE_F32:
        return (double)float_of(word_of(bytes));
    default:
        bits = word_of(bytes) | (uint64_t)word_of(bytes + 4) << 32;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

static size_t element_size(enum vae_dtype dtype)
{
    return dtype == VAE_DTYPE_F64 ? 8 : dtype == VAE_DTYPE_F32 ? 4 : 2;
}

int vae_archive_is_native(void)
{
    uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

int vae_archive_floats(
    struct vae_archive *a, const struct vae_safetensor *t, uint64_t first, size_t n, float *values)
{
    unsigned char *bytes = (unsigned char *)values;
    int status = vae_source_copy(a->source, data_at(a) + t->begin + 4 * first, bytes, 4 * n);
    if (status != VAE_OK || vae_archive_is_native())
        return status;
    for (size_t i = 0; i < n; i++)
        values[i] = float_of(word_of(bytes + 4 * i));
    return VAE_OK;
}

int vae_archive_reals(
    struct vae_archive *a, const struct vae_safetensor *t, uint64_t first, size_t n, double *values)
{
    unsigned char bytes[8192];
    size_t size = element_size(t->dtype);
    for (size_t k; n > 0; first += k, values += k, n -= k) {
        k = n < sizeof bytes / size ? n : sizeof bytes / size;
        int status = vae_source_copy(a->source, data_at(a) + t->begin + size * first, bytes, size * k);
        if (status != VAE_OK)
            return status;
        for (size_t i = 0; i < k; i++)
            values[i] = real_of(t->dtype, bytes + size * i);
    }
    return VAE_OK;
}
