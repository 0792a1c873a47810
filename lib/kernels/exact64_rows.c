/* SPDX-License-Identifier: BSD-2-Clause
 * Rank 4. The walk of rows64.h.
 */
#include "rows64.h"

static void gather(
    struct rows64_block *block, const struct rows64_job *job, size_t row, size_t at, size_t count)
{
    for (int i = 0; i < job->inputs; i++) {
        memset(block->in[i], 0, sizeof block->in[i]);
        memcpy(block->in[i], job->in[i] + row * job->ld_in[i] + at, count * sizeof(double));
    }
}

/* Terms are added times `power`, so that a sum of finite terms which overflows on its way can be had again.
 */
static double row_value(struct rows64_block *block, const struct rows64_job *job, size_t row, double power)
{
    struct rows64_sum sum = {{0}, {0}, {0}};
    for (size_t at = 0; at < job->d; at += VAE_LANES) {
        size_t left = job->d - at, count = left < VAE_LANES ? left : VAE_LANES;
        gather(block, job, row, at, count);
        job->term(block);
        rows64_add(&sum, block->term_h, block->term_l, count, power);
    }
    struct dd total = rows64_total(&sum);
    return (total.h + total.l) / power;
}

static void row_grad(struct rows64_block *block, const struct rows64_job *job, size_t row)
{
    for (size_t at = 0; at < job->d; at += VAE_LANES) {
        size_t left = job->d - at, count = left < VAE_LANES ? left : VAE_LANES;
        gather(block, job, row, at, count);
        for (int i = 0; i < job->outputs; i++) {
            memset(block->out[i], 0, sizeof block->out[i]);
            if (job->out[i] && !job->overwrite)
                memcpy(block->out[i], job->out[i] + row * job->ld_out[i] + at, count * sizeof(double));
        }
        job->grad(block);
        for (int i = 0; i < job->outputs; i++)
            if (job->out[i])
                memcpy(job->out[i] + row * job->ld_out[i] + at, block->out[i], count * sizeof(double));
    }
}

void K(rows64_run)(const struct rows64_job *job)
{
    struct rows64_block block = {.w = 1.0};
    int grad = 0;
    for (int i = 0; i < job->outputs; i++)
        grad |= job->out[i] != NULL;
    for (size_t row = 0; row < job->n; row++) {
        if (job->value) {
            double value = row_value(&block, job, row, 1.0);
            job->value[row] = dd_finite(value) ? value : row_value(&block, job, row, 0x1p-64);
        }
        block.w = job->w ? job->w[row] : 1.0;
        if (grad)
            row_grad(&block, job, row);
    }
}
