/* SPDX-License-Identifier: BSD-2-Clause
 * Fills a model from a safetensors file of another program.
 *
 * Values are collected in canonical order, beginning with the model's own, and copied in at the end.
 */
#include "import.h"

#include "base/defaults.h"
#include "base/status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct importing {
    struct vae_archive archive;
    struct vae_model *model;
    struct vae_mapping *mappings;
    size_t count;
    float *values;          /* [learned] NaN until it is filled */
    double *scale, *addend; /* [rows] by which a normalisation is folded in, or NULL */
};

/* ---- rules ---- */

static size_t tensor_of(const struct vae_model *model, const char *name)
{
    for (size_t i = 0; i < model->tensor_count; i++)
        if (strcmp(model->tensors[i].name, name) == 0)
            return i;
    return VAE_NO_TENSOR;
}

/* May the reader of JSON compare with it? */
static int is_plain(const char *name)
{
    uint32_t c;
    const char *end = name + strlen(name);
    for (size_t n; name < end; name += n)
        if ((n = vae_utf8_read(name, end, &c)) == 0 || c < 0x20 || c == '\\' || c == '"')
            return 0;
    return 1;
}

static int read_rule(struct importing *im, const vae_import_rule *rules, size_t i, struct vae_mapping *m)
{
    const char *function = im->archive.function;
    vae_import_rule rule;
    struct vae_safetensor t;
    int status = vae_struct_element(function, &vae_import_rule_struct, rules, i, &rule);
    if (status != VAE_OK)
        return status;
    if (rule.reserved != 0)
        return vae_fail(VAE_ERR_ABI, "%s: rules[%zu].reserved must be 0", function, i);
    if (!rule.ours || !rule.theirs)
        return vae_fail(VAE_ERR_ARG, "%s: rules[%zu]: ours or theirs is NULL", function, i);
    if (rule.their_step == 0 || (rule.transpose != 0 && rule.transpose != 1) ||
        !(rule.factor - rule.factor == 0))
        return vae_fail(VAE_ERR_ARG,
            "%s: rules[%zu]: their_step must be at least 1, transpose 0 or 1, factor finite", function, i);
    *m = (struct vae_mapping){.first_row = rule.first_row,
        .their_row = rule.their_row,
        .their_step = rule.their_step,
        .transpose = rule.transpose,
        .factor = rule.factor,
        .mean = VAE_NO_TENSOR};
    m->ours = tensor_of(im->model, rule.ours);
    if (m->ours == VAE_NO_TENSOR)
        return vae_fail(
            VAE_ERR_ARG, "%s: rules[%zu].ours: the model has no tensor \"%.60s\"", function, i, rule.ours);
    m->theirs = is_plain(rule.theirs) ? vae_safetensors_find(&im->archive.st, rule.theirs, &t)
                                      : im->archive.st.tensors;
    if (m->theirs == im->archive.st.tensors)
        return vae_fail(
            VAE_ERR_FORMAT, "%s: tensor %.60s is missing: rules[%zu] needs it", function, rule.theirs, i);
    return VAE_OK;
}

static int read_rules(struct importing *im, const vae_import_rule *rules, size_t n_rules)
{
    int status = VAE_OK;
    im->mappings = vae_archive_take(&im->archive, n_rules, sizeof *im->mappings);
    if (!im->mappings)
        return VAE_ERR_NOMEM;
    for (; status == VAE_OK && im->count < n_rules; im->count++)
        status = read_rule(im, rules, im->count, &im->mappings[im->count]);
    return status;
}

/* Of each layer at most its tensors and a normalisation's; heads apart, one more. */
static int map_spellings(struct importing *im)
{
    size_t room = 2 * im->model->tensor_count + 4;
    im->mappings = vae_archive_take(&im->archive, room, sizeof *im->mappings);
    if (!im->mappings)
        return VAE_ERR_NOMEM;
    return vae_spellings_map(&im->archive, im->model, im->mappings, room, &im->count);
}

/* ---- shapes ---- */

/* A tensor as a matrix: a vector has one column. */
struct shape {
    uint64_t rows, cols;
};

static struct shape shape_of(size_t rank, const uint64_t *shape)
{
    return (struct shape){rank > 0 ? shape[0] : 1, rank > 1 ? shape[1] : 1};
}

static int wrong_shape(const struct importing *im, const struct vae_tensor *ours,
    const struct vae_safetensor *theirs, const char *more)
{
    struct shape o = shape_of(ours->rank, ours->shape), t = shape_of(theirs->rank, theirs->shape);
    return vae_fail(VAE_ERR_FORMAT,
        "%s: tensor %.*s: its shape, [%llu][%llu]%s, does not fit %s, [%llu][%llu]%s", im->archive.function,
        VAE_SHOWN(theirs->name), (unsigned long long)t.rows, (unsigned long long)t.cols,
        theirs->rank > 2 ? "[...]" : "", ours->name, (unsigned long long)o.rows, (unsigned long long)o.cols,
        more);
}

/* Theirs as a mapping takes it, and how many rows of it. */
static int measure(struct importing *im, const struct vae_mapping *m, struct vae_safetensor *t,
    struct shape *their, uint64_t *taken)
{
    const struct vae_tensor *ours = &im->model->tensors[m->ours];
    struct shape o = shape_of(ours->rank, ours->shape), s;
    vae_safetensors_tensor(&im->archive.st, m->theirs, t);
    if (t->dtype == VAE_DTYPE_OTHER)
        return vae_fail(VAE_ERR_FORMAT, "%s: tensor %.*s: its dtype is %.*s: must be F32, F64, F16 or BF16",
            im->archive.function, VAE_SHOWN(t->name), VAE_SHOWN(t->type));
    s = shape_of(t->rank, t->shape);
    *their = m->transpose ? (struct shape){s.cols, s.rows} : s;
    if (t->rank != ours->rank || their->cols != o.cols || (m->rows > 0 && their->rows != m->rows) ||
        m->their_row >= their->rows || m->first_row >= o.rows)
        return wrong_shape(im, ours, t, s.rows == o.cols && s.cols == o.rows ? "; it is transposed" : "");
    uint64_t rows = (their->rows - m->their_row - 1) / m->their_step + 1;
    *taken = rows < o.rows - m->first_row ? rows : o.rows - m->first_row;
    return VAE_OK;
}

static int takes(const struct vae_mapping *m, uint64_t taken, uint64_t row)
{
    return row >= m->their_row && (row - m->their_row) % m->their_step == 0 &&
           (row - m->their_row) / m->their_step < taken;
}

/* Every row of a tensor of theirs must be used, by one rule or another. */
static int check_rows_of_theirs(struct importing *im, const struct vae_mapping *m,
    const struct vae_safetensor *t, uint64_t rows, uint64_t taken)
{
    struct vae_safetensor same;
    struct shape shape;
    uint64_t other;
    for (uint64_t row = 0; taken < rows && row < rows; row++) {
        int used = 0;
        for (size_t i = 0; !used && i < im->count; i++)
            used = im->mappings[i].theirs == m->theirs &&
                   measure(im, &im->mappings[i], &same, &shape, &other) == VAE_OK &&
                   takes(&im->mappings[i], other, row);
        if (!used)
            return wrong_shape(im, &im->model->tensors[m->ours], t, ": it has more rows");
    }
    return VAE_OK;
}

/* ---- values ---- */

static int read_vector(struct importing *im, size_t number, uint64_t rows, double absent, double *values)
{
    struct vae_safetensor t;
    for (uint64_t i = 0; number == VAE_NO_TENSOR && i < rows; i++)
        values[i] = absent;
    if (number == VAE_NO_TENSOR)
        return VAE_OK;
    vae_safetensors_tensor(&im->archive.st, number, &t);
    if (t.rank != 1 || t.count != rows || t.dtype == VAE_DTYPE_OTHER)
        return vae_fail(VAE_ERR_FORMAT, "%s: tensor %.*s: must be %llu values of F32, F64, F16 or BF16",
            im->archive.function, VAE_SHOWN(t.name), (unsigned long long)rows);
    return vae_archive_reals(&im->archive, &t, 0, (size_t)rows, values);
}

/* y = (x - mean) / sqrt(variance + epsilon) * scale + shift, as a factor and an addend for each row. */
static int read_normalisation(struct importing *im, const struct vae_mapping *m, uint64_t rows)
{
    double *work = im->addend + rows;
    int status;
    if ((status = read_vector(im, m->variance, rows, 1, work)) != VAE_OK ||
        (status = read_vector(im, m->scale, rows, 1, im->scale)) != VAE_OK)
        return status;
    for (uint64_t i = 0; i < rows; i++) {
        if (!(work[i] >= 0))
            return vae_fail(VAE_ERR_FORMAT, "%s: a running variance, element %llu, is %g: must be at least 0",
                im->archive.function, (unsigned long long)i, vae_shown(work[i]));
        im->scale[i] /= sqrt(work[i] + VAE_IMPORT_EPSILON);
    }
    if ((status = read_vector(im, m->mean, rows, 0, work)) != VAE_OK ||
        (status = read_vector(im, m->shift, rows, 0, im->addend)) != VAE_OK)
        return status;
    for (uint64_t i = 0; i < rows; i++)
        im->addend[i] -= work[i] * im->scale[i];
    return VAE_OK;
}

/* Element (row, col) of ours from a value of theirs. */
static int put(struct importing *im, const struct vae_mapping *m, uint64_t row, uint64_t col, double value)
{
    const struct vae_tensor *ours = &im->model->tensors[m->ours];
    float *to = im->values + ours->offset + row * (ours->rank > 1 ? ours->shape[1] : 1) + col;
    value *= m->factor;
    if (m->mean != VAE_NO_TENSOR)
        value = value * im->scale[row] + (m->is_bias ? im->addend[row] : 0);
    if (*to == *to)
        return vae_fail(VAE_ERR_FORMAT, "%s: %s, row %llu, is filled twice", im->archive.function, ours->name,
            (unsigned long long)row);
    *to = (float)value;
    if (*to - *to == 0)
        return VAE_OK;
    return vae_fail(VAE_ERR_FORMAT, "%s: %s, row %llu, would have an element %g: must be finite",
        im->archive.function, ours->name, (unsigned long long)row, vae_shown((double)*to));
}

/* A layer without a bias of its own has one by the normalisation behind it. */
static int fill_zeros(struct importing *im, const struct vae_mapping *m)
{
    int status = VAE_OK;
    for (uint64_t row = 0; status == VAE_OK && row < im->model->tensors[m->ours].count; row++)
        status = put(im, m, row, 0, 0);
    return status;
}

static int fill_from(struct importing *im, const struct vae_mapping *m)
{
    struct vae_safetensor t;
    struct shape their;
    uint64_t taken;
    double values[1024];
    int status = measure(im, m, &t, &their, &taken);
    if (status != VAE_OK || (status = check_rows_of_theirs(im, m, &t, their.rows, taken)) != VAE_OK)
        return status;
    uint64_t width = t.rank > 1 ? t.shape[1] : 1;
    for (uint64_t first = 0; first < t.count; first += 1024) {
        size_t n = t.count - first < 1024 ? (size_t)(t.count - first) : 1024;
        if ((status = vae_archive_reals(&im->archive, &t, first, n, values)) != VAE_OK)
            return status;
        for (size_t i = 0; i < n; i++) {
            uint64_t a = (first + i) / width, b = (first + i) % width, row = m->transpose ? b : a;
            if (!takes(m, taken, row))
                continue;
            row = m->first_row + (row - m->their_row) / m->their_step;
            if ((status = put(im, m, row, m->transpose ? a : b, values[i])) != VAE_OK)
                return status;
        }
    }
    return VAE_OK;
}

static int fill(struct importing *im, const struct vae_mapping *m)
{
    int status = VAE_OK;
    if (m->mean != VAE_NO_TENSOR)
        status = read_normalisation(im, m, im->model->tensors[m->ours].shape[0]);
    if (status != VAE_OK)
        return status;
    return m->theirs == VAE_NO_TENSOR ? fill_zeros(im, m) : fill_from(im, m);
}

/* ---- all of it ---- */

/* Tensors that a file of another program need not have. */
static int may_be_missing(const struct vae_tensor *t)
{
    return strncmp(t->name, "input.", 6) == 0 || strncmp(t->name, "prior.", 6) == 0 ||
           strncmp(t->name, "spans.", 6) == 0;
}

static int check_filled(struct importing *im)
{
    const struct vae_network *net = im->model->network;
    for (size_t k = 0; k < im->model->tensor_count; k++) {
        const struct vae_tensor *t = &im->model->tensors[k];
        float *values = im->values + t->offset;
        for (uint64_t i = 0; i < t->count; i++) {
            if (values[i] == values[i])
                continue;
            if (!may_be_missing(t))
                return vae_fail(VAE_ERR_FORMAT, "%s: %s, row %llu: the file has nothing that fills it",
                    im->archive.function, t->name, (unsigned long long)(t->rank > 1 ? i / t->shape[1] : i));
            vae_tensor_get(t, net->panel, net->params, i, 1, &values[i]);
        }
    }
    return VAE_OK;
}

/* Counters of batches say nothing about what a model computes. */
static int is_counter(const struct vae_json_string *name)
{
    static const char counter[] = "num_batches_tracked";
    size_t n = sizeof counter - 1;
    return (size_t)(name->end - name->at) >= n && memcmp(name->end - n, counter, n) == 0;
}

static int check_unused(struct importing *im)
{
    struct vae_safetensors *st = &im->archive.st;
    struct vae_safetensor t;
    for (size_t i = 0; (i = vae_safetensors_unused(st, i)) < st->tensors; i++) {
        vae_safetensors_tensor(st, i, &t);
        if (!is_counter(&t.name))
            return vae_fail(
                VAE_ERR_FORMAT, "%s: tensor %.*s is left over", im->archive.function, VAE_SHOWN(t.name));
    }
    return VAE_OK;
}

static int take_memory(struct importing *im)
{
    uint64_t rows = 0, learned = im->model->network->learned;
    for (size_t i = 0; i < im->count; i++)
        if (im->mappings[i].mean != VAE_NO_TENSOR && im->model->tensors[im->mappings[i].ours].shape[0] > rows)
            rows = im->model->tensors[im->mappings[i].ours].shape[0];
    im->values = vae_archive_take(&im->archive, learned, sizeof(float));
    im->scale = im->values && rows > 0 ? vae_archive_take(&im->archive, 3 * rows, sizeof(double)) : NULL;
    if (!im->values || (rows > 0 && !im->scale))
        return VAE_ERR_NOMEM;
    im->addend = rows > 0 ? im->scale + rows : NULL;
    for (uint64_t i = 0; i < learned; i++)
        im->values[i] = (float)NAN;
    return VAE_OK;
}

static void use(struct vae_safetensors *st, size_t number)
{
    if (number != VAE_NO_TENSOR)
        vae_safetensors_use(st, number);
}

static int import_all(struct importing *im, const vae_import_rule *rules, size_t n_rules)
{
    int status = rules ? read_rules(im, rules, n_rules) : map_spellings(im);
    if (status != VAE_OK || (status = vae_archive_need_data(&im->archive)) != VAE_OK ||
        (status = take_memory(im)) != VAE_OK)
        return status;
    for (size_t i = 0; i < im->count; i++) {
        const struct vae_mapping *m = &im->mappings[i];
        use(&im->archive.st, m->theirs);
        if (m->mean != VAE_NO_TENSOR) {
            use(&im->archive.st, m->mean);
            use(&im->archive.st, m->variance);
            use(&im->archive.st, m->scale);
            use(&im->archive.st, m->shift);
        }
    }
    if ((status = check_unused(im)) != VAE_OK)
        return status;
    for (size_t i = 0; status == VAE_OK && i < im->count; i++)
        status = fill(im, &im->mappings[i]);
    if (status != VAE_OK || (status = check_filled(im)) != VAE_OK)
        return status;
    vae_model_import(im->model, im->values);
    return VAE_OK;
}

int vae_model_import_file(
    struct vae_model *model, struct vae_source *source, const vae_import_rule *rules, size_t n_rules)
{
    struct importing im = {.model = model};
    int status = vae_archive_open(&im.archive, source, &model->allocator);
    if (status == VAE_OK)
        status = import_all(&im, rules, n_rules);
    vae_archive_close(&im.archive);
    return status;
}
