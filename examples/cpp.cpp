/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. From C++11: the model behind std::unique_ptr, errors as exceptions, buffers as std::vector.
 */
#include <cmath>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include <vae/vae.h>

namespace
{

struct Destroy {
    void operator()(vae_model *model) const
    {
        vae_destroy(model);
    }
};
using Model = std::unique_ptr<vae_model, Destroy>;

void check(int status)
{
    if (status != VAE_OK)
        throw std::runtime_error(vae_last_error());
}

Model create(std::size_t x_dim, std::size_t z_dim, std::size_t hidden)
{
    vae_layer layer;
    vae_layer_init(&layer, sizeof layer);
    layer.units = hidden;
    layer.activation = VAE_TANH;
    vae_config config;
    vae_config_init(&config, sizeof config);
    config.x_dim = x_dim;
    config.z_dim = z_dim;
    config.encoder = config.decoder = &layer;
    config.n_encoder = config.n_decoder = 1;
    vae_training training;
    vae_training_init(&training, sizeof training);
    training.learning_rate = 0.01;
    vae_model *model = nullptr;
    check(vae_create(&model, &config, &training, nullptr));
    return Model(model);
}

/* Rows of one block of ones each, somewhere among zeros. */
std::vector<float> blocks(std::size_t rows, std::size_t dim)
{
    std::vector<float> x(rows * dim);
    for (std::size_t i = 0; i < rows; i++)
        for (std::size_t j = 0; j < dim / 4; j++)
            x[i * dim + (i * 7 + j) % dim] = 1;
    return x;
}

} // namespace

int main()
{
    const std::size_t rows = 64, dim = 32;
    try {
        Model model = create(dim, 2, 32);
        const std::vector<float> x = blocks(rows, dim);
        vae_terms terms;
        vae_terms_init(&terms, sizeof terms);
        check(vae_elbo(model.get(), x.data(), rows, 1, nullptr, &terms));
        const double before = terms.elbo;
        for (int step = 0; step < 500; step++)
            check(vae_step(model.get(), x.data(), rows, &terms));
        check(vae_elbo(model.get(), x.data(), rows, 1, nullptr, &terms));
        std::printf("ELBO %.2f -> %.2f nats after 500 steps\n", before, terms.elbo);

        std::vector<float> wrong(dim);
        try {
            check(vae_step(model.get(), wrong.data(), 1000, nullptr));
            return 1; /* more rows than max_batch must be refused */
        } catch (const std::runtime_error &error) {
            std::printf("refused: %s\n", error.what());
        }
        return terms.elbo > before + 5 ? 0 : 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
