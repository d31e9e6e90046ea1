/* SPDX-License-Identifier: MIT */
/*
 * Kills a process that writes to the store, at random moments and again and again, and checks each
 * time that the file is sound and that nothing acknowledged is gone.
 *
 *     store_kill [DIRECTORY]        MEMTEND_KILLS=100 MEMTEND_SEED=1; MEMTEND_LONG=1: 10,000
 *
 * The child runs the writer thread as the daemon does and reports each ack through a pipe. Event
 * ids are consecutive, and each event says how many ticks and which version of a rule were handed
 * over before it: so one acknowledged event vouches for all that came earlier. One tick is in
 * flight at a time; when the writer gives it back, no kill may take it any more.
 */
#include "engine/store_writer.h"

#include "base/clock.h"
#include "base/text.h"
#include "engine/tick_pool.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS          50
#define MAX_PROCESSES 64
#define TICK_USEC     (2 * USEC_PER_MSEC)
#define KILL_MAX_USEC (150 * USEC_PER_MSEC)
/* A child that has acknowledged nothing until then is killed all the same. */
#define START_MAX_USEC (10 * USEC_PER_SEC)

/* What the newest acknowledged event stands for; event 0: a tick that came back. */
struct report {
    int64_t event_id;
    uint64_t last_tick_wall_usec;
    int64_t rule_version;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "store_kill: %s\n", what);
    exit(1);
}

static struct store_writer_config config_of(const char *directory)
{
    return (struct store_writer_config){
        .store = {.directory = directory,
                  .tick_usec = TICK_USEC,
                  /* Small, so that retention is at work when the kill comes. */
                  .limits = {.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                             .events_usec = STORE_EVENTS_USEC_DEFAULT,
                             .max_size_bytes = 8 << 20}},
        .max_processes = MAX_PROCESSES};
}

/* ---- the child ---- */

#define WAITING_LIMIT 16384 /* more than the writer lets wait */

struct child {
    struct store_writer *writer;
    struct tick *spare[TICK_POOL_TICKS];
    size_t spare_count;
    int64_t first_row;
    uint64_t ticks, last_tick_wall_usec;
    int64_t rule_version;
    struct report reports[WAITING_LIMIT]; /* by sequence */
    uint64_t reported;
};

/* False: one is still under way. */
static bool child_has_ticks(struct child *child)
{
    for (struct tick *tick = store_writer_tick_get(child->writer); tick;
         tick = store_writer_tick_get(child->writer)) {
        child->spare[child->spare_count++] = tick;
        struct report report = {.last_tick_wall_usec = child->last_tick_wall_usec};
        if (child->ticks > 0 && write(STDOUT_FILENO, &report, sizeof(report)) < 0)
            exit(1);
    }
    return child->spare_count == TICK_POOL_TICKS;
}

static void child_tick(struct child *child)
{
    if (!child_has_ticks(child))
        return;
    struct tick *tick = child->spare[--child->spare_count];
    tick->number = ++child->ticks;
    tick->mono_usec = clock_mono_usec();
    tick->wall_usec = clock_wall_usec();
    for (int64_t i = 0; i < ROWS; i++) {
        if (child->ticks == 1)
            tick->processes[tick->process_count++] = (struct tick_process){
                .row = child->first_row + i, .id = {.pid = (pid_t)i + 1}, .comm = "x"};
        struct tick_row *row = &tick->rows[tick->row_count++];
        *row = (struct tick_row){.row = child->first_row + i, .present = 0xFFF};
        for (int metric = 0; metric < 12; metric++)
            row->value[metric] = (int64_t)(child->ticks * 1000003) + metric;
    }
    child->last_tick_wall_usec = tick->wall_usec;
    store_writer_tick_put(child->writer, tick);
}

static void child_rule(struct child *child)
{
    char text[64];
    snprintf(text, sizeof(text), "%lld", (long long)(child->rule_version + 1));
    uint64_t sequence;
    if (store_writer_rule_put(child->writer, "version", text, &sequence) < 0)
        return;
    child->rule_version++;
    child->reports[sequence % WAITING_LIMIT] = (struct report){0};
}

static void child_event(struct child *child)
{
    struct event event = {.kind = EVENT_KIND_DEPLOY, .wall_usec = clock_wall_usec()};
    snprintf(event.text, sizeof(event.text), "after tick %llu", (unsigned long long)child->ticks);
    int64_t id;
    uint64_t sequence;
    if (store_writer_event(child->writer, &event, NULL, &id, &sequence) < 0)
        return;
    child->reports[sequence % WAITING_LIMIT] =
        (struct report){id, child->last_tick_wall_usec, child->rule_version};
}

static void child_report(struct child *child)
{
    struct store_ack ack;
    while (store_writer_ack_pop(child->writer, &ack)) {
        while (child->reported < ack.durable_sequence) {
            const struct report *report = &child->reports[++child->reported % WAITING_LIMIT];
            if (report->event_id > 0 && write(STDOUT_FILENO, report, sizeof(*report)) < 0)
                exit(1);
        }
    }
}

static _Noreturn void child_run(const char *directory)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct child *child = calloc(1, sizeof(*child));
    struct store_writer_start start;
    struct store_writer_config config = config_of(directory);
    if (!child || store_writer_start(&config, &child->writer, &start) < 0)
        die("the writer does not start");
    if (start.state != STORE_STATE_OK || start.report.opened == STORE_REPLACED)
        die(start.report.text);
    child->first_row = start.next_row;
    if (start.content.rule_count > 0)
        text_parse_i64(start.content.rules[0].text, &child->rule_version);
    for (unsigned round = 0;; round++) {
        child_tick(child);
        if (round % 3 == 0)
            child_event(child);
        if (round % 10 == 0)
            child_rule(child);
        child_report(child);
        struct pollfd waiting = {.fd = store_writer_acks_fd(child->writer), .events = POLLIN};
        poll(&waiting, 1, 1);
    }
}

/* ---- the parent ---- */

static uint64_t random_state;

/* xorshift: the same kills for the same seed, as far as the machine allows. */
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static pid_t spawn(const char *directory, int *ret_fd)
{
    int ends[2];
    if (pipe(ends) < 0)
        die("pipe");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        /* A fresh program image: no state of the parent's SQLite. */
        execl("/proc/self/exe", "store_kill", "--child", directory, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *ret_fd = ends[0];
    return pid;
}

/* Reads until the child is dead and its pipe is empty. The kill comes so long after the start, or
 * after the first ack. */
static uint64_t ticks; /* that came back */

static void collect(int fd, pid_t pid, bool after_ack, uint64_t delay_usec, struct report *last)
{
    uint64_t kill_at = clock_mono_usec() + (after_ack ? START_MAX_USEC : delay_usec);
    bool killed = false;
    for (;;) {
        uint64_t now = clock_mono_usec();
        if (!killed && now >= kill_at) {
            kill(pid, SIGKILL);
            killed = true;
        }
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (poll(&waiting, 1, killed ? -1 : (int)((kill_at - now) / USEC_PER_MSEC)) == 0)
            continue;
        struct report report;
        ssize_t n = read(fd, &report, sizeof(report));
        if (n <= 0)
            break;
        if (after_ack && !killed)
            kill_at = clock_mono_usec() + delay_usec;
        after_ack = false;
        if (report.last_tick_wall_usec > last->last_tick_wall_usec)
            last->last_tick_wall_usec = report.last_tick_wall_usec;
        if (report.event_id == 0) {
            ticks++;
            continue;
        }
        last->event_id = report.event_id;
        last->rule_version = report.rule_version;
    }
    close(fd);
    int status;
    waitpid(pid, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        die("the child ended by itself");
}

static int64_t number_of(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(database));
    if (sqlite3_step(statement) != SQLITE_ROW)
        die(sqlite3_errmsg(database));
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static void check_integrity(sqlite3 *database)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        die(sqlite3_errmsg(database));
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    if (strcmp(text, "ok") != 0)
        die(text);
    sqlite3_finalize(statement);
}

/* Opened as the next daemon does it, which puts the ticks that were hot into blocks. */
static void check_ticks(const char *directory, const char *path, const struct report *acked)
{
    struct store_config config = {.directory = directory,
                                  .tick_usec = TICK_USEC,
                                  .limits = {.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                                             .events_usec = STORE_EVENTS_USEC_DEFAULT,
                                             .max_size_bytes = 8 << 20}};
    struct store *store;
    struct store_report report;
    struct error error = {0};
    if (store_open(&config, &store, &report, &error) < 0)
        die(error.text);
    store_close(store);
    if (report.opened == STORE_REPLACED)
        die(report.text);
    sqlite3 *database;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        die("the file cannot be opened");
    if (number_of(database, "SELECT count(*) FROM hot") > 0)
        die("a hot row is left");
    if (number_of(database, "SELECT ifnull(max(last_wall_usec), 0) FROM span") <
        (int64_t)acked->last_tick_wall_usec)
        die("a tick before an acknowledged event is gone");
    if (number_of(database, "SELECT count(*) FROM block WHERE process > 0 AND first_tick NOT IN "
                            "(SELECT first_tick FROM span)"))
        die("a block of ticks that never were");
    sqlite3_close(database);
}

static void check_file(const char *directory, const struct report *acked)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    sqlite3 *database;
    /* The first kills may come before there is a file, or a table in it. */
    if (acked->event_id == 0 && access(path, F_OK) < 0)
        return;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        die("the file cannot be opened");
    check_integrity(database);
    if (acked->event_id == 0 && number_of(database, "SELECT count(*) FROM sqlite_schema") == 0) {
        sqlite3_close(database);
        return;
    }
    int64_t highest = number_of(database, "SELECT ifnull(max(id), 0) FROM event");
    if (number_of(database, "SELECT count(*) FROM event") != highest)
        die("an event in the middle is gone");
    if (highest < acked->event_id)
        die("an acknowledged event is gone");
    if (number_of(database, "SELECT ifnull(max(CAST(text AS INTEGER)), 0) FROM rule") <
        acked->rule_version)
        die("an acknowledged rule is gone");
    sqlite3_close(database);
    check_ticks(directory, path, acked);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static uint64_t setting_of(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    uint64_t value;
    return text && text_parse_u64(text, &value) == 0 && value > 0 ? value : fallback;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--child") == 0)
        child_run(argv[2]);
    char directory[128];
    snprintf(directory, sizeof(directory), "%s/store-kill-XXXXXX", argc > 1 ? argv[1] : ".");
    if (!mkdtemp(directory))
        die("cannot make a directory");
    uint64_t kills = setting_of("MEMTEND_KILLS", setting_of("MEMTEND_LONG", 0) == 1 ? 10000 : 100);
    random_state = setting_of("MEMTEND_SEED", clock_wall_usec());
    printf("seed %llu\n", (unsigned long long)random_state);
    fflush(stdout);
    struct report acked = {0};
    for (uint64_t i = 0; i < kills; i++) {
        int fd;
        pid_t pid = spawn(directory, &fd);
        collect(fd, pid, i % 4 != 0, next_random() % KILL_MAX_USEC, &acked);
        check_file(directory, &acked);
    }
    printf("TOTAL: %llu kills, %lld events acknowledged, %llu ticks committed, none lost, "
           "every file sound\n",
           (unsigned long long)kills, (long long)acked.event_id, (unsigned long long)ticks);
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return acked.event_id > 0 ? 0 : 1;
}
