# SPDX-License-Identifier: MIT
"""What the daemon sends, as small as possible and as wrong as possible."""

from case import EVIL

MIB = 1 << 20

PROCESS = {
    "id": "4711-88213", "pid": 4711, "comm": "python3", "name": None,
    "cmdline": "python3 etl.py --password=***", "uid": 1000, "unit": None,
    "agent": {"state": "ready", "runtime": "cpython 3.11.2", "allocator": "glibc 2.36"},
    "rss_bytes": 247 * MIB, "pss_bytes": 246 * MIB, "uss_bytes": 245 * MIB,
    "limit_bytes": 2048 * MIB, "headroom_bytes": 512 * MIB, "cpu_percent": 3.5, "age_seconds": 3725.5, "pss_age_seconds": 12.0,
}

STATUS = {
    "version": "0.1.0", "uptime_seconds": 90061, "paused": False, "paused_until": None,
    "probe": {"state": "ok", "detail": None}, "store": {"state": "ok", "detail": None},
    "agents": 3, "agents_ready": 2, "rules": 4, "rules_armed": 1, "processes": 120,
    "missing": [],
}

RECEIPT = {
    "id": "20261122-1", "target": "4711-88213", "comm": "python3", "rule": None,
    "asked_by": "uid 1000 (socket)", "time": "2026-11-22T10:41:18.123Z", "basis": "uss",
    "predicted_bytes": [200 * MIB, 240 * MIB], "predicted_pause_seconds": 0.05,
    "steps": [
        {"step": "collect", "outcome": "freed_nothing", "rss_before_bytes": 247 * MIB,
         "rss_after_bytes": 247 * MIB, "uss_before_bytes": 245 * MIB,
         "uss_after_bytes": 245 * MIB, "pause_seconds": 0.041, "objects": 400000, "note": None},
        {"step": "trim", "outcome": "freed", "rss_before_bytes": 247 * MIB,
         "rss_after_bytes": 10 * MIB, "uss_before_bytes": 245 * MIB, "uss_after_bytes": 8 * MIB,
         "pause_seconds": 0.002, "note": "all arenas"},
    ],
    "rss_before_bytes": 247 * MIB, "rss_after_bytes": 10 * MIB, "freed_bytes": 237 * MIB,
    "moved_to_swap_bytes": 0, "outcome": "freed", "durable": True, "note": None,
}

EVENTS = [
    {"id": 3, "time": "2026-11-22T10:43:00.000Z", "kind": "rule_fired", "target": "4711-88213",
     "rule": "idle-after-burst", "receipt": "20261122-1", "text": "rss > 200 MiB for 20 s"},
    {"id": 2, "time": "2026-11-22T10:42:00.000Z", "kind": "hello", "target": "4711-88213",
     "rule": None, "receipt": None, "text": "cpython 3.11.2"},
    {"id": 1, "time": "2026-11-22T10:41:00.000Z", "kind": "start", "target": None, "rule": None,
     "receipt": None, "text": "memtendd 0.1.0"},
]

RULE = {"name": "idle-after-burst", "text": "rule idle-after-burst for each python:\n"
        "\twhen rss > 200 MiB for 20s\n  then collect, trim\n", "source": "api",
        "state": "dry_run", "sha256": "ab" * 32, "last_fired": None, "fired_count": 0}

HOST = {"time": "2026-11-22T10:41:18.123Z", "mem_total_bytes": 2048 * MIB,
        "mem_available_bytes": 512 * MIB, "psi_some_avg10_percent": 1.25, "oom_kills": 0}

SERIES = {"step_seconds": 60.0, "series": [
    {"target": "4711-88213", "metric": "rss_bytes",
     "points": [[1795344000000, 100 * MIB], [1795344060000, 247 * MIB], [1795344120000, None],
                [1795344180000, 10 * MIB]]}]}


TOP = {"id": "4711-88213", "pid": 4711, "comm": "python3", "name": None, "cmdline": "python3 etl.py",
       "unit": "etl.service", "peak_bytes": 247 * MIB, "average_bytes": 100 * MIB,
       "first_seen": "2026-11-22T10:40:00.000Z", "last_seen": "2026-11-22T10:43:00.000Z",
       "ended": True}

WINDOW = {"event": {"id": 412, "time": "2026-11-22T10:41:18.000Z", "kind": "oom_kill",
                    "target": "4711-88213", "comm": "python3"},
          "from": "2026-11-22T10:40:18.000Z", "to": "2026-11-22T10:41:18.000Z",
          "items": [{"id": "4711-88213", "pid": 4711, "comm": "python3", "victim": True,
                     "samples": [{"time": "2026-11-22T10:40:20.000Z", "rss_bytes": 100 * MIB},
                                 {"time": "2026-11-22T10:41:17.000Z", "rss_bytes": 247 * MIB,
                                  "swap_bytes": 0}]}]}


def listing(*items, cursor=None):
    return {"items": list(items), "next_cursor": cursor}


def poisoned(value):
    """The same shape with a hostile text in every text, keys included where they are free."""
    if isinstance(value, str):
        return value + EVIL
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    return value


def twisted(value, other):
    """The same keys, every value replaced by one of another type."""
    if isinstance(value, dict):
        return {key: twisted(item, other) if isinstance(item, (dict, list)) else other
                for key, item in value.items()}
    if isinstance(value, list):
        return [twisted(item, other) for item in value] + [other]
    return other

AGENT = {
    "age_seconds": 2.5, "interpreter": "main",
    "malloc": {"in_use_bytes": 2670016, "free_bytes": 467520, "total_bytes": 3137536},
    "gc": {"enabled": True, "debug": 0, "count": [27, 5, 0], "threshold": [700, 10, 10],
           "collections": [5, 0, 0], "collected": [24, 0, 0], "uncollectable": [0, 0, 0],
           "garbage": 0, "frozen": 375, "allocated_blocks": 210085},
    "pymalloc": {"arenas": 14, "pools": 857, "free_pools": 0, "used_bytes": 13607600,
                 "pinned_bytes": 374032, "free_bytes": 0, "partial": False, "age_seconds": 2.5,
                 "classes": [{"block_bytes": 64, "pools": 798, "blocks": 203280}]},
    "cost": {"malloc_usec": 9, "gil_wait_usec": 5, "gil_hold_usec": 80, "pools_usec": 2000}}

CENSUS = {
    "mode": "roots", "truncated": False, "objects": 18595, "hold_seconds": 0.0019,
    "run_seconds": 0.0019, "gil_wait_seconds": 0.000004,
    "findings": [
        {"kind": "container", "path": "__main__.app.cache.d", "type": "dict", "count": 7200,
         "references": 1, "rises": 3, "growth": 3600, "holders": ["__main__.app.cache.d"]},
        {"kind": "container", "path": "__main__.global_dict", "type": "dict", "count": 500000,
         "references": 2, "holders": ["__main__.global_dict", "__main__.alias"]},
        {"kind": "container", "path": "__main__.blob", "type": "bytes", "count": 3000000,
         "holders": []}]}

SUSPECTS = {
    "mode": "suspects", "truncated": True, "objects": 7, "findings": [
        {"kind": "suspect", "path": "gc.garbage", "type": None, "count": 1234,
         "text": "clear the list"}]}

TYPES = {
    "mode": "full", "truncated": False, "objects": 11280, "hold_seconds": 0.03, "findings": [
        {"kind": "type", "type": "dict", "count": 11000},
        {"kind": "type", "type": "app.Order", "count": 280}]}
