/* SPDX-License-Identifier: MIT */
#include "http/render.h"

#include "http/sheet.h"

#include <unistd.h>

/* Start times are in ticks since boot. */
static void render_member(struct sheet *sheet, const char *key, const char *age_key,
                          struct process_id id, const struct snapshot *snapshot)
{
    char text[PROCESS_ID_SIZE];
    uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);
    if (id.pid == 0)
        return;
    uint64_t born_usec = id.start_ticks * (USEC_PER_SEC / hertz);
    process_id_format(id, text);
    sheet_text(sheet, key, text);
    if (snapshot->boot_usec >= born_usec)
        sheet_seconds(sheet, age_key, snapshot->boot_usec - born_usec);
}

static void render_times(struct sheet *sheet, const struct group_record *group,
                         const struct snapshot *snapshot)
{
    const struct {
        const char *key;
        uint64_t wall_usec;
    } times[] = {{"peak_rss_time", group->peak_rss_wall_usec},
                 {"peak_pss_time", group->peak_pss_wall_usec},
                 {"first_seen", group->first_seen_wall_usec},
                 {"gone", group->gone_wall_usec}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        if (times[i].wall_usec > 0)
            sheet_time(sheet, times[i].key, times[i].wall_usec);
    if (group->pss_members > 0 && snapshot->mono_usec >= group->pss_read_usec)
        sheet_seconds(sheet, "pss_age_seconds", snapshot->mono_usec - group->pss_read_usec);
    render_member(sheet, "oldest", "oldest_age_seconds", group->oldest, snapshot);
    render_member(sheet, "youngest", "youngest_age_seconds", group->youngest, snapshot);
}

json_t *render_group(const struct group_record *group, const struct snapshot *snapshot)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "name", group->name);
    sheet_text(&sheet, "kind", group_kind_name(group->kind));
    sheet_value(&sheet, "uid", group->mixed_uids ? json_null() : json_integer(group->uid));
    for (enum group_figure figure = 0; figure < GROUP_FIGURE_COUNT; figure++) {
        int64_t value;
        if (group_figure_get(group, figure, &value))
            sheet_integer(&sheet, group_figure_name(figure), value);
    }
    sheet_bool(&sheet, "pss_consistent", group->pss_consistent);
    render_times(&sheet, group, snapshot);
    return sheet_take(&sheet);
}
