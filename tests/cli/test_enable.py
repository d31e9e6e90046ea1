# SPDX-License-Identifier: MIT
"""`memtend enable unit` and `disable unit` on trees of unit files: the drop-in, the diff, what the
unit's own settings would do to the agent."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from case import EVIL, MEMTEND, environment, main, memtend

HOME = pathlib.Path(tempfile.mkdtemp(prefix="memtend-enable-"))
AGENT = HOME / "lib/libmemtend-agent.so"
NOBODY = 65533


class Tree:
    """Unit files below a root: Tree({"usr/lib/systemd/system/web.service": TEXT})"""

    def __init__(self, files=None, service=None):
        self.root = pathlib.Path(tempfile.mkdtemp(dir=HOME))
        self.dropin = self.root / "etc/systemd/system/web.service.d/50-memtend.conf"
        if service is not None:
            self.write("usr/lib/systemd/system/web.service", "[Service]\n" + service)
        for path, text in (files or {}).items():
            self.write(path, text)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, verb, *arguments, unit="web.service", code=0, **options):
        env = {"MEMTEND_AGENT": str(AGENT), **options.pop("env", {})}
        said = memtend(verb, "unit", unit, "--root", self.root, *arguments, code=code, env=env,
                       **options)
        if os.geteuid() != 0:  # an agent that an ordinary user has made is one to warn of
            said.err = re.sub(r".* can be changed by others than root.*\n", "", said.err)
        return said

    def enable(self, *arguments, **options):
        return self.run("enable", *arguments, **options)

    def disable(self, *arguments, **options):
        return self.run("disable", *arguments, **options)


def added(said):
    return [line[1:] for line in said.out.splitlines() if re.match(r"\+(?!\+\+ )", line)]


def variables(lines):
    return dict(re.fullmatch(r'Environment="(\w+)=(.*)"', line).groups()
                for line in lines if line.startswith("Environment"))


def preload(said):
    return variables(added(said))["LD_PRELOAD"]


def test_shown():
    tree = Tree(service="ExecStart=/bin/true\n")
    said = tree.enable()
    assert said.err == "", said
    assert variables(added(said)) == {"LD_PRELOAD": str(AGENT), "MEMTEND_NAME": "web",
                                      "MEMTEND_SOCK": "/run/memtend/agent/control.sock"}, said
    assert said.out.startswith(
        "--- /dev/null\n+++ /etc/systemd/system/web.service.d/50-memtend.conf\n"
        "@@ -0,0 +1,5 @@\n"), said
    for text in ("systemctl daemon-reload", "systemctl restart web.service",
                 "memtend enable unit web.service", "memtend disable unit web.service"):
        assert text in said.out, (text, said)
    assert not tree.dropin.exists(), "shown, not written"
    assert tree.enable(unit="web").out == said.out


def test_the_shown_commands_do_what_was_shown():
    tree = Tree(service="ExecStart=/bin/true\n")
    said = tree.enable("--name", "front", "--runtime-dir", "/run/other one")
    command = re.search(r"^ +memtend (enable unit .*)", said.out, re.M)[1]
    done = subprocess.run(["sh", "-c", f'"$0" {command}', MEMTEND], check=True, text=True,
                          capture_output=True, env=environment({"MEMTEND_AGENT": str(AGENT)}))
    assert "restart web.service" in done.stdout, done
    assert tree.dropin.read_text(encoding="utf-8").splitlines() == added(said)
    assert variables(added(said))["MEMTEND_SOCK"] == "/run/other one/agent/control.sock"


def test_write_change_and_remove():
    tree = Tree(service="ExecStart=/bin/true\n")
    said = tree.enable("--write")
    assert "Wrote" in said.out and "daemon-reload" in said.out and said.err == "", said
    assert tree.dropin.stat().st_mode & 0o7777 == 0o644
    assert "as it should be" in tree.enable().out
    said = tree.enable("--name", "other")
    changed = [line for line in said.out.splitlines() if re.match(r"[-+](?!--|\+\+)", line)]
    assert changed == ['-Environment="MEMTEND_NAME=web"', '+Environment="MEMTEND_NAME=other"'], said
    tree.enable("--name", "other", "--write")
    assert "MEMTEND_NAME=other" in tree.dropin.read_text(encoding="utf-8")
    said = tree.disable()
    assert "+++ /dev/null" in said.out and '-Environment="MEMTEND_NAME=other"' in said.out, said
    assert tree.dropin.exists()
    assert "Removed" in tree.disable("--write").out
    assert not tree.dropin.parent.exists() and tree.dropin.parent.parent.exists()
    assert "nothing to take out" in tree.disable("--write").out


def test_the_diff_is_one():
    if not shutil.which("patch"):
        print("SKIP: patch is absent")
        return
    tree = Tree(service="ExecStart=/bin/true\n")
    for before in (None, "", "# mine", "# mine\n[Service]\nEnvironment=\"LD_PRELOAD=x\"\nNice=1\n"):
        if before is not None:
            tree.write("etc/systemd/system/web.service.d/50-memtend.conf", before)
        said = tree.enable()
        target = tree.write("patched", before or "")
        subprocess.run(["patch", "-s", target], input=said.out, text=True, check=True,
                       capture_output=True)
        assert target.read_text(encoding="utf-8").splitlines() == variables_text(said), said
        tree.write("etc/systemd/system/web.service.d/50-memtend.conf", "x")
        tree.enable("--write")
        assert tree.dropin.read_text(encoding="utf-8") == target.read_text(encoding="utf-8")


def variables_text(said):
    return [line[1:] for line in said.out.split("\n\n")[0].splitlines()
            if re.match(r"[+ ](?!\+\+ )", line)]


def test_other_files_of_the_drop_in_directory_stay():
    tree = Tree({"etc/systemd/system/web.service.d/own.conf": "[Service]\nNice=1\n"}, service="")
    tree.enable("--write")
    tree.disable("--write")
    assert (tree.dropin.parent / "own.conf").exists()


def test_names():
    tree = Tree()
    for unit, file, name in (("web@one.service", "web@one.service.d", "web-one"),
                             ("web@.service", "web@.service.d", "web"),
                             (r"a\x2db.service", r"a\x2db.service.d", "a-x2db"),
                             ("x" * 245 + ".service", "x" * 245 + ".service.d", "x" * 47),
                             ("dbus-org.x:y_z", "dbus-org.x:y_z.service.d", "dbus-org.x-y_z")):
        said = tree.enable(unit=unit)
        assert f"/etc/systemd/system/{file}/50-memtend.conf" in said.out, said
        assert variables(added(said))["MEMTEND_NAME"] == name, said
        assert "no unit" in said.err, said
    assert r"restart 'web@*.service'" in tree.enable(unit="web@.service").out
    assert r"restart 'a\x2db.service'" in tree.enable(unit=r"a\x2db.service").out


def test_what_is_no_service():
    tree = Tree()
    for unit in ("", ".service", "@x.service", "a/b.service", "../x.service", "a b.service",
                 "web.socket", "multi-user.target", "x" * 249 + ".service", "x" * 300, EVIL[:-3],
                 "a;b.service", "$(x).service", "a'b.service", 'a"b.service', "a%b.service", "é",
                 "..service", "a\nb.service", "*.service", "-.slice"):
        for verb in ("enable", "disable"):
            said = tree.run(verb, "--write", unit=unit.replace("\0", ""), code=2)
            assert said.out == "", said
    assert not (tree.root / "etc").exists()


def test_usage():
    tree = Tree()
    tree.enable("--name", "a b", code=2)
    tree.enable("--malloc", "other", code=2)
    tree.enable("--runtime-dir", "relative", code=2)
    tree.enable("--runtime-dir", "/" + "x" * 100, code=2)
    tree.enable("surplus", code=2)
    tree.enable(env={"MEMTEND_AGENT": "/no/such/agent.so"}, code=1)
    memtend("enable", "group", "web", code=2)
    memtend("enable", "unit", code=2)
    memtend("enable", "unit", "web.service", "--root", "/no/such/root", code=2)


def test_an_ld_preload_of_the_unit_is_kept():
    keep = "/usr/lib/libfirst.so"
    for service in (f"Environment=LD_PRELOAD={keep}", f'Environment="LD_PRELOAD={keep}"',
                    f"Environment=A=1 'B=x y' LD_PRELOAD={keep} C=2",
                    f'Environment=LD_PRELOAD="{keep}"',
                    f"Environment=A=1 \\\n # no setting\n;nor this\n  LD_PRELOAD={keep}",
                    f"Environment=LD_PRELOAD=/gone.so\nEnvironment=\nEnvironment=LD_PRELOAD={keep}",
                    f"Environment=LD_PRELOAD=/gone.so\nEnvironment=LD_PRELOAD={keep}"):
        said = Tree(service=service + "\n").enable()
        assert preload(said) == f"{keep}:{AGENT}" and f"keeps {keep}" in said.err, (service, said)
    for service in ("Environment=XLD_PRELOAD=/a.so", "#Environment=LD_PRELOAD=/a.so",
                    "Environment=LD_PRELOAD=/a.so\nEnvironment=",
                    "[Unit]\nEnvironment=LD_PRELOAD=/a.so"):
        assert preload(Tree(service=service + "\n").enable()) == str(AGENT), service
    said = Tree(service=f"Environment=LD_PRELOAD={AGENT}\n").enable()
    assert preload(said) == str(AGENT), said
    said = Tree(service="Environment=LD_PRELOAD=/usr/lib/%i/lib.so\n").enable()
    assert preload(said) == f"/usr/lib/%i/lib.so:{AGENT}", said


def test_an_ld_preload_that_cannot_be_kept():
    for value in ("/a\\x20b.so", "/a`b.so", "/a\x1b[31m.so", "/é.so"):
        tree = Tree(service=f'Environment="LD_PRELOAD={value}"\n')
        assert "cannot be carried over" in tree.enable("--write", code=1).err
        assert not tree.dropin.exists()


def test_a_percent_sign_in_our_path():
    folder = HOME / "100%"
    folder.mkdir()
    shutil.copy(AGENT, folder)
    said = Tree(service="").enable(env={"MEMTEND_AGENT": str(folder / AGENT.name)})
    assert preload(said) == str(folder / AGENT.name).replace("%", "%%"), said


def test_malloc():
    service = "Environment=LD_PRELOAD=/old/libtcmalloc.so.4:/x.so\n"
    said = Tree(service=service).enable("--malloc=glibc")
    assert preload(said) == f"/x.so:{AGENT}", said
    said = Tree(service=service).enable("--malloc=jemalloc", code=None)
    if said.code != 0:
        assert said.code == 1 and "apt-get install libjemalloc2" in said.err, said
        print("SKIP: jemalloc is not installed")
        return
    kept, allocator, agent = preload(said).split(":")
    assert kept == "/x.so" and "libjemalloc" in allocator and agent == str(AGENT), said
    assert "--malloc=jemalloc" in said.out, said


DIRECTORIES = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system",
               "usr/lib/systemd/system", "lib/systemd/system")


def test_where_units_are():
    for number, directory in enumerate(DIRECTORIES):
        files = {f"{other}/web.service": f"[Service]\nEnvironment=LD_PRELOAD=/{other}.so\n"
                 for other in DIRECTORIES[number:]}
        said = Tree(files).enable()
        assert preload(said).startswith(f"/{directory}.so:"), (directory, said)
    tree = Tree({"usr/lib/systemd/system/web@.service":
                 "[Service]\nEnvironment=LD_PRELOAD=/t.so\n"})
    assert preload(tree.enable(unit="web@one.service")).startswith("/t.so:")
    assert "no unit" not in tree.enable(unit="web@.service").err


def test_drop_ins_and_their_order():
    def set_to(value):
        return f"[Service]\nEnvironment=LD_PRELOAD={value}\n"

    def shown(files, unit="web.service"):
        return preload(Tree(files, service="").enable(unit=unit)).removesuffix(f":{AGENT}")
    base = "etc/systemd/system/web.service.d/"
    assert shown({base + "10-a.conf": set_to("/a"), base + "20-b.conf": set_to("/b")}) == "/b"
    assert shown({base + "10-a.conf": set_to("/a"), base + "20-b.txt": set_to("/b")}) == "/a"
    # By name, wherever they are; of one name, the first directory.
    assert shown({"lib/systemd/system/web.service.d/20-b.conf": set_to("/b"),
                  base + "10-a.conf": set_to("/a")}) == "/b"
    assert shown({"lib/systemd/system/web.service.d/20-b.conf": set_to("/b"),
                  base + "20-b.conf": "", base + "10-a.conf": set_to("/a")}) == "/a"
    for folder in ("service.d", "web-.service.d", "web-app-.service.d", "web-app-one.service.d"):
        files = {f"etc/systemd/system/{folder}/10-a.conf": set_to("/a")}
        assert shown(files, unit="web-app-one.service") == "/a", folder
    assert shown({"etc/systemd/system/web@.service.d/10-a.conf": set_to("/a")},
                 unit="web@one.service") == "/a"
    # Ours says nothing about what was there before it.
    assert shown({base + "50-memtend.conf": set_to("/old")}) == str(AGENT)


def test_what_would_undo_it():
    base = "etc/systemd/system/web.service.d/"
    for text in ("Environment=", "Environment=LD_PRELOAD=/later.so"):
        said = Tree({base + "90-later.conf": f"[Service]\n{text}\n"}, service="").enable()
        assert "read behind 50-memtend.conf" in said.err, said
        assert preload(said) == str(AGENT), said
    harmless = Tree({base + "90-later.conf": "[Service]\nEnvironment=A=1\n"}, service="")
    assert harmless.enable().err == ""
    for path, text, said_so in (("-/etc/default/web", "A=1\n LD_PRELOAD=/x.so\n", True),
                                ("/etc/default/web", "LD_PRELOAD=\n", True),
                                ("/etc/default/web", "# LD_PRELOAD=/x.so\n", False),
                                ("-/etc/absent", "LD_PRELOAD=/x.so\n", False)):
        tree = Tree({"etc/default/web": text}, service=f"EnvironmentFile={path}\n")
        assert ("wins over any drop-in" in tree.enable().err) == said_so, (path, text)
    assert "takes LD_PRELOAD away" in Tree(service="UnsetEnvironment=LD_PRELOAD\n").enable().err


# settings, what is said (None: nothing), whether it would end the service
SETTINGS = [
    ("ProtectSystem=strict\nPrivateNetwork=yes\nMemoryDenyWriteExecute=yes\nNoNewPrivileges=yes\n"
     "PrivateTmp=no\nProtectHome=read-only\nDynamicUser=yes\nUser=nobody\nPrivateUsers=yes",
     None, 0),
    ("RestrictAddressFamilies=AF_INET AF_UNIX", None, 0),
    ("RestrictAddressFamilies=AF_INET", "AF_UNIX", 0),
    ("RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=AF_UNIX", None, 0),
    ("RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=~AF_UNIX", "AF_UNIX", 0),
    ("RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=", None, 0),
    ("RestrictAddressFamilies=~AF_NETLINK", None, 0),
    ("RestrictAddressFamilies=~AF_UNIX AF_NETLINK", "AF_UNIX", 0),
    ("RestrictAddressFamilies=none", "AF_UNIX", 0),
    ("TemporaryFileSystem=/run:ro", "TemporaryFileSystem=", 0),
    ("TemporaryFileSystem=/var /runner", None, 0),
    ("TemporaryFileSystem=/run\nBindReadOnlyPaths=/run/memtend/agent", None, 0),
    ("TemporaryFileSystem=/run\nBindPaths=/elsewhere:/run/memtend", None, 0),
    ("TemporaryFileSystem=/run\nTemporaryFileSystem=", None, 0),
    ("InaccessiblePaths=-/run/memtend/", "InaccessiblePaths=", 0),
    ("RootDirectory=/srv/web", "RootDirectory=", 0),
    ("RootDirectory=/", None, 0),
    ("RootImage=/srv/web.raw", "RootImage=", 0),
    (f"InaccessiblePaths={HOME}", "ld.so would complain", 0),
    (f"NoExecPaths=/\nExecPaths=/usr {HOME}", None, 0),
    ("NoExecPaths=/\nExecPaths=/usr", "lets no code", 0),
    ("SystemCallFilter=@system-service", None, 0),
    ("SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources", None, 0),
    ("SystemCallFilter=@system-service\nSystemCallFilter=~@network-io", "service killed", 1),
    ("SystemCallFilter=~@network-io", "get the service killed", 1),
    ("SystemCallFilter=~@mount", None, 0),
    ("SystemCallFilter=~madvise", "forbids madvise", 1),
    ("SystemCallFilter=~close_range", "forbids calls of @basic-io", 1),
    ("SystemCallFilter=@basic-io @file-system @network-io @process @signal", "madvise", 1),
    ("SystemCallFilter=@basic-io @file-system @network-io @process @signal madvise", None, 0),
    ("SystemCallFilter=~connect:EPERM", "get the service killed", 1),
    ("SystemCallFilter=@basic-io @file-system", "get the service killed", 1),
    ("SystemCallFilter=~@network-io\nSystemCallErrorNumber=EPERM", "could not work", 0),
    ("SystemCallFilter=~@network-io\nSystemCallFilter=", None, 0),
    ("SystemCallFilter=~@network-io\nSystemCallFilter=@network-io", None, 0),
]


def test_settings_that_hinder():
    for text, wanted, fatal in SETTINGS:
        tree = Tree(service=f"ExecStart=/bin/true\n{text}\n")
        said = tree.enable()
        assert (said.err == "") if wanted is None else (wanted in said.err), (text, said)
        assert wanted is None or "  try: " in said.err, said
        assert preload(said) == str(AGENT), said
        assert tree.enable("--write", code=fatal).out.startswith("" if fatal else "Wrote"), text
        assert tree.dropin.exists() != bool(fatal), text


def test_paths_that_only_some_settings_hide():
    for name, setting in (("tmp", "PrivateTmp=yes"), ("home/me", "ProtectHome=yes"),
                          ("home/me", "ProtectHome=tmpfs")):
        runtime = f"/{name}/run"
        said = Tree(service=setting + "\n").enable("--runtime-dir", runtime)
        assert f"{setting.split('=')[0]}= hides {runtime}" in said.err, said
    assert Tree(service="ProtectHome=read-only\n").enable("--runtime-dir", "/home/x").err == ""


def compile_to(path, *options, compiler="cc"):
    path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([compiler, "-o", path, *options, "-x", "c", "-"], check=False, text=True,
                          input="int main(void) { return 0; }\n", capture_output=True)
    return done.returncode == 0


def test_programs_that_hinder():
    for options, wanted, fatal in (([], None, 0), (["-static"], "statically linked", 0),
                                   (["-fsanitize=address"], "AddressSanitizer", 1)):
        tree = Tree(service="ExecStart=-@/opt/web/server server --port 1\n")
        if not compile_to(tree.root / "opt/web/server", *options):
            print(f"SKIP: cc cannot link with {options}")
            continue
        said = tree.enable("--write", code=fatal)
        assert (said.err == "") if wanted is None else (wanted in said.err), said
        assert tree.dropin.exists() != bool(fatal)
    # A link that leads out of the root is followed inside it.
    tree = Tree(service="ExecStart=/opt/link\n")
    compile_to(tree.root / "opt/real", "-static")
    (tree.root / "opt/link").symlink_to("/opt/real")
    assert "statically linked" in tree.enable().err


def test_masked_and_unknown():
    tree = Tree()
    assert "no unit web.service" in tree.enable().err
    (tree.root / "etc/systemd/system").mkdir(parents=True)
    (tree.root / "etc/systemd/system/web.service").symlink_to("/dev/null")
    assert "masked" in tree.enable().err


def test_hostile_files():
    for text in (EVIL.replace("\0", ""), "[Service]\n" + "=\n" * 50, "[Service]\n" + "A" * 70000,
                 "[Service]\nEnvironment=\"LD_PRELOAD=", "\\\n" * 5000, "[Service]\nA=1\\",
                 "[Service]\nExecStart=" + "x" * 9000 + "\n", "[Service]\nExecStart=\n",
                 "[Service]\nEnvironmentFile=/dev/zero\n", f"[Service]\nUser={EVIL}\n"):
        Tree({"etc/systemd/system/web.service": text.replace("\0", "")}).enable(code=None)
    tree = Tree({"etc/systemd/system/web.service": "[Service]\n" + "A=1\n" * 5000})
    assert "more than" in tree.enable(code=1).err
    tree = Tree({"etc/systemd/system/web.service": "x" * 300000})
    assert "larger than" in tree.enable().err
    tree = Tree({f"etc/systemd/system/web.service.d/{i}.conf": "" for i in range(80)}, service="")
    assert "more than 64 drop-ins" in tree.enable().err
    tree = Tree(service="")
    os.mkfifo(tree.root / "etc-fifo")
    (tree.root / "etc/systemd/system/web.service.d").mkdir(parents=True)
    os.mkfifo(tree.root / "etc/systemd/system/web.service.d/10-fifo.conf")
    assert preload(tree.enable()) == str(AGENT)
    os.mkfifo(tree.dropin)
    for verb in (tree.enable, tree.disable):
        assert "cannot read" in verb("--write", code=1).err


def test_a_link_does_not_lead_out_of_the_root():
    outside = pathlib.Path(tempfile.mkdtemp(dir=HOME))
    tree = Tree(service="")
    (tree.root / "etc").symlink_to(outside)
    assert tree.enable("--write", code=1).err
    assert not list(outside.iterdir())
    inside = tree.root / outside.relative_to("/")
    inside.mkdir(parents=True)
    tree.enable("--write")
    assert not list(outside.iterdir())
    assert (inside / tree.dropin.relative_to(tree.root / "etc")).is_file()


def test_an_agent_that_others_can_change():
    agent = HOME / "open/libmemtend-agent.so"
    agent.parent.mkdir()
    shutil.copy(AGENT, agent)
    agent.chmod(0o666)
    said = memtend("enable", "unit", "web", "--root", HOME, code=0,
                   env={"MEMTEND_AGENT": str(agent)})
    assert "can be changed by others than root" in said.err, said


def test_no_permission():
    if os.geteuid() != 0:
        tree = Tree(service="")
        tree.root.chmod(0o555)
        said = tree.enable("--write", code=4)
        tree.root.chmod(0o755)
        assert "sudo memtend" in said.err, said
        return
    print("SKIP: root has every permission")


def test_systemd_reads_it():
    if not shutil.which("systemd-analyze"):
        print("SKIP: systemd-analyze is not installed")
        return
    tree = Tree(service="ExecStart=/bin/kill -l\n")
    shutil.copytree("/lib/systemd/system", tree.root / "lib/systemd/system", symlinks=True)
    (tree.root / "bin").mkdir()
    shutil.copy("/bin/kill", tree.root / "bin/kill")

    def verify():
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={tree.root}",
                               "web.service"], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr
    tree.enable("--write")
    assert verify() == "", verify()
    tree.write(str(tree.dropin.relative_to(tree.root)), "[Service]\nNoSuchKey=1\n")
    assert "NoSuchKey" in verify(), "systemd does not read the drop-in at all"


if __name__ == "__main__":
    try:
        AGENT.parent.mkdir()
        subprocess.run(["cc", "-shared", "-o", AGENT, "-x", "c", "/dev/null"], check=True)
        main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
