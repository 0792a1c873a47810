/* SPDX-License-Identifier: BSD-2-Clause
 * Benchmarks. The library's own matrix product in the form in which the model uses it: weights in panels,
 * padded row strides. With the argument "epilogue" also bias and activation, and
 * the activation's derivative.
 */
#include "products.h"

#include "gemm.h"
#include "network.h"

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

static void multiply(const struct layer *layer, enum form form)
{
    struct vae_product product = form == FORM_FORWARD          ? forward(layer)
                                 : form == FORM_INPUT_GRADIENT ? input_gradient(layer)
                                                               : weight_gradient(layer);
    vae_gemm_run(&gemm, &product);
}

int main(int argc, char **argv)
{
    size_t count;
    with_epilogue = argc > 1 && strcmp(argv[1], "epilogue") == 0;
    gemm = (struct vae_gemm){vae_kernels_get()->train, VAE_GEMM_NATIVE};
    packed = bench_floats(vae_gemm_packed(1000, 784));
    bench_about("libvae %s", vae_build_info());
    struct bench_case *cases = products_cases(multiply, vae_row_stride, &count);
    products_add_score(cases, &count, "score", multiply, vae_row_stride);
    return bench_serve(cases, count);
}
