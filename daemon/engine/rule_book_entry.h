/* SPDX-License-Identifier: MIT */
/*
 * The inside of the rule book, shared by rule_book.c (what is in force, and the tick) and
 * rule_command.c (what people ask of it). Loop thread only.
 */
#ifndef MEMTEND_ENGINE_RULE_BOOK_ENTRY_H
#define MEMTEND_ENGINE_RULE_BOOK_ENTRY_H

#include "engine/rule_book.h"
#include "engine/rule_files.h"
#include "rules/rules.h"

#define RULE_BOOK_LIMIT COMMAND_RULES_LIMIT /* files and API together */

struct rule_entry {
    struct rule *rule; /* owned */
    enum rule_source source;
    enum rule_state state;
    char *path;      /* FILE: owned */
    bool trusted;    /* FILE: `armed` in the text counts */
    uint32_t serial; /* never used again: ties the state kept for processes to this text */
    uint64_t last_fired_wall_usec, fired_count;
};

struct rule_book_arming {
    struct rule_arming arming;
    bool announced; /* that the text has changed since */
};

struct rule_book {
    struct journal *journal;
    const struct pause *pause;
    char *config_directory; /* owned, NULL = none */
    char **paths;           /* owned */
    size_t path_count;
    uint64_t tick_usec;
    struct rule_book_ops ops;

    size_t count;
    struct rule_entry entries[RULE_BOOK_LIMIT];
    size_t active_count;
    size_t active[RULE_BOOK_LIMIT]; /* indices of entries in force */
    size_t arming_count;
    struct rule_book_arming armings[RULE_BOOK_LIMIT];
    uint32_t next_serial;
    uint32_t generation; /* counts changes of active */
    bool idle;           /* the last tick had no rule to evaluate */
    size_t turn;         /* index of the process that the next tick begins with */
};

/* The one in force: of a file, else of the API. NULL when there is none. */
struct rule_entry *rule_book_find(struct rule_book *book, const char *name);
struct rule_entry *rule_book_find_source(struct rule_book *book, const char *name,
                                         enum rule_source source);
/* Adds or replaces the API rule of that name; takes the rule. -ENOSPC: the book is full. */
int rule_book_put(struct rule_book *book, struct rule *rule);
void rule_book_drop(struct rule_book *book, struct rule_entry *entry);
struct rule_book_arming *rule_book_find_arming(struct rule_book *book, const char *name);
/* -ENOSPC */
int rule_book_put_arming(struct rule_book *book, const struct rule_arming *arming);
void rule_book_drop_arming(struct rule_book *book, const char *name);
/* After any change: which rules are in force and which of them act. */
void rule_book_settle(struct rule_book *book);

#endif
