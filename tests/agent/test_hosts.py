# SPDX-License-Identifier: MIT
"""Things that programs do to what is inside them: exec, closing descriptors, using up memory."""
import os
import signal
import socket
import time

from host import Host, Place, check, need_agent, run_cases, script, since
from standin import DEADLINE, Gone


@since(3, 7)
def a_forked_child_says_whose_it_is(interpreter):
    text = """if 1:
        import os, sys
        sys.stdin.readline()
        pid = os.fork()
        sys.stdin.readline() if pid == 0 else os.waitpid(pid, 0)"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text), MEMTEND_NAME="family")
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.go()
        child = place.daemon.wait(lambda: [one for one in place.daemon.sessions
                                           if one.pid != host.pid], "hello of the child")[0]
        hello = child.hello
        check(hello["forked"] and hello["fork_ppid"] == host.pid, str(hello))
        check(hello["name"] == "family" and hello["fork_count"] == 0, str(hello))
        child.collect("trim")
        check(session.stat()["fork_count"] == 1, "forks of the parent")
        check(not session.closed.is_set(), "the parent keeps its connection")
        host.go()
        host.end()


def exec_keeps_the_pid_and_says_hello_again(interpreter):
    text = """if 1:
        import os, sys
        sys.stdin.readline()
        os.execv(sys.executable, [sys.executable, "-c", "import sys; sys.stdin.readline()"])"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        first = place.daemon.session(host.pid)
        first.stat(gc=False)
        host.go()
        second = place.daemon.session(host.pid, skip=1)
        check(not second.hello["forked"] and first.closed.wait(DEADLINE), "session after exec")
        check(second.stat(gc=False)["t"] == "stats", "stat after exec")
        host.go()
        host.end()


def stolen_descriptors_stay_the_programs_own(interpreter):
    text = """if 1:
        import os, sys
        path = sys.argv[1]
        def sockets():
            found = []
            for name in os.listdir("/proc/self/fd"):
                try:
                    if os.readlink("/proc/self/fd/" + name).startswith("socket:"):
                        found.append(int(name))
                except OSError:
                    pass
            return [fd for fd in found if fd > 2]
        for i in range(5):
            sys.stdin.readline()
            mine = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if i % 2:
                for fd in sockets():
                    os.dup2(mine, fd)
            else:
                taken = sockets()
                os.closerange(mine + 1, 10000)
                for fd in taken:
                    os.dup2(mine, fd)
            print("stolen"); sys.stdout.flush()
        sys.stdin.readline()
        assert os.fstat(mine).st_size == 0 and os.lseek(mine, 0, 1) == 0"""

    def ask(session):
        try:
            while True:
                session.stat(gc=False)
        except Gone:
            pass

    with Place(ask) as place:
        file = os.path.join(place.folder, "database")
        host = Host(place.daemon, script(interpreter, text) + [file])
        for number in range(5):
            place.daemon.session(host.pid, skip=number)
            host.go()
            check(host.line() == "stolen", "script")
        place.daemon.session(host.pid, skip=5)
        host.go()
        host.end()
        check(os.path.getsize(file) == 0, "the agent wrote into the program's file")


@since(3, 5)
def signals_are_the_programs(interpreter):
    """It may block all and wait for them on one thread: none may go astray."""
    text = """if 1:
        import os, signal, sys, time
        numbers = sorted(set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33})
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        print("up", flush=True)
        sys.stdin.readline()
        for number in numbers:
            os.kill(os.getpid(), number)
            time.sleep(0.005)  # whoever is faster could have it by now
            found = signal.sigtimedwait([number], 20)
            if not found or found.si_pid != os.getpid():
                print(number, found)"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        host.line()
        session.wait_ready()
        host.go()
        host.end()


@since(3, 4)
def a_full_queue_of_signals_slows_no_fork(interpreter):
    """Limits of the user's that other programs of his may have used up."""
    text = """if 1:
        import os, resource, sys, time
        sys.stdin.readline()
        resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))
        for i in range(60):
            if os.fork() == 0: os._exit(0)
            os.wait()"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.go()
        host.end()  # 3.12 and later warn of a thread that did not end


@since(3, 4)
def a_signal_that_nobody_takes(interpreter):
    """The agent's own, blocked and left lying: it is there for the program, and is no work."""
    text = """if 1:
        import os, signal, sys
        SIGSTKFLT = 16
        signal.pthread_sigmask(signal.SIG_BLOCK, [SIGSTKFLT])
        sys.stdin.readline()
        os.kill(os.getpid(), SIGSTKFLT)
        print("sent", flush=True)
        sys.stdin.readline()
        print(signal.sigtimedwait([SIGSTKFLT], 20).si_pid == os.getpid())"""
    turns = 7
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.go()
        check(host.line() == "sent", "script")
        before, begin = host.agents_switches(), time.monotonic()
        place.daemon.wait(lambda: host.agents_switches() - before >= turns, "turn of the agent")
        seconds = time.monotonic() - begin  # 20 ms each it would be at 50 times a second
        check(seconds > 0.02 * turns * 2, "%d turns in %.2f s" % (turns, seconds))
        host.go()
        host.end(b"True\n")


@since(3, 6)
def a_filter_that_refuses_signals_to_threads(interpreter):
    """It hides whether a thread still lives: nobody may wait for one that does."""
    text = """if 1:
        import ctypes, os, struct, sys
        def row(code, yes, no, value): return struct.pack("HBBI", code, yes, no, value)
        sys.stdin.readline()
        rows = [row(0x20, 0, 0, 0), row(0x15, 0, 1, 234), row(6, 0, 0, 0x50001),
                row(6, 0, 0, 0x7fff0000)]
        code = ctypes.create_string_buffer(b"".join(rows))
        program = struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code))
        libc = ctypes.CDLL(None)
        libc.prctl(38, 1, 0, 0, 0)
        assert libc.syscall(317, 1, 1, program) == 0  # seccomp(), all threads
        print("up", flush=True)
        ctypes.PyDLL(None).read(0, ctypes.create_string_buffer(3), 3)  # keeps the GIL
        for i in range(200):
            if os.fork() == 0: os._exit(0)
            os.wait()"""
    if os.uname().machine != "x86_64":
        return
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text, "-W", "ignore"))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.go()
        check(host.line() == "up", "no filter")
        while session.stat(gil_timeout_msec=50)["py_result"] == "ok":
            pass  # it is on its way into the call
        check(session.stat(gc=False)["t"] == "stats", "stat while a job waits for the GIL")
        host.go()
        host.end()  # each fork that waited for a thread would take half a second


def a_program_without_memory_goes_on(interpreter):
    text = """if 1:
        import ctypes, os, resource
        malloc = ctypes.CDLL(None).malloc
        malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        os.read(0, 3)
        resource.setrlimit(resource.RLIMIT_AS, (1, resource.RLIM_INFINITY))
        for size in (65536, 4096, 512, 128, 16):
            while malloc(size):
                pass
        os.write(1, b"empty\\n")
        os.read(0, 3)
        os.write(1, b"alive\\n")
        os._exit(0)"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        session.stat()  # a job's stack now waits for the next job
        host.go()
        check(host.line() == "empty", "script")
        for _ in range(20):
            check(session.stat()["t"] == "stats", "stat without memory")
            check(session.run("collect")[0]["t"] == "step", "collect without memory")
        host.go()
        host.end(b"alive\n")


def a_daemon_of_another_uid_is_refused(interpreter):
    if os.geteuid() != 0:
        return
    text = "import sys; sys.stdin.readline()"
    with Place(uid=65534) as place:
        host = Host(place.daemon, script(interpreter, text))
        place.daemon.wait(lambda: place.daemon.refusals, "refused connection")
        check(not place.daemon.sessions, "hello to a stranger")
        host.go()
        host.end()
        host = Host(place.daemon, script(interpreter, text), MEMTEND_DAEMON_UID="65534")
        place.daemon.session(host.pid).stat(gc=False)
        host.go()
        host.end()


def a_daemon_that_does_not_read_blocks_nothing(interpreter):
    text = """if 1:
        import sys
        print("up"); sys.stdout.flush()
        sys.stdin.readline()"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        session.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        request = b'{"t":"stat","id":1,"malloc":true,"gc":false,"gil_timeout_msec":1}\n'
        try:
            session.connection.settimeout(2)
            for _ in range(3000):
                session.connection.sendall(request)
        except OSError:
            pass  # the agent hung up or stopped reading: both are its right
        check(host.line() == "up", "the program went on")
        host.go()
        host.end()


def a_daemon_that_only_asks_lets_the_thread_sleep(interpreter):
    """A fork waits for the end of the thread's turn: what has come meanwhile is not one turn."""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, "import sys; sys.stdin.readline()"))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.wait_asleep()
        os.kill(host.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, host.pid, os.WSTOPPED | os.WNOWAIT)
        questions = b'{"t":"stat","id":1,"gil_timeout_msec":1}\n' * 1500
        session.connection.sendall(questions)
        before = host.agents_switches()
        os.kill(host.pid, signal.SIGCONT)
        session.stat(gc=False)
        check(host.agents_switches() - before >= 1500 // 64, "it slept too seldom")
        host.go()
        host.end()


if __name__ == "__main__":
    need_agent()
    run_cases([a_forked_child_says_whose_it_is, exec_keeps_the_pid_and_says_hello_again,
               stolen_descriptors_stay_the_programs_own, signals_are_the_programs,
               a_full_queue_of_signals_slows_no_fork, a_filter_that_refuses_signals_to_threads,
               a_signal_that_nobody_takes, a_program_without_memory_goes_on,
               a_daemon_of_another_uid_is_refused, a_daemon_that_does_not_read_blocks_nothing,
               a_daemon_that_only_asks_lets_the_thread_sleep])
