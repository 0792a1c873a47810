/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. Changes safetensors files so that most remain files: what is changed is the header's text, and its
 * length is corrected. An input is one byte of options and a file. Only in libFuzzer's programs.
 */
#include "fuzz.h"

#include <string.h>

enum { OPTIONS = 1, LENGTH = 8 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static uint64_t length_at(const uint8_t *bytes)
{
    uint64_t length = 0;
    for (int i = LENGTH; i-- > 0;)
        length = length << 8 | bytes[i];
    return length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    size_t start = OPTIONS + LENGTH;
    if (size < start || seed % 4 == 0 || length_at(data + OPTIONS) > size - start)
        return LLVMFuzzerMutate(data, size, most);
    size_t length = (size_t)length_at(data + OPTIONS), tail = size - start - length;
    if (length == 0 || start + tail >= most)
        return LLVMFuzzerMutate(data, size, most);
    uint8_t *kept = malloc(tail + 1);
    EXPECT(kept);
    memcpy(kept, data + start + length, tail);
    length = LLVMFuzzerMutate(data + start, length, most - start - tail);
    memcpy(data + start + length, kept, tail);
    free(kept);
    for (size_t i = 0; i < LENGTH; i++)
        data[OPTIONS + i] = (uint8_t)((uint64_t)length >> 8 * i);
    return start + length + tail;
}
