/* SPDX-License-Identifier: BSD-2-Clause
 * JSON (RFC 8259), read strictly and in one pass from memory that stays as it is.
 *
 * No memory is taken and nothing recurses. Strings are UTF-8, also what is escaped in them. All that the
 * grammar does not have is a fault: control characters in strings, 01, 1., a comma before a bracket.
 */
#include "json.h"

#include <string.h>

#define MOST_DEPTH 128

static int fault(struct vae_json *json, const char *words)
{
    json->fault = json->fault ? json->fault : words; /* the first one counts */
    return 0;
}

void vae_json_open(struct vae_json *json, const char *text, size_t size)
{
    *json = (struct vae_json){text, text + size, NULL};
}

int vae_json_peek(struct vae_json *json)
{
    while (json->at < json->end && *json->at && strchr(" \t\n\r", *json->at))
        json->at++;
    return json->at < json->end ? (unsigned char)*json->at : -1;
}

int vae_json_close(struct vae_json *json)
{
    return !json->fault && (vae_json_peek(json) < 0 || fault(json, "something follows the end"));
}

/* Takes `c` where it is next. */
static int take(struct vae_json *json, int c)
{
    int found = !json->fault && vae_json_peek(json) == c;
    json->at += found;
    return found;
}

int vae_json_enter(struct vae_json *json, int open)
{
    if (!take(json, open))
        return fault(json, open == '{' ? "an object is expected" : "an array is expected");
    return !take(json, open + 2); /* '}' is two behind '{' in ASCII, and ']' behind '[' */
}

int vae_json_more(struct vae_json *json, int close)
{
    return take(json, ',') || (!take(json, close) && fault(json, "a comma or a bracket is expected"));
}

size_t vae_utf8_read(const char *text, const char *end, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (n > (size_t)(end - text))
        return 0;
    *c = n > 1 ? s[0] & (0x7fu >> n) : s[0];
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s[i] & 0x3f);
    }
    return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

static size_t utf8_write(uint32_t c, char out[4])
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = 1u + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(first[n] | c);
    return n;
}

/* Four hexadecimal digits, or UINT32_MAX. */
static uint32_t hexadecimal(const char *at, const char *end)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, at++) {
        const char *digit = at < end ? memchr(digits, *at, sizeof digits - 1) : NULL;
        if (!digit)
            return UINT32_MAX;
        value = value << 4 | (uint32_t)((digit - digits) & 15);
    }
    return value;
}

/* The character of \uXXXX, a surrogate with the one behind it; returns the bytes read, 0 where malformed. */
static size_t escaped(const char *at, const char *end, uint32_t *c)
{
    *c = hexadecimal(at + 2, end);
    if (*c < 0xd800 || (*c >= 0xe000 && *c != UINT32_MAX))
        return 6;
    uint32_t low = end - at > 7 && at[6] == '\\' && at[7] == 'u' ? hexadecimal(at + 8, end) : 0;
    if (*c >= 0xdc00 || low < 0xdc00 || low >= 0xe000)
        return 0;
    *c = 0x10000 + ((*c & 0x3ff) << 10 | (low & 0x3ff));
    return 12;
}

/* The next character of a string; returns the bytes read, 0 where malformed. */
static size_t character(const char *at, const char *end, uint32_t *c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (*at != '\\')
        return (unsigned char)*at < 0x20 ? 0 : vae_utf8_read(at, end, c);
    if (end - at > 1 && at[1] == 'u')
        return escaped(at, end, c);
    const char *letter = end - at > 1 ? memchr(from, at[1], sizeof from - 1) : NULL;
    *c = letter ? (unsigned char)to[letter - from] : 0;
    return letter ? 2 : 0;
}

int vae_json_text(struct vae_json *json, struct vae_json_string *text)
{
    uint32_t c;
    size_t read = 1;
    if (!take(json, '"'))
        return fault(json, "a string is expected");
    for (text->at = json->at; json->at < json->end && *json->at != '"' && read > 0; json->at += read)
        read = character(json->at, json->end, &c);
    if (read == 0)
        return fault(
            json, *json->at == '\\' ? "a malformed escape" : "malformed UTF-8 or a control character");
    text->end = json->at;
    return take(json, '"') || fault(json, "a string without an end");
}

int vae_json_key(struct vae_json *json, struct vae_json_string *key)
{
    return vae_json_text(json, key) && (take(json, ':') || fault(json, "a colon is expected"));
}

size_t vae_json_decode(const struct vae_json_string *string, char *out, size_t room)
{
    char bytes[4];
    size_t all = 0, kept = 0, n;
    uint32_t c;
    for (const char *at = string->at; at < string->end; all += n) {
        at += character(at, string->end, &c);
        n = utf8_write(c, bytes);
        if (kept == all && all + n < room) {
            memcpy(out + kept, bytes, n);
            kept += n;
        }
    }
    out[kept] = 0;
    return all;
}

int vae_json_compare(const struct vae_json_string *a, const struct vae_json_string *b)
{
    struct vae_json_string s = *a, t = *b;
    uint32_t c = 0, d = 0;
    while (c == d && !vae_json_ended(&s) && !vae_json_ended(&t)) {
        s.at += character(s.at, s.end, &c);
        t.at += character(t.at, t.end, &d);
    }
    return c != d ? (c > d) - (c < d) : vae_json_ended(&t) - vae_json_ended(&s);
}

/* Takes one of the characters where it is the very next. */
static int either(struct vae_json *json, const char *characters)
{
    int found = json->at < json->end && *json->at && strchr(characters, *json->at);
    json->at += found;
    return found;
}

static int digits(struct vae_json *json)
{
    int any = 0;
    while (either(json, "0123456789"))
        any = 1;
    return any;
}

int vae_json_number(struct vae_json *json, struct vae_json_string *number)
{
    if (json->fault)
        return 0;
    vae_json_peek(json);
    number->at = json->at;
    either(json, "-");
    int faulty = !either(json, "0") && !digits(json);
    faulty |= either(json, ".") && !digits(json);
    if (either(json, "eE")) {
        either(json, "+-");
        faulty |= !digits(json);
    }
    number->end = json->at;
    return !faulty || fault(json, "a number is expected");
}

int vae_json_natural(struct vae_json *json, uint64_t *value)
{
    struct vae_json_string number;
    int faulty = !vae_json_number(json, &number);
    for (*value = 0; !faulty && number.at < number.end; number.at++) {
        unsigned digit = (unsigned)(*number.at - '0');
        faulty = digit > 9 || *value > (UINT64_MAX - digit) / 10;
        *value = *value * 10 + digit;
    }
    return !faulty || fault(json, "a whole number below 2^64 is expected");
}

static int scalar(struct vae_json *json)
{
    static const char *const words[] = {"null", "true", "false"};
    struct vae_json_string ignored;
    if (vae_json_peek(json) == '"')
        return vae_json_text(json, &ignored);
    for (size_t i = 0, n; i < 3; i++)
        if ((size_t)(json->end - json->at) >= (n = strlen(words[i])) && memcmp(json->at, words[i], n) == 0) {
            json->at += n;
            return 1;
        }
    return vae_json_number(json, &ignored);
}

int vae_json_skip(struct vae_json *json)
{
    char closing[MOST_DEPTH];
    struct vae_json_string ignored;
    size_t depth = 0;
    do {
        int c = vae_json_peek(json), opens = c == '{' || c == '[', inside = 0;
        if (opens && depth == MOST_DEPTH)
            return fault(json, "nested too deeply");
        if (opens) {
            closing[depth] = (char)(c + 2);
            depth += (size_t)(inside = vae_json_enter(json, c));
        } else {
            scalar(json);
        }
        while (!inside && depth > 0 && !(inside = vae_json_more(json, closing[depth - 1])))
            depth--;
        if (inside && closing[depth - 1] == '}')
            vae_json_key(json, &ignored);
    } while (depth > 0 && !json->fault);
    return !json->fault;
}
