/* SPDX-License-Identifier: BSD-2-Clause
 * The table of docs/numerics.md, in Markdown: worst errors against the reference vectors of the folders
 * named, for the float32 and the float64 functions and for the expressions of the textbook in float32 on the
 * same float32 inputs.
 *
 *     error_table FOLDER...
 *
 * Errors are real ones in ULP of the right format. A number that is below a 16th of the largest term of its
 * sum has lost digits by cancelling, whoever computes it: there the error counts as a share of that term, and
 * only there.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vae/vae.h>

#include "../support/csv.h"
#include "../support/ulp.h"
#include "textbook32.h"

enum { MAX_INPUTS = 4, MAX_OUTPUTS = 5, MAX_LIST = 1 << 14 };

/* ---- what is compared ---- */

static void check(int status)
{
    if (status) {
        fprintf(stderr, "error_table: %s\n", vae_last_error());
        exit(1);
    }
}

/* The functions of both precisions: in[] one element each, out[] the value, then the gradients. */
#define ELEMENTS(REAL, SUFFIX, NAME)                                                                         \
    static void kl_diag_##SUFFIX(const REAL *in, REAL *out)                                                  \
    {                                                                                                        \
        check(NAME(kl_diag_gauss_grad)(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1, out + 2, 1));          \
    }                                                                                                        \
    static void kl_pair_##SUFFIX(const REAL *in, REAL *out)                                                  \
    {                                                                                                        \
        check(NAME(kl_diag_gauss_pair_grad)(1, 1, in, 1, in + 1, 1, in + 2, 1, in + 3, 1, NULL, out,         \
            out + 1, 1, out + 2, 1, out + 3, 1, out + 4, 1));                                                \
    }                                                                                                        \
    static void gauss_##SUFFIX(const REAL *in, REAL *out)                                                    \
    {                                                                                                        \
        check(                                                                                               \
            NAME(loglik_gauss_grad)(1, 1, in, 1, in + 1, 1, in + 2, 1, NULL, out, out + 1, 1, out + 2, 1));  \
    }                                                                                                        \
    static void std_normal_##SUFFIX(const REAL *in, REAL *out)                                               \
    {                                                                                                        \
        check(NAME(loglik_std_normal_grad)(1, 1, in, 1, NULL, out, out + 1, 1));                             \
    }                                                                                                        \
    static void laplace_##SUFFIX(const REAL *in, REAL *out)                                                  \
    {                                                                                                        \
        check(NAME(loglik_laplace_grad)(                                                                     \
            1, 1, in, 1, in + 1, 1, in + 2, 1, NULL, out, out + 1, 1, out + 2, 1));                          \
    }                                                                                                        \
    static void bernoulli_##SUFFIX(const REAL *in, REAL *out)                                                \
    {                                                                                                        \
        check(NAME(loglik_bernoulli_grad)(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1));                   \
    }                                                                                                        \
    static void cbernoulli_##SUFFIX(const REAL *in, REAL *out)                                               \
    {                                                                                                        \
        check(NAME(loglik_cbernoulli_grad)(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1));                  \
    }                                                                                                        \
    static void poisson_##SUFFIX(const REAL *in, REAL *out)                                                  \
    {                                                                                                        \
        check(NAME(loglik_poisson_grad)(1, 1, in, 1, in + 1, 1, NULL, out, out + 1, 1));                     \
    }                                                                                                        \
    static void reparam_##SUFFIX(const REAL *in, REAL *out)                                                  \
    {                                                                                                        \
        const REAL one = 1;                                                                                  \
        check(NAME(reparam)(1, 1, in, 1, in + 1, 1, in + 2, 1, out, 1));                                     \
        check(NAME(reparam_grad)(1, 1, in + 1, 1, in + 2, 1, &one, 1, NULL, 0, out + 1, 1));                 \
    }                                                                                                        \
    /* lists: in[] as the columns stand, out[0] the value, then one list */                                  \
    static void kl_rows_##SUFFIX(size_t d, const REAL *const *in, uint32_t label, REAL *out, REAL *list)     \
    {                                                                                                        \
        (void)label, (void)list;                                                                             \
        check(NAME(kl_diag_gauss)(1, d, in[0], d, in[1], d, out));                                           \
    }                                                                                                        \
    static void categorical_##SUFFIX(size_t k, const REAL *const *in, uint32_t label, REAL *out, REAL *list) \
    {                                                                                                        \
        memset(list, 0, k * sizeof *list);                                                                   \
        check(NAME(loglik_categorical_grad)(1, k, &label, in[0], k, NULL, out, list, k));                    \
    }                                                                                                        \
    static void logmeanexp_##SUFFIX(size_t k, const REAL *const *in, uint32_t label, REAL *out, REAL *list)  \
    {                                                                                                        \
        (void)label;                                                                                         \
        check(NAME(logmeanexp)(1, k, in[0], k, out, list, k));                                               \
    }                                                                                                        \
    static void kl_full_##SUFFIX(size_t d, const REAL *const *in, uint32_t label, REAL *out, REAL *list)     \
    {                                                                                                        \
        size_t size = vae_kl_gauss_work(d);                                                                  \
        void *work = malloc(size);                                                                           \
        (void)label, (void)list;                                                                             \
        check(NAME(kl_gauss)(d, in[0], in[1], d, in[2], in[3], d, work, size, out));                         \
        free(work);                                                                                          \
    }
#define NAME_F32(name) vae_##name
#define NAME_F64(name) vae_##name##_f64
ELEMENTS(float, f32, NAME_F32)
ELEMENTS(double, f64, NAME_F64)

struct element {
    const char *file, *input[MAX_INPUTS], *output[MAX_OUTPUTS], *name[MAX_OUTPUTS];
    void (*f32)(const float *in, float *out);
    void (*f64)(const double *in, double *out);
    void (*textbook)(const float *in, float *out);
};

#define THREE(name) name##_f32, name##_f64, name##_textbook
static const struct element elements[] = {
    {"a_kl_std", {"mu", "lv"}, {"kl", "dmu", "dlv"}, {"`kl_diag_gauss`", "dmu", "dlogvar"}, THREE(kl_diag)},
    {"b_kl_diag", {"m1", "lv1", "m2", "lv2"}, {"kl", "dm1", "dlv1", "dm2", "dlv2"},
        {"`kl_diag_gauss_pair`", "dmu_q", "dlogvar_q", "dmu_p", "dlogvar_p"}, THREE(kl_pair)},
    {"f_reparam", {"mu", "lv", "eps"}, {"z", "dlv"}, {"`reparam`", "dlogvar"}, THREE(reparam)},
    {"d_bernoulli", {"x", "l"}, {"lp", "dl"}, {"`loglik_bernoulli`", "dlogits"}, THREE(bernoulli)},
    {"d_cb_logits", {"x", "l"}, {"lp", "dl"}, {"`loglik_cbernoulli`", "dlogits"}, THREE(cbernoulli)},
    {"d_normal_logpdf", {"x", "mu", "lv"}, {"lp", "dmu", "dlv"}, {"`loglik_gauss`", "dmean", "dlogvar"},
        THREE(gauss)},
    {"d_std_normal", {"z"}, {"lp", "dz"}, {"`loglik_std_normal`", "dz"}, THREE(std_normal)},
    {"d_laplace", {"x", "mu", "s"}, {"lp", "dmu", "ds"}, {"`loglik_laplace`", "dmean", "dlogscale"},
        THREE(laplace)},
    {"d_poisson", {"k", "eta"}, {"lp", "deta"}, {"`loglik_poisson`", "dlograte"}, THREE(poisson)},
};

struct list {
    const char *file, *input[MAX_INPUTS], *output[2], *mag, *name[2];
    void (*f32)(size_t n, const float *const *in, uint32_t label, float *out, float *list);
    void (*f64)(size_t n, const double *const *in, uint32_t label, double *out, double *list);
    void (*textbook)(size_t n, const float *const *in, uint32_t label, float *out, float *list);
};

static const struct list lists[] = {
    {"a_kl_std_rows", {"mu", "lv"}, {"kl"}, NULL, {"`kl_diag_gauss`, rows of 1 to 1,000"}, THREE(kl_rows)},
    {"c_kl_full", {"m1", "L1", "m2", "L2"}, {"kl"}, NULL, {"`kl_gauss`"}, THREE(kl_full)},
    {"d_log_softmax", {"x"}, {"lp", "grad"}, NULL, {"`loglik_categorical`", "dlogits"}, THREE(categorical)},
    {"d_iwae_lme", {"w"}, {"lme", "wt"}, "mag", {"`logmeanexp`", "weights"}, THREE(logmeanexp)},
};

/* ---- errors ---- */

struct worst {
    size_t count, cancelling;
    size_t lost,
        odd; /* off by more than 8 ULP without cancelling; infinite or NaN where a number should be */
    double ulp;
    long double share; /* of the largest term, where it cancels */
};

static void note(struct worst *w, double error, long double got, long double want, long double mag)
{
    w->count++;
    if (mag > 0.0L && fabsl(want) < mag / 16.0L) {
        long double share = isfinite(got) ? fabsl(got - want) / mag : (long double)INFINITY;
        w->cancelling++;
        w->share = share > w->share ? share : w->share;
        return;
    }
    w->odd += isinf(error) != 0;
    w->ulp = !isinf(error) && error > w->ulp ? error : w->ulp;
    w->lost += error > 8.0;
}

enum { OURS32, OURS64, TEXTBOOK, WAYS };

static void note32(struct worst *w, float got, long double want, long double mag)
{
    note(w, ulp_error32(got, want), got, want, mag);
}

static void print_error(const struct worst *w)
{
    printf(w->ulp < 1000.0 ? " %.3f%s" : " %.1e%s", w->ulp, w->odd ? ", inf or NaN" : "");
}

static void print_share(const struct worst *w)
{
    if (w->cancelling && w->share > 0.0L)
        printf(", 2^%.0f", (double)ceill(log2l(w->share)));
}

static void print_row(const char *name, const struct worst w[WAYS])
{
    printf("| %s | %zu |", name, w[OURS32].count);
    print_error(&w[OURS32]);
    print_share(&w[OURS32]);
    printf(" | %zu |", w[OURS64].count);
    print_error(&w[OURS64]);
    print_share(&w[OURS64]);
    printf(" |");
    print_error(&w[TEXTBOOK]);
    printf(" | %.0f %% |\n", 100.0 * (double)w[TEXTBOOK].lost / (double)w[TEXTBOOK].count);
}

/* ---- files ---- */

static const char *field(const struct csv *csv, size_t row, const char *column, const char *suffix)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", column, suffix);
    return csv_field(csv, row, name);
}

static long double decimal(const char *text)
{
    long double value = 0.0L;
    if (text)
        csv_decimals(text, &value, 1);
    return value;
}

static struct csv *open_csv(const char *folder, const char *file, int wide)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s.csv", file, wide ? "_in64" : "");
    return csv_open(folder, name);
}

static void element_row(
    const struct element *e, const struct csv *csv, size_t row, int wide, struct worst w[][WAYS])
{
    float in32[MAX_INPUTS] = {0}, out32[MAX_OUTPUTS] = {0}, book[MAX_OUTPUTS] = {0};
    double in64[MAX_INPUTS] = {0}, out64[MAX_OUTPUTS] = {0};
    for (int i = 0; i < MAX_INPUTS && e->input[i]; i++) {
        const char *text = field(csv, row, e->input[i], "_hex");
        if (wide) {
            csv_hex64(text, &in64[i], 1);
        } else {
            csv_hex32(text, &in32[i], 1);
            in64[i] = in32[i];
        }
    }
    e->f64(in64, out64);
    e->f32(in32, out32);
    e->textbook(in32, book);
    for (int o = 0; o < MAX_OUTPUTS && e->output[o]; o++) {
        long double want = decimal(field(csv, row, e->output[o], ""));
        long double mag = decimal(field(csv, row, e->output[o], "_mag"));
        note(&w[o][OURS64], ulp_error64(out64[o], want), out64[o], want, mag);
        if (!wide) {
            note32(&w[o][OURS32], out32[o], want, mag);
            note32(&w[o][TEXTBOOK], book[o], want, mag);
        }
    }
}

static void run_element(const struct element *e, int folders, char **folder)
{
    struct worst w[MAX_OUTPUTS][WAYS] = {{{0}}};
    for (int f = 0; f < 2 * folders; f++) {
        struct csv *csv = open_csv(folder[f / 2], e->file, f % 2);
        if (!csv)
            continue;
        for (size_t row = 0; row < csv_rows(csv); row++)
            element_row(e, csv, row, f % 2, w);
        csv_close(csv);
    }
    for (int o = 0; o < MAX_OUTPUTS && e->output[o]; o++)
        print_row(e->name[o], w[o]);
}

static float in32[MAX_INPUTS][MAX_LIST], list32[MAX_LIST], book_list[MAX_LIST];
static double in64[MAX_INPUTS][MAX_LIST], list64[MAX_LIST];
static long double want_list[MAX_LIST];

static size_t read_lists(const struct list *e, const struct csv *csv, size_t row, int wide)
{
    size_t first = 0;
    for (int i = 0; i < MAX_INPUTS && e->input[i]; i++) {
        const char *text = field(csv, row, e->input[i], "_hex");
        size_t n = wide ? csv_hex64(text, in64[i], MAX_LIST) : csv_hex32(text, in32[i], MAX_LIST);
        for (size_t j = 0; j < n && !wide; j++)
            in64[i][j] = in32[i][j];
        first = i ? first : n;
    }
    return first;
}

static void list_row(
    const struct list *e, const struct csv *csv, size_t row, int wide, struct worst w[][WAYS])
{
    const float *narrow[MAX_INPUTS] = {in32[0], in32[1], in32[2], in32[3]};
    const double *broad[MAX_INPUTS] = {in64[0], in64[1], in64[2], in64[3]};
    size_t n = read_lists(e, csv, row, wide);
    uint32_t label = (uint32_t)decimal(csv_field(csv, row, "t"));
    float out32 = 0, book = 0;
    double out64 = 0;
    e->f64(n, broad, label, &out64, list64);
    long double want = decimal(csv_field(csv, row, e->output[0])),
                mag = e->mag ? decimal(csv_field(csv, row, e->mag)) : 0;
    note(&w[0][OURS64], ulp_error64(out64, want), out64, want, mag);
    size_t count = e->output[1] ? csv_decimals(csv_field(csv, row, e->output[1]), want_list, MAX_LIST) : 0;
    for (size_t j = 0; j < count; j++)
        note(&w[1][OURS64], ulp_error64(list64[j], want_list[j]), list64[j], want_list[j], 0);
    if (wide)
        return;
    e->f32(n, narrow, label, &out32, list32);
    e->textbook(n, narrow, label, &book, book_list);
    note32(&w[0][OURS32], out32, want, mag);
    note32(&w[0][TEXTBOOK], book, want, mag);
    for (size_t j = 0; j < count; j++) {
        note32(&w[1][OURS32], list32[j], want_list[j], 0);
        note32(&w[1][TEXTBOOK], book_list[j], want_list[j], 0);
    }
}

static void run_list(const struct list *e, int folders, char **folder)
{
    struct worst w[2][WAYS] = {{{0}}};
    for (int f = 0; f < 2 * folders; f++) {
        struct csv *csv = open_csv(folder[f / 2], e->file, f % 2);
        if (!csv)
            continue;
        for (size_t row = 0; row < csv_rows(csv); row++)
            list_row(e, csv, row, f % 2, w);
        csv_close(csv);
    }
    for (int o = 0; o < 2 && e->output[o]; o++)
        print_row(e->name[o], w[o]);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: error_table FOLDER...\n");
        return 2;
    }
    printf("| | points | float32 | points | float64 | textbook, float32 | of it off by > 8 ULP |\n");
    printf("|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        run_element(&elements[i], argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        run_list(&lists[i], argc - 1, argv + 1);
    return 0;
}
