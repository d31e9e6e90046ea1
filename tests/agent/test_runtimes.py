# SPDX-License-Identifier: MIT
"""What differs from one CPython to the next: first contact, its end, forks that are counted."""
import time

from host import LONG, Host, Place, check, run_cases, script, since
from standin import DEADLINE, hammer

FIRST_FORKS = 300 if LONG else 15

READY = """if 1:
    import sys
    sys.stdout.write("up\\n"); sys.stdout.flush()
    %s
    for line in iter(sys.stdin.readline, "end\\n"):
        pass"""


def ready_after(interpreter, statement, options=()):
    with Place() as place:
        host = Host(place.daemon, script(interpreter, READY % statement, *options))
        session = place.daemon.session(host.pid)
        check(host.line() == "up", "script")
        end = time.monotonic() + DEADLINE
        host.go()
        while session.stat()["py_result"] != "ok":
            check(time.monotonic() < end, "never ready")
            host.go()
            time.sleep(0.005)
        session.collect()
        host.process.stdin.write(b"end\n")
        return host.end(expected=None)


def ready_without_site(interpreter):
    ready_after(interpreter, "pass", ("-S", "-E"))


def exit_functions_all_run(interpreter):
    order = ready_after(interpreter, "import atexit\n"
                        "    def say(text): sys.stdout.write(text)\n"
                        "    atexit.register(say, 'first\\n'); atexit.register(say, 'second\\n')")
    check(order == b"second\nfirst\n", "exit functions: %r" % order)


def an_exit_function_of_old_runs_too(interpreter):
    if interpreter.version >= (3,):
        return
    said = ready_after(interpreter, "sys.exitfunc = lambda: sys.stdout.write('old\\n')")
    check(said == b"old\n", "sys.exitfunc: %r" % said)
    said = ready_after(interpreter,
                       "sys.stdin.readline()\n"
                       "    before = sys.exitfunc\n"
                       "    def both(): sys.stdout.write('new\\n'); before()\n"
                       "    sys.exitfunc = both")
    check(said == b"new\n", "sys.exitfunc over ours: %r" % said)


def a_fork_in_the_first_statement(interpreter):
    """No warning of a second thread (3.12), and whoever goes on afterwards is served."""
    text = """if 1:
        import os, sys
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        for line in iter(sys.stdin.readline, "end\\n"):
            pass"""
    options = ("-W", "always") if interpreter.version >= (3, 12) else ()
    with Place(hammer) as place:
        for _ in range(FIRST_FORKS):
            host = Host(place.daemon, script(interpreter, text, *options))
            session = place.daemon.session(host.pid)
            end = time.monotonic() + DEADLINE
            while session.stat()["py_result"] in ("not_ready", "busy", "gil_timeout"):
                check(time.monotonic() < end, "never ready")
                host.go()
                time.sleep(0.005)
            host.process.stdin.write(b"end\n")
            host.end()


@since(3, 7)
def forks_of_forks_raise_no_warning(interpreter):
    text = """if 1:
        import os, sys
        sys.stdin.readline()
        for i in range(30):
            pid = os.fork()
            if pid == 0:
                os._exit(os.fork() and 0)
            os.waitpid(pid, 0)
        sys.stdin.readline()"""
    with Place(hammer) as place:
        host = Host(place.daemon, script(interpreter, text, "-W", "error"))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.go()
        host.go()
        host.end()


def several_threads_fork(interpreter):
    """Locks of the interpreter's that others hold at that moment stay locked in the child (2.7)."""
    text = """if 1:
        import os, threading
        def fork():
            for i in range(15):
                pid = os.fork()
                if pid == 0:
                    os._exit(0)
                assert os.waitpid(pid, 0)[1] == 0
        def allocate():
            for i in range(200):
                [[j] for j in range(500)]
        threads = [threading.Thread(target=one) for one in (fork, fork, fork, allocate)]
        [one.start() for one in threads]
        [one.join() for one in threads]"""
    with Place(hammer) as place:
        for _ in range(FIRST_FORKS // 3):
            Host(place.daemon, script(interpreter, text, "-W", "ignore")).end()


if __name__ == "__main__":
    run_cases([ready_without_site, exit_functions_all_run, an_exit_function_of_old_runs_too,
               a_fork_in_the_first_statement, forks_of_forks_raise_no_warning,
               several_threads_fork])
