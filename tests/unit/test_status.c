/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Section 1: status codes in words, the version, the build's description, and that a thread's last
 * failure is its own.
 */
#include "../support/runner.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <vae/vae.h>

enum { LAST = VAE_ERR_DATA };

/* Every code has words of its own, no other number has. */
START_TEST(words_for_every_code)
{
    const char *unknown = vae_strerror(1);
    for (int a = LAST; a <= VAE_OK; a++) {
        ck_assert(vae_strerror(a)[0] != '\0');
        ck_assert_str_ne(vae_strerror(a), unknown);
        ck_assert_ptr_eq(vae_strerror(a), vae_strerror(a));
        for (int b = LAST; b < a; b++)
            ck_assert_str_ne(vae_strerror(a), vae_strerror(b));
    }
    const int others[] = {LAST - 1, 1, 77, -1000, -2147483647 - 1, 2147483647};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_str_eq(vae_strerror(others[i]), unknown);
}
END_TEST

START_TEST(version)
{
    char text[32];
    ck_assert_uint_eq(vae_version(), VAE_VERSION_MAJOR << 16 | VAE_VERSION_MINOR << 8 | VAE_VERSION_PATCH);
    snprintf(
        text, sizeof text, "%u.%u.%u", vae_version() >> 16, vae_version() >> 8 & 255, vae_version() & 255);
    ck_assert_str_eq(text, VAE_VERSION_STRING);
}
END_TEST

/* The word behind " key=", which must be there once and not be empty; its length in *length. */
static const char *value_of(const char *info, const char *key, size_t *length)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, " %s=", key);
    const char *found = strstr(info, pattern);
    ck_assert_msg(found, "no %s in \"%s\"", key, info);
    found += strlen(pattern);
    ck_assert_ptr_null(strstr(found, pattern));
    *length = strcspn(found, " ");
    ck_assert_uint_gt(*length, 0);
    return found;
}

static int is_one_of(const char *word, size_t length, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == length && memcmp(word, *list, length) == 0)
            return 1;
    return 0;
}

/* "VERSION key=value key=value ...", single spaces, nothing unprintable. */
START_TEST(build_info)
{
    static const char *const isas[] = {"scalar", "avx2", "avx512", "neon", NULL};
    static const char *const gemms[] = {"native", "cblas", NULL};
    const char *info = vae_build_info();
    size_t length;
    ck_assert_ptr_eq(info, vae_build_info());
    ck_assert_int_eq(strncmp(info, VAE_VERSION_STRING " ", sizeof VAE_VERSION_STRING), 0);
    for (const char *p = info; *p; p++)
        ck_assert(*p >= ' ' && *p <= '~' && !(p[0] == ' ' && (p[1] == ' ' || !p[1])));
    const char *isa = value_of(info, "isa", &length);
    ck_assert(is_one_of(isa, length, isas));
    const char *gemm = value_of(info, "gemm", &length);
    ck_assert(is_one_of(gemm, length, gemms));
    value_of(info, "blas", &length);
}
END_TEST

/* Fails: the stride of mu is smaller than d. */
static int fail_by_stride(size_t d)
{
    float value = 0;
    return vae_kl_diag_gauss(1, d, &value, d - 1, &value, d, &value);
}

/* The words name the function, the argument, what it is and what it should be; a success leaves them. */
START_TEST(last_error_names_the_argument)
{
    ck_assert_str_eq(vae_last_error(), "");
    ck_assert_int_eq(fail_by_stride(7), VAE_ERR_ARG);
    const char *words = vae_last_error();
    ck_assert_msg(strstr(words, "vae_kl_diag_gauss") && strstr(words, "ldmu") && strstr(words, "6") &&
                      strstr(words, "7"),
        "%s", words);
    char before[256];
    ck_assert_uint_lt(strlen(words), sizeof before);
    strcpy(before, words);
    float kl;
    ck_assert_int_eq(vae_kl_diag_gauss(0, 0, NULL, 0, NULL, 0, &kl), VAE_OK);
    ck_assert_str_eq(vae_last_error(), before);
    ck_assert_int_eq(vae_random_u32(0, 0, 0, 1, NULL), VAE_ERR_ARG);
    ck_assert_str_ne(vae_last_error(), before);
}
END_TEST

struct words {
    char fresh[256], own[256];
};

static void *fail_elsewhere(void *arg)
{
    struct words *words = arg;
    strcpy(words->fresh, vae_last_error());
    fail_by_stride(4321);
    strcpy(words->own, vae_last_error());
    return NULL;
}

START_TEST(last_error_is_the_threads_own)
{
    struct words other;
    char mine[256];
    pthread_t thread;
    fail_by_stride(99);
    strcpy(mine, vae_last_error());
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, &other), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(other.fresh, "");
    ck_assert(strstr(other.own, "4321"));
    ck_assert_str_eq(vae_last_error(), mine);
}
END_TEST

int main(void)
{
    /* The first two first, while nothing has failed yet: without forks the tests share one thread. */
    const TTest *tests[] = {last_error_names_the_argument, last_error_is_the_threads_own,
        words_for_every_code, version, build_info};
    return RUN_SUITE("status", tests);
}
