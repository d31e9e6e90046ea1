#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What people, files, processes and disks do wrong gets a clear answer and loses nothing."""
import ctypes
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

from house import BUILD, Daemon, Program, run, skip, status_bytes, wait_for, wait_idle

MEMTENDD = str(BUILD / "bin" / "memtendd")


def refused(*arguments, code=None, environment=None):
    """Start memtendd, expect it to end by itself; (exit status, its log)."""
    result = subprocess.run([MEMTENDD, *map(str, arguments)], capture_output=True, text=True,
                            timeout=60, check=False, env={**os.environ, **(environment or {})})
    assert code is None or result.returncode == code, (result.returncode, result.stderr)
    return result.stderr


def in_folder(test):
    def wrapped():
        with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
            test(pathlib.Path(folder))
    wrapped.__name__ = test.__name__
    return wrapped


def place(folder):
    return ["--state-dir", folder / "state", "--runtime-dir", folder / "run", "--http",
            "127.0.0.1:0"]


@in_folder
def test_bad_rules_at_start(folder):
    (folder / "bad.rules").write_text(
        'rule one for each process:\n  when rsss > 1 MiB\n  then trim\n\n'
        'rule two for each process:\n  when rss > 30\n  then colect\n', encoding="utf-8")
    said = refused(*place(folder), "--rules", folder / "bad.rules", code=2)
    assert "bad.rules:2:8" in said and "did you mean `rss'" in said, said
    assert "bad.rules:6:" in said and "needs a unit" in said, said
    assert "bad.rules:7:" in said and "collect" in said, said


@in_folder
def test_bad_config_at_start(folder):
    (folder / "memtend.conf").write_text("[Daemon]\nTick=fast\nTikc=1s\n[Nope]\n",
                                         encoding="utf-8")
    said = refused(*place(folder), "--config", folder / "memtend.conf", code=2)
    for line in (2, 3, 4):
        assert f"memtend.conf:{line}:" in said, said


@in_folder
def test_check_config(folder):
    (folder / "good.rules").write_text(
        "rule one for each process: when rss > 1 GiB then trim\n", encoding="utf-8")
    refused("--check-config", "--rules", folder / "good.rules", code=0)
    refused("--check-config", "--rules", folder / "absent.rules", code=2)


def test_second_daemon():
    with Daemon() as daemon:
        said = refused("--state-dir", daemon.state, "--runtime-dir", daemon.home / "other",
                       "--http", "127.0.0.1:0", code=1)
        assert "another memtendd" in said, said
        said = refused("--state-dir", daemon.home / "other", "--runtime-dir", daemon.runtime,
                       "--http", "127.0.0.1:0", code=1)
        assert "another memtendd" in said, said
        assert daemon.ready()


@in_folder
def test_port_taken(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = refused("--state-dir", folder / "s", "--runtime-dir", folder / "r", "--http",
                       f"127.0.0.1:{taken.getsockname()[1]}", code=1)
    assert "is taken" in said, said


@in_folder
def test_path_too_long(folder):
    said = refused("--state-dir", folder / "s", "--runtime-dir", folder / ("x" * 100), "--http",
                   "127.0.0.1:0", code=1)
    assert "--runtime-dir" in said, said


@in_folder
def test_unknown_option(folder):
    refused("--what", code=2)
    refused("what", code=2)
    assert "is taken" not in refused("--http", "nowhere:1", *place(folder)[:4], code=2)


def test_bad_rule_by_rest():
    with Daemon() as daemon:
        status, problem = daemon.ask("PUT", "/api/v1/rules/one", {
            "text": "rule one for each process:\n  when rss > 30\n  then trim"})
        assert status == 422, (status, problem)
        assert problem["errors"][0]["line"] == 2 and problem["errors"][0]["column"] > 1, problem
        assert daemon.get("/api/v1/rules")["items"] == []
        status, _ = daemon.ask("PUT", "/api/v1/rules/one", {
            "text": "rule one for each process:\n  when rss > 30 GiB\n  then trim"})
        assert status in (200, 201, 204), status
        rule = daemon.get("/api/v1/rules")["items"][0]
        assert rule["state"] == "dry_run" and rule["source"] == "api", rule
        status, problem = daemon.ask("POST", "/api/v1/rules/one/arm", {"sha256": "0" * 64})
        assert status == 409, (status, problem)  # not the text that is in force
        daemon.memtend("rules", "arm", "one", "--yes")
        assert daemon.get("/api/v1/rules")["items"][0]["state"] == "armed"
        daemon.kill()
        daemon.start()
        assert daemon.get("/api/v1/rules")["items"][0]["state"] == "armed"
        daemon.ask("PUT", "/api/v1/rules/one", {
            "text": "rule one for each process:\n  when rss > 40 GiB\n  then trim"})
        rule = daemon.get("/api/v1/rules")["items"][0]
        assert rule["state"] == "disarmed_by_edit", rule
        assert daemon.events("disarm")


def test_hostile_names():
    script = ("import ctypes, time\n"
              "libc = ctypes.CDLL(None)\n"
              "libc.prctl(15, b'a\\n\\x1b[31m<b>\\xff') \n"
              "time.sleep(600)\n")
    with Daemon() as daemon:
        with subprocess.Popen([sys.executable, "-c", script,
                               "<img src=x onerror=alert(1)>", "\u202eevil", "--password=hunter2"],
                              stdin=subprocess.DEVNULL) as process:
            try:
                found = wait_for("the hostile process", lambda: (
                    p := daemon.process_of(process.pid)) and "<b>" in p["comm"]
                    and "onerror" in (p["cmdline"] or "") and p)
                text = found["comm"] + found["cmdline"]
                assert "\n" not in text and "\x1b" not in text and "\u202e" not in text, found
                assert "hunter2" not in found["cmdline"], found
                said = daemon.memtend("ps", "-q", "onerror")
                assert "\x1b" not in said.stdout and str(process.pid) in said.stdout, said
            finally:
                process.kill()


class CloneArgs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls",
        "set_tid", "set_tid_size", "cgroup")]


def clone_as(pid):
    """fork() that gets exactly this pid (clone3 set_tid); 0 in the child."""
    tid = (ctypes.c_int32 * 1)(pid)
    arguments = CloneArgs(exit_signal=17, set_tid=ctypes.addressof(tid), set_tid_size=1)
    libc = ctypes.CDLL(None, use_errno=True)
    child = libc.syscall(435, ctypes.byref(arguments), ctypes.sizeof(arguments))
    return child if child >= 0 else -ctypes.get_errno()


def test_recycled_pid():
    """A pid that comes back is another process: nothing that was meant for the first reaches it."""
    with Daemon() as daemon:
        program = Program(daemon, "cycles.py", 20)
        with program:
            old = daemon.wait_agent(program.pid)
        child = clone_as(program.pid)
        if child == 0:
            os.execvp("sleep", ["sleep", "600"])
        if child < 0:
            skip(f"clone3 set_tid: {os.strerror(-child)} (needs CAP_CHECKPOINT_RESTORE)")
        try:
            assert child == program.pid
            # Until the next tick the first process is still listed, but its agent is gone already.
            status, answer = daemon.act(old["id"], "trim")
            assert status in (404, 409), (status, answer)
            new = wait_for("the new process", lambda: (p := daemon.process_of(child))
                           and p["id"] != old["id"] and p)
            assert new["agent"]["state"] == "none", new
            assert "rss_bytes" in new and new["rss_bytes"] < 10 << 20, new
            status, answer = daemon.act(old["id"], "trim")
            assert status == 404, (status, answer)
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)


def test_full_disk():
    """A state directory on a tiny file system of its own, in a mount namespace of its own."""
    if os.geteuid() != 0:
        skip("a small file system needs root")
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        skip("no mount namespace can be made here")
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        home = pathlib.Path(folder)
        (home / "state").mkdir()
        daemon = Daemon(home=home)
        daemon.command = ["unshare", "--mount", "sh", "-c",
                          f"mount -t tmpfs -o size=16m tmpfs '{home}/state' && exec \"$@\"", "sh",
                          *daemon.command]
        with daemon:
            # unshare and sh exec in place: this pid is the daemon's, and so is its file system.
            inside = ["nsenter", "--mount", "--target", str(daemon.process.pid)]
            fill = str(home / "state" / "ballast")
            subprocess.run([*inside, "dd", "if=/dev/zero", f"of={fill}", "bs=4k"], check=False,
                           capture_output=True)
            status = wait_for("a degraded store", lambda: (
                s := daemon.get("/api/v1/status"))["store"]["state"] == "degraded" and s)
            assert status["store"]["detail"], status
            ticks = status["ticks"]
            wait_for("sampling to go on", lambda: daemon.get("/api/v1/status")["ticks"] > ticks + 3)
            with Program(daemon, "thread_buffers.py", 100) as program:
                daemon.wait_agent(program.pid)
                wait_for("the buffers", lambda: status_bytes(program.pid, "VmRSS") > 80 << 20)
                wait_idle(program.pid)
                code, receipt = daemon.act(f"pid:{program.pid}", "trim")
                assert code == 200 and receipt["outcome"] == "freed", receipt
                assert receipt["durable"] is False, receipt
            subprocess.run([*inside, "rm", fill], check=True)
            wait_for("the store to resume",
                     lambda: daemon.get("/api/v1/status")["store"]["state"] == "ok")


def test_damaged_store_is_set_aside():
    with tempfile.TemporaryDirectory(prefix="memtend-") as folder:
        daemon = Daemon(home=folder)
        with daemon:
            daemon.ask("PUT", "/api/v1/rules/kept", {
                "text": "rule kept for each process: when rss > 900 GiB then trim"})
        with open(daemon.state / "memtend.db", "r+b") as file:
            file.write(os.urandom(16384))
        with daemon:
            assert any("set aside" in e["text"] or "damaged" in e["text"]
                       for e in daemon.events("store")), daemon.events()
            assert [r["name"] for r in daemon.get("/api/v1/rules")["items"]] == ["kept"]
            assert len(list(daemon.state.glob("memtend.db.*"))) >= 1


def test_probe_that_is_killed():
    with Daemon() as daemon:
        def probe():
            for pid in [int(p.name) for p in pathlib.Path("/proc").glob("[0-9]*")]:
                try:
                    text = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                    parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
                                 .split()[1])
                except (OSError, ValueError):
                    continue
                if parent == daemon.process.pid and b"probe" in text:
                    return pid
            return None
        first = wait_for("the probe", probe)
        os.kill(first, 9)
        second = wait_for("another probe", lambda: (p := probe()) and p != first and p)
        assert second != first
        wait_for("the event", lambda: daemon.events("probe"))
        wait_for("the state", lambda: daemon.get("/api/v1/status")["probe"]["state"] != "down")


def test_questions_about_the_past():
    """The command line says what the daemon says, and what can be asked; both go on."""
    asked = [
        (["host", "rss"], 0, ""),  # nothing is known of that, which is an answer
        (["host", "mem.free", "--since", "1h", "--until", "2h"], 2, "before"),
        (["host", "mem.free", "--since", "2100-01-01T00:00:00Z", "--until",
          "2101-01-01T00:00:00Z"], 2, "future"),
        (["host", "mem.free", "--since", "NaN"], 2, "a duration like 30s"),
        (["host", "mem.free", "--points", "2001"], 2, "1 to 2000"),
        (["host", "mem.free", "--agg", "median"], 2, "avg, min, max, last or range"),
        (["host", "mem.fre"], 2, "there are: rss"),
        (["host," * 8 + "host", "mem.free"], 2, "1 to 8"),
        (["group:web", "age"], 2, "cannot be added up"),
        (["unit:nobody.service", "rss"], 0, ""),
        (["pid:0", "rss"], 2, "PID-START, unit:NAME or group:NAME"),
        (["top", "cpu"], 2, "rss or pss"),
        (["top", "--since", "2100-01-01T00:00:00Z", "--until", "2101-01-01T00:00:00Z"], 2, "future"),
        (["top", "-n", "1001"], 2, "1 to 1000"),
        (["around", "999999999"], 1, "no stored event"),
        (["around", "nothing"], 1, "no action"),
        (["around", "99999999999999999999999"], 1, "no event"),
    ]
    with Daemon() as daemon:
        for arguments, code, text in asked:
            said = daemon.memtend("query", *arguments, check=False)
            assert said.returncode == code and text in said.stderr, (arguments, said)
        wait_for("a process in the past", lambda: daemon.get("/api/v1/top")["items"])
        for arguments in (["top"], ["host", "mem.free"], ["top", "--csv"]):
            assert daemon.memtend("query", *arguments, check=True).stdout, arguments
        event = daemon.events("start")[0]["id"]
        said = daemon.memtend("query", "around", str(event), "--csv").stdout.splitlines()
        assert said[0] == "time,target,metric,value" and "mem_available_bytes" in said[1], said


run([value for name, value in list(globals().items()) if name.startswith("test_")])
