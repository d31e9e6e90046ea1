#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Control groups: what the daemon says against the kernel's files of this machine (v1 or v2, as it
is), and limits that are near, on a tree of our own."""
import pathlib
import subprocess
import sys
import tempfile

from house import FAST, MIB, ROOT, Daemon, run, skip, wait_for

sys.path.insert(0, str(ROOT / "tests" / "vm" / "guest"))
import control_groups  # noqa: E402


def test_this_machine():
    if not control_groups.hierarchy()[0]:
        skip("nothing counts the memory of control groups here")
    with Daemon() as daemon:
        def right():
            groups = daemon.get("/api/v1/cgroups?limit=1000")["items"]
            wrong = control_groups.differences(daemon.get)
            return groups and not wrong or (print(*wrong, sep="\n") and None)
        wait_for("the files and the daemon to agree", right, every=0.5)
        own = control_groups.path_of("self")
        mine = wait_for("this process", lambda: daemon.process_of(daemon.process.pid))
        assert mine["cgroup"] == own and mine["limit_bytes"] > mine["rss_bytes"], mine
        listed = daemon.get("/api/v1/cgroups?sort=headroom_bytes&limit=1000")["items"]
        rooms = [group["headroom_bytes"] for group in listed if "headroom_bytes" in group]
        assert rooms == sorted(rooms), rooms
        # A probe that is still starting is a failure to it.
        said = wait_for("all to be well", lambda: (
            one := daemon.memtend("doctor", check=False)).returncode == 0 and one.stdout)
        assert "cgroup" in said, said


class Tree:
    """A hierarchy of our own, in the version of this machine, with one group: this program's."""

    def __init__(self, folder):
        lines = pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        self.v1 = any("memory" in line.split(":")[1].split(",") for line in lines)
        self.path = control_groups.path_of("self")
        if not self.path or self.path == "/":
            skip("this program is in the root of the hierarchy")
        self.root = pathlib.Path(folder)
        self.group = self.root / self.path.lstrip("/")
        place = self.group
        while True:
            place.mkdir(parents=True, exist_ok=True)
            (place / "cgroup.procs").write_text("")
            (place / "cgroup.controllers").write_text("memory\n")
            self.write(place, 100 * MIB, None)
            if place == self.root:
                break
            place = place.parent

    def write(self, place, needed, limit):
        if self.v1:
            (place / "cgroup.controllers").unlink(missing_ok=True)
            (place / "memory.limit_in_bytes").write_text(f"{limit or 9223372036854771712}\n")
            (place / "memory.usage_in_bytes").write_text(f"{needed}\n")
            prefix = "total_"
        else:
            (place / "memory.max").write_text(f"{limit or 'max'}\n")
            (place / "memory.current").write_text(f"{needed}\n")
            prefix = ""
        stat = {"anon": needed, "kernel": 0, "inactive_anon": needed, "active_anon": 0,
                "inactive_file": 0, "unevictable": 0}
        new = place / "memory.stat.new"
        new.write_text("".join(f"{prefix}{key} {value}\n" for key, value in stat.items()))
        new.rename(place / "memory.stat")  # a reader sees the one or the other


RULE = """rule near-its-limit for each process where comm = "sleep":
  when headroom < 20% of limit
  then trim
"""


def test_headroom_of_a_process():
    with tempfile.TemporaryDirectory(prefix="memtend-cgroup-") as folder:
        tree = Tree(folder)
        tree.write(tree.group, 100 * MIB, 256 * MIB)
        config = FAST.replace("[Daemon]\n", f"[Daemon]\nCgroupDirectory={folder}\n")
        with Daemon(config=config, rules=RULE) as daemon, \
                subprocess.Popen(["sleep", "600"]) as tenant:
            try:
                process = wait_for("its limit", lambda: (one := daemon.process_of(tenant.pid)) and
                                   "limit_bytes" in one and one)
                assert process["cgroup"] == tree.path, process
                assert process["limit_bytes"] == 256 * MIB, process
                assert process["headroom_bytes"] == 156 * MIB, process
                assert not daemon.events("rule_would_fire")
                tree.write(tree.group, 240 * MIB, 256 * MIB)
                wait_for("less headroom", lambda: daemon.process_of(tenant.pid)["headroom_bytes"]
                         == 16 * MIB)
                fired = wait_for("the rule", lambda: daemon.events("rule_would_fire"))
                assert fired[0]["rule"] == "near-its-limit", fired
                metrics = daemon.ask("GET", "/metrics")[1].decode()
                assert f"\nmemtend_cgroup_headroom_bytes{{cgroup=\"{tree.path}\"}} {16 * MIB}\n" \
                    in metrics, metrics
                said = daemon.ask("GET", f"/api/v1/series?target=pid:{tenant.pid}&metric=headroom")
                assert said[0] == 422 and "cgroups" in said[1]["detail"], said
            finally:
                tenant.kill()


def test_a_directory_that_is_none():
    for folder, reason in (("/proc", "is no control group hierarchy"), ("/nowhere", "No such file")):
        with tempfile.TemporaryDirectory(prefix="memtend-cgroup-") as home:
            daemon = Daemon(config=FAST.replace("[Daemon]\n",
                                                f"[Daemon]\nCgroupDirectory={folder}\n"), home=home)
            try:
                daemon.start()
                raise AssertionError("it has started")
            except AssertionError as why:
                assert reason in str(why), why


if __name__ == "__main__":
    run([test_this_machine, test_headroom_of_a_process, test_a_directory_that_is_none])
