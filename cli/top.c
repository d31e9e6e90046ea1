/* SPDX-License-Identifier: MIT */
/*
 * `memtend top`: `memtend ps` that stays, with what has grown since it began, and `memtend why` of
 * the row under the cursor. From the daemon, else from /proc. One thread; the terminal is ncurses'
 * between screen_begin() and screen_end().
 */
#include "top.h"

#include "client.h"
#include "local.h"
#include "say.h"
#include "show.h"
#include "verb.h"
#include "why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOP_ROWS 200 /* more than a screen has; the rest is small */

static const struct top_sort top_sorts[] = {
    {"rss", METRIC_RSS, 'r'},   {"pss", METRIC_PSS, 'p'}, {"uss", METRIC_USS, 'u'},
    {"swap", METRIC_SWAP, 's'}, {"cpu", METRIC_CPU, 'c'}, {"age", METRIC_AGE, 'a'},
};

/* ---- rows ---- */

static enum exit_code fetch_daemon(struct top *top, json_t **ret_items)
{
    struct request request;
    struct answer answer = {0};
    request_init(&request, "GET", "/api/v1/processes");
    request_query(&request, "sort", top->sort->name);
    request_query_number(&request, "limit", TOP_ROWS);
    if (top->query)
        request_query(&request, "q", top->query);
    enum exit_code code = client_ask(&top->client, &request, &answer);
    if (code == EXIT_CODE_OK)
        *ret_items = json_incref(member_array(answer.body, "items"));
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

static enum exit_code fetch_local(const struct top *top, json_t **ret_items)
{
    struct local_query query = {.text = top->query,
                                .sort = top->sort->metric,
                                .limit = TOP_ROWS,
                                .deep = top->sort->metric == METRIC_PSS ||
                                        top->sort->metric == METRIC_USS};
    struct local_gaps gaps;
    return local_processes(&query, ret_items, &gaps) < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

/* What each had when it was first on the list; those that ended stay: a list of 200 a time grows
 * slowly, and an id never comes again. */
static void remember(struct top *top)
{
    for (size_t i = 0; i < json_array_size(top->items); i++) {
        json_t *process = json_array_get(top->items, i);
        const char *id = member_text(process, "id");
        double rss;
        if (*id && !json_object_get(top->first, id) && member_number(process, "rss_bytes", &rss))
            json_object_set_new(top->first, id, json_real(rss));
    }
}

static void fetch(struct top *top)
{
    json_t *items = NULL;
    char selected[PROCESS_ID_SIZE];
    text_copy(selected, sizeof(selected),
              member_text(json_array_get(top->items, top->selected), "id"));
    enum exit_code code = top->client.curl ? fetch_daemon(top, &items) : fetch_local(top, &items);
    top->stale = code != EXIT_CODE_OK;
    if (top->stale || !items)
        return;
    json_decref(top->items);
    top->items = items;
    remember(top);
    /* The cursor stays with its process. */
    for (size_t i = 0; i < json_array_size(items); i++)
        if (*selected && strcmp(member_text(json_array_get(items, i), "id"), selected) == 0)
            top->selected = i;
}

/* ---- why ---- */

/* The text of `memtend why`, owned by the caller. */
static char *explain(struct top *top)
{
    char *text = NULL;
    size_t size = 0;
    struct process_id id;
    struct why why = {0};
    const char *target = member_text(json_array_get(top->items, top->selected), "id");
    FILE *out = say_no_memory(open_memstream(&text, &size));
    if (process_id_parse(target, &id) < 0 ||
        why_find(top->client.curl ? &top->client : NULL, id, &why) != EXIT_CODE_OK)
        fprintf(out, "%s is gone, or cannot be looked into\n", target);
    else
        why_print(out, &why);
    fclose(out);
    why_finish(&why);
    return text;
}

static void show_why(struct top *top)
{
    screen_message("looking ...");
    char *text = explain(top);
    screen_text(text);
    free(text);
}

/* ---- keys ---- */

static void move_to(struct top *top, size_t index)
{
    size_t count = json_array_size(top->items);
    top->selected = count == 0 ? 0 : index < count ? index : count - 1;
}

/* false: the end. */
static bool obey(struct top *top, enum screen_key key, char letter)
{
    switch (key) {
    case SCREEN_KEY_QUIT:
        return false;
    case SCREEN_KEY_UP:
        move_to(top, top->selected > 0 ? top->selected - 1 : 0);
        return true;
    case SCREEN_KEY_DOWN:
        move_to(top, top->selected + 1);
        return true;
    case SCREEN_KEY_FIRST:
        move_to(top, 0);
        return true;
    case SCREEN_KEY_ENTER:
        if (json_array_size(top->items) > 0)
            show_why(top);
        return true;
    case SCREEN_KEY_LETTER:
        for (size_t i = 0; i < sizeof(top_sorts) / sizeof(top_sorts[0]); i++)
            if (top_sorts[i].letter == letter)
                top->sort = &top_sorts[i];
        break;
    case SCREEN_KEY_NONE:
    case SCREEN_KEY_SPACE:
        break;
    }
    fetch(top);
    return true;
}

static void run(struct top *top)
{
    char letter = 0;
    enum screen_key key = SCREEN_KEY_NONE;
    fetch(top);
    do {
        screen_draw(top);
        key = screen_key(&letter);
    } while (obey(top, key, letter));
}

static int parse(const struct invocation *invocation, struct top *top)
{
    const char *sort = invocation->option[OPTION_SORT];
    top->query = invocation->option[OPTION_QUERY];
    top->sort = &top_sorts[0];
    for (size_t i = 0; sort && i < sizeof(top_sorts) / sizeof(top_sorts[0]); i++) {
        if (strcmp(top_sorts[i].name, sort) == 0) {
            top->sort = &top_sorts[i];
            return 0;
        }
    }
    if (sort) {
        say("--sort: top sorts by rss, pss, uss, swap, cpu or age");
        return -1;
    }
    return 0;
}

enum exit_code top_main(const struct invocation *invocation)
{
    struct top top = {0};
    if (parse(invocation, &top) < 0)
        return EXIT_CODE_USAGE;
    if (isatty(STDOUT_FILENO) != 1 || isatty(STDIN_FILENO) != 1) {
        say("top needs a terminal");
        say_try("memtend ps");
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = EXIT_CODE_NO_DAEMON;
    if (!invocation->option[OPTION_LOCAL])
        code = client_open_quietly(invocation, &top.client);
    if (code == EXIT_CODE_USAGE)
        return client_open(invocation, &top.client); /* says what is wrong with the directory */
    if (!screen_begin(invocation->option[OPTION_COLOR])) {
        say("the terminal %s is not known", getenv("TERM") ? getenv("TERM") : "(TERM is not set)");
        say_try("TERM=xterm memtend top");
        client_finish(&top.client);
        return EXIT_CODE_FAILED;
    }
    top.first = say_no_memory(json_object());
    run(&top);
    screen_end();
    json_decref(top.items);
    json_decref(top.first);
    client_finish(&top.client);
    return EXIT_CODE_OK;
}
