/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. A model without files and without malloc(): the one that anomaly.c has trained is an array in
 * this program, its weights are read where they are, and all other memory is a static buffer.
 *
 *     anomaly frames.safetensors      trains, saves the model, its threshold being metadata
 *     vae-embed frames.safetensors frames      writes frames.c and frames.h
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

#include <frames.h> /* which vae-embed has written */

enum { SIDE = 12, DIM = SIDE * SIDE, FIRST = 2024, STREAM = 400 };

static _Alignas(64) unsigned char memory[FRAMES_MEMORY];
static size_t used;

static void *take(void *ctx, size_t size, size_t alignment)
{
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    (void)ctx;
    if (rounded > sizeof memory - used)
        return NULL;
    used += rounded;
    return memory + (used - rounded);
}

/* The buffer lives as long as the program. */
static void give_back(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
}

static vae_model *load(void)
{
    vae_model *model;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = 1;
    runtime.alloc = take;
    runtime.free = give_back;
    if (vae_load_memory(&model, frames, sizeof frames, VAE_LOAD_IN_PLACE, &runtime) != VAE_OK)
        return NULL;
    return model;
}

/* A bright bar in a frame, upright unless `lying`. */
static void draw(float *frame, uint64_t index, int lying)
{
    uint32_t word[2];
    vae_random_u32(7, 0, 2 * index, 2, word);
    int at = (int)(word[0] % (SIDE - 2)), start = (int)(word[1] % 4);
    memset(frame, 0, DIM * sizeof *frame);
    for (int i = start; i < start + 8; i++)
        for (int j = at; j < at + 2; j++)
            frame[lying ? j * SIDE + i : i * SIDE + j] = 1;
}

int main(void)
{
    static char line[256]; /* stdio would take memory for a buffer */
    static float frame[DIM];
    int found = 0, unusual = 0, false_alarms = 0;
    setvbuf(stdout, line, _IOLBF, sizeof line);
    vae_model *model = load();
    if (!model) {
        fprintf(stderr, "%s\n", vae_last_error());
        return 1;
    }
    printf("a model of %d bytes; %zu bytes of memory\n", FRAMES_SIZE, used);
    double score, threshold = strtod(vae_get_metadata(model, "threshold"), NULL);
    for (int t = 0; t < STREAM; t++) {
        int lying = t % 50 == 37;
        draw(frame, (uint64_t)(FIRST + t), lying);
        if (vae_score(model, frame, 1, 0, &score) != VAE_OK)
            return 1;
        unusual += lying;
        found += lying && !(score <= threshold);
        false_alarms += !lying && !(score <= threshold);
    }
    printf("%d of %d unusual frames found, %d false alarms in %d frames\n", found, unusual, false_alarms,
        STREAM);
    vae_destroy(model);
    return found != unusual || false_alarms > STREAM / 50;
}
