/* SPDX-License-Identifier: MIT */
#include "model/family.h"

#include "base/text.h"
#include "model/script.h"

#include <stdio.h>
#include <string.h>

/* What is looked at: the name of an application stands among the first arguments. */
#define FAMILY_BYTES     4096
#define FAMILY_ARGUMENTS 96
#define FAMILY_WORD_SIZE 64 /* a program or an application in a name */

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A command line taken apart. */
struct family_line {
    char bytes[FAMILY_BYTES + 1];
    const char *redacted;
    size_t count;
    const char *arguments[FAMILY_ARGUMENTS]; /* each ends with NUL; at least one, perhaps "" */
    const char *script;                      /* one of them, or its end: "-mapp"; NULL = none */
    size_t behind;                           /* first argument behind program or script */
    bool module;                             /* the script is a module: -m */
    char program[FAMILY_WORD_SIZE];          /* without path: "nginx", "python" without version */
};

/* A program that has workers. */
struct family_server {
    const char *program; /* of argv[0], script or module, without path */
    enum group_kind kind;
    const char *needs; /* an argument without which it is not the server; NULL = none */
    void (*application)(const struct family_line *line, char ret_text[static FAMILY_WORD_SIZE]);
};

/* ---- words ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool in_name(char c)
{
    return starts_name(c) || (c >= '0' && c <= '9') || c == '.';
}

/* Length of "pkg.module" at the front; 0 = there is none. */
static size_t dotted_length(const char *text)
{
    size_t length = 0;
    if (!starts_name(*text))
        return 0;
    while (in_name(text[length]))
        length++;
    return length;
}

/* "pkg.module" or, when pair, "pkg.module:app" (also "module:create()"). */
static bool is_application(const char *text, bool pair)
{
    size_t length = dotted_length(text);
    if (length == 0 || !pair)
        return length > 0 && text[length] == '\0';
    if (text[length] != ':')
        return false;
    size_t second = dotted_length(text + length + 1);
    const char *end = text + length + 1 + second;
    return second > 0 && (*end == '\0' || *end == '(');
}

/* A name shows nothing that the redacted command line hides. */
static bool is_shown(const struct family_line *line, const char *text)
{
    return strstr(line->redacted, text) != NULL;
}

static void take_word(const struct family_line *line, const char *text,
                      char ret_text[static FAMILY_WORD_SIZE])
{
    if (is_shown(line, text))
        text_copy(ret_text, FAMILY_WORD_SIZE, text);
}

/* ---- applications ---- */

/* Options whose value looks like an application. */
static bool takes_lookalike(const char *option)
{
    static const char *const options[] = {"-c", "--config", "-k", "--worker-class",
                                          "--logger-class"};
    for (size_t i = 0; i < COUNT_OF(options); i++)
        if (strcmp(option, options[i]) == 0)
            return true;
    return false;
}

/* Of gunicorn and its like: the last "module:app", else a last argument that is a module. */
static void application_pair(const struct family_line *line, char ret_text[static FAMILY_WORD_SIZE])
{
    for (size_t i = line->count; i-- > line->behind;) {
        const char *before = i > line->behind ? line->arguments[i - 1] : "";
        if (is_application(line->arguments[i], true) && !takes_lookalike(before)) {
            take_word(line, line->arguments[i], ret_text);
            return;
        }
    }
    if (line->count <= line->behind)
        return;
    const char *last = line->arguments[line->count - 1];
    const char *before = line->count - 1 > line->behind ? line->arguments[line->count - 2] : "";
    if (before[0] != '-' && is_application(last, false))
        take_word(line, last, ret_text);
}

/* The value of an option, as the next argument or behind '='; NULL = not there. */
static const char *option_value(const struct family_line *line, const char *option)
{
    size_t length = strlen(option);
    for (size_t i = line->behind; i < line->count; i++) {
        const char *argument = line->arguments[i];
        if (strncmp(argument, option, length) != 0)
            continue;
        if (argument[length] == '\0' && i + 1 < line->count)
            return line->arguments[i + 1];
        if (argument[length] == '=')
            return argument + length + 1;
    }
    return NULL;
}

static void application_of_options(const struct family_line *line, const char *const *options,
                                   size_t count, char ret_text[static FAMILY_WORD_SIZE])
{
    const char *value = NULL;
    for (size_t i = 0; i < count && !value; i++)
        value = option_value(line, options[i]);
    if (value)
        take_word(line, base_of(value), ret_text);
}

static void application_of_uwsgi(const struct family_line *line,
                                 char ret_text[static FAMILY_WORD_SIZE])
{
    static const char *const options[] = {"--module", "-w",     "--wsgi", "--wsgi-file", "--file",
                                          "--ini",    "--yaml", "--json", "--xml"};
    application_of_options(line, options, COUNT_OF(options), ret_text);
}

static void application_of_celery(const struct family_line *line,
                                  char ret_text[static FAMILY_WORD_SIZE])
{
    static const char *const options[] = {"-A", "--app"};
    application_of_options(line, options, COUNT_OF(options), ret_text);
}

static const struct family_server servers[] = {
    {"gunicorn", GROUP_KIND_GUNICORN, NULL, application_pair},
    {"uwsgi", GROUP_KIND_UWSGI, NULL, application_of_uwsgi},
    {"uwsgi-core", GROUP_KIND_UWSGI, NULL, application_of_uwsgi},
    {"celery", GROUP_KIND_CELERY, "worker", application_of_celery},
    {"uvicorn", GROUP_KIND_MULTIPROCESSING, NULL, application_pair},
    {"hypercorn", GROUP_KIND_MULTIPROCESSING, NULL, application_pair},
};

/* ---- titles that servers give themselves ---- */

/* What stands between the last '[' and the last ']': "gunicorn: worker [web:app]". */
static void title_of_gunicorn(const struct family_line *line, struct family_label *label)
{
    char application[FAMILY_WORD_SIZE] = "";
    const char *open = strrchr(line->arguments[0], '[');
    const char *close = open ? strchr(open, ']') : NULL;
    if (close && (size_t)(close - open) < sizeof(application))
        text_copy_span(application, sizeof(application), open + 1, (size_t)(close - open - 1));
    if (!is_shown(line, application))
        application[0] = '\0';
    snprintf(label->name, sizeof(label->name), "gunicorn%s%s", application[0] ? ":" : "",
             application);
}

/* "[celeryd: celery@host:MainProcess] -active- (-A proj worker)" */
static void title_of_celery(const struct family_line *line, struct family_label *label)
{
    char application[FAMILY_WORD_SIZE] = "";
    const char *option = strstr(line->arguments[0], "-A ");
    const char *value = option ? option + strlen("-A ") : "";
    text_copy_span(application, sizeof(application), value, dotted_length(value));
    if (!is_shown(line, application))
        application[0] = '\0';
    snprintf(label->name, sizeof(label->name), "celery%s%s", application[0] ? ":" : "",
             application);
}

static void title_of_uwsgi(const struct family_line *line, struct family_label *label)
{
    (void)line;
    text_copy(label->name, sizeof(label->name), "uwsgi");
}

static bool recognise_title(const struct family_line *line, struct family_label *label)
{
    static const struct {
        const char *begin;
        enum group_kind kind;
        void (*name)(const struct family_line *line, struct family_label *label);
    } titles[] = {{"gunicorn: ", GROUP_KIND_GUNICORN, title_of_gunicorn},
                  {"uWSGI ", GROUP_KIND_UWSGI, title_of_uwsgi},
                  {"[celeryd: ", GROUP_KIND_CELERY, title_of_celery}};
    for (size_t i = 0; i < COUNT_OF(titles); i++) {
        if (!text_starts_with(line->arguments[0], titles[i].begin))
            continue;
        label->kind = titles[i].kind;
        label->part = FAMILY_PART_SERVER;
        titles[i].name(line, label);
        return true;
    }
    return false;
}

/* ---- programs ---- */

static const struct family_server *server_find(const struct family_line *line)
{
    const char *program = line->script ? base_of(line->script) : line->program;
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        if (strcmp(servers[i].program, program) != 0)
            continue;
        bool found = !servers[i].needs;
        for (size_t at = line->behind; at < line->count && !found; at++)
            found = strcmp(line->arguments[at], servers[i].needs) == 0;
        return found ? &servers[i] : NULL;
    }
    return NULL;
}

static bool recognise_server(const struct family_line *line, struct family_label *label)
{
    const struct family_server *server = server_find(line);
    char application[FAMILY_WORD_SIZE] = "";
    if (!server)
        return false;
    server->application(line, application);
    const char *program = server->kind == GROUP_KIND_UWSGI ? "uwsgi" : server->program;
    snprintf(label->name, sizeof(label->name), "%s%s%s", program, application[0] ? ":" : "",
             application);
    label->kind = server->kind;
    label->part = FAMILY_PART_SERVER;
    return true;
}

/* What multiprocessing (and loky, of joblib) starts as programs of their own. */
static enum family_part part_of_argument(const char *argument)
{
    static const struct {
        const char *text;
        enum family_part part;
    } parts[] = {
        {"multiprocessing.resource_tracker import main", FAMILY_PART_TRACKER},
        {"multiprocessing.semaphore_tracker import main", FAMILY_PART_TRACKER},
        {"multiprocessing.forkserver import main", FAMILY_PART_FORKSERVER},
        {"multiprocessing.spawn import spawn_main", FAMILY_PART_SPAWNED},
        {"--multiprocessing-fork", FAMILY_PART_SPAWNED},
        {"loky.backend.resource_tracker", FAMILY_PART_TRACKER},
        {"loky.backend.popen_loky_posix", FAMILY_PART_SPAWNED},
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (strstr(argument, parts[i].text))
            return parts[i].part;
    return FAMILY_PART_ANY;
}

static bool is_stranger(const struct family_line *line)
{
    static const char *const strangers[] = {
        "sh",   "bash", "dash",    "ash",      "zsh",  "ksh", "mksh", "fish",  "csh",
        "tcsh", "sshd", "systemd", "(sd-pam)", "init", "su",  "sudo", "login", "busybox",
    };
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        if (strcmp(line->program, strangers[i]) == 0)
            return true;
    return false;
}

/* "python etl.py", "python -m etl", "perl", "nginx". */
static void recognise_program(const struct family_line *line, struct family_label *label)
{
    bool python = strcmp(line->program, "python") == 0 || strcmp(line->program, "pypy") == 0;
    label->kind = python ? GROUP_KIND_MULTIPROCESSING : GROUP_KIND_PREFORK;
    label->part = is_stranger(line) ? FAMILY_PART_STRANGER : FAMILY_PART_ANY;
    for (size_t i = 1; python && i < line->count && label->part == FAMILY_PART_ANY; i++)
        label->part = part_of_argument(line->arguments[i]);
    const char *script = line->script ? base_of(line->script) : "";
    snprintf(label->name, sizeof(label->name), "%s%s%s", line->program,
             line->module ? " -m "
             : *script    ? " "
                          : "",
             script);
}

/* ---- taking apart ---- */

static bool is_version(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

/*
 * Programs that write a title leave one argument, "nginx: master process /usr/sbin/nginx": its
 * first word counts. A login shell is "-bash". An interpreter goes without its version.
 */
static void line_program(struct family_line *line)
{
    const char *first = line->arguments[0];
    char word[FAMILY_BYTES + 1];
    size_t length = line->count == 1 ? strcspn(first, " ") : strlen(first);
    text_copy_span(word, sizeof(word), first, length);
    const char *base = base_of(word);
    base += *base == '-';
    length = text_copy(line->program, sizeof(line->program), base);
    if (length > 0 && line->program[length - 1] == ':')
        line->program[--length] = '\0';
    size_t bare = length;
    while (bare > 0 && is_version(line->program[bare - 1]))
        bare--;
    line->program[bare] = '\0';
    if (line->script || strcmp(line->program, "python") == 0 || strcmp(line->program, "pypy") == 0)
        return;
    text_copy_span(line->program, sizeof(line->program), base, length);
}

static void line_script(struct family_line *line, size_t length)
{
    size_t from, to;
    line->behind = 1;
    if (!script_find(line->bytes, length, &from, &to))
        return;
    line->script = line->bytes + from;
    for (size_t i = 1; i < line->count; i++) {
        const char *argument = line->arguments[i];
        if (line->script < argument || line->script > argument + strlen(argument))
            continue;
        line->behind = i + 1;
        line->module = argument[0] == '-' || strcmp(line->arguments[i - 1], "-m") == 0;
        if (argument[0] == '-') /* "-mapp" */
            line->script = argument + strcspn(argument, "m") + 1;
    }
}

static void line_split(struct family_line *line, const char *bytes, size_t length,
                       const char *redacted)
{
    *line = (struct family_line){.redacted = redacted};
    if (length > FAMILY_BYTES)
        length = FAMILY_BYTES;
    /* A title is followed by what is left of the old command line: NUL bytes. */
    while (length > 0 && bytes[length - 1] == '\0')
        length--;
    memcpy(line->bytes, bytes, length);
    for (size_t at = 0; at < length && line->count < FAMILY_ARGUMENTS;
         at += strlen(line->bytes + at) + 1)
        line->arguments[line->count++] = line->bytes + at;
    if (line->count == 0)
        line->arguments[line->count++] = line->bytes;
    line_script(line, length);
    line_program(line);
}

void family_recognise(const char *bytes, size_t length, const char *redacted,
                      struct family_label *ret_label)
{
    struct family_line line;
    struct family_label label = {.kind = GROUP_KIND_PREFORK};
    line_split(&line, bytes, length, redacted);
    if (!recognise_title(&line, &label) && !recognise_server(&line, &label))
        recognise_program(&line, &label);
    *ret_label = label;
    group_name_clean(label.name, ret_label->name);
}
