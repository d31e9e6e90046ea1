/* SPDX-License-Identifier: MIT */
#include "model/rule.h"

#include <stdlib.h>

void rule_record_finish(struct rule_record *record)
{
    free(record->text);
    record->text = NULL;
}

const char *rule_source_name(enum rule_source source)
{
    return source == RULE_SOURCE_FILE ? "file" : "api";
}

const char *rule_state_name(enum rule_state state)
{
    static const char *const names[] = {[RULE_STATE_DRY_RUN] = "dry_run",
                                        [RULE_STATE_ARMED] = "armed",
                                        [RULE_STATE_DISARMED_BY_EDIT] = "disarmed_by_edit",
                                        [RULE_STATE_SHADOWED] = "shadowed"};
    return names[state];
}
