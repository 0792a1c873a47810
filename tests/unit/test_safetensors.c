/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The reader of safetensors files: each kind of error of the reference implementation, in our words;
 * what it accepts; names, order, types.
 */
#include "../support/expect.h"
#include "../support/files.h"
#include "../support/runner.h"

#include "files/archive.h"

#include <math.h>
#include <stdio.h>

static const struct vae_allocator plain = {NULL, NULL, NULL};

struct opened {
    struct bytes file;
    struct vae_source source;
    struct vae_archive archive;
    int status;
};

static struct opened *open_bytes(struct bytes file)
{
    struct opened *o = calloc(1, sizeof *o);
    o->file = file;
    vae_source_memory(&o->source, "test", file.data, file.size);
    o->status = vae_archive_open(&o->archive, &o->source, &plain);
    return o;
}

static void done(struct opened *o)
{
    vae_archive_close(&o->archive);
    vae_source_close(&o->source);
    bytes_free(&o->file);
    free(o);
}

static void refused(const char *header, size_t size, const char *words)
{
    static const unsigned char zeros[4096];
    struct opened *o = open_bytes(safetensors_of(header, zeros, size));
    if (o->status != VAE_ERR_FORMAT || !strstr(vae_last_error(), words))
        ck_abort_msg("%s: status %d, \"%s\" has no \"%s\"", header, o->status, vae_last_error(), words);
    done(o);
}

static void accepted(const char *header, size_t size, size_t tensors)
{
    static const unsigned char zeros[4096];
    struct opened *o = open_bytes(safetensors_of(header, zeros, size));
    EXPECT(o->status == VAE_OK, "%s: %s", header, vae_last_error());
    EXPECT(o->archive.st.tensors == tensors, "%s: %zu", header, o->archive.st.tensors);
    done(o);
}

static struct bytes raw(const char *text, size_t size)
{
    struct bytes file = {NULL, 0};
    bytes_add(&file, text, size);
    return file;
}

static void refused_bytes(struct bytes file, const char *words)
{
    struct opened *o = open_bytes(file);
    must_fail(o->status, VAE_ERR_FORMAT, words);
    done(o);
}

#define F32(NAME, SHAPE, FIRST, LAST)                                                                        \
    "\"" NAME "\":{\"dtype\":\"F32\",\"shape\":[" SHAPE "],\"data_offsets\":[" #FIRST "," #LAST "]}"

/* HeaderTooSmall, HeaderTooLarge, InvalidHeaderLength. */
START_TEST(lengths)
{
    for (size_t n = 0; n < 8; n++)
        refused_bytes(raw("\2\0\0\0\0\0\0\0", n), "fewer than the 8");
    refused_bytes(raw("\1\xe1\xf5\5\0\0\0\0{}", 10), "header's length is 100000001: at most 100000000");
    refused_bytes(raw("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "header's length is 18446744073709551615");
    refused_bytes(raw("\0\xe1\xf5\5\0\0\0\0{}", 10), "the file has 10 bytes");
    refused_bytes(raw("\3\0\0\0\0\0\0\0{}", 10), "header's length is 3");
    refused_bytes(raw("\0\0\0\0\0\0\0\0", 8), "an object is expected");
}
END_TEST

/* InvalidHeader, InvalidHeaderDeserialization. */
START_TEST(json)
{
    refused("{\"\xff\":1}", 0, "malformed UTF-8");
    refused("{\"a\xed\xa0\x80\":1}", 0, "malformed UTF-8");
    refused("", 0, "an object is expected");
    refused("[]", 0, "an object is expected");
    refused("{", 0, "a string is expected");
    refused("{}x", 0, "something follows the end");
    refused("{} {}", 0, "something follows the end");
    refused("{,}", 0, "a string is expected");
    refused("{\"a\":1}", 0, "an object is expected");
    refused("{\"a\":null}", 0, "an object is expected");
    refused("{\"a\":[\"F32\",[],[0,4]]}", 4, "an object is expected");
    refused("{" F32("a", "1", 0, 4) ",}", 4, "a string is expected");
    refused("{\"a\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[0,4]}}", 4, "a string is expected");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":3,\"data_offsets\":[0,4]}}", 4, "an array is expected");
    refused("{" F32("a", "1.0", 0, 4) "}", 4, "a whole number below 2^64");
    refused("{" F32("a", "-1", 0, 4) "}", 4, "a whole number below 2^64");
    refused("{" F32("a", "1", -0, 4) "}", 4, "a whole number below 2^64");
    refused("{" F32("a", "1", 0, 18446744073709551616) "}", 4, "a whole number below 2^64");
    refused("{" F32("a", "\"1\"", 0, 4) "}", 4, "a number is expected");
}
END_TEST

START_TEST(fields)
{
    refused("{\"abc\":{}}", 0, "tensor abc: dtype, shape or data_offsets is missing");
    refused("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "is missing");
    refused("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "is missing");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "is missing");
    refused("{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
        "tensor a: no such dtype: f32");
    refused("{\"a\":{\"dtype\":\"\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "no such dtype");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
        "tensor a: a field appears twice");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"sh\\u0061pe\":[1],\"data_offsets\":[0,4]}}", 4,
        "a field appears twice");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
        "data_offsets must be two numbers");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", 4,
        "data_offsets must be two numbers");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[]}}", 4,
        "data_offsets must be two numbers");
    refused("{" F32("a", "1,1,1,1,1,1,1,1,1", 0, 4) "}", 4, "tensor a: it has more than 8 dimensions");
}
END_TEST

/* Entries that end with spaces: the reader must not have to pass these again and again. */
START_TEST(long_entries)
{
    static const char entry[] = "\"abc\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]";
    char header[5000];
    for (int size = 4096; size <= 4097; size++) {
        snprintf(header, sizeof header, "{%s%*s}", entry, size + 1 - (int)sizeof entry, "}");
        if (size == 4096)
            accepted(header, 4, 1);
        else
            refused(
                header, 4, "tensor abc: its entry in the header has 4097 bytes: at most 4096 are possible");
    }
}
END_TEST

/* TensorInvalidInfo, InvalidOffset, MetadataIncompleteBuffer, ValidationOverflow, MisalignedSlice. */
START_TEST(shapes_and_offsets)
{
    refused("{" F32("abc", "2", 0, 4) "}", 4, "tensor abc: its data_offsets hold 4 bytes, its shape needs 8");
    refused("{" F32("abc", "", 0, 8) "}", 8, "tensor abc: its data_offsets hold 8 bytes, its shape needs 4");
    refused("{" F32("abc", "0", 0, 4) "}", 4, "its shape needs 0");
    refused("{" F32("abc", "1", 4, 0) "}", 4, "the second one not below the first");
    refused("{" F32("abc", "1", 4, 8) "}", 8, "tensor abc: it begins at byte 4 of the data, which ends at 0");
    refused("{" F32("a", "1", 0, 4) "," F32("bcd", "1", 8, 12) "}", 12,
        "tensor bcd: it begins at byte 8 of the data");
    refused("{" F32("a", "2", 0, 8) "," F32("bcd", "1", 4, 8) "}", 8,
        "tensor bcd: it begins at byte 4 of the data");
    refused("{" F32("a", "1", 0, 4) "," F32("b", "1", 0, 4) "}", 4, "it begins at byte 0 of the data");
    refused("{" F32("a", "1", 0, 4) "}", 6, "the tensors take 4 bytes, 6 follow the header");
    refused("{" F32("a", "2", 0, 8) "}", 6, "the tensors take 8 bytes, 6 follow the header");
    refused("{}", 1, "the tensors take 0 bytes, 1 follow");
    refused("{" F32("abc", "4294967296,4294967296", 0, 4) "}", 4,
        "tensor abc: its shape is larger than any memory");
    refused("{" F32("abc", "18446744073709551615", 0, 4) "}", 4,
        "tensor abc: its shape is larger than any memory");
    refused("{" F32("abc", "18446744073709551615,2,0", 0, 0) "}", 0, "its shape is larger than any memory");
    refused("{\"abc\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,0]}}", 0,
        "tensor abc: its elements do not fill whole bytes");
    refused("{\"abc\":{\"dtype\":\"F6_E2M3\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1,
        "do not fill whole bytes");
}
END_TEST

/* Ten tensors that all have the same place: from the reference's attacks. */
START_TEST(overlapping_tensors)
{
    char header[2000] = "{";
    for (int i = 0; i < 10; i++)
        sprintf(header + strlen(header),
            "%s\"weight_%d\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}", i ? "," : "", i);
    strcat(header, "}");
    refused(header, 16, "begins at byte 0 of the data, the one before it ends at 16");
}
END_TEST

/* What the reference leaves to the last one. */
START_TEST(names_are_unique)
{
    refused("{" F32("abc", "1", 0, 4) "," F32("x", "1", 4, 8) "," F32("abc", "1", 8, 12) "}", 12,
        "abc appears twice");
    refused("{" F32("abc", "1", 0, 4) "," F32("\\u0061bc", "1", 4, 8) "}", 8, "appears twice");
    refused("{\"__metadata__\":{\"k\":\"1\",\"l\":\"\",\"k\":\"2\"}}", 0, "k appears twice");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ appears twice");
    refused("{\"__metadata__\":{\"a\":1}}", 0, "a string is expected");
    refused("{\"__metadata__\":{\"a\":null}}", 0, "a string is expected");
    refused("{\"__metadata__\":[]}", 0, "an object is expected");
    refused("{\"__metadata__\":\"pt\"}", 0, "an object is expected");
    refused("{\"__metadata__\":nul}", 0, "a number is expected");
}
END_TEST

START_TEST(what_the_reference_accepts)
{
    accepted("{}", 0, 0);
    accepted("  \t\r\n{}   ", 0, 0);
    accepted("{\"__metadata__\":null}", 0, 0);
    accepted("{\"__metadata__\":{}}", 0, 0);
    accepted("{\"__metadata__\":{\"format\":\"pt\"}}", 0, 0);
    accepted("{" F32("", "", 0, 4) "}", 4, 1);
    accepted("{" F32("a", "0", 0, 0) "," F32("b", "5,0", 0, 0) "," F32("c", "1", 0, 4) "}", 4, 3);
    accepted("{" F32("a", "1,1,1,1,1,1,1,1", 0, 4) "}", 4, 1);
    accepted("{" F32("z", "1", 4, 8) "," F32("a", "2", 8, 16) "," F32("m", "1", 0, 4) "}", 16, 3);
    accepted(
        "{\"a\":{\"more\":{\"x\":[1,{}]},\"data_offsets\":[0,8],\"shape\":[1],\"dtype\":\"I64\"}}", 8, 1);
    accepted("{" F32("\\u00e9\\n", "1", 0, 4) "}", 4, 1);
    accepted("{" F32("a", "0,18446744073709551615,2", 0, 0) "}", 0, 1);
}
END_TEST

START_TEST(all_types_have_a_size)
{
    static const struct {
        const char *name;
        int bytes; /* of eight */
    } types[] = {{"BOOL", 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8}, {"I8", 8}, {"F8_E5M2", 8},
        {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16}, {"U16", 16},
        {"F16", 16}, {"BF16", 16}, {"I32", 32}, {"U32", 32}, {"F32", 32}, {"C64", 64}, {"F64", 64},
        {"I64", 64}, {"U64", 64}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char header[200];
        sprintf(header, "{\"a\":{\"dtype\":\"%s\",\"shape\":[8],\"data_offsets\":[0,%d]}}", types[i].name,
            types[i].bytes);
        accepted(header, (size_t)types[i].bytes, 1);
    }
}
END_TEST

START_TEST(tensors_are_found)
{
    static const float data[] = {1, 2, 3, 4, 5, 6};
    static const char header[] = "{" F32("b", "2,2", 8, 24) "," F32("a\\u00e9", "1", 0, 4) "," F32(
        "c", "", 4, 8) ",\"__metadata__\":{\"k\":\"v\\\"\",\"\":\"e\"}}";
    struct opened *o = open_bytes(safetensors_of(header, data, sizeof data));
    struct vae_safetensors *st = &o->archive.st;
    struct vae_safetensor t;
    struct vae_json_string value;
    float values[4];
    EXPECT_OK(o->status);
    size_t i = vae_safetensors_find(st, "b", &t);
    HOLDS(i == 1 && t.rank == 2 && t.shape[0] == 2 && t.shape[1] == 2 && t.count == 4 &&
          t.dtype == VAE_DTYPE_F32);
    EXPECT_OK(vae_archive_floats(&o->archive, &t, 1, 3, values));
    HOLDS(values[0] == 4 && values[2] == 6);
    HOLDS(vae_safetensors_find(st, "a\xc3\xa9", &t) == 0 && t.count == 1);
    HOLDS(vae_safetensors_find(st, "c", &t) == 2 && t.rank == 0 && t.count == 1);
    HOLDS(vae_safetensors_find(st, "aa", &t) == 3 && vae_safetensors_find(st, "", &t) == 3 &&
          vae_safetensors_find(st, "d", &t) == 3);
    HOLDS(vae_safetensors_unused(st, 0) == 0);
    vae_safetensors_use(st, 0);
    vae_safetensors_use(st, 2);
    HOLDS(vae_safetensors_unused(st, 0) == 1 && vae_safetensors_unused(st, 2) == 3);
    HOLDS(st->metadata == 2 && vae_safetensors_value(st, "k", &value) && vae_json_is(&value, "v\\\""));
    HOLDS(vae_safetensors_value(st, "", &value) && vae_json_is(&value, "e") &&
          !vae_safetensors_value(st, "l", &value));
    done(o);
}
END_TEST

/* Names in any order, found by halving. */
START_TEST(many_tensors)
{
    enum { MANY = 2000 };
    char *header = malloc(MANY * 100), name[32];
    struct vae_safetensor t;
    size_t at = (size_t)sprintf(header, "{");
    for (unsigned i = 0; i < MANY; i++) {
        unsigned number = i * 1237 % MANY; /* offsets go the other way */
        at += (size_t)sprintf(header + at,
            "%s\"t%u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%u,%u]}", i ? "," : "", number,
            MANY - 1 - number, MANY - number);
    }
    strcpy(header + at, "}");
    char *data = calloc(1, MANY);
    struct opened *o = open_bytes(safetensors_of(header, data, MANY));
    EXPECT(o->status == VAE_OK, "%s", vae_last_error());
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(name, "t%u", i);
        HOLDS(vae_safetensors_find(&o->archive.st, name, &t) < MANY && t.begin == MANY - 1 - i);
    }
    done(o);
    free(header);
    free(data);
}
END_TEST

static void check_half(uint32_t bits, double expected)
{
    static const char header[] = "{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}";
    unsigned char data[] = {(unsigned char)bits, (unsigned char)(bits >> 8)};
    struct opened *o = open_bytes(safetensors_of(header, data, 2));
    struct vae_safetensor t;
    double value;
    vae_safetensors_tensor(&o->archive.st, 0, &t);
    EXPECT_OK(vae_archive_reals(&o->archive, &t, 0, 1, &value));
    EXPECT(value == expected || (value != value && expected != expected), "0x%x: %a, not %a", bits, value,
        expected);
    done(o);
}

START_TEST(half_precision)
{
    check_half(0x0000, 0);
    check_half(0x3c00, 1);
    check_half(0xc000, -2);
    check_half(0x7bff, 65504);
    check_half(0x0400, 0x1p-14);
    check_half(0x03ff, 1023 * 0x1p-24);
    check_half(0x8001, -0x1p-24);
    check_half(0x3555, 0.333251953125);
    check_half(0x7c00, (double)INFINITY);
    check_half(0xfc00, -(double)INFINITY);
    check_half(0x7e00, (double)NAN);
}
END_TEST

START_TEST(other_types_are_converted)
{
    static const char header[] = "{\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]},"
                                 "\"b\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[2,10]}}";
    static const unsigned char data[] = {0xc0, 0xbf, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f};
    struct opened *o = open_bytes(safetensors_of(header, data, sizeof data));
    struct vae_safetensor t;
    double value;
    vae_safetensors_find(&o->archive.st, "a", &t);
    EXPECT_OK(vae_archive_reals(&o->archive, &t, 0, 1, &value));
    HOLDS(value == -1.5);
    vae_safetensors_find(&o->archive.st, "b", &t);
    EXPECT_OK(vae_archive_reals(&o->archive, &t, 0, 1, &value));
    HOLDS(value == 0.1);
    done(o);
}
END_TEST

/* Any byte of a file changed, any bytes missing: refused or read, but nothing beyond it is touched. */
START_TEST(every_byte_may_be_wrong)
{
    static const float data[] = {1, 2, 3};
    struct bytes file =
        safetensors_of("{\"__metadata__\":{\"a\":\"b\"}," F32("ab", "2", 0, 8) "," F32("c", "1", 8, 12) "}",
            data, sizeof data);
    for (size_t i = 0; i < file.size; i++)
        for (int c = 0; c < 256; c += i < 8 ? 1 : 3) {
            struct bytes changed = raw((const char *)file.data, file.size);
            changed.data[i] = (unsigned char)c;
            done(open_bytes(changed));
        }
    for (size_t n = 0; n < file.size; n++) {
        struct opened *o = open_bytes(raw((const char *)file.data, n));
        HOLDS(o->status == VAE_ERR_FORMAT);
        done(o);
    }
    bytes_free(&file);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {lengths, json, fields, long_entries, shapes_and_offsets, overlapping_tensors,
        names_are_unique, what_the_reference_accepts, all_types_have_a_size, tensors_are_found, many_tensors,
        half_precision, other_types_are_converted, every_byte_may_be_wrong};
    return RUN_SUITE("safetensors", tests);
}
