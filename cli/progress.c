/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

#define PROGRESS_EVERY_USEC (USEC_PER_SEC / 5)

void progress_begin(struct progress *progress)
{
    *progress = (struct progress){.terminal = isatty(STDERR_FILENO) == 1,
                                  .next_usec = clock_mono_usec() + USEC_PER_SEC};
}

bool progress_is_due(struct progress *progress)
{
    if (!progress->terminal || clock_mono_usec() < progress->next_usec)
        return false;
    progress->next_usec = clock_mono_usec() + PROGRESS_EVERY_USEC;
    return true;
}

void progress_show(struct progress *progress, const char *what, double share)
{
    fprintf(stderr, "\r\033[K%s %d %%", what, (int)(share * 100));
    progress->shown = true;
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
