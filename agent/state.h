/* SPDX-License-Identifier: MIT */
/*
 * The state that a fork writes to, all of it side by side: each page that is written to after a
 * fork is copied, in the child and in the parent.
 */
#ifndef MEMTEND_AGENT_STATE_H
#define MEMTEND_AGENT_STATE_H

#define STATE __attribute__((section("memtend_state")))

#endif
