#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks that dependencies inside lib/ point one way.

docs/architecture.md lists the folders of lib/ from the entry points down, "    lib/api/  0  purpose". A file includes
files of its own folder or of a deeper one, written from lib/ ("base/memory.h"), or by the bare name where both files
are in the same folder. No chain of includes returns to where it began; x.c and x.h count as one. The first comment of
a file states its purpose, and no file states a rank. Examples include the public header and their own files.

usage: check_layers.py SOURCE_ROOT"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:([<"])([^>"\n]+)[>"]|(\S+))', re.M)
LISTED = re.compile(r"^ +lib/([\w-]+)/ +(\d+) +\S", re.M)
FIRST_COMMENT = re.compile(r"\A\s*/\*(.*?)\*/", re.S)
RANK = re.compile(r"\bRank \d")
SOURCES = {".c", ".h", ".cpp", ".hpp"}


def sources(folder):
    """{path below the folder: text} of all sources in it."""
    files = (path for path in sorted(folder.rglob("*")) if path.suffix in SOURCES)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def folder_of(path):
    return path.rpartition("/")[0]


def top_of(path):
    """The folder of lib/ that a file belongs to, sub-folders included; "" for a file in lib/ itself."""
    return path.partition("/")[0] if "/" in path else ""


def listed_ranks(document, lib, faults):
    listed = LISTED.findall(document.read_text(encoding="utf-8")) if document.exists() else []
    ranks = {folder: int(rank) for folder, rank in listed}
    if [int(rank) for _, rank in listed] != list(range(len(listed))) or len(ranks) != len(listed):
        faults.append("docs/architecture.md: the folders of lib/ are not listed once each, as 0, 1, 2 and so on")
    present = {top_of(path) for path in lib} - {""}
    faults += [f"lib/{folder}/: not listed in docs/architecture.md" for folder in sorted(present - ranks.keys())]
    faults += [f"lib/{folder}/: listed in docs/architecture.md, has no sources"
               for folder in sorted(ranks.keys() - present)]
    return ranks


def purpose_faults(path, text):
    comment = FIRST_COMMENT.match(text)
    said = re.sub(r"SPDX-License-Identifier:.*", "", comment.group(1)) if comment else ""
    if len(re.findall(r"\w+", said)) < 2:
        yield f"lib/{path}: its first comment states no purpose"
    if RANK.search(text):
        yield f"lib/{path}: states a rank, which its folder has"


def resolve(path, form, name, lib):
    """(file of lib/ that is included or None, what is wrong or None)."""
    if form == "<":
        return None, "is the library's own, write it in quotes" if name in lib else None
    here, folder = f"{folder_of(path)}/{name}".lstrip("/"), folder_of(path)
    if "/" not in name:
        return (here, None) if here in lib else (None, "is not in the same folder; write the path from lib/")
    if name not in lib:
        return None, "is not in lib/ (the public header is <vae/vae.h>)"
    return name, "is in the same folder, write the bare name" if folder_of(name) == folder else None


def include_faults(path, text, lib, ranks, edges):
    """Faults of a file's includes; adds the files that it includes to edges."""
    rank = ranks.get(top_of(path))
    for form, name, computed in INCLUDE.findall(text):
        if computed:
            yield f"lib/{path}: includes by a macro, {computed}"
            continue
        target, fault = resolve(path, form, name, lib)
        if fault:
            yield f'lib/{path}: "{name}" {fault}'
        if target:
            edges.append(target)
            other = ranks.get(top_of(target))
            if rank is not None and other is not None and other < rank:
                yield f'lib/{path}: "{name}" is in lib/{top_of(target)}/, which is above lib/{top_of(path)}/'


def circles(graph):
    """One circle of each knot of nodes that reach each other."""
    found, done = [], set()

    def walk(node, trail):
        if node in trail:
            circle = trail[trail.index(node):]
            if not any(set(circle) & set(known) for known in found):
                found.append(circle)
        elif node not in done:
            for target in sorted(graph.get(node, ())):
                walk(target, [*trail, node])
            done.add(node)

    for node in sorted(graph):
        walk(node, [])
    return found


def circle_faults(edges):
    graph = {}
    for path, targets in edges.items():
        stem = path.rpartition(".")[0]
        graph.setdefault(stem, set()).update({target.rpartition(".")[0] for target in targets} - {stem})
    for circle in circles(graph):
        yield "circle of includes: " + " -> ".join(f"lib/{node}" for node in [*circle, circle[0]])


def example_faults(root, lib):
    examples, rules = sources(root / "examples"), root / "examples" / "meson.build"
    build = rules.read_text(encoding="utf-8") if rules.exists() else ""
    for path, text in examples.items():
        for form, name, _ in INCLUDE.findall(text):
            beside = f"{folder_of(path)}/{name}".lstrip("/")
            public = form == "<" and (name not in lib or (root / "include" / name).exists())
            made = f"'{name}'" in build  # by a rule of the build
            if not public and not (form == '"' and (beside in examples or name in examples or made)):
                yield f"examples/{path}: {name} is neither the public header nor a file of the examples"


def check(root):
    """(number of files, faults) of a source tree."""
    lib, faults = sources(root / "lib"), []
    ranks = listed_ranks(root / "docs" / "architecture.md", lib, faults)
    edges = {path: [] for path in lib}
    for path, text in lib.items():
        if not top_of(path):
            faults.append(f"lib/{path}: is in none of the folders")
        faults += purpose_faults(path, text)
        faults += include_faults(path, text, lib, ranks, edges[path])
    faults += circle_faults(edges)
    faults += example_faults(root, lib)
    return len(lib), faults


def main(root):
    count, faults = check(pathlib.Path(root))
    for fault in faults:
        print(fault)
    print(f"{count} files in lib/, {len(faults)} faults")
    return 1 if faults or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
