# SPDX-License-Identifier: MIT
"""A container without a container runtime: pid, mount and user namespaces, a read-only root of its
own, a user without a name. As a module: Container. As a script: what enters the namespaces.

usage: container.py SPECIFICATION   (JSON: new_root, binds, writable, uid, environment, command)
"""
import contextlib
import ctypes
import json
import os
import pathlib
import subprocess
import sys
import tempfile

OUTER = 65533  # the user outside when root runs the tests; 65534 is what has no number
INNER = 1000
UNMAPPED = 65534  # what the kernel calls users that a namespace has no number for
PYTHON = "/usr/bin/python3"
PROGRAMS, WORKLOADS = "/opt/memtend", "/opt/workloads"
AGENT = PROGRAMS + "/lib/libmemtend-agent.so"
CANNOT = 77

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH, PR_SET_DUMPABLE = 4096, 16384, 1 << 18, 2, 4

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    converted = [os.fsencode(a) if isinstance(a, (str, pathlib.Path)) else a for a in arguments]
    if getattr(libc, name)(*converted) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}{arguments}: {os.strerror(error)}")


def tell_kernel(path, text):
    """Without Python's files: its library may be out of sight by now."""
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)


def map_ids(inner, outer_uid, outer_gid):
    tell_kernel("/proc/self/setgroups", "deny")
    tell_kernel("/proc/self/uid_map", f"{inner} {outer_uid} 1")
    tell_kernel("/proc/self/gid_map", f"{inner} {outer_gid} 1")


def bind(source, target):
    if os.path.isdir(source):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    call("mount", source, target, None, ctypes.c_ulong(MS_BIND | MS_REC), None)
    # Flags of the mount that this one is from may not be taken away in a user namespace.
    kept = os.statvfs(target).f_flag & (os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME
                                        | os.ST_NODIRATIME | os.ST_RELATIME)
    flags = MS_BIND | MS_REMOUNT | MS_RDONLY | (kept & 0xF)
    flags |= (1024 if kept & os.ST_NOATIME else 0) | (2048 if kept & os.ST_NODIRATIME else 0)
    flags |= 1 << 21 if kept & os.ST_RELATIME else 0
    call("mount", None, target, None, ctypes.c_ulong(flags), None)


def build_root(root, binds, writable):
    tmpfs = MS_NOSUID | MS_NODEV
    call("mount", None, "/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
    call("mount", "tmpfs", root, "tmpfs", ctypes.c_ulong(tmpfs), b"mode=755")
    for name in ("bin", "lib", "lib64", "sbin"):
        if os.path.islink("/" + name):
            (root / name).symlink_to(os.readlink("/" + name))
        elif os.path.exists("/" + name):
            bind("/" + name, root / name)
    for source, target in binds:
        bind(source, root / target.lstrip("/"))
    for folder in (root / name.lstrip("/") for name in writable):
        folder.mkdir(parents=True, exist_ok=True)
        call("mount", "tmpfs", folder, "tmpfs", ctypes.c_ulong(tmpfs), b"mode=1777")
    (root / "proc").mkdir()
    call("mount", "proc", root / "proc", "proc", ctypes.c_ulong(tmpfs), None)
    call("mount", None, root, None, ctypes.c_ulong(MS_REMOUNT | MS_RDONLY | tmpfs), b"mode=755")
    os.chdir(root)
    call("pivot_root", ".", ".")
    call("umount2", ".", MNT_DETACH)
    os.chdir("/")


def enter_user(inner, is_root):
    """From here on this is `inner` of a user namespace, and outside a user without rights."""
    outer = OUTER if is_root else 0  # 0 of the namespace that an ordinary user has made first
    if is_root:
        os.setgroups([])
        os.setresgid(outer, outer, outer)
        os.setresuid(outer, outer, outer)
        call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)
    call("unshare", CLONE_NEWUSER)
    map_ids(inner, outer, outer)


def be_first_process(specification, is_root):
    try:
        build_root(pathlib.Path(specification["new_root"]), specification["binds"],
                   specification["writable"])
        enter_user(specification["uid"], is_root)
        command = specification["command"]
        os.execve(command[0], command, specification["environment"])
    except OSError as error:
        os.write(2, f"container: {error}\n".encode())
        os._exit(CANNOT)


def enter(specification):
    is_root = os.geteuid() == 0
    try:
        if not is_root:
            uid, gid = os.geteuid(), os.getegid()
            call("unshare", CLONE_NEWUSER)
            map_ids(0, uid, gid)
        call("unshare", CLONE_NEWNS | CLONE_NEWPID)
    except OSError as error:
        print(f"container: {error}", file=sys.stderr)
        return CANNOT
    # pivot_root() takes the files away from this process as well, so the file is opened before.
    pid_file = os.open(specification["new_root"] + ".pid", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        be_first_process(specification, is_root)
    os.write(pid_file, f"{pid}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


class Container:
    """with Container(build, [PROGRAM, ...], agent=FOLDER) as one: one.pid is seen from outside."""

    def __init__(self, build, command, agent=None, uid=INNER, writable=(), environment=None,
                 binds=(), **options):
        self.place = tempfile.TemporaryDirectory(prefix="memtend-root-")
        root = os.path.join(self.place.name, "root")
        os.mkdir(root)
        workloads = pathlib.Path(__file__).resolve().parents[1] / "workloads"
        binds = [("/usr", "/usr"), ("/etc", "/etc"), ("/dev/null", "/dev/null"),
                 ("/dev/urandom", "/dev/urandom"), (str(build / "bin"), PROGRAMS + "/bin"),
                 (str(build / "lib"), PROGRAMS + "/lib"), (str(workloads), WORKLOADS), *binds]
        if agent:
            binds.append((str(agent), "/run/memtend/agent"))
        specification = {"new_root": root, "binds": binds, "writable": list(writable), "uid": uid,
                         "environment": {"PATH": "/usr/bin:/bin", **(environment or {})},
                         "command": list(map(str, command))}
        self.pid_file = pathlib.Path(root + ".pid")
        options = {"stdin": subprocess.DEVNULL, **options}
        self.process = subprocess.Popen([sys.executable, __file__, json.dumps(specification)],
                                        text=True, **options)

    @property
    def pid(self):
        """Of its first process; 0 before there is one."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            text = self.pid_file.read_text(encoding="ascii")
            return int(text) if text.endswith("\n") else 0
        return 0

    def finish(self, seconds=60):
        """(exit code, stdout, stderr), as far as they are pipes."""
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.kill(self.pid or self.process.pid, 9)
        self.process.communicate(timeout=20)
        self.place.cleanup()


def why_not(build):
    """None when containers can be made here, else the reason."""
    if not os.path.exists(PYTHON):
        return f"there is no {PYTHON}"
    with Container(build, ["/bin/true"], stderr=subprocess.PIPE) as one:
        code, _, said = one.finish()
    assert code in (0, CANNOT), said
    return None if code == 0 else f"no namespaces can be made here: {said.strip()}"


if __name__ == "__main__":
    sys.exit(enter(json.loads(sys.argv[1])))
