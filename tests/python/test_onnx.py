# SPDX-License-Identifier: BSD-2-Clause
"""scripts/export-onnx: ONNX Runtime computes what the library computes, to 1e-5. usage: test_onnx.py MODELS"""

import json
import struct
import subprocess
import sys

import support

support.need("onnx", "onnxruntime", "numpy")

import numpy  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402


def export(path, folder):
    return subprocess.run([sys.executable, support.ROOT / "scripts" / "export-onnx", path, folder],
                          capture_output=True, text=True)


def run(path, **inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    values = session.run(None, {name: value.astype(numpy.float32) for name, value in inputs.items()})
    return {output.name: value.flatten() for output, value in zip(session.get_outputs(), values)}


class Export(support.Case):
    def test_every_model(self):
        for name in support.models("list"):
            with self.subTest(name):
                path, folder = self.folder / f"{name}.safetensors", self.folder / name
                answers = support.models("make", name, path)
                done = export(path, folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.compare(folder, answers)

    def compare(self, folder, answers):
        rows, draws, z_dim = (answers[key] for key in ("rows", "draws", "z_dim"))
        x, mu = (numpy.reshape(answers[key], (rows, -1)) for key in ("x", "mu"))
        noise = numpy.reshape(answers["noise"], (draws, rows, z_dim))
        for key, value in run(folder / "encoder.onnx", x=x).items():
            self.close(value, answers[key], 1e-5, key)
        for key, value in run(folder / "decoder.onnx", z=mu).items():
            self.close(value, answers[key], 1e-5, key)
        at_mu = run(folder / "score.onnx", x=x, noise=0 * noise[:1])
        self.close(at_mu["elbo"], answers["elbo_at_mu"], 1e-5, "elbo at mu")
        self.close(at_mu["loglik"], answers["loglik_at_mu"], 1e-5, "loglik at mu")
        self.close(at_mu["kl"], answers["kl"], 1e-5, "kl")
        self.close(run(folder / "score.onnx", x=x, noise=noise)["elbo"], answers["elbo"], 1e-5, "elbo")
        self.check_form(onnx.load(folder / "score.onnx"))

    def check_form(self, model):
        self.assertEqual([(one.domain, one.version) for one in model.opset_import], [("", 13)])
        self.assertEqual({one.key: one.value for one in model.metadata_props}, {"made by": "models.c"})
        self.assertFalse([node.op_type for node in model.graph.node if node.op_type.startswith("Random")])

    def test_refusals(self):
        """What it cannot export, it says."""
        path = self.folder / "model.safetensors"
        support.models("make", "gauss", path)
        content = path.read_bytes()
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + length])
        for field, value, words in ("c_dim", 2, "conditions"), ("prior", 4, "prior 4"), ("likelihood", 9, "hood 9"):
            config = json.loads(header["__metadata__"]["vae.config"])
            text = json.dumps({"__metadata__": {"vae.config": json.dumps({**config, field: value})}}).encode()
            path.write_bytes(struct.pack("<Q", len(text)) + text)
            done = export(path, self.folder / "out")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(words, done.stderr)
        path.write_bytes(struct.pack("<Q", 2) + b"{}")
        self.assertIn("not written by vae_save()", export(path, self.folder / "out").stderr)


support.main()
