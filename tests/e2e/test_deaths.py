#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How processes ended, and the minute before: exit causes as the kernel tells them, and OOM kills
from a kernel log that the test writes (a pipe in the place of /dev/kmsg, in a mount namespace)."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

from house import Daemon, Program, FAST, run, skip, wait_for

# Linux keeps the exit status of what is not our child since 6.15.
TELLS = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) >= (6, 15)


def exit_of(daemon, process):
    def found():
        return [one for one in daemon.events("exit") if one["target"] == process["id"]]
    return wait_for(f"the end of {process['id']}", found)[0]


def assert_cause(event, cause):
    if TELLS:
        assert event.get("cause") == cause, event
        assert f"({cause})" in event["text"], event
    else:
        assert event.get("cause") in (None, "exit"), event


def test_a_killed_process_says_so():
    with Daemon() as daemon, Program(daemon, "cycles.py", name="shop") as program:
        process = daemon.wait_agent(program.pid)
        os.kill(program.pid, signal.SIGKILL)
        program.process.wait()
        event = exit_of(daemon, process)
        assert_cause(event, "signal 9")
        assert event["rss_bytes"] > 0 and event["comm"].startswith("python"), event
        wait_for("it to be on disk", lambda: exit_of(daemon, process)["durable"])


def test_members_of_a_group_are_watched_without_an_agent():
    config = FAST + "[Group workers]\nCmdline=death-worker\n"
    program = "import sys; sys.stdin.read(); sys.exit(3)"
    with Daemon(config=config) as daemon:
        worker = subprocess.Popen([sys.executable, "-c", program, "death-worker"],
                                  stdin=subprocess.PIPE)
        try:
            process = wait_for("the worker", lambda: daemon.process_of(worker.pid))
            wait_for("its group", lambda: (daemon.process_of(worker.pid) or {}).get("group"))
            # Looked at in turn, all of the table within 16 ticks: twice, and some more.
            tick = daemon.get("/api/v1/status")["ticks"]
            wait_for("its turn", lambda: daemon.get("/api/v1/status")["ticks"] > tick + 40)
        finally:
            worker.communicate()
        assert_cause(exit_of(daemon, process), "exit 3")


class Log:
    """A pipe that a daemon takes for the kernel's log."""

    def __init__(self):
        if os.geteuid() != 0:
            skip("only root may mount")
        self.home = tempfile.TemporaryDirectory(prefix="memtend-log-")
        self.path = pathlib.Path(self.home.name) / "kmsg"
        os.mkfifo(self.path)
        self.pipe = os.open(self.path, os.O_RDWR)
        self.sequence = 0
        mount = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                 'mount --bind "$1" /dev/kmsg && shift && exec "$@"', "sh", str(self.path)]
        if subprocess.run([*mount, "true"], check=False, capture_output=True).returncode != 0:
            skip("no mount namespace here")
        self.mount = mount

    def say(self, *messages):
        for message in messages:
            self.sequence += 1
            now = int(time.monotonic() * 1e6)
            os.write(self.pipe, f"3,{self.sequence},{now},-;{message}\n".encode())

    def say_killed(self, pid, comm, cgroup):
        self.say(f"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
                 f"oom_memcg={cgroup},task_memcg={cgroup},task={comm},pid={pid},uid=0",
                 f"Memory cgroup out of memory: Killed process {pid} ({comm}) total-vm:4096kB, "
                 f"anon-rss:1024kB, file-rss:512kB, shmem-rss:512kB, UID:0 pgtables:40kB "
                 f"oom_score_adj:0")

    def daemon(self, **options):
        daemon = Daemon(**options)
        daemon.command = self.mount + daemon.command
        return daemon

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.pipe)
        self.home.cleanup()


def same_namespace():
    return os.stat("/proc/self/ns/pid").st_ino == 0xEFFFFFFC


def test_an_oom_kill_has_a_name_and_its_last_minute():
    with Log() as log, log.daemon() as daemon, Program(daemon, "cycles.py", name="shop") as program:
        process = daemon.wait_agent(program.pid)
        comm = process["comm"]
        ticks = daemon.get("/api/v1/status")["ticks"]
        wait_for("a second of samples", lambda: daemon.get("/api/v1/status")["ticks"] > ticks + 10)
        log.say_killed(program.pid, comm, "/shop.slice/web.service")
        event = wait_for("the kill", lambda: daemon.events("oom_kill"))[0]
        assert event["comm"] == comm and event["oom_constraint"] == "memcg", event
        assert event["cgroup"] == "/shop.slice/web.service", event
        assert event["rss_bytes"] == 2 << 20, event
        assert "certainty" not in event, event
        if not same_namespace():
            assert event["target"] == "host" and event["pid"] == program.pid, event
            skip("in a pid namespace the log's pids mean nothing")
        assert event["target"] == process["id"], event
        os.kill(program.pid, signal.SIGKILL)
        program.process.wait()
        assert exit_of(daemon, process)["cause"] == "OOM killer"
        stored = wait_for("the event with its window", lambda: [
            one for one in daemon.events("oom_kill") if one["durable"] and "window" in one])[0]
        window = daemon.get(stored["window"])
        victim = window["items"][0]
        assert victim["victim"] and victim["id"] == process["id"], window
        assert window["from"] < window["to"] and victim["samples"], window
        assert all(sample["rss_bytes"] > 0 for sample in victim["samples"]), victim
        times = [sample["time"] for sample in victim["samples"]]
        assert times == sorted(times) and times[0] >= window["from"], times
        said = daemon.memtend("events", "--json").stdout
        assert "oom_kill" in said, said


def test_a_victim_that_nobody_saw():
    with Log() as log, log.daemon() as daemon:
        log.say("eth0: link up")
        log.say_killed(4194303, r"gone\x0a)", "/a")
        event = wait_for("the kill", lambda: daemon.events("oom_kill"))[0]
        assert event["target"] == "host" and event["pid"] == 4194303, event
        assert event["comm"] == "gone�)" and "window" not in event, event
        # Not the kernel's: nobody can make one up.
        os.write(log.pipe, b"11,9,9,-;Out of memory: Killed process 1 (init) total-vm:1kB, "
                           b"anon-rss:1kB, file-rss:0kB, shmem-rss:0kB\n")
        log.say_killed(4194302, "other", "/a")
        wait_for("the next kill", lambda: len(daemon.events("oom_kill")) == 2)
        assert not any(one["comm"] == "init" for one in daemon.events("oom_kill"))
        assert not any("OOM killer" in text for text in daemon.get("/api/v1/status")["missing"])


JOURNAL_WRITER = pathlib.Path("/lib/systemd/systemd-journal-remote")


class Journal(Log):
    """A journal that a daemon takes for the system's, where /dev/kmsg does not open."""

    def __init__(self):
        super().__init__()
        machine = pathlib.Path("/etc/machine-id")
        if not JOURNAL_WRITER.exists() or not machine.exists():
            skip("no systemd-journal-remote, or no machine id")
        place = pathlib.Path("/var/log/journal")
        if not place.is_dir():
            skip(f"no {place} to mount a journal on")
        logs = pathlib.Path(self.home.name) / "journal"
        self.file = logs / machine.read_text(encoding="utf-8").strip() / "system.journal"
        self.file.parent.mkdir(parents=True)
        for directory in (self.home.name, logs, self.file.parent):
            os.chmod(directory, 0o755)
        self.boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(
            encoding="utf-8").strip().replace("-", "")
        closed = pathlib.Path(self.home.name) / "closed"
        with socket.socket(socket.AF_UNIX) as unbound:
            unbound.bind(str(closed))  # what is no device does not open
        self.mount = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                      'mount --bind "$1" /dev/kmsg && mount --bind "$2" /var/log/journal && '
                      'shift 2 && exec "$@"', "sh", str(closed), str(logs)]
        self.say("a message of the boot")

    def say(self, *messages):
        for message in messages:
            now = int(time.monotonic() * 1e6)
            entry = (f"__REALTIME_TIMESTAMP={time.time_ns() // 1000}\n__MONOTONIC_TIMESTAMP={now}\n"
                     f"_BOOT_ID={self.boot}\n_TRANSPORT=kernel\nSYSLOG_FACILITY=0\nPRIORITY=3\n"
                     f"_SOURCE_MONOTONIC_TIMESTAMP={now}\nMESSAGE={message}\n\n")
            subprocess.run([JOURNAL_WRITER, "-o", self.file, "-"], input=entry.encode(), check=True,
                           capture_output=True)


def log_of(daemon):
    return daemon.get("/api/v1/status")["oom_log"]


def test_an_oom_kill_from_the_journal():
    with Journal() as log, log.daemon() as daemon, \
            Program(daemon, "cycles.py", name="shop") as program:
        process = daemon.wait_agent(program.pid)
        wait_for("the journal", lambda: log_of(daemon) == "journal")
        log.say_killed(program.pid, process["comm"], "/shop.slice/web.service")
        event = wait_for("the kill", lambda: daemon.events("oom_kill"))[0]
        assert event["comm"] == process["comm"] and event["oom_constraint"] == "memcg", event
        assert event["cgroup"] == "/shop.slice/web.service", event
        assert event["rss_bytes"] == 2 << 20 and "certainty" not in event, event
        if same_namespace():
            assert event["target"] == process["id"], event
        assert not any("OOM killer" in text for text in daemon.get("/api/v1/status")["missing"])


def test_a_journal_that_may_not_be_read():
    """Without the right it says which right it is, in the status and in doctor."""
    with Journal() as log:
        os.chmod(log.file, 0o600)
        home = pathlib.Path(log.home.name) / "daemon"
        home.mkdir(mode=0o700)
        os.chown(home, 65534, 65534)
        daemon = log.daemon(home=home)
        (home / "config").chmod(0o755)
        at = daemon.command.index(str(log.mount[-1])) + 1
        daemon.command[at:at] = ["setpriv", "--reuid", "65534", "--regid", "65534",
                                 "--clear-groups"]
        with daemon:
            wait_for("its verdict on the journal", lambda: log_of(daemon) == "denied")
            wait_for("the right that is missing", lambda: any(
                "SupplementaryGroups=systemd-journal" in text
                for text in daemon.get("/api/v1/status")["missing"]))
            said = daemon.memtend("doctor", check=False).stdout
            assert "SupplementaryGroups=systemd-journal" in said, said


if __name__ == "__main__":
    run([test_a_killed_process_says_so, test_members_of_a_group_are_watched_without_an_agent,
         test_an_oom_kill_has_a_name_and_its_last_minute, test_a_victim_that_nobody_saw,
         test_an_oom_kill_from_the_journal, test_a_journal_that_may_not_be_read])
