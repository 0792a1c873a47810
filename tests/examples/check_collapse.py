#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests. The table in docs/collapse.md is what examples/collapse prints, to the digit.

usage: check_collapse.py DOCUMENT COLLAPSE REMEDY[,REMEDY...]    or all"""
import pathlib
import re
import subprocess
import sys

DOCUMENT, COLLAPSE, REMEDIES = sys.argv[1:]


def printed(*args):
    return subprocess.run([COLLAPSE, *args], check=True, capture_output=True, text=True).stdout.splitlines()


def main():
    text = pathlib.Path(DOCUMENT).read_text(encoding="utf-8")
    table = re.search(r"^```text\n(held-out rows.*?)^```$", text, re.M | re.S).group(1).splitlines()
    if REMEDIES == "all":
        lines = printed()
        if lines != table:
            sys.exit("\n".join(["expected:", *table, "printed:", *lines]))
        return
    for remedy in REMEDIES.split(","):
        lines = printed("0", "25", remedy)
        absent = [line for line in lines if line not in table]
        if len(lines) < 3 or absent:
            sys.exit("\n".join([f"{DOCUMENT} lacks:", *absent]))
    for wrong in [("0", "51"), ("0", "25", "prayer"), ("0", "25", "none", "more")]:
        done = subprocess.run([COLLAPSE, *wrong], capture_output=True, text=True)
        if done.returncode != 2 or not done.stderr.startswith("usage: collapse"):
            sys.exit(f"{wrong}: {done}")


main()
