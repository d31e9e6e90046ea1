/* SPDX-License-Identifier: MIT */
#include "model/step.h"
#include "say.h"
#include "verb.h"

#include <stdio.h>
#include <string.h>

static const char common_exits[] = "0  success\n"
                                   "1  failed\n"
                                   "2  wrong usage or configuration\n"
                                   "3  no daemon\n"
                                   "4  permission\n"
                                   "5  the target is gone\n"
                                   "7  timeout\n";

/* A paragraph, each line indented. */
static void print_indented(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        printf("%s%.*s\n", length > 0 ? "       " : "", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_options(uint64_t set)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option_info *info = option_info(id);
        char left[48];
        if (!(set & (UINT64_C(1) << id)))
            continue;
        snprintf(left, sizeof(left), "%c%c%s--%s%s%s", info->letter ? '-' : ' ',
                 info->letter ? info->letter : ' ', info->letter ? ", " : "  ", info->name,
                 info->argument ? " " : "", info->argument ? info->argument : "");
        printf("       %-24s  %s\n", left, info->help);
    }
}

static void print_steps(uint32_t steps)
{
    for (enum step_kind kind = 0; kind < STEP_KIND_COUNT; kind++) {
        const struct step_info *info = step_info(kind);
        if (!(steps & (UINT32_C(1) << kind)))
            continue;
        printf("\n       %s %s.\n         costs: %s\n         cannot: %s\n", info->name, info->does,
               info->costs, info->cannot);
    }
}

static void print_verb(const struct verb *verb)
{
    printf("NAME\n       memtend %s - %s\n", verb->name, verb->summary);
    printf("\nSYNOPSIS\n       memtend %s%s%s\n", verb->name, *verb->synopsis ? " " : "",
           verb->synopsis);
    printf("\nDESCRIPTION\n");
    print_indented(verb->description);
    print_steps(verb->steps);
    printf("\nOPTIONS\n");
    print_options(OPTIONS_COMMON | verb->options);
    printf("\nEXIT STATUS\n");
    print_indented(verb->exits ? verb->exits : common_exits);
    if (verb->examples) {
        printf("\nEXAMPLES\n");
        print_indented(verb->examples);
    }
}

static void print_overview(void)
{
    printf("memtend tends the memory of running programs: watch, explain, give back, prove.\n"
           "\nUsage: memtend [--runtime-dir DIR] COMMAND ...\n\nCommands:\n");
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)); i++)
        printf("  %-12s%s\n", verb->name, verb->summary);
    printf("\nmemtend help COMMAND says more about one of them.\n");
}

enum exit_code help_verb(const struct verb *verb)
{
    if (verb)
        print_verb(verb);
    else
        print_overview();
    return EXIT_CODE_OK;
}

enum exit_code help_main(const struct invocation *invocation)
{
    if (invocation->operand_count == 0)
        return help_verb(NULL);
    const struct verb *verb = verb_find(invocation->operands[0]);
    if (verb)
        return help_verb(verb);
    say("no help: unknown command %s", invocation->operands[0]);
    say_try("memtend help");
    return EXIT_CODE_USAGE;
}

enum exit_code version_main(const struct invocation *invocation)
{
    (void)invocation;
    printf("memtend %s\n", MEMTEND_VERSION);
    return EXIT_CODE_OK;
}
