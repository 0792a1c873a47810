/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: small models, data for them, copies of their parameters, and an allocator that counts.
 */
#ifndef VAE_TESTS_MODELS_H
#define VAE_TESTS_MODELS_H

#include <vae/vae.h>

/* What vae_create() takes, and the arrays that it points to. Must not be copied: it points into itself. */
struct plan {
    vae_config config;
    vae_training training;
    vae_runtime runtime;
    vae_layer encoder[3], decoder[3];
    vae_span spans[4];
};

/* x_dim 13, z_dim 3, max_batch 16, seed 5; hidden layers 19, 17 and 5 wide in the encoder, in reverse in the
 * decoder; one span, its scale from the decoder. */
void plan_init(struct plan *plan, int32_t likelihood, int32_t activation, size_t hidden);
/* Other sizes; `widths` are the encoder's, the decoder has them in reverse. A single span covers x_dim. */
void plan_sizes(struct plan *plan, uint64_t x_dim, uint64_t z_dim, const uint64_t *widths, size_t hidden);
/* The source of span `i`'s scale; scale_value is -0.5 where it counts. */
void plan_scale(struct plan *plan, size_t i, int32_t scale);
/* Makes span 0 that of likelihoods[i], all its columns. */
void plan_kind(struct plan *plan, size_t i);

/* Makes a model, or fails the test with the library's words. In a build without threads a plan of more than
 * one exits with TEST_SKIPPED, which RUN_SUITE passes on. */
vae_model *model_of(const struct plan *plan);
/* A view of one thread on the C library's allocator. */
vae_model *view_of(const vae_model *owner, uint64_t max_batch);
/* Fails the test unless `status` is VAE_OK. */
void must(int status);

/* Uniform in (0, 1), [n][ld] of which d columns are set; the rest holds NaN. */
void fill_rows(float *x, size_t n, size_t d, size_t ld, uint64_t seed);
/* n rows of x_dim values, contiguous: uniform in (0, 1), whole numbers 0 to 6 in columns of a Poisson span.
 * The caller frees them. */
float *rows_for(const vae_model *model, size_t n, uint64_t seed);
/* A batch of those, with its other fields at their defaults. */
vae_batch batch_of(const vae_model *model, const float *x, size_t n);
vae_terms empty_terms(void);

/* Parameters or gradient, in an array that the caller frees. */
float *params_of(const vae_model *model);
float *grads_of(const vae_model *model);
/* The tensor's place in params_of(); fails the test where there is none of that name. */
vae_tensor_info tensor_of(const vae_model *model, const char *name);
/* Steps, each on new data. */
void train_some(vae_model *model, int steps, size_t n);
/* Fails the test unless both models have the same parameters, bit for bit, and as many steps. */
void same_models(const vae_model *a, const vae_model *b);

/* Every likelihood with every source of its scale and every activation of its mean. */
struct likelihood {
    int32_t kind, mean_activation, scale;
    const char *name;
};
extern const struct likelihood likelihoods[];
extern const size_t likelihood_count;

/* Rows of that table. */
enum {
    KIND_BERNOULLI,
    KIND_GAUSS_FIXED,
    KIND_GAUSS_FIXED_SIGMOID,
    KIND_GAUSS_SPAN,
    KIND_GAUSS_SPAN_SIGMOID,
    KIND_GAUSS_CELL,
    KIND_GAUSS_CELL_SIGMOID,
    KIND_POISSON,
    KIND_CBERNOULLI,
    KIND_LAPLACE_FIXED,
    KIND_LAPLACE_SPAN,
    KIND_LAPLACE_CELL
};

/* An allocator that counts, checks its arguments, and refuses call number `fail_at`, counted from 0. */
struct counter {
    size_t calls, live_blocks, live_bytes, most_bytes /* asked for at once */, misused, fail_at;
};
#define COUNTER_NEVER_FAILS ((size_t)-1)
/* Puts it into a runtime. */
void count_allocations(vae_runtime *runtime, struct counter *counter);
/* Fails the test unless everything was freed, and rightly. */
void must_balance(const struct counter *counter);

#endif
