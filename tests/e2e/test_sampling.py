#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tick reads: kept files and open ones tell the same, under limits, exec and used pids.

MEMTEND_LONG=1: 10,000 processes instead of 200, and pids used again for two minutes.
"""
import contextlib
import ctypes
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

from house import BUILD, FAST, MIB, Daemon, run, skip, status_bytes, wait_for

LONG = bool(os.environ.get("MEMTEND_LONG"))
CROWD = 10000 if LONG else 200
SYS_CLONE3 = 435


class CloneArguments(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls",
        "set_tid", "set_tid_size", "cgroup")]


def start_as(pid, command):
    """A child with that pid; None when it is taken or may not be chosen."""
    number = ctypes.c_int32(pid)
    arguments = CloneArguments(exit_signal=signal.SIGCHLD, set_tid_size=1,
                               set_tid=ctypes.addressof(number))
    libc = ctypes.CDLL(None, use_errno=True)
    child = libc.syscall(SYS_CLONE3, ctypes.byref(arguments), ctypes.sizeof(arguments))
    if child == 0:
        try:
            os.execv(command[0], command)
        finally:
            os._exit(127)
    return child if child > 0 else None


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def statm_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii")
    return int(text.split()[1]) * resource.getpagesize()


@contextlib.contextmanager
def crowd(count):
    """Pids of so many idle programs."""
    with contextlib.ExitStack() as stack:
        pids = []
        for _ in range(count):
            process = subprocess.Popen(["/bin/sleep", "3600"], stdin=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            pids.append(process.pid)
        yield pids


def watched(daemon):
    """All of them, page after page; none when the daemon is too busy to say."""
    items, cursor = {}, ""
    while True:
        status, page = daemon.ask("GET", f"/api/v1/processes?sort=pid&limit=1000{cursor}")
        if status == 503:
            return {}
        assert status == 200, page
        items.update((item["pid"], item) for item in page["items"])
        if not page.get("next_cursor"):
            return items
        cursor = f"&cursor={page['next_cursor']}"


# PID/stat, unlike statm, adds up counters of each processor that may be off by so much (Linux 6.2).
STAT_OFF = 3 * 64 * (os.cpu_count() or 1) * resource.getpagesize()


def sees_all(daemon, pids, off=STAT_OFF):
    """Is every one of them there, with the RSS that the kernel says now?"""
    seen = watched(daemon)
    return all(pid in seen and abs(seen[pid].get("rss_bytes", -1) - statm_bytes(pid)) <= off
               for pid in pids)


def kept(daemon):
    return daemon.get("/api/v1/status")["self"]["kept_files"]


def test_kept_and_open_agree():
    with crowd(CROWD) as pids:
        for files in ("auto", "10", "0"):
            with Daemon(config=FAST + f"[Sampling]\nKeptFiles={files}\n[Probe]\nEnable=no\n") as daemon:
                off = 0 if files == "auto" else STAT_OFF  # kept files are exact
                wait_for(f"all processes with KeptFiles={files}",
                         lambda o=off: sees_all(daemon, pids, o), 120)
                if files == "auto":
                    wait_for("a file for each", lambda: kept(daemon) >= len(pids), 120)
                else:
                    assert kept(daemon) <= int(files)
                seen = watched(daemon)
                assert all(seen[pid]["comm"] == "sleep" for pid in pids)
                wait_for("their threads and CPU", lambda: all(
                    process.get("threads") == 1 and process.get("cpu_percent", 100) < 50
                    for pid, process in watched(daemon).items() if pid in pids), 120)


def test_few_descriptors_are_enough():
    """With 128 descriptors half may be kept; everybody is watched all the same."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with crowd(CROWD) as pids:
        daemon = Daemon(config=FAST + "[Probe]\nEnable=no\n")
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, before[1]))
        command = daemon.command
        daemon.command = ["/bin/sh", "-c", 'ulimit -n 128; exec "$@"', "sh", *command]
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        with daemon:
            wait_for("all processes", lambda: sees_all(daemon, pids), 120)
            own = daemon.get("/api/v1/status")["self"]
            assert own["kept_files_limit"] == 64, own
            assert own["kept_files"] <= 64, own
            assert own["reads"]["failed"] == 0, own


def test_max_processes_is_honoured():
    with crowd(100), Daemon(config="[Daemon]\nMaxProcesses=64\n" + FAST + "[Probe]\nEnable=no\n") as daemon:
        def said():
            status = daemon.get("/api/v1/status")
            assert status["processes"] <= 64, status
            return any("MaxProcesses" in text for text in status["missing"])
        wait_for("the limit to be said", said)
        assert len(watched(daemon)) <= 64


def test_an_exec_is_noticed():
    with Daemon(config=FAST + "[Probe]\nEnable=no\n") as daemon, subprocess.Popen(
            [sys.executable, "-S", "-E", "-c",
             "import os, sys; sys.stdin.readline(); os.execv('/bin/sleep', ['sleep', '600'])"],
            stdin=subprocess.PIPE) as program:
        try:
            first = wait_for("the program", lambda: daemon.process_of(program.pid))
            assert first["comm"].startswith("python"), first
            program.stdin.write(b"\n")
            program.stdin.flush()
            second = wait_for("its exec", lambda: (
                lambda process: process and process["comm"] == "sleep" and process)(
                    daemon.process_of(program.pid)))
            assert second["id"] == first["id"]
        finally:
            program.kill()


def test_a_new_name_is_noticed():
    """Of a process that keeps its program: statm says nothing of it, PID/stat does in its turn."""
    rename = ("import sys; sys.stdin.readline(); open('/proc/self/comm', 'w').write('renamed');"
              "sys.stdin.readline()")
    with Daemon(config=FAST + "[Probe]\nEnable=no\n") as daemon, subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", rename], stdin=subprocess.PIPE) as program:
        try:
            first = wait_for("its slow fields", lambda: (
                lambda process: process and "anon_bytes" in process and process)(
                    daemon.process_of(program.pid)))
            wait_for("kept files", lambda: kept(daemon) > 0)
            program.stdin.write(b"\n")
            program.stdin.flush()
            wait_for("its new name, where it was", lambda: (
                lambda process: process["comm"] == "renamed"
                and process.get("cgroup") == first.get("cgroup")
                and process.get("unit") == first.get("unit"))(daemon.process_of(program.pid)))
        finally:
            program.kill()


def test_cpu_is_of_now():
    with Daemon(config=FAST + "[Probe]\nEnable=no\n") as daemon, subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", "while True: pass"]) as busy:
        try:
            wait_for("a busy program", lambda: (daemon.process_of(busy.pid) or {}).get(
                "cpu_percent", 0) > 5, 60)
            busy.send_signal(signal.SIGSTOP)
            wait_for("it to rest", lambda: daemon.process_of(busy.pid)["cpu_percent"] < 1, 60)
        finally:
            busy.kill()


SMALL = ["/bin/sleep", "600"]
LARGE_BYTES = 24 * MIB
LARGE = [sys.executable, "-S", "-E", "-c",
         f"import time; x = b'x' * {LARGE_BYTES}; time.sleep(600)"]


def test_a_pid_used_again_is_another_process():
    """One small program, then a large one, with the same pids over and over: whatever is said of a
    process is of one of the two. A name is known late, so it is judged by what stays the same."""
    with crowd(1) as found:
        numbers = [found[0] + 3000 + i for i in range(8)]
    numbers = [number % 30000 + 1000 for number in numbers]
    probe = start_as(numbers[0], SMALL)
    if probe is None:
        skip("a pid cannot be chosen here (clone3 set_tid)")
    end(probe)
    with Daemon(config=FAST + "[Probe]\nEnable=no\n") as daemon:
        deadline, ids, turn = time.monotonic() + (120 if LONG else 4), set(), 0
        while time.monotonic() < deadline or len(ids) < 20:
            assert time.monotonic() < deadline + 60, ids
            turn += 1
            with lives(numbers, lambda number, t=turn: (SMALL, LARGE)[(t + number) % 2]) as alive:
                end_of_turn = time.monotonic() + 0.25
                while time.monotonic() < end_of_turn:
                    seen = watched(daemon)
                    for pid in alive:
                        judge(seen.get(pid), ids)
        with lives(numbers, lambda number: SMALL) as alive:
            wait_for("the last ones", lambda: sees_all(daemon, alive))
            for pid in alive:
                # Its own peak, not that of a large one that had the pid.
                assert abs(watched(daemon)[pid]["rss_peak_bytes"]
                           - status_bytes(pid, "VmHWM")) < MIB


@contextlib.contextmanager
def lives(numbers, command):
    """Processes with these pids, as far as they are free."""
    alive = []
    try:
        for number in numbers:
            child = start_as(number, command(number))
            if child:
                alive.append(child)
        yield alive
    finally:
        for pid in alive:
            end(pid)


def judge(process, ids):
    """A sleep was never large, whatever its pid had been before."""
    if process is None:
        return
    ids.add(process["id"])
    if process["comm"] == "sleep":
        assert process.get("rss_bytes", 0) < LARGE_BYTES, process
        assert process.get("rss_peak_bytes", 0) < LARGE_BYTES, process


def test_a_storm_of_forks():
    """Processes vanish between any two reads; the daemon counts them as gone and goes on."""
    with Daemon(config=FAST + "[Probe]\nEnable=no\n") as daemon, subprocess.Popen(
            ["/bin/sh", "-c", "while :; do /bin/true; done"]) as storm:
        try:
            ticks = daemon.get("/api/v1/status")["ticks"]
            status = wait_for("ticks under the storm", lambda: (
                lambda answer: answer["ticks"] > ticks + 30 and answer)(
                    daemon.get("/api/v1/status")), 60)
            assert status["self"]["reads"]["malformed"] == 0, status
            assert status["self"]["reads"]["failed"] == 0, status
            wait_for("the shell itself", lambda: daemon.process_of(storm.pid))
        finally:
            storm.kill()


if __name__ == "__main__":
    run([test_kept_and_open_agree, test_few_descriptors_are_enough,
         test_max_processes_is_honoured, test_an_exec_is_noticed, test_a_new_name_is_noticed,
         test_cpu_is_of_now, test_a_pid_used_again_is_another_process, test_a_storm_of_forks])
