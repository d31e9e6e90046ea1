/* SPDX-License-Identifier: MIT */
#include "model/layer.h"

const struct layer_info *mapping_kind_info(enum mapping_kind kind)
{
    static const struct layer_info infos[MAPPING_KIND_COUNT] = {
#define X(id, name_, what_) [MAPPING_KIND_##id] = {.name = (name_), .what = (what_)},
        MAPPING_KIND_TABLE(X)
#undef X
    };
    return &infos[kind];
}

const struct layer_info *layer_info(enum layer layer)
{
    static const struct layer_info infos[LAYER_COUNT] = {
#define X(id, name_, what_) [LAYER_##id] = {.name = (name_), .what = (what_)},
        LAYER_TABLE(X)
#undef X
    };
    return &infos[layer];
}
