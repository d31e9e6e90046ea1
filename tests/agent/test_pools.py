# SPDX-License-Identifier: MIT
"""pymalloc's pools as the agent reads them without the GIL, against the interpreter's own count."""
import os
import re

from host import Host, Place, check, run_cases, script, since

# Objects of many sizes, most of them dropped again: free, pinned and full pools.
TEXT = """if 1:
    import gc, os, random, sys
    random.seed(7)
    kept = []
    for size in (24, 40, 64, 100, 180, 300, 470):
        made = [bytes(size) for _ in range(20000)]
        kept.extend(one for one in made if random.random() < 0.05)
        kept.extend(made[:3000])
        del made
    gc.collect(); gc.disable()
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    os.read(0, 100)
    console = os.dup(2)
    os.dup2(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), 2)
    sys._debugmallocstats()
    os.dup2(console, 2)
    sys.stdout.write("told\\n"); sys.stdout.flush()
    os.read(0, 100)
"""
# What the interpreter allocates meanwhile: caches of the code it runs, the line it says. Less than a
# percent; tests/scan compares to the byte.
NOISE_BYTES = 65536


def number(text, what):
    found = re.search(r"^# %s\s*=\s*([0-9,]+)" % re.escape(what), text, re.M)
    return int(found.group(1).replace(",", ""))


@since(3, 6)
def the_agent_counts_as_the_interpreter_does(interpreter):
    with Place() as place:
        path = os.path.join(place.folder, "told")
        host = Host(place.daemon, script(interpreter, TEXT) + [path])
        session = place.daemon.session(host.pid)
        check(host.line() == "ready", "script")
        session.wait_ready()
        check("pools" in session.hello["caps"], str(session.hello))
        host.go()
        check(host.line() == "told", "script")
        stats = session.stat(gc=False, pools=True)
        host.go()
        host.end()
        with open(path) as file:
            told = file.read()
        check(not stats["py_partial"] and stats["py_result"] == "ok", str(stats))
        for key, what in (("py_used_bytes", "bytes in allocated blocks"),
                          ("py_pinned_bytes", "bytes in available blocks")):
            want = number(told, what)
            check(abs(stats[key] - want) <= NOISE_BYTES, "%s: %d, not %d" % (key, stats[key], want))
        size = 4096 if interpreter.version < (3, 10) else 16384
        check(stats["py_free_bytes"] == stats["py_free_pools"] * size, str(stats))
        blocks = sum(count * (i + 1) * 8 for i, count in enumerate(stats["py_class_blocks"]))
        check(blocks == stats["py_used_bytes"], "%d bytes by class" % blocks)
        check(sum(stats["py_class_pools"]) == stats["py_pools"] - stats["py_free_pools"], "pools")
        arenas = int(re.search(r"# arenas allocated current\s*=\s*([0-9,]+)", told)
                     .group(1).replace(",", ""))
        check(abs(stats["py_arenas"] - arenas) <= 2, "%d arenas, not %d" %
              (stats["py_arenas"], arenas))


@since(2, 7)
def the_program_keeps_its_descriptors(interpreter):
    """A program that owns every low number, closes and duplicates all the while."""
    text = """if 1:
        import os, sys, threading
        stop = []
        def churn():
            while not stop:
                fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(64)]
                os.dup2(fds[0], 63)
                for fd in set(fds + [63]):
                    os.close(fd)
        thread = threading.Thread(target=churn)
        thread.start()
        sys.stdout.write("ready\\n"); sys.stdout.flush()
        sys.stdin.readline()
        stop.append(1); thread.join()
        def of_mine(task):
            try:
                with open("/proc/self/task/%s/comm" % task) as file:
                    return not file.read().startswith("memtend")
            except (IOError, OSError):
                return False
        while sum(map(of_mine, os.listdir("/proc/self/task"))) > 1:
            pass  # 3.12 warns of a fork as long as a joined thread is on its way out
        print(sorted(os.listdir("/proc/self/fd"), key=int)[:3])
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        check(host.line() == "ready", "script")
        session.wait_ready()
        for _ in range(50):
            check("py_pools" in session.stat(gc=False, pools=True), "no pools")
        host.go()
        check(host.line() == "['0', '1', '2']", "descriptors")
        host.end()


@since(3, 6)
def what_a_filter_hides_is_not_none(interpreter):
    """A container may refuse system calls that the agent reads itself with."""
    text = """if 1:
        import ctypes, struct, sys
        def row(code, yes, no, value): return struct.pack("HBBI", code, yes, no, value)
        sys.stdin.readline()
        rows = [row(0x20, 0, 0, 0), row(0x15, 0, 1, int(sys.argv[1])), row(6, 0, 0, 0x50001),
                row(6, 0, 0, 0x7fff0000)]
        code = ctypes.create_string_buffer(b"".join(rows))
        program = struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code))
        libc = ctypes.CDLL(None)
        libc.prctl(38, 1, 0, 0, 0)
        assert libc.syscall(317, 1, 1, program) == 0  # seccomp(), all threads
        print("up", flush=True)
        sys.stdin.readline()"""
    if os.uname().machine != "x86_64":
        return
    for number_of_call, told in ((27, True), (310, True), (17, False), (436, False)):
        # mincore, process_vm_readv: not used under a filter; pread64, close_range
        with Place() as place:
            host = Host(place.daemon, script(interpreter, text) + [str(number_of_call)])
            session = place.daemon.session(host.pid)
            session.wait_ready()
            check("py_pools" in session.stat(pools=True), "no pools without a filter")
            host.go()
            check(host.line() == "up", "no filter")
            stats = session.stat(pools=True)
            pools = [key for key in stats if key.startswith("py_") and "pool" in key]
            check(bool(pools) == told, "call %d: %s" % (number_of_call, stats))
            check(stats["py_result"] == "ok", str(stats))
            host.go()
            host.end()


if __name__ == "__main__":
    run_cases([the_agent_counts_as_the_interpreter_does, the_program_keeps_its_descriptors,
               what_a_filter_hides_is_not_none])
