# SPDX-License-Identifier: BSD-2-Clause
"""What the tests in Python share. Each is called with the path of the program `models`, whose answers it compares with
those of the packages; without a package it exits with 77, which Meson counts as skipped."""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
largest = {}  # difference of each quantity, relative as Case.close() says


def need(*packages):
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        print("skipped: not installed:", *missing)
        sys.exit(77)


def models(*arguments):
    """What the program says: answers, or the names of its models."""
    done = subprocess.run([sys.argv[1], *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"models {arguments}: {done.stderr}")
    return done.stdout.split() if arguments == ("list",) else json.loads(done.stdout)


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def close(self, measured, expected, relative, what):
        """Each value within `relative` of the expected one's magnitude, or of 1 where that is more."""
        measured, expected = [float(v) for v in measured], [float(v) for v in expected]
        self.assertEqual(len(measured), len(expected), what)
        for i, (a, b) in enumerate(zip(measured, expected)):
            difference = abs(a - b) / max(1, abs(b))
            self.assertLessEqual(difference, relative, f"{what}, value {i}: {a}, expected {b}")
            largest[what] = max(largest.get(what, 0), difference)


def main():
    program = unittest.main(argv=sys.argv[:1], exit=False)
    for what, difference in largest.items():
        print(f"{what}: {difference:.1e} at most")
    sys.exit(not program.result.wasSuccessful())
