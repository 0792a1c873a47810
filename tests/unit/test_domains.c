/* SPDX-License-Identifier: BSD-2-Clause
 * Test. What each likelihood takes: in training VAE_ERR_DATA for every other finite value, with words that
 * name row, data row, column and value, and a model that is as it was; in reading calls nothing is checked.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 11, X = 13, MOST = 12 };

/* ---- the values ---- */

struct domain {
    int32_t likelihood;
    float taken[MOST], refused[MOST]; /* each list ends with NaN */
};

#define IN_UNIT .taken = {0, -0.0f, 1, 0.5f, 0x1p-149f, FLT_MIN, 1 - 0x1p-24f, NAN}
#define NOT_IN_UNIT .refused = {1 + 0x1p-23f, -0x1p-149f, -FLT_MIN, -1, 2, 255, FLT_MAX, -FLT_MAX, NAN}
#define COUNTS .taken = {0, -0.0f, 1, 2, 255, 0x1p24f - 1, 0x1p24f, NAN}
#define NO_COUNTS                                                                                            \
    .refused = {                                                                                             \
        -1, 0.5f, 1.5f, 0x1p-149f, -0x1p-149f, 0x1p23f - 0.5f, 0x1p24f + 2, 1e30f, FLT_MAX, -FLT_MAX, NAN}
#define EVERYTHING .taken = {0, -0.0f, 1, -1, 0x1p-149f, -0x1p-149f, 1e6f, -1e6f, NAN}, .refused = {NAN}

static const struct domain domains[] = {
    {VAE_BERNOULLI, IN_UNIT, NOT_IN_UNIT},
    {VAE_CBERNOULLI, IN_UNIT, NOT_IN_UNIT},
    {VAE_POISSON, COUNTS, NO_COUNTS},
    {VAE_GAUSS, EVERYTHING},
    {VAE_LAPLACE, EVERYTHING},
};

/* ---- a model and its twin, which never sees what is refused ---- */

struct pair {
    vae_model *model, *twin;
    float *x;
};

static void pair_open(struct pair *p, const struct plan *plan)
{
    p->model = model_of(plan);
    p->twin = model_of(plan);
    train_some(p->model, 1, ROWS);
    train_some(p->twin, 1, ROWS);
    p->x = rows_for(p->model, ROWS, 1);
}

static void pair_close(struct pair *p)
{
    train_some(p->model, 2, ROWS);
    train_some(p->twin, 2, ROWS);
    same_models(p->model, p->twin);
    free(p->x);
    vae_destroy(p->model);
    vae_destroy(p->twin);
}

static void named(const char *function, size_t row, size_t data_row, size_t column, float value)
{
    char part[4][32];
    snprintf(part[0], sizeof *part, "row %zu ", row);
    snprintf(part[1], sizeof *part, "row %zu)", data_row);
    snprintf(part[2], sizeof *part, "column %zu", column);
    snprintf(part[3], sizeof *part, "%g", (double)value);
    ck_assert_msg(strncmp(vae_last_error(), function, strlen(function)) == 0, "%s", vae_last_error());
    for (int i = 0; i < 4; i++)
        ck_assert_msg(strstr(vae_last_error(), part[i]), "\"%s\" lacks \"%s\"", vae_last_error(), part[i]);
}

/* All three calls; the value is in row `row` of the batch, row `data_row` of x. */
static void refused(
    struct pair *p, const vae_batch *batch, int status, size_t row, size_t data_row, size_t column)
{
    float value = p->x[data_row * X + column];
    vae_terms terms = {sizeof terms, 9, 9, 9, 9, 9};
    if (!batch->index && !batch->weight) {
        ck_assert_int_eq(vae_step(p->model, p->x, (size_t)batch->n, &terms), status);
        named("vae_step: ", row, data_row, column, value);
    }
    ck_assert_int_eq(vae_step_batch(p->model, batch, &terms), status);
    named("vae_step_batch: ", row, data_row, column, value);
    ck_assert_int_eq(vae_grad(p->model, batch, &terms), status);
    named("vae_grad: ", row, data_row, column, value);
    ck_assert(terms.objective == 9 && terms.elbo == 9 && terms.kl == 9 && terms.grad_norm == 9);
    same_models(p->model, p->twin);
}

/* ---- one likelihood ---- */

static void check_values(const struct domain *domain)
{
    struct plan plan;
    struct pair p;
    double elbo[ROWS];
    plan_init(&plan, domain->likelihood, VAE_TANH, 1);
    pair_open(&p, &plan);
    vae_batch batch = batch_of(p.model, p.x, ROWS);
    for (size_t i = 0; !isnan(domain->refused[i]); i++) {
        float *at = &p.x[i % ROWS * X + 5 * i % X], kept = *at;
        *at = domain->refused[i];
        refused(&p, &batch, VAE_ERR_DATA, i % ROWS, i % ROWS, 5 * i % X);
        must(vae_elbo(p.model, p.x, ROWS, 1, elbo, NULL)); /* reading calls do not check */
        *at = kept;
    }
    for (size_t i = 0; !isnan(domain->taken[i]); i++) {
        float *at = &p.x[i % ROWS * X + 5 * i % X], kept = *at;
        *at = domain->taken[i];
        must(vae_step(p.model, p.x, ROWS, NULL));
        must(vae_step(p.twin, p.x, ROWS, NULL));
        *at = kept;
    }
    pair_close(&p);
}

START_TEST(values_of_each_likelihood)
{
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        check_values(&domains[i]);
}
END_TEST

/* ---- where ---- */

/* Four spans, each with its own columns 0-3, 4-6, 7-9, 10-12. */
static void plan_spans(struct plan *plan)
{
    static const int32_t kinds[] = {VAE_BERNOULLI, VAE_GAUSS, VAE_POISSON, VAE_CBERNOULLI};
    plan_init(plan, VAE_BERNOULLI, VAE_TANH, 1);
    for (int i = 0; i < 4; i++) {
        plan->spans[i].likelihood = kinds[i];
        plan->spans[i].columns = i == 0 ? 4 : 3;
    }
    plan->config.n_spans = 4;
}

/* Every column by its own likelihood: 2 is none of a Bernoulli's, 0.5 none of a Poisson's. */
START_TEST(columns_have_a_likelihood)
{
    const float values[] = {2, 0.5f};
    struct plan plan;
    struct pair p;
    plan_spans(&plan);
    pair_open(&p, &plan);
    vae_batch batch = batch_of(p.model, p.x, ROWS);
    for (int v = 0; v < 2; v++)
        for (size_t j = 0; j < X; j++) {
            int in_unit = j < 4 || j >= 10, counts = j >= 7 && j < 10;
            float *at = &p.x[3 * X + j], kept = *at;
            *at = values[v];
            if ((in_unit && v == 0) || (counts && v == 1)) {
                refused(&p, &batch, VAE_ERR_DATA, 3, 3, j);
            } else {
                must(vae_step(p.model, p.x, ROWS, NULL));
                must(vae_step(p.twin, p.x, ROWS, NULL));
            }
            *at = kept;
        }
    pair_close(&p);
}
END_TEST

/* With an index, the row of the call and the row of x differ: the first one of the call is named. */
START_TEST(rows_by_index)
{
    static const uint32_t index[] = {10, 3, 3, 0, 7, 2, 7, 1};
    struct plan plan;
    struct pair p;
    plan_spans(&plan);
    pair_open(&p, &plan);
    vae_batch batch = batch_of(p.model, p.x, 8);
    batch.index = index;
    p.x[5 * X] = p.x[9 * X + 8] = -7; /* rows that are not in the index */
    must(vae_step_batch(p.model, &batch, NULL));
    must(vae_step_batch(p.twin, &batch, NULL));
    static const struct {
        size_t row, data_row, column;
        float value;
    } bad[] = {{7, 1, 2, 9}, {4, 7, 11, -0.25f}, {1, 3, 8, 2.5f}, {0, 10, 4, INFINITY}, {0, 10, 0, NAN}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        float *at = &p.x[bad[i].data_row * X + bad[i].column], kept = *at;
        *at = bad[i].value;
        refused(&p, &batch, isfinite(*at) ? VAE_ERR_DATA : VAE_ERR_NONFINITE, bad[i].row, bad[i].data_row,
            bad[i].column);
        *at = kept;
    }
    pair_close(&p);
}
END_TEST

/* Rows of weight 0 are not checked. */
START_TEST(rows_of_weight_zero)
{
    float weight[ROWS];
    struct plan plan;
    struct pair p;
    plan_spans(&plan);
    pair_open(&p, &plan);
    for (int i = 0; i < ROWS; i++)
        weight[i] = i == 2 || i == 6 ? 0 : 1;
    vae_batch batch = batch_of(p.model, p.x, ROWS);
    batch.weight = weight;
    p.x[2 * X] = -1;
    p.x[6 * X + 7] = 0.5f;
    must(vae_step_batch(p.model, &batch, NULL));
    must(vae_step_batch(p.twin, &batch, NULL));
    p.x[8 * X + 12] = 1.5f;
    refused(&p, &batch, VAE_ERR_DATA, 8, 8, 12);
    weight[2] = 0x1p-149f;
    refused(&p, &batch, VAE_ERR_DATA, 2, 2, 0);
    pair_close(&p);
}
END_TEST

/* The first one in the order of rows, whichever thread finds it. */
START_TEST(the_first_is_named)
{
    for (int32_t threads = 1; threads <= 3; threads++) {
        struct plan plan;
        struct pair p;
        plan_init(&plan, VAE_POISSON, VAE_TANH, 1);
        plan.runtime.threads = threads;
        pair_open(&p, &plan);
        vae_batch batch = batch_of(p.model, p.x, ROWS);
        for (size_t i = ROWS; i-- > 0;) {
            p.x[i * X + 12 - i] = 77.5f;
            refused(&p, &batch, VAE_ERR_DATA, i, i, 12 - i);
        }
        pair_close(&p);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {values_of_each_likelihood, columns_have_a_likelihood, rows_by_index,
        rows_of_weight_zero, the_first_is_named};
    return RUN_SUITE("domains", tests);
}
