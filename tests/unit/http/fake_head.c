/* SPDX-License-Identifier: MIT */
#include "fake_head.h"

#include "base/clock.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const hostile_names[] = {
    "</script><script>alert(1)</script>",
    "a\nb\r\nSet-Cookie: x=y",
    "\x1b[2J\x1b]0;title\a",
    "\xff\xfe broken \xc3",
    "\xe2\x80\xae gnp.exe",
    "\"quote\\back\"",
    "%s%n%x",
    "{\"rss_bytes\":0}",
};

static void fake_process(struct process *process, size_t index)
{
    const char *name = hostile_names[index % (sizeof(hostile_names) / sizeof(hostile_names[0]))];
    *process = (struct process){
        .id = {.pid = (pid_t)(100 + index), .start_ticks = 5000 + index},
        .ppid = 1,
        .uid = index % 2 ? FAKE_OTHER_UID : 0,
        .family_size = 1,
        .cgroup = index % 3 ? (uint32_t)(index % 2 + 1) : 0,
    };
    process->family = process->id;
    text_clean(process->comm, sizeof(process->comm), name, strlen(name));
    process->cmdline = process->comm; /* as clean */
    /* Equal values among them: pages must not lose or repeat those. One has none. */
    if (index == 7)
        return;
    sample_set(&process->sample, METRIC_RSS, (int64_t)(index / 3) << 20, 10 * USEC_PER_SEC);
    sample_set(&process->sample, METRIC_HEADROOM, (int64_t)(index / 3) - 2, 10 * USEC_PER_SEC);
}

/* A free place among them, one without values, some with the same. */
static void fake_cgroup(struct cgroup *cgroup, size_t index)
{
    *cgroup = (struct cgroup){0};
    if (index == 5)
        return;
    cgroup->serial = (uint32_t)(100 - index);
    snprintf(cgroup->path, sizeof(cgroup->path), "/system.slice/s%zu.service", index);
    if (index == 6)
        return;
    cgroup_set(cgroup, CGROUP_VALUE_NEEDED, (int64_t)(index / 3) << 20);
    cgroup_set(cgroup, CGROUP_VALUE_HEADROOM, (int64_t)index - 4);
}

/* Each has two processes: of one user when its number is even, else of two. */
static void fake_group(struct fake_head *head, size_t index)
{
    struct group_record *group = &head->groups[index];
    struct process *members = &head->processes[2 * index + index % 2];
    const char *name = hostile_names[index % (sizeof(hostile_names) / sizeof(hostile_names[0]))];
    char clean[3 * GROUP_NAME_SIZE];
    *group = (struct group_record){.kind = GROUP_KIND_PREFORK,
                                   .uid = members[0].uid,
                                   .came = 2 + index,
                                   .went = index,
                                   .first_seen_wall_usec = clock_wall_usec()};
    text_clean(clean, sizeof(clean), name, strlen(name));
    group_name_clean(index == 0 ? "plain:web" : index == 8 ? "was" : clean, group->name);
    group_begin(group);
    size_t step = index % 2 ? 1 : 2;
    for (size_t i = 0; i < 2 && index < 8; i++) {
        struct process *member = &members[i * step];
        if (member->group > 0)
            continue;
        member->group = (uint32_t)index + 1;
        group->mixed_uids |= member->uid != group->uid;
        member->unit = "web.service";
        group_add(group, member);
    }
    group_end(group);
    group->headroom_known = index != 3;
    group->headroom_bytes = (int64_t)(index / 2) - 2;
}

static void fake_groups(struct fake_head *head)
{
    for (size_t i = 0; i < FAKE_GROUPS; i++)
        if (i != 4)
            fake_group(head, i);
    head->snapshot.groups = head->groups;
    head->snapshot.group_count = FAKE_GROUPS;
}

static void fake_snapshot(struct fake_head *head)
{
    for (size_t i = 0; i < FAKE_CGROUPS; i++)
        fake_cgroup(&head->cgroups[i], i);
    for (size_t i = 0; i < FAKE_PROCESSES; i++)
        fake_process(&head->processes[i], i);
    head->snapshot = (struct snapshot){.tick = 42,
                                       .mono_usec = clock_mono_usec(),
                                       .wall_usec = clock_wall_usec(),
                                       .count = FAKE_PROCESSES,
                                       .processes = head->processes,
                                       .cgroup_count = FAKE_CGROUPS,
                                       .cgroups = head->cgroups};
    head->snapshot.status = (struct status){.ticks = 42,
                                            .tick_usec = 60 * USEC_PER_SEC, /* never stale */
                                            .processes = FAKE_PROCESSES,
                                            .started_wall_usec = clock_wall_usec()};
    sample_set(&head->snapshot.host, METRIC_MEM_TOTAL, INT64_C(1) << 33, clock_mono_usec());
    fake_groups(head);
}

static const struct snapshot *fake_acquire(void *context, bool processes)
{
    (void)processes;
    struct fake_head *head = context;
    if (head->no_snapshot)
        return NULL;
    head->borrowed++;
    return &head->snapshot;
}

static void fake_release(void *context, const struct snapshot *snapshot)
{
    struct fake_head *head = context;
    assert_ptr_equal(snapshot, &head->snapshot);
    head->borrowed--;
}

static int fake_submit(void *context, struct command *command)
{
    struct fake_head *head = context;
    return head->full ? -ENOBUFS : mailbox_push(&head->commands, command);
}

static int fake_rules_check(void *context, const char *text, size_t length, struct error *errors,
                            size_t limit, size_t *ret_count)
{
    (void)context;
    assert_int_equal(strlen(text), length);
    assert_true(limit >= 2);
    *ret_count = 0;
    if (strstr(text, "bad")) {
        error_set_at(&errors[0], 0, 2, 7, "unknown metric \"rs\"; did you mean \"rss\"?");
        error_set_at(&errors[1], 0, 3, 1, "a step is missing");
        *ret_count = 2;
    }
    return 0;
}

static void fake_answer_action(struct command *command)
{
    command->receipt_count = 1;
    command->receipts = calloc(1, sizeof(*command->receipts));
    struct receipt *receipt = command->receipts;
    text_copy(receipt->id, sizeof(receipt->id), "r-1");
    text_copy(receipt->asked_by, sizeof(receipt->asked_by), command->asker.text);
    receipt->target = command->target.id;
    receipt->predicted_pause_usec = -1;
    receipt->wall_usec = clock_wall_usec();
    bool finished = command->kind != COMMAND_ACTION || command->wait_until_usec > 0;
    receipt->outcome = finished ? RECEIPT_OUTCOME_FREED_NOTHING : RECEIPT_OUTCOME_NONE;
    command->result = finished ? COMMAND_OK : COMMAND_RUNNING;
    if (command->target.id.pid == 104)
        command_refuse(command, COMMAND_NO_AGENT, "process 104 has no in-process agent");
}

static void fake_answer_events(struct command *command)
{
    command->event_count = 1;
    command->events = calloc(1, sizeof(*command->events));
    struct event *event = command->events;
    event->id = 7;
    event->kind = command->event_kind;
    event->wall_usec = clock_wall_usec();
    text_copy(event->text, sizeof(event->text), command->text ? command->text : "event");
    if (command->kind == COMMAND_EVENT_ADD)
        command->result = COMMAND_CREATED;
    else
        text_copy(command->next_cursor, sizeof(command->next_cursor), "abc-7");
}

/* 8 is an event without a window, and there is no other but 7. */
static void fake_answer_window(struct command *command)
{
    if (command->event_id != 7 && command->event_id != 8) {
        command_refuse(command, COMMAND_NOT_FOUND, "there is no such event");
        return;
    }
    struct event_window *window = calloc(1, sizeof(*window));
    command->window = window;
    window->event = (struct event){.id = command->event_id,
                                   .kind = EVENT_KIND_OOM_KILL,
                                   .wall_usec = 1000 * USEC_PER_SEC,
                                   .comm = "python3",
                                   .has_window = command->event_id == 7};
    if (command->event_id == 8)
        return;
    window->from_wall_usec = 940 * USEC_PER_SEC;
    window->to_wall_usec = 1000 * USEC_PER_SEC;
    window->count = 2;
    for (size_t i = 0; i < window->count; i++) {
        struct pinned_process *process = &window->processes[i];
        *process = (struct pinned_process){
            .id = {.pid = 100 + (pid_t)i, .start_ticks = 5}, .victim = i == 0, .count = 1};
        process->samples = calloc(1, sizeof(*process->samples));
        process->samples[0] = (struct pinned_sample){.wall_usec = 941 * USEC_PER_SEC,
                                                     .present = UINT32_C(1) << METRIC_RSS};
        process->samples[0].value[METRIC_RSS] = 4096;
    }
}

static void fake_answer_rules(struct command *command)
{
    command->rule_count = 1;
    command->rules = calloc(1, sizeof(*command->rules));
    text_copy(command->rules[0].name, sizeof(command->rules[0].name), command->name);
    command->rules[0].text = strdup(command->text ? command->text : "rule x");
    if (command->kind == COMMAND_RULE_PUT)
        command->result = COMMAND_CREATED;
    if (command->text && strstr(command->text, "bad")) {
        command->result = COMMAND_INVALID;
        error_set_at(&command->error, 0, 2, 7, "unknown metric");
    }
    if (strcmp(command->name, "file") == 0)
        command_refuse(command, COMMAND_CONFLICT, "that rule is in a file");
}

static void fake_answer_series(struct command *command)
{
    struct series_result *result = &command->series_result;
    result->step_seconds = 2.5;
    result->count = 1;
    result->series = calloc(1, sizeof(*result->series));
    struct series *series = result->series;
    series->target = command->series.targets[0];
    series->metric = command->series.metrics[0];
    series->count = 2;
    series->points = calloc(2, sizeof(*series->points));
    series->points[0] = (struct series_point){.wall_msec = 1000, .value = 5, .max = 6};
    series->points[1] = (struct series_point){.wall_msec = 2000, .gap = true};
}

static void fake_answer_top(struct command *command)
{
    command->top_count = 2;
    command->top_processes = calloc(2, sizeof(*command->top_processes));
    for (size_t i = 0; i < 2; i++)
        command->top_processes[i] =
            (struct top_process){.id = {.pid = 9 - (pid_t)i, .start_ticks = 5},
                                 .comm = "\"gone\"",
                                 .peak_bytes = 300 - (int64_t)i,
                                 .average_bytes = command->top.by,
                                 .first_wall_usec = USEC_PER_SEC,
                                 .last_wall_usec = 2 * USEC_PER_SEC,
                                 .ended = i == 0};
}

static void fake_answer_agent(struct command *command)
{
    command->agent = calloc(1, sizeof(*command->agent));
    struct agent_report *report = command->agent;
    report->age_usec = 1500000;
    report->values[report->value_count++] =
        (struct agent_value){.section = "gc", .key = "enabled", .kind = AGENT_VALUE_FLAG};
    report->values[report->value_count++] = (struct agent_value){
        .section = "gc", .key = "count", .kind = AGENT_VALUE_GENERATIONS, .numbers = {7, 8, 9}};
    report->values[report->value_count++] =
        (struct agent_value){.section = "pymalloc", .key = "pools", .numbers = {5}};
    report->class_count = 1;
    report->classes[0] = (struct agent_class){.block_bytes = 64, .pools = 5, .blocks = 6};
    if (command->target.id.pid == 104)
        command_refuse(command, COMMAND_NO_AGENT, "no in-process agent in it");
}

/* By the pid that is asked: 104 has no agent, 103 is busy in C. */
static void fake_answer_census(struct command *command)
{
    struct census *census = calloc(1, sizeof(*census));
    command->census = census;
    census->question = command->census_question;
    census->objects = 77;
    census->hold_usec = 2500;
    census->run_usec = census->gil_wait_usec = -1;
    census->count = 1;
    census->findings[0] = (struct census_finding){.kind = CENSUS_CONTAINER,
                                                  .path = "__main__.d",
                                                  .type = "dict",
                                                  .count = 5000,
                                                  .references = -1,
                                                  .rises = 2,
                                                  .growth = 40,
                                                  .holder_count = 1,
                                                  .holders = {"__main__.d"}};
    if (command->target.id.pid == 103)
        census->outcome = CENSUS_GIL_TIMEOUT;
    if (command->target.id.pid == 104)
        command_refuse(command, COMMAND_NO_AGENT, "no in-process agent in it");
}

/* 103 could not be read. */
static void fake_answer_diagnosis(struct command *command)
{
    struct diagnosis *diagnosis = calloc(1, sizeof(*diagnosis));
    command->diagnosis = diagnosis;
    *diagnosis = (struct diagnosis){.id = command->target.id, .mono_usec = 9 * USEC_PER_SEC};
    struct ledger *ledger = &diagnosis->ledger;
    *ledger = (struct ledger){.rss_bytes = 1000, .mono_usec = 7 * USEC_PER_SEC, .huge_bytes = -1};
    ledger->present[LAYER_FILE] = ledger->present[LAYER_UNEXPLAINED] = true;
    ledger->bytes[LAYER_FILE] = 1000;
    struct verdict *verdict = &diagnosis->verdict;
    *verdict = (struct verdict){.cause = VERDICT_FILES,
                                .confidence = VERDICT_CONFIDENCE_HIGH,
                                .bytes = 1000,
                                .sentence = "Mapped files.",
                                .line_count = 1,
                                .lines = {"one line"},
                                .cannot = "free them"};
    diagnosis->has_layers = ledger->whole = command->target.id.pid != 103;
    if (!diagnosis->has_layers) {
        text_copy(diagnosis->missing, sizeof(diagnosis->missing), "not yours");
        return;
    }
    verdict->has_prediction = true;
    verdict->prediction = (struct prediction){.high_bytes = 64, .pause_usec = -1};
    diagnosis->layers.large_count = 1;
    diagnosis->layers.large[0] = (struct layers_large){
        .start = 0x7f0000001000, .size_bytes = 70, .rss_bytes = 60, .born_usec = 4 * USEC_PER_SEC};
}

static void fake_answer(struct command *command)
{
    switch (command->kind) {
    case COMMAND_DIAGNOSIS:
        fake_answer_diagnosis(command);
        break;
    case COMMAND_CENSUS:
        fake_answer_census(command);
        break;
    case COMMAND_ACTION:
    case COMMAND_ACTION_GET:
    case COMMAND_ACTION_LIST:
        fake_answer_action(command);
        break;
    case COMMAND_EVENT_ADD:
    case COMMAND_EVENT_LIST:
    case COMMAND_AUDIT_LIST:
    case COMMAND_PAUSE:
    case COMMAND_RESUME:
        fake_answer_events(command);
        break;
    case COMMAND_EVENT_WINDOW:
        fake_answer_window(command);
        break;
    case COMMAND_SERIES:
        fake_answer_series(command);
        break;
    case COMMAND_TOP:
        fake_answer_top(command);
        break;
    case COMMAND_AGENT_GET:
        fake_answer_agent(command);
        break;
    case COMMAND_RULE_LIST:
    case COMMAND_RULE_GET:
    case COMMAND_RULE_PUT:
    case COMMAND_RULE_DELETE:
    case COMMAND_RULE_ARM:
    case COMMAND_RULE_DISARM:
        fake_answer_rules(command);
        break;
    }
    struct mailbox *replies = command->reply_to;
    assert_int_equal(mailbox_push(replies, command), 0);
}

static void *fake_thread(void *argument)
{
    struct fake_head *head = argument;
    struct command *held[FAKE_HELD];
    size_t count = 0;
    while (!head->stop) {
        struct command *command = mailbox_wait(&head->commands, 5);
        if (command && count < FAKE_HELD) {
            held[count++] = command;
            head->seen++;
        }
        while (count > 0 && !head->hold)
            fake_answer(held[--count]);
    }
    while (count > 0)
        fake_answer(held[--count]);
    return NULL;
}

static void fake_listen(struct fake_head *head)
{
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(tcp);
    head->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(head->tcp_fd, (struct sockaddr *)&tcp, size), errno);
    assert_return_code(listen(head->tcp_fd, 64), errno);
    assert_return_code(getsockname(head->tcp_fd, (struct sockaddr *)&tcp, &size), errno);
    head->port = ntohs(tcp.sin_port);

    snprintf(head->directory, sizeof(head->directory), "/tmp/memtend-http-XXXXXX");
    assert_non_null(mkdtemp(head->directory));
    assert_return_code(chmod(head->directory, 0755), errno);
    snprintf(head->path, sizeof(head->path), "%s/http.sock", head->directory);
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof(local.sun_path), "%s", head->path);
    head->unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(head->unix_fd, (struct sockaddr *)&local, sizeof(local)), errno);
    assert_return_code(chmod(head->path, 0666), errno);
    assert_return_code(listen(head->unix_fd, 128), errno);
}

void fake_head_start(struct fake_head *head, void (*adjust)(struct http_config *))
{
    *head = (struct fake_head){.tcp_fd = -1};
    fake_snapshot(head);
    fake_listen(head);
    assert_int_equal(mailbox_init(&head->commands, FAKE_HELD), 0);
    struct http_ops ops = {.snapshot_acquire = fake_acquire,
                           .snapshot_release = fake_release,
                           .submit = fake_submit,
                           .rules_check = fake_rules_check,
                           .context = head};
    struct http_config config = {.tcp_fd = head->tcp_fd,
                                 .unix_fd = head->unix_fd,
                                 .port = head->port,
                                 .bind_address = "127.0.0.1",
                                 .token = FAKE_TOKEN,
                                 .daemon_uid = getuid(),
                                 .admin_gid = (gid_t)-1,
                                 .rules_writable = true,
                                 .version = "0.1.0"};
    if (adjust)
        adjust(&config);
    assert_int_equal(http_new(&config, &ops, &head->http), 0);
    assert_int_equal(pthread_create(&head->thread, NULL, fake_thread, head), 0);
    assert_int_equal(http_start(head->http), 0);
}

static void fake_drop(void *item)
{
    command_free(item);
}

void fake_head_stop(struct fake_head *head)
{
    http_stop(head->http);
    head->stop = true;
    pthread_join(head->thread, NULL);
    http_free(head->http);
    mailbox_finish(&head->commands, fake_drop);
    close(head->tcp_fd);
    close(head->unix_fd);
    unlink(head->path);
    rmdir(head->directory);
    assert_int_equal(head->borrowed, 0);
}

void fake_head_wait_seen(struct fake_head *head, int count)
{
    uint64_t until = clock_mono_usec() + 10 * USEC_PER_SEC;
    while (head->seen < count) {
        assert_true(clock_mono_usec() < until);
        usleep(1000);
    }
}
