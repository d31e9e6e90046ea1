#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""house.py finds each kind of violation in a tree made for it, and nothing in a clean one."""
import pathlib
import subprocess
import sys
import tempfile

CHECKER = sys.argv[1]
CASES = {
    "floors": [("daemon/model/a.c", '#include "rules/rules.h"\n', "upward"),
               ("daemon/rules/a.c", '#include "storage/store.h"\n', "sideways"),
               ("daemon/wire/a.c", '#include "model/step.h"\n', "sideways"),
               ("agent/a.c", '#include "model/step.h"\n', "may not use"),
               ("agent/a.c", '#include "heap/estimate.h"\n', "may not use")],
    "libraries": [("daemon/act/a.c", "#include <sqlite3.h>\n", "sqlite3"),
                  ("daemon/http/a.c", "#include <systemd/sd-event.h>\n", "systemd"),
                  ("cli/a.c", "#include <microhttpd.h>\n", "microhttpd")],
    "sizes": [("daemon/act/a.c", "int a(void)\n{\n" + "\n" * 70 + "}\n", "function of"),
              ("cli/a.c", "\n" * 801, "801 lines")],
}


def run(check, root):
    return subprocess.run([sys.executable, CHECKER, check, root], capture_output=True, text=True,
                          check=False)


def tree(root, extra=()):
    for path, text in [("daemon/base/a.c", ""), ("daemon/model/b.c", '#include "base/text.h"\n'),
                       ("agent/b.c", '#include "heap/pool.h"\n'), *extra]:
        file = pathlib.Path(root, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


failed = 0
for check, cases in CASES.items():
    with tempfile.TemporaryDirectory() as root:
        tree(root)
        if run(check, root).returncode != 0:
            print(f"{check}: a clean tree is refused")
            failed += 1
    for path, text, expected in cases:
        with tempfile.TemporaryDirectory() as root:
            tree(root, [(path, text)])
            result = run(check, root)
            if result.returncode != 1 or expected not in result.stdout:
                print(f"{check}: {path} was not found: {result.stdout}")
                failed += 1
sys.exit(1 if failed else 0)
