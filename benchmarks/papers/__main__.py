# SPDX-License-Identifier: BSD-2-Clause
"""Published tables next to what this library reaches; run by scripts/papers, which builds it. One sub-command a table;
`draw` writes the pages again from the results kept. docs/papers/README.md explains."""

import argparse
import os
import pathlib
import subprocess
import sys

import results
import run
from burda import Burda
from exemplar import Exemplar
from kingma import Kingma
from library import Error, Library
from pythae import Pythae
from sigma import Sigma

PAPERS = {paper.name: paper for paper in (Burda(), Kingma(), Pythae(), Exemplar(), Sigma())}
ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = {"mnist": "folder of MNIST's IDX files", "fashion": "folder of Fashion-MNIST's IDX files",
           "frey": "NPY file of the Frey faces, bytes [faces][560]"}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/papers", description=__doc__.split(". ")[0] + ".")
    parser.add_argument("--library", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    tables = parser.add_subparsers(dest="table", required=True, metavar="TABLE")
    for paper in PAPERS.values():
        add_table(tables.add_parser(paper.name, help=paper.title, description=paper.title), paper)
    draw = tables.add_parser("draw", help="write pages and pictures from the results kept")
    draw.add_argument("names", nargs="*", help=f"tables; default: all of {', '.join(PAPERS)}", metavar="TABLE")
    draw.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "papers", help="their folder (docs/papers)")
    return parser.parse_args()


def add_table(parser, paper):
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--quick", action="store_true", help="minutes: few passes, few draws, few test images")
    length.add_argument("--full", action="store_true", help="the paper's passes or what docs/papers/README.md says")
    length.add_argument("--passes", type=int, metavar="N", help="so many passes over the training images")
    for source in sorted({paper.source(row) for row in paper.rows}):
        parser.add_argument(f"--{source}", metavar="PATH", help=SOURCES[source])
    parser.add_argument("--rows", nargs="+", choices=paper.rows, metavar="ROW", help=f"of {', '.join(paper.rows)}")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], metavar="N", help="one run for each (1)")
    parser.add_argument("--draws", type=int, metavar="N", help="importance draws of -log p(x)")
    parser.add_argument("--images", type=int, metavar="N", help="test images to evaluate")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="(all processors)")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "papers-out", help="runs' files (papers-out)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "papers", help="results (docs/papers)")
    parser.add_argument("--save-every", type=float, default=300, metavar="S", help="seconds between saves (300)")
    parser.add_argument("--report-every", type=float, default=10, metavar="S", help="seconds between lines (10)")


def rows_of(paper, args):
    """Those chosen whose data are given."""
    chosen = args.rows or (args.quick and paper.quick_rows) or list(paper.rows)
    given = [row for row in chosen if getattr(args, paper.source(row))]
    for row in chosen:
        if row not in given:
            print(f"papers: {row} needs --{paper.source(row)}: left out", flush=True)
    if not given:
        raise ValueError("no data: say where they are, see --help")
    return given


def carry_out(library, paper, row, seed, prepared, args):
    """Trains, evaluates, keeps the result and draws the table again; what is kept already is not done again."""
    passes = args.passes or paper.lengths[row][0 if args.quick else 1]
    draws, images = paper.evaluation(row, args.quick)
    draws, images = draws and (args.draws or draws), min(args.images or images, len(prepared.test))
    record = {"row": row, "seed": seed, "passes": passes, "draws": draws, "images": images}
    if results.key_of(record) in map(results.key_of, results.load(args.out, paper.name)):
        print(f"papers: {paper.name} {row} seed {seed}, {passes} passes: in {args.out / paper.name}.json already")
        return
    plan = paper.plan(row, seed, prepared, passes, library)
    path = args.work / paper.name / f"{row}-seed{seed}.safetensors"
    training = run.Run(library, plan, path, args.threads, args.save_every, args.report_every)
    training.train()
    values = paper.measure(training, draws, images)
    done = training.state["complete"]
    record.update(values=values, curve=training.state["curve"], best=training.state["best"], build=library.build_info(),
                  revision=revision(), seconds_a_pass=training.seconds_a_pass(), train=len(prepared.train))
    if done < passes:
        record["stopped"] = done
    words = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    print(f"{plan.name}: {words}; published: {', '.join(paper.rows[row])}", flush=True)
    with results.locked(args.out):
        results.add(args.out, paper.name, record)
        results.draw(paper, args.out)


def revision():
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def main():
    args = arguments()
    if args.table == "draw":
        for name in args.names or PAPERS:
            results.draw(PAPERS[name], args.out)
        return
    paper, library = PAPERS[args.table], Library(args.library)
    args.out.mkdir(parents=True, exist_ok=True)
    run.catch_signals()
    kind = prepared = None
    for row in rows_of(paper, args):
        if paper.data_kind(row) != kind:
            kind, prepared = paper.data_kind(row), None
            prepared = paper.data(library, row, getattr(args, paper.source(row)), args.threads)
        for seed in args.seeds:
            carry_out(library, paper, row, seed, prepared, args)
    print(f"papers: {args.out / paper.name}.md")


if __name__ == "__main__":
    try:
        main()
    except run.Stopped as stopped:
        print(f"papers: {stopped}")
        sys.exit(130)
    except (OSError, ValueError, Error) as error:
        sys.exit(f"papers: {error}")
