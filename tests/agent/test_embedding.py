# SPDX-License-Identifier: MIT
"""Python as a guest of a C program: loaded late, gone, and there again; uWSGI."""
import glob
import os
import shutil
import socket
import sys
import time

from host import SKIP, Host, Place, check, interpreters, need_agent, run_cases
from standin import DEADLINE, hammer

EMBEDDING = os.environ.get("MEMTEND_EMBEDDING", "")
UWSGI = "uwsgi-core"

# What it needs is built in: extensions cannot see the names of a library that is loaded for itself.
SCRIPT = """if 1:
    import gc, sys
    gc.disable()
    def work():
        for i in range(1000):
            a = []; a.append(a)
    work()
    sys.stdout.write("up\\n"); sys.stdout.flush()
    while sys.stdin.readline() != "end\\n":
        pass"""


def library(interpreter):
    prefix = os.path.dirname(os.path.dirname(interpreter.path))
    found = glob.glob(os.path.join(prefix, "lib", "libpython%d.%d*.so.*" % interpreter.version[:2]))
    return (prefix, found[0]) if found and not interpreter.path.startswith("/usr/") else None


def embed(place, interpreter, *scripts, **env):
    prefix, path = library(interpreter)
    return Host(place.daemon, [EMBEDDING, path, *scripts], MEMTEND_NAME="guest", PYTHONHOME=prefix,
                **env)


def tell(host, text):
    host.process.stdin.write(text)
    host.process.stdin.flush()


def wait_collect(host, session):
    """Up to 3.6 the agent needs a main thread that runs Python now and then."""
    end = time.monotonic() + DEADLINE
    while session.stat()["py_result"] != "ok":
        check(time.monotonic() < end, "the interpreter never became ready")
        tell(host, b"\n")
        time.sleep(0.01)
    step = session.run("collect")[0]
    check(step["outcome"] == "ok" and step["objects"] >= 1000, str(step))


def a_library_that_is_loaded_late_is_found(interpreter):
    if not library(interpreter):
        return
    with Place() as place:
        host = embed(place, interpreter, SCRIPT)
        session = place.daemon.session(host.pid)
        check(session.stat()["py_result"] == "unsupported", "before it is loaded")
        check(session.hello["runtime"] == "", str(session.hello))
        host.go()
        check(host.line() == "up", "script")
        wait_collect(host, session)
        version = ".".join(str(part) for part in interpreter.version)
        check(session.hello["runtime"] == "cpython " + version, "hello again: %s" % session.hello)
        tell(host, b"end\n")
        host.end()


def memory_goes_back_where_it_came_from(interpreter):
    """The python program changes its raw allocator when it says that it is up; from 3.11."""
    if not library(interpreter) or interpreter.version < (3, 11):
        return
    with Place(hammer) as place:
        host = embed(place, interpreter, "~" + SCRIPT, PYTHONMALLOC="debug")
        session = place.daemon.session(host.pid)
        host.go()
        check(host.line() == "up", "script")
        session.wait_ready()
        tell(host, b"end\n")
        host.end()


def another_interpreter_is_served_again(interpreter):
    if not library(interpreter):
        return
    with Place() as place:
        host = embed(place, interpreter, SCRIPT, SCRIPT, SCRIPT)
        session = place.daemon.session(host.pid)
        host.go()
        for _ in range(3):
            check(host.line() == "up", "script")
            wait_collect(host, session)
            tell(host, b"end\n")
        host.end()


def a_fork_between_two_interpreters(interpreter):
    if not library(interpreter):
        return
    with Place() as place:
        host = embed(place, interpreter, SCRIPT, "-", SCRIPT)
        session = place.daemon.session(host.pid)
        host.go()
        check(host.line() == "up", "script")
        wait_collect(host, session)
        tell(host, b"end\n")
        check(host.line() == "up", "script in the child")
        child = place.daemon.wait(lambda: [one for one in place.daemon.sessions
                                           if one.hello["forked"]], "hello of the child")[0]
        wait_collect(host, child)
        tell(host, b"end\n")
        host.end()


def wsgi_request(path):
    """One request by uWSGI's own protocol; what came back."""
    fields = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "a", "SERVER_PORT": "80",
              "SERVER_PROTOCOL": "HTTP/1.1", "QUERY_STRING": "", "REQUEST_URI": "/"}
    body = b"".join(len(text).to_bytes(2, "little") + text.encode()
                    for item in fields.items() for text in item)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEADLINE)
        connection.connect(path)
        connection.sendall(b"\0" + len(body).to_bytes(2, "little") + b"\0" + body)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def uwsgi(*options):
    """Its workers say hello at once; the interpreter answers while one serves a request, or, with
    threads, ever after the first."""
    text = ("def application(environment, start):\n"
            "    sum(i for i in range(300000))\n"
            "    start('200 OK', [])\n"
            "    return [b'served']\n")
    with Place() as place:
        application, path = (os.path.join(place.folder, name) for name in ("app.py", "app.sock"))
        with open(application, "w") as file:
            file.write(text)
        host = Host(place.daemon, [UWSGI, "--plugin", "python3", "--master", "-p", "2",
                                   "--disable-logging", "--socket", path, "--wsgi-file",
                                   application, "--logto", os.path.join(place.folder, "log"),
                                   *options], MEMTEND_NAME="uwsgi")
        try:
            def workers():
                found = {one.pid: one for one in place.daemon.sessions if one.hello["forked"]}
                return len(found) == 2 and list(found.values())
            sessions = place.daemon.wait(workers, "hello of the workers")
            for session in sessions:
                check(session.hello["runtime"].startswith("cpython 3."), str(session.hello))
            waiting, tries = set(sessions), 0
            while waiting and tries < 200:
                tries += 1
                asked = {one: one.send(t="stat", malloc=True, gc=True, gil_timeout_msec=1000)
                         for one in waiting}
                for _ in range(4):
                    check(b"served" in wsgi_request(path), "request")
                waiting -= {one for one, replies in asked.items()
                            if one.answers(replies)[-1].get("py_result") == "ok"}
            check(not waiting, "a worker's interpreter never answered")
            if options:
                for session in sessions:
                    session.collect()
        finally:
            host.process.send_signal(3)
        host.end(expected=None)


def uwsgi_works(_):
    uwsgi()


def uwsgi_with_threads_works(_):
    uwsgi("--enable-threads")


def main():
    need_agent()
    if sys.argv[1] == "uwsgi":
        if not shutil.which(UWSGI):
            print("SKIP: no uwsgi-core here")
            sys.exit(SKIP)
        os.environ["MEMTEND_PYTHON"] = interpreters()[0].label  # one turn; uWSGI brings its own
        run_cases([uwsgi_works, uwsgi_with_threads_works])
    if not os.path.exists(EMBEDDING):
        print("SKIP: the C program is not built here")
        sys.exit(SKIP)
    run_cases([a_library_that_is_loaded_late_is_found, memory_goes_back_where_it_came_from,
               another_interpreter_is_served_again,
               a_fork_between_two_interpreters])


main()
