/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Anomaly scores on a stream: learn what ordinary frames look like, choose a threshold by the
 * scores of frames that were not trained on, then score each frame as it comes.
 *
 * A frame is 12 x 12 with one bright bar, upright and somewhere. In the stream a few bars lie down, and once
 * the sensor breaks and gives NaN. With the name of a file, the model is saved there, the threshold with it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae/vae.h>

enum { SIDE = 12, DIM = SIDE * SIDE, TRAIN = 1024, CHECK = 1000, STREAM = 400, BATCH = 64, STEPS = 800 };
enum { ORDINARY, LYING, BROKEN };

enum { PERCENT = 99 }; /* of ordinary frames raise no alarm */

static float frames[TRAIN][DIM], checks[CHECK][DIM];

/* Bar `index`: place and length from the generator, upright unless `lying`. */
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

static int create(vae_model **model)
{
    vae_layer layer;
    vae_layer_init(&layer, sizeof layer);
    layer.units = 32;
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = DIM;
    config.z_dim = 4;
    config.encoder = config.decoder = &layer;
    config.n_encoder = config.n_decoder = 1;
    vae_training training;
    vae_training_init(&training, sizeof training);
    training.learning_rate = 5e-3;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = BATCH;
    return vae_create(model, &config, &training, &runtime);
}

static int learn(vae_model *model)
{
    int status = VAE_OK;
    for (int step = 0; step < STEPS && status == VAE_OK; step++)
        status = vae_step(model, frames[step * BATCH % TRAIN], BATCH, NULL);
    return status;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The score that PERCENT of the n held-out frames do not exceed. It belongs to the model as it is now, and
 * has to be computed again after further training. */
static double choose_threshold(double *score, size_t n)
{
    qsort(score, n, sizeof *score, ascending);
    return score[(PERCENT * n + 99) / 100 - 1];
}

/* Score STREAM frames one by one. Returns whether enough was found and not too much. */
static int watch(vae_model *model, double threshold)
{
    int found = 0, unusual = 0, false_alarms = 0;
    for (int t = 0; t < STREAM; t++) {
        int kind = t == 200 ? BROKEN : t % 50 == 37 ? LYING : ORDINARY;
        float frame[DIM];
        double score;
        draw(frame, (uint64_t)(TRAIN + CHECK + t), kind == LYING);
        if (kind == BROKEN)
            frame[5] = NAN;
        if (vae_score(model, frame, 1, 0, &score) != VAE_OK) /* 0 samples: at z = mu, without noise */
            return 0;
        int alarm = !(score <= threshold); /* also for a score that is NaN, unlike score > threshold */
        if (alarm && isnan(score))
            printf("frame %3d: not a number\n", t);
        else if (alarm)
            printf("frame %3d: %.1f nats%s\n", t, score, kind == ORDINARY ? " (an ordinary one)" : "");
        unusual += kind != ORDINARY;
        found += kind != ORDINARY && alarm;
        false_alarms += kind == ORDINARY && alarm;
    }
    printf("%d of %d unusual frames found, %d false alarms in %d frames\n", found, unusual, false_alarms,
        STREAM);
    return found == unusual && false_alarms <= STREAM / 50;
}

/* The threshold travels with the model, in digits that read back as the same number. */
static int save(vae_model *model, double threshold, const char *path)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.17g", threshold);
    if (vae_set_metadata(model, "threshold", digits) == VAE_OK &&
        vae_save(model, path, VAE_SAVE_WEIGHTS_ONLY) == VAE_OK)
        return 1;
    fprintf(stderr, "%s\n", vae_last_error());
    return 0;
}

int main(int argc, char **argv)
{
    vae_model *model;
    static double score[CHECK];
    for (uint64_t i = 0; i < TRAIN; i++)
        draw(frames[i], i, 0);
    for (uint64_t i = 0; i < CHECK; i++)
        draw(checks[i], TRAIN + i, 0);
    if (create(&model) != VAE_OK || learn(model) != VAE_OK ||
        vae_score(model, checks[0], CHECK, 0, score) != VAE_OK) {
        fprintf(stderr, "%s\n", vae_last_error());
        vae_destroy(model);
        return 1;
    }
    double threshold = choose_threshold(score, CHECK);
    printf("threshold %.1f nats: %d %% of held-out ordinary frames score no more\n", threshold, PERCENT);
    int good = watch(model, threshold) && (argc < 2 || save(model, threshold, argv[1]));
    vae_destroy(model);
    return !good;
}
