/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Checks the list of layout.h while compiling: check_header.py compiles this file, and runs nothing,
 * for every target that it finds a compiler for.
 */
#include <vae/vae.h>

/* The types of fields that are not spelt in one word and stars. */
typedef uint64_t eight_numbers[8];
typedef void *alloc_function(void *, size_t, size_t);
typedef void free_function(void *, void *, size_t);
typedef void sgemm_function(
    int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void parallel_for_function(void *, size_t, void (*)(void *, size_t), void *);
typedef void log_function(void *, int32_t, const char *);

#define POINTERS(on64, on32) (sizeof(void *) / 8 * (on64) + sizeof(void *) % 8 / 4 * (on32))

#define STRUCT(type, size64, size32)                                                                         \
    _Static_assert(sizeof(type) == POINTERS(size64, size32), "size of " #type);
#define FIELD(type, field_type, field, offset64, offset32)                                                   \
    _Static_assert(offsetof(type, field) == POINTERS(offset64, offset32), "offset of " #type "." #field);    \
    _Static_assert(_Generic(&((type *)0)->field, field_type * : 1, default : 0), "type of " #type "." #field);
#define NUMBER(name, value) _Static_assert(name == (value), #name);

#include "layout.h"
