# SPDX-License-Identifier: BSD-2-Clause
"""Rybkin, Daniilidis & Levine, "Simple and effective VAE training with calibrated decoders", arXiv:2006.13202: where
the variance of a Gaussian decoder comes from."""

import math

import numpy

from data import GREY
from library import GAUSS, RELU, SCALE_CELL, SCALE_FIXED, SCALE_SPAN, SIGMOID
from paper import Paper
from run import Plan

FLOOR = -12  # of log-variances; the authors' program keeps log sigma above -6
BETAS = ("1", "0.1", "0.01", "0.001")
MNIST = {"beta-1": "740.5", "shared": "-896.1", "cell": "-2895"}
LOG_2PI = math.log(2 * math.pi)


class Sigma(Paper):
    name = "sigma"
    title = "sigma-VAE: fixed, shared and per-element variance"
    about = """Rybkin, Daniilidis & Levine, [arXiv:2006.13202](https://arxiv.org/abs/2006.13202), table 3: bounds of
-log p(x) with MNIST's grey values as continuous data, after a convolutional net's 10 passes. A weight beta of the KL
term with variance 1 maximises the same as variance beta, and the bound is that of variance beta: `beta-1` is the fixed
variance 1, the other rows are a sweep, of whose best the paper says -796.2. `shared`: one learned variance
(`VAE_PARAM_SPAN`). `cell`: a variance for each pixel, from the decoder (`VAE_PARAM_CELL`).

Different here: a multilayer perceptron, 784-400-400-20 and back with relu and sigmoid means, so that the order of the
rows is to be compared, not their numbers; batch 128, Adam 1e-3 as there. Learned log-variances are not below -12, and
the shared one begins at that of all training pixels. The Frey faces are ours alone.
"""
    published = ["bound of -log p(x), published"]
    rows = {f"{source}-{kind}": [MNIST.get(kind, "-") if source == "mnist" else "-"]
            for source in ("mnist", "frey") for kind in (*(f"beta-{beta}" for beta in BETAS), "shared", "cell")}
    measured = [("bound", "bound of -log p(x), ours", 1), ("kl", "KL", 1), ("square", "squared error of a pixel", 4),
                ("variance", "variance", 4)]
    lengths = {row: (3, 10) if row.startswith("mnist") else (100, 300) for row in rows}
    quick_evaluation = full_evaluation = (0, 10000)

    def data_kind(self, row):
        return row.split("-")[0], GREY, None

    def plan(self, row, seed, prepared, passes, library):
        kind = row.split("-", 1)[1]
        span = {"columns": prepared.x_dim, "likelihood": GAUSS, "mean_activation": SIGMOID, "scale": SCALE_FIXED}
        if kind == "shared":
            start = math.log(prepared.train.var(dtype=numpy.float64))
            span.update(scale=SCALE_SPAN, scale_value=round(start, 2), scale_min=FLOOR)
        if kind == "cell":
            span.update(scale=SCALE_CELL, scale_min=FLOOR)
        training = {"kl_weight": float(kind.split("-")[1])} if kind.startswith("beta") else {}
        config = {"z_dim": 20, "layers": [{"units": 400, "activation": RELU}] * 2, "spans": [span]}
        return Plan(self.name, row, seed, prepared, 128, config, training, passes)

    def measure(self, run, draws, images):
        test, plan = run.plan.data.test[:images], run.plan
        terms = run.terms(test)
        mean = numpy.empty_like(test)
        run.reader.infer(test, 1, x_location=mean)
        square = float(numpy.square(test - mean, dtype=numpy.float64).mean())
        values = {"bound": -terms.elbo, "kl": terms.kl, "square": square}
        if "kl_weight" in plan.training:
            beta = plan.training["kl_weight"]
            values.update(variance=beta, bound=terms.kl + with_variance(beta, terms.loglik, test.shape[1]))
        if plan.config["spans"][0]["scale"] == SCALE_SPAN:
            values["variance"] = math.exp(max(FLOOR, run.model.tensor("spans.0.scale", 1)[0]))
        return values

    def remarks(self, chosen):
        text = ""
        for source in ("mnist", "frey"):
            sweep = {row: numpy.mean([record["values"]["bound"] for record in found])
                     for row, found in chosen.items() if row.startswith(f"{source}-beta")}
            if sweep:
                best = min(sweep, key=sweep.get)
                text += f"\nBest of the sweep on {source}: `{best}` with {sweep[best]:.1f}."
        return text + "\n" if text else ""

    def panels(self, chosen):
        """Bounds after training: the curves of rows with different objectives do not compare."""
        both = []
        for source in ("mnist", "frey"):
            few = {row: found for row, found in chosen.items() if row.startswith(source)}
            points = [(row, [record["values"]["square"] for record in found],
                       [record["values"]["bound"] for record in found], "o") for row, found in few.items()]
            both.append({"title": f"{source}: variance of the decoder", "x": "squared error of a pixel",
                         "y": "bound of -log p(x), nats", "lines": points})
        return both


def with_variance(variance, loglik, dim):
    """-log p(x|z) of variance `variance`, from that of variance 1 with the same means."""
    squares = -2 * loglik - dim * LOG_2PI
    return 0.5 * (squares / variance + dim * (LOG_2PI + math.log(variance)))
