# SPDX-License-Identifier: MIT
"""The pools of a resting process as its interpreter's own table of arenas has them.

An independent count: the address of obmalloc's `arenas` from the symbol table of the program or
its library, the table and the pools from PID/mem. For interpreters that are not stripped, up to
3.11: later ones have the table elsewhere.
"""
import os
import re
import struct
import subprocess


def _modules(pid):
    """(path, lowest address) of the files mapped."""
    found = {}
    with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as maps:
        for line in maps:
            fields = line.split(None, 5)
            if len(fields) == 6 and re.search(r"python[0-9.]*[a-z]?(\.so[0-9.]*)?$",
                                              fields[5].strip()):
                found.setdefault(fields[5].strip(), int(fields[0].split("-")[0], 16))
    return found


def _symbols(path):
    try:
        out = subprocess.run(["nm", "--defined-only", path], capture_output=True, text=True,
                             check=False).stdout
    except FileNotFoundError:
        return {}
    symbols = {}
    for line in out.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[2] in ("arenas", "maxarenas"):
            symbols[fields[2]] = int(fields[0], 16)
    return symbols


def _is_relocated(path):
    with open(path, "rb") as file:
        return struct.unpack_from("<H", file.read(20), 16)[0] == 3  # ET_DYN


def walk(pid, pool_bytes):
    """{blocks, used_bytes, pinned_bytes, used_pools, free_pools}, or None: no symbols."""
    for path, base in _modules(pid).items():
        symbols = _symbols(path)
        if len(symbols) == 2:
            offset = base if _is_relocated(path) else 0
            return _walk(pid, pool_bytes, {name: value + offset
                                           for name, value in symbols.items()})
    return None


def _walk(pid, pool_bytes, symbols):
    sums = dict.fromkeys(("blocks", "used_bytes", "pinned_bytes", "used_pools", "free_pools"), 0)
    memory = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
    try:
        arenas = struct.unpack("<Q", os.pread(memory, 8, symbols["arenas"]))[0]
        count = struct.unpack("<I", os.pread(memory, 4, symbols["maxarenas"]))[0]
        for number in range(count):
            address, end = struct.unpack("<QQ", os.pread(memory, 16, arenas + 48 * number))
            first = (address + pool_bytes - 1) // pool_bytes * pool_bytes
            for pool in range(first, end if address else first, pool_bytes):
                _add(sums, os.pread(memory, 48, pool), pool_bytes)
    finally:
        os.close(memory)
    return sums


def _add(sums, head, pool_bytes):
    live = struct.unpack_from("<I", head, 0)[0]
    block = pool_bytes - struct.unpack_from("<I", head, 44)[0]
    if not live:
        sums["free_pools"] += 1
        return
    sums["used_pools"] += 1
    sums["blocks"] += live
    sums["used_bytes"] += live * block
    sums["pinned_bytes"] += ((pool_bytes - 48) // block - live) * block
