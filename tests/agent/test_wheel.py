# SPDX-License-Identifier: MIT
"""The wheel: its tags, what is in it, and what it does in a fresh environment, also by MEMTEND=1."""
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

from host import AGENT, SKIP, Host, Place, check, interpreters, need_agent

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SYSTEM = "/usr/bin/python3"
TAGS = ("py2-none-manylinux2014_x86_64", "py3-none-manylinux2014_x86_64",
        "py3-none-musllinux_1_1_x86_64")
NEEDED = "import setuptools, wheel, pip._vendor.packaging.tags"

LOADED = """
import sys
assert "memtend" not in sys.modules and "ctypes" not in sys.modules, "started although not asked"
"""
ASKED = """
import os, sys, memtend
assert memtend.status()["active"], memtend.status()
assert os.path.dirname(memtend.__file__) in memtend.status()["library"], memtend.status()
print(memtend.__version__)
sys.stdin.readline()
"""


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          check=False, **options)
    check(done.returncode == 0, "%s: %s" % (" ".join(command[:4]), done.stdout.decode()[-600:]))
    return done.stdout.decode()


def make(folder):
    """As ./dev wheel does, from the library that is tested."""
    source = os.path.join(folder, "python")
    shutil.copytree(os.path.join(ROOT, "python"), source)
    run(SYSTEM, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps",
        "--no-build-isolation", "--disable-pip-version-check", "--wheel-dir", folder, source,
        env=dict(os.environ, MEMTEND_LIBRARY=AGENT))
    return [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".whl")][0]


def names_and_tags(wheel):
    expected = {"memtend.pth", "memtend/__init__.py", "memtend/_library.py",
                "memtend/autostart.py", "memtend/libmemtend-agent.so"}
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        with open(AGENT, "rb") as agent:
            check(file.read("memtend/libmemtend-agent.so") == agent.read(), "another library")
    check(expected <= names and all(".dist-info/" in name for name in names - expected), str(names))
    # pip's own reading of the file's name.
    run(SYSTEM, "-c", "import sys\nfrom pip._vendor.packaging import tags\n"
        "name = sys.argv[1][:-4].split('-')\n"
        "found = {str(one) for one in tags.parse_tag('-'.join(name[2:]))}\n"
        "assert found >= set(sys.argv[2:]), found", os.path.basename(wheel), *TAGS)
    check(os.path.basename(wheel).split("-")[1] == version(), "another version")


def version():
    """The project's, in the one place where it is decided."""
    with open(os.path.join(ROOT, "CMakeLists.txt")) as file:
        return file.read().split("VERSION", 2)[2].split()[0]


def in_an_environment(interpreter, wheel, folder):
    """Installed by Debian's pip into an environment of that interpreter; by the interpreter's own
    where Debian's is too old to run."""
    pip = SYSTEM if interpreter.version < (3, 12) else interpreter.path
    home = os.path.join(folder, "env-%s-%d" % (interpreter.label.split()[0], len(interpreter.path)))
    run(interpreter.path, "-m", "venv", "--without-pip", home)
    python = os.path.join(home, "bin", "python")
    run(pip, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
        "--disable-pip-version-check", "--no-deps", wheel)
    bare = {"PATH": os.environ.get("PATH", "")}
    run(python, "-W", "error", "-c", LOADED, env=bare)
    run(python, "-W", "error", "-c", LOADED, env=dict(bare, MEMTEND="0"))
    with Place() as place:
        host = Host(place.daemon, [python, "-W", "error", "-c", ASKED], MEMTEND="1",
                    MEMTEND_NAME="env", LD_PRELOAD="")
        session = place.daemon.session(host.pid)
        check(session.hello["name"] == "env", str(session.hello))
        session.wait_ready()
        session.collect()
        host.go()
        host.end((version() + "\n").encode())


def in_a_folder(interpreter, wheel, folder):
    """Pythons that have no venv as we know it: their own pip must take the file."""
    target = os.path.join(folder, "folder-%s" % interpreter.label)
    run(interpreter.path, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
        "--disable-pip-version-check", "--target", target, wheel,
        env=dict(os.environ, PYTHONWARNINGS="ignore"))
    text = "import memtend; assert memtend.collect()['trimmed'] and memtend.__version__ == '%s'"
    run(interpreter.path, "-c", text % version(), env={"PYTHONPATH": target})


def main():
    need_agent()
    found = subprocess.run([SYSTEM, "-c", NEEDED], stderr=subprocess.DEVNULL, check=False)
    if found.returncode != 0:
        print("SKIP: packages python3-pip, python3-setuptools or python3-wheel are absent")
        sys.exit(SKIP)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        wheel = make(folder)
        names_and_tags(wheel)
        for interpreter in interpreters():
            try:
                if interpreter.version < (3, 7):
                    in_a_folder(interpreter, wheel, folder)
                else:
                    in_an_environment(interpreter, wheel, folder)
                print("CPython %-16s passed" % interpreter.label, flush=True)
            except Exception as error:
                bad += 1
                print("FAILED CPython %s: %s: %s" % (
                    interpreter.label, type(error).__name__, error))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
