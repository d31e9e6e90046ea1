/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "program.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* ---- lists of words ---- */

/* Is the word in the setting, whose empty values forget what was before? */
static bool any_word(const struct unit *unit, const char *key,
                     bool (*fits)(const char *word, const char *wanted), const char *wanted)
{
    bool found = false;
    for (size_t i = 0; i < unit->count; i++) {
        char word[UNIT_WORD_SIZE];
        const char *at = unit->settings[i].value;
        if (strcmp(unit->settings[i].key, key) != 0)
            continue;
        if (*at == '\0')
            found = false;
        while (unit_next_word(&at, word))
            found = found || fits(word, wanted);
    }
    return found;
}

/* "/a" covers "/a" and "/a/b"; '-' and '+' in front are systemd's. */
static bool covers(const char *word, const char *path)
{
    word += strspn(word, "-+");
    size_t length = strcspn(word, ":");
    while (length > 1 && word[length - 1] == '/')
        length--;
    if (length == 1 && word[0] == '/')
        return true;
    return length > 0 && strncmp(path, word, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

/* SOURCE or SOURCE:DESTINATION or SOURCE:DESTINATION:OPTIONS */
static bool binds(const char *word, const char *path)
{
    const char *colon = strchr(word, ':');
    return covers(colon ? colon + 1 : word, path);
}

static bool is_bound(const struct unit *unit, const char *path)
{
    return any_word(unit, "BindPaths", binds, path) ||
           any_word(unit, "BindReadOnlyPaths", binds, path);
}

/* ---- paths ---- */

static bool is_set(const struct unit *unit, const char *key)
{
    const char *value = unit_last(unit, key);
    return value && *value;
}

static bool below_any(const char *path, const char *const *folders)
{
    for (; *folders; folders++)
        if (covers(*folders, path))
            return true;
    return false;
}

/* The setting that hides the path from the service; NULL = none. */
static const char *hidden_by(const struct unit *unit, const char *path)
{
    static const char *const homes[] = {"/home", "/root", "/run/user", NULL};
    static const char *const temporary[] = {"/tmp", "/var/tmp", NULL};
    const char *home = unit_last(unit, "ProtectHome");
    bool no_home = home && *home && strcmp(home, "read-only") != 0 && strcmp(home, "no") != 0 &&
                   strcmp(home, "false") != 0 && strcmp(home, "off") != 0 && strcmp(home, "0") != 0;
    if (is_bound(unit, path))
        return NULL;
    if (is_set(unit, "RootDirectory") && strcmp(unit_last(unit, "RootDirectory"), "/") != 0)
        return "RootDirectory=";
    if (is_set(unit, "RootImage"))
        return "RootImage=";
    if (any_word(unit, "TemporaryFileSystem", covers, path))
        return "TemporaryFileSystem=";
    if (any_word(unit, "InaccessiblePaths", covers, path))
        return "InaccessiblePaths=";
    if (no_home && below_any(path, homes))
        return "ProtectHome=";
    if (unit_is_on(unit, "PrivateTmp") && below_any(path, temporary))
        return "PrivateTmp=";
    return NULL;
}

static void directory_of(const char *path, char ret_directory[static PATH_MAX])
{
    text_copy(ret_directory, PATH_MAX, path);
    char *slash = strrchr(ret_directory, '/');
    if (slash && slash != ret_directory)
        *slash = '\0';
}

static bool check_socket(const struct unit *unit, const struct sandbox_needs *needs)
{
    char directory[PATH_MAX];
    const char *setting = hidden_by(unit, needs->socket);
    directory_of(needs->socket, directory);
    if (setting) {
        say("%s hides %s from %s: the agent would find no daemon", setting, needs->socket,
            unit->name);
        say_try("BindReadOnlyPaths=%s", directory);
    }
    return false;
}

static void check_library(const struct unit *unit, const char *path)
{
    const char *setting = *path ? hidden_by(unit, path) : NULL;
    if (setting) {
        say("%s hides %s from %s: ld.so would complain and go on without it", setting, path,
            unit->name);
        say_try("BindReadOnlyPaths=%s", path);
    }
    if (*path && any_word(unit, "NoExecPaths", covers, path) &&
        !any_word(unit, "ExecPaths", covers, path)) {
        say("NoExecPaths= lets no code of %s run in %s", path, unit->name);
        say_try("ExecPaths=%s", path);
    }
}

static bool check_libraries(const struct unit *unit, const struct sandbox_needs *needs)
{
    check_library(unit, needs->agent);
    check_library(unit, needs->allocator);
    return false;
}

/* ---- lists that allow or, with ~ in front, forbid ---- */

struct verdict {
    bool set, allows; /* the first word says whether the list is of the allowed */
    bool passes;      /* what was asked for */
};

static void take_words(struct verdict *verdict, const char *value,
                       bool (*fits)(const char *word, const void *wanted), const void *wanted)
{
    char word[UNIT_WORD_SIZE];
    bool forbids = *value == '~';
    const char *at = value + forbids;
    if (*value == '\0')
        *verdict = (struct verdict){.passes = true};
    while (unit_next_word(&at, word)) {
        if (!verdict->set)
            *verdict = (struct verdict){.set = true, .allows = !forbids, .passes = forbids};
        if (fits(word, wanted))
            verdict->passes = !forbids;
    }
}

static bool passes(const struct unit *unit, const char *key,
                   bool (*fits)(const char *word, const void *wanted), const void *wanted)
{
    struct verdict verdict = {.passes = true};
    for (size_t i = 0; i < unit->count; i++)
        if (strcmp(unit->settings[i].key, key) == 0)
            take_words(&verdict, unit->settings[i].value, fits, wanted);
    return verdict.passes;
}

static bool is_same(const char *word, const void *wanted)
{
    return strcmp(word, wanted) == 0;
}

static bool check_families(const struct unit *unit, const struct sandbox_needs *needs)
{
    (void)needs;
    if (!passes(unit, "RestrictAddressFamilies", is_same, "AF_UNIX")) {
        say("RestrictAddressFamilies= of %s leaves AF_UNIX out: the agent could not reach the "
            "daemon",
            unit->name);
        say_try("RestrictAddressFamilies=AF_UNIX");
    }
    return false;
}

/* Groups of systemd.exec(5) with the calls in them that the agent cannot do without; madvise() is
 * in none of them. */
static const struct sandbox_calls {
    const char *group;
    const char *calls[3];
} sandbox_calls[] = {
    {"@network-io", {"socket", "connect", NULL}},
    {"@basic-io", {"close_range", NULL}},
    {"@process", {"clone", "clone3", NULL}},
    {"@signal", {"rt_sigtimedwait", NULL}},
    {"madvise", {"madvise", NULL}},
};

static bool is_call(const char *word, const void *wanted)
{
    const struct sandbox_calls *calls = wanted;
    char name[UNIT_WORD_SIZE];
    text_copy_span(name, sizeof(name), word, strcspn(word, ":")); /* CALL:ERRNO */
    if (strcmp(name, calls->group) == 0 || strcmp(name, "@system-service") == 0 ||
        strcmp(name, "@known") == 0)
        return true;
    for (size_t i = 0; calls->calls[i]; i++)
        if (strcmp(name, calls->calls[i]) == 0)
            return true;
    return false;
}

static bool check_calls(const struct unit *unit, const struct sandbox_needs *needs)
{
    (void)needs;
    const char *error = unit_last(unit, "SystemCallErrorNumber");
    bool kills = !error || !*error || strcmp(error, "kill") == 0, found = false;
    for (size_t i = 0; i < sizeof(sandbox_calls) / sizeof(sandbox_calls[0]); i++) {
        if (passes(unit, "SystemCallFilter", is_call, &sandbox_calls[i]))
            continue;
        say("SystemCallFilter= of %s forbids %s%s: the agent %s", unit->name,
            sandbox_calls[i].group[0] == '@' ? "calls of " : "", sandbox_calls[i].group,
            kills ? "would get the service killed" : "could not work in it");
        say_try("SystemCallFilter=%s", sandbox_calls[i].group);
        found = true;
    }
    return found && kills;
}

/* ---- the program ---- */

/* Opens what ExecStart= names by an absolute path; what systemd allows in front is skipped. */
static int open_program(int root, const struct unit *unit, char ret_path[static UNIT_WORD_SIZE])
{
    const char *at = unit_last(unit, "ExecStart");
    if (!at || !unit_next_word(&at, ret_path))
        return -ENOENT;
    size_t skip = strspn(ret_path, "@-:+!|");
    memmove(ret_path, ret_path + skip, strlen(ret_path + skip) + 1);
    return ret_path[0] == '/' ? unit_open(root, ret_path, O_RDONLY | O_NONBLOCK) : -ENOENT;
}

static bool check_program(int root, const struct unit *unit, const struct sandbox_needs *needs)
{
    char path[UNIT_WORD_SIZE], by_number[32];
    struct program program;
    int opened = open_program(root, unit, path);
    _cleanup_(closep) int fd = opened;
    if (fd < 0)
        return false;
    snprintf(by_number, sizeof(by_number), "/proc/self/fd/%d", fd);
    program_look(by_number, &program);
    if (program.kind == PROGRAM_STATIC || program.kind == PROGRAM_FOREIGN)
        say("%s is %s: no agent can be loaded into it", path,
            program.kind == PROGRAM_STATIC ? "statically linked"
                                           : "built for another processor or word size");
    if (program.asan) {
        say("%s is built with AddressSanitizer, which ends a program with a library before its own",
            path);
        say_try("ExecStart=memtend run -- %s ..., in the place of this drop-in", path);
    }
    bool wrong_libc = program.musl && *needs->allocator;
    if (wrong_libc)
        say("%s uses musl: the library of another allocator would keep it from starting", path);
    return program.asan || wrong_libc;
}

bool sandbox_check(int root, const struct unit *unit, const struct sandbox_needs *needs)
{
    static bool (*const checks[])(const struct unit *, const struct sandbox_needs *) = {
        check_socket, check_libraries, check_families, check_calls};
    bool fatal = check_program(root, unit, needs);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        fatal = checks[i](unit, needs) || fatal;
    return fatal;
}
