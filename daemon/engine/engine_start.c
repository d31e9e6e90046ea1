/* SPDX-License-Identifier: MIT */
/*
 * Makes the parts of the head, in the order in which they need each other. Main thread.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "collect/meminfo.h"
#include "engine/engine_state.h"
#include "engine/joints.h"
#include "engine/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A tick is due at an instant, and then needs the processor only for a moment: we ask for short
 * turns, for which the scheduler lets a thread that wakes up go first (Linux 6.12). It gives no
 * more time than others get, and needs no right. Older kernels ignore it.
 */
static void engine_be_prompt(void)
{
    struct sched_attributes {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime_nsec, deadline_nsec, period_nsec;
    } attributes = {
        .size = sizeof(attributes),
        .policy = SCHED_OTHER,
        .flags = 1, /* SCHED_FLAG_RESET_ON_FORK: ours alone, not of threads and children */
        .nice = getpriority(PRIO_PROCESS, 0),
        .runtime_nsec = 100000, /* the least there is */
    };
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/* How many descriptors may stay open between ticks. */
static void engine_kept_files(struct head *head)
{
    struct sample host = {0};
    int64_t total = 0;
    meminfo_read(head->proc_fd, 0, &host);
    sample_get(&host, METRIC_MEM_TOTAL, &total);
    struct kept_files_means means = {
        .wanted = head->config.kept_files,
        .descriptors = kept_files_raise_descriptors(),
        .machine_bytes = (uint64_t)total,
    };
    head->kept.limit = kept_files_limit(&means);
}

static int engine_memory(struct head *head, struct error *error)
{
    size_t capacity = head->config.max_processes;
    const struct group_time time = {.mono_usec = clock_mono_usec(), .wall_usec = clock_wall_usec()};
    int r = table_init(&head->table, capacity);
    if (r == 0)
        r = groups_init(&head->groups, &head->config, &time);
    if (r == 0)
        r = publication_init(&head->publication, capacity);
    if (r == 0)
        r = process_list_init(&head->pids, head->proc_fd, capacity);
    if (r == 0)
        r = mailbox_init(&head->commands, HEAD_COMMANDS);
    if (r == 0) {
        head->ended.rows = pages_map(capacity, sizeof(*head->ended.rows));
        r = head->ended.rows ? 0 : -ENOMEM;
    }
    return r < 0 ? error_set(error, r, "cannot map the tables: %s", strerror(-r)) : 0;
}

static int engine_cgroups(struct head *head, struct error *error)
{
    const char *directory = head->config.cgroup_directory;
    int r = cgroups_new(directory, head->config.tick_usec, &head->cgroups);
    head->groups.cgroups = head->cgroups;
    if (r == -EINVAL)
        return error_set(error, r, "CgroupDirectory=%s is no control group hierarchy", directory);
    if (r < 0 && directory[0])
        return error_set(error, r, "cannot read CgroupDirectory=%s: %s", directory, strerror(-r));
    return r < 0 ? error_set(error, r, "cannot watch control groups: %s", strerror(-r)) : 0;
}

static int engine_store(struct engine *engine, struct error *error)
{
    struct head *head = &engine->head;
    const struct config *config = &head->config;
    struct store_writer_config settings = {
        .store = {.directory = engine->paths.state,
                  .tick_usec = config->tick_usec,
                  .limits = {.samples_usec = config->keep_samples_usec,
                             .events_usec = config->keep_events_usec,
                             .max_size_bytes = config->max_size_bytes,
                             .minutes_usec = config->keep_minutes_usec,
                             .hours_usec = config->keep_hours_usec}},
        .max_processes = config->max_processes,
    };
    int r = store_writer_start(&settings, &head->writer, &engine->start);
    if (r == 0)
        r = store_reader_start(engine->paths.state, config->tick_usec,
                               store_writer_shelf(head->writer), &head->reader);
    if (r == 0)
        r = journal_new(head->writer, &head->journal);
    if (r < 0)
        return error_set(error, r, "cannot start the store: %s", strerror(-r));
    head->status.store = engine->start.state;
    text_copy(head->status.store_detail, sizeof(head->status.store_detail),
              engine->start.state == STORE_STATE_OK ? "" : engine->start.report.text);
    head->next_row = engine->start.next_row;
    if (engine->start.report.text[0])
        journal_note(head->journal, EVENT_KIND_STORE, NULL, NULL, NULL, "%s",
                     engine->start.report.text);
    return 0;
}

static void engine_restore(struct engine *engine)
{
    struct head *head = &engine->head;
    const struct store_content *content = &engine->start.content;
    uint64_t mono = clock_mono_usec(), wall = clock_wall_usec();
    for (size_t i = 0; i < content->setting_count; i++) {
        const struct store_setting *setting = &content->settings[i];
        if (pause_load(head->pause, setting->name, setting->value, mono, wall) == -EINVAL)
            log_warning("the stored pause cannot be read: everything is paused until resumed");
    }
    for (size_t i = 0; i < content->rule_count; i++) {
        struct error error = {0};
        if (rule_book_add_stored(head->book, content->rules[i].name, content->rules[i].text,
                                 &error) < 0)
            log_warning("the stored rule %s is left out: %s", content->rules[i].name, error.text);
    }
    for (size_t i = 0; i < content->arming_count; i++)
        rule_book_add_arming(head->book, &content->armings[i]);
}

static int engine_rules(struct engine *engine, struct buffer *report, struct error *error)
{
    struct head *head = &engine->head;
    const struct engine_options *options = engine->options;
    int r = pause_new(head->journal, options->config_directory, &head->pause);
    if (r < 0)
        return error_set(error, r, "cannot start the rules: %s", strerror(-r));
    struct rule_book_settings settings = {
        .journal = head->journal,
        .pause = head->pause,
        .config_directory = options->config_directory,
        .files = options->rule_files,
        .file_count = options->rule_file_count,
        .tick_usec = head->config.tick_usec,
        .ops = joints_rule_ops(head),
    };
    r = rule_book_new(&settings, &head->book);
    if (r < 0)
        return error_set(error, r, "cannot start the rules: %s", strerror(-r));
    engine_restore(engine);
    r = rule_book_load(head->book, report);
    return r < 0 ? error_set(error, r, "the rules cannot be used: %s", strerror(-r)) : 0;
}

static int engine_agents(struct engine *engine, struct error *error)
{
    struct head *head = &engine->head;
    struct agent_server_config config = {
        .event = head->event,
        .table = &head->table,
        .proc_fd = head->proc_fd,
        .socket_fd = engine->sockets.agent,
    };
    struct agent_server_handler handler = joints_agent_handler(head);
    int r = agent_server_new(&config, &handler, &head->agents);
    return r < 0 ? error_set(error, r, "cannot start the agent server: %s", strerror(-r)) : 0;
}

static int engine_probe(struct engine *engine, struct error *error)
{
    struct head *head = &engine->head;
    if (!head->config.probe)
        return 0;
    bool unit = access(engine->paths.probe_socket, F_OK) == 0;
    int r = eyes_start(head, unit ? engine->paths.probe_socket : NULL);
    return r < 0 ? error_set(error, r, "cannot start the probe: %s", strerror(-r)) : 0;
}

static int engine_actions(struct engine *engine, struct error *error)
{
    struct head *head = &engine->head;
    struct actions_config config = {
        .event = head->event,
        .table = &head->table,
        .groups = &head->groups.table,
        .agents = head->agents,
        .journal = head->journal,
        .reader = head->reader,
        .host = &head->host,
        .proc_fd = head->proc_fd,
        .rollups = eyes_measure_source(head),
        .started_usec = head->started_usec,
        .grace_usec = head->config.grace_usec,
        .steps_per_minute = (uint32_t)head->config.actions_per_minute,
        .context = head,
        .paused = joints_paused,
    };
    int r = actions_new(&config, &head->actions);
    return r < 0 ? error_set(error, r, "cannot start the actions: %s", strerror(-r)) : 0;
}

static gid_t engine_admin_group(const struct config *config)
{
    const struct group *group = config->admin_group[0] ? getgrnam(config->admin_group) : NULL;
    return group ? group->gr_gid : (gid_t)-1;
}

static void engine_address(const struct engine *engine, struct status *status)
{
    const char *address = engine->head.config.http_address;
    const char *format = strchr(address, ':') ? "[%s]:%u" : "%s:%u";
    if (engine->sockets.http_tcp >= 0)
        snprintf(status->http_address, sizeof(status->http_address), format, address,
                 (unsigned)engine->sockets.port);
    text_copy(status->state_directory, sizeof(status->state_directory), engine->paths.state);
}

static int engine_http(struct engine *engine, struct error *error)
{
    struct head *head = &engine->head;
    engine_address(engine, &head->status);
    struct http_ops ops = joints_http_ops(head);
    struct http_config config = {
        .tcp_fd = engine->sockets.http_tcp,
        .unix_fd = engine->sockets.http_unix,
        .port = engine->sockets.port,
        .bind_address = head->config.http_address,
        .token = engine->paths.token,
        .daemon_uid = geteuid(),
        .admin_gid = engine_admin_group(&head->config),
        .rules_writable = true,
        .version = engine->options->version,
    };
    int r = http_new(&config, &ops, &head->http);
    if (r == 0)
        r = http_start(head->http);
    return r < 0 ? error_set(error, r, "cannot start the HTTP server: %s", strerror(-r)) : 0;
}

static int engine_deaths(struct head *head, struct error *error)
{
    int r = death_watch_start(head, "/dev");
    if (r < 0)
        return error_set(error, r, "cannot watch for ends: %s", strerror(-r));
    pressure_watch_start(head);
    return 0;
}

int engine_start(struct engine *engine, struct buffer *report, struct error *error)
{
    struct head *head = &engine->head;
    head->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (head->proc_fd < 0)
        return error_set(error, -errno, "cannot open /proc: %s", strerror(errno));
    int r = sd_event_default(&head->event);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", strerror(-r));
    engine_be_prompt();
    newcomers_init(&head->newcomers, head->proc_fd);
    engine_kept_files(head);
    r = paths_open(&head->config, &engine->paths, error);
    if (r == 0)
        r = sockets_open(&head->config, &engine->paths, &engine->sockets, error);
    if (r == 0)
        r = engine_memory(head, error);
    if (r == 0)
        r = engine_cgroups(head, error);
    if (r == 0)
        r = engine_store(engine, error);
    if (r == 0)
        r = engine_rules(engine, report, error);
    if (r == 0)
        r = engine_deaths(head, error);
    if (r == 0)
        r = engine_agents(engine, error);
    if (r == 0)
        r = engine_probe(engine, error);
    if (r == 0)
        r = engine_actions(engine, error);
    if (r == 0)
        r = engine_http(engine, error);
    return r;
}

void engine_say_started(struct engine *engine)
{
    struct head *head = &engine->head;
    if (engine->sockets.http_tcp >= 0)
        log_info("dashboard on http://%s/ (`memtend open` prints the link with its token)",
                 head->status.http_address);
    log_info("socket %s, state %s", engine->paths.http_socket, engine->paths.state);
    if (geteuid() == 0 && !head->status.roles_separated)
        log_info(
            "running as root by hand: the head keeps all rights of root; the installed service "
            "separates the roles");
    journal_note(head->journal, EVENT_KIND_START, NULL, NULL, NULL, "memtendd %s, uid %u",
                 engine->options->version, (unsigned)geteuid());
}
