/* SPDX-License-Identifier: BSD-2-Clause
 * Arguments of section 2 of the public header: what is refused, in which words, with outputs as before; and
 * what is not refused: nothing to do, strides, any alignment, missing outputs.
 */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/expect.h"
#include "../support/families.h"
#include "../support/runner.h"

enum { N = 3, D = 5, LD = 7, ROOM = 64 };
#define UNTOUCHED 42.0f

static float numbers[FAMILY_MATRICES][ROOM], value[ROOM], grads[FAMILY_MATRICES][ROOM];

static void fill(float *to, float number, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = number;
}

static void setup(void)
{
    for (int k = 0; k < FAMILY_MATRICES; k++) {
        for (int i = 0; i < ROOM; i++)
            numbers[k][i] = 0.03125f * (float)((i * 7 + k * 3) % 29);
        fill(grads[k], UNTOUCHED, ROOM);
    }
    fill(value, UNTOUCHED, ROOM);
}

static struct family_call sound_call(void)
{
    struct family_call c = {.n = N, .d = D, .value = value};
    for (int k = 0; k < FAMILY_MATRICES; k++) {
        c.in[k] = numbers[k];
        c.grad[k] = grads[k];
        c.ld_in[k] = c.ld_grad[k] = LD;
    }
    return c;
}

/* Refused, the function and the argument named, nothing written. */
static void expect_refused(int status, const char *function, const char *argument)
{
    ck_assert_int_eq(status, VAE_ERR_ARG);
    const char *words = vae_last_error();
    EXPECT(strncmp(words, function, strlen(function)) == 0 && words[strlen(function)] == ':',
        "\"%s\" does not begin with %s", words, function);
    EXPECT(strstr(words, argument) != NULL, "\"%s\" does not name %s", words, argument);
    for (int i = 0; i < ROOM; i++) {
        EXPECT(value[i] == UNTOUCHED, "a value was written");
        for (int k = 0; k < FAMILY_MATRICES; k++)
            EXPECT(grads[k][i] == UNTOUCHED, "a gradient was written");
    }
}

/* The names of a family's matrices, in order. */
static const char *const inputs[FAMILIES][FAMILY_MATRICES] = {
    [KL_DIAG] = {"mu", "logvar"},
    [KL_PAIR] = {"mu_q", "logvar_q", "mu_p", "logvar_p"},
    [GAUSS] = {"x", "mean", "logvar"},
    [LAPLACE] = {"x", "mean", "logscale"},
    [BERNOULLI] = {"x", "logits"},
    [CBERNOULLI] = {"x", "logits"},
    [POISSON] = {"x", "lograte"},
    [STD_NORMAL] = {"z"},
};
static const char *const outputs[FAMILIES][FAMILY_MATRICES] = {
    [KL_DIAG] = {"gmu", "glogvar"},
    [KL_PAIR] = {"gmu_q", "glogvar_q", "gmu_p", "glogvar_p"},
    [GAUSS] = {"gmean", "glogvar"},
    [LAPLACE] = {"gmean", "glogscale"},
    [BERNOULLI] = {"glogits"},
    [CBERNOULLI] = {"glogits"},
    [POISSON] = {"glograte"},
    [STD_NORMAL] = {"gz"},
};

static const char *prefixed(const char *prefix, const char *name, const char *suffix)
{
    static char words[2][64];
    static int turn;
    turn = !turn;
    snprintf(words[turn], sizeof words[turn], "%s%s%s", prefix, name, suffix);
    return words[turn];
}

static void expect_both_refused(const struct family *f, const struct family_call *c, const char *argument)
{
    expect_refused(f->value(c), prefixed("vae_", f->name, ""), argument);
    expect_refused(f->grad(c), prefixed("vae_", f->name, "_grad"), argument);
}

START_TEST(inputs_are_checked)
{
    const struct family *f = &families[_i];
    for (int k = 0; k < f->inputs; k++) {
        struct family_call c = sound_call();
        c.in[k] = NULL;
        expect_both_refused(f, &c, prefixed("", inputs[_i][k], " is NULL"));
        c = sound_call();
        c.ld_in[k] = D - 1;
        expect_both_refused(f, &c, prefixed("ld", inputs[_i][k], " is 4, at least 5"));
        c.n = 1;
        expect_both_refused(f, &c, prefixed("ld", inputs[_i][k], " is 4, at least 5"));
        c = sound_call();
        c.ld_in[k] = SIZE_MAX / 8;
        expect_both_refused(f, &c, inputs[_i][k]);
    }
}
END_TEST

START_TEST(outputs_are_checked)
{
    const struct family *f = &families[_i];
    struct family_call c;
    for (int k = 0; k < f->grads; k++) {
        c = sound_call();
        c.ld_grad[k] = D - 1;
        expect_refused(
            f->grad(&c), prefixed("vae_", f->name, "_grad"), prefixed("ld", outputs[_i][k], " is 4"));
        c.grad[k] = NULL; /* skipped: its stride means nothing */
        EXPECT_OK(f->grad(&c));
        setup();
    }
    c = sound_call();
    c.value = NULL;
    expect_refused(
        f->value(&c), prefixed("vae_", f->name, ""), _i <= KL_PAIR ? "kl is NULL" : "loglik is NULL");
    EXPECT_OK(f->grad(&c));
}
END_TEST

START_TEST(nothing_to_do)
{
    const struct family *f = &families[_i];
    struct family_call none = {0};
    EXPECT_OK(f->value(&none));
    EXPECT_OK(f->grad(&none));
    none.n = N;
    none.value = value;
    EXPECT_OK(f->value(&none));
    for (int i = 0; i < ROOM; i++)
        HOLDS(value[i] == (i < N ? 0.0f : UNTOUCHED));
    EXPECT_OK(f->grad(&none));
}
END_TEST

/* ---- rows and strides ---- */

static const size_t widths[] = {1, 2, 15, 16, 17, 20, 33, 64, 65, 784, 1000, 1024, 1041};
enum { WIDTHS = sizeof widths / sizeof *widths };

struct arena {
    float *in[FAMILY_MATRICES], *grad[FAMILY_MATRICES], *value, *w;
};

/* Everything one float off a 64-byte boundary's natural place, so that vectors straddle. */
static struct arena arena_new(size_t count)
{
    struct arena a;
    float **all = (float **)&a;
    for (size_t k = 0; k < sizeof a / sizeof(float *); k++) {
        ck_assert_ptr_nonnull(all[k] = malloc((count + 1) * sizeof(float)));
        all[k] += 1;
        for (size_t i = 0; i < count; i++)
            all[k][i] = (float)((i * 2654435761u + k * 40503u) % 65536u) / 16384.0f - (k < 2 ? 0.0f : 2.0f);
    }
    return a;
}

static void arena_free(struct arena *a)
{
    float **all = (float **)a;
    for (size_t k = 0; k < sizeof *a / sizeof(float *); k++)
        free(all[k] - 1);
}

static struct family_call arena_call(const struct arena *a, size_t n, size_t d, size_t ld)
{
    struct family_call c = {.n = n, .d = d, .w = a->w, .value = a->value};
    for (int k = 0; k < FAMILY_MATRICES; k++) {
        c.in[k] = a->in[k];
        c.grad[k] = a->grad[k];
        c.ld_in[k] = c.ld_grad[k] = ld;
    }
    return c;
}

/* Rows given all at once, contiguous or strided, are those given one at a time, to the bit; what lies between
 * them stays. */
static void compare_layouts(const struct family *f, size_t n, size_t d, size_t ld)
{
    struct arena all = arena_new(n * ld), one = arena_new(n * ld), before = arena_new(n * ld);
    struct family_call c = arena_call(&all, n, d, ld);
    EXPECT_OK(f->grad(&c));
    for (size_t i = 0; i < n; i++) {
        struct family_call row = arena_call(&one, 1, d, d);
        row.w += i;
        row.value += i;
        for (int k = 0; k < FAMILY_MATRICES; k++) {
            row.in[k] += i * ld;
            row.grad[k] += i * ld;
        }
        EXPECT_OK(f->grad(&row));
    }
    HOLDS(memcmp(all.value, one.value, n * sizeof(float)) == 0);
    for (int k = 0; k < f->grads; k++) {
        HOLDS(memcmp(all.grad[k], one.grad[k], n * ld * sizeof(float)) == 0);
        HOLDS(n == 1 || memcmp(all.grad[k], before.grad[k], n * ld * sizeof(float)) != 0);
        for (size_t i = 0; i < n; i++)
            HOLDS(
                memcmp(all.grad[k] + i * ld + d, before.grad[k] + i * ld + d, (ld - d) * sizeof(float)) == 0);
    }
    c.value = one.value; /* the value alone is the value with gradients */
    EXPECT_OK(f->value(&c));
    HOLDS(memcmp(all.value, one.value, n * sizeof(float)) == 0);
    arena_free(&all);
    arena_free(&one);
    arena_free(&before);
}

START_TEST(layouts_agree)
{
    const struct family *f = &families[_i / WIDTHS];
    size_t d = widths[_i % WIDTHS];
    compare_layouts(f, 1, d, d + 3);
    compare_layouts(f, 37, d, d);
    compare_layouts(f, 37, d, 2 * d + 1);
    compare_layouts(f, d < 4 ? 600 : 2, d, d);
}
END_TEST

/* Any set of outputs gives the bits of all of them. */
START_TEST(missing_outputs_change_nothing)
{
    const struct family *f = &families[_i];
    struct arena full = arena_new(37 * 20);
    struct family_call whole = arena_call(&full, 37, 20, 20);
    EXPECT_OK(f->grad(&whole));
    for (int wanted = 0; wanted < 2 << f->grads; wanted++) {
        struct arena some = arena_new(37 * 20);
        struct family_call c = arena_call(&some, 37, 20, 20);
        for (int k = 0; k < f->grads; k++)
            c.grad[k] = wanted >> k & 1 ? some.grad[k] : NULL;
        c.value = wanted >> f->grads ? some.value : NULL;
        EXPECT_OK(f->grad(&c));
        for (int k = 0; k < f->grads; k++)
            HOLDS(!c.grad[k] || memcmp(c.grad[k], full.grad[k], 37 * 20 * sizeof(float)) == 0);
        HOLDS(!c.value || memcmp(c.value, full.value, 37 * sizeof(float)) == 0);
        arena_free(&some);
    }
    arena_free(&full);
}
END_TEST

/* ---- functions of other shapes ---- */

START_TEST(reparam_arguments)
{
    float *z = value;
    expect_refused(
        vae_reparam(N, D, NULL, LD, numbers[1], LD, numbers[2], LD, z, LD), "vae_reparam", "mu is NULL");
    expect_refused(
        vae_reparam(N, D, numbers[0], LD, numbers[1], 4, numbers[2], LD, z, LD), "vae_reparam", "ldlogvar");
    expect_refused(
        vae_reparam(N, D, numbers[0], LD, numbers[1], LD, numbers[2], LD, NULL, LD), "vae_reparam", "z is");
    expect_refused(
        vae_reparam(N, D, numbers[0], LD, numbers[1], LD, numbers[2], LD, z, 4), "vae_reparam", "ldz");
    expect_refused(
        vae_reparam_grad(N, D, numbers[0], LD, numbers[1], LD, NULL, LD, grads[0], LD, grads[1], LD),
        "vae_reparam_grad", "gz is NULL");
    expect_refused(
        vae_reparam_grad(N, D, numbers[0], LD, numbers[1], LD, numbers[2], LD, grads[0], 4, NULL, 0),
        "vae_reparam_grad", "ldgmu");
    EXPECT_OK(vae_reparam(0, D, NULL, 0, NULL, 0, NULL, 0, NULL, 0));
    EXPECT_OK(vae_reparam(N, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0));
    EXPECT_OK(vae_reparam_grad(0, D, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0));
}
END_TEST

/* z over eps is z in an array of its own, with every width and stride. */
START_TEST(reparam_in_place)
{
    size_t d = widths[_i], ld = d + 2, n = 19;
    struct arena a = arena_new(n * ld), b = arena_new(n * ld);
    EXPECT_OK(vae_reparam(n, d, a.in[0], ld, a.in[1], ld, a.in[2], ld, a.grad[2], ld));
    EXPECT_OK(vae_reparam(n, d, b.in[0], ld, b.in[1], ld, b.in[2], ld, b.in[2], ld));
    for (size_t i = 0; i < n; i++) {
        HOLDS(memcmp(a.grad[2] + i * ld, b.in[2] + i * ld, d * sizeof(float)) == 0);
        HOLDS(memcmp(a.in[2] + i * ld + d, b.in[2] + i * ld + d, (ld - d) * sizeof(float)) == 0);
    }
    arena_free(&a);
    arena_free(&b);
}
END_TEST

START_TEST(categorical_arguments)
{
    const char *function = "vae_loglik_categorical_grad";
    uint32_t label[N] = {0, 4, 2};
    const float *x = numbers[0];
    float *g = grads[0];
    expect_refused(
        vae_loglik_categorical_grad(N, D, NULL, x, LD, NULL, value, g, LD), function, "label is NULL");
    expect_refused(
        vae_loglik_categorical_grad(N, D, label, NULL, LD, NULL, value, g, LD), function, "logits is NULL");
    expect_refused(
        vae_loglik_categorical_grad(N, D, label, x, 4, NULL, value, g, LD), function, "ldlogits is 4");
    expect_refused(
        vae_loglik_categorical_grad(N, D, label, x, LD, NULL, value, g, 4), function, "ldglogits is 4");
    expect_refused(vae_loglik_categorical_grad(N, 0, label, x, LD, NULL, value, g, LD), function, "k is 0");
    label[2] = D;
    expect_refused(vae_loglik_categorical_grad(N, D, label, x, LD, NULL, value, g, LD), function,
        "label[2] is 5, must be below k = 5");
    label[2] = 7;
    expect_refused(vae_loglik_categorical_grad(N, D, label, x, LD, NULL, value, g, LD), function,
        "label[2] is 7, must be below k = 5");
    label[2] = UINT32_MAX;
    expect_refused(vae_loglik_categorical(N, D, label, x, LD, value), "vae_loglik_categorical", "label[2]");
    expect_refused(vae_loglik_categorical(N, 2, (uint32_t[]){0, 1, 1}, x, LD, NULL), "vae_loglik_categorical",
        "loglik is NULL");
    EXPECT_OK(vae_loglik_categorical(0, D, NULL, NULL, 0, NULL));
}
END_TEST

START_TEST(logmeanexp_arguments)
{
    const float *x = numbers[0];
    expect_refused(vae_logmeanexp(N, D, NULL, LD, value, grads[0], LD), "vae_logmeanexp", "logw is NULL");
    expect_refused(vae_logmeanexp(N, D, x, 4, value, grads[0], LD), "vae_logmeanexp", "ldlogw is 4");
    expect_refused(vae_logmeanexp(N, D, x, LD, NULL, grads[0], LD), "vae_logmeanexp", "lme is NULL");
    expect_refused(vae_logmeanexp(N, D, x, LD, value, grads[0], 4), "vae_logmeanexp", "ldweights is 4");
    expect_refused(vae_logmeanexp(N, 0, x, LD, value, grads[0], LD), "vae_logmeanexp", "k is 0");
    EXPECT_OK(vae_logmeanexp(0, D, NULL, 0, NULL, NULL, 0));
    EXPECT_OK(vae_logmeanexp(N, D, x, LD, value, NULL, 0));
}
END_TEST

START_TEST(full_covariance_arguments)
{
    const char *function = "vae_kl_gauss_grad";
    double work[256];
    const size_t size = vae_kl_gauss_work(2);
    float lq[4] = {1, 0, 0.5f, 1}, lp[4] = {2, 0, 0.25f, 2};
    const float *m = numbers[0];
    float *g = grads[0];
    ck_assert_uint_le(size, sizeof work);
    expect_refused(vae_kl_gauss_grad(2, NULL, lq, 2, m, lp, 2, work, size, 1, value, g, g, 2, g, g, 2),
        function, "mu_q");
    expect_refused(vae_kl_gauss_grad(2, m, lq, 1, m, lp, 2, work, size, 1, value, g, g, 2, g, g, 2), function,
        "ldq is 1");
    expect_refused(vae_kl_gauss_grad(2, m, lq, 2, m, lp, 1, work, size, 1, value, g, g, 2, g, g, 2), function,
        "ldp is 1");
    expect_refused(vae_kl_gauss_grad(2, m, lq, 2, m, lp, 2, work, size, 1, value, g, g, 1, g, g, 2), function,
        "ldgq is 1");
    expect_refused(vae_kl_gauss_grad(2, m, lq, 2, m, lp, 2, work, size, 1, value, g, g, 2, g, g, 1), function,
        "ldgp is 1");
    expect_refused(
        vae_kl_gauss_grad(2, m, lq, 2, m, lp, 2, NULL, size, 1, value, g, g, 2, g, g, 2), function, "work");
    expect_refused(vae_kl_gauss_grad(2, m, lq, 2, m, lp, 2, work, size - 1, 1, value, g, g, 2, g, g, 2),
        function, "work_size");
    lq[3] = 0;
    expect_refused(vae_kl_gauss_grad(2, m, lq, 2, m, lp, 2, work, size, 1, value, g, g, 2, g, g, 2), function,
        "chol_q[1][1] is 0");
    lq[3] = 1;
    lp[0] = -2;
    expect_refused(
        vae_kl_gauss(2, m, lq, 2, m, lp, 2, work, size, value), "vae_kl_gauss", "chol_p[0][0] is -2");
    expect_refused(vae_kl_gauss(2, m, lq, 2, m, lp, 2, work, size, NULL), "vae_kl_gauss", "kl is NULL");
    EXPECT_OK(vae_kl_gauss(0, NULL, NULL, 0, NULL, NULL, 0, NULL, 0, value));
    HOLDS(value[0] == 0.0f);
    ck_assert_uint_eq(vae_kl_gauss_work(SIZE_MAX / 2), SIZE_MAX);
    /* The largest size that fits, and the next. */
    size_t most = 1;
    while (vae_kl_gauss_work(most + 1) < SIZE_MAX)
        most += vae_kl_gauss_work(2 * most) < SIZE_MAX ? most : 1 + most / 4096;
    ck_assert(sqrt((double)SIZE_MAX / 64) < 1.001 * (double)most + 4);
}
END_TEST

/* work of any alignment, any content; the strict upper part of the factors is not read, that of the gradients
 * stays. */
START_TEST(full_covariance_workspace)
{
    enum { d = 19, ld = d + 1 };
    static float m[2][d], l[2][d * ld], g[2][2][d * ld], kl[2];
    static unsigned char work[8 * 8 * d * (d + 2) + 65];
    ck_assert_uint_le(vae_kl_gauss_work(d), sizeof work - 1);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < d * ld; i++) {
            int row = i / ld, column = i % ld;
            l[k][i] = column > row    ? NAN
                      : column == row ? 1.0f + 0.1f * (float)(k + i % 3)
                                      : 0.01f * (float)(i % 11 - 5);
            m[k][i % d] = 0.25f * (float)(i % 7 + k);
            g[0][k][i] = g[1][k][i] = UNTOUCHED;
        }
    for (int turn = 0; turn < 2; turn++) {
        memset(work, turn ? 0xff : 0, sizeof work);
        EXPECT_OK(vae_kl_gauss_grad(d, m[0], l[0], ld, m[1], l[1], ld, work + turn, vae_kl_gauss_work(d),
            2.0f, &kl[turn], NULL, g[turn][0], ld, NULL, g[turn][1], ld));
    }
    HOLDS(isfinite(kl[0]) && kl[0] > 0.0f && kl[0] == kl[1]);
    HOLDS(memcmp(g[0], g[1], sizeof g[0]) == 0);
    for (int i = 0; i < d * ld; i++)
        HOLDS((g[0][0][i] == UNTOUCHED) == (i % ld > i / ld) && isfinite(g[0][1][i]));
}
END_TEST

START_TEST(random_arguments)
{
    uint32_t *none = NULL;
    expect_refused(vae_normal(1, 2, 3, 4, NULL), "vae_normal", "out is NULL");
    expect_refused(vae_normal_f64(1, 2, 3, 4, NULL), "vae_normal_f64", "out is NULL");
    expect_refused(vae_random_u32(1, 2, 3, 4, none), "vae_random_u32", "out is NULL");
    expect_refused(vae_bernoulli(1, 2, 3, 4, NULL, value), "vae_bernoulli", "p is NULL");
    expect_refused(vae_bernoulli(1, 2, 3, 4, numbers[0], NULL), "vae_bernoulli", "x is NULL");
    expect_refused(vae_normal(1, 2, 3, SIZE_MAX, value), "vae_normal", "n is");
    EXPECT_OK(vae_normal(1, 2, 3, 0, NULL));
    EXPECT_OK(vae_random_u32(1, 2, 3, 0, NULL));
    EXPECT_OK(vae_bernoulli(1, 2, 3, 0, NULL, NULL));
}
END_TEST

/* The twins are the same body: one refusal shows that they carry their own names. */
START_TEST(twins_are_named)
{
    const double x[4] = {0};
    expect_refused(vae_kl_diag_gauss_f64(2, 2, x, 1, x, 2, NULL), "vae_kl_diag_gauss_f64", "ldmu is 1");
    expect_refused(vae_loglik_gauss_grad_f64(2, 2, x, 2, x, 2, x, 1, NULL, NULL, NULL, 0, NULL, 0),
        "vae_loglik_gauss_grad_f64", "ldlogvar is 1");
    expect_refused(
        vae_loglik_poisson_f64(2, 2, x, 2, x, 1, NULL), "vae_loglik_poisson_f64", "ldlograte is 1");
    expect_refused(vae_logmeanexp_f64(2, 2, NULL, 2, NULL, NULL, 0), "vae_logmeanexp_f64", "logw is NULL");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("arguments");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_loop_test(tests, inputs_are_checked, 0, FAMILIES);
    tcase_add_loop_test(tests, outputs_are_checked, 0, FAMILIES);
    tcase_add_loop_test(tests, nothing_to_do, 0, FAMILIES);
    tcase_add_loop_test(tests, layouts_agree, 0, FAMILIES * WIDTHS);
    tcase_add_loop_test(tests, missing_outputs_change_nothing, 0, FAMILIES);
    tcase_add_test(tests, reparam_arguments);
    tcase_add_loop_test(tests, reparam_in_place, 0, WIDTHS);
    tcase_add_test(tests, categorical_arguments);
    tcase_add_test(tests, logmeanexp_arguments);
    tcase_add_test(tests, full_covariance_arguments);
    tcase_add_test(tests, full_covariance_workspace);
    tcase_add_test(tests, random_arguments);
    tcase_add_test(tests, twins_are_named);
    return run_case("kernel arguments", tests);
}
