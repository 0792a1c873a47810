/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The JSON reader: what the grammar has and nothing else, text of any kind, bounds of memory.
 */
#include "../support/expect.h"
#include "../support/runner.h"

#include "files/json.h"

#include <stdio.h>

/* A copy without anything behind it, so that a sanitizer sees a byte too many. */
static int accepts_bytes(const char *text, size_t size)
{
    struct vae_json json;
    char *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, text, size);
    vae_json_open(&json, copy, size);
    int read = vae_json_skip(&json) && vae_json_close(&json);
    HOLDS(read == !json.fault);
    HOLDS(json.at >= copy && json.at <= copy + size);
    free(copy);
    return read;
}

static int accepts(const char *text)
{
    return accepts_bytes(text, strlen(text));
}

START_TEST(valid_text_is_read)
{
    static const char *const texts[] = {"null", "true", "false", "0", "-0", "12", "-12.5", "1e5", "1E-5",
        "1.0e+5", "\"\"", "\"a\"", "[]", "{}", "[1]", "[1,2,[3]]", "{\"a\":1}",
        "{\"a\":{\"b\":[]},\"c\":null}", " \t\r\n[ 1 , 2 ] \n", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\"", "\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00\"", "\"\xc3\xa9\"", "\"\xe2\x82\xac\"",
        "\"\xf0\x9f\x98\x80\"", "\"\x7f\"", "[[[[[[]]]]]]", "{\"a\":[{},[],\"\"]}", "\"\xef\xbf\xbf\"",
        "\"\xf4\x8f\xbf\xbf\"", "\"\xed\x9f\xbf\"", "\"\xee\x80\x80\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        EXPECT(accepts(texts[i]), "%s", texts[i]);
}
END_TEST

START_TEST(anything_else_is_a_fault)
{
    static const char *const texts[] = {"", " ", "nul", "nullx", "True", "+1", "01", "-", "-a", "1.", ".5",
        "1e", "1e+", "0x1", "1 2", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", "{\"a\"",
        "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
        "[1}", "{\"a\":1]", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u\"", "\"\\u12\"", "\"\\u123g\"",
        "\"\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "'a'", "\"\n\"", "\"\x1f\"",
        "\"\x80\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xc1\xbf\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"",
        "\"\xf0\x80\x80\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xff\"", "\"\xe2\x82\"",
        "\"\xe2\x82x\"", "\xef\xbb\xbf{}", "[]]", "{}{}", "[1]x", "//", "[1/**/]", "NaN", "Infinity", "\"\\",
        "\"\\u", "\"\\ud83d\\u", "tru", "\"\\ud83d\\ude0\"", "-01", "1.e5", "\x01"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        EXPECT(!accepts(texts[i]), "%s", texts[i]);
    EXPECT(!accepts_bytes("1\0", 2), "a NUL behind the end");
    EXPECT(!accepts_bytes("\"\0\"", 3), "a NUL in a string");
    EXPECT(!accepts_bytes("tr\0e", 4), "a NUL in a word");
}
END_TEST

START_TEST(every_prefix_of_valid_text_is_a_fault)
{
    static const char text[] =
        "{\"a\":[1,2.5e-3,true,null,\"\\u00e9\\ud83d\\ude00\xf0\x9f\x98\x80\"],\"b\":{\"c\":{}}}";
    for (size_t n = 0; n + 1 < sizeof text; n++)
        EXPECT(!accepts_bytes(text, n), "%zu", n);
    HOLDS(accepts_bytes(text, sizeof text - 1));
}
END_TEST

/* Any byte in place of any other: nothing is read that is not there, and what is accepted is UTF-8. */
START_TEST(every_byte_may_be_wrong)
{
    static const char text[] = "{\"a\":[-1,2.5e-3,true,\"\\u00e9\\n\xe2\x82\xac\"],\"b\":{}}";
    char changed[sizeof text];
    for (size_t i = 0; i + 1 < sizeof text; i++)
        for (int c = 0; c < 256; c++) {
            memcpy(changed, text, sizeof text);
            changed[i] = (char)c;
            accepts_bytes(changed, sizeof text - 1);
        }
}
END_TEST

static int nested(int depth, char open, char close)
{
    char text[600];
    memset(text, open, (size_t)depth);
    memset(text + depth, close, (size_t)depth);
    return accepts_bytes(text, 2 * (size_t)depth);
}

START_TEST(depth_has_a_limit)
{
    HOLDS(nested(128, '[', ']'));
    HOLDS(!nested(129, '[', ']'));
    HOLDS(!nested(300, '[', ']'));
    char *text = malloc(1000000);
    memset(text, '[', 1000000);
    HOLDS(!accepts_bytes(text, 1000000));
    free(text);
}
END_TEST

static struct vae_json_string string_of(struct vae_json *json, const char *text)
{
    struct vae_json_string string;
    vae_json_open(json, text, strlen(text));
    EXPECT(vae_json_text(json, &string), "%s: %s", text, json->fault);
    return string;
}

START_TEST(strings_are_decoded)
{
    static const struct {
        const char *json, *text;
    } pairs[] = {{"\"\"", ""}, {"\"a\\\"b\"", "a\"b"}, {"\"\\\\\\/\\b\\f\\n\\r\\t\"", "\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\"", "A\xc3\xa9"}, {"\"\\u20ac\"", "\xe2\x82\xac"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"}, {"\"\xf0\x9f\x98\x80x\"", "\xf0\x9f\x98\x80x"},
        {"\"\\uffff\"", "\xef\xbf\xbf"}, {"\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf"}};
    struct vae_json json;
    char out[32];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct vae_json_string string = string_of(&json, pairs[i].json);
        HOLDS(vae_json_decode(&string, out, sizeof out) == strlen(pairs[i].text));
        EXPECT(strcmp(out, pairs[i].text) == 0, "%s", pairs[i].json);
        HOLDS(vae_json_close(&json));
    }
    struct vae_json_string nul = string_of(&json, "\"a\\u0000b\"");
    HOLDS(vae_json_decode(&nul, out, sizeof out) == 3 && memcmp(out, "a\0b", 4) == 0);
}
END_TEST

/* As many whole characters as fit, and always a NUL. */
START_TEST(decoding_keeps_to_its_room)
{
    static const size_t kept[] = {0, 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    struct vae_json json;
    struct vae_json_string string = string_of(&json, "\"a\\u00e9\xe2\x82\xac\\ud83d\\ude00\"");
    for (size_t room = 1; room < sizeof kept / sizeof *kept; room++) {
        char *out = malloc(room);
        HOLDS(vae_json_decode(&string, out, room) == 10);
        EXPECT(strlen(out) == kept[room], "room %zu: %zu", room, strlen(out));
        free(out);
    }
}
END_TEST

START_TEST(strings_compare_by_what_they_mean)
{
    static const char *const in_order[] = {"\"\"", "\"\\u0000\"", "\"A\"", "\"a\"", "\"a\\u0000\"", "\"aa\"",
        "\"b\"", "\"\\u00e9\"", "\"\xe2\x82\xac\"", "\"\\uffff\"", "\"\xf0\x9f\x98\x80\""};
    struct vae_json json;
    size_t n = sizeof in_order / sizeof *in_order;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            struct vae_json_string a = string_of(&json, in_order[i]), b = string_of(&json, in_order[k]);
            int order = vae_json_compare(&a, &b);
            EXPECT((order > 0) - (order < 0) == (i > k) - (i < k), "%s, %s", in_order[i], in_order[k]);
        }
    struct vae_json_string a = string_of(&json, "\"\\u0061b\"");
    HOLDS(vae_json_is(&a, "ab") && !vae_json_is(&a, "abc") && !vae_json_is(&a, "a") && !vae_json_is(&a, ""));
}
END_TEST

static int natural(const char *text, uint64_t *value)
{
    struct vae_json json;
    vae_json_open(&json, text, strlen(text));
    return vae_json_natural(&json, value) && vae_json_close(&json);
}

START_TEST(whole_numbers_are_exact)
{
    static const char *const faults[] = {
        "-1", "-0", "1.0", "1e3", "18446744073709551616", "99999999999999999999", "", "\"1\"", "true"};
    uint64_t value;
    HOLDS(natural("0", &value) && value == 0);
    HOLDS(natural(" 1234567890123456789 ", &value) && value == 1234567890123456789u);
    HOLDS(natural("18446744073709551615", &value) && value == UINT64_MAX);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        EXPECT(!natural(faults[i], &value), "%s", faults[i]);
}
END_TEST

START_TEST(elements_are_walked)
{
    static const char text[] = " { \"a\" : [ 1 , 22 , 333 ] , \"b\" : [ ] } ";
    struct vae_json json;
    struct vae_json_string key;
    uint64_t sum = 0, value;
    size_t keys = 0, elements = 0;
    vae_json_open(&json, text, sizeof text - 1);
    for (int more = vae_json_enter(&json, '{'); more; more = vae_json_more(&json, '}'), keys++) {
        HOLDS(vae_json_key(&json, &key));
        for (int inner = vae_json_enter(&json, '['); inner; inner = vae_json_more(&json, ']'), elements++)
            sum += vae_json_natural(&json, &value) ? value : 0;
    }
    HOLDS(vae_json_close(&json) && keys == 2 && elements == 3 && sum == 356);
}
END_TEST

/* The first fault stays, with its place, and nothing moves on. */
START_TEST(faults_stay)
{
    struct vae_json json;
    struct vae_json_string string;
    uint64_t value;
    vae_json_open(&json, "[1,x,2]", 7);
    HOLDS(vae_json_enter(&json, '[') && vae_json_natural(&json, &value) && vae_json_more(&json, ']'));
    HOLDS(!vae_json_natural(&json, &value));
    const char *fault = json.fault, *at = json.at;
    HOLDS(fault && *at == 'x');
    HOLDS(!vae_json_more(&json, ']') && !vae_json_text(&json, &string) && !vae_json_enter(&json, '[') &&
          !vae_json_skip(&json) && !vae_json_number(&json, &string) && !vae_json_key(&json, &string) &&
          !vae_json_close(&json));
    HOLDS(json.fault == fault && json.at == at);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {valid_text_is_read, anything_else_is_a_fault,
        every_prefix_of_valid_text_is_a_fault, every_byte_may_be_wrong, depth_has_a_limit,
        strings_are_decoded, decoding_keeps_to_its_room, strings_compare_by_what_they_mean,
        whole_numbers_are_exact, elements_are_walked, faults_stay};
    return RUN_SUITE("json", tests);
}
