#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The public header compiles alone, without a warning, as pedantic C99 and C++11, twice in one file, and
its structs hold no padding (bytes that an init function could leave unset and a size check could not
see).

usage: check_header.py INCLUDE_DIR COMPILER..."""

import os
import subprocess
import sys
import tempfile

LANGUAGES = {"c": "c99", "c++": "c++11"}
FLAGS = ["-pedantic-errors", "-Wall", "-Wextra", "-Wpadded", "-Wundef", "-Werror", "-c"]


def compiles(compiler, language, include):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "header.x")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <vae/vae.h>\n#include <vae/vae.h>\n")
            file.write("int header_version(void);\nint header_version(void) { return VAE_VERSION_MINOR; }\n")
        command = [*compiler.split(), "-x", language, "-std=" + LANGUAGES[language], *FLAGS]
        command += ["-I", include, source, "-o", os.path.join(folder, "header.o")]
        done = subprocess.run(command, capture_output=True, text=True)
    print(f"{compiler} -std={LANGUAGES[language]}: {'ok' if done.returncode == 0 else 'fails'}")
    print(done.stdout + done.stderr, end="")
    return done.returncode == 0


def main(include, *compilers):
    results = [compiles(compiler, language, include) for compiler in compilers for language in LANGUAGES]
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
