#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Looks into the built objects: wide vector registers stand in the kernel objects of their instruction set and nowhere
else, products and sums are fused only where fma() is written, kernels call nothing but what they may. Exit status 77
(skipped) where link-time optimisation leaves no machine code to read.

usage: check_objects.py BUILD_ROOT SHARED OBJDUMP NM SET..."""

import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

FUSED = re.compile(r"\t(?:vfn?m(?:add|sub)\w*|fn?m(?:add|sub)|fml[as])\b")
SUM = re.compile(r"\t(?:v?add[sp]s|fadd)\b")
# What a kernel object may leave to others; the names in __ come with a distribution's hardening.
ALLOWED = {"fma", "fmaf", "sqrt", "sqrtf", "fabs", "fabsf", "memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_",
           "__stack_chk_fail", "__memcpy_chk", "__memset_chk", "__memmove_chk"}
# The objects that hold tables of functions alone, some of another set.
TABLES = {"kernels_exact_exact32.c.o", "kernels_exact_exact64.c.o", "kernels_isa.c.o"}
# Functions that all sets take from the plain one.
PLAIN = ("vae_k_scalar_observe_",)
PROBE = "float probe(float a, float b, float c);\nfloat probe(float a, float b, float c)\n{\n    return a * b + c;\n}\n"


class Checker:
    def __init__(self, root, objdump, nm):
        self.root, self.objdump, self.nm = pathlib.Path(root), objdump, nm
        self.failures, self.checked = [], 0
        self.commands = json.loads((self.root / "compile_commands.json").read_text())

    def expect(self, holds, words):
        self.checked += 1
        if not holds:
            self.failures.append(words)

    def optimised_at_link_time(self):
        """Whether an object of the library is compiled with -flto, by the build's option or by CFLAGS."""
        commands = (shlex.split(c["command"]) for c in self.commands if re.search(r"\blib/lib\w+\.a\.p/", c["output"]))
        flags = ([word for word in words if re.match(r"-f(no-)?lto\b", word)] for words in commands)
        return any(found and found[-1] != "-fno-lto" for found in flags)

    def code(self, path):
        return subprocess.run([self.objdump, "-d", "--no-show-raw-insn", path], check=True, capture_output=True,
                              text=True).stdout

    def undefined(self, path):
        lines = subprocess.run([self.nm, "-u", path], check=True, capture_output=True, text=True).stdout.splitlines()
        return {line.split()[-1] for line in lines if line.strip()}

    def objects(self, library):
        found = sorted((self.root / "lib").glob(f"lib{library}.a.p/*.o"))
        self.expect(found, f"no objects of {library}")
        return found


def wide(code):
    """How many instructions use a ymm register, and how many a zmm one."""
    return len(re.findall(r"%ymm\d", code)), len(re.findall(r"%zmm\d", code))


def check_kernels(check, isa):
    """Returns the counts of wide() over the set's objects."""
    total = [0, 0]
    for path in check.objects(f"vae_kernels_{isa}") + check.objects(f"vae_kernels64_{isa}"):
        name, (ymm, zmm) = f"{isa} {path.name}", wide(check.code(path))
        total = [total[0] + ymm, total[1] + zmm]
        own = "vae_k_" if path.name in TABLES else (f"vae_k_{isa}_", *PLAIN)
        strangers = {s for s in check.undefined(path) if s not in ALLOWED and not s.startswith(own)}
        check.expect(not strangers, f"{name} calls {', '.join(sorted(strangers))}")
        check.expect(not zmm or isa == "avx512", f"{name} uses zmm registers")
        check.expect(not ymm or isa in ("avx2", "avx512"), f"{name} uses ymm registers")
        if path.name not in TABLES and isa in ("avx2", "avx512"):
            check.expect(zmm if isa == "avx512" else ymm, f"{name} uses no vector registers")
    return total


def check_core(check):
    for path in check.objects("vae_core") + check.objects("vae_cold"):
        code = check.code(path)
        check.expect(wide(code) == (0, 0), f"{path.name} is no kernel and uses vector registers")
        if FUSED.search(code):
            source = next(c["file"] for c in check.commands if c["output"].endswith(f"{path.parent.name}/{path.name}"))
            text = (check.root / source).read_text(encoding="utf-8")
            check.expect(re.search(r"\bfmaf?\(", text), f"{path.name} fuses, and {source} has no fma()")


def compile_probe(check, library, folder, extra):
    """The code of a * b + c under the very flags of one object of the library."""
    command = next(c for c in check.commands if f"lib{library}.a.p/" in c["output"])
    words, source, target = shlex.split(command["command"]), folder / "probe.c", folder / "probe.o"
    source.write_text(PROBE)
    kept, skip = [], False
    for word in words:
        if skip or word in ("-c", "-MD", command["file"]):
            skip = False
        elif word in ("-o", "-MQ", "-MF"):
            skip = True
        else:
            kept.append(word)
    subprocess.run([*kept, *extra, "-c", str(source), "-o", str(target)], check=True, cwd=command["directory"])
    return check.code(target)


def check_contraction(check, library, has_fused):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        code = compile_probe(check, library, folder, [])
        check.expect(not FUSED.search(code) and SUM.search(code), f"contraction is on in {library}")
        if has_fused:
            # The probe tells: the same with contraction is one fused instruction.
            fused = compile_probe(check, library, folder, ["-ffp-contract=fast"])
            check.expect(FUSED.search(fused), f"the probe sees no fused instruction in {library}")


def main(root, shared, objdump, nm, *isas):
    check = Checker(root, objdump, nm)
    if check.optimised_at_link_time():
        print("skipped: -flto")
        return 77
    totals = [check_kernels(check, isa) for isa in isas]
    check_core(check)
    expected = tuple(sum(column) for column in zip(*totals))
    check.expect(wide(check.code(shared)) == expected, f"{shared} has vector instructions that no kernel object has")
    on_arm = "neon" in isas
    for isa in isas:
        for library in (f"vae_kernels_{isa}", f"vae_kernels64_{isa}"):
            check_contraction(check, library, isa != "scalar" or on_arm)
    check_contraction(check, "vae_core", on_arm)
    for failure in check.failures:
        print("FAIL", failure)
    print(f"{check.checked} checks, {len(check.failures)} failures")
    return bool(check.failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
