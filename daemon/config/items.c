/* SPDX-License-Identifier: MIT */
#include "config/items.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define ITEMS_COUNT (sizeof(items_table) / sizeof(items_table[0]))

#define ITEMS_SEC  INT64_C(1000000)
#define ITEMS_MIN  (60 * ITEMS_SEC)
#define ITEMS_DAY  (ITEMS_MIN * 60 * 24)
#define ITEMS_YEAR (366 * ITEMS_DAY)

static int items_out_of_range(const struct items_item *item, const char *value, struct error *error)
{
    char low[QUANTITY_SIZE], high[QUANTITY_SIZE];
    quantity_format((struct quantity){.kind = item->kind, .value = item->low}, low);
    quantity_format((struct quantity){.kind = item->kind, .value = item->high}, high);
    return error_set(error, -EINVAL, "`%.60s' is out of range: %s to %s", value, low, high);
}

static int items_parse_number(const struct items_item *item, const char *value,
                              struct config *config, struct error *error)
{
    int64_t number;
    int r = quantity_parse(value, item->kind, &number, error);
    if (r < 0)
        return r;
    if (number < item->low || number > item->high)
        return items_out_of_range(item, value, error);
    uint64_t field = (uint64_t)number;
    memcpy((char *)config + item->offset, &field, sizeof(field));
    return 0;
}

static int items_parse_kept_files(const struct items_item *item, const char *value,
                                  struct config *config, struct error *error)
{
    if (strcmp(value, "auto") != 0)
        return items_parse_number(item, value, config, error);
    config->kept_files = CONFIG_KEPT_FILES_AUTO;
    return 0;
}

static int items_parse_switch(const struct items_item *item, const char *value,
                              struct config *config, struct error *error)
{
    static const struct {
        const char *word;
        bool on;
    } words[] = {{"yes", true},  {"no", false},    {"on", true}, {"off", false},
                 {"true", true}, {"false", false}, {"1", true},  {"0", false}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, value) != 0)
            continue;
        memcpy((char *)config + item->offset, &words[i].on, sizeof(words[i].on));
        return 0;
    }
    return error_set(error, -EINVAL, "`%.60s' is neither yes nor no", value);
}

static int items_parse_directory(const struct items_item *item, const char *value,
                                 struct config *config, struct error *error)
{
    if (strlen(value) >= item->size)
        return error_set(error, -EINVAL, "the path is longer than %zu bytes", item->size - 1);
    text_copy((char *)config + item->offset, item->size, value);
    return 0;
}

static int items_parse_group(const struct items_item *item, const char *value,
                             struct config *config, struct error *error)
{
    if (*value && !text_is_name(value, item->size - 1))
        return error_set(error, -EINVAL, "`%.60s' is not the name of a group", value);
    text_copy((char *)config + item->offset, item->size, value);
    return 0;
}

/* "127.0.0.1:6368", "[::1]:6368", "localhost:6368", or "off". */
static int items_parse_listen(const struct items_item *item, const char *value,
                              struct config *config, struct error *error)
{
    char address[CONFIG_ADDRESS_SIZE];
    unsigned char unused[sizeof(struct in6_addr)];
    uint64_t port;
    if (strcmp(value, "off") == 0) {
        config->http_listen = false;
        return 0;
    }
    const char *colon = strrchr(value, ':');
    bool six = *value == '[' && colon && colon > value + 2 && colon[-1] == ']';
    size_t length = colon ? (size_t)(colon - value) - (six ? 2 : 0) : 0;
    if (!colon || text_parse_u64(colon + 1, &port) < 0 || length >= item->size)
        return error_set(error, -EINVAL, "`%.60s' is not ADDRESS:PORT such as 127.0.0.1:6368",
                         value);
    if (port > UINT16_MAX)
        return error_set(error, -EINVAL, "port %.20s is above 65535", colon + 1);
    text_copy_span(address, sizeof(address), value + six, length);
    if (strcmp(address, "localhost") == 0)
        text_copy(address, sizeof(address), "127.0.0.1");
    if (inet_pton(six ? AF_INET6 : AF_INET, address, unused) != 1)
        return error_set(error, -EINVAL, "`%.60s' is not a numeric address%s", address,
                         strchr(address, ':') && !six ? ": write [ADDRESS]:PORT" : "");
    text_copy((char *)config + item->offset, item->size, address);
    config->http_port = (uint16_t)port;
    config->http_listen = true;
    return 0;
}

static int items_parse_outside_scan(const struct items_item *item, const char *value,
                                    struct config *config, struct error *error)
{
    static const char *const words[] = {[CONFIG_OUTSIDE_SCAN_SAME_UID] = "same-uid",
                                        [CONFIG_OUTSIDE_SCAN_ALL] = "all",
                                        [CONFIG_OUTSIDE_SCAN_OFF] = "off"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], value) != 0)
            continue;
        config->outside_scan = (enum config_outside_scan)i;
        return 0;
    }
    return error_set(error, -EINVAL, "`%.60s' is not one of: %s", value, item->range);
}

#define NUMBER(field, kind_, low_, high_)                                                          \
    .parse = items_parse_number, .offset = offsetof(struct config, field), .kind = (kind_),        \
    .low = (low_), .high = (high_)
#define SWITCH(field)                                                                              \
    .parse = items_parse_switch, .offset = offsetof(struct config, field), .range = "yes or no"
#define TEXT(parse_, field, range_)                                                                \
    .parse = (parse_), .offset = offsetof(struct config, field),                                   \
    .size = sizeof(((struct config *)NULL)->field), .range = (range_)

const struct items_item items_table[] = {
    {"Daemon", "Tick", NUMBER(tick_usec, QUANTITY_USEC, ITEMS_SEC / 10, 10 * ITEMS_SEC),
     .initial = "1s", .help = "Time between two looks at all processes."},
    {"Daemon", "SlowPeriod", NUMBER(slow_period_usec, QUANTITY_USEC, ITEMS_SEC, 5 * ITEMS_MIN),
     .initial = "10s",
     .help = "A process whose RSS does not move is read in full this often all the same."},
    {"Daemon", "MaxProcesses", NUMBER(max_processes, QUANTITY_PLAIN, 64, 4194304),
     .initial = "32768", .help = "Processes watched at most; tables are mapped once for so many."},
    {"Daemon", "StateDirectory",
     TEXT(items_parse_directory, state_directory, "a path; empty: by the user who runs it"),
     .absolute = true, .initial = "",
     .help = "Holds memtend.db and the token. root: /var/lib/memtend."},
    {"Daemon", "RuntimeDirectory",
     TEXT(items_parse_directory, runtime_directory, "a path; empty: by the user who runs it"),
     .absolute = true, .initial = "", .help = "Holds the sockets. root: /run/memtend."},
    {"Daemon", "CgroupDirectory",
     TEXT(items_parse_directory, cgroup_directory, "a path; empty: where it is mounted"),
     .absolute = true, .initial = "",
     .help = "Where control groups count memory, if not as /proc/self/mountinfo says."},
    {"Sampling", "KeptFiles", .parse = items_parse_kept_files,
     .offset = offsetof(struct config, kept_files), .kind = QUANTITY_PLAIN, .low = 0,
     .high = 1048576, .initial = "auto", .range = "auto, or a number; 0: none",
     .help = "Files that stay open, one a process: reading is cheaper; 5.5 kB of kernel memory "
             "each."},
    {"HTTP", "Listen", TEXT(items_parse_listen, http_address, "ADDRESS:PORT, or off"),
     .initial = "127.0.0.1:6368", .help = "TCP address of dashboard and REST; port 0: any."},
    {"HTTP", "AllowNonLoopback", SWITCH(allow_non_loopback), .initial = "no",
     .help = "Let Listen be an address that others can reach. There is no TLS: use a proxy."},
    {"HTTP", "AdminGroup", TEXT(items_parse_group, admin_group, "a group; empty: none"),
     .initial = "memtend-admin", .help = "Its members may do all over the local socket."},
    {"Store", "KeepSamples", NUMBER(keep_samples_usec, QUANTITY_USEC, ITEMS_MIN, 10 * ITEMS_YEAR),
     .initial = "7d", .help = "Samples of each tick that are older go; their minutes stay."},
    {"Store", "KeepMinutes", NUMBER(keep_minutes_usec, QUANTITY_USEC, ITEMS_MIN, 10 * ITEMS_YEAR),
     .initial = "30d", .help = "Roll-ups of 60 ticks that are older go; their hours stay."},
    {"Store", "KeepHours", NUMBER(keep_hours_usec, QUANTITY_USEC, ITEMS_MIN, 100 * ITEMS_YEAR),
     .initial = "365d", .help = "Roll-ups of 3,600 ticks that are older go."},
    {"Store", "KeepEvents", NUMBER(keep_events_usec, QUANTITY_USEC, ITEMS_MIN, 100 * ITEMS_YEAR),
     .initial = "365d", .help = "Events and receipts older than this go."},
    {"Store", "MaxSize", NUMBER(max_size_bytes, QUANTITY_BYTES, INT64_C(8) << 20, INT64_C(1) << 44),
     .initial = "2GiB", .help = "The database stays below this; the oldest samples go first."},
    {"Actions", "Grace", NUMBER(grace_usec, QUANTITY_USEC, 0, 60 * ITEMS_MIN), .initial = "3s",
     .help = "Rules leave a process alone so long after its start and after the daemon's."},
    {"Actions", "PerMinute", NUMBER(actions_per_minute, QUANTITY_PLAIN, 1, 6000), .initial = "30",
     .help = "Steps that rules may take on this host in a minute."},
    {"Probe", "Enable", SWITCH(probe), .initial = "yes",
     .help = "Read PSS and USS in a process of its own; without it both are absent."},
    {"Probe", "DeepBudget", NUMBER(deep_budget_permyriad, QUANTITY_PERMYRIAD, 1, 1000),
     .initial = "0.5%", .help = "Share of one core for reading PSS, USS and Python's pools."},
    {"Probe", "OutsideScan", TEXT(items_parse_outside_scan, outside_scan, "same-uid, all, or off"),
     .initial = "same-uid",
     .help = "Whose Python processes without an agent are scanned for pools. all takes rights."},
};

const size_t items_count = ITEMS_COUNT;

const struct items_item *items_find(const char *section, const char *key)
{
    for (size_t i = 0; i < ITEMS_COUNT; i++)
        if (strcmp(items_table[i].section, section) == 0 && strcmp(items_table[i].key, key) == 0)
            return &items_table[i];
    return NULL;
}

bool items_has_section(const char *section)
{
    for (size_t i = 0; i < ITEMS_COUNT; i++)
        if (strcmp(items_table[i].section, section) == 0)
            return true;
    return false;
}

#define ITEMS_DISTANCE 2 /* letters that may be wrong */

const char *items_near_key(const char *section, const char *key)
{
    const char *best = NULL;
    size_t distance = ITEMS_DISTANCE + 1;
    for (size_t i = 0; i < ITEMS_COUNT; i++) {
        if (strcmp(items_table[i].section, section) != 0)
            continue;
        if (strcasecmp(items_table[i].key, key) == 0)
            return items_table[i].key;
        size_t d = text_distance(items_table[i].key, key, ITEMS_DISTANCE);
        if (d < distance) {
            distance = d;
            best = items_table[i].key;
        }
    }
    return best;
}

const char *items_near_section(const char *section)
{
    for (size_t i = 0; i < ITEMS_COUNT; i++)
        if (strcasecmp(items_table[i].section, section) == 0 ||
            text_distance(items_table[i].section, section, ITEMS_DISTANCE) <= ITEMS_DISTANCE)
            return items_table[i].section;
    return NULL;
}

const char *items_section_of(const char *key)
{
    for (size_t i = 0; i < ITEMS_COUNT; i++)
        if (strcmp(items_table[i].key, key) == 0)
            return items_table[i].section;
    return NULL;
}
