/* SPDX-License-Identifier: BSD-2-Clause
 * Real numbers as decimal text, exactly and in every locale: printf() and strtod() depend on it.
 *
 * Both directions go by a fixed-point decimal number that is wide enough for every double without rounding,
 * and that is doubled and halved until it has the size that is needed.
 */
#include "number.h"

#include <stdint.h>
#include <string.h>

/* Words of nine digits: 2^1024 has 309 digits, 2^-1074 has 1074 behind the point. */
#define BASE 1000000000u
#define WHOLE 35
#define WORDS (WHOLE + 120)
#define MOST_TEXT 64
#define MOST_DIGITS 17

struct decimal {
    uint32_t word[WORDS]; /* the most significant first; the point is before word[WHOLE] */
};

/* By 2^bits, bits <= 29. */
static void multiply(struct decimal *d, int bits)
{
    uint64_t carry = 0;
    for (size_t i = WORDS; i-- > 0;) {
        carry += (uint64_t)d->word[i] << bits;
        d->word[i] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
}

static void divide(struct decimal *d, int bits)
{
    uint64_t rest = 0;
    for (size_t i = 0; i < WORDS; i++) {
        rest = rest * BASE + d->word[i];
        d->word[i] = (uint32_t)(rest >> bits);
        rest &= ((uint64_t)1 << bits) - 1;
    }
}

/* By 2^exponent. */
static void scale(struct decimal *d, int exponent)
{
    for (int step; exponent != 0; exponent -= step) {
        step = exponent > 29 ? 29 : exponent < -29 ? -29 : exponent;
        if (step > 0)
            multiply(d, step);
        else
            divide(d, -step);
    }
}

static int is_zero(const struct decimal *d, size_t first)
{
    while (first < WORDS && d->word[first] == 0)
        first++;
    return first == WORDS;
}

/* The whole part, UINT64_MAX where it is 10^18 or more. */
static uint64_t whole_part(const struct decimal *d)
{
    for (size_t i = 0; i < WHOLE - 2; i++)
        if (d->word[i] != 0)
            return UINT64_MAX;
    return (uint64_t)d->word[WHOLE - 2] * BASE + d->word[WHOLE - 1];
}

/* ---- reading ---- */

/* Bits to double by, or to halve where negative, towards a whole part of 53 bits. */
static int bits_missing(uint64_t whole)
{
    int bits = 0;
    if (whole == UINT64_MAX)
        return -29;
    while (whole >> bits != 0)
        bits++;
    return 53 - bits > 29 ? 29 : 53 - bits;
}

/* The nearest double; 0 where there is none. */
static int to_double(struct decimal *d, double *value)
{
    int exponent = 0;
    if (is_zero(d, 0)) {
        *value = 0;
        return 1;
    }
    for (int bits; (bits = bits_missing(whole_part(d))) != 0 && exponent > -1074; exponent -= bits) {
        if (exponent - bits < -1074)
            bits = exponent + 1074;
        scale(d, bits);
    }
    uint64_t mantissa = whole_part(d), half = BASE / 2, bits;
    if (d->word[WHOLE] > half || (d->word[WHOLE] == half && (!is_zero(d, WHOLE + 1) || mantissa & 1)))
        mantissa++;
    if (mantissa >> 53) {
        mantissa >>= 1;
        exponent++;
    }
    if (exponent > 971)
        return 0;
    bits = mantissa >> 52 ? (uint64_t)(exponent + 1075) << 52 | (mantissa & ~((uint64_t)1 << 52)) : mantissa;
    memcpy(value, &bits, sizeof *value);
    return 1;
}

/* Adds a digit times 10^place; what is far beyond a double's range is left out. */
static int add_digit(struct decimal *d, unsigned digit, long place)
{
    uint32_t power = 1;
    long word = WHOLE - 1 - (place >= 0 ? place / 9 : -((8 - place) / 9));
    for (long i = place + 9 * (word - (WHOLE - 1)); i > 0; i--)
        power *= 10;
    if (digit == 0 || word >= WORDS)
        return 1;
    if (word < 0)
        return 0;
    d->word[word] += digit * power;
    return 1;
}

/* The exponent behind e, as far as it matters. */
static long exponent_of(const char *at, const char *end)
{
    long value = 0;
    int negative = at < end && *at == '-';
    for (at += at < end && (*at == '-' || *at == '+'); at < end; at++)
        value = value > 9999 ? value : 10 * value + (*at - '0');
    return negative ? -value : value;
}

int vae_number_read(const char *text, size_t size, double *value)
{
    struct decimal d = {{0}};
    const char *end = text + size, *at = text + (size > 0 && *text == '-'), *mark = at;
    long place = -1;
    if (size > MOST_TEXT)
        return 0;
    while (mark < end && *mark != 'e' && *mark != 'E')
        mark++;
    for (const char *p = at; p < mark && *p != '.'; p++)
        place++;
    place += mark < end ? exponent_of(mark + 1, end) : 0;
    for (; at < mark; at++)
        if (*at != '.' && !add_digit(&d, (unsigned)(*at - '0'), place--))
            return 0;
    if (!to_double(&d, value))
        return 0;
    if (*text == '-')
        *value = -*value;
    return 1;
}

/* ---- writing ---- */

/* Digits, the first one not 0, with the place of the first one. */
struct digits {
    char digit[MOST_DIGITS + 1];
    int count, place;
};

static struct decimal from_double(uint64_t bits)
{
    struct decimal d = {{0}};
    int exponent = (int)(bits >> 52 & 0x7ff);
    uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1);
    if (exponent > 0)
        mantissa |= (uint64_t)1 << 52;
    d.word[WHOLE - 2] = (uint32_t)(mantissa / BASE);
    d.word[WHOLE - 1] = (uint32_t)(mantissa % BASE);
    scale(&d, (exponent > 0 ? exponent : 1) - 1075);
    return d;
}

/* The first `count` digits of a number that is not 0, rounded. */
static struct digits round_to(const struct decimal *d, int count)
{
    struct digits r = {.count = count};
    char all[4 * 9];
    size_t first = 0, lead = 0;
    while (d->word[first] == 0)
        first++;
    for (size_t i = 0; i < sizeof all; i++) {
        uint32_t word = first + i / 9 < WORDS ? d->word[first + i / 9] : 0;
        for (size_t k = i % 9; k < 8; k++)
            word /= 10;
        all[i] = (char)(word % 10);
    }
    while (all[lead] == 0)
        lead++;
    r.place = 9 * (WHOLE - (int)first) - 1 - (int)lead;
    memcpy(r.digit, all + lead, (size_t)count);
    size_t next = lead + (size_t)count, rest = next + 1;
    while (rest < sizeof all && all[rest] == 0)
        rest++;
    int beyond = rest < sizeof all || (first + 4 < WORDS && !is_zero(d, first + 4));
    int up = all[next] > 5 || (all[next] == 5 && (beyond || r.digit[count - 1] % 2));
    for (int i = count; up && i-- > 0;) {
        up = r.digit[i] == 9;
        r.digit[i] = (char)(up ? 0 : r.digit[i] + 1);
    }
    if (up) {
        r.digit[0] = 1;
        r.place++;
    }
    return r;
}

/* As 0.0012, 120 or 1.2e-07. */
static void put(const struct digits *r, int negative, char *to)
{
    int plain = r->place >= -5 && r->place < MOST_DIGITS, point = plain ? r->place : 0;
    if (negative)
        *to++ = '-';
    for (int i = point < 0 ? point : 0; i < r->count || i <= point; i++) {
        if (i == point + 1)
            *to++ = '.';
        *to++ = (char)('0' + (i >= 0 && i < r->count ? r->digit[i] : 0));
    }
    if (!plain) {
        int exponent = r->place < 0 ? -r->place : r->place;
        *to++ = 'e';
        *to++ = r->place < 0 ? '-' : '+';
        if (exponent > 99)
            *to++ = (char)('0' + exponent / 100);
        *to++ = (char)('0' + exponent / 10 % 10);
        *to++ = (char)('0' + exponent % 10);
    }
    *to = 0;
}

/* Different decimal numbers of 15 digits are different doubles: rounded to 15, a number that needs fewer ends
 * in zeros. 17 digits are enough for all. */
static void write_shortest(uint64_t bits, int negative, char *text)
{
    struct decimal d = from_double(bits);
    uint64_t read_bits = ~bits;
    for (int count = 15; count <= MOST_DIGITS && read_bits != bits; count++) {
        struct digits r = round_to(&d, count);
        double read;
        while (r.count > 1 && r.digit[r.count - 1] == 0)
            r.count--;
        put(&r, negative, text);
        if (vae_number_read(text, strlen(text), &read))
            memcpy(&read_bits, &read, sizeof read_bits);
    }
}

void vae_number_write(double value, char text[VAE_NUMBER_ROOM])
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int negative = bits >> 63 != 0;
    if (value != value)
        strcpy(text, "nan");
    else if (value - value != 0)
        strcpy(text, negative ? "-inf" : "inf");
    else if (value == 0)
        strcpy(text, negative ? "-0" : "0");
    else
        write_shortest(bits, negative, text);
}
