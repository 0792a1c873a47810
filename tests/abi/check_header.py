#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The public header compiles alone, without a warning, as pedantic C99 and C++11, twice in one file. Its
structs contain no padding (bytes that an init function could leave unset and a size check could not see) and
have the layout of layout.h, for this machine and for each other target that a compiler is found for: of
32 bits with 64-bit members aligned to 4 (i386) and to 8 (armhf), of 64 bits, of either endianness. Every
enumerator of the header is in layout.h.

usage: check_header.py INCLUDE_DIR COMPILER..."""

import os
import re
import subprocess
import sys
import tempfile

LANGUAGES = {"c": "c99", "c++": "c++11"}
FLAGS = ["-pedantic-errors", "-Wall", "-Wextra", "-Wpadded", "-Wundef", "-Werror"]
HERE = os.path.dirname(os.path.abspath(__file__))

# Nothing is linked and no header of a C library is needed, so that a compiler without one will do.
FREESTANDING = ["-ffreestanding", "-S", "-o", os.devnull]
TARGETS = [
    "gcc -m32", "i686-linux-gnu-gcc", "clang --target=i386-linux-gnu",
    "arm-linux-gnueabihf-gcc", "clang --target=armv7-linux-gnueabihf",
    "aarch64-linux-gnu-gcc", "clang --target=aarch64-linux-gnu",
    "s390x-linux-gnu-gcc", "clang --target=powerpc-linux-gnu",
]
PROBE = "#include <stddef.h>\n#include <stdint.h>\nint probe(void);\nint probe(void) { return 1; }\n"


def compiles(command, say=True):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return False
    if say:
        print(done.stdout + done.stderr, end="")
    return done.returncode == 0


def report(what, passed):
    print(f"{what}: {'ok' if passed else 'fails'}")
    return passed


def header_alone(compiler, language, include):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "header.x")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <vae/vae.h>\n#include <vae/vae.h>\n")
            file.write("int header_version(void);\nint header_version(void) { return VAE_VERSION_MINOR; }\n")
        command = [*compiler.split(), "-x", language, "-std=" + LANGUAGES[language], *FLAGS]
        command += ["-c", "-I", include, source, "-o", os.path.join(folder, "header.o")]
        return report(f"{compiler} -std={LANGUAGES[language]}", compiles(command))


def available(compiler):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "probe.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROBE)
        return compiles([*compiler.split(), *FREESTANDING, source], say=False)


def layout(compiler, include):
    command = [*compiler.split(), "-std=c11", *FLAGS, *FREESTANDING]
    return report(f"{compiler}, layout", compiles([*command, "-I", include, os.path.join(HERE, "layout.c")]))


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def all_listed(include):
    """The structs' sizes show a field that is not listed; an enumerator shows itself here alone."""
    header = re.sub(r"/\*.*?\*/", "", read(include, "vae", "vae.h"), flags=re.S)
    declared = [name for body in re.findall(r"enum\s*{(.*?)}", header, re.S)
                for name in re.findall(r"VAE_\w+", body)]
    listed = re.findall(r"^NUMBER\((\w+),", read(HERE, "layout.h"), re.M)
    structs = re.findall(r"^typedef struct (\w+) {", header, re.M)
    sized = re.findall(r"^STRUCT\((\w+),", read(HERE, "layout.h"), re.M)
    for name in sorted(set(declared) ^ set(listed) | set(structs) ^ set(sized)):
        print(f"{name} is in one of vae.h and layout.h alone")
    return report("layout.h is complete", bool(declared) and declared == listed and structs == sized)


def main(include, *compilers):
    results = [header_alone(compiler, language, include) for compiler in compilers for language in LANGUAGES]
    results += [layout(compiler, include) for compiler in compilers]
    for target in TARGETS:
        if available(target):
            results.append(layout(target, include))
        else:
            print(f"{target}: not found, skipped")
    results.append(all_listed(include))
    return 0 if compilers and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
