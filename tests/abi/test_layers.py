#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests check_layers.py on small trees: one that keeps all rules, and copies of it that break one each."""

import pathlib
import tempfile
import unittest

import check_layers

HEAD = "/* SPDX-License-Identifier: BSD-2-Clause\n * Says what the file is for.\n */\n"
GOOD = {
    "docs/architecture.md": "    lib/api/    0  entry points\n    lib/parts/  1  parts\n    lib/base/   2  memory\n",
    "include/vae/vae.h": HEAD,
    "lib/vae.map": "VAE_0.1 { };\n",
    "lib/api/model.c": HEAD + '#include "check.h"\n#include "parts/layers/dense.h"\n#include <vae/vae.h>\n',
    "lib/api/check.h": HEAD,
    "lib/api/check.c": HEAD + '#include "check.h"\n',
    "lib/parts/layer.h": HEAD,
    "lib/parts/layers/dense.h": HEAD + '#include "base/memory.h"\n#include "parts/layer.h"\n',
    "lib/parts/layers/dense.c": HEAD + '#include "dense.h"\n#include <stdlib.h>\n',
    "lib/base/memory.h": HEAD + "#include <stddef.h>\n",
    "examples/kl.c": HEAD + '#include <vae/vae.h>\n#include "common/data.h"\n',
    "examples/common/data.h": HEAD,
    "examples/common/data.c": HEAD + '#include "data.h"\n',
}


def faults_of(**changes):
    """The faults of GOOD with some files replaced or added; a file that becomes None is left out."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**GOOD, **changes}.items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
        return check_layers.check(root)[1]


class Layers(unittest.TestCase):
    def breaks(self, changes, *words):
        """One fault for each of the words, which it contains, and no other."""
        faults = faults_of(**changes)
        self.assertEqual(len(faults), len(words), faults)
        for fault, expected in zip(faults, words):
            self.assertIn(expected, fault)

    def test_good_tree(self):
        self.breaks({})

    def test_upward(self):
        self.breaks({"lib/base/memory.c": HEAD + '#include "api/check.h"\n'}, "lib/api/, which is above lib/base/")
        self.breaks({"lib/parts/layers/dense.c": HEAD + '#include "api/check.h"\n'}, "above lib/parts/")

    def test_form_of_includes(self):
        self.breaks({"lib/api/check.c": HEAD + '#include "api/check.h"\n'}, "write the bare name")
        self.breaks({"lib/parts/layers/dense.c": HEAD + '#include "layer.h"\n'}, "write the path from lib/")
        self.breaks({"lib/parts/layers/dense.c": HEAD + '#include "../layer.h"\n'}, "is not in lib/")
        self.breaks({"lib/api/check.c": HEAD + "#include <base/memory.h>\n"}, "write it in quotes")
        self.breaks({"lib/api/check.c": HEAD + '#include "vae/vae.h"\n'}, "the public header is <vae/vae.h>")
        self.breaks({"lib/api/check.c": HEAD + "#  include TEMPLATE\n"}, "includes by a macro, TEMPLATE")

    def test_circles(self):
        self.breaks({"lib/base/a.h": HEAD + '#include "b.h"\n', "lib/base/b.h": HEAD + '#include "a.h"\n'},
                    "circle of includes: lib/base/a -> lib/base/b -> lib/base/a")
        # A source and its header are one node.
        self.breaks({"lib/base/a.h": HEAD, "lib/base/a.c": HEAD + '#include "b.h"\n', "lib/base/b.h": HEAD,
                     "lib/base/b.c": HEAD + '#include "a.h"\n'}, "circle of includes")
        # Folders of one rank make no exception, nor does a longer way round.
        self.breaks({"lib/parts/layer.h": HEAD + '#include "parts/x/x.h"\n',
                     "lib/parts/x/x.h": HEAD + '#include "parts/layers/dense.h"\n'},
                    "lib/parts/layers/dense -> lib/parts/layer -> lib/parts/x/x -> lib/parts/layers/dense")

    def test_comments(self):
        self.breaks({"lib/base/memory.h": "/* SPDX-License-Identifier: BSD-2-Clause */\n/* Memory and sizes. */\n"},
                    "states no purpose")
        self.breaks({"lib/base/memory.h": "#include <stddef.h>\n"}, "states no purpose")
        self.breaks({"lib/base/memory.h": HEAD + "/* Rank 5. */\n"}, "states a rank")

    def test_folders(self):
        self.breaks({"lib/stray.c": HEAD}, "is in none of the folders")
        self.breaks({"lib/more/a.c": HEAD}, "lib/more/: not listed")
        self.breaks({"lib/base/memory.h": None, "lib/parts/layers/dense.h": HEAD}, "lib/base/: listed in")
        listed = GOOD["docs/architecture.md"]
        self.breaks({"docs/architecture.md": listed.replace("2", "3")}, "not listed once each")
        self.breaks({"docs/architecture.md": listed + "    lib/base/   3  again\n"}, "not listed once each")

    def test_examples(self):
        for name in ('"base/memory.h"', "<base/memory.h>", '"../lib/base/memory.h"', '"vae/vae.h"'):
            self.breaks({"examples/kl.c": HEAD + f"#include {name}\n"}, "neither the public header nor a file of")


if __name__ == "__main__":
    unittest.main()
