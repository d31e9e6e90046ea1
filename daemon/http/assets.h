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

struct MHD_Response;

struct asset {
    const struct embed_file *file;
    const char *content_type;
    char etag[DIGEST_HEX_SIZE + 2]; /* SHA-256 of the content, in quotes; "" none */
    struct MHD_Response *prepared;  /* made by send.c when first asked for; owned */
};

/* Hash what is embedded once. 0 or -ENOMEM. */
int assets_init(struct site *site);
void assets_finish(struct site *site);
/* 200 with the asset. */
void reply_asset(struct reply *reply, struct asset *asset);

#endif
