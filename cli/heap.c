/* SPDX-License-Identifier: MIT */
/*
 * `memtend heap`: what the agent inside a process told last of its allocators and its collector.
 */
#include "client.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEAP_TEXT_SIZE 72 /* three numbers */
_Static_assert(HEAP_TEXT_SIZE >= SHOW_VALUE_SIZE, "any other value fits as well");

enum heap_unit { HEAP_BYTES, HEAP_COUNT, HEAP_FLAG, HEAP_GENERATIONS };

static const struct heap_row {
    const char *section, *key;
    enum heap_unit unit;
    const char *help;
} heap_rows[] = {
    {"malloc", "in_use_bytes", HEAP_BYTES, "held by the program"},
    {"malloc", "single_bytes", HEAP_BYTES, "of these in chunks with a mapping of their own"},
    {"malloc", "free_bytes", HEAP_BYTES, "free chunks; a trim may have given their pages back"},
    {"malloc", "free_resident_bytes", HEAP_BYTES, "free and in memory: what a trim can give back"},
    {"malloc", "top_bytes", HEAP_BYTES, "free at the end of the main heap"},
    {"malloc", "total_bytes", HEAP_BYTES, "from the kernel and not returned"},
    {"malloc", "mapped_bytes", HEAP_BYTES, "address space"},
    {"malloc", "arenas", HEAP_COUNT, ""},
    {"gc", "enabled", HEAP_FLAG, "gc.isenabled()"},
    {"gc", "debug", HEAP_COUNT, "gc.get_debug(); 32 keeps all garbage"},
    {"gc", "count", HEAP_GENERATIONS, "since the last collection of each generation"},
    {"gc", "threshold", HEAP_GENERATIONS, "at which it is collected"},
    {"gc", "collections", HEAP_GENERATIONS, "done since the start"},
    {"gc", "collected", HEAP_GENERATIONS, "objects they freed"},
    {"gc", "uncollectable", HEAP_GENERATIONS, "objects they could not free"},
    {"gc", "garbage", HEAP_COUNT, "len(gc.garbage)"},
    {"gc", "frozen", HEAP_COUNT, "gc.get_freeze_count()"},
    {"gc", "allocated_blocks", HEAP_COUNT, "sys.getallocatedblocks()"},
    {"pymalloc", "used_bytes", HEAP_BYTES, "live objects of up to 512 bytes"},
    {"pymalloc", "pinned_bytes", HEAP_BYTES, "free blocks beside live ones: cannot be given back"},
    {"pymalloc", "free_bytes", HEAP_BYTES, "pools without a live block"},
    {"pymalloc", "pools", HEAP_COUNT, "in memory"},
    {"pymalloc", "free_pools", HEAP_COUNT, ""},
    {"pymalloc", "arenas", HEAP_COUNT, "hold a pool"},
};

static const char *heap_generations(json_t *section, const char *key,
                                    char ret_text[static HEAP_TEXT_SIZE])
{
    json_t *three = member_array(section, key);
    snprintf(ret_text, HEAP_TEXT_SIZE,
             "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
             json_integer_value(json_array_get(three, 0)),
             json_integer_value(json_array_get(three, 1)),
             json_integer_value(json_array_get(three, 2)));
    return ret_text;
}

static const char *heap_value(json_t *section, const struct heap_row *row,
                              char ret_text[static HEAP_TEXT_SIZE])
{
    switch (row->unit) {
    case HEAP_BYTES:
        return show_bytes(section, row->key, ret_text);
    case HEAP_FLAG:
        return member_flag(section, row->key) ? "yes" : "no";
    case HEAP_GENERATIONS:
        return heap_generations(section, row->key, ret_text);
    case HEAP_COUNT:
        break;
    }
    return show_count(section, row->key, ret_text);
}

static void heap_print_values(json_t *heap)
{
    const char *before = "";
    for (size_t i = 0; i < sizeof(heap_rows) / sizeof(heap_rows[0]); i++) {
        const struct heap_row *row = &heap_rows[i];
        json_t *section = member_object(heap, row->section);
        char text[HEAP_TEXT_SIZE], name[32];
        if (!json_object_get(section, row->key))
            continue;
        size_t length = strlen(row->key);
        if (row->unit == HEAP_BYTES)
            length -= strlen("_bytes");
        snprintf(name, sizeof(name), "%.*s", (int)length, row->key);
        for (char *line = strchr(name, '_'); line; line = strchr(line, '_'))
            *line = ' ';
        printf("%-9s %-17s %12s  %s%s%s\n", strcmp(before, row->section) == 0 ? "" : row->section,
               name, heap_value(section, row, text), show_colour(COLOUR_DIM), row->help,
               show_plain());
        before = row->section;
    }
}

static void heap_print_classes(json_t *heap)
{
    static const struct table_column columns[] = {
        {"BLOCK", true}, {"POOLS", true}, {"BLOCKS", true}, {"LIVE", true}};
    json_t *classes = member_array(member_object(heap, "pymalloc"), "classes");
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(classes); i++) {
        json_t *one = json_array_get(classes, i);
        char pools[SHOW_VALUE_SIZE], blocks[SHOW_VALUE_SIZE], live[TEXT_BYTES_SIZE];
        int64_t size = 0, count = 0, bytes;
        if (!member_integer(one, "block_bytes", &size) || !member_integer(one, "blocks", &count) ||
            __builtin_mul_overflow(size, count, &bytes))
            continue;
        text_format_bytes(bytes, live);
        table_add(&table, COLOUR_NONE, "%" PRId64 " B", size);
        table_add(&table, COLOUR_NONE, "%s", show_count(one, "pools", pools));
        table_add(&table, COLOUR_NONE, "%s", show_count(one, "blocks", blocks));
        table_add(&table, COLOUR_NONE, "%s", live);
    }
    if (json_array_size(classes) > 0) {
        printf("\n");
        table_print(&table);
    }
    table_finish(&table);
}

enum exit_code heap_main(const struct invocation *invocation)
{
    struct client client = {0};
    struct request request;
    struct answer answer = {0};
    enum exit_code code = client_open(invocation, &client);
    if (code != EXIT_CODE_OK)
        return code;
    request_init(&request, "GET", "/api/v1/processes");
    request_segment(&request, invocation->operands[0]);
    request_word(&request, "/agent");
    code = client_ask(&client, &request, &answer);
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON]) {
        show_json(answer.body, false);
    } else if (code == EXIT_CODE_OK) {
        heap_print_values(answer.body);
        heap_print_classes(answer.body);
    } else if (code == EXIT_CODE_GONE) {
        say_try("memtend ps");
    }
    answer_finish(&answer);
    request_finish(&request);
    client_finish(&client);
    return code;
}
