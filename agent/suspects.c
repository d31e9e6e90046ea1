/* SPDX-License-Identifier: MIT */
#include "suspects.h"

#include "suspect_rows.h"

#include <string.h>

static void on_found(void *context, uint32_t node)
{
    struct suspects *suspects = context;
    uint8_t watch = suspects->walk->nodes[node].watch;
    if (watch == 0 || suspects->sight_count >= SUSPECTS_SIGHTS)
        return;
    suspects->sights[suspects->sight_count++] =
        (struct suspects_sight){.node = node, .row = suspects->row_of_watch[watch]};
}

static void on_again(void *context, uint32_t node, const struct walk_reference *reference)
{
    (void)context, (void)node, (void)reference;
}

struct walk_handler suspects_handler(struct suspects *suspects, struct walk *walk)
{
    suspects->walk = walk;
    suspects->sight_count = 0;
    return (struct walk_handler){.context = suspects, .on_found = on_found, .on_again = on_again};
}

void suspects_prepare(struct suspects *suspects)
{
    for (size_t i = 0; i < suspect_row_count; i++) {
        const struct suspect_row *row = &suspect_rows[i];
        void *module = row->class ? walk_module(suspects->walk, row->module) : NULL;
        void *class = module ? pyobject_attribute(module, row->class) : NULL;
        uint8_t watch = walk_watch(suspects->walk, class);
        if (watch)
            suspects->row_of_watch[watch] = (uint8_t)i;
    }
}

/* ---- findings ---- */

/* Keep the largest few of a row: put it where it belongs among those from `first` on. */
static void keep(struct suspects *suspects, size_t first, const struct control_finding *finding)
{
    size_t most = first + SUSPECT_ROW_FINDINGS;
    size_t end = suspects->limit < most ? suspects->limit : most;
    size_t place = suspects->count;
    while (place > first && suspects->findings[place - 1].count < finding->count)
        place--;
    if (place >= end)
        return;
    if (suspects->count < end)
        suspects->count++;
    for (size_t i = suspects->count - 1; i > place; i--)
        suspects->findings[i] = suspects->findings[i - 1];
    suspects->findings[place] = *finding;
}

static void look_at_sights(struct suspects *suspects, size_t row, size_t first)
{
    for (size_t i = 0; i < suspects->sight_count; i++) {
        const struct suspects_sight *sight = &suspects->sights[i];
        const struct walk_node *node = &suspects->walk->nodes[sight->node];
        struct suspect_look look = {.walk = suspects->walk, .object = node->object};
        struct control_finding *finding = &look.finding;
        if (sight->row != row || !suspect_rows[row].look(&look))
            continue;
        if (!finding->path[0])
            walk_path(suspects->walk, &node->reference, finding->path, sizeof(finding->path));
        pyobject_type_name(pyobject_type_of(look.object), finding->type, sizeof(finding->type));
        keep(suspects, first, finding);
    }
}

static void look_at_module(struct suspects *suspects, size_t row, void *module, size_t first)
{
    struct suspect_look look = {
        .walk = suspects->walk, .object = module, .deadline_usec = suspects->deadline_usec};
    while (suspect_rows[row].look(&look)) {
        keep(suspects, first, &look.finding);
        look.finding = (struct control_finding){0};
    }
}

static void complete(struct control_finding *finding)
{
    finding->kind = CONTROL_FINDING_SUSPECT;
    finding->has = CONTROL_FINDING_HAS_COUNT;
}

size_t suspects_finish(struct suspects *suspects, void *gc, uint64_t deadline_usec,
                       struct control_finding *findings, size_t limit)
{
    suspects->deadline_usec = deadline_usec;
    suspects->findings = findings;
    suspects->count = 0;
    suspects->limit = limit;
    for (size_t row = 0; row < suspect_row_count; row++) {
        size_t first = suspects->count;
        void *module = walk_module(suspects->walk, suspect_rows[row].module);
        /* The program may use the collector without having imported its module. */
        if (!module && strcmp(suspect_rows[row].module, "gc") == 0)
            module = gc;
        if (suspect_rows[row].class)
            look_at_sights(suspects, row, first);
        else if (module)
            look_at_module(suspects, row, module, first);
    }
    for (size_t i = 0; i < suspects->count; i++)
        complete(&findings[i]);
    return suspects->count;
}
