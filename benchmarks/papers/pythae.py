# SPDX-License-Identifier: BSD-2-Clause
"""pythae's reproducibility table: its models that are multilayer perceptrons on MNIST."""

from data import EACH_PASS, ONCE
from library import ELBO, INIT_GLOROT, INIT_TORCH, IWAE, RELU
from paper import BURDA_NET, EVIDENCE, Paper
from run import Plan

VAE_MILESTONES = (200, 350, 500)
IWAE_MILESTONES = (2, 5, 14, 28, 41, 122, 365, 1094)
IWAE_PASSES = 3280
SPLIT = ("vae", "iwae")  # images binarised once, some of them for validation
SETTINGS = {"iwae": {"samples": 50}, "miwae": {"samples": 8, "estimates": 8},
            "ciwae": {"samples": 64, "elbo_weight": 0.05}}


def rate(first, factor, milestones):
    """Multiplied by `factor` once each of `milestones` passes is complete."""
    return lambda number: {"learning_rate": first * factor ** sum(number > milestone for milestone in milestones)}


class Pythae(Paper):
    name = "pythae"
    title = "pythae's reproducibility table: VAE, IWAE, MIWAE and CIWAE on MNIST"
    about = """[pythae](https://github.com/clementchadebec/benchmark_VAE), examples/scripts/reproducibility: what its
programs obtained, and the values of the papers that they follow. VAE: 784-400-40 and back, relu, batch 100, Adam 1e-4,
divided by 10^(1/5) after 200, 350 and 500 of 500 passes; images binarised once, 50,000 for training; the model of the
best bound on 10,000 for validation; 200 importance draws. The others: 784-200-200-50, tanh, batch 20, Adam 1e-3 with
epsilon 1e-4, divided by 10^(1/7) after 2, 5, 14, 28, 41, 122, 365 and 1,094 of 3,280 passes; 5,000 draws. IWAE: 50
draws, data and validation as the VAE's. MIWAE: 8 bounds of 8 draws; CIWAE: 64 draws, 0.05 of the ELBO; both on all
60,000 images, binarised anew in each pass, and the last model.

Different here: images binarised once are draws from MNIST's grey values; the file that pythae reads, with draws of
other authors, is not packaged.
"""
    published = ["-log p(x), pythae", "the paper followed"]
    rows = {"vae": ["89.78", "89.9"], "iwae": ["86.82", "87.1"], "miwae": ["85.09", "84.97"],
            "ciwae": ["84.74", "84.57"]}
    measured = EVIDENCE
    lengths = {"vae": (20, 500), "iwae": (2, 122), "miwae": (2, 122), "ciwae": (2, 122)}
    test_range = (-130, -85)

    def length(self, row):
        return 500 if row == "vae" else IWAE_PASSES

    def evaluation(self, row, quick):
        draws, images = super().evaluation(row, quick)
        return (200 if row == "vae" else draws), images

    def data_kind(self, row):
        return ("mnist", ONCE, 50000) if row in SPLIT else ("mnist", EACH_PASS, None)

    def plan(self, row, seed, prepared, passes, library):
        if row == "vae":
            config = {"layers": [{"units": 400, "activation": RELU}], "z_dim": 40, "init": INIT_TORCH}
            return Plan(self.name, row, seed, prepared, 100, config, {"objective": ELBO}, passes,
                        rate(1e-4, 10 ** -0.2, VAE_MILESTONES), f"1e-4, 10^(-1/5) at {VAE_MILESTONES}", keep_best=True)
        return Plan(self.name, row, seed, prepared, 20, {**BURDA_NET, "init": INIT_GLOROT},
                    {"objective": IWAE, "epsilon": 1e-4, **SETTINGS[row]}, passes,
                    rate(1e-3, 10 ** (-1 / 7), IWAE_MILESTONES), f"1e-3, 10^(-1/7) at {IWAE_MILESTONES}",
                    keep_best=row in SPLIT)
