# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch loading a model, as people write it, and scoring a row, in processor time. The module has the names of the
library's files.

usage: load_peer.py convert MODEL.safetensors WEIGHTS.pt
       load_peer.py KIND FILE, KIND being torch, torch-mmap or safetensors"""

import mmap
import sys
import time

try:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    print("skip PyTorch and safetensors:", error)
    sys.exit()

LOADS = {
    "torch": lambda path: torch.load(path),
    "torch-mmap": lambda path: torch.load(path, mmap=True),
    "safetensors": lambda path: load_file(path),
}


class VAE(nn.Module):
    """Without values: those of the file come."""

    def __init__(self, tensors):
        super().__init__()
        for side in "encoder", "decoder":
            weights = [tensor for name, tensor in tensors.items() if name.startswith(side) and tensor.dim() == 2]
            setattr(self, side, nn.ModuleList(nn.utils.skip_init(nn.Linear, w.shape[1], w.shape[0]) for w in weights))

    def run(self, side, x):
        layers = getattr(self, side)
        for layer in layers[:-1]:
            x = torch.relu(layer(x))
        return layers[-1](x)

    def score(self, x):
        mu, logvar = self.run("encoder", x).chunk(2, dim=-1)
        loss = functional.binary_cross_entropy_with_logits(self.run("decoder", mu), x, reduction="none").sum(-1)
        return loss + 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)


def kib(field):
    """VmRSS or VmHWM."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


def warm(size=512 << 20):
    """As bench_load does."""
    with mmap.mmap(-1, size) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        memory.write(bytes(size))
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def measure(kind, path):
    torch.set_num_threads(1)
    VAE({"encoder.0.weight": torch.zeros(1, 2), "decoder.0.weight": torch.zeros(2, 1)})  # imports what it needs
    warm()
    before, start = kib("VmRSS"), time.process_time_ns()
    tensors = LOADS[kind](path)
    read = time.process_time_ns()
    model = VAE(tensors)
    model.load_state_dict(tensors, assign=kind == "torch-mmap")
    loaded = time.process_time_ns()
    with torch.no_grad():
        x = (torch.arange(model.encoder[0].in_features) % 3 == 0).float()
        score = model.score(x[None]).item()
    print(f"tensors {read - start}\nmodel {loaded - start}\nscored {time.process_time_ns() - start}")
    print(f"kib {kib('VmHWM') - before}\nscore {score!r}\nabout PyTorch {torch.__version__}")


def convert(path, to):
    with safe_open(path, "pt") as file:
        torch.save({name: file.get_tensor(name) for name in file.keys()}, to)


if __name__ == "__main__":
    if sys.argv[1] == "convert":
        convert(*sys.argv[2:])
    else:
        measure(*sys.argv[1:])
