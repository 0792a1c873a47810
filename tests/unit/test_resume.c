/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Resuming: 200 steps are 100 steps, a file, another process and 100 steps, to the bit; with noise,
 * schedules, shuffled rows and weights, on any number of threads and any instruction set.
 *
 * The program starts itself again: `test_resume FILE CASE THREADS` loads FILE, goes on, and writes what it
 * has to FILE.digest.
 */
#include "../support/files.h"
#include "../support/models.h"
#include "../support/runner.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DATA = 64, ROWS = 16, HALF = 100 };

static const char *program;

/* What a trained model comes to: parameters and the terms of all steps. */
struct digest {
    uint64_t params, terms, steps;
};

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ bytes[i]) * 0x100000001b3u; /* FNV-1a */
    return h;
}

/* ---- cases ---- */

enum { PLAIN, SCHEDULE, SHUFFLED, MIXED, IWAE, ADAMW, ADAGRAD, SGD, CASES };

static void plan_case(struct plan *plan, int number, int32_t threads)
{
    plan_init(plan, VAE_BERNOULLI, VAE_SILU, 2);
    plan->runtime.threads = threads;
    plan->training.samples = number == PLAIN ? 1 : 2;
    plan_scale(plan, 0, VAE_PARAM_CELL);
    if (number == MIXED) {
        plan->config.n_spans = 3;
        plan->spans[0].columns = 6;
        plan->spans[1].columns = 4;
        plan->spans[2].columns = 3;
        plan->spans[1].likelihood = VAE_GAUSS;
        plan->spans[2].likelihood = VAE_LAPLACE;
        plan_scale(plan, 1, VAE_PARAM_SPAN);
    }
    if (number == IWAE) {
        plan->training.objective = VAE_IWAE;
        plan->training.estimates = 2;
    }
    if (number >= ADAMW) {
        plan->training.optimizer = number - ADAMW + VAE_ADAMW;
        plan->training.momentum = 0.9;
        plan->training.weight_decay = 0.05;
        plan->training.clip_norm = number == SGD ? 2 : 0;
    }
}

/* Settings that change from step to step. */
static void schedule(vae_model *model)
{
    vae_training training;
    double step = (double)vae_steps(model);
    vae_training_init(&training, sizeof training);
    must(vae_get_training(model, &training));
    training.learning_rate = 0.01 / (1 + 0.02 * step);
    training.kl_weight = step < 150 ? step / 150 : 1;
    training.beta1 = step < 120 ? 0.9 : 0.8;
    must(vae_set_training(model, &training));
}

/* Rows of an epoch in an order of its own, which the step count tells. */
static void choose_rows(vae_model *model, uint32_t *index, float *weight)
{
    uint32_t order[DATA];
    uint64_t step = vae_steps(model), epoch = step * ROWS / DATA;
    must(vae_permutation(77, (uint64_t)VAE_STREAM_SHUFFLE << 56 | epoch, DATA, order));
    memcpy(index, order + step * ROWS % DATA, ROWS * sizeof *index);
    for (size_t i = 0; i < DATA; i++)
        weight[i] = (float)(i % 5) / 2;
}

static void one_step(vae_model *model, int number, const float *x, struct digest *digest)
{
    uint32_t index[ROWS];
    float weight[DATA];
    vae_batch batch = batch_of(model, x, ROWS);
    vae_terms terms = empty_terms();
    if (number == SCHEDULE)
        schedule(model);
    if (number == SHUFFLED) {
        choose_rows(model, index, weight);
        batch.index = index;
        batch.weight = weight;
    }
    must(vae_step_batch(model, &batch, &terms));
    digest->terms = hash(digest->terms, &terms, sizeof terms);
}

static struct digest train(vae_model *model, int number, uint64_t until)
{
    struct digest digest = {0, 0, 0};
    float *x = rows_for(model, DATA, 3);
    while (vae_steps(model) < until)
        one_step(model, number, x, &digest);
    float *params = params_of(model);
    digest.params = hash(0, params, (size_t)vae_param_count(model) * sizeof *params);
    digest.steps = vae_steps(model);
    free(params);
    free(x);
    return digest;
}

/* ---- processes ---- */

/* What the other process was asked. */
static struct {
    const char *path;
    int number;
    int32_t threads;
} asked;

START_TEST(go_on)
{
    struct plan plan;
    vae_model *model;
    char path[600];
    plan_case(&plan, asked.number, asked.threads);
    must(vae_load(&model, asked.path, &plan.runtime));
    struct digest digest = train(model, asked.number, 2 * HALF);
    struct bytes bytes = {NULL, 0};
    bytes_add(&bytes, &digest, sizeof digest);
    snprintf(path, sizeof path, "%s.digest", asked.path);
    write_file(path, &bytes);
    bytes_free(&bytes);
    vae_destroy(model);
}
END_TEST

/* With the kernels of `isa`, or of a lesser set where the machine has none of those. */
static struct digest in_another_process(const char *path, int number, int32_t threads, const char *isa)
{
    char command[1200];
    struct digest digest;
    snprintf(command, sizeof command, "VAE_CPU=%s '%s' '%s' %d %d >/dev/null", isa, program, path, number,
        (int)threads);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof command, "%s.digest", path);
    struct bytes bytes = bytes_of_file(command);
    ck_assert_uint_eq(bytes.size, sizeof digest);
    memcpy(&digest, bytes.data, sizeof digest);
    ck_assert_int_eq(unlink(command), 0);
    bytes_free(&bytes);
    return digest;
}

static void check_case(int number, int32_t threads)
{
    struct plan plan;
    plan_case(&plan, number, threads);
    vae_model *whole = model_of(&plan), *part = model_of(&plan);
    train(whole, number, HALF);
    struct digest expected = train(whole, number, 2 * HALF);
    train(part, number, HALF);
    must(vae_save(part, path_to("resume"), 0));
    static const struct {
        int32_t threads;
        const char *isa;
    } others[] = {{1, "scalar"}, {2, "avx512"}, {8, "avx2"}};
    for (size_t i = 0; i < 3; i++) {
        struct digest got = in_another_process(path_to("resume"), number, others[i].threads, others[i].isa);
        ck_assert_uint_eq(got.steps, 2 * HALF);
        ck_assert_msg(got.params == expected.params, "case %d, %d threads, then %d, %s: parameters differ",
            number, threads, others[i].threads, others[i].isa);
        ck_assert_msg(got.terms == expected.terms, "case %d, %d threads, then %d, %s: terms differ", number,
            threads, others[i].threads, others[i].isa);
    }
    vae_destroy(part);
    vae_destroy(whole);
}

START_TEST(one_thread)
{
    for (int number = 0; number < CASES; number++)
        check_case(number, 1);
}
END_TEST

START_TEST(two_threads)
{
    for (int number = 0; number < CASES; number++)
        check_case(number, 2);
}
END_TEST

START_TEST(eight_threads)
{
    check_case(MIXED, 8);
    check_case(SHUFFLED, 8);
}
END_TEST

/* Without the moments it would be another run: the comparison can tell. */
START_TEST(weights_alone_are_not_enough)
{
    struct plan plan;
    vae_model *again;
    plan_case(&plan, PLAIN, 1);
    vae_model *model = model_of(&plan);
    train(model, PLAIN, HALF);
    must(vae_save(model, path_to("weights"), VAE_SAVE_WEIGHTS_ONLY));
    must(vae_load(&again, path_to("weights"), &plan.runtime));
    struct digest a = train(model, PLAIN, HALF + 1), b = train(again, PLAIN, 1);
    ck_assert(a.params != b.params && a.terms != b.terms);
    vae_destroy(again);
    vae_destroy(model);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *second_half[] = {go_on};
    const TTest *tests[] = {one_thread, two_threads, eight_threads, weights_alone_are_not_enough};
    program = argv[0];
    if (argc < 4)
        return RUN_SUITE("resume", tests);
    asked.path = argv[1];
    asked.number = atoi(argv[2]);
    asked.threads = (int32_t)atoi(argv[3]);
    return RUN_SUITE("second half", second_half);
}
