/* SPDX-License-Identifier: MIT */
/* An idle process with a little memory of its own; ends with its parent. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define IDLE_BYTES (256 << 10)

int main(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char *memory = malloc(IDLE_BYTES);
    if (!memory)
        return 1;
    memset(memory, 1, IDLE_BYTES);
    for (;;)
        pause();
}
