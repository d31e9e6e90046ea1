# SPDX-License-Identifier: MIT
"""What the daemon says of control groups against the kernel's own files, read here anew and worked
out by another hand. For v2 and v1; no more than what a Python of Debian's minimal image has."""
import os
import pathlib

MIB = 1 << 20
V1_NONE = 1 << 60  # what v1 writes when there is no limit is larger than any machine


def hierarchy():
    """("v2" or "v1", directory), or (None, None) when nothing counts memory here."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            before, after = line.rstrip("\n").split(" - ", 1)
            kind, _, options = after.split(" ", 2)
            point = pathlib.Path(before.split(" ")[4])
            if kind == "cgroup2" and "memory" in words(point / "cgroup.controllers"):
                found.setdefault("v2", point)
            elif kind == "cgroup" and "memory" in options.split(","):
                found.setdefault("v1", point)
    return next(((kind, found[kind]) for kind in ("v2", "v1") if kind in found), (None, None))


def words(path):
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return []


def number(path):
    text = words(path)
    value = int(text[0]) if text and text[0].isdigit() else None
    return value if value is not None and value < V1_NONE else None


def pairs(path):
    text = words(path)
    return {key: int(value) for key, value in zip(text[::2], text[1::2])}


def path_of(pid):
    """Where the memory of a process is counted; None when it has ended."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1]
        lines = pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    if stat.split()[0] in (b"Z", b"X"):
        return None
    fields = [line.split(":", 2) for line in lines]
    memory = [path for _, kinds, path in fields if "memory" in kinds.split(",")]
    return (memory or [path for _, kinds, path in fields if not kinds] or [None])[0]


def needed(kind, group):
    """Each byte once: see daemon/model/cgroup.h."""
    stat = pairs(group / "memory.stat")
    if kind == "v1":
        stat = {key[6:]: value for key, value in stat.items() if key.startswith("total_")}
        kernel, swap = number(group / "memory.kmem.usage_in_bytes") or 0, stat.get("swap", 0)
    else:
        kernel = stat.get("kernel", sum(stat.get(key, 0) for key in (
            "kernel_stack", "pagetables", "sec_pagetables", "percpu", "slab")))
        kernel -= stat.get("zswap", 0)
        swap = number(group / "memory.swap.current") or 0
    if "inactive_anon" not in stat:
        return None
    swap -= stat.get("swapcached", 0)
    return (stat["inactive_anon"] + stat["active_anon"] + stat["unevictable"] + max(kernel, 0)
            + max(swap, 0))


def limit(kind, root, path):
    """(bytes, path of the group that sets it), (None, None) when only the machine does."""
    name = "memory.limit_in_bytes" if kind == "v1" else "memory.max"
    best = (None, None)
    while True:
        value = number(root / path.lstrip("/") / name)
        if value is not None and (best[0] is None or value < best[0]):
            best = (value, path)
        if path == "/":
            return best
        path = os.path.dirname(path)


def near(a, b):
    """Read at two moments, of a group in which programs run."""
    return a is not None and b is not None and abs(a - b) <= max(16 * MIB, max(a, b) // 4)


def differences(get):
    """What is wrong, as texts. get(path) gives the JSON of a resource."""
    kind, root = hierarchy()
    wrong = []
    status = get("/api/v1/status")
    if status["cgroup"] != (kind or status["cgroup"]):
        return [f"status says {status['cgroup']}, it is {kind}"]
    if not kind:
        return []
    total = 1024 * int(words(pathlib.Path("/proc/meminfo"))[1])
    groups = get("/api/v1/cgroups?limit=1000")["items"]
    for group in groups:
        path, place = group["path"], root / group["path"].lstrip("/")
        if not place.is_dir():
            continue  # it went in between
        value, whose = limit(kind, root, path)
        expected = (value, whose) if value is not None and value <= total else (total, None)
        if (group.get("limit_bytes"), group["limit_cgroup"]) != expected:
            wrong.append(f"{path}: limit {group.get('limit_bytes')} of {group['limit_cgroup']}, "
                         f"it is {expected}")
        truth = needed(kind, place)
        if truth is not None and not near(group.get("needed_bytes"), truth):
            wrong.append(f"{path}: needed {group.get('needed_bytes')}, it is {truth}")
    known = {group["path"]: group for group in groups}
    for process in get("/api/v1/processes?limit=1000")["items"]:
        path = path_of(process["pid"])
        if path is None or process["cgroup"] is None:
            continue
        if process["cgroup"] != path:
            wrong.append(f"{process['pid']} is in {path}, not in {process['cgroup']}")
        elif path in known and process["limit_bytes"] != known[path]["limit_bytes"]:
            wrong.append(f"{process['pid']}: limit {process['limit_bytes']}")
    return wrong
