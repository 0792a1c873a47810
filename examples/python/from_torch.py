# SPDX-License-Identifier: BSD-2-Clause
"""Trains the VAE of pytorch/examples in PyTorch and saves it for vae_import(), which knows its names: fc1, fc21, fc22,
fc3, fc4. Needs torch and safetensors.

The data are bars on a square of X_DIM pixels. With --gauss the decoder gives means of Gaussians of variance 1, whose
log-likelihood is a squared error; else logits of pixels that are on.

usage: from_torch.py WEIGHTS.safetensors [--gauss] [X_DIM HIDDEN Z_DIM]"""

import sys

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

STEPS, BATCH = 200, 64


class VAE(nn.Module):
    def __init__(self, x_dim, hidden, z_dim):
        super().__init__()
        self.fc1 = nn.Linear(x_dim, hidden)
        self.fc21 = nn.Linear(hidden, z_dim)  # mu
        self.fc22 = nn.Linear(hidden, z_dim)  # logvar
        self.fc3 = nn.Linear(z_dim, hidden)
        self.fc4 = nn.Linear(hidden, x_dim)

    def encode(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return self.fc4(torch.relu(self.fc3(z)))


def elbo(model, x, noise, gauss):
    """In nats, one value a row."""
    mu, logvar = model.encode(x)
    location = model.decode(mu + torch.exp(logvar / 2) * noise)
    if gauss:
        loglik = torch.distributions.Normal(location, 1.0).log_prob(x)
    else:
        loglik = -functional.binary_cross_entropy_with_logits(location, x, reduction="none")
    return loglik.sum(-1) - (mu**2 + torch.exp(logvar) - 1 - logvar).sum(-1) / 2


def bars(rows, x_dim):
    """A row or a column of the square is on."""
    side = max(1, int(x_dim**0.5))
    images = torch.zeros(rows, x_dim)
    for image in images:
        at, upright = int(torch.randint(side, ())), torch.rand(()) < 0.5
        image[slice(at, side * side, side) if upright else slice(at * side, (at + 1) * side)] = 1
    return images


def main(path, *options):
    gauss = "--gauss" in options
    sizes = [int(option) for option in options if option != "--gauss"] or [64, 32, 4]
    torch.manual_seed(1)
    model = VAE(*sizes)
    adam = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(STEPS):
        loss = -elbo(model, bars(BATCH, sizes[0]), torch.randn(BATCH, sizes[2]), gauss).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    save_file(model.state_dict(), path)
    print(f"ELBO {-loss.item():.2f} nats; vae_import() reads {path} into a model of x_dim {sizes[0]}, "
          f"one hidden layer of {sizes[1]} on each side, z_dim {sizes[2]}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
