#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The house rules that a machine can check, from one table.

usage: house.py floors|libraries|banned|sizes SOURCE-DIR [ARCHIVE...]

floors     a folder includes only floors below it, never a peer, never upward
libraries  an outside library is used in its folders only
banned     no archive of ours calls a banned function (nm)
sizes      no function over 70 lines, no file over 800
"""
import pathlib
import re
import subprocess
import sys

# folder: (floor number, outside headers it may include beside libc and Linux)
FLOORS = {
    "base": (0, {"nettle"}),
    "model": (1, set()),
    "config": (1, set()),
    "wire": (1, {"jsmn"}),
    "collect": (2, set()),
    "heap": (2, set()),
    "rules": (2, set()),
    "diagnose": (2, set()),
    "storage": (2, {"sqlite3", "zstd"}),
    "agents": (2, set()),
    "act": (2, set()),
    "http": (3, {"microhttpd", "jansson"}),
    "engine": (4, {"systemd", "seccomp"}),
}
# Parts beside the daemon: the floors, or single headers of one, that they may use, and their
# outside headers.
PARTS = {
    "agent": ({"wire", "base", "heap/pool.h", "heap/cpython.h", "collect/proc_maps.h",
               "collect/proc_pagemap.h", "collect/process_memory.h"}, set()),
    "cli": ({"base", "model", "config", "collect", "heap", "diagnose", "storage"},
            {"curl", "jansson", "ncurses"}),
}
# Floors on one number that may still meet, with the reason.
ALLOWED_PEERS = set()
LIBRARIES = {"nettle", "jsmn", "sqlite3", "microhttpd", "jansson", "systemd", "seccomp", "curl",
             "ncurses", "zstd"}
BANNED = {"strcpy", "strcat", "strncpy", "sprintf", "vsprintf", "strtok", "atoi", "localtime",
          "gmtime", "ctime", "system", "popen"}
FUNCTION_LINES = 70
FILE_LINES = 800

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h", ".y"))


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def library_of(header):
    stem = header.split("/")[0].removesuffix(".h")
    return stem if stem in LIBRARIES else None


def check_floors(root):
    for name, (number, _) in FLOORS.items():
        for path in sources(root / "daemon" / name):
            for header in includes(path):
                other = header.split("/")[0]
                if "/" not in header or other not in FLOORS or other == name:
                    continue
                below = FLOORS[other][0] < number
                if not below and (name, other) not in ALLOWED_PEERS:
                    kind = "upward" if FLOORS[other][0] > number else "sideways"
                    yield f"{path}: includes {header} ({kind}: {name} -> {other})"
                if name == "wire" and other == "model":
                    yield f"{path}: wire knows nothing of model"
    for name, (allowed, _) in PARTS.items():
        for path in sources(root / name):
            for header in includes(path):
                other = header.split("/")[0]
                if "/" in header and other in FLOORS and not {other, header} & allowed:
                    yield f"{path}: includes {header}, which {name}/ may not use"


def check_libraries(root):
    folders = {root / "daemon" / name: allowed for name, (_, allowed) in FLOORS.items()}
    folders |= {root / name: allowed for name, (_, allowed) in PARTS.items()}
    for folder, allowed in folders.items():
        for path in sources(folder):
            for header in includes(path):
                library = library_of(header)
                if library and library not in allowed:
                    yield f"{path}: uses {library}, which is not for {folder.name}/"


def check_banned(root, archives):
    if not archives:
        yield "no archive given"
    for archive in archives:
        names = subprocess.run(["nm", "-u", archive], check=True, capture_output=True, text=True)
        for symbol in {line.split()[-1].split("@")[0] for line in names.stdout.splitlines()
                       if line.strip() and not line.endswith(":")}:
            if symbol in BANNED or symbol.removeprefix("__").removesuffix("_chk") in BANNED:
                yield f"{archive}: calls {symbol}"


def functions(lines):
    """Yield (first line, length) of each top-level body, by the house format: braces in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield start - 1, number - start + 2
            start = None


def check_sizes(root):
    for part in ("daemon", "agent", "cli"):
        for path in sources(root / part):
            lines = path.read_text(encoding="utf-8").splitlines()
            if len(lines) > FILE_LINES:
                yield f"{path}: {len(lines)} lines"
            for first, length in functions(lines):
                if length > FUNCTION_LINES:
                    yield f"{path}:{first}: a function of {length} lines"
    for path in sorted((root / "web").glob("*.js")):
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > FILE_LINES:
            yield f"{path}: {count} lines"


def main():
    check, root = sys.argv[1], pathlib.Path(sys.argv[2])
    if not list(sources(root / "daemon" / "base")):
        sys.exit(f"{root}: no daemon/base here")
    if check == "banned":
        found = list(check_banned(root, sys.argv[3:]))
    else:
        found = list({"floors": check_floors, "libraries": check_libraries,
                      "sizes": check_sizes}[check](root))
    for line in found:
        print(line)
    print(f"{check}: {len(found)} violations")
    sys.exit(1 if found else 0)


main()
