# SPDX-License-Identifier: BSD-2-Clause
"""The Exemplar VAE's table: a Gaussian prior and the VampPrior on MNIST and Fashion-MNIST."""

import functools

import numpy

from data import EACH_PASS
from library import APPLICATION, INIT_HE, PRIOR_NORMAL, PRIOR_VAMP, stream
from paper import EVIDENCE, GATED_NET, Paper
from run import Plan

COMPONENTS = 500
WARM_UP, PATIENCE, MOST = 100, 50, 2000
DEVIATION = 0.01  # of the noise in pseudo-inputs


class Exemplar(Paper):
    name = "exemplar"
    title = "Gaussian prior and VampPrior: MNIST and Fashion-MNIST"
    about = """Norouzi, Fleet & Norouzi, "Exemplar VAE", NeurIPS 2020,
[arXiv:2004.04795](https://arxiv.org/abs/2004.04795), the rows without exemplars; settings of its program and of Tomczak
& Welling's VampPrior, [arXiv:1705.07120](https://arxiv.org/abs/1705.07120). Two gated layers of 300 units on each side,
40 latents whose log-variances are clamped to [-6, 2], He's initialisation; images binarised anew in each pass, those of
validation (10,000 of the 60,000) and test once; batch 100, Adam 5e-4, the weight of the KL term rising from 0.01 to 1
over 100 passes; the model of the best validation bound, and an end after 50 passes without a better one, at most 2,000.
VampPrior: 500 pseudo-inputs, learned, at first N(0.05, 0.01^2) or (rows vamp-images) training images with noise of that
deviation; the program knows both. -log p(x) by 5,000 importance draws.

Different here: the KL with the Gaussian prior is in closed form; Adam is the algorithm of its paper, where the program
divides the gradient of each tensor by its norm; pseudo-inputs are not cut to 0..1.
"""
    published = ["-log p(x), published"]
    rows = {"mnist-normal": ["84.45 ± 0.12"], "mnist-vamp": ["82.43 ± 0.06"], "mnist-vamp-images": ["82.43 ± 0.06"],
            "fashion-normal": ["228.70 ± 0.15"], "fashion-vamp": ["227.35 ± 0.05"],
            "fashion-vamp-images": ["227.35 ± 0.05"]}
    measured = EVIDENCE
    lengths = {row: (8, MOST) for row in rows}
    quick_rows = ["mnist-normal", "mnist-vamp", "fashion-normal", "fashion-vamp"]

    def data_kind(self, row):
        return row.split("-")[0], EACH_PASS, 50000

    def plan(self, row, seed, prepared, passes, library):
        config = {**GATED_NET, "init": INIT_HE, "z_logvar_min": -6, "z_logvar_max": 2, "prior": PRIOR_NORMAL}
        start = None
        if "vamp" in row:
            config.update(prior=PRIOR_VAMP, prior_components=COMPONENTS)
            start = functools.partial(set_pseudo_inputs, library, prepared, seed, row.endswith("images"))
        return Plan(self.name, row, seed, prepared, 100, config, {"learning_rate": 5e-4}, passes,
                    lambda number: {"kl_weight": min(1, number / WARM_UP)}, f"KL weight pass / {WARM_UP}", start,
                    keep_best=True, patience=PATIENCE, patient_from=WARM_UP)

    def panels(self, chosen):
        both = []
        for source in ("mnist", "fashion"):
            few = {row: found for row, found in chosen.items() if row.startswith(source)}
            both += [{**panel, "title": f"{source}: {self.title.split(':')[0]}"} for panel in super().panels(few)]
        return both


def set_pseudo_inputs(library, prepared, seed, of_images, model):
    """Noise about 0.05, or about the first training images."""
    noise = numpy.empty((COMPONENTS, prepared.x_dim), numpy.float32)
    library.normal(seed, stream(APPLICATION, 0), 0, noise.size, noise.ctypes.data)
    centre = prepared.train[numpy.arange(COMPONENTS) % len(prepared.train)] if of_images else numpy.float32(0.05)
    model.set_tensor("prior.inputs", centre + numpy.float32(DEVIATION) * noise)
