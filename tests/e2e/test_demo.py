#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev demo does what it says: two programs are helped, the third is left alone."""
import os
import re
import subprocess

from house import BUILD, WORKLOADS, run


def test_demo():
    result = subprocess.run([str(WORKLOADS / "demo.sh"), str(BUILD)], timeout=150, text=True,
                            capture_output=True, check=False,
                            env={**os.environ, "MEMTEND_DEMO_ONCE": "1"})
    said = result.stdout
    assert result.returncode == 0, result.stderr + said
    receipts = [line for line in said.splitlines() if " freed " in line]
    assert any("collect-dead-cycles" in line for line in receipts), said
    assert any("trim-free-heap" in line for line in receipts), said
    for line in receipts:
        assert int(re.search(r"(\d+) MiB", line).group(1)) > 100, line
    alone = next(line for line in said.splitlines() if "growing_dict.py" in line)
    assert alone.split()[0] not in "".join(receipts), said
    port = re.search(r"http://127\.0\.0\.1:(\d+)/#token=[0-9a-f]{64}", said)
    assert port and port.group(1) != "6368", said  # the demo takes any free port


run([value for name, value in list(globals().items()) if name.startswith("test_")])
