#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the safetensors files of this folder that stand for other programs' models, and expected.txt: for each one its
ELBO at z = mu of the row x_j = (j + 1) / 8, computed here in float64. All models have 6 values, ReLU or gates,
Bernoulli logits and 2 latents. Nothing but the standard library is needed. vae-1.safetensors is written by sample.c.

usage: generate.py [FOLDER]"""

import json
import math
import os
import random
import struct
import sys

X, Z, EPSILON = 6, 2, 1e-5


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def f16(value):
    return struct.unpack("<e", struct.pack("<e", value))[0]


def bf16(value):
    return struct.unpack("<f", b"\0\0" + struct.pack("<f", value)[2:])[0]


ROUND = {"F32": f32, "F16": f16, "BF16": bf16, "F64": float}


def packed(value, dtype):
    if dtype == "BF16":
        return struct.pack("<f", value)[2:]
    return struct.pack({"F32": "<f", "F16": "<e", "F64": "<d", "I64": "<q"}[dtype], value)


class File:
    """Tensors by name: (dtype, shape, values)."""

    def __init__(self, seed):
        self.random, self.tensors = random.Random(seed), {}

    def add(self, name, shape, low=-0.8, high=0.8, dtype="F32"):
        count = math.prod(shape)
        values = [ROUND[dtype](self.random.uniform(low, high)) for _ in range(count)]
        self.tensors[name] = (dtype, shape, values)
        return values

    def linear(self, name, inputs, outputs, dtype="F32", bias=True):
        weight = self.add(f"{name}.weight", [outputs, inputs], dtype=dtype)
        shift = self.add(f"{name}.bias", [outputs], dtype=dtype) if bias else [0.0] * outputs
        return [weight[i * inputs:(i + 1) * inputs] for i in range(outputs)], shift

    def norm(self, name, width, layer):
        """Batch normalisation behind a layer, folded into it."""
        scale, shift = self.add(f"{name}.weight", [width], 0.5, 1.5), self.add(f"{name}.bias", [width])
        mean, variance = self.add(f"{name}.running_mean", [width]), self.add(f"{name}.running_var", [width], 0.2, 2)
        self.tensors[f"{name}.num_batches_tracked"] = ("I64", [], [1234])
        weight, bias = layer
        factor = [s / math.sqrt(v + EPSILON) for s, v in zip(scale, variance)]
        return ([[w * f for w in row] for row, f in zip(weight, factor)],
                [(b - m) * f + s for b, m, f, s in zip(bias, mean, factor, shift)])

    def write(self, path):
        """Not in the order of names: readers must not rely on it."""
        header, data = {"__metadata__": {"format": "pt"}}, b""
        for name, (dtype, shape, values) in self.tensors.items():
            chunk = b"".join(packed(value, dtype) for value in values)
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(chunk)]}
            data += chunk
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + data)


def apply(layer, values, relu):
    """A gated layer is a pair of layers, and linear."""
    if isinstance(layer[0], tuple):
        halves = [apply(half, values, False) for half in layer]
        return [h / (1 + math.exp(-g)) for h, g in zip(*halves)]
    weight, bias = layer
    sums = [math.fsum([w * v for w, v in zip(row, values)]) + b for row, b in zip(weight, bias)]
    return [max(s, 0.0) for s in sums] if relu else sums


def elbo(encoder, means, logvars, decoder):
    x = [(j + 1) / 8 for j in range(X)]
    h = x
    for layer in encoder:
        h = apply(layer, h, True)
    mu, logvar = apply(means, h, False), apply(logvars, h, False)
    h = mu
    for layer in decoder[:-1]:
        h = apply(layer, h, True)
    logits = apply(decoder[-1], h, False)
    loglik = math.fsum(v * t - (max(t, 0) + math.log1p(math.exp(-abs(t)))) for v, t in zip(x, logits))
    return loglik - 0.5 * math.fsum(m * m + math.exp(v) - v - 1 for m, v in zip(mu, logvar))


# ---- models ----

def examples():
    """pytorch/examples, vae/main.py."""
    file = File(1)
    encoder, means, logvars = [file.linear("fc1", X, 5)], file.linear("fc21", 5, Z), file.linear("fc22", 5, Z)
    return file, elbo(encoder, means, logvars, [file.linear("fc3", Z, 5), file.linear("fc4", 5, X)])


def pythae():
    """pythae's default MLP, with normalisations."""
    file = File(2)
    hidden = file.linear("encoder.layers.0.0", X, 5)
    hidden = file.norm("encoder.layers.0.1", 5, hidden)
    means, logvars = file.linear("encoder.embedding", 5, Z), file.linear("encoder.log_var", 5, Z)
    decoder = [file.linear("decoder.layers.0.0", Z, 5), file.linear("decoder.layers.1.0", 5, X)]
    return file, elbo([hidden], means, logvars, decoder)


def split(layer):
    weight, bias = layer
    return (weight[:Z], bias[:Z]), (weight[Z:], bias[Z:])


def sequential():
    """An nn.Sequential for each side: activations have numbers, more than nine; no bias before a normalisation."""
    file = File(3)
    first = file.norm("vae.encoder.1", 5, file.linear("vae.encoder.0", X, 5, bias=False))
    second = file.linear("vae.encoder.9", 5, 4)
    means, logvars = split(file.linear("vae.encoder.11", 4, 2 * Z))
    decoder = [file.linear("vae.decoder.0", Z, 4), file.linear("vae.decoder.2", 4, 5),
               file.linear("vae.decoder.10", 5, X)]
    return file, elbo([first, second], means, logvars, decoder)


def heads():
    """Heads fc_mu and fc_var next to the sequences, as PyTorch Lightning saves them; float64, float16 and bfloat16."""
    file = File(4)
    encoder = [file.linear("model.encoder.0", X, 5, "F64")]
    means, logvars = file.linear("model.fc_mu", 5, Z, "F16"), file.linear("model.fc_var", 5, Z, "BF16")
    decoder = [file.linear("model.decoder.0", Z, 5, "F16"), file.linear("model.decoder.2", 5, X, "F64")]
    return file, elbo(encoder, means, logvars, decoder)


def gated():
    """jmtomczak/vae_vampprior, with its standard prior."""
    file = File(6)

    def layer(name, inputs, outputs):
        return file.linear(f"{name}.h", inputs, outputs), file.linear(f"{name}.g", inputs, outputs)

    encoder = [layer("q_z_layers.0", X, 5), layer("q_z_layers.1", 5, 4)]
    means, logvars = file.linear("q_z_mean", 4, Z), file.linear("q_z_logvar.linear", 4, Z)
    decoder = [layer("p_x_layers.0", Z, 4), layer("p_x_layers.1", 4, 5), file.linear("p_x_mean.linear", 5, X)]
    return file, elbo(encoder, means, logvars, decoder)


def interleaved():
    """One head whose rows are mu, log sigma, mu, log sigma; the decoder's weights are transposed."""
    file = File(5)
    encoder = [file.linear("lin1", X, 5)]
    weight, bias = file.linear("head", 5, 2 * Z)
    means = (weight[0::2], bias[0::2])
    logvars = ([[2 * w for w in row] for row in weight[1::2]], [2 * b for b in bias[1::2]])
    first = file.add("kernel1", [Z, 5]), file.add("shift1", [5])
    second = file.add("kernel2", [5, X]), file.add("shift2", [X])
    decoder = [([kernel[i::len(shift)] for i in range(len(shift))], shift) for kernel, shift in (first, second)]
    return file, elbo(encoder, means, logvars, decoder)


def main(folder):
    with open(os.path.join(folder, "expected.txt"), "w", encoding="utf-8") as expected:
        for model in (examples, pythae, sequential, heads, interleaved, gated):
            file, value = model()
            file.write(os.path.join(folder, f"{model.__name__}.safetensors"))
            expected.write(f"{model.__name__} {value:.17g}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
