/* SPDX-License-Identifier: MIT */
#include "rules/program.h"

#include <stdlib.h>

void program_finish(struct rule_program *program)
{
    for (size_t i = 0; i < program->count; i++) {
        struct rule_op *op = &program->ops[i];
        free(op->text);
        if (op->regex)
            regfree(op->regex);
        free(op->regex);
    }
    free(program->ops);
    *program = (struct rule_program){0};
}
