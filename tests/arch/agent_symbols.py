# SPDX-License-Identifier: MIT
"""Can libmemtend-agent.so be loaded where it must be? Checks what it imports against
agent_symbols.txt, what it exports, what it needs, and how it is marked.
usage: agent_symbols.py LIBRARY"""
import glob
import os
import re
import subprocess
import sys

NEWEST = (2, 17)
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "agent_symbols.txt")


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], stdout=subprocess.PIPE,
                          check=True).stdout.decode()


def version(text):
    return tuple(int(part) for part in text.split("."))


def table():
    rows = {}
    with open(TABLE) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, oldest = line.split()
                rows[name] = version(oldest)
    return rows


def dynamic_symbols(path):
    """(name, version or None, is undefined, binding)"""
    for line in readelf(path, "--dyn-syms").splitlines():
        found = re.match(r"\s*\d+: \S+ +\d+ (\S+) +(\S+) +\S+ +(\S+) (\S+)", line)
        if found and found.group(1) not in ("SECTION", "FILE"):
            name, _, needed = found.group(4).partition("@")
            yield name, needed.lstrip("@") or None, found.group(3) == "UND", found.group(2)


def check_imports(path, allowed, problems):
    for name, needed, undefined, binding in dynamic_symbols(path):
        if not undefined:
            if not name.startswith("memtend_"):
                problems.append("exports %s: it would replace a program's own" % name)
            continue
        if name not in allowed:
            problems.append("imports %s, which is not in agent_symbols.txt" % name)
        if needed and needed.startswith("GLIBC_") and version(needed[6:]) > NEWEST:
            problems.append("imports %s@%s" % (name, needed))
        if name == "dlsym" and binding != "WEAK":
            problems.append("dlsym must be weak: it lives in libdl before glibc 2.34")


def check_table(allowed, problems):
    for name, oldest in allowed.items():
        if oldest > NEWEST:
            problems.append("agent_symbols.txt: %s is newer than glibc 2.17" % name)
    musl = glob.glob("/lib/ld-musl-*.so.1")
    if not musl:
        print("note: no musl here (package musl): its half of the table was not checked")
        return
    exported = {name for name, _, undefined, _ in dynamic_symbols(musl[0]) if not undefined}
    for name in allowed:
        if name not in exported:
            problems.append("agent_symbols.txt: musl has no %s" % name)


def check_marks(path, problems):
    dynamic = readelf(path, "-d")
    needed = re.findall(r"NEEDED.*\[(.*)\]", dynamic)
    # glibc must initialise itself before our constructor; musl takes the name as its own.
    if needed != ["libc.so.6"]:
        problems.append("needs %s instead of libc.so.6 alone" % needed)
    for mark in ("NODELETE", "NOW"):
        if mark not in dynamic:
            problems.append("is not marked " + mark)
    if "(TEXTREL)" in dynamic or re.search(r"\((INIT|FINI|FINI_ARRAY)\)", dynamic):
        problems.append("has text relocations, or code besides its constructor")
    for text in re.findall(r"Name: GLIBC_([0-9.]+)", readelf(path, "-V")):
        if version(text) > NEWEST:
            problems.append("needs GLIBC_" + text)
    if re.search(r"GNU_STACK.* RWE", readelf(path, "-l")):
        problems.append("asks for an executable stack")


def main():
    path = sys.argv[1]
    if not os.path.exists(path):
        print("SKIP: libmemtend-agent.so is not built here")
        sys.exit(77)
    problems, allowed = [], table()
    check_imports(path, allowed, problems)
    check_table(allowed, problems)
    check_marks(path, problems)
    for problem in problems:
        print("libmemtend-agent.so " + problem)
    print("%d imports allowed, %d problems" % (len(allowed), len(problems)))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
