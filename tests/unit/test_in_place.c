/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Models that read their weights in place, from read-only memory: the bits of ordinary ones, nothing
 * copied, nothing changed, no memory but the allocator's; and copies where the weights are misplaced.
 */
#include "../support/expect.h"
#include "../support/files.h"
#include "../support/models.h"
#include "../support/runner.h"

#include "files/save.h"

#include <math.h>
#include <sys/mman.h>

enum { ROWS = 9 };

/* ---- the C library's functions, counted by the linker's help ---- */

static size_t libc_calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    libc_calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    libc_calls++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    libc_calls++;
    return __real_realloc(ptr, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    libc_calls++;
    return __real_aligned_alloc(alignment, size);
}

/* ---- models and their files ---- */

/* Widths that fill panels and widths that do not. */
static vae_model *trained(struct plan *plan, size_t kind)
{
    static const uint64_t widths[] = {64, 45};
    plan_init(plan, VAE_BERNOULLI, VAE_SILU, 2);
    plan_kind(plan, kind);
    plan_sizes(plan, 37, 5, widths, 2);
    plan->encoder[0].kind = plan->decoder[0].kind = VAE_LAYER_GATED;
    vae_model *model = model_of(plan);
    train_some(model, 3, 16);
    must(vae_set_metadata(model, "threshold", "7"));
    return model;
}

static struct bytes panels_of(const vae_model *model)
{
    struct bytes bytes = {NULL, 0};
    must(vae_model_save("test", model, VAE_SAVE_WEIGHTS_ONLY | VAE_SAVE_PANELS, write_bytes, &bytes));
    return bytes;
}

/* Read-only memory that begins `offset` bytes behind a page's beginning. */
static unsigned char *read_only(const struct bytes *bytes, size_t offset)
{
    unsigned char *pages =
        mmap(NULL, bytes->size + offset, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(pages != MAP_FAILED);
    memcpy(pages + offset, bytes->data, bytes->size);
    ck_assert_int_eq(mprotect(pages, bytes->size + offset, PROT_READ), 0);
    return pages + offset;
}

static int is_in_place(const vae_model *model, const unsigned char *data, size_t size)
{
    uintptr_t params = (uintptr_t)model->network->params, first = (uintptr_t)data;
    HOLDS((params >= first && params < first + size) == model->in_place);
    return model->in_place;
}

static void same_answers(vae_model *a, vae_model *b)
{
    float *x = rows_for(a, ROWS, 8), mean[2][ROWS * 37];
    double score[2][ROWS];
    must(vae_score(a, x, ROWS, 3, score[0]));
    must(vae_score(b, x, ROWS, 3, score[1]));
    must(vae_sample_mean(a, 4, ROWS, mean[0]));
    must(vae_sample_mean(b, 4, ROWS, mean[1]));
    ck_assert_int_eq(memcmp(score[0], score[1], sizeof score[0]), 0);
    ck_assert_int_eq(memcmp(mean[0], mean[1], sizeof mean[0]), 0);
    free(x);
}

static vae_model *load_in_place(const unsigned char *data, size_t size, const vae_runtime *runtime)
{
    vae_model *model;
    must(vae_load_memory(&model, data, size, VAE_LOAD_IN_PLACE, runtime));
    ck_assert(model->inference_only);
    return model;
}

START_TEST(weights_are_read_where_they_are)
{
    for (size_t kind = 0; kind < likelihood_count; kind++) {
        struct plan plan;
        vae_model *model = trained(&plan, kind), *view;
        struct bytes bytes = panels_of(model), weights = bytes_of_model(model, VAE_SAVE_WEIGHTS_ONLY);
        const unsigned char *data = read_only(&bytes, 0);
        vae_model *placed = load_in_place(data, bytes.size, NULL);
        ck_assert(is_in_place(placed, data, bytes.size));
        same_answers(model, placed);
        must(vae_share(&view, placed, NULL));
        same_answers(model, view);
        vae_destroy(view);
        ck_assert_str_eq(vae_get_metadata(placed, "threshold"), "7");
        must(vae_set_metadata(placed, "threshold", "8"));
        must(vae_set_metadata(placed, "threshold", "7"));
        struct bytes again = bytes_of_model(placed, VAE_SAVE_WEIGHTS_ONLY);
        ck_assert(again.size == weights.size && memcmp(again.data, weights.data, again.size) == 0);
        vae_destroy(placed);
        vae_destroy(model);
        bytes_free(&again);
        bytes_free(&weights);
        bytes_free(&bytes);
    }
}
END_TEST

START_TEST(nothing_writes_to_them)
{
    struct plan plan;
    vae_model *model = trained(&plan, KIND_GAUSS_SPAN);
    struct bytes bytes = panels_of(model);
    const unsigned char *data = read_only(&bytes, 0);
    vae_model *placed = load_in_place(data, bytes.size, NULL);
    float *params = params_of(model), *x = rows_for(model, ROWS, 1);
    vae_tensor_info info = tensor_of(model, "encoder.0.bias");
    must_fail(
        vae_set_params(placed, params, vae_param_count(placed)), VAE_ERR_STATE, "reads its weights in place");
    must_fail(vae_set_tensor(placed, &info, params), VAE_ERR_STATE, "reads its weights in place");
    must_fail(vae_import(placed, path_to("none"), NULL, 0), VAE_ERR_STATE, "reads its weights in place");
    must_fail(vae_step(placed, x, ROWS, NULL), VAE_ERR_STATE, "inference_only");
    must_fail(vae_save(placed, path_to("none"), 0), VAE_ERR_STATE, "VAE_SAVE_WEIGHTS_ONLY");
    free(params);
    free(x);
    vae_destroy(placed);
    vae_destroy(model);
    bytes_free(&bytes);
}
END_TEST

/* An ordinary model, whose weights may be set. */
static void check_copied(
    vae_model *model, const struct bytes *bytes, size_t offset, const vae_runtime *runtime)
{
    const unsigned char *data = read_only(bytes, offset);
    vae_model *copied = load_in_place(data, bytes->size, runtime);
    ck_assert(!is_in_place(copied, data, bytes->size));
    if (!runtime || !runtime->sgemm)
        same_answers(model, copied);
    float *params = params_of(model);
    must(vae_set_params(copied, params, vae_param_count(copied)));
    free(params);
    vae_destroy(copied);
}

static void no_sgemm(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    (void)order, (void)transa, (void)transb, (void)m, (void)n, (void)k, (void)alpha, (void)a, (void)lda,
        (void)b, (void)ldb, (void)beta, (void)c;
    (void)ldc;
}

START_TEST(weights_that_do_not_lie_right_are_copied)
{
    struct plan plan;
    vae_runtime runtime;
    vae_model *model = trained(&plan, KIND_GAUSS_CELL);
    struct bytes bytes = panels_of(model), plain = bytes_of_model(model, 0);
    struct bytes newer = with_header(&bytes, "\"vae.panels\":\"1\"", "\"vae.panels\":\"2\"");
    struct bytes none = with_header(&bytes, "\"vae.panels\":\"1\"", "\"vae.pamels\":\"1\"");
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.sgemm = no_sgemm;
    check_copied(model, &bytes, 4, NULL);
    check_copied(model, &bytes, 32, NULL);
    check_copied(model, &bytes, 0, &runtime);
    check_copied(model, &plain, 0, NULL);
    check_copied(model, &newer, 0, NULL);
    check_copied(model, &none, 0, NULL);
    vae_model *trains;
    must(vae_load_memory(&trains, bytes.data, bytes.size, 0, NULL));
    train_some(trains, 1, 16);
    vae_destroy(trains);
    bytes_free(&none);
    bytes_free(&newer);
    bytes_free(&plain);
    bytes_free(&bytes);
    vae_destroy(model);
}
END_TEST

START_TEST(they_are_checked)
{
    struct plan plan;
    vae_model *model = trained(&plan, KIND_BERNOULLI), *placed;
    struct bytes bytes = panels_of(model);
    size_t data = 8 + (bytes.data[0] | (size_t)bytes.data[1] << 8);
    ck_assert_uint_eq(data % 64, 0);
    bytes.data[data + 4 * 100 + 2] = 0x80;
    bytes.data[data + 4 * 100 + 3] = 0xff;
    must_fail(vae_load_memory(&placed, read_only(&bytes, 0), bytes.size, VAE_LOAD_IN_PLACE, NULL),
        VAE_ERR_FORMAT, "tensor vae.params, element 100, is ");
    must(vae_load_memory(&placed, bytes.data, bytes.size, 0, NULL));
    same_answers(model, placed);
    vae_destroy(placed);
    vae_destroy(model);
    bytes_free(&bytes);
}
END_TEST

/* ---- memory ---- */

static _Alignas(64) unsigned char pool[200000];
static size_t used;

static void *pool_alloc(void *ctx, size_t size, size_t alignment)
{
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    (void)ctx;
    if (rounded > sizeof pool - used)
        return NULL;
    used += rounded;
    return pool + used - rounded;
}

static void pool_free(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
}

START_TEST(no_memory_but_the_allocators)
{
    struct plan plan;
    vae_model *model = trained(&plan, KIND_GAUSS_CELL), *placed;
    struct bytes bytes = panels_of(model);
    const unsigned char *data = read_only(&bytes, 0);
    float *x = rows_for(model, ROWS, 2);
    double score[ROWS];
    plan.runtime.max_batch = 1;
    plan.runtime.alloc = pool_alloc;
    plan.runtime.free = pool_free;
    libc_calls = 0;
    int status = vae_load_memory(&placed, data, bytes.size, VAE_LOAD_IN_PLACE, &plan.runtime);
    status |= status == VAE_OK ? vae_score(placed, x, ROWS, 0, score) : 0;
    vae_destroy(status == VAE_OK ? placed : NULL);
    size_t calls = libc_calls;
    must(status);
    ck_assert_uint_eq(calls, 0);
    free(x);
    vae_destroy(model);
    bytes_free(&bytes);
}
END_TEST

/* The parameters are what a load in place takes less. */
START_TEST(the_block_has_no_parameters)
{
    struct plan plan;
    struct counter counter = {.fail_at = COUNTER_NEVER_FAILS};
    size_t whole;
    vae_model *model = trained(&plan, KIND_GAUSS_CELL);
    struct bytes bytes = panels_of(model);
    plan.runtime.inference_only = 1;
    must(vae_footprint(&plan.config, &plan.training, &plan.runtime, &whole));
    count_allocations(&plan.runtime, &counter);
    vae_model *placed = load_in_place(read_only(&bytes, 0), bytes.size, &plan.runtime);
    must(vae_set_metadata(placed, "threshold", NULL));
    size_t parameters = (size_t)vae_param_count(model) * sizeof(float);
    ck_assert_uint_le(placed->size, whole - parameters);
    ck_assert_uint_ge(placed->size, whole - parameters - 1024);
    vae_destroy(placed);
    must_balance(&counter);
    vae_destroy(model);
    bytes_free(&bytes);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {weights_are_read_where_they_are, nothing_writes_to_them,
        weights_that_do_not_lie_right_are_copied, they_are_checked, no_memory_but_the_allocators,
        the_block_has_no_parameters};
    return RUN_SUITE("in place", tests);
}
