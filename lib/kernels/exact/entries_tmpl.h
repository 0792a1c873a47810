/* SPDX-License-Identifier: BSD-2-Clause
 * Template: the members of struct vae_exact32 or vae_exact64 that walk rows. exact32.c and exact64.c include
 * it once each, with
 *
 *   REAL            float or double
 *   ROWS_JOB        the job's struct: rows32_job or rows64_job
 *   ROWS_RUN        what walks it: rows32_run or rows64_run
 *   WALK(family)    initialises the job's functions for values and gradients of a family
 *   DRAW(family)    the same for a family that has outputs only
 */

static void kl_diag(size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar, size_t ldlogvar,
    const REAL *w, double *value, REAL *gmu, size_t ldgmu, REAL *glogvar, size_t ldglogvar)
{
    const struct ROWS_JOB job = {WALK(kl_diag), .n = n, .d = d, .w = w, .value = value, .inputs = 2,
        .outputs = 2, .in = {mu, logvar}, .ld_in = {ldmu, ldlogvar}, .out = {gmu, glogvar},
        .ld_out = {ldgmu, ldglogvar}};
    ROWS_RUN(&job);
}

static void kl_pair(size_t n, size_t d, const REAL *mu_q, size_t ldmu_q, const REAL *logvar_q,
    size_t ldlogvar_q, const REAL *mu_p, size_t ldmu_p, const REAL *logvar_p, size_t ldlogvar_p,
    const REAL *w, double *value, REAL *gmu_q, size_t ldgmu_q, REAL *glogvar_q, size_t ldglogvar_q,
    REAL *gmu_p, size_t ldgmu_p, REAL *glogvar_p, size_t ldglogvar_p)
{
    const struct ROWS_JOB job = {WALK(kl_pair), .n = n, .d = d, .w = w, .value = value, .inputs = 4,
        .outputs = 4, .in = {mu_q, logvar_q, mu_p, logvar_p},
        .ld_in = {ldmu_q, ldlogvar_q, ldmu_p, ldlogvar_p}, .out = {gmu_q, glogvar_q, gmu_p, glogvar_p},
        .ld_out = {ldgmu_q, ldglogvar_q, ldgmu_p, ldglogvar_p}};
    ROWS_RUN(&job);
}

static void reparam(size_t n, size_t d, const REAL *mu, size_t ldmu, const REAL *logvar, size_t ldlogvar,
    const REAL *eps, size_t ldeps, REAL *z, size_t ldz)
{
    const struct ROWS_JOB job = {DRAW(reparam), .n = n, .d = d, .overwrite = 1, .inputs = 3, .outputs = 1,
        .in = {mu, logvar, eps}, .ld_in = {ldmu, ldlogvar, ldeps}, .out = {z}, .ld_out = {ldz}};
    ROWS_RUN(&job);
}

static void reparam_grad(size_t n, size_t d, const REAL *logvar, size_t ldlogvar, const REAL *eps,
    size_t ldeps, const REAL *gz, size_t ldgz, REAL *gmu, size_t ldgmu, REAL *glogvar, size_t ldglogvar)
{
    const struct ROWS_JOB job = {DRAW(reparam_grad), .n = n, .d = d, .inputs = 3, .outputs = 2,
        .in = {logvar, eps, gz}, .ld_in = {ldlogvar, ldeps, ldgz}, .out = {gmu, glogvar},
        .ld_out = {ldgmu, ldglogvar}};
    ROWS_RUN(&job);
}

static void bernoulli(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *logits, size_t ldlogits,
    const REAL *w, double *value, REAL *glogits, size_t ldglogits)
{
    const struct ROWS_JOB job = {WALK(bernoulli), .n = n, .d = d, .w = w, .value = value, .inputs = 2,
        .outputs = 1, .in = {x, logits}, .ld_in = {ldx, ldlogits}, .out = {glogits}, .ld_out = {ldglogits}};
    ROWS_RUN(&job);
}

static void gauss(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,
    const REAL *logvar, size_t ldlogvar, const REAL *w, double *value, REAL *gmean, size_t ldgmean,
    REAL *glogvar, size_t ldglogvar)
{
    const struct ROWS_JOB job = {WALK(gauss), .n = n, .d = d, .w = w, .value = value, .inputs = 3,
        .outputs = 2, .in = {x, mean, logvar}, .ld_in = {ldx, ldmean, ldlogvar}, .out = {gmean, glogvar},
        .ld_out = {ldgmean, ldglogvar}};
    ROWS_RUN(&job);
}

static void std_normal(
    size_t n, size_t d, const REAL *z, size_t ldz, const REAL *w, double *value, REAL *gz, size_t ldgz)
{
    const struct ROWS_JOB job = {WALK(std_normal), .n = n, .d = d, .w = w, .value = value, .inputs = 1,
        .outputs = 1, .in = {z}, .ld_in = {ldz}, .out = {gz}, .ld_out = {ldgz}};
    ROWS_RUN(&job);
}

static void laplace(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *mean, size_t ldmean,
    const REAL *logscale, size_t ldlogscale, const REAL *w, double *value, REAL *gmean, size_t ldgmean,
    REAL *glogscale, size_t ldglogscale)
{
    const struct ROWS_JOB job = {WALK(laplace), .n = n, .d = d, .w = w, .value = value, .inputs = 3,
        .outputs = 2, .in = {x, mean, logscale}, .ld_in = {ldx, ldmean, ldlogscale},
        .out = {gmean, glogscale}, .ld_out = {ldgmean, ldglogscale}};
    ROWS_RUN(&job);
}

static void poisson(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *lograte, size_t ldlograte,
    const REAL *w, double *value, REAL *glograte, size_t ldglograte)
{
    const struct ROWS_JOB job = {WALK(poisson), .n = n, .d = d, .w = w, .value = value, .inputs = 2,
        .outputs = 1, .in = {x, lograte}, .ld_in = {ldx, ldlograte}, .out = {glograte},
        .ld_out = {ldglograte}};
    ROWS_RUN(&job);
}

static void cbernoulli(size_t n, size_t d, const REAL *x, size_t ldx, const REAL *logits, size_t ldlogits,
    const REAL *w, double *value, REAL *glogits, size_t ldglogits)
{
    const struct ROWS_JOB job = {WALK(cbernoulli), .n = n, .d = d, .w = w, .value = value, .inputs = 2,
        .outputs = 1, .in = {x, logits}, .ld_in = {ldx, ldlogits}, .out = {glogits}, .ld_out = {ldglogits}};
    ROWS_RUN(&job);
}
