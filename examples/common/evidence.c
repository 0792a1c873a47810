/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The mean of log p(x) over rows, and how far it can be trusted.
 */
#include "evidence.h"

#include <math.h>
#include <stdio.h>

/* Above this error of a row, few draws carry its estimate. */
#define UNSURE 0.5

int evidence_add(struct evidence *evidence, vae_model *model, const vae_batch *batch)
{
    double value[EVIDENCE_ROWS], error[EVIDENCE_ROWS];
    vae_outputs outputs;
    vae_outputs_init(&outputs, sizeof outputs);
    outputs.samples = evidence->draws;
    outputs.log_evidence = value;
    outputs.log_evidence_error = error;
    int status = vae_infer(model, batch, &outputs, NULL);
    if (status != VAE_OK)
        return status;
    for (size_t i = 0; i < batch->n; i++) {
        evidence->rows++;
        evidence->sum += value[i];
        evidence->squares += value[i] * value[i];
        evidence->variances += error[i] * error[i];
        evidence->unsure += error[i] > UNSURE;
    }
    return VAE_OK;
}

/* The errors of rows are independent: those of the mean are the root of their sum of squares, over n. What
 * another choice of rows would change is the spread of the rows' values over the root of n. */
void evidence_print(const struct evidence *e)
{
    double n = (double)e->rows, mean = e->sum / n;
    double spread = sqrt(fmax(e->squares / n - mean * mean, 0) / n);
    printf(
        "held-out log p(x) %.2f nats, mean over %zu images of %llu draws each; standard error %.3f from the "
        "draws, %.2f from the choice of images; %zu images with an error above %g of their own\n",
        mean, e->rows, (unsigned long long)e->draws, sqrt(e->variances) / n, spread, e->unsure, UNSURE);
}
