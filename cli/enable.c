/* SPDX-License-Identifier: MIT */
/*
 * `memtend enable unit` and `memtend disable unit`: show the drop-in that loads the agent into a
 * systemd service, as a diff with the commands around it; write or remove it only when asked to.
 * Nothing is ever restarted.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "dropin.h"
#include "model/process.h"
#include "place.h"
#include "sandbox.h"
#include "say.h"
#include "verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENABLE_FILE_LIMIT ((size_t)64 * 1024)

struct enable {
    const struct invocation *invocation;
    const char *root_path; /* "/" or that of --root */
    int root;
    char unit_name[UNIT_NAME_SIZE];
    char directory[PATH_MAX]; /* below the root */
    char path[PATH_MAX];
    char *before; /* NULL = there is no drop-in */
};

/* ---- the place ---- */

static void enable_finish(struct enable *enable)
{
    closep(&enable->root);
    free(enable->before);
}

static int read_before(struct enable *enable)
{
    char by_number[32];
    struct stat status;
    size_t length;
    int opened = unit_open(enable->root, enable->path, O_RDONLY | O_NONBLOCK);
    _cleanup_(closep) int fd = opened;
    if (fd == -ENOENT || fd == -ENOTDIR)
        return 0;
    int r = fd < 0 ? fd : fstat(fd, &status) < 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -EINVAL;
    snprintf(by_number, sizeof(by_number), "/proc/self/fd/%d", fd);
    if (r == 0)
        r = file_read_all(by_number, ENABLE_FILE_LIMIT, &enable->before, &length);
    if (r < 0)
        say("cannot read %s: %s", enable->path, strerror(-r));
    return r;
}

/* Exit codes, because it is the person's words that are judged here. */
static enum exit_code enable_init(const struct invocation *invocation, struct enable *enable)
{
    const char *root = invocation->option[OPTION_ROOT];
    *enable = (struct enable){.invocation = invocation, .root = -1};
    enable->root_path = root && *root ? root : "/";
    if (strcmp(invocation->operands[0], "unit") != 0) {
        say("%s what? Only units: not %s", invocation->verb->name, invocation->operands[0]);
        say_try("memtend %s unit NAME.service", invocation->verb->name);
        return EXIT_CODE_USAGE;
    }
    if (unit_take_name(invocation->operands[1], enable->unit_name) < 0)
        return EXIT_CODE_USAGE;
    enable->root = open(enable->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (enable->root < 0) {
        say("cannot open %s: %s", enable->root_path, strerror(errno));
        return EXIT_CODE_USAGE;
    }
    snprintf(enable->directory, sizeof(enable->directory), "/etc/systemd/system/%s.d",
             enable->unit_name);
    snprintf(enable->path, sizeof(enable->path), "/etc/systemd/system/%s.d/" UNIT_DROPIN,
             enable->unit_name);
    return read_before(enable) < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

/* ---- what to type ---- */

/* As one word for a shell; control bytes, which no path of sense has, do not come through. */
static void print_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789/:._+@,=-";
    char clean[2 * PATH_MAX];
    bool quoted = word[strspn(word, plain)] != '\0';
    text_clean(clean, sizeof(clean), word, strlen(word));
    if (quoted)
        putchar('\'');
    for (const char *at = clean; *at; at++)
        *at == '\'' ? (void)fputs("'\\''", stdout) : (void)putchar(*at);
    if (quoted)
        putchar('\'');
}

static void print_option(const struct enable *enable, enum option_id id)
{
    const char *value = enable->invocation->option[id];
    if (!value)
        return;
    printf(" --%s=", option_info(id)->name);
    print_word(value);
}

/* Of a template, all instances are meant. */
static void print_reload(const struct enable *enable)
{
    char units[UNIT_NAME_SIZE + 1];
    const char *at = strstr(enable->unit_name, "@.service");
    text_copy(units, sizeof(units), enable->unit_name);
    if (at)
        snprintf(units + (at - enable->unit_name), sizeof("@*.service"), "@*.service");
    printf("    systemctl daemon-reload\n    systemctl restart ");
    print_word(units);
    printf("\n");
}

static void print_command(const struct enable *enable, const char *verb)
{
    printf("    memtend %s unit ", verb);
    print_word(enable->unit_name);
    if (strcmp(verb, "enable") == 0) {
        print_option(enable, OPTION_NAME);
        print_option(enable, OPTION_MALLOC);
        print_option(enable, OPTION_RUNTIME_DIR);
    }
    print_option(enable, OPTION_ROOT);
    printf(" --write\n");
    print_reload(enable);
}

/* ---- doing it ---- */

static enum exit_code say_failed(const struct enable *enable, const char *what, int error)
{
    say("cannot %s %s: %s", what, enable->path, strerror(error));
    if (error != EACCES && error != EPERM && error != EROFS)
        return EXIT_CODE_FAILED;
    say_try("sudo memtend %s unit %s --write", enable->invocation->verb->name, enable->unit_name);
    return EXIT_CODE_PERMISSION;
}

/* Step by step below the root: a link in it may point anywhere else. */
static int make_directory(const struct enable *enable)
{
    char path[PATH_MAX];
    int opened = unit_open(enable->root, "/.", O_RDONLY | O_DIRECTORY);
    for (const char *at = enable->directory + 1; opened >= 0; at += strcspn(at, "/") + 1) {
        _cleanup_(closep) int above = opened;
        size_t end = (size_t)(at - enable->directory) + strcspn(at, "/");
        text_copy_span(path, sizeof(path), enable->directory, end);
        if (mkdirat(above, strrchr(path, '/') + 1, 0755) < 0 && errno != EEXIST)
            return -errno;
        opened = unit_open(enable->root, path, O_RDONLY | O_DIRECTORY);
        if (!enable->directory[end])
            break;
    }
    return opened;
}

static enum exit_code write_dropin(const struct enable *enable, const char *text)
{
    int opened = make_directory(enable);
    _cleanup_(closep) int directory = opened;
    int r = directory < 0 ? directory
                          : file_write_whole(directory, UNIT_DROPIN, 0644, text, strlen(text));
    if (r < 0)
        return say_failed(enable, "write", -r);
    printf("Wrote %s. It takes effect by:\n", enable->path);
    print_reload(enable);
    return EXIT_CODE_OK;
}

static enum exit_code remove_dropin(const struct enable *enable)
{
    int opened = unit_open(enable->root, enable->directory, O_RDONLY | O_DIRECTORY);
    _cleanup_(closep) int directory = opened;
    if (directory < 0 || unlinkat(directory, UNIT_DROPIN, 0) < 0)
        return say_failed(enable, "remove", directory < 0 ? -directory : errno);
    /* The directory goes too when nothing else is in it. */
    _cleanup_(closep) int above = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    unlinkat(above, strrchr(enable->directory, '/') + 1, AT_REMOVEDIR);
    printf("Removed %s. It takes effect by:\n", enable->path);
    print_reload(enable);
    return EXIT_CODE_OK;
}

/* ---- enable ---- */

/* "web@one.service" -> "web-one": what a name of a process may hold. */
static void name_of_unit(const char *unit, char ret_name[static PROCESS_NAME_SIZE])
{
    size_t length = strlen(unit) - strlen(".service");
    text_copy_span(ret_name, PROCESS_NAME_SIZE, unit, length);
    for (char *at = ret_name; *at; at++)
        if (*at == '@' || *at == ':' || *at == '\\')
            *at = '-';
    length = strlen(ret_name);
    while (length > 1 && ret_name[length - 1] == '-')
        ret_name[--length] = '\0';
    if (ret_name[0] == '-')
        ret_name[0] = '_';
}

struct plan {
    struct dropin dropin;
    char name[PROCESS_NAME_SIZE];
    char socket[PLACE_SOCKET_SIZE];
};

static enum exit_code make_plan(const struct enable *enable, struct plan *plan)
{
    const struct invocation *invocation = enable->invocation;
    const char *name = invocation->option[OPTION_NAME];
    const char *runtime = invocation->option[OPTION_RUNTIME_DIR];
    *plan = (struct plan){0};
    name_of_unit(enable->unit_name, plan->name);
    if (name && !text_is_name(name, PROCESS_NAME_SIZE - 1)) {
        say("--name takes 1 to %d letters, digits, '.', '_' or '-', not %s", PROCESS_NAME_SIZE - 1,
            name);
        return EXIT_CODE_USAGE;
    }
    if (runtime && runtime[0] != '/') {
        say("--runtime-dir of a unit is an absolute path, not %s", runtime);
        return EXIT_CODE_USAGE;
    }
    if (snprintf(plan->socket, sizeof(plan->socket), "%s/agent/control.sock",
                 runtime ? runtime : PLACE_SYSTEM) >= (int)sizeof(plan->socket)) {
        say("%s: the path of a socket has at most %zu bytes", runtime, PLACE_SOCKET_SIZE - 1);
        return EXIT_CODE_USAGE;
    }
    plan->dropin.name = name ? name : plan->name;
    plan->dropin.socket = plan->socket;
    int r = preload_find_allocator(invocation->option[OPTION_MALLOC], &plan->dropin.preload);
    if (r == 0)
        r = preload_find_agent(plan->dropin.preload.agent);
    return r == 0 ? EXIT_CODE_OK : r == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_FAILED;
}

static void say_about_unit(const struct enable *enable, const struct unit *unit)
{
    if (unit->masked)
        say("%s is masked: it cannot be started", unit->name);
    else if (!unit->known)
        say("no unit %s in the directories of systemd below %s: the drop-in would wait for it",
            unit->name, enable->root_path);
}

static bool is_writable_by_others(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && (status.st_uid != 0 || (status.st_mode & S_IWOTH));
}

static void show(const struct enable *enable, const char *text)
{
    if (enable->before && strcmp(enable->before, text) == 0) {
        printf("%s is as it should be. It is in effect after:\n", enable->path);
        print_reload(enable);
    } else {
        dropin_print_diff(enable->path, enable->before, text);
        printf("\nApply it, as root:\n");
        print_command(enable, "enable");
    }
    printf("Take it out again:\n");
    print_command(enable, "disable");
}

static enum exit_code enable_unit(const struct enable *enable, const struct plan *plan,
                                  const struct unit *unit)
{
    const struct preload *preload = &plan->dropin.preload;
    const struct sandbox_needs needs = {
        .agent = preload->agent, .allocator = preload->allocator, .socket = plan->socket};
    _cleanup_(freep) char *text = NULL;
    say_about_unit(enable, unit);
    if (is_writable_by_others(preload->agent))
        say("%s can be changed by others than root, and the service would load it", preload->agent);
    bool fatal = sandbox_check(enable->root, unit, &needs);
    if (dropin_render(enable->root, unit, &plan->dropin, &text) < 0)
        return EXIT_CODE_FAILED;
    if (!enable->invocation->option[OPTION_WRITE]) {
        show(enable, text);
        return EXIT_CODE_OK;
    }
    if (fatal) {
        say("not written: %s would not survive it", unit->name);
        return EXIT_CODE_FAILED;
    }
    return write_dropin(enable, text);
}

enum exit_code enable_main(const struct invocation *invocation)
{
    _cleanup_(enable_finish) struct enable enable;
    _cleanup_(unit_finish) struct unit unit = {0};
    struct plan plan;
    enum exit_code code = enable_init(invocation, &enable);
    if (code == EXIT_CODE_OK)
        code = make_plan(&enable, &plan);
    if (code != EXIT_CODE_OK)
        return code;
    if (unit_read(enable.root, enable.unit_name, &unit) < 0)
        return EXIT_CODE_FAILED;
    return enable_unit(&enable, &plan, &unit);
}

enum exit_code disable_main(const struct invocation *invocation)
{
    _cleanup_(enable_finish) struct enable enable;
    enum exit_code code = enable_init(invocation, &enable);
    if (code != EXIT_CODE_OK)
        return code;
    if (!enable.before) {
        printf("There is no %s: nothing to take out.\n", enable.path);
        return EXIT_CODE_OK;
    }
    if (invocation->option[OPTION_WRITE])
        return remove_dropin(&enable);
    dropin_print_diff(enable.path, enable.before, NULL);
    printf("\nApply it, as root:\n");
    print_command(&enable, "disable");
    return EXIT_CODE_OK;
}
