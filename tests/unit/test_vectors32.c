/* SPDX-License-Identifier: BSD-2-Clause
 * The float32 entry points against the reference vectors of tests/vectors, 25 digits. Prints the worst error
 * of every output.
 */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vae/vae.h>

#include "../support/expect.h"
#include "../support/csv.h"
#include "../support/runner.h"
#include "../support/ulp.h"

enum { MAX_INPUTS = 4, MAX_OUTPUTS = 5, MAX_LIST = 1 << 14 };

/* ---- one row, one element ---- */

/* What a file holds and what its numbers must meet. */
struct scalar_case {
    const char *file;
    const char *input[MAX_INPUTS];
    const char *output[MAX_OUTPUTS];
    double limit; /* ULP, value first */
    double gradient_limit;
    int bits; /* or 2^-bits of o_mag where there is such a column */
    void (*evaluate)(const float *in, float *out);
};

static void kl_diag(const float *in, float *out)
{
    EXPECT_OK(vae_kl_diag_gauss_grad(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1, out + 2, 1));
}

static void kl_pair(const float *in, float *out)
{
    EXPECT_OK(vae_kl_diag_gauss_pair_grad(1, 1, in, 1, in + 1, 1, in + 2, 1, in + 3, 1, NULL, out, out + 1, 1,
        out + 2, 1, out + 3, 1, out + 4, 1));
}

static void gauss(const float *in, float *out)
{
    EXPECT_OK(vae_loglik_gauss_grad(1, 1, in, 1, in + 1, 1, in + 2, 1, NULL, out, out + 1, 1, out + 2, 1));
}

static void std_normal(const float *in, float *out)
{
    EXPECT_OK(vae_loglik_std_normal_grad(1, 1, in, 1, NULL, out, out + 1, 1));
}

static void laplace(const float *in, float *out)
{
    EXPECT_OK(vae_loglik_laplace_grad(1, 1, in, 1, in + 1, 1, in + 2, 1, NULL, out, out + 1, 1, out + 2, 1));
}

static void bernoulli(const float *in, float *out)
{
    EXPECT_OK(vae_loglik_bernoulli_grad(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1));
}

static void cbernoulli(const float *in, float *out)
{
    EXPECT_OK(vae_loglik_cbernoulli_grad(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1));
}

static void poisson(const float *in, float *out)
{
    EXPECT_OK(vae_loglik_poisson_grad(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1));
}

static void reparam(const float *in, float *out)
{
    const float one = 1.0f;
    EXPECT_OK(vae_reparam(1, 1, in, 1, in + 1, 1, in + 2, 1, out, 1));
    EXPECT_OK(vae_reparam_grad(1, 1, in + 1, 1, in + 2, 1, &one, 1, NULL, 0, out + 1, 1));
}

static const struct scalar_case scalar_cases[] = {
    {"a_kl_std.csv", {"mu", "lv"}, {"kl", "dmu", "dlv"}, 1, 1, 0, kl_diag},
    {"b_kl_diag.csv", {"m1", "lv1", "m2", "lv2"}, {"kl", "dm1", "dlv1", "dm2", "dlv2"}, 1, 1, 28, kl_pair},
    {"d_normal_logpdf.csv", {"x", "mu", "lv"}, {"lp", "dmu", "dlv"}, 2, 2, 28, gauss},
    {"d_std_normal.csv", {"z"}, {"lp", "dz"}, 2, 2, 28, std_normal},
    {"d_laplace.csv", {"x", "mu", "s"}, {"lp", "dmu", "ds"}, 2, 2, 28, laplace},
    {"d_bernoulli.csv", {"x", "l"}, {"lp", "dl"}, 2, 2, 28, bernoulli},
    {"d_cb_logits.csv", {"x", "l"}, {"lp", "dl"}, 2, 4, 24, cbernoulli},
    {"d_poisson.csv", {"k", "eta"}, {"lp", "deta"}, 2, 2, 28, poisson},
    {"f_reparam.csv", {"mu", "lv", "eps"}, {"z", "dlv"}, 2, 2, 28, reparam},
};

static int inputs_of(const struct scalar_case *c)
{
    int n = 0;
    while (n < MAX_INPUTS && c->input[n])
        n++;
    return n;
}

static const char *field(const struct csv *csv, size_t row, const char *column, const char *suffix)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", column, suffix);
    return csv_field(csv, row, name);
}

static long double decimal(const char *text)
{
    long double value;
    ck_assert_uint_eq(csv_decimals(text, &value, 1), 1);
    return value;
}

/* Compares one number; the error, where the ULP rule decided it, goes into *worst. */
static void compare(float got, long double want, double limit, const char *magnitude, int bits, double *worst,
    const char *file, size_t row, const char *output)
{
    double error = ulp_error32(got, want);
    EXPECT(ulp_within(error, limit, got, want, magnitude ? decimal(magnitude) : 0.0L, bits),
        "%s row %zu: %s is %.9g, should be %.20Lg: %.3g ULP", file, row + 2, output, (double)got, want,
        error);
    if (error <= limit && error > *worst)
        *worst = error;
}

static void run_scalar(const struct scalar_case *c, const struct csv *csv)
{
    double worst[MAX_OUTPUTS] = {0};
    for (size_t row = 0; row < csv_rows(csv); row++) {
        float in[MAX_INPUTS] = {0}, out[MAX_OUTPUTS] = {0};
        for (int i = 0; i < inputs_of(c); i++)
            ck_assert_uint_eq(csv_hex32(field(csv, row, c->input[i], "_hex"), &in[i], 1), 1);
        c->evaluate(in, out);
        for (int o = 0; o < MAX_OUTPUTS && c->output[o]; o++)
            compare(out[o], decimal(field(csv, row, c->output[o], "")), o ? c->gradient_limit : c->limit,
                field(csv, row, c->output[o], "_mag"), c->bits, &worst[o], c->file, row, c->output[o]);
    }
    printf("%-20s %5zu rows, worst ULP:", c->file, csv_rows(csv));
    for (int o = 0; o < MAX_OUTPUTS && c->output[o]; o++)
        printf("  %s %.4f", c->output[o], worst[o]);
    printf("\n");
}

/* ---- lists ---- */

static float list_in[3][MAX_LIST], list_out[MAX_LIST];
static double list_want[MAX_LIST];
static long double list_decimals[MAX_LIST];

static size_t hex_list(const struct csv *csv, size_t row, const char *column, float *to)
{
    size_t n = csv_hex32(csv_field(csv, row, column), to, MAX_LIST);
    ck_assert_uint_le(n, MAX_LIST);
    return n;
}

static void run_kl_rows(const struct csv *csv, const char *file)
{
    double worst = 0.0;
    for (size_t row = 0; row < csv_rows(csv); row++) {
        float kl = NAN;
        size_t d = hex_list(csv, row, "mu_hex", list_in[0]);
        ck_assert_uint_eq(hex_list(csv, row, "lv_hex", list_in[1]), d);
        EXPECT_OK(vae_kl_diag_gauss(1, d, list_in[0], d, list_in[1], d, &kl));
        compare(kl, decimal(csv_field(csv, row, "kl")), 1.0, NULL, 0, &worst, file, row, "kl");
    }
    printf("%-20s %5zu rows, worst ULP:  kl %.4f\n", file, csv_rows(csv), worst);
}

static void run_softmax(const struct csv *csv, const char *file)
{
    double worst[2] = {0};
    for (size_t row = 0; row < csv_rows(csv); row++) {
        float lp = NAN;
        size_t k = hex_list(csv, row, "x_hex", list_in[0]);
        uint32_t target = (uint32_t)strtoul(csv_field(csv, row, "t"), NULL, 10);
        memset(list_out, 0, k * sizeof *list_out);
        EXPECT_OK(vae_loglik_categorical_grad(1, k, &target, list_in[0], k, NULL, &lp, list_out, k));
        compare(lp, decimal(csv_field(csv, row, "lp")), 2.0, NULL, 0, &worst[0], file, row, "lp");
        ck_assert_uint_eq(csv_decimals(csv_field(csv, row, "grad"), list_decimals, MAX_LIST), k);
        for (size_t j = 0; j < k; j++)
            compare(list_out[j], list_decimals[j], 2.0, NULL, 0, &worst[1], file, row, "grad");
    }
    printf("%-20s %5zu rows, worst ULP:  lp %.4f  grad %.4f\n", file, csv_rows(csv), worst[0], worst[1]);
}

static void run_logmeanexp(const struct csv *csv, const char *file)
{
    double worst[2] = {0};
    for (size_t row = 0; row < csv_rows(csv); row++) {
        float lme = NAN;
        size_t k = hex_list(csv, row, "w_hex", list_in[0]);
        EXPECT_OK(vae_logmeanexp(1, k, list_in[0], k, &lme, list_out, k));
        compare(lme, decimal(csv_field(csv, row, "lme")), 2.0, csv_field(csv, row, "mag"), 28, &worst[0],
            file, row, "lme");
        ck_assert_uint_eq(csv_decimals(csv_field(csv, row, "wt"), list_decimals, MAX_LIST), k);
        for (size_t j = 0; j < k; j++)
            compare(list_out[j], list_decimals[j], 2.0, NULL, 0, &worst[1], file, row, "wt");
    }
    printf("%-20s %5zu rows, worst ULP:  lme %.4f  wt %.4f\n", file, csv_rows(csv), worst[0], worst[1]);
}

/* ---- full covariance ---- */

/* |got - want| / |want|, Euclidean */
static double distance(const struct csv *csv, size_t row, const char *column, const float *got, size_t count)
{
    long double difference = 0.0L, norm = 0.0L;
    ck_assert_uint_eq(csv_hex64(csv_field(csv, row, column), list_want, MAX_LIST), count);
    for (size_t j = 0; j < count; j++) {
        long double want = list_want[j], off = (long double)got[j] - want;
        difference += off * off;
        norm += want * want;
    }
    return norm > 0.0L ? (double)sqrtl(difference / norm) : (double)sqrtl(difference);
}

static void run_kl_full_row(const struct csv *csv, size_t row, const char *file, double worst[2])
{
    static float mean[2][MAX_LIST], chol[2][MAX_LIST];
    static const char *const columns[4] = {"dm1_f64", "dL1_f64", "dm2_f64", "dL2_f64"};
    float kl = NAN, *grads[4];
    size_t d = hex_list(csv, row, "m1_hex", mean[0]);
    hex_list(csv, row, "m2_hex", mean[1]);
    ck_assert_uint_eq(hex_list(csv, row, "L1_hex", chol[0]), d * d);
    ck_assert_uint_eq(hex_list(csv, row, "L2_hex", chol[1]), d * d);
    for (int g = 0; g < 4; g++)
        ck_assert_ptr_nonnull(grads[g] = calloc(d * d, sizeof(float)));
    size_t size = vae_kl_gauss_work(d);
    void *work = malloc(size);
    EXPECT_OK(vae_kl_gauss_grad(d, mean[0], chol[0], d, mean[1], chol[1], d, work, size, 1.0f, &kl, grads[0],
        grads[1], d, grads[2], grads[3], d));
    compare(kl, decimal(csv_field(csv, row, "kl")), 1.0, NULL, 0, &worst[0], file, row, "kl");
    for (int g = 0; g < 4; g++) {
        double off = distance(csv, row, columns[g], grads[g], g % 2 ? d * d : d);
        EXPECT(off <= 1e-6, "%s row %zu: %s is off by %g of its norm", file, row + 2, columns[g], off);
        worst[1] = off > worst[1] ? off : worst[1];
        free(grads[g]);
    }
    free(work);
}

static void run_kl_full(const struct csv *csv, const char *file)
{
    double worst[2] = {0};
    for (size_t row = 0; row < csv_rows(csv); row++)
        run_kl_full_row(csv, row, file, worst);
    printf("%-20s %5zu rows, worst ULP:  kl %.4f, gradients off by %.2g of their norm\n", file, csv_rows(csv),
        worst[0], worst[1]);
}

static const struct {
    const char *file;
    void (*run)(const struct csv *csv, const char *file);
} list_cases[] = {
    {"a_kl_std_rows.csv", run_kl_rows},
    {"c_kl_full.csv", run_kl_full},
    {"d_log_softmax.csv", run_softmax},
    {"d_iwae_lme.csv", run_logmeanexp},
};

static struct csv *open_vectors(const char *file)
{
    const char *folder = getenv("VAE_TEST_VECTORS");
    struct csv *csv = folder ? csv_open(folder, file) : NULL;
    EXPECT(csv, "VAE_TEST_VECTORS (%s) has no %s", folder ? folder : "not set", file);
    return csv;
}

START_TEST(vectors_of_elements)
{
    for (size_t i = 0; i < sizeof scalar_cases / sizeof *scalar_cases; i++) {
        struct csv *csv = open_vectors(scalar_cases[i].file);
        run_scalar(&scalar_cases[i], csv);
        csv_close(csv);
    }
}
END_TEST

START_TEST(vectors_of_lists)
{
    for (size_t i = 0; i < sizeof list_cases / sizeof *list_cases; i++) {
        struct csv *csv = open_vectors(list_cases[i].file);
        list_cases[i].run(csv, list_cases[i].file);
        csv_close(csv);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = {vectors_of_elements, vectors_of_lists};
    return RUN_SUITE("vectors32", tests);
}
