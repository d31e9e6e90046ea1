/* SPDX-License-Identifier: MIT */
#include "model/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct command *command_new(enum command_kind kind)
{
    struct command *command = calloc(1, sizeof(*command));
    if (command)
        command->kind = kind;
    return command;
}

void command_free(struct command *command)
{
    if (!command)
        return;
    for (size_t i = 0; i < command->rule_count; i++)
        rule_record_finish(&command->rules[i]);
    free(command->rules);
    free(command->receipts);
    free(command->events);
    event_window_free(command->window);
    series_result_finish(&command->series_result);
    free(command->top_processes);
    free(command->agent);
    free(command->diagnosis);
    free(command->census);
    free(command->text);
    free(command);
}

void command_refuse(struct command *command, enum command_result result, const char *format, ...)
{
    command->result = result;
    command->error = (struct error){0};
    va_list list;
    va_start(list, format);
    vsnprintf(command->error.text, sizeof(command->error.text), format, list);
    va_end(list);
}
