/* SPDX-License-Identifier: MIT */
#include "http/session.h"

#include "base/digest.h"
#include "base/text.h"

static bool session_matches(const struct session *session, const char *id)
{
    return session->id[0] && digest_equal(session->id, id);
}

int session_add(struct session_store *store, uint64_t now_usec, char ret_id[static SESSION_ID_SIZE])
{
    struct session fresh = {.until_usec = now_usec + HTTP_SESSION_USEC};
    int r = digest_random_hex(SESSION_ID_BYTES, fresh.id);
    if (r < 0)
        return r;
    struct session *oldest = &store->sessions[0];
    for (unsigned i = 1; i < HTTP_SESSIONS; i++)
        if (store->sessions[i].until_usec < oldest->until_usec)
            oldest = &store->sessions[i];
    *oldest = fresh;
    text_copy(ret_id, SESSION_ID_SIZE, fresh.id);
    return 0;
}

bool session_is_known(const struct session_store *store, const char *id, uint64_t now_usec)
{
    bool known = false;
    for (unsigned i = 0; i < HTTP_SESSIONS; i++)
        known |=
            session_matches(&store->sessions[i], id) && store->sessions[i].until_usec > now_usec;
    return known;
}

void session_drop(struct session_store *store, const char *id)
{
    for (unsigned i = 0; i < HTTP_SESSIONS; i++)
        if (session_matches(&store->sessions[i], id))
            store->sessions[i] = (struct session){0};
}
