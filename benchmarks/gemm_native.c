/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. The library's own matrix product in the form in which the model uses it: weights in panels,
 * padded row strides, some rows at a time. With the argument "epilogue" also bias and activation, and the
 * activation's derivative.
 */
#include "products.h"

#include "kernels/product.h"
#include "parts/layers/layer.h"

#include <string.h>
#include <vae/vae.h>

static struct vae_gemm gemm;
static int with_epilogue;
static float *packed;

static struct vae_product forward(const struct layer *l)
{
    struct vae_product p = {.m = l->rows,
        .k = l->in,
        .a = l->x,
        .a_row = l->ldx,
        .a_col = 1,
        .b = vae_panels_packed(l->w, l->in, l->out, VAE_PANEL),
        .c = vae_panels_rows(l->y, l->out, l->ldy),
        .packed = packed};
    if (with_epilogue)
        p.epilogue =
            (struct vae_epilogue){.kind = VAE_EPILOGUE_FORWARD, .activation = VAE_RELU, .bias = l->bias};
    return p;
}

static struct vae_product input_gradient(const struct layer *l)
{
    struct vae_product p = {.m = l->rows,
        .k = l->out,
        .a = l->g,
        .a_row = l->ldy,
        .a_col = 1,
        .b = vae_panels_packed(l->w, l->in, l->out, VAE_PANEL),
        .c = vae_panels_rows(l->dx, l->in, l->ldx),
        .back = 1,
        .packed = packed};
    if (with_epilogue)
        p.epilogue = (struct vae_epilogue){
            .kind = VAE_EPILOGUE_BACKWARD, .activation = VAE_RELU, .y = l->x, .ldy = l->ldx};
    return p;
}

static struct vae_product weight_gradient(const struct layer *l)
{
    return (struct vae_product){.m = l->in,
        .k = l->rows,
        .a = l->x,
        .a_row = 1,
        .a_col = l->ldx,
        .b = vae_panels_rows(l->g, l->out, l->ldy),
        .c = vae_panels_packed(l->dw, l->in, l->out, VAE_PANEL)};
}

/* Rows go through in parts, as in the model, so that a rearranged operand stays in the nearer caches. */
#define ROWS 128

static struct layer part_of(const struct layer *l, size_t first)
{
    struct layer part = *l;
    part.rows = l->rows - first < ROWS ? l->rows - first : ROWS;
    part.x += first * l->ldx;
    part.y += first * l->ldy;
    part.g += first * l->ldy;
    part.dx += first * l->ldx;
    return part;
}

static void multiply(const struct layer *layer, enum form form)
{
    if (form == FORM_WEIGHT_GRADIENT) {
        struct vae_product product = weight_gradient(layer);
        vae_gemm_run(&gemm, &product);
        return;
    }
    for (size_t first = 0; first < layer->rows; first += ROWS) {
        struct layer part = part_of(layer, first);
        struct vae_product product = form == FORM_FORWARD ? forward(&part) : input_gradient(&part);
        vae_gemm_run(&gemm, &product);
    }
}

int main(int argc, char **argv)
{
    size_t count;
    with_epilogue = argc > 1 && strcmp(argv[1], "epilogue") == 0;
    gemm = (struct vae_gemm){vae_kernels_get()->train, NULL};
    packed = bench_floats(vae_gemm_packed(ROWS, 784));
    bench_about("libvae %s", vae_build_info());
    struct bench_case *cases = products_cases(multiply, vae_row_stride, &count);
    products_add_score(cases, &count, "score", multiply, vae_row_stride);
    return bench_serve(cases, count);
}
