/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNIT_FILE_LIMIT  ((size_t)256 * 1024) /* a hundred times the usual */
#define UNIT_DROPINS     64
#define UNIT_SETTINGS    4096
#define UNIT_DIRECTORIES (sizeof(unit_directories) / sizeof(unit_directories[0]))

/* Those of the system's manager that hold files of people and packages; the first wins. */
static const char *const unit_directories[] = {"/etc/systemd/system", "/run/systemd/system",
                                               "/usr/local/lib/systemd/system",
                                               "/usr/lib/systemd/system", "/lib/systemd/system"};

/* ---- names ---- */

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), behind = strlen(suffix);
    return length > behind && strcmp(name + length - behind, suffix) == 0;
}

static bool is_other_kind(const char *name)
{
    static const char *const kinds[] = {".socket", ".target", ".mount", ".automount", ".swap",
                                        ".timer",  ".path",   ".slice", ".scope",     ".device"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (has_suffix(name, kinds[i]))
            return true;
    return false;
}

static bool is_name_of_unit(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789:_.\\-@";
    return name[0] && name[0] != '@' && name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

int unit_take_name(const char *given, char ret_name[static UNIT_NAME_SIZE])
{
    const char *suffix = has_suffix(given, ".service") ? "" : ".service";
    if (is_other_kind(given)) {
        say("%s is no service: only services run programs", given);
        return -EINVAL;
    }
    if (!is_name_of_unit(given) || strlen(given) + strlen(suffix) >= UNIT_NAME_SIZE) {
        say("%s is no name of a unit: letters, digits, ':', '_', '.', '\\', '-' and '@', at most "
            "%d characters",
            given, UNIT_NAME_SIZE - 1);
        return -EINVAL;
    }
    size_t length = text_copy(ret_name, UNIT_NAME_SIZE, given);
    text_copy(ret_name + length, UNIT_NAME_SIZE - length, suffix);
    return 0;
}

/* ---- files ---- */

int unit_open(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (__u64)(unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_IN_ROOT};
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* before Linux 5.6, or filtered */
        fd = openat(root, path + 1, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* The text of a regular file, cut at the limit; NULL when it is none. Caller frees. */
static char *read_text(int root, const char *path)
{
    struct stat status;
    char by_number[32], *text = NULL;
    size_t length;
    int opened = unit_open(root, path, O_RDONLY | O_NONBLOCK);
    _cleanup_(closep) int fd = opened;
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return NULL;
    snprintf(by_number, sizeof(by_number), "/proc/self/fd/%d", fd);
    int r = file_read_all(by_number, UNIT_FILE_LIMIT, &text, &length);
    if (r == -EFBIG)
        say("%s is larger than any unit file should be: it is not looked at", path);
    return r < 0 ? NULL : text;
}

/* ---- the text ---- */

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]))
        text[--length] = '\0';
    return text;
}

static void add_setting(struct unit *unit, const char *key, const char *value, bool late)
{
    if (unit->count == UNIT_SETTINGS)
        return;
    if ((unit->count & (unit->count - 1)) == 0) {
        size_t room = unit->count ? unit->count * 2 : 1;
        unit->settings = say_no_memory(realloc(unit->settings, room * sizeof(*unit->settings)));
    }
    unit->settings[unit->count++] = (struct unit_setting){
        .key = say_no_memory(strdup(key)), .value = say_no_memory(strdup(value)), .late = late};
}

/* Comments in the middle of a continued line become blanks; returns where it goes on. */
static char *blank_comments(char *line)
{
    for (;;) {
        char *start = line + strspn(line, " \t");
        if (*start != '#' && *start != ';')
            return line;
        size_t length = strcspn(start, "\n");
        line = start + length + (start[length] != '\0');
        memset(start, ' ', (size_t)(line - start));
    }
}

/* The end of the line, whose continuations have become blanks. */
static char *join_line(char *line)
{
    char *end = line + strcspn(line, "\n");
    while (*end && end > line && end[-1] == '\\') {
        end[-1] = ' ';
        *end = ' ';
        char *next = blank_comments(end + 1);
        end = next + strcspn(next, "\n");
    }
    return end;
}

static void parse(struct unit *unit, char *text, bool late)
{
    bool service = false;
    for (char *line = text, *next; *line; line = next) {
        char *end = join_line(line);
        next = end + (*end != '\0');
        *end = '\0';
        char *start = trim(line);
        char *equals = strchr(start, '=');
        if (*start == '[')
            service = strcmp(start, "[Service]") == 0;
        else if (service && equals && *start != '#' && *start != ';') {
            *equals = '\0';
            add_setting(unit, trim(start), trim(equals + 1), late);
        }
    }
}

/* ---- where the files are ---- */

/* "web@one.service" -> "web@.service"; false when it is no instance. */
static bool template_of(const char *name, char ret_name[static UNIT_NAME_SIZE])
{
    const char *at = strchr(name, '@');
    if (!at || strcmp(at, "@.service") == 0)
        return false;
    snprintf(ret_name, UNIT_NAME_SIZE, "%.*s@.service", (int)(at - name), name);
    return true;
}

static bool is_null(int root, const char *path)
{
    char target[16];
    int opened = unit_open(root, path, O_PATH | O_NOFOLLOW);
    _cleanup_(closep) int fd = opened;
    ssize_t length = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target));
    return length == (ssize_t)strlen("/dev/null") && strncmp(target, "/dev/null", 9) == 0;
}

static bool read_fragment(int root, const char *name, struct unit *unit)
{
    for (size_t i = 0; i < UNIT_DIRECTORIES; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/%s", unit_directories[i], name);
        unit->masked = is_null(root, path);
        _cleanup_(freep) char *text = unit->masked ? NULL : read_text(root, path);
        if (text)
            parse(unit, text, false);
        if (text || unit->masked)
            return true;
    }
    return false;
}

struct dropin_file {
    char name[NAME_MAX + 1];
    char path[PATH_MAX];
};

struct dropin_files {
    size_t count;
    struct dropin_file items[UNIT_DROPINS];
};

/* The first directory that has a file of some name wins, also by an empty one. */
static void add_file(struct dropin_files *files, const char *directory, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0)
            return;
    if (files->count == UNIT_DROPINS) {
        say("more than %d drop-ins: %s is not looked at", UNIT_DROPINS, name);
        return;
    }
    struct dropin_file *file = &files->items[files->count];
    text_copy(file->name, sizeof(file->name), name);
    if (snprintf(file->path, sizeof(file->path), "%s/%s", directory, name) < PATH_MAX)
        files->count++;
}

static void add_files_of(int root, const char *unit_name, struct dropin_files *files)
{
    for (size_t i = 0; i < UNIT_DIRECTORIES; i++) {
        char directory[PATH_MAX];
        snprintf(directory, sizeof(directory), "%s/%s.d", unit_directories[i], unit_name);
        int fd = unit_open(root, directory, O_RDONLY | O_DIRECTORY);
        DIR *stream = fd < 0 ? NULL : fdopendir(fd);
        for (struct dirent *entry; stream && (entry = readdir(stream));)
            if (has_suffix(entry->d_name, ".conf") && strcmp(entry->d_name, UNIT_DROPIN) != 0)
                add_file(files, directory, entry->d_name);
        if (stream)
            closedir(stream);
    }
}

/* The unit's own, its template's, those of its name cut at each dash, those of all services. */
static void add_all_files(int root, const char *name, struct dropin_files *files)
{
    char other[UNIT_NAME_SIZE];
    add_files_of(root, name, files);
    if (template_of(name, other))
        add_files_of(root, other, files);
    size_t length = strcspn(name, "@") < strlen(name) - strlen(".service")
                        ? strcspn(name, "@")
                        : strlen(name) - strlen(".service");
    for (; length > 1; length--) {
        if (name[length - 1] != '-')
            continue;
        snprintf(other, sizeof(other), "%.*s.service", (int)length, name);
        add_files_of(root, other, files);
    }
    add_files_of(root, "service", files);
}

static int compare_files(const void *left, const void *right)
{
    const struct dropin_file *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static void read_dropins(int root, struct unit *unit)
{
    struct dropin_files *files = say_no_memory(calloc(1, sizeof(*files)));
    add_all_files(root, unit->name, files);
    qsort(files->items, files->count, sizeof(files->items[0]), compare_files);
    for (size_t i = 0; i < files->count; i++) {
        _cleanup_(freep) char *text = read_text(root, files->items[i].path);
        if (text)
            parse(unit, text, strcmp(files->items[i].name, UNIT_DROPIN) > 0);
    }
    free(files);
}

int unit_read(int root, const char *name, struct unit *unit)
{
    char template[UNIT_NAME_SIZE];
    *unit = (struct unit){0};
    text_copy(unit->name, sizeof(unit->name), name);
    unit->known = read_fragment(root, name, unit);
    if (!unit->known && template_of(name, template))
        unit->known = read_fragment(root, template, unit);
    read_dropins(root, unit);
    if (unit->count < UNIT_SETTINGS)
        return 0;
    say("%s has more than %d settings", name, UNIT_SETTINGS - 1);
    return -E2BIG;
}

void unit_finish(struct unit *unit)
{
    for (size_t i = 0; i < unit->count; i++) {
        free(unit->settings[i].key);
        free(unit->settings[i].value);
    }
    free(unit->settings);
    *unit = (struct unit){0};
}

/* ---- values ---- */

const char *unit_last(const struct unit *unit, const char *key)
{
    for (size_t i = unit->count; i > 0; i--)
        if (strcmp(unit->settings[i - 1].key, key) == 0)
            return unit->settings[i - 1].value;
    return NULL;
}

bool unit_is_on(const struct unit *unit, const char *key)
{
    const char *value = unit_last(unit, key);
    return value && (strcmp(value, "yes") == 0 || strcmp(value, "true") == 0 ||
                     strcmp(value, "on") == 0 || strcmp(value, "1") == 0);
}

bool unit_next_word(const char **at, char ret_word[static UNIT_WORD_SIZE])
{
    const char *from = *at + strspn(*at, " \t");
    size_t length = 0;
    char quote = '\0';
    if (!*from)
        return false;
    for (; *from && (quote || !strchr(" \t", *from)); from++) {
        bool opens = !quote && strchr("\"'", *from), closes = quote && *from == quote;
        if (opens)
            quote = *from;
        else if (closes)
            quote = '\0';
        else if (length < UNIT_WORD_SIZE - 1)
            ret_word[length++] = *from;
    }
    ret_word[length] = '\0';
    *at = from;
    return true;
}
