# SPDX-License-Identifier: MIT
"""Help, completions, options and typing errors: everything the tables give."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import EVIL, MEMTEND, environment, main, memtend

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS"]


def verbs():
    said = memtend("help", code=0)
    return re.findall(r"^  (\w+) +\S", said.out, re.M)


def test_overview():
    found = verbs()
    assert {"run", "enable", "disable", "ps", "freeze", "heap", "collect", "trim", "free", "events", "receipts",
            "rules", "pause", "resume", "status", "host", "query", "export", "backup", "restore", "open", "doctor",
            "completion", "version", "help"} <= set(found), found
    assert memtend("--help", code=0).out == memtend("help", code=0).out


def test_help_of_each():
    for verb in verbs():
        said = memtend("help", verb, code=0)
        assert [s for s in said.out.splitlines() if s in SECTIONS] == SECTIONS, said
        assert memtend(verb, "--help", code=0).out == said.out
        assert said.err == "" and max(map(len, said.out.splitlines())) <= 112, said


def test_help_says_what_steps_cannot():
    for verb, steps in (("collect", ["collect"]), ("trim", ["trim"]), ("free", ["collect", "trim"])):
        said = memtend(verb, "--help", code=0)
        assert said.out.count("cannot: ") == len(steps), said


def test_version():
    said = memtend("version", code=0)
    assert re.fullmatch(r"memtend \d+\.\d+\.\d+\n", said.out), said
    assert memtend("--version", code=0).out == said.out == memtend("-V", code=0).out


def test_did_you_mean():
    for typed, meant in (("colect", "collect"), ("evnets", "events"), ("statsu", "status"),
                         ("docter", "doctor")):
        said = memtend(typed, code=2)
        assert f"did you mean {meant}?" in said.err and said.out == "", said
    assert "did you mean" not in memtend("xyzzyxyzzy", code=2).err
    assert "--since" in memtend("events", "--sinec", "5m", code=2).err
    for typed in (EVIL.replace("\0", ""), "", "x" * 9000, "\xe9"):
        memtend(typed, code=2)
        memtend("help", typed, code=2)


def test_no_command():
    said = memtend(code=2)
    assert "memtend help" in said.err and said.out == "", said


def test_bad_options_of_each():
    for verb in verbs():
        code = 125 if verb == "run" else 2
        memtend(verb, "--no-such-option", code=code)
        memtend(verb, "-Z", code=code)
        memtend(verb, "--help=yes", code=code)
        memtend(verb, "--color", code=code)
        memtend(verb, "--color=pink", code=code)
        memtend(verb, "--" + EVIL, code=code)


def test_too_many_operands():
    for verb in ("ps", "events", "status", "host", "doctor", "open", "version"):
        assert "usage" in memtend(verb, "surplus", code=2).err
    for verb in ("receipts", "pause", "resume", "help", "completion"):
        memtend(verb, "a", "b", code=2)


def test_no_color():
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {}):
        with tempfile.TemporaryDirectory() as folder:
            assert "\x1b" not in memtend("--runtime-dir", folder, "doctor", env=env).out


def check_shell(shell, arguments, text):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "completion"
        file.write_text(text, encoding="utf-8")
        if shutil.which(shell):
            subprocess.run([shell, *arguments, file], check=True)


def test_completions():
    for shell, arguments in (("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])):
        said = memtend("completion", shell, code=0)
        for verb in verbs():
            assert re.search(rf"\b{verb}\b", said.out), (shell, verb)
        for word in ("idle", "--json" if shell == "bash" else "json", "rule_fired", "disarm"):
            assert word == "idle" or word in said.out, (shell, word)
        check_shell(shell, arguments, said.out)
    memtend("completion", "tcsh", code=2)
    memtend("completion", code=2)


def complete(*words):
    """What bash would offer for the last word."""
    script = ("source <($1 completion bash); shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1));"
              "_memtend; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script, "bash", MEMTEND, *words], check=True, text=True,
                          capture_output=True, env=environment({}))
    return done.stdout.split()


def test_bash_completion_offers():
    assert complete("memtend", "re") == ["receipts", "resume", "restore"]
    assert complete("memtend", "rules", "d") == ["disarm", "delete"]
    assert complete("memtend", "events", "--k") == ["--kind"]
    assert "rule_fired" in complete("memtend", "events", "--kind", "rule_f")
    assert "heap.free" in complete("memtend", "ps", "--sort", "heap.f")
    assert complete("memtend", "completion", "z") == ["zsh"]
    assert complete("memtend", "help", "doc") == ["doctor"]


if __name__ == "__main__":
    main()
