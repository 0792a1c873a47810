/* SPDX-License-Identifier: BSD-2-Clause
 * The walk of rows64.h.
 */
#include "rows64.h"

void rows64_add(
    struct rows64_sum *restrict sum, const struct dd_lanes *restrict term, size_t count, double power)
{
    for (int64_t l = 0; l < VAE_LANES; l++) {
        int used = l < (int64_t)count, fine = dd_finite(term->h[l]);
        struct dd x = {used && fine ? term->h[l] * power : 0.0, used && fine ? term->l[l] * power : 0.0};
        set_lane(&sum->fine, (int)l, dd_add(lane_of(&sum->fine, (int)l), x));
        sum->odd[l] += used && !fine ? term->h[l] : 0.0;
    }
}

struct dd rows64_total(const struct rows64_sum *sum)
{
    struct rows64_sum s = *sum;
    for (int width = VAE_LANES / 2; width; width /= 2)
        for (int l = 0; l < width; l++) {
            set_lane(&s.fine, l, dd_add(lane_of(&s.fine, l), lane_of(&s.fine, l + width)));
            s.odd[l] += s.odd[l + width];
        }
    return s.odd[0] == 0.0 ? lane_of(&s.fine, 0) : dd_of(s.odd[0]);
}

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
    struct rows64_sum sum = {.odd = {0}};
    for (size_t at = 0; at < job->d; at += VAE_LANES) {
        size_t left = job->d - at, count = left < VAE_LANES ? left : VAE_LANES;
        gather(block, job, row, at, count);
        job->term(block);
        rows64_add(&sum, &block->term, count, power);
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

void rows64_run(const struct rows64_job *job)
{
    struct rows64_block block;
    int grad = 0;
    for (int i = 0; i < job->outputs; i++)
        grad |= job->out[i] != NULL;
    for (size_t row = 0; row < job->n; row++) {
        if (job->value) {
            double value = row_value(&block, job, row, 1.0);
            job->value[row] = dd_finite(value) ? value : row_value(&block, job, row, 0x1p-64);
        }
        for (int l = 0; l < VAE_LANES; l++)
            block.w[l] = job->w ? job->w[row] : 1.0;
        if (grad)
            row_grad(&block, job, row);
    }
}
