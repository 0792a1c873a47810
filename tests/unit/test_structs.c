/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The rule of public structs where a model meets it: programs of other versions make the same model, in
 * every call structs of impossible sizes write and change nothing, and outputs of any size are filled to
 * their end. Layouts, init functions and vae_create()'s own structs are in tests/abi/abi.c.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <stdlib.h>
#include <string.h>

enum { AROUND = 32, PATTERN = 0xa5, BATCH = 4 };

static void all_bytes(const void *bytes, size_t n, int value, const char *where)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(((const unsigned char *)bytes)[i] == value, "%s: byte %zu", where, i);
}

/* Structs of a program whose header has one field more. */
#define NEWER(type)                                                                                          \
    struct newer_##type {                                                                                    \
        vae_##type known;                                                                                    \
        uint64_t added;                                                                                      \
    }
NEWER(config);
NEWER(training);
NEWER(runtime);
NEWER(layer);
NEWER(span);

struct newer {
    struct newer_config config;
    struct newer_training training;
    struct newer_runtime runtime;
    struct newer_layer encoder[2], decoder[2];
    struct newer_span spans[4];
};

/* A plan as the newer program has it, its arrays with strides of their own. */
static void newer_of(struct newer *to, const struct plan *plan)
{
    memset(to, 0, sizeof *to);
    to->config.known = plan->config;
    to->training.known = plan->training;
    to->runtime.known = plan->runtime;
    to->config.known.size = sizeof to->config;
    to->training.known.size = sizeof to->training;
    to->runtime.known.size = sizeof to->runtime;
    for (size_t i = 0; i < 2; i++) {
        to->encoder[i].known = plan->encoder[i];
        to->decoder[i].known = plan->decoder[i];
        to->encoder[i].known.size = to->decoder[i].known.size = sizeof to->encoder[i];
    }
    for (size_t i = 0; i < 4; i++) {
        to->spans[i].known = plan->spans[i];
        to->spans[i].known.size = sizeof to->spans[i];
    }
    to->config.known.encoder = &to->encoder[0].known;
    to->config.known.decoder = &to->decoder[0].known;
    to->config.known.spans = &to->spans[0].known;
}

static int create(vae_model **model, const struct newer *n)
{
    *model = (vae_model *)model;
    return vae_create(model, &n->config.known, &n->training.known, &n->runtime.known);
}

/* The same model to the bit, in all that it does. */
START_TEST(newer_programs_make_the_same_model)
{
    struct plan plan;
    struct newer newer;
    vae_model *model;
    plan_mixed(&plan, VAE_TANH);
    plan.training.samples = 2;
    newer_of(&newer, &plan);
    vae_model *whole = model_of(&plan);
    must(create(&model, &newer));
    same_models(whole, model);
    train_some(whole, 2, 16);
    train_some(model, 2, 16);
    same_models(whole, model);
    vae_destroy(model);
    vae_destroy(whole);
}
END_TEST

static void refused(const struct newer *newer, const char *word)
{
    vae_model *model;
    ck_assert_int_eq(create(&model, newer), VAE_ERR_ABI);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(vae_last_error(), word), "\"%s\" lacks \"%s\"", vae_last_error(), word);
}

/* Any byte of the field that the library lacks, in any element of any array. */
START_TEST(newer_fields_are_refused)
{
    struct plan plan;
    struct newer newer;
    plan_mixed(&plan, VAE_TANH);
    newer_of(&newer, &plan);
    const struct {
        uint64_t *added;
        const char *word;
    } fields[] = {{&newer.config.added, "config"}, {&newer.training.added, "training"},
        {&newer.runtime.added, "runtime"}, {&newer.encoder[0].added, "layer"},
        {&newer.encoder[1].added, "layer"}, {&newer.decoder[1].added, "layer"},
        {&newer.spans[0].added, "span"}, {&newer.spans[2].added, "span"}, {&newer.spans[3].added, "span"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        for (int byte = 0; byte < 8; byte++) {
            *fields[i].added = (uint64_t)1 << (8 * byte + 3);
            refused(&newer, fields[i].word);
        }
        *fields[i].added = 0;
    }
    vae_model *model;
    must(create(&model, &newer));
    vae_destroy(model);
}
END_TEST

/* Sizes that a struct of `known` bytes cannot have. */
enum { IMPOSSIBLE = 10 };
static uint64_t impossible(int i, size_t known)
{
    const uint64_t sizes[IMPOSSIBLE] = {
        0, 1, 8, known - 8, known - 1, known + 4, 65544, (uint64_t)1 << 40, UINT64_MAX - 7, UINT64_MAX};
    return sizes[i];
}

/* Of an array the first size is the stride: an impossible one, and elements that differ from it. */
START_TEST(sizes_of_array_elements)
{
    struct plan plan;
    struct newer newer;
    plan_mixed(&plan, VAE_TANH);
    newer_of(&newer, &plan);
    for (int i = 0; i < IMPOSSIBLE; i++) {
        newer.encoder[0].known.size = impossible(i, sizeof(vae_layer));
        refused(&newer, "layer");
        newer.encoder[0].known.size = sizeof newer.encoder[0];
        newer.spans[0].known.size = impossible(i, sizeof(vae_span));
        refused(&newer, "span");
        newer.spans[0].known.size = sizeof newer.spans[0];
    }
    newer.decoder[1].known.size = sizeof(vae_layer);
    refused(&newer, "layer");
    newer.decoder[1].known.size = sizeof newer.decoder[1];
    newer.spans[3].known.size = sizeof(vae_span);
    refused(&newer, "span");
}
END_TEST

/* ---- calls on a model ---- */

/* A model with an open gradient. */
struct scene {
    vae_model *model;
    float *x, *params, *grads;
    vae_training training;
    vae_batch batch;
};

static void scene_open(struct scene *s)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    s->model = model_of(&plan);
    s->x = rows_for(s->model, BATCH, 1);
    s->batch = batch_of(s->model, s->x, BATCH);
    train_some(s->model, 1, BATCH);
    must(vae_grad(s->model, &s->batch, NULL));
    s->params = params_of(s->model);
    s->grads = grads_of(s->model);
    vae_training_init(&s->training, sizeof s->training);
    must(vae_get_training(s->model, &s->training));
}

static void scene_free(struct scene *s)
{
    free(s->params);
    free(s->grads);
    free(s->x);
    vae_destroy(s->model);
}

/* Nothing has changed, and the gradient is still open. */
static void scene_close(struct scene *s)
{
    size_t bytes = (size_t)vae_param_count(s->model) * sizeof(float);
    float *params = params_of(s->model), *grads = grads_of(s->model);
    vae_training training;
    vae_training_init(&training, sizeof training);
    must(vae_get_training(s->model, &training));
    ck_assert_mem_eq(params, s->params, bytes);
    ck_assert_mem_eq(grads, s->grads, bytes);
    ck_assert_mem_eq(&training, &s->training, sizeof training);
    ck_assert_uint_eq(vae_steps(s->model), 1);
    must(vae_apply(s->model, NULL));
    free(params);
    free(grads);
    scene_free(s);
}

/* The calls that take a struct of the caller's, by one type; the other arguments are right. */
static double elbo[BATCH];
static float bias[19];

static int with_batch_infer(struct scene *s, const void *given)
{
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.elbo = elbo;
    return vae_infer(s->model, given, &outputs, NULL);
}

static int with_batch_step(struct scene *s, const void *given)
{
    return vae_step_batch(s->model, given, NULL);
}

static int with_batch_grad(struct scene *s, const void *given)
{
    return vae_grad(s->model, given, NULL);
}

static int with_outputs(struct scene *s, const void *given)
{
    return vae_infer(s->model, &s->batch, given, NULL);
}

static int with_training(struct scene *s, const void *given)
{
    return vae_set_training(s->model, given);
}

static int with_runtime(struct scene *s, const void *given)
{
    vae_model *view = (vae_model *)&view;
    int status = vae_share(&view, s->model, given);
    ck_assert((status == VAE_OK) == (view != NULL));
    vae_destroy(view);
    return status;
}

static int with_info(struct scene *s, const void *given)
{
    return vae_set_tensor(s->model, given, bias);
}

struct given {
    const char *name; /* as the words have it */
    int (*call)(struct scene *s, const void *given);
    size_t known;
};
static const struct given given[] = {
    {"batch", with_batch_infer, sizeof(vae_batch)},
    {"batch", with_batch_step, sizeof(vae_batch)},
    {"batch", with_batch_grad, sizeof(vae_batch)},
    {"outputs", with_outputs, sizeof(vae_outputs)},
    {"training", with_training, sizeof(vae_training)},
    {"runtime", with_runtime, sizeof(vae_runtime)},
    {"info", with_info, sizeof(vae_tensor_info)},
};
enum { GIVEN = sizeof given / sizeof *given };

/* A right struct for call number i, in a room that is larger. */
union room {
    vae_batch batch;
    vae_outputs outputs;
    vae_training training;
    vae_runtime runtime;
    vae_tensor_info info;
    uint64_t words[64];
};

static void right(const struct scene *s, int i, union room *room)
{
    memset(room, 0, sizeof *room);
    if (i < 3) {
        room->batch = s->batch;
    } else if (i == 3) {
        vae_outputs_init(&room->outputs, sizeof room->outputs);
        room->outputs.elbo = elbo;
    } else if (i == 4) {
        room->training = s->training;
    } else if (i == 5) {
        vae_runtime_init(&room->runtime, sizeof room->runtime);
    } else {
        room->info = tensor_of(s->model, "encoder.0.bias");
    }
}

static void call_refused(struct scene *s, int i, const union room *room)
{
    ck_assert_msg(given[i].call(s, room) == VAE_ERR_ABI, "%s, call %d, size %llu", given[i].name, i,
        (unsigned long long)room->words[0]);
    ck_assert_msg(strstr(vae_last_error(), given[i].name), "\"%s\"", vae_last_error());
    for (int j = 0; j < BATCH; j++)
        ck_assert(elbo[j] == 9);
}

START_TEST(impossible_sizes_of_calls)
{
    struct scene s;
    union room room;
    scene_open(&s);
    for (int j = 0; j < BATCH; j++)
        elbo[j] = 9;
    for (int i = 0; i < GIVEN; i++) {
        for (int k = 0; k < IMPOSSIBLE; k++) {
            right(&s, i, &room);
            room.words[0] = impossible(k, given[i].known);
            call_refused(&s, i, &room);
        }
        right(&s, i, &room);
        room.words[0] = sizeof room;
        ((unsigned char *)&room)[sizeof room - 1] = 1; /* a field at its end that the library lacks */
        call_refused(&s, i, &room);
    }
    scene_close(&s);
}
END_TEST

/* With zeros behind what the library knows the calls do what they do for this version. */
START_TEST(larger_structs_of_calls)
{
    struct scene s;
    union room room;
    scene_open(&s);
    for (int i = 0; i < GIVEN; i++) {
        right(&s, i, &room);
        room.words[0] = sizeof room;
        ck_assert_msg(
            given[i].call(&s, &room) == VAE_OK, "%s, call %d: %s", given[i].name, i, vae_last_error());
    }
    scene_free(&s);
}
END_TEST

START_TEST(reserved_of_calls)
{
    struct scene s;
    union room room;
    scene_open(&s);
    for (int j = 0; j < BATCH; j++)
        elbo[j] = 9;
    for (int i = 0; i < 5; i++) {
        right(&s, i, &room);
        if (i == 3)
            continue; /* vae_outputs has no such field */
        *(i < 3 ? &room.batch.reserved : &room.training.reserved) = -1;
        call_refused(&s, i, &room);
    }
    scene_close(&s);
}
END_TEST

/* ---- outputs ---- */

static int step_terms(struct scene *s, vae_terms *terms)
{
    return vae_step_batch(s->model, &s->batch, terms);
}

static int grad_terms(struct scene *s, vae_terms *terms)
{
    return vae_grad(s->model, &s->batch, terms);
}

static int infer_terms(struct scene *s, vae_terms *terms)
{
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    return vae_infer(s->model, &s->batch, &outputs, terms);
}

/* vae_terms: the numbers, zeros behind them, nothing behind the struct. */
static void check_terms(int (*call)(struct scene *s, vae_terms *terms), const char *name)
{
    union {
        vae_terms terms;
        unsigned char bytes[sizeof(vae_terms) + 2 * AROUND];
    } u;
    for (size_t size = sizeof(vae_terms); size <= sizeof(vae_terms) + AROUND; size += 8) {
        struct scene s;
        vae_terms whole = empty_terms();
        scene_open(&s);
        memset(&u, PATTERN, sizeof u);
        u.terms.size = size;
        must(call(&s, &u.terms));
        scene_free(&s);
        scene_open(&s);
        must(call(&s, &whole));
        scene_free(&s);
        ck_assert_uint_eq(u.terms.size, size);
        ck_assert_mem_eq(u.bytes + 8, (unsigned char *)&whole + 8, sizeof whole - 8);
        all_bytes(u.bytes + sizeof whole, size - sizeof whole, 0, name);
        all_bytes(u.bytes + size, sizeof u - size, PATTERN, name);
        ck_assert(whole.elbo < 0 && whole.objective == whole.elbo);
    }
}

START_TEST(terms_of_any_size)
{
    check_terms(step_terms, "vae_step_batch");
    check_terms(grad_terms, "vae_grad");
    check_terms(infer_terms, "vae_infer");
}
END_TEST

/* Terms of an impossible size fail before anything is done. */
START_TEST(terms_of_impossible_sizes)
{
    int (*const calls[])(struct scene *, vae_terms *) = {step_terms, grad_terms, infer_terms};
    struct scene s;
    vae_terms terms;
    scene_open(&s);
    for (size_t i = 0; i < 3; i++)
        for (int k = 0; k < IMPOSSIBLE; k++) {
            memset(&terms, PATTERN, sizeof terms);
            terms.size = impossible(k, sizeof terms);
            ck_assert_int_eq(calls[i](&s, &terms), VAE_ERR_ABI);
            ck_assert(strstr(vae_last_error(), "terms"));
            all_bytes(&terms.objective, sizeof terms - 8, PATTERN, "terms");
        }
    scene_close(&s);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {newer_programs_make_the_same_model, newer_fields_are_refused,
        sizes_of_array_elements, impossible_sizes_of_calls, larger_structs_of_calls, reserved_of_calls,
        terms_of_any_size, terms_of_impossible_sizes};
    return RUN_SUITE("structs", tests);
}
