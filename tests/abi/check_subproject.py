#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Configures a project that has libvae as a subproject: it gets the library as it wants it, shared or static, and no
tests, examples or documents, also with --auto-features=enabled; its own request for the tests is granted.

usage: check_subproject.py SOURCE_ROOT"""

import json
import pathlib
import subprocess
import sys
import tempfile

PARENT = """project('parent', 'c')
executable('program', 'program.c', dependencies: dependency('libvae', fallback: 'libvae'))
"""


def configure(folder, *options):
    """(types of the targets called vae, number of tests) of the parent configured with these options."""
    build = tempfile.mkdtemp(prefix="build-", dir=folder)
    done = subprocess.run(["meson", "setup", build, folder, *options], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{options}: setup fails\n{done.stdout}{done.stderr}")

    def introspect(what):
        return json.loads(subprocess.check_output(["meson", "introspect", what, build], text=True))

    return {target["type"] for target in introspect("--targets") if target["name"] == "vae"}, len(introspect("--tests"))


def main(root):
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "subprojects").mkdir()
        (folder / "subprojects" / "libvae").symlink_to(root)
        (folder / "meson.build").write_text(PARENT)
        (folder / "program.c").write_text("int main(void) { return 0; }\n")
        for options, kind, has_tests in [((), "shared library", False),
                                         (("--auto-features=enabled",), "shared library", False),
                                         (("-Ddefault_library=static",), "static library", False),
                                         (("-Dlibvae:tests=enabled",), "shared library", True)]:
            kinds, tests = configure(folder, *options)
            good = kinds == {kind} and (tests > 0) == has_tests
            failures += not good
            print(f"{'ok  ' if good else 'FAIL'} {' '.join(options) or 'defaults'}: {kinds}, {tests} tests")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
