/* SPDX-License-Identifier: MIT */
/* The commands that see to it that programs run with the agent. */
#include "verb.h"

#define ANY     ((size_t)-1)
#define BIT(id) OPTION_BIT(id)

const struct verb verbs_of_starting[] = {
    {
        .name = "run",
        .synopsis = "[--name NAME] [--malloc=M] [--solo] [--] COMMAND [ARGUMENT...]",
        .summary = "start a program with the in-process agent",
        .description =
            "Becomes COMMAND, in place: same pid, nothing else left running, nothing printed.\n"
            "LD_PRELOAD keeps what it has and gets libmemtend-agent.so behind it, MEMTEND_SOCK\n"
            "names the daemon's socket, MEMTEND_NAME the program. Child processes inherit the\n"
            "agent; it stays inert where it finds nothing to do. Works without a daemon: the\n"
            "agent waits for one. MEMTEND=0 in the environment keeps it inert.\n"
            "\n"
            "The agent is looked for at MEMTEND_AGENT (an absolute path), then beside this\n"
            "program in ../lib. A COMMAND that no library can be loaded into (statically linked,\n"
            "set-user-id, for another processor) runs all the same, after one line about it.\n"
            "\n"
            "--malloc puts the library of another allocator into LD_PRELOAD as well, in the place\n"
            "of one that is there; --malloc=glibc only takes that one out.\n"
            "\n"
            "--solo is for containers without a daemon outside: it starts memtendd too and stays\n"
            "as the parent of both, also as process 1. Signals reach COMMAND, orphans are waited\n"
            "for, and the end of COMMAND is the end of all; memtendd is started again when it\n"
            "ends. It listens on its sockets only, unless --http is given. Its files go where the\n"
            "user can write, on a read-only root below /tmp, /var/tmp or /dev/shm, where the\n"
            "other commands look too; without a configuration of its own its history is kept to\n"
            "64 MiB.\n",
        .exits = "125  memtend itself failed\n"
                 "126  COMMAND was found but cannot be executed\n"
                 "127  COMMAND was not found\n"
                 "else that of COMMAND; with --solo 128 and the signal that ended it\n",
        .examples = "memtend run -- python3 etl.py\n"
                    "memtend run --name web -- gunicorn -w 4 app:app\n"
                    "memtend run --malloc=jemalloc -- ./server\n"
                    "ENTRYPOINT [\"memtend\", \"run\", \"--solo\", \"--\"]\n",
        .options = BIT(NAME) | BIT(MALLOC) | BIT(SOLO) | BIT(HTTP) | BIT(STATE_DIR),
        .operands_min = 1,
        .operands_max = ANY,
        .stops_at_operand = true,
        .main = run_main,
    },
    {
        .name = "enable",
        .synopsis = "unit NAME.service [--name NAME] [--malloc=M] [--write]",
        .summary = "load the agent into a systemd service",
        .description =
            "Shows the drop-in for the service as a diff to what is there, and the commands that\n"
            "apply it and take it out again. With --write it is written; the service is never\n"
            "restarted. The drop-in sets LD_PRELOAD, keeping what the unit's files set already,\n"
            "MEMTEND_SOCK and MEMTEND_NAME (the unit's name unless --name is given). Of a program\n"
            "that is no Python only the process that systemd starts gets the agent.\n"
            "\n"
            "The unit's fragment and drop-ins are read from the directories of systemd, and what\n"
            "in them would hinder the agent is said on stderr, with the setting that mends it. A\n"
            "drop-in that would end the service is shown but not written.\n",
        .exits = "0  shown or written\n"
                 "1  it would end the service, or a library is missing\n"
                 "2  wrong usage, or no name of a service\n"
                 "4  permission\n",
        .examples = "memtend enable unit web.service\n"
                    "sudo memtend enable unit web.service --malloc=jemalloc --write\n",
        .words = "unit",
        .options = BIT(NAME) | BIT(MALLOC) | BIT(ROOT) | BIT(WRITE),
        .operands_min = 2,
        .operands_max = 2,
        .main = enable_main,
    },
    {
        .name = "disable",
        .synopsis = "unit NAME.service [--write]",
        .summary = "take the agent out of a systemd service",
        .description =
            "The opposite of `memtend enable`: shows, or with --write does, the removal\n"
            "of its drop-in. The service is never restarted.\n",
        .exits = "0  shown, removed, or there was none\n"
                 "1  failed\n"
                 "2  wrong usage, or no name of a service\n"
                 "4  permission\n",
        .examples = "sudo memtend disable unit web.service --write\n",
        .words = "unit",
        .options = BIT(ROOT) | BIT(WRITE),
        .operands_min = 2,
        .operands_max = 2,
        .main = disable_main,
    },
    {.name = NULL},
};
