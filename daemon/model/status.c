/* SPDX-License-Identifier: MIT */
#include "model/status.h"

const char *probe_state_name(enum probe_state state)
{
    static const char *const names[] = {
        [PROBE_STATE_OK] = "ok", [PROBE_STATE_LIMITED] = "limited", [PROBE_STATE_DOWN] = "down"};
    return names[state];
}

const char *store_state_name(enum store_state state)
{
    static const char *const names[] = {
        [STORE_STATE_OK] = "ok", [STORE_STATE_DEGRADED] = "degraded", [STORE_STATE_OFF] = "off"};
    return names[state];
}

const char *psi_state_name(enum psi_state state)
{
    static const char *const names[] = {[PSI_STATE_POLLED] = "polled",
                                        [PSI_STATE_TRIGGER] = "trigger",
                                        [PSI_STATE_ABSENT] = "absent"};
    return names[state];
}
