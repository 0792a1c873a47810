# SPDX-License-Identifier: BSD-2-Clause
"""Loading a model of 100 MB: how much processor time it takes and how much memory. Every measurement is a process of
its own, because memory at its peak cannot be had twice from one; contenders take turns. The file is in the page cache.
Each load is so short that on a busy machine its wall time is that of the neighbours."""

import os
import subprocess
import sys
import tempfile

from contest import environment, median, ratio

MODEL, QUICK_MODEL = "1024-4096-2048-64", "64-32-8"
HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = {"torch.load": "torch", "torch.load, mmap and assign": "torch-mmap", "safetensors load_file": "safetensors"}


def ask(command):
    """A program's lines of "key value"; None where it says why it has none."""
    done = subprocess.run(command, env=environment({}), check=True, capture_output=True, text=True)
    values = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    return None if "skip" in values else values


def load(bench):
    with tempfile.TemporaryDirectory(dir=bench.build) as folder:
        file, pickle = os.path.join(folder, "model.safetensors"), os.path.join(folder, "weights.pt")
        program, peer = os.path.join(bench.programs, "bench_load"), os.path.join(HERE, "peers", "load_peer.py")
        ask([program, "make", file, QUICK_MODEL if bench.quick else MODEL, "relu", "1", "1", "1"])
        commands = {"libvae": [program, "read", file]}
        if ask([sys.executable, peer, "convert", file, pickle]) is None:
            bench.skip("loading with PyTorch: torch or safetensors is not installed")
        else:
            commands.update({label: [sys.executable, peer, kind, pickle if kind.startswith("torch") else file]
                             for label, kind in PEERS.items()})
        runs = {label: [] for label in commands}
        for _ in range(bench.rounds):
            for label, command in commands.items():
                runs[label].append(ask(command))
        return {"bytes": os.path.getsize(file), "contenders": {label: row(runs, label) for label in runs}}


def row(runs, label):
    """Medians, and the median of the rounds' ratios to the library's."""
    own, theirs = runs["libvae"], runs[label]
    difference = abs(float(theirs[0]["score"]) / float(own[0]["score"]) - 1)
    if difference > 1e-5:
        raise RuntimeError(f"{label}: another score, {theirs[0]['score']}: {own[0]['score']} is expected")
    result = {"bytes": 1024 * median([int(run["kib"]) for run in theirs])}
    times = {"kib": ([int(run["kib"]) for run in own], [int(run["kib"]) for run in theirs])}
    for key in ("tensors", "model", "scored"):
        if key in theirs[0]:
            measured = [1e-9 * int(run[key]) for run in theirs]
            result[key] = median(measured)
            times[key] = ([1e-9 * int(run["model" if key == "tensors" else key]) for run in own], measured)
    result["ratios"] = {key: ratio({"own": a, "theirs": b}, "own", "theirs") for key, (a, b) in times.items()}
    return result
