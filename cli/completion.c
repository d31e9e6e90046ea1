/* SPDX-License-Identifier: MIT */
/*
 * `memtend completion`: the tables of commands and options as completions of a shell.
 */
#include "model/event.h"
#include "model/metric.h"
#include "preload.h"
#include "say.h"
#include "verb.h"

#include <stdio.h>
#include <string.h>

/* Prints the values an option may have, separated by blanks; false when they are free. */
static bool print_values(enum option_id id)
{
    switch (id) {
    case OPTION_COLOR:
        fputs("auto always never", stdout);
        return true;
    case OPTION_AGG:
        fputs("avg min max last range", stdout);
        return true;
    case OPTION_MODE:
        fputs("roots suspects full", stdout);
        return true;
    case OPTION_MALLOC:
        fputs(preload_allocator_names(), stdout);
        return true;
    case OPTION_KIND:
        for (enum event_kind kind = 0; kind < EVENT_KIND_COUNT; kind++)
            printf("%s%s", kind > 0 ? " " : "", event_kind_name(kind));
        return true;
    case OPTION_SORT:
        for (enum metric metric = 0; metric < METRIC_PROCESS_COUNT; metric++)
            printf("%s%s", metric > 0 ? " " : "", metric_info(metric)->name);
        return true;
    default:
        return false;
    }
}

/* Those that print_values() knows. */
static bool has_values(enum option_id id)
{
    static const uint64_t set = OPTION_BIT(COLOR) | OPTION_BIT(AGG) | OPTION_BIT(KIND) |
                                OPTION_BIT(SORT) | OPTION_BIT(MALLOC) | OPTION_BIT(MODE);
    return (set & (UINT64_C(1) << id)) != 0;
}

static bool takes(const struct verb *verb, enum option_id id)
{
    return ((verb->options | OPTIONS_COMMON) & (UINT64_C(1) << id)) != 0;
}

static bool is_directory(enum option_id id)
{
    return id == OPTION_RUNTIME_DIR || id == OPTION_STATE_DIR || id == OPTION_ROOT;
}

static bool is_file(enum option_id id)
{
    return id == OPTION_OUTPUT;
}

static void print_verbs(void)
{
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)); i++)
        printf("%s%s", i == 0 ? "" : " ", verb->name);
}

static void print_long_options(const struct verb *verb)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++)
        if (takes(verb, id))
            printf("--%s ", option_info(id)->name);
}

/* Values of options first, then the command, then its words and options. */
static void bash_print(void)
{
    printf("_memtend() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local verb=${COMP_WORDS[1]} words=\n"
           "    case $before in\n");
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        if (is_directory(id))
            printf("    --%s) compopt -o dirnames; COMPREPLY=(); return ;;\n",
                   option_info(id)->name);
        else if (is_file(id))
            printf("    --%s%s%c) compopt -o default; COMPREPLY=(); return ;;\n",
                   option_info(id)->name, option_info(id)->letter ? "|-" : "",
                   option_info(id)->letter ? option_info(id)->letter : ' ');
        else if (has_values(id)) {
            printf("    --%s) COMPREPLY=($(compgen -W '", option_info(id)->name);
            print_values(id);
            printf("' -- \"$word\")); return ;;\n");
        }
    }
    printf("    esac\n    if ((COMP_CWORD == 1)); then\n        words='");
    print_verbs();
    printf("'\n    else\n        case $verb in\n");
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)); i++) {
        printf("        %s) words='%s%s", verb->name, verb->words ? verb->words : "",
               verb->words ? " " : "");
        if (verb->main == help_main)
            print_verbs();
        else
            print_long_options(verb);
        printf("'%s ;;\n",
               verb->stops_at_operand || verb->takes_file ? "; compopt -o default" : "");
    }
    printf("        esac\n    fi\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "}\n"
           "complete -F _memtend memtend\n");
}

/* Help texts hold quotes and brackets that _arguments and fish would read: they are left out. */
static void print_safe(const char *text)
{
    for (; *text; text++)
        if (!strchr("'[]:\\`$\"", *text))
            putchar(*text);
}

static void zsh_print_option(enum option_id id)
{
    const struct option_info *info = option_info(id);
    printf("            '--%s%s[", info->name, info->argument ? "=" : "");
    print_safe(info->help);
    printf("]");
    if (info->argument) {
        printf(":%s:", info->name);
        if (is_directory(id))
            printf("_directories");
        else if (is_file(id))
            printf("_files");
        else if (has_values(id)) {
            printf("(");
            print_values(id);
            printf(")");
        }
    }
    printf("' \\\n");
}

static void zsh_print(void)
{
    printf("#compdef memtend\n_memtend() {\n    local -a verbs\n    verbs=(\n");
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)); i++) {
        printf("        '%s:", verb->name);
        print_safe(verb->summary);
        printf("'\n");
    }
    printf(
        "    )\n"
        "    if ((CURRENT == 2)); then\n        _describe command verbs\n        return\n    fi\n"
        "    local verb=$words[2]\n    shift words\n    ((CURRENT--))\n    case $verb in\n");
    for (size_t i = 0; (verb = verb_at(i)); i++) {
        printf("        %s)\n            _arguments -S \\\n", verb->name);
        for (enum option_id id = 0; id < OPTION_COUNT; id++)
            if (takes(verb, id))
                zsh_print_option(id);
        if (verb->stops_at_operand)
            printf("            '*::command:_normal' ;;\n");
        else if (verb->takes_file)
            printf("            '1:file:_files' ;;\n");
        else if (verb->words)
            printf("            '1:word:(%s)' '*:file:_files' ;;\n", verb->words);
        else
            printf("            '*: :' ;;\n");
    }
    printf("    esac\n}\n_memtend \"$@\"\n");
}

static void fish_print_option(const struct verb *verb, enum option_id id)
{
    const struct option_info *info = option_info(id);
    printf("complete -c memtend -n '__fish_seen_subcommand_from %s' -l %s", verb->name, info->name);
    if (info->letter)
        printf(" -s %c", info->letter);
    if (is_directory(id))
        printf(" -x -a '(__fish_complete_directories)'");
    else if (is_file(id))
        printf(" -r -F");
    else if (info->argument) {
        printf(" -x -a '");
        print_values(id);
        printf("'");
    }
    printf(" -d '");
    print_safe(info->help);
    printf("'\n");
}

static void fish_print(void)
{
    printf("complete -c memtend -f\n");
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)); i++) {
        printf("complete -c memtend -n __fish_use_subcommand -a %s -d '", verb->name);
        print_safe(verb->summary);
        printf("'\n");
        if (verb->takes_file)
            printf("complete -c memtend -n '__fish_seen_subcommand_from %s' -F\n", verb->name);
        if (verb->words)
            printf("complete -c memtend -n '__fish_seen_subcommand_from %s' -a '%s'\n", verb->name,
                   verb->words);
        for (enum option_id id = 0; id < OPTION_COUNT; id++)
            if (takes(verb, id))
                fish_print_option(verb, id);
    }
}

static const struct {
    const char *shell;
    void (*print)(void);
} completion_shells[] = {{"bash", bash_print}, {"zsh", zsh_print}, {"fish", fish_print}};

enum exit_code completion_main(const struct invocation *invocation)
{
    const char *shell = invocation->operands[0];
    for (size_t i = 0; i < sizeof(completion_shells) / sizeof(completion_shells[0]); i++) {
        if (strcmp(completion_shells[i].shell, shell) != 0)
            continue;
        completion_shells[i].print();
        return EXIT_CODE_OK;
    }
    say("no completions for %s", shell);
    say_try("memtend completion bash, zsh or fish");
    return EXIT_CODE_USAGE;
}
