#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Very many processes; and a soak: forks without end, while memory, files and threads of the daemon
stay as they are.

MEMTEND_LONG=1: 10,000 processes instead of 1,500, and a soak of 20 minutes, or
MEMTEND_SOAK_SECONDS. Without it, some seconds show that it can be run; of memory they say nothing.
"""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

from house import BUILD, Daemon, children, run, skip, wait_for

LONG = bool(os.environ.get("MEMTEND_LONG"))
CROWD = 10000 if LONG else 1500
# A process that sleeps and shares all with its parent: stack, tables and structures in the kernel.
EACH_BYTES = 150 << 10
SOAK_SECONDS = int(os.environ.get("MEMTEND_SOAK_SECONDS") or (1200 if LONG else 8))
SOAK_FORKS = 500
SOAK_POINTS = 100
# Shorter ones are too much of a start: buffers grow, the store fills its cache.
SOAK_JUDGED_SECONDS = 120
# Of each role from the second quarter to the last, in which 300,000 processes come and go in a
# whole soak: four bytes kept of each are more. The store's cache fills in steps.
SOAK_GROWTH_BYTES = 1 << 20
SOAK_GROWTH_FILES = 3  # a question or a reading may be under way


@contextlib.contextmanager
def helper(*arguments):
    with subprocess.Popen([str(BUILD / "tests" / "crowd"), *map(str, arguments)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def number_in(path):
    """Of a limit; none when it is not there or says max."""
    with contextlib.suppress(OSError, ValueError):
        return int(pathlib.Path(path).read_text(encoding="ascii"))
    return None


def pids_limits():
    """(limit, in use) of the control groups that count processes, on the way up."""
    for line in pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        number, controllers, path = line.split(":", 2)
        root = {"0": "/sys/fs/cgroup", "pids": "/sys/fs/cgroup/pids"}.get(
            "0" if number == "0" else controllers)
        if root is None:
            continue
        folder = pathlib.Path(root + path)
        for folder in (folder, *folder.parents):
            most = number_in(folder / "pids.max")
            if most is not None:
                yield most, number_in(folder / "pids.current") or 0


def need_room(count):
    tasks = int(re.search(r"/(\d+) ", pathlib.Path("/proc/loadavg").read_text(
        encoding="ascii")).group(1))
    limits = [(number_in("/proc/sys/kernel/pid_max"), tasks),
              (number_in("/proc/sys/kernel/threads-max"), tasks), *pids_limits()]
    if os.geteuid() != 0:
        limits.append((resource.getrlimit(resource.RLIMIT_NPROC)[0], tasks))
    for most, used in limits:
        if most is not None and most > 0 and most - used < count + 1000:
            skip(f"{count} processes: at most {most} are allowed and {used} are there")
    free = re.search(r"MemAvailable:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(
        encoding="ascii"))
    if int(free.group(1)) * 1024 < 2 * count * EACH_BYTES:
        skip(f"{count} processes: less than {2 * count * EACH_BYTES >> 20} MiB of memory free")


def roles(daemon):
    return [daemon.process.pid, *children(daemon.process.pid)]


def private_dirty_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return sum(map(int, re.findall(r"^(?:Private_Dirty|Swap):\s+(\d+)", text, re.M))) * 1024


def pids_seen(daemon):
    """All, page after page; none when the daemon is too busy to say."""
    pids, cursor = set(), ""
    while True:
        status, page = daemon.ask("GET", f"/api/v1/processes?sort=pid&limit=1000{cursor}")
        if status == 503:
            return set()
        assert status == 200, page
        pids.update(item["pid"] for item in page["items"])
        if not page.get("next_cursor"):
            return pids
        cursor = f"&cursor={page['next_cursor']}"


def ticks_in_a_row(daemon):
    """Five, and not one left out. On a busy machine one may be; then once more."""
    first = daemon.get("/api/v1/status")
    last = wait_for("five ticks", lambda: (lambda now: now["ticks"] >= first["ticks"] + 5 and now)(
        daemon.get("/api/v1/status")))
    return last["self"]["ticks_skipped"] == first["self"]["ticks_skipped"] and last


def test_very_many_processes():
    need_room(CROWD)
    with helper("rest", CROWD) as crowd:
        ready = int(crowd.stdout.readline().split()[1])
        if ready < CROWD:
            skip(f"{CROWD} processes: only {ready} could be made")
        with Daemon(config="[Daemon]\nTick=500ms\n") as daemon:
            members = set(children(crowd.pid))
            assert len(members) == CROWD
            wait_for("all of them", lambda: members <= pids_seen(daemon), 120)
            last = wait_for("ticks in a row", lambda: ticks_in_a_row(daemon), 120)
            assert last["processes"] > CROWD, last
            assert last["self"]["reads"]["failed"] == 0, last
            assert last["self"]["reads"]["malformed"] == 0, last
            said = daemon.memtend("ps", "--limit", "1000", "-q", "crowd").stdout.splitlines()
            assert sum("crowd" in line for line in said) >= 1000, said[:3]
            groups = wait_for("one line for all of them", lambda: [
                group for group in daemon.get("/api/v1/groups?limit=1000")["items"]
                if group["members"] >= CROWD])
            print("%d processes: tick %.1f ms, kept files %d, private dirty %s MiB, group %s" % (
                CROWD, last["tick_duration_seconds"] * 1e3, last["self"]["kept_files"],
                [round(private_dirty_bytes(pid) / 2**20, 1) for pid in roles(daemon)],
                groups[0]["name"]))


def look(daemon):
    """{role: (Private_Dirty, files, threads)}"""
    found = {}
    for pid in roles(daemon):
        with contextlib.suppress(OSError):
            comm = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            found[comm] = (private_dirty_bytes(pid), len(os.listdir(f"/proc/{pid}/fd")),
                           len(os.listdir(f"/proc/{pid}/task")))
    return found


def growth(values):
    """From the second quarter to the last, by their medians."""
    quarter = len(values) // 4
    return statistics.median(values[-quarter:]) - statistics.median(values[quarter:2 * quarter])


def soak(daemon, churn):
    """[look] over the time; the daemon answers all along."""
    points, begun = [], time.monotonic()
    for number in range(1, SOAK_POINTS + 1):
        time.sleep(max(0, begun + SOAK_SECONDS * number / SOAK_POINTS - time.monotonic()))
        assert churn.poll() is None, "the forks have ended"
        assert daemon.ask("GET", "/api/v1/processes?limit=100")[0] in (200, 503)
        points.append(look(daemon))
    return points


def judge(points):
    for role in points[-1]:
        series = [point[role] for point in points if role in point]
        assert len(series) >= 0.9 * len(points), f"{role} was not there all the time"
        grown = [growth([one[i] for one in series]) for i in range(3)]
        print("%s: private dirty %d KiB %+d, files %d %+d, threads %d %+d" % (
            role, series[-1][0] >> 10, grown[0] // 1024, series[-1][1], grown[1], series[-1][2],
            grown[2]))
        if SOAK_SECONDS < SOAK_JUDGED_SECONDS:
            continue
        assert grown[0] <= SOAK_GROWTH_BYTES, (role, [one[0] for one in series])
        assert grown[1] <= SOAK_GROWTH_FILES, (role, [one[1] for one in series])
        assert grown[2] <= 0, (role, [one[2] for one in series])


def in_a_pid_namespace():
    """Run the soak again where other processes of the machine do not come and go; false: cannot."""
    inside = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.environ.get("SOAK_INSIDE") or not shutil.which("unshare"):
        return False
    if subprocess.run([*inside, "true"], check=False, capture_output=True).returncode != 0:
        print("no pid namespace here: other processes of the machine are watched as well")
        return False
    done = subprocess.run([*inside, sys.executable, __file__, "test_a_soak"], check=False,
                          env={**os.environ, "SOAK_INSIDE": "1"})
    assert done.returncode == 0, "the soak in a pid namespace"
    return True


def test_a_soak():
    if in_a_pid_namespace():
        return
    with Daemon(config="") as daemon, helper("churn", SOAK_FORKS) as churn:
        before = daemon.get("/api/v1/status")
        points = soak(daemon, churn)
        after = daemon.get("/api/v1/status")
        forked = int(churn.communicate(timeout=60)[0].split()[1])
        print(f"{forked / SOAK_SECONDS:.0f} forks a second for {SOAK_SECONDS} s, "
              f"{after['ticks'] - before['ticks']} ticks")
        assert forked > SOAK_SECONDS, "no churn"
        assert after["ticks"] > before["ticks"], after
        assert after["probe"]["restarts"] == before["probe"]["restarts"], after
        for kind in ("failed", "malformed"):
            assert after["self"]["reads"][kind] == 0, after
        judge(points)


if __name__ == "__main__":
    run([test_very_many_processes, test_a_soak])
