# SPDX-License-Identifier: MIT
"""Which program the environment means: the one that systemd or `memtend run` started, no tool of it."""
import os

from host import Host, Place, check, need_agent, run_alone

# $$ is the pid of the shell, which exec keeps.
EXECS = 'SYSTEMD_EXEC_PID=$$ MEMTEND_NAME=unit exec cat'
CALLS = 'export SYSTEMD_EXEC_PID=$$ MEMTEND_NAME=unit; exec sh -c "cat; true"'


def threads(pid):
    return len(os.listdir("/proc/%d/task" % pid))


def the_process_of_a_unit_is_named():
    with Place() as place:
        host = Host(place.daemon, ["sh", "-c", EXECS])
        check(place.daemon.session(host.pid).hello["name"] == "unit", "the name")
        host.end()


def the_tools_of_a_unit_stay_untouched():
    with Place() as place:
        host = Host(place.daemon, ["sh", "-c", CALLS])
        host.go()
        check(host.line() == "go", "cat")  # the tool has run its constructors
        place.daemon.session(host.pid)
        check(len(place.daemon.sessions) == 1, "a tool said hello")
        host.end()


def without_a_name_nothing_happens():
    with Place() as place:
        host = Host(place.daemon, ["sh", "-c", "SYSTEMD_EXEC_PID=$$ exec cat"])
        host.go()
        check(host.line() == "go", "cat")
        check(threads(host.pid) == 1, "a thread in a unit without a name")
        host.end()


def the_pid_of_run_comes_first():
    """A unit may use `memtend run` in a script: then the program after it is meant."""
    with Place() as place:
        host = Host(place.daemon, ["sh", "-c", "MEMTEND_PID=$$ SYSTEMD_EXEC_PID=1 exec cat"])
        place.daemon.session(host.pid)
        host.end()


def off_wins_over_the_socket():
    with Place() as place:
        host = Host(place.daemon, ["sh", "-c", "MEMTEND_PID=$$ exec cat"], MEMTEND="0")
        host.go()
        check(host.line() == "go", "cat")
        check(threads(host.pid) == 1, "a thread although MEMTEND=0")
        host.end()


def nobody_at_the_default_socket():
    """MEMTEND=1 alone is the system's socket, which need not be there."""
    with Place() as place:
        host = Host(place.daemon, ["sh", "-c", "unset MEMTEND_SOCK; MEMTEND_PID=$$ exec cat"],
                    MEMTEND="1", MEMTEND_DAEMON_UID="4294967294")
        host.go()
        check(host.line() == "go", "cat")
        check(threads(host.pid) == 2, "no agent with MEMTEND=1")
        host.end()


if __name__ == "__main__":
    need_agent()
    run_alone(the_process_of_a_unit_is_named, the_tools_of_a_unit_stay_untouched,
              without_a_name_nothing_happens, the_pid_of_run_comes_first, off_wins_over_the_socket,
              nobody_at_the_default_socket)
