#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares the library's reader of safetensors files with the reference implementation, Python's safetensors, on
mutated headers: both must accept the same files, except those with a name twice, which the reference accepts. Exit
status 77 (skipped) without that package.

usage: compare.py READ_HEADER [CASES] [SEED]"""

import json
import random
import struct
import subprocess
import sys

TYPES = [("F32", 4), ("F16", 2), ("BF16", 2), ("I64", 8), ("U8", 1), ("BOOL", 1), ("F64", 8)]
PIECES = ["{", "}", "[", "]", ",", ":", '"', "0", "1", "-", ".", "e", "null", "true", "\\u0061", "\\ud800", "\\n", " ",
          "\n", '"dtype"', '"shape"', '"data_offsets"', '"F32"', '"__metadata__"', "9999999999999999999", '"F4"',
          "18446744073709551615", "4294967296", '"x":1,', '"a":"b"', "\u00e9", "\0", "{}", "[]"]


def header():
    """A valid header and the size of its data."""
    tensors, at = [], 0
    for i in range(random.randint(0, 4)):
        (dtype, size), shape = random.choice(TYPES), [random.randint(0, 3) for _ in range(random.randint(0, 3))]
        for side in shape:
            size *= side
        name = random.choice(["a", "b", "\u00e9", "w.x", '\\"q']) + str(i)
        tensors.append((name, {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}))
        at += size
    random.shuffle(tensors)
    content = dict(tensors)
    if random.random() < 0.5:
        content["__metadata__"] = {"format": "pt", "k": "v"}
    separators = random.choice([(",", ":"), (", ", ": ")])
    return json.dumps(content, ensure_ascii=random.random() < 0.5, separators=separators), at


def mutated(text):
    characters = list(text)
    for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
        place, kind = random.randrange(len(characters) + 1), random.random()
        if kind < 0.35 and place < len(characters):
            del characters[place]
        elif kind < 0.7:
            characters.insert(place, random.choice(PIECES))
        elif place < len(characters):
            characters[place] = random.choice(PIECES)
    data = bytearray("".join(characters).encode())
    if data and random.random() < 0.05:
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def case():
    text, size = header()
    text = mutated(text + " " * random.randint(0, 3))
    length = len(text)
    if random.random() < 0.03:
        length = random.choice([0, 1, length + 1, max(length - 1, 0), 2**63, 10**8 + 1])
    if random.random() < 0.05:
        size = max(size + random.choice([-1, 1]), 0)
    return struct.pack("<Q", length) + text + bytes(size)


def accepted(deserialize, error, file):
    try:
        deserialize(file)
        return True
    except error:
        return False


def main(program, cases="20000", seed="1"):
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError:
        print("skipped: Python's safetensors is not installed")
        return 77
    random.seed(int(seed))
    files = [case() for _ in range(int(cases))]
    frames = b"".join(struct.pack("<I", len(file)) + file for file in files)
    shown = subprocess.run([program], input=frames, stdout=subprocess.PIPE, check=True).stdout.decode(errors="replace")
    counts, faults = {}, 0
    for file, line in zip(files, shown.splitlines(), strict=True):
        theirs, ours = accepted(deserialize, SafetensorError, file), line.startswith("0 ")
        counts[theirs, ours] = counts.get((theirs, ours), 0) + 1
        if theirs != ours and not (theirs and "twice" in line):
            faults += 1
            print(f"{file!r}: accepted by {'the reference' if theirs else 'the library'} alone: {line}")
    for (theirs, ours), count in sorted(counts.items()):
        print(f"{count} cases: the reference {'accepts' if theirs else 'refuses'}, the library "
              f"{'accepts' if ours else 'refuses'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
