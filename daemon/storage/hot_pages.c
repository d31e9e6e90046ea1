/* SPDX-License-Identifier: MIT */
#include "storage/hot_pages.h"

#include "storage/hot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOT_PAGES_FIRST 64
/* Pages that were not needed for so many ticks, some periods, are given back. */
#define HOT_PAGES_IDLE_TICKS 1200
#define HOT_PAGES_HEAD_LIMIT ((size_t)3 * VARINT_SIZE_LIMIT)
#define HOT_PAGES_READ_LIMIT (HOT_SIZE_LIMIT + HOT_PAGE_BYTES + HOT_PAGES_HEAD_LIMIT)

/* ---- writing ---- */

static int hot_pages_note(struct hot_pages *pages, size_t page, int64_t tick)
{
    if (page >= pages->capacity) {
        size_t capacity = pages->capacity > 0 ? pages->capacity : HOT_PAGES_FIRST;
        while (capacity <= page)
            capacity *= 2;
        int64_t *grown = realloc(pages->last_ticks, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        pages->last_ticks = grown;
        pages->capacity = capacity;
    }
    for (; pages->count <= page; pages->count++)
        pages->last_ticks[pages->count] = INT64_MIN;
    pages->last_ticks[page] = tick;
    return 0;
}

int hot_pages_init(struct hot_pages *pages, struct queries *queries)
{
    enum { ID, NUMBER, TICK };
    *pages = (struct hot_pages){.queries = queries, .used = HOT_PAGE_BYTES};
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_HOT_LIST, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    for (bool row = true; r == 0 && row;) {
        r = query_next(queries, statement, &row);
        if (r < 0 || !row)
            continue;
        int64_t id = sqlite3_column_int64(statement, ID);
        if (id < 1 || id > UINT32_MAX) /* none of ours */
            return -EUCLEAN;
        pages->number = sqlite3_column_int64(statement, NUMBER);
        r = hot_pages_note(pages, (size_t)id - 1, sqlite3_column_int64(statement, TICK));
    }
    return r;
}

void hot_pages_finish(struct hot_pages *pages)
{
    free(pages->last_ticks);
    pages->last_ticks = NULL;
}

void hot_pages_break(struct hot_pages *pages)
{
    pages->used = HOT_PAGE_BYTES;
    pages->unsealed_tick = 0;
}

int64_t hot_pages_unsealed_tick(const struct hot_pages *pages)
{
    return pages->unsealed_tick;
}

static int hot_pages_trim(struct hot_pages *pages)
{
    size_t count = pages->count;
    while (count > 0 && pages->last_ticks[count - 1] < pages->unsealed_tick - HOT_PAGES_IDLE_TICKS)
        count--;
    if (count == pages->count)
        return 0;
    sqlite3_stmt *statement;
    int r = query_get(pages->queries, QUERY_HOT_DROP, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":id", (int64_t)count);
    pages->count = count;
    return query_run(pages->queries, statement);
}

/* The first page whose ticks are in blocks, else one more. */
static int hot_pages_turn(struct hot_pages *pages, int64_t tick)
{
    int r = hot_pages_trim(pages);
    if (r < 0)
        return r;
    size_t page = 0;
    while (page < pages->count && pages->last_ticks[page] >= pages->unsealed_tick)
        page++;
    r = hot_pages_note(pages, page, tick);
    if (r < 0)
        return r;
    pages->page = page;
    pages->number++;
    pages->used = 0;
    pages->begins = HOT_PAGE_BYTES;
    memset(pages->data, 0, sizeof(pages->data));
    return 0;
}

static int hot_pages_write(struct hot_pages *pages, int64_t tick)
{
    sqlite3_stmt *statement;
    int r = query_get(pages->queries, QUERY_HOT_PUT, &statement);
    if (r < 0)
        return r;
    pages->last_ticks[pages->page] = tick;
    query_bind(statement, ":id", (int64_t)pages->page + 1);
    query_bind(statement, ":number", pages->number);
    query_bind(statement, ":tick", tick);
    query_bind(statement, ":unsealed_tick", pages->unsealed_tick);
    query_bind(statement, ":begins", (int64_t)pages->begins);
    query_bind_blob(statement, ":data", pages->data, sizeof(pages->data));
    return query_run(pages->queries, statement);
}

/* Full pages are written, the last one is not yet. */
static int hot_pages_add(struct hot_pages *pages, int64_t tick, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        if (pages->used == HOT_PAGE_BYTES) {
            int r = hot_pages_write(pages, tick);
            if (r == 0)
                r = hot_pages_turn(pages, tick);
            if (r < 0)
                return r;
        }
        size_t room = HOT_PAGE_BYTES - pages->used, part = size < room ? size : room;
        memcpy(pages->data + pages->used, bytes, part);
        pages->used += part;
        bytes += part;
        size -= part;
    }
    return 0;
}

int hot_pages_put(struct hot_pages *pages, int64_t tick, int64_t boot, int64_t unsealed_tick,
                  const void *hot, size_t size)
{
    uint8_t head[HOT_PAGES_HEAD_LIMIT], *names = head + VARINT_SIZE_LIMIT;
    size_t names_size = varint_put((uint64_t)tick, names);
    names_size += varint_put((uint64_t)boot, names + names_size);
    size_t head_size = varint_put(names_size + size, head);
    memmove(head + head_size, names, names_size);
    pages->unsealed_tick = unsealed_tick;
    int r = pages->used == HOT_PAGE_BYTES ? hot_pages_turn(pages, tick) : 0;
    if (r < 0)
        return r;
    if (pages->begins == HOT_PAGE_BYTES)
        pages->begins = pages->used;
    r = hot_pages_add(pages, tick, head, head_size + names_size);
    if (r == 0)
        r = hot_pages_add(pages, tick, hot, size);
    return r < 0 ? r : hot_pages_write(pages, tick);
}

/* ---- reading ---- */

struct hot_pages_reader {
    struct queries *queries;
    hot_pages_taker *take;
    void *context;
    int64_t unsealed_tick;
    int64_t number;     /* of the page before */
    bool goes_on;       /* its last tick is not whole yet, or the next one follows at once */
    struct buffer rest; /* of it */
};

/* A whole tick off the front; *ret_whole false: its end is on the next page, or nothing follows. */
static int hot_pages_take(struct hot_pages_reader *reader, bool *ret_whole)
{
    struct varint_reader rest = {.data = (const uint8_t *)reader->rest.data,
                                 .size = reader->rest.size};
    uint64_t size, tick, boot;
    *ret_whole = false;
    if (varint_read(&rest, &size) < 0)
        return rest.size > VARINT_SIZE_LIMIT ? -EUCLEAN : 0;
    if (size == 0)
        reader->goes_on = false;
    if (size > HOT_SIZE_LIMIT + HOT_PAGES_HEAD_LIMIT)
        return -EUCLEAN;
    if (size == 0 || size > rest.size)
        return 0;
    size_t whole = reader->rest.size - rest.size + (size_t)size;
    rest.size = (size_t)size;
    if (varint_read(&rest, &tick) < 0 || varint_read(&rest, &boot) < 0 || tick > INT64_MAX)
        return -EUCLEAN;
    int r = (int64_t)tick < reader->unsealed_tick
                ? 0
                : reader->take(reader->context, (int64_t)tick, (int64_t)boot, rest.data, rest.size);
    buffer_consume(&reader->rest, whole);
    *ret_whole = true;
    return r;
}

static int hot_pages_read_page(struct hot_pages_reader *reader, sqlite3_stmt *row)
{
    enum { NUMBER, BEGINS, DATA };
    size_t size = (size_t)sqlite3_column_bytes(row, DATA), from = 0;
    int64_t number = sqlite3_column_int64(row, NUMBER);
    if (!reader->goes_on || number != reader->number + 1) {
        int64_t begins = sqlite3_column_int64(row, BEGINS);
        from = begins < 0 || begins > (int64_t)size ? size : (size_t)begins;
        reader->rest.size = 0;
    }
    reader->number = number;
    reader->goes_on = true;
    int r = size > from
                ? buffer_append(&reader->rest, (const char *)sqlite3_column_blob(row, DATA) + from,
                                size - from)
                : 0;
    for (bool whole = true; r == 0 && whole;)
        r = hot_pages_take(reader, &whole);
    /* What is damaged hides where the next one begins on this page. */
    if (r == -EUCLEAN || r == -ENOBUFS) {
        reader->goes_on = false;
        r = 0;
    }
    return r;
}

static int hot_pages_open(struct hot_pages_reader *reader, int64_t id)
{
    sqlite3_stmt *borrowed;
    int r = query_get(reader->queries, QUERY_HOT_READ, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    bool row;
    query_bind(statement, ":id", id);
    r = query_next(reader->queries, statement, &row);
    return r < 0 || !row ? r : hot_pages_read_page(reader, statement);
}

/* The newest page knows from which tick on they are needed. */
static int hot_pages_needed(struct queries *queries, int64_t *ret_unsealed_tick, size_t *ret_ticks)
{
    enum { UNSEALED, TICKS };
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_HOT_NEEDED, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    bool row;
    r = query_next(queries, statement, &row);
    if (r < 0)
        return r;
    *ret_unsealed_tick = row ? sqlite3_column_int64(statement, UNSEALED) : 0;
    *ret_ticks = row ? (size_t)sqlite3_column_int64(statement, TICKS) : 0;
    return 0;
}

int hot_pages_read(struct queries *queries, hot_pages_taker *take, void *context, size_t *ret_ticks)
{
    enum { ID, NUMBER, TICK };
    struct hot_pages_reader reader = {.queries = queries, .take = take, .context = context};
    sqlite3_stmt *borrowed = NULL;
    int r = hot_pages_needed(queries, &reader.unsealed_tick, ret_ticks);
    if (r == 0)
        r = query_get(queries, QUERY_HOT_LIST, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    buffer_init(&reader.rest, HOT_PAGES_READ_LIMIT);
    for (bool row = true; r == 0 && row;) {
        r = query_next(queries, statement, &row);
        if (r == 0 && row && sqlite3_column_int64(statement, TICK) >= reader.unsealed_tick)
            r = hot_pages_open(&reader, sqlite3_column_int64(statement, ID));
    }
    buffer_finish(&reader.rest);
    return r;
}
