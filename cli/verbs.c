/* SPDX-License-Identifier: MIT */
#include "verb.h"

#include "model/step.h"

#define ANY       ((size_t)-1)
#define STEP(id)  (UINT32_C(1) << STEP_##id)
#define BIT(id)   OPTION_BIT(id)
#define ACT_FLAGS (BIT(DRY_RUN) | BIT(WAIT) | BIT(JSON))

#define TARGET_HELP                                                                                \
    "A TARGET is a process: its pid (4711 or pid:4711), or its id as `memtend ps --json` shows\n"  \
    "it (4711-88213), which cannot be mistaken for a later process with the same pid. Several\n"   \
    "may be given, also joined by commas.\n"

#define RECEIPT_HELP                                                                               \
    "Prints the receipt: memory before and after each step, what the machine got back (freed),\n"  \
    "on which measure that rests (basis), and how long the program stood still (pause).\n"

#define ACT_EXITS                                                                                  \
    "0  the receipt is finished: freed, freed_nothing or dry_run\n"                                \
    "1  refused, paused, backed off, the agent was busy, or there is no agent in the process\n"    \
    "2  wrong usage\n"                                                                             \
    "3  no daemon\n"                                                                               \
    "4  permission\n"                                                                              \
    "5  the target is gone\n"                                                                      \
    "7  no receipt in time, or the agent did not answer\n"

const struct verb verbs_of_questions[] = {
    {
        .name = "ps",
        .synopsis = "[--groups] [-q TEXT] [--sort METRIC] [-n N] [--local] [--json]",
        .summary = "list processes by the memory they hold",
        .description =
            "Asks the daemon when there is one, else reads /proc itself; stderr says which. RSS\n"
            "counts shared pages in every process, PSS shares them out, USS counts only what no\n"
            "other process maps. PSS and USS need rights over the process: the same user, or\n"
            "CAP_SYS_PTRACE. A value that is not known is shown as -.\n"
            "\n"
            "Read from /proc, %CPU is the average since the process started, and PSS and USS are\n"
            "read for the rows shown only, not for very large processes.\n"
            "\n"
            "--groups lists groups of processes that share a budget: those of the configuration,\n"
            "of `memtend run --name`, a server and its workers, containers, units. It needs the\n"
            "daemon. CAME counts the members so far, COW the inherited memory that forked workers\n"
            "hold as copies of their own; a + stands behind sums over some of the members. --sort\n"
            "takes rss, pss, uss, swap, cow_loss, peak_rss, limit, headroom, members, came or "
            "name.\n"
            "\n"
            "LIMIT is the smallest limit of memory that binds, by control groups or the machine,\n"
            "HEADROOM what is left below the nearest one: sorted by it, the smallest comes first.\n"
            "A group has them when all its members live in one control group.\n",
        .examples = "memtend ps\nmemtend ps -q gunicorn --sort pss\nmemtend ps --local --json\n"
                    "memtend ps --groups --sort cow_loss\n",
        .options = BIT(QUERY) | BIT(SORT) | BIT(LIMIT) | BIT(LOCAL) | BIT(GROUPS) | BIT(JSON),
        .main = ps_main,
    },
    {
        .name = "free",
        .synopsis = "TARGET... [--dry-run] [--wait D] [--json]",
        .summary = "collect, then trim: give back what can be given back",
        .description = TARGET_HELP "\n" RECEIPT_HELP,
        .exits = ACT_EXITS,
        .examples = "memtend free 4711\nmemtend free --dry-run --json 4711-88213\n",
        .options = ACT_FLAGS,
        .steps = STEP(COLLECT) | STEP(TRIM),
        .operands_min = 1,
        .operands_max = ANY,
        .main = act_main,
    },
    {
        .name = "collect",
        .synopsis = "TARGET... [--dry-run] [--wait D] [--json]",
        .summary = "run the garbage collector inside a program",
        .description = TARGET_HELP "\n" RECEIPT_HELP,
        .exits = ACT_EXITS,
        .examples = "memtend collect 4711\n",
        .options = ACT_FLAGS,
        .steps = STEP(COLLECT),
        .operands_min = 1,
        .operands_max = ANY,
        .main = act_main,
    },
    {
        .name = "trim",
        .synopsis = "TARGET... [--dry-run] [--wait D] [--json]",
        .summary = "give free heap pages of a program back to the system",
        .description = TARGET_HELP "\n" RECEIPT_HELP,
        .exits = ACT_EXITS,
        .examples = "memtend trim 4711 4712\n",
        .options = ACT_FLAGS,
        .steps = STEP(TRIM),
        .operands_min = 1,
        .operands_max = ANY,
        .main = act_main,
    },
    {
        .name = "freeze",
        .synopsis = "TARGET... [--dry-run] [--wait D] [--json]",
        .summary = "keep a master's heap shared with the workers it will fork",
        .description = TARGET_HELP
        "\n"
        "Runs gc.freeze() inside (Python 3.7 and later): collections in the workers then\n"
        "leave alone what they share with their master, and it stays shared. Only before the\n"
        "first fork; MEMTEND_FREEZE=1 in the environment does it at that moment by itself.\n"
        "\n" RECEIPT_HELP,
        .exits = ACT_EXITS,
        .examples = "memtend freeze 4711\n",
        .options = ACT_FLAGS,
        .steps = STEP(FREEZE),
        .operands_min = 1,
        .operands_max = ANY,
        .main = act_main,
    },
    {
        .name = "why",
        .synopsis = "PID | UNIT | host [--local] [--json]",
        .summary = "why a process holds its memory, and what would help",
        .description =
            "Where the bytes of its RSS are, by layer; limit and headroom of its control group;\n"
            "one sentence of cause with how sure that is (it may be unknown); what would give "
            "back\n"
            "how much, what cannot help, and the command to type next. Of a UNIT the process with\n"
            "the largest RSS is shown.\n"
            "\n"
            "Asks the daemon, which knows an agent's numbers, counted pools and the age of large\n"
            "mappings; without one (or with --local) it reads /proc itself, with your rights. "
            "That\n"
            "holds up the process's own mapping of memory for some 20 ms per GiB, once; above 5 "
            "GiB\n"
            "its mappings are left alone.\n"
            "\n"
            "why host says whether memory was short at all: what is available, whether anybody\n"
            "waited for it (PSI), cache, swap. memtend never drops caches.\n",
        .examples = "memtend why 4711\n"
                    "memtend why web.service\n"
                    "memtend why host\n",
        .options = BIT(LOCAL) | BIT(JSON),
        .operands_min = 1,
        .operands_max = 1,
        .main = why_main,
    },
    {
        .name = "top",
        .synopsis = "[-q TEXT] [--sort METRIC] [--local]",
        .summary = "show processes and their memory, again and again",
        .description =
            "The table of `memtend ps`, looked at every two seconds, with what each process has\n"
            "grown since top began (+/-). From the daemon, else from /proc.\n"
            "\n"
            "Keys: arrows or j k move; Enter shows why the process holds its memory; r p u s c a\n"
            "sort by RSS, PSS, USS, swap, CPU, age; space looks now; Ctrl-L draws anew; q ends.\n",
        .examples = "memtend top\n"
                    "memtend top -q python --sort pss\n",
        .options = BIT(QUERY) | BIT(SORT) | BIT(LOCAL),
        .main = top_main,
    },
    {
        .name = "heap",
        .synopsis = "TARGET [--json]",
        .summary = "what the agent in a process tells of its heap",
        .description =
            "malloc's numbers, those of Python's garbage collector, and the pools of pymalloc by\n"
            "the size of their blocks, as the in-process agent told them last. TARGET is a\n"
            "process: its pid, or its id as `memtend ps --json` shows it.\n",
        .examples = "memtend heap 4711\n",
        .options = BIT(JSON),
        .operands_min = 1,
        .operands_max = 1,
        .main = heap_main,
    },
    {
        .name = "census",
        .synopsis = "TARGET [--mode MODE] [--top N] [--max-objects N] [--json]",
        .summary = "what the Python objects of a process are",
        .description =
            "The in-process agent looks now:\n"
            "\n"
            "roots     large containers that modules, classes and objects lead to, by name, with\n"
            "          their length, reference count and who else refers to them; what was longer\n"
            "          at each of three censuses or more is shown with its growth, first\n"
            "suspects  known causes of growth: lru_cache without bound, asyncio tasks, threads,\n"
            "          logging handlers, Django's queries, pools of SQLAlchemy and redis, labels "
            "of\n"
            "          prometheus_client, gc.garbage\n"
            "full      every object that the collector tracks, counted by type\n"
            "\n"
            "The first two hold the program for less than 5 ms, full for some 30 ms per million\n"
            "objects. Names of modules, classes and attributes, types and lengths are shown, "
            "never\n"
            "keys or values; [...] is an item of a dict or set. MEMTEND_CENSUS=0 in the program's\n"
            "environment forbids it. TARGET is a process: its pid, or its id as\n"
            "`memtend ps --json` shows it.\n",
        .exits = "0  the census was taken\n"
                 "1  it could not be taken: no agent, no Python, too many objects, busy\n"
                 "2  wrong usage\n"
                 "3  no daemon\n"
                 "4  permission\n"
                 "5  the target is gone\n"
                 "7  the interpreter lock or the answer did not come in time\n",
        .examples = "memtend census 4711\n"
                    "memtend census 4711 --mode suspects\n"
                    "memtend census 4711 --mode full --top 10 --json\n",
        .options = BIT(MODE) | BIT(TOP) | BIT(MAX_OBJECTS) | BIT(JSON),
        .operands_min = 1,
        .operands_max = 1,
        .main = census_main,
    },
    {
        .name = "events",
        .synopsis = "[-f] [-n N] [--kind KIND] [--since D] [--json]",
        .summary = "show what happened, oldest first",
        .description = "The last events (20 without -n), oldest first. With -f it goes on as new\n"
                       "ones come, and waits when the daemon restarts. With --json each event is\n"
                       "one line of JSON.\n",
        .examples = "memtend events -n 50\n"
                    "memtend events -f --kind rule_fired\n"
                    "memtend events --since 2h --json\n",
        .options = BIT(FOLLOW) | BIT(LIMIT) | BIT(KIND) | BIT(SINCE) | BIT(JSON),
        .main = events_main,
    },
    {
        .name = "receipts",
        .synopsis = "[ID] [-n N] [--json]",
        .summary = "list receipts, or show one",
        .description = RECEIPT_HELP,
        .examples = "memtend receipts\nmemtend receipts -n 1 --json\n",
        .options = BIT(LIMIT) | BIT(JSON),
        .operands_max = 1,
        .main = receipts_main,
    },
    {
        .name = "rules",
        .synopsis = "[list | check FILE | arm NAME | disarm NAME | put NAME FILE | delete NAME] "
                    "[--yes] [--json]",
        .summary = "list, check and change rules",
        .description =
            "list           name, state and last firing of every rule (the default)\n"
            "check FILE     show every error as FILE:LINE:COLUMN; - reads standard input\n"
            "put NAME FILE  store the one rule in FILE under NAME; it is not armed\n"
            "arm NAME       show the rule, ask on a terminal, and let it act\n"
            "disarm NAME    it only writes what it would have done\n"
            "delete NAME    forget a rule that was stored by put\n"
            "\n"
            "A rule that is not armed never acts. An arming holds for the text that was armed: an\n"
            "edit disarms. Rules from files are changed in their files.\n",
        .examples = "memtend rules check /etc/memtend/rules.d/web.rules\n"
                    "memtend rules arm idle-after-burst\n",
        .words = "list check arm disarm put delete",
        .options = BIT(YES) | BIT(JSON),
        .operands_max = 3,
        .main = rules_main,
    },
    {
        .name = "pause",
        .synopsis = "[RULE] [--for D]",
        .summary = "stop all rules, or one, from acting",
        .description = "Holds at once, also for steps under way: they stop before the next one.\n"
                       "What a person asks for is not bound by a rule's pause. Ends by\n"
                       "`memtend resume`, or by itself after --for.\n",
        .examples = "memtend pause --for 1h\nmemtend pause idle-after-burst\n",
        .options = BIT(FOR) | BIT(JSON),
        .operands_max = 1,
        .main = pause_main,
    },
    {
        .name = "resume",
        .synopsis = "[RULE]",
        .summary = "end a pause",
        .description = "The opposite of `memtend pause`.\n",
        .options = BIT(JSON),
        .operands_max = 1,
        .main = pause_main,
    },
    {
        .name = "status",
        .synopsis = "[--json]",
        .summary = "how the daemon itself is doing",
        .description = "Roles, store, agents, rules, pause, and what cannot be seen here.\n",
        .options = BIT(JSON),
        .main = status_main,
    },
    {
        .name = "host",
        .synopsis = "[--json]",
        .summary = "memory and memory pressure of the machine",
        .description = "available is what programs can still get without swapping; pressure is\n"
                       "the share of time in which tasks waited for memory (PSI).\n",
        .options = BIT(JSON),
        .main = host_main,
    },
    {
        .name = "query",
        .synopsis =
            "TARGET METRIC[,METRIC...] | top [rss|pss] [-n N] | around ID\n"
            "                [--since D] [--until D] [--points N] [--agg A] [--csv | --json]",
        .summary = "history: of a metric, of the largest processes, around an event",
        .description =
            "One line per series: first, least, greatest and last value and the shape. --csv\n"
            "prints every point. TARGET is host, a pid, a process id, unit:NAME, group:NAME or\n"
            "several joined by commas (up to 8); METRIC a name like rss, uss, cpu or heap.free "
            "(up\n"
            "to 8). A unit or a group is the sum over its members, also those that are gone.\n"
            "\n"
            "`top` lists the processes that were largest within a time, those that are gone among\n"
            "them: by their highest RSS (or PSS), with --agg avg by their average. It is as "
            "coarse\n"
            "as what is stored: ten minutes, an hour for past hours.\n"
            "\n"
            "`around` takes the number of an event or the id of a receipt: the minute before an\n"
            "OOM kill or a crash as it is kept, else five minutes to both sides.\n"
            "\n"
            "--since and --until are durations (2h ago) or times (2026-11-22T10:41:18Z). In CSV\n"
            "times are RFC 3339 in UTC, an unknown value is an empty field, and a name that "
            "begins\n"
            "with = + - or @ gets an apostrophe in front, so that no spreadsheet calculates it.\n",
        .examples = "memtend query 4711 rss,uss --since 1h\n"
                    "memtend query group:web pss --since 1d\n"
                    "memtend query host mem.available --since 1d --points 500 --csv\n"
                    "memtend query top --since 2d --until 1d -n 20\n"
                    "memtend query top pss --agg avg --csv\n"
                    "memtend query around 412\n",
        .words = "host top around",
        .options =
            BIT(SINCE) | BIT(UNTIL) | BIT(POINTS) | BIT(AGG) | BIT(LIMIT) | BIT(CSV) | BIT(JSON),
        .operands_min = 1,
        .operands_max = 2,
        .main = query_main,
    },
    {
        .name = "open",
        .synopsis = "[--state-dir DIR] [--http ADDR:PORT]",
        .summary = "print the address of the dashboard, with its token",
        .description =
            "The token is in the fragment of the address, which a browser keeps to itself; the\n"
            "page changes it for a session cookie. Who reads the line can use the dashboard.\n",
        .examples = "xdg-open \"$(memtend open)\"\n",
        .options = BIT(STATE_DIR) | BIT(HTTP),
        .main = open_main,
    },
    {
        .name = "doctor",
        .synopsis = "[--strict] [--json]",
        .summary = "check kernel, rights, daemon and agents, and say how to mend them",
        .description = "Each check says ok, warning or failure, with the command that mends it\n"
                       "under it. Works without a daemon.\n",
        .exits = "0  no failure (warnings are no failure)\n"
                 "1  a failure; with --strict a warning as well\n"
                 "2  wrong usage\n",
        .options = BIT(STRICT) | BIT(JSON),
        .main = doctor_main,
    },
    {
        .name = "completion",
        .synopsis = "bash | zsh | fish",
        .summary = "print completions for a shell",
        .description = "Print the completions of memtend for the named shell.\n",
        .examples = "memtend completion bash > /etc/bash_completion.d/memtend\n"
                    "memtend completion zsh > \"${fpath[1]}/_memtend\"\n"
                    "memtend completion fish > ~/.config/fish/completions/memtend.fish\n",
        .words = "bash zsh fish",
        .operands_min = 1,
        .operands_max = 1,
        .main = completion_main,
    },
    {
        .name = "version",
        .synopsis = "",
        .summary = "show the version",
        .description = "Print the version of this program.\n",
        .main = version_main,
    },
    {
        .name = "help",
        .synopsis = "[COMMAND]",
        .summary = "show help, also for one command",
        .description = "Without COMMAND, list all commands.\n",
        .operands_max = 1,
        .main = help_main,
    },
    {.name = NULL},
};
