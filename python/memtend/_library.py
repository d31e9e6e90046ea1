# SPDX-License-Identifier: MIT
"""libmemtend-agent.so by ctypes: the preloaded one, else the one beside this file. Private."""
import atexit
import os
import sys

_NAME = "libmemtend-agent.so"
_NEWEST = "memtend_python_hooks"  # what a preloaded library of an older version lacks

_AT_SECURE = 23  # of <elf.h>

_state = {"library": None, "trim": None, "reason": "start() was not called", "exit": False}


def reason():
    """Why there is no library, "" when there is one."""
    return _state["reason"]


def refuse(why):
    _state["reason"] = why


def _declare(ctypes, library, plain):
    """plain: the same library with the GIL released during calls."""
    library.memtend_agent_version.restype = ctypes.c_char_p
    library.memtend_start.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.memtend_region_begin.argtypes = [ctypes.c_char_p]
    library.memtend_region_begin.restype = ctypes.c_uint64
    library.memtend_region_end.argtypes = [ctypes.c_uint64]
    library.memtend_region_end.restype = None
    library.memtend_mark.argtypes = [ctypes.c_char_p]
    library.memtend_mark.restype = None
    library.memtend_python_hooks.argtypes = [ctypes.py_object]
    library.memtend_status.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    _state.update(library=library, trim=plain.memtend_trim, reason="", ctypes=ctypes)
    return library


def _open(path):
    """None, and the reason set, when it cannot be used."""
    try:
        import ctypes
        library, plain = ctypes.PyDLL(path), ctypes.CDLL(path)
    except ImportError:
        refuse("this Python has no ctypes")
    except OSError as error:
        refuse("%s cannot be loaded: %s" % (path, error))
    else:
        if hasattr(library, _NEWEST):
            return _declare(ctypes, library, plain)
    return None


def find():
    """The library that is in the process, or None. Looks for a preloaded one only where the
    environment names it: importing ctypes costs milliseconds."""
    if _state["library"] is None and "memtend" in os.environ.get("LD_PRELOAD", ""):
        _open(None)
    return _state["library"]


def _named():
    """The library that the environment names, where it may: a program with more rights than who
    started it, or one that shall not heed its environment (-I, -E), loads nothing for that."""
    path = os.environ.get("MEMTEND_LIBRARY")
    if not path or sys.flags.ignore_environment:
        return None
    try:
        import ctypes
        secure = ctypes.CDLL(None).getauxval
    except (ImportError, OSError, AttributeError):
        return None
    secure.argtypes, secure.restype = [ctypes.c_ulong], ctypes.c_ulong
    return None if secure(_AT_SECURE) else path


def load():
    """The library, brought in if need be; None, and the reason set."""
    if _state["library"] is None and _open(None) is None:
        folder = os.path.dirname(os.path.abspath(__file__))
        path = _named() or os.path.join(folder, _NAME)
        if not os.path.exists(path):
            refuse("%s is not there" % path)
        else:
            _open(path)
    return _state["library"]


def trim():
    """After load(): 0, or a negative errno."""
    return _state["trim"]()


def offer(library, function):
    """function: called by the agent with the GIL; None: no more."""
    py_object = _state["ctypes"].py_object
    library.memtend_python_hooks(py_object() if function is None else function)
    if function is not None and not _state["exit"]:
        _state["exit"] = True
        atexit.register(library.memtend_python_hooks, py_object())


def _status_type():
    ctypes = _state["ctypes"]

    class Status(ctypes.Structure):  # struct memtend_status
        _fields_ = [(name, ctypes.c_uint32)
                    for name in ("active", "connected", "python_ready", "hooks")] + [
                        (name, ctypes.c_uint64)
                        for name in ("hooks_called", "hooks_failed", "marks_told",
                                     "marks_left_out")] + [
                                         (name, ctypes.c_char * 96)
                                         for name in ("reason", "runtime", "allocator")]
    return Status


def numbers(library):
    """struct memtend_status."""
    if "status" not in _state:
        _state["status"] = _status_type()
    found = _state["status"]()
    library.memtend_status(_state["ctypes"].byref(found), _state["ctypes"].sizeof(found))
    return found
