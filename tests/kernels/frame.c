/* SPDX-License-Identifier: BSD-2-Clause
 * Frames: arrays between guard pages, their filling and their variants.
 */
#define _GNU_SOURCE
#include "frame.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A slot of address space an array, with a page on either side that no access may reach. */
#define SLOT ((size_t)1 << 21)
#define CANARY 0x5a
#define MARGIN 256

static unsigned char *slot[MAX_ARRAYS];
static double *drawn[MAX_ARRAYS];
static long double *expected[MAX_ARRAYS][2];
#define MAX_ELEMENTS ((size_t)1 << 18)

static void *must(void *ptr)
{
    if (!ptr || ptr == MAP_FAILED) {
        perror("memory");
        exit(2);
    }
    return ptr;
}

void frame_setup(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < MAX_ARRAYS; i++) {
        unsigned char *base =
            must(mmap(NULL, SLOT + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        slot[i] = base + page;
        if (mprotect(slot[i], SLOT, PROT_READ | PROT_WRITE) != 0)
            must(NULL);
        drawn[i] = must(malloc(MAX_ELEMENTS * sizeof(double)));
        for (int k = 0; k < 2; k++)
            expected[i][k] = must(malloc(MAX_ELEMENTS * sizeof(long double)));
    }
}

/* ---- elements ---- */

static size_t size_of(enum type type)
{
    return type == F64 ? 8 : 4;
}

static double special(uint32_t word, enum type type)
{
    static const double common[] = {
        0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 0.5, 88, -104, 710, -745, 1e4, -1e4, 1e19, -1e19};
    double subnormal = type == F64 ? 0x1p-1074 : 0x1p-149, least = type == F64 ? 0x1p-1022 : 0x1p-126;
    double most = type == F64 ? 0x1.fffffffffffffp+1023 : 0x1.fffffep+127;
    const double own[] = {
        subnormal, -subnormal, least, -least, most, -most, 3 * subnormal, 1 / 1024.0 * least};
    uint32_t i = word % 24;
    return i < 16 ? common[i] : own[i - 16];
}

static double ordinary(const struct array *array, uint32_t word, size_t i, size_t j)
{
    double unit = word * 0x1p-32;
    switch (array->fill) {
    case UNIFORM:
        return array->low + (array->high - array->low) * unit;
    case POSITIVE:
        return fabs(array->low + (array->high - array->low) * unit);
    case UNIT:
        return word % 8 == 0 ? 0 : word % 8 == 1 ? 1 : unit;
    case COUNT:
        return floor(array->high * unit);
    case CHOLESKY:
        return i == j ? 0.5 + unit : j < i ? (unit - 0.5) * 0x1p-2 : (double)NAN;
    default:
        return NAN;
    }
}

/* Two words an element, independent of placement: one for its value, one for the lot that makes it
 * special. */
static void draw(const struct frame *frame, size_t index)
{
    static uint32_t word[2][MAX_ELEMENTS];
    const struct array *array = &frame->array[index];
    size_t n = array->fill == NOISE ? 0 : array->rows * array->cols;
    for (uint64_t k = 0; k < 2; k++)
        vae_kernels_named("scalar")->rng->random_u32(frame->seed, index << 8 | k, 0, n, word[k]);
    for (size_t at = 0; at < n; at++) {
        size_t i = at / array->cols, j = at % array->cols;
        double value = ordinary(array, word[0][at], i, j);
        int chosen = frame->special && array->type != U32 && word[1][at] % 4 == 3;
        if (chosen && !(array->fill == CHOLESKY && j >= i))
            value = special(word[1][at] >> 8, array->type);
        array->given[at] = array->type == F32 ? (double)(float)value : value;
    }
}

void frame_draw(struct frame *frame)
{
    for (size_t i = 0; i < frame->count; i++)
        draw(frame, i);
}

double array_given(const struct array *array, size_t i, size_t j)
{
    return array->fill == NOISE ? (double)NAN : array->given[i * array->cols + j];
}

static unsigned char *element(const struct array *array, size_t i, size_t j)
{
    return (unsigned char *)array->at + (i * array->ld + j) * size_of(array->type);
}

long double array_now(const struct array *array, size_t i, size_t j)
{
    float single;
    double twice;
    uint32_t word;
    switch (array->type) {
    case F32:
        memcpy(&single, element(array, i, j), sizeof single);
        return single;
    case F64:
        memcpy(&twice, element(array, i, j), sizeof twice);
        return twice;
    default:
        memcpy(&word, element(array, i, j), sizeof word);
        return word;
    }
}

uint64_t array_bits(const struct array *array, size_t i, size_t j)
{
    uint64_t bits = 0;
    uint32_t half;
    if (array->type == F64) {
        memcpy(&bits, element(array, i, j), sizeof bits);
        return (bits & INT64_MAX) > 0x7ff0000000000000u ? 0x7ff8000000000000u : bits;
    }
    memcpy(&half, element(array, i, j), sizeof half);
    return array->type == F32 && (half & INT32_MAX) > 0x7f800000u ? 0x7fc00000u : half;
}

static void put(struct array *array, size_t i, size_t j, double value)
{
    float single = (float)value;
    uint32_t word = array->type == U32 && value >= 0 ? (uint32_t)value : 0;
    unsigned char *at = element(array, i, j);
    if (array->type == F64)
        memcpy(at, &value, sizeof value);
    else if (array->type == F32)
        memcpy(at, &single, sizeof single);
    else
        memcpy(at, &word, sizeof word);
}

/* ---- arrays ---- */

int array_is_output(const struct array *array)
{
    return array->role == OUT || array->role == VALUE || array->role == GRAD || array->role == STATE;
}

struct array *frame_array(
    struct frame *frame, const char *name, enum type type, enum role role, size_t rows, size_t cols)
{
    struct array *array = &frame->array[frame->count];
    *array = (struct array){.name = name, .type = type, .role = role, .rows = rows, .cols = cols};
    array->want = expected[frame->count][0];
    array->largest = expected[frame->count][1];
    array->at = slot[frame->count];
    array->given = drawn[frame->count];
    frame->count++;
    return array;
}

void array_fill(struct array *array, enum fill fill, double low, double high)
{
    array->fill = fill;
    array->low = low;
    array->high = high;
}

void array_bound(struct array *array, int bits, double ulps, int floor)
{
    array->bits = bits;
    array->ulps = ulps;
    array->floor = floor;
}

void array_expect(struct array *array, size_t i, size_t j, long double value, long double largest)
{
    array->want[i * array->cols + j] = value;
    array->largest[i * array->cols + j] = largest;
}

void array_expect_added(struct array *array, size_t i, size_t j, long double value, long double largest)
{
    if (!array->at)
        return;
    long double given = array_given(array, i, j);
    array_expect(array, i, j, given + value, fmaxl(fabsl(given), largest));
}

/* ---- frames ---- */

void frame_declare(struct frame *frame)
{
    frame->count = 0;
    frame->elements = frame->n * frame->d;
    frame->kernel->arrays(frame);
}

static size_t count_of(const struct frame *frame, enum role role)
{
    size_t count = 0;
    for (size_t i = 0; i < frame->count; i++)
        count += frame->array[i].role == role;
    return count;
}

/* Gives up every array of a role but the `kept`-th. */
static void leave_out(struct frame *frame, enum role role, size_t kept)
{
    size_t seen = 0;
    for (size_t i = 0; i < frame->count; i++)
        if (frame->array[i].role == role && seen++ != kept)
            frame->array[i].at = NULL;
}

int frame_variant(struct frame *frame, unsigned variant)
{
    size_t values = count_of(frame, VALUE), grads = count_of(frame, GRAD), none = MAX_ARRAYS;
    size_t always = count_of(frame, OUT) + count_of(frame, STATE);
    switch (variant) {
    case 0:
        return 1;
    case 1:
        leave_out(frame, WEIGHT, none);
        return count_of(frame, WEIGHT) > 0;
    case 2:
        leave_out(frame, GRAD, none);
        return grads > 0 && values + always > 0;
    case 3:
        leave_out(frame, VALUE, none);
        return values > 0 && grads + always > 0;
    default:
        leave_out(frame, VALUE, none);
        leave_out(frame, WEIGHT, none);
        leave_out(frame, GRAD, variant - 4);
        return grads > 1 && variant - 4 < grads;
    }
}

/* From the first element to the last, padding of the last row not included. */
static size_t bytes_of(const struct array *array)
{
    if (array->rows == 0 || array->cols == 0)
        return 0;
    return ((array->rows - 1) * array->ld + array->cols) * size_of(array->type);
}

/* The canaries around an array, as far as its slot goes. */
static void surroundings(const struct array *array, size_t index, unsigned char **from, unsigned char **to)
{
    unsigned char *first = array->at, *last = first + bytes_of(array);
    *from = (size_t)(first - slot[index]) > MARGIN ? first - MARGIN : slot[index];
    *to = (size_t)(slot[index] + SLOT - last) > MARGIN ? last + MARGIN : slot[index] + SLOT;
}

static void place(struct frame *frame, size_t index, struct placement placement)
{
    struct array *array = &frame->array[index];
    unsigned char *from, *to;
    array->ld = array->cols + (array->rows > 1 ? placement.padding : 0);
    size_t bytes = bytes_of(array);
    if (bytes + MARGIN > SLOT || array->rows * array->cols > MAX_ELEMENTS)
        must(NULL);
    array->at =
        placement.at_end ? slot[index] + SLOT - bytes : slot[index] + placement.shift * size_of(array->type);
    surroundings(array, index, &from, &to);
    memset(from, CANARY, (size_t)(to - from));
    for (size_t i = 0; i < array->rows; i++)
        for (size_t j = 0; j < array->cols; j++)
            put(array, i, j, array_given(array, i, j));
}

void frame_place(struct frame *frame, struct placement placement)
{
    for (size_t i = 0; i < frame->count; i++)
        if (frame->array[i].at)
            place(frame, i, placement);
}

static int untouched(const struct array *array, size_t index)
{
    unsigned char *from, *to, *first = array->at, *last = first + bytes_of(array);
    surroundings(array, index, &from, &to);
    for (; from < first; from++)
        if (*from != CANARY)
            return 0;
    for (; last < to; last++)
        if (*last != CANARY)
            return 0;
    for (size_t i = 0; bytes_of(array) > 0 && i + 1 < array->rows; i++)
        for (unsigned char *at = element(array, i, array->cols); at < element(array, i + 1, 0); at++)
            if (*at != CANARY)
                return 0;
    return 1;
}

const char *frame_overrun(const struct frame *frame)
{
    for (size_t i = 0; i < frame->count; i++)
        if (frame->array[i].at && !untouched(&frame->array[i], i))
            return frame->array[i].name;
    return NULL;
}
