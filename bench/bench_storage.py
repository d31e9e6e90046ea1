#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the memory of the memory takes, beside its anchor of the same run. One JSON line a figure.

usage: bench_storage.py BUILD-DIRECTORY [--peers] [--processes P] [--seconds T] [PART...]

Parts: quiet, noisy (300 processes x 8 metrics x 1 h), day (1,000 processes, 24 h), month (4
processes, 30 d). Without a part: all of them; with --peers: quiet and noisy. --processes and
--seconds are for quiet and noisy.
The work is done by bin/bench-storage, which also takes traces that are none of ours. The anchor is
one blob of 4 KiB a tick, committed in WAL. Bytes are those that SQLite hands to the kernel; beside
them stands what the kernel counted. Targets are those of each mix.

--peers puts the same traces into others, one after the other:
  narrow, wide       plain SQLite tables, a row a value or a row a process and second; what does not
                     end in a minute is measured as far as it came
  victoria-metrics   its JSON import, then flushed and merged; size is data and index
  prometheus         blocks that promtool makes from text; size is the whole block
CPU time of peers has their parsing in it, and their answers come by HTTP, on loopback. times_ours
is their bytes per sample over ours. They come from BUILD-DIRECTORY/peers, where `./dev bench
storage --peers` unpacks them from Debian, or from the machine; one that is in neither has a line
that says so.
"""
import argparse
import array
import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

METRICS = ["rss_kib", "anon_kib", "file_kib", "shmem_kib", "swap_kib", "pss_kib", "vsize_kib",
           "cpu_msec"]
PARTS = {"quiet": ("quiet", 300, 3600, 0), "noisy": ("noisy", 300, 3600, 0),
         "day": ("quiet", 1000, 3600, 1), "month": ("quiet", 4, 3600, 30)}
TARGETS = {
    "quiet": {"bytes_per_sample_10min": 0.09, "bytes_per_sample_compacted": 0.066, "ratio": 1.5,
              "written_bytes_per_sample": 3.5},
    "noisy": {"bytes_per_sample_10min": 0.21, "bytes_per_sample_compacted": 0.17, "ratio": 2.5,
              "written_bytes_per_sample": 5},
}
TARGET_MSEC = {"series_1h": 0.2, "series_24h": 2, "series_30d": 5, "top_1h": 1, "top_24h": 10}
OURS_SECONDS = 1800  # a run of ours that takes longer has failed
PEER_SECONDS = 600
QUERY_RUNS = 15


def parse():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("part", nargs="*")
    options = parser.parse_intermixed_args()
    options.part = options.part or (["quiet", "noisy"] if options.peers else list(PARTS))
    for part in options.part:
        if part not in PARTS:
            parser.error(f"no part {part}; there are: {', '.join(PARTS)}")
    return options


OPTIONS = parse()
BUILD = OPTIONS.build.resolve()
PROGRAM = BUILD / "bin" / "bench-storage"


def say(line, **more):
    print(json.dumps({"bench": "storage", **line, **more, "load": round(os.getloadavg()[0], 1)}),
          flush=True)


class Trace:
    """A made trace, its file gone at the end."""

    def __init__(self, part, folder):
        self.part = part
        self.mix, self.processes, self.seconds, self.days = PARTS[part]
        if self.days == 0:
            self.processes = OPTIONS.processes or self.processes
            self.seconds = OPTIONS.seconds or self.seconds
        self.path = pathlib.Path(folder, f"{part}.trace")
        self.samples = self.processes * len(METRICS) * self.seconds

    def __enter__(self):
        made = subprocess.run([PROGRAM, "--generate", self.mix, self.path, "--processes",
                               str(self.processes), "--seconds", str(self.seconds)],
                              check=True, text=True, stdout=subprocess.PIPE)
        self.changed = json.loads(made.stdout)["changed_percent"]
        return self

    def __exit__(self, *_):
        self.path.unlink(missing_ok=True)

    def arguments(self):
        return ["--trace", self.path, "--processes", str(self.processes), "--metrics",
                str(len(METRICS)), "--seconds", str(self.seconds)]

    def values(self):
        """[process][metric] = an array of the seconds."""
        found = array.array("q")
        with open(self.path, "rb") as file:
            found.fromfile(file, self.samples)
        if sys.byteorder == "big":
            found.byteswap()
        step = self.seconds
        series = [found[i * step:(i + 1) * step] for i in range(self.processes * len(METRICS))]
        return [series[i:i + len(METRICS)] for i in range(0, len(series), len(METRICS))]


def run(trace, *arguments):
    done = subprocess.run([PROGRAM, *trace.arguments(), "--directory", trace.path.parent,
                           *arguments], text=True, timeout=OURS_SECONDS, stdout=subprocess.PIPE)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        for line in lines:
            say(line, part=trace.part)
        sys.exit(f"bench-storage ended with {done.returncode}")
    return lines


def targets(trace, line):
    if line["figure"] in TARGET_MSEC:
        return {"target_msec": TARGET_MSEC[line["figure"]]}
    if line["figure"] != "trace":
        return {}
    return {f"target_{name}": value for name, value in TARGETS[trace.mix].items() if name in line}


def ours(trace):
    """The line of the trace itself."""
    lines = run(trace, *(["--days", str(trace.days)] if trace.days else []))
    for line in lines:
        say(line, part=trace.part, mix=trace.mix, **targets(trace, line))
    return lines[0]


# Peers.

def our_bytes(line):
    for name in ("bytes_per_sample_compacted", "bytes_per_sample_plain"):
        if name in line:
            return line[name]
    return None


def program(name):
    """Path of a peer's program, or None."""
    unpacked = BUILD / "peers" / "usr" / "bin" / name
    return str(unpacked) if unpacked.exists() else shutil.which(name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def size_of(*folders):
    return sum(path.stat().st_size for folder in folders for path in pathlib.Path(folder).rglob("*")
               if path.is_file())


class Server:
    """A peer's server on loopback, in a folder of its own; stopped by its pid."""

    def __init__(self, arguments, port, folder):
        self.base = f"http://127.0.0.1:{port}"
        self.log = open(pathlib.Path(folder, "log"), "wb")
        self.process = subprocess.Popen(arguments, cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)

    def wait_ready(self, path):
        deadline = time.monotonic() + 60
        while True:
            try:
                self.ask(path)
                return
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.process.args[0]} does not serve") from None
                time.sleep(0.1)

    def ask(self, path, data=None, **query):
        url = self.base + path + ("?" + urllib.parse.urlencode(query) if query else "")
        with urllib.request.urlopen(url, data, timeout=PEER_SECONDS) as answer:
            return answer.read()

    def cpu_seconds(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def written_bytes(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/io").read_text(encoding="ascii")
        return int(text.split("\nwrite_bytes:")[1].split()[0])

    def median_msec(self, expect, path, **query):
        """Median wall time of an answer; it must have so many series."""
        found = []
        for _ in range(QUERY_RUNS):
            begun = time.monotonic()
            answer = self.ask(path, **query)
            found.append((time.monotonic() - begun) * 1e3)
        count = len(json.loads(answer)["data"]["result"])
        if count != expect:
            raise RuntimeError(f"{path} has {count} series, not {expect}: {query}")
        return round(statistics.median(found), 3)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


@contextlib.contextmanager
def serving(arguments, port, folder, ready):
    server = Server(arguments, port, folder)
    try:
        server.wait_ready(ready)
        yield server
    finally:
        server.stop()


def first_second():
    """Of the trace, where it is told: a while ago, at the border of Prometheus's blocks."""
    return int(time.time()) // 7200 * 7200 - 4 * 7200


def query_times(trace, server, begin, **more):
    """The questions of ours, as PromQL: both peers speak it."""
    end, step = begin + trace.seconds, max(trace.seconds // 450, 1)
    last = min(trace.seconds, 3600)
    return {
        "series_1h_msec": server.median_msec(
            1, "/api/v1/query_range", query=f'max_over_time(rss_kib{{process="1"}}[{step}s])',
            start=end - last, end=end - 1, step=step, **more),
        "top_1h_msec": server.median_msec(
            min(10, trace.processes), "/api/v1/query",
            query=f"topk(10, max_over_time(rss_kib[{last}s]))", time=end - 1, **more),
    }


def victoria_import(trace, server, begin):
    stamps = json.dumps([(begin + i) * 1000 for i in range(trace.seconds)], separators=(",", ":"))
    for process, series in enumerate(trace.values()):
        lines = [f'{{"metric":{{"__name__":"{name}","process":"{process}"}},'
                 f'"values":{json.dumps(values.tolist(), separators=(",", ":"))},'
                 f'"timestamps":{stamps}}}' for name, values in zip(METRICS, series)]
        server.ask("/api/v1/import", "\n".join(lines).encode())
    server.ask("/internal/force_flush")
    server.ask("/internal/force_merge")


def settle(folder, server):
    """Merging goes on behind the answer: until the files have been the same for 3 s."""
    deadline, since, before = time.monotonic() + 60, time.monotonic(), None
    while time.monotonic() < deadline and time.monotonic() - since < 3:
        server.ask("/internal/force_flush")
        now = size_of(folder)
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.2)


def victoria(trace, folder):
    binary, port, begin = program("victoria-metrics"), free_port(), first_second()
    if not binary:
        return None
    with serving([binary, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}/store",
                  "-retentionPeriod=1y", "-loggerLevel=ERROR", "-http.disableResponseCompression",
                  "-import.maxLineLen=256MB"], port, folder, "/health") as server:
        victoria_import(trace, server, begin)
        settle(f"{folder}/store", server)
        cpu, written = server.cpu_seconds(), server.written_bytes()
        times = query_times(trace, server, begin, nocache=1)
    data, index = size_of(f"{folder}/store/data"), size_of(f"{folder}/store/indexdb")
    return {"bytes_per_sample": (data + index) / trace.samples,
            "bytes_per_sample_data": data / trace.samples,
            "cpu_us_per_sample": cpu * 1e6 / trace.samples,
            "written_bytes_per_sample": written / trace.samples, **times}


def open_metrics(trace, path, begin):
    with open(path, "w", encoding="ascii") as file:
        values = trace.values()
        for index, name in enumerate(METRICS):
            file.write(f"# TYPE {name} gauge\n")
            for process in range(trace.processes):
                label = f'{name}{{process="{process}"}}'
                file.writelines(f"{label} {value} {begin + second}\n"
                                for second, value in enumerate(values[process][index]))
        file.write("# EOF\n")


def prometheus(trace, folder):
    binary, promtool = program("prometheus"), program("promtool")
    if not binary or not promtool:
        return None
    text, store, port, begin = f"{folder}/text", f"{folder}/store", free_port(), first_second()
    open_metrics(trace, text, begin)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", text, store],
                   check=True, timeout=PEER_SECONDS, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    os.unlink(text)
    size = size_of(store)
    pathlib.Path(folder, "prometheus.yml").write_text("scrape_configs: []\n", encoding="ascii")
    with serving([binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={store}",
                  "--storage.tsdb.retention.time=1y", f"--web.listen-address=127.0.0.1:{port}",
                  "--log.level=error"], port, folder, "/-/ready") as server:
        times = query_times(trace, server, begin)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    written = (after.ru_oublock - before.ru_oublock) * 512
    return {"bytes_per_sample": size / trace.samples,
            "cpu_us_per_sample": cpu * 1e6 / trace.samples,
            "written_bytes_per_sample": written / trace.samples, **times}


def say_peer(trace, name, found, reference):
    line = {"figure": "peer", "store": name, "part": trace.part, "mix": trace.mix}
    if not found:
        say(line, absent=f"no {name} in {BUILD / 'peers'} or on the machine")
        return
    if reference:
        found = {**found, "times_ours": found["bytes_per_sample"] / reference}
    say(line, **{key: round(value, 4) if isinstance(value, float) else value
                 for key, value in found.items()})


def peers(trace, reference):
    for layout in ("narrow", "wide"):
        line = run(trace, "--table", layout)[0]
        say_peer(trace, layout, {key: value for key, value in line.items()
                                 if key not in ("bench", "figure", "store")}, reference)
    for name, measure in (("victoria-metrics", victoria), ("prometheus", prometheus)):
        with tempfile.TemporaryDirectory(prefix="bench-storage-", dir="/var/tmp") as folder:
            say_peer(trace, name, measure(trace, folder), reference)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped, files gone
    with tempfile.TemporaryDirectory(prefix="bench-storage-", dir="/var/tmp") as folder:
        for part in OPTIONS.part:
            with Trace(part, folder) as trace:
                line = ours(trace)
                if OPTIONS.peers:
                    peers(trace, our_bytes(line))


main()
