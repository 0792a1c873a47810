/* SPDX-License-Identifier: BSD-2-Clause
 * A kernel under test, and the frame that it runs in: arrays between guard pages, filled from the library's
 * own generator, the same values for every place and row stride of an array.
 */
#ifndef VAE_TESTS_KERNELS_FRAME_H
#define VAE_TESTS_KERNELS_FRAME_H

#include "kernels/table.h"

#include <stddef.h>
#include <stdint.h>

enum type { F32, F64, U32 };

enum role {
    IN,     /* read */
    WEIGHT, /* read; may be NULL */
    OUT,    /* written */
    VALUE,  /* written; may be NULL */
    GRAD,   /* added to, or written where its fill is NOISE; may be NULL */
    STATE,  /* read and written */
    WORK    /* written, of no account afterwards */
};

/* Where an array's elements come from. All of them are exact arithmetic on words, so that inputs are the same
 * bits on every machine. Outputs that are only written start from NOISE. */
enum fill {
    NOISE,    /* what must not be read: NaN */
    UNIFORM,  /* low .. high */
    UNIT,     /* 0 .. 1, with exact 0 and 1 among them */
    COUNT,    /* integers 0 .. high - 1 */
    CHOLESKY, /* a lower triangle with a positive diagonal, NaN above */
    POSITIVE  /* UNIFORM of absolute values */
};

struct array {
    const char *name;
    enum type type;
    enum role role;
    enum fill fill;
    double low, high;
    size_t rows, cols, ld;
    void *at;                    /* NULL: not given in this variant */
    int bits;                    /* the bound's unit in the last place is that of so many bits */
    double ulps;                 /* the bound; 0: exact */
    int floor;                   /* or 2^-floor of the largest term */
    double *given;               /* its elements before the call, dense */
    long double *want, *largest; /* by the reference, dense; NULL without bounds */
};

#define MAX_ARRAYS 16

struct frame {
    size_t n, d;   /* the shape */
    uint64_t seed; /* of the inputs */
    int special;   /* zeros, infinities, NaN, subnormals among the inputs */
    int choice;    /* a kind of activation and the like, 0 .. choices - 1 */
    size_t count;
    struct array array[MAX_ARRAYS];
    size_t elements; /* what the benchmark divides by; n d unless set */
    const struct kernel *kernel;
};

struct kernel {
    const char *name;     /* "exact32.kl_diag" */
    size_t table, member; /* offsets in struct vae_kernels and in the table there */
    void (*arrays)(struct frame *frame);
    void (*call)(const struct vae_kernels *kernels, struct frame *frame);
    void (*reference)(struct frame *frame); /* for ordinary inputs */
    int choices;                            /* 0 is 1 */
    size_t least;                           /* smallest d that it is called with */
    size_t most;                            /* largest d, 0: no limit */
};

#define NAME_OF_(TABLE) #TABLE
#define NAME_OF(TABLE) NAME_OF_(TABLE)
#define KERNEL(TABLE, STRUCT, MEMBER)                                                                        \
    .name = NAME_OF(TABLE) "." #MEMBER, .table = offsetof(struct vae_kernels, TABLE),                        \
    .member = offsetof(struct STRUCT, MEMBER)

/* Every kernel, by family. */
struct family {
    const char *name;
    size_t members; /* of the table's struct */
    const struct kernel *kernel;
    size_t count;
};
/* The i-th, or NULL. */
const struct family *family_at(size_t i);
extern const struct family exact32_family, exact64_family, rng_family, tile_family, train_family, gate_family,
    noted_family, mixture_family, reading_family;

/* The kernel's function in a table, as something to compare with NULL. */
typedef void (*any_function)(void);
any_function kernel_function(const struct kernel *kernel, const struct vae_kernels *kernels);
const struct kernel *kernel_find(const char *name);
/* The i-th kernel of all, or NULL. */
const struct kernel *kernel_at(size_t i);

/* ---- shapes ---- */

struct placement {
    int at_end; /* last element before a guard page, else the first just after one plus `shift` elements */
    size_t shift;
    size_t padding; /* ld - cols */
};

/* Declares the kernel's arrays for n, d and choice of the frame. */
void frame_declare(struct frame *frame);
/* Leaves out optional arrays by the variant's number; 0 where there is no such variant, or where it asks for
 * nothing. */
int frame_variant(struct frame *frame, unsigned variant);
/* Draws the arrays' elements by seed and special; then places the arrays with these elements, as often as
 * asked for. Both need frame_setup() once in the process. */
void frame_setup(void);
void frame_draw(struct frame *frame);
void frame_place(struct frame *frame, struct placement placement);
/* The name of an output that was written outside its elements, or NULL. */
const char *frame_overrun(const struct frame *frame);

/* ---- for the families ---- */

struct array *frame_array(
    struct frame *frame, const char *name, enum type type, enum role role, size_t rows, size_t cols);
void array_fill(struct array *array, enum fill fill, double low, double high);
void array_bound(struct array *array, int bits, double ulps, int floor);

/* An element, before the call and now. */
double array_given(const struct array *array, size_t i, size_t j);
long double array_now(const struct array *array, size_t i, size_t j);
/* The element's bits now, every NaN the same. */
uint64_t array_bits(const struct array *array, size_t i, size_t j);
int array_is_output(const struct array *array);

/* What element (i, j) should be, and the largest term of its sum. */
void array_expect(struct array *array, size_t i, size_t j, long double value, long double largest);
/* The same for an array that is added to. */
void array_expect_added(struct array *array, size_t i, size_t j, long double value, long double largest);

#endif
