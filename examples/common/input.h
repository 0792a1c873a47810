/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The rows that a command line asks for: to learn from, and to be judged by.
 */
#ifndef VAE_EXAMPLES_INPUT_H
#define VAE_EXAMPLES_INPUT_H

#include "data.h"
#include "options.h"

struct input {
    struct data data[2];
    struct set train, held_out;
};

/* 0, or -1 with the reason on stderr. input_close comes after either. */
int input_open(struct input *input, const struct options *options);
void input_close(struct input *input);

#endif
