# SPDX-License-Identifier: MIT
"""The Python package in every interpreter: a late start, forks, regions, cache hooks, collect."""
import os
import sys
import time

from host import AGENT, Host, Place, check, run_cases, script, since

PACKAGE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                        "..", "..", "python"))
QUIET = ["-W", "error"]  # a warning ends the program
WAIT = "sys.stdin.readline()\n"
PRELUDE = """
import memtend, os, select, sys, threading, time
def say(text):
    sys.stdout.write("%s\\n" % text)
    sys.stdout.flush()
def on_main():
    return threading.current_thread().__class__.__name__ == "_MainThread"
"""


def start(place, interpreter, text, **env):
    """A program with the package but without the preloaded library."""
    options = dict(LD_PRELOAD="", PYTHONPATH=PACKAGE, MEMTEND_LIBRARY=AGENT,
                   PYTHONDONTWRITEBYTECODE="1")
    options.update(env)
    return Host(place.daemon, script(interpreter, PRELUDE + text, *QUIET), **options)


def offered(session, step):
    return session.hello if step in session.hello["caps"] else None


def wait_marks(place, session, count):
    return place.daemon.wait(lambda: session.marks if len(session.marks) >= count else None,
                             "%d marks, only %s" % (count, session.marks))


def without_an_agent_nothing_happens(interpreter):
    """Also where start() cannot work: all calls do what they can, silently."""
    with Place() as place:
        host = start(place, interpreter, """
@memtend.region("function")
def work():
    with memtend.region("inner"):
        memtend.mark("point")
    return 7
@memtend.on_pressure
def drop(): pass
assert work() == 7 and work.__name__ == "work"
assert not memtend.start("x", "/socket") and memtend.status()["reason"] == "MEMTEND=0"
done = memtend.collect()
assert done["objects"] >= 0 and done["trimmed"] and done["rss_after_bytes"] > 0, done
assert work() == 7
assert threading.active_count() == 1 and len(os.listdir("/proc/self/task")) == 1
for wrong in (lambda: memtend.start(3), lambda: memtend.on_pressure(3), lambda: memtend.mark(3),
              lambda: memtend.region(None)):
    try: wrong()
    except TypeError: continue
    raise AssertionError("no TypeError")
say("done")
""", MEMTEND="0")
        host.end(b"done\n")
        check(not place.daemon.sessions, "hello although MEMTEND=0")


def a_late_start_is_an_agent(interpreter):
    with Place() as place:
        host = start(place, interpreter, """
assert memtend.status()["reason"] == "start() was not called"
assert memtend.start(u"shop") and memtend.start()
found = memtend.status()
assert found["active"] and found["reason"] == "" and found["version"] == memtend.__version__, found
assert found["runtime"].startswith("cpython") and found["allocator"].startswith("glibc"), found
""" + WAIT + """
assert memtend.status()["connected"]
assert memtend.start("store")
""" + WAIT)
        session = place.daemon.session(host.pid)
        # The library's constructor has seen MEMTEND_SOCK already: the name may come behind.
        place.daemon.wait(lambda: session.hello["name"] == "shop", "the name")
        session.wait_ready()
        session.collect("trim")
        check(session.run("hooks")[0]["outcome"] == "unsupported", "hooks without any")
        host.go()
        place.daemon.wait(lambda: session.hello["name"] == "store", "the other name")
        host.go()
        host.end()
        check(len({id(one) for one in place.daemon.sessions}) == 1, "a second connection")


def children_of_a_late_start(interpreter):
    """Started by another thread than the main one; forks at once; no warning of threads."""
    with Place() as place:
        host = start(place, interpreter, """
started = []
thread = threading.Thread(target=lambda: started.append(memtend.start("family")))
thread.start()
thread.join()
assert started == [True]
@memtend.on_pressure
def drop(): pass
pid = os.fork()
if pid == 0:
    # 2.7 and 3.6 are approached by the main thread, so it must run now and then.
    while not select.select([sys.stdin], [], [], 0.01)[0]: pass
    os._exit(3)
say(pid)
assert os.wait()[1] == 3 << 8
""")
        child = place.daemon.session(int(host.line()))
        check(child.hello["forked"], str(child.hello))
        place.daemon.wait(lambda: child.hello["name"] == "family", "the name in the child")
        place.daemon.wait(lambda: offered(child, "hooks"), "hooks in the child")
        child.wait_ready()
        step = child.run("hooks")[0]
        check(step["outcome"] == "ok" and step["objects"] == 1, "hooks in the child: %s" % step)
        host.go()
        host.end()


def a_preloaded_library_is_used(interpreter):
    with Place() as place:
        host = start(place, interpreter, """
with memtend.region("early"): pass
assert memtend.status()["active"]
assert memtend.start("late")
""" + WAIT, LD_PRELOAD=AGENT, MEMTEND_LIBRARY="/absent")
        session = place.daemon.session(host.pid)
        check(wait_marks(place, session, 1)[0]["name"] == "early", "the region")
        place.daemon.wait(lambda: session.hello["name"] == "late", "the name")
        host.go()
        host.end()


def regions_are_told(interpreter):
    with Place() as place:
        host = start(place, interpreter, """
assert memtend.start()
while not memtend.status()["connected"]: time.sleep(0.001)
with memtend.region("outer"):
    with memtend.region(u"inner"):
        time.sleep(0.02)
@memtend.region("function")
def work(): time.sleep(0.001)
threads = [threading.Thread(target=work) for _ in range(3)]
for one in threads: one.start()
for one in threads: one.join()
again = memtend.region("again")
with again:
    with again: pass
memtend.mark("point")
def generator(): yield
try: memtend.region("x")(generator)
except TypeError: pass
else: raise AssertionError("no TypeError")
""" + WAIT)
        session = place.daemon.session(host.pid)
        marks = wait_marks(place, session, 8)
        ends = [one["name"] for one in marks if one["phase"] == "end"]
        check(sorted(ends) == ["again"] * 2 + ["function"] * 3 + ["inner", "outer"], str(marks))
        check([one["name"] for one in marks if one["phase"] == "point"] == ["point"], str(marks))
        usec = {one["name"]: one["usec"] for one in marks}
        check(usec["outer"] >= usec["inner"] >= 20000, str(usec))
        spans = [one["span"] for one in marks if one["phase"] == "end"]
        check(len(set(spans)) == len(spans), "spans twice: %s" % spans)
        host.go()
        host.end()


def names_may_be_anything(interpreter):
    """Of a file, for one: nothing raises, and every line is JSON."""
    with Place() as place:
        host = start(place, interpreter, """
assert memtend.start(u"\\udc80\\x1b[31m")
while not memtend.status()["connected"]: time.sleep(0.001)
for name in (u"\\udc80", b"\\xff\\xfe\\x1b[31m", u"x" * 100000, u"\\u20ac" * 100, u"a\\n\\0b", b"\\xe2\\x82"):
    memtend.mark(name)
    with memtend.region(name): pass
memtend.mark("last")
""" + WAIT)
        session = place.daemon.session(host.pid)
        place.daemon.wait(lambda: session.closed.is_set() or
                          any(one["name"] == "last" for one in session.marks), "the last mark")
        check(not session.closed.is_set(), "a line that is no JSON, after %s" % session.marks)
        check(len(session.marks) == 13, str(session.marks))
        check(not any("\x1b" in one["name"] or "\n" in one["name"] for one in session.marks),
              str(session.marks))
        host.go()
        host.end()


@since(3, 6)
def an_isolated_interpreter_loads_nothing_named(interpreter):
    with Place() as place:
        text = "import sys; sys.path.insert(0, %r)" % PACKAGE + """
import memtend, os
assert not memtend.start(), "started"
assert "is not there" in memtend.status()["reason"], memtend.status()
"""
        host = Host(place.daemon, script(interpreter, text, "-I", "-B"), LD_PRELOAD="",
                    MEMTEND_LIBRARY=AGENT)
        host.end()


def a_flood_of_marks_is_left_out(interpreter):
    with Place() as place:
        host = start(place, interpreter, """
assert memtend.start()
while not memtend.status()["connected"]: time.sleep(0.001)
for _ in range(50000):
    with memtend.region("loop"): pass
    memtend.mark("point")
memtend.collect()
end = time.time() + 20
while memtend.status()["marks_told"] == 0 and time.time() < end: time.sleep(0.01)
found = memtend.status()
assert found["marks_left_out"] > 99000 and 0 < found["marks_told"] < 100, found
""" + WAIT)
        session = place.daemon.session(host.pid)
        wait_marks(place, session, 1)
        check(session.stat()["t"] == "stats", "stat after the flood")
        host.go()
        host.end()
        check(len(session.marks) < 100, "%d marks" % len(session.marks))


def hooks_are_called(interpreter):
    with Place() as place:
        host = start(place, interpreter, """
calls = []
@memtend.on_pressure
def first():
    calls.append(on_main())
assert memtend.start()
def second():
    memtend.collect()
    memtend.status()
    assert memtend.start()
    with memtend.region("dropping"): memtend.on_pressure(third)
    memtend.off_pressure(second)
def third(): sys.exit(3)
memtend.on_pressure(second)
say("ready")
""" + WAIT + """
assert calls == [False, False], calls
found = memtend.status()
assert found["hooks"] == 2 and found["hooks_called"] == 4 and found["hooks_failed"] == 1, found
assert found["hook_error"] == "__main__.third: SystemExit", found
memtend.off_pressure(first)
memtend.off_pressure(third)
for _ in range(16): memtend.on_pressure(first)
try: memtend.on_pressure(first)
except ValueError: pass
else: raise AssertionError("17 hooks")
for _ in range(16): memtend.off_pressure(first)
say("none")
""" + WAIT)
        session = place.daemon.session(host.pid)
        check(host.line() == "ready", "two hooks")
        session.wait_ready()
        step = session.run("hooks")[0]
        check(step["outcome"] == "ok" and step["objects"] == 2 and step["run_usec"] > 0, str(step))
        step = session.run("hooks", "trim")[0]
        check(step["outcome"] == "failed" and step["objects"] == 2, "one that raises: %s" % step)
        host.go()
        check(host.line() == "none", "hooks that come and go")
        place.daemon.wait(lambda: not offered(session, "hooks"), "hello without hooks")
        check(session.run("hooks")[0]["outcome"] == "unsupported", "no hooks any more")
        host.go()
        host.end()


@since(3, 6)
def hooks_under_asyncio_run_on_the_main_thread(interpreter):
    with Place() as place:
        host = start(place, interpreter, """
import asyncio
assert memtend.start()
@memtend.on_pressure
def drop(): assert on_main()
end = time.time() + 20
while memtend.status()["hooks_called"] == 0 and time.time() < end: time.sleep(0.001)
say(memtend.status()["hooks_failed"])
""" + WAIT)
        session = place.daemon.session(host.pid)
        place.daemon.wait(lambda: offered(session, "hooks"), "hooks in hello")
        session.wait_ready()
        step = session.run("hooks")[0]
        check(step["mode"] == "main" and step["outcome"] == "ok", str(step))
        host.go()
        host.end(b"0\n")


def a_hook_that_does_not_end_holds_up_only_itself(interpreter):
    with Place() as place:
        host = start(place, interpreter, """
assert memtend.start()
@memtend.on_pressure
def forever():
    say("in")
    sys.stdin.readline()
    say("out")
while memtend.status()["hooks_called"] == 0: time.sleep(0.001)
""" + WAIT)
        session = place.daemon.session(host.pid)
        place.daemon.wait(lambda: offered(session, "hooks"), "hooks in hello")
        session.wait_ready()
        replies = session.begin("hooks")
        check(host.line() == "in", "the hook did not begin")
        check(session.stat(gc=False)["t"] == "stats", "malloc's numbers meanwhile")
        host.go()
        check(session.answers(replies)[0]["outcome"] == "ok", "the hook")
        host.go()
        host.end(b"out\n")


def a_daemon_that_goes_away_meets_the_hook_again(interpreter):
    """The connection is lost while a hook runs: the next one is answered busy, then served."""
    with Place() as place:
        host = start(place, interpreter, """
assert memtend.start()
first = [True]
@memtend.on_pressure
def once():
    if not first: return
    first.pop()
    say("in")
    sys.stdin.readline()
while memtend.status()['hooks_called'] < 2: time.sleep(0.001)
""" + WAIT)
        session = place.daemon.session(host.pid)
        place.daemon.wait(lambda: offered(session, "hooks"), "hooks in hello")
        session.wait_ready()
        session.begin("hooks")
        check(host.line() == "in", "the hook did not begin")
        session.close()
        again = place.daemon.wait(lambda: [one for one in place.daemon.sessions
                                           if one is not session], "the next connection")[0]
        check(again.run("hooks")[0]["outcome"] == "busy", "two hooks at a time")
        host.go()
        while again.run("hooks")[0]["outcome"] == "busy":
            time.sleep(0.005)
        host.go()
        host.end()


if __name__ == "__main__":
    run_cases([without_an_agent_nothing_happens,
               a_late_start_is_an_agent,
               children_of_a_late_start,
               a_preloaded_library_is_used,
               regions_are_told,
               names_may_be_anything,
               an_isolated_interpreter_loads_nothing_named,
               a_flood_of_marks_is_left_out,
               hooks_are_called,
               hooks_under_asyncio_run_on_the_main_thread,
               a_hook_that_does_not_end_holds_up_only_itself,
               a_daemon_that_goes_away_meets_the_hook_again])
