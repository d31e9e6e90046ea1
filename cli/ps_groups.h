/* SPDX-License-Identifier: MIT */
/*
 * `memtend ps --groups`: what groups of processes hold together. By the daemon only, which has seen
 * who came and went.
 */
#ifndef MEMTEND_CLI_PS_GROUPS_H
#define MEMTEND_CLI_PS_GROUPS_H

#include "verb.h"

enum exit_code ps_groups(const struct invocation *invocation);

#endif
