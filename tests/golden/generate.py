#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes golden.txt: what PyTorch in float64 makes of small models.

    python3 generate.py build/lib/libvae.so > golden.txt

From the library come the initial parameters and the noise (vae_normal, streams "train" and "evaluate"),
nothing else: bounds, gradients by every estimator and updates are PyTorch's (2.13). The dump is lines of words:
"case NAME", then keys with their numbers; nine digits tell one float32 from the next.
"""
import ctypes
import math
import sys

import torch
import torch.nn.functional as F

ROWS, STEPS, READ_SAMPLES = 6, 20, 2
TRAIN, EVALUATE = 2, 3  # VAE_STREAM_*
IDENTITY, RELU, TANH, SIGMOID, SOFTPLUS, SILU, GELU = range(7)
# Kinds of likelihood in the dump, and what they are in the header: likelihood, source of the scale.
BERNOULLI, GAUSS_FIXED, GAUSS_SPAN, GAUSS_CELL = range(1, 5)
CELL, SPAN, FIXED = 0, 2, 3  # VAE_PARAM_*
LIKELIHOODS = {BERNOULLI: (1, CELL), GAUSS_FIXED: (2, FIXED), GAUSS_SPAN: (2, SPAN), GAUSS_CELL: (2, CELL)}
ELBO, IWAE = 1, 2
PLAIN, ANALYTIC_KL, MONTE_CARLO_KL, STL, DREG = range(5)  # VAE_ESTIMATOR_*; PLAIN: the default
ACTIVATIONS = [lambda v: v, torch.relu, torch.tanh, torch.sigmoid, F.softplus, F.silu, F.gelu]

# VAE_ADAM and those after it, as (rate, momentum, weight decay) makes them of parameters; Adam's epsilon for all.
OPTIMIZERS = {
    1: lambda p, lr, momentum, decay: torch.optim.Adam(p, lr=lr, weight_decay=decay),
    2: lambda p, lr, momentum, decay: torch.optim.AdamW(p, lr=lr, weight_decay=decay),
    3: lambda p, lr, momentum, decay: torch.optim.Adagrad(p, lr=lr, eps=1e-8, weight_decay=decay),
    4: lambda p, lr, momentum, decay: torch.optim.SGD(p, lr=lr, momentum=momentum, weight_decay=decay)}

GATED = 100  # added to the activation of a gated layer

# name, kind, mean activation, log-variance outside the decoder, draws of a bound, (width, activation)s of encoder, of
# decoder; the limits of the encoder's log-variances, where there are any
CASES = [
    ("bernoulli", BERNOULLI, IDENTITY, 0.0, 1, [(8, SOFTPLUS)], [(8, TANH)]),
    ("gauss_fixed", GAUSS_FIXED, SIGMOID, -0.7, 1, [(8, TANH)], [(8, SIGMOID)]),
    ("gauss_shared", GAUSS_SPAN, IDENTITY, -0.3, 1, [(8, RELU)], [(8, SOFTPLUS)]),
    ("gauss", GAUSS_CELL, IDENTITY, 0.0, 1, [(8, SILU)], [(8, TANH)]),
    ("bernoulli_3_draws", BERNOULLI, IDENTITY, 0.0, 3, [(8, GELU)], [(8, SILU)]),
    ("gauss_deep", GAUSS_CELL, SIGMOID, 0.0, 3, [(8, GELU), (7, IDENTITY)], [(5, SILU), (9, GELU)]),
]
# name: objective, estimator, bounds a row, kl_weight, elbo_weight; the cases above have the first
BOUNDS = {
    "": (ELBO, PLAIN, 1, 1.0, 0.0),
    "monte_carlo_kl": (ELBO, MONTE_CARLO_KL, 1, 1.0, 0.0),
    "monte_carlo_kl_weighted": (ELBO, MONTE_CARLO_KL, 1, 2.5, 0.0),
    "stl": (ELBO, STL, 1, 1.0, 0.0),
    "stl_weighted": (ELBO, STL, 1, 0.4, 0.0),
    "iwae": (IWAE, PLAIN, 1, 1.0, 0.0),
    "iwae_monte_carlo_kl": (IWAE, MONTE_CARLO_KL, 1, 1.0, 0.0),
    "iwae_weighted": (IWAE, PLAIN, 1, 0.4, 0.0),
    "miwae": (IWAE, PLAIN, 2, 1.0, 0.0),
    "ciwae": (IWAE, PLAIN, 1, 1.0, 0.25),
    "iwae_stl": (IWAE, STL, 1, 1.0, 0.0),
    "ciwae_stl_weighted": (IWAE, STL, 2, 0.4, 0.25),
    "dreg": (IWAE, DREG, 1, 1.0, 0.0),
    "dreg_2_estimates": (IWAE, DREG, 2, 1.0, 0.0),
    "dreg_weighted": (IWAE, DREG, 2, 0.4, 0.0),
}
CASES += [
    (name, (BERNOULLI, GAUSS_SPAN)[i % 2], IDENTITY, -0.3, 4, [(5, TANH)], [(5, SOFTPLUS)])
    for i, name in enumerate(BOUNDS) if name]
# name: rate, optimizer, momentum, weight decay, limit of the gradient's norm; the cases above have the first
UPDATES = {
    "": (0.01, 1, 0.0, 0.0, 0.0),
    "adam_decay": (0.01, 1, 0.0, 0.2, 0.0),
    "adamw": (0.01, 2, 0.0, 0.5, 0.0),
    "adamw_clipped": (0.02, 2, 0.0, 0.1, 0.3),
    "adagrad": (0.05, 3, 0.0, 0.0, 0.0),
    "adagrad_decay": (0.05, 3, 0.0, 0.2, 1.5),
    "sgd": (0.05, 4, 0.0, 0.0, 0.0),
    "sgd_momentum": (0.02, 4, 0.9, 0.1, 0.0),
    "sgd_clipped": (0.1, 4, 0.5, 0.05, 1.0),
}
CASES += [(name, GAUSS_SPAN, IDENTITY, -0.3, 1, [(5, TANH)], [(5, SOFTPLUS)]) for name in UPDATES if name]
CASES += [
    ("gated", BERNOULLI, IDENTITY, 0.0, 1, [(8, GATED + IDENTITY), (7, GATED + RELU)], [(5, TANH), (9, GATED + SILU)]),
    ("gated_clamped", GAUSS_CELL, IDENTITY, 0.0, 2, [(8, GATED + TANH)], [(8, GATED + IDENTITY)], (0.115, 0.215)),
]
# name: prior, components; the cases above have the first
NORMAL, MIXTURE, VAMP = 1, 2, 3  # VAE_PRIOR_*
PRIORS = {"": (NORMAL, 0), "mixture": (MIXTURE, 5), "mixture_dreg": (MIXTURE, 18), "vamp": (VAMP, 4),
          "vamp_stl": (VAMP, 3), "vamp_miwae_gated": (VAMP, 7)}
BOUNDS.update({
    "mixture": (ELBO, PLAIN, 1, 1.5, 0.0),
    "mixture_dreg": (IWAE, DREG, 1, 1.0, 0.0),
    "vamp_stl": (ELBO, STL, 1, 1.0, 0.0),
    "vamp_miwae_gated": (IWAE, PLAIN, 2, 1.0, 0.0),
})
CASES += [
    ("mixture", BERNOULLI, IDENTITY, 0.0, 2, [(5, TANH)], [(5, SOFTPLUS)]),
    ("mixture_dreg", GAUSS_SPAN, IDENTITY, -0.3, 3, [(5, TANH)], [(5, SOFTPLUS)]),
    ("vamp", GAUSS_SPAN, IDENTITY, -0.3, 2, [(5, TANH)], [(5, SOFTPLUS)]),
    ("vamp_stl", BERNOULLI, IDENTITY, 0.0, 1, [(5, TANH), (4, SILU)], [(5, SOFTPLUS)]),
    ("vamp_miwae_gated", BERNOULLI, IDENTITY, 0.0, 2, [(5, GATED + IDENTITY)], [(5, TANH)], (0.0, 0.3)),
]
X_DIM, Z_DIM, SEED = 11, 3, 42

u64, i32, f64, pointer = ctypes.c_uint64, ctypes.c_int32, ctypes.c_double, ctypes.c_void_p


class Layer(ctypes.Structure):
    _fields_ = [
        ("size", u64), ("kind", i32), ("activation", i32), ("units", u64), ("slope", f64), ("epsilon", f64),
        ("momentum", f64), ("dropout", f64)]


class Span(ctypes.Structure):
    _fields_ = [
        ("size", u64), ("columns", u64), ("likelihood", i32), ("mean_activation", i32), ("scale", i32),
        ("shape", i32), ("scale_value", f64), ("shape_value", f64), ("scale_min", f64), ("levels", u64),
        ("input", i32), ("reserved", i32)]


class Config(ctypes.Structure):
    _fields_ = [
        ("size", u64), ("x_dim", u64), ("z_dim", u64), ("c_dim", u64), ("encoder", ctypes.POINTER(Layer)),
        ("n_encoder", ctypes.c_size_t), ("decoder", ctypes.POINTER(Layer)), ("n_decoder", ctypes.c_size_t),
        ("spans", ctypes.POINTER(Span)), ("n_spans", ctypes.c_size_t), ("likelihood", i32),
        ("mean_activation", i32), ("prior", i32), ("standardise", i32), ("prior_components", u64),
        ("z_logvar_min", f64), ("z_logvar_max", f64), ("init", i32), ("reserved", i32), ("init_scale", f64),
        ("seed", u64)]


def layers_of(widths):
    layers = (Layer * len(widths))()
    for layer, (units, activation) in zip(layers, widths):
        lib.vae_layer_init(ctypes.byref(layer), ctypes.c_size_t(ctypes.sizeof(Layer)))
        layer.kind = 2 if activation >= GATED else 1
        layer.units, layer.activation = units, activation % GATED
    return layers


def span_of(kind, mean_activation, scale_value):
    spans = (Span * 1)()
    lib.vae_span_init(ctypes.byref(spans), ctypes.c_size_t(ctypes.sizeof(Span)))
    spans[0].columns, spans[0].mean_activation, spans[0].scale_value = X_DIM, mean_activation, scale_value
    spans[0].likelihood, spans[0].scale = LIKELIHOODS[kind]
    return spans


def initial_params(case):
    """The library's own first parameters, canonical order."""
    _, kind, mean_activation, scale_value, _, encoder, decoder, *clamp = case
    c, model = Config(), pointer()
    lib.vae_config_init(ctypes.byref(c), ctypes.c_size_t(ctypes.sizeof(Config)))
    c.x_dim, c.z_dim, c.seed = X_DIM, Z_DIM, SEED
    c.spans, c.n_spans = span_of(kind, mean_activation, scale_value), 1
    c.encoder, c.n_encoder = layers_of(encoder), len(encoder)
    c.decoder, c.n_decoder = layers_of(decoder), len(decoder)
    for limits in clamp:
        c.z_logvar_min, c.z_logvar_max = limits
    c.prior, c.prior_components = PRIORS.get(case[0], PRIORS[""])
    assert lib.vae_create(ctypes.byref(model), ctypes.byref(c), None, None) == 0, lib.vae_last_error()
    count = lib.vae_param_count(model)
    params = (ctypes.c_float * count)()
    assert lib.vae_get_params(model, params, u64(count)) == 0, lib.vae_last_error()
    lib.vae_destroy(model)
    return list(params)


def noise(purpose, sample, step):
    eps = (ctypes.c_float * (ROWS * Z_DIM))()
    stream = purpose << 56 | sample << 40 | step
    assert lib.vae_normal(u64(SEED), u64(stream), u64(0), ctypes.c_size_t(ROWS * Z_DIM), eps) == 0
    return torch.tensor(list(eps), dtype=torch.float64).reshape(ROWS, Z_DIM)


def held(estimator, tensor):
    """A parameter of q as log q takes it."""
    return tensor.detach() if estimator in (STL, DREG) else tensor


def log_normal(z, mu, logvar):
    return torch.distributions.Normal(mu, torch.exp(logvar / 2)).log_prob(z).sum(1)


class Model:
    """The bound, written down once more: Kingma & Welling, arXiv:1312.6114, equation (7), appendix C; and those of
    Burda et al., arXiv:1509.00519, and Rainforth et al., arXiv:1802.04537."""

    def __init__(self, case, flat):
        name, self.kind, self.mean_activation, self.scale_value, self.samples, encoder, decoder, *self.clamp = case
        bound = BOUNDS.get(name, BOUNDS[""])
        self.objective, self.estimator, self.estimates, self.kl_weight, self.elbo_weight = bound
        flat, self.params = iter(flat), []
        heads = 2 if self.kind == GAUSS_CELL else 1
        self.encoder = self.side(X_DIM, encoder + [(2 * Z_DIM, IDENTITY)], flat)
        self.decoder = self.side(Z_DIM, decoder + [(heads * X_DIM, IDENTITY)], flat)
        if self.kind == GAUSS_SPAN:
            self.logvar = self.take(flat, 1)
        self.prior, components = PRIORS.get(name, PRIORS[""])
        shapes = {NORMAL: [], MIXTURE: [(components, Z_DIM), (components, Z_DIM), (components,)],
                  VAMP: [(components, X_DIM)]}
        self.components = [self.take(flat, *shape) for shape in shapes[self.prior]]
        assert next(flat, None) is None

    def take(self, flat, *shape):
        count = 1
        for side in shape:
            count *= side
        values = [next(flat) for _ in range(count)]
        tensor = torch.tensor(values, dtype=torch.float64).reshape(shape).requires_grad_()
        self.params.append(tensor)
        return tensor

    def side(self, width, layers, flat):
        side = []
        for units, activation in layers:
            halves = [(self.take(flat, units, width), self.take(flat, units)) for _ in range(1 + activation // GATED)]
            side.append((halves, ACTIVATIONS[activation % GATED]))
            width = units
        return side

    @staticmethod
    def run(side, v):
        for halves, activation in side:
            sums = [v @ weight.T + bias for weight, bias in halves]
            v = activation(sums[0])
            for gate in sums[1:]:
                v = v * torch.sigmoid(gate)
        return v

    def loglik(self, x, z):
        head = self.run(self.decoder, z)
        if self.kind == BERNOULLI:
            return (x * F.logsigmoid(head) + (1 - x) * F.logsigmoid(-head)).sum(1)
        mean = ACTIVATIONS[self.mean_activation](head[:, :X_DIM])
        if self.kind == GAUSS_CELL:
            logvar = head[:, X_DIM:]
        elif self.kind == GAUSS_SPAN:
            logvar = self.logvar.expand_as(mean)
        else:  # as float32, in which the library holds it
            logvar = torch.tensor([self.scale_value], dtype=torch.float32).double().expand_as(mean)
        return torch.distributions.Normal(mean, torch.exp(logvar / 2)).log_prob(x).sum(1)

    def encode(self, x):
        q = self.run(self.encoder, x)
        mu, logvar = q[:, :Z_DIM], q[:, Z_DIM:]
        for limits in self.clamp:
            logvar = F.hardtanh(logvar, *limits)
        return mu, logvar

    def log_prior(self, z):
        if self.prior == NORMAL:
            return log_normal(z, torch.zeros_like(z), torch.zeros_like(z))
        if self.prior == VAMP:  # Tomczak & Welling, arXiv:1705.07120, equation (9)
            mu, logvar = self.encode(self.components[0])
            logits = torch.zeros(len(mu), dtype=torch.float64)
        else:
            mu, logvar, logits = self.components
        joint = torch.log_softmax(logits, 0) + torch.distributions.Normal(
            mu, torch.exp(logvar / 2)).log_prob(z.unsqueeze(1)).sum(2)
        return torch.logsumexp(joint, 1)

    def terms(self, x, draws):
        """Mean log-likelihood over the draws, and the divergence, of each row; draws None: z = mu."""
        mu, logvar = self.encode(x)
        z = [mu] if draws is None else [mu + torch.exp(logvar / 2) * eps for eps in draws]
        if self.prior == NORMAL:
            kl = -0.5 * (1 + logvar - mu ** 2 - torch.exp(logvar)).sum(1)
        else:
            kl = torch.stack([log_normal(one, mu, logvar) - self.log_prior(one) for one in z]).mean(0)
        return torch.stack([self.loglik(x, one) for one in z]).mean(0), kl

    def log_weight(self, x, mu, logvar, eps, factor):
        """log w of one draw, with the gradient that goes on to the encoder multiplied by what `factor` gives."""
        z = mu + torch.exp(logvar / 2) * eps
        if z.requires_grad:
            z.register_hook(lambda gradient: gradient * factor().unsqueeze(1))
        log_p = self.log_prior(z)
        log_q = log_normal(z, held(self.estimator, mu), held(self.estimator, logvar))
        return self.loglik(x, z) + self.kl_weight * (log_p - log_q)

    def importance(self, x, draws, elbo_weight):
        """The bound of each row from log w. DReG: the factor of a draw, for any kl_weight, is
        1 - kl_weight + kl_weight w~; Tucker et al., arXiv:1810.04152, have kl_weight 1."""
        (mu, logvar), share = self.encode(x), []

        def factor(s):
            return 1 - self.kl_weight + self.kl_weight * share[0][s] if self.estimator == DREG else torch.ones(ROWS)
        log_w = torch.stack([
            self.log_weight(x, mu, logvar, eps, lambda s=s: factor(s)) for s, eps in enumerate(draws)])
        groups = log_w.reshape(self.estimates, self.samples, ROWS)
        share.append(torch.softmax(groups.detach(), 1).reshape(-1, ROWS))
        bound = torch.logsumexp(groups, 1).mean(0) - math.log(self.samples)
        return (1 - elbo_weight) * bound + elbo_weight * log_w.mean(0)

    def train_terms(self, x, step):
        """Means over the rows: the objective, log-likelihood and divergence."""
        draws = [noise(TRAIN, s, step) for s in range(self.samples * self.estimates)]
        loglik, kl = self.terms(x, draws)
        if self.objective == IWAE:
            objective = self.importance(x, draws, self.elbo_weight)
        elif self.estimator == PLAIN:
            objective = loglik - self.kl_weight * kl
        else:  # the mean of log w alone
            objective = self.importance(x, draws, 1.0)
        return objective.mean(), loglik.mean(), kl.mean()

    def flat(self, tensors):
        return [v for t in tensors for v in t.detach().flatten().tolist()]


def put(key, values):
    print(key, len(values), *("%.9g" % v for v in values))


def dump(case):
    name, kind, mean_activation, scale_value, samples, encoder, decoder, *clamp = case
    first = initial_params(case)
    model = Model(case, first)
    torch.manual_seed(CASES.index(case))
    x = torch.rand(ROWS, X_DIM, dtype=torch.float32).double()
    print("case", name)
    put("kinds", [kind, mean_activation, samples, X_DIM, Z_DIM, SEED, ROWS, STEPS, READ_SAMPLES])
    put("numbers", [scale_value, *UPDATES.get(name, UPDATES[""]), *(limit for limits in clamp for limit in limits)])
    put("bound", BOUNDS.get(name, BOUNDS[""]))
    put("prior", PRIORS.get(name, PRIORS[""]))
    put("encoder", [number for layer in encoder for number in layer])
    put("decoder", [number for layer in decoder for number in layer])
    put("x", x.flatten().tolist())
    put("first", first)
    objective, loglik, kl = model.train_terms(x, 0)
    (-objective).backward()
    put("terms", [(loglik - kl).item(), loglik.item(), kl.item(), objective.item()])
    put("gradient", model.flat([p.grad for p in model.params]))
    for key, draws in ("elbo_at_mu", None), ("elbo", [noise(EVALUATE, s, 0) for s in range(READ_SAMPLES)]):
        loglik, kl = model.terms(x, draws)
        put(key, (loglik - kl).tolist())
    rate, optimizer, momentum, decay, limit = UPDATES.get(name, UPDATES[""])
    update = OPTIMIZERS[optimizer](model.params, rate, momentum, decay)
    for step in range(STEPS):
        update.zero_grad()
        objective, _, _ = model.train_terms(x, step)
        (-objective).backward()
        if limit > 0:
            torch.nn.utils.clip_grad_norm_(model.params, limit)
        update.step()
    put("last", model.flat(model.params))


lib = ctypes.CDLL(sys.argv[1])
lib.vae_last_error.restype = ctypes.c_char_p
lib.vae_param_count.restype = u64
print("# Small models in PyTorch, float64: see generate.py, which wrote this.")
for each in CASES:
    dump(each)
