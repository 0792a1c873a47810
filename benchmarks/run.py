#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the benchmarks of a build side by side and writes OUT/results.json, OUT/performance.md and, with matplotlib,
OUT/performance.png. `scripts/bench` builds first, then calls this."""

import argparse
import datetime
import json
import os
import sys
import time

import evidence
import load
import machine
import measure
import plot
import report

SECTIONS = {
    "products": measure.products,
    "steps": lambda bench: measure.steps(bench, bench.models),
    "iwae": lambda bench: measure.steps(bench, list(measure.IWAE_MODELS)),
    "stolen": measure.stolen_core,
    "elements": measure.elements,
    "latency": measure.latency,
    "evidence": evidence.evidence,
    "growth": measure.growth,
    "footprint": measure.footprint,
    "load": load.load,
    "phases": measure.phases,
    "avx2-products": lambda bench: measure.products(bench, "avx2") if measure.has_avx2(bench) else None,
    "avx2-steps": lambda bench: measure.avx2_steps(bench) if measure.has_avx2(bench) else None,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="build directory, configured with -Dbenchmarks=true")
    parser.add_argument("--out", default="bench-out", help="where results go (bench-out)")
    parser.add_argument("--quick", action="store_true", help="a few milliseconds each: does everything run?")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION", default=list(SECTIONS),
                        help="some of " + ", ".join(SECTIONS))
    parser.add_argument("--command", help="what the report says how to repeat it")
    return parser.parse_args()


def main():
    chosen = arguments()
    os.makedirs(chosen.out, exist_ok=True)
    bench = measure.Bench(chosen.build, chosen.quick)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    results = {
        "date": datetime.date.today().isoformat(), "command": chosen.command or " ".join(sys.argv),
        "quick": chosen.quick, "rounds": bench.rounds, "slice": bench.slice,
        "machine": machine.describe(chosen.build, root),
    }
    with bench.stack:
        for name in chosen.only:
            start = time.monotonic()
            print(f"bench: {name} ...", flush=True)
            results[name] = SECTIONS[name](bench)
            print(f"bench: {name} took {time.monotonic() - start:.0f} s", flush=True)
    results["versions"], results["skipped"] = bench.versions, bench.skipped
    picture = plot.write(results, os.path.join(chosen.out, "performance.png"), bench)
    with open(os.path.join(chosen.out, "results.json"), "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
    with open(os.path.join(chosen.out, "performance.md"), "w", encoding="utf-8") as file:
        file.write(report.document(results, picture))
    print(f"bench: results in {chosen.out}")


if __name__ == "__main__":
    main()
