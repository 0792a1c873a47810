/* SPDX-License-Identifier: BSD-2-Clause
 * JSON (RFC 8259), read strictly and in one pass from memory that stays as it is.
 */
#ifndef VAE_LIB_FILES_JSON_H
#define VAE_LIB_FILES_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A text under way. After a fault `at` is its place, and every call does nothing and returns 0. */
struct vae_json {
    const char *at, *end;
    const char *fault; /* in words, or NULL */
};

/* A string between its quotes, escapes as they are written; it was checked. */
struct vae_json_string {
    const char *at, *end;
};

void vae_json_open(struct vae_json *json, const char *text, size_t size);
/* Is nothing but white space left? */
int vae_json_close(struct vae_json *json);
/* The next character that is no white space; -1 at the end. */
int vae_json_peek(struct vae_json *json);

/* Elements of an object or an array, `open` being '{' or '[' and `close` its counterpart:
 *
 *     for (int more = vae_json_enter(json, '['); more; more = vae_json_more(json, ']'))
 *         read one element
 */
int vae_json_enter(struct vae_json *json, int open);
int vae_json_more(struct vae_json *json, int close);

/* One value each; 1, or 0 after a fault. A key is a string and the colon behind it. */
int vae_json_key(struct vae_json *json, struct vae_json_string *key);
int vae_json_text(struct vae_json *json, struct vae_json_string *text);
int vae_json_natural(struct vae_json *json, uint64_t *value); /* digits alone, below 2^64 */
int vae_json_number(struct vae_json *json, struct vae_json_string *number);
/* Any value, nested up to 128 levels. */
int vae_json_skip(struct vae_json *json);

/* Writes the string as UTF-8 with a NUL behind it, as far as whole characters fit into `room` > 0 bytes;
 * returns the bytes of all, without the NUL. */
size_t vae_json_decode(const struct vae_json_string *string, char *out, size_t room);
/* The order of the decoded bytes: negative, 0 or positive. A string also ends at its quote, so that it can be
 * compared without a look for its end. */
static inline int vae_json_ended(const struct vae_json_string *string)
{
    return string->at == string->end || *string->at == '"';
}
int vae_json_compare(const struct vae_json_string *a, const struct vae_json_string *b);
/* A C string of characters that need no escapes, as the reader would have found it. */
static inline struct vae_json_string vae_json_plain(const char *text)
{
    return (struct vae_json_string){text, text + strlen(text)};
}
static inline int vae_json_is(const struct vae_json_string *string, const char *text)
{
    struct vae_json_string plain = vae_json_plain(text);
    return vae_json_compare(string, &plain) == 0;
}

/* Reads the character that text begins with; returns its bytes, 1 to 4, or 0 where it is malformed. */
size_t vae_utf8_read(const char *text, const char *end, uint32_t *c);

#endif
