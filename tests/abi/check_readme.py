#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the README is true: its programs compile, run and print what it says; the packages to build, test and
measure with are named, and the files that it links to exist.

usage: check_readme.py SOURCE_ROOT INCLUDE_DIR LIBRARY COMPILER [FLAGS...]"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT, INCLUDE, LIBRARY, *CC = sys.argv[1:]
ROOT = pathlib.Path(ROOT)
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
PROGRAMS = [(text, BLOCKS[i + 1]) for i, (kind, text) in enumerate(BLOCKS[:-1]) if kind == "c" and "int main(" in text]


class Readme(unittest.TestCase):
    def build_and_run(self, program, folder):
        source = pathlib.Path(folder, "program.c")
        source.write_text(program, encoding="utf-8")
        binary = source.with_suffix("")
        subprocess.run([*CC, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{INCLUDE}", source, "-o",
                        binary, LIBRARY, f"-Wl,-rpath,{os.path.dirname(LIBRARY)}"], check=True)
        return subprocess.run([binary], check=True, capture_output=True, text=True, timeout=120, cwd=folder).stdout

    def test_programs(self):
        """One after the other in one folder: the last one loads what the one before it has saved."""
        self.assertEqual(len(PROGRAMS), 3)
        with tempfile.TemporaryDirectory() as folder:
            for program, (kind, said) in PROGRAMS:
                self.assertEqual(kind, "text", "what a program prints follows it")
                self.assertEqual(self.build_and_run(program, folder), said)

    def test_first_program_is_ten_lines_and_an_example(self):
        program = PROGRAMS[0][0]
        self.assertEqual(len([line for line in program.splitlines() if line.strip()]), 10)
        example = (ROOT / "examples" / "kl.c").read_text(encoding="utf-8")
        self.assertEqual(example.split("*/\n", 1)[1], program)

    def test_packages_are_named(self):
        for line in (ROOT / "scripts" / "packages.txt").read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                purpose, _, package, *_ = line.split()
                if purpose in ("build", "test", "demo", "bench"):
                    self.assertTrue(f"`{package}`" in README, f"README does not name {package}")

    def test_linked_files_exist(self):
        for link in re.findall(r"\]\(([^)#]+)\)", README):
            if "://" not in link:
                self.assertTrue((ROOT / link).exists(), link)
        for script in re.findall(r"\./(scripts/\w+)", README):
            self.assertTrue(os.access(ROOT / script, os.X_OK), script)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
