#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks that the functions that the public header declares, the names in the version map, and the names that the built
shared library exports are the same, each under the map's version. The static library, whose names nothing hides, keeps
to the prefix.

usage: check_symbols.py HEADER MAP NM SHARED [STATIC]"""

import re
import subprocess
import sys


def declared(path):
    """Functions of the header, comments and preprocessor lines removed."""
    text = re.sub(r"/\*.*?\*/", " ", open(path, encoding="utf-8").read(), flags=re.S)
    text = re.sub(r"^\s*#.*$", " ", text, flags=re.M)
    marked = set(re.findall(r"\bVAE_API\b[^;(]*?\b(vae_\w+)\s*\(", text))
    # Every declaration of a function, marked or not: fields are `(*name)(`, so that they do not match.
    every = set(re.findall(r"\b(vae_\w+)\s*\([^;{}]*\)\s*;", text))
    return marked, every


def mapped(path):
    """{name: version} of a linker version script without patterns."""
    text = re.sub(r"/\*.*?\*/", " ", open(path, encoding="utf-8").read(), flags=re.S)
    names = {}
    for version, body in re.findall(r"(\w[\w.]*)\s*\{(.*?)\}", text, flags=re.S):
        for name in re.findall(r"(\w+)\s*;", body.split("local:")[0]):
            names[name] = version
    return names


def nm(program, *args):
    return subprocess.run([*program.split(), *args], check=True, capture_output=True, text=True).stdout


def exported(program, path):
    """{name: version} of what a shared library defines; the versions themselves are absolute symbols."""
    names = {}
    for line in nm(program, "-D", "--defined-only", path).splitlines():
        *_, kind, symbol = line.split()
        if kind != "A":
            name, _, version = symbol.partition("@")
            names[name] = version.lstrip("@")
    return names


def main(header, version_map, program, shared, static=None):
    marked, every = declared(header)
    wanted, found = mapped(version_map), exported(program, shared)
    faults = [f"{name}: declared without VAE_API" for name in sorted(every - marked)]
    faults += [f"{name}: declared, not in the map" for name in sorted(marked - wanted.keys())]
    faults += [f"{name}: in the map, not declared" for name in sorted(wanted.keys() - marked)]
    faults += [f"{name}: in the map, not exported" for name in sorted(wanted.keys() - found.keys())]
    faults += [f"{name}: exported, not in the map" for name in sorted(found.keys() - wanted.keys())]
    faults += [f"{name}: exported as {found[name] or 'unversioned'}, the map says {wanted[name]}"
               for name in sorted(wanted.keys() & found.keys()) if wanted[name] != found[name]]
    if static:
        for line in nm(program, "-g", "--defined-only", static).splitlines():
            fields = line.split()
            if len(fields) == 3 and not fields[2].startswith("vae_"):
                faults.append(f"{fields[2]}: in the static library, without the prefix")
    for fault in faults:
        print(fault)
    print(f"{len(marked)} declared, {len(wanted)} in the map, {len(found)} exported, {len(faults)} faults")
    return 1 if faults or not marked else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
