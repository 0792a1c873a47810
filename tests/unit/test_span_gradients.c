/* SPDX-License-Identifier: BSD-2-Clause
 * Test. Gradients of models of several likelihoods against an independent reference: a linear encoder and
 * decoder in float64 around the functions of section 2, chained by hand, several draws, weights. Scales that
 * are learned for a span against their maximum of the likelihood; floors have slope 0 below them.
 */
#include "../support/answers.h"
#include "../support/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 7, DRAWS = 3, MOST_HEAD = 2 * X_DIM };

static void set_span(struct plan *plan, size_t i, int32_t likelihood, uint64_t columns, int32_t scale)
{
    plan->spans[i].likelihood = likelihood;
    plan->spans[i].columns = columns;
    plan_scale(plan, i, scale);
}

static void plan_linear(struct plan *plan, int which)
{
    plan_mixed(plan, VAE_TANH);
    if (which == 1) {
        set_span(plan, 0, VAE_CBERNOULLI, 3, VAE_PARAM_CELL);
        set_span(plan, 1, VAE_LAPLACE, 4, VAE_PARAM_CELL);
        set_span(plan, 2, VAE_LAPLACE, 2, VAE_PARAM_SPAN);
        set_span(plan, 3, VAE_GAUSS, 4, VAE_PARAM_FIXED);
        plan->spans[1].mean_activation = VAE_SIGMOID;
        plan->spans[2].mean_activation = VAE_IDENTITY;
    }
    plan->spans[1].scale_min = -0.05;
    plan->config.n_encoder = plan->config.n_decoder = 0;
    plan->training.samples = DRAWS;
    plan->training.kl_weight = 0.5;
    plan->training.learning_rate = 0.02;
}

/* ---- the reference ---- */

/* The model's parameters by part, and their gradients in the canonical order. */
struct reference {
    const struct plan *plan;
    double *params, *grads;
    size_t head, ew, eb, dw, db, scales; /* rows of the decoder's head; offsets */
};

static size_t columns_of(const struct plan *plan, size_t k)
{
    return (size_t)plan->spans[k].columns;
}

static int has_scale(const vae_span *span)
{
    return span->likelihood == VAE_GAUSS || span->likelihood == VAE_LAPLACE;
}

static void affine(const double *w, const double *b, size_t rows, size_t cols, const double *x, double *y)
{
    for (size_t i = 0; i < rows; i++) {
        y[i] = b[i];
        for (size_t j = 0; j < cols; j++)
            y[i] += w[i * cols + j] * x[j];
    }
}

/* Adds the outer product to the weights' gradient, g to the biases', and the way back through w to gx. */
static void affine_back(const double *w, size_t rows, size_t cols, const double *x, const double *g,
    double *gw, double *gb, double *gx)
{
    for (size_t i = 0; i < rows; i++) {
        gb[i] += g[i];
        for (size_t j = 0; j < cols; j++) {
            gw[i * cols + j] += g[i] * x[j];
            if (gx)
                gx[j] += g[i] * w[i * cols + j];
        }
    }
}

/* Adds w times the gradient of one cell's log-likelihood. */
static void cell_slopes(
    int32_t likelihood, double x, double location, double scale, double w, double *glocation, double *gscale)
{
    if (likelihood == VAE_BERNOULLI)
        must(vae_loglik_bernoulli_grad_f64(1, 1, &x, 1, &location, 1, &w, NULL, glocation, 1));
    else if (likelihood == VAE_CBERNOULLI)
        must(vae_loglik_cbernoulli_grad_f64(1, 1, &x, 1, &location, 1, &w, NULL, glocation, 1));
    else if (likelihood == VAE_POISSON)
        must(vae_loglik_poisson_grad_f64(1, 1, &x, 1, &location, 1, &w, NULL, glocation, 1));
    else if (likelihood == VAE_GAUSS)
        must(vae_loglik_gauss_grad_f64(
            1, 1, &x, 1, &location, 1, &scale, 1, &w, NULL, glocation, 1, gscale, 1));
    else
        must(vae_loglik_laplace_grad_f64(
            1, 1, &x, 1, &location, 1, &scale, 1, &w, NULL, glocation, 1, gscale, 1));
}

/* Slopes of the loss at the head, of one draw with weight w; scales outside of it go to the gradient
 * at once. */
static void head_slopes(struct reference *r, const float *x, const double *y, double w, double *gy)
{
    size_t column = 0, from_head = X_DIM, learned = r->scales;
    for (size_t k = 0; k < 4; k++) {
        const vae_span *span = &r->plan->spans[k];
        int sigmoid = span->mean_activation == VAE_SIGMOID;
        int in_head = has_scale(span) && span->scale == VAE_PARAM_CELL;
        int of_span = has_scale(span) && span->scale == VAE_PARAM_SPAN;
        for (size_t j = 0; j < columns_of(r->plan, k); j++, column++) {
            double given = in_head ? y[from_head] : of_span ? r->params[learned] : span->scale_value;
            double scale = fmax(given, span->scale_min), gscale = 0, glocation = 0;
            double location = sigmoid ? 1 / (1 + exp(-y[column])) : y[column];
            cell_slopes(span->likelihood, (double)x[column], location, scale, -w, &glocation, &gscale);
            gy[column] += sigmoid ? glocation * location * (1 - location) : glocation;
            gscale = given < span->scale_min ? 0 : gscale;
            if (in_head)
                gy[from_head++] += gscale;
            else if (of_span)
                r->grads[learned] += gscale;
        }
        learned += (size_t)of_span;
    }
}

/* Adds one row's share, w being its weight over the total. */
static void row_slopes(struct reference *r, const float *x, const float *eps, size_t draw_step, double w)
{
    double row[X_DIM], code[2 * Z_DIM], gcode[2 * Z_DIM] = {0}, z[Z_DIM], noise[Z_DIM], head[MOST_HEAD];
    double kl_weight = w * r->plan->training.kl_weight;
    for (size_t j = 0; j < X_DIM; j++)
        row[j] = (double)x[j];
    affine(r->params + r->ew, r->params + r->eb, 2 * Z_DIM, X_DIM, row, code);
    for (size_t s = 0; s < DRAWS; s++) {
        double gz[Z_DIM] = {0}, ghead[MOST_HEAD] = {0};
        for (size_t j = 0; j < Z_DIM; j++)
            noise[j] = (double)eps[s * draw_step + j];
        must(vae_reparam_f64(1, Z_DIM, code, Z_DIM, code + Z_DIM, Z_DIM, noise, Z_DIM, z, Z_DIM));
        affine(r->params + r->dw, r->params + r->db, r->head, Z_DIM, z, head);
        head_slopes(r, x, head, w / DRAWS, ghead);
        affine_back(r->params + r->dw, r->head, Z_DIM, z, ghead, r->grads + r->dw, r->grads + r->db, gz);
        must(vae_reparam_grad_f64(
            1, Z_DIM, code + Z_DIM, Z_DIM, noise, Z_DIM, gz, Z_DIM, gcode, Z_DIM, gcode + Z_DIM, Z_DIM));
    }
    must(vae_kl_diag_gauss_grad_f64(
        1, Z_DIM, code, Z_DIM, code + Z_DIM, Z_DIM, &kl_weight, NULL, gcode, Z_DIM, gcode + Z_DIM, Z_DIM));
    affine_back(r->params + r->ew, 2 * Z_DIM, X_DIM, row, gcode, r->grads + r->ew, r->grads + r->eb, NULL);
}

static struct reference reference_of(const vae_model *model, const struct plan *plan)
{
    struct reference r = {.plan = plan};
    size_t count = (size_t)vae_param_count(model);
    float *params = params_of(model);
    r.params = malloc(count * sizeof *r.params);
    r.grads = calloc(count, sizeof *r.grads);
    for (size_t i = 0; i < count; i++)
        r.params[i] = (double)params[i];
    r.ew = (size_t)tensor_of(model, "encoder.0.weight").offset;
    r.eb = (size_t)tensor_of(model, "encoder.0.bias").offset;
    r.dw = (size_t)tensor_of(model, "decoder.0.weight").offset;
    r.db = (size_t)tensor_of(model, "decoder.0.bias").offset;
    r.head = (size_t)tensor_of(model, "decoder.0.bias").count;
    r.scales = r.db + r.head;
    free(params);
    return r;
}

/* Tensor by tensor, to 1e-5 of its norm. */
static void compare(const vae_model *model, const struct reference *r)
{
    float *grads = grads_of(model);
    for (uint64_t i = 0; i < vae_tensor_count(model); i++) {
        vae_tensor_info info;
        double norm = 0, error = 0;
        vae_tensor_info_init(&info, sizeof info);
        must(vae_tensor(model, i, &info));
        for (uint64_t j = info.offset; j < info.offset + info.count; j++) {
            norm += r->grads[j] * r->grads[j];
            error += ((double)grads[j] - r->grads[j]) * ((double)grads[j] - r->grads[j]);
        }
        ck_assert_msg(norm > 0 && sqrt(error) <= 1e-5 * sqrt(norm), "%s: norm %g, error %g", info.name,
            sqrt(norm), sqrt(error));
    }
    free(grads);
}

static void check_gradient(vae_model *model, const struct plan *plan)
{
    float *x = rows_for(model, BATCH, 6), eps[DRAWS * BATCH * Z_DIM], weight[BATCH];
    struct reference r = reference_of(model, plan);
    vae_batch batch = batch_of(model, x, BATCH);
    double total = 0;
    for (size_t i = 0; i < BATCH; i++)
        total += (double)(weight[i] = 0.5f + 0.25f * (float)(i % 3));
    batch.weight = weight;
    batch.seed = 3;
    for (uint64_t s = 0; s < DRAWS; s++)
        must(vae_normal(noise_key(5, 3), noise_stream(VAE_STREAM_TRAIN, s, vae_steps(model)), 0,
            BATCH * Z_DIM, eps + s * BATCH * Z_DIM));
    for (size_t i = 0; i < BATCH; i++)
        row_slopes(&r, x + i * X_DIM, eps + i * Z_DIM, BATCH * Z_DIM, (double)weight[i] / total);
    must(vae_grad(model, &batch, NULL));
    compare(model, &r);
    free(x);
    free(r.params);
    free(r.grads);
}

START_TEST(gradients_by_reference)
{
    for (int which = 0; which < 2; which++) {
        struct plan plan;
        plan_linear(&plan, which);
        vae_model *model = model_of(&plan);
        check_gradient(model, &plan);
        train_some(model, 5, 16);
        check_gradient(model, &plan);
        vae_destroy(model);
    }
}
END_TEST

/* ---- learned scales ---- */

/* A decoder that says the same for any z; the rest of the model may do what it likes. */
struct constant {
    vae_model *model;
    float *x, location[X_DIM], zeros[MOST_HEAD * Z_DIM];
};

static void hold(struct constant *c)
{
    vae_tensor_info weight = tensor_of(c->model, "decoder.0.weight"),
                    bias = tensor_of(c->model, "decoder.0.bias");
    must(vae_set_tensor(c->model, &weight, c->zeros));
    must(vae_set_tensor(c->model, &bias, c->location));
}

/* Spans 0, Gauss [5], and 1, Laplace [8], each with one scale. */
static struct constant constant_open(double floor, double first)
{
    struct plan plan;
    struct constant c = {.zeros = {0}};
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 0);
    plan.config.n_spans = 2;
    set_span(&plan, 0, VAE_GAUSS, 5, VAE_PARAM_SPAN);
    set_span(&plan, 1, VAE_LAPLACE, 8, VAE_PARAM_SPAN);
    for (int i = 0; i < 2; i++) {
        plan.spans[i].scale_min = floor;
        plan.spans[i].scale_value = first;
    }
    plan.training.learning_rate = 0.03;
    plan.training.beta2 = 0.9; /* the first slopes are far larger than the last ones */
    c.model = model_of(&plan);
    c.x = rows_for(c.model, 16, 9);
    for (int j = 0; j < X_DIM; j++)
        c.location[j] = 0.1f * (float)j - 0.3f;
    hold(&c);
    return c;
}

static void constant_close(struct constant *c)
{
    free(c->x);
    vae_destroy(c->model);
}

/* Where the likelihood is largest: log of the mean square, or of the mean magnitude, of x - location. */
static double best_scale(const struct constant *c, int span)
{
    double sum = 0;
    int first = span ? 5 : 0, last = span ? X_DIM : 5;
    for (int i = 0; i < 16; i++)
        for (int j = first; j < last; j++) {
            double error = (double)c->x[i * X_DIM + j] - (double)c->location[j];
            sum += span ? fabs(error) : error * error;
        }
    return log(sum / (16.0 * (last - first)));
}

static double scale_of(const vae_model *model, int span)
{
    float scale;
    must(vae_get_tensor(model, span ? "spans.1.scale" : "spans.0.scale", &scale, 1));
    return (double)scale;
}

/* The slope of the loss in a span's scale. */
static double slope_of(const struct constant *c, int span)
{
    vae_batch batch = batch_of(c->model, c->x, 16);
    must(vae_grad(c->model, &batch, NULL));
    float *grads = grads_of(c->model);
    double slope = (double)grads[tensor_of(c->model, span ? "spans.1.scale" : "spans.0.scale").offset];
    free(grads);
    return slope;
}

/* From either side, and to the place that the data say. */
START_TEST(scales_move_to_their_maximum)
{
    const double starts[] = {-4, 2};
    for (int i = 0; i < 2; i++) {
        struct constant c = constant_open(-1e30, starts[i]);
        for (int span = 0; span < 2; span++)
            ck_assert(slope_of(&c, span) * (starts[i] - best_scale(&c, span)) > 0);
        for (int step = 0; step < 600; step++) {
            must(vae_step(c.model, c.x, 16, NULL));
            hold(&c);
        }
        for (int span = 0; span < 2; span++)
            ck_assert_double_eq_tol(scale_of(c.model, span), best_scale(&c, span), 0.01);
        constant_close(&c);
    }
}
END_TEST

/* At the maximum there is no slope; away from it the slope is that of d log-likelihood. */
START_TEST(slopes_of_scales)
{
    const double beside[] = {-1, -0.1, 0, 0.1, 1};
    struct constant c = constant_open(-1e30, 0);
    for (int span = 0; span < 2; span++) {
        double best = best_scale(&c, span), columns = span ? 8 : 5;
        vae_tensor_info info = tensor_of(c.model, span ? "spans.1.scale" : "spans.0.scale");
        for (int i = 0; i < 5; i++) {
            float value = (float)(best + beside[i]);
            must(vae_set_tensor(c.model, &info, &value));
            double expected = columns * (span ? 1 : 0.5) * (1 - exp(best - (double)value));
            ck_assert_double_eq_tol(slope_of(&c, span), expected, 2e-6 * columns);
        }
    }
    constant_close(&c);
}
END_TEST

/* Below the floor there is no slope and no movement; what is at the floor is not below it. */
START_TEST(floors_have_no_slope)
{
    for (int at = 0; at < 2; at++) {
        double floor = -0.75, first = at ? floor : -0.875;
        struct constant c = constant_open(floor, first);
        for (int span = 0; span < 2; span++)
            ck_assert_msg((slope_of(&c, span) == 0) == !at, "span %d: slope %g", span, slope_of(&c, span));
        for (int step = 0; step < 5; step++)
            must(vae_step(c.model, c.x, 16, NULL));
        for (int span = 0; span < 2; span++)
            ck_assert((scale_of(c.model, span) == first) == !at);
        constant_close(&c);
    }
}
END_TEST

/* Biases of the head below and above the floor: the slope of those below is 0, and of no other. */
START_TEST(floors_of_cells_have_no_slope)
{
    const double floor = -0.75;
    struct plan plan;
    float bias[MOST_HEAD], zeros[MOST_HEAD * Z_DIM] = {0};
    plan_init(&plan, VAE_GAUSS, VAE_TANH, 0);
    plan.spans[0].scale_min = floor;
    vae_model *model = model_of(&plan);
    vae_tensor_info weight = tensor_of(model, "decoder.0.weight"), info = tensor_of(model, "decoder.0.bias");
    for (int i = 0; i < MOST_HEAD; i++)
        bias[i] = i < X_DIM ? 0.5f : (float)floor + (i % 3 ? 0.125f : -0.125f);
    must(vae_set_tensor(model, &weight, zeros));
    must(vae_set_tensor(model, &info, bias));
    float *x = rows_for(model, 16, 3);
    vae_batch batch = batch_of(model, x, 16);
    must(vae_grad(model, &batch, NULL));
    float *grads = grads_of(model);
    for (int i = X_DIM; i < MOST_HEAD; i++) {
        float slope = grads[info.offset + (uint64_t)i];
        ck_assert_msg((slope == 0) == (bias[i] < (float)floor), "bias %d, %g: slope %g", i, (double)bias[i],
            (double)slope);
        for (int j = 0; j < Z_DIM; j++)
            ck_assert((grads[weight.offset + (uint64_t)(i * Z_DIM + j)] == 0) == (bias[i] < (float)floor));
    }
    free(x);
    free(grads);
    vae_destroy(model);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {gradients_by_reference, scales_move_to_their_maximum, slopes_of_scales,
        floors_have_no_slope, floors_of_cells_have_no_slope};
    return RUN_SUITE("span-gradients", tests);
}
