# SPDX-License-Identifier: MIT
"""The census: large containers by name, growth, holders, known causes, objects by type; what it
must never do to the program, and what must never leave it."""
import contextlib
import functools
import json
import os
import queue
import time

from host import LONG, Host, Place, check, run_cases, script, since
from standin import DEADLINE, Gone

SECRET = "Tr0ub4dor"
END = """
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
"""


class Absent(Exception):
    """This interpreter has no census."""


@contextlib.contextmanager
def program(interpreter, text, end=True, expected=b"", **env):
    """A program at its first line of output, its session ready; ends as it should."""
    with Place() as place:
        body = "if 1:\n    import sys\n    try: range = xrange\n    except NameError: pass\n" + text
        host = Host(place.daemon, script(interpreter, body + END if end else body), **env)
        try:
            session = place.daemon.session(host.pid)
            check(host.line() == "up", "the script did not start")
            if not interpreter.full and "census" not in session.hello["caps"]:
                raise Absent()
            session.wait_ready()
            yield session, host
            host.go()
            host.end(expected)
        finally:
            host.kill()


def tries():
    """On a busy machine the time of a walk may be over before it has seen what it should."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        yield


def by_path(session, mode="roots", top=40, wanted=None, **options):
    """The findings by their path, and the last line; of a walk that saw all, or what is wanted."""
    for _ in tries():
        findings, end = session.census(mode, top, **options)
        if not end.get("truncated") or wanted in [one["path"] for one in findings]:
            break
    check(end["t"] == "censused" and end["outcome"] == "ok", str(end))
    check(end["findings"] == len(findings), "%d findings, said %s" % (len(findings), end))
    return {one["path"]: one for one in findings}, end


def expect(found, path, kind, count):
    check(path in found, "%s is not among %s" % (path, sorted(found)))
    one = found[path]
    check((one["type"], one["count"]) == (kind, count), "%s: %s" % (path, one))
    return one


def large_containers_are_named(interpreter):
    text = """
    import collections
    global_dict = {i: i for i in range(500000)}
    class Cache(object):
        shared = ['x'] * 4001
        def __init__(self):
            self.d = dict.fromkeys(range(40000))
    class App(object):
        def __init__(self):
            self.cache = Cache()
            self.jobs = collections.deque(range(30000))
            self.found = collections.defaultdict(list, {i: [] for i in range(4002)})
    class Slots(object):
        __slots__ = ('store',)
    class Old:
        def __init__(self):
            self.kept = list(range(4003))
    app = App()
    app.cache.d['x'] = 1
    slots = Slots(); slots.store = set(range(20000))
    old = Old()
    def remember(x, seen=[0] * 10000):
        return seen
    def closure():
        results = dict.fromkeys(range(4004))
        return lambda x: results[x]
    look = closure()
    nested = [0, {'k': [7] * 4005}]
    text = b'x' * 3000000
"""
    with program(interpreter, text) as (session, _):
        found, end = by_path(session)
        dict_ = expect(found, "__main__.global_dict", "dict", 500000)
        check(list(found)[0] == "__main__.global_dict", "not the first: %s" % list(found)[:3])
        check(dict_["references"] == 1, str(dict_))
        expect(found, "__main__.app.cache.d", "dict", 40001)
        expect(found, "__main__.app.jobs", "collections.deque", 30000)
        expect(found, "__main__.app.found", "collections.defaultdict", 4002)
        expect(found, "__main__.slots.store", "set", 20000)
        expect(found, "__main__.old.kept", "list", 4003)
        expect(found, "__main__.Cache.shared", "list", 4001)
        expect(found, "__main__.remember.__defaults__[0]", "list", 10000)
        expect(found, "__main__.look.__closure__[0].cell_contents", "dict", 4004)
        expect(found, "__main__.nested[1][...]", "list", 4005)
        check(found["__main__.text"]["count"] == 3000000, "text")
        check(0 < end["hold_usec"] <= end["run_usec"] + 1, str(end))
        few, last = session.census(top=3)
        check(len(few) == 3 and last["findings"] == 3, str(last))


def the_programs_own_comes_first(interpreter):
    """When there is more than can be seen in the time."""
    text = """
    import types
    for i in range(600):
        module = types.ModuleType('filler%d' % i)
        sys.modules[module.__name__] = module
        for j in range(200):
            setattr(module, 'a%d' % j, [[j]])
    class Node(object):
        def __init__(self, **names):
            self.__dict__.update(names)
    app = Node(a=Node(b=Node(c=Node(kept={i: i for i in range(2500)}))))
"""
    with program(interpreter, text) as (session, _):
        for _ in tries():
            findings, end = session.census()
            check(end["truncated"], "all of it was seen: %s" % end)
            if any(one["path"] == "__main__.app.a.b.c.kept" for one in findings):
                return
        check(False, "what the program made was not seen: %s" % findings)


def more_modules_than_there_is_room_for(interpreter):
    text = """
    import types
    one = types.ModuleType('one')
    for i in range(40000):
        sys.modules['m%d' % i] = one
    kept = {i: i for i in range(2500)}
"""
    with program(interpreter, text) as (session, _):
        for _ in tries():
            findings, end = session.census()
            check(end["truncated"], "all of it was seen: %s" % end)
            # Before 3.6 the modules come in no order, and the main one may be left out.
            if interpreter.version < (3, 6) or any(
                    one["path"] == "__main__.kept" for one in findings):
                return
        check(False, "of the main module nothing was seen: %s" % findings)


def growth_needs_three_looks(interpreter):
    text = """
    grows, steady, falls = {}, list(range(3000)), list(range(3000))
    def step():
        grows.update({len(grows) + i: None for i in range(200)})
        falls.pop()
        print("up"); sys.stdout.flush()
        sys.stdin.readline()
    for i in range(4):
        step()
    grows.clear()
    step()
"""
    with program(interpreter, text, end=False) as (session, host):
        for look in range(4):
            found, _ = by_path(session)
            one = found["__main__.grows"]
            check(one["count"] == 200 * (look + 1), str(one))
            if look < 2:
                check("growth" not in one, "after %d looks: %s" % (look + 1, one))
            else:
                check((one["rises"], one["growth"]) == (look, 200 * look), str(one))
                check(list(found)[0] == "__main__.grows", "what grows comes first: %s" %
                      list(found)[:3])
            check("growth" not in found["__main__.steady"], str(found["__main__.steady"]))
            check("growth" not in found["__main__.falls"], str(found["__main__.falls"]))
            host.go()
            check(host.line() == "up", "script")
        found, _ = by_path(session)
        check("growth" not in found["__main__.grows"], "after a fall")


def holders_are_named(interpreter):
    text = """
    import types
    table = dict.fromkeys(range(5000))
    other = types.ModuleType('other')
    sys.modules['other'] = other
    other.imported = table
    class Keeper(object):
        def __init__(self):
            self.own = table
    keeper = Keeper()
    pair = (1, table)
    many = [table] * 10
"""
    with program(interpreter, text) as (session, _):
        found, _ = by_path(session)
        path = next(path for path in found if found[path]["count"] == 5000)
        one = found[path]
        check(one["references"] == 14, str(one))
        holders = one["holders"]
        check(len(holders) == 3 and holders[0] == path, str(one))
        known = {"__main__.table", "other.imported", "__main__.keeper.own", "__main__.pair[1]"}
        known |= {"__main__.many[%d]" % i for i in range(10)}
        check(set(holders) <= known, str(holders))


def suspects_of_the_standard_library(interpreter):
    text = """
    import functools, gc, logging, threading, time
    gc.garbage.append([])
    caches = hasattr(functools, 'lru_cache')
    if caches:
        cached = functools.lru_cache(maxsize=None)(lambda x: x)
        bounded = functools.lru_cache(maxsize=3000)(lambda x: x)
        for i in range(5000):
            cached(i); bounded(i)
    for logger in (logging.getLogger('threading'), logging.getLogger('%s')):
        for i in range(12):
            logger.addHandler(logging.StreamHandler(sys.stdout))
    threading.stack_size(65536)
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for i in range(110)]
    for one in threads:
        one.start()
    # 2.7 says that a thread has started before it is in the list.
    while len(threading._active) < 111:
        time.sleep(0.001)
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
    done.set()
""" % SECRET
    with program(interpreter, text, end=False) as (session, _):
        found, _ = by_path(session, "suspects")
        check(all(one["kind"] == "suspect" and one["text"] for one in found.values()), str(found))
        check(found["gc.garbage"]["count"] == 1, str(found))
        check(found["threading._active"]["count"] == 111, str(found))
        check(found["logging.getLogger('threading')"]["count"] == 12, str(found))
        check(found["logging.getLogger('threading')"]["text"].startswith("11 of "), str(found))
        check("logging.getLogger(...)" in found, "a logger with a name of its own: %s" % found)
        if interpreter.version >= (3, 6):
            check(found["__main__.cached"]["count"] == 5000, str(found))
        check("__main__.bounded" not in found, "a bounded cache is no suspect")


def a_clean_program_has_no_suspects(interpreter):
    text = """
    import functools, gc, logging, threading
    logging.basicConfig(stream=sys.stdout)
    if hasattr(functools, 'lru_cache'):
        cached = functools.lru_cache(maxsize=None)(lambda x: x)
        cached(1)
"""
    with program(interpreter, text) as (session, _):
        found, _ = by_path(session, "suspects")
        check(found == {}, str(found))


@since(3, 7)
def asyncio_tasks_are_counted_by_coroutine(interpreter):
    text = """
    import asyncio
    class Worker:
        async def poll(self):
            await asyncio.sleep(1000)
    async def other():
        await asyncio.sleep(1000)
    async def main():
        worker = Worker()
        tasks = [asyncio.ensure_future(worker.poll()) for i in range(400)]
        tasks += [asyncio.ensure_future(other()) for i in range(150)]
        tasks += [asyncio.ensure_future(asyncio.sleep(1000)) for i in range(5)]
        await asyncio.sleep(0)
        print("up"); sys.stdout.flush()
        await loop.run_in_executor(None, sys.stdin.readline)
        for task in tasks:
            task.cancel()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
"""
    with program(interpreter, text, end=False) as (session, _):
        found, _ = by_path(session, "suspects")
        tasks = {path: one["count"] for path, one in found.items() if "asyncio" in path}
        check(tasks == {"asyncio task Worker.poll": 400, "asyncio task other": 150}, str(found))


def suspects_of_frameworks(interpreter):
    """With the libraries as Debian packages them, for its own interpreter."""
    if not interpreter.path.startswith("/usr"):
        return
    libraries = {
        "django": ("""
    import django
    from django.conf import settings
    settings.configure(DEBUG=%s, DATABASES={'default': {
        'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}})
    django.setup()
    from django.db import connection
    connection.force_debug_cursor = True
    for i in range(300):
        connection.cursor().execute('select %d')
""" % (True, 1), "django.db.connection.queries", 300),
        "sqlalchemy": ("""
    import sqlalchemy, sqlalchemy.pool
    engine = sqlalchemy.create_engine('sqlite://', poolclass=sqlalchemy.pool.QueuePool,
                                      pool_size=3, max_overflow=4)
    held = [engine.connect() for i in range(5)]
""", "__main__.engine.pool", 5),
        "redis": ("""
    import redis
    client = redis.Redis()
    held = [client.connection_pool.make_connection() for i in range(60)]
""", "__main__.client.connection_pool", 60),
        "prometheus_client": ("""
    import prometheus_client
    requests = prometheus_client.Counter('requests', 'text', ['user'])
    for i in range(1500):
        requests.labels(user='%s%%d' %% i).inc()
""" % SECRET, "__main__.requests", 1500),
    }
    for name, (text, path, count) in libraries.items():
        if os.system("%s -c 'import %s' 2>/dev/null" % (interpreter.path, name)) != 0:
            print("SKIP: python3 has no %s" % name)
            continue
        with program(interpreter, text) as (session, _):
            found, _ = by_path(session, "suspects", wanted=path)
            check(path in found and found[path]["count"] == count, "%s: %s" % (name, found))
    quiet = libraries["django"][0].replace("DEBUG=True", "DEBUG=False")
    with program(interpreter, quiet) as (session, _):
        for _ in range(20):  # there is more than one walk can see
            found = [one["path"] for one in session.census("suspects")[0]]
            check("django.db.connection.queries" not in found, "without DEBUG: %s" % found)


def full_counts_by_type(interpreter):
    text = """
    import gc
    runs = []
    if hasattr(gc, 'callbacks'):
        gc.callbacks.append(lambda phase, info: runs.append(phase))
    class Order(object):
        pass
    orders = [Order() for i in range(30000)]
    orders[0].me = [1]
    gc.collect()
    del runs[:]
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
    print(gc.isenabled(), len(runs), sys.getrefcount(orders[1]), len(orders))
"""
    expected = b"(True, 0, 2, 30000)\n" if interpreter.version < (3,) else b"True 0 2 30000\n"
    with program(interpreter, text, end=False, expected=expected) as (session, _):
        findings, end = session.census("full", top=40)
        check(end["outcome"] == "ok" and end["objects"] > 30000, str(end))
        counts = {one["type"]: one["count"] for one in findings}
        check(counts.get("Order") == 30000, str(counts))
        check(all(one["kind"] == "type" for one in findings), str(findings[0]))
        check(sum(counts.values()) <= end["objects"], "more than all")
        check(end["hold_usec"] <= end["run_usec"], str(end))
        findings, end = session.census("full", max_objects=1000)
        check((findings, end["outcome"]) == ([], "too_many_objects"), str(end))


def nothing_of_the_program_runs(interpreter):
    """Whatever an object does when it is asked, it is not asked."""
    text = """
    import types
    calls = []
    class Loud(object):
        def __getattribute__(self, name):
            calls.append(name)
            return object.__getattribute__(self, name)
        def __getattr__(self, name): calls.append(name)
        def __len__(self): calls.append('len'); return 10**9
        def __iter__(self): calls.append('iter'); return iter(())
        def __eq__(self, other): calls.append('eq'); return False
        def __hash__(self): return hash('sys')
        def __repr__(self): calls.append('repr'); return ''
        def __bool__(self): calls.append('bool'); return True
        __nonzero__ = __bool__
        def __del__(self): calls.append('del')
        @property
        def __dict__(self): calls.append('dict'); return {}
        @property
        def __class__(self): calls.append('class'); return dict
    class Meta(type):
        def __getattribute__(cls, name):
            calls.append(name)
            return type.__getattribute__(cls, name)
        def __instancecheck__(cls, other): calls.append('instance'); return True
        def __subclasscheck__(cls, other): calls.append('subclass'); return True
    Odd = Meta('Odd', (Loud,), {'inner': {i: 0 for i in range(500)}})
    class LoudDict(dict):
        def __len__(self): calls.append('len'); return 1
        def __iter__(self): calls.append('iter'); return iter(())
        def __getitem__(self, key): calls.append('item'); return 1
    class LoudList(list):
        def __len__(self): calls.append('len'); return 1
        def __getitem__(self, key): calls.append('item'); return 1
    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            calls.append(name)
            return types.ModuleType.__getattribute__(self, name)
    class Bare(object):
        __slots__ = ('unset', 'set')
    loud, odd = Loud(), Odd()
    keyed = {}
    dict.__setitem__(keyed, loud, [loud, odd])
    items = LoudDict((i, i) for i in range(600))
    row = LoudList(range(700))
    sys.modules['lazy'] = Lazy('lazy')
    sys.modules['replaced'] = loud
    sys.modules['none'] = None
    sys.modules[loud] = odd
    bare = Bare(); bare.set = {i: 0 for i in range(800)}
    deep = []
    for i in range(100): deep = [deep]
    cyclic = {}; cyclic['me'] = cyclic
    if hasattr(type, 'mro'):
        class Broken(object): pass
        broken = Broken(); broken.__dict__ = LoudDict(a=loud)
        broken.__dict__[loud] = 1
    ref = sys.getrefcount(loud), sys.getrefcount(items)
    del calls[:]
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
    seen = list(calls)
    print(len(seen), ref == (sys.getrefcount(loud), sys.getrefcount(items)), seen[:5])
"""
    expected = b"(0, True, [])\n" if interpreter.version < (3,) else b"0 True []\n"
    with program(interpreter, text, end=False, expected=expected) as (session, _):
        for mode in ("roots", "suspects", "full"):
            _, end = session.census(mode)
            check(end.get("outcome") == "ok", "%s: %s" % (mode, end))
        found, _ = by_path(session)
        expect(found, "__main__.items", "LoudDict", 600)
        expect(found, "__main__.row", "LoudList", 700)
        expect(found, "__main__.bare.set", "dict", 800)
        expect(found, "__main__.Odd.inner", "dict", 500)


def names_may_mean_anything_by_now(interpreter):
    """What the agent knows by its name was replaced by the program."""
    text = """
    import collections, _collections, gc, logging, threading
    class Loud(object):
        def __len__(self): sys.stderr.write('asked'); return 5
    _collections.deque = Loud
    loud = Loud()
    logging.root.handlers = b'x' * 10**8 if sys.version_info[0] < 3 else bytes(10**8)
    threading._active = 5
    logging.Logger.manager = [1]
    sys.modules['functools'] = loud
    gc.get_objects = lambda *_: 'objects'
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
    logging.root.handlers = []
    threading._active = {}
    sys.stdout.flush()
    import os; os._exit(0)
"""
    with program(interpreter, text, end=False) as (session, _):
        for mode in ("roots", "suspects"):
            _, end = session.census(mode)
            check(end.get("outcome") == "ok", "%s: %s" % (mode, end))
        _, end = session.census("full")
        wanted = "ok" if interpreter.version >= (3, 12) else "failed"
        check(end.get("outcome") == wanted, str(end))


def what_was_drained_takes_no_time(interpreter):
    """A dict or set keeps its places when its items go, and a look would go through all of them."""
    text = """
    drained = []
    for kind in (dict.fromkeys, set) * 10:
        one = kind(range(300000))
        for i in range(299999): one.pop(i) if kind is not set else one.discard(i)
        drained.append(one)
    kept = {i: 0 for i in range(100000)}
    """
    with program(interpreter, text) as (session, _):
        for mode in ("roots", "suspects"):
            found, end = by_path(session, mode)
            check(not end["truncated"], str(end))
        found, _ = by_path(session)
        expect(found, "__main__.kept", "dict", 100000)


@since(3, 11)
def instances_get_no_dict_by_being_looked_at(interpreter):
    text = """
    import gc
    class Plain:
        def __init__(self):
            self.name, self.items = 'x', list(range(500))
    plain = Plain()
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
    print([type(one).__name__ for one in gc.get_referents(plain) if type(one) is dict])
"""
    with program(interpreter, text, end=False, expected=b"[]\n") as (session, _):
        found, _ = by_path(session)
        expect(found, "__main__.plain.items", "list", 500)
        session.census("suspects")


def no_key_value_or_repr_leaves(interpreter):
    text = """
    import logging, threading
    secret = '%s'
    class Account(object):
        def __init__(self, number):
            self.number = number
        def __repr__(self):
            return secret
        __str__ = __repr__
    keyed = {secret + str(i): secret for i in range(3000)}
    nested = {secret: {secret + '-' + str(i): Account(secret) for i in range(1500)}}
    listed = [secret * 10000] * 200
    blob = secret * 100000
    account = Account(secret)
    account.__dict__[secret + ' with blanks'] = list(range(200))
    account.__dict__.update((secret + str(i), list(range(150))) for i in range(600))
    logging.getLogger(secret).addHandler(logging.StreamHandler(sys.stdout))
    logging.getLogger(secret).addHandler(logging.StreamHandler(sys.stdout))
    sys.modules[secret + '/path'] = logging
    thread = threading.Thread(name=secret)
    held = threading.local()
    held.rows = {secret: [secret] * 300}
""" % SECRET
    with program(interpreter, text) as (session, _):
        for mode in ("roots", "suspects", "full"):
            lines = json.dumps(session.census(mode, top=40))
            check(SECRET not in lines and SECRET[1:6] not in lines, "%s told: %s" % (mode, lines))
        found, _ = by_path(session)
        expect(found, "__main__.keyed", "dict", 3000)
        expect(found, "__main__.nested[...]", "dict", 1500)
        expect(found, "__main__.held.rows[...]", "list", 300)
        expect(found, "__main__.account.__dict__", "dict", 602)


def the_environment_ends_it(interpreter):
    with program(interpreter, "", MEMTEND_CENSUS="0") as (session, _):
        check("census" not in session.hello["caps"], str(session.hello))
        for mode in ("roots", "suspects", "full"):
            answer = session.census(mode)
            check(answer == ([], dict(answer[1], error="unsupported")), str(answer))


def nonsense_is_refused(interpreter):
    with program(interpreter, "") as (session, _):
        for fields in ({}, {"mode": "repr", "top": 1}, {"mode": "roots", "top": 0},
                       {"mode": "roots", "top": 41}):
            fields = dict({"max_objects": 1, "gil_timeout_msec": 1}, **fields)
            answer = session.answers(session.send(t="census", **fields))
            check(answer[0].get("error") == "bad_request", "%s: %s" % (fields, answer))


def a_blocked_gil_is_a_timeout(interpreter):
    text = """
    import ctypes
    hold = ctypes.PyDLL(None).usleep
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
    hold(700000)
    sys.stdin.readline()
"""
    with program(interpreter, text, end=False) as (session, host):
        host.go()
        outcome = "ok"
        for _ in range(1000):
            if outcome != "ok":
                break
            outcome = session.census(gil_timeout_msec=100)[1].get("outcome")
        check(outcome == "gil_timeout", str(outcome))
        session.wait_ready()
        check(session.census()[1]["outcome"] == "ok", "afterwards")


def a_churning_program_is_unharmed(interpreter):
    """Threads that change everything all the time; the result of the work must be right."""
    count = 1000 if LONG else 60
    text = """
    import threading
    try: sys.setswitchinterval(1e-4)
    except AttributeError: pass
    stop, shared, totals = [], {}, []
    class Node(object):
        def __init__(self, left):
            self.left, self.items, self.by = left, [left], {1: left}
    def churn(seed):
        total = 0
        while not stop:
            for i in range(200):
                shared[(seed, i)] = node = Node(shared.pop((seed, i - 1), None))
                node.left = None
                globals()['g%%d' %% (seed * 8 + i %% 8)] = node
                setattr(node, 'a%%d' %% (i %% 50), [i] * (i %% 7))
                total += len(node.items)
            for i in range(0, 200, 3):
                shared.pop((seed, i), None)
            shared.clear() if seed == 0 else None
            type('T%%d' %% seed, (Node,), {'rows': [seed] * 10})
        totals.append(total %% 200)
    threads = [threading.Thread(target=churn, args=(i,)) for i in range(4)]
    for one in threads: one.start()
    print("up"); sys.stdout.flush()
    sys.stdin.readline()
    stop.append(1)
    for one in threads: one.join()
    print(totals)
""" % ()
    with program(interpreter, text, end=False, expected=b"[0, 0, 0, 0]\n") as (session, _):
        for i in range(count):
            mode = ("roots", "suspects", "roots", "full")[i % 4]
            _, end = session.census(mode, top=1 + i % 40)
            check(end.get("outcome") == "ok", "%s: %s" % (mode, end))


def forks_meet_it_at_any_instant(interpreter):
    def hammer(session):
        try:
            while True:
                for mode in ("roots", "suspects", "full"):
                    session.census(mode, gil_timeout_msec=200)
        except (Gone, queue.Empty):
            pass
    text = """if 1:
        import os, sys
        table = {i: [i] for i in range(3000)}
        for i in range(%d):
            pid = os.fork()
            if pid == 0:
                table[i] = [len(table)]
                os._exit(0 if len(table) == 3000 else 1)
            if os.waitpid(pid, 0)[1] != 0:
                print("child", i)
        print(sum(len(one) for one in table.values()))
        """ % (1000 if LONG else 40)
    with Place(hammer) as place:
        host = Host(place.daemon, script(interpreter, text))
        try:
            host.end(b"3000\n", seconds=300 if LONG else 60)
        finally:
            host.kill()


CASES = [large_containers_are_named, the_programs_own_comes_first,
         more_modules_than_there_is_room_for, growth_needs_three_looks, holders_are_named,
         suspects_of_the_standard_library, a_clean_program_has_no_suspects,
         asyncio_tasks_are_counted_by_coroutine, suspects_of_frameworks, full_counts_by_type,
         nothing_of_the_program_runs, names_may_mean_anything_by_now,
         what_was_drained_takes_no_time, instances_get_no_dict_by_being_looked_at,
         no_key_value_or_repr_leaves, the_environment_ends_it, nonsense_is_refused,
         a_blocked_gil_is_a_timeout, a_churning_program_is_unharmed, forks_meet_it_at_any_instant]


def visibly(case):
    """A version without a census is skipped, and that is said."""
    @functools.wraps(case)
    def run(interpreter):
        try:
            case(interpreter)
        except Absent:
            if case is CASES[0]:
                print("SKIP: no census for CPython %s" % interpreter.label)
    return run


if __name__ == "__main__":
    run_cases([visibly(case) for case in CASES])
