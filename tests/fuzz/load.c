/* SPDX-License-Identifier: BSD-2-Clause
 * Fuzzing. vae_load_memory(), and with FUZZ_STREAM vae_load_stream(). An input is one byte of options and a
 * file.
 *
 * Options: bit 0 inference only; bit 1 VAE_LOAD_IN_PLACE, or of a stream: it fails after 64 bytes for each of
 * bits 4 to 7.
 *
 * A model that is loaded is used, and saved: what is saved loads again and is then saved as the same bytes.
 */
#include "fuzz.h"
#include "memory.h"

#include <string.h>

enum { INFERENCE = 1, PLACE = 2, STEP = 64, MOST_COLUMNS = 4096 };

/* Memory that grows as it is written, or is read from its beginning. */
struct bytes {
    uint8_t *at;
    size_t size, room, place;
};

static int append(void *ctx, const void *data, size_t size)
{
    struct bytes *bytes = ctx;
    if (bytes->size + size > bytes->room) {
        bytes->room = 2 * (bytes->size + size);
        EXPECT((bytes->at = realloc(bytes->at, bytes->room)) != NULL);
    }
    memcpy(bytes->at + bytes->size, data, size);
    bytes->size += size;
    return 0;
}

/* The file's bytes at an aligned address, behind which there is nothing. */
static uint8_t *copy(const uint8_t *file, size_t n)
{
    void *memory = NULL;
    EXPECT(posix_memalign(&memory, 64, n > 0 ? n : 1) == 0);
    return memcpy(memory, file, n);
}

static struct bytes saved(const vae_model *model, uint32_t flags)
{
    struct bytes out = {0};
    EXPECT(vae_save_stream(model, append, &out, flags) == VAE_OK);
    return out;
}

/* Saved, loaded and saved again it is the same. */
static void round_trip(const vae_model *model, uint32_t flags)
{
    struct bytes first = saved(model, flags), second;
    struct fuzz_memory memory = {0, fuzz_most(first.size)};
    vae_runtime runtime = fuzz_runtime(&memory);
    vae_model *again;
    EXPECT(vae_load_memory(&again, first.at, first.size, 0, &runtime) == VAE_OK);
    second = saved(again, flags);
    EXPECT(first.size == second.size && memcmp(first.at, second.at, first.size) == 0);
    vae_destroy(again);
    EXPECT(memory.live == 0);
    free(first.at);
    free(second.at);
}

/* Reads a row and, where that is possible, learns from it. 0 is a value of every likelihood. */
static void use(vae_model *model, int inference)
{
    float x[MOST_COLUMNS] = {0};
    double score = 0;
    if (vae_x_dim(model) <= MOST_COLUMNS) {
        EXPECT(vae_score(model, x, 1, 0, &score) == VAE_OK);
        int status = vae_step(model, x, 1, NULL);
        EXPECT(inference ? status == VAE_ERR_STATE : status == VAE_OK || status == VAE_ERR_NONFINITE);
    }
}

#ifdef FUZZ_STREAM
struct stream {
    struct bytes from;
    size_t fails_at;
};

/* Nothing is asked for beyond the file: the file's own words say where it ends. */
static int give(void *ctx, void *data, size_t size)
{
    struct stream *stream = ctx;
    struct bytes *from = &stream->from;
    if (size > from->size - from->place || from->place + size > stream->fails_at)
        return -1;
    memcpy(data, from->at + from->place, size);
    from->place += size;
    return 0;
}

/* What a stream gives and is a model is one in memory, too. */
static int load(vae_model **model, uint8_t *file, size_t n, int options, vae_runtime *runtime)
{
    struct stream stream = {{file, n, n, 0}, SIZE_MAX};
    struct fuzz_memory memory = {0, fuzz_most(n)};
    vae_runtime other = fuzz_runtime(&memory);
    vae_model *same;
    other.inference_only = runtime->inference_only; /* then moments are not read */
    if (options & PLACE)
        stream.fails_at = (size_t)(options >> 4) * STEP;
    int status = vae_load_stream(model, give, &stream, runtime);
    int in_memory = vae_load_memory(&same, file, status == VAE_OK ? stream.from.place : n, 0, &other);
    EXPECT(status == VAE_OK ? in_memory == VAE_OK : in_memory != VAE_OK || options & PLACE);
    vae_destroy(same);
    return status;
}
#else
static int load(vae_model **model, uint8_t *file, size_t n, int options, vae_runtime *runtime)
{
    int status = vae_load_memory(model, file, n, options & PLACE ? VAE_LOAD_IN_PLACE : 0, runtime);
    if (options & PLACE)
        runtime->inference_only = 1; /* as the library did */
    return status;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t n = size - 1;
    struct fuzz_memory memory = {0, fuzz_most(n)};
    vae_runtime runtime = fuzz_runtime(&memory);
    vae_model *model = (vae_model *)&memory;
    uint8_t *file = copy(data + 1, n);
    runtime.inference_only = data[0] & INFERENCE;
    int status = load(&model, file, n, data[0], &runtime);
    if (status == VAE_OK) {
        round_trip(model, runtime.inference_only ? VAE_SAVE_WEIGHTS_ONLY : 0);
        use(model, runtime.inference_only);
    } else {
        EXPECT(status == VAE_ERR_FORMAT || status == VAE_ERR_UNSUPPORTED || status == VAE_ERR_IO);
        EXPECT(!model && strncmp(vae_last_error(), "vae_load", 8) == 0);
    }
    vae_destroy(model);
    EXPECT(memory.live == 0);
    free(file);
    return 0;
}
