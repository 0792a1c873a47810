/* SPDX-License-Identifier: BSD-2-Clause
 * A program's own metadata of a model: keys and values that travel in its files.
 */
#include "metadata.h"

#include <string.h>

static size_t length(const char *string)
{
    return strlen(string) + 1;
}

const char *vae_metadata_next(const struct vae_metadata *m, const char *key)
{
    if (m->size == 0)
        return NULL;
    if (!key)
        return m->text;
    key += length(key);
    key += length(key);
    return key < m->text + m->size ? key : NULL;
}

static const char *find(const struct vae_metadata *m, const char *key)
{
    const char *at = vae_metadata_next(m, NULL);
    while (at && strcmp(at, key) != 0)
        at = vae_metadata_next(m, at);
    return at;
}

const char *vae_metadata_get(const struct vae_metadata *m, const char *key)
{
    const char *found = find(m, key);
    return found ? found + length(found) : NULL;
}

int vae_metadata_reserve(struct vae_metadata *m, const struct vae_allocator *allocator, size_t room)
{
    char *text = room > 0 ? vae_memory_alloc(allocator, room) : NULL;
    if (room > 0 && !text)
        return 0;
    *m = (struct vae_metadata){text, 0, room};
    return 1;
}

static void append(struct vae_metadata *m, const char *string)
{
    memcpy(m->text + m->size, string, length(string));
    m->size += length(string);
}

static void take_out(struct vae_metadata *m, const char *key)
{
    const char *found = find(m, key), *next = found ? vae_metadata_next(m, found) : NULL;
    if (!found)
        return;
    char *to = m->text + (found - m->text);
    size_t behind = next ? (size_t)(m->text + m->size - next) : 0;
    if (behind > 0)
        memmove(to, next, behind);
    m->size = (size_t)(to - m->text) + behind;
}

int vae_metadata_set(
    struct vae_metadata *m, const struct vae_allocator *allocator, const char *key, const char *value)
{
    struct vae_metadata more;
    if (!value) {
        take_out(m, key);
        return 1;
    }
    if (!vae_metadata_reserve(&more, allocator, m->size + length(key) + length(value)))
        return 0;
    if (m->size > 0)
        memcpy(more.text, m->text, m->size);
    more.size = m->size;
    take_out(&more, key);
    append(&more, key);
    append(&more, value);
    vae_metadata_clear(m, allocator);
    *m = more;
    return 1;
}

void vae_metadata_clear(struct vae_metadata *m, const struct vae_allocator *allocator)
{
    vae_memory_free(allocator, m->text, m->room);
    *m = (struct vae_metadata){NULL, 0, 0};
}
