/* SPDX-License-Identifier: MIT */
/*
 * memtend: the command line. Takes the common options, finds the command in the table, checks its
 * operands and runs it.
 */
#include "say.h"
#include "show.h"
#include "verb.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static enum exit_code say_unknown_verb(const char *name)
{
    const struct verb *guess = verb_guess(name);
    if (guess)
        say("unknown command %s (did you mean %s?)", name, guess->name);
    else
        say("unknown command %s", name);
    say_try("memtend help");
    return EXIT_CODE_USAGE;
}

/* run ends with its own codes, so that they are not taken for those of the program. */
static enum exit_code usage_of(const struct verb *verb)
{
    return verb->main == run_main ? EXIT_CODE_RUN_FAILED : EXIT_CODE_USAGE;
}

static enum exit_code run_verb(const struct verb *verb, int argc, char **argv,
                               struct invocation *invocation)
{
    invocation->verb = verb;
    if (options_parse(OPTIONS_COMMON | verb->options, argc, argv, verb->stops_at_operand,
                      invocation) < 0)
        return usage_of(verb);
    if (invocation->option[OPTION_HELP])
        return help_verb(verb);
    if (invocation->operand_count < verb->operands_min ||
        invocation->operand_count > verb->operands_max) {
        say("usage: memtend %s %s", verb->name, verb->synopsis);
        say_try("memtend %s --help", verb->name);
        return usage_of(verb);
    }
    show_init(invocation->option[OPTION_COLOR]);
    return verb->main(invocation);
}

static enum exit_code start(int argc, char **argv)
{
    struct invocation invocation = {0};
    if (options_parse(OPTIONS_COMMON | OPTION_BIT(VERSION), argc, argv, true, &invocation) < 0)
        return EXIT_CODE_USAGE;
    if (invocation.option[OPTION_VERSION])
        return version_main(&invocation);
    if (invocation.option[OPTION_HELP])
        return help_verb(NULL);
    if (invocation.operand_count == 0) {
        say("no command was given");
        say_try("memtend help");
        return EXIT_CODE_USAGE;
    }
    const struct verb *verb = verb_find(invocation.operands[0]);
    if (!verb)
        return say_unknown_verb(invocation.operands[0]);
    return run_verb(verb, (int)invocation.operand_count, invocation.operands, &invocation);
}

int main(int argc, char **argv)
{
    /* For the width of characters only: all text is UTF-8 whatever the caller's locale. */
    setlocale(LC_CTYPE, "C.UTF-8");
    enum exit_code code = start(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_CODE_OK) {
        say("cannot write the output");
        return EXIT_CODE_FAILED;
    }
    return (int)code;
}
