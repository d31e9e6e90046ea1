/* SPDX-License-Identifier: MIT */
/*
 * Any bytes from an agent, with requests and time between them. The first byte of each piece says
 * what happens before it: 0xff ask for statistics, 0xfe order a step, 0xfd let a second pass, 0xfc
 * take a census. What must hold whatever comes: a closed session says why and stays closed, an
 * accepted run is answered exactly once, nothing is answered that was not asked.
 */
#include "agents/session.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct counts {
    struct session session;
    int asked_runs, answered_runs, asked_stats, ended_stats, asked_censuses, answered_censuses;
    uint64_t now;
};

static void on_hello(void *context, const struct control_hello *hello, bool again)
{
    (void)context;
    (void)again;
    if (hello->version < CONTROL_VERSION_MIN || hello->version > CONTROL_VERSION)
        abort();
}

static void on_stats(void *context, const struct control_stats *stats)
{
    struct counts *counts = context;
    (void)stats;
    if (++counts->ended_stats > counts->asked_stats)
        abort();
}

static void on_stat_refused(void *context, enum control_result why)
{
    struct counts *counts = context;
    if (why == CONTROL_RESULT_OK || ++counts->ended_stats > counts->asked_stats)
        abort();
}

static void on_stat_late(void *context)
{
    struct counts *counts = context;
    if (counts->asked_stats == 0)
        abort();
}

static void on_mark(void *context, const struct control_mark *mark)
{
    const struct counts *counts = context;
    if (!mark->name[0] || mark->usec > counts->now + USEC_PER_SEC)
        abort();
}

static void on_answer(void *context, const struct run_answer *answer)
{
    struct counts *counts = context;
    if (++counts->answered_runs > counts->asked_runs || answer->objects < -1)
        abort();
}

static void on_census(void *context, struct census *census)
{
    struct counts *counts = context;
    if (++counts->answered_censuses > counts->asked_censuses ||
        census->count > census->question.top || (census->outcome != CENSUS_DONE && census->count))
        abort();
    free(census);
}

static void act(struct counts *counts, uint8_t command)
{
    uint64_t unused;
    struct session *session = &counts->session;
    if (command == 0xff && session_request_stat(session, true, counts->now) == 0)
        counts->asked_stats++;
    if (command == 0xfe &&
        session_request_run(session, command % STEP_KIND_COUNT, 500000, counts->now, &unused) == 0)
        counts->asked_runs++;
    const struct census_question question = {
        .mode = (enum census_mode)(counts->now / USEC_PER_SEC % CENSUS_MODE_COUNT),
        .top = 2,
        .max_objects = 1};
    if (command == 0xfc && session_request_census(session, &question, counts->now) == 0)
        counts->asked_censuses++;
    if (command != 0xfd)
        return;
    counts->now += USEC_PER_SEC;
    session_on_time(session, counts->now, &unused);
    if (unused <= counts->now)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct counts counts = {.now = USEC_PER_SEC};
    const struct session_handler handler = {.context = &counts,
                                            .on_hello = on_hello,
                                            .on_stats = on_stats,
                                            .on_stat_refused = on_stat_refused,
                                            .on_stat_late = on_stat_late,
                                            .on_mark = on_mark,
                                            .on_answer = on_answer,
                                            .on_census = on_census};
    session_init(&counts.session, &session_default_limits, &handler, counts.now);
    size_t begin = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && data[i] < 0xfc)
            continue;
        session_on_bytes(&counts.session, data + begin, i - begin, counts.now);
        if (i < size)
            act(&counts, data[i]);
        begin = i + 1;
        /* The owner of the connection drains it all the time. */
        buffer_consume(&counts.session.output, counts.session.output.size);
    }
    bool closed = counts.session.state == SESSION_CLOSED;
    if (closed && (counts.session.end == SESSION_END_NONE || counts.session.run.request))
        abort();
    session_close(&counts.session, SESSION_END_LOST, "end of input");
    if (counts.answered_runs != counts.asked_runs ||
        counts.answered_censuses != counts.asked_censuses)
        abort();
    session_finish(&counts.session);
    return 0;
}
