# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch's ELBO of libvae's models, and libvae's of PyTorch's, to 1e-6. usage: test_torch.py MODELS"""

import sys

import support

support.need("torch", "safetensors", "numpy")

import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import BatchNorm1d, Linear, ReLU, Sequential  # noqa: E402

sys.path.insert(0, str(support.ROOT / "examples" / "python"))
import from_torch  # noqa: E402
import to_torch  # noqa: E402


def tensor(answers, key, *shape):
    return torch.tensor(answers[key], dtype=torch.float64).reshape(*shape)


X_DIM, HIDDEN, Z_DIM = 12, 9, 3  # of models.c's models of one layer


class Spelling(nn.Module):
    """The same network under other names; `modules` and `heads` by their names."""

    def __init__(self, heads, **modules):
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)
        self.heads = heads

    def encode(self, x):
        h = run(self.encoder, x)
        return [head(h) for head in self.heads(self)] if self.heads else h.chunk(2, dim=-1)

    def decode(self, z):
        return run(self.decoder, z)


def run(part, x):
    for module in part.layers if hasattr(part, "layers") else part:
        x = module(x)
    return x


def pythae():
    encoder, decoder = nn.Module(), nn.Module()
    encoder.layers = nn.ModuleList([Sequential(Linear(X_DIM, HIDDEN), ReLU())])
    encoder.embedding, encoder.log_var = Linear(HIDDEN, Z_DIM), Linear(HIDDEN, Z_DIM)
    decoder.layers = nn.ModuleList([Sequential(Linear(Z_DIM, HIDDEN), ReLU()), Sequential(Linear(HIDDEN, X_DIM))])
    return Spelling(lambda m: (m.encoder.embedding, m.encoder.log_var), encoder=encoder, decoder=decoder)


def sequential():
    return Spelling(None, encoder=Sequential(Linear(X_DIM, HIDDEN), ReLU(), Linear(HIDDEN, 2 * Z_DIM)),
                    decoder=Sequential(Linear(Z_DIM, HIDDEN), ReLU(), Linear(HIDDEN, X_DIM)))


def normalised():
    return Spelling(lambda m: (m.fc_mu, m.fc_logvar), fc_mu=Linear(HIDDEN, Z_DIM), fc_logvar=Linear(HIDDEN, Z_DIM),
                    encoder=Sequential(Linear(X_DIM, HIDDEN), BatchNorm1d(HIDDEN), ReLU()),
                    decoder=Sequential(Linear(Z_DIM, HIDDEN), BatchNorm1d(HIDDEN), ReLU(), Linear(HIDDEN, X_DIM)))


class FromLibrary(support.Case):
    """vae_save() writes, PyTorch reads."""

    def test_every_model(self):
        for name in support.models("list"):
            with self.subTest(name):
                path = self.folder / f"{name}.safetensors"
                answers = support.models("make", name, path)
                self.compare(to_torch.VAE(path).double(), answers)

    def compare(self, model, answers):
        rows, draws, z_dim = (answers[key] for key in ("rows", "draws", "z_dim"))
        x, noise = tensor(answers, "x", rows, -1), tensor(answers, "noise", draws, rows, z_dim)
        with torch.no_grad():
            mu, logvar = model.encode(x)
            self.close(mu.flatten(), answers["mu"], 1e-6, "mu")
            self.close(logvar.flatten(), answers["logvar"], 1e-6, "logvar")
            mean = torch.cat([span.mean.expand(span.batch_shape) for span in to_torch.likelihoods(model, mu)], dim=-1)
            self.close(mean.flatten(), answers["x_mean"], 1e-5, "x_mean")
            self.close(to_torch.elbo(model, x, 0 * noise[0]), answers["elbo_at_mu"], 1e-6, "elbo at mu")
            drawn = torch.stack([to_torch.elbo(model, x, draw) for draw in noise]).mean(0)
            self.close(drawn, answers["elbo"], 1e-6, "elbo")

    def test_file_rewritten_by_python(self):
        """The same tensors and metadata in the order of the reference writer."""
        path, again = self.folder / "model.safetensors", self.folder / "again.safetensors"
        answers = support.models("make", "mixed", path)
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        self.assertEqual((metadata["format"], metadata["made by"]), ("pt", "models.c"))
        save_file(load_file(path), again, metadata)
        self.assertEqual(support.models("read", again), answers)


class FromTorch(support.Case):
    """PyTorch saves, vae_import() reads."""

    def compare(self, model, path, name, gauss=False):
        answers = support.models("import", name, path)
        x = tensor(answers, "x", answers["rows"], -1)
        with torch.no_grad():
            elbo = from_torch.elbo(model.double().eval(), x, torch.zeros(answers["rows"], Z_DIM), gauss)
        self.close(answers["elbo_at_mu"], elbo, 1e-6, "imported: elbo at mu")

    def test_example(self):
        """pytorch/examples' VAE, trained."""
        for name, options in ("bernoulli", []), ("gauss_unit", ["--gauss"]):
            with self.subTest(name):
                path = self.folder / "weights.safetensors"
                from_torch.main(str(path), *options, str(X_DIM), str(HIDDEN), str(Z_DIM))
                model = from_torch.VAE(X_DIM, HIDDEN, Z_DIM)
                model.load_state_dict(load_file(path))
                self.compare(model, path, name, bool(options))

    def test_other_spellings(self):
        for make in pythae, sequential, normalised:
            with self.subTest(make.__name__):
                torch.manual_seed(2)
                model, path = make(), self.folder / f"{make.__name__}.safetensors"
                for _ in range(20):  # running means and variances that are not 0 and 1
                    model.decode(model.encode(torch.rand(32, X_DIM))[0])
                save_file(model.state_dict(), path)
                self.compare(model, path, "bernoulli")


support.main()
