# SPDX-License-Identifier: BSD-2-Clause
"""Where a run took place."""

import os
import platform
import re
import subprocess

CACHES = "/sys/devices/system/cpu/cpu0/cache"


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def processor():
    """ "Intel(R) Xeon(R) Processor (family 6, model 143)", as far as the system says it."""
    fields = {}
    for line in read("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields.get('model', '?')})"
    return name


def caches():
    found = []
    for index in sorted(os.listdir(CACHES)) if os.path.isdir(CACHES) else []:
        kind, level, size = (read(os.path.join(CACHES, index, what)).strip() for what in ("type", "level", "size"))
        if kind in ("Data", "Unified") and size:
            found.append(f"L{level} {int(size[:-1]):,} KiB" if size.endswith("K") else f"L{level} {size}")
    return ", ".join(found)


def system():
    pretty = re.search(r'^PRETTY_NAME="(.*)"', read("/etc/os-release"), re.M)
    return f"{pretty.group(1) if pretty else platform.system()}, Linux {platform.release()}"


def compiler(build):
    said = re.search(r'C compiler for the host machine: [^(]*\((\w+ [\d.]+)', read(f"{build}/meson-logs/meson-log.txt"))
    return said.group(1).strip() if said else "unknown"


def revision(root):
    try:
        command = ["git", "-C", root, "describe", "--always", "--dirty"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe(build, root):
    return {
        "processor": processor(), "processors": len(os.sched_getaffinity(0)), "caches": caches(), "system": system(),
        "compiler": compiler(build), "revision": revision(root), "load": os.getloadavg()[0],
    }
