#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The shared library, stripped, is no larger than it may be. Exit status 77 (skipped) where NO_BOUND says why the build
is one that the bound is not for.

usage: check_size.py SHARED STRIP KIBIBYTES [NO_BOUND]"""

import os
import subprocess
import sys
import tempfile


def main(shared, strip, most, no_bound=""):
    if no_bound:
        print(f"skipped: {no_bound}")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "stripped.so")
        subprocess.run([strip, "--strip-unneeded", "-o", stripped, shared], check=True)
        size = os.path.getsize(stripped) / 1024
    print(f"{size:.1f} KiB, at most {most}")
    return size > float(most)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
