# SPDX-License-Identifier: MIT
"""Allocators: is the one that serves malloc() found, are its numbers sound, what does a trim free?
Prints memory before and after for each allocator, workload and program."""
import glob
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time

from host import (AGENT, LONG, SKIP, Failure, Host, Place, at_once, check, interpreters,
                  need_agent)
from standin import DEADLINE, Gone

MIB = 1 << 20
LIBRARIES = {
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
    "mimalloc": "libmimalloc.so.2",
}
FORKS = 2000 if LONG else 30

# Memory: 96 MB used, what is kept of it is freed by nobody.
THREADS = """
import select, sys, threading, time
filled, kept = [], []
def work():
    blocks = [bytearray(6000) for _ in range(2000)]
    filled.append(1)
    while len(filled) < 8:
        time.sleep(0.001)
    kept.append(blocks[::100])
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
FRAGMENTS = """
import select, sys
blocks = [bytearray(6000) for _ in range(16000)]
kept = blocks[::10]
del blocks
"""
BEGIN = """
import select, sys
while not select.select([sys.stdin], [], [], 0.02)[0]:
    pass
sys.stdin.readline()
"""
WAIT = """
print("ready")
sys.stdout.flush()
while not select.select([sys.stdin], [], [], 0.02)[0]:
    pass
"""
WORKLOADS = {"threads": THREADS + WAIT, "fragments": FRAGMENTS + WAIT}

# Memory after a trim may be so many MiB above that of the program without the workload. A block
# that is alive keeps a page of glibc and jemalloc, a span of 8 KiB or more of tcmalloc, and 64 KiB
# of mimalloc, whose segments stay where ended threads have left some block.
LEFT_MIB = {
    ("glibc", "threads"): 12, ("glibc", "fragments"): 32,
    ("jemalloc", "threads"): 14, ("jemalloc", "fragments"): 34,
    ("tcmalloc", "threads"): 20, ("tcmalloc", "fragments"): 70,
    ("mimalloc", "threads"): 20, ("mimalloc", "fragments"): 120,
}


def find(library):
    for pattern in ("/usr/lib/*/", "/usr/lib64/", "/usr/lib/", "/usr/local/lib/"):
        found = glob.glob(pattern + library)
        if found:
            return found[0]
    return None


def preloads(allocator):
    """The agent before and after the allocator."""
    if allocator == "glibc":
        return [AGENT]
    library = find(LIBRARIES[allocator])
    return [AGENT + ":" + library, library + ":" + AGENT] if library else []


def is_named(session, allocator):
    name = session.hello["allocator"]
    check(name.split(" ")[0] == allocator, "hello names %r instead of %s" % (name, allocator))
    check(name.split(" ")[-1].split(".")[0].isdigit(), "no version in %r" % name)
    check("trim" in session.hello["caps"] and "malloc" in session.hello["caps"],
          "caps: %r" % session.hello["caps"])


def wait_for_ended_threads(host):
    """A thread that was joined may still be on its way out, with its memory."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        names = []
        for task in glob.glob("/proc/%d/task/*/comm" % host.pid):
            try:
                with open(task) as file:
                    names.append(file.read())
            except OSError:
                pass
        if len([name for name in names if not name.startswith("memtend")]) == 1:
            return
        time.sleep(0.001)
    raise Failure("threads never ended")


def numbers(session):
    """Those of malloc, checked against each other."""
    stats = session.stat(gc=False)
    found = {key[len("malloc_"):]: value for key, value in stats.items()
             if key.startswith("malloc_")}
    check("total_bytes" in found and "usec" in found, "stats: %r" % stats)
    chain = [found[key] for key in ("in_use_bytes", "total_bytes", "mapped_bytes") if key in found]
    check(chain == sorted(chain), "in use, total, mapped: %r" % found)
    check(found.get("free_resident_bytes", 0) <= found["total_bytes"], "free: %r" % found)
    check(found.get("arenas", 1) >= 1, "arenas: %r" % found)
    return found


def idle_bytes(command, preload):
    with Place() as place:
        host = Host(place.daemon, command, LD_PRELOAD=preload, MEMTEND_NAME="idle")
        check(host.line() == "ready", "the idle program")
        place.daemon.session(host.pid)
        rss = host.rss_bytes()
        host.go()
        host.end()
        return rss


def trim_frees(label, allocator, workload, command, idle, preload):
    with Place() as place:
        host = Host(place.daemon, command, LD_PRELOAD=preload, MEMTEND_NAME="trimmed")
        session = place.daemon.session(host.pid)
        is_named(session, allocator)
        if label != "C":
            session.wait_ready()  # until then the agent does not know the main thread
            host.go()
        check(host.line() == "ready", "the workload")
        wait_for_ended_threads(host)
        stats = numbers(session)
        before = host.rss_bytes()
        step = session.run("trim")[0]
        after = host.rss_bytes()
        check(step["outcome"] == "ok", "trim: %r" % step)
        if allocator == "mimalloc" and label.startswith("3."):
            check(step["mode"] == "main", "not on the main thread: %r" % step)
        counted = stats.get("free_resident_bytes")
        print("%-16s %-9s %-9s %6.1f -> %6.1f MiB, idle %5.1f%s, %5.1f ms" % (
            label, allocator, workload, before / MIB, after / MIB, idle / MIB,
            "" if counted is None else ", counted %6.1f freed %6.1f" % (
                counted / MIB, (before - after) / MIB), step.get("run_usec", 0) / 1000))
        left = (after - idle) / MIB
        check(left <= LEFT_MIB[allocator, workload], "%.1f MiB are left" % left)
        if counted is not None:  # the prediction that is made of it
            check(counted * 7 / 8 - MIB <= before - after <= counted * 33 / 32 + MIB,
                  "%d bytes counted, %d freed" % (counted, before - after))
        numbers(session)
        again = session.run("trim")[0]
        check(again["outcome"] == "ok", "second trim: %r" % again)
        host.go()
        host.end()


def programs(folder):
    """(label, command that is idle, {workload: command})"""
    binary = os.path.join(folder, "allocator_host")
    yield "C", [binary, "idle"], {name: [binary, name] for name in WORKLOADS}
    found = interpreters()
    system = [one for one in found if one.path.startswith("/usr")]
    for one in sorted({id(i): i for i in [found[0], found[-1]] + system}.values(),
                      key=lambda i: i.version):
        yield one.label, [one.path, "-c", "import select, sys, threading, time" + WAIT], {
            name: [one.path, "-c", BEGIN + text] for name, text in WORKLOADS.items()}


def every_trim(allocator, folder):
    for label, idle, workloads in programs(folder):
        for workload, command in workloads.items():
            for preload in preloads(allocator)[:1]:
                trim_frees(label, allocator, workload, command, idle_bytes(idle, preload), preload)


def either_order(allocator, folder):
    for command in ([os.path.join(folder, "allocator_host"), "idle"],
                    [interpreters()[-1].path, "-c", "import select, sys" + WAIT]):
        for preload in preloads(allocator):
            with Place() as place:
                host = Host(place.daemon, command, LD_PRELOAD=preload, MEMTEND_NAME="order")
                is_named(place.daemon.session(host.pid), allocator)
                host.line()
                host.go()
                host.end()


def ask_without_end(session):
    try:
        while True:
            session.stat(gc=False)
            session.run("trim")
    except (Gone, queue.Empty):
        pass


def busy_threads(allocator, folder):
    """Statistics and trims while eight threads are inside malloc."""
    for preload in preloads(allocator)[:1]:
        with Place(ask_without_end) as place:
            host = Host(place.daemon, [os.path.join(folder, "allocator_host"), "churn"],
                        LD_PRELOAD=preload, MEMTEND_NAME="busy")
            place.daemon.session(host.pid)
            host.line()
            host.go()
            host.end()


def forking(allocator, folder):
    """The same while the program forks. In the second program tcmalloc never hears of forks: without
    care of ours one in sixty children would never end."""
    runs = [("allocator_host", preloads(allocator)[0])]
    if allocator == "tcmalloc":
        runs += [("allocator_host_without_atfork", preload) for preload in preloads(allocator)]
    for binary, preload in runs:
        with Place(ask_without_end) as place:
            host = Host(place.daemon, [os.path.join(folder, binary), "forks", str(FORKS)],
                        LD_PRELOAD=preload, MEMTEND_NAME="forks")
            place.daemon.session(host.pid)
            host.line()
            host.go()
            host.end(b"0 hung\n")


def refused(allocator, _):
    """Nothing is kept by its settings: a trim would do nothing, ever."""
    settings = {"jemalloc": {"MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"},
                "tcmalloc": {"TCMALLOC_AGGRESSIVE_DECOMMIT": "1"}}.get(allocator)
    for preload in preloads(allocator) if settings else []:
        with Place() as place:
            host = Host(place.daemon, [interpreters()[-1].path, "-c", FRAGMENTS + WAIT],
                        LD_PRELOAD=preload, MEMTEND_NAME="refused", **settings)
            session = place.daemon.session(host.pid)
            host.line()
            step = session.run("trim")[0]
            check(step["outcome"] == "unsupported", "trim: %r" % step)
            host.go()
            host.end()


def of_a_library(allocator, folder):
    """Another allocator is in the program, for a library of its own; malloc() is glibc's."""
    if allocator == "glibc":
        return
    library = find(LIBRARIES[allocator])
    private = os.path.join(folder, "libprivate-%s.so" % allocator)
    source = os.path.join(folder, "private.c")
    with open(source, "w") as file:
        file.write("int private_library(void);\nint private_library(void) { return 1; }\n")
    compile_c(["-shared", "-fPIC", "-o", private, source, "-Wl,--no-as-needed", library])
    binary = os.path.join(folder, "with-" + allocator)
    compile_c(["-o", binary, SOURCE, "-Wl,--no-as-needed", private])
    check_is_glibc([binary, "idle"])


def opened_late(allocator, _):
    """A program that opens an allocator's library while it runs goes on with what it had."""
    if allocator == "glibc":
        return
    text = """if 1:
        import ctypes, select, sys
        try:
            ctypes.CDLL(%r)
        except OSError:
            pass  # one that wants its thread-local memory set aside at the start
        """ % find(LIBRARIES[allocator])
    check_is_glibc([interpreters()[-1].path, "-c", text + WAIT])


def check_is_glibc(command):
    with Place() as place:
        host = Host(place.daemon, command, MEMTEND_NAME="glibc")
        check(host.line() == "ready", "the program")
        session = place.daemon.session(host.pid)
        is_named(session, "glibc")
        check(session.run("trim")[0]["outcome"] == "ok", "trim")
        host.go()
        host.end()


def inside_the_program(allocator, folder):
    """Linked into the program, its names exported."""
    name, library = {"jemalloc": ("libjemalloc.a", "-lm"),
                     "tcmalloc": ("libtcmalloc_minimal.a", "-lstdc++")}.get(allocator, (None, None))
    archive = name and find(name)
    if not archive:
        return
    binary = os.path.join(folder, "static-" + allocator)
    compile_c(["-rdynamic", "-o", binary, SOURCE, archive, library, "-lm", "-lpthread", "-ldl"])
    with Place() as place:
        host = Host(place.daemon, [binary, "idle"], MEMTEND_NAME="static")
        check(host.line() == "ready", "the program")
        session = place.daemon.session(host.pid)
        is_named(session, allocator)
        numbers(session)
        check(session.run("trim")[0]["outcome"] == "ok", "trim")
        host.go()
        host.end()


SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "allocator_host.c")


def compile_c(arguments):
    subprocess.run(["gcc", "-O1", "-D_GNU_SOURCE", *arguments], check=True)


def attempt(job):
    """Whether it failed; a line about it."""
    case, allocator, folder = job
    begin, error = time.monotonic(), None
    try:
        case(allocator, folder)
    except Exception as raised:  # a test must never take the others with it
        error = raised
    print("%s %s, %s (%.1f s)%s" % (
        "FAILED" if error else "passed", case.__name__, allocator, time.monotonic() - begin,
        ": %s: %s" % (type(error).__name__, error) if error else ""), flush=True)
    return error is not None


def main():
    need_agent()
    if not shutil.which("gcc"):
        print("SKIP: no gcc to build the programs with")
        sys.exit(SKIP)
    allocators = ["glibc"] + [name for name, library in LIBRARIES.items() if find(library)]
    for name in sorted(set(LIBRARIES) - set(allocators)):
        print("note: %s is not installed: not tested" % LIBRARIES[name])
    if len(allocators) == 1:
        print("SKIP: no allocator but glibc's (libjemalloc2, libtcmalloc-minimal4, libmimalloc2.0)")
        sys.exit(SKIP)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="memtend-test-") as folder:
        compile_c(["-o", os.path.join(folder, "allocator_host"), SOURCE])
        compile_c(["-DWITHOUT_ATFORK", "-rdynamic", "-o",
                   os.path.join(folder, "allocator_host_without_atfork"), SOURCE])
        jobs = [(case, allocator, folder)
                for case in (forking, busy_threads, either_order, every_trim, refused, of_a_library,
                             opened_late, inside_the_program) for allocator in allocators]
        bad += sum(at_once(attempt, jobs))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
