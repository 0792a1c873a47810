/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 1. struct vae_model: a block that describes it and an arena of numbers, both laid out once at
 * creation.
 *
 * The same functions run twice over each: first to add up sizes, then to hand out pointers.
 */
#include "model.h"

#include "initial.h"
#include "status.h"
#include "structs.h"

#include <stdio.h>
#include <string.h>

/* A tile reads B to the next multiple of 16 columns: that much may lie behind the last weight. */
#define SLACK 64

static uint64_t product(uint64_t a, uint64_t b)
{
    return a && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

static void *take(struct vae_arena *arena, uint64_t rows, uint64_t cols, size_t size)
{
    return vae_arena_take(arena, product(rows, cols), size);
}

static void take_activations(
    struct vae_arena *arena, const struct vae_stack *stack, uint64_t rows, int training)
{
    for (size_t i = 0; i < stack->count; i++) {
        struct vae_activations v = {.ld = vae_row_stride(stack->layers[i].out)};
        v.y = take(arena, rows, v.ld, sizeof(float));
        if (training && vae_activation_keeps_pre(stack->layers[i].activation))
            v.pre = take(arena, rows, v.ld, sizeof(float));
        if (training)
            v.g = take(arena, rows, v.ld, sizeof(float));
        stack->values[i] = v;
    }
}

/* Of one worker: the most rows that a task of either kind takes through a layer. */
static size_t packed_size(const struct vae_net *net)
{
    size_t evaluated = vae_net_chunk(net, net->max_batch, 1);
    size_t trained = vae_net_chunk(net, net->max_batch, net->samples) * net->samples;
    size_t rows = evaluated > trained ? evaluated : trained;
    size_t encoder = vae_stack_packed(&net->encoder, rows), decoder = vae_stack_packed(&net->decoder, rows);
    return encoder > decoder ? encoder : decoder;
}

/* The workspace of one caller; what only a training step needs is left out of views. */
static void take_workspace(struct vae_arena *arena, struct vae_net *net, int training)
{
    uint64_t batch = net->max_batch, rows = product(batch, net->samples);
    take_activations(arena, &net->encoder, batch, training);
    take_activations(arena, &net->decoder, rows, training);
    net->ldz = vae_row_stride(net->z_dim);
    net->z = take(arena, rows, net->ldz, sizeof(float));
    net->eps = take(arena, rows, net->z_dim, sizeof(float));
    net->loglik = take(arena, batch, 1, sizeof(double));
    net->kl = take(arena, batch, 1, sizeof(double));
    net->sample_loglik = take(arena, batch, 1, sizeof(double));
    net->packed_size = packed_size(net);
    net->packed = take(arena, net->pool.threads, net->packed_size, sizeof(float));
    if (net->likelihood.family->has_logvar && !net->likelihood.family->logvar_in_head)
        net->likelihood.logvar_row = take(arena, net->x_dim + SLACK, 1, sizeof(float));
    if (!training)
        return;
    net->gz = take(arena, rows, net->ldz, sizeof(float));
    net->kl_scale = take(arena, batch, 1, sizeof(float));
    net->bounds = take(arena, net->pool.threads, vae_net_layers(net), sizeof *net->bounds);
}

static void take_parameters(struct vae_arena *arena, struct vae_model *model)
{
    struct vae_net *net = &model->net;
    struct vae_optimizer *o = &model->optimizer;
    uint64_t floats = model->param_count + SLACK;
    net->weights.params = take(arena, floats, 1, sizeof(float));
    o->grads = take(arena, floats, 1, sizeof(float));
    o->m = take(arena, floats, 1, sizeof(float));
    o->v = take(arena, floats, 1, sizeof(float));
    o->scratch = take(arena, net->pool.threads, vae_optimizer_scratch(net), sizeof(float));
    o->partial = take(arena, vae_optimizer_pieces(net), 1, sizeof(double));
    if (model->config.likelihood == VAE_GAUSS_SHARED && net->weights.params)
        net->likelihood.shared_logvar = net->weights.params + model->tensors[model->tensor_count - 1].own;
}

static void describe(struct vae_dense *layer, uint64_t in, uint64_t out, int32_t activation)
{
    *layer = (struct vae_dense){.in = (size_t)in, .out = (size_t)out, .activation = activation};
}

/* Hidden layers and head of one side, from `width` inputs to `outputs`. */
static void describe_side(
    const vae_layer *hidden, uint64_t count, uint64_t width, uint64_t outputs, struct vae_dense *layers)
{
    for (uint64_t i = 0; i < count; i++) {
        vae_layer layer;
        vae_struct_layer("layer", hidden, i, &layer); /* which the config's check has read before */
        describe(&layers[i], width, layer.units, layer.activation);
        width = layer.units;
    }
    describe(&layers[count], width, outputs, VAE_IDENTITY);
}

static void describe_layers(
    const vae_config *c, const struct vae_likelihood_family *family, struct vae_dense *layers)
{
    describe_side(c->encoder, c->n_encoder, c->x_dim, 2 * c->z_dim, layers);
    describe_side(c->decoder, c->n_decoder, c->z_dim, family->heads * c->x_dim, layers + c->n_encoder + 1);
}

static void name_tensor(struct vae_tensor *t, const vae_config *c, uint64_t layer, const char *part)
{
    int encoder = layer <= c->n_encoder;
    unsigned long long own = encoder ? layer : layer - c->n_encoder - 1;
    snprintf(t->name, sizeof t->name, "%s.%llu.%s", encoder ? "encoder" : "decoder", own, part);
}

static void list_tensors(struct vae_model *model, const struct vae_dense *layers)
{
    struct vae_tensor *t = model->tensors;
    const vae_config *c = &model->config;
    uint64_t offset = 0;
    for (uint64_t i = 0; i < vae_net_layers(&model->net); i++) {
        *t = (struct vae_tensor){
            .offset = offset, .shape = {layers[i].out, layers[i].in}, .layer = &layers[i]};
        name_tensor(t, c, i, "weight");
        offset += (t++)->shape[0] * layers[i].in;
        *t = (struct vae_tensor){
            .offset = offset, .shape = {layers[i].out, 1}, .layer = &layers[i], .is_bias = 1};
        name_tensor(t, c, i, "bias");
        offset += (t++)->shape[0];
    }
    if (c->likelihood == VAE_GAUSS_SHARED)
        *t = (struct vae_tensor){.name = "decoder.logvar", .offset = offset, .shape = {1, 1}};
}

/* The model's own order: tensors of whole cache lines first, so that each begins on one; the others behind
 * them. */
static void place_tensors(struct vae_model *model, struct vae_dense *layers)
{
    size_t own = 0;
    for (int odd = 0; odd < 2; odd++)
        for (uint64_t i = 0; i < model->tensor_count; i++) {
            struct vae_tensor *t = &model->tensors[i];
            size_t count = (size_t)(t->shape[0] * t->shape[1]);
            if ((count % 16 != 0) != odd)
                continue;
            t->own = own;
            own += count;
            if (t->layer && t->is_bias)
                layers[t->layer - layers].bias = t->own;
            else if (t->layer)
                layers[t->layer - layers].weight = t->own;
        }
}

/* UINT64_MAX where the sum does not fit. */
static uint64_t count_parameters(const struct vae_model *model, const struct vae_dense *layers)
{
    uint64_t total = model->config.likelihood == VAE_GAUSS_SHARED;
    for (uint64_t i = 0; i < vae_net_layers(&model->net); i++) {
        uint64_t weights = product(layers[i].in, layers[i].out);
        if (weights > UINT64_MAX / 64 || total > UINT64_MAX / 64)
            return UINT64_MAX;
        total += weights + layers[i].out;
    }
    return total;
}

/* What of the net follows from the config alone. */
static void settle_net(struct vae_model *model, const vae_config *c)
{
    struct vae_net *net = &model->net;
    net->kernels = vae_kernels_get();
    net->gemm = (struct vae_gemm){net->kernels->train, c->gemm};
    net->weights.panel = vae_gemm_panel(c->gemm);
    net->x_dim = (size_t)c->x_dim;
    net->z_dim = (size_t)c->z_dim;
    net->max_batch = (size_t)c->max_batch;
    net->samples = (size_t)c->train_samples;
    net->posterior = (struct vae_posterior){net->kernels, net->z_dim};
    net->likelihood = (struct vae_likelihood){.family = vae_likelihood_family_of(c->likelihood),
        .kernels = net->kernels,
        .x_dim = net->x_dim,
        .mean_activation = c->mean_activation,
        .gauss_logvar = c->gauss_logvar};
    net->pool.threads = (size_t)c->threads;
    model->optimizer.learning_rate = c->learning_rate;
    model->optimizer.beta1 = c->beta1;
    model->optimizer.beta2 = c->beta2;
    model->optimizer.epsilon = c->epsilon;
    model->optimizer.power1 = model->optimizer.power2 = 1;
}

/* The describing block of a model (layers NULL: its own) or of a view (the owner's); NULL where memory lacks.
 */
static struct vae_model *take_block(const vae_config *c, const struct vae_dense *layers)
{
    struct vae_model *model = NULL;
    uint64_t encoder = c->n_encoder + 1, decoder = c->n_decoder + 1, tensors = 2 * (encoder + decoder) + 1;
    struct vae_dense *own = NULL;
    struct vae_activations *values = NULL;
    for (int pass = 0; pass < 2; pass++) {
        struct vae_arena arena = {(unsigned char *)model, 0};
        vae_arena_take(&arena, 1, sizeof *model);
        if (!layers)
            own = vae_arena_take(&arena, encoder + decoder, sizeof *own);
        values = vae_arena_take(&arena, encoder + decoder, sizeof *values);
        struct vae_tensor *list = vae_arena_take(&arena, layers ? 0 : tensors, sizeof *list);
        struct vae_pool_worker *workers = vae_arena_take(&arena, (uint64_t)c->threads, sizeof *workers);
        if (pass == 0) {
            model = vae_arena_overflowed(&arena) ? NULL : vae_memory_alloc(&c->allocator, arena.used);
            if (!model)
                return NULL;
            memset(model, 0, arena.used);
            model->size = arena.used;
        } else {
            model->tensors = list;
            model->net.pool.workers = workers;
        }
    }
    if (own)
        describe_layers(c, vae_likelihood_family_of(c->likelihood), own);
    model->net.encoder = (struct vae_stack){encoder, layers ? layers : own, values};
    model->net.decoder = (struct vae_stack){decoder, (layers ? layers : own) + encoder, values + encoder};
    model->tensor_count = tensors - (c->likelihood != VAE_GAUSS_SHARED);
    model->allocator = c->allocator;
    model->config = *c;
    model->config.encoder = model->config.decoder = NULL;
    return model;
}

static int out_of_memory(struct vae_model *model, const char *what)
{
    vae_model_destroy(model);
    return vae_fail(VAE_ERR_NOMEM, "out of memory for %s", what);
}

/* Sizes first, then the block, then the pointers into it. */
static int take_arena(struct vae_model *model, int training)
{
    struct vae_arena arena = {NULL, 0};
    for (int pass = 0; pass < 2; pass++) {
        take_workspace(&arena, &model->net, training);
        if (training)
            take_parameters(&arena, model);
        if (pass == 1)
            break;
        if (vae_arena_overflowed(&arena))
            return -1;
        model->arena = vae_memory_alloc(&model->allocator, arena.used);
        if (!model->arena)
            return -1;
        model->arena_size = arena.used;
        memset(model->arena, 0, arena.used);
        arena = (struct vae_arena){model->arena, 0};
    }
    return 0;
}

static int start_threads(struct vae_model *model, const vae_config *c)
{
    struct vae_pool *pool = &model->net.pool;
    if (vae_pool_start(pool, (size_t)c->threads, pool->workers, c->parallel_for, c->parallel_ctx) == 0)
        return VAE_OK;
    pool->threads = 1;
    vae_model_destroy(model);
    return vae_fail(VAE_ERR_NOMEM, "threads: the system refuses to start %d", (int)c->threads);
}

int vae_model_create(struct vae_model **out, const vae_config *c)
{
    struct vae_model *model = take_block(c, NULL);
    if (!model)
        return vae_fail(VAE_ERR_NOMEM, "out of memory for the model's layers");
    settle_net(model, c);
    struct vae_dense *layers = (struct vae_dense *)model->net.encoder.layers;
    model->param_count = count_parameters(model, layers);
    if (model->param_count >= SIZE_MAX / 64)
        return out_of_memory(model, "the parameters");
    list_tensors(model, layers);
    place_tensors(model, layers);
    if (take_arena(model, 1) != 0)
        return out_of_memory(model, "parameters and workspace");
    vae_initial_params(model, c);
    int status = start_threads(model, c);
    *out = status == VAE_OK ? model : NULL;
    return status;
}

int vae_model_share(struct vae_model **view, const struct vae_model *owner, uint64_t max_batch)
{
    vae_config c = owner->config;
    c.max_batch = max_batch;
    c.train_samples = 1;
    struct vae_model *model = take_block(&c, owner->net.encoder.layers);
    if (!model)
        return vae_fail(VAE_ERR_NOMEM, "out of memory for the view's layers");
    settle_net(model, &c);
    model->net.kernels = owner->net.kernels;
    model->owner = owner;
    model->param_count = owner->param_count;
    model->tensors = owner->tensors;
    model->net.weights = owner->net.weights;
    model->net.likelihood.shared_logvar = owner->net.likelihood.shared_logvar;
    if (take_arena(model, 0) != 0)
        return out_of_memory(model, "the view's workspace");
    int status = start_threads(model, &c);
    *view = status == VAE_OK ? model : NULL;
    return status;
}

void vae_model_destroy(struct vae_model *model)
{
    if (!model)
        return;
    vae_allocator allocator = model->allocator;
    vae_pool_stop(&model->net.pool);
    vae_memory_free(&allocator, model->arena, model->arena_size);
    vae_memory_free(&allocator, model, model->size);
}

size_t vae_model_own_index(const struct vae_model *model, const struct vae_tensor *t, uint64_t index)
{
    if (!t->layer || t->is_bias)
        return t->own + (size_t)index;
    size_t in = t->layer->in, row = (size_t)(index % in), col = (size_t)(index / in);
    struct vae_panels weight = vae_dense_weight(t->layer, &model->net.weights);
    struct vae_panels one = vae_panels_one(&weight, col / weight.width, row);
    return (size_t)(one.data - model->net.weights.params) + col % weight.width;
}

void vae_model_export(const struct vae_model *model, const float *own, float *canonical)
{
    for (uint64_t i = 0; i < model->tensor_count; i++) {
        const struct vae_tensor *t = &model->tensors[i];
        for (uint64_t j = 0; j < t->shape[0] * t->shape[1]; j++)
            canonical[t->offset + j] = own[vae_model_own_index(model, t, j)];
    }
}

void vae_model_import(struct vae_model *model, const float *canonical)
{
    for (uint64_t i = 0; i < model->tensor_count; i++) {
        const struct vae_tensor *t = &model->tensors[i];
        for (uint64_t j = 0; j < t->shape[0] * t->shape[1]; j++)
            model->net.weights.params[vae_model_own_index(model, t, j)] = canonical[t->offset + j];
    }
}
