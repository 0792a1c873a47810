/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Files by the C library alone, for systems without POSIX: lib/files/system.c and replace.c as they are
 * compiled there.
 */
#include "../support/files.h"
#include "../support/runner.h"

#include "files/replace.h"

static void replace_by(const char *path, const char *text)
{
    struct vae_replace replace;
    ck_assert_int_eq(vae_replace_begin(&replace, "test", path), VAE_OK);
    int status = vae_replace_write(&replace, text, strlen(text));
    ck_assert_int_eq(vae_replace_end(&replace, status), VAE_OK);
}

START_TEST(files_are_written_and_read)
{
    vae_file file;
    uint64_t size;
    char text[8] = "";
    replace_by(path_to("a"), "something longer");
    replace_by(path_to("a"), "abcdef");
    ck_assert_int_eq(vae_file_open("test", path_to("a"), &file, &size), VAE_OK);
    ck_assert_uint_eq(size, 6);
    ck_assert_int_eq(vae_file_read("test", "a", file, 2, text, 3), VAE_OK);
    ck_assert_str_eq(text, "cde");
    ck_assert_int_eq(vae_file_read("test", "a", file, 0, text, 2), VAE_OK);
    ck_assert_str_eq(text, "abe");
    must_fail(vae_file_read("test", "a", file, 4, text, 3), VAE_ERR_IO, "test: cannot read a: it ends early");
    vae_file_close(file);
}
END_TEST

START_TEST(failures_are_told)
{
    struct vae_replace replace;
    vae_file file;
    uint64_t size;
    must_fail(vae_file_open("test", path_to("none"), &file, &size), VAE_ERR_IO, "No such file");
    must_fail(
        vae_replace_begin(&replace, "test", "/nowhere/at/all"), VAE_ERR_IO, "cannot open /nowhere/at/all");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {files_are_written_and_read, failures_are_told};
    return RUN_SUITE("stdio files", tests);
}
