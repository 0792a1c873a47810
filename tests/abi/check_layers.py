#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Data flow in one direction: a file in lib/ includes files of its own rank or of a deeper one (a larger
number), the public header and the system's. The rank stands in each file's first comment as "Rank N.".
Examples include the public header and their own files, never lib/. docs/architecture.md lists every file of
lib/ with its rank, and no other.

usage: check_layers.py SOURCE_ROOT"""

import os
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
LISTED = re.compile(r"^ +(lib/\S+) +(\d) ", re.M)
RANK = re.compile(r"\A/\*.*?\bRank (\d)\.", re.S)


def sources(folder):
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith((".c", ".h", ".cpp", ".hpp")):
                yield os.path.join(root, name)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rank_of(path):
    """The rank in the first comment, or None."""
    text = read(path)
    end = text.find("*/")
    found = RANK.match(text[:end + 2]) if end >= 0 else None
    return int(found.group(1)) if found else None


def included(path):
    """(form, name, file) of every include; file is None where it is not beside the including one."""
    for form, name in INCLUDE.findall(read(path)):
        beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
        yield form, name, beside if form == '"' and os.path.exists(beside) else None


def listed(document):
    """{path: rank} of the list in the architecture; "lib/a.c,.h" stands for two files."""
    ranks = {}
    for names, rank in LISTED.findall(read(document)):
        first, *endings = names.split(",")
        for path in [first, *(os.path.splitext(first)[0] + ending for ending in endings)]:
            ranks[path] = int(rank)
    return ranks


def check_list(root, ranks, faults):
    there = {os.path.relpath(path, root): rank for path, rank in ranks.items()}
    said = listed(os.path.join(root, "docs", "architecture.md"))
    faults += [f"{path}: not in docs/architecture.md" for path in sorted(there.keys() - said.keys())]
    faults += [f"{path}: in docs/architecture.md, not there" for path in sorted(said.keys() - there.keys())]
    faults += [f"{path}: rank {there[path]}, docs/architecture.md says {said[path]}"
               for path in sorted(there.keys() & said.keys()) if there[path] != said[path]]


def check_lib(lib, ranks, faults):
    for path, rank in ranks.items():
        shown = os.path.relpath(path, os.path.dirname(lib))
        if rank is None:
            faults.append(f"{shown}: its first comment says no rank")
            continue
        for form, name, target in included(path):
            if form == "<":
                if os.path.exists(os.path.join(lib, name)):
                    faults.append(f"{shown}: <{name}> is the library's own, write it with quotes")
            elif target is None:
                faults.append(f'{shown}: "{name}" is not beside it (the public header is <vae/vae.h>)')
            elif target not in ranks:
                faults.append(f'{shown}: "{name}" is outside lib/')
            elif ranks[target] is not None and ranks[target] < rank:
                faults.append(f'{shown}: rank {rank} includes "{name}" of rank {ranks[target]}')


def check_examples(examples, lib, faults):
    inner = {os.path.relpath(path, lib) for path in sources(lib)}
    for path in sources(examples):
        shown = os.path.relpath(path, os.path.dirname(examples))
        for _, name, target in included(path):
            if target is None and name in inner or target and target.startswith(lib + os.sep):
                faults.append(f"{shown}: {name} belongs to the inside of the library")


def main(root):
    faults, root = [], os.path.abspath(root)
    lib = os.path.join(root, "lib")
    ranks = {path: rank_of(path) for path in sources(lib)}
    check_lib(lib, ranks, faults)
    check_list(root, ranks, faults)
    check_examples(os.path.join(root, "examples"), lib, faults)
    for fault in faults:
        print(fault)
    print(f"{len(ranks)} files in lib/, {len(faults)} faults")
    return 1 if faults or not ranks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
