# SPDX-License-Identifier: BSD-2-Clause
"""log p(x) of model B's images by importance sampling: one image after another, and several at a time. Frameworks
decode an image's draws at once or in chunks of several sizes, of which the fastest counts."""

import contextlib

from contest import fastest, interleave, median, ratio

DRAWS = 5000  # the peers have it, too
MODEL = ("784-200-200-50", "tanh", 128, 1)  # units, activation, rows at a time, draws in training
CHUNKS, QUICK_CHUNKS = (100, 250, 500, 1000, 2500), (500,)
MANY = 20


def evidence(bench):
    with contextlib.ExitStack() as stack:
        thread_counts = [1, 2] if len(bench.cpus) > 1 else [1]
        return [row(bench, stack, threads) for threads in thread_counts]


def row(bench, stack, threads):
    own = bench.own(stack, "bench_evidence", DRAWS, *MODEL, threads)
    contenders = {"one": (own, "evidence/1"), "many": (own, f"evidence/{MANY}")}
    at_once = {}
    for name, worker in peers(bench, stack, threads).items():
        cases = {at_once_words(name, rows): (worker, f"evidence/{rows}")
                 for rows in (*(QUICK_CHUNKS if bench.quick else CHUNKS), DRAWS)}
        at_once[name] = list(cases)
        contenders.update(cases)
    times = interleave(contenders, bench.rounds, bench.slice)
    times["many"] = [seconds / MANY for seconds in times["many"]]
    rivals = {}
    for labels in at_once.values():
        rivals.update(dict.fromkeys((labels[-1], fastest(times, labels))))
    return {"threads": threads, "draws": DRAWS, "images": MANY,
            "seconds": {label: median(values) for label, values in times.items()},
            "rivals": {label: {own: ratio(times, label, own) for own in ("one", "many")} for label in rivals}}


def at_once_words(name, rows):
    return f"{name}, {rows:,} draws at once"


def peers(bench, stack, threads):
    if bench.quick and threads > 1:
        return {}
    found = {"PyTorch": bench.torch(threads), "JAX jit": bench.peer(stack, "jax_peer.py", cpus=bench.cpus[-threads:])}
    return {name: worker for name, worker in found.items() if worker}
