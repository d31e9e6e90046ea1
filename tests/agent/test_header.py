# SPDX-License-Identifier: MIT
"""memtend/agent.h from C: linked, looked up in a preloaded library, without any, and on musl."""
import os
import shutil
import subprocess
import sys
import tempfile

from host import AGENT, Host, Place, check, need_agent

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = os.path.normpath(os.path.join(HERE, "..", "..", "agent", "include"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
OPTIONAL = ["-DMEMTEND_AGENT_OPTIONAL", "-D_GNU_SOURCE"]


def link_flags():
    folder = os.path.dirname(AGENT)
    return ["-L" + folder, "-lmemtend-agent", "-Wl,-rpath," + folder]


def build(folder, name, *flags, compiler="cc"):
    program = os.path.join(folder, name)
    subprocess.run([compiler, "-std=c99", *WARNINGS, "-I" + INCLUDE, "-D_GNU_SOURCE", "-pthread",
                    "-o", program, os.path.join(HERE, "hooked.c"), *flags], check=True)
    return program


def c_programs(folder):
    """Both ways of using the header, act by act."""
    linked = build(folder, "linked", *link_flags())
    optional = build(folder, "optional", *OPTIONAL, "-ldl")
    for program, env in ((linked, {"LD_PRELOAD": ""}), (optional, {})):
        acts(program, env)


def say(host, expected):
    host.process.stdin.write(b"\n")
    host.process.stdin.flush()
    check(host.line() == expected, "no act %s" % expected)


def acts(program, env):
    with Place() as place:
        host = Host(place.daemon, [program], **env)
        try:
            session = place.daemon.session(host.pid)
            check(host.line() == "hooks", "no act hooks")
            hooks(place, host, session)
            say(host, "marks")
            place.daemon.wait(lambda: len(session.marks) > 1, "marks")
            check(len(session.marks) < 100, "%d marks" % len(session.marks))
            say(host, "child")
            a_child(place, host)
            say(host, "wait")
            a_hook_that_waits(place, host, session)
            check(host.line() == "end", "no end")
            host.process.stdin.write(b"\n")
            host.end()
        except BaseException:
            host.kill()
            raise


def hooks(place, host, session):
    place.daemon.wait(lambda: "hooks" in session.hello["caps"], "hooks in hello")
    place.daemon.wait(lambda: session.hello["name"] == "hooked", "the name")
    before = host.rss_bytes()
    steps = session.run("hooks", "trim")
    check(steps[0]["outcome"] == "failed" and steps[0]["objects"] == 2, str(steps))
    check(before - host.rss_bytes() > 8 << 20, "the cache was not given back")
    step = session.run("hooks")[0]
    check(step["outcome"] == "ok" and step["objects"] == 1, str(step))


def a_child(place, host):
    child = place.daemon.wait(lambda: [one for one in place.daemon.sessions
                                       if one.pid != host.pid], "the child")[0]
    check("hooks" in child.hello["caps"] and child.hello["name"] == "hooked", str(child.hello))
    check(child.run("hooks")[0]["objects"] == 1, "hooks in the child")
    check(not child.marks, "the parent's region: %s" % child.marks)


def a_hook_that_waits(place, host, session):
    replies = session.begin("hooks")
    check(host.line() == "in", "the hook did not begin")
    check(session.stat(gc=False)["t"] == "stats", "malloc's numbers meanwhile")
    # One line for the hook, one for the act that then waits for the hook to return.
    host.process.stdin.write(b"\n\n")
    host.process.stdin.flush()
    check(session.answers(replies)[0]["outcome"] == "ok", "the hook")


def without_the_library(folder):
    program = build(folder, "bare", *OPTIONAL, "-ldl")
    done = subprocess.run([program, "38"], stdout=subprocess.PIPE, timeout=60, check=False)
    check(done.returncode == 0 and done.stdout == b"", str(done))


def on_musl(folder):
    """The library is loaded by musl's loader and says that it can do nothing."""
    if not shutil.which("musl-gcc"):
        print("SKIP: musl-gcc is absent (package musl-tools)")
        return
    program = build(folder, "musl", *OPTIONAL, compiler="musl-gcc")
    done = subprocess.run([program, "38"], stdout=subprocess.PIPE, timeout=60, check=False,
                          env={"LD_PRELOAD": AGENT})
    check(done.returncode == 0 and b"not glibc" in done.stdout, str(done))


def from_cpp(folder):
    if not shutil.which("g++"):
        print("SKIP: g++ is absent")
        return
    source = os.path.join(folder, "header.cc")
    with open(source, "w") as file:
        file.write("#include <memtend/agent.h>\nint main() { return memtend_agent_active(); }\n")
    for flags in (OPTIONAL, []):
        subprocess.run(["g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-I" + INCLUDE, *flags,
                        "-c", "-o", os.path.join(folder, "header.o"), source], check=True)


def main():
    need_agent()
    if not shutil.which("cc"):
        print("SKIP: there is no C compiler")
        sys.exit(77)
    bad = 0
    for case in (c_programs, without_the_library, on_musl, from_cpp):
        with tempfile.TemporaryDirectory() as folder:
            try:
                case(folder)
                print("passed " + case.__name__)
            except Exception as error:
                bad += 1
                print("FAILED %s: %s: %s" % (case.__name__, type(error).__name__, error))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
