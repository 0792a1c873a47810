/* SPDX-License-Identifier: BSD-2-Clause
 * Writes a model as a safetensors file: docs/files.md describes the format.
 *
 * The header is written twice, first to know its length.
 */
#include "save.h"

#include "base/status.h"
#include "describe.h"
#include "format.h"
#include "safetensors.h"
#include "sort.h"

struct saving {
    const struct vae_model *model; /* an owner */
    const uint32_t *order;         /* its tensors by name */
    int training, panels;          /* are moments and counts written, and the panels? */
    uint64_t offset;               /* in the data */
    struct vae_sink sink;
};

/* A tensor of the file: parameters, or moment number `moment` where that is not negative, or all parameters
 * in panels where the tensor is NULL. */
struct entry {
    const struct vae_tensor *tensor;
    int moment;
};

typedef void visitor(struct saving *s, const struct entry *entry);

/* All tensors of the file in their order: by name, but for panels, whose place must be aligned. */
static void visit_all(struct saving *s, visitor *visit)
{
    const struct vae_tensor *tensors = s->model->tensors;
    size_t count = s->model->tensor_count, k = 0;
    unsigned moments = s->training ? s->model->trainer.optimizer->moments : 0;
    if (s->panels)
        visit(s, &(struct entry){NULL, -1});
    for (; k < count && strcmp(tensors[s->order[k]].name, VAE_MOMENT_PREFIX) < 0; k++)
        visit(s, &(struct entry){&tensors[s->order[k]], -1});
    for (unsigned m = 0; m < moments; m++)
        for (size_t i = 0; i < count; i++)
            visit(s, &(struct entry){&tensors[s->order[i]], (int)m});
    for (; k < count; k++)
        visit(s, &(struct entry){&tensors[s->order[k]], -1});
}

/* ---- the header ---- */

static uint64_t values_of(const struct saving *s, const struct entry *entry)
{
    return entry->tensor ? entry->tensor->count : s->model->network->learned + VAE_PARAMS_SLACK;
}

static void put_name(struct vae_sink *sink, const struct entry *entry)
{
    if (entry->moment >= 0) {
        vae_sink_text(sink, VAE_MOMENT_PREFIX);
        vae_sink_natural(sink, (uint64_t)entry->moment);
        vae_sink_text(sink, ".");
    }
    vae_sink_text(sink, entry->tensor ? entry->tensor->name : VAE_PANELS_NAME);
}

static void put_info(struct saving *s, const struct entry *entry)
{
    struct vae_sink *sink = &s->sink;
    uint64_t count = values_of(s, entry);
    vae_sink_text(sink, ",\"");
    put_name(sink, entry);
    vae_sink_text(sink, "\":{\"dtype\":\"F32\",\"shape\":[");
    vae_sink_natural(sink, entry->tensor ? entry->tensor->shape[0] : count);
    if (entry->tensor && entry->tensor->rank > 1) {
        vae_sink_text(sink, ",");
        vae_sink_natural(sink, entry->tensor->shape[1]);
    }
    vae_sink_text(sink, "],\"data_offsets\":[");
    vae_sink_natural(sink, s->offset);
    s->offset += 4 * count;
    vae_sink_text(sink, ",");
    vae_sink_natural(sink, s->offset);
    vae_sink_text(sink, "]}");
}

static void put_pair(struct vae_sink *sink, const char *key, const char *value)
{
    vae_sink_text(sink, ",");
    vae_sink_string(sink, key);
    vae_sink_text(sink, ":");
    vae_sink_string(sink, value);
}

/* JSON in a string. */
static void begin_nested(struct vae_sink *sink, const char *key)
{
    vae_sink_text(sink, ",\"");
    vae_sink_text(sink, key);
    vae_sink_text(sink, "\":\"");
    sink->escaped = 1;
}

static void end_nested(struct vae_sink *sink)
{
    sink->escaped = 0;
    vae_sink_text(sink, "\"");
}

static void put_metadata(struct saving *s)
{
    struct vae_sink *sink = &s->sink;
    char version[2] = {'0' + VAE_FORMAT_VERSION, 0};
    vae_sink_text(sink, "{\"__metadata__\":{\"" VAE_KEY_FRAMEWORK "\":\"pt\"");
    put_pair(sink, VAE_KEY_VERSION, version);
    begin_nested(sink, VAE_KEY_CONFIG);
    vae_describe_config(sink, &s->model->config);
    end_nested(sink);
    begin_nested(sink, VAE_KEY_TRAINING);
    vae_describe_training(sink, &s->model->trainer.settings);
    end_nested(sink);
    if (s->training) {
        begin_nested(sink, VAE_KEY_STATE);
        vae_describe_state(sink, &s->model->trainer.counts);
        end_nested(sink);
    }
    if (s->panels)
        put_pair(sink, VAE_KEY_PANELS, VAE_PANELS_VERSION);
    for (const char *key = NULL; (key = vae_metadata_next(&s->model->metadata, key)) != NULL;)
        put_pair(sink, key, vae_metadata_get(&s->model->metadata, key));
    vae_sink_text(sink, "}");
}

static void put_header(struct saving *s)
{
    s->offset = 0;
    put_metadata(s);
    visit_all(s, put_info);
    vae_sink_text(&s->sink, "}");
}

/* ---- data ---- */

/* The model's own order, the slack behind it zeros. */
static void put_panels(struct saving *s)
{
    static const float zeros[VAE_PARAMS_SLACK];
    const struct vae_network *net = s->model->network;
    vae_sink_floats(&s->sink, net->params, (size_t)net->learned);
    vae_sink_floats(&s->sink, zeros, VAE_PARAMS_SLACK);
}

static void put_data(struct saving *s, const struct entry *entry)
{
    const struct vae_tensor *t = entry->tensor;
    const struct vae_model *model = s->model;
    const float *own = entry->moment < 0 ? model->network->params : model->trainer.moment[entry->moment];
    float values[1024];
    if (!t) {
        put_panels(s);
        return;
    }
    for (uint64_t first = 0; first < t->count; first += 1024) {
        size_t n = t->count - first < 1024 ? (size_t)(t->count - first) : 1024;
        vae_tensor_get(t, model->network->panel, own, first, n, values);
        vae_sink_floats(&s->sink, values, n);
    }
}

/* ---- the file ---- */

static int by_name(const void *ctx, uint32_t a, uint32_t b)
{
    const struct vae_tensor *tensors = ctx;
    return strcmp(tensors[a].name, tensors[b].name);
}

static int write_all(const char *function, struct saving *s, vae_write *write, void *ctx)
{
    uint64_t align = s->panels ? VAE_ALIGNMENT : 8;
    vae_sink_open(&s->sink, NULL, NULL);
    put_header(s);
    uint64_t length = (VAE_HEADER_AT + s->sink.bytes + align - 1) / align * align - VAE_HEADER_AT;
    if (length > VAE_MOST_HEADER)
        return vae_fail(VAE_ERR_UNSUPPORTED, "%s: the header would have %llu bytes: at most %d are possible",
            function, (unsigned long long)length, VAE_MOST_HEADER);
    vae_sink_open(&s->sink, write, ctx);
    vae_sink_u64(&s->sink, length);
    put_header(s);
    while (s->sink.bytes < VAE_HEADER_AT + length)
        vae_sink_text(&s->sink, " ");
    visit_all(s, put_data);
    return vae_sink_flush(&s->sink);
}

int vae_model_save(
    const char *function, const struct vae_model *model, uint32_t flags, vae_write *write, void *ctx)
{
    const struct vae_model *owner = vae_model_owner(model);
    size_t size = owner->tensor_count * sizeof(uint32_t);
    uint32_t *order = vae_memory_alloc(&model->allocator, size);
    struct saving s = {.model = owner,
        .order = order,
        .training = !(flags & VAE_SAVE_WEIGHTS_ONLY),
        .panels = (flags & VAE_SAVE_PANELS) != 0};
    if (!order)
        return vae_fail(VAE_ERR_NOMEM, "%s: out of memory: %zu bytes are needed", function, size);
    for (size_t i = 0; i < owner->tensor_count; i++)
        order[i] = (uint32_t)i;
    vae_sort(order, owner->tensor_count, by_name, owner->tensors);
    int status = write_all(function, &s, write, ctx);
    vae_memory_free(&model->allocator, order, size);
    return status;
}
