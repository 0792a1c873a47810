/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. The matrix products of a training step, whoever computes them.
 */
#include "products.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_LAYERS = 6, MOST_CASES = 128 };

struct chain {
    size_t count;
    struct layer layers[MOST_LAYERS];
    multiply_function *multiply;
};

struct one {
    const struct layer *layer;
    enum form form;
    multiply_function *multiply;
};

static const char *const form_names[FORMS] = {"forward", "input-gradient", "weight-gradient"};

/* Layers whose inputs and outputs fit are joined; at the latent, z and the encoder's head are separate
 * arrays. */
static void allocate(struct layer *layer, const struct layer *below, size_t ldx, size_t ldy)
{
    layer->ldx = ldx;
    layer->ldy = ldy;
    if (below && below->out == layer->in && below->rows == layer->rows && below->ldy == ldx) {
        layer->x = below->y;
        layer->dx = below->g;
    } else {
        layer->x = bench_uniform(layer->rows * ldx, 0, 1);
        layer->dx = bench_floats(layer->rows * ldx);
    }
    float most = 1.0f / (float)layer->in;
    layer->y = bench_floats(layer->rows * ldy);
    layer->g = bench_uniform(layer->rows * ldy, -1, 1);
    layer->w = bench_uniform(layer->in * layer->out, -most, most);
    layer->wt = bench_uniform(layer->in * layer->out, -most, most);
    layer->dw = bench_floats(layer->in * layer->out);
    layer->bias = bench_uniform(layer->out, -1, 1);
}

/* units: x, hidden layers, latent; the decoder mirrors them. The first array comes from outside, without
 * padding. */
static struct chain *chain_new(const size_t *units, size_t stages, size_t rows, size_t draws,
    multiply_function *multiply, stride_function *stride)
{
    struct chain *chain = bench_memory(sizeof *chain);
    chain->multiply = multiply;
    for (size_t i = 0; i < 2 * stages; i++) {
        struct layer *layer = &chain->layers[chain->count++];
        int decoder = i >= stages;
        layer->in = decoder ? units[2 * stages - i] : units[i];
        layer->out = decoder ? units[2 * stages - i - 1] : units[i + 1] * (i + 1 == stages ? 2 : 1);
        layer->rows = decoder ? rows * draws : rows;
        layer->has_input_gradient = i > 0;
        allocate(layer, i > 0 ? layer - 1 : NULL, i > 0 ? stride(layer->in) : layer->in, stride(layer->out));
    }
    return chain;
}

static void run_one(void *arg)
{
    const struct one *one = arg;
    one->multiply(one->layer, one->form);
}

static void run_forward(void *arg)
{
    const struct chain *chain = arg;
    for (size_t i = 0; i < chain->count; i++)
        chain->multiply(&chain->layers[i], FORM_FORWARD);
}

static void run_step(void *arg)
{
    const struct chain *chain = arg;
    run_forward(arg);
    for (size_t i = chain->count; i-- > 0;)
        if (chain->layers[i].has_input_gradient)
            chain->multiply(&chain->layers[i], FORM_INPUT_GRADIENT);
    for (size_t i = 0; i < chain->count; i++)
        chain->multiply(&chain->layers[i], FORM_WEIGHT_GRADIENT);
}

static struct bench_case *add(struct bench_case *cases, size_t *count, void (*run)(void *), void *arg)
{
    bench_need(*count < MOST_CASES, "too many cases");
    struct bench_case *c = &cases[(*count)++];
    c->run = run;
    c->arg = arg;
    return c;
}

static double add_product(struct bench_case *cases, size_t *count, const char *model,
    const struct chain *chain, size_t layer, enum form form)
{
    struct one *one = bench_memory(sizeof *one);
    const struct layer *l = &chain->layers[layer];
    *one = (struct one){l, form, chain->multiply};
    size_t m = form == FORM_WEIGHT_GRADIENT ? l->in : l->rows;
    size_t n = form == FORM_INPUT_GRADIENT ? l->in : l->out;
    size_t k = form == FORM_FORWARD ? l->in : form == FORM_INPUT_GRADIENT ? l->out : l->rows;
    struct bench_case *c = add(cases, count, run_one, one);
    snprintf(c->name, sizeof c->name, "%s/%s/%zux%zux%zu", model, form_names[form], m, n, k);
    c->work = 2.0 * (double)m * (double)n * (double)k;
    return c->work;
}

static void add_model(struct bench_case *cases, size_t *count, const char *model, struct chain *chain)
{
    double work = 0;
    for (int form = 0; form < FORMS; form++)
        for (size_t i = 0; i < chain->count; i++)
            if (form != FORM_INPUT_GRADIENT || chain->layers[i].has_input_gradient)
                work += add_product(cases, count, model, chain, i, (enum form)form);
    struct bench_case *step = add(cases, count, run_step, chain);
    snprintf(step->name, sizeof step->name, "%s/step", model);
    step->work = work;
}

static const size_t units_a[] = {784, 400, 20}, units_b[] = {784, 200, 200, 50};

struct bench_case *products_cases(multiply_function *multiply, stride_function *stride, size_t *count)
{
    struct bench_case *cases = bench_memory(MOST_CASES * sizeof *cases);
    *count = 0;
    add_model(cases, count, "A", chain_new(units_a, 2, 128, 1, multiply, stride));
    add_model(cases, count, "B1", chain_new(units_b, 3, 20, 1, multiply, stride));
    add_model(cases, count, "B5", chain_new(units_b, 3, 20, 5, multiply, stride));
    add_model(cases, count, "B50", chain_new(units_b, 3, 20, 50, multiply, stride));
    return cases;
}

void products_add_score(struct bench_case *cases, size_t *count, const char *name,
    multiply_function *multiply, stride_function *stride)
{
    struct chain *chain = chain_new(units_a, 2, 1, 1, multiply, stride);
    struct bench_case *c = add(cases, count, run_forward, chain);
    snprintf(c->name, sizeof c->name, "%s", name);
    for (size_t i = 0; i < chain->count; i++)
        c->work += 2.0 * (double)chain->layers[i].in * (double)chain->layers[i].out;
}
