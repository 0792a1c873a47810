/* SPDX-License-Identifier: BSD-2-Clause
 * Test. What programs compiled yesterday rely on: the public structs' layout, the codes' numbers, and the
 * rule of the leading `size` by which old and new programs and libraries meet.
 */
#include "../support/runner.h"

#include <string.h>
#include <vae/vae.h>

#define POINTERS(on64, on32) (sizeof(void *) / 8 * (on64) + sizeof(void *) % 8 / 4 * (on32))
#define LARGEST 65536 /* that a struct's size may be */

struct place {
    const char *type, *field; /* no field: the struct */
    size_t offset, size, expected;
};

static const struct place places[] = {
#define STRUCT(type, size64, size32) {#type, NULL, 0, sizeof(type), POINTERS(size64, size32)},
#define FIELD(type, field_type, field, offset64, offset32)                                                   \
    {#type, #field, offsetof(type, field), sizeof(((type *)0)->field), POINTERS(offset64, offset32)},
#include "layout.h"
};
#define PLACES (sizeof places / sizeof *places)

static const struct {
    const char *name;
    int value, expected;
} numbers[] = {
#define NUMBER(name, value) {#name, name, value},
#include "layout.h"
};

START_TEST(struct_layout)
{
    for (size_t i = 0; i < PLACES; i++) {
        const struct place *p = &places[i];
        if (p->field)
            ck_assert_msg(p->offset == p->expected, "%s.%s is at %zu, was at %zu", p->type, p->field,
                p->offset, p->expected);
        else
            ck_assert_msg(p->size == p->expected, "%s is %zu bytes, was %zu", p->type, p->size, p->expected);
    }
}
END_TEST

/* Each struct is its listed fields in order, without a byte between or after them, in units of 8 bytes. */
START_TEST(fields_fill_structs)
{
    size_t i = 0, structs = 0;
    while (i < PLACES) {
        const struct place *whole = &places[i++];
        ck_assert_msg(!whole->field && whole->size % 8 == 0, "%s: %zu bytes", whole->type, whole->size);
        size_t end = 0;
        for (; i < PLACES && places[i].field; end += places[i++].size)
            ck_assert_msg(places[i].offset == end, "%s.%s is at %zu, the field before it ends at %zu",
                whole->type, places[i].field, places[i].offset, end);
        ck_assert_msg(
            end == whole->size, "%s is %zu bytes, its listed fields %zu", whole->type, whole->size, end);
        structs++;
    }
    ck_assert_uint_eq(structs, 11);
}
END_TEST

START_TEST(enumerators)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_msg(numbers[i].value == numbers[i].expected, "%s is %d, was %d", numbers[i].name,
            numbers[i].value, numbers[i].expected);
}
END_TEST

static int all_bytes(const void *bytes, size_t size, int value)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++)
        if (p[i] != value)
            return 0;
    return 1;
}

/* The init functions by one type. */
#define INIT(type)                                                                                           \
    static void type##_any(void *p, size_t size)                                                             \
    {                                                                                                        \
        type##_init(p, size);                                                                                \
    }
INIT(vae_layer)
INIT(vae_span)
INIT(vae_config)
INIT(vae_training)
INIT(vae_runtime)
INIT(vae_batch)
INIT(vae_terms)
INIT(vae_outputs)
INIT(vae_adjoints)
INIT(vae_tensor_info)

static const struct {
    const char *type;
    void (*init)(void *p, size_t size);
    size_t size; /* in 0.1.0, which is the smallest that is valid */
} inits[] = {
    {"vae_layer", vae_layer_any, 56},
    {"vae_span", vae_span_any, 72},
    {"vae_config", vae_config_any, POINTERS(144, 120)},
    {"vae_training", vae_training_any, 128},
    {"vae_runtime", vae_runtime_any, POINTERS(96, 64)},
    {"vae_batch", vae_batch_any, POINTERS(128, 88)},
    {"vae_terms", vae_terms_any, 48},
    {"vae_outputs", vae_outputs_any, POINTERS(144, 80)},
    {"vae_adjoints", vae_adjoints_any, POINTERS(72, 40)},
    {"vae_tensor_info", vae_tensor_info_any, POINTERS(112, 104)},
};
#define INITS (sizeof inits / sizeof *inits)

/* Exactly `size` bytes are written: the size itself, defaults, zeros past what the library knows. */
START_TEST(init_writes_its_size)
{
    static uint64_t space[LARGEST / 8 + 1];
    unsigned char *bytes = (unsigned char *)space;
    for (size_t i = 0; i < INITS; i++) {
        const size_t sizes[] = {inits[i].size, inits[i].size + 8, inits[i].size + 64, LARGEST};
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            size_t size = sizes[j];
            memset(space, 0xa5, sizeof space);
            inits[i].init(space, size);
            ck_assert_msg(space[0] == size, "%s, %zu bytes: size is %llu", inits[i].type, size,
                (unsigned long long)space[0]);
            ck_assert_msg(all_bytes(bytes + size, sizeof space - size, 0xa5),
                "%s, %zu bytes: wrote past them", inits[i].type, size);
            ck_assert_msg(all_bytes(bytes + inits[i].size, size - inits[i].size, 0),
                "%s, %zu bytes: not 0 at the end", inits[i].type, size);
        }
    }
}
END_TEST

/* A size that no struct can have is not believed: nothing is written. */
START_TEST(init_of_impossible_sizes)
{
    static uint64_t space[LARGEST / 8 + 2];
    for (size_t i = 0; i < INITS; i++) {
        const size_t sizes[] = {0, 1, 4, 8, inits[i].size - 8, inits[i].size - 1, inits[i].size + 4,
            LARGEST + 8, SIZE_MAX - 7, SIZE_MAX};
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            memset(space, 0xa5, sizeof space);
            inits[i].init(space, sizes[j]);
            ck_assert_msg(all_bytes(space, sizeof space, 0xa5), "%s, %zu bytes: wrote something",
                inits[i].type, sizes[j]);
        }
        inits[i].init(NULL, inits[i].size);
    }
}
END_TEST

START_TEST(defaults_of_the_model)
{
    vae_config c;
    vae_layer l;
    vae_span s;
    memset(&c, 0xa5, sizeof c);
    vae_config_init(&c, sizeof c);
    ck_assert(c.x_dim == 0 && c.z_dim == 0 && c.c_dim == 0 && c.seed == 0);
    ck_assert(!c.encoder && !c.n_encoder && !c.decoder && !c.n_decoder && !c.spans && !c.n_spans);
    ck_assert(c.likelihood == VAE_BERNOULLI && c.mean_activation == VAE_IDENTITY);
    ck_assert(c.prior == VAE_PRIOR_NORMAL && c.prior_components == 0 && c.standardise == 0);
    ck_assert(c.z_logvar_min == -1e30 && c.z_logvar_max == 1e30);
    ck_assert(c.init == VAE_INIT_TORCH && c.init_scale == 1 && c.reserved == 0);
    memset(&l, 0xa5, sizeof l);
    vae_layer_init(&l, sizeof l);
    ck_assert(l.kind == VAE_LAYER_DENSE && l.activation == VAE_ACTIVATION_DEFAULT && l.units == 0);
    ck_assert(l.slope == 0.01 && l.epsilon == 1e-5 && l.momentum == 0.1 && l.dropout == 0.5);
    memset(&s, 0xa5, sizeof s);
    vae_span_init(&s, sizeof s);
    ck_assert(s.columns == 0 && s.likelihood == VAE_BERNOULLI && s.mean_activation == VAE_IDENTITY);
    ck_assert(s.scale == VAE_PARAM_CELL && s.shape == VAE_PARAM_CELL);
    ck_assert(s.scale_value == 0 && s.shape_value == 0 && s.scale_min == -1e30);
    ck_assert(s.levels == 256 && s.input == VAE_INPUT_PLAIN && s.reserved == 0);
}
END_TEST

START_TEST(defaults_of_its_use)
{
    vae_training t;
    vae_runtime r;
    memset(&t, 0xa5, sizeof t);
    vae_training_init(&t, sizeof t);
    ck_assert(t.objective == VAE_ELBO && t.estimator == VAE_ESTIMATOR_DEFAULT);
    ck_assert(t.samples == 1 && t.estimates == 1 && t.kl_weight == 1);
    ck_assert(t.free_bits == 0 && t.kl_capacity == 0 && t.elbo_weight == 0);
    ck_assert(t.optimizer == VAE_ADAM && t.reserved == 0 && t.learning_rate == 1e-3);
    ck_assert(t.beta1 == 0.9 && t.beta2 == 0.999 && t.epsilon == 1e-8);
    ck_assert(t.momentum == 0 && t.weight_decay == 0 && t.clip_norm == 0);
    memset(&r, 0xa5, sizeof r);
    vae_runtime_init(&r, sizeof r);
    ck_assert(r.max_batch == 128 && r.max_draws == 0 && r.threads == 1 && r.inference_only == 0);
    ck_assert(!r.alloc_ctx && !r.alloc && !r.free && !r.sgemm);
    ck_assert(!r.parallel_for && !r.parallel_ctx && !r.log && !r.log_ctx);
}
END_TEST

/* All else begins as zeros, but for vae_outputs.samples. */
START_TEST(defaults_of_calls)
{
    vae_batch b;
    vae_outputs o;
    vae_terms t;
    vae_adjoints a;
    vae_tensor_info i;
    memset(&o, 0xa5, sizeof o);
    vae_outputs_init(&o, sizeof o);
    ck_assert_uint_eq(o.samples, 1);
    ck_assert(all_bytes(&o.elbo, sizeof o - offsetof(vae_outputs, elbo), 0));
    vae_batch_init(&b, sizeof b);
    ck_assert(all_bytes(&b.n, sizeof b - offsetof(vae_batch, n), 0) && b.source == VAE_FROM_DATA);
    vae_terms_init(&t, sizeof t);
    ck_assert(all_bytes(&t.objective, sizeof t - offsetof(vae_terms, objective), 0));
    vae_adjoints_init(&a, sizeof a);
    ck_assert(all_bytes(&a.mu, sizeof a - offsetof(vae_adjoints, mu), 0));
    vae_tensor_info_init(&i, sizeof i);
    ck_assert(all_bytes(&i.name, sizeof i - offsetof(vae_tensor_info, name), 0));
}
END_TEST

/* Structs of a program that is newer than the library: the same fields, and one that the library lacks. */
#define NEWER(type)                                                                                          \
    struct newer_##type {                                                                                    \
        type known;                                                                                          \
        uint64_t added;                                                                                      \
    }
NEWER(vae_layer);
NEWER(vae_span);
NEWER(vae_config);
NEWER(vae_training);
NEWER(vae_runtime);
NEWER(vae_batch);
NEWER(vae_outputs);
NEWER(vae_tensor_info);

static const float data[6] = {0, 1, 0.5f, 1, 0, 0.25f};

static void small_config(vae_config *config, size_t size)
{
    vae_config_init(config, size);
    config->x_dim = 3;
    config->z_dim = 2;
}

/* Creates and checks the outcome; a refused model is NULL. */
static void expect_create(
    const vae_config *config, const vae_training *training, const vae_runtime *runtime, int expected)
{
    vae_model *model = (vae_model *)&config;
    int status = vae_create(&model, config, training, runtime);
    ck_assert_msg(status == expected, "%d, not %d: %s", status, expected, vae_last_error());
    ck_assert((model != NULL) == (expected == VAE_OK));
    vae_destroy(model);
}

/* A model of three inputs, one hidden layer on each side, two latents. */
static vae_model *small_model(void)
{
    vae_layer layer;
    vae_layer_init(&layer, sizeof layer);
    layer.units = 4;
    vae_config config;
    small_config(&config, sizeof config);
    config.encoder = config.decoder = &layer;
    config.n_encoder = config.n_decoder = 1;
    vae_model *model;
    ck_assert_int_eq(vae_create(&model, &config, NULL, NULL), VAE_OK);
    return model;
}

/* What the library lacks must be zero. */
START_TEST(newer_structs_of_creation)
{
    struct newer_vae_config config;
    struct newer_vae_training training;
    struct newer_vae_runtime runtime;
    uint64_t *added[] = {&config.added, &training.added, &runtime.added};
    small_config(&config.known, sizeof config);
    vae_training_init(&training.known, sizeof training);
    vae_runtime_init(&runtime.known, sizeof runtime);
    expect_create(&config.known, &training.known, &runtime.known, VAE_OK);
    for (int i = 0; i < 3; i++) {
        *added[i] = (uint64_t)1 << (31 * i); /* in the first byte, in a middle one, in the last */
        expect_create(&config.known, &training.known, &runtime.known, VAE_ERR_ABI);
        *added[i] = 0;
    }
}
END_TEST

/* The three structs of creation, with room for the largest. */
static union {
    vae_config config;
    vae_training training;
    vae_runtime runtime;
    unsigned char bytes[LARGEST + 8];
} room[3];

static void expect_sizes(int which, uint64_t size, int expected)
{
    memset(room, 0, sizeof room);
    small_config(&room[0].config, sizeof room[0].config);
    vae_training_init(&room[1].training, sizeof room[1].training);
    vae_runtime_init(&room[2].runtime, sizeof room[2].runtime);
    memcpy(&room[which], &size, sizeof size);
    expect_create(&room[0].config, &room[1].training, &room[2].runtime, expected);
}

START_TEST(impossible_sizes)
{
    const size_t least[] = {sizeof(vae_config), sizeof(vae_training), sizeof(vae_runtime)};
    for (int which = 0; which < 3; which++) {
        expect_sizes(which, least[which], VAE_OK);
        expect_sizes(which, LARGEST, VAE_OK);
        const uint64_t sizes[] = {0, 1, 8, least[which] - 8, least[which] - 1, least[which] + 4, LARGEST + 8,
            (uint64_t)1 << 40, UINT64_MAX - 7};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            expect_sizes(which, sizes[i], VAE_ERR_ABI);
    }
}
END_TEST

START_TEST(reserved_fields)
{
    vae_config config;
    vae_training training;
    vae_span span;
    small_config(&config, sizeof config);
    vae_training_init(&training, sizeof training);
    vae_span_init(&span, sizeof span);
    span.columns = 3;
    config.spans = &span;
    config.n_spans = 1;
    expect_create(&config, &training, NULL, VAE_OK);
    int32_t *reserved[] = {&config.reserved, &training.reserved, &span.reserved};
    for (int i = 0; i < 3; i++) {
        *reserved[i] = 1;
        expect_create(&config, &training, NULL, VAE_ERR_ABI);
        *reserved[i] = 0;
    }
    vae_model *model = small_model();
    vae_batch batch;
    vae_batch_init(&batch, sizeof batch);
    batch.n = 2;
    batch.x = data;
    batch.reserved = 1;
    ck_assert_int_eq(vae_step_batch(model, &batch, NULL), VAE_ERR_ABI);
    training.reserved = -1;
    ck_assert_int_eq(vae_set_training(model, &training), VAE_ERR_ABI);
    vae_destroy(model);
}
END_TEST

/* Arrays of a newer program: the stride is the first element's size, which all have; each tail is zero. */
START_TEST(newer_layers)
{
    struct newer_vae_layer layers[3];
    for (size_t i = 0; i < 3; i++) {
        vae_layer_init(&layers[i].known, sizeof layers[i]);
        layers[i].known.units = 3 + i;
    }
    vae_config config;
    small_config(&config, sizeof config);
    config.encoder = &layers[0].known;
    config.n_encoder = 3;
    vae_model *model;
    ck_assert_int_eq(vae_create(&model, &config, NULL, NULL), VAE_OK);
    ck_assert_uint_eq(
        vae_param_count(model), (3 * 3 + 3) + (4 * 3 + 4) + (5 * 4 + 5) + (4 * 5 + 4) + (3 * 2 + 3));
    vae_destroy(model);
    layers[2].added = 7;
    expect_create(&config, NULL, NULL, VAE_ERR_ABI);
    layers[2].added = 0;
    layers[1].known.size -= 8;
    expect_create(&config, NULL, NULL, VAE_ERR_ABI);
}
END_TEST

START_TEST(newer_spans)
{
    struct newer_vae_span spans[2];
    for (size_t i = 0; i < 2; i++) {
        vae_span_init(&spans[i].known, sizeof spans[i]);
        spans[i].known.columns = 1 + i;
    }
    spans[1].known.likelihood = VAE_GAUSS;
    vae_config config;
    small_config(&config, sizeof config);
    config.spans = &spans[0].known;
    config.n_spans = 2;
    vae_model *model;
    ck_assert_int_eq(vae_create(&model, &config, NULL, NULL), VAE_OK);
    ck_assert_uint_eq(vae_param_count(model), (4 * 3 + 4) + (5 * 2 + 5));
    vae_destroy(model);
    spans[1].added = 7;
    expect_create(&config, NULL, NULL, VAE_ERR_ABI);
    spans[1].added = 0;
    spans[1].known.size += 8;
    expect_create(&config, NULL, NULL, VAE_ERR_ABI);
}
END_TEST

/* Refused calls write nothing and do nothing. */
START_TEST(newer_structs_of_calls)
{
    vae_model *model = small_model();
    struct newer_vae_batch batch;
    struct newer_vae_outputs outputs;
    double elbo[2] = {42, 42}, plain[2];
    vae_batch_init(&batch.known, sizeof batch);
    vae_outputs_init(&outputs.known, sizeof outputs);
    batch.known.n = 2;
    batch.known.x = data;
    outputs.known.elbo = elbo;
    batch.added = 1;
    ck_assert_int_eq(vae_infer(model, &batch.known, &outputs.known, NULL), VAE_ERR_ABI);
    ck_assert_int_eq(vae_step_batch(model, &batch.known, NULL), VAE_ERR_ABI);
    ck_assert_int_eq(vae_grad(model, &batch.known, NULL), VAE_ERR_ABI);
    batch.added = 0;
    outputs.added = 1;
    ck_assert_int_eq(vae_infer(model, &batch.known, &outputs.known, NULL), VAE_ERR_ABI);
    ck_assert(elbo[0] == 42 && elbo[1] == 42 && vae_steps(model) == 0);
    outputs.added = 0;
    ck_assert_int_eq(vae_infer(model, &batch.known, &outputs.known, NULL), VAE_OK);
    ck_assert_int_eq(vae_elbo(model, data, 2, 1, plain, NULL), VAE_OK);
    ck_assert_mem_eq(elbo, plain, sizeof elbo);
    const float bias[4] = {1, 2, 3, 4};
    struct newer_vae_tensor_info info;
    vae_tensor_info_init(&info.known, sizeof info);
    ck_assert_int_eq(vae_tensor(model, 1, &info.known), VAE_OK);
    ck_assert_int_eq(vae_set_tensor(model, &info.known, bias), VAE_OK);
    info.added = 1;
    ck_assert_int_eq(vae_set_tensor(model, &info.known, bias), VAE_ERR_ABI);
    vae_destroy(model);
}
END_TEST

/* The calls that fill a struct, by one type. */
#define FILL(name, call)                                                                                     \
    static int fill_##name(vae_model *model, void *out)                                                      \
    {                                                                                                        \
        return call;                                                                                         \
    }
FILL(config, vae_get_config(model, out))
FILL(layer, vae_get_layer(model, 1, 0, out))
FILL(span, vae_get_span(model, 0, out))
FILL(training, vae_get_training(model, out))
FILL(tensor, vae_tensor(model, 0, out))
FILL(terms, vae_elbo(model, data, 2, 1, NULL, out))

/* Only `size` of an output struct is read; up to it all bytes are written, none after it. */
static void check_output(vae_model *model, int (*fill)(vae_model *, void *), size_t known)
{
    uint64_t now[64], wide[64];
    const uint64_t sizes[] = {0, 8, known - 8, known + 4, LARGEST + 8, (uint64_t)1 << 40};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(now, 0xa5, sizeof now);
        now[0] = sizes[i];
        ck_assert_int_eq(fill(model, now), VAE_ERR_ABI);
        ck_assert(now[0] == sizes[i] && all_bytes(now + 1, sizeof now - 8, 0xa5));
    }
    memset(now, 0xa5, sizeof now);
    memset(wide, 0x5a, sizeof wide);
    now[0] = known;
    wide[0] = sizeof wide - 8;
    ck_assert_int_eq(fill(model, now), VAE_OK);
    ck_assert_int_eq(fill(model, wide), VAE_OK);
    ck_assert(now[0] == known && wide[0] == sizeof wide - 8);
    ck_assert_mem_eq(now + 1, wide + 1, known - 8);
    ck_assert(all_bytes((char *)now + known, sizeof now - known, 0xa5));
    ck_assert(all_bytes((char *)wide + known, sizeof wide - 8 - known, 0));
    ck_assert(all_bytes(wide + 63, 8, 0x5a));
}

START_TEST(output_structs)
{
    vae_model *model = small_model();
    check_output(model, fill_config, sizeof(vae_config));
    check_output(model, fill_layer, sizeof(vae_layer));
    check_output(model, fill_span, sizeof(vae_span));
    check_output(model, fill_training, sizeof(vae_training));
    check_output(model, fill_tensor, sizeof(vae_tensor_info));
    check_output(model, fill_terms, sizeof(vae_terms));
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {struct_layout, fields_fill_structs, enumerators, init_writes_its_size,
        init_of_impossible_sizes, defaults_of_the_model, defaults_of_its_use, defaults_of_calls,
        newer_structs_of_creation, impossible_sizes, reserved_fields, newer_layers, newer_spans,
        newer_structs_of_calls, output_structs};
    return RUN_SUITE("abi", tests);
}
