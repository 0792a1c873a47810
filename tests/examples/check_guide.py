#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests. The guide's code blocks, one after the other, are a file that compiles without a warning; its links exist.

usage: check_guide.py SOURCE_ROOT COMPILER [FLAGS...]"""
import pathlib
import re
import subprocess
import sys

ROOT, *CC = sys.argv[1:]
ROOT = pathlib.Path(ROOT)
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")


def main():
    blocks = re.findall(r"^```c\n(.*?)^```$", GUIDE, re.M | re.S)
    subprocess.run([*CC, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
                    f"-I{ROOT / 'include'}", "-fsyntax-only", "-x", "c", "-"],
                   input="\n".join(blocks), text=True, check=True)
    broken = [link for link in re.findall(r"\]\(([^)#]+)\)", GUIDE)
              if "://" not in link and not (ROOT / "docs" / link).exists()]
    if not blocks or broken:
        sys.exit(f"{len(blocks)} blocks; links to nothing: {broken}")


main()
