/* SPDX-License-Identifier: BSD-2-Clause
 * Test. The model against the same model in PyTorch, float64 (golden.txt, written by generate.py): first
 * parameters to the bit, forward values and gradients to 1e-5 of their norm, tensor by tensor, parameters
 * after the optimizer's steps to 1e-4.
 */
#include "../support/models.h"
#include "../support/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_LINE = 1 << 16, NAME = 64, FIELDS = 16 };
enum { GATED = 100 }; /* added to the activation of a gated layer */
#define MOST_VALUES 1024

/* A key with its numbers. */
struct field {
    char key[NAME];
    size_t count;
    double values[MOST_VALUES];
};

struct golden {
    char name[NAME];
    size_t count;
    struct field fields[FIELDS];
};

static FILE *open_dump(void)
{
    const char *path = getenv("VAE_GOLDEN");
    FILE *file = fopen(path ? path : "golden.txt", "r");
    ck_assert_msg(file, "no golden.txt; VAE_GOLDEN says where it is");
    return file;
}

static void read_field(const char *line, struct field *field)
{
    int used;
    ck_assert_int_eq(sscanf(line, "%63s %zu%n", field->key, &field->count, &used), 2);
    ck_assert_uint_le(field->count, MOST_VALUES);
    for (size_t i = 0; i < field->count; i++) {
        char *end;
        line += used;
        field->values[i] = strtod(line, &end);
        ck_assert_ptr_ne(end, line);
        used = (int)(end - line);
    }
}

/* The next case, or 0 at the end of the file. */
static int read_case(FILE *file, struct golden *golden)
{
    static char line[LONGEST_LINE];
    golden->count = 0;
    golden->name[0] = '\0';
    for (;;) {
        long start = ftell(file);
        if (!fgets(line, sizeof line, file))
            return golden->name[0] != '\0';
        if (line[0] == '#')
            continue;
        if (strncmp(line, "case ", 5) == 0 && golden->name[0]) {
            fseek(file, start, SEEK_SET);
            return 1;
        }
        if (sscanf(line, "case %63s", golden->name) == 1)
            continue;
        ck_assert_uint_lt(golden->count, FIELDS);
        read_field(line, &golden->fields[golden->count++]);
    }
}

static const struct field *field(const struct golden *golden, const char *key)
{
    for (size_t i = 0; i < golden->count; i++)
        if (strcmp(golden->fields[i].key, key) == 0)
            return &golden->fields[i];
    ck_abort_msg("%s: no %s", golden->name, key);
}

static size_t set_layers(const struct field *numbers, vae_layer *layers)
{
    size_t count = numbers->count / 2;
    for (size_t i = 0; i < count; i++) {
        vae_layer_init(&layers[i], sizeof layers[i]);
        layers[i].units = (uint64_t)numbers->values[2 * i];
        layers[i].activation = (int32_t)numbers->values[2 * i + 1] % GATED;
        layers[i].kind = numbers->values[2 * i + 1] >= GATED ? VAE_LAYER_GATED : VAE_LAYER_DENSE;
    }
    return count;
}

/* generate.py's numbers of likelihoods, from 1 on. */
static const struct {
    int32_t likelihood, scale;
} kinds_of_dump[] = {
    {0, 0},
    {VAE_BERNOULLI, VAE_PARAM_CELL},
    {VAE_GAUSS, VAE_PARAM_FIXED},
    {VAE_GAUSS, VAE_PARAM_SPAN},
    {VAE_GAUSS, VAE_PARAM_CELL},
};
enum { KINDS = sizeof kinds_of_dump / sizeof *kinds_of_dump };

static int kind_of(const struct golden *golden)
{
    int kind = (int)field(golden, "kinds")->values[0];
    ck_assert(kind >= 1 && kind < KINDS);
    return kind;
}

static void set_bound(const struct field *bound, vae_training *training)
{
    ck_assert_uint_eq(bound->count, 5);
    training->objective = (int32_t)bound->values[0];
    training->estimator = (int32_t)bound->values[1];
    training->estimates = (uint64_t)bound->values[2];
    training->kl_weight = bound->values[3];
    training->elbo_weight = bound->values[4];
}

static vae_model *create(const struct golden *golden)
{
    const double *kinds = field(golden, "kinds")->values, *numbers = field(golden, "numbers")->values;
    struct plan plan;
    plan_init(&plan, kinds_of_dump[kind_of(golden)].likelihood, VAE_RELU, 0);
    plan_sizes(&plan, (uint64_t)kinds[3], (uint64_t)kinds[4], NULL, 0);
    plan.spans[0].mean_activation = (int32_t)kinds[1];
    plan.spans[0].scale = kinds_of_dump[kind_of(golden)].scale;
    plan.spans[0].scale_value = numbers[0];
    plan.training.samples = (uint64_t)kinds[2];
    plan.training.learning_rate = numbers[1];
    plan.training.optimizer = (int32_t)numbers[2];
    plan.training.momentum = numbers[3];
    plan.training.weight_decay = numbers[4];
    plan.training.clip_norm = numbers[5];
    set_bound(field(golden, "bound"), &plan.training);
    plan.config.seed = (uint64_t)kinds[5];
    if (field(golden, "numbers")->count > 6) {
        plan.config.z_logvar_min = numbers[6];
        plan.config.z_logvar_max = numbers[7];
    }
    plan.config.prior = (int32_t)field(golden, "prior")->values[0];
    plan.config.prior_components = (uint64_t)field(golden, "prior")->values[1];
    plan.config.n_encoder = set_layers(field(golden, "encoder"), plan.encoder);
    plan.config.n_decoder = set_layers(field(golden, "decoder"), plan.decoder);
    return model_of(&plan);
}

static void close_to(
    const char *name, const char *what, size_t n, const double *found, const double *wanted, double tolerance)
{
    double error = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        error += (found[i] - wanted[i]) * (found[i] - wanted[i]);
        norm += wanted[i] * wanted[i];
    }
    ck_assert_msg(sqrt(error) <= tolerance * sqrt(norm), "%s: %s is off by %g of its norm, %g; allowed is %g",
        name, what, sqrt(error / norm), sqrt(norm), tolerance);
}

static void tensors_close(
    const struct golden *golden, const vae_model *model, const char *key, const float *found)
{
    const struct field *wanted = field(golden, key);
    double values[MOST_VALUES];
    ck_assert_uint_eq(vae_param_count(model), wanted->count);
    for (size_t i = 0; i < wanted->count; i++)
        values[i] = (double)found[i];
    for (uint64_t i = 0; i < vae_tensor_count(model); i++) {
        vae_tensor_info tensor;
        char what[2 * NAME];
        vae_tensor_info_init(&tensor, sizeof tensor);
        must(vae_tensor(model, i, &tensor));
        snprintf(what, sizeof what, "%s of %s", key, tensor.name);
        close_to(golden->name, what, (size_t)tensor.count, values + tensor.offset,
            wanted->values + tensor.offset, strcmp(key, "last") == 0 ? 1e-4 : 1e-5);
    }
}

static void check_case(const struct golden *golden)
{
    const double *kinds = field(golden, "kinds")->values;
    size_t rows = (size_t)kinds[6], read_samples = (size_t)kinds[8];
    const struct field *first = field(golden, "first"), *xs = field(golden, "x");
    float x[MOST_VALUES];
    double elbo[MOST_VALUES];
    vae_model *model = create(golden);
    for (size_t i = 0; i < xs->count; i++)
        x[i] = (float)xs->values[i];
    float *params = params_of(model);
    ck_assert_uint_eq(vae_param_count(model), first->count);
    for (size_t i = 0; i < first->count; i++)
        ck_assert_msg(params[i] == (float)first->values[i], "%s: first value %zu", golden->name, i);

    must(vae_elbo(model, x, rows, 0, elbo, NULL));
    close_to(golden->name, "elbo at mu", rows, elbo, field(golden, "elbo_at_mu")->values, 1e-5);
    must(vae_elbo(model, x, rows, read_samples, elbo, NULL));
    close_to(golden->name, "elbo", rows, elbo, field(golden, "elbo")->values, 1e-5);

    vae_batch batch = batch_of(model, x, rows);
    vae_terms terms = empty_terms();
    must(vae_grad(model, &batch, &terms));
    const double *wanted = field(golden, "terms")->values;
    close_to(golden->name, "mean elbo", 1, &terms.elbo, wanted, 1e-5);
    close_to(golden->name, "mean loglik", 1, &terms.loglik, wanted + 1, 1e-5);
    close_to(golden->name, "mean kl", 1, &terms.kl, wanted + 2, 1e-5);
    close_to(golden->name, "mean objective", 1, &terms.objective, wanted + 3, 1e-5);
    float *grads = grads_of(model);
    tensors_close(golden, model, "gradient", grads);

    for (int step = 0; step < (int)kinds[7]; step++)
        must(vae_step(model, x, rows, NULL));
    must(vae_get_params(model, params, first->count));
    tensors_close(golden, model, "last", params);
    free(params);
    free(grads);
    vae_destroy(model);
}

START_TEST(golden_values)
{
    struct golden *golden = malloc(sizeof *golden);
    FILE *file = open_dump();
    int seen[KINDS] = {0}, estimated[2][VAE_ESTIMATOR_DREG + 1] = {{0}}, optimizers[VAE_SGD + 1] = {0},
        draws = 0;
    while (read_case(file, golden)) {
        check_case(golden);
        const double *bound = field(golden, "bound")->values;
        seen[kind_of(golden)] = 1;
        estimated[(int)bound[0] - VAE_ELBO][(int)bound[1]] = 1;
        optimizers[(int)field(golden, "numbers")->values[2]] = 1;
        draws |= field(golden, "kinds")->values[2] > 1;
    }
    for (int kind = 1; kind < KINDS; kind++)
        ck_assert_msg(seen[kind], "no case of kind %d", kind);
    for (int i = VAE_ADAM; i <= VAE_SGD; i++)
        ck_assert_msg(optimizers[i], "no case of optimizer %d", i);
    ck_assert_msg(draws, "no case of several draws");
    for (int objective = VAE_ELBO; objective <= VAE_IWAE; objective++)
        for (int i = VAE_ESTIMATOR_DEFAULT; i <= VAE_ESTIMATOR_DREG; i++)
            ck_assert_msg(estimated[objective - VAE_ELBO][i] || i == VAE_ESTIMATOR_ANALYTIC_KL ||
                              (i == VAE_ESTIMATOR_DREG && objective == VAE_ELBO),
                "no case of objective %d, estimator %d", objective, i);
    fclose(file);
    free(golden);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {golden_values};
    return RUN_SUITE("golden", tests);
}
