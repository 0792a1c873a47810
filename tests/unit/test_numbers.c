/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Numbers as text: every double comes back, in the fewest digits, in any locale; the C library's
 * conversions agree.
 */
#include "../support/expect.h"
#include "../support/runner.h"

#include "files/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>

static int same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static double bits_to_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void check_round_trip(double value)
{
    char text[VAE_NUMBER_ROOM + 8], longer[64];
    double back;
    memset(text, 'x', sizeof text);
    vae_number_write(value, text);
    EXPECT(strlen(text) < VAE_NUMBER_ROOM, "%s", text);
    EXPECT(vae_number_read(text, strlen(text), &back) && same(value, back), "%a: %s", value, text);
    EXPECT(same(strtod(text, NULL), value), "%a: %s, by strtod()", value, text);
    snprintf(longer, sizeof longer, "%.20e", value);
    EXPECT(vae_number_read(longer, strlen(longer), &back) && same(value, back), "%s: %a", longer, back);
}

/* As xorshift64, by George Marsaglia. */
static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

START_TEST(doubles_come_back)
{
    static const double known[] = {1, 0.1, 0.001, 1e-8, 0.9, 0.999, 1e22, 1e23, 123456789, 0x1p-1074,
        0x1.fffffffffffffp-1023, 0x1p-1022, 0x1.fffffffffffffp1023, -1e30, 1e30, 0.3, 2.0 / 3, 1e16, 1e17,
        123456.789, 1e-5, 1e-6, 0x1p53, 0x1p63, 0x1p64, 5e-324, 9007199254740993.0, 4.35, 0.000001, 8.41e21,
        2e-308};
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        check_round_trip(known[i]);
        check_round_trip(-known[i]);
    }
    for (int e = 0; e < 2047; e++) {
        check_round_trip(bits_to_double((uint64_t)e << 52));
        check_round_trip(bits_to_double((uint64_t)e << 52 | 0xfffffffffffffu));
    }
    for (int i = 0; i < 5000; i++) {
        uint64_t bits = next(&state);
        if ((bits >> 52 & 0x7ff) != 0x7ff)
            check_round_trip(bits_to_double(bits));
    }
}
END_TEST

START_TEST(running_powers_come_back)
{
    double first = 1, second = 1;
    for (int i = 0; i < 8000; i++) {
        first *= 0.9;
        second *= 0.999;
        if (i % 20 == 0 || first < 1e-300) {
            check_round_trip(first);
            check_round_trip(second);
        }
    }
    HOLDS(first < 1e-320); /* rounded, 0.9 of the least number is that number again */
}
END_TEST

START_TEST(text_is_short)
{
    static const struct {
        double value;
        const char *text;
    } pairs[] = {{0, "0"}, {-0.0, "-0"}, {1, "1"}, {-1, "-1"}, {0.1, "0.1"}, {0.001, "0.001"},
        {1e-8, "1e-08"}, {100, "100"}, {1e30, "1e+30"}, {-1e30, "-1e+30"}, {0.25, "0.25"}, {1234.5, "1234.5"},
        {1e-5, "0.00001"}, {1.5e-7, "1.5e-07"}, {1e100, "1e+100"}, {0.1 + 0.2, "0.30000000000000004"},
        {1e16, "10000000000000000"}, {123456789012, "123456789012"}};
    char text[VAE_NUMBER_ROOM];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        vae_number_write(pairs[i].value, text);
        EXPECT(strcmp(text, pairs[i].text) == 0, "%s, not %s", text, pairs[i].text);
    }
    vae_number_write((double)NAN, text);
    HOLDS(strcmp(text, "nan") == 0);
    vae_number_write((double)INFINITY, text);
    HOLDS(strcmp(text, "inf") == 0);
    vae_number_write(-(double)INFINITY, text);
    HOLDS(strcmp(text, "-inf") == 0);
}
END_TEST

static int read_text(const char *text, double *value)
{
    return vae_number_read(text, strlen(text), value);
}

/* Halfway cases go to the even one, as IEEE 754 has it. */
START_TEST(reading_rounds_to_the_nearest)
{
    uint64_t state = 1234567;
    double value;
    HOLDS(read_text("9007199254740993", &value) && value == 9007199254740992.0);
    HOLDS(read_text("9007199254740993.0000000000000000000000000000000000001", &value) &&
          value == 9007199254740994.0);
    HOLDS(read_text("9007199254740995", &value) && value == 9007199254740996.0);
    HOLDS(read_text("2.4703282292062327e-324", &value) && value == 0);
    HOLDS(read_text("2.4703282292062328e-324", &value) && value == 0x1p-1074);
    HOLDS(read_text("1.7976931348623158e308", &value) && value == 0x1.fffffffffffffp1023);
    HOLDS(read_text("1e-99999999999", &value) && value == 0);
    HOLDS(read_text("0e99999999999", &value) && value == 0);
    for (int i = 0; i < 5000; i++) {
        char text[64];
        uint64_t a = next(&state), b = next(&state);
        snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)(a % 1000000007),
            (unsigned long long)b, (int)(a >> 32) % 330);
        double expected = strtod(text, NULL);
        if (expected - expected != 0)
            EXPECT(!read_text(text, &value), "%s", text);
        else
            EXPECT(read_text(text, &value) && same(value, expected), "%s: %a, not %a", text, value, expected);
    }
}
END_TEST

START_TEST(what_overflows_is_refused)
{
    double value;
    HOLDS(!read_text("1e309", &value) && !read_text("-1e309", &value) &&
          !read_text("1e99999999999999", &value));
    HOLDS(!read_text("1.7976931348623159e308", &value) && !read_text("1e1000", &value));
    HOLDS(!read_text("0.00000000000000000000000000000000000000000000000000000000000000001", &value));
}
END_TEST

/* Where the system has a locale with a decimal comma. */
START_TEST(locales_do_not_matter)
{
    char text[VAE_NUMBER_ROOM];
    double value;
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        setlocale(LC_ALL, "fr_FR.UTF-8");
    vae_number_write(0.5, text);
    HOLDS(strcmp(text, "0.5") == 0 && read_text("0.5", &value) && value == 0.5);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {doubles_come_back, running_powers_come_back, text_is_short,
        reading_rounds_to_the_nearest, what_overflows_is_refused, locales_do_not_matter};
    return RUN_SUITE("numbers", tests);
}
