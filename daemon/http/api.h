/* SPDX-License-Identifier: MIT */
/*
 * The handlers of every resource; only route.c names them. A _get/_post/… function answers or asks
 * (request.h); an _answer function renders the command that came back.
 */
#ifndef MEMTEND_HTTP_API_H
#define MEMTEND_HTTP_API_H

#include "http/request.h"

#define API_HANDLER(name) void name(struct request *request, struct reply *reply)
#define API_ANSWER(name)                                                                           \
    void name(struct request *request, const struct command *command, struct reply *reply)

API_HANDLER(assets_index);
API_HANDLER(assets_get);
API_HANDLER(assets_openapi);

API_HANDLER(api_livez);
API_HANDLER(api_readyz);
API_HANDLER(api_status);
API_HANDLER(api_host);
API_HANDLER(api_metrics);

API_HANDLER(api_session_post);
API_HANDLER(api_session_delete);

API_HANDLER(api_cgroups_list);

API_HANDLER(api_processes_list);
API_HANDLER(api_processes_get);

API_HANDLER(api_groups_list);
API_HANDLER(api_groups_get);

API_HANDLER(api_agent_get);
API_ANSWER(api_agent_answer);

API_HANDLER(api_census_get);
API_ANSWER(api_census_answer);

API_HANDLER(api_diagnosis_get);
API_ANSWER(api_ledger_answer);
API_ANSWER(api_verdict_answer);

API_HANDLER(api_series_get);
API_ANSWER(api_series_answer);

API_HANDLER(api_top_get);
API_ANSWER(api_top_answer);

API_HANDLER(api_events_list);
API_HANDLER(api_events_post);
API_HANDLER(api_audit_list);
API_HANDLER(api_events_window);
API_ANSWER(api_events_answer);
API_ANSWER(api_events_added);
API_ANSWER(api_events_windowed);

API_HANDLER(api_actions_post);
API_HANDLER(api_actions_list);
API_HANDLER(api_actions_get);
API_ANSWER(api_actions_answer);
API_ANSWER(api_actions_listed);

API_HANDLER(api_rules_list);
API_HANDLER(api_rules_get);
API_HANDLER(api_rules_put);
API_HANDLER(api_rules_delete);
API_HANDLER(api_rules_check);
API_HANDLER(api_rules_arm);
API_HANDLER(api_rules_disarm);
API_HANDLER(api_pause);
API_HANDLER(api_resume);
API_ANSWER(api_rules_listed);
API_ANSWER(api_rules_answer);
API_ANSWER(api_rules_deleted);
API_ANSWER(api_pause_answer);

#endif
