# SPDX-License-Identifier: MIT
"""Programs in places where a guest could do harm: under sanitizers, with other C libraries, without
rights, memory, descriptors or a root of their own, with several interpreters, and with nobody to
talk to. They must run as they do alone."""
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from host import (AGENT, Failure, Host, Place, at_once, check, environment, interpreters,
                  need_agent, script)
from standin import DEADLINE, hammer

STRANGER = 12345  # a uid that owns nothing

# Reads and writes much memory, waits for a line, says what it made.
PLAIN_C = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
    static char *blocks[1000];
    char line[100];
    unsigned sum = 0;
    for (int i = 0; i < 1000; i++)
        memset(blocks[i] = malloc(100 + i), i, 100 + i);
    puts("up"); fflush(stdout);
    if (!fgets(line, sizeof(line), stdin)) return 3;
    for (int i = 0; i < 1000; i++) { sum += (unsigned char)blocks[i][i]; free(blocks[i]); }
    printf("%u\\n", sum);
    return 0;
}
"""
# From here on no new socket, thread or process: as browsers and servers lock themselves in.
LOCKED_C = """
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#define DENY(n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (n), 0, 1), \\
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
int main(void)
{
    char line[100];
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        DENY(__NR_socket), DENY(__NR_connect), DENY(__NR_clone), DENY(__NR_clone3),
        DENY(__NR_fcntl),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    if (!fgets(line, sizeof(line), stdin)) return 3;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program))
        return 4;
    puts("locked"); fflush(stdout);
    if (!fgets(line, sizeof(line), stdin)) return 5;
    puts("end");
    return 0;
}
"""
# Exec of the rest of the words where each system call that a list forbids kills: numbers of x86-64.
KILLS = """
import ctypes, os, struct, sys
def row(code, yes, no, value): return struct.pack("HBBI", code, yes, no, value)
forbidden = [int(number) for number in sys.argv[1].split(",")]
rows = [row(0x20, 0, 0, 0)]
for number in forbidden: rows += [row(0x15, 0, 1, number), row(6, 0, 0, 0x80000000)]
rows += [row(6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(rows))
program = struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code))
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)
if len(sys.argv) == 2: print("up", flush=True); sys.stdin.readline()
assert libc.syscall(317, 1, 1, program) == 0  # seccomp(), all threads
if len(sys.argv) > 2: os.execv(sys.argv[2], sys.argv[2:])
print("locked", flush=True)
sys.stdin.readline()
"""
# What SystemCallFilter=@system-service leaves out (systemd 252), and reading by process_vm_readv().
NO_SERVICE = ("27,101,103,134,136,139,153,154,155,156,159,161,163,164,165,166,167,168,169,170,171,172,"
              "173,174,175,176,177,178,179,180,181,182,183,184,185,212,227,236,246,298,300,301,304,"
              "305,313,317,320,321,329,330,331,428,429,430,431,432,433,438,442,443,444,445,446,447,"
              "448,310")
# An interpreter that comes, goes and comes again in a C program.
EMBED_C = """
void Py_Initialize(void);
void Py_Finalize(void);
int PyRun_SimpleString(const char *);
int main(void)
{
    for (int i = 0; i < 4; i++) {
        Py_Initialize();
        if (PyRun_SimpleString("import sys, time, gc\\n"
                               "for i in range(20):\\n"
                               "    a = []; a.append(a); time.sleep(0.002)\\n"
                               "gc.collect(); print('round'); sys.stdout.flush()")) return 3;
        Py_Finalize();
    }
    return 0;
}
"""


class Workshop:
    """A folder for programs that are made for one test, readable by everybody."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="memtend-test-")
        self.folder = self._folder.name
        os.chmod(self.folder, 0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def build(self, text, *options, compiler="cc"):
        source, program = self.folder + "/program.c", self.folder + "/program"
        with open(source, "w") as file:
            file.write(text)
        done = subprocess.run([compiler, "-o", program, source, *options], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Failure("cannot build: " + done.stdout.decode())
        return program


def ended(command, env, stdin=b"go\n", **options):
    done = subprocess.run(command, env=env, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=DEADLINE, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def bare():
    env = environment("")
    del env["LD_PRELOAD"], env["MEMTEND_SOCK"]
    return env


def as_alone(command, place=None, stdin=b"go\n", extra=None, **options):
    """The same end and the same words with the agent and without."""
    extra = dict({"MEMTEND_NAME": "guest"}, **(extra or {}))
    path = place.daemon.path if place else "/nonexistent/control.sock"
    alone = ended(command, dict(bare(), **extra), stdin, **options)
    guest = ended(command, environment(path, **extra), stdin, **options)
    check(alone == guest, "%s: alone %s, with the agent %s" % (command[-1][:200], alone, guest))
    return alone


# ---- C programs ----

def a_program_under_asan():
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], stdout=subprocess.PIPE,
                             check=True).stdout.decode().strip()
    if not os.path.isabs(library):
        print("SKIP: no libasan")
        return
    with Workshop() as shop, Place() as place:
        program = shop.build(PLAIN_C, "-fsanitize=address", "-g")
        # The sanitizer insists on being first in the list; with its tests for leaks.
        host = Host(place.daemon, [program], LD_PRELOAD=library + ":" + AGENT, MEMTEND_NAME="asan")
        session = place.daemon.session(host.pid)
        check(host.line() == "up", "program")
        for _ in range(20):
            check(session.stat(gc=False)["t"] == "stats", "stat")
            steps = session.run("collect", "trim")
            check(steps[0]["outcome"] == "unsupported", str(steps))
            check(steps[1]["outcome"] in ("ok", "unsupported"), str(steps))
        host.go()
        host.end(b"%d\n" % sum(i % 256 for i in range(1000)))


def a_static_program():
    with Workshop() as shop, Place() as place:
        program = shop.build(PLAIN_C, "-static")
        check(as_alone([program], place)[0] == 0, "ended badly")
        check(not place.daemon.sessions, "hello from a static program")


def a_musl_program_with_a_name():
    if not shutil.which("musl-gcc"):
        print("SKIP: musl-gcc is absent (package musl-tools)")
        return
    with Workshop() as shop, Place(hammer) as place:
        program = shop.build(PLAIN_C, compiler="musl-gcc")
        check(as_alone([program], place)[0] == 0, "ended badly")


def a_program_of_more_rights():
    """The loader leaves out what a user preloads into a setuid program; nothing is said."""
    if os.geteuid() != 0:
        print("SKIP: only root can make a setuid program")
        return
    with Workshop() as shop, Place() as place:
        program = shop.build(PLAIN_C)
        os.chmod(program, 0o4755)
        check(as_alone([program], place, preexec_fn=lambda: os.setuid(STRANGER))[0] == 0, "end")
        check(not place.daemon.sessions, "hello from a setuid program")


def a_program_that_locks_itself_in():
    with Workshop() as shop, Place() as place:
        program = shop.build(LOCKED_C)
        host = Host(place.daemon, [program], MEMTEND_NAME="locked")
        session = place.daemon.session(host.pid)
        host.go()
        check(host.line() == "locked", "program")
        for _ in range(5):
            check(session.stat(gc=False)["t"] == "stats", "stat on the connection that it has")
            check(session.run("trim")[0]["outcome"] == "ok", "trim")
        session.close()  # there will be no other
        host.go()
        host.end(b"end\n")


def an_old_glibc():
    print("SKIP: no older glibc to be had from Debian 12; arch/agent_symbols checks that every "
          "import is in glibc 2.17 and in musl")


# ---- Python programs ----

COLLECTS = ("import gc, select, sys\n"
            "while not select.select([sys.stdin], [], [], 0.01)[0]: pass\n"
            "sys.stdin.readline()\n"
            "for i in range(3000):\n"
            "    a = []; a.append(a)\n"
            "gc.collect(); print(len([i for i in range(1000)]))")


def nobody_to_talk_to(interpreter):
    """No daemon: the same words, the same end, the same descriptors."""
    text = ("import os, sys, time\n"
            "sys.stdin.readline(); time.sleep(0.1)\n"
            "print(sorted(os.listdir('/proc/self/fd')), sorted(k for k in os.environ\n"
            "      if not k.startswith(('LD_', 'MEMTEND'))), sorted(sys.modules) and 1)")
    as_alone(script(interpreter, text))
    with Place() as place:
        place.daemon.stop()
        as_alone(script(interpreter, text), place)
        as_alone(script(interpreter, text), place, extra={"MEMTEND": "0"})


def other_allocators_of_python(interpreter):
    if interpreter.version < (3, 6):
        return
    for malloc in ("debug", "malloc", "pymalloc_debug", "malloc_debug"):
        with Place(hammer) as place:
            host = Host(place.daemon, script(interpreter, COLLECTS), PYTHONMALLOC=malloc)
            session = place.daemon.session(host.pid)
            session.wait_ready()
            session.collect("trim")
            host.go()
            host.end(b"1000\n")


def developers_mode(interpreter):
    if interpreter.version < (3, 7):
        return
    with Place(hammer) as place:
        host = Host(place.daemon, script(interpreter, COLLECTS, "-X", "dev"))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        for _ in range(5):
            session.collect()
        host.go()
        host.end(b"1000\n")


def tiny_limits(interpreter):
    """Whatever a limit lets the program do alone it can do with a guest."""
    def memory(bytes_):
        return lambda: resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))

    def files(count):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))

    def no_thread():
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

    def stack():
        resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, 256 << 10))

    text = "import sys; sys.stdin.readline(); print(sum(range(1000)))"
    limits = [memory(size << 20) for size in (48, 100)] + [files(5), files(12), stack]
    if os.geteuid() == 0 and interpreter.path.startswith("/usr"):
        limits.append(no_thread)  # others are in a home that strangers cannot read
    with Place(hammer) as place:
        for limit in limits:
            as_alone(script(interpreter, text, "-S"), place, preexec_fn=limit)


def a_unit_with_a_filter(interpreter):
    """systemd's usual list of calls, beyond which a service is killed."""
    if os.uname().machine != "x86_64":
        return
    with Place() as place:
        host = Host(place.daemon, ["/usr/bin/env", "-u", "LD_PRELOAD", sys.executable, "-c", KILLS,
                                   NO_SERVICE, "/usr/bin/env", "LD_PRELOAD=" + AGENT,
                                   *script(interpreter, "import sys; sys.stdin.readline()")],
                    MEMTEND_NAME="unit")
        session = place.daemon.wait(
            lambda: [one for one in place.daemon.sessions if one.hello.get("runtime")], "hello")[0]
        session.wait_ready()
        for mode in ("roots", "suspects", "full"):
            session.census(mode)
        check({step["outcome"] for step in session.run("collect", "trim")} == {"ok"}, "steps")
        check(session.stat(pools=True).get("py_pools", 0) > 0, "no pools")
        host.go()
        host.end()


def a_program_that_kills_for_sockets(interpreter):
    """It locks itself in; what it does not do itself would end it."""
    if os.uname().machine != "x86_64" or interpreter.version < (3, 6):
        return
    with Place() as place:
        host = Host(place.daemon, [*script(interpreter, KILLS), "41,42"])  # socket, connect
        session = place.daemon.session(host.pid)
        check(host.line() == "up", "program")
        session.wait_ready()
        host.go()
        check(host.line() == "locked", "program")
        check(session.run("collect", "trim")[1]["outcome"] == "ok", "the connection that it has")
        before = host.agents_switches()
        session.close()  # there will be no other
        while host.agents_switches() < before + 2:
            check(host.process.poll() is None, "killed")
            time.sleep(0.005)
        host.go()
        host.end()


def a_root_of_its_own(interpreter):
    if os.geteuid() != 0:
        return
    text = """if 1:
        import gc, os, sys
        encoding = u"x".encode("utf-8")
        import select
        sys.stdin.readline()
        os.chroot(sys.argv[1]); os.chdir("/")
        print("up"); sys.stdout.flush()
        while not select.select([0], [], [], 0.01)[0]:
            pass  # first contact with 2.7 and 3.6 needs a main thread that is awake
        os.read(0, 3)
        pid = os.fork()
        if pid == 0:
            os.read(0, 3)
            gc.collect()
            os._exit(3)
        print(os.waitpid(pid, 0)[1] >> 8)"""
    with Workshop() as shop, Place() as place:
        host = Host(place.daemon, script(interpreter, text) + [shop.folder])
        session = place.daemon.session(host.pid)
        host.go()
        check(host.line() == "up", "script")
        session.wait_ready()
        session.collect("trim")
        host.go()
        session.close()  # what it could connect to again is not in its root
        host.go()
        host.end(b"3\n")


def an_interpreter_that_comes_and_goes(interpreter):
    folder = os.path.join(os.path.dirname(os.path.dirname(interpreter.path)), "lib")
    name = "libpython%d.%d%s.so" % (interpreter.version[:2] + (
        "m" if (3, 0) <= interpreter.version < (3, 8) else "",))
    if not os.path.exists(os.path.join(folder, name)):
        return  # only the system's Python is not there
    with Workshop() as shop, Place(hammer) as place:
        program = shop.build(EMBED_C, "-L" + folder, "-Wl,-rpath," + folder, "-l:" + name)
        home = {"PYTHONHOME": os.path.dirname(folder)}
        code, out, err = as_alone([program], place, extra=home)
        check((code, out, err) == (0, b"round\n" * 4, b""), "%s %s %s" % (code, out, err))
        check(place.daemon.sessions, "no hello")


def sub_interpreters(interpreter):
    if interpreter.version < (3, 8):
        return
    module = "_interpreters" if interpreter.version >= (3, 13) else "_xxsubinterpreters"
    text = """if 1:
        import sys, %s as sub
        sys.stdin.readline()
        for i in range(20):
            one = sub.create()
            sub.run_string(one, "import gc, json\\nkept = [[i] for i in range(20000)]\\n"
                                "for i in range(2000):\\n    a = []; a.append(a)\\ngc.collect()")
            sub.destroy(one)
        print("done")""" % module
    with Place(hammer) as place:
        host = Host(place.daemon, script(interpreter, text))
        session = place.daemon.session(host.pid)
        session.wait_ready()
        host.go()
        host.end(b"done\n")


def attempt(job):
    """Whether it failed; a line about it."""
    case, arguments = job
    try:
        case(*arguments)
        return False
    except Exception as error:  # a test must never take the others with it
        print("FAILED %s %s: %s: %s" % (case.__name__, "".join(one.label for one in arguments),
                                        type(error).__name__, error), flush=True)
        return True


def main():
    need_agent()
    only = sys.argv[1:]
    alone = [a_program_under_asan, a_static_program, a_musl_program_with_a_name,
             a_program_of_more_rights, a_program_that_locks_itself_in, an_old_glibc]
    python = [nobody_to_talk_to, other_allocators_of_python, developers_mode, tiny_limits,
              a_unit_with_a_filter, a_program_that_kills_for_sockets, a_root_of_its_own,
              an_interpreter_that_comes_and_goes, sub_interpreters]
    cases = [(case, ()) for case in alone]
    cases += [(case, (interpreter,)) for interpreter in interpreters() for case in python]
    cases = [(case, arguments) for case, arguments in cases if not only or case.__name__ in only]
    bad = sum(at_once(attempt, cases))
    print("%d cases, %d failed" % (len(cases), bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
