/* SPDX-License-Identifier: BSD-2-Clause
 * A file that is replaced whole or not at all.
 *
 * The new file is written under another name in the same folder, flushed to the disk and renamed; then the
 * folder is flushed. So a crash at any moment leaves the old file or the new one. A file that exists keeps
 * its mode, and its owner where the process may give files away; a new one gets its mode from the umask.
 */
#include "replace.h"

#include "base/status.h"

#include <errno.h>
#include <string.h>

#if VAE_POSIX_FILES

#include "pass/stream.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_LINKS 40
#define MOST_ATTEMPTS 100

static int failed(const struct vae_replace *r, const char *step, int error)
{
    return vae_file_failed(r->function, step, r->path, error);
}

/* ---- where the file is ---- */

/* What is behind the last slash begins here. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Replaces the last name of `target` by what it points to; 0 where it is no symbolic link. */
static int follow_one(char *target, int *error)
{
    char link[VAE_MOST_PATH];
    ssize_t n = readlink(target, link, sizeof link);
    *error = 0;
    if (n < 0) {
        *error = errno == EINVAL || errno == ENOENT ? 0 : errno; /* no link; nothing yet */
        return 0;
    }
    size_t kept = n > 0 && link[0] == '/' ? 0 : folder_length(target);
    if (kept + (size_t)n >= VAE_MOST_PATH) {
        *error = ENAMETOOLONG;
        return 0;
    }
    memcpy(target + kept, link, (size_t)n);
    target[kept + (size_t)n] = 0;
    return 1;
}

static int follow(struct vae_replace *r)
{
    int links = 0, error = 0;
    if (strlen(r->path) >= sizeof r->target)
        return failed(r, "open", ENAMETOOLONG);
    strcpy(r->target, r->path);
    while (links <= MOST_LINKS && follow_one(r->target, &error))
        links++;
    if (links > MOST_LINKS)
        error = ELOOP;
    return error ? failed(r, "follow the links of", error) : VAE_OK;
}

/* ---- the temporary file ---- */

static uint64_t unpredictable(void)
{
    uint64_t number = 0;
#if defined(VAE_HAVE_GETENTROPY)
    if (getentropy(&number, sizeof number) == 0)
        return number;
#endif
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    number = vae_mix((uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec);
    return vae_mix(number ^ (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)&number);
}

/* Only the owner can read a file that is to have an old one's mode, before it has it. */
static int open_temporary(struct vae_replace *r, mode_t mode)
{
    size_t folder = folder_length(r->target);
    for (int i = 0; i < MOST_ATTEMPTS; i++) {
        int n = snprintf(r->temporary, sizeof r->temporary, "%.*s.vae-%016llx", (int)folder, r->target,
            (unsigned long long)unpredictable());
        if (n < 0 || (size_t)n >= sizeof r->temporary)
            return failed(r, "open", ENAMETOOLONG);
        r->file = open(r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (r->file >= 0)
            return VAE_OK;
        if (errno != EEXIST && errno != EINTR)
            break;
    }
    return failed(r, "open a temporary file next to", errno);
}

static int abandon(struct vae_replace *r, const char *step, int error)
{
    close(r->file);
    if (r->folder >= 0)
        close(r->folder);
    if (r->aside)
        unlink(r->temporary);
    return failed(r, step, error);
}

/* A folder that may not be read cannot be flushed either. */
static void open_folder(struct vae_replace *r)
{
    char name[VAE_MOST_PATH];
    size_t folder = folder_length(r->target);
    memcpy(name, r->target, folder);
    strcpy(name + folder, ".");
    r->folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int begin_aside(struct vae_replace *r, const struct stat *old)
{
    int status = open_temporary(r, old ? S_IRUSR | S_IWUSR : 0666);
    if (status != VAE_OK)
        return status;
    r->aside = 1;
    open_folder(r);
    if (!old)
        return VAE_OK;
    if (old->st_uid != geteuid() || old->st_gid != getegid())
        (void)!fchown(r->file, old->st_uid, old->st_gid);
    if (fchmod(r->file, old->st_mode & 07777) != 0)
        return abandon(r, "keep the mode of", errno);
    return VAE_OK;
}

/* The path is a pipe or a device. */
static int begin_directly(struct vae_replace *r)
{
    do
        r->file = open(r->target, O_WRONLY | O_CLOEXEC);
    while (r->file < 0 && errno == EINTR);
    return r->file >= 0 ? VAE_OK : failed(r, "open", errno);
}

int vae_replace_begin(struct vae_replace *r, const char *function, const char *path)
{
    struct stat old;
    *r = (struct vae_replace){.function = function, .path = path, .file = -1, .folder = -1};
    int status = follow(r);
    if (status != VAE_OK)
        return status;
    if (stat(r->target, &old) != 0)
        return errno == ENOENT ? begin_aside(r, NULL) : failed(r, "open", errno);
    if (S_ISDIR(old.st_mode))
        return failed(r, "write", EISDIR);
    if (!S_ISREG(old.st_mode))
        return begin_directly(r);
    if (faccessat(AT_FDCWD, r->target, W_OK, AT_EACCESS) != 0)
        return failed(r, "write", errno);
    return begin_aside(r, &old);
}

int vae_replace_write(void *replace, const void *data, size_t size)
{
    struct vae_replace *r = replace;
    for (const unsigned char *at = data; size > 0;) {
        ssize_t n = write(r->file, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed(r, r->aside ? "write a temporary file next to" : "write", n < 0 ? errno : EIO);
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

/* 0, or errno. Not everything can be flushed: that is no failure. */
static int flush(int file)
{
    int result;
    do
        result = fsync(file);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS ? 0 : errno;
}

int vae_replace_end(struct vae_replace *r, int status)
{
    int error = 0;
    if (status == VAE_OK && (error = flush(r->file)) != 0)
        status = failed(r, "flush a temporary file next to", error);
    if (close(r->file) != 0 && errno != EINTR && status == VAE_OK)
        status = failed(r, "close", errno);
    if (r->aside && status == VAE_OK && rename(r->temporary, r->target) != 0)
        status = failed(r, "rename a temporary file to", errno);
    if (r->aside && status != VAE_OK)
        unlink(r->temporary);
    else if (r->folder >= 0 && (error = flush(r->folder)) != 0)
        status = failed(r, "flush the folder of", error);
    if (r->folder >= 0)
        close(r->folder);
    return status;
}

#else

int vae_replace_begin(struct vae_replace *r, const char *function, const char *path)
{
    *r = (struct vae_replace){.function = function, .path = path};
    r->file = fopen(path, "wb");
    return r->file ? VAE_OK : vae_file_failed(function, "open", path, errno);
}

int vae_replace_write(void *replace, const void *data, size_t size)
{
    struct vae_replace *r = replace;
    return fwrite(data, 1, size, r->file) == size ? 0 : vae_file_failed(r->function, "write", r->path, errno);
}

int vae_replace_end(struct vae_replace *r, int status)
{
    if (fclose(r->file) != 0 && status == VAE_OK)
        status = vae_file_failed(r->function, "close", r->path, errno);
    return status;
}

#endif
