/* SPDX-License-Identifier: MIT */
/*
 * A sample as a line of text: comma-separated values as RFC 4180 has them, or JSON. What is not
 * known is empty in the one and left out in the other. Pure but for the buffer; one owner.
 */
#ifndef MEMTEND_CLI_EXPORT_TEXT_H
#define MEMTEND_CLI_EXPORT_TEXT_H

#include "base/buffer.h"
#include "storage/sample_walk.h"

#define EXPORT_LINE_LIMIT 8192 /* 28 numbers with their names, texts with each byte escaped */

struct export_text {
    bool json;
    int64_t row;        /* of the process whose texts these are */
    char middle[4096];  /* what every line of it says */
    struct buffer line; /* over `storage` */
    char storage[EXPORT_LINE_LIMIT];
};

void export_text_init(struct export_text *text, bool json);
/* Names of the columns; nothing for JSON. Into text->line, as the next one. -ENOBUFS. */
int export_text_head(struct export_text *text);
int export_text_row(struct export_text *text, const struct sample_row *row);

#endif
