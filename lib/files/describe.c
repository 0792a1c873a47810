/* SPDX-License-Identifier: BSD-2-Clause
 * Configuration, training settings and training state as JSON, every field by its name in the public header.
 */
#include "describe.h"

#include "base/defaults.h"
#include "base/status.h"
#include "safetensors.h"
#include "number.h"

#include <stdio.h>
#include <string.h>

/* LAYERS and SPANS: a pointer and the count behind it. */
enum type { U64, I32, F64, LAYERS, SPANS };

struct field {
    const char *name;
    enum type type;
    size_t offset;
};

struct object {
    const struct field *fields;
    size_t count; /* at most 64 */
};

#define FIELD(STRUCT, TYPE, NAME)                                                                            \
    {                                                                                                        \
#NAME, TYPE, offsetof(STRUCT, NAME)                                                                  \
    }
#define OBJECT(NAME)                                                                                         \
    static const struct object NAME##_object = {NAME##_fields, sizeof NAME##_fields / sizeof *NAME##_fields}

static const struct field layer_fields[] = {
    FIELD(vae_layer, I32, kind),
    FIELD(vae_layer, I32, activation),
    FIELD(vae_layer, U64, units),
    FIELD(vae_layer, F64, slope),
    FIELD(vae_layer, F64, epsilon),
    FIELD(vae_layer, F64, momentum),
    FIELD(vae_layer, F64, dropout),
};
OBJECT(layer);

static const struct field span_fields[] = {
    FIELD(vae_span, U64, columns),
    FIELD(vae_span, I32, likelihood),
    FIELD(vae_span, I32, mean_activation),
    FIELD(vae_span, I32, scale),
    FIELD(vae_span, I32, shape),
    FIELD(vae_span, F64, scale_value),
    FIELD(vae_span, F64, shape_value),
    FIELD(vae_span, F64, scale_min),
    FIELD(vae_span, U64, levels),
    FIELD(vae_span, I32, input),
};
OBJECT(span);

static const struct field config_fields[] = {
    FIELD(vae_config, U64, x_dim),
    FIELD(vae_config, U64, z_dim),
    FIELD(vae_config, U64, c_dim),
    FIELD(vae_config, LAYERS, encoder),
    FIELD(vae_config, LAYERS, decoder),
    FIELD(vae_config, SPANS, spans),
    FIELD(vae_config, I32, likelihood),
    FIELD(vae_config, I32, mean_activation),
    FIELD(vae_config, I32, prior),
    FIELD(vae_config, I32, standardise),
    FIELD(vae_config, U64, prior_components),
    FIELD(vae_config, F64, z_logvar_min),
    FIELD(vae_config, F64, z_logvar_max),
    FIELD(vae_config, I32, init),
    FIELD(vae_config, F64, init_scale),
    FIELD(vae_config, U64, seed),
};
OBJECT(config);

static const struct field training_fields[] = {
    FIELD(vae_training, I32, objective),
    FIELD(vae_training, I32, estimator),
    FIELD(vae_training, U64, samples),
    FIELD(vae_training, U64, estimates),
    FIELD(vae_training, F64, kl_weight),
    FIELD(vae_training, F64, free_bits),
    FIELD(vae_training, F64, kl_capacity),
    FIELD(vae_training, F64, elbo_weight),
    FIELD(vae_training, I32, optimizer),
    FIELD(vae_training, F64, learning_rate),
    FIELD(vae_training, F64, beta1),
    FIELD(vae_training, F64, beta2),
    FIELD(vae_training, F64, epsilon),
    FIELD(vae_training, F64, momentum),
    FIELD(vae_training, F64, weight_decay),
    FIELD(vae_training, F64, clip_norm),
};
OBJECT(training);

static const struct field state_fields[] = {
    {"steps", U64, offsetof(struct vae_optimizer_counts, steps)},
    {"beta1_power", F64, offsetof(struct vae_optimizer_counts, power[0])},
    {"beta2_power", F64, offsetof(struct vae_optimizer_counts, power[1])},
};
OBJECT(state);

/* A struct that has grown has fields that these tables lack: `size`, all fields, and `reserved` where there
 * is one. */
#define SIZE_OF_ARRAY (sizeof(void *) + sizeof(size_t))
_Static_assert(sizeof(vae_layer) == 8 + 2 * 4 + 5 * 8, "layer_fields");
_Static_assert(sizeof(vae_span) == 8 + 6 * 4 + 5 * 8, "span_fields");
_Static_assert(sizeof(vae_config) == 8 + 6 * 4 + 8 * 8 + 3 * SIZE_OF_ARRAY, "config_fields");
_Static_assert(sizeof(vae_training) == 8 + 4 * 4 + 13 * 8, "training_fields");

/* ---- writing ---- */

static void put_object(struct vae_sink *sink, const struct object *object, const void *from);

static void put_elements(struct vae_sink *sink, const struct object *object, const void *array, size_t size)
{
    const unsigned char *elements;
    size_t count;
    memcpy(&elements, array, sizeof elements);
    memcpy(&count, (const unsigned char *)array + sizeof elements, sizeof count);
    vae_sink_text(sink, "[");
    for (size_t i = 0; i < count; i++) {
        vae_sink_text(sink, i > 0 ? "," : "");
        put_object(sink, object, elements + i * size);
    }
    vae_sink_text(sink, "]");
}

static void put_integer(struct vae_sink *sink, int32_t value)
{
    vae_sink_text(sink, value < 0 ? "-" : "");
    vae_sink_natural(sink, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* JSON has no NaN and no infinity: strings. */
static void put_real(struct vae_sink *sink, double value)
{
    char text[VAE_NUMBER_ROOM];
    vae_number_write(value, text);
    if (value - value == 0)
        vae_sink_text(sink, text);
    else
        vae_sink_string(sink, text);
}

static void put_value(struct vae_sink *sink, enum type type, const void *value)
{
    switch (type) {
    case U64:
        vae_sink_natural(sink, *(const uint64_t *)value);
        break;
    case I32:
        put_integer(sink, *(const int32_t *)value);
        break;
    case F64:
        put_real(sink, *(const double *)value);
        break;
    case LAYERS:
        put_elements(sink, &layer_object, value, sizeof(vae_layer));
        break;
    case SPANS:
        put_elements(sink, &span_object, value, sizeof(vae_span));
        break;
    }
}

static void put_object(struct vae_sink *sink, const struct object *object, const void *from)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct field *field = &object->fields[i];
        vae_sink_text(sink, i == 0 ? "{" : ",");
        vae_sink_string(sink, field->name);
        vae_sink_text(sink, ":");
        put_value(sink, field->type, (const unsigned char *)from + field->offset);
    }
    vae_sink_text(sink, "}");
}

void vae_describe_config(struct vae_sink *sink, const vae_config *config)
{
    put_object(sink, &config_object, config);
}

void vae_describe_training(struct vae_sink *sink, const vae_training *training)
{
    put_object(sink, &training_object, training);
}

void vae_describe_state(struct vae_sink *sink, const struct vae_optimizer_counts *counts)
{
    put_object(sink, &state_object, counts);
}

/* ---- reading ---- */

struct reader {
    const struct vae_description *from;
    struct vae_json json;
    struct vae_description_arrays *arrays;
    const char *array; /* the element under way; NULL: none is */
    unsigned long long element;
};

static int refuse(const struct reader *r, int status, const struct vae_json_string *field, const char *words)
{
    char place[48] = "";
    if (r->array)
        snprintf(place, sizeof place, ", %s[%llu]", r->array, r->element);
    return vae_fail(
        status, "%s: %s%s: %.*s: %s", r->from->function, r->from->key, place, VAE_SHOWN(*field), words);
}

static int malformed(const struct reader *r)
{
    return vae_fail(VAE_ERR_FORMAT, "%s: %s, byte %zu: %s", r->from->function, r->from->key,
        (size_t)(r->json.at - r->from->text), r->json.fault);
}

static int read_object(struct reader *r, const struct object *object, void *to);

/* The next layer or span, in the arrays or, while they are counted, in none. */
static int read_element(struct reader *r, enum type type)
{
    struct vae_description_arrays *arrays = r->arrays;
    vae_layer layer = *(const vae_layer *)vae_layer_struct.defaults;
    vae_span span = *(const vae_span *)vae_span_struct.defaults;
    int status = type == LAYERS ? read_object(r, &layer_object, &layer) : read_object(r, &span_object, &span);
    layer.size = sizeof layer;
    span.size = sizeof span;
    if (status == VAE_OK && type == LAYERS && arrays->layers)
        arrays->layers[arrays->n_layers] = layer;
    if (status == VAE_OK && type == SPANS && arrays->spans)
        arrays->spans[arrays->n_spans] = span;
    arrays->n_layers += type == LAYERS;
    arrays->n_spans += type == SPANS;
    return status;
}

static int read_array(struct reader *r, const struct field *field, unsigned char *to)
{
    struct vae_description_arrays *arrays = r->arrays;
    const void *first = NULL;
    size_t count = 0;
    int status = VAE_OK;
    if (field->type == LAYERS && arrays->layers)
        first = arrays->layers + arrays->n_layers;
    if (field->type == SPANS && arrays->spans)
        first = arrays->spans + arrays->n_spans;
    for (int more = vae_json_enter(&r->json, '['); more; more = vae_json_more(&r->json, ']')) {
        r->array = field->name;
        r->element = count++;
        if ((status = read_element(r, field->type)) != VAE_OK)
            return status;
    }
    r->array = NULL;
    memcpy(to, &first, sizeof first);
    memcpy(to + sizeof first, &count, sizeof count);
    return VAE_OK;
}

static int read_integer(struct vae_json *json, int32_t *value)
{
    struct vae_json_string number;
    int64_t sum = 0;
    if (!vae_json_number(json, &number))
        return 0;
    int negative = *number.at == '-';
    for (number.at += negative; number.at < number.end; number.at++) {
        if (*number.at < '0' || *number.at > '9' || sum > INT32_MAX / 10 + 1)
            return 0;
        sum = 10 * sum + (*number.at - '0');
    }
    if (sum > (int64_t)INT32_MAX + negative)
        return 0;
    *value = (int32_t)(negative ? -sum : sum);
    return 1;
}

static int read_real(struct vae_json *json, double *value)
{
    struct vae_json_string text;
    if (vae_json_peek(json) != '"')
        return vae_json_number(json, &text) && vae_number_read(text.at, (size_t)(text.end - text.at), value);
    if (!vae_json_text(json, &text))
        return 0;
    *value = vae_json_is(&text, "nan") ? (double)NAN : (double)INFINITY;
    if (vae_json_is(&text, "-inf"))
        *value = -*value;
    return vae_json_is(&text, "nan") || vae_json_is(&text, "inf") || vae_json_is(&text, "-inf");
}

static int read_value(
    struct reader *r, const struct field *field, const struct vae_json_string *key, void *to)
{
    int read = 0;
    if (field->type == LAYERS || field->type == SPANS)
        return read_array(r, field, to);
    if (field->type == U64)
        read = vae_json_natural(&r->json, to);
    else if (field->type == I32)
        read = read_integer(&r->json, to);
    else
        read = read_real(&r->json, to);
    if (read)
        return VAE_OK;
    return refuse(r, VAE_ERR_FORMAT, key, r->json.fault ? r->json.fault : "out of range");
}

/* The field of a name, or `count`. */
static size_t find(const struct object *object, const struct vae_json_string *key)
{
    size_t i = 0;
    while (i < object->count && !vae_json_is(key, object->fields[i].name))
        i++;
    return i;
}

static int check_complete(const struct reader *r, const struct object *object, uint64_t seen)
{
    for (size_t i = 0; i < object->count; i++) {
        struct vae_json_string name = vae_json_plain(object->fields[i].name);
        if (!(seen >> i & 1))
            return refuse(r, VAE_ERR_FORMAT, &name, "missing");
    }
    return VAE_OK;
}

static int read_object(struct reader *r, const struct object *object, void *to)
{
    struct vae_json_string key;
    uint64_t seen = 0;
    int status;
    for (int more = vae_json_enter(&r->json, '{'); more; more = vae_json_more(&r->json, '}')) {
        if (!vae_json_key(&r->json, &key))
            break;
        size_t i = find(object, &key);
        if (i == object->count)
            return refuse(r, VAE_ERR_UNSUPPORTED, &key, "a field that libvae " VAE_VERSION_STRING " lacks");
        if (seen >> i & 1)
            return refuse(r, VAE_ERR_FORMAT, &key, "there twice");
        seen |= (uint64_t)1 << i;
        status = read_value(r, &object->fields[i], &key, (unsigned char *)to + object->fields[i].offset);
        if (status != VAE_OK)
            return status;
    }
    return r->json.fault ? malformed(r) : check_complete(r, object, seen);
}

static int read_all(const struct vae_description *from, struct vae_description_arrays *arrays,
    const struct object *object, void *to)
{
    struct reader r = {.from = from, .arrays = arrays};
    vae_json_open(&r.json, from->text, from->size);
    int status = read_object(&r, object, to);
    if (status != VAE_OK)
        return status;
    return vae_json_close(&r.json) ? VAE_OK : malformed(&r);
}

int vae_read_config(
    const struct vae_description *from, vae_config *config, struct vae_description_arrays *arrays)
{
    arrays->n_layers = arrays->n_spans = 0;
    *config = *(const vae_config *)vae_config_struct.defaults;
    config->size = sizeof *config;
    return read_all(from, arrays, &config_object, config);
}

int vae_read_training(const struct vae_description *from, vae_training *training)
{
    *training = *(const vae_training *)vae_training_struct.defaults;
    training->size = sizeof *training;
    return read_all(from, NULL, &training_object, training);
}

int vae_read_state(const struct vae_description *from, struct vae_optimizer_counts *counts)
{
    return read_all(from, NULL, &state_object, counts);
}
