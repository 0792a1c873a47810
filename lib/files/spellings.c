/* SPDX-License-Identifier: BSD-2-Clause
 * Names that other programs give to the tensors of a variational auto-encoder, listed in docs/files.md.
 *
 * A tensor's name is that of a module and of one of its tensors: encoder.layers.0.0 and weight. Modules are
 * told by words and put in order by their numbers; gaps do not matter, for activations have numbers, but no
 * tensors.
 */
#include "import.h"

#include "base/status.h"
#include "format.h"
#include "sort.h"

#define MOST_NAME 120
#define MOST_NUMBERS 4

enum side { ENCODER, MEANS, LOGVARS, DECODER, OTHER };
enum part { WEIGHT, BIAS, MEAN, VARIANCE, PARTS };

struct module {
    struct vae_json_string path; /* without the prefix */
    enum side side;
    int gate; /* V of a gated layer, next to W in a module of the same numbers */
    size_t numbers;
    uint32_t number[MOST_NUMBERS];
    size_t tensor[PARTS]; /* their numbers in the file */
};

struct spelling {
    struct vae_archive *archive;
    const struct vae_model *model;
    size_t prefix;   /* bytes that all names begin with, such as "model." */
    uint32_t middle; /* d where there are heads fcd1 and fcd2: fcN is a layer of the encoder below it; or 0 */
    struct module *modules;
    size_t count;
    uint32_t *order; /* of the modules */
    struct vae_mapping *mappings;
    size_t mapped, room; /* `room` modules, too */
    size_t cursor;       /* in the model's tensors */
};

/* ---- words ---- */

static int is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

static int is_means(const char *word)
{
    static const char *const words[] = {
        "mu", "mean", "fc_mu", "fc_mean", "to_mu", "z_mean", "q_z_mean", "embedding", NULL};
    return is_one_of(word, words);
}

static int is_logvars(const char *word)
{
    static const char *const words[] = {"logvar", "log_var", "fc_logvar", "fc_log_var", "fc_var", "to_logvar",
        "z_logvar", "z_log_var", "q_z_logvar", NULL};
    return is_one_of(word, words);
}

static int is_gate(const char *word)
{
    static const char *const words[] = {"gate", "g", NULL};
    return is_one_of(word, words);
}

/* vae_vampprior's q_z_layers, and p_x_layers, p_x_mean. */
static int is_encoder(const char *path)
{
    return strncmp(path, "enc", 3) == 0 || strncmp(path, "q_z_layers.", 11) == 0;
}

static int is_decoder(const char *path)
{
    return strncmp(path, "dec", 3) == 0 || strncmp(path, "p_x_", 4) == 0;
}

/* N of fcN; 0 where it is no such word. */
static uint32_t fc_number(const char *word)
{
    uint32_t number = 0;
    if (strncmp(word, "fc", 2) != 0 || strlen(word) > 4)
        return 0;
    for (word += 2; *word >= '0' && *word <= '9'; word++)
        number = 10 * number + (uint32_t)(*word - '0');
    return *word ? 0 : number;
}

/* ---- modules ---- */

static void add_numbers(struct module *m, const char *at)
{
    for (m->numbers = 0; *at && m->numbers < MOST_NUMBERS; at++) {
        uint32_t number = 0;
        if (*at < '0' || *at > '9')
            continue;
        for (; *at >= '0' && *at <= '9'; at++)
            number = number > 99999999 ? number : 10 * number + (uint32_t)(*at - '0');
        m->number[m->numbers++] = number;
        if (!*at)
            break;
    }
}

/* The last word, or the one before a "linear", by which some programs wrap a layer. */
static const char *last_word(const char *path, char word[MOST_NAME])
{
    size_t length = strlen(path);
    memcpy(word, path, length + 1);
    if (length > 7 && strcmp(word + length - 7, ".linear") == 0)
        word[length - 7] = 0;
    char *dot = strrchr(word, '.');
    return dot ? dot + 1 : word;
}

/* The module of a path such as "encoder.layers.0.0". */
static struct module module_of(const struct spelling *s, const char *path)
{
    struct module m = {.side = OTHER, .tensor = {VAE_NO_TENSOR, VAE_NO_TENSOR, VAE_NO_TENSOR, VAE_NO_TENSOR}};
    char room[MOST_NAME];
    const char *last = last_word(path, room);
    uint32_t number = strchr(path, '.') ? 0 : fc_number(path);
    int decoder = is_decoder(path);
    if (!decoder && (is_means(last) || (s->middle && number == 10 * s->middle + 1)))
        m.side = MEANS;
    else if (!decoder && (is_logvars(last) || (s->middle && number == 10 * s->middle + 2)))
        m.side = LOGVARS;
    else if (decoder || (s->middle && number > s->middle && number < 10))
        m.side = DECODER;
    else if (is_encoder(path) || (s->middle && number > 0 && number < s->middle))
        m.side = ENCODER;
    m.gate = is_gate(last);
    add_numbers(&m, path);
    if (strcmp(room, "p_x_mean") == 0) /* the last layer, by a name without a number */
        m.number[m.numbers++] = UINT32_MAX;
    return m;
}

static enum part part_of(const char *name)
{
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    enum part part = WEIGHT;
    while (part < PARTS && strcmp(name, parts[part]) != 0)
        part++;
    return part;
}

static int unknown(const struct spelling *s, const struct vae_safetensor *t)
{
    return vae_fail(VAE_ERR_FORMAT, "%s: tensor %.*s: no common spelling: rules can say what it is",
        s->archive->function, VAE_SHOWN(t->name));
}

static struct vae_mapping plain(size_t ours, size_t theirs)
{
    return (struct vae_mapping){
        .ours = ours, .theirs = theirs, .their_step = 1, .factor = 1, .mean = VAE_NO_TENSOR};
}

static int map(struct spelling *s, struct vae_mapping mapping)
{
    if (s->mapped == s->room)
        return vae_fail(VAE_ERR_FORMAT, "%s: the file has more tensors than the model", s->archive->function);
    s->mappings[s->mapped++] = mapping;
    return VAE_OK;
}

/* Tensors outside of layers have the library's names or none. Moments in a file of its own are ignored. */
static int map_by_name(struct spelling *s, size_t i, const char *name, int *found)
{
    *found = strncmp(name, VAE_MOMENT_PREFIX, strlen(VAE_MOMENT_PREFIX)) == 0 ||
             strcmp(name, VAE_PANELS_NAME) == 0;
    if (*found)
        vae_safetensors_use(&s->archive->st, i);
    for (size_t k = 0; !*found && k < s->model->tensor_count; k++)
        if (!s->model->tensors[k].node && strcmp(s->model->tensors[k].name, name) == 0) {
            *found = 1;
            return map(s, plain(k, i));
        }
    return VAE_OK;
}

/* The module of that path, or NULL. Names are sorted: it is the last one, or the one before, because a gate
 * may be between "encoder.0.bias" and "encoder.0.weight". */
static struct module *find_module(struct spelling *s, const char *path)
{
    for (size_t back = 1; back <= 2 && back <= s->count; back++)
        if (vae_json_is(&s->modules[s->count - back].path, path))
            return &s->modules[s->count - back];
    return NULL;
}

/* A tensor of the file as part of its module. */
static int add(struct spelling *s, size_t i, const struct vae_safetensor *t, const char *name)
{
    struct module *m;
    char path[MOST_NAME];
    const char *dot = strrchr(name, '.');
    enum part part = dot ? part_of(dot + 1) : PARTS;
    if (part == PARTS)
        return dot && strcmp(dot + 1, "num_batches_tracked") == 0 ? VAE_OK : unknown(s, t);
    size_t length = (size_t)(dot - name);
    memcpy(path, name, length);
    path[length] = 0;
    if (!(m = find_module(s, path))) {
        if (s->count == s->room)
            return vae_fail(
                VAE_ERR_FORMAT, "%s: the file has more tensors than the model", s->archive->function);
        m = &s->modules[s->count++];
        *m = module_of(s, path);
        m->path = (struct vae_json_string){t->name.at + s->prefix, t->name.at + s->prefix + length};
        if (m->side == OTHER)
            return unknown(s, t);
    }
    m->tensor[part] = i;
    return VAE_OK;
}

/* Names beyond the prefix; those that are too long or need escapes are none of ours. */
static int name_of(const struct spelling *s, const struct vae_safetensor *t, char name[MOST_NAME])
{
    size_t size = (size_t)(t->name.end - t->name.at) - s->prefix;
    if (size >= MOST_NAME || memchr(t->name.at, '\\', s->prefix + size))
        return 0;
    memcpy(name, t->name.at + s->prefix, size);
    name[size] = 0;
    return 1;
}

/* What the first name and the last one have in common, up to a dot, all have. */
static void find_prefix(struct spelling *s)
{
    const struct vae_safetensors *st = &s->archive->st;
    struct vae_safetensor first, last;
    if (st->tensors < 2)
        return;
    vae_safetensors_tensor(st, 0, &first);
    vae_safetensors_tensor(st, st->tensors - 1, &last);
    const char *a = first.name.at, *b = last.name.at;
    for (size_t i = 0; a + i < first.name.end && b + i < last.name.end && a[i] == b[i]; i++)
        if (a[i] == '.')
            s->prefix = i + 1;
}

static void find_middle(struct spelling *s)
{
    struct vae_safetensor t;
    char name[MOST_NAME];
    for (size_t i = 0; i < s->archive->st.tensors && !s->middle; i++) {
        vae_safetensors_tensor(&s->archive->st, i, &t);
        char *dot = name_of(s, &t, name) ? strchr(name, '.') : NULL;
        if (dot)
            *dot = 0;
        s->middle = dot ? fc_number(name) / 10 : 0;
    }
}

static int read_modules(struct spelling *s)
{
    struct vae_safetensor t;
    char name[MOST_NAME];
    int status = VAE_OK, found;
    find_prefix(s);
    find_middle(s);
    for (size_t i = 0; status == VAE_OK && i < s->archive->st.tensors; i++) {
        vae_safetensors_tensor(&s->archive->st, i, &t);
        if (!name_of(s, &t, name))
            return unknown(s, &t);
        status = map_by_name(s, i, name, &found);
        if (status == VAE_OK && !found)
            status = add(s, i, &t, name);
    }
    return status;
}

/* ---- layers ---- */

static int is_normalisation(const struct module *m)
{
    return m->tensor[MEAN] != VAE_NO_TENSOR && m->tensor[VARIANCE] != VAE_NO_TENSOR;
}

static int by_number(const void *ctx, uint32_t i, uint32_t k)
{
    const struct module *a = (const struct module *)ctx + i, *b = (const struct module *)ctx + k;
    if (a->side != b->side)
        return (int)a->side - (int)b->side;
    for (size_t n = 0; n < a->numbers && n < b->numbers; n++)
        if (a->number[n] != b->number[n])
            return a->number[n] < b->number[n] ? -1 : 1;
    if (a->numbers != b->numbers)
        return a->numbers < b->numbers ? -1 : 1;
    if (a->gate != b->gate)
        return a->gate - b->gate;
    return is_normalisation(a) - is_normalisation(b);
}

/* Has the normalisation the number of the layer, or the next one? Else an activation is between them. */
static int is_behind(const struct module *layer, const struct module *norm)
{
    if (layer->side != norm->side || layer->numbers != norm->numbers || is_normalisation(layer))
        return 0;
    for (size_t n = 0; n + 1 < layer->numbers; n++)
        if (layer->number[n] != norm->number[n])
            return 0;
    uint32_t step = layer->numbers ? norm->number[norm->numbers - 1] - layer->number[layer->numbers - 1] : 0;
    return step < 2;
}

/* Weight and bias of a layer, from row `first_row` of the model's layer `node` on. */
static int map_layer(struct spelling *s, const struct module *layer, const struct module *norm, size_t node,
    uint64_t first_row)
{
    const struct vae_node *of = &s->model->network->nodes[node];
    while (s->model->tensors[s->cursor].node != of)
        s->cursor++;
    size_t first = s->cursor + (layer->gate ? 2 : 0);
    struct vae_mapping weight = plain(first, layer->tensor[WEIGHT]),
                       bias = plain(first + 1, layer->tensor[BIAS]);
    if (norm) {
        weight.scale = norm->tensor[WEIGHT];
        weight.shift = norm->tensor[BIAS];
        weight.mean = norm->tensor[MEAN];
        weight.variance = norm->tensor[VARIANCE];
        bias.scale = weight.scale;
        bias.shift = weight.shift;
        bias.mean = weight.mean;
        bias.variance = weight.variance;
    }
    bias.is_bias = 1;
    weight.first_row = bias.first_row = first_row;
    weight.rows = bias.rows =
        layer->side == MEANS || layer->side == LOGVARS ? s->model->network->z_dim : of->out;
    int status = layer->tensor[WEIGHT] == VAE_NO_TENSOR ? VAE_OK : map(s, weight);
    if (status == VAE_OK && (norm || layer->tensor[BIAS] != VAE_NO_TENSOR))
        status = map(s, bias);
    return status;
}

static size_t count_layers(const struct spelling *s, enum side side)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->modules[i].side == side && !is_normalisation(&s->modules[i]) && !s->modules[i].gate;
    return n;
}

static int is_gate_of(const struct module *layer, const struct module *gate)
{
    return !layer->gate && layer->side == gate->side && layer->numbers == gate->numbers &&
           memcmp(layer->number, gate->number, layer->numbers * sizeof *layer->number) == 0;
}

/* Module `order[i]` as V of the layer `node`, of which the one before it must be W. */
static int map_gate(struct spelling *s, size_t i, size_t node)
{
    const struct module *gate = &s->modules[s->order[i]];
    if (i == 0 || !is_gate_of(&s->modules[s->order[i - 1]], gate) ||
        !s->model->network->nodes[node].kind->gates)
        return vae_fail(VAE_ERR_FORMAT, "%s: %.*s is a gate that is not of a gated layer",
            s->archive->function, VAE_SHOWN(gate->path));
    return map_layer(s, gate, NULL, node, 0);
}

/* The layers of one side, in order, from the model's layer `node` on. */
static int map_side(struct spelling *s, enum side side, size_t node, uint64_t first_row)
{
    int status = VAE_OK;
    for (size_t i = 0; status == VAE_OK && i < s->count; i++) {
        const struct module *m = &s->modules[s->order[i]];
        const struct module *next = i + 1 < s->count ? &s->modules[s->order[i + 1]] : NULL;
        if (m->side != side)
            continue;
        if (m->gate) {
            status = map_gate(s, i, node - 1);
            continue;
        }
        if (is_normalisation(m))
            return vae_fail(VAE_ERR_FORMAT, "%s: %.*s is a normalisation that is not behind a dense layer",
                s->archive->function, VAE_SHOWN(m->path));
        const struct module *norm = next && is_normalisation(next) && is_behind(m, next) ? next : NULL;
        status = map_layer(s, m, norm, node++, first_row);
        i += norm != NULL;
    }
    return status;
}

static int wrong_count(const struct spelling *s, const char *side, size_t theirs, size_t ours)
{
    return vae_fail(VAE_ERR_FORMAT,
        "%s: the file has %zu dense layers in the %s, the model %zu (heads included)", s->archive->function,
        theirs, side, ours);
}

static int map_modules(struct spelling *s)
{
    const struct vae_network *net = s->model->network;
    size_t encoder = count_layers(s, ENCODER), decoder = count_layers(s, DECODER);
    size_t means = count_layers(s, MEANS), logvars = count_layers(s, LOGVARS);
    int heads = means == 1 && logvars == 1, status;
    if (encoder + (size_t)heads != net->encoder || (!heads && means + logvars > 0))
        return wrong_count(s, "encoder", encoder + means + logvars, net->encoder + (size_t)heads);
    if (decoder != net->decoder)
        return wrong_count(s, "decoder", decoder, net->decoder);
    if ((status = map_side(s, ENCODER, 0, 0)) != VAE_OK ||
        (status = map_side(s, MEANS, net->encoder - 1, 0)) != VAE_OK ||
        (status = map_side(s, LOGVARS, net->encoder - 1, net->z_dim)) != VAE_OK)
        return status;
    return map_side(s, DECODER, net->encoder, 0);
}

int vae_spellings_map(struct vae_archive *archive, const struct vae_model *model,
    struct vae_mapping *mappings, size_t room, size_t *count)
{
    struct spelling s = {.archive = archive, .model = model, .mappings = mappings, .room = room};
    s.modules = vae_archive_take(archive, room, sizeof *s.modules);
    s.order = s.modules ? vae_archive_take(archive, room, sizeof *s.order) : NULL;
    if (!s.order)
        return VAE_ERR_NOMEM;
    int status = read_modules(&s);
    if (status != VAE_OK)
        return status;
    for (size_t i = 0; i < s.count; i++)
        s.order[i] = (uint32_t)i;
    vae_sort(s.order, s.count, by_number, s.modules);
    status = map_modules(&s);
    *count = s.mapped;
    return status;
}
