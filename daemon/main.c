/* SPDX-License-Identifier: MIT */
/*
 * memtendd: arguments, configuration, and which role runs. Nothing else.
 */
#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/probe_role.h"
#include "engine/rule_book.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXIT_USAGE 2 /* usage, configuration or rules */

#define MAIN_RULE_FILES   64
#define MAIN_REPORT_LIMIT 65536

static const char main_help[] =
    "memtendd " MEMTEND_VERSION " - tends the memory of running programs\n"
    "\n"
    "SYNOPSIS\n"
    "  memtendd [--state-dir DIR] [--runtime-dir DIR] [--http ADDRESS:PORT]\n"
    "           [--config FILE] [--rules FILE]...\n"
    "  memtendd --check-config [--config FILE] [--rules FILE]...\n"
    "  memtendd probe [--fd N [--other-users]]\n"
    "\n"
    "DESCRIPTION\n"
    "  Watches every process, evaluates rules, asks in-process agents to collect and trim,\n"
    "  keeps history and receipts, serves REST and a dashboard. Runs in the foreground, as any\n"
    "  user, with no file needed. `memtend open` prints the dashboard's link.\n"
    "  probe: the role that reads what needs CAP_SYS_PTRACE; started by the daemon itself or by\n"
    "  its own unit.\n"
    "\n"
    "OPTIONS\n"
    "  --state-dir DIR     memtend.db and token. Default: /var/lib/memtend for root, else\n"
    "                      $XDG_STATE_HOME/memtend or ~/.local/state/memtend\n"
    "  --runtime-dir DIR   http.sock and agent/control.sock. Default: $MEMTEND_RUNTIME_DIR;\n"
    "                      /run/memtend for root, else $XDG_RUNTIME_DIR/memtend or\n"
    "                      ~/.local/state/memtend/run\n"
    "  --http ADDRESS:PORT where browsers are served (default 127.0.0.1:6368), or `off`\n"
    "  --config FILE       default: /etc/memtend/memtend.conf for root, else\n"
    "                      ~/.config/memtend/memtend.conf; conf.d/*.conf, rules.d/*.rules and\n"
    "                      PAUSE are looked for beside it\n"
    "  --rules FILE        one more file of rules; may be given several times\n"
    "  --check-config      check configuration and rules, say every error, start nothing\n"
    "  --help-config       print every setting with its default and meaning\n"
    "  --verbose           log more\n"
    "  --help, --version\n"
    "\n"
    "SIGNALS\n"
    "  SIGHUP reads the rule files again, whole or not at all; SIGTERM and SIGINT stop.\n"
    "\n"
    "EXIT STATUS\n"
    "  0 stopped when asked to; 1 could not start or failed; 2 usage, configuration or rules\n"
    "\n"
    "EXAMPLES\n"
    "  memtendd --state-dir /tmp/m --runtime-dir /tmp/m --http 127.0.0.1:0\n"
    "  memtendd --check-config --rules ./web.rules\n";

struct arguments {
    struct engine_options options;
    const char *config; /* --config, NULL = the default place */
    const char *state_directory, *runtime_directory, *http;
    const char *rule_files[MAIN_RULE_FILES];
    bool check;
    char config_path[CONFIG_PATH_SIZE], config_directory[CONFIG_PATH_SIZE];
};

enum {
    OPTION_STATE = 256,
    OPTION_RUNTIME,
    OPTION_HTTP,
    OPTION_CONFIG,
    OPTION_RULES,
    OPTION_CHECK,
    OPTION_HELP_CONFIG,
    OPTION_VERBOSE,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option main_options[] = {
    {"state-dir", required_argument, NULL, OPTION_STATE},
    {"runtime-dir", required_argument, NULL, OPTION_RUNTIME},
    {"http", required_argument, NULL, OPTION_HTTP},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"rules", required_argument, NULL, OPTION_RULES},
    {"check-config", no_argument, NULL, OPTION_CHECK},
    {"help-config", no_argument, NULL, OPTION_HELP_CONFIG},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static void main_print_config_help(void)
{
    struct buffer buffer;
    buffer_init(&buffer, MAIN_REPORT_LIMIT);
    if (config_format_help(&buffer) == 0)
        fwrite(buffer.data, 1, buffer.size, stdout);
    buffer_finish(&buffer);
}

static int main_add_rules(struct arguments *arguments, const char *path)
{
    if (arguments->options.rule_file_count == MAIN_RULE_FILES) {
        fprintf(stderr, "memtendd: more than %d --rules files; put them into rules.d\n",
                MAIN_RULE_FILES);
        return EXIT_USAGE;
    }
    arguments->rule_files[arguments->options.rule_file_count++] = path;
    return -1;
}

/* -1: go on; else the exit status. */
static int main_take(struct arguments *arguments, int option)
{
    switch (option) {
    case OPTION_STATE:
        arguments->state_directory = optarg;
        return -1;
    case OPTION_RUNTIME:
        arguments->runtime_directory = optarg;
        return -1;
    case OPTION_HTTP:
        arguments->http = optarg;
        return -1;
    case OPTION_CONFIG:
        arguments->config = optarg;
        return -1;
    case OPTION_RULES:
        return main_add_rules(arguments, optarg);
    case OPTION_CHECK:
        arguments->check = true;
        return -1;
    case OPTION_VERBOSE:
        log_set_level(LOG_LEVEL_DEBUG);
        return -1;
    case OPTION_HELP_CONFIG:
        main_print_config_help();
        return EXIT_SUCCESS;
    case OPTION_HELP:
        fputs(main_help, stdout);
        return EXIT_SUCCESS;
    case OPTION_VERSION:
        puts("memtendd " MEMTEND_VERSION);
        return EXIT_SUCCESS;
    default:
        fputs("memtendd: try `memtendd --help`\n", stderr);
        return EXIT_USAGE;
    }
}

static int main_parse(struct arguments *arguments, int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "", main_options, NULL)) != -1) {
        int status = main_take(arguments, option);
        if (status >= 0)
            return status;
    }
    if (optind < argc) {
        fprintf(stderr, "memtendd: what is `%s`? try `memtendd --help`\n", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

/* The default configuration file; an empty path when there is no home for one. */
static void main_default_config(char ret_path[static CONFIG_PATH_SIZE])
{
    const char *given = getenv("CONFIGURATION_DIRECTORY"); /* systemd.exec(5) */
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    ret_path[0] = '\0';
    if (given && given[0] == '/')
        snprintf(ret_path, CONFIG_PATH_SIZE, "%s/memtend.conf", given);
    else if (geteuid() == 0)
        text_copy(ret_path, CONFIG_PATH_SIZE, "/etc/memtend/memtend.conf");
    else if (base && base[0] == '/')
        snprintf(ret_path, CONFIG_PATH_SIZE, "%s/memtend/memtend.conf", base);
    else if (home && home[0] == '/')
        snprintf(ret_path, CONFIG_PATH_SIZE, "%s/.config/memtend/memtend.conf", home);
}

static void main_directory_of(const char *path, char ret_directory[static CONFIG_PATH_SIZE])
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        text_copy(ret_directory, CONFIG_PATH_SIZE, ".");
    else
        text_copy_span(ret_directory, CONFIG_PATH_SIZE, path,
                       slash == path ? 1 : (size_t)(slash - path));
}

static void main_print_errors(const struct config_errors *errors)
{
    size_t kept = errors->count < CONFIG_ERROR_LIMIT ? errors->count : CONFIG_ERROR_LIMIT;
    for (size_t i = 0; i < kept; i++) {
        const struct config_error *item = &errors->items[i];
        fprintf(stderr, "%s%s", item->file[0] ? item->file : "memtendd", ":");
        if (item->error.line > 0)
            fprintf(stderr, "%d:%d:", item->error.line, item->error.column);
        fprintf(stderr, " error: %s\n", item->error.text);
    }
    if (errors->count > kept)
        fprintf(stderr, "memtendd: and %zu more errors\n", errors->count - kept);
}

/* A value of the command line over that of the file. */
static int main_override(struct config *config, const char *section, const char *key,
                         const char *value)
{
    struct error error = {0};
    if (!value || config_set(config, section, key, value, &error) == 0)
        return 0;
    fprintf(stderr, "memtendd: %s: %s\n", value, error.text);
    return -EINVAL;
}

/* On the command line a directory may be relative; in a file it would depend on who starts us. */
static int main_override_directory(struct config *config, const char *key, const char *value)
{
    char here[CONFIG_PATH_SIZE], path[CONFIG_PATH_SIZE];
    if (!value || value[0] == '/')
        return main_override(config, "Daemon", key, value);
    if (!getcwd(here, sizeof(here)) ||
        (size_t)snprintf(path, sizeof(path), "%s/%s", here, value) >= sizeof(path)) {
        fprintf(stderr, "memtendd: %s: path too long\n", value);
        return -ENAMETOOLONG;
    }
    return main_override(config, "Daemon", key, path);
}

static int main_load_config(struct arguments *arguments)
{
    struct config *config = &arguments->options.config;
    char *path = arguments->config_path;
    if (arguments->config)
        text_copy(path, CONFIG_PATH_SIZE, arguments->config);
    else
        main_default_config(path);
    config_init(config);
    struct config_errors *errors = calloc(1, sizeof(*errors));
    if (!errors)
        return EXIT_FAILURE;
    int r = path[0] ? config_load(path, arguments->config != NULL, config, errors) : 0;
    if (main_override_directory(config, "StateDirectory", arguments->state_directory) < 0 ||
        main_override_directory(config, "RuntimeDirectory", arguments->runtime_directory) < 0 ||
        main_override(config, "HTTP", "Listen", arguments->http) < 0)
        r = -EINVAL;
    if (r == 0)
        r = config_check(config, errors);
    main_print_errors(errors);
    free(errors);
    if (path[0]) {
        main_directory_of(path, arguments->config_directory);
        arguments->options.config_directory = arguments->config_directory;
    }
    return r < 0 ? EXIT_USAGE : -1;
}

static int main_check_rules(const struct arguments *arguments)
{
    struct buffer report;
    buffer_init(&report, MAIN_REPORT_LIMIT);
    const struct engine_options *options = &arguments->options;
    int r = rule_book_check(options->config_directory, options->rule_files,
                            options->rule_file_count, &report);
    if (report.size > 0)
        fwrite(report.data, 1, report.size, stderr);
    buffer_finish(&report);
    if (r < 0) {
        fprintf(stderr, "memtendd: the rules cannot be used\n");
        return EXIT_USAGE;
    }
    puts("configuration and rules are good");
    return EXIT_SUCCESS;
}

static int main_head(int argc, char **argv)
{
    struct arguments arguments = {.options.version = MEMTEND_VERSION};
    arguments.options.rule_files = arguments.rule_files;
    int status = main_parse(&arguments, argc, argv);
    if (status < 0)
        status = main_load_config(&arguments);
    if (status >= 0)
        return status;
    if (arguments.check)
        return main_check_rules(&arguments);
    struct buffer report;
    struct error error = {0};
    buffer_init(&report, MAIN_REPORT_LIMIT);
    int r = engine_run(&arguments.options, &report, &error);
    if (r < 0) {
        if (report.size > 0)
            fwrite(report.data, 1, report.size, stderr);
        log_error("%s", error.text);
    }
    status = r == 0 ? EXIT_SUCCESS : report.size > 0 ? EXIT_USAGE : EXIT_FAILURE;
    buffer_finish(&report);
    return status;
}

/* `memtendd probe [--fd N [--other-users]]`: without --fd the socket is systemd's. */
static int main_probe(int argc, char **argv)
{
    /* Ended by _exit(): exit handlers may need what the role has given away. */
    uint64_t fd = 0;
    bool other_users = argc == 5 && strcmp(argv[4], "--other-users") == 0;
    if ((argc == 4 || other_users) && strcmp(argv[2], "--fd") == 0 &&
        text_parse_u64(argv[3], &fd) == 0 && fd <= INT32_MAX)
        _exit(probe_run((int)fd, "/proc", other_users));
    if (argc == 2)
        _exit(probe_run(-1, "/proc", false));
    fputs("usage: memtendd probe [--fd N [--other-users]]\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    /* Tables mapped for thousands of processes are touched in part: where huge pages are always
     * on, each would cost 2 MiB instead of what it holds (+12 MiB measured). Inherited by roles. */
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    if (argc > 1 && strcmp(argv[1], "probe") == 0)
        return main_probe(argc, argv);
    return main_head(argc, argv);
}
