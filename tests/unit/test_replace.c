/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Saving to a file replaces it whole or not at all: full disks, no permission, links, modes, pipes; and
 * processes that are killed while they save. An argument is the number of those.
 */
#include "../support/files.h"
#include "../support/models.h"
#include "../support/runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int kills = 100;

static vae_model *some_model(uint64_t seed)
{
    struct plan plan;
    static const uint64_t widths[] = {64};
    plan_init(&plan, VAE_BERNOULLI, VAE_RELU, 1);
    plan_sizes(&plan, 200, 4, widths, 1);
    plan.config.seed = seed;
    return model_of(&plan);
}

/* The folder of the test has these files and no others. */
static size_t files_beside(const char *path)
{
    char folder[512];
    size_t n = 0;
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static uint64_t seed_of(const char *path)
{
    vae_model *model;
    vae_config config;
    must(vae_load(&model, path, NULL));
    vae_config_init(&config, sizeof config);
    must(vae_get_config(model, &config));
    vae_destroy(model);
    return config.seed;
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    return about.st_mode & 07777;
}

START_TEST(modes)
{
    vae_model *model = some_model(1);
    umask(027);
    must(vae_save(model, path_to("new"), 0));
    ck_assert_uint_eq(mode_of(path_to("new")), 0640);
    ck_assert_int_eq(chmod(path_to("new"), 0606), 0);
    must(vae_save(model, path_to("new"), 0));
    ck_assert_uint_eq(mode_of(path_to("new")), 0606);
    ck_assert_uint_eq(files_beside(path_to("new")), 1);
    vae_destroy(model);
}
END_TEST

START_TEST(symbolic_links)
{
    vae_model *model = some_model(1);
    struct stat about;
    ck_assert_int_eq(symlink("b", path_to("a")), 0);
    ck_assert_int_eq(symlink(path_to("c"), path_to("b")), 0);
    must(vae_save(model, path_to("a"), 0));
    ck_assert_int_eq(lstat(path_to("c"), &about), 0);
    ck_assert(S_ISREG(about.st_mode));
    must(vae_save(model, path_to("a"), 0));
    ck_assert_int_eq(lstat(path_to("a"), &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    ck_assert_int_eq(lstat(path_to("b"), &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    ck_assert_uint_eq(files_beside(path_to("a")), 3);
    ck_assert_int_eq(symlink("d", path_to("e")), 0);
    ck_assert_int_eq(symlink("e", path_to("d")), 0);
    must_fail(vae_save(model, path_to("d"), 0), VAE_ERR_IO, "cannot follow the links of");
    vae_destroy(model);
}
END_TEST

START_TEST(paths)
{
    vae_model *model = some_model(1);
    char path[5000];
    memset(path, 'x', sizeof path);
    path[4999] = 0;
    must_fail(vae_save(model, path, 0), VAE_ERR_IO, "File name too long");
    path[300] = 0;
    must_fail(vae_save(model, path, 0), VAE_ERR_IO, "File name too long");
    must_fail(vae_save(model, "/", 0), VAE_ERR_IO, "Is a directory");
    must_fail(vae_save(model, "/nowhere/at/all", 0), VAE_ERR_IO,
        "cannot open a temporary file next to /nowhere/at/all: No such file");
    must_fail(vae_save(model, "", 0), VAE_ERR_IO, "cannot");
    must(vae_save(model, path_to("x"), 0));
    snprintf(path, sizeof path, "%s/y", path_to("x"));
    must_fail(vae_save(model, path, 0), VAE_ERR_IO, "Not a directory");
    ck_assert_int_eq(chdir("/"), 0);
    snprintf(path, sizeof path, "%s", path_to("here") + 1); /* relative */
    must(vae_save(model, path, 0));
    ck_assert_uint_eq(seed_of(path_to("here")), 1);
    vae_destroy(model);
}
END_TEST

START_TEST(no_permission)
{
    uid_t user = geteuid();
    if (user == 0 && seteuid(65534) != 0)
        exit(TEST_SKIPPED);
    vae_model *model = some_model(1), *other = some_model(2);
    must(vae_save(model, path_to("a"), 0));
    ck_assert_int_eq(chmod(path_to("a"), 0444), 0);
    must_fail(vae_save(other, path_to("a"), 0), VAE_ERR_IO, "Permission denied");
    ck_assert_int_eq(chmod(path_to("a"), 0644), 0);
    ck_assert_int_eq(chmod(path_to("."), 0555), 0);
    must_fail(vae_save(other, path_to("a"), 0), VAE_ERR_IO, "cannot open a temporary file next to");
    must_fail(vae_save(other, path_to("b"), 0), VAE_ERR_IO, "Permission denied");
    ck_assert_int_eq(chmod(path_to("."), 0700), 0);
    ck_assert_uint_eq(seed_of(path_to("a")), 1);
    ck_assert_uint_eq(files_beside(path_to("a")), 1);
    ck_assert_int_eq(seteuid(user), 0);
#if defined(__linux__)
    prctl(PR_SET_DUMPABLE, 1); /* or the leak sanitizer, too, is shut out */
#endif
    vae_destroy(other);
    vae_destroy(model);
}
END_TEST

/* No file may grow beyond a size: as on a full disk, a write is short, and the next one fails. */
START_TEST(full_disk)
{
    vae_model *model = some_model(1), *other = some_model(2);
    must(vae_save(model, path_to("a"), 0));
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t most = 0; most < 200000; most += 30011) {
        struct rlimit limit = {most, RLIM_INFINITY};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        must_fail(
            vae_save(other, path_to("a"), 0), VAE_ERR_IO, "vae_save: cannot write a temporary file next to");
        ck_assert(strstr(vae_last_error(), "File too large") != NULL);
        ck_assert_uint_eq(files_beside(path_to("a")), 1);
    }
    struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert_uint_eq(seed_of(path_to("a")), 1);
    must(vae_save(other, path_to("a"), 0));
    ck_assert_uint_eq(seed_of(path_to("a")), 2);
    if (access("/dev/full", W_OK) == 0)
        must_fail(
            vae_save(other, "/dev/full", 0), VAE_ERR_IO, "cannot write /dev/full: No space left on device");
    vae_destroy(other);
    vae_destroy(model);
}
END_TEST

/* What is no file is written to, and read from, as it is. */
START_TEST(pipes)
{
    vae_model *model = some_model(7);
    struct stat about;
    const char *path = path_to("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(vae_save(model, path, 0) == VAE_OK ? 0 : 1);
    ck_assert_uint_eq(seed_of(path), 7);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(lstat(path, &about), 0);
    ck_assert(S_ISFIFO(about.st_mode));
    must(vae_save(model, "/dev/null", 0));
    ck_assert_int_eq(lstat("/dev/null", &about), 0);
    ck_assert(S_ISCHR(about.st_mode));
    vae_destroy(model);
}
END_TEST

/* ---- kills ---- */

/* Two models in turn, until the end. */
static void save_for_ever(const char *path, pid_t parent, int first)
{
    vae_model *models[2] = {some_model(1), some_model(2)};
    for (int i = first; getppid() == parent; i++)
        if (vae_save(models[i % 2], path, 0) != VAE_OK)
            _exit(1);
    _exit(2);
}

/* Waits up to some milliseconds, by a generator of Marsaglia's, and kills. */
static void kill_at_random(pid_t child, uint64_t *state)
{
    int status;
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    struct timespec pause = {0, (long)(*state % 30000000)};
    nanosleep(&pause, NULL);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(
        WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the saving process ended with %d", status);
}

START_TEST(killed_processes)
{
    const char *path = path_to("a");
    vae_model *model = some_model(1);
    uint64_t state = 0x9e3779b97f4a7c15u;
    size_t old = 0, interrupted = 0;
    must(vae_save(model, path, 0));
    for (int i = 0; i < kills; i++) {
        pid_t parent = getpid(), child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
            save_for_ever(path, parent, i);
        kill_at_random(child, &state);
        uint64_t seed = seed_of(path);
        ck_assert(seed == 1 || seed == 2);
        old += seed == 1;
        interrupted += files_beside(path) > 1 + interrupted;
    }
    printf(
        "%d processes killed, %zu of them between the beginning of a file and its end; %zu times the first "
        "model, %zu times the second\n",
        kills, interrupted, old, (size_t)kills - old);
    vae_destroy(model);
}
END_TEST

int main(int argc, char **argv)
{
    kills = argc > 1 ? atoi(argv[1]) : kills;
    setenv("CK_FORK", "yes", 1); /* folders, users and limits are a test's own */
    const TTest *tests[] = {modes, symbolic_links, paths, no_permission, full_disk, pipes, killed_processes};
    const TTest *only_kills[] = {killed_processes};
    return argc > 1 ? RUN_SUITE("replace", only_kills) : RUN_SUITE("replace", tests);
}
