/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Files of each version of the format stay readable: samples that earlier writers left, with the scores
 * that their models had then, on every machine.
 */
#include "../support/files.h"
#include "../support/models.h"
#include "../support/runner.h"

#include <stdio.h>

enum { X = 10, ROWS = 4 };

static const char *sample(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", getenv("VAE_FILES"), name);
    return path;
}

static void check_scores(vae_model *model, const char *name)
{
    float x[ROWS * X];
    double score[ROWS], expected;
    FILE *file = fopen(sample(name), "r");
    ck_assert(file != NULL);
    for (int i = 0; i < ROWS * X; i++)
        x[i] = (float)(i * 7 % 16) / 16;
    must(vae_score(model, x, ROWS, 3, score));
    for (int i = 0; i < ROWS; i++) {
        ck_assert_int_eq(fscanf(file, "%la", &expected), 1);
        ck_assert_msg(memcmp(&score[i], &expected, sizeof expected) == 0, "%s, row %d: %a, not %a", name, i,
            score[i], expected);
    }
    fclose(file);
}

/* By tests/tools/make_file.c. */
START_TEST(version_1)
{
    vae_model *model;
    must(vae_load(&model, sample("vae-1.safetensors"), NULL));
    ck_assert_uint_eq(vae_steps(model), 25);
    ck_assert_str_eq(vae_get_metadata(model, "made by"), "tests/tools/make_file.c");
    check_scores(model, "vae-1.txt");
    must(vae_save(model, path_to("again"), 0));
    struct bytes old = bytes_of_file(sample("vae-1.safetensors")), new = bytes_of_file(path_to("again"));
    ck_assert_uint_eq(old.size, new.size);
    ck_assert_int_eq(memcmp(old.data, new.data, old.size), 0);
    train_some(model, 3, ROWS);
    bytes_free(&old);
    bytes_free(&new);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {version_1};
    return RUN_SUITE("versions", tests);
}
