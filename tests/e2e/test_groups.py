#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Groups of real servers and pools: who is in them, what they are called, what they hold."""
import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

from house import MIB, WORKLOADS, Daemon, children, run, skip, wait_for

# Names USS, so that it is read as often as the probe's budget lets; never fires.
WATCH = """
rule watch for each process where cmdline ~ "touching_workers\\.py":
  when uss > 1 TiB
  then trim
"""
# No other program of this machine has it: else the group would have more members.
BATCH = f"batch{os.getpid()}.py"
CONFIG = f"""
[Daemon]
Tick=200ms
[Group batch]
Cmdline={BATCH} fork 2$
"""
APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


application = app
"""


@contextlib.contextmanager
def started(*command, **options):
    """A process and what it starts; all of it ends with the block."""
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                               start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def family(pid):
    """The process and all below it, by /proc."""
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        with contextlib.suppress(OSError):
            todo += children(found[-1])
    return set(found)


def cmdline(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def group_of(daemon, pid):
    """The group that a process is in, with its members."""
    process = daemon.process_of(pid)
    if not process or not process["group"]:
        return None
    status, group = daemon.ask("GET", "/api/v1/groups/"
                               + urllib.parse.quote(process["group"], safe=""))
    return group if status == 200 else None


def wait_group(daemon, pid, members, workers=None):
    """Once it has exactly the members that are there. What is looked at between fork and exec is
    taken for a worker for 2 s."""
    def settled():
        group = group_of(daemon, pid)
        there = family(pid)
        if not group or len(there) != members:
            return None
        if {p["pid"] for p in group["processes"]} != there:
            return None
        return group if workers is None or group["workers"] == workers else None
    return wait_for(f"a group of {members} around {pid}", settled, 150)


def roles(group):
    return {process["pid"]: process["role"] for process in group["processes"]}


def check_sums(group):
    assert group["members"] == len(group["processes"]), group
    assert group["rss_bytes"] == sum(p["rss_bytes"] for p in group["processes"]), group
    assert group["peak_rss_bytes"] >= group["rss_bytes"] > 0, group
    assert group.get("pss_bytes", 0) <= group["rss_bytes"], group
    assert group.get("uss_bytes", 0) <= group["rss_bytes"], group


def check_limit(group):
    """That of the one control group in which all live; none where they live in several."""
    places = {process["cgroup"] for process in group["processes"]}
    limits = {process.get("limit_bytes") for process in group["processes"]}
    rooms = {process.get("headroom_bytes") for process in group["processes"]}
    if len(places) == 1 and None not in places:
        assert {group.get("limit_bytes")} == limits, group
        assert {group.get("headroom_bytes")} == rooms, group
    else:
        assert "limit_bytes" not in group and "headroom_bytes" not in group, group


def check_pool(daemon, method, helpers):
    with started(sys.executable, WORKLOADS / "worker_pool.py", method, 3) as master:
        group = wait_group(daemon, master.pid, 1 + 3 + helpers, 3)
        assert group["kind"] == "multiprocessing", group
        assert group["name"].split("#")[0] == "python worker_pool.py", group
        assert (group["workers"], group["helpers"]) == (3, helpers), roles(group)
        for pid, role in roles(group).items():
            line = cmdline(pid)
            expected = ("master" if pid == master.pid
                        else "helper" if "tracker import" in line
                        or ("forkserver import" in line and children(pid)) else "worker")
            assert role == expected, (pid, role, line)
        check_sums(group)
        check_limit(group)
        said = daemon.memtend("ps", "--groups", "-q", "worker_pool.py").stdout.splitlines()
        rows = [line.split()[0] for line in said if line.endswith(" " + group["name"])]
        assert rows == [str(group["members"])], said
        lines = daemon.get("/metrics").decode().splitlines()
        labels = f'{{group="{group["name"]}",kind="multiprocessing"}}'
        assert f"memtend_group_members{labels} {group['members']}" in lines, labels

    def gone():
        now = daemon.get("/api/v1/groups/" + urllib.parse.quote(group["name"]))
        return None if members & {process["id"] for process in now["processes"]} else now
    members = {process["id"] for process in group["processes"]}
    last = wait_for("the end of the pool", gone)
    assert last["went"] >= group["members"], last
    assert last["went_peak_sum_bytes"] > last["went_peak_largest_bytes"] > 5 * MIB, last


def fork(daemon):
    check_pool(daemon, "fork", 0)


def spawn(daemon):
    check_pool(daemon, "spawn", 1)


def forkserver(daemon):
    check_pool(daemon, "forkserver", 2)


def short_workers(daemon):
    """Many that come and go are one line."""
    with started(sys.executable, WORKLOADS / "worker_pool.py", "fork", 4, 60) as master:
        def many():
            group = group_of(daemon, master.pid)
            return group if group and group["went"] >= 12 else None
        group = wait_for("members that came and went", many, 150)
        assert group["kind"] == "multiprocessing" and group["members"] <= 6, group
        assert group["came"] == group["went"] + group["members"], group
        assert group["went_peak_sum_bytes"] >= group["went"] * MIB, group
        assert group["came_last_hour"] >= 12, group
        items = daemon.get("/api/v1/groups?q=worker_pool.py")["items"]
        own = [item["name"] for item in items if item.get("oldest", "").startswith(f"{master.pid}-")]
        assert own == [group["name"]], items


def prefork_of_another_program(daemon):
    if not shutil.which("perl"):
        skip("no perl")
    with tempfile.TemporaryDirectory() as folder:
        name = f"prefork{os.getpid()}.pl"
        shutil.copy(WORKLOADS / "prefork.pl", pathlib.Path(folder) / name)
        prefork(daemon, pathlib.Path(folder) / name)


def prefork(daemon, program):
    with started("perl", program, 3) as master:
        group = wait_group(daemon, master.pid, 4)
        assert (group["kind"], group["name"]) == ("prefork", f"perl {program.name}"), group
        assert sorted(roles(group).values()) == ["master"] + 3 * ["worker"], group
        check_sums(group)


# No other program of this machine has it: its group would have the name, and this one a number.
CREW = f"crew{os.getpid()}"


def serve(daemon, command, kind, name):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / f"{CREW}.py").write_text(APPLICATION, encoding="utf-8")
        with started(*command, cwd=folder, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL) as master:
            group = wait_group(daemon, master.pid, 3)
            assert (group["kind"], group["name"]) == (kind, name), group
            assert roles(group)[master.pid] == "master" and group["workers"] == 2, roles(group)
            check_sums(group)
            # A worker that is replaced came, and the one before it went.
            before = group["came"]
            worker = next(pid for pid, role in roles(group).items() if role == "worker")
            os.kill(worker, signal.SIGKILL)

            def replaced():
                now = group_of(daemon, master.pid)
                return now and now["workers"] == 2 and now["went"] >= 1 and now["came"] > before
            wait_for("the worker to be replaced", replaced, 150)


def gunicorn(daemon):
    if not shutil.which("gunicorn"):
        skip("no gunicorn")
    serve(daemon, ["gunicorn", "-w", "2", "-b", "unix:web.sock", f"{CREW}:app"],
          "gunicorn", f"gunicorn:{CREW}:app")


def uwsgi(daemon):
    if not shutil.which("uwsgi"):
        skip("no uwsgi")
    serve(daemon, ["uwsgi", "--plugin", "python3", "--socket", "web.sock", "--master",
                   "--processes", "2", "--module", f"{CREW}:app"], "uwsgi", f"uwsgi:{CREW}:app")


def rss_of_the_group(daemon, master, count):
    """The series of a group is the sum of those of its members, also when one of them is gone."""
    def points(target):
        path = f"/api/v1/series?target={target}&metric=rss&agg=last&from=-1m&points=2000"
        return {ms: value for series in daemon.get(path)["series"] for ms, value in series["points"]
                if value is not None}

    def adds_up():
        members = [member["id"] for member in daemon.get("/api/v1/groups/batch")["processes"]]
        each = [points(member) for member in members]
        together = points("group:batch")
        # What is newest grew between the questions.
        both = sorted(set(together).intersection(*each))[:-5]
        same = all(together[ms] == sum(one[ms] for one in each) for ms in both)
        return len(members) == count and len(both) > 5 and same and both[-1]
    before = wait_for("the sum of the members", adds_up)
    worker = next(member for member in daemon.get("/api/v1/groups/batch")["processes"]
                  if member["pid"] != master.pid)
    whole = points("group:batch")[before]
    os.kill(worker["pid"], 9)
    wait_for("one fewer", lambda: daemon.process_of(worker["pid"]) is None)
    assert points("group:batch")[before] == whole, "who is gone still counts for when it was there"


def names_come_first(daemon):
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / BATCH
        shutil.copy(WORKLOADS / "worker_pool.py", program)
        batch(daemon, program)


def batch(daemon, program):
    with started(sys.executable, program, "fork", 2) as master:
        group = wait_group(daemon, master.pid, 3)
        assert (group["kind"], group["name"]) == ("config", "batch"), group
        status, answer = daemon.ask("POST", "/api/v1/actions",
                                    {"target": "group:batch", "steps": ["trim"]})
        assert status == 422 and "3 processes are meant" in answer["detail"], answer
        rss_of_the_group(daemon, master, 3)
        status, answer = daemon.ask("GET", "/api/v1/series?target=group:batch&metric=age")
        assert status == 422 and "cannot be added up" in answer["detail"], answer
        status, _ = daemon.ask("GET", "/api/v1/groups/nobody")
        assert status == 404


def loss_by_copies(daemon):
    with started(sys.executable, WORKLOADS / "touching_workers.py", stdout=subprocess.PIPE,
                 text=True) as master:
        idle, collecting = map(int, master.stdout.readline().split())

        def copied():
            processes = [daemon.process_of(pid) for pid in (idle, collecting)]
            losses = [process and process.get("cow_loss_bytes") for process in processes]
            # Kernels from 6.15 on may estimate who shares a large folio: the idle one has some too.
            differ = None not in losses and losses[1] > max(20 * MIB, 3 * losses[0])
            return losses if differ else None
        losses = wait_for("the loss of the worker that collects only", copied, 150)
        group = group_of(daemon, master.pid)
        assert group["cow_members"] == 2 and group["cow_loss_bytes"] > 20 * MIB, (group, losses)
        assert "cow_loss_bytes" not in daemon.process_of(master.pid)


CASES = [fork, spawn, forkserver, short_workers, prefork_of_another_program, gunicorn, uwsgi,
         names_come_first, loss_by_copies]


def result_of(case, future):
    """A function for run(): what came of a case that ran beside the others."""
    def result():
        future.result()
    result.__name__ = case.__name__
    return result


def main():
    chosen = [case for case in CASES if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]]
    with concurrent.futures.ThreadPoolExecutor(len(CASES)) as pool, \
            Daemon(rules=WATCH, config=CONFIG) as daemon:
        futures = [pool.submit(case, daemon) for case in chosen]
        concurrent.futures.wait(futures)
    run([result_of(case, future) for case, future in zip(chosen, futures)])


main()
