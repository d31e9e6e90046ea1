/* SPDX-License-Identifier: MIT */
#include "top.h"

#include "say.h"
#include "show.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <curses.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCREEN_LOOK_MSEC 2000 /* a pass over /proc of 1,000 processes takes some 20 ms */
#define SCREEN_REDRAW    12   /* Ctrl-L */
#define SCREEN_HEAD      3    /* lines above the rows */
#define SCREEN_KEYS      "Enter why  r/p/u/s/c/a sort  arrows move  space look now  q quit"

static SCREEN *screen;
static int messages = -1; /* stderr as it was; a line on it would tear the screen */
static bool in_colour;
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* ncurses would end the program with status 1. Without SA_RESTART: the wait for a key ends. */
static void set_signals(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        sigaction(ends[i], &action, NULL);
}

static void hold_messages(void)
{
    _cleanup_(closep) int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    messages = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (messages >= 0 && nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
}

static void release_messages(void)
{
    if (messages < 0)
        return;
    dup2(messages, STDERR_FILENO);
    close(messages);
    messages = -1;
}

bool screen_begin(const char *when)
{
    const char *no_color = getenv("NO_COLOR");
    screen = newterm(NULL, stdout, stdin);
    if (!screen)
        return false;
    bool wanted = !when || strcmp(when, "never") != 0;
    if (no_color && *no_color && (!when || strcmp(when, "always") != 0))
        wanted = false;
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    set_escdelay(50);
    set_signals();
    hold_messages();
    in_colour = wanted && has_colors();
    if (in_colour) {
        start_color();
        use_default_colors();
        init_pair(1, COLOR_YELLOW, -1);
        init_pair(2, COLOR_GREEN, -1);
    }
    show_init("never"); /* texts of other commands are put on the screen as they are */
    return true;
}

void screen_end(void)
{
    release_messages();
    endwin();
    delscreen(screen);
    screen = NULL;
}

/* As much of it as the line has room for; text is clean. */
static void put(int line, int column, const char *text)
{
    if (line < LINES && column < COLS)
        mvaddnstr(line, column, text, -1);
}

static void put_head(const struct top *top)
{
    char text[160];
    snprintf(text, sizeof(text), "memtend top  %zu processes by %s%s%s  %s%s",
             json_array_size(top->items), top->sort->name, top->query ? ", " : "",
             top->query ? top->query : "",
             top->client.curl ? "from the daemon" : "from /proc (%CPU since each one's start)",
             top->stale ? "  NO ANSWER, this is older" : "");
    put(0, 0, text);
    put(1, 0, SCREEN_KEYS);
    attron(A_REVERSE);
    snprintf(text, sizeof(text), "%8s %10s %10s %10s %10s %10s %6s %8s  %s", "PID", "RSS", "+/-",
             "PSS", "USS", "HEADROOM", "%CPU", "AGE", "COMMAND");
    put(SCREEN_HEAD - 1, 0, text);
    for (int column = (int)strlen(text); column < COLS; column++)
        mvaddch(SCREEN_HEAD - 1, column, ' ');
    attroff(A_REVERSE);
}

/* "+12 MiB" since it was first seen; "" when it is what it was. */
static void grown(const struct top *top, json_t *process, char ret_text[static SHOW_VALUE_SIZE],
                  int *ret_pair)
{
    double now = 0, first = 0;
    char bytes[TEXT_BYTES_SIZE];
    ret_text[0] = '\0';
    *ret_pair = 0;
    if (!member_number(process, "rss_bytes", &now) ||
        !member_number(top->first, member_text(process, "id"), &first) || now == first)
        return;
    text_format_bytes((int64_t)(now > first ? now - first : first - now), bytes);
    snprintf(ret_text, SHOW_VALUE_SIZE, "%c%s", now > first ? '+' : '-', bytes);
    *ret_pair = now > first ? 1 : 2;
}

static void put_row(const struct top *top, size_t index, int line)
{
    json_t *process = json_array_get(top->items, index);
    char pid[SHOW_VALUE_SIZE], rss[SHOW_VALUE_SIZE], pss[SHOW_VALUE_SIZE], uss[SHOW_VALUE_SIZE];
    char room[SHOW_VALUE_SIZE], cpu[SHOW_VALUE_SIZE], age[SHOW_VALUE_SIZE], more[SHOW_VALUE_SIZE];
    char text[1024];
    int pair;
    const char *name = member_text(process, "name");
    grown(top, process, more, &pair);
    int used = snprintf(
        text, sizeof(text), "%8s %10s %10s %10s %10s %10s %6s %8s  ",
        show_count(process, "pid", pid), show_bytes(process, "rss_bytes", rss), more,
        show_bytes(process, "pss_bytes", pss), show_bytes(process, "uss_bytes", uss),
        show_bytes(process, "headroom_bytes", room), show_percent(process, "cpu_percent", cpu),
        show_seconds(process, "age_seconds", age));
    snprintf(text + used, sizeof(text) - (size_t)used, "%s%s", name, *name ? ": " : "");
    size_t length = strlen(text);
    const char *cmdline = member_text(process, "cmdline");
    snprintf(text + length, sizeof(text) - length, "%s",
             *cmdline ? cmdline : member_text(process, "comm"));
    attr_t look = index == top->selected ? A_REVERSE : A_NORMAL;
    attron(look);
    put(line, 0, text);
    attroff(look);
    if (pair && in_colour && index != top->selected)
        mvchgat(line, 20, 10, A_NORMAL, (short)pair, NULL);
}

void screen_draw(const struct top *top)
{
    size_t rows = LINES > SCREEN_HEAD ? (size_t)(LINES - SCREEN_HEAD) : 0;
    size_t first = top->selected >= rows && rows > 0 ? top->selected - rows + 1 : 0;
    erase();
    put_head(top);
    for (size_t i = 0; i < rows && first + i < json_array_size(top->items); i++)
        put_row(top, first + i, SCREEN_HEAD + (int)i);
    refresh();
}

void screen_message(const char *text)
{
    attron(A_REVERSE);
    put(LINES - 1, 0, text);
    attroff(A_REVERSE);
    refresh();
}

void screen_text(const char *text)
{
    int line = 0;
    erase();
    for (const char *begin = text; *begin && line < LINES - 1; line++) {
        size_t length = strcspn(begin, "\n");
        mvaddnstr(line, 0, begin, (int)length);
        begin += length + (begin[length] == '\n');
    }
    screen_message("any key: back");
    timeout(-1);
    getch();
}

enum screen_key screen_key(char *ret_letter)
{
    static const struct {
        int code;
        enum screen_key key;
    } keys[] = {
        {ERR, SCREEN_KEY_NONE},        {KEY_UP, SCREEN_KEY_UP},  {KEY_DOWN, SCREEN_KEY_DOWN},
        {'k', SCREEN_KEY_UP},          {'j', SCREEN_KEY_DOWN},   {KEY_HOME, SCREEN_KEY_FIRST},
        {'g', SCREEN_KEY_FIRST},       {'\n', SCREEN_KEY_ENTER}, {'\r', SCREEN_KEY_ENTER},
        {KEY_ENTER, SCREEN_KEY_ENTER}, {' ', SCREEN_KEY_SPACE},  {'q', SCREEN_KEY_QUIT},
        {27, SCREEN_KEY_QUIT},
    };
    timeout(SCREEN_LOOK_MSEC);
    int code = getch();
    /* A terminal that went away answers at once, for ever. */
    if (interrupted || (code == ERR && isatty(STDIN_FILENO) != 1))
        return SCREEN_KEY_QUIT;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].code == code)
            return keys[i].key;
    if (code == SCREEN_REDRAW)
        clearok(curscr, TRUE);
    *ret_letter = (char)(code > 0 && code < 128 ? code : 0);
    return SCREEN_KEY_LETTER;
}
