/* SPDX-License-Identifier: MIT */
#include "export_text.h"

#include "base/clock.h"
#include "base/text.h"
#include "csv.h"

#include <inttypes.h>
#include <string.h>

void export_text_init(struct export_text *text, bool json)
{
    text->json = json;
    text->row = -1;
    buffer_init_over(&text->line, text->storage, sizeof(text->storage));
}

/* Whole as it was stored: 1234 of cpu is 12.34. */
static int export_text_decimal(struct buffer *line, int64_t value, unsigned digits)
{
    uint64_t unit = 1, size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (unsigned i = 0; i < digits; i++)
        unit *= 10;
    if (digits == 0)
        return buffer_printf(line, "%" PRId64, value);
    return buffer_printf(line, "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "", size / unit,
                         (int)digits, size % unit);
}

static int export_text_value(struct export_text *text, enum metric metric, int64_t value)
{
    static const unsigned digits[] = {[METRIC_UNIT_PERMYRIAD] = 2, [METRIC_UNIT_USEC] = 6};
    enum metric_unit unit = metric_info(metric)->unit;
    if (text->json && unit == METRIC_UNIT_FLAG)
        return buffer_append_text(&text->line, value ? "true" : "false");
    unsigned places = unit < sizeof(digits) / sizeof(digits[0]) ? digits[unit] : 0;
    return export_text_decimal(&text->line, value, places);
}

/* ---- texts: those of the store were clean, but who knows what wrote the file ---- */

static int export_text_csv(struct buffer *to, const char *raw)
{
    char clean[PROCESS_CMDLINE_SIZE];
    text_clean(clean, sizeof(clean), raw, strlen(raw));
    return csv_append(to, clean);
}

static int export_text_json(struct buffer *to, const char *name, const char *raw)
{
    char clean[PROCESS_CMDLINE_SIZE];
    text_clean(clean, sizeof(clean), raw, strlen(raw));
    if (!*clean)
        return 0;
    int r = buffer_printf(to, ",\"%s\":\"", name);
    for (const char *c = clean; r == 0 && *c; c++)
        if (*c == '"' || *c == '\\')
            r = buffer_printf(to, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            r = buffer_printf(to, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            r = buffer_append(to, c, 1);
    return r < 0 ? r : buffer_append(to, "\"", 1);
}

static int export_text_middle(struct export_text *text, const struct sample_process *process)
{
    const struct {
        const char *name, *text;
    } names[] = {{"comm", process->comm},
                 {"name", process->name},
                 {"unit", process->unit},
                 {"group_name", process->group}};
    char id[PROCESS_ID_SIZE];
    struct buffer to;
    process_id_format(process->id, id);
    buffer_init_over(&to, text->middle, sizeof(text->middle));
    int r = text->json ? export_text_json(&to, "boot", process->boot)
                       : export_text_csv(&to, process->boot);
    if (r == 0)
        r = buffer_printf(&to, text->json ? ",\"id\":\"%s\",\"pid\":%d,\"uid\":%u" : ",%s,%d,%u",
                          id, (int)process->id.pid, (unsigned)process->uid);
    for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
        if (text->json) {
            r = export_text_json(&to, names[i].name, names[i].text);
            continue;
        }
        r = buffer_append(&to, ",", 1);
        if (r == 0)
            r = export_text_csv(&to, names[i].text);
    }
    if (r == 0)
        r = buffer_append(&to, "", 1); /* its NUL */
    text->row = r == 0 ? process->row : -1;
    return r;
}

/* ---- lines ---- */

int export_text_head(struct export_text *text)
{
    text->line.size = 0;
    if (text->json)
        return 0;
    int r = buffer_append_text(&text->line, "time,tick,boot,id,pid,uid,comm,name,unit,group_name");
    for (enum metric metric = 0; r == 0 && metric < METRIC_STORED_COUNT; metric++) {
        char name[METRIC_JSON_NAME_SIZE];
        metric_json_name(metric, name);
        r = buffer_printf(&text->line, ",%s", name);
    }
    return r < 0 ? r : buffer_append_text(&text->line, "\r\n");
}

static int export_text_values(struct export_text *text, const struct sample_row *row)
{
    int r = 0;
    for (enum metric metric = 0; r == 0 && metric < METRIC_STORED_COUNT; metric++) {
        bool known = row->present >> metric & 1;
        char name[METRIC_JSON_NAME_SIZE];
        if (!text->json)
            r = buffer_append(&text->line, ",", 1);
        else if (known) {
            metric_json_name(metric, name);
            r = buffer_printf(&text->line, ",\"%s\":", name);
        }
        if (r == 0 && known)
            r = export_text_value(text, metric, row->value[metric]);
    }
    return r;
}

int export_text_row(struct export_text *text, const struct sample_row *row)
{
    char time[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(row->wall_usec, time);
    text->line.size = 0;
    int r = text->row == row->process->row ? 0 : export_text_middle(text, row->process);
    if (r == 0)
        r = buffer_printf(&text->line,
                          text->json ? "{\"time\":\"%s\",\"tick\":%" PRId64 "%s"
                                     : "%s,%" PRId64 ",%s",
                          time, row->tick, text->middle);
    if (r == 0)
        r = export_text_values(text, row);
    return r < 0 ? r : buffer_append_text(&text->line, text->json ? "}\n" : "\r\n");
}
