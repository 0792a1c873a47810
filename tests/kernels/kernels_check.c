/* SPDX-License-Identifier: BSD-2-Clause
 * The kernel tester: every kernel of one instruction set, on many shapes and placements, between guard pages.
 *
 *     kernels_check [--isa NAME] [--kernel NAME] [--seed N] [--bench] [--list]
 *
 * The bits must be those of the scalar table, for every placement and stride; the scalar table must
 * meet the bounds against references in long double. Exit status: 0 all well, 1 a failure, 2 a wrong
 * argument, 77 where the CPU or the build lacks the instruction set.
 */
#define _GNU_SOURCE
#include "bench.h"
#include "frame.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *isa;
    const struct kernel *only;
    uint64_t seed;
    int bench;
};

static const struct vae_kernels *scalar, *tested;
static size_t checks, failures;
static char running[256];

/* ---- failures ---- */

static void describe(const struct frame *f, unsigned variant, struct placement p)
{
    snprintf(running, sizeof running,
        "%s %s n=%zu d=%zu choice=%d special=%d variant=%u %s+%zu padding=%zu seed=%llu", f->kernel->name,
        tested->isa, f->n, f->d, f->choice, f->special, variant, p.at_end ? "end" : "start", p.shift,
        p.padding, (unsigned long long)f->seed);
}

static void fail(
    const char *what, const struct array *array, size_t i, size_t j, long double got, long double wanted)
{
    if (failures++ < 20)
        printf("FAIL %s: %s %s[%zu][%zu] is %.21Lg, not %.21Lg\n", running, what, array ? array->name : "", i,
            j, got, wanted);
}

static void say(const char *words)
{
    if (write(STDOUT_FILENO, words, strlen(words)) < 0)
        _exit(1);
}

/* A guard page was touched: say in which kernel, and end. */
static void trapped(int number)
{
    say(number == SIGBUS ? "FAIL bus error: " : "FAIL touched a guard page: ");
    say(running);
    say("\n");
    _exit(1);
}

/* ---- the two comparisons ---- */

static int within(const struct array *array, long double got, long double want, long double largest)
{
    if (got == want || (isnan(got) && isnan(want)))
        return 1;
    int exponent;
    frexpl(want, &exponent);
    int least = array->bits == 24 ? -149 : -1074;
    long double ulp = ldexpl(1, exponent - array->bits > least ? exponent - array->bits : least);
    long double error = fabsl(got - want);
    return error <= array->ulps * ulp || error <= ldexpl(largest, -array->floor);
}

static void check_bounds(const struct frame *f)
{
    for (size_t a = 0; a < f->count; a++) {
        const struct array *array = &f->array[a];
        if (!array->at || !array_is_output(array))
            continue;
        for (size_t i = 0; i < array->rows; i++)
            for (size_t j = 0; j < array->cols; j++) {
                size_t at = i * array->cols + j;
                long double got = array_now(array, i, j);
                if (!within(array, got, array->want[at], array->largest[at]))
                    fail("bound", array, i, j, got, array->want[at]);
            }
        checks++;
    }
}

/* What the scalar table gave, dense. */
static uint64_t *wanted_bits[MAX_ARRAYS];
#define MAX_OUTPUT ((size_t)1 << 16)

static void keep_bits(const struct frame *f)
{
    for (size_t a = 0; a < f->count; a++)
        if (f->array[a].at && array_is_output(&f->array[a]))
            for (size_t k = 0; k < f->array[a].rows * f->array[a].cols; k++)
                wanted_bits[a][k] = array_bits(&f->array[a], k / f->array[a].cols, k % f->array[a].cols);
}

static void check_bits(const struct frame *f)
{
    for (size_t a = 0; a < f->count; a++) {
        const struct array *array = &f->array[a];
        if (!array->at || !array_is_output(array))
            continue;
        for (size_t k = 0; k < array->rows * array->cols; k++) {
            uint64_t bits = array_bits(array, k / array->cols, k % array->cols);
            if (bits != wanted_bits[a][k])
                fail("bits", array, k / array->cols, k % array->cols, bits, wanted_bits[a][k]);
        }
        checks++;
    }
    const char *overrun = frame_overrun(f);
    if (overrun && failures++ < 20)
        printf("FAIL %s: wrote outside %s\n", running, overrun);
}

/* ---- the cases ---- */

static const struct placement placements[] = {{1, 0, 0}, {0, 1, 3}, {0, 3, 1}, {1, 0, 5}, {0, 0, 0}};

/* One shape, one variant, all placements. Returns 0 where there is no such variant. */
static int check_variant(struct frame *f, unsigned variant)
{
    for (size_t p = 0; p < sizeof placements / sizeof *placements; p++) {
        frame_declare(f);
        if (!frame_variant(f, variant))
            return variant < 4;
        describe(f, variant, placements[p]);
        if (p == 0) {
            frame_draw(f);
            frame_place(f, placements[p]);
            f->kernel->call(scalar, f);
            keep_bits(f);
            if (tested == scalar && !f->special) {
                f->kernel->reference(f);
                check_bounds(f);
            }
        }
        frame_place(f, placements[p]);
        f->kernel->call(tested, f);
        check_bits(f);
    }
    return 1;
}

static void check_shape(const struct kernel *kernel, size_t n, size_t d, uint64_t seed)
{
    if (d < kernel->least || (kernel->most && d > kernel->most))
        return;
    struct frame frame = {.kernel = kernel, .n = n, .d = d, .seed = seed};
    for (frame.choice = 0; frame.choice == 0 || frame.choice < kernel->choices; frame.choice++)
        for (frame.special = 0; frame.special < 2; frame.special++, frame.seed++)
            for (unsigned variant = 0; check_variant(&frame, variant); variant++)
                continue;
}

static void check_kernel(const struct kernel *kernel, const struct vae_kernels *table, uint64_t seed)
{
    static const size_t size[] = {0, 1, 7, 15, 16, 17, 31, 65, 1000}, rows[] = {1, 3, 0};
    /* Many short rows and some longer ones: kernels gather rows into tiles. */
    static const size_t many[][2] = {{40, 65}, {130, 7}, {1100, 1}, {70, 16}, {33, 31}};
    size_t before = checks;
    if (!kernel_function(kernel, table)) {
        printf("FAIL %s is not there in %s\n", kernel->name, tested->isa);
        failures++;
        return;
    }
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
            check_shape(kernel, rows[k], size[i], seed++);
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        check_shape(kernel, many[i][0], many[i][1], seed++);
    printf("%-24s %-8s %zu checks\n", kernel->name, tested->isa, checks - before);
}

/* Is the member of a family's table tested, in whichever file? */
static int is_tested(const struct family *family, size_t member)
{
    const struct kernel *kernel;
    for (size_t i = 0; (kernel = kernel_at(i)); i++)
        if (kernel->table == family->kernel[0].table && kernel->member == member * sizeof(any_function))
            return 1;
    return 0;
}

static void check_families(void)
{
    const struct family *family;
    for (size_t i = 0; (family = family_at(i)); i++)
        for (size_t member = 0; member < family->members; member++)
            if (!is_tested(family, member)) {
                printf("FAIL %s: member %zu is not tested\n", family->name, member);
                failures++;
            }
}

/* ---- arguments ---- */

static _Noreturn void usage(const char *wrong)
{
    fprintf(stderr,
        "kernels_check: %s\n"
        "usage: kernels_check [--isa NAME] [--kernel NAME] [--seed N] [--bench] [--list]\n",
        wrong);
    exit(2);
}

static const char *next(int *i, int argc, char **argv)
{
    if (++*i >= argc)
        usage("an argument is missing");
    return argv[*i];
}

static void list(void)
{
    const struct kernel *kernel;
    for (size_t i = 0; (kernel = kernel_at(i)); i++)
        puts(kernel->name);
    exit(0);
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.isa = vae_kernels_get()->isa, .seed = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--isa") == 0)
            options.isa = next(&i, argc, argv);
        else if (strcmp(argv[i], "--seed") == 0)
            options.seed = strtoull(next(&i, argc, argv), NULL, 0);
        else if (strcmp(argv[i], "--bench") == 0)
            options.bench = 1;
        else if (strcmp(argv[i], "--list") == 0)
            list();
        else if (strcmp(argv[i], "--kernel") == 0) {
            options.only = kernel_find(next(&i, argc, argv));
            if (!options.only)
                usage("no such kernel");
        } else
            usage("unknown argument");
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    scalar = vae_kernels_named("scalar");
    tested = vae_kernels_named(options.isa);
    if (!tested) {
        printf("skipped: no %s here\n", options.isa);
        return 77;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGSEGV, trapped);
    signal(SIGBUS, trapped);
    frame_setup();
    for (size_t a = 0; a < MAX_ARRAYS; a++)
        if (!(wanted_bits[a] = malloc(MAX_OUTPUT * sizeof **wanted_bits)))
            return 2;
    if (!options.only)
        check_families();
    const struct kernel *kernel;
    for (size_t i = 0; (kernel = kernel_at(i)); i++)
        if (!options.only || kernel == options.only)
            (options.bench ? bench_kernel : check_kernel)(kernel, tested, options.seed);
    if (!options.bench)
        printf("%zu checks, %zu failures\n", checks, failures);
    return failures != 0;
}
