/* SPDX-License-Identifier: MIT */
/* What is read out of command lines, and that hostile ones give clean names without secrets. */
#include "model/family.h"

#include "base/text.h"
#include "model/cmdline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE_SIZE 4096

static struct family_label recognise(const char *bytes, size_t length)
{
    char redacted[LINE_SIZE];
    struct family_label label;
    cmdline_redact(bytes, length, redacted, sizeof(redacted));
    family_recognise(bytes, length, redacted, &label);
    return label;
}

/* Arguments are separated by '|' here. */
static struct family_label recognise_text(const char *text)
{
    char bytes[LINE_SIZE];
    size_t length = text_copy(bytes, sizeof(bytes), text) + 1;
    for (char *at = bytes; *at; at++)
        if (*at == '|')
            *at = '\0';
    return recognise(bytes, length);
}

struct expected {
    const char *text;
    enum group_kind kind;
    enum family_part part;
    const char *name;
};

static void check(const struct expected *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct family_label label = recognise_text(rows[i].text);
        print_message("%s\n", rows[i].text);
        assert_string_equal(label.name, rows[i].name);
        assert_int_equal(label.kind, rows[i].kind);
        assert_int_equal(label.part, rows[i].part);
    }
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void servers(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        {"/usr/bin/python3|/usr/bin/gunicorn|-w|4|-b|127.0.0.1:8000|web:app", GROUP_KIND_GUNICORN,
         FAMILY_PART_SERVER, "gunicorn:web:app"},
        {"/usr/bin/python3|-m|gunicorn|web.asgi:create()|-w|4", GROUP_KIND_GUNICORN,
         FAMILY_PART_SERVER, "gunicorn:web.asgi:create()"},
        {"/venv/bin/python|/venv/bin/gunicorn|-c|python:conf|-w|2|wsgi", GROUP_KIND_GUNICORN,
         FAMILY_PART_SERVER, "gunicorn:wsgi"},
        {"/venv/bin/python|/venv/bin/gunicorn|-w|4", GROUP_KIND_GUNICORN, FAMILY_PART_SERVER,
         "gunicorn"},
        {"gunicorn: master [web:app]", GROUP_KIND_GUNICORN, FAMILY_PART_SERVER, "gunicorn:web:app"},
        {"gunicorn: worker []||||", GROUP_KIND_GUNICORN, FAMILY_PART_SERVER, "gunicorn"},
        {"/usr/bin/uwsgi-core|--http|:80|--module|web:app|--master", GROUP_KIND_UWSGI,
         FAMILY_PART_SERVER, "uwsgi:web:app"},
        {"/usr/bin/uwsgi|--ini=/etc/uwsgi/shop.ini", GROUP_KIND_UWSGI, FAMILY_PART_SERVER,
         "uwsgi:shop.ini"},
        {"uWSGI worker 3", GROUP_KIND_UWSGI, FAMILY_PART_SERVER, "uwsgi"},
        {"/usr/bin/python3|/usr/bin/celery|-A|proj|worker|-c|4", GROUP_KIND_CELERY,
         FAMILY_PART_SERVER, "celery:proj"},
        {"python3|-m|celery|--app=proj.tasks|worker", GROUP_KIND_CELERY, FAMILY_PART_SERVER,
         "celery:proj.tasks"},
        {"[celeryd: celery@host:MainProcess] -active- (-A proj worker)", GROUP_KIND_CELERY,
         FAMILY_PART_SERVER, "celery:proj"},
        /* a command of celery, no server */
        {"/usr/bin/python3|/usr/bin/celery|-A|proj|inspect|ping", GROUP_KIND_MULTIPROCESSING,
         FAMILY_PART_ANY, "python celery"},
        {"/usr/bin/python3|/usr/bin/uvicorn|--workers|2|web:app", GROUP_KIND_MULTIPROCESSING,
         FAMILY_PART_SERVER, "uvicorn:web:app"},
    };
    CHECK(rows);
}

static void programs(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        {"python3.11|-X|dev|/srv/etl.py|--fast", GROUP_KIND_MULTIPROCESSING, FAMILY_PART_ANY,
         "python etl.py"},
        {"/opt/My Python/python3|/srv/a b.py", GROUP_KIND_MULTIPROCESSING, FAMILY_PART_ANY,
         "python a b.py"},
        {"python|-m|etl.run|x", GROUP_KIND_MULTIPROCESSING, FAMILY_PART_ANY, "python -m etl.run"},
        {"python|-metl", GROUP_KIND_MULTIPROCESSING, FAMILY_PART_ANY, "python -m etl"},
        {"python3|-c|import x", GROUP_KIND_MULTIPROCESSING, FAMILY_PART_ANY, "python"},
        {"perl|/srv/server.pl", GROUP_KIND_PREFORK, FAMILY_PART_ANY, "perl server.pl"},
        {"nginx: master process /usr/sbin/nginx -g daemon on;", GROUP_KIND_PREFORK, FAMILY_PART_ANY,
         "nginx"},
        {"/usr/lib/postgresql/15/bin/postgres|-D|/var/lib", GROUP_KIND_PREFORK, FAMILY_PART_ANY,
         "postgres"},
        {"php-fpm8.2: master process (/etc/php/fpm.conf)", GROUP_KIND_PREFORK, FAMILY_PART_ANY,
         "php-fpm8.2"},
        {"/usr/sbin/apache2|-k|start", GROUP_KIND_PREFORK, FAMILY_PART_ANY, "apache2"},
        {"-bash", GROUP_KIND_PREFORK, FAMILY_PART_STRANGER, "bash"},
        {"sshd: root@pts/0", GROUP_KIND_PREFORK, FAMILY_PART_STRANGER, "sshd"},
        {"(sd-pam)", GROUP_KIND_PREFORK, FAMILY_PART_STRANGER, "(sd-pam)"},
        {"", GROUP_KIND_PREFORK, FAMILY_PART_ANY, ""},
        {"|||", GROUP_KIND_PREFORK, FAMILY_PART_ANY, ""},
    };
    CHECK(rows);
}

static void parts_of_multiprocessing(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        {"/usr/bin/python3|-c|from multiprocessing.spawn import spawn_main; "
         "spawn_main(tracker_fd=5, pipe_handle=7)|--multiprocessing-fork",
         GROUP_KIND_MULTIPROCESSING, FAMILY_PART_SPAWNED, "python"},
        {"/usr/bin/python3|-s|-c|from multiprocessing.resource_tracker import main;main(5)",
         GROUP_KIND_MULTIPROCESSING, FAMILY_PART_TRACKER, "python"},
        {"/usr/bin/python3.6|-c|from multiprocessing.semaphore_tracker import main;main(3)",
         GROUP_KIND_MULTIPROCESSING, FAMILY_PART_TRACKER, "python"},
        {"/usr/bin/python3|-c|from multiprocessing.forkserver import main; main(6, 7, [], **{})",
         GROUP_KIND_MULTIPROCESSING, FAMILY_PART_FORKSERVER, "python"},
        {"/usr/bin/python3|-m|joblib.externals.loky.backend.popen_loky_posix|--pipe|17",
         GROUP_KIND_MULTIPROCESSING, FAMILY_PART_SPAWNED,
         "python -m joblib.externals.loky.backend.popen_loky_posix"},
        /* Another program may say the same: it is none of multiprocessing's. */
        {"grep|--multiprocessing-fork", GROUP_KIND_PREFORK, FAMILY_PART_ANY, "grep"},
    };
    CHECK(rows);
}

static void names_hide_secrets(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "python3|/usr/bin/gunicorn|--password=hunter2|-w|4",
        "python3|/usr/bin/gunicorn|--token|hunter2|--reload",
        "uwsgi|--module|password=hunter2",
        "python3|/usr/bin/celery|-A|redis://user:hunter2@host|worker",
        "gunicorn: master [password=hunter2]",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct family_label label = recognise_text(lines[i]);
        print_message("%s -> %s\n", lines[i], label.name);
        assert_null(strstr(label.name, "hunter2"));
    }
}

static void check_name(const char *name)
{
    assert_true(strlen(name) < GROUP_NAME_SIZE);
    assert_true(text_is_clean(name));
    assert_null(strpbrk(name, "/,"));
}

static void hostile_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\033[2J\n",
        "a/b,c",
        "gunicorn: master [\n\xff\xfe]",
        "gunicorn: master []]][[",
        "python3|\x9b[31m.py",
        "uWSGI \xe2\x80\xae\xe2\x80\xac",
        "[celeryd: -A ",
        "[celeryd: -A -A -A",
        "python3|/usr/bin/gunicorn|a:b|-c",
        " , / ",
        "//////",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        check_name(recognise_text(lines[i]).name);
    struct family_label label = recognise_text("a/b,c");
    assert_string_equal(label.name, "b_c");
    unsigned seed = 5;
    static const char *const pieces[] = {"gunicorn", "uwsgi", "celery", "worker", ":",  "/",
                                         "[",        "]",     "-A",     "python", "-m", "-c",
                                         "=",        "\xff",  "\n",     " ",      "***"};
    for (int round = 0; round < 20000; round++) {
        char bytes[LINE_SIZE * 2];
        size_t length = 0, count = 1 + (size_t)rand_r(&seed) % (round % 100 == 0 ? 900 : 12);
        for (size_t i = 0; i < count; i++) {
            const char *piece =
                pieces[(size_t)rand_r(&seed) % (sizeof(pieces) / sizeof(pieces[0]))];
            length += text_copy(bytes + length, sizeof(bytes) - length - 1, piece);
            if (rand_r(&seed) % 2)
                bytes[length++] = '\0';
        }
        check_name(recognise(bytes, length).name);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers),
        cmocka_unit_test(programs),
        cmocka_unit_test(parts_of_multiprocessing),
        cmocka_unit_test(names_hide_secrets),
        cmocka_unit_test(hostile_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
