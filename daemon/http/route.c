/* SPDX-License-Identifier: MIT */
#include "http/route.h"

#include "base/text.h"
#include "http/api.h"

#include <string.h>

static const struct route routes[] = {
    {METHOD_GET, "/", RIGHTS_OPEN, BODY_NONE, assets_index, NULL},
    {METHOD_GET, "/assets/{}", RIGHTS_OPEN, BODY_NONE, assets_get, NULL},
    {METHOD_GET, "/openapi.json", RIGHTS_OPEN, BODY_NONE, assets_openapi, NULL},
    {METHOD_GET, "/livez", RIGHTS_OPEN, BODY_NONE, api_livez, NULL},
    {METHOD_GET, "/readyz", RIGHTS_OPEN, BODY_NONE, api_readyz, NULL},
    {METHOD_GET, "/metrics", RIGHTS_ALL, BODY_NONE, api_metrics, NULL},
    {METHOD_POST, "/api/v1/session", RIGHTS_TOKEN, BODY_OPTIONAL, api_session_post, NULL},
    {METHOD_DELETE, "/api/v1/session", RIGHTS_LEAVE, BODY_NONE, api_session_delete, NULL},
    {METHOD_GET, "/api/v1/status", RIGHTS_SOME, BODY_NONE, api_status, NULL},
    {METHOD_GET, "/api/v1/host", RIGHTS_SOME, BODY_NONE, api_host, NULL},
    {METHOD_GET, "/api/v1/cgroups", RIGHTS_SOME, BODY_NONE, api_cgroups_list, NULL},
    {METHOD_GET, "/api/v1/processes", RIGHTS_SOME, BODY_NONE, api_processes_list, NULL},
    {METHOD_GET, "/api/v1/processes/{}", RIGHTS_SOME, BODY_NONE, api_processes_get, NULL},
    {METHOD_GET, "/api/v1/processes/{}/agent", RIGHTS_SOME, BODY_NONE, api_agent_get,
     api_agent_answer},
    {METHOD_GET, "/api/v1/processes/{}/census", RIGHTS_SOME, BODY_NONE, api_census_get,
     api_census_answer},
    {METHOD_GET, "/api/v1/processes/{}/ledger", RIGHTS_SOME, BODY_NONE, api_diagnosis_get,
     api_ledger_answer},
    {METHOD_GET, "/api/v1/processes/{}/verdict", RIGHTS_SOME, BODY_NONE, api_diagnosis_get,
     api_verdict_answer},
    {METHOD_GET, "/api/v1/groups", RIGHTS_SOME, BODY_NONE, api_groups_list, NULL},
    {METHOD_GET, "/api/v1/groups/{}", RIGHTS_SOME, BODY_NONE, api_groups_get, NULL},
    {METHOD_GET, "/api/v1/series", RIGHTS_SOME, BODY_NONE, api_series_get, api_series_answer},
    {METHOD_GET, "/api/v1/top", RIGHTS_SOME, BODY_NONE, api_top_get, api_top_answer},
    {METHOD_GET, "/api/v1/events", RIGHTS_ALL, BODY_NONE, api_events_list, api_events_answer},
    {METHOD_POST, "/api/v1/events", RIGHTS_ALL, BODY_JSON, api_events_post, api_events_added},
    {METHOD_GET, "/api/v1/events/{}/window", RIGHTS_ALL, BODY_NONE, api_events_window,
     api_events_windowed},
    {METHOD_GET, "/api/v1/actions", RIGHTS_SOME, BODY_NONE, api_actions_list, api_actions_listed},
    {METHOD_POST, "/api/v1/actions", RIGHTS_SOME, BODY_JSON, api_actions_post, api_actions_answer},
    {METHOD_GET, "/api/v1/actions/{}", RIGHTS_SOME, BODY_NONE, api_actions_get, api_actions_answer},
    {METHOD_GET, "/api/v1/rules", RIGHTS_ALL, BODY_NONE, api_rules_list, api_rules_listed},
    {METHOD_POST, "/api/v1/rules/check", RIGHTS_ALL, BODY_JSON, api_rules_check, NULL},
    {METHOD_GET, "/api/v1/rules/{}", RIGHTS_ALL, BODY_NONE, api_rules_get, api_rules_answer},
    {METHOD_PUT, "/api/v1/rules/{}", RIGHTS_ALL, BODY_JSON, api_rules_put, api_rules_answer},
    {METHOD_DELETE, "/api/v1/rules/{}", RIGHTS_ALL, BODY_NONE, api_rules_delete, api_rules_deleted},
    {METHOD_POST, "/api/v1/rules/{}/arm", RIGHTS_ALL, BODY_OPTIONAL, api_rules_arm,
     api_rules_answer},
    {METHOD_POST, "/api/v1/rules/{}/disarm", RIGHTS_ALL, BODY_OPTIONAL, api_rules_disarm,
     api_rules_answer},
    {METHOD_POST, "/api/v1/pause", RIGHTS_ALL, BODY_OPTIONAL, api_pause, api_pause_answer},
    {METHOD_POST, "/api/v1/resume", RIGHTS_ALL, BODY_OPTIONAL, api_resume, api_pause_answer},
    {METHOD_GET, "/api/v1/audit", RIGHTS_ALL, BODY_NONE, api_audit_list, api_events_answer},
    {.pattern = NULL},
};

/* What is asked often by tools that watch us, and what is only handed on. */
static void (*const brief_handlers[])(struct request *request, struct reply *reply) = {
    assets_index,    assets_get,       assets_openapi, api_livez,        api_readyz,
    api_metrics,     api_status,       api_host,       api_session_post, api_session_delete,
    api_events_list, api_events_post,  api_rules_list, api_rules_check,  api_rules_get,
    api_rules_put,   api_rules_delete, api_rules_arm,  api_rules_disarm, api_pause,
    api_resume,      api_audit_list,
};

bool route_is_brief(const struct route *route)
{
    for (size_t i = 0; i < sizeof(brief_handlers) / sizeof(brief_handlers[0]); i++)
        if (brief_handlers[i] == route->handle)
            return true;
    return false;
}

static const char *const method_names[METHOD_COUNT] = {
    [METHOD_GET] = "GET", [METHOD_POST] = "POST", [METHOD_PUT] = "PUT", [METHOD_DELETE] = "DELETE"};

const struct route *route_table(void)
{
    return routes;
}

/* HEAD is GET. False when we serve no such method anywhere. */
static bool method_find(const char *name, enum method *ret_method)
{
    for (enum method method = 0; method < METHOD_COUNT; method++) {
        if (strcmp(name, method_names[method]) == 0) {
            *ret_method = method;
            return true;
        }
    }
    if (strcmp(name, "HEAD") != 0)
        return false;
    *ret_method = METHOD_GET;
    return true;
}

/* {} takes a segment that is not empty and not longer than fits; anything else matches itself. */
static bool route_matches(const char *pattern, const char *path, char parameter[HTTP_PARAMETER])
{
    parameter[0] = '\0';
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t length = strcspn(path, "/");
        if (length == 0 || length >= HTTP_PARAMETER)
            return false;
        text_copy_span(parameter, HTTP_PARAMETER, path, length);
        path += length;
        pattern += strlen("{}");
    }
    return *path == '\0';
}

static void route_allow(char allow[REPLY_ALLOW_SIZE], const char *name)
{
    size_t length = strlen(allow);
    if (length > 0)
        length += text_copy(allow + length, REPLY_ALLOW_SIZE - length, ", ");
    text_copy(allow + length, REPLY_ALLOW_SIZE - length, name);
}

void route_find(const char *method_name, const char *path, struct route_match *ret_match)
{
    *ret_match = (struct route_match){0};
    enum method method = METHOD_COUNT;
    method_find(method_name, &method);
    const char *pattern = NULL;
    char parameter[HTTP_PARAMETER];
    for (const struct route *route = routes; route->pattern; route++) {
        /* "/rules/check" stands before "/rules/{}": the first pattern that fits is the path. */
        if (pattern ? strcmp(pattern, route->pattern) != 0
                    : !route_matches(route->pattern, path, parameter))
            continue;
        if (!pattern)
            text_copy(ret_match->parameter, HTTP_PARAMETER, parameter);
        pattern = route->pattern;
        ret_match->path_known = true;
        route_allow(ret_match->allow, method_names[route->method]);
        if (route->method == METHOD_GET)
            route_allow(ret_match->allow, "HEAD");
        if (route->method == method)
            ret_match->route = route;
    }
}
