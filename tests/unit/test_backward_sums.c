/* SPDX-License-Identifier: BSD-2-Clause
 * Test. vae_backward(): what it adds to and what it leaves alone, parts of a batch, threads, and where rows
 * come from and go to.
 */
#include "../support/halves.h"
#include "../support/runner.h"

#include <math.h>
#include <string.h>

/* ---- what it adds to ---- */

/* One call for some of the rows: the encoder's half (1), the decoder's (2), or both. */
static void call(struct linear *l, vae_model *model, size_t first, size_t n, int halves)
{
    vae_batch batch = batch_of(model, l->x + first * X_DIM, n);
    vae_adjoints a = no_adjoints();
    batch.z = l->z + first * Z_DIM;
    if (halves & 1) {
        a.mu = l->c.gmu + first * Z_DIM;
        a.logvar = l->c.glogvar + first * Z_DIM;
        a.x = l->c.gx + first * X_DIM;
    }
    if (halves & 2) {
        a.x_location = l->c.glocation + first * X_DIM;
        a.x_scale = l->c.gscale + first * X_DIM;
        a.z = l->c.gz + first * Z_DIM;
    }
    must(vae_backward(model, &batch, &a));
}

static void plan_sums(struct plan *plan)
{
    plan_any(plan, likelihood_count, VAE_SILU);
}

/* Element by element, one float32 addition; the half that takes no part keeps its bits. */
START_TEST(adds_to_an_open_gradient)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    vae_batch batch = batch_of(l.model, l.x, N);
    size_t n = (size_t)vae_param_count(l.model),
           middle = (size_t)tensor_of(l.model, "decoder.0.weight").offset;
    float *once = grads_of(l.model);
    must(vae_grad(l.model, &batch, NULL));
    float *before = grads_of(l.model);
    for (int halves = 0; halves <= 3; halves++) {
        must(vae_grad(l.model, &batch, NULL));
        call(&l, l.model, 0, N, halves);
        float *after = grads_of(l.model);
        for (size_t i = 0; i < n; i++) {
            int part = halves & (i < middle ? 1 : 2);
            float expected = part ? before[i] + once[i] : before[i];
            EXPECT(after[i] == expected, "halves %d, element %zu: %a, not %a", halves, i, (double)after[i],
                (double)expected);
        }
        free(after);
    }
    free(once);
    free(before);
    linear_close(&l);
}
END_TEST

/* The prior takes no part: what vae_grad() has left of its gradient stays. */
START_TEST(priors_take_no_part)
{
    for (int32_t prior = VAE_PRIOR_MIXTURE; prior <= VAE_PRIOR_VAMP; prior++) {
        static struct linear l;
        struct plan plan;
        plan_sums(&plan);
        plan.config.prior = prior;
        plan.config.prior_components = 4;
        plan.training.objective = VAE_IWAE;
        linear_open(&l, &plan);
        vae_batch batch = batch_of(l.model, l.x, N);
        const char *first = prior == VAE_PRIOR_VAMP ? "prior.inputs" : "prior.mu";
        size_t at = (size_t)tensor_of(l.model, first).offset, n = (size_t)vae_param_count(l.model) - at;
        float *alone = grads_of(l.model);
        must(vae_grad(l.model, &batch, NULL));
        float *before = grads_of(l.model);
        call(&l, l.model, 0, N, 3);
        float *after = grads_of(l.model);
        ck_assert(norm_of(n, alone + at) == 0 && norm_of(n, before + at) > 0);
        ck_assert_mem_eq(after + at, before + at, n * sizeof *after);
        ck_assert(norm_of(at, alone) > 0 && memcmp(after, before, at * sizeof *after) != 0);
        free(alone);
        free(before);
        free(after);
        linear_close(&l);
    }
}
END_TEST

/* Nothing to add, yet a gradient is open then: of zeros, or as it was. */
START_TEST(nothing_adds_nothing)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    size_t n = (size_t)vae_param_count(l.model);
    float *open = grads_of(l.model);
    for (int halves = 0; halves <= 3; halves++) {
        call(&l, l.model, 0, 0, halves);
        float *kept = grads_of(l.model);
        ck_assert_mem_eq(kept, open, n * sizeof *kept);
        free(kept);
    }
    must(vae_apply(l.model, NULL));
    call(&l, l.model, 0, 0, 3);
    float *zeros = grads_of(l.model);
    ck_assert(norm_of(n, zeros) == 0);
    free(zeros);
    free(open);
    linear_close(&l);
}
END_TEST

/* Outputs of a half that takes no part are zeros. */
START_TEST(no_adjoints_no_slope)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    vae_batch batch = latents_of(l.z, N);
    vae_adjoints a = no_adjoints();
    a.x = l.c.gx;
    a.x_shape = l.c.glocation; /* no likelihood here has one */
    a.z = l.c.gz;
    must(vae_apply(l.model, NULL));
    must(vae_backward(l.model, &batch, &a));
    float *grads = grads_of(l.model);
    ck_assert(norm_of(XS, l.c.gx) == 0 && norm_of(ZS, l.c.gz) == 0);
    ck_assert(norm_of((size_t)vae_param_count(l.model), grads) == 0);
    free(grads);
    linear_close(&l);
}
END_TEST

START_TEST(parts_add_up)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    float *whole = grads_of(l.model), gx[XS], gz[ZS];
    memcpy(gx, l.c.gx, sizeof gx);
    memcpy(gz, l.c.gz, sizeof gz);
    vae_model *fresh = model_of(&plan);
    call(&l, fresh, 0, 4, 3);
    call(&l, fresh, 4, 1, 1);
    call(&l, fresh, 4, 1, 2);
    call(&l, fresh, 5, N - 5, 3);
    float *sum = grads_of(fresh);
    same_gradient(fresh, sum, whole, 1e-6, "parts");
    ck_assert_mem_eq(l.c.gx, gx, sizeof gx);
    ck_assert_mem_eq(l.c.gz, gz, sizeof gz);
    free(sum);
    free(whole);
    vae_destroy(fresh);
    linear_close(&l);
}
END_TEST

/* ---- where rows come from, and who computes them ---- */

START_TEST(threads_do_not_matter)
{
    for (int32_t threads = 2; threads <= 4; threads++) {
        static struct linear one, more;
        struct plan plan;
        plan_sums(&plan);
        linear_open(&one, &plan);
        plan.runtime.threads = threads;
        linear_open(&more, &plan);
        float *a = grads_of(one.model), *b = grads_of(more.model);
        ck_assert_mem_eq(a, b, (size_t)vae_param_count(one.model) * sizeof *a);
        ck_assert_mem_eq(&one.c, &more.c, sizeof one.c);
        free(a);
        free(b);
        linear_close(&one);
        linear_close(&more);
    }
}
END_TEST

/* Rows by an index, with repeats, of arrays with gaps; weights that are no weights. */
START_TEST(rows_by_index)
{
    enum { LDX = X_DIM + 2, LDZ = Z_DIM + 3 };
    static struct linear l;
    struct plan plan;
    float x[N * LDX], z[N * LDZ], weight[N], gx[XS], gz[ZS];
    uint32_t index[N];
    plan_sums(&plan);
    linear_open(&l, &plan);
    vae_model *other = model_of(&plan);
    for (int i = 0; i < N; i++) {
        int from = i == 3 ? 2 : i; /* rows 2 and 3 are the same */
        index[i] = (uint32_t)(N - 1 - from);
        weight[i] = (float)NAN;
        memcpy(l.x + i * X_DIM, l.x + from * X_DIM, X_DIM * sizeof *x);
        memcpy(l.z + i * Z_DIM, l.z + from * Z_DIM, Z_DIM * sizeof *z);
    }
    for (int i = 0; i < N; i++) {
        memset(x + i * LDX, 0xff, LDX * sizeof *x);
        memset(z + i * LDZ, 0xff, LDZ * sizeof *z);
        memcpy(x + i * LDX, l.x + (N - 1 - i) * X_DIM, X_DIM * sizeof *x);
        memcpy(z + i * LDZ, l.z + (N - 1 - i) * Z_DIM, Z_DIM * sizeof *z);
    }
    must(vae_apply(l.model, NULL));
    float *params = params_of(l.model);
    must(vae_set_params(other, params, vae_param_count(other)));
    call(&l, l.model, 0, N, 3);
    vae_batch batch = {sizeof batch, N, index, weight, x, LDX, NULL, 0, z, LDZ, NULL, 0, 0, 77, 3, 0, 0};
    vae_adjoints all = {sizeof all, l.c.gmu, l.c.glogvar, l.c.glocation, l.c.gscale, NULL, gx, gz, NULL};
    must(vae_backward(other, &batch, &all));
    float *a = grads_of(l.model), *b = grads_of(other);
    ck_assert_mem_eq(a, b, (size_t)vae_param_count(other) * sizeof *a);
    ck_assert_mem_eq(gx, l.c.gx, sizeof gx);
    ck_assert_mem_eq(gz, l.c.gz, sizeof gz);
    free(a);
    free(b);
    free(params);
    vae_destroy(other);
    linear_close(&l);
}
END_TEST

/* What comes out may take the place of what goes in. */
START_TEST(in_place)
{
    static struct linear l;
    struct plan plan;
    plan_sums(&plan);
    linear_open(&l, &plan);
    vae_model *other = model_of(&plan);
    vae_batch batch = batch_of(other, l.x, N);
    float gx[XS], gz[ZS];
    memcpy(gx, l.c.gx, sizeof gx);
    memcpy(gz, l.c.gz, sizeof gz);
    batch.z = l.z;
    vae_adjoints all = {
        sizeof all, l.c.gmu, l.c.glogvar, l.c.glocation, l.c.gscale, NULL, l.c.glocation, l.c.gmu, NULL};
    must(vae_backward(other, &batch, &all));
    ck_assert_mem_eq(gx, l.c.glocation, sizeof gx);
    ck_assert_mem_eq(gz, l.c.gmu, sizeof gz);
    float *a = grads_of(l.model), *b = grads_of(other);
    ck_assert_mem_eq(a, b, (size_t)vae_param_count(other) * sizeof *a);
    free(a);
    free(b);
    vae_destroy(other);
    linear_close(&l);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {adds_to_an_open_gradient, priors_take_no_part, nothing_adds_nothing,
        no_adjoints_no_slope, parts_add_up, threads_do_not_matter, rows_by_index, in_place};
    return RUN_SUITE("backward-sums", tests);
}
