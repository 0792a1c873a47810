/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. Anomaly scores on a stream: learn what ordinary frames look like, then score each frame as it
 * comes.
 *
 * A frame is 12 x 12 with one bright bar, upright and somewhere. The stream holds a few frames whose bar lies
 * down. The threshold is the highest score among ordinary frames that were not trained on.
 */
#include <stdio.h>
#include <string.h>
#include <vae/vae.h>

enum { SIDE = 12, DIM = SIDE * SIDE, TRAIN = 1024, CHECK = 256, STREAM = 400, BATCH = 64, STEPS = 800 };

static float frames[TRAIN][DIM], checks[CHECK][DIM];

/* Bar `index`: place and brightness from the generator, upright unless `lying`. */
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
    config.max_batch = BATCH;
    config.learning_rate = 5e-3;
    return vae_create(model, &config);
}

static int learn(vae_model *model)
{
    int status = VAE_OK;
    for (int step = 0; step < STEPS && status == VAE_OK; step++)
        status = vae_step(model, frames[step * BATCH % TRAIN], BATCH, NULL);
    return status;
}

int main(void)
{
    vae_model *model;
    static double score[CHECK];
    for (uint64_t i = 0; i < TRAIN; i++)
        draw(frames[i], i, 0);
    for (uint64_t i = 0; i < CHECK; i++)
        draw(checks[i], TRAIN + i, 0);
    if (create(&model) != VAE_OK || learn(model) != VAE_OK ||
        vae_score(model, checks[0], CHECK, 0, score) !=
            VAE_OK) { /* 0 samples: at z = mu, the same at every call */
        fprintf(stderr, "%s\n", vae_last_error());
        return 1;
    }
    double threshold = score[0];
    for (int i = 1; i < CHECK; i++)
        threshold = score[i] > threshold ? score[i] : threshold;
    printf("ordinary frames score at most %.1f nats\n", threshold);

    int found = 0, anomalies = 0, false_alarms = 0;
    for (int t = 0; t < STREAM; t++) {
        int anomalous = t % 50 == 37;
        float frame[DIM];
        draw(frame, (uint64_t)(TRAIN + CHECK + t), anomalous);
        if (vae_score(model, frame, 1, 0, score) != VAE_OK)
            return 1;
        int flagged = score[0] > threshold;
        if (flagged)
            printf("frame %3d: %.1f nats%s\n", t, score[0], anomalous ? "" : " (an ordinary one)");
        anomalies += anomalous;
        found += anomalous && flagged;
        false_alarms += !anomalous && flagged;
    }
    vae_destroy(model);
    printf(
        "%d of %d anomalies found, %d false alarms in %d frames\n", found, anomalies, false_alarms, STREAM);
    return found != anomalies || false_alarms > STREAM / 50;
}
