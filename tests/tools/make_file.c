/* SPDX-License-Identifier: BSD-2-Clause
 * Writes a sample of the file format: a small model with spans, a learned scale, metadata and 25 steps of
 * training, and next to it the scores of four rows, which tests/unit/test_versions.c compares to the bit.
 *
 * make_file FILE.safetensors SCORES.txt
 *
 * A sample stays in the tree when the format changes; a new version gets a sample of its own.
 */
#include <stdio.h>
#include <vae/vae.h>

enum { X = 10, ROWS = 4 };

static int failed(void)
{
    fprintf(stderr, "%s\n", vae_last_error());
    return 1;
}

static vae_model *make(void)
{
    vae_layer layer;
    vae_span spans[3];
    vae_config config;
    vae_model *model = NULL;
    static const uint64_t columns[] = {4, 3, 3};
    vae_layer_init(&layer, sizeof layer);
    layer.units = 8;
    layer.activation = VAE_SILU;
    for (int i = 0; i < 3; i++) {
        vae_span_init(&spans[i], sizeof spans[i]);
        spans[i].columns = columns[i];
    }
    spans[1].likelihood = VAE_GAUSS;
    spans[1].scale = VAE_PARAM_SPAN;
    spans[2].likelihood = VAE_LAPLACE;
    spans[2].scale_min = -3;
    vae_config_init(&config, sizeof config);
    config.x_dim = X;
    config.z_dim = 2;
    config.encoder = config.decoder = &layer;
    config.n_encoder = config.n_decoder = 1;
    config.spans = spans;
    config.n_spans = 3;
    config.seed = 0x0123456789abcdefu;
    return vae_create(&model, &config, NULL, NULL) == VAE_OK ? model : NULL;
}

int main(int argc, char **argv)
{
    float x[ROWS * X];
    double score[ROWS];
    vae_model *model = make();
    for (int i = 0; i < ROWS * X; i++)
        x[i] = (float)(i * 7 % 16) / 16;
    for (int step = 0; model && step < 25; step++)
        if (vae_step(model, x, ROWS, NULL) != VAE_OK)
            return failed();
    if (argc != 3 || !model || vae_set_metadata(model, "made by", "tests/tools/make_file.c") != VAE_OK ||
        vae_save(model, argv[1], 0) != VAE_OK || vae_score(model, x, ROWS, 3, score) != VAE_OK)
        return failed();
    vae_destroy(model);
    FILE *file = fopen(argv[2], "w");
    for (int i = 0; file && i < ROWS; i++)
        fprintf(file, "%a\n", score[i]);
    return !file || fclose(file) != 0;
}
