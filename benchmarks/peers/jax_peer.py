# SPDX-License-Identifier: BSD-2-Clause
"""The training step in JAX, jitted, its arrays donated, and log p(x). It takes as many threads as it may use
processors. usage: jax_peer.py"""

import math
from functools import partial

from serve import Case, serve, skip

try:
    import jax
    from jax import numpy as jnp
except ImportError as error:
    skip(f"JAX: {error}")

ROWS = 2048
LOG_2PI = math.log(2 * math.pi)
EVIDENCE_DRAWS = 5000
EVIDENCE_ROWS = (100, 250, 500, 1000, 2500, 5000)
BETA1, BETA2, RATE, EPSILON = 0.9, 0.999, 1e-3, 1e-8


def weights(key, sizes):
    pairs = list(zip(sizes, sizes[1:]))
    return [(jax.random.uniform(k, (i, o), minval=-1, maxval=1) / i**0.5, jnp.zeros(o))
            for k, (i, o) in zip(jax.random.split(key, len(pairs)), pairs)]


def stack(layers, activation, x):
    for w, b in layers[:-1]:
        x = activation(x @ w + b)
    w, b = layers[-1]
    return x @ w + b


def encode(encoder, x, activation):
    return jnp.split(stack(encoder, activation, x), 2, axis=1)


def draw(mu, logvar, key, draws):
    return mu + jax.random.normal(key, (draws, *mu.shape)) * jnp.exp(0.5 * logvar)


def reconstruction(decoder, x, z, activation):
    logits = stack(decoder, activation, z)
    return (jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits)))).sum(-1)


def log_weights(decoder, x, mu, logvar, key, activation, draws):
    """log p(x|z) + log p(z) - log q(z|x), [draws][rows]."""
    z = draw(mu, logvar, key, draws)
    log_prior = -0.5 * (z**2 + LOG_2PI).sum(-1)
    log_posterior = -0.5 * ((z - mu)**2 / jnp.exp(logvar) + logvar + LOG_2PI).sum(-1)
    return log_prior - log_posterior - reconstruction(decoder, x, z, activation)


def elbo(parameters, x, key, activation, draws):
    """The loss: minus the bound, here and below."""
    encoder, decoder = parameters
    mu, logvar = encode(encoder, x, activation)
    divergence = -0.5 * (1 + logvar - mu**2 - jnp.exp(logvar)).sum(1)
    return (reconstruction(decoder, x, draw(mu, logvar, key, draws), activation).mean(0) + divergence).mean()


def iwae(parameters, x, key, activation, draws):
    encoder, decoder = parameters
    mu, logvar = encode(encoder, x, activation)
    weights = log_weights(decoder, x, mu, logvar, key, activation, draws)
    return (math.log(draws) - jax.nn.logsumexp(weights, axis=0)).mean()


@partial(jax.jit, static_argnums=(2, 3))
def log_evidence(parameters, image, activation, at_once):
    """log p(x) of one row of `image`, (data, its number), so many draws at once."""
    (encoder, decoder), (data, at) = parameters, image
    x = jax.lax.dynamic_slice_in_dim(data, at, 1)
    mu, logvar = encode(encoder, x, activation)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(1), at), EVIDENCE_DRAWS // at_once)
    weights = jax.lax.map(lambda key: log_weights(decoder, x, mu, logvar, key, activation, at_once), keys)
    return jax.nn.logsumexp(weights) - math.log(EVIDENCE_DRAWS)


@partial(jax.jit, static_argnums=(2, 3, 4, 5), donate_argnums=0)
def step(state, data, activation, batch, draws, loss):
    parameters, first, second, count = state
    at = count % (ROWS // batch) * batch
    x = jax.lax.dynamic_slice_in_dim(data, at, batch)
    gradient = jax.grad(loss)(parameters, x, jax.random.fold_in(jax.random.key(1), count), activation, draws)
    count += 1
    tree = jax.tree_util.tree_map
    first = tree(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradient)
    second = tree(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradient)
    rate, scale = RATE / (1 - BETA1**count), 1 / (1 - BETA2**count)
    parameters = tree(lambda p, m, v: p - rate * m / (jnp.sqrt(v * scale) + EPSILON), parameters, first, second)
    return parameters, first, second, count


def make_model(units):
    """Parameters and data."""
    keys = jax.random.split(jax.random.key(0), 3)
    parameters = (weights(keys[0], (*units[:-1], 2 * units[-1])), weights(keys[1], units[::-1]))
    return parameters, (jax.random.uniform(keys[2], (ROWS, 784)) < 0.3).astype(jnp.float32)


def make_step(units, activation, batch, draws, loss):
    parameters, data = make_model(units)
    zeros = jax.tree_util.tree_map(jnp.zeros_like, parameters)
    state = (parameters, zeros, jax.tree_util.tree_map(jnp.copy, zeros), jnp.int32(0))

    def run():
        nonlocal state
        state = step(state, data, activation, batch, draws, loss)

    return run, lambda: jax.block_until_ready(state)


def make_evidence(at_once):
    units, activation = MODELS["B1"][:2]
    parameters, data = make_model(units)
    at = 0

    def run():
        nonlocal at
        log_evidence(parameters, (data, at), activation, at_once).item()
        at = (at + 1) % ROWS

    return run, None


MODELS = {  # units, activation, batch, draws, loss
    "A": ((784, 400, 20), jax.nn.relu, 128, 1, elbo),
    "B1": ((784, 200, 200, 50), jnp.tanh, 20, 1, elbo),
    "B5": ((784, 200, 200, 50), jnp.tanh, 20, 5, elbo),
    "B50": ((784, 200, 200, 50), jnp.tanh, 20, 50, elbo),
    "IWAE5": ((784, 200, 200, 50), jnp.tanh, 20, 5, iwae),
    "IWAE50": ((784, 200, 200, 50), jnp.tanh, 20, 50, iwae),
}
CASES = {f"{model}/jit": Case(1, lambda spec=spec: make_step(*spec)) for model, spec in MODELS.items()}
CASES.update({f"evidence/{rows}": Case(1, lambda rows=rows: make_evidence(rows)) for rows in EVIDENCE_ROWS})
serve(f"JAX {jax.__version__}", CASES)
