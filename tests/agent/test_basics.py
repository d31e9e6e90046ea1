# SPDX-License-Identifier: MIT
"""What an agent says and does: hello, stat, collect, trim, refusals, the GIL, the main thread."""
from host import Host, Place, check, run_cases, script, since

WAIT = "import sys; sys.stdin.readline()\n"


def hello_and_stat(interpreter):
    with Place() as place:
        host = Host(place.daemon, script(interpreter, WAIT), MEMTEND_NAME="web")
        session = place.daemon.session(host.pid)
        hello = session.hello
        version = ".".join(str(part) for part in interpreter.version)
        check(hello["runtime"] == "cpython " + version, "runtime %s" % hello)
        check(hello["allocator"].startswith("glibc 2."), "allocator %s" % hello)
        check(hello["name"] == "web" and not hello["forked"], "hello %s" % hello)
        wanted = ["malloc", "gc", "collect", "trim"] if interpreter.full else ["malloc", "trim"]
        check(set(wanted) <= set(hello["caps"]), "caps %s" % hello)
        if interpreter.full:
            session.wait_ready()
        stats = session.stat()
        check(stats["malloc_total_bytes"] >= stats["malloc_in_use_bytes"] > 0, str(stats))
        if interpreter.full:
            check(stats["gc_enabled"] is True and stats["gc_threshold"][1] == 10, str(stats))
            check(stats["gc_garbage"] == 0, str(stats))
            check(interpreter.version < (3,) or stats["py_blocks"] > 1000, str(stats))
        else:
            check(stats["py_result"] == "unsupported" and "gc_count" not in stats, str(stats))
            check(session.run("collect")[0]["outcome"] == "unsupported", "collect")
        host.go()
        host.end()


def collect_frees_cycles_with_gc_off(interpreter):
    text = """if 1:
        import gc, sys
        gc.disable()
        def work():
            for i in range(100000):
                a = []; a.append(a)
        work()
        print("made"); sys.stdout.flush()
        sys.stdin.readline()
        print("%s %d" % (gc.isenabled(), gc.collect()))"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        check(host.line() == "made", "script")
        session.wait_ready()
        before = session.stat()
        check(before["gc_enabled"] is False and before["gc_count"][0] >= 90000, str(before))
        if "py_blocks" in before:  # what a pause is predicted from
            refused = session.run("collect", max_pause_usec=1)[0]
            check(refused["outcome"] == "too_many_objects", str(refused))
        step = session.run("collect")[0]
        check(step["outcome"] == "ok" and step["objects"] >= 100000, str(step))
        check(step["run_usec"] > 0 and step["mode"] == "thread", str(step))
        after = session.stat()
        check("py_blocks" not in before or before["py_blocks"] - after["py_blocks"] >= 100000,
              "%s %s" % (before, after))
        host.go()
        check(host.end(expected=None) == b"False 0\n", "the program's own gc state changed")


def trim_returns_what_free_kept(interpreter):
    text = """if 1:
        import sys
        blocks = [bytearray(6000) for i in range(20000)]
        blocks = blocks[::20]
        print("freed"); sys.stdout.flush()
        sys.stdin.readline()
        assert all(len(b) == 6000 and not any(b[:64]) for b in blocks)"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        check(host.line() == "freed", "script")
        before = host.rss_bytes()
        step = session.run("trim")[0]
        check(step["outcome"] == "ok" and "objects" not in step, str(step))
        after = host.rss_bytes()
        check(before > 100e6 and after < before * 0.5, "RSS %d -> %d" % (before, after))
        host.go()
        host.end()


@since(3, 6)  # gc.callbacks
def a_blocked_gil_is_a_timeout_and_the_command_is_dropped(interpreter):
    text = """if 1:
        import ctypes, gc, sys
        gc.disable()
        runs = []
        gc.callbacks.append(lambda phase, info: runs.append(phase) if phase == "start" else None)
        buffer = ctypes.create_string_buffer(8)
        read = ctypes.PyDLL(None).read
        print("up"); sys.stdout.flush()
        sys.stdin.readline()
        print("in"); sys.stdout.flush()
        read(0, buffer, 3)  # keeps the GIL until there is something to read
        sys.stdin.readline()
        print(len(runs))"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        check(host.line() == "up", "script")
        session.wait_ready()
        session.collect()
        host.go()
        check(host.line() == "in", "script")
        host.wait_asleep()
        outcome = session.run("collect", gil_timeout_msec=150)[0]["outcome"]
        check(outcome == "gil_timeout", "outcome %s" % outcome)
        check("malloc_free_bytes" in session.stat(gc=False), "malloc while the GIL is held")
        check(session.run("trim")[0]["outcome"] == "ok", "trim while the GIL is held")
        late = session.run("collect", gil_timeout_msec=100)[0]["outcome"]
        check(late == "busy", "second collect: " + late)
        host.go()
        session.wait_ready()
        host.go()
        host.end(b"1\n")  # what came too late has not run


def one_request_waits_and_the_next_is_refused(interpreter):
    text = """if 1:
        import ctypes, sys
        buffer = ctypes.create_string_buffer(8)
        read = ctypes.PyDLL(None).read
        sys.stdin.readline()
        print("up"); sys.stdout.flush()
        read(0, buffer, 3)  # keeps the GIL until there is something to read
        read = ctypes.CDLL(None).read
        read(0, buffer, 3)"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.go()
        check(host.line() == "up", "script")
        host.wait_asleep()
        first = session.begin("collect", gil_timeout_msec=300)
        second = session.send(t="stat", malloc=True, gc=True, gil_timeout_msec=5000)
        third = session.send(t="stat", malloc=True, gc=True, gil_timeout_msec=5000)
        aside = session.send(t="stat", malloc=True, gc=False, gil_timeout_msec=0)
        check("malloc_free_bytes" in session.answers(aside)[0], "a stat without the GIL")
        check(session.answers(third)[0].get("error") == "busy", "third")
        check(session.answers(first)[0]["outcome"] == "gil_timeout", "first")
        check(session.answers(second)[0]["py_result"] == "busy", "second, behind a stuck job")
        host.go()
        session.wait_ready()
        host.go()
        host.end()


@since(3, 7)
def bound_finalisers_run_on_the_main_thread(interpreter):
    text = """if 1:
        import asyncio, gc, sys, threading
        gc.disable()
        class Bound:
            def __init__(self):
                self.me = self
            def __del__(self):
                print(threading.current_thread() is threading.main_thread())
        async def loop():
            Bound()
            done = threading.Event()
            threading.Thread(target=lambda: (sys.stdin.readline(), done.set())).start()
            print("up", flush=True)
            while not done.is_set():
                await asyncio.sleep(0.01)
        asyncio.get_event_loop_policy().new_event_loop().run_until_complete(loop())"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        check(host.line() == "up", "script")
        session.wait_ready()
        step = session.run("collect")[0]
        check(step["outcome"] == "ok" and step["mode"] == "main", str(step))
        host.go()
        check(host.end(expected=None) == b"True\n", "finaliser on another thread")


@since(3, 6)  # gc.callbacks
def a_main_thread_that_never_looks_is_a_timeout(interpreter):
    text = """if 1:
        import gc, sys
        gc.disable()
        runs = []
        gc.callbacks.append(lambda phase, info: runs.append(phase))
        print("up"); sys.stdout.flush()
        sys.stdin.readline()
        for i in range(1000):
            [j for j in range(100)]
        print(len(runs))"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        check(host.line() == "up", "script")
        session.wait_ready()
        host.wait_asleep()
        step = session.run("collect", mode="main", gil_timeout_msec=150)[0]
        check(step["outcome"] == "gil_timeout" and step["mode"] == "main", str(step))
        host.go()
        check(host.end(expected=None) == b"0\n", "a cancelled pending call collected")


def the_main_thread_of_a_busy_loop_is_reached(interpreter):
    text = """if 1:
        import sys, threading
        done = []
        threading.Thread(target=lambda: (sys.stdin.readline(), done.append(1))).start()
        while not done:
            pass"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        for _ in range(5):
            step = session.run("collect", mode="main")[0]
            check(step["outcome"] == "ok" and step["mode"] == "main", str(step))
        host.go()
        host.end()


def nonsense_is_refused(interpreter):
    with Place() as place:
        host = Host(place.daemon, script(interpreter, WAIT))
        session = place.daemon.session(host.pid)
        check(session.answers(session.send(t="levitate"))[0]["error"] == "unsupported", "no such")
        check(session.answers(session.send(t="stat"))[0]["error"] == "bad_request", "stat")
        check(session.answers(session.send(t="done", outcome="ok", steps=0))[0]["error"] ==
              "bad_request", "an answer as a request")
        steps = session.run("purge", "trim")
        check([one["outcome"] for one in steps] == ["unsupported", "ok"], str(steps))
        session.connection.sendall(b"{\"t\":\"stat\",\n")
        again = place.daemon.session(host.pid, skip=1)
        check(again.stat(gc=False)["t"] == "stats", "after a broken line")
        host.go()
        host.end()


def a_daemon_that_comes_back_is_found(interpreter):
    with Place() as place:
        host = Host(place.daemon, script(interpreter, WAIT))
        for time_away in range(3):
            session = place.daemon.session(host.pid, skip=time_away)
            session.stat(gc=False)
            place.daemon.stop()
            place.daemon.start_again()
        place.daemon.session(host.pid, skip=3).stat(gc=False)
        host.go()
        host.end()


if __name__ == "__main__":
    run_cases([hello_and_stat, collect_frees_cycles_with_gc_off, trim_returns_what_free_kept,
               a_blocked_gil_is_a_timeout_and_the_command_is_dropped,
               one_request_waits_and_the_next_is_refused,
               bound_finalisers_run_on_the_main_thread,
               a_main_thread_that_never_looks_is_a_timeout,
               the_main_thread_of_a_busy_loop_is_reached, nonsense_is_refused,
               a_daemon_that_comes_back_is_found])
