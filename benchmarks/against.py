#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One build against another: steps and scores of the models of docs/performance.md, in turns, as ratios.

usage: against.py BUILD OTHER_BUILD [--rounds N] [--seconds S]"""

import argparse
import pathlib

from contest import Worker, interleave, median, ratio

MODELS = {"A": "784-400-20 relu 128 1", "B1": "784-200-200-50 tanh 20 1", "small": "64-64-6 relu 32 1"}


def contenders(builds, program, words, case):
    for name, build in builds.items():
        yield name, (Worker([str(build / "benchmarks" / program), *words]), case)


def measure(builds, options, program, model, threads, case):
    taking_part = dict(contenders(builds, program, [*MODELS[model].split(), str(threads)], case))
    interleave(taking_part, 2, options.seconds)
    times = interleave(taking_part, options.rounds, options.seconds)
    for worker, _ in taking_part.values():
        worker.close()
    print(f"{case:5} {model:5} {threads} thread{'s' if threads > 1 else ' '}  {1e6 * median(times['this']):9.2f} us"
          f"  {1e6 * median(times['other']):9.2f} us  {ratio(times, 'this', 'other'):.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.25)
    options = parser.parse_args()
    builds = {"this": options.build, "other": options.other}
    print("case  model threads      this         other    ratio (median of the rounds' ratios)")
    for model in MODELS:
        for threads in (1, 2):
            measure(builds, options, "bench_step", model, threads, "step")
        measure(builds, options, "bench_score", model, 1, "score")


if __name__ == "__main__":
    main()
