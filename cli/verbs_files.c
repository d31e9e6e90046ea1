/* SPDX-License-Identifier: MIT */
/* Commands that read the store itself, and write it elsewhere or back. */
#include "verb.h"

#define ANY     ((size_t)-1)
#define BIT(id) OPTION_BIT(id)

const struct verb verbs_of_files[] = {
    {
        .name = "export",
        .synopsis = "(--csv | --jsonl | --sqlite) [-o FILE] [--since D] [--until D] "
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
            "--csv     as RFC 4180 has it: lines end with CR LF, texts are quoted when they must\n"
            "          be; one that begins with = + - or @ gets an apostrophe in front, so that\n"
            "          no spreadsheet calculates it\n"
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
            "group:NAME; the host has no rows. --since and --until are durations (2h ago) or "
            "times\n"
            "(2026-11-22T10:41:18Z).\n"
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
            "memtend export --sqlite -o samples.db --since 2026-11-22T00:00:00Z\n",
        .options = BIT(CSV) | BIT(JSONL) | BIT(SQLITE) | BIT(OUTPUT) | BIT(FORCE) | BIT(SINCE) |
                   BIT(UNTIL) | BIT(STATE_DIR),
        .operands_max = ANY,
        .main = export_main,
    },
    {
        .name = "backup",
        .synopsis = "FILE [--force] [--state-dir DIR]",
        .summary = "copy the store to one file, also while the daemon runs",
        .description =
            "All that memtend.db holds as it is now: history, events, receipts, rules that came "
            "by\n"
            "the API, armings, settings. Rule files, configuration and token are no part of it.\n"
            "FILE (0600) is an ordinary SQLite database and appears when it is whole and on the\n"
            "disk; one that is there is kept without --force.\n"
            "\n"
            "The daemon does not wait for it. While it copies, what the daemon writes stays in "
            "its\n"
            "log; should that come to 14 MiB, because FILE is on a slow disk, the daemon says "
            "that\n"
            "it is not storing, keeps samples and events in memory, and writes them when the copy\n"
            "is done.\n",
        .exits = "0  success\n"
                 "1  the store cannot be read, or FILE not be written\n"
                 "2  wrong usage\n"
                 "4  permission\n",
        .examples = "memtend backup /srv/backup/memtend-$(date +%F).db\n",
        .options = BIT(FORCE) | BIT(STATE_DIR),
        .takes_file = true,
        .operands_min = 1,
        .operands_max = 1,
        .main = backup_main,
    },
    {
        .name = "restore",
        .synopsis = "FILE [--state-dir DIR]",
        .summary = "put a backup in the place of the store",
        .description =
            "The daemon must be stopped. FILE is a backup, or any memtend.db of this or an "
            "earlier\n"
            "version; every page of the copy is checked before it takes the place of the present\n"
            "one, which stays beside it as memtend.db.TIME.replaced. FILE is not changed.\n"
            "\n"
            "All that the store holds comes from FILE: also the rules of the API and all armings.\n"
            "A rule that was stored or armed since is not, one that was disarmed since is armed\n"
            "again: look at `memtend rules` after the start. An arming holds for the text that "
            "was\n"
            "armed, so a rule file that was changed since is not armed by it.\n",
        .exits = "0  success\n"
                 "1  FILE cannot be used, or the daemon runs: nothing was changed\n"
                 "2  wrong usage\n"
                 "4  permission\n",
        .examples = "systemctl stop memtendd\nmemtend restore /srv/backup/memtend-2026-11-22.db\n"
                    "systemctl start memtendd\n",
        .options = BIT(STATE_DIR),
        .takes_file = true,
        .operands_min = 1,
        .operands_max = 1,
        .main = restore_main,
    },
    {.name = NULL},
};
