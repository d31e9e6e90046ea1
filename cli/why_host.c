/* SPDX-License-Identifier: MIT */
#include "why.h"

#include "say.h"
#include "show.h"

#include "base/cleanup.h"
#include "collect/meminfo.h"
#include "collect/pressure.h"
#include "collect/vmstat.h"
#include "diagnose/shortage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static json_t *shortage_json(const struct shortage *shortage)
{
    json_t *lines = say_no_memory(json_array());
    for (size_t i = 0; i < shortage->line_count; i++)
        json_array_append_new(lines, json_string(shortage->lines[i]));
    return say_no_memory(json_pack("{s:s, s:s, s:s, s:o, s:s}", "target", "host", "state",
                                   shortage_state_name(shortage->state), "sentence",
                                   shortage->sentence, "evidence", lines, "next", shortage->next));
}

static void shortage_print(const struct shortage *shortage)
{
    printf("%s%s%s\n", show_colour(COLOUR_BOLD), shortage->sentence, show_plain());
    for (size_t i = 0; i < shortage->line_count; i++)
        printf("  - %s\n", shortage->lines[i]);
    printf("next: %s%s%s\n", show_colour(COLOUR_BOLD), shortage->next, show_plain());
}

enum exit_code why_host(bool json)
{
    _cleanup_(closep) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct sample host = {0};
    struct shortage shortage;
    if (proc < 0) {
        say("cannot open /proc: %s", strerror(errno));
        return EXIT_CODE_FAILED;
    }
    meminfo_read(proc, 1, &host);
    vmstat_read(proc, 1, &host);
    pressure_read(proc, 1, &host);
    shortage_find(&host, &shortage);
    if (json) {
        json_t *object = shortage_json(&shortage);
        show_json(object, false);
        json_decref(object);
    } else {
        shortage_print(&shortage);
    }
    return EXIT_CODE_OK;
}
