/* SPDX-License-Identifier: BSD-2-Clause
 * struct vae_model: a model or a view of one, in one block of memory.
 *
 * The block is laid out by functions that run twice: first to add up sizes, then to hand out pointers.
 */
#include "model.h"

#include "base/defaults.h"
#include "base/status.h"
#include "initial.h"
#include "pass/gradient.h"

#include <string.h>

/* A tile reads B to the next multiple of 16 columns: that much may lie behind the last weight. */
#define SLACK VAE_PARAMS_SLACK

static uint64_t product(uint64_t a, uint64_t b)
{
    return a && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

static void *take(struct vae_arena *arena, uint64_t rows, uint64_t cols, size_t size)
{
    return vae_arena_take(arena, product(rows, cols), size);
}

/* All that the layout depends on. */
struct layout {
    struct vae_plan plan;
    struct vae_plan_sizes sizes;
    size_t max_batch, max_draws, threads, sum_rows;
    int view, training, filled_later;
    const float *params; /* of the caller, or NULL */
};

/* ---- workspace ---- */

/* Pseudo-inputs go through the encoder behind a batch that trains. */
static uint64_t encoded_rows(const struct layout *l)
{
    const vae_config *c = l->plan.config;
    return l->max_batch + (l->training && vae_prior_of(c->prior)->encoded ? c->prior_components : 0);
}

static uint64_t rows_of(const struct layout *l, const struct vae_value *value)
{
    return value->drawn ? product(l->max_batch, l->max_draws) : encoded_rows(l);
}

static void take_value(struct vae_arena *arena, const struct layout *l, struct vae_value *value)
{
    uint64_t rows = rows_of(l, value);
    value->y = take(arena, rows, value->ld, sizeof(float));
    if (l->training && vae_activation_keeps_pre(value->activation))
        value->pre = take(arena, rows, value->ld, sizeof(float));
    if (l->training)
        value->g = take(arena, rows, value->ld, sizeof(float));
}

/* What a layer with a gate keeps next to its output. */
static void take_gate(
    struct vae_arena *arena, const struct layout *l, int32_t activation, struct vae_value *value)
{
    uint64_t rows = rows_of(l, value);
    value->gate = take(arena, rows, value->ld, sizeof(float));
    if (!l->training)
        return;
    value->gate_g = take(arena, rows, value->ld, sizeof(float));
    if (vae_activation_keeps_pre(activation))
        value->pre = take(arena, rows, value->ld, sizeof(float));
    else if (activation != VAE_IDENTITY)
        value->kept = take(arena, rows, value->ld, sizeof(float));
}

static struct vae_value value_of(size_t cols, int drawn, int32_t activation, float slope)
{
    return (struct vae_value){
        .cols = cols, .ld = vae_row_stride(cols), .drawn = drawn, .activation = activation, .slope = slope};
}

/* Each layer's output; x is the caller's, and z is between encoder and decoder. */
static void take_values(struct vae_arena *arena, const struct layout *l, struct vae_value *values)
{
    const vae_config *c = l->plan.config;
    struct vae_plan_walk walk = {0, 0};
    struct vae_node node;
    struct vae_value z = value_of((size_t)c->z_dim, 1, VAE_IDENTITY, 0);
    size_t at_z = c->n_encoder + 2;
    take_value(arena, l, &z);
    if (values) {
        values[0] = value_of((size_t)c->x_dim, 0, VAE_IDENTITY, 0);
        values[at_z] = z;
    }
    while (vae_plan_node(&l->plan, &walk, &node)) {
        int gates = node.kind->gates;
        struct vae_value value =
            value_of(node.out, node.to > at_z, gates ? VAE_IDENTITY : node.activation, node.slope);
        take_value(arena, l, &value);
        if (gates)
            take_gate(arena, l, node.activation, &value);
        if (values)
            values[node.to] = value;
    }
}

static void take_training_space(struct vae_arena *arena, const struct layout *l, struct vae_workspace *ws)
{
    size_t values = l->plan.config->n_encoder + l->plan.config->n_decoder + 4, threads = l->threads;
    uint64_t batch = l->max_batch, draws = product(batch, l->max_draws);
    ws->most = take(arena, threads, values, sizeof *ws->most);
    ws->seen = take(arena, threads, vae_plan_spans(l->plan.config), sizeof *ws->seen);
    ws->w_loglik = take(arena, draws, 1, sizeof(float));
    ws->w_ratio = take(arena, draws, 1, sizeof(float));
    ws->w_path = take(arena, draws, 1, sizeof(float));
    ws->half_logvar = take(arena, batch, l->plan.config->z_dim, sizeof(float));
    ws->relative = take(arena, draws, 1, sizeof(double));
    ws->bound_work = take(arena, draws, 3, sizeof(double));
    ws->w_kl = take(arena, batch, 1, sizeof(float));
    ws->w_latent = take(arena, l->plan.config->z_dim, 1, sizeof(float));
    ws->latent = take(arena, l->plan.config->z_dim, 1, sizeof(double));
    ws->value = take(arena, batch, 1, sizeof(double));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The most rows that a task takes through a layer. */
static size_t most_task_rows(const struct layout *l)
{
    size_t most = 0;
    for (size_t draws = 1; draws <= l->max_draws; draws++)
        most = (size_t)larger(most, vae_task_rows(l->threads, l->max_batch, draws) * draws);
    return most;
}

static void take_rows(struct vae_arena *arena, const struct layout *l, struct vae_workspace *ws)
{
    const vae_config *c = l->plan.config;
    uint64_t batch = l->max_batch, draws = product(batch, l->max_draws);
    ws->x = take(arena, encoded_rows(l), vae_row_stride((size_t)c->x_dim), sizeof(float));
    ws->place = take(arena, batch, 1, sizeof *ws->place);
    ws->row_weight = take(arena, batch, 1, sizeof(double));
    ws->eps = take(arena, draws, c->z_dim, sizeof(float));
    ws->kl = take(arena, batch, 1, sizeof(double));
    ws->loglik = take(arena, draws, 1, sizeof(double));
    ws->span_loglik = take(arena, draws, vae_plan_spans(c), sizeof(double));
    ws->log_ratio = take(arena, draws, 1, sizeof(double));
    ws->log_sigma = take(arena, batch, 1, sizeof(double));
    ws->log_eps = take(arena, draws, 1, sizeof(double));
    ws->row_sum = take(arena, batch, 1, sizeof(double));
    ws->weights.largest = take(arena, batch, 1, sizeof(double));
    ws->weights.mean = take(arena, batch, 1, sizeof(double));
    ws->weights.squares = take(arena, batch, 1, sizeof(double));
    ws->latent_kl = take(arena, batch, c->z_dim, sizeof(double));
}

/* What a prior with components needs: themselves, their shares in each draw, their gradients. */
static void take_prior(struct vae_arena *arena, const struct layout *l, struct vae_workspace *ws)
{
    const vae_config *c = l->plan.config;
    const struct vae_prior_kind *prior = vae_prior_of(c->prior);
    uint64_t k = c->prior_components, draws = product(l->max_batch, l->max_draws);
    size_t ld = vae_row_stride((size_t)k);
    if (!prior->has_components)
        return;
    ws->mixture = (struct vae_mixture){.components = (size_t)k, .d = (size_t)c->z_dim, .ld = ld};
    ws->mixture.mean = take(arena, c->z_dim, ld, sizeof(double));
    ws->mixture.precision = take(arena, c->z_dim, ld, sizeof(double));
    ws->mixture.weight = take(arena, ld, 1, sizeof(double));
    ws->mixture.constant = take(arena, ld, 1, sizeof(double));
    ws->share = take(arena, draws, ld, sizeof(double));
    ws->component_head = take(arena, prior->encoded ? k : 0, 2 * c->z_dim, sizeof(float));
    if (!l->training)
        return;
    ws->w_prior = take(arena, draws, 1, sizeof(float));
    ws->prior_g = take(arena, prior->encoded ? 0 : k, 2 * c->z_dim + 1, sizeof(float));
    ws->input_g =
        take(arena, prior->encoded ? encoded_rows(l) : 0, vae_row_stride((size_t)c->x_dim), sizeof(float));
}

static void take_workspace(
    struct vae_arena *arena, const struct layout *l, struct vae_workspace *ws, int placed)
{
    const vae_config *c = l->plan.config;
    uint64_t threads = l->threads, columns = larger(product(l->sum_rows, c->x_dim), c->z_dim);
    ws->pool.workers = take(arena, threads, 1, sizeof *ws->pool.workers);
    ws->values = take(arena, c->n_encoder + c->n_decoder + 4, 1, sizeof *ws->values);
    take_values(arena, l, placed ? ws->values : NULL);
    take_rows(arena, l, ws);
    ws->scales = take(arena, c->x_dim + SLACK, 1, sizeof(float));
    ws->zeros = take(arena, larger(c->x_dim, c->z_dim) + SLACK, 1, sizeof(float));
    uint64_t packed = vae_plan_packed(&l->plan, most_task_rows(l), l->training);
    ws->packed_size = (size_t)packed;
    ws->packed = take(arena, threads, packed, sizeof(float));
    ws->sum_rows = l->sum_rows;
    ws->sums = take(arena, product(threads, 2 * l->sum_rows), c->x_dim, sizeof(double));
    ws->cells = take(arena, threads, c->x_dim, sizeof(double));
    ws->columns_size = (size_t)columns;
    ws->columns = take(arena, threads, columns, sizeof(float));
    ws->max_batch = l->max_batch;
    ws->max_draws = l->max_draws;
    take_prior(arena, l, ws);
    if (l->training)
        take_training_space(arena, l, ws);
}

/* ---- parameters and description ---- */

static void take_trainer(struct vae_arena *arena, const struct layout *l, struct vae_trainer *t)
{
    uint64_t floats = l->sizes.learned + SLACK;
    const struct vae_optimizer_kind *optimizer = vae_optimizer_of(t->settings.optimizer);
    t->grads = take(arena, floats, 1, sizeof(float));
    for (unsigned i = 0; i < optimizer->moments; i++)
        t->moment[i] = take(arena, floats, 1, sizeof(float));
    t->first_piece =
        take(arena, l->plan.config->n_encoder + l->plan.config->n_decoder + 3, 1, sizeof *t->first_piece);
    t->partial = take(arena, l->sizes.pieces, 1, sizeof(double));
    t->scratch =
        take(arena, l->plan.gemm.sgemm ? floats : product(l->threads, VAE_PIECE_FLOATS), 1, sizeof(float));
}

static void take_description(struct vae_arena *arena, const struct layout *l, struct vae_model *model)
{
    const vae_config *c = l->plan.config;
    model->layers = take(arena, c->n_encoder + c->n_decoder, 1, sizeof *model->layers);
    model->spans = take(arena, c->n_spans, 1, sizeof *model->spans);
    model->tensors = take(arena, l->sizes.tensors, 1, sizeof *model->tensors);
    model->own_network.nodes = take(arena, c->n_encoder + c->n_decoder + 2, 1, sizeof(struct vae_node));
    model->own_network.spans = take(arena, vae_plan_spans(c), 1, sizeof(struct vae_cells_span));
}

/* A model whose parameters are the caller's is inference_only and in_place: nothing writes to them. */
static void take_params(struct vae_arena *arena, const struct layout *l, struct vae_model *model)
{
    model->own_network.params =
        l->params ? (float *)l->params : take(arena, l->sizes.learned + SLACK, 1, sizeof(float));
}

/* One pass over the block; `model` is where the pointers go. The parameters are last. Returns where they
 * begin. */
static size_t lay_out(struct vae_arena *arena, const struct layout *l, struct vae_model *model)
{
    int placed = arena->base != NULL;
    vae_arena_take(arena, 1, sizeof *model);
    take_workspace(arena, l, &model->ws, placed);
    if (!l->view)
        take_description(arena, l, model);
    if (l->training)
        take_trainer(arena, l, &model->trainer);
    size_t params = arena->used;
    if (!l->view)
        take_params(arena, l, model);
    return params;
}

/* The size of the block and the place of the parameters in it, added up over a model that is thrown away. */
static int measure(
    const char *function, const struct layout *l, int32_t optimizer, size_t *size, size_t *params)
{
    struct vae_arena arena = {NULL, 0};
    struct vae_model sizing = {.trainer.settings.optimizer = optimizer};
    *params = lay_out(&arena, l, &sizing);
    if (vae_arena_overflowed(&arena) || l->sizes.learned >= UINT64_MAX / 64)
        return vae_fail(
            VAE_ERR_NOMEM, "%s: out of memory: the model needs more than the address space", function);
    *size = arena.used;
    return VAE_OK;
}

/* All bytes, but those of parameters that the caller writes in any case. */
static void clear(unsigned char *block, const struct layout *l, size_t params, size_t size)
{
    memset(block, 0, params);
    if (l->filled_later)
        params += (size_t)l->sizes.learned * sizeof(float);
    memset(block + params, 0, size - params);
}

/* A zeroed block with its pointers in place. */
static int take_block(const char *function, struct vae_model **out, const struct layout *l,
    const struct vae_allocator *allocator, int32_t optimizer)
{
    size_t size, params;
    int status = measure(function, l, optimizer, &size, &params);
    if (status != VAE_OK)
        return status;
    struct vae_model *model = vae_memory_alloc(allocator, size);
    if (!model)
        return vae_fail(VAE_ERR_NOMEM, "%s: out of memory: the model needs %zu bytes", function, size);
    clear((unsigned char *)model, l, params, size);
    model->size = size;
    model->allocator = *allocator;
    model->trainer.settings.optimizer = optimizer;
    struct vae_arena arena = {(unsigned char *)model, 0};
    lay_out(&arena, l, model);
    *out = model;
    return VAE_OK;
}

/* ---- making ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static struct layout layout_of(
    const vae_config *config, const vae_runtime *runtime, size_t max_draws, int training)
{
    struct layout l = {.plan = {config, {vae_kernels_get()->train, runtime->sgemm}},
        .max_batch = (size_t)runtime->max_batch,
        .max_draws = max_draws,
        .threads = (size_t)runtime->threads,
        .training = training};
    l.sum_rows = least((l.max_batch + l.threads - 1) / l.threads, VAE_SUM_ROWS);
    l.sizes = vae_plan_measure(&l.plan);
    return l;
}

static struct vae_allocator allocator_of(const vae_runtime *runtime)
{
    return (struct vae_allocator){runtime->alloc_ctx, runtime->alloc, runtime->free};
}

/* The configuration with layers and spans of its own. */
static void copy_config(struct vae_model *model, const vae_config *config)
{
    vae_config *own = &model->config;
    *own = *config;
    own->encoder = config->n_encoder ? model->layers : NULL;
    own->decoder = config->n_decoder ? model->layers + config->n_encoder : NULL;
    own->spans = config->n_spans ? model->spans : NULL;
    for (size_t i = 0; i < config->n_encoder; i++)
        vae_struct_element("", &vae_layer_struct, config->encoder, i, &model->layers[i]);
    for (size_t i = 0; i < config->n_decoder; i++)
        vae_struct_element("", &vae_layer_struct, config->decoder, i, &model->layers[config->n_encoder + i]);
    for (size_t k = 0; k < config->n_spans; k++)
        model->spans[k] = vae_plan_span(config, k);
}

static void fill_network(struct vae_model *model, const struct layout *l)
{
    struct vae_network *net = &model->own_network;
    const vae_config *c = &model->config;
    net->kernels = vae_kernels_get();
    net->gemm = l->plan.gemm;
    net->panel = vae_gemm_panel(net->gemm.sgemm);
    net->x_dim = (size_t)c->x_dim;
    net->z_dim = (size_t)c->z_dim;
    net->seed = c->seed;
    net->encoder = c->n_encoder + 1;
    net->decoder = c->n_decoder + 1;
    net->n_spans = vae_plan_spans(c);
    net->prior = vae_prior_of(c->prior);
    net->components = (size_t)c->prior_components;
    net->version = 1;
    net->clamps = c->z_logvar_min > -1e30 || c->z_logvar_max < 1e30;
    net->logvar_min = (float)c->z_logvar_min;
    net->logvar_max = (float)c->z_logvar_max;
    net->learned = l->sizes.learned;
    model->tensor_count = (size_t)l->sizes.tensors;
    vae_tensors_list(&l->plan, net, model->tensors);
    model->network = net;
}

static int start_threads(
    const char *function, struct vae_model **out, struct vae_model *model, const vae_runtime *runtime)
{
    struct vae_pool *pool = &model->ws.pool;
    size_t threads = (size_t)runtime->threads;
    if (vae_pool_start(pool, threads, pool->workers, runtime->parallel_for, runtime->parallel_ctx) == 0) {
        *out = model;
        return VAE_OK;
    }
    pool->threads = 1; /* none is left to be stopped */
    vae_model_destroy(model);
    return vae_fail(VAE_ERR_NOMEM, "%s: the system refuses to start %zu threads", function, threads);
}

static struct layout layout_of_request(const struct vae_request *r)
{
    size_t draws = r->runtime.inference_only ? 1 : (size_t)r->runtime.max_draws;
    struct layout l = layout_of(&r->config, &r->runtime, draws, !r->runtime.inference_only);
    l.params = r->params;
    l.filled_later = r->filled_later && !r->params;
    return l;
}

int vae_model_footprint(const struct vae_request *r, size_t *size)
{
    struct layout l = layout_of_request(r);
    size_t params;
    return measure(r->function, &l, r->training.optimizer, size, &params);
}

int vae_model_create(struct vae_model **out, const struct vae_request *r)
{
    struct vae_allocator allocator = allocator_of(&r->runtime);
    struct layout l = layout_of_request(r);
    struct vae_model *model;
    int status = take_block(r->function, &model, &l, &allocator, r->training.optimizer);
    if (status != VAE_OK)
        return status;
    copy_config(model, &r->config);
    fill_network(model, &l);
    model->inference_only = r->runtime.inference_only;
    model->in_place = r->params != NULL;
    model->trainer.settings = r->training;
    model->trainer.objective = vae_objective_of(r->training.objective);
    model->trainer.optimizer = vae_optimizer_of(r->training.optimizer);
    for (int i = 0; i < VAE_MOST_MOMENTS; i++)
        model->trainer.counts.power[i] = 1;
    if (l.training)
        vae_gradient_pieces(model->network, model->trainer.first_piece);
    if (!r->filled_later && !r->params)
        vae_initial_params(&model->config, &model->own_network, model->tensors, model->tensor_count);
    return start_threads(r->function, out, model, &r->runtime);
}

int vae_model_share(
    const char *function, struct vae_model **view, const struct vae_model *owner, const vae_runtime *runtime)
{
    struct vae_allocator allocator = allocator_of(runtime);
    struct layout l = layout_of(&owner->config, runtime, 1, 0);
    struct vae_model *model;
    l.view = 1;
    int status = take_block(function, &model, &l, &allocator, VAE_ADAM);
    if (status != VAE_OK)
        return status;
    model->owner = owner;
    model->network = owner->network;
    return start_threads(function, view, model, runtime);
}

void vae_model_destroy(struct vae_model *model)
{
    if (!model)
        return;
    struct vae_allocator allocator = model->allocator;
    size_t size = model->size;
    vae_pool_stop(&model->ws.pool);
    vae_metadata_clear(&model->metadata, &allocator);
    vae_arena_release(model, size);
    vae_memory_free(&allocator, model, size);
}

/* ---- canonical order ---- */

void vae_model_export(const struct vae_model *model, const float *own, float *canonical)
{
    const struct vae_model *owner = vae_model_owner(model);
    for (size_t i = 0; i < owner->tensor_count; i++)
        vae_tensor_get(&owner->tensors[i], model->network->panel, own, 0, (size_t)owner->tensors[i].count,
            canonical + owner->tensors[i].offset);
}

static void import(const struct vae_model *model, const float *canonical, float *own)
{
    for (size_t i = 0; i < model->tensor_count; i++)
        vae_tensor_put(&model->tensors[i], model->network->panel, canonical + model->tensors[i].offset, 0,
            (size_t)model->tensors[i].count, own);
}

void vae_model_import(struct vae_model *model, const float *canonical)
{
    import(model, canonical, model->own_network.params);
    model->own_network.version++;
}

void vae_model_import_grads(struct vae_model *model, const float *canonical)
{
    import(model, canonical, model->trainer.grads);
}

const struct vae_tensor *vae_model_find(const struct vae_model *model, uint64_t own, uint64_t *element)
{
    for (size_t i = 0; i < model->tensor_count; i++) {
        const struct vae_tensor *t = &model->tensors[i];
        *element = vae_tensor_find(t, model->network->panel, own);
        if (*element < t->count)
            return t;
    }
    return NULL;
}
