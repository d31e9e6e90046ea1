/* SPDX-License-Identifier: MIT */
/*
 * Has the parts of the head made, runs the loop, ends them in the opposite order. Main thread.
 */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine_state.h"
#include "engine/joints.h"
#include "engine/pages.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

/* Of the tick's timer: sd-event would otherwise gather wake-ups within 250 ms. */
#define ENGINE_TIMER_ACCURACY_USEC 1000
/* So many ticks without one being begun: the grid starts anew instead of catching up. */
#define ENGINE_LATE_TICKS 1

/* --- the loop's own events --- */

static int engine_on_tick(sd_event_source *source, uint64_t due_usec, void *context)
{
    struct head *head = context;
    uint64_t period = head->config.tick_usec, now = clock_mono_usec();
    status_count_late(&head->status, now > due_usec ? now - due_usec : 0);
    pipeline_tick(head, now);
    head->tick_due_usec += period;
    now = clock_mono_usec();
    if (now > head->tick_due_usec + ENGINE_LATE_TICKS * period) {
        uint64_t skipped = (now - head->tick_due_usec) / period;
        head->tick_due_usec += skipped * period;
        head->status.ticks_skipped += skipped;
    }
    sd_event_source_set_time(source, head->tick_due_usec);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int engine_on_stop(sd_event_source *source, const struct signalfd_siginfo *info,
                          void *context)
{
    struct head *head = context;
    log_info("stopping (%s)", info->ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
    sd_notify(0, "STOPPING=1");
    (void)source;
    return sd_event_exit(head->event, 0);
}

static int engine_on_reload(sd_event_source *source, const struct signalfd_siginfo *info,
                            void *context)
{
    (void)source;
    (void)info;
    struct engine *engine = context;
    struct buffer report;
    buffer_init(&report, CONFIG_TEXT_LIMIT);
    int r = rule_book_load(engine->head.book, &report);
    if (r < 0)
        log_warning("the rules in force stay: %s\n%.*s", strerror(-r), (int)report.size,
                    report.data ? report.data : "");
    buffer_finish(&report);
    return 0;
}

static int engine_sources(struct engine *engine, struct error *error)
{
    struct head *head = &engine->head;
    head->tick_due_usec = clock_mono_usec();
    int r = sd_event_add_time(head->event, &head->tick_timer, CLOCK_MONOTONIC, head->tick_due_usec,
                              ENGINE_TIMER_ACCURACY_USEC, engine_on_tick, head);
    if (r >= 0)
        r = sd_event_add_io(head->event, NULL, mailbox_fd(&head->commands), EPOLLIN,
                            desk_on_commands, head);
    if (r >= 0)
        r = sd_event_add_io(head->event, NULL, head->publication.wake, EPOLLIN, pipeline_on_wanted,
                            head);
    if (r >= 0)
        r = sd_event_add_io(head->event, NULL, store_writer_acks_fd(head->writer), EPOLLIN,
                            joints_on_acks, head);
    if (r >= 0)
        r = sd_event_add_signal(head->event, NULL, SIGTERM, engine_on_stop, head);
    if (r >= 0)
        r = sd_event_add_signal(head->event, NULL, SIGINT, engine_on_stop, head);
    if (r >= 0)
        r = sd_event_add_signal(head->event, NULL, SIGHUP, engine_on_reload, engine);
    return r < 0 ? error_set(error, r, "cannot watch events: %s", strerror(-r)) : 0;
}

/* --- stop: the opposite order, http first so that nobody asks any more --- */

static void engine_drop_command(void *command)
{
    command_free(command);
}

static void engine_release_tracked(void *context, struct tracked *tracked)
{
    (void)context;
    rule_book_forget(tracked);
}

static void engine_stop(struct engine *engine)
{
    struct head *head = &engine->head;
    if (head->http)
        http_stop(head->http);
    actions_free(head->actions);
    head->actions = NULL;
    ledgers_stop(head);
    agent_server_free(head->agents);
    eyes_stop(head);
    pressure_watch_stop(head);
    death_watch_stop(head);
    if (head->journal)
        journal_note(head->journal, EVENT_KIND_STOP, NULL, NULL, NULL, "stopped after %llu ticks",
                     (unsigned long long)head->tick);
    store_reader_stop(head->reader);
    groups_finish(&head->groups);
    table_finish(&head->table, engine_release_tracked, NULL);
    rule_book_free(head->book);
    pause_free(head->pause);
    journal_free(head->journal);
    mailbox_finish(&head->commands, engine_drop_command);
    http_free(head->http);
    if (store_writer_stop(head->writer) < 0)
        log_warning("the last records could not be stored");
    store_content_finish(&engine->start.content);
    process_list_finish(&head->pids);
    newcomers_finish(&head->newcomers);
    publication_finish(&head->publication);
    cgroups_free(head->cgroups);
    pages_unmap(head->ended.rows, head->config.max_processes, sizeof(*head->ended.rows));
    sd_event_source_unref(head->tick_timer);
    sd_event_unref(head->event);
    sockets_close(&engine->sockets);
    paths_close(&engine->paths);
    if (head->proc_fd >= 0)
        close(head->proc_fd);
}

static void engine_block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread: all inherit it */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file size then reads as a full disk */
}

int engine_run(const struct engine_options *options, struct buffer *report, struct error *error)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (!engine)
        return error_set(error, -ENOMEM, "out of memory");
    engine_block_signals();
    struct head *head = &engine->head;
    engine->options = options;
    engine->sockets = (struct sockets){.http_unix = -1, .http_tcp = -1, .agent = -1};
    engine->paths.state_lock = engine->paths.runtime_lock = -1;
    head->config = options->config;
    head->proc_fd = head->newcomers.loadavg = -1;
    head->started_usec = clock_mono_usec();
    head->status.started_wall_usec = clock_wall_usec();
    head->status.tick_usec = options->config.tick_usec;
    head->status.uid = geteuid();
    head->status.self_private_bytes = head->own_private_bytes = -1;
    head->status.self_cpu_permyriad = -1;
    sd_watchdog_enabled(0, &head->watchdog_usec);
    int r = engine_start(engine, report, error);
    if (r == 0)
        r = engine_sources(engine, error);
    if (r == 0) {
        engine_say_started(engine);
        r = sd_event_loop(head->event);
        if (r < 0)
            error_set(error, r, "the event loop failed: %s", strerror(-r));
    }
    engine_stop(engine);
    free(engine);
    return r;
}
