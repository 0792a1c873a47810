#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests. Of the guides: the code blocks, one after the other, are a file that compiles without a warning; links exist.

usage: check_guide.py SOURCE_ROOT COMPILER [FLAGS...]"""
import pathlib
import re
import subprocess
import sys

ROOT, *CC = sys.argv[1:]
ROOT = pathlib.Path(ROOT)
GUIDES = ["guide.md", "collapse.md"]


def check(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```c\n(.*?)^```$", text, re.M | re.S)
    subprocess.run([*CC, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
                    f"-I{ROOT / 'include'}", "-fsyntax-only", "-x", "c", "-"],
                   input="\n".join(blocks), text=True, check=True)
    broken = [link for link in re.findall(r"\]\(([^)#]+)\)", text)
              if "://" not in link and not (ROOT / "docs" / link).exists()]
    if not blocks or broken:
        sys.exit(f"{name}: {len(blocks)} blocks; links to nothing: {broken}")


for guide in GUIDES:
    check(guide)
