/* SPDX-License-Identifier: MIT */
/*
 * What `memtend top` shows (top.c) and how it gets on the terminal (screen.c, the only user of
 * ncurses). One thread, one terminal.
 */
#ifndef MEMTEND_CLI_TOP_H
#define MEMTEND_CLI_TOP_H

#include "client.h"

#include "model/metric.h"

#include <jansson.h>
#include <stdbool.h>

struct top_sort {
    const char *name;
    enum metric metric;
    char letter; /* its key */
};

struct top {
    struct client client; /* curl NULL: no daemon, from /proc */
    const struct top_sort *sort;
    const char *query; /* NULL = all */
    json_t *items;     /* as in GET /api/v1/processes; owned */
    json_t *first;     /* id -> RSS when it was first on the list; owned */
    size_t selected;   /* row under the cursor */
    bool stale;        /* the last look failed: what is shown is older */
};

enum screen_key {
    SCREEN_KEY_NONE, /* none within the time between two looks */
    SCREEN_KEY_UP,
    SCREEN_KEY_DOWN,
    SCREEN_KEY_FIRST,
    SCREEN_KEY_ENTER,
    SCREEN_KEY_SPACE,
    SCREEN_KEY_LETTER,
    SCREEN_KEY_QUIT,
};

/* Takes the terminal; false: it is not known to terminfo. when: as --color. */
bool screen_begin(const char *when);
void screen_end(void);
void screen_draw(const struct top *top);
/* Over the last line, at once. */
void screen_message(const char *text);
/* A text on the whole screen, until a key. */
void screen_text(const char *text);
/* Waits for a key for as long as between two looks. */
enum screen_key screen_key(char *ret_letter);

#endif
