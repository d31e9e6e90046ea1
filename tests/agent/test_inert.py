# SPDX-License-Identifier: MIT
"""The library in programs that did not ask for it, on both C libraries: they must not notice. And in
plain programs that did."""
import os
import shutil
import subprocess
import sys
import tempfile

from host import AGENT, Host, Place, check, environment, need_agent, run_alone

QUIET = [{}, {"MEMTEND_NAME": "x"}, {"MEMTEND": "0", "MEMTEND_NAME": "x"}, {"MEMTEND_PID": "1"}]


def ends_as_alone(command, env):
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, check=False)
    check(done.returncode == 0 and done.stderr == b"", "%s: %d %s" % (
        command, done.returncode, done.stderr))


def everywhere(program):
    bare = {"PATH": os.environ.get("PATH", ""), "LD_PRELOAD": AGENT}
    ends_as_alone([program], bare)
    with Place() as place:
        for extra in QUIET:
            ends_as_alone([program], environment(place.daemon.path, **extra))
        ends_as_alone([program], environment(place.folder + "/absent", MEMTEND_NAME="x"))
        ends_as_alone([program], environment("/" + "x" * 200, MEMTEND_NAME="x"))


def plain_glibc():
    everywhere("/bin/true")


def plain_musl():
    compiler = shutil.which("musl-gcc")
    if not compiler:
        print("SKIP: musl-gcc is absent (package musl-tools)")
        return
    with tempfile.TemporaryDirectory() as folder:
        source, program = folder + "/true.c", folder + "/true"
        with open(source, "w") as file:
            file.write("int main(void) { return 0; }\n")
        subprocess.run([compiler, "-o", program, source], check=True)
        everywhere(program)


def threads(pid):
    return os.listdir("/proc/%d/task" % pid)


def a_tool_has_no_thread():
    with Place() as place:
        host = Host(place.daemon, ["cat"])
        host.go()
        check(host.line() == "go", "cat")
        check(len(threads(host.pid)) == 1, "a thread in a tool")
        check(not place.daemon.sessions, "a tool said hello")
        host.end()  # communicate() closes its stdin


def off_is_off():
    with Place() as place:
        host = Host(place.daemon, [sys.executable, "-c", "import sys; sys.stdin.readline()"],
                    MEMTEND="0")
        host.wait_asleep()
        check(len(threads(host.pid)) == 1, "a thread although MEMTEND=0")
        host.go()
        host.end()
        check(not place.daemon.sessions, "hello although MEMTEND=0")


def the_started_command_alone_is_instrumented():
    """MEMTEND_PID names a plain program; the tools it calls stay inert, its forks do not."""
    inner = "true; /bin/echo tool; (read x; true); read y; true"
    with Place() as place:
        host = Host(place.daemon, ["sh", "-c", "MEMTEND_PID=$$ exec sh -c '%s'" % inner])
        session = place.daemon.session(host.pid)
        check(session.hello["caps"] == ["malloc", "trim"], str(session.hello))
        check(session.hello["runtime"] == "", str(session.hello))
        child = place.daemon.wait(lambda: [one for one in place.daemon.sessions
                                           if one.pid != host.pid], "hello of the fork")[0]
        check(child.hello["forked"] and child.hello["fork_ppid"] == host.pid, str(child.hello))
        check(child.run("trim")[0]["outcome"] == "ok", "trim in the fork")
        check(session.run("collect")[0]["outcome"] == "unsupported", "collect without Python")
        host.go()
        host.go()
        host.end(b"tool\n")
        check(len(place.daemon.sessions) == 2, "a tool said hello")


def a_named_program_is_instrumented():
    with Place() as place:
        host = Host(place.daemon, ["cat"], MEMTEND_NAME="copy")
        session = place.daemon.session(host.pid)
        check(session.hello["name"] == "copy", str(session.hello))
        check(session.stat(gc=True)["py_result"] == "unsupported", "stat")
        host.end()  # communicate() closes its stdin


if __name__ == "__main__":
    need_agent()
    run_alone(plain_glibc, plain_musl, a_tool_has_no_thread, off_is_off,
              the_started_command_alone_is_instrumented, a_named_program_is_instrumented)
