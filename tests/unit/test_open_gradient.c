/* SPDX-License-Identifier: BSD-2-Clause
 * Test. When a gradient is open: from vae_grad(), vae_grad_add() or vae_set_grads() to the next update or
 * failed pass, through everything else.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

enum { ROWS = 11, X = 13 };

struct subject {
    vae_model *model;
    float *x, *bad, *wrong; /* sane rows; NaN among them; a value that is no data of a Bernoulli's */
    vae_batch batch;
};

static void subject_open(struct subject *s)
{
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, VAE_TANH, 1);
    s->model = model_of(&plan);
    s->x = rows_for(s->model, ROWS, 1);
    s->bad = rows_for(s->model, ROWS, 1);
    s->wrong = rows_for(s->model, ROWS, 1);
    s->bad[20] = (float)NAN;
    s->wrong[20] = 2;
    s->batch = batch_of(s->model, s->x, ROWS);
    s->batch.total_weight = ROWS;
}

static void subject_close(struct subject *s)
{
    free(s->x);
    free(s->bad);
    free(s->wrong);
    vae_destroy(s->model);
}

/* All three calls about it agree. An open gradient stays what it is. */
static void is_open(struct subject *s, const float *wanted)
{
    uint64_t count = vae_param_count(s->model), found = 0;
    ck_assert_ptr_nonnull(vae_grad_buffer(s->model, &found));
    ck_assert_uint_eq(found, count);
    float *grads = grads_of(s->model);
    ck_assert_int_eq(memcmp(grads, wanted, (size_t)count * sizeof *grads), 0);
    free(grads);
}

static void is_closed(struct subject *s)
{
    uint64_t count = 99;
    float *params = params_of(s->model), *kept = params_of(s->model);
    double norm = 9;
    size_t bytes = (size_t)vae_param_count(s->model) * sizeof *params;
    ck_assert_ptr_null(vae_grad_buffer(s->model, &count));
    ck_assert_msg(strstr(vae_last_error(), "vae_grad_buffer: ") == vae_last_error(), "%s", vae_last_error());
    ck_assert_uint_eq(count, 99);
    ck_assert_int_eq(vae_get_grads(s->model, params, vae_param_count(s->model)), VAE_ERR_STATE);
    ck_assert_int_eq(memcmp(params, kept, bytes), 0);
    ck_assert_int_eq(vae_apply(s->model, &norm), VAE_ERR_STATE);
    ck_assert(norm == 9);
    free(params);
    free(kept);
}

START_TEST(closed_at_first)
{
    struct subject s;
    subject_open(&s);
    is_closed(&s);
    must(vae_step(s.model, s.x, ROWS, NULL));
    is_closed(&s);
    subject_close(&s);
}
END_TEST

/* ---- what ends it ---- */

/* One of the calls that run a pass, on rows of which it is known what they come to. */
static int run_pass(struct subject *s, int call, const float *x)
{
    vae_batch batch = s->batch;
    batch.x = x;
    return call == 0   ? vae_step(s->model, x, ROWS, NULL)
           : call == 1 ? vae_step_batch(s->model, &batch, NULL)
           : call == 2 ? vae_grad(s->model, &batch, NULL)
                       : vae_grad_add(s->model, &batch, NULL);
}

START_TEST(passes_end_it)
{
    for (int call = 0; call < 4; call++) {
        struct subject s;
        subject_open(&s);
        const float *rows[] = {s.x, s.bad, s.wrong};
        const int statuses[] = {VAE_OK, VAE_ERR_NONFINITE, VAE_ERR_DATA};
        for (int i = 0; i < 3; i++) {
            must(vae_grad(s.model, &s.batch, NULL));
            ck_assert_int_eq(run_pass(&s, call, rows[i]), statuses[i]);
            if (call >= 2 && i == 0)
                ck_assert_ptr_nonnull(vae_grad_buffer(s.model, NULL)); /* a new one in its place, or a sum */
            else
                is_closed(&s);
        }
        subject_close(&s);
    }
}
END_TEST

START_TEST(updates_end_it)
{
    struct subject s;
    subject_open(&s);
    must(vae_grad(s.model, &s.batch, NULL));
    must(vae_apply(s.model, NULL));
    is_closed(&s);
    ck_assert_uint_eq(vae_steps(s.model), 1);
    must(vae_grad(s.model, &s.batch, NULL));
    vae_grad_buffer(s.model, NULL)[7] = (float)NAN;
    ck_assert_int_eq(vae_apply(s.model, NULL), VAE_ERR_NONFINITE);
    is_closed(&s);
    ck_assert_uint_eq(vae_steps(s.model), 1);
    subject_close(&s);
}
END_TEST

/* The second one counts, as if there had been no first. */
START_TEST(the_next_one_replaces_it)
{
    struct subject s, other;
    subject_open(&s);
    subject_open(&other);
    float *rows = rows_for(s.model, ROWS, 2);
    vae_batch first = s.batch;
    first.x = rows;
    must(vae_grad(s.model, &first, NULL));
    must(vae_grad(s.model, &s.batch, NULL));
    must(vae_apply(s.model, NULL));
    must(vae_step(other.model, other.x, ROWS, NULL));
    same_models(s.model, other.model);
    free(rows);
    subject_close(&s);
    subject_close(&other);
}
END_TEST

/* ---- what does not ---- */

/* Errors that are found before the pass, of all calls. */
static void early_errors(struct subject *s)
{
    const uint8_t observed[ROWS * X] = {0};
    vae_batch batch = s->batch;
    vae_terms terms = {.size = 3};
    ck_assert_int_eq(vae_step(s->model, NULL, ROWS, NULL), VAE_ERR_ARG);
    ck_assert_int_eq(vae_step(s->model, s->x, 0, NULL), VAE_ERR_ARG);
    ck_assert_int_eq(vae_step(s->model, s->x, 17, NULL), VAE_ERR_ARG);
    ck_assert_int_eq(vae_step(s->model, s->bad, ROWS, &terms), VAE_ERR_ABI);
    for (int call = 0; call < 3; call++) {
        int (*const passes[])(vae_model *, const vae_batch *, vae_terms *) = {
            vae_step_batch, vae_grad, vae_grad_add};
        int (*pass)(vae_model *, const vae_batch *, vae_terms *) = passes[call];
        ck_assert_int_eq(pass(s->model, NULL, NULL), VAE_ERR_ARG);
        ck_assert_int_eq(pass(s->model, &batch, &terms), VAE_ERR_ABI);
        batch.size = 3;
        ck_assert_int_eq(pass(s->model, &batch, NULL), VAE_ERR_ABI);
        batch = s->batch;
        batch.ldx = X - 1;
        ck_assert_int_eq(pass(s->model, &batch, NULL), VAE_ERR_ARG);
        batch = s->batch;
        batch.observed = observed;
        ck_assert_int_eq(pass(s->model, &batch, NULL), VAE_ERR_UNSUPPORTED);
        batch = s->batch;
        batch.source = VAE_FROM_PRIOR;
        ck_assert_int_eq(pass(s->model, &batch, NULL), VAE_ERR_ARG);
        batch = s->batch;
    }
}

/* Calls that read, and calls that change something else. */
static void other_calls(struct subject *s)
{
    double real[ROWS];
    float out[ROWS * X], *params = params_of(s->model);
    vae_training training;
    vae_training_init(&training, sizeof training);
    training.learning_rate = 0.25;
    vae_tensor_info bias = tensor_of(s->model, "decoder.0.bias");
    vae_model *view = view_of(s->model, 3);
    must(vae_elbo(s->model, s->x, ROWS, 3, real, NULL));
    must(vae_elbo(view, s->x, ROWS, 3, real, NULL));
    must(vae_score(s->model, s->bad, ROWS, 0, real));
    must(vae_reconstruct(s->model, s->x, ROWS, out));
    must(vae_sample_mean(s->model, 4, ROWS, out));
    ck_assert_int_eq(vae_grad(view, &s->batch, NULL), VAE_ERR_STATE);
    vae_destroy(view);
    must(vae_set_training(s->model, &training));
    for (uint64_t i = 0; i < bias.count; i++)
        params[bias.offset + i] += 0.5f;
    must(vae_set_tensor(s->model, &bias, params + bias.offset));
    params[0] += 0.5f;
    must(vae_set_params(s->model, params, vae_param_count(s->model)));
    params[0] = (float)NAN;
    ck_assert_int_eq(vae_set_params(s->model, params, vae_param_count(s->model)), VAE_ERR_ARG);
    free(params);
}

/* After all that the old gradient is applied to the new parameters, by the new rate. */
START_TEST(other_calls_leave_it)
{
    struct subject s;
    subject_open(&s);
    must(vae_step(s.model, s.x, ROWS, NULL));
    must(vae_grad(s.model, &s.batch, NULL));
    float *wanted = grads_of(s.model), *first = params_of(s.model);
    early_errors(&s);
    is_open(&s, wanted);
    other_calls(&s);
    is_open(&s, wanted);
    float *before = params_of(s.model);
    ck_assert(before[0] == first[0] + 0.5f);
    must(vae_apply(s.model, NULL));
    is_closed(&s);
    float *after = params_of(s.model);
    double most = 0;
    for (uint64_t i = 0; i < vae_param_count(s.model); i++)
        most = fmax(most, fabs((double)after[i] - (double)before[i]));
    ck_assert_msg(most > 0.2 && most < 0.5, "the largest change is %g", most); /* Adam's: about the rate */
    free(wanted);
    free(first);
    free(before);
    free(after);
    subject_close(&s);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        closed_at_first, passes_end_it, updates_end_it, the_next_one_replaces_it, other_calls_leave_it};
    return RUN_SUITE("open gradient", tests);
}
