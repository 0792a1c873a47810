# SPDX-License-Identifier: BSD-2-Clause
"""Values and gradients by hand in NumPy, float32. usage: numpy_peer.py"""

from serve import Case, serve, skip

try:
    import numpy
except ImportError as error:
    skip(f"NumPy: {error}")

GENERATOR = numpy.random.default_rng(1)


def uniform(low, high, shape):
    return GENERATOR.uniform(low, high, shape).astype(numpy.float32)


def make_kl(n, d):
    mu, logvar = uniform(-1, 1, (n, d)), uniform(-1, 1, (n, d))

    def run():
        variance = numpy.exp(logvar)
        value = -0.5 * (1 + logvar - mu**2 - variance).sum(1)
        return value, mu.copy(), 0.5 * (variance - 1)

    return run, None


def make_bernoulli():
    x, logits = uniform(0, 1, (128, 784)), uniform(-4, 4, (128, 784))

    def run():
        tail = numpy.exp(-numpy.abs(logits))
        value = (logits * x - numpy.maximum(logits, 0) - numpy.log1p(tail)).sum(1)
        return value, x - numpy.where(logits >= 0, 1, tail) / (1 + tail)

    return run, None


def make_draw(n, d):
    mu, logvar, gz = (uniform(-1, 1, (n, d)) for _ in range(3))

    def run():
        noise = GENERATOR.standard_normal((n, d), dtype=numpy.float32)
        step = noise * numpy.exp(0.5 * logvar)
        return mu + step, gz.copy(), 0.5 * gz * step

    return run, None


CASES = {f"kl/{n}x{d}": Case(n * d, lambda n=n, d=d: make_kl(n, d))
         for n, d in ((128, 20), (10000, 20), (100000, 64))}
CASES["bernoulli/128x784"] = Case(128 * 784, make_bernoulli)
CASES["normals/1000000x1"] = Case(
    10**6, lambda: (lambda: GENERATOR.standard_normal(10**6, dtype=numpy.float32), None))
for rows, dims in ((128, 20), (10000, 20)):
    CASES[f"draw/{rows}x{dims}"] = Case(rows * dims, lambda n=rows, d=dims: make_draw(n, d))

serve(f"NumPy {numpy.__version__}", CASES)
