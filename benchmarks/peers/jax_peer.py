# SPDX-License-Identifier: BSD-2-Clause
"""The training step in JAX, jitted, its arrays donated. It takes as many threads as it may use processors.
usage: jax_peer.py"""

from functools import partial

from serve import Case, serve, skip

try:
    import jax
    from jax import numpy as jnp
except ImportError as error:
    skip(f"JAX: {error}")

ROWS = 2048
MODELS = {  # units, activation, batch, draws
    "A": ((784, 400, 20), jax.nn.relu, 128, 1),
    "B1": ((784, 200, 200, 50), jnp.tanh, 20, 1),
    "B5": ((784, 200, 200, 50), jnp.tanh, 20, 5),
    "B50": ((784, 200, 200, 50), jnp.tanh, 20, 50),
}
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


def loss(parameters, x, key, activation, draws):
    encoder, decoder = parameters
    mu, logvar = jnp.split(stack(encoder, activation, x), 2, axis=1)
    z = mu + jax.random.normal(key, (draws, *mu.shape)) * jnp.exp(0.5 * logvar)
    logits = stack(decoder, activation, z)
    reconstruction = (jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits)))).sum(-1).mean(0)
    divergence = -0.5 * (1 + logvar - mu**2 - jnp.exp(logvar)).sum(1)
    return (reconstruction + divergence).mean()


@partial(jax.jit, static_argnums=(2, 3, 4), donate_argnums=0)
def step(state, data, activation, batch, draws):
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


def make_step(units, activation, batch, draws):
    keys = jax.random.split(jax.random.key(0), 3)
    parameters = (weights(keys[0], (*units[:-1], 2 * units[-1])), weights(keys[1], units[::-1]))
    zeros = jax.tree_util.tree_map(jnp.zeros_like, parameters)
    state = (parameters, zeros, jax.tree_util.tree_map(jnp.copy, zeros), jnp.int32(0))
    data = (jax.random.uniform(keys[2], (ROWS, 784)) < 0.3).astype(jnp.float32)

    def run():
        nonlocal state
        state = step(state, data, activation, batch, draws)

    return run, lambda: jax.block_until_ready(state)


serve(f"JAX {jax.__version__}", {f"{model}/jit": Case(1, lambda spec=spec: make_step(*spec))
                                 for model, spec in MODELS.items()})
