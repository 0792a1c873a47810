/* SPDX-License-Identifier: BSD-2-Clause
 * Entry points of files: metadata, saving, loading, importing.
 */
#include "base/defaults.h"
#include "base/status.h"
#include "batch.h"
#include "config.h"
#include "files/format.h"
#include "files/import.h"
#include "files/load.h"
#include "files/replace.h"
#include "files/save.h"

#include <string.h>

/* ---- metadata ---- */

static int check_utf8(const char *function, const char *name, const char *text)
{
    const char *end = text + strlen(text);
    uint32_t c;
    for (size_t n; text < end; text += n)
        if ((n = vae_utf8_read(text, end, &c)) == 0)
            return vae_fail(VAE_ERR_ARG, "%s: %s is not UTF-8", function, name);
    return VAE_OK;
}

int vae_set_metadata(vae_model *model, const char *key, const char *value)
{
    int status = vae_check_owner(__func__, model);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "key", key, 1)) != VAE_OK ||
        (status = check_utf8(__func__, "key", key)) != VAE_OK ||
        (status = check_utf8(__func__, "value", value ? value : "")) != VAE_OK)
        return status;
    if (vae_key_is_ours(key))
        return vae_fail(VAE_ERR_ARG,
            "%s: key is \"%.60s\": \"" VAE_KEY_FRAMEWORK "\" and what begins with \"" VAE_KEY_PREFIX
            "\" are the library's",
            __func__, key);
    if (vae_metadata_set(&model->metadata, &model->allocator, key, value))
        return VAE_OK;
    return vae_fail(VAE_ERR_NOMEM, "%s: out of memory", __func__);
}

const char *vae_get_metadata(const vae_model *model, const char *key)
{
    return model && key ? vae_metadata_get(&vae_model_owner(model)->metadata, key) : NULL;
}

/* ---- saving ---- */

static int check_save(const char *function, const vae_model *model, uint32_t flags)
{
    int status = vae_check_model(function, model);
    if (status != VAE_OK)
        return status;
    if (flags & ~(uint32_t)VAE_SAVE_WEIGHTS_ONLY)
        return vae_fail(VAE_ERR_ARG, "%s: flags is 0x%lx: no such option", function, (unsigned long)flags);
    if (!(flags & VAE_SAVE_WEIGHTS_ONLY) && (model->owner || model->inference_only))
        return vae_fail(VAE_ERR_STATE, "%s: %s saves with VAE_SAVE_WEIGHTS_ONLY alone", function,
            model->owner ? "a view" : "a model that is inference_only");
    return VAE_OK;
}

int vae_save(const vae_model *model, const char *path, uint32_t flags)
{
    struct vae_replace replace;
    int status = check_save(__func__, model, flags);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "path", path, 1)) != VAE_OK ||
        (status = vae_replace_begin(&replace, __func__, path)) != VAE_OK)
        return status;
    return vae_replace_end(&replace, vae_model_save(__func__, model, flags, vae_replace_write, &replace));
}

/* A program's own function. */
struct callback {
    const char *function;
    int (*write)(void *ctx, const void *data, size_t size);
    void *ctx;
    unsigned long long written;
};

static int write_callback(void *ctx, const void *data, size_t size)
{
    struct callback *c = ctx;
    if (c->write(c->ctx, data, size) != 0)
        return vae_fail(
            VAE_ERR_IO, "%s: the write callback failed after %llu bytes", c->function, c->written);
    c->written += size;
    return VAE_OK;
}

int vae_save_stream(
    const vae_model *model, int (*write)(void *ctx, const void *data, size_t size), void *ctx, uint32_t flags)
{
    struct callback callback = {__func__, write, ctx, 0};
    int status = check_save(__func__, model, flags);
    if (status == VAE_OK && !write)
        status = vae_fail(VAE_ERR_ARG, "%s: write is NULL", __func__);
    return status == VAE_OK ? vae_model_save(__func__, model, flags, write_callback, &callback) : status;
}

/* ---- loading ---- */

/* What vae_create() refuses as an argument is a fault of the file here. */
static int of_file(int status)
{
    return status == VAE_ERR_ARG || status == VAE_ERR_ABI ? VAE_ERR_FORMAT : status;
}

static int read_request(const char *function, struct vae_loading *l, struct vae_request *r)
{
    int status;
    if ((status = of_file(vae_config_read(function, &r->config, &l->config))) != VAE_OK ||
        (status = of_file(vae_training_read(function, &r->training, &l->training, r->config.prior))) !=
            VAE_OK ||
        (status = vae_runtime_fit(function, &r->runtime, &r->training)) != VAE_OK)
        return status;
    r->filled_later = 1;
    return vae_loading_check(l, &r->config);
}

static int make(vae_model **out, struct vae_loading *l, struct vae_source *source,
    const struct vae_allocator *allocator, struct vae_request *r, int in_place)
{
    vae_model *model;
    int status = vae_loading_open(l, source, allocator);
    if (status != VAE_OK || (status = read_request(source->function, l, r)) != VAE_OK)
        return status;
    if (in_place && !r->runtime.sgemm)
        r->params = vae_loading_in_place(l, &r->config);
    if ((status = vae_model_create(&model, r)) != VAE_OK)
        return status;
    if ((status = vae_loading_fill(l, model)) != VAE_OK)
        vae_model_destroy(model);
    else
        *out = model;
    return status;
}

/* The runtime and its allocator, before anything is read. */
static int begin(const char *function, vae_model **out, const vae_runtime *runtime, struct vae_request *r,
    struct vae_allocator *allocator)
{
    if (!out)
        return vae_fail(VAE_ERR_ARG, "%s: out is NULL", function);
    *out = NULL;
    *r = (struct vae_request){.function = function,
        .training = *(const vae_training *)vae_training_struct.defaults,
        .runtime = *(const vae_runtime *)vae_runtime_struct.defaults};
    int status = vae_runtime_read(function, &r->runtime, runtime);
    *allocator = (struct vae_allocator){r->runtime.alloc_ctx, r->runtime.alloc, r->runtime.free};
    return status;
}

static int load(vae_model **out, struct vae_source *source, const struct vae_allocator *allocator,
    struct vae_request *r, int in_place)
{
    struct vae_loading loading;
    int status = make(out, &loading, source, allocator, r, in_place);
    vae_archive_close(&loading.archive);
    vae_source_close(source);
    return status;
}

int vae_load(vae_model **out, const char *path, const vae_runtime *runtime)
{
    struct vae_request r;
    struct vae_allocator allocator;
    struct vae_source source;
    int status = begin(__func__, out, runtime, &r, &allocator);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "path", path, 1)) != VAE_OK ||
        (status = vae_source_open(&source, __func__, &allocator, path)) != VAE_OK)
        return status;
    return load(out, &source, &allocator, &r, 0);
}

int vae_load_stream(
    vae_model **out, int (*read)(void *ctx, void *data, size_t size), void *ctx, const vae_runtime *runtime)
{
    struct vae_request r;
    struct vae_allocator allocator;
    struct vae_source source;
    int status = begin(__func__, out, runtime, &r, &allocator);
    if (status == VAE_OK && !read)
        status = vae_fail(VAE_ERR_ARG, "%s: read is NULL", __func__);
    if (status != VAE_OK)
        return status;
    vae_source_stream(&source, __func__, &allocator, read, ctx);
    return load(out, &source, &allocator, &r, 0);
}

int vae_load_memory(
    vae_model **out, const void *data, size_t size, uint32_t flags, const vae_runtime *runtime)
{
    struct vae_request r;
    struct vae_allocator allocator;
    struct vae_source source;
    int status = begin(__func__, out, runtime, &r, &allocator);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "data", data, size)) != VAE_OK)
        return status;
    if (flags & ~(uint32_t)VAE_LOAD_IN_PLACE)
        return vae_fail(VAE_ERR_ARG, "%s: flags is 0x%lx: no such option", __func__, (unsigned long)flags);
    if (flags & VAE_LOAD_IN_PLACE)
        r.runtime.inference_only = 1;
    vae_source_memory(&source, __func__, data, size);
    return load(out, &source, &allocator, &r, (flags & VAE_LOAD_IN_PLACE) != 0);
}

/* ---- importing ---- */

int vae_import(vae_model *model, const char *path, const vae_import_rule *rules, size_t n_rules)
{
    struct vae_source source;
    int status = vae_check_writable(__func__, model);
    if (status != VAE_OK || (status = vae_check_pointer(__func__, "path", path, 1)) != VAE_OK)
        return status;
    if (!rules && n_rules > 0)
        return vae_fail(VAE_ERR_ARG, "%s: rules is NULL, n_rules is %zu", __func__, n_rules);
    if ((status = vae_source_open(&source, __func__, &model->allocator, path)) != VAE_OK)
        return status;
    status = vae_model_import_file(model, &source, rules, n_rules);
    vae_source_close(&source);
    return status;
}
