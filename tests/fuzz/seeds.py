#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seed corpora of the fuzzers. Files named finding-* are not its own: they are inputs that a fuzzer found.

usage: seeds.py CORPUS           writes CORPUS/TARGET/NAME
       seeds.py --check CORPUS   says which files differ from what it would write"""
import pathlib
import struct
import sys

STORED = {"plain": 0, "compressed": 4, "cut": 8, "checksum": 12}  # options of tests/fuzz/data.c


def idx(kind, shape, cells):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + cells


def npy(dictionary, cells, version=1):
    length = struct.pack("<H" if version == 1 else "<I", len(dictionary))
    return b"\x93NUMPY" + bytes([version, 0]) + length + dictionary.encode() + cells


def dictionary(descr="|u1", shape="(2, 3)", order="False"):
    return f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n"


FLOATS = [0.25, -2.5, 1.0, 3.0, float("nan"), float("inf")]


def idx_files():
    yield "bytes", idx(0x08, (3, 2, 5), bytes(range(0, 240, 8)))
    yield "rows", idx(0x08, (4, 4), bytes(range(16)))
    yield "one-row", idx(0x08, (1, 3), bytes(3))
    yield "float32", idx(0x0d, (3, 2), struct.pack(">6f", *FLOATS))
    yield "float64", idx(0x0e, (3, 2), struct.pack(">6d", *FLOATS))
    yield "float64-wide", idx(0x0e, (1, 2), struct.pack(">2d", 1e300, 5e-324))
    yield "int32", idx(0x0c, (2, 2), bytes(16))
    yield "short", idx(0x08, (3, 2, 5), bytes(29))
    yield "long", idx(0x08, (3, 2, 5), bytes(31))
    yield "no-rows", idx(0x08, (0, 2, 5), b"")
    yield "overflow", idx(0x08, (0xffffffff,) * 3, bytes(4))
    yield "vector", idx(0x08, (5,), bytes(5))
    yield "4-dimensions", idx(0x08, (1, 1, 1, 1), bytes(1))
    yield "255-dimensions", idx(0x08, (1,) * 255, bytes(1))
    yield "header-cut", idx(0x08, (3, 2, 5), b"")[:9]


def npy_files():
    yield "bytes", npy(dictionary(), b"abcdef")
    for version in (2, 3, 4):
        yield f"version-{version}", npy(dictionary(), b"abcdef", version)
    for order in "<>":
        yield f"float32-{'little' if order == '<' else 'big'}", npy(
            dictionary(order + "f4"), struct.pack(order + "6f", *FLOATS))
        yield f"float64-{'little' if order == '<' else 'big'}", npy(
            dictionary(order + "f8", "(3, 1, 2)"), struct.pack(order + "6d", *FLOATS))
    yield "other-order-of-keys", npy('{"shape":(2,3),"fortran_order":False,"descr":"|u1"}\n', b"abcdef")
    yield "padded", npy(dictionary()[:-1] + " " * 40 + "\n", b"abcdef")
    yield "fortran", npy(dictionary(order="True"), b"abcdef")
    yield "float16", npy(dictionary("<f2"), bytes(12))
    yield "structured", npy("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3)}\n", b"abcdef")
    yield "vector", npy(dictionary(shape="(6,)"), b"abcdef")
    yield "scalar", npy(dictionary(shape="()"), b"a")
    yield "no-columns", npy(dictionary(shape="(2, 0)"), b"")
    yield "overflow", npy(dictionary(shape="(4294967296, 4294967296)"), bytes(8))
    yield "too-many-digits", npy(dictionary(shape="(2, 99999999999999999999999)"), bytes(8))
    yield "short", npy(dictionary(), b"abcde")
    yield "long", npy(dictionary(), b"abcdefg")
    yield "key-twice", npy("{'shape': (2, 3), 'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}\n", b"abcdef")
    yield "long-header", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}\n"


def with_options(files):
    """Each file plain; the first two also compressed, cut, with a wrong checksum, and read in part."""
    for i, (name, file) in enumerate(files):
        yield name, bytes([STORED["plain"]]) + file
        if i < 2:
            for how in ("compressed", "cut", "checksum"):
                yield f"{name}-{how}", bytes([STORED[how]]) + file
            for rows in (1, 2, 3):
                yield f"{name}-{rows}-of-all", bytes([STORED["plain" if rows != 2 else "compressed"] | rows]) + file


CORPORA = {
    "idx": lambda: with_options(idx_files()),
    "npy": lambda: with_options(npy_files()),
}


def check(corpus):
    differ = []
    for target, files in CORPORA.items():
        files = dict(files())
        for path in sorted((corpus / target).iterdir()):
            if not path.name.startswith("finding-") and path.name not in files:
                differ.append(f"{path}: is not a seed")
        for name, content in files.items():
            path = corpus / target / name
            if not path.exists() or path.read_bytes() != content:
                differ.append(f"{path}: differs")
    print("\n".join(differ + [f"{len(differ)} files differ"]))
    return len(differ) > 0


def write(corpus):
    for target, files in CORPORA.items():
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if not path.name.startswith("finding-"):
                path.unlink()
        for name, content in files():
            (folder / name).write_bytes(content)


def main(*arguments):
    if len(arguments) == 2 and arguments[0] == "--check":
        return check(pathlib.Path(arguments[1]))
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    return write(pathlib.Path(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
