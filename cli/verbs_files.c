/* SPDX-License-Identifier: MIT */
/* Commands that read the store itself, and write it elsewhere or back. */
#include "verb.h"

#define ANY     ((size_t)-1)
#define BIT(id) OPTION_BIT(id)

const struct verb verbs_of_files[] = {
    {
        .name = "export",
        .synopsis = "(--csv | --jsonl | --sqlite) [-o FILE] [--from T] [--to T] [--since D] "
                    "[TARGET...]",
        .summary = "every stored sample, for other tools",
        .description =
            "One row for each process and tick, with every value that is stored: time, tick, "
            "boot,\n"
            "id, pid, uid, comm, name, unit, group_name, then the metrics as `memtend ps --json`\n"
            "names them.\n"
            "What is not known is empty (--csv), left out (--jsonl) or NULL (--sqlite), never 0.\n"
            "boot and id name a process for all times.\n"
            "\n"
            "--csv     as RFC 4180 has it: lines end with CR LF, texts are quoted when they must "
            "be\n"
            "--jsonl   one JSON object a line\n"
            "--sqlite  a database with the tables process (one row a process) and sample; needs "
            "-o\n"
            "\n"
            "Reads memtend.db itself, whether a daemon runs or not, with your rights, a little at "
            "a\n"
            "time: however long it takes, the daemon goes on storing. Ends with the newest tick "
            "of\n"
            "the moment it began. What is older than [Store] KeepSamples is gone: for its minutes\n"
            "and hours ask `memtend query`. TARGET is a pid, a process id, unit:NAME or\n"
            "group:NAME; the host has no rows.\n"
            "\n"
            "FILE (0600) appears when it is whole; one that is there is kept without --force. "
            "Pipes\n"
            "and devices are written as it comes.\n",
        .exits = "0  success\n"
                 "1  the store cannot be read, or FILE not be written\n"
                 "2  wrong usage\n"
                 "4  permission\n"
                 "5  no such process in the store\n",
        .examples =
            "memtend export --csv --since 1h > samples.csv\n"
            "memtend export --jsonl 4711-88213 unit:web.service | zstd > samples.jsonl.zst\n"
            "memtend export --sqlite -o samples.db --from 2026-11-22T00:00:00Z\n",
        .options = BIT(CSV) | BIT(JSONL) | BIT(SQLITE) | BIT(OUTPUT) | BIT(FORCE) | BIT(FROM) |
                   BIT(TO) | BIT(SINCE) | BIT(STATE_DIR),
        .operands_max = ANY,
        .main = export_main,
    },
    {.name = NULL},
};
