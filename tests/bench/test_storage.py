#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench-storage over tiny traces: its fields, its own traces, and that its comparison can fail."""
import array
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["BENCH_STORAGE"]
METRICS = 8


def bench(*arguments):
    """(exit status, lines of JSON, what was said beside them)"""
    done = subprocess.run([PROGRAM, *map(str, arguments)], text=True, timeout=100,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def write(path, values):
    """Values as [process][metric][second]."""
    flat = array.array("q", [value for process in values for metric in process for value in metric])
    if sys.byteorder == "big":
        flat.byteswap()
    path.write_bytes(flat.tobytes())


class Bench(unittest.TestCase):
    def setUp(self):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # syncs cost nothing there
        folder = tempfile.TemporaryDirectory(prefix="bench-storage-", dir=memory)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "trace"

    def generate(self, mix, seed=1, processes=3, seconds=130, file=None):
        status, lines, said = bench("--generate", mix, file or self.file, "--processes", processes,
                                    "--seconds", seconds, "--seed", seed)
        self.assertEqual((status, len(lines)), (0, 1), said)
        return lines[0]

    def store(self, processes, seconds, *arguments, metrics=METRICS):
        return bench("--trace", self.file, "--processes", processes, "--metrics", metrics,
                     "--seconds", seconds, "--directory", self.folder, *arguments)

    def test_made_traces(self):
        first = self.generate("quiet")
        before = self.file.read_bytes()
        self.assertEqual(len(before), 3 * METRICS * 130 * 8)
        self.assertEqual(self.generate("quiet"), first)
        self.assertEqual(self.file.read_bytes(), before)
        self.generate("quiet", seed=2)
        self.assertNotEqual(self.file.read_bytes(), before)

    def test_mixes_change_as_much_as_they_say(self):
        for mix, low, high in (("quiet", 6.2, 8.2), ("noisy", 17.6, 21.6)):
            changed = self.generate(mix, processes=100, seconds=600)["changed_percent"]
            self.assertTrue(low <= changed <= high, (mix, changed))

    def test_figures(self):
        self.generate("noisy")
        status, lines, said = self.store(3, 130)
        self.assertEqual(status, 0, said)
        line = lines[0]
        self.assertEqual((line["figure"], line["samples"], line["mismatches"]),
                         ("trace", 3 * METRICS * 130, 0))
        for field in ("cpu_us_per_sample", "usec_per_tick", "anchor_usec_per_tick", "ratio",
                      "written_bytes_per_sample", "file_bytes_per_sample"):
            self.assertGreater(line[field], 0, field)
        blocks = {"bytes_per_sample_10min", "bytes_per_sample_compacted"} <= line.keys()
        self.assertTrue(blocks or line["bytes_per_sample_plain"] > 0, line)
        self.assertIn("series_24h left out", said)
        self.assertEqual(list(self.folder.iterdir()), [self.file])

    def test_any_values(self):
        most, seconds = (1 << 53) - 1, 75
        write(self.file, [
            [[0] * seconds] * METRICS,
            [[most * (i % 2) for i in range(seconds)]] * METRICS,
            [[i * 4 for i in range(seconds)], [-i for i in range(seconds)]] + [[7] * seconds] * 6,
        ])
        status, lines, said = self.store(3, seconds)
        self.assertEqual((status, lines[0]["mismatches"]), (0, 0), said)

    def test_an_hour_is_asked(self):
        self.generate("quiet", processes=1, seconds=3600)
        status, lines, said = self.store(1, 3600)
        figures = {line["figure"]: line for line in lines}
        self.assertEqual((status, figures["trace"]["mismatches"]), (0, 0), said)
        self.assertEqual(figures["top_1h"]["points"], 1)
        series = figures["series_1h"]
        self.assertTrue(400 <= series["points"] <= 500, series)
        self.assertGreater(series["msec"], 0)

    def test_another_value_is_found(self):
        self.generate("quiet")
        spoilt = self.folder / "spoilt"
        values = array.array("q", self.file.read_bytes())
        values[100] += 1
        values[-1] -= 1
        spoilt.write_bytes(values.tobytes())
        status, lines, said = self.store(3, 130, "--expect", spoilt)
        # What is compared twice, before and after compaction, is wrong twice.
        self.assertEqual((status, lines[0]["mismatches"]), (1, 4), said)

    def test_tables(self):
        self.generate("quiet")
        for layout in ("narrow", "wide"):
            status, lines, said = self.store(3, 130, "--table", layout)
            self.assertEqual((status, lines[0]["store"], lines[0]["seconds_stored"]),
                             (0, layout, 130), said)
            self.assertGreater(lines[0]["written_bytes_per_sample"], 0)

    def test_refusals(self):
        self.generate("quiet")
        size = ["--processes", 1, "--seconds", 1]
        for arguments in (["--trace", self.file], ["--generate", "loud", self.file, *size],
                          ["--processes", 0], ["--nonsense"], ["--generate", "quiet"]):
            status, lines, said = bench(*arguments)
            self.assertNotEqual(status, 0, arguments)
            self.assertEqual(lines, [])
            self.assertTrue(said, arguments)
        status, _, said = self.store(3, 129)
        self.assertEqual(status, 2)
        self.assertIn("24960 bytes", said)
        write(self.file, [[[1 << 60]] * METRICS])
        status, _, said = self.store(1, 1)
        self.assertEqual(status, 2)
        self.assertIn("64 bits", said)


if __name__ == "__main__":
    unittest.main()
