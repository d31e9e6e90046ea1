# SPDX-License-Identifier: MIT
"""Every way in which Python programs make processes, under a daemon that never stops asking: each
child ends as it would alone, no warning appears, and who lives long enough has an agent."""
import os

from host import Host, Place, check, run_cases, script, since
from standin import DEADLINE, Gone, hammer

# Found by every script: the test lets the children live until it has seen what it wants.
PRELUDE = """if 1:
    import gc, os, select, signal, sys, time
    folder = sys.argv[1]
    signal.alarm(60)  # nothing may outlive a test that failed
    def until_told():
        while not os.path.exists(folder + "/go"):
            time.sleep(0.005)
    def ends(pid):
        return os.waitpid(pid, 0)[1] >> 8
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        pass  # first contact with 2.7 and 3.6 needs a main thread that is awake
    sys.stdin.readline()
"""


class Family:
    """A script, its processes and their agents: with Family(interpreter, TEXT) as family: ..."""

    def __init__(self, interpreter, text, strict=True):
        self.interpreter = interpreter
        self.place = Place(hammer)
        # From 3.12 a fork beside another thread warns; the program itself has none.
        options = ["-W", "always::DeprecationWarning"] if strict else []
        self.host = Host(self.place.daemon,
                         script(interpreter, PRELUDE + text, *options) + [self.place.folder])

    def __enter__(self):
        try:
            self.session = self.place.daemon.session(self.host.pid)
            if self.interpreter.full:
                self.session.wait_ready()
            self.host.go()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.host.kill()
        self.place.__exit__()

    def others(self, count):
        """The sessions of that many other processes."""
        def find():
            found = {one.pid: one for one in self.place.daemon.sessions
                     if one.pid != self.host.pid}
            return list(found.values()) if len(found) >= count else None
        return self.place.daemon.wait(find, "hello from %d others" % count)

    def collect_in(self, sessions):
        for session in sessions:
            try:
                self.collect_by(session)
            except Gone:  # a daemon has closed what it inherited: there is a new connection
                self.place.daemon.wait(lambda: self.newest(session) is not session, "new hello")
                self.collect_by(self.newest(session))

    def newest(self, session):
        return [one for one in self.place.daemon.sessions if one.pid == session.pid][-1]

    def collect_by(self, session):
        if self.interpreter.full:
            session.wait_ready()
            session.collect("trim")
        else:
            check(session.stat(gc=False)["t"] == "stats", "stat")

    def tell(self):
        with open(os.path.join(self.place.folder, "go"), "w"):
            pass

    def end(self, expected, code=0):
        self.host.end(expected, code=code)


def children_of_os_fork(interpreter):
    text = """
    pids = []
    for i in range(3):
        pid = os.fork()
        if pid == 0:
            until_told()
            sys.exit(i)
        pids.append(pid)
    print([ends(pid) for pid in pids])"""
    with Family(interpreter, text) as family:
        children = family.others(3)
        for child in children:
            check(child.hello["forked"] and child.hello["fork_ppid"] == family.host.pid,
                  str(child.hello))
        family.collect_in(children)
        check(not family.session.closed.is_set(), "the parent keeps its connection")
        family.tell()
        family.end(b"[0, 1, 2]\n")


def a_fork_as_the_first_statement(interpreter):
    """Before contact, while it is made, and just behind."""
    text = "import os; [i for i in range(%d)]; print(os.waitpid(os.fork() or os._exit(4), 0)[1])"
    with Place(hammer) as place:
        for number in range(20):
            host = Host(place.daemon, script(interpreter, text % (number * 10000), "-S", "-W",
                                             "always::DeprecationWarning"))
            out, err = host.process.communicate(timeout=DEADLINE)
            check((host.process.returncode, out, err) == (0, b"1024\n", b""), "%r %r" % (out, err))


def a_fork_behind_a_long_call(interpreter):
    """From 3.12 it counts threads: none of the agent's may wait for the GIL by then."""
    if interpreter.version < (3, 12):
        return
    text = """if 1:
        import posix  # nothing that takes its time
        from _functools import partial
        from _operator import call
        # No bytecode between the two.
        pid = list(map(call, [partial(sum, range(10000000)), posix.fork]))[1]
        if pid == 0:
            posix._exit(4)
        posix.write(1, b"%d" % posix.waitpid(pid, 0)[1])"""
    with Place(hammer) as place:
        host = Host(place.daemon, script(interpreter, text, "-S", "-E", "-W",
                                         "always::DeprecationWarning"))
        out, err = host.process.communicate(timeout=DEADLINE)
        check((host.process.returncode, out, err) == (0, b"1024", b""), "%r %r" % (out, err))


def contact_in_the_middle_of_a_fork(interpreter):
    """Made between its hooks: the fork that then ends was never announced. (From 3.12 it warns of
    the agent's thread.)"""
    if interpreter.version < (3, 7) or not interpreter.full:
        return
    text = """if 1:
        import posix  # nothing that takes its time
        posix.register_at_fork(before=lambda: posix.read(0, 3))
        pid = posix.fork()
        if pid == 0:
            posix._exit(0)
        posix.waitpid(pid, 0)
        posix.write(1, b"over\\n")
        posix.read(0, 3)"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, text, "-S", "-E", "-W", "ignore"))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.go()
        check(host.line() == "over", "script")
        session.collect()  # the agent's thread is not parked for ever
        host.go()
        host.end()


def a_daemon_by_double_fork(interpreter):
    text = """
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
        os.dup2(writer, 3); os.closerange(4, 10000)
        null = os.open("/dev/null", os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        until_told()
        gc.collect()
        os.write(3, b"daemon")
        sys.exit(0)
    print(os.wait()[1]); sys.stdout.flush()
    os.close(writer)
    print(os.read(reader, 100).decode())"""
    with Family(interpreter, text) as family:
        daemon = family.place.daemon.wait(
            lambda: [one for one in family.place.daemon.sessions
                     if one.hello["forked"] and one.hello["fork_ppid"] != family.host.pid],
            "hello from the daemon")[0]
        family.collect_in([daemon])
        family.tell()
        family.end(b"0\ndaemon\n")


def a_chain_of_generations(interpreter):
    text = """
    depth = 0
    while depth < 4:
        pid = os.fork()
        if pid:
            break
        depth += 1
    until_told()
    sys.exit(depth if depth == 4 else ends(pid))"""
    with Family(interpreter, text) as family:
        family.collect_in(family.others(4))
        family.tell()
        family.end(b"", code=4)


def a_fork_from_a_thread(interpreter):
    text = """
    import threading
    def work():
        pid = os.fork()
        if pid == 0:
            until_told()
            gc.collect()
            os._exit(6)
        print(ends(pid))
    thread = threading.Thread(target=work)
    thread.start(); thread.join()"""
    with Family(interpreter, text, strict=False) as family:
        family.collect_in(family.others(1))
        family.tell()
        with_warning = interpreter.version >= (3, 12)  # the program has two threads: deserved
        out, err = family.host.process.communicate(timeout=DEADLINE)
        check(out == b"6\n" and family.host.process.returncode == 0, "%r %r" % (out, err))
        check(with_warning or not err, "stderr: %r" % err)


def forks_from_many_threads(interpreter):
    text = """
    import threading, warnings
    warnings.simplefilter("ignore")
    found = []
    def work():
        for i in range(10):
            pid = os.fork()
            if pid == 0:
                os._exit(3)
            found.append(ends(pid))
    threads = [threading.Thread(target=work) for i in range(4)]
    [one.start() for one in threads]; [one.join() for one in threads]
    print(found == [3] * 40)"""
    with Family(interpreter, text, strict=False) as family:
        family.end(b"True\n")


def a_fork_in_a_finaliser(interpreter):
    text = """
    gc.disable()
    found = []
    class Forks(object):
        def __del__(self):
            pid = os.fork()
            if pid == 0:
                os._exit(9)
            found.append(ends(pid))
    class Holds(object):
        pass
    for i in range(5):
        holds = Holds(); holds.me = holds; holds.it = Forks()
    del holds
    end = time.time() + 20
    while len(found) < 5 and time.time() < end:
        {0}
    print(found)"""
    # Where the agent collects, its thread runs the finaliser.
    wait = "time.sleep(0.005)" if interpreter.full else "gc.collect()"
    # The interpreter sees its main thread beside the one that forks: that warning is deserved.
    options = ["-W", "ignore"]
    with Place(hammer) as place:
        host = Host(place.daemon,
                    script(interpreter, PRELUDE + text.replace("{0}", wait), *options)
                    + [place.folder])
        place.daemon.session(host.pid)
        host.go()
        host.end(b"[9, 9, 9, 9, 9]\n")


def a_finaliser_that_does_not_end(interpreter):
    """It runs where the agent collects: the first fork waits for it, the others do not."""
    text = """
    import gc, os, sys, threading
    gc.disable()
    wait = threading.Event()
    class Stays(object):
        def __del__(self):
            print("in"); sys.stdout.flush()
            wait.wait()
    class Holds(object):
        pass
    holds = Holds(); holds.me = holds; holds.it = Stays()
    del holds
    print("made"); sys.stdout.flush()
    sys.stdin.readline()
    for i in range(100):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    wait.set()
    print("out")"""
    with Place() as place:
        host = Host(place.daemon, script(interpreter, "if 1:" + text, "-W", "ignore"))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        check(host.line() == "made", "no cycle")
        session.begin("collect")
        check(host.line() == "in", "no collect")
        host.go()
        host.end(b"out\n")


def exec_in_place_again_and_again(interpreter):
    text = """
    left = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    if left == 0:
        print("done"); sys.stdout.flush()
        sys.exit(4)
    if left % 2:
        import threading
        lock = threading.Lock(); lock.acquire()
        for i in range(2):
            thread = threading.Thread(target=lock.acquire); thread.daemon = True; thread.start()
    os.execv(sys.executable, [sys.executable, folder + "/again.py", folder, str(left - 1)])"""
    with Family(interpreter, "    until_told()\n" + text) as family:
        with open(os.path.join(family.place.folder, "again.py"), "w") as file:
            file.write(PRELUDE.split("    while not select")[0] + text)
        family.tell()
        family.end(b"done\n", code=4)


def subprocess_in_its_ways(interpreter):
    text = """
    import subprocess
    def run(command, **options):
        made = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
        out = made.communicate()[0].decode()
        return made.returncode, out
    me = sys.executable
    found = set()
    for i in range(8):
        found.add(run(["/bin/echo", "a"]))
        found.add(run(["/bin/echo", "b"], close_fds=False))  # posix_spawn from 3.8
        found.add(run(["/bin/echo", "c"], close_fds=True))   # vfork from 3.10
        found.add(run("exit 3", shell=True))
        found.add(run(["/bin/echo", "d"], preexec_fn=os.setsid, cwd="/"))
    found.add(run([me, "-c", "import gc; gc.collect(); print('python')"]))
    try:
        run(["/nonexistent"])
    except OSError:
        found.add("absent")
    assert os.system("exit 5") == 5 << 8
    assert os.popen("echo e").read() == "e\\n"
    assert os.spawnv(os.P_WAIT, "/bin/true", ["true"]) == 0
    print(sorted(str(one).replace("u'", "'") for one in found) == sorted([
        "(0, 'a\\\\n')", "(0, 'b\\\\n')", "(0, 'c\\\\n')", "(3, '')", "(0, 'd\\\\n')",
        "(0, 'python\\\\n')", "absent"]))"""
    with Family(interpreter, text) as family:
        family.end(b"True\n")
        tools = [one.hello for one in family.place.daemon.sessions if not one.hello["runtime"]]
        check(not tools, "a tool said hello: %s" % tools)


@since(3, 8)
def posix_spawn_of_a_python(interpreter):
    text = """
    code = "import os, sys, time\\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.005)"
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code, folder + "/go"], os.environ)
    print(ends(pid))"""
    with Family(interpreter, text) as family:
        children = family.others(1)
        check(not children[0].hello["forked"], str(children[0].hello))
        family.collect_in(children)
        family.tell()
        family.end(b"0\n")


def a_pseudo_terminal(interpreter):
    text = """
    pid, master = os.forkpty()
    if pid == 0:
        until_told()
        os.write(1, b"from the child")
        os._exit(2)
    print(os.read(master, 100).decode()); sys.stdout.flush()
    print(ends(pid))"""
    with Family(interpreter, text) as family:
        family.collect_in(family.others(1))
        family.tell()
        family.end(b"from the child\n2\n")


def a_fork_by_c_code(interpreter):
    """The interpreter does not know of it: the agent stays out of that child."""
    text = """
    import ctypes
    fork = ctypes.PyDLL(None).fork
    found = []
    for i in range(20):
        pid = fork()
        if pid == 0:
            made = [[j] for j in range(1000)]
            gc.collect()
            os._exit(8)
        found.append(ends(pid))
    print(found == [8] * 20)"""
    with Family(interpreter, text) as family:
        family.end(b"True\n")


def _pool(interpreter, method):
    text = """
    import multiprocessing
    def square(x):
        return x * x
    if __name__ == "__main__":
        sys.stdin.readline()
        get = getattr(multiprocessing, "get_context", lambda method: multiprocessing)
        pool = get("{0}").Pool(2)
        print(sum(pool.map(square, range(100)))); sys.stdout.flush()
        until_told()
        pool.close(); pool.join()
        print("joined")""".format(method)
    with Place(hammer) as place:
        path = os.path.join(place.folder, "pool.py")
        with open(path, "w") as file:
            prelude = PRELUDE.split("    while not select")[0]
            file.write("import sys\nsys.argv[1:] = [%r]\n" % place.folder + prelude + text + "\n")
        host = Host(place.daemon, [interpreter.path, path])
        try:
            place.daemon.session(host.pid)
            host.go()
            check(host.line() == "328350", "pool.map")
            workers = place.daemon.wait(
                lambda: len({one.pid for one in place.daemon.sessions}) >= 3 and
                list({one.pid: one for one in place.daemon.sessions}.values()),
                "hello from the workers")
            for session in workers:
                check(session.stat(gc=False)["t"] == "stats", "stat")
                if interpreter.full:
                    session.wait_ready()
                    session.collect()
            with open(os.path.join(place.folder, "go"), "w"):
                pass
            host.end(b"joined\n")
        finally:
            host.kill()


def a_pool_by_fork(interpreter):
    _pool(interpreter, "fork")


@since(3, 6)
def a_pool_by_spawn(interpreter):
    _pool(interpreter, "spawn")


@since(3, 6)
def a_pool_by_forkserver(interpreter):
    _pool(interpreter, "forkserver")


@since(3, 6)
def an_executor_of_processes(interpreter):
    text = """
    from concurrent.futures import ProcessPoolExecutor
    import warnings
    warnings.simplefilter("ignore")  # the executor has threads of its own when it forks
    import multiprocessing
    multiprocessing.set_start_method("fork")
    with ProcessPoolExecutor(2) as pool:
        print(sum(pool.map(abs, range(-50, 0))))"""
    with Family(interpreter, text, strict=False) as family:
        family.end(b"1275\n")


if __name__ == "__main__":
    run_cases([children_of_os_fork, a_fork_as_the_first_statement, a_fork_behind_a_long_call,
               contact_in_the_middle_of_a_fork, a_daemon_by_double_fork, a_chain_of_generations,
               a_fork_from_a_thread, forks_from_many_threads, a_fork_in_a_finaliser,
               a_finaliser_that_does_not_end,
               exec_in_place_again_and_again, subprocess_in_its_ways, posix_spawn_of_a_python,
               a_pseudo_terminal, a_fork_by_c_code, a_pool_by_fork, a_pool_by_spawn,
               a_pool_by_forkserver, an_executor_of_processes])
