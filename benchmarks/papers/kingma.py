# SPDX-License-Identifier: BSD-2-Clause
"""Kingma & Welling, "Auto-encoding variational Bayes", arXiv:1312.6114, figure 2: the bound against the number of
samples seen, for several numbers of latents."""

import math
import pathlib
import tempfile

from data import GREY
from library import ADAGRAD, BERNOULLI, GAUSS, INIT_NORMAL, SCALE_CELL, SIGMOID, TANH
from paper import Paper
from run import Plan, Run

BATCH = 100
RATES = (0.01, 0.02, 0.1)
TRIAL = 10000  # training rows that each rate is tried on
SAMPLES = 1e8
ROUNDING = math.log(1 / (12 * 255**2))  # log-variance of the grey levels' own rounding
TRAIN_ROWS = {"mnist": 60000, "frey": 1769}


class Kingma(Paper):
    name = "kingma"
    title = "Auto-encoding variational Bayes, figure 2"
    about = """Kingma & Welling, [arXiv:1312.6114](https://arxiv.org/abs/1312.6114). One hidden layer of tanh units on
each side, 500 for MNIST and 200 for the Frey faces; parameters from N(0, 0.01^2), batch 100, one draw, Adagrad with the
step of {0.01, 0.02, 0.1} that does best on the first training images, and a N(0, I) prior of the parameters, which is a
weight decay of 1 / n. MNIST: Bernoulli decoder on grey values, which the paper does not say to binarise. Frey faces:
Gaussian decoder, sigmoid means, a variance for each pixel. The figure has curves, no numbers: its axes are 10^5 to 10^8
samples (1,667 passes over MNIST) by -150 to -100 nats for MNIST and 0 to 1,600 nats for the faces.

Different here: every tenth face is held out, for the paper does not tell its split; log-variances of pixels are not
below -13.6, the variance of the grey levels' own rounding.
"""
    published = ["bound, published"]
    rows = {**{f"mnist-{z}": ["about -100 (read off the curve)" if z == 20 else "-150 to -100"]
               for z in (3, 5, 10, 20, 200)},
            **{f"frey-{z}": ["0 to 1,600"] for z in (2, 5, 10, 20)}}
    measured = [("train", "training bound, ours", 2), ("test", "test bound, ours", 2), ("rate", "step", 2),
                ("million", "seconds for a million samples", 1)]
    lengths = {row: tuple(round(samples / TRAIN_ROWS[row.split("-")[0]]) for samples in (1e6, SAMPLES))
               for row in rows}
    quick_evaluation = full_evaluation = (0, 10000)

    def data_kind(self, row):
        return row.split("-")[0], GREY, None

    def plan(self, row, seed, prepared, passes, library):
        source, latents = row.split("-")
        config = {"z_dim": int(latents), "init": INIT_NORMAL, "init_scale": 0.01,
                  "layers": [{"units": 500 if source == "mnist" else 200, "activation": TANH}]}
        if source == "mnist":
            config["likelihood"] = BERNOULLI
        else:
            config["spans"] = [{"columns": prepared.x_dim, "likelihood": GAUSS, "mean_activation": SIGMOID,
                                "scale": SCALE_CELL, "scale_min": ROUNDING}]
        plans = [Plan(self.name, row, seed, prepared, BATCH, config,
                      {"optimizer": ADAGRAD, "learning_rate": rate, "weight_decay": 1 / len(prepared.train)}, passes)
                 for rate in RATES]
        return max(plans, key=lambda plan: trial(library, plan))

    def measure(self, run, draws, images):
        values = {"train": run.state["last"], "test": run.bound(run.plan.data.test[:images]),
                  "rate": run.plan.training["learning_rate"]}
        seconds = run.seconds_a_pass()
        return {**values, "million": 1e6 / len(run.plan.data.train) * seconds} if seconds else values

    def panels(self, chosen):
        both = []
        for source, limits in ("mnist", (-150, -95)), ("frey", (0, 1600)):
            lines = []
            for row, found in chosen.items():
                if row.startswith(source):
                    for record in found:
                        samples = [point["pass"] * TRAIN_ROWS[source] for point in record["curve"]]
                        lines += [(f"{row}, {what}", samples, [point[key] for point in record["curve"]], style)
                                  for key, what, style in (("objective", "training", "--"), ("test", "test", "-"))]
            both.append({"title": f"{source}: bound", "x": "training samples seen", "y": "ELBO, nats", "lines": lines,
                         "range": limits})
        return both


def trial(library, plan):
    """The mean bound over the first training rows, while learning from them."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(library, plan, pathlib.Path(folder) / "trial.safetensors")
        return run.first_rows(TRIAL)
