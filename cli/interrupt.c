/* SPDX-License-Identifier: MIT */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupt_signal;

static void interrupt_note(int number)
{
    interrupt_signal = number;
}

void interrupt_catch(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    /* No SA_RESTART: a write that waits for its reader ends too. */
    struct sigaction action = {.sa_handler = interrupt_note}, ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct sigaction before;
        sigaction(ends[i], NULL, &before);
        if (before.sa_handler != SIG_IGN) /* of nohup(1) */
            sigaction(ends[i], &action, NULL);
    }
    sigaction(SIGPIPE, &ignore, NULL);
}

bool interrupt_pending(void)
{
    return interrupt_signal != 0;
}

void interrupt_end(void)
{
    if (interrupt_signal == 0)
        return;
    signal(interrupt_signal, SIG_DFL);
    raise(interrupt_signal);
}
