#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a local user without rights tries against a daemon that others rely on."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

from house import BUILD, Daemon, Program, UnixConnection, run, skip, wait_for

STRANGER = 12345  # a uid that owns nothing


@contextlib.contextmanager
def processes(count, *arguments, script="import time; time.sleep(600)"):
    """As many small processes with these arguments."""
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen(
                [sys.executable, "-S", "-E", "-c", script, *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
            stack.callback(process.kill)
            started.append(process)
        yield started


def ticks_pass(daemon, count, seconds):
    first = daemon.get("/api/v1/status")["ticks"]
    wait_for(f"{count} ticks", lambda: daemon.get("/api/v1/status")["ticks"] >= first + count,
             seconds)


def test_dear_command_lines():
    """Each byte of the line begins a match that never ends: the loop must not pay for it."""
    with Daemon() as daemon, processes(40, "a" * 4000) as started:
        for process in started:
            wait_for("its command line", lambda pid=process.pid: (
                daemon.process_of(pid) or {}).get("cmdline"))
        for number in range(10):
            status, _ = daemon.ask("PUT", f"/api/v1/rules/r{number}", {
                "text": f'rule r{number} for each process where cmdline ~ "a.*b{number}":\n'
                        "  when rss > 30 GiB\n  then trim"})
            assert status == 201, status
        ticks_pass(daemon, 5, 15)


def ask_as_stranger(daemon, requests):
    """[(status, headers and body)] of (method, path, body) on the socket, made reachable."""
    if os.geteuid() != 0:
        skip("only root can ask as another user")
    os.chmod(daemon.home, 0o755)
    os.chmod(daemon.runtime / "http.sock", 0o666)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answers:
        child = os.fork()  # not exec: a stranger may not even reach this interpreter
        if child == 0:
            try:
                os.setgroups([])
                os.setresgid(STRANGER, STRANGER, STRANGER)
                os.setresuid(STRANGER, STRANGER, STRANGER)
                json.dump([ask_raw(daemon, *request) for request in requests], answers)
                answers.flush()
            except Exception:  # told by the empty file as well
                traceback.print_exc()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        answers.seek(0)
        return json.load(answers)


def ask_raw(daemon, method, path, body=None):
    with contextlib.closing(UnixConnection(daemon.runtime / "http.sock")) as connection:
        headers = {} if body is None else {"Content-Type": "application/json"}
        # What is refused by its headers is answered before the body has been sent.
        with contextlib.suppress(BrokenPipeError):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, repr(answer.getheaders()) + answer.read().decode()


def test_strangers_see_and_do_nothing():
    with Daemon() as daemon, Program(daemon, "cycles.py", 5, name="hidden-name") as program:
        process = daemon.wait_agent(program.pid)
        with processes(1) as (ended,):
            ended_id = wait_for("it", lambda: daemon.process_of(ended.pid))["id"]
            ticks_pass(daemon, 3, 20)
        _, receipt = daemon.act(process["id"], "collect")
        rule = {"text": "rule hidden-rule for each process: when rss > 30 GiB then trim"}
        assert daemon.ask("PUT", "/api/v1/rules/hidden-rule", rule)[0] == 201
        wait_for("the end in the store", lambda: daemon.process_of(ended.pid) is None)
        series = f"/api/v1/series?target={ended_id}&metric=rss"
        assert daemon.get(series)["series"], "the test asks for what exists"
        secrets = ["hidden", process["id"], ended_id, receipt["id"], "cycles"]
        reads = ["/metrics", "/api/v1/status", "/api/v1/processes?limit=1000",
                 "/api/v1/processes?q=hidden", f"/api/v1/processes/{process['id']}",
                 f"/api/v1/processes/pid:{program.pid}", "/api/v1/actions?limit=1000",
                 f"/api/v1/actions/{receipt['id']}", "/api/v1/events", "/api/v1/audit",
                 "/api/v1/rules", "/api/v1/rules/hidden-rule", series,
                 f"/api/v1/series?target={process['id']}&metric=rss",
                 f"/api/v1/series?target=pid:{program.pid}&metric=rss",
                 f"/api/v1/series?target=host,{ended_id}&metric=rss",
                 "/api/v1/series?target=group:hidden-name&metric=rss"]
        for path, (_, text) in zip(reads, ask_as_stranger(daemon, [("GET", path)
                                                                   for path in reads])):
            for secret in secrets:
                # What was asked for may be said again.
                assert secret in path or secret not in text, (path, secret, text)
            assert "points" not in text, (path, text)
        changes = [["POST", "/api/v1/actions", {"target": target, "steps": ["trim"]}]
                   for target in (process["id"], f"pid:{program.pid}", "group:hidden-name",
                                  f"pid:{daemon.process.pid}", "host")]
        changes += [["PUT", "/api/v1/rules/hidden-rule", rule], ["POST", "/api/v1/pause", {}],
                    ["POST", "/api/v1/rules/hidden-rule/arm", {}], ["POST", "/api/v1/resume", {}],
                    ["POST", "/api/v1/rules/check", rule], ["POST", "/api/v1/session", {}],
                    ["POST", "/api/v1/events", {"kind": "deploy", "text": "v1"}],
                    ["DELETE", "/api/v1/rules/hidden-rule", None]]
        for change, (status, text) in zip(changes, ask_as_stranger(daemon, changes)):
            assert status == 403, (change, status, text)
        assert len(daemon.receipts()) == 1
        assert not daemon.get("/api/v1/status")["paused"]


def test_history_belongs_to_the_last_owner():
    if os.geteuid() != 0:
        skip("only root can start a program that becomes another user's")
    script = ("import os, sys\n"
              "sys.stdin.readline()\n"
              f"os.setresuid({STRANGER}, {STRANGER}, {STRANGER})\n"
              "sys.stdin.readline()\n")
    with Daemon() as daemon:
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
            found = wait_for("it", lambda: daemon.process_of(process.pid))
            assert found["uid"] == 0, found
            process.stdin.write(b"go\n")
            process.stdin.flush()
            wait_for("its new uid",
                     lambda: (daemon.process_of(process.pid) or {}).get("uid") == STRANGER, 40)
            ticks_pass(daemon, 2, 20)
        wait_for("its end", lambda: daemon.process_of(process.pid) is None)
        path = f"/api/v1/series?target={found['id']}&metric=rss"
        wait_for("its history for its owner",
                 lambda: "points" in ask_as_stranger(daemon, [("GET", path)])[0][1])


def refused(folder, saying):
    """memtendd with its directories in this folder ends by itself and says why."""
    result = subprocess.run(
        [str(BUILD / "bin" / "memtendd"), "--state-dir", str(folder / "state"), "--runtime-dir",
         str(folder / "run"), "--http", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1 and saying in result.stderr, result


def test_a_token_that_is_no_secret():
    with tempfile.TemporaryDirectory(prefix="memtend-") as name:
        folder = pathlib.Path(name)
        (folder / "state").mkdir(mode=0o700)
        token = folder / "state" / "token"
        token.write_text("a" * 64, encoding="utf-8")
        for mode in (0o644, 0o640, 0o606):
            token.chmod(mode)
            refused(folder, "is open to other users")
        if os.geteuid() == 0:
            token.chmod(0o600)
            os.chown(token, STRANGER, STRANGER)
            refused(folder, "belongs to another user")
        token.unlink()
        os.mkfifo(token, 0o600)  # nobody writes to it: reading would wait for ever
        refused(folder, "is not a plain file")
        token.unlink()
        token.symlink_to(folder / "elsewhere")
        refused(folder, "is not a plain file")
        assert not (folder / "elsewhere").exists()


def test_directories_of_everybody():
    with tempfile.TemporaryDirectory(prefix="memtend-") as name:
        folder = pathlib.Path(name)
        for part in ("state", "run"):
            (folder / part).mkdir()
            (folder / part).chmod(0o777)
            refused(folder, f"every user may write into {folder / part}")
            (folder / part).chmod(0o755)


run([value for key, value in list(globals().items()) if key.startswith("test_")])
