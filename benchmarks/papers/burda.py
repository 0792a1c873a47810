# SPDX-License-Identifier: BSD-2-Clause
"""Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", arXiv:1509.00519, table 1, one stochastic
layer."""

from data import EACH_PASS
from library import ELBO, INIT_GLOROT, IWAE
from paper import BURDA_NET, EVIDENCE, Paper
from run import Plan

WHOLE = sum(3**i for i in range(8))  # 3280 passes


def rate(number):
    """1e-3 10^(-i/7) for 3^i passes, i = 0 .. 7; the last one for any further pass."""
    stage, end = 0, 1
    while number > end and stage < 7:
        stage += 1
        end += 3**stage
    return 1e-3 * 10 ** (-stage / 7)


class Burda(Paper):
    name = "burda"
    title = "Importance weighted autoencoders, table 1: MNIST, one stochastic layer"
    about = """Burda, Grosse & Salakhutdinov, [arXiv:1509.00519](https://arxiv.org/abs/1509.00519). 784-200-200-50 and
back, tanh, Glorot's initialisation; images binarised anew in each pass, batch 20, Adam with epsilon 1e-4, learning rate
1e-3 10^(-i/7) for 3^i passes, i = 0 to 7, which is 3,280 passes. The loss is estimated with k draws of z: their mean
(VAE) or the importance-weighted bound (IWAE); with k = 1 the two are one. -log p(x) of the 10,000 test images,
binarised once, by 5,000 importance draws; in brackets latents in use, those whose posterior mean has a variance over
the test images above 0.01.

Different here: all 60,000 training images are used, in a new random order in each pass; Adam is the algorithm of its
paper. The authors' program keeps 400 images back, does not shuffle, has beta1 = 0.99, starts Adam's second moment at 1
and the output's bias at the mean image.
"""
    published = ["-log p(x), published"]
    rows = {"vae-1": ["86.76 (19)"], "iwae-5": ["85.54 (22)"], "iwae-50": ["84.78 (25)"], "vae-5": ["86.47 (20)"],
            "vae-50": ["86.35 (20)"]}
    measured = EVIDENCE + [("active", "latents in use, ours", 0)]
    quick_rows = ["vae-1", "iwae-5", "iwae-50"]
    lengths = {"vae-1": (13, WHOLE), "iwae-5": (13, 121), "iwae-50": (4, 121), "vae-5": (4, 121), "vae-50": (1, 121)}
    test_range = (-130, -85)

    def length(self, row):
        return WHOLE

    def data_kind(self, row):
        return "mnist", EACH_PASS, None

    def plan(self, row, seed, prepared, passes, library):
        kind, k = row.split("-")
        training = {"objective": IWAE if kind == "iwae" else ELBO, "samples": int(k), "epsilon": 1e-4}
        return Plan(self.name, row, seed, prepared, 20, {**BURDA_NET, "init": INIT_GLOROT}, training, passes,
                    lambda number: {"learning_rate": rate(number)}, "1e-3 10^(-i/7) for 3^i passes")
