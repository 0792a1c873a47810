# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch doing the same work, written as people write it. usage: torch_peer.py THREADS"""

import math
import sys

from serve import Case, serve, skip

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    skip(f"PyTorch: {error}")

ROWS = 2048
LOG_2PI = math.log(2 * math.pi)
MODELS = {  # units, activation, batch, draws, objective
    "A": ((784, 400, 20), nn.ReLU, 128, 1, "elbo"),
    "B1": ((784, 200, 200, 50), nn.Tanh, 20, 1, "elbo"),
    "B5": ((784, 200, 200, 50), nn.Tanh, 20, 5, "elbo"),
    "B50": ((784, 200, 200, 50), nn.Tanh, 20, 50, "elbo"),
    "IWAE5": ((784, 200, 200, 50), nn.Tanh, 20, 5, "iwae"),
    "IWAE50": ((784, 200, 200, 50), nn.Tanh, 20, 50, "iwae"),
}
EVIDENCE_DRAWS = 5000
EVIDENCE_ROWS = (100, 250, 500, 1000, 2500, 5000)


def stack(sizes, activation):
    layers = []
    for inputs, units in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, units), activation()]
    return nn.Sequential(*layers[:-1])


class VAE(nn.Module):
    def __init__(self, units, activation):
        super().__init__()
        self.encoder = stack((*units[:-1], 2 * units[-1]), activation)
        self.decoder = stack(units[::-1], activation)

    def elbo(self, x, draws):
        """The loss: minus the bound, here and below."""
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.randn(draws, *mu.shape) * torch.exp(0.5 * logvar)
        return (self.reconstruction(x, z).mean(0) + divergence(mu, logvar)).mean()

    def iwae(self, x, draws):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return (math.log(draws) - torch.logsumexp(self.log_weights(x, mu, logvar, draws), 0)).mean()

    def log_weights(self, x, mu, logvar, draws):
        """log p(x|z) + log p(z) - log q(z|x), [draws][rows]."""
        z = mu + torch.randn(draws, *mu.shape) * torch.exp(0.5 * logvar)
        log_prior = -0.5 * (z**2 + LOG_2PI).sum(-1)
        log_posterior = -0.5 * ((z - mu)**2 / logvar.exp() + logvar + LOG_2PI).sum(-1)
        return log_prior - log_posterior - self.reconstruction(x, z)

    def log_evidence(self, x, draws, at_once):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        weights = [self.log_weights(x, mu, logvar, at_once) for _ in range(draws // at_once)]
        return torch.logsumexp(torch.cat(weights), 0) - math.log(draws)

    def score(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        return self.reconstruction(x, mu) + divergence(mu, logvar)

    def reconstruction(self, x, z):
        logits = self.decoder(z)
        return functional.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)


def divergence(mu, logvar):
    return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)


def bits():
    return (torch.rand(ROWS, 784) < 0.3).float()


def make_step(units, activation, batch, draws, objective, fused, compiled):
    model = VAE(units, activation)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused)
    loss = getattr(model, objective)
    loss = torch.compile(loss) if compiled else loss
    data = bits()
    at = 0

    def run():
        nonlocal at
        optimizer.zero_grad()
        loss(data[at:at + batch], draws).backward()
        optimizer.step()
        at = (at + batch) % (ROWS - ROWS % batch)

    return run, None


def steps():
    kinds = {"eager": (False, False), "fused": (True, False), "compiled": (True, True)}
    return {f"{model}/{kind}": Case(1, lambda spec=spec, how=how: make_step(*spec, *how))
            for model, spec in MODELS.items() for kind, how in kinds.items()}


def make_gradient(value, *inputs):
    """value(*inputs), and the gradients with respect to those inputs that want one."""
    wanted = [tensor for tensor in inputs if tensor.requires_grad]

    def run():
        for tensor in wanted:
            tensor.grad = None
        result = value(*inputs)
        result.backward(torch.ones_like(result))

    return run, None


def leaf(*shape):
    return (2 * torch.rand(shape) - 1).requires_grad_()


def bernoulli(logits, x):
    return -functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)


def draw(mu, logvar):
    return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)


def elements():
    cases = {f"kl/{n}x{d}": Case(n * d, lambda n=n, d=d: make_gradient(divergence, leaf(n, d), leaf(n, d)))
             for n, d in ((128, 20), (10000, 20), (100000, 64))}
    cases["bernoulli/128x784"] = Case(
        128 * 784, lambda: make_gradient(bernoulli, leaf(128, 784), torch.rand(128, 784)))
    cases["normals/1000000x1"] = Case(10**6, lambda: (lambda: torch.randn(10**6), None))
    for n, d in ((128, 20), (10000, 20)):
        cases[f"draw/{n}x{d}"] = Case(n * d, lambda n=n, d=d: make_gradient(draw, leaf(n, d), leaf(n, d)))
    return cases


def make_score():
    model = VAE(*MODELS["A"][:2]).eval()
    data = bits()
    at = 0

    def run():
        nonlocal at
        with torch.no_grad():
            model.score(data[at:at + 1]).item()
        at = (at + 1) % ROWS

    return run, None


def make_evidence(at_once):
    """One image after another, so many of its draws at once."""
    model = VAE(*MODELS["B1"][:2]).eval()
    data = bits()
    at = 0

    def run():
        nonlocal at
        with torch.inference_mode():
            model.log_evidence(data[at:at + 1], EVIDENCE_DRAWS, at_once).item()
        at = (at + 1) % ROWS

    return run, None


def evidence():
    return {f"evidence/{rows}": Case(1, lambda rows=rows: make_evidence(rows)) for rows in EVIDENCE_ROWS}


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(1)
    serve(f"PyTorch {torch.__version__}", {**steps(), **elements(), **evidence(), "score": Case(1, make_score)})


main()
