/* SPDX-License-Identifier: BSD-2-Clause
 * Makes a model of a safetensors file of the library's own: docs/files.md describes the format.
 */
#include "load.h"

#include "base/status.h"
#include "describe.h"
#include "format.h"

#include <float.h>
#include <stdio.h>

/* ---- descriptions ---- */

static int check_version(struct vae_archive *a)
{
    struct vae_json_string value;
    char text[12];
    unsigned long version = 0;
    if (!vae_safetensors_value(&a->st, VAE_KEY_VERSION, &value))
        return vae_fail(VAE_ERR_FORMAT,
            "%s: no file of libvae: __metadata__ has no " VAE_KEY_VERSION
            " (vae_import reads files of others)",
            a->function);
    vae_json_decode(&value, text, sizeof text);
    for (const char *at = text; *at >= '0' && *at <= '9'; at++)
        version = 10 * version + (unsigned long)(*at - '0');
    if (version > VAE_FORMAT_VERSION)
        return vae_fail(VAE_ERR_UNSUPPORTED,
            "%s: " VAE_KEY_VERSION " is %s: a newer libvae wrote the file; libvae " VAE_VERSION_STRING
            " reads versions up to %d",
            a->function, text, VAE_FORMAT_VERSION);
    if (version < 1 || strspn(text, "0123456789") != strlen(text))
        return vae_fail(VAE_ERR_FORMAT, "%s: " VAE_KEY_VERSION " is \"%s\": no version", a->function, text);
    return VAE_OK;
}

static int describe(struct vae_archive *a, const char *key, struct vae_description *from)
{
    *from = (struct vae_description){.function = a->function, .key = key};
    return vae_archive_text(a, key, &from->text, &from->size);
}

/* Once to count layers and spans, of which each takes more bytes in the file than here, once to keep them. */
static int read_config(struct vae_loading *l)
{
    struct vae_description from;
    struct vae_description_arrays arrays = {NULL, NULL, 0, 0};
    int status = describe(&l->archive, VAE_KEY_CONFIG, &from);
    if (status != VAE_OK || (status = vae_read_config(&from, &l->config, &arrays)) != VAE_OK)
        return status;
    arrays.layers = vae_archive_take(&l->archive, arrays.n_layers, sizeof *arrays.layers);
    arrays.spans = arrays.layers ? vae_archive_take(&l->archive, arrays.n_spans, sizeof *arrays.spans) : NULL;
    return arrays.spans ? vae_read_config(&from, &l->config, &arrays) : VAE_ERR_NOMEM;
}

/* An optimizer that is none is found when the settings are validated. */
static int check_counts(const struct vae_loading *l)
{
    const struct vae_optimizer_kind *optimizer = vae_optimizer_of(l->training.optimizer);
    for (unsigned i = 0; optimizer && i < VAE_MOST_MOMENTS; i++) {
        double power = l->counts.power[i];
        int counted = i < optimizer->powers && l->counts.steps > 0;
        if (counted ? !(power >= 0 && power < 1) : power != 1)
            return vae_fail(VAE_ERR_FORMAT, "%s: " VAE_KEY_STATE ": beta%d_power does not fit steps",
                l->archive.function, (int)i + 1);
    }
    return VAE_OK;
}

static int read_training(struct vae_loading *l)
{
    struct vae_description from;
    struct vae_json_string ignored;
    int status = describe(&l->archive, VAE_KEY_TRAINING, &from);
    if (status != VAE_OK || (status = vae_read_training(&from, &l->training)) != VAE_OK)
        return status;
    l->trained = vae_safetensors_value(&l->archive.st, VAE_KEY_STATE, &ignored);
    if (!l->trained)
        return VAE_OK;
    if ((status = describe(&l->archive, VAE_KEY_STATE, &from)) != VAE_OK ||
        (status = vae_read_state(&from, &l->counts)) != VAE_OK)
        return status;
    return check_counts(l);
}

int vae_loading_open(struct vae_loading *l, struct vae_source *source, const struct vae_allocator *allocator)
{
    int status = vae_archive_open(&l->archive, source, allocator);
    if (status != VAE_OK || (status = check_version(&l->archive)) != VAE_OK ||
        (status = read_config(l)) != VAE_OK)
        return status;
    return read_training(l);
}

/* ---- before there is a model ---- */

static uint64_t parameters_of(const vae_config *config)
{
    struct vae_plan plan = {config, {vae_kernels_get()->train, NULL}};
    return vae_plan_measure(&plan).learned;
}

int vae_loading_check(struct vae_loading *l, const vae_config *config)
{
    uint64_t learned = parameters_of(config), bytes = l->archive.st.data;
    if (learned <= bytes / 4)
        return vae_archive_need_data(&l->archive);
    return vae_fail(VAE_ERR_FORMAT, "%s: " VAE_KEY_CONFIG " has %llu parameters, the tensors %llu bytes",
        l->archive.function, (unsigned long long)learned, (unsigned long long)bytes);
}

const float *vae_loading_in_place(const struct vae_loading *l, const vae_config *config)
{
    const struct vae_safetensors *st = &l->archive.st;
    struct vae_safetensor t;
    struct vae_json_string version;
    if (!vae_archive_is_native() || !vae_safetensors_value(st, VAE_KEY_PANELS, &version) ||
        !vae_json_is(&version, VAE_PANELS_VERSION) ||
        vae_safetensors_find(st, VAE_PANELS_NAME, &t) == st->tensors || t.dtype != VAE_DTYPE_F32 ||
        t.count != parameters_of(config) + VAE_PARAMS_SLACK)
        return NULL;
    const unsigned char *data = vae_archive_data(&l->archive, &t);
    return (uintptr_t)data % VAE_ALIGNMENT == 0 ? (const float *)(const void *)data : NULL;
}

/* ---- tensors ---- */

/* Values: a panel of a wide layer, which the nearest caches hold. */
#define MOST_AT_ONCE ((size_t)1 << 17)

/* Room for values on their way into the model. */
struct passage {
    float *values;
    size_t most;
};

/* No more than the largest tensor has. */
static int take_passage(struct vae_archive *a, const struct vae_model *model, struct passage *passage)
{
    uint64_t most = 0;
    for (size_t i = 0; i < model->tensor_count; i++)
        most = model->tensors[i].count > most ? model->tensors[i].count : most;
    passage->most = most < MOST_AT_ONCE ? (size_t)most : MOST_AT_ONCE;
    passage->values = vae_archive_take(a, passage->most, sizeof *passage->values);
    return passage->values ? VAE_OK : VAE_ERR_NOMEM;
}

/* How many values go at once: whole rows of a panel, where they fit. */
static size_t step_of(const struct vae_tensor *t, size_t panel, const struct passage *passage)
{
    size_t row = t->in_panels ? (size_t)t->shape[1] : 1, rows = passage->most / row;
    if (t->in_panels && rows > panel)
        rows = panel;
    return rows > 0 ? rows * row : passage->most;
}

/* The file's tensor of a name, which must have the shape of t. */
static int find(
    struct vae_archive *a, const char *name, const struct vae_tensor *t, struct vae_safetensor *found)
{
    size_t i = vae_safetensors_find(&a->st, name, found);
    if (i == a->st.tensors)
        return vae_fail(VAE_ERR_FORMAT, "%s: tensor %s is missing", a->function, name);
    vae_safetensors_use(&a->st, i);
    if (found->dtype != VAE_DTYPE_F32)
        return vae_fail(VAE_ERR_FORMAT, "%s: tensor %s: its dtype is %.*s: must be F32", a->function, name,
            VAE_SHOWN(found->type));
    if (found->rank != t->rank || found->shape[0] != t->shape[0] ||
        (t->rank > 1 && found->shape[1] != t->shape[1]))
        return vae_fail(
            VAE_ERR_FORMAT, "%s: tensor %s: its shape is not that of the configuration", a->function, name);
    return VAE_OK;
}

/* The name of a tensor's parameters (moment < 0) or of a moment. */
static void name_of(const struct vae_tensor *t, int moment, char *name, size_t size)
{
    if (moment < 0)
        snprintf(name, size, "%s", t->name);
    else
        snprintf(name, size, VAE_MOMENT_PREFIX "%d.%s", moment, t->name);
}

static int check_values(
    const struct vae_archive *a, const char *name, uint64_t first, const float *values, size_t n, int squares)
{
    float least = squares ? 0 : -FLT_MAX;
    size_t i = 0;
    if (!squares && vae_kernels_get()->train->max_abs(n, values) <= FLT_MAX)
        return VAE_OK;
    while (i < n && values[i] >= least && values[i] <= FLT_MAX)
        i++;
    if (i == n)
        return VAE_OK;
    return vae_fail(VAE_ERR_FORMAT, "%s: tensor %s, element %llu, is %g: must be %s", a->function, name,
        (unsigned long long)(first + i), vae_shown((double)values[i]),
        squares ? "finite and at least 0" : "finite");
}

static int holds_squares(const struct vae_model *model, int moment)
{
    return moment >= 0 && (model->trainer.optimizer->squares >> moment & 1);
}

static int read_tensor(struct vae_archive *a, const struct vae_model *model, const struct vae_tensor *t,
    int moment, const struct passage *passage, float *own)
{
    char name[64];
    float *values = passage->values;
    size_t panel = model->network->panel, step = step_of(t, panel, passage);
    struct vae_safetensor from;
    name_of(t, moment, name, sizeof name);
    int status = find(a, name, t, &from);
    for (uint64_t first = 0; status == VAE_OK && own && first < t->count; first += step) {
        size_t n = t->count - first < step ? (size_t)(t->count - first) : step;
        if ((status = vae_archive_floats(a, &from, first, n, values)) == VAE_OK)
            status = check_values(a, name, first, values, n, holds_squares(model, moment));
        if (status == VAE_OK)
            vae_tensor_put(t, panel, values, first, n, own);
    }
    return status;
}

/* All tensors of the parameters or of a moment; without memory they are only looked for. */
static int read_tensors(struct vae_archive *a, const struct vae_model *model, int moment,
    const struct passage *passage, float *own)
{
    int status = VAE_OK;
    for (size_t i = 0; status == VAE_OK && i < model->tensor_count; i++)
        status = read_tensor(a, model, &model->tensors[i], moment, passage, own);
    return status;
}

static int read_moment(
    struct vae_archive *a, struct vae_model *model, unsigned moment, const struct passage *passage)
{
    float *own = model->trainer.moment[moment];
    int status = read_tensors(a, model, (int)moment, passage, own);
    if (status == VAE_OK && own)
        model->trainer.reach[moment] =
            (double)model->network->kernels->train->max_abs((size_t)model->network->learned, own);
    return status;
}

static int check_unused(struct vae_archive *a)
{
    struct vae_safetensor t;
    size_t i = vae_safetensors_find(&a->st, VAE_PANELS_NAME, &t);
    if (i < a->st.tensors)
        vae_safetensors_use(&a->st, i);
    i = vae_safetensors_unused(&a->st, 0);
    if (i == a->st.tensors)
        return VAE_OK;
    vae_safetensors_tensor(&a->st, i, &t);
    return vae_fail(
        VAE_ERR_FORMAT, "%s: tensor %.*s is no part of the model", a->function, VAE_SHOWN(t.name));
}

/* ---- metadata ---- */

/* A decoded string with a NUL, and with none inside. */
static int add_string(struct vae_metadata *m, const struct vae_json_string *string)
{
    char *to = m->text + m->size;
    size_t length = vae_json_decode(string, to, m->room - m->size);
    m->size += length + 1;
    return strlen(to) == length;
}

/* What is not the library's; decoded, it has as many bytes as in the header at most. */
static int read_metadata(struct vae_archive *a, struct vae_model *model)
{
    struct vae_json_string key, value;
    size_t room = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass > 0 && !vae_metadata_reserve(&model->metadata, &model->allocator, room))
            return vae_fail(VAE_ERR_NOMEM, "%s: out of memory: metadata need %zu bytes", a->function, room);
        for (size_t i = 0; i < a->st.metadata; i++) {
            char start[sizeof VAE_KEY_FRAMEWORK + 1];
            vae_safetensors_metadata(&a->st, i, &key, &value);
            vae_json_decode(&key, start, sizeof start);
            if (vae_key_is_ours(start))
                continue;
            room += (size_t)(key.end - key.at) + (size_t)(value.end - value.at) + 2;
            if (pass > 0 && (!add_string(&model->metadata, &key) || !add_string(&model->metadata, &value)))
                return vae_fail(
                    VAE_ERR_FORMAT, "%s: metadata %.*s: a character is NUL", a->function, VAE_SHOWN(key));
        }
    }
    return VAE_OK;
}

int vae_loading_fill(struct vae_loading *l, struct vae_model *model)
{
    struct vae_archive *a = &l->archive;
    struct vae_trainer *trainer = &model->trainer;
    struct passage passage = {NULL, 1};
    unsigned moments = l->trained ? trainer->optimizer->moments : 0;
    float *params = model->in_place ? NULL : model->own_network.params;
    int status = params ? take_passage(a, model, &passage) : VAE_OK;
    if (status == VAE_OK)
        status = read_tensors(a, model, -1, &passage, params);
    for (unsigned i = 0; status == VAE_OK && i < moments; i++)
        status = read_moment(a, model, i, &passage);
    if (status == VAE_OK)
        status = check_unused(a);
    if (status == VAE_OK && model->in_place)
        status =
            check_values(a, VAE_PANELS_NAME, 0, model->network->params, (size_t)model->network->learned, 0);
    if (status == VAE_OK)
        status = read_metadata(a, model);
    if (l->trained)
        trainer->counts = l->counts;
    return status;
}
