/* SPDX-License-Identifier: MIT */
#include "http/assets.h"

#include "base/text.h"
#include "http/api.h"
#include "http/send.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct embed_file http_assets[];

static const struct {
    const char *ending, *content_type;
} asset_types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
};

static const char *asset_type(const char *name)
{
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending && i < sizeof(asset_types) / sizeof(asset_types[0]); i++)
        if (strcmp(ending, asset_types[i].ending) == 0)
            return asset_types[i].content_type;
    return "application/octet-stream";
}

/* No path names it: a parameter is never empty. */
static const struct embed_file alive = {.name = "", .data = "ok\n", .size = 3};

int assets_init(struct site *site)
{
    size_t count = 0;
    while (http_assets[count].name)
        count++;
    struct asset *assets = calloc(count + 1, sizeof(*assets));
    if (!assets)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        char hex[DIGEST_HEX_SIZE];
        digest_sha256(http_assets[i].data, http_assets[i].size, hex);
        assets[i].file = &http_assets[i];
        assets[i].content_type = asset_type(http_assets[i].name);
        snprintf(assets[i].etag, sizeof(assets[i].etag), "\"%s\"", hex);
    }
    assets[count] = (struct asset){.file = &alive, .content_type = "text/plain; charset=utf-8"};
    site->alive = &assets[count];
    site->assets = assets;
    site->asset_count = count + 1;
    return 0;
}

void assets_finish(struct site *site)
{
    for (size_t i = 0; i < site->asset_count; i++)
        send_forget(&site->assets[i]);
    free(site->assets);
    site->assets = NULL;
    site->asset_count = 0;
}

void reply_asset(struct reply *reply, struct asset *asset)
{
    text_copy(reply->etag, sizeof(reply->etag), asset->etag);
    reply->status = 200;
    reply->content_type = asset->content_type;
    reply->asset = asset;
}

static void assets_answer(struct request *request, struct reply *reply, const char *name)
{
    for (size_t i = 0; i < request->site->asset_count; i++) {
        struct asset *asset = &request->site->assets[i];
        if (strcmp(asset->file->name, name) != 0)
            continue;
        reply_asset(reply, asset);
        if (request->if_none_match && etag_matches(request->if_none_match, asset->etag)) {
            reply->status = 304;
            reply->asset = NULL;
            reply->content_type = NULL;
        }
        return;
    }
    reply_problem(reply, 404, "not_found", "nothing is served there");
}

void assets_index(struct request *request, struct reply *reply)
{
    assets_answer(request, reply, "index.html");
}

void assets_get(struct request *request, struct reply *reply)
{
    assets_answer(request, reply, request->parameter);
}

void assets_openapi(struct request *request, struct reply *reply)
{
    assets_answer(request, reply, "openapi.json");
}
