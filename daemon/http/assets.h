/* SPDX-License-Identifier: MIT */
/*
 * The page and openapi.json, compiled in: nothing is opened on a request. The list is
 * web/assets.cmake. The http thread.
 */
#ifndef MEMTEND_HTTP_ASSETS_H
#define MEMTEND_HTTP_ASSETS_H

#include "base/digest.h"
#include "base/embed.h"
#include "http/request.h"

struct asset {
    const struct embed_file *file;
    const char *content_type;
    char etag[DIGEST_HEX_SIZE + 2]; /* SHA-256 of the content, in quotes */
};

/* Hash what is embedded once. 0 or -ENOMEM. */
int assets_init(struct site *site);
void assets_finish(struct site *site);

#endif
