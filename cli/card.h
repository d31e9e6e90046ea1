/* SPDX-License-Identifier: MIT */
/*
 * A receipt for people: what was measured before and after each step, and what came of it.
 */
#ifndef MEMTEND_CLI_CARD_H
#define MEMTEND_CLI_CARD_H

#include "show.h"

#include <jansson.h>
#include <stdbool.h>

void card_print(json_t *receipt);
/* How an outcome looks: good, a warning, or bad. */
enum colour card_colour(const char *outcome);
/* Sum over the steps, as text; "-" when no step has one. */
const char *card_pause(json_t *receipt, char ret_text[static DURATION_TEXT_SIZE]);
/* "collect, trim" */
void card_steps(json_t *receipt, char *ret_text, size_t size);

#endif
