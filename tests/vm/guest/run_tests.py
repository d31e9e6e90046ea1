#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs inside the virtual machine as root, behind memtendd.service: what only a real systemd and a
real cgroup v2 can show. Prints a line per case, and at the end "RESULT: N passed, M failed".

Everything here is 10 to 20 times slower than on the machine outside: waits are on conditions with
long deadlines.
"""
import base64
import http.client
import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback

from control_groups import differences

HERE = pathlib.Path(__file__).resolve().parent
UNITS = pathlib.Path("/run/systemd/system")
DEADLINE = 120
MIB = 1 << 20


# ---- ways ----

def check(condition, text):
    if not condition:
        raise AssertionError(text)


def wait_for(what, probe, seconds=DEADLINE):
    """The first true answer of probe()."""
    end = time.monotonic() + seconds
    answer = None
    while time.monotonic() < end:
        answer = probe()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s for: {what}; last answer: {answer!r}")


def run(*command, code=0):
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    check(code is None or done.returncode == code,
          f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def memtend(*arguments, code=0):
    return run("/usr/local/bin/memtend", *arguments, code=code)


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(DEADLINE)
        self.sock.connect("/run/memtend/http.sock")


def get(path):
    """The JSON of a resource; None when the daemon does not answer or has no such thing."""
    connection = Connection("localhost")
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read()
        return json.loads(text) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def show(unit, key):
    return run("systemctl", "show", "--value", "-p", key, unit).strip()


def main_pid(unit):
    return int(show(unit, "MainPID"))


def process_of(unit):
    """The one process of a unit as the daemon shows it, or None."""
    listed = get("/api/v1/processes?limit=1000")
    found = [one for one in listed["items"] if one.get("unit") == unit] if listed else []
    return found[0] if len(found) == 1 else None


def events(kind):
    listed = get(f"/api/v1/events?kind={kind}&limit=1000")
    return listed["items"] if listed else []


class Unit:
    """A service for one case: with Unit("name", program text, "MemoryMax=64M") as name"""

    def __init__(self, name, program, *settings):
        self.name = name + ".service"
        self.path = UNITS / self.name
        script = pathlib.Path("/run") / (name + ".py")
        script.write_text(program, encoding="utf-8")
        self.path.write_text("\n".join(["[Service]", f"ExecStart=/usr/bin/python3 {script}",
                                        *settings, ""]), encoding="utf-8")

    def __enter__(self):
        run("systemctl", "daemon-reload")
        run("systemctl", "start", self.name)
        return self.name

    def __exit__(self, *_):
        run("systemctl", "stop", self.name, code=None)
        run("systemctl", "reset-failed", self.name, code=None)
        self.path.unlink()
        run("systemctl", "daemon-reload")


# Long enough at rest for samples of it to be there, then beyond its limit.
EAT = """
import time
held = bytearray(16 << 20)
held[::4096] = b"x" * len(held[::4096])
time.sleep(8)
more = []
while True:
    more.append(bytearray(b"x" * (1 << 20)))
"""
GROW_AND_DROP = """
import signal
kept = [[str(i)] for i in range(400000)]
last = kept[-1]
del kept[:-1]
signal.pause()
"""

HOLD = """
import signal
held = bytearray(100 << 20)
for page in range(0, len(held), 4096):
    held[page] = 1
signal.pause()
"""


# ---- cases ----

def services_run():
    """All units are up, each role with the rights that its unit gives it and no other."""
    wait_for("memtendd.service", lambda: show("memtendd.service", "ActiveState") == "active")
    status = wait_for("a probe that is there", lambda: (got := get("/api/v1/status")) and
                      got["probe"]["state"] == "ok" and got)
    check(status["roles_separated"] if "roles_separated" in status
          else status["probe"].get("separated", True), str(status))
    for unit, rights in (("memtendd.service", 0), ("memtendd-probe.service", 1 << 19)):
        text = pathlib.Path(f"/proc/{main_pid(unit)}/status").read_text(encoding="utf-8")
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        check(int(fields["CapEff"], 16) == rights, f"{unit}: CapEff {fields['CapEff']}")
        check(fields["NoNewPrivs"] == "1", f"{unit}: NoNewPrivs")
        check(fields["Uid"].split()[0] != "0", f"{unit}: uid 0")
    check("0 failures" in memtend("doctor"), memtend("doctor", code=None))


def agent_in_a_unit():
    """enable unit, restart, free: the receipt, and the agent survives a restart of the daemon."""
    with Unit("app", GROW_AND_DROP) as name:
        memtend("enable", "unit", name, "--write")
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", name)

        def ready():
            process = process_of(name)
            return process and process["agent"]["state"] == "ready" and process
        process = wait_for("the agent", ready)
        receipt = json.loads(memtend("free", "--json", process["id"]))
        check(receipt["outcome"] in ("freed", "freed_nothing"), str(receipt))
        check([step["step"] for step in receipt["steps"]] == ["collect", "trim"], str(receipt))
        inode = os.stat("/run/memtend/agent/control.sock").st_ino
        run("systemctl", "restart", "memtendd.service")
        check(os.stat("/run/memtend/agent/control.sock").st_ino == inode, "the socket is another")
        check(wait_for("the agent after a restart", ready)["id"] == process["id"], "another process")


def watchdog():
    """A head that hangs is replaced, and what it knew is still there."""
    before = main_pid("memtendd.service")
    os.kill(before, signal.SIGSTOP)
    wait_for("a new head", lambda: main_pid("memtendd.service") not in (0, before) and
             get("/api/v1/status"))
    check(int(show("memtendd.service", "NRestarts")) >= 1, "NRestarts")
    wait_for("the probe", lambda: (got := get("/api/v1/status")) and got["probe"]["state"] == "ok")


def probe_replaced():
    """Eyes that are killed or stopped are replaced; the tick goes on meanwhile."""
    for number in (signal.SIGKILL, signal.SIGSTOP):
        before = wait_for("the probe's pid", lambda: main_pid("memtendd-probe.service"))
        ticks = get("/api/v1/status")["ticks"]
        os.kill(before, number)
        wait_for("ticks meanwhile", lambda: (got := get("/api/v1/status")) and
                 got["ticks"] >= ticks + 3)
        if number == signal.SIGSTOP:
            os.kill(before, signal.SIGCONT)
        wait_for("the probe again", lambda: main_pid("memtendd-probe.service") and
                 get("/api/v1/status")["probe"]["state"] == "ok")


def control_groups_agree():
    """Limit, headroom and needs of a unit as its files have them, and of every other group."""
    with Unit("limited", HOLD, "MemoryMax=200M", "MemoryHigh=180M") as name:
        process = wait_for("what it holds", lambda: (got := process_of(name)) and
                           got["rss_bytes"] > 100 * MIB and
                           got.get("headroom_bytes", 200 * MIB) < 100 * MIB and got)
        check(process["cgroup"] == f"/system.slice/{name}", str(process))
        check(process["limit_bytes"] == 200 * MIB, str(process))
        check(60 * MIB < process["headroom_bytes"] < 100 * MIB, str(process))
        listed = json.loads(memtend("ps", "--json", "--limit", "1000"))["items"]
        check([one["limit_bytes"] for one in listed if one["id"] == process["id"]] == [200 * MIB],
              "ps --json")
        group = get("/api/v1/cgroups?q=limited.service")["items"][0]
        check(group["high_bytes"] == 180 * MIB and group["limit_cgroup"] == group["path"], str(group))
        check({"peak_bytes", "events_oom_kill", "psi_some_avg10_percent"} - group.keys() in
              (set(), {"peak_bytes"}), str(group))
        wait_for("the files and the daemon to agree", lambda: not differences(get))


def limit_of_a_slice():
    """The nearest limit is not always a unit's own; with the daemon and without it."""
    with Unit("sliced", HOLD, "Slice=limits.slice") as name:
        run("systemctl", "set-property", "--runtime", "limits.slice", "MemoryMax=150M")
        wait_for("the limit above", lambda: (got := process_of(name)) and
                           got.get("limit_bytes") == 150 * MIB and
                           got["headroom_bytes"] < 50 * MIB and got)
        for where in ((), ("--local",)):
            why = json.loads(memtend("why", *where, "--json", name))
            check(sum(one["bytes"] for one in why["ledger"]["layers"]) ==
                  why["ledger"]["rss_bytes"], str(why))
            check(why["process"]["limit_bytes"] == 150 * MIB, str(why["process"]))


KERNEL_LOG = """[Service]
CapabilityBoundingSet=CAP_SYSLOG
AmbientCapabilities=CAP_SYSLOG
PrivateDevices=no
DevicePolicy=closed
DeviceAllow=/dev/kmsg r
ProtectKernelLogs=no
"""


def is_killed(name):
    """The pid that a unit had whose end the kernel made for want of memory."""
    with Unit(name, EAT, "MemoryMax=64M", "MemorySwapMax=0") as unit:
        pid = main_pid(unit)
        wait_for("it to be watched", lambda: process_of(unit))
        wait_for("its end", lambda: show(unit, "Result") == "oom-kill")
        return pid


def oom_kill_by_counters():
    """As installed: the kernel's log is not ours to read, and no name is made up."""
    pid = is_killed("eater")
    event = wait_for("the event", lambda: events("oom_kill"))[0]
    check(event["target"] == "host" or (event["target"].startswith(f"{pid}-") and
                                        event["certainty"] == "probably"), str(event))
    status = get("/api/v1/status")
    check(status["oom_log"] == "denied", status["oom_log"])
    check(any("systemd-journal" in text and "CAP_SYSLOG" in text for text in status["missing"]),
          str(status["missing"]))


def with_rights(name, text):
    """A drop-in of the head, which is started again."""
    folder = UNITS / "memtendd.service.d"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "memtendd.service")
    return folder / name


def oom_kill_by_journal():
    """A member of systemd-journal has the names from there, some seconds late."""
    drop_in = with_rights("journal.conf", "[Service]\nSupplementaryGroups=systemd-journal\n")
    wait_for("the journal", lambda: (got := get("/api/v1/status")) and got["oom_log"] == "journal")
    pid = is_killed("reader")
    event = wait_for("the event", lambda: [
        one for one in events("oom_kill") if (one["target"] or "").startswith(f"{pid}-")])[0]
    check("certainty" not in event and event["oom_constraint"] == "memcg", str(event))
    check(event["cgroup"] == "/system.slice/reader.service", str(event))
    drop_in.unlink()


def oom_kill_by_log():
    """With the right to read it: who, where, and its last minute, in one event."""
    with_rights("kernel-log.conf", KERNEL_LOG)
    wait_for("the log", lambda: (got := get("/api/v1/status")) and got["oom_log"] == "kmsg")
    pid = is_killed("glutton")

    def told():
        return [one for one in events("oom_kill") if (one["target"] or "").startswith(f"{pid}-")]
    event = wait_for("the event with its last minute",
                     lambda: [one for one in told() if one.get("window")])[0]
    check(len(told()) == 1 and "certainty" not in event, str(told()))
    check(event["unit"] == "glutton.service", str(event))
    check(event["oom_constraint"] == "memcg", str(event))
    check(event["cgroup"] == "/system.slice/glutton.service", str(event))
    mine = [one for one in get(event["window"])["items"] if one["victim"]]
    check(len(mine) == 1 and mine[0]["pid"] == pid, str(mine))
    peak = max(one.get("rss_bytes", 0) for one in mine[0]["samples"])
    check(16 * MIB <= peak <= 80 * MIB, f"peak {peak}")


def pressure_is_watched():
    """This kernel has triggers for those without rights from 6.4 on; before, it is polled."""
    check(get("/api/v1/status")["psi"] in ("trigger", "polled"), "psi")
    check(get("/api/v1/host")["psi_some_avg10_percent"] >= 0, "PSI of the host")


CASES = (services_run, pressure_is_watched, control_groups_agree, limit_of_a_slice,
         oom_kill_by_counters, agent_in_a_unit, probe_replaced, watchdog, oom_kill_by_journal,
         oom_kill_by_log)


# ---- not a case: asked for by name ----

def record_proc():
    """Prints what ./record finds, for tests/fixtures/proc: the lines behind "RECORDED: ", which
    base64 -d | tar xJ unpacks."""
    with tempfile.TemporaryDirectory() as folder:
        run("/usr/bin/python3", str(HERE / "record"), folder + "/tree")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:xz") as archive:
            archive.add(folder + "/tree", "linux-" + ".".join(os.uname().release.split(".")[:2]))
    for line in base64.encodebytes(packed.getvalue()).decode().split():
        print("RECORDED:", line)


def main():
    wanted = (HERE / "cases").read_text(encoding="utf-8").split()
    passed = failed = 0
    for case in CASES + (record_proc,):
        if case.__name__ not in (wanted or [one.__name__ for one in CASES]):
            continue
        begun = time.monotonic()
        try:
            case()
            passed += 1
            print(f"passed {case.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Exception:  # a case may fail in any way; the others still run
            failed += 1
            print(f"FAILED {case.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
            traceback.print_exc(file=sys.stdout)
    if failed:
        print(run("journalctl", "-b", "-u", "memtendd*", "--no-pager", "-n", "60", code=None))
    print(f"RESULT: {passed} passed, {failed} failed", flush=True)


main()
