/* SPDX-License-Identifier: MIT */
/*
 * Agent server and actions on a real loop with real processes: orders become receipts that agree
 * with what the kernel says.
 */
#include "engine/actions.h"

#include "base/text.h"
#include "collect/proc_rollup.h"
#include "engine/agent_server.h"
#include "engine/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fake_agent.h"

#define DEADLINE_USEC (20 * USEC_PER_SEC)

struct world {
    char directory[64], path[96];
    struct sockets sockets;
    int proc_fd;
    sd_event *event;
    struct table table;
    struct sample host;
    struct journal *journal;
    struct agent_server *agents;
    struct actions *actions;
    struct mailbox replies;
    struct process_id target;
    bool paused;
    bool rollups_fail;        /* of all */
    bool only_uss;            /* is told of all */
    struct process_id secret; /* of this one */
    int events[EVENT_KIND_COUNT];
    int finished;
    struct receipt last;
};

/* ---- what the engine does for real ---- */

static void on_step(void *context, struct process_id id, const struct run_answer *answer)
{
    struct world *w = context;
    if (w->actions)
        actions_on_step(w->actions, id, answer);
}

static void on_stats(void *context, struct process_id id)
{
    struct world *w = context;
    if (w->actions)
        actions_on_stats(w->actions, id);
}

static void on_event(void *context, enum event_kind kind, struct process_id id, const char *text)
{
    struct world *w = context;
    assert_true(process_id_equal(id, w->target));
    assert_true(text[0]);
    w->events[kind]++;
}

static bool is_paused(void *context, const char *rule)
{
    (void)rule;
    return ((struct world *)context)->paused;
}

static void on_finished(void *context, const struct receipt *receipt)
{
    struct world *w = context;
    w->finished++;
    w->last = *receipt;
}

/* The probe's part: read now, answer when the loop turns. */
struct reading {
    struct process_id id;
    measure_answer answer;
    void *context;
    struct world *world;
};

static int on_reading(sd_event_source *source, void *context)
{
    struct reading *reading = context;
    struct proc_rollup read;
    struct measure_rollup rollup = {0};
    enum outcome outcome = proc_rollup_read(reading->world->proc_fd, reading->id.pid, &read);
    if (outcome == OUTCOME_OK)
        rollup = (struct measure_rollup){.rss_bytes = read.rss_bytes,
                                         .pss_bytes = read.pss_bytes,
                                         .uss_bytes = read.uss_bytes,
                                         .swap_bytes = read.swap_bytes,
                                         .swap_pss_bytes = read.swap_pss_bytes};
    if (reading->world->only_uss)
        rollup.pss_bytes = -1;
    int result = outcome == OUTCOME_OK ? 0 : outcome == OUTCOME_GONE ? -ESRCH : -EACCES;
    reading->answer(reading->context, reading->id, result, &rollup);
    sd_event_source_disable_unref(source);
    free(reading);
    return 0;
}

static int ask_rollup(void *context, struct process_id id, measure_answer answer,
                      void *answer_context)
{
    struct world *w = context;
    struct reading *reading = malloc(sizeof(*reading));
    if (w->rollups_fail || process_id_equal(id, w->secret) || !reading) {
        free(reading);
        return -EACCES;
    }
    *reading = (struct reading){.id = id, .answer = answer, .context = answer_context, .world = w};
    sd_event_source *source;
    return sd_event_add_defer(w->event, &source, on_reading, reading);
}

/* ---- the world ---- */

static void make_actions(struct world *w)
{
    const struct actions_config config = {
        .event = w->event,
        .table = &w->table,
        .agents = w->agents,
        .journal = w->journal,
        .host = &w->host,
        .proc_fd = w->proc_fd,
        .rollups = {.context = w, .rollup = ask_rollup},
        .started_usec = 1,
        .grace_usec = 1,
        .steps_per_minute = 2,
        .context = w,
        .paused = is_paused,
        .on_finished = on_finished,
    };
    assert_int_equal(actions_new(&config, &w->actions), 0);
}

static int open_sockets(struct world *w)
{
    const struct config config = {0};
    struct paths paths = {0};
    struct error error;
    struct stat status;
    text_copy(paths.agent_socket, sizeof(paths.agent_socket), w->path);
    snprintf(paths.http_socket, sizeof(paths.http_socket), "%s/http.sock", w->directory);
    assert_int_equal(sockets_open(&config, &paths, &w->sockets, &error), 0);
    assert_int_equal(lstat(w->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666); /* register-only, for everybody */
    assert_int_equal(lstat(paths.http_socket, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    unlink(paths.http_socket);
    return w->sockets.agent;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    snprintf(w->directory, sizeof(w->directory), "/tmp/memtend-test-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    snprintf(w->path, sizeof(w->path), "%s/control.sock", w->directory);
    w->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(w->proc_fd >= 0);
    assert_true(sd_event_new(&w->event) >= 0);
    assert_int_equal(table_init(&w->table, 16), 0);
    assert_int_equal(journal_new(NULL, &w->journal), 0);
    assert_int_equal(mailbox_init(&w->replies, 16), 0);
    sample_set(&w->host, METRIC_MEM_AVAILABLE, INT64_C(1) << 33, 1);
    const struct agent_server_config config = {
        .event = w->event, .table = &w->table, .proc_fd = w->proc_fd, .socket_fd = open_sockets(w)};
    const struct agent_server_handler handler = {
        .context = w, .on_step = on_step, .on_stats = on_stats, .on_event = on_event};
    assert_int_equal(agent_server_new(&config, &handler, &w->agents), 0);
    make_actions(w);
    *state = w;
    return 0;
}

static void drop_command(void *item)
{
    command_free(item);
}

static int teardown(void **state)
{
    struct world *w = *state;
    actions_free(w->actions);
    w->actions = NULL;
    agent_server_free(w->agents);
    sockets_close(&w->sockets);
    fake_stop(w->target);
    /* Readings that are still under way answer into freed measurements' stubs. */
    while (sd_event_run(w->event, 0) > 0)
        ;
    journal_free(w->journal);
    table_finish(&w->table, NULL, NULL);
    mailbox_finish(&w->replies, drop_command);
    sd_event_unref(w->event);
    close(w->proc_fd);
    rmdir(w->directory);
    free(w);
    return 0;
}

static void turn(struct world *w)
{
    assert_true(sd_event_run(w->event, 20 * USEC_PER_MSEC) >= 0);
    agent_server_on_tick(w->agents, clock_mono_usec());
}

#define WAIT_FOR(w, condition)                                                                     \
    do {                                                                                           \
        uint64_t end_ = clock_mono_usec() + DEADLINE_USEC;                                         \
        while (!(condition)) {                                                                     \
            assert_true(clock_mono_usec() < end_);                                                 \
            turn(w);                                                                               \
        }                                                                                          \
    } while (0)

static struct process *add_target(struct world *w, struct process_id id)
{
    struct process *process = table_add(&w->table, id);
    process->uid = getuid();
    /* Not ours, whose children are never acted upon. */
    process->ppid = 1;
    process->family = id;
    process->family_size = 1;
    process->first_seen_usec = 1;
    snprintf(process->comm, sizeof(process->comm), "fake");
    sample_set(&process->sample, METRIC_RSS, FAKE_BYTES, 1);
    return process;
}

static void begin(struct world *w, enum fake_kind kind)
{
    w->target = fake_start(w->path, kind, w->proc_fd);
    add_target(w, w->target);
    if (kind != FAKE_MUTE)
        WAIT_FOR(w, agent_server_has(w->agents, w->target));
}

static struct command *make_order(struct world *w, uint64_t wait_usec)
{
    struct command *command = command_new(COMMAND_ACTION);
    command->asker.all = true;
    snprintf(command->asker.text, sizeof(command->asker.text), "uid 0 (socket)");
    command->target = (struct target){.kind = TARGET_PROCESS, .id = w->target};
    command->step_count = 2;
    command->steps[0] = STEP_COLLECT;
    command->steps[1] = STEP_TRIM;
    command->wait_until_usec = wait_usec ? clock_mono_usec() + wait_usec : 0;
    command->reply_to = &w->replies;
    return command;
}

static struct command *reply_of(struct world *w)
{
    WAIT_FOR(w, mailbox_count(&w->replies) > 0);
    return mailbox_pop(&w->replies);
}

static struct command *order(struct world *w)
{
    actions_order_person(w->actions, make_order(w, DEADLINE_USEC));
    return reply_of(w);
}

static int64_t bytes_of(const struct measure *measure, enum measure_field field)
{
    int64_t bytes = -1;
    measure_get(measure, field, &bytes);
    return bytes;
}

/* ---- orders of people ---- */

static void a_trim_is_proven(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    struct command *command = order(w);
    assert_int_equal(command->result, COMMAND_OK);
    assert_int_equal(command->receipt_count, 1);
    const struct receipt *r = command->receipts;
    assert_string_equal(receipt_outcome_name(r->outcome), "freed");
    assert_int_equal(r->basis, RECEIPT_BASIS_USS);
    assert_true(r->freed_bytes > FAKE_BYTES / 100 * 95 && r->freed_bytes < FAKE_BYTES / 100 * 105);
    assert_true(r->predicted_high_bytes >= r->freed_bytes / 100 * 95);
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_FREED_NOTHING);
    assert_int_equal(r->steps[0].pause_usec, 1);
    assert_int_equal(r->steps[1].outcome, RECEIPT_OUTCOME_FREED);
    assert_string_equal(r->asked_by, "uid 0 (socket)");
    assert_false(r->durable);
    /* What the kernel says now is what the receipt says. */
    struct proc_stat stat;
    assert_int_equal(proc_stat_read(w->proc_fd, w->target.pid, &stat), OUTCOME_OK);
    int64_t after = bytes_of(&r->after, MEASURE_RSS);
    assert_true(llabs(stat.rss_bytes - after) < FAKE_BYTES / 20);
    assert_int_equal(w->finished, 1);
    assert_int_equal(w->last.freed_bytes, r->freed_bytes);
    command_free(command);
    const struct process *process = table_find(&w->table, w->target);
    assert_string_equal(process->name, "fake");
    assert_int_equal(process_agent(process)->state, AGENT_STATE_READY);
    assert_true(sample_has(&process->sample, METRIC_HEAP_FREE));
    assert_true(sample_has(&process->sample, METRIC_USS));
    /* Malloc counts as free what is gone already: the next prediction knows better. */
    assert_true(agent_server_memory(w->agents, w->target)->has_slack);
    command = order(w);
    assert_true(command->receipts->predicted_high_bytes < FAKE_BYTES / 10);
    command_free(command);
}

static void a_boast_is_not_believed(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_BOASTER);
    struct command *command = order(w);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "freed_nothing");
    assert_true(command->receipts->freed_bytes < 1 << 20);
    command_free(command);
}

static void a_lie_is_said(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_LIAR);
    struct command *command = order(w);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "agent_silent");
    assert_non_null(strstr(command->receipts->note, "broke the protocol"));
    command_free(command);
    assert_int_equal(w->events[EVENT_KIND_BYE], 1);
    assert_false(agent_server_has(w->agents, w->target));
    const struct process *process = table_find(&w->table, w->target);
    assert_int_equal(process_agent(process)->state, AGENT_STATE_NONE);
    assert_false(sample_has(&process->sample, METRIC_HEAP_FREE));
}

static void an_exit_is_said(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_QUITTER);
    struct command *command = order(w);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "target_gone");
    command_free(command);
    WAIT_FOR(w, w->events[EVENT_KIND_BYE] == 1);
}

static void without_rollups_the_basis_is_rss(void **state)
{
    struct world *w = *state;
    w->rollups_fail = true;
    begin(w, FAKE_HONEST);
    struct command *command = order(w);
    assert_int_equal(command->receipts->basis, RECEIPT_BASIS_RSS);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "freed");
    command_free(command);
}

/* Page by page, as large processes are read. */
static void without_pss_the_basis_is_uss(void **state)
{
    struct world *w = *state;
    int64_t bytes;
    w->only_uss = true;
    begin(w, FAKE_HONEST);
    struct command *command = order(w);
    assert_int_equal(command->receipts->basis, RECEIPT_BASIS_USS);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "freed");
    assert_true(measure_get(&command->receipts->before, MEASURE_USS, &bytes));
    assert_false(measure_get(&command->receipts->before, MEASURE_PSS, &bytes));
    assert_false(measure_get(&command->receipts->before, MEASURE_FAMILY_PSS, &bytes));
    command_free(command);
}

static void a_dry_run_only_predicts(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    struct command *command = make_order(w, DEADLINE_USEC);
    command->dry_run = true;
    actions_order_person(w->actions, command);
    command = reply_of(w);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "dry_run");
    assert_int_equal(command->receipts->freed_bytes, 0);
    assert_true(command->receipts->predicted_high_bytes > 0);
    command_free(command);
}

static void pausing_stops_it(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    w->paused = true;
    struct command *command = order(w);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "paused");
    command_free(command);
}

static void who_does_not_wait_gets_a_running_receipt(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    actions_order_person(w->actions, make_order(w, 0));
    struct command *command = reply_of(w);
    assert_int_equal(command->result, COMMAND_RUNNING);
    assert_int_equal(command->receipts->outcome, RECEIPT_OUTCOME_NONE);
    struct command *get = command_new(COMMAND_ACTION_GET);
    get->asker.all = true;
    get->reply_to = &w->replies;
    snprintf(get->name, sizeof(get->name), "%s", command->receipts->id);
    actions_get(w->actions, get);
    command_free(command);
    get = reply_of(w);
    assert_int_equal(get->result, COMMAND_OK);
    assert_int_equal(get->receipts->outcome, RECEIPT_OUTCOME_NONE);
    /* Beside it there is no second one. */
    struct command *second = order(w);
    assert_int_equal(second->result, COMMAND_CONFLICT);
    assert_non_null(strstr(second->error.text, get->receipts->id));
    command_free(second);
    WAIT_FOR(w, w->finished == 1);
    struct command *again = command_new(COMMAND_ACTION_GET);
    again->asker.all = true;
    again->reply_to = &w->replies;
    snprintf(again->name, sizeof(again->name), "%s", get->receipts->id);
    actions_get(w->actions, again);
    again = reply_of(w);
    assert_int_equal(again->receipts->outcome, RECEIPT_OUTCOME_FREED);
    command_free(again);
    command_free(get);
}

static void receipts_are_listed_newest_first(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    struct command *first = order(w), *second = order(w);
    for (int all = 1; all >= 0; all--) {
        struct command *list = command_new(COMMAND_ACTION_LIST);
        list->asker = (struct asker){.all = all, .uid = getuid() + 1};
        list->limit = 10;
        list->reply_to = &w->replies;
        actions_list(w->actions, list);
        list = reply_of(w);
        assert_int_equal(list->result, COMMAND_OK);
        assert_int_equal(list->receipt_count, all ? 2 : 0);
        if (all) {
            assert_string_equal(list->receipts[0].id, second->receipts->id);
            assert_string_equal(list->receipts[1].id, first->receipts->id);
        }
        command_free(list);
    }
    command_free(first);
    command_free(second);
}

static void refuse_with(struct world *w, struct command *command, enum command_result result,
                        const char *text)
{
    actions_order_person(w->actions, command);
    command = reply_of(w);
    assert_int_equal(command->result, result);
    assert_null(command->receipts);
    if (!strstr(command->error.text, text))
        fail_msg("\"%s\" does not say \"%s\"", command->error.text, text);
    command_free(command);
}

static void orders_that_are_not_taken(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    struct process *process = table_find(&w->table, w->target);
    struct command *command = make_order(w, DEADLINE_USEC);
    command->asker = (struct asker){.all = false, .uid = getuid() + 1};
    refuse_with(w, command, COMMAND_FORBIDDEN, "another uid");

    /* What it was a moment ago, as the table still has it, gives no right. */
    process->uid = getuid() + 1;
    command = make_order(w, DEADLINE_USEC);
    command->asker = (struct asker){.all = false, .uid = getuid() + 1};
    refuse_with(w, command, COMMAND_FORBIDDEN, "another uid");
    process->uid = getuid();

    command = make_order(w, DEADLINE_USEC);
    command->target.id.start_ticks++;
    refuse_with(w, command, COMMAND_NOT_FOUND, "not there");

    command = make_order(w, DEADLINE_USEC);
    command->step_count = 0;
    refuse_with(w, command, COMMAND_INVALID, "between 1 and");

    command = make_order(w, DEADLINE_USEC);
    command->target.kind = TARGET_HOST;
    refuse_with(w, command, COMMAND_INVALID, "not for the host");

    snprintf(process->comm, sizeof(process->comm), "systemd-journal");
    refuse_with(w, make_order(w, DEADLINE_USEC), COMMAND_FORBIDDEN, "never acted upon");
    snprintf(process->comm, sizeof(process->comm), "fake");
    process->ppid = getpid();
    refuse_with(w, make_order(w, DEADLINE_USEC), COMMAND_FORBIDDEN, "upon itself");
    process->ppid = 1;
    assert_int_equal(w->finished, 0);
}

static void targets_by_name(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    struct process *other = add_target(w, (struct process_id){.pid = 999999, .start_ticks = 1});
    table_set_text(&w->table, &other->unit, "web.service");
    table_set_text(&w->table, &table_find(&w->table, w->target)->unit, "web.service");
    struct command *command = make_order(w, DEADLINE_USEC);
    command->target = (struct target){.kind = TARGET_UNIT, .name = "web.service"};
    refuse_with(w, command, COMMAND_INVALID, "999999-1");
    command = make_order(w, DEADLINE_USEC);
    command->target = (struct target){.kind = TARGET_GROUP, .name = "nobody"};
    refuse_with(w, command, COMMAND_NOT_FOUND, "nobody");
    table_remove(&w->table, table_find(&w->table, (struct process_id){999999, 1}));
    command = make_order(w, DEADLINE_USEC);
    command->target = (struct target){.kind = TARGET_UNIT, .name = "web.service"};
    actions_order_person(w->actions, command);
    command = reply_of(w);
    assert_int_equal(command->result, COMMAND_OK);
    command_free(command);
}

static void without_an_agent_the_way_to_one_is_shown(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_MUTE);
    /* Before its command line is known, too. */
    table_set_text(&w->table, &table_find(&w->table, w->target)->cmdline, "");
    refuse_with(w, make_order(w, DEADLINE_USEC), COMMAND_NO_AGENT, "memtend run -- COMMAND");
    table_set_text(&w->table, &table_find(&w->table, w->target)->cmdline, "python3 app.py");
    refuse_with(w, make_order(w, DEADLINE_USEC), COMMAND_NO_AGENT, "memtend run -- python3 app.py");
}

static void stopping_closes_what_is_under_way(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    actions_order_person(w->actions, make_order(w, DEADLINE_USEC));
    actions_free(w->actions);
    w->actions = NULL;
    struct command *command = reply_of(w);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "paused");
    assert_non_null(strstr(command->receipts->note, "stopped"));
    command_free(command);
    make_actions(w);
}

/* ---- orders of rules ---- */

static enum order_refusal rule(struct world *w, bool dry_run)
{
    char id[RECEIPT_ID_SIZE];
    struct error error = {0};
    const struct rule_order rule_order = {.rule = "idle",
                                          .target = w->target,
                                          .step_count = 1,
                                          .steps = {STEP_TRIM},
                                          .dry_run = dry_run};
    enum order_refusal refusal = actions_order_rule(w->actions, &rule_order, id, &error);
    assert_true(refusal == ORDER_ACCEPTED ? id[0] != '\0' : error.text[0] != '\0');
    return refusal;
}

static void rules_act_within_their_rate(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    assert_int_equal(rule(w, false), ORDER_ACCEPTED);
    assert_int_equal(rule(w, false), ORDER_BUSY);
    WAIT_FOR(w, w->finished == 1);
    assert_string_equal(w->last.asked_by, "rule idle");
    assert_string_equal(w->last.rule, "idle");
    assert_int_equal(w->last.outcome, RECEIPT_OUTCOME_FREED);
    assert_int_equal(rule(w, false), ORDER_ACCEPTED);
    WAIT_FOR(w, w->finished == 2);
    /* Two steps a minute in this world; people are not bound by it, nor is a dry run. */
    assert_int_equal(rule(w, false), ORDER_RATE);
    assert_int_equal(rule(w, true), ORDER_ACCEPTED);
    WAIT_FOR(w, w->finished == 3);
    assert_int_equal(w->last.outcome, RECEIPT_OUTCOME_DRY_RUN);
    command_free(order(w));
    assert_int_equal(w->finished, 4);
    struct status status = {0};
    actions_fill_status(w->actions, &status);
    assert_int_equal(status.actions_total, 3);
    assert_true(status.freed_bytes_total > FAKE_BYTES / 2);
}

static void rules_wait_and_stop(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    struct process *process = table_find(&w->table, w->target);
    process->first_seen_usec = clock_mono_usec() + USEC_PER_SEC;
    assert_int_equal(rule(w, false), ORDER_GRACE);
    process->first_seen_usec = 1;
    w->paused = true;
    assert_int_equal(rule(w, false), ORDER_PAUSED);
    w->paused = false;
    process->id.pid = 0;
    process->id = w->target;
    snprintf(process->comm, sizeof(process->comm), "sshd");
    assert_int_equal(rule(w, false), ORDER_PROTECTED);
    struct process_id target = w->target;
    w->target.start_ticks++;
    assert_int_equal(rule(w, false), ORDER_GONE);
    w->target = target;
}

/* Two of them, the second is the target; the first is returned. */
static struct process_id begin_family(struct world *w)
{
    begin(w, FAKE_HONEST);
    struct process_id first = w->target;
    w->target = fake_start(w->path, FAKE_HONEST, w->proc_fd);
    add_target(w, w->target)->family = first;
    table_find(&w->table, first)->family_size = 2;
    table_find(&w->table, w->target)->family_size = 2;
    WAIT_FOR(w, agent_server_has(w->agents, w->target));
    return first;
}

static void a_family_with_a_secret_has_no_pss(void **state)
{
    struct world *w = *state;
    w->secret = begin_family(w);
    struct command *command = order(w);
    const struct receipt *r = command->receipts;
    assert_int_equal(r->basis, RECEIPT_BASIS_RSS);
    assert_int_equal(r->family_size, 2);
    assert_int_equal(bytes_of(&r->before, MEASURE_FAMILY_PSS), -1);
    assert_true(bytes_of(&r->before, MEASURE_USS) > 0);
    command_free(command);
    fake_stop(w->secret);
}

static void one_collect_a_family(void **state)
{
    struct world *w = *state;
    struct process_id first = begin_family(w), second = w->target;
    w->target = first;
    actions_order_person(w->actions, make_order(w, DEADLINE_USEC));
    w->target = second;
    refuse_with(w, make_order(w, DEADLINE_USEC), COMMAND_CONFLICT, "is at work there");
    struct command *command = reply_of(w);
    assert_int_equal(command->receipts->family_size, 2);
    assert_int_equal(command->receipts->basis, RECEIPT_BASIS_FAMILY_PSS);
    assert_string_equal(receipt_outcome_name(command->receipts->outcome), "freed");
    command_free(command);
    fake_stop(first);
}

/* ---- agents ---- */

/* -1: not counted yet. */
static int64_t pools_of(struct world *w)
{
    struct agent_report report;
    if (agent_server_report(w->agents, w->target, clock_mono_usec(), &report) < 0)
        return -1;
    for (size_t i = 0; i < report.value_count; i++)
        if (strcmp(report.values[i].key, "pools") == 0)
            return (int64_t)report.values[i].numbers[0];
    return -1;
}

/* They are counted each 30 s, which is longer than this test waits. */
static void pools_are_counted_again_after_a_step(void **state)
{
    struct world *w = *state;
    begin(w, FAKE_HONEST);
    WAIT_FOR(w, pools_of(w) == 0);
    command_free(order(w));
    WAIT_FOR(w, pools_of(w) == 2);
}

static void a_connection_lost_and_found_is_an_exec(void **state)
{
    struct world *w = *state;
    w->target = fake_start(w->path, FAKE_RECONNECT, w->proc_fd);
    add_target(w, w->target);
    WAIT_FOR(w, w->events[EVENT_KIND_EXEC] == 1);
    assert_int_equal(w->events[EVENT_KIND_HELLO], 1);
    assert_int_equal(w->events[EVENT_KIND_BYE], 0);
    assert_int_equal(table_find(&w->table, w->target)->exec_count, 1);
}

static void a_second_session_is_refused(void **state)
{
    struct world *w = *state;
    int status = -1;
    w->target = fake_start(w->path, FAKE_TWICE, w->proc_fd);
    add_target(w, w->target);
    WAIT_FOR(w, w->events[EVENT_KIND_BYE] == 1);
    assert_int_equal(w->events[EVENT_KIND_HELLO], 1);
    assert_int_equal(waitpid(w->target.pid, &status, 0), w->target.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    w->target.pid = 0;
}

static void the_end_of_the_process_ends_the_session(void **state)
{
    struct world *w = *state;
    size_t agents, ready;
    begin(w, FAKE_HONEST);
    agent_server_count(w->agents, &agents, &ready);
    assert_int_equal(agents, 1);
    kill(w->target.pid, SIGKILL);
    WAIT_FOR(w, w->events[EVENT_KIND_BYE] == 1);
    agent_server_count(w->agents, &agents, &ready);
    assert_int_equal(agents, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_trim_is_proven),
        TEST(a_boast_is_not_believed),
        TEST(a_lie_is_said),
        TEST(an_exit_is_said),
        TEST(without_rollups_the_basis_is_rss),
        TEST(without_pss_the_basis_is_uss),
        TEST(a_dry_run_only_predicts),
        TEST(pausing_stops_it),
        TEST(who_does_not_wait_gets_a_running_receipt),
        TEST(receipts_are_listed_newest_first),
        TEST(orders_that_are_not_taken),
        TEST(targets_by_name),
        TEST(without_an_agent_the_way_to_one_is_shown),
        TEST(stopping_closes_what_is_under_way),
        TEST(rules_act_within_their_rate),
        TEST(rules_wait_and_stop),
        TEST(a_family_with_a_secret_has_no_pss),
        TEST(one_collect_a_family),
        TEST(pools_are_counted_again_after_a_step),
        TEST(a_connection_lost_and_found_is_an_exec),
        TEST(a_second_session_is_refused),
        TEST(the_end_of_the_process_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
