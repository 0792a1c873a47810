/* SPDX-License-Identifier: BSD-2-Clause
 * Test, from inside. What must not overflow: the magnitudes of operands, and the bound made from them under
 * which gradient and update run at once.
 */
#include "../support/runner.h"
#include "../support/steps.h"

#include "pass/graph.h"

#include <math.h>
#include <string.h>

enum { COMPONENTS = 6 };

/* ---- magnitudes ---- */

static double largest(const float *rows, size_t ld, size_t n, size_t cols)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < cols; j++)
            most =
                isnan(most) || fabs((double)rows[i * ld + j]) <= most ? most : fabs((double)rows[i * ld + j]);
    return most; /* NaN where there is one */
}

/* Pseudo-inputs are rows of the encoder behind those of the batch. */
static size_t rows_of(const struct step *step, const struct vae_value *value)
{
    return value->drawn ? ROWS * DRAWS : ROWS + step->pass.extra;
}

/* What was noted is what the values hold: no less, since a bound is made from it, and no more, not from
 * the pass before either. At the decoder's head a likelihood may note what its slopes cannot exceed, and of a
 * gated layer its output's gradient counts next to those of its halves. */
static void is_noted(double noted, double held, double excess, const char *what, size_t layer)
{
    int right = noted >= held && (noted <= excess * held || isinf(excess));
    ck_assert_msg(
        isfinite(held) ? right : !isfinite(noted), "layer %zu: %s is %g, noted %g", layer, what, held, noted);
}

static void magnitudes_are_noted(vae_model *model, const float *x)
{
    const struct vae_network *net = model->network;
    size_t nodes = vae_network_nodes(net);
    memset(model->ws.most, 0x7e, model->ws.pool.threads * vae_network_values(net) * sizeof *model->ws.most);
    struct step step = run_step(model, x);
    for (size_t i = 0; i < nodes; i++) {
        const struct vae_node *node = &net->nodes[i];
        const struct vae_value *in = &model->ws.values[node->from], *out = &model->ws.values[node->to];
        double y = largest(in->y, in->ld, rows_of(&step, in), in->cols);
        double g = largest(out->g, out->ld, rows_of(&step, out), out->cols);
        is_noted(vae_most_y(net, &model->ws, node->from), y, 1, "|y|", i);
        double excess = node->kind->gates ? INFINITY : i + 1 < nodes ? 1 : 1e3;
        if (out->gate_g) {
            double gate = largest(out->gate_g, out->ld, rows_of(&step, out), out->cols);
            g = isnan(gate) || gate > g ? gate : g;
        }
        is_noted(vae_most_g(net, &model->ws, node->to), g, excess, "|g|", i);
    }
}

static void plan_vamp(struct plan *plan, int encoded)
{
    plan->config.prior = encoded ? VAE_PRIOR_VAMP : VAE_PRIOR_NORMAL;
    plan->config.prior_components = encoded ? COMPONENTS : 0;
}

/* Kinds that take every finite value see several magnitudes, one pass after the other on one model. */
static void magnitudes_of(size_t kind, int32_t activation, int32_t layer)
{
    const float scales[] = {1, 1e6f, 1e-3f, 1e12f, 1};
    struct plan plan;
    plan_init(&plan, VAE_BERNOULLI, activation, kind % 3);
    plan_kind(&plan, kind);
    plan.encoder[0].kind = plan.decoder[0].kind = layer;
    plan.training.samples = DRAWS;
    plan_vamp(&plan, kind % 2 == 1);
    vae_model *model = model_of(&plan);
    int takes_all = likelihoods[kind].kind == VAE_GAUSS || likelihoods[kind].kind == VAE_LAPLACE;
    for (size_t s = 0; s < (takes_all ? sizeof scales / sizeof *scales : 1); s++) {
        float *x = rows_for(model, ROWS, s);
        for (int i = 0; i < ROWS * X; i++)
            x[i] *= scales[s];
        magnitudes_are_noted(model, x);
        free(x);
    }
    vae_destroy(model);
}

START_TEST(magnitudes)
{
    for (size_t kind = 0; kind < likelihood_count; kind++)
        for (int32_t activation = VAE_IDENTITY; activation <= VAE_ELU; activation++)
            for (int32_t layer = VAE_LAYER_DENSE; layer <= VAE_LAYER_GATED; layer++)
                magnitudes_of(kind, activation, layer);
}
END_TEST

/* ---- the bound ---- */

static uint32_t bits_of(double x)
{
    float value = (float)x;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* With these magnitudes in one worker's lane and none elsewhere: at most rows y g, and rows g of a bias. */
static int bounded_with(
    const struct step *step, vae_model *model, size_t node, size_t place, double y, double g)
{
    size_t values = vae_network_values(model->network), worker = place / VAE_LANES;
    struct vae_most *most = model->ws.most + worker * values;
    memset(model->ws.most, 0, model->ws.pool.threads * values * sizeof *most);
    most[model->network->nodes[node].from].y[place % VAE_LANES] = bits_of(y);
    most[model->network->nodes[node].to].g[place % VAE_LANES] = bits_of(g);
    return is_bounded(step, model);
}

static void check_limit(const struct step *step, vae_model *model, size_t node, size_t place)
{
    const double limit = 1e18, operands[] = {0, 1e-20, 1, 3, 1e9, 1e17};
    const struct vae_value *out = &model->ws.values[model->network->nodes[node].to];
    double rows = (double)rows_of(step, out);
    for (size_t i = 0; i < sizeof operands / sizeof *operands; i++) {
        double g = limit / (rows * fmax(1, operands[i]));
        ck_assert_int_eq(bounded_with(step, model, node, place, operands[i], 0.999 * g), 1);
        ck_assert_int_eq(bounded_with(step, model, node, place, operands[i], 1.001 * g), 0);
    }
    ck_assert_int_eq(bounded_with(step, model, node, place, 1, NAN), 0);
    ck_assert_int_eq(bounded_with(step, model, node, place, INFINITY, 1), 0);
    ck_assert_int_eq(bounded_with(step, model, node, place, INFINITY, 0), 0); /* their product is NaN */
    ck_assert_int_eq(bounded_with(step, model, node, place, 1, INFINITY), 0);
}

START_TEST(operands_around_the_limit)
{
    for (int32_t threads = 1; threads <= 2; threads++) {
        struct plan plan;
        plan_overflow(&plan, VAE_PARAM_CELL, threads);
        plan_vamp(&plan, threads == 2);
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        struct step step = run_step(model, x);
        ck_assert_int_eq(is_bounded(&step, model), 1);
        for (size_t node = 0; node < vae_network_nodes(model->network); node++)
            for (size_t place = 0; place < VAE_LANES * (size_t)threads; place++)
                check_limit(&step, model, node, place);
        free(x);
        vae_destroy(model);
    }
}
END_TEST

/* The gradient of a scale that is learned for a span is about a row's log-likelihood: that of any row and
 * draw, in proportion to the weights. */
START_TEST(scales_around_the_limit)
{
    struct plan plan;
    plan_overflow(&plan, VAE_PARAM_SPAN, 1);
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    struct step step = run_step(model, x);
    for (size_t place = 0; place < ROWS * DRAWS; place++) {
        double *loglik = &model->ws.loglik[place / ROWS * model->ws.max_batch + place % ROWS], kept = *loglik;
        ck_assert_int_eq(is_bounded(&step, model), 1);
        *loglik = -0.999e18;
        ck_assert_int_eq(is_bounded(&step, model), 1);
        step.bound.total = ROWS / 2.0;
        ck_assert_int_eq(is_bounded(&step, model), 0);
        step.bound.total = ROWS;
        *loglik = -1.001e18;
        ck_assert_int_eq(is_bounded(&step, model), 0);
        *loglik = NAN;
        ck_assert_int_eq(is_bounded(&step, model), 0);
        *loglik = kept;
    }
    free(x);
    vae_destroy(model);
}
END_TEST

/* ---- the path ---- */

/* Gradient and update run at once where the bound allows it, and only there. */
START_TEST(the_path_of_a_step)
{
    const float scales[] = {1, 1e2f, 1e7f, 1e12f, 1e16f, 1e18f, 3e18f};
    int fused = 0;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        struct plan plan;
        plan_overflow(&plan, VAE_PARAM_FIXED, 1);
        vae_model *model = model_of(&plan);
        float *x = rows_for(model, ROWS, 1);
        for (int j = 0; j < ROWS * X; j++)
            x[j] *= scales[i];
        struct step step = run_step(model, x);
        int bounded = is_bounded(&step, model);
        ck_assert_int_eq(step_is_fused(model, x), bounded);
        fused += bounded;
        ck_assert(i > 4 || bounded);
        ck_assert(i < 6 || !bounded);
        free(x);
        vae_destroy(model);
    }
    ck_assert_int_ge(fused, 5);
}
END_TEST

/* An infinity in a layer that no term shows: the next one's tanh makes it 1, with slope 0. Its weight
 * gradient is infinity times 0. */
START_TEST(hidden_infinity)
{
    struct plan plan;
    plan_init(&plan, VAE_LAPLACE, VAE_IDENTITY, 2);
    plan_scale(&plan, 0, VAE_PARAM_FIXED);
    plan.encoder[1].activation = VAE_TANH;
    vae_model *model = model_of(&plan), *twin = model_of(&plan);
    float *params = params_of(model), *x = rows_for(model, ROWS, 1);
    vae_tensor_info first = tensor_of(model, "encoder.0.weight"),
                    second = tensor_of(model, "encoder.1.weight");
    for (uint64_t i = 0; i < first.count; i++)
        params[first.offset + i] = i % X == 0 ? 3 : 0;
    for (uint64_t i = 0; i < second.count; i++)
        params[second.offset + i] = fabsf(params[second.offset + i]);
    for (int i = 0; i < ROWS; i++)
        x[i * X] = 3e38f;
    must(vae_set_params(model, params, vae_param_count(model)));
    must(vae_set_params(twin, params, vae_param_count(model)));
    ck_assert_int_eq(vae_step(model, x, ROWS, NULL), VAE_ERR_NONFINITE);
    ck_assert_msg(strstr(vae_last_error(), "gradient of encoder.1.weight"), "%s", vae_last_error());
    same_models(model, twin);
    free(params);
    free(x);
    vae_destroy(model);
    vae_destroy(twin);
}
END_TEST

/* Gradients of a prior's tensors stand in memory as they are, one of its components after the other. */
static void prior_around_the_limit(int32_t prior, const char *name)
{
    struct plan plan;
    plan_overflow(&plan, VAE_PARAM_CELL, 1);
    plan.config.prior = prior;
    plan.config.prior_components = COMPONENTS;
    vae_model *model = model_of(&plan);
    float *x = rows_for(model, ROWS, 1);
    struct step step = run_step(model, x);
    uint64_t count = tensor_of(model, name).count;
    size_t cols = (size_t)count / COMPONENTS, ld = cols;
    float *g = model->ws.prior_g;
    if (prior == VAE_PRIOR_VAMP) {
        ld = vae_row_stride(X);
        g = model->ws.input_g + ROWS * ld;
    }
    for (uint64_t i = 0; i < count; i++) {
        float *at = &g[i / cols * ld + i % cols], kept = *at;
        *at = -0.999e18f;
        ck_assert_int_eq(is_bounded(&step, model), 1);
        *at = 1.001e18f;
        ck_assert_int_eq(is_bounded(&step, model), 0);
        *at = NAN;
        ck_assert_int_eq(is_bounded(&step, model), 0);
        *at = kept;
    }
    free(x);
    vae_destroy(model);
}

START_TEST(priors_around_the_limit)
{
    prior_around_the_limit(VAE_PRIOR_MIXTURE, "prior.mu");
    prior_around_the_limit(VAE_PRIOR_VAMP, "prior.inputs");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {magnitudes, operands_around_the_limit, scales_around_the_limit,
        priors_around_the_limit, the_path_of_a_step, hidden_infinity};
    return RUN_SUITE("overflow", tests);
}
