/* SPDX-License-Identifier: MIT */
#include "collect/outcome.h"

#include <errno.h>

enum outcome outcome_of_process(int error)
{
    switch (error) {
    case 0:
        return OUTCOME_OK;
    case -ENOENT:
    case -ESRCH:
        return OUTCOME_GONE;
    case -EACCES:
    case -EPERM:
        return OUTCOME_DENIED;
    default:
        return OUTCOME_FAILED;
    }
}

enum outcome outcome_of_host(int error)
{
    /* A kernel booted with psi=0 shows the file and answers EOPNOTSUPP. */
    if (error == -ENOENT || error == -EOPNOTSUPP)
        return OUTCOME_ABSENT;
    return outcome_of_process(error);
}
