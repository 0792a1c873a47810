/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: small models, data for them, copies of their parameters, and an allocator that counts.
 */
#ifndef VAE_TESTS_MODELS_H
#define VAE_TESTS_MODELS_H

#include <vae/vae.h>

/* A configuration and the layers that it points to: never copied, since it points into itself. */
struct plan {
    vae_config config;
    vae_layer encoder[3], decoder[3];
};

/* x_dim 13, z_dim 3, max_batch 16, seed 5; hidden layers 19 and 17 wide in the encoder, 17 and 19 in the
 * decoder. */
void plan_init(struct plan *plan, int32_t likelihood, int32_t activation, size_t hidden);
/* The same for other sizes; `widths` of the encoder's hidden layers, the decoder has them in reverse. */
void plan_sizes(struct plan *plan, uint64_t x_dim, uint64_t z_dim, const uint64_t *widths, size_t hidden);

/* A model, or the test fails with the library's words; of one thread where the build has no more. */
vae_model *model_of(const vae_config *config);
vae_model *view_of(const vae_model *owner, uint64_t max_batch);
/* Fails the test unless `status` is VAE_OK. */
void must(int status);

/* Uniform in (0, 1), [n][ld] of which d columns are set; the rest holds NaN. */
void fill_rows(float *x, size_t n, size_t d, size_t ld, uint64_t seed);
/* n rows of x_dim values, contiguous; the caller frees them. */
float *rows_for(const vae_model *model, size_t n, uint64_t seed);
/* A batch of those. */
vae_batch batch_of(const vae_model *model, const float *x, size_t n);
vae_terms empty_terms(void);

/* Parameters or gradient, in an array that the caller frees. */
float *params_of(const vae_model *model);
float *grads_of(const vae_model *model);
/* Steps on rows of ever new data. */
void train_some(vae_model *model, int steps, size_t n);
/* Fails the test unless both models hold the same parameters, bit for bit, and have made as many steps. */
void same_models(const vae_model *a, const vae_model *b);

/* All four likelihoods and their names. */
struct likelihood {
    int32_t kind, mean_activation;
    const char *name;
};
extern const struct likelihood likelihoods[];
extern const size_t likelihood_count;

/* An allocator that counts, checks what it is asked and gets back, and refuses the call number `fail_at`,
 * from 0 on. */
struct counter {
    size_t calls, live_blocks, live_bytes, misused, fail_at;
};
#define COUNTER_NEVER_FAILS ((size_t)-1)
vae_allocator counting_allocator(struct counter *counter);
/* Fails the test unless everything was given back, and rightly. */
void must_balance(const struct counter *counter);

#endif
