/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/text.h"
#include "config/groups.h"
#include "config/items.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_NAME_SIZE 96 /* of a section or key; longer than "Group " and any name */

void config_init(struct config *config)
{
    *config = (struct config){0};
    for (size_t i = 0; i < items_count; i++) {
        int r = items_table[i].parse(&items_table[i], items_table[i].initial, config, NULL);
        assert(r == 0);
        (void)r;
    }
}

/* One text being read. */
struct config_reader {
    struct config *config;
    const char *file;
    struct config_errors *errors;
    size_t found; /* errors in this text */
    int line;
    char section[CONFIG_NAME_SIZE]; /* "" = none yet, or an unknown one */
    bool section_known;
    struct config_group *group; /* the section is one; of config */
};

static void config_complain(struct config_reader *reader, int column, const char *format, ...)
    _printf_(3, 4);

static void config_complain(struct config_reader *reader, int column, const char *format, ...)
{
    char text[sizeof(((struct error *)NULL)->text)];
    struct config_errors *errors = reader->errors;
    reader->found++;
    if (errors->count++ >= CONFIG_ERROR_LIMIT)
        return;
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    struct config_error *error = &errors->items[errors->count - 1];
    text_copy(error->file, sizeof(error->file), reader->file);
    error_set_at(&error->error, 0, reader->line, column, "%s", text);
}

static bool config_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Blanks off both ends; *begin is the offset in the line. */
static void config_trim(const char *line, size_t *begin, size_t *end)
{
    while (*begin < *end && config_is_blank(line[*begin]))
        (*begin)++;
    while (*end > *begin && config_is_blank(line[*end - 1]))
        (*end)--;
}

/* "[Group NAME]" */
static void config_read_group(struct config_reader *reader, int column)
{
    struct error error;
    reader->group = groups_section(reader->config, reader->section, &error);
    if (!reader->group) {
        config_complain(reader, column, "%s", error.text);
        return;
    }
    reader->section_known = true;
    struct config_place *place = &reader->group->place;
    text_copy(place->file, sizeof(place->file), reader->file);
    place->line = reader->line;
    place->column = column;
}

/* "[Section]" */
static void config_read_section(struct config_reader *reader, const char *line, size_t begin,
                                size_t end)
{
    reader->section_known = false;
    reader->group = NULL;
    reader->section[0] = '\0';
    if (line[end - 1] != ']' || end - begin < 3) {
        config_complain(reader, (int)begin + 1, "a section is written [Name]");
        return;
    }
    text_copy_span(reader->section, sizeof(reader->section), line + begin + 1, end - begin - 2);
    if (groups_is_section(reader->section)) {
        config_read_group(reader, (int)begin + 2);
        return;
    }
    reader->section_known = items_has_section(reader->section);
    if (reader->section_known)
        return;
    const char *near = items_near_section(reader->section);
    if (near)
        config_complain(reader, (int)begin + 2, "unknown section `%s' (did you mean `%s'?)",
                        reader->section, near);
    else
        config_complain(reader, (int)begin + 2, "unknown section `%s'", reader->section);
}

static void config_unknown_key(struct config_reader *reader, int column, const char *key)
{
    const char *near = items_near_key(reader->section, key);
    const char *section = items_section_of(key);
    if (section)
        config_complain(reader, column, "`%s' belongs into section [%s]", key, section);
    else if (near)
        config_complain(reader, column, "unknown key `%s' (did you mean `%s'?)", key, near);
    else
        config_complain(reader, column, "unknown key `%s' in [%s]", key, reader->section);
}

static void config_remember_place(struct config_reader *reader, const struct items_item *item,
                                  int column)
{
    if (item->offset != offsetof(struct config, http_address))
        return;
    struct config_place *place = &reader->config->http_place;
    text_copy(place->file, sizeof(place->file), reader->file);
    place->line = reader->line;
    place->column = column;
}

static void config_read_group_value(struct config_reader *reader, const char *key,
                                    const char *value, int key_column, int column)
{
    struct error error;
    int r = groups_set(reader->group, key, value, &error);
    if (r < 0)
        config_complain(reader, r == -ENOENT ? key_column : column, "%s", error.text);
}

/* Of a section and key that are known, but for those of groups. */
static void config_read_value(struct config_reader *reader, const char *key, const char *value,
                              int key_column, int column)
{
    struct error error;
    if (reader->group) {
        config_read_group_value(reader, key, value, key_column, column);
        return;
    }
    const struct items_item *item = items_find(reader->section, key);
    if (item->absolute && value[0] && value[0] != '/')
        config_complain(reader, column, "`%.60s' does not begin with /", value);
    else if (item->parse(item, value, reader->config, &error) < 0)
        config_complain(reader, column, "%s", error.text);
    else
        config_remember_place(reader, item, column);
}

/* "Key=value" */
static void config_read_item(struct config_reader *reader, const char *line, size_t begin,
                             size_t end)
{
    char key[CONFIG_NAME_SIZE], value[CONFIG_PATH_SIZE];
    const char *equals = memchr(line + begin, '=', end - begin);
    if (!equals) {
        config_complain(reader, (int)begin + 1, "expected Key=value or [Section]");
        return;
    }
    size_t key_end = (size_t)(equals - line), value_begin = key_end + 1, key_begin = begin;
    config_trim(line, &key_begin, &key_end);
    config_trim(line, &value_begin, &end);
    text_copy_span(key, sizeof(key), line + key_begin, key_end - key_begin);
    if (!reader->section_known) {
        if (!reader->section[0])
            config_complain(reader, (int)begin + 1, "`%s' stands before any section", key);
        return; /* of an unknown section: said there */
    }
    if (!reader->group && !items_find(reader->section, key)) {
        config_unknown_key(reader, (int)begin + 1, key);
    } else if (end - value_begin >= sizeof(value)) {
        config_complain(reader, (int)value_begin + 1, "the value is too long");
    } else {
        text_copy_span(value, sizeof(value), line + value_begin, end - value_begin);
        config_read_value(reader, key, value, (int)begin + 1, (int)value_begin + 1);
    }
}

static void config_read_line(struct config_reader *reader, const char *line, size_t length)
{
    size_t begin = 0, end = length;
    config_trim(line, &begin, &end);
    if (begin == end || line[begin] == '#' || line[begin] == ';')
        return;
    char text[CONFIG_PATH_SIZE * 2];
    size_t clean = text_clean_length(line + begin, end - begin);
    while (clean < end - begin && line[begin + clean] == '\t')
        clean += 1 + text_clean_length(line + begin + clean + 1, end - begin - clean - 1);
    if (clean < end - begin)
        config_complain(reader, (int)(begin + clean) + 1,
                        "not a character that belongs here: control character or invalid UTF-8");
    else if (end - begin >= sizeof(text))
        config_complain(reader, (int)begin + 1, "the line is too long");
    else if (line[begin] == '[')
        config_read_section(reader, line, begin, end);
    else
        config_read_item(reader, line, begin, end);
}

int config_parse(struct config *config, const char *file, const char *text, size_t length,
                 struct config_errors *errors)
{
    struct config_reader reader = {.config = config, .file = file, .errors = errors};
    if (length > CONFIG_TEXT_LIMIT) {
        config_complain(&reader, 0, "the file is longer than %d bytes", CONFIG_TEXT_LIMIT);
        return -EINVAL;
    }
    const char *end = text + length;
    for (const char *at = text; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((stop ? stop : end) - at);
        reader.line++;
        config_read_line(&reader, at, size);
        at += size + 1;
    }
    return reader.found > 0 ? -EINVAL : 0;
}

int config_set(struct config *config, const char *section, const char *key, const char *value,
               struct error *error)
{
    const struct items_item *item = items_find(section, key);
    if (!item)
        return error_set(error, -ENOENT, "there is no [%s] %s", section, key);
    int r = item->parse(item, value, config, error);
    if (r == 0 && item->offset == offsetof(struct config, http_address))
        config->http_place = (struct config_place){0};
    return r;
}

static bool config_is_loopback(const char *address)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, address, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int config_check_groups(const struct config *config, struct config_errors *errors)
{
    int result = 0;
    for (size_t i = 0; i < config->group_count; i++) {
        const struct config_group *group = &config->groups[i];
        struct config_reader reader = {
            .file = group->place.file, .errors = errors, .line = group->place.line};
        const char *wrong = groups_wrong(group);
        if (!wrong)
            continue;
        config_complain(&reader, group->place.column, "the group `%s' %s", group->name, wrong);
        result = -EINVAL;
    }
    return result;
}

static int config_check_listen(const struct config *config, struct config_errors *errors)
{
    if (!config->http_listen || config->allow_non_loopback ||
        config_is_loopback(config->http_address))
        return 0;
    struct config_reader reader = {
        .file = config->http_place.file, .errors = errors, .line = config->http_place.line};
    config_complain(
        &reader, config->http_place.column,
        "others can reach %s, and there is no TLS: [HTTP] AllowNonLoopback=yes allows it",
        config->http_address);
    return -EINVAL;
}

int config_check(const struct config *config, struct config_errors *errors)
{
    int listen = config_check_listen(config, errors);
    int groups = config_check_groups(config, errors);
    return listen < 0 ? listen : groups;
}

static int config_help_item(struct buffer *buffer, const struct items_item *item)
{
    char low[QUANTITY_SIZE], high[QUANTITY_SIZE];
    int r = buffer_printf(buffer, "# %s\n", item->help);
    if (r < 0)
        return r;
    if (item->range)
        return buffer_printf(buffer, "# %s\n%s=%s\n", item->range, item->key, item->initial);
    quantity_format((struct quantity){.kind = item->kind, .value = item->low}, low);
    quantity_format((struct quantity){.kind = item->kind, .value = item->high}, high);
    return buffer_printf(buffer, "# %s to %s\n%s=%s\n", low, high, item->key, item->initial);
}

int config_format_help(struct buffer *buffer)
{
    const char *section = "";
    for (size_t i = 0; i < items_count; i++) {
        const struct items_item *item = &items_table[i];
        int r = 0;
        if (strcmp(section, item->section) != 0)
            r = buffer_printf(buffer, "%s[%s]\n", i > 0 ? "\n" : "", item->section);
        section = item->section;
        if (r == 0)
            r = config_help_item(buffer, item);
        if (r < 0)
            return r;
    }
    return groups_format_help(buffer);
}
