# SPDX-License-Identifier: MIT
"""`memtend run` with programs that no library can be loaded into, or not in the usual way: they
run, and one line says so when the agent cannot be there."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import BUILD, EVIL, MEMTEND, environment, main, memtend, skip

AGENT = BUILD / "lib" / "libmemtend-agent.so"
HOME = pathlib.Path(tempfile.mkdtemp(prefix="memtend-cli-"))
ANSWER = "int main(void) { return 42; }\n"
NOBODY = 65533


def compile_as(name, *options, compiler="cc", text=ANSWER):
    """None when this machine cannot make such a program."""
    program = HOME / name
    done = subprocess.run([compiler, "-o", program, *options, "-x", "c", "-"], input=text,
                          text=True, capture_output=True, check=False)
    return program if done.returncode == 0 else None


def run(*arguments, **options):
    options.setdefault("code", 42)
    env = {"MEMTEND_AGENT": str(AGENT), "MEMTEND_RUNTIME_DIR": str(HOME), **options.pop("env", {})}
    return memtend("run", *arguments, env=env, **options)


def noted(said, word):
    assert said.out == "" and said.err.count("\n") == 1, said
    assert word in said.err and said.err.startswith("memtend: "), said


def test_plain():
    said = run(compile_as("plain"))
    assert said.err == "" and said.out == "", said


def test_static():
    for options in (["-static"], ["-static-pie"]):
        program = compile_as("static", *options)
        if not program:
            print(f"SKIP: cc cannot link with {options[0]}")
            continue
        noted(run(program), "statically linked")
        assert run(program, env={"MEMTEND": "0"}).err == ""
        env = {"PATH": f"{HOME}:/usr/bin:/bin"}
        noted(run("static", env=env), f"{HOME}/static is statically linked")


def test_scripts_are_judged_by_their_interpreter():
    program = compile_as("interpreter", "-static")
    if not program:
        skip("cc cannot link statically")
    env = {"PATH": f"{HOME}:/usr/bin:/bin"}
    for number, line in enumerate((f"#!{program}", f"#! {program} -x", "#!/usr/bin/env interpreter",
                                   f"#!{HOME}/script0")):
        script = HOME / f"script{number}"
        script.write_text(line + "\n", encoding="utf-8")
        script.chmod(0o755)
        noted(run(script, env=env), str(program))
    for line in ("#!/bin/sh\nexit 42", "#!/usr/bin/env -S sh -e\nexit 42", "exit 42"):
        script = HOME / "plain-script"
        script.write_text(line + "\n", encoding="utf-8")
        script.chmod(0o755)
        assert run(script).err == ""


def test_more_rights():
    program = compile_as("privileged")
    program.chmod(0o4755)
    if os.geteuid() != 0:
        assert run(program).err == "", "its owner gets no rights from it"
        print("SKIP: only root can make a program of another user")
        return
    assert run(program).err == "", "root has no more rights as root"
    os.chown(program, NOBODY, NOBODY)
    program.chmod(0o4755)
    noted(run(program), "set-user-id")
    program.chmod(0o2755)
    noted(run(program), "set-group-id")
    program.chmod(0o2745)  # without the group's x it marks a lock, not a right
    assert run(program).err == ""


def test_file_capabilities():
    program = compile_as("capable")
    if os.geteuid() != 0 or not shutil.which("setcap"):
        print("SKIP: needs root and setcap (package libcap2-bin)")
        return
    subprocess.run(["setcap", "cap_net_raw+ep", program], check=True)
    assert run(program).err == "", "root has them already"
    closed = [f for f in (*pathlib.Path(MEMTEND).parents, HOME) if not f.stat().st_mode & 1]
    if closed and closed != [HOME]:
        print(f"SKIP: {closed[0]} is closed to other users")
        return
    HOME.chmod(0o755)
    env = environment({"MEMTEND_AGENT": str(AGENT), "MEMTEND_RUNTIME_DIR": str(HOME)})
    done = subprocess.run([MEMTEND, "run", program], env=env, user=NOBODY, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 42 and "file capabilities" in done.stderr, done


def test_for_another_processor():
    program = HOME / "foreign"
    for at in (4, 18):  # EI_CLASS, and e_machine: what was '>' no longer is
        data = bytearray(compile_as("native").read_bytes()[:64])
        data[at] ^= 3
        program.write_bytes(data)
        program.chmod(0o755)
        # execvp() gives what the kernel does not know to the shell, which shows what it finds.
        said = run(program, code=None, clean=False, cwd=HOME)
        assert "another processor or word size" in said.err, said


def test_damaged_programs_end_as_without_memtend():
    # What the kernel does not know, execvp() gives to the shell: so nothing but a header, with '>'
    # (EM_X86_64) in it, in a directory where that can do no harm, and no commands to be found.
    head = compile_as("whole").read_bytes()[:64] + bytes(4096)
    program, folder = HOME / "damaged", HOME / "scratch"
    folder.mkdir()
    broken = [head[:size] for size in (0, 2, 3, 5, 40, 64, 100, 500)]
    for at in range(0, 64, 4):  # every field of the header
        broken.append(head[:at] + b"\xff\xff\xff\xff" + head[at + 4:])
    broken += [b"#!" + EVIL.encode(), b"#!", b"#! \t \n", b"#!" + b"x" * 5000]
    env = environment({"MEMTEND_AGENT": str(AGENT), "MEMTEND_RUNTIME_DIR": str(HOME),
                       "PATH": "/nonexistent"})
    for content in broken:
        program.write_bytes(content)
        program.chmod(0o755)
        ends = [subprocess.run([*command, program], env=env, cwd=folder, capture_output=True,
                               timeout=60, check=False).returncode
                for command in (["/usr/bin/env"], [MEMTEND, "run"])]
        assert ends[0] == ends[1], (content[:80], ends)


def test_musl():
    program = shutil.which("musl-gcc") and compile_as("musl", compiler="musl-gcc")
    if not program:
        print("SKIP: musl-gcc is absent (package musl-tools)")
        return
    assert run(program).err == ""
    # The library of another allocator is glibc's: it would end the program.
    said = run("--malloc=jemalloc", program, code=None)
    assert said.code == 42 and "musl" in said.err or said.code == 125, said


def test_address_sanitizer():
    text = ("#include <stdlib.h>\nint main(int c, char **v)\n"
            "{ char *p = malloc(8); if (c > 1) p[8 + !v] = 1; free(p); return 42; }\n")
    program = compile_as("asan", "-fsanitize=address", text=text)
    if not program:
        print("SKIP: cc cannot link with -fsanitize=address (package libasan8)")
        return
    assert run(program).err == ""
    assert run(program, env={"ASAN_OPTIONS": "exitcode=7"}).err == ""
    said = run(program, "wrong", env={"ASAN_OPTIONS": "exitcode=7"}, code=7)
    assert "heap-buffer-overflow" in said.err, said
    said = run("--malloc=jemalloc", program, code=None)
    assert said.code == 42 and "AddressSanitizer" in said.err or said.code == 125, said


def test_address_sanitizer_preloaded():
    library = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True,
                             check=True).stdout.strip()
    if not os.path.isabs(library):
        print("SKIP: libasan is absent (package libasan8)")
        return
    assert run(compile_as("unsanitized"), env={"LD_PRELOAD": library}).err == ""


def test_allocators_and_agent_in_either_order():
    """Which library is first does not matter, so a caller's own LD_PRELOAD can be heeded."""
    for name in ("jemalloc", "tcmalloc", "mimalloc"):
        said = run("--malloc=" + name, sys.executable, "-c",
                   "import os; print(os.environ['LD_PRELOAD'])", code=None)
        if said.code == 125:
            print(f"SKIP: {name} is not installed")
            continue
        assert said.code == 0 and said.err == "", said
        allocator, agent = said.out.strip().split(":")
        look = "import ctypes; print(ctypes.CDLL(None).memtend_agent_active())"
        for order in (f"{allocator}:{agent}", f"{agent}:{allocator}"):
            env = {"LD_PRELOAD": order, "MEMTEND_SOCK": f"{HOME}/agent/control.sock"}
            done = subprocess.run([sys.executable, "-c", look], env=environment(env), check=True,
                                  capture_output=True, text=True)
            assert done.stdout == "1\n" and done.stderr == "", (order, done)


if __name__ == "__main__":
    if not AGENT.exists():
        skip("libmemtend-agent.so is not built here")
    try:
        main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
