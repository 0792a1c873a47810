/* SPDX-License-Identifier: BSD-2-Clause
 * The float64 entry points against the reference vectors of tests/vectors, 25 digits, of binary32 and
 * binary64 inputs. Prints the worst error of every output.
 */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vae/vae.h>

#include "../support/csv.h"
#include "../support/runner.h"
#include "../support/ulp.h"

enum { MAX_INPUTS = 4, MAX_OUTPUTS = 5, MAX_LIST = 1 << 14 };

/* Bounds in ULP; KL is held to much less than the 2 that the documentation promises. */
static const double kl_limit = 0.51, limit = 0.6;
enum { BITS = 51 }; /* else within 2^-51 of the largest term */

static size_t points; /* how many numbers were compared */

/* ---- one row, one element ---- */

struct scalar_case {
    const char *file;
    const char *input[MAX_INPUTS];
    const char *output[MAX_OUTPUTS];
    const double *limit;
    void (*evaluate)(const double *in, double *out);
};

static void kl_diag(const double *in, double *out)
{
    ck_assert_int_eq(
        vae_kl_diag_gauss_grad_f64(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1, out + 2, 1), VAE_OK);
}

static void kl_pair(const double *in, double *out)
{
    ck_assert_int_eq(vae_kl_diag_gauss_pair_grad_f64(1, 1, in, 1, in + 1, 1, in + 2, 1, in + 3, 1, NULL, out,
                         out + 1, 1, out + 2, 1, out + 3, 1, out + 4, 1),
        VAE_OK);
}

static void gauss(const double *in, double *out)
{
    ck_assert_int_eq(
        vae_loglik_gauss_grad_f64(1, 1, in, 1, in + 1, 1, in + 2, 1, NULL, out, out + 1, 1, out + 2, 1),
        VAE_OK);
}

static void std_normal(const double *in, double *out)
{
    ck_assert_int_eq(vae_loglik_std_normal_grad_f64(1, 1, in, 1, NULL, out, out + 1, 1), VAE_OK);
}

static void laplace(const double *in, double *out)
{
    ck_assert_int_eq(
        vae_loglik_laplace_grad_f64(1, 1, in, 1, in + 1, 1, in + 2, 1, NULL, out, out + 1, 1, out + 2, 1),
        VAE_OK);
}

static void bernoulli(const double *in, double *out)
{
    ck_assert_int_eq(vae_loglik_bernoulli_grad_f64(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1), VAE_OK);
}

static void cbernoulli(const double *in, double *out)
{
    ck_assert_int_eq(vae_loglik_cbernoulli_grad_f64(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1), VAE_OK);
}

static void poisson(const double *in, double *out)
{
    ck_assert_int_eq(vae_loglik_poisson_grad_f64(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1), VAE_OK);
}

static void reparam(const double *in, double *out)
{
    const double one = 1.0;
    ck_assert_int_eq(vae_reparam_f64(1, 1, in, 1, in + 1, 1, in + 2, 1, out, 1), VAE_OK);
    ck_assert_int_eq(vae_reparam_grad_f64(1, 1, in + 1, 1, in + 2, 1, &one, 1, NULL, 0, out + 1, 1), VAE_OK);
}

static const struct scalar_case scalar_cases[] = {
    {"a_kl_std", {"mu", "lv"}, {"kl", "dmu", "dlv"}, &kl_limit, kl_diag},
    {"b_kl_diag", {"m1", "lv1", "m2", "lv2"}, {"kl", "dm1", "dlv1", "dm2", "dlv2"}, &kl_limit, kl_pair},
    {"d_normal_logpdf", {"x", "mu", "lv"}, {"lp", "dmu", "dlv"}, &limit, gauss},
    {"d_std_normal", {"z"}, {"lp", "dz"}, &limit, std_normal},
    {"d_laplace", {"x", "mu", "s"}, {"lp", "dmu", "ds"}, &limit, laplace},
    {"d_bernoulli", {"x", "l"}, {"lp", "dl"}, &limit, bernoulli},
    {"d_cb_logits", {"x", "l"}, {"lp", "dl"}, &limit, cbernoulli},
    {"d_poisson", {"k", "eta"}, {"lp", "deta"}, &limit, poisson},
    {"f_reparam", {"mu", "lv", "eps"}, {"z", "dlv"}, &limit, reparam},
};

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

/* A list of binary32 or binary64 bits. */
static size_t hex_list(const struct csv *csv, size_t row, const char *column, int wide, double *to)
{
    static float narrow[MAX_LIST];
    const char *text = field(csv, row, column, "_hex");
    ck_assert_msg(text != NULL, "no column %s_hex", column);
    if (wide)
        return csv_hex64(text, to, MAX_LIST);
    size_t n = csv_hex32(text, narrow, MAX_LIST);
    for (size_t j = 0; j < n && j < MAX_LIST; j++)
        to[j] = narrow[j];
    return n;
}

/* Compares one number; the error, where the ULP rule decided it, goes into *worst. */
static void compare(double got, long double want, double most, const char *magnitude, double *worst,
    const char *file, size_t row, const char *output)
{
    double error = ulp_error64(got, want);
    points++;
    ck_assert_msg(ulp_within(error, most, got, want, magnitude ? decimal(magnitude) : 0.0L, BITS),
        "%s row %zu: %s is %.17g, should be %.22Lg: %.3g ULP", file, row + 2, output, got, want, error);
    if (error <= most && error > *worst)
        *worst = error;
}

static void run_scalar(const struct scalar_case *c, const struct csv *csv, const char *file, int wide)
{
    double worst[MAX_OUTPUTS] = {0};
    for (size_t row = 0; row < csv_rows(csv); row++) {
        double in[MAX_INPUTS] = {0}, out[MAX_OUTPUTS] = {0}, list[1];
        for (int i = 0; i < MAX_INPUTS && c->input[i]; i++) {
            ck_assert_uint_eq(hex_list(csv, row, c->input[i], wide, list), 1);
            in[i] = list[0];
        }
        c->evaluate(in, out);
        for (int o = 0; o < MAX_OUTPUTS && c->output[o]; o++)
            compare(out[o], decimal(field(csv, row, c->output[o], "")), *c->limit,
                field(csv, row, c->output[o], "_mag"), &worst[o], file, row, c->output[o]);
    }
    printf("%-24s %5zu rows, worst ULP:", file, csv_rows(csv));
    for (int o = 0; o < MAX_OUTPUTS && c->output[o]; o++)
        printf("  %s %.4f", c->output[o], worst[o]);
    printf("\n");
}

/* ---- lists ---- */

static double list_in[4][MAX_LIST], list_out[MAX_LIST], list_want[MAX_LIST];
static long double list_decimals[MAX_LIST];

static void run_kl_rows(const struct csv *csv, const char *file, int wide)
{
    double worst = 0.0;
    for (size_t row = 0; row < csv_rows(csv); row++) {
        double kl = NAN;
        size_t d = hex_list(csv, row, "mu", wide, list_in[0]);
        ck_assert_uint_eq(hex_list(csv, row, "lv", wide, list_in[1]), d);
        ck_assert_int_eq(vae_kl_diag_gauss_f64(1, d, list_in[0], d, list_in[1], d, &kl), VAE_OK);
        compare(kl, decimal(csv_field(csv, row, "kl")), kl_limit, NULL, &worst, file, row, "kl");
    }
    printf("%-24s %5zu rows, worst ULP:  kl %.4f\n", file, csv_rows(csv), worst);
}

static void compare_list(
    const struct csv *csv, const char *file, size_t row, const char *output, size_t k, double *worst)
{
    ck_assert_uint_eq(csv_decimals(csv_field(csv, row, output), list_decimals, MAX_LIST), k);
    for (size_t j = 0; j < k; j++)
        compare(list_out[j], list_decimals[j], limit, NULL, worst, file, row, output);
}

static void run_softmax(const struct csv *csv, const char *file, int wide)
{
    double worst[2] = {0};
    for (size_t row = 0; row < csv_rows(csv); row++) {
        double lp = NAN;
        size_t k = hex_list(csv, row, "x", wide, list_in[0]);
        uint32_t target = (uint32_t)strtoul(csv_field(csv, row, "t"), NULL, 10);
        memset(list_out, 0, k * sizeof *list_out);
        ck_assert_int_eq(
            vae_loglik_categorical_grad_f64(1, k, &target, list_in[0], k, NULL, &lp, list_out, k), VAE_OK);
        compare(lp, decimal(csv_field(csv, row, "lp")), limit, NULL, &worst[0], file, row, "lp");
        compare_list(csv, file, row, "grad", k, &worst[1]);
    }
    printf("%-24s %5zu rows, worst ULP:  lp %.4f  grad %.4f\n", file, csv_rows(csv), worst[0], worst[1]);
}

static void run_logmeanexp(const struct csv *csv, const char *file, int wide)
{
    double worst[2] = {0};
    for (size_t row = 0; row < csv_rows(csv); row++) {
        double lme = NAN;
        size_t k = hex_list(csv, row, "w", wide, list_in[0]);
        ck_assert_int_eq(vae_logmeanexp_f64(1, k, list_in[0], k, &lme, list_out, k), VAE_OK);
        compare(lme, decimal(csv_field(csv, row, "lme")), limit, csv_field(csv, row, "mag"), &worst[0], file,
            row, "lme");
        compare_list(csv, file, row, "wt", k, &worst[1]);
    }
    printf("%-24s %5zu rows, worst ULP:  lme %.4f  wt %.4f\n", file, csv_rows(csv), worst[0], worst[1]);
}

/* ---- full covariance ---- */

/* The largest |got - want| in ULP of want, or of 2^-60 of the largest element where that is more. */
static double distance(const struct csv *csv, size_t row, const char *column, const double *got, size_t count)
{
    double largest = 0.0, worst = 0.0;
    ck_assert_uint_eq(csv_hex64(csv_field(csv, row, column), list_want, MAX_LIST), count);
    for (size_t j = 0; j < count; j++)
        largest = fabs(list_want[j]) > largest ? fabs(list_want[j]) : largest;
    for (size_t j = 0; j < count; j++) {
        double off = fabs(got[j] - list_want[j]), error = ulp_error64(got[j], list_want[j]);
        error = off <= ldexp(largest, -60) ? 0.0 : error;
        worst = error > worst ? error : worst;
    }
    return worst;
}

static void run_kl_full_row(const struct csv *csv, size_t row, const char *file, int wide, double worst[2])
{
    static const char *const columns[4] = {"dm1_f64", "dL1_f64", "dm2_f64", "dL2_f64"};
    double kl = NAN, *grads[4];
    size_t d = hex_list(csv, row, "m1", wide, list_in[0]), size = vae_kl_gauss_work(d);
    hex_list(csv, row, "m2", wide, list_in[1]);
    ck_assert_uint_eq(hex_list(csv, row, "L1", wide, list_in[2]), d * d);
    ck_assert_uint_eq(hex_list(csv, row, "L2", wide, list_in[3]), d * d);
    for (int g = 0; g < 4; g++)
        ck_assert_ptr_nonnull(grads[g] = calloc(d * d, sizeof(double)));
    void *work = malloc(size);
    ck_assert_int_eq(vae_kl_gauss_grad_f64(d, list_in[0], list_in[2], d, list_in[1], list_in[3], d, work,
                         size, 1.0, &kl, grads[0], grads[1], d, grads[2], grads[3], d),
        VAE_OK);
    compare(kl, decimal(csv_field(csv, row, "kl")), kl_limit, NULL, &worst[0], file, row, "kl");
    for (int g = 0; g < 4; g++) {
        double off = distance(csv, row, columns[g], grads[g], g % 2 ? d * d : d);
        ck_assert_msg(off <= 1.0, "%s row %zu: %s is off by %g ULP", file, row + 2, columns[g], off);
        worst[1] = off > worst[1] ? off : worst[1];
        free(grads[g]);
    }
    free(work);
}

static void run_kl_full(const struct csv *csv, const char *file, int wide)
{
    double worst[2] = {0};
    for (size_t row = 0; row < csv_rows(csv); row++)
        run_kl_full_row(csv, row, file, wide, worst);
    printf("%-24s %5zu rows, worst ULP:  kl %.4f  gradients %.0f from the rounded reference\n", file,
        csv_rows(csv), worst[0], worst[1]);
}

static const struct {
    const char *file;
    void (*run)(const struct csv *csv, const char *file, int wide);
} list_cases[] = {
    {"a_kl_std_rows", run_kl_rows},
    {"c_kl_full", run_kl_full},
    {"d_log_softmax", run_softmax},
    {"d_iwae_lme", run_logmeanexp},
};

/* ---- the folder ---- */

static struct csv *open_vectors(const char *name, int wide, char *file, size_t size)
{
    const char *folder = getenv("VAE_TEST_VECTORS");
    snprintf(file, size, "%s%s.csv", name, wide ? "_in64" : "");
    struct csv *csv = folder ? csv_open(folder, file) : NULL;
    ck_assert_msg(csv, "VAE_TEST_VECTORS (%s) has no %s", folder ? folder : "not set", file);
    return csv;
}

static void run_folder(int wide)
{
    char file[64];
    for (size_t i = 0; i < sizeof scalar_cases / sizeof *scalar_cases; i++) {
        struct csv *csv = open_vectors(scalar_cases[i].file, wide, file, sizeof file);
        run_scalar(&scalar_cases[i], csv, file, wide);
        csv_close(csv);
    }
    for (size_t i = 0; i < sizeof list_cases / sizeof *list_cases; i++) {
        struct csv *csv = open_vectors(list_cases[i].file, wide, file, sizeof file);
        list_cases[i].run(csv, file, wide);
        csv_close(csv);
    }
    printf("%zu numbers compared\n", points);
}

START_TEST(inputs_of_32_bits)
{
    run_folder(0);
}
END_TEST

START_TEST(inputs_of_64_bits)
{
    run_folder(1);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {inputs_of_32_bits, inputs_of_64_bits};
    return RUN_SUITE("vectors64", tests);
}
