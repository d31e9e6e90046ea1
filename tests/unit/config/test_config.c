/* SPDX-License-Identifier: MIT */
/* Settings: every item, every error with its place, files and drop-ins. */
#include "config/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct config config;
static struct config_errors errors;

static int parse(const char *text)
{
    config_init(&config);
    errors = (struct config_errors){0};
    return config_parse(&config, "m.conf", text, strlen(text), &errors);
}

static void the_defaults(void **state)
{
    (void)state;
    config_init(&config);
    assert_int_equal(config.tick_usec, 1000000);
    assert_int_equal(config.slow_period_usec, 10000000);
    assert_int_equal(config.max_processes, 32768);
    assert_string_equal(config.state_directory, "");
    assert_string_equal(config.runtime_directory, "");
    assert_true(config.http_listen);
    assert_string_equal(config.http_address, "127.0.0.1");
    assert_int_equal(config.http_port, 6368);
    assert_false(config.allow_non_loopback);
    assert_string_equal(config.admin_group, "memtend-admin");
    assert_int_equal(config.max_size_bytes, INT64_C(2) << 30);
    assert_int_equal(config.grace_usec, 3000000);
    assert_int_equal(config.actions_per_minute, 30);
    assert_true(config.probe);
    assert_int_equal(config.deep_budget_permyriad, 50);
    assert_int_equal(config.outside_scan, CONFIG_OUTSIDE_SCAN_SAME_UID);
    errors = (struct config_errors){0};
    assert_int_equal(config_check(&config, &errors), 0);
}

static void a_whole_file(void **state)
{
    (void)state;
    assert_int_equal(parse("# memtend\n"
                           "; another comment\n"
                           "[Daemon]\n"
                           "Tick=500ms\n"
                           "  SlowPeriod = 30 s \r\n"
                           "MaxProcesses=1000\n"
                           "StateDirectory=/srv/state dir\n"
                           "RuntimeDirectory=\n"
                           "CgroupDirectory=/host/sys/fs/cgroup\n"
                           "\n"
                           "[HTTP]\n"
                           "Listen=[::1]:80\n"
                           "AllowNonLoopback=yes\n"
                           "AdminGroup=\n"
                           "[Store]\n"
                           "KeepSamples=2d\n"
                           "KeepEvents=90d\n"
                           "MaxSize=200MiB\n"
                           "[Actions]\n"
                           "Grace=0s\n"
                           "PerMinute=1\n"
                           "[Probe]\n"
                           "Enable=no\n"
                           "DeepBudget=1.25%\n"
                           "OutsideScan=all\n"
                           "[Daemon]\n"
                           "Tick=2s"),
                     0);
    assert_int_equal(errors.count, 0);
    assert_int_equal(config.tick_usec, 2000000);
    assert_int_equal(config.slow_period_usec, 30000000);
    assert_int_equal(config.max_processes, 1000);
    assert_string_equal(config.state_directory, "/srv/state dir");
    assert_string_equal(config.http_address, "::1");
    assert_int_equal(config.http_port, 80);
    assert_string_equal(config.cgroup_directory, "/host/sys/fs/cgroup");
    assert_int_equal(config.http_place.line, 12);
    assert_int_equal(config.http_place.column, 8);
    assert_true(config.allow_non_loopback);
    assert_string_equal(config.admin_group, "");
    assert_int_equal(config.keep_samples_usec, UINT64_C(172800000000));
    assert_int_equal(config.max_size_bytes, 200 << 20);
    assert_int_equal(config.grace_usec, 0);
    assert_int_equal(config.actions_per_minute, 1);
    assert_false(config.probe);
    assert_int_equal(config.deep_budget_permyriad, 125);
    assert_int_equal(config.outside_scan, CONFIG_OUTSIDE_SCAN_ALL);
}

static void groups_by_name(void **state)
{
    (void)state;
    assert_int_equal(parse("[Group web]\nCmdline=gunicorn .*web:app\nUnit=web@*.service\n"
                           "[Daemon]\nTick=2s\n[Group jobs]\nName=job-?\n"
                           "[Group web]\nUnit=web.service\n"),
                     0);
    assert_int_equal(config.group_count, 2);
    assert_string_equal(config.groups[0].name, "web");
    assert_string_equal(config.groups[0].cmdline, "gunicorn .*web:app");
    assert_string_equal(config.groups[0].unit, "web.service");
    assert_string_equal(config.groups[1].name, "jobs");
    assert_string_equal(config.groups[1].agent_name, "job-?");
    assert_int_equal(config_check(&config, &errors), 0);

    parse("[Group a]\nUnit=x\n\n[Group b]\n[Group c]\nUnit=\n");
    assert_int_equal(errors.count, 0);
    assert_int_equal(config_check(&config, &errors), -EINVAL);
    assert_int_equal(errors.count, 2);
    assert_int_equal(errors.items[0].error.line, 4);
    assert_non_null(strstr(errors.items[0].error.text, "the group `b' says nothing"));
}

static void more_groups_than_there_is_room_for(void **state)
{
    (void)state;
    char text[CONFIG_GROUPS_LIMIT * 32 + 64];
    size_t length = 0;
    for (int i = 0; i <= CONFIG_GROUPS_LIMIT; i++)
        length +=
            (size_t)snprintf(text + length, sizeof(text) - length, "[Group g%d]\nUnit=u%d\n", i, i);
    assert_int_equal(parse(text), -EINVAL);
    assert_int_equal(config.group_count, CONFIG_GROUPS_LIMIT);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].error.text, "more than 32 groups");
}

/* One wrong line; its error and place. */
static void wrong_lines(void **state)
{
    static const struct {
        const char *text;
        int line, column;
        const char *error;
    } cases[] = {
        {"Tick=1s", 1, 1, "`Tick' stands before any section"},
        {"[Deamon]\nTick=x", 1, 2, "unknown section `Deamon' (did you mean `Daemon'?)"},
        {"[Colours]", 1, 2, "unknown section `Colours'"},
        {"[Group]", 1, 2,
         "a group is written [Group NAME], with up to 63 letters, digits, '.', '_', '-'"},
        {"[Group a/b]\nUnit=x", 1, 2,
         "a group is written [Group NAME], with up to 63 letters, digits, '.', '_', '-'"},
        {"[Group web]\nUnti=x", 2, 1, "unknown key `Unti' of a group (did you mean `Unit'?)"},
        {"[Group web]\nColour=red", 2, 1,
         "unknown key `Colour' of a group: use Unit, Name or Cmdline"},
        {"[Group web]\nCmdline=(a", 2, 9, "invalid regular expression: Unmatched ( or \\("},
        {"[Group web]\nCmdline=(a)\\1", 2, 9,
         "back-references are not part of extended regular expressions"},
        {"[Daemon", 1, 1, "a section is written [Name]"},
        {" [] ", 1, 2, "a section is written [Name]"},
        {"[Daemon]\n  Tik=1s", 2, 3, "unknown key `Tik' (did you mean `Tick'?)"},
        {"[Daemon]\ntick=1s", 2, 1, "unknown key `tick' (did you mean `Tick'?)"},
        {"[Daemon]\nMaxSize=1GiB", 2, 1, "`MaxSize' belongs into section [Store]"},
        {"[Daemon]\nColour=red", 2, 1, "unknown key `Colour' in [Daemon]"},
        {"[Daemon]\nTick", 2, 1, "expected Key=value or [Section]"},
        {"[Daemon]\nTick= 5", 2, 7, "`5' needs a unit: a time such as 500ms, 20s, 5m, 1h or 7d"},
        {"[Daemon]\nTick=", 2, 6, "`' is not a time such as 500ms, 20s, 5m, 1h or 7d"},
        {"[Daemon]\nTick=fast", 2, 6, "`fast' is not a time such as 500ms, 20s, 5m, 1h or 7d"},
        {"[Daemon]\nTick=10MiB", 2, 6, "`10MiB' is not a time such as 500ms, 20s, 5m, 1h or 7d"},
        {"[Daemon]\nTick=5min", 2, 6, "unknown unit `min' (did you mean `m'?)"},
        {"[Daemon]\nTick=10ms", 2, 6, "`10ms' is out of range: 100ms to 10s"},
        {"[Daemon]\nTick=1m", 2, 6, "`1m' is out of range: 100ms to 10s"},
        {"[Daemon]\nMaxProcesses=many", 2, 14, "`many' is not a plain number such as 30"},
        {"[Daemon]\nMaxProcesses=1.5", 2, 14, "`1.5' has too many decimals"},
        {"[Daemon]\nMaxProcesses=-1", 2, 14, "`-1' is not a plain number such as 30"},
        {"[Daemon]\nStateDirectory=state", 2, 16, "`state' does not begin with /"},
        {"[HTTP]\nListen=6368", 2, 8, "`6368' is not ADDRESS:PORT such as 127.0.0.1:6368"},
        {"[HTTP]\nListen=127.0.0.1:", 2, 8,
         "`127.0.0.1:' is not ADDRESS:PORT such as 127.0.0.1:6368"},
        {"[HTTP]\nListen=127.0.0.1:70000", 2, 8, "port 70000 is above 65535"},
        {"[HTTP]\nListen=example.org:80", 2, 8, "`example.org' is not a numeric address"},
        {"[HTTP]\nListen=::1:80", 2, 8, "`::1' is not a numeric address: write [ADDRESS]:PORT"},
        {"[HTTP]\nListen=[127.0.0.1]:80", 2, 8, "`127.0.0.1' is not a numeric address"},
        {"[HTTP]\nListen=[]:80", 2, 8, "`[]' is not a numeric address"},
        {"[HTTP]\nAllowNonLoopback=maybe", 2, 18, "`maybe' is neither yes nor no"},
        {"[HTTP]\nAdminGroup=a b", 2, 12, "`a b' is not the name of a group"},
        {"[Probe]\nDeepBudget=20%", 2, 12, "`20%' is out of range: 0.01% to 10%"},
        {"[Probe]\nOutsideScan=yes", 2, 13, "`yes' is not one of: same-uid, all, or off"},
        {"[Probe]\nDeepBudget=0.005%", 2, 12, "`0.005%' has too many decimals"},
        {"[Daemon]\nTick=1s\x1b", 2, 8,
         "not a character that belongs here: control character or invalid UTF-8"},
        {"[Daemon]\n\xff=1s", 2, 1,
         "not a character that belongs here: control character or invalid UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].text), -EINVAL);
        assert_int_equal(errors.count, 1);
        assert_string_equal(errors.items[0].error.text, cases[i].error);
        assert_string_equal(errors.items[0].file, "m.conf");
        assert_int_equal(errors.items[0].error.line, cases[i].line);
        assert_int_equal(errors.items[0].error.column, cases[i].column);
    }
}

static void all_errors_at_once_and_good_values_stay(void **state)
{
    (void)state;
    assert_int_equal(parse("[Daemon]\nTick=2s\nTick=1h\n[Deamon]\nTick=3s\n[Store]\nMaxSize=5\n"),
                     -EINVAL);
    assert_int_equal(errors.count, 3);
    assert_int_equal(errors.items[0].error.line, 3);
    assert_int_equal(errors.items[1].error.line, 4);
    assert_int_equal(errors.items[2].error.line, 7);
    assert_int_equal(config.tick_usec, 2000000);
}

static void more_errors_than_are_kept(void **state)
{
    char text[CONFIG_ERROR_LIMIT * 8] = "";
    (void)state;
    for (size_t i = 0; i < sizeof(text) - 3; i += 2)
        memcpy(text + i, "x\n", 3);
    assert_int_equal(parse(text), -EINVAL);
    assert_true(errors.count > CONFIG_ERROR_LIMIT);
}

static void long_lines_and_files(void **state)
{
    char *text = malloc(CONFIG_TEXT_LIMIT + 2);
    assert_non_null(text);
    (void)state;
    memset(text, 'a', CONFIG_TEXT_LIMIT + 1);
    text[CONFIG_TEXT_LIMIT + 1] = '\0';
    assert_int_equal(parse(text), -EINVAL);
    assert_int_equal(errors.items[0].error.line, 0);
    text[CONFIG_TEXT_LIMIT] = '\0';
    assert_int_equal(parse(text), -EINVAL);
    assert_string_equal(errors.items[0].error.text, "the line is too long");
    memcpy(text, "[Daemon]\nStateDirectory=/", 25);
    text[700] = '\0';
    assert_int_equal(parse(text), -EINVAL);
    assert_string_equal(errors.items[0].error.text, "the value is too long");
    free(text);
}

static void addresses_that_others_can_reach(void **state)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"[HTTP]\nListen=0.0.0.0:6368", -EINVAL},
        {"[HTTP]\nListen=192.168.1.2:6368", -EINVAL},
        {"[HTTP]\nListen=[::]:6368", -EINVAL},
        {"[HTTP]\nListen=[fe80::1]:6368", -EINVAL},
        {"[HTTP]\nListen=0.0.0.0:6368\nAllowNonLoopback=yes", 0},
        {"[HTTP]\nAllowNonLoopback=yes\nListen=0.0.0.0:6368", 0},
        {"[HTTP]\nListen=0.0.0.0:6368\nListen=off", 0},
        {"[HTTP]\nListen=127.255.0.9:0", 0},
        {"[HTTP]\nListen=localhost:6368", 0},
        {"[HTTP]\nListen=[::1]:6368", 0},
        {"[HTTP]\nListen=off", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].text), 0);
        assert_int_equal(config_check(&config, &errors), cases[i].result);
    }
    parse(cases[0].text);
    config_check(&config, &errors);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.items[0].error.line, 2);
    assert_int_equal(errors.items[0].error.column, 8);
    assert_non_null(strstr(errors.items[0].error.text, "AllowNonLoopback"));
}

static void from_the_command_line(void **state)
{
    struct error error = {0};
    (void)state;
    config_init(&config);
    assert_int_equal(config_set(&config, "HTTP", "Listen", "127.0.0.1:0", &error), 0);
    assert_int_equal(config.http_port, 0);
    assert_int_equal(config_set(&config, "Daemon", "StateDirectory", "./state", &error), 0);
    assert_string_equal(config.state_directory, "./state");
    assert_int_equal(config_set(&config, "HTTP", "Listen", "x", &error), -EINVAL);
    assert_non_null(strstr(error.text, "ADDRESS:PORT"));
    assert_int_equal(config.http_port, 0);
    assert_int_equal(config_set(&config, "HTTP", "Colour", "x", &error), -ENOENT);
}

/* What --help prints can be used as a file, and says the defaults. */
static void the_help_is_a_good_file(void **state)
{
    struct buffer buffer;
    (void)state;
    buffer_init(&buffer, 65536);
    assert_int_equal(config_format_help(&buffer), 0);
    assert_int_equal(buffer_append(&buffer, "", 1), 0);
    assert_non_null(strstr(buffer.data, "# 100ms to 10s\nTick=1s\n"));
    assert_non_null(strstr(buffer.data, "[HTTP]\n"));
    assert_int_equal(parse(buffer.data), 0);
    struct config read = config, defaults;
    config_init(&defaults);
    read.http_place = defaults.http_place;
    assert_memory_equal(&read, &defaults, sizeof(read));
    buffer_finish(&buffer);
    buffer_init(&buffer, 100);
    assert_int_equal(config_format_help(&buffer), -ENOBUFS);
    buffer_finish(&buffer);
}

/* ---- files ---- */

static char directory[] = "/tmp/memtend-config-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int load(bool must_exist)
{
    char path[128];
    errors = (struct config_errors){0};
    snprintf(path, sizeof(path), "%s/memtend.conf", directory);
    return config_load(path, must_exist, &config, &errors);
}

static int make_directory(void **state)
{
    char path[128];
    (void)state;
    memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/conf.d", directory);
    return mkdir(path, 0755);
}

static int remove_directory(void **state)
{
    static const char *const names[] = {
        "memtend.conf",      "conf.d/10-a.conf", "conf.d/20-b.conf", "conf.d/9.conf",
        "conf.d/x.conf.bak", "conf.d/.y.conf",   "conf.d",           ""};
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        if (unlink(path) < 0)
            rmdir(path);
    }
    return 0;
}

static void drop_ins_win_in_the_order_of_their_names(void **state)
{
    (void)state;
    write_file("memtend.conf", "[Daemon]\nTick=2s\nSlowPeriod=20s\n[Actions]\nGrace=1s\n");
    write_file("conf.d/20-b.conf", "[Daemon]\nTick=4s\n");
    write_file("conf.d/10-a.conf", "[Daemon]\nTick=3s\nSlowPeriod=30s\n");
    write_file("conf.d/x.conf.bak", "nonsense");
    write_file("conf.d/.y.conf", "nonsense");
    assert_int_equal(load(true), 0);
    assert_int_equal(config.tick_usec, 4000000);
    assert_int_equal(config.slow_period_usec, 30000000);
    assert_int_equal(config.grace_usec, 1000000);
}

static void errors_of_all_files_and_nothing_changes(void **state)
{
    (void)state;
    config_init(&config);
    config.tick_usec = 77;
    write_file("memtend.conf", "[Daemon]\nTick=x\n[HTTP]\nListen=0.0.0.0:1\n");
    write_file("conf.d/10-a.conf", "\nTick=3s\n");
    assert_int_equal(load(true), -EINVAL);
    assert_int_equal(errors.count, 3);
    assert_non_null(strstr(errors.items[0].file, "/memtend.conf"));
    assert_non_null(strstr(errors.items[1].file, "/conf.d/10-a.conf"));
    assert_int_equal(errors.items[1].error.line, 2);
    assert_non_null(strstr(errors.items[2].file, "/memtend.conf"));
    assert_int_equal(errors.items[2].error.line, 4);
    assert_int_equal(config.tick_usec, 77);
}

static void absent_files(void **state)
{
    (void)state;
    assert_int_equal(load(false), 0);
    assert_int_equal(config.tick_usec, 1000000);
    assert_int_equal(load(true), -ENOENT);
    assert_int_equal(errors.count, 1);
    write_file("conf.d/10-a.conf", "[Daemon]\nTick=3s\n");
    assert_int_equal(load(false), 0);
    assert_int_equal(config.tick_usec, 3000000);
}

#define TEST_FILE(function)                                                                        \
    cmocka_unit_test_setup_teardown(function, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults),
        cmocka_unit_test(a_whole_file),
        cmocka_unit_test(groups_by_name),
        cmocka_unit_test(more_groups_than_there_is_room_for),
        cmocka_unit_test(wrong_lines),
        cmocka_unit_test(all_errors_at_once_and_good_values_stay),
        cmocka_unit_test(more_errors_than_are_kept),
        cmocka_unit_test(long_lines_and_files),
        cmocka_unit_test(addresses_that_others_can_reach),
        cmocka_unit_test(from_the_command_line),
        cmocka_unit_test(the_help_is_a_good_file),
        TEST_FILE(drop_ins_win_in_the_order_of_their_names),
        TEST_FILE(errors_of_all_files_and_nothing_changes),
        TEST_FILE(absent_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
