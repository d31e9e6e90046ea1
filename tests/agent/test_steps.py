# SPDX-License-Identifier: MIT
"""The collector's numbers by generation and within a budget, and freezing before a fork."""
from host import Host, Place, check, run_cases, script, since

# Frozen objects die too, one by one, as the program goes on.
NOISE = 500
FORK = """if 1:
    import gc, os, sys
    def fork():
        pid = os.fork()
        if pid == 0:
            os.write(1, b"frozen %d\\n" % gc.get_freeze_count())
            os._exit(0)
        os.waitpid(pid, 0)
    sys.stdin.readline()
    fork()
    sys.stdin.readline()
"""


@since(3, 7)
def generations_are_told(interpreter):
    text = """if 1:
        import gc, sys
        for i in range(3):
            a = []; a.append(a); del a
            gc.collect()
        print(gc.get_stats()[2]["collections"]); sys.stdout.flush()
        sys.stdin.readline()"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        told = int(host.line())
        session.wait_ready()
        stats = session.stat()
        check(stats["gc_collections"][2] == told, "%s, not %d" % (stats, told))
        check(stats["gc_collected"][2] >= 3 and stats["gc_uncollectable"][2] == 0, str(stats))
        host.go()
        host.end()


@since(3, 9)
def what_is_dear_is_left_out_and_tried_again(interpreter):
    """sys.getallocatedblocks() walks every arena: 1,000 times what the rest costs here."""
    text = "import sys; big = [[i] for i in range(2000000)]; print(1); " \
           "sys.stdout.flush(); sys.stdin.readline()"
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        host.line()
        session.wait_ready()
        check("py_blocks" in session.stat(), "no budget, no number left out")
        got = [session.stat(max_hold_usec=1) for _ in range(64)]
        check("py_blocks" not in got[0], "beyond the budget: %s" % got[0])
        check(any("py_blocks" in one for one in got), "never tried again")
        check("py_blocks" in session.stat(max_hold_usec=10000000), "within a wide budget")
        host.go()
        host.end()


@since(3, 7)
def a_master_is_frozen_once_before_its_first_fork(interpreter):
    with Place() as place:
        host = Host(place.daemon, script(interpreter, FORK))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        check("freeze" in session.hello["caps"], str(session.hello))
        step = session.run("freeze")[0]
        check(step["outcome"] == "ok" and step["objects"] > 1000, str(step))
        now = session.stat()["gc_frozen"]
        check(abs(now - step["objects"]) < NOISE, "%d frozen, told %s" % (now, step))
        host.go()
        child = int(host.line().split()[1])
        check(abs(child - step["objects"]) < NOISE, "%d in the child, told %s" % (child, step))
        session.wait_ready()
        check(session.run("freeze")[0]["outcome"] == "too_late", "after the fork")
        host.go()
        host.end()


@since(3, 7)
def the_environment_asks_for_it(interpreter):
    with Place() as place:
        for wanted in ("0", "1"):
            host = Host(place.daemon, script(interpreter, FORK), MEMTEND_FREEZE=wanted)
            place.daemon.session(host.pid).wait_ready()
            host.go()
            frozen = int(host.line().split()[1])
            check((frozen > 1000) == (wanted == "1"), "%s: %d frozen" % (wanted, frozen))
            host.go()
            host.end()


if __name__ == "__main__":
    run_cases([generations_are_told, what_is_dear_is_left_out_and_tried_again,
               a_master_is_frozen_once_before_its_first_fork, the_environment_asks_for_it])
