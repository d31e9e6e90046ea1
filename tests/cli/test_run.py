# SPDX-License-Identifier: MIT
"""`memtend run`: the program in place, its environment, its exit status, silence."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import MEMTEND, environment, main, memtend

HOME = tempfile.mkdtemp(prefix="memtend-cli-")
AGENT = HOME + "/libmemtend-agent.so"


def make_agent():
    """An empty library: ld.so loads it without a word."""
    subprocess.run(["cc", "-shared", "-o", AGENT, "-x", "c", "/dev/null"], check=True)


def run(*arguments, env=None, **options):
    return memtend(*arguments, env={"MEMTEND_AGENT": AGENT, "MEMTEND_RUNTIME_DIR": HOME,
                                    **(env or {})}, **options)


def seen(said):
    """The environment that /usr/bin/env -0 printed."""
    return dict(item.split("=", 1) for item in said.out.split("\0") if item)


def test_environment():
    said = run("run", "--name", "web", "--", "env", "-0", code=0, clean=False)
    assert said.err == "", said
    got = seen(said)
    assert got["MEMTEND_SOCK"] == HOME + "/agent/control.sock", got
    assert got["LD_PRELOAD"] == AGENT, got
    assert got["MEMTEND_NAME"] == "web", got
    assert got["MEMTEND_PID"].isdigit(), got


def test_same_process():
    process = subprocess.Popen([MEMTEND, "run", "--", "sh", "-c", "echo $$ $MEMTEND_PID"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment({"MEMTEND_AGENT": AGENT}))
    out, err = process.communicate(timeout=60)
    assert out.decode().split() == [str(process.pid)] * 2, (out, process.pid)
    assert err == b"" and process.returncode == 0


def test_nothing_is_left_open():
    said = run("run", "ls", "-l", "/proc/self/fd", code=0)
    numbers = [line.split()[-3] for line in said.out.splitlines() if "->" in line]
    assert sorted(numbers) == ["0", "1", "2", "3"], said  # 3 is the directory that ls reads


def preload(*arguments, before=None):
    said = run("run", *arguments, "env", "-0", env={"LD_PRELOAD": before}, code=0, clean=False)
    assert said.err == "", said
    return seen(said)["LD_PRELOAD"].split(":")


def test_what_is_preloaded_stays_in_front():
    assert preload(before="libc.so.6") == ["libc.so.6", AGENT]
    assert preload(before=f" libc.so.6  {AGENT}:libm.so.6 ") == ["libc.so.6", AGENT, "libm.so.6"]
    got = seen(run("run", "--", MEMTEND, "run", "--", "env", "-0", code=0, clean=False))
    assert got["LD_PRELOAD"] == AGENT, got


def test_malloc():
    for name, package in (("jemalloc", "libjemalloc2"), ("tcmalloc", "libtcmalloc-minimal4"),
                          ("mimalloc", "libmimalloc2.0")):
        said = run("run", "--malloc", name, "env", "-0", clean=False)
        if said.code != 0:
            assert said.code == 125 and f"apt-get install {package}" in said.err, said
            print(f"SKIP: {name} is not installed (package {package})")
            continue
        got = preload("--malloc=" + name, before="libc.so.6")
        assert [got[0], got[2]] == ["libc.so.6", AGENT] and f"/lib{name}" in got[1], got
        assert os.path.isabs(got[1]) and os.path.exists(got[1]), got
        # One allocator a program: another one goes, also for glibc's own.
        shutil.copy(AGENT, HOME + "/libjemalloc.so.1")
        assert preload("--malloc=" + name, before=HOME + "/libjemalloc.so.1 libm.so.6") == \
            ["libm.so.6", got[1], AGENT]
        assert preload("--malloc=glibc", before=got[1]) == [AGENT]
        assert preload(before=got[1]) == [got[1], AGENT]


def test_malloc_that_is_not_there():
    for name in ("nedmalloc", "", "../jemalloc", "e\x1b[31m"):
        said = run("run", "--malloc", name, "true", code=125)
        assert "jemalloc tcmalloc" in said.err, said


def test_relative_runtime_directory_becomes_absolute():
    got = seen(run("--runtime-dir", "place", "run", "env", "-0", cwd=HOME, code=0, clean=False))
    assert got["MEMTEND_SOCK"] == HOME + "/place/agent/control.sock", got


def test_exit_status_is_the_programs():
    for code in (0, 1, 3, 42, 125):
        assert run("run", "--", "sh", "-c", f"exit {code}").code == code
    done = subprocess.run([MEMTEND, "run", "sh", "-c", "kill -9 $$"], check=False,
                          env=environment({"MEMTEND_AGENT": AGENT}))
    assert done.returncode == -9


def test_arguments_are_the_programs():
    said = run("run", "printf", "%s|", "-x", "--json", "a b", "", code=0)
    assert said.out == "-x|--json|a b||", said
    assert run("run", "--", "printf", "%s", "--help", code=0).out == "--help"


def test_not_found():
    said = run("run", "--", "no-such-program-here", code=127)
    assert "no-such-program-here" in said.err and said.out == "", said
    run("run", "--", "/no/such/file", code=127)


def test_not_executable():
    run("run", "--", "/etc/passwd", code=126)
    run("run", "--", "/", code=126)


def test_own_failures():
    run("run", code=125)
    run("run", "--nonsense", "true", code=125)
    run("run", "--name", "a b", "true", code=125)
    run("run", "--name", "", "true", code=125)
    run("run", "--name", "x" * 48, "true", code=125)
    run("run", "--name", "e\x1b[31m", "true", code=125)
    run("run", "--http", "off", "true", code=125)
    run("run", "--state-dir", HOME, "true", code=125)
    run("run", "true", env={"MEMTEND_AGENT": "relative.so"}, code=125)
    run("run", "true", env={"MEMTEND_AGENT": "/no/such/agent.so"}, code=125)
    said = run("--runtime-dir", "/tmp/" + "x" * 100, "run", "true", code=125)
    assert "107" in said.err, said


def test_agent_with_blank_in_path():
    folder = HOME + "/a b"
    os.mkdir(folder)
    shutil.copy(AGENT, folder)
    said = run("run", "true", env={"MEMTEND_AGENT": folder + "/libmemtend-agent.so"}, code=125)
    assert "LD_PRELOAD" in said.err, said


def test_agent_beside_the_program():
    for place in ("lib", "lib/memtend"):
        tree = pathlib.Path(tempfile.mkdtemp(dir=HOME))
        (tree / "bin").mkdir()
        (tree / place).mkdir(parents=True)
        shutil.copy(MEMTEND, tree / "bin/memtend")
        shutil.copy(AGENT, tree / place)
        done = subprocess.run([tree / "bin/memtend", "run", "env"], env=environment({}), check=True,
                              capture_output=True, text=True)
        wanted = str(tree.resolve() / place / "libmemtend-agent.so")
        assert f"LD_PRELOAD={wanted}\n" in done.stdout, done
    tree = pathlib.Path(tempfile.mkdtemp(dir=HOME))
    shutil.copy(MEMTEND, tree / "memtend")
    done = subprocess.run([tree / "memtend", "run", "true"], env=environment({}), check=False,
                          capture_output=True, text=True)
    assert done.returncode == 125 and "MEMTEND_AGENT" in done.stderr, done


def test_running_daemons_directory_is_used():
    runtime = HOME + "/x/memtend"
    os.makedirs(runtime)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(runtime + "/http.sock")
        server.listen()
        env = {"MEMTEND_AGENT": AGENT, "XDG_RUNTIME_DIR": HOME + "/x"}
        got = seen(memtend("run", "env", "-0", env=env, code=0, clean=False))
        assert got["MEMTEND_SOCK"] == runtime + "/agent/control.sock", got


if __name__ == "__main__":
    try:
        make_agent()
        main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
