# SPDX-License-Identifier: BSD-2-Clause
"""What tables report of a trained model: -log p(x) by importance sampling, and the latents in use."""

import time

import numpy

from run import FLAG, READ_BATCH, Stopped

ACTIVE = 1e-2  # Burda et al., section 5.2: variance over x of a latent's posterior mean


def evidence(model, x, draws, progress):
    """Mean -log p(x) in nats by `draws` importance draws a row, the standard error over rows, and the part of it that
    comes from the draws."""
    log_evidence, error = numpy.empty(len(x)), numpy.empty(len(x))
    began = time.monotonic()
    for first in range(0, len(x), READ_BATCH):
        rows = slice(first, first + READ_BATCH)
        model.infer(x[rows], draws, first_row=first, log_evidence=log_evidence[rows],
                    log_evidence_error=error[rows])
        done = min(first + READ_BATCH, len(x))
        progress.say(f"log p(x) of {done} of {len(x)} rows by {draws} draws, mean {log_evidence[:done].mean():.2f}",
                     done / len(x), time.monotonic() - began)
        if FLAG["stop"]:
            raise Stopped(f"{progress.name}: trained and saved; the same command evaluates it")
    return {"nll": -log_evidence.mean(), "nll_error": log_evidence.std() / len(x) ** 0.5,
            "draws_error": numpy.sqrt(numpy.square(error).sum()) / len(x)}


def active_units(model, x, z_dim):
    """The number of latents whose posterior mean varies over x."""
    mu = numpy.empty((len(x), z_dim), numpy.float32)
    model.infer(x, 0, mu=mu)
    return int((mu.astype(numpy.float64).var(axis=0) > ACTIVE).sum())
