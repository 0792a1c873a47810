# SPDX-License-Identifier: BSD-2-Clause
"""Opens a model that vae_save() wrote as a PyTorch module. The class VAE is all that it takes; the functions behind it
compute p(x|z) and the evidence lower bound. Needs torch and safetensors.

usage: to_torch.py MODEL.safetensors"""

import json
import sys

import torch
from safetensors import safe_open
from torch import distributions, nn

# VAE_IDENTITY to VAE_ELU. VAE_ACTIVATION_DEFAULT, -1, is ReLU in a dense layer and the identity in a gated one.
ACTIVATIONS = [nn.Identity, nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.SiLU, nn.GELU, nn.LeakyReLU, nn.ELU]


class Gated(nn.Linear):
    """The two halves of a gated layer, which VAE.run() multiplies."""

    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.gate = nn.Linear(inputs, units)


class VAE(nn.Module):
    """Parameters have the file's names: encoder.N and decoder.N are the hidden layers, then the head."""

    def __init__(self, path):
        super().__init__()
        with safe_open(path, "pt") as file:
            self.config = json.loads(file.metadata()["vae.config"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        for side in "encoder", "decoder":
            weights = [tensors[f"{side}.{n}.weight"] for n in range(len(self.config[side]) + 1)]
            kinds = [Gated if layer["kind"] == 2 else nn.Linear for layer in self.config[side]] + [nn.Linear]
            setattr(self, side, nn.ModuleList(kind(w.shape[1], w.shape[0]) for kind, w in zip(kinds, weights)))
        self.spans = nn.ModuleDict({name.split(".")[1]: nn.ParameterDict({"scale": tensors[name]})
                                    for name in tensors if name.startswith("spans.")})
        self.prior = nn.ParameterDict({name.split(".")[1]: tensors[name] for name in tensors if name[:6] == "prior."})
        self.load_state_dict({name: tensors[name] for name in self.state_dict()})

    def run(self, side, x):
        for linear, layer in zip(getattr(self, side), self.config[side] + [None]):
            y = linear(x)
            if layer:
                kind = ACTIVATIONS[layer["kind"] == 1 if layer["activation"] < 0 else layer["activation"]]
                y = (kind(layer["slope"]) if kind is nn.LeakyReLU else kind())(y)
            x = y * torch.sigmoid(linear.gate(x)) if isinstance(linear, Gated) else y
        return x

    def encode(self, x):
        mu, logvar = self.run("encoder", x).chunk(2, dim=-1)
        return mu, logvar.clamp(self.config["z_logvar_min"], self.config["z_logvar_max"])

    def decode(self, z):
        return self.run("decoder", z)  # locations of all columns, then scales


LIKELIHOODS = {  # by the enumerators of vae.h
    1: lambda location, scale: distributions.Bernoulli(logits=location, validate_args=False),
    2: lambda location, scale: distributions.Normal(location, torch.exp(scale / 2)),
    3: lambda location, scale: distributions.Laplace(location, torch.exp(scale)),
    4: lambda location, scale: distributions.Poisson(torch.exp(location)),
    5: lambda location, scale: distributions.ContinuousBernoulli(logits=location),
}


def likelihoods(model, z):
    """p(x|z), one distribution for each span of x's columns, in order."""
    c, head = model.config, model.decode(z)
    locations, scales = head.tensor_split([c["x_dim"]], dim=-1)
    for n, span in enumerate(c["spans"] or [{**c, "columns": c["x_dim"], "scale": 0, "scale_min": -1e30}]):
        location, locations = locations.tensor_split([span["columns"]], dim=-1)
        if span["mean_activation"] == 3:
            location = torch.sigmoid(location)
        scale = torch.tensor(span.get("scale_value", 0.0))
        if span["likelihood"] in (2, 3) and span["scale"] == 0:  # one a cell
            scale, scales = scales.tensor_split([span["columns"]], dim=-1)
        elif str(n) in model.spans:
            scale = model.spans[str(n)]["scale"]
        yield LIKELIHOODS[span["likelihood"]](location, scale.clamp(min=span["scale_min"]))


def mixture(model):
    """p(z) of a prior with components: learned, or q(z|u) of learned pseudo-inputs."""
    vamp = model.config["prior"] == 3
    mu, logvar = model.encode(model.prior["inputs"]) if vamp else (model.prior["mu"], model.prior["logvar"])
    logits = torch.zeros_like(mu[:, 0]) if vamp else model.prior["logits"]
    normals = distributions.Independent(distributions.Normal(mu, torch.exp(logvar / 2)), 1)
    return distributions.MixtureSameFamily(distributions.Categorical(logits=logits), normals)


def elbo(model, x, noise):
    """In nats, one value a row. With noise 0 it is that at z = mu, minus vae_score() of 0 samples."""
    mu, logvar = model.encode(x)
    z = mu + torch.exp(logvar / 2) * noise
    spans = list(likelihoods(model, z))
    parts = x.split([span.batch_shape[-1] for span in spans], dim=-1)
    loglik = sum(span.log_prob(part).sum(-1) for span, part in zip(spans, parts))
    if model.config["prior"] == 1:
        return loglik - (mu**2 + torch.exp(logvar) - 1 - logvar).sum(-1) / 2
    return loglik + mixture(model).log_prob(z) - distributions.Normal(mu, torch.exp(logvar / 2)).log_prob(z).sum(-1)


def main(path):
    model = VAE(path)
    print(model)
    normal = model.config["prior"] == 1
    for span in likelihoods(model, torch.randn(3, model.config["z_dim"]) if normal else mixture(model).sample((3,))):
        print(f"means of 3 samples from the prior, {type(span).__name__}:\n{span.mean.detach()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
