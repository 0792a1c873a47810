# SPDX-License-Identifier: BSD-2-Clause
"""What the tables have in common: a Paper has rows, makes the plan of a row, and measures the model of a finished run.

A subclass says `name`, `title`, `about` (Markdown: sources, settings, differences from them), `published` (headings),
`rows` {row: published cells}, `measured` [(key of a record's values, heading, digits)], `lengths` {row: (quick, full)
passes}, data_kind() and plan()."""

import data
import evaluate
from library import GATED, TANH

EVIDENCE = [("nll", "-log p(x), ours", 2), ("nll_error", "standard error over images", 2), ("bound", "-ELBO, ours", 2)]
BURDA_NET = {"layers": [{"units": 200, "activation": TANH}] * 2, "z_dim": 50}
GATED_NET = {"layers": [{"units": 300, "kind": GATED}] * 2, "z_dim": 40}


class Paper:
    quick_evaluation = (500, 1000)  # importance draws, test images; draws of 0: the table has no log p(x)
    full_evaluation = (5000, 10000)
    quick_rows = None  # those of a quick run; None: all
    test_range = None  # of the picture's bounds

    def source(self, row):
        """The data set of a row: the name of the command line's option."""
        return self.data_kind(row)[0]

    def length(self, row):
        """Passes of the paper itself."""
        return self.lengths[row][1]

    def evaluation(self, row, quick):
        """Importance draws and test images."""
        return self.quick_evaluation if quick else self.full_evaluation

    def data(self, library, row, path, threads):
        source, binarise, train = self.data_kind(row)
        if source == "frey":
            return data.faces(library, source, path, binarise, threads)
        return data.images(library, source, path, binarise, train, threads)

    def measure(self, run, draws, rows):
        """The values of a record."""
        model, test = run.trained(), run.plan.data.test[:rows]
        values = {"bound": -model.infer(test, 1).elbo, **evaluate.evidence(model, test, draws, run.progress)}
        return {**values, "active": evaluate.active_units(model, test, run.plan.config["z_dim"])}

    def remarks(self, chosen):
        """Markdown below the table, from {row: records}."""
        return ""

    def panels(self, chosen):
        """Of the picture, from {row: records}: the bound on test images, by passes."""
        lines = [(row, [point["pass"] for point in record["curve"]], [point["test"] for point in record["curve"]], "-")
                 for row, found in chosen.items() for record in found]
        panel = {"title": self.title, "x": "passes over the training images", "y": "ELBO of test images, nats",
                 "lines": lines}
        if self.test_range:
            panel["range"] = self.test_range
        return [panel]
