/* SPDX-License-Identifier: MIT */
#include "fork.h"

#include "base/clock.h"
#include "gil.h"
#include "hooks.h"
#include "job.h"
#include "mark.h"
#include "python.h"
#include "session.h"
#include "socket.h"
#include "symbols.h"
#include "thread.h"

#include <errno.h>
#include <stddef.h>

/* Most children of fork call exec within some ms: they never connect. */
#define FORK_CHILD_DELAY_USEC (100 * USEC_PER_MSEC)

static void fork_in_parent(void)
{
    session_on_fork();
}

static void fork_in_child(void)
{
    int saved = errno;
    socket_close();
    thread_forget();
    job_forget();
    gil_forget();
    hooks_forget();
    mark_forget();
    /* With Python the hook of os.register_at_fork starts the thread, when the interpreter has
     * repaired itself; a child that C code forked under Python stays inert. */
    session_on_forked(python_is_supported() ? 0 : FORK_CHILD_DELAY_USEC);
    if (!python_is_supported())
        thread_start();
    errno = saved;
}

int fork_register(void)
{
    return -libc_.register_atfork(NULL, fork_in_parent, fork_in_child, NULL);
}
