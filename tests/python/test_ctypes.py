# SPDX-License-Identifier: BSD-2-Clause
"""examples/python/ctypes_score.py: scores by the shared library. usage: test_ctypes.py MODELS LIBRARY"""

import subprocess
import sys

import support

support.need("numpy")

import numpy  # noqa: E402

sys.path.insert(0, str(support.ROOT / "examples" / "python"))
import ctypes_score  # noqa: E402


class Scores(support.Case):
    def test_scores(self):
        path, rows = self.folder / "model.safetensors", self.folder / "rows.npy"
        answers = support.models("make", "mixed", path)
        x = numpy.reshape(answers["x"], (answers["rows"], -1))
        scores = ctypes_score.score(sys.argv[2], str(path), x)
        self.assertEqual([-v for v in scores], answers["elbo_at_mu"])
        numpy.save(rows, x.astype(numpy.float32))
        done = subprocess.run([sys.executable, ctypes_score.__file__, sys.argv[2], path, rows], check=True,
                              capture_output=True, text=True)
        self.assertEqual(done.stdout.split(), [f"{value:.6f}" for value in scores])

    def test_words(self):
        path = self.folder / "model.safetensors"
        support.models("make", "mixed", path)
        with self.assertRaisesRegex(ValueError, "rows of 12 values"):
            ctypes_score.score(sys.argv[2], str(path), [[1, 2]])
        path.write_bytes(path.read_bytes()[:-1])
        with self.assertRaisesRegex(ValueError, "vae_load"):
            ctypes_score.score(sys.argv[2], str(path), [[1, 2]])


support.main()
