/* SPDX-License-Identifier: BSD-2-Clause
 * The header of a safetensors file, read by the rules of the reference implementation.
 */
#include "safetensors.h"

#include "base/status.h"
#include "sort.h"

/* A name's place in the header, and whether its tensor was used. */
#define PLACE 0x7fffffffu
#define USED 0x80000000u

static const struct type {
    const char *name;
    unsigned bits;
    enum vae_dtype dtype;
} types[] = {{"F32", 32, VAE_DTYPE_F32}, {"F64", 64, VAE_DTYPE_F64}, {"F16", 16, VAE_DTYPE_F16},
    {"BF16", 16, VAE_DTYPE_BF16}, {"I64", 64, VAE_DTYPE_OTHER}, {"U64", 64, VAE_DTYPE_OTHER},
    {"I32", 32, VAE_DTYPE_OTHER}, {"U32", 32, VAE_DTYPE_OTHER}, {"I16", 16, VAE_DTYPE_OTHER},
    {"U16", 16, VAE_DTYPE_OTHER}, {"I8", 8, VAE_DTYPE_OTHER}, {"U8", 8, VAE_DTYPE_OTHER},
    {"BOOL", 8, VAE_DTYPE_OTHER}, {"C64", 64, VAE_DTYPE_OTHER}, {"F8_E5M2", 8, VAE_DTYPE_OTHER},
    {"F8_E4M3", 8, VAE_DTYPE_OTHER}, {"F8_E8M0", 8, VAE_DTYPE_OTHER}, {"F8_E4M3FNUZ", 8, VAE_DTYPE_OTHER},
    {"F8_E5M2FNUZ", 8, VAE_DTYPE_OTHER}, {"F6_E2M3", 6, VAE_DTYPE_OTHER}, {"F6_E3M2", 6, VAE_DTYPE_OTHER},
    {"F4", 4, VAE_DTYPE_OTHER}};

int vae_shown_length(const struct vae_json_string *name)
{
    const char *at = name->at;
    uint32_t c;
    while (at < name->end && at - name->at < 60)
        at += vae_utf8_read(at, name->end, &c);
    return (int)(at - name->at);
}

int vae_safetensors_length(
    const char *function, const unsigned char first[VAE_HEADER_AT], uint64_t file_size, size_t *length)
{
    uint64_t n = 0;
    if (file_size < VAE_HEADER_AT)
        return vae_fail(VAE_ERR_FORMAT,
            "%s: the file has %d bytes, fewer than the %d that a safetensors file begins with", function,
            (int)file_size, VAE_HEADER_AT);
    for (int i = VAE_HEADER_AT; i-- > 0;)
        n = n << 8 | first[i];
    if (n > VAE_MOST_HEADER)
        return vae_fail(VAE_ERR_FORMAT, "%s: the header's length is %llu: at most %d is possible", function,
            (unsigned long long)n, VAE_MOST_HEADER);
    if (n > file_size - VAE_HEADER_AT)
        return vae_fail(VAE_ERR_FORMAT, "%s: the header's length is %llu: the file has %llu bytes", function,
            (unsigned long long)n, (unsigned long long)file_size);
    *length = (size_t)n;
    return VAE_OK;
}

/* ---- one tensor ---- */

static int malformed(const struct vae_safetensors *st, const struct vae_json *json)
{
    return vae_fail(VAE_ERR_FORMAT, "%s: the header, byte %zu: %s", st->function,
        (size_t)(json->at - st->text), json->fault);
}

static int faulty(const struct vae_safetensors *st, const struct vae_safetensor *t, const char *words)
{
    return vae_fail(VAE_ERR_FORMAT, "%s: tensor %.*s: %s", st->function, VAE_SHOWN(t->name), words);
}

static const struct type *type_of(const struct vae_json_string *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (vae_json_is(name, types[i].name))
            return &types[i];
    return NULL;
}

/* What is read of a tensor until all its fields are there. */
struct draft {
    struct vae_safetensor *t;
    int type, shape, offsets; /* are there */
    int overflows;
    size_t n_offsets;
};

/* a * b where it does not overflow. */
static uint64_t product(uint64_t a, uint64_t b, int *overflows)
{
    *overflows |= a != 0 && b > UINT64_MAX / a;
    return *overflows ? 0 : a * b;
}

static void read_shape(struct vae_json *json, struct draft *d)
{
    uint64_t side;
    d->t->count = 1;
    for (int more = vae_json_enter(json, '['); more; more = vae_json_more(json, ']')) {
        vae_json_natural(json, &side);
        if (d->t->rank < VAE_MOST_RANK)
            d->t->shape[d->t->rank] = side;
        d->t->rank++;
        d->t->count = product(d->t->count, side, &d->overflows);
    }
}

static void read_offsets(struct vae_json *json, struct draft *d)
{
    uint64_t offset;
    for (int more = vae_json_enter(json, '['); more; more = vae_json_more(json, ']')) {
        vae_json_natural(json, &offset);
        *(d->n_offsets++ == 0 ? &d->t->begin : &d->t->end) = offset;
    }
}

/* The value behind a key; returns how often there was such a key before. */
static int read_field(struct vae_json *json, const struct vae_json_string *key, struct draft *d)
{
    if (vae_json_is(key, "dtype")) {
        vae_json_text(json, &d->t->type);
        return d->type++;
    }
    if (vae_json_is(key, "shape")) {
        read_shape(json, d);
        return d->shape++;
    }
    if (vae_json_is(key, "data_offsets")) {
        read_offsets(json, d);
        return d->offsets++;
    }
    vae_json_skip(json);
    return 0;
}

static int check_tensor(const struct vae_safetensors *st, struct draft *d)
{
    struct vae_safetensor *t = d->t;
    if (!d->type || !d->shape || !d->offsets)
        return faulty(st, t, "dtype, shape or data_offsets is missing");
    const struct type *type = type_of(&t->type);
    if (!type)
        return vae_fail(VAE_ERR_FORMAT, "%s: tensor %.*s: no such dtype: %.*s", st->function,
            VAE_SHOWN(t->name), VAE_SHOWN(t->type));
    if (t->rank > VAE_MOST_RANK)
        return faulty(st, t, "it has more than 8 dimensions");
    if (d->n_offsets != 2 || t->end < t->begin)
        return faulty(st, t, "data_offsets must be two numbers, the second one not below the first");
    uint64_t bits = product(t->count, type->bits, &d->overflows);
    if (d->overflows)
        return faulty(st, t, "its shape is larger than any memory");
    if (bits % 8 != 0)
        return faulty(st, t, "its elements do not fill whole bytes");
    if (t->end - t->begin != bits / 8)
        return vae_fail(VAE_ERR_FORMAT,
            "%s: tensor %.*s: its data_offsets hold %llu bytes, its shape needs %llu", st->function,
            VAE_SHOWN(t->name), (unsigned long long)(t->end - t->begin), (unsigned long long)(bits / 8));
    t->dtype = type->dtype;
    return VAE_OK;
}

/* A tensor's description, its name being read. */
static int read_tensor(const struct vae_safetensors *st, struct vae_json *json, struct vae_safetensor *t)
{
    struct draft d = {.t = t};
    struct vae_json_string key;
    int twice = 0;
    *t = (struct vae_safetensor){.name = t->name};
    for (int more = vae_json_enter(json, '{'); more; more = vae_json_more(json, '}')) {
        vae_json_key(json, &key);
        if (!json->fault)
            twice |= read_field(json, &key, &d);
    }
    if (json->fault)
        return malformed(st, json);
    return twice ? faulty(st, t, "a field appears twice") : check_tensor(st, &d);
}

/* ---- the header ---- */

static uint32_t place_of(const struct vae_safetensors *st, const struct vae_json_string *key)
{
    return (uint32_t)(key->at - 1 - st->text);
}

static int walk_metadata(struct vae_safetensors *st, struct vae_json *json, uint32_t *index)
{
    struct vae_json_string key, value;
    if (vae_json_peek(json) == 'n')
        return vae_json_skip(json);
    for (int more = vae_json_enter(json, '{'); more; more = vae_json_more(json, '}')) {
        if (!vae_json_key(json, &key) || !vae_json_text(json, &value))
            return 0;
        if (index)
            index[st->metadata] = place_of(st, &key);
        st->metadata++;
    }
    return !json->fault;
}

/* One entry of the header, its name being read. */
static int walk_tensor(const struct vae_safetensors *st, struct vae_json *json, struct vae_safetensor *t)
{
    int status = read_tensor(st, json, t);
    size_t size = (size_t)(json->at - st->text) - place_of(st, &t->name);
    if (status == VAE_OK && size > VAE_MOST_ENTRY)
        return vae_fail(VAE_ERR_FORMAT,
            "%s: tensor %.*s: its entry in the header has %zu bytes: at most %d are possible", st->function,
            VAE_SHOWN(t->name), size, VAE_MOST_ENTRY);
    return status;
}

/* Checks and counts; with an index, fills it, its first part being for `metadata` entries. */
static int walk(struct vae_safetensors *st, uint32_t *index, size_t metadata)
{
    struct vae_json json;
    struct vae_safetensor t;
    int status, described = 0;
    vae_json_open(&json, st->text, st->size);
    st->metadata = st->tensors = 0;
    for (int more = vae_json_enter(&json, '{'); more; more = vae_json_more(&json, '}')) {
        if (!vae_json_key(&json, &t.name))
            break;
        if (vae_json_is(&t.name, "__metadata__")) {
            if (described++)
                return vae_fail(VAE_ERR_FORMAT, "%s: __metadata__ appears twice", st->function);
            walk_metadata(st, &json, index);
            continue;
        }
        if ((status = walk_tensor(st, &json, &t)) != VAE_OK)
            return status;
        if (index)
            index[metadata + st->tensors] = place_of(st, &t.name);
        st->tensors++;
    }
    return vae_json_close(&json) ? VAE_OK : malformed(st, &json);
}

int vae_safetensors_count(struct vae_safetensors *st)
{
    return walk(st, NULL, 0);
}

/* ---- order ---- */

static void read_name(
    const struct vae_safetensors *st, uint32_t place, struct vae_json *json, struct vae_json_string *name)
{
    size_t at = place & PLACE;
    vae_json_open(json, st->text + at, st->size - at);
    vae_json_key(json, name);
}

static void read_at(const struct vae_safetensors *st, uint32_t place, struct vae_safetensor *t)
{
    struct vae_json json;
    read_name(st, place, &json, &t->name);
    read_tensor(st, &json, t);
}

static int by_name(const void *st, uint32_t a, uint32_t b)
{
    const struct vae_safetensors *s = st;
    const char *end = s->text + s->size; /* not the names' own: to look for it takes as long as they are */
    struct vae_json_string first = {s->text + (a & PLACE) + 1, end},
                           second = {s->text + (b & PLACE) + 1, end};
    return vae_json_compare(&first, &second);
}

static int by_offset(const void *st, uint32_t a, uint32_t b)
{
    struct vae_safetensor first, second;
    read_at(st, a, &first);
    read_at(st, b, &second);
    if (first.begin != second.begin)
        return first.begin < second.begin ? -1 : 1;
    return (first.end > second.end) - (first.end < second.end);
}

static int by_place(const void *st, uint32_t a, uint32_t b)
{
    (void)st;
    return (a > b) - (a < b);
}

/* No two alike in a sorted index. */
static int check_names(const struct vae_safetensors *st, const uint32_t *index, size_t n)
{
    struct vae_json json;
    struct vae_json_string name;
    for (size_t i = 1; i < n; i++)
        if (by_name(st, index[i - 1], index[i]) == 0) {
            read_name(st, index[i], &json, &name);
            return vae_fail(VAE_ERR_FORMAT, "%s: %.*s appears twice", st->function, VAE_SHOWN(name));
        }
    return VAE_OK;
}

/* The tensors cover the data without gaps. */
static int check_offsets(struct vae_safetensors *st, const uint32_t *index)
{
    uint64_t at = 0;
    for (size_t i = 0; i < st->tensors; i++) {
        struct vae_safetensor t;
        read_at(st, index[i], &t);
        if (t.begin != at)
            return vae_fail(VAE_ERR_FORMAT,
                "%s: tensor %.*s: it begins at byte %llu of the data, %s ends at %llu", st->function,
                VAE_SHOWN(t.name), (unsigned long long)t.begin, i == 0 ? "which" : "the one before it",
                (unsigned long long)at);
        at = t.end;
    }
    if (st->data != VAE_SIZE_UNKNOWN && st->data != at)
        return vae_fail(VAE_ERR_FORMAT, "%s: the tensors take %llu bytes, %llu follow the header",
            st->function, (unsigned long long)at, (unsigned long long)st->data);
    st->data = at;
    return VAE_OK;
}

int vae_safetensors_index(struct vae_safetensors *st, uint32_t *index)
{
    uint32_t *tensors = index + st->metadata;
    int status = walk(st, index, st->metadata);
    if (status != VAE_OK)
        return status;
    st->index = index;
    vae_sort(tensors, st->tensors, by_offset, st);
    if ((status = check_offsets(st, tensors)) != VAE_OK)
        return status;
    vae_sort(tensors, st->tensors, by_name, st);
    vae_sort(index, st->metadata, by_name, st);
    if ((status = check_names(st, tensors, st->tensors)) != VAE_OK ||
        (status = check_names(st, index, st->metadata)) != VAE_OK)
        return status;
    vae_sort(index, st->metadata, by_place, st);
    return VAE_OK;
}

/* ---- questions ---- */

void vae_safetensors_metadata(
    const struct vae_safetensors *st, size_t i, struct vae_json_string *key, struct vae_json_string *value)
{
    struct vae_json json;
    read_name(st, st->index[i], &json, key);
    vae_json_text(&json, value);
}

int vae_safetensors_value(const struct vae_safetensors *st, const char *key, struct vae_json_string *value)
{
    struct vae_json_string found;
    for (size_t i = 0; i < st->metadata; i++) {
        vae_safetensors_metadata(st, i, &found, value);
        if (vae_json_is(&found, key))
            return 1;
    }
    return 0;
}

void vae_safetensors_tensor(const struct vae_safetensors *st, size_t i, struct vae_safetensor *tensor)
{
    read_at(st, st->index[st->metadata + i], tensor);
}

size_t vae_safetensors_find(const struct vae_safetensors *st, const char *name, struct vae_safetensor *tensor)
{
    struct vae_json_string wanted = vae_json_plain(name);
    size_t first = 0, last = st->tensors;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        vae_safetensors_tensor(st, middle, tensor);
        int side = vae_json_compare(&wanted, &tensor->name);
        if (side == 0)
            return middle;
        if (side < 0)
            last = middle;
        else
            first = middle + 1;
    }
    return st->tensors;
}

void vae_safetensors_use(struct vae_safetensors *st, size_t i)
{
    st->index[st->metadata + i] |= USED;
}

size_t vae_safetensors_unused(const struct vae_safetensors *st, size_t first)
{
    while (first < st->tensors && st->index[st->metadata + first] & USED)
        first++;
    return first;
}
