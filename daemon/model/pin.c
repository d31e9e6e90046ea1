/* SPDX-License-Identifier: MIT */
#include "model/pin.h"

#include <stdlib.h>

void event_window_finish(struct event_window *window)
{
    for (size_t i = 0; i < window->count; i++)
        free(window->processes[i].samples);
    *window = (struct event_window){0};
}

void event_window_free(struct event_window *window)
{
    if (window)
        event_window_finish(window);
    free(window);
}
