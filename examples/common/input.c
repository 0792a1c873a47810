/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The rows that a command line asks for: to learn from, and to be judged by.
 */
#include "input.h"

#include <stdio.h>
#include <vae/vae.h>

#include "sprites.h"

static int refuse(const char *reason)
{
    fprintf(stderr, "train: %s\n", reason);
    return -1;
}

static enum data_domain domain_of(const struct options *o)
{
    if (o->likelihood == VAE_BERNOULLI || o->likelihood == VAE_CBERNOULLI)
        return DATA_UNIT;
    return o->likelihood == VAE_POISSON ? DATA_COUNTS : DATA_ANY;
}

static int open_file(struct data *data, const char *path, const struct options *o)
{
    char why[DATA_WHY];
    if (data_read(data, path, o->limit, why) != 0)
        return refuse(why);
    if (data_check(data, domain_of(o), path, why) != 0)
        return refuse(why);
    if (o->likelihood == VAE_POISSON)
        data_as_counts(data);
    if ((o->width || data->height == 1) && data_set_width(data, o->width) != 0) {
        snprintf(why, sizeof why, "%s: %zu pixels do not make rows of --width %llu", path, data->dim,
            (unsigned long long)o->width);
        return refuse(why);
    }
    return 0;
}

static int open_pair(struct input *input, const struct options *o)
{
    if (open_file(&input->data[0], o->train, o) != 0 || open_file(&input->data[1], o->test, o) != 0)
        return -1;
    if (input->data[0].dim != input->data[1].dim) {
        fprintf(stderr, "train: %s has %zu pixels an image, %s has %zu\n", o->train, input->data[0].dim,
            o->test, input->data[1].dim);
        return -1;
    }
    if (set_all(&input->train, &input->data[0]) != 0 || set_all(&input->held_out, &input->data[1]) != 0)
        return refuse("out of memory");
    return 0;
}

int input_open(struct input *input, const struct options *o)
{
    if (o->test)
        return open_pair(input, o);
    if (o->sprites && sprites_make(&input->data[0], (size_t)o->sprites, o->seed) != 0)
        return refuse("out of memory");
    if (o->sprites && o->likelihood == VAE_POISSON)
        data_as_counts(&input->data[0]);
    if (o->train && open_file(&input->data[0], o->train, o) != 0)
        return -1;
    if (set_split(&input->train, &input->held_out, &input->data[0]) != 0)
        return refuse("too few rows to hold one in ten out");
    return 0;
}

void input_close(struct input *input)
{
    set_free(&input->train);
    set_free(&input->held_out);
    data_free(&input->data[0]);
    data_free(&input->data[1]);
}
