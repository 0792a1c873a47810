/* SPDX-License-Identifier: BSD-2-Clause
 * The operating system's files, as far as they are read: by POSIX, or by the C library alone.
 */
#include "system.h"

#include "base/status.h"

#include <errno.h>
#include <string.h>

#define MOST_SHOWN 100

const char *vae_shown_path(const char *path)
{
    size_t length = strlen(path);
    return length > MOST_SHOWN ? path + (length - MOST_SHOWN) : path;
}

static int ended(const char *function, const char *path)
{
    return vae_fail(VAE_ERR_IO, "%s: cannot read %s: it ends early", function, vae_shown_path(path));
}

#if VAE_POSIX_FILES

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int vae_file_failed(const char *function, const char *step, const char *path, int error)
{
    char words[100];
    if (strerror_r(error, words, sizeof words) != 0)
        strcpy(words, "unknown error");
    return vae_fail(VAE_ERR_IO, "%s: cannot %s %s: %s", function, step, vae_shown_path(path), words);
}

int vae_file_open(const char *function, const char *path, vae_file *file, uint64_t *size)
{
    struct stat about;
    do
        *file = open(path, O_RDONLY | O_CLOEXEC);
    while (*file < 0 && errno == EINTR);
    if (*file < 0)
        return vae_file_failed(function, "open", path, errno);
    if (fstat(*file, &about) != 0 || S_ISDIR(about.st_mode)) {
        int error = S_ISDIR(about.st_mode) ? EISDIR : errno;
        close(*file);
        return vae_file_failed(function, "read", path, error);
    }
    *size = S_ISREG(about.st_mode) ? (uint64_t)about.st_size : VAE_SIZE_UNKNOWN;
    return VAE_OK;
}

int vae_file_read(
    const char *function, const char *path, vae_file file, uint64_t offset, void *to, size_t size)
{
    for (unsigned char *at = to; size > 0;) {
        size_t most = size < 1u << 30 ? size : 1u << 30;
        ssize_t n = offset == VAE_SIZE_UNKNOWN ? read(file, at, most) : pread(file, at, most, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vae_file_failed(function, "read", path, errno);
        if (n == 0)
            return ended(function, path);
        at += n;
        size -= (size_t)n;
        offset += offset == VAE_SIZE_UNKNOWN ? 0 : (uint64_t)n;
    }
    return VAE_OK;
}

void vae_file_close(vae_file file)
{
    close(file);
}

#else

#include <limits.h>

int vae_file_failed(const char *function, const char *step, const char *path, int error)
{
    return vae_fail(
        VAE_ERR_IO, "%s: cannot %s %s: %s", function, step, vae_shown_path(path), strerror(error));
}

int vae_file_open(const char *function, const char *path, vae_file *file, uint64_t *size)
{
    *file = fopen(path, "rb");
    if (!*file)
        return vae_file_failed(function, "open", path, errno);
    long end = fseek(*file, 0, SEEK_END) == 0 ? ftell(*file) : -1;
    *size = end < 0 ? VAE_SIZE_UNKNOWN : (uint64_t)end;
    return VAE_OK;
}

int vae_file_read(
    const char *function, const char *path, vae_file file, uint64_t offset, void *to, size_t size)
{
    if (offset != VAE_SIZE_UNKNOWN && (offset > LONG_MAX || fseek(file, (long)offset, SEEK_SET) != 0))
        return vae_file_failed(function, "seek in", path, errno);
    if (fread(to, 1, size, file) == size)
        return VAE_OK;
    return ferror(file) ? vae_file_failed(function, "read", path, errno) : ended(function, path);
}

void vae_file_close(vae_file file)
{
    fclose(file);
}

#endif
