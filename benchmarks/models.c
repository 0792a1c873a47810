/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. Models from the command line, and data for them.
 */
#include "models.h"

#include "serve.h"

#include <stdlib.h>
#include <string.h>

/* Built a second time with BENCH_CBLAS: the products are those of the CBLAS that is linked. */
#if defined(BENCH_CBLAS)
#include <cblas.h>

static void product(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a,
    int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    cblas_sgemm(order, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
#else
#define product NULL
#endif

enum { MOST_STAGES = 8, DATA_ROWS = 2048 };

const char bench_model_usage[] =
    "UNITS ACTIVATION BATCH DRAWS THREADS, such as 784-400-20 relu 128 1 1; DRAWS iwae:5 for VAE_IWAE";

static int32_t activation_of(const char *name)
{
    static const char *const names[] = {"identity", "relu", "tanh"};
    static const int32_t numbers[] = {VAE_IDENTITY, VAE_RELU, VAE_TANH};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(names[i], name) == 0)
            return numbers[i];
    bench_need(0, "unknown activation");
    return 0;
}

static size_t parse_units(const char *text, uint64_t units[MOST_STAGES + 1])
{
    size_t count = 0;
    for (char *end;; text = end + 1) {
        bench_need(count <= MOST_STAGES, "too many layers");
        units[count++] = strtoull(text, &end, 10);
        if (*end != '-')
            break;
    }
    bench_need(count >= 2, "units: at least x and z");
    return count - 1;
}

/* The first layer passes no gradient on to x. */
static double flop_of(const uint64_t *units, size_t stages, double batch, double draws)
{
    double flop = 0;
    for (size_t i = 0; i < stages; i++) {
        double weights = (double)units[i] * (double)units[i + 1];
        flop += (i == 0 ? 4 : 6) * batch * weights * (i + 1 == stages ? 2 : 1);
        flop += 6 * batch * draws * weights;
    }
    return flop;
}

/* From "5" or "iwae:5". */
static vae_training training_of(const char *draws)
{
    static const char prefix[] = "iwae:";
    vae_training training;
    vae_training_init(&training, sizeof training);
    if (strncmp(draws, prefix, sizeof prefix - 1) == 0) {
        training.objective = VAE_IWAE;
        draws += sizeof prefix - 1;
    }
    training.samples = strtoull(draws, NULL, 10);
    return training;
}

static void create(struct bench_model *model, const uint64_t *units, size_t stages,
    const vae_training *training, char **argv)
{
    vae_layer encoder[MOST_STAGES], decoder[MOST_STAGES];
    size_t hidden = stages - 1;
    for (size_t i = 0; i < hidden; i++) {
        vae_layer_init(&encoder[i], sizeof encoder[i]);
        encoder[i].units = units[i + 1];
        encoder[i].activation = activation_of(argv[1]);
    }
    for (size_t i = 0; i < hidden; i++)
        decoder[i] = encoder[hidden - 1 - i];
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = model->x_dim;
    config.z_dim = model->z_dim;
    config.encoder = encoder;
    config.decoder = decoder;
    config.n_encoder = config.n_decoder = hidden;
    vae_runtime runtime;
    vae_runtime_init(&runtime, sizeof runtime);
    runtime.max_batch = model->batch;
    runtime.threads = (int32_t)strtol(argv[4], NULL, 10);
    runtime.sgemm = product;
    bench_need(vae_create(&model->vae, &config, training, &runtime) == VAE_OK, vae_last_error());
}

struct bench_model *bench_model_new(int argc, char **argv)
{
    uint64_t units[MOST_STAGES + 1];
    bench_need(argc == 5, bench_model_usage);
    struct bench_model *model = bench_memory(sizeof *model);
    size_t stages = parse_units(argv[0], units);
    model->x_dim = (size_t)units[0];
    model->z_dim = (size_t)units[stages];
    model->batch = (size_t)strtoull(argv[2], NULL, 10);
    vae_training training = training_of(argv[3]);
    model->flop = flop_of(units, stages, (double)model->batch, (double)training.samples);
    create(model, units, stages, &training, argv);
    model->rows = model->batch > DATA_ROWS ? model->batch : DATA_ROWS / model->batch * model->batch;
    uint64_t start = bench_nanoseconds();
    model->data = bench_uniform(model->rows * model->x_dim, 0, 1);
    for (size_t i = 0; i < model->rows * model->x_dim; i++)
        model->data[i] = model->data[i] < 0.3f;
    model->data_nanoseconds = bench_nanoseconds() - start;
    return model;
}

void bench_model_step(struct bench_model *model)
{
    int status = vae_step(model->vae, model->data + model->next * model->x_dim, model->batch, NULL);
    bench_need(status == VAE_OK, vae_last_error());
    model->next = (model->next + model->batch) % model->rows;
}
