# SPDX-License-Identifier: MIT
"""memtend from inside a Python program.

    import memtend
    memtend.start(name="shop")          # the in-process agent, without LD_PRELOAD

    with memtend.region("batch"):       # seen in the timeline
        work()

    @memtend.on_pressure                # called when memtend asks for memory back
    def drop_caches():
        cache.clear()

    memtend.collect()                   # gc.collect() and trim, here and now

Everything works, as far as it can, without a daemon; nothing is ever printed; nothing raises but
for wrong arguments. CPython 2.7 and 3.6 to 3.13 on Linux with glibc. Elsewhere start() is False,
collect() only collects, and the rest does nothing.
"""
import gc
import os
import threading
import time

from memtend import _library

__version__ = "0.1.0"
__all__ = ["collect", "mark", "off_pressure", "on_pressure", "region", "start", "status"]

# Contact with the interpreter takes some milliseconds, more on a busy machine; a fork before it has
# children without agent.
_READY_SECONDS = 1.0
_HOOKS_MAX = 16  # as many as the C interface takes

_clock = getattr(time, "perf_counter", time.time)

_guards = {}


def _guard():
    """The lock of this process: one that another thread held at a fork is never free again."""
    return _guards.get(os.getpid()) or _guards.setdefault(os.getpid(), threading.Lock())


# What a region calls: None while no agent runs, so that marks cost next to nothing.
_begin = _end = _point = None


def _use(library):
    """The agent runs: from now on marks go to it."""
    global _begin, _end, _point
    _begin = library.memtend_region_begin
    _end = library.memtend_region_end
    _point = library.memtend_mark


def _bytes(text):
    if text is None or isinstance(text, bytes):
        return text
    return text.encode("utf-8", "replace")  # a name may be that of a file, with lone surrogates


def _check_text(text):
    if not isinstance(text, (bytes, type(u""))):
        raise TypeError("a name is a text")


def start(name=None, socket=None):
    """Start the agent in this process, unless it runs already; True when it runs afterwards.

    name: what people and rules call the process (default: MEMTEND_NAME). socket: path of the
    daemon's control socket (default: MEMTEND_SOCK, else that of a daemon of this user, else
    /run/memtend/agent/control.sock). The daemon need not be there yet: the agent keeps looking.

    Any thread; takes some milliseconds. Call it before the first fork: children inherit the agent
    then, through os.fork() and multiprocessing alike. On 2.7 and 3.6 the main thread must run
    Python once before the interpreter is served; until then only malloc is.

    False where it cannot work: MEMTEND=0, no glibc (musl), a Python that is not supported, more
    rights than the caller (setuid), no room for a thread. status()["reason"] says which. Raises
    TypeError for arguments that are no text.
    """
    for text in (name, socket):
        if text is not None:
            _check_text(text)
    if os.environ.get("MEMTEND") == "0":
        _library.refuse("MEMTEND=0")
        return False
    library = _library.load()
    if library is None:
        return False
    with _guard():
        if library.memtend_start(_bytes(name), _bytes(socket)) != 0:
            return False
        _use(library)
        _offer(library)
    end = _clock() + _READY_SECONDS
    while not _library.numbers(library).python_ready and _clock() < end:
        time.sleep(0.001)
    return True


def status():
    """What the agent of this process says of itself, a new dict; any thread.

    active, connected: bool. reason: text, why it is not active, "" when it is. version, library:
    of the agent, None when it is not loaded. runtime, allocator: text, "" not known. hooks: those
    of on_pressure(). hooks_called, hooks_failed, marks_told, marks_left_out: counts since the start
    or the fork. hook_error: which hook raised what last, "" none.
    """
    library = _library.find()
    found = {"active": False, "connected": False, "reason": _library.reason(), "version": None,
             "library": None, "runtime": "", "allocator": "", "hooks": len(_hooks),
             "hooks_called": 0, "hooks_failed": 0, "marks_told": 0, "marks_left_out": 0,
             "hook_error": _hook_error[0]}
    if library is None:
        return found
    numbers = _library.numbers(library)
    found.update((key, getattr(numbers, key)) for key in
                 ("hooks_called", "hooks_failed", "marks_told", "marks_left_out"))
    found.update((key, getattr(numbers, key).decode("utf-8", "replace"))
                 for key in ("runtime", "allocator"))
    found.update(active=bool(numbers.active), connected=bool(numbers.connected),
                 version=library.memtend_agent_version().decode("ascii"), library=library._name)
    if found["active"]:
        found["reason"] = ""
    elif not found["reason"]:
        found["reason"] = numbers.reason.decode("utf-8", "replace")
    return found


# ---- collect ----

def _rss_bytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IOError, ValueError, IndexError):
        return None


def collect(trim=True):
    """gc.collect(), then give the allocator's free pages back to the system; a dict of numbers.

    objects: what gc.collect() returned. trimmed: bool, whether the allocator could be asked.
    rss_before_bytes, rss_after_bytes: of this process, None when unreadable. seconds: all of it.

    Runs here and now on the calling thread, finalisers too; needs neither daemon nor start(). The
    collection holds the GIL; the trim does not. After a fork a collection copies pages that are
    shared with the parent.
    """
    begin, before = _clock(), _rss_bytes()
    objects = gc.collect()
    library = _library.load() if trim else None
    trimmed = library is not None and _library.trim() == 0
    return {"objects": objects, "trimmed": trimmed, "rss_before_bytes": before,
            "rss_after_bytes": _rss_bytes(), "seconds": _clock() - begin}


# ---- marks ----

class region(object):
    """A part of the program's work, for `with` and as a decorator of plain functions.

    The timeline shows its name (text, 64 bytes count) and length when it has ended, one that takes
    10 s or more also while it is under way. Regions may be nested and used on any thread. Without
    an agent one costs half a microsecond, with one about two. At most 64 are open or untold at a
    time and two a second are told for long; what is more is counted and left out.
    """
    __slots__ = ("_name", "_open")

    def __init__(self, name):
        _check_text(name)  # now, and not only where an agent runs
        self._name = name
        self._open = None

    def __enter__(self):
        if _begin is not None:
            self._open = (_begin(_bytes(self._name)), self._open)
        return self

    def __exit__(self, *_):
        if self._open is not None:
            span, self._open = self._open
            _end(span)

    def __call__(self, function):
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & 0x2A0:  # generator, coroutine, async generator
            raise TypeError("region() wraps plain functions; use `with region(...)` inside")
        name = self._name

        def wrapper(*arguments, **keywords):
            with region(name):
                return function(*arguments, **keywords)

        for key in ("__module__", "__name__", "__qualname__", "__doc__", "__dict__"):
            if hasattr(function, key):
                setattr(wrapper, key, getattr(function, key))
        wrapper.__wrapped__ = function
        return wrapper


def mark(name):
    """Something that happened now, in the timeline by its name (text). Any thread; as region."""
    _check_text(name)
    if _point is not None:
        _point(_bytes(name))


# ---- cache hooks ----

_hooks = []
_hook_error = [""]


def _call_hooks():
    """By the agent: how many hooks were called and how many of them raised."""
    called = failed = 0
    for hook in list(_hooks):
        called += 1
        try:
            hook()
        except BaseException as error:  # SystemExit too: this is no thread of the program's
            failed += 1
            _hook_error[0] = "%s.%s: %s" % (
                getattr(hook, "__module__", "?"), getattr(hook, "__name__", "?"),
                type(error).__name__)
    return called, failed


def _offer(library):
    """Tell the agent whether there are hooks. Under the lock."""
    _library.offer(library, _call_hooks if _hooks else None)


def on_pressure(hook):
    """Register a callable without arguments that drops what the program can do without; for use
    as a decorator: returns the callable.

    It is called when an action or a rule does the step `hooks`: with the GIL, on a thread of
    memtend, on the main thread when asyncio, gevent, eventlet, Qt or Tk is loaded; never two at a
    time. What it raises is swallowed and counted (status()). It may take its time, which the
    receipt shows as a pause; os.fork() and the interpreter's end wait for it meanwhile, one second
    at most, and no other step runs. It must not wait for a thread that waits for it. A forked child
    keeps it. Any thread. ValueError: 16 are registered; TypeError: it cannot be called.
    """
    if not callable(hook):
        raise TypeError("a hook is called without arguments")
    library = _library.find()
    with _guard():
        if len(_hooks) >= _HOOKS_MAX:
            raise ValueError("%d hooks are registered" % _HOOKS_MAX)
        _hooks.append(hook)
        if library is not None:
            _offer(library)
    return hook


def off_pressure(hook):
    """Forget a hook; one that is running goes on. Any thread. ValueError: it is not registered."""
    library = _library.find()
    with _guard():
        _hooks.remove(hook)
        if library is not None:
            _offer(library)


if "memtend" in os.environ.get("LD_PRELOAD", ""):
    _found = _library.find()
    if _found is not None and _found.memtend_agent_active():
        _use(_found)
