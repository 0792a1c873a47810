#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What gets installed is enough: `meson install` into an empty root, then a program compiled and run with
what pkg-config says of libvae.pc alone, shared and (where it was built) static. The SONAME and the documents are
checked, too.

usage: check_install.py BUILD_DIR VERSION ABI COMPILER [FLAGS...]"""

import os
import subprocess
import sys
import tempfile

PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include <vae/vae.h>
int main(void)
{
    const float mu[2] = {1, 2}, logvar[2] = {0, 0};
    float kl = 0;
    if (vae_kl_diag_gauss(1, 2, mu, 2, logvar, 2, &kl) != VAE_OK || kl != 2.5f)
        return 1;
    if (strncmp(vae_build_info(), VAE_VERSION_STRING " ", sizeof VAE_VERSION_STRING) != 0)
        return 2;
    return puts(vae_build_info()) < 0;
}
"""


def run(*command, **extra):
    environment = {**os.environ, **extra}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def installed(root):
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)


def only(files, ending):
    found = [path for path in files if path.endswith(ending)]
    if len(found) != 1:
        sys.exit(f"{len(found)} files named *{ending} were installed, not one: {files}")
    return found[0]


def main(build, version, abi, *compiler):
    with tempfile.TemporaryDirectory() as root:
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root)
        files = installed(root)
        folder = os.path.dirname(only(files, "/libvae.so"))
        only(files, "/include/vae/vae.h")
        only(files, f"/libvae.so.{abi}")
        for document in ("LICENSE", "NEWS.md", "README.md"):
            only(files, f"/doc/libvae/{document}")
        headers = run("objdump", "-p", os.path.join(folder, "libvae.so")).split()
        if headers[headers.index("SONAME") + 1] != f"libvae.so.{abi}":
            sys.exit(f"the SONAME is not libvae.so.{abi}")

        where = {"PKG_CONFIG_PATH": os.path.dirname(only(files, "/libvae.pc")), "PKG_CONFIG_SYSROOT_DIR": root}
        if run("pkg-config", "--modversion", "libvae", **where).strip() != version:
            sys.exit(f"libvae.pc does not say version {version}")
        source, program = os.path.join(root, "program.c"), os.path.join(root, "program")
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROGRAM)

        flags = run("pkg-config", "--cflags", "--libs", "libvae", **where).split()
        run(*compiler, "-std=c99", "-Werror", source, *flags, "-o", program)
        print("shared:", run(program, LD_LIBRARY_PATH=folder), end="")

        archives = [path for path in files if path.endswith("/libvae.a")]
        if archives:
            flags = run("pkg-config", "--static", "--cflags", "--libs", "libvae", **where).split()
            flags = [archives[0] if flag == "-lvae" else flag for flag in flags]
            run(*compiler, "-std=c99", "-Werror", source, *flags, "-o", program)
            print("static:", run(program), end="")
        else:
            print("static: not built")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
