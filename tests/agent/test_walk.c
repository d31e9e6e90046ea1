/* SPDX-License-Identifier: MIT */
/*
 * The beginning of the agent's walk, by counted steps: however many modules a program has, it takes
 * no more of them than it is given. Here an object is a module without contents, a step is a look
 * at one, and the clock goes by steps.
 */
#include "walk.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODULES        1000000
#define STEPS_PER_USEC 4
#define BUDGET_USEC    3500
/* Between two looks at the clock. */
#define SLACK_STEPS 200
/* The longest row of names that one search goes along, and the search itself. */
#define SEARCH_STEPS_MAX 40

struct module {
    char name[16];
};

static struct module *all;
static size_t module_count;
static uint64_t steps;
static char kind_of_all; /* its address is the type */

/* ---- instead of the interpreter ---- */

uint64_t clock_thread_usec(void)
{
    return steps / STEPS_PER_USEC;
}

const void *pyobject_type_of(const void *object)
{
    (void)object;
    steps++;
    return &kind_of_all;
}

struct pyobject_type pyobject_classify(const void *type)
{
    return (struct pyobject_type){.type = type, .kind = PYOBJECT_MODULE, .has_names = true};
}

bool pyobject_is_subtype(const void *type, const void *base)
{
    return type == base;
}

bool pyobject_class_is_made(const void *class)
{
    return class != NULL;
}

uint64_t pyobject_length(const void *object, enum pyobject_kind kind)
{
    (void)object, (void)kind;
    return 0;
}

const char *pyobject_ascii(const void *text, size_t *ret_length)
{
    steps++;
    *ret_length = strlen(text);
    return text;
}

bool pyobject_is_text(const void *object, const char *text)
{
    steps++;
    return strcmp(object, text) == 0;
}

bool pyobject_copy_name(const void *text, char *ret_name, size_t size)
{
    return snprintf(ret_name, size, "%s", (const char *)text) > 0;
}

void pyobject_visit_dict(void *dict, pyobject_visitor *visit, void *context)
{
    struct module *modules = dict;
    for (size_t i = 0; i < module_count; i++) {
        steps++;
        const struct pyobject_edge edge = {
            .object = &modules[i], .step = PYOBJECT_NAME, .name = modules[i].name};
        if (!visit(context, &edge))
            return;
    }
}

void pyobject_visit_items(void *object, enum pyobject_kind kind, pyobject_visitor *visit,
                          void *context)
{
    (void)object, (void)kind, (void)visit, (void)context;
}

void pyobject_visit_names(void *object, enum pyobject_kind kind, pyobject_visitor *visit,
                          void *context)
{
    (void)object, (void)kind, (void)visit, (void)context;
    steps++;
}

void *pyobject_attribute(void *object, const char *name)
{
    (void)object, (void)name;
    steps++;
    return NULL;
}

/* ---- the tests ---- */

static void on_found(void *context, uint32_t node)
{
    (void)context, (void)node;
}

static void on_again(void *context, uint32_t node, const struct walk_reference *reference)
{
    (void)context, (void)node, (void)reference;
}

static void name_modules(size_t main_index)
{
    for (size_t i = 0; i < MODULES; i++)
        snprintf(all[i].name, sizeof(all[i].name), "module%zu", i);
    snprintf(all[main_index].name, sizeof(all[0].name), "__main__");
}

/* Returns the memory. */
static void *begin(struct walk *walk, size_t count, uint64_t budget_usec)
{
    const struct walk_handler handler = {.on_found = on_found, .on_again = on_again};
    void *memory = calloc(1, walk_memory_bytes());
    assert_non_null(memory);
    name_modules(7);
    module_count = count;
    steps = 0;
    walk_begin(walk, memory, all, budget_usec, &handler);
    return memory;
}

static void search(const struct walk *walk, const char *name, const void *expected)
{
    uint64_t before = steps;
    assert_ptr_equal(walk_module(walk, name), expected);
    assert_in_range(steps - before, 0, SEARCH_STEPS_MAX);
}

static void few_modules_are_taken_whole(void **state)
{
    (void)state;
    struct walk walk;
    void *memory = begin(&walk, 600, BUDGET_USEC);
    assert_int_equal(walk.modules, 600);
    assert_false(walk.truncated);
    assert_ptr_equal(walk.nodes[0].object, &all[7]);
    search(&walk, "__main__", &all[7]);
    for (size_t i = 0; i < 600; i++)
        search(&walk, all[i].name, &all[i]);
    search(&walk, "module600", NULL);
    walk_run(&walk);
    assert_false(walk.truncated);
    free(memory);
}

static void a_million_take_no_more_than_their_part(void **state)
{
    (void)state;
    struct walk walk;
    void *memory = begin(&walk, MODULES, BUDGET_USEC);
    assert_true(walk.truncated && !walk.ended);
    assert_in_range(walk.modules, 1000, MODULES / 10);
    assert_in_range(steps, 1, BUDGET_USEC * STEPS_PER_USEC * 3 / 4);
    assert_ptr_equal(walk.nodes[0].object, &all[7]);
    search(&walk, "__main__", &all[7]);
    search(&walk, "module0", &all[0]);
    search(&walk, "module999999", NULL);
    search(&walk, "asyncio.tasks", NULL);
    walk_run(&walk);
    assert_in_range(steps, 1, BUDGET_USEC * STEPS_PER_USEC + SLACK_STEPS);
    free(memory);
}

static void with_all_the_time_there_is_room_for_more(void **state)
{
    (void)state;
    struct walk walk;
    void *memory = begin(&walk, MODULES, UINT32_MAX);
    assert_true(walk.truncated && !walk.ended);
    assert_in_range(walk.modules, 10000, 20000);
    for (uint32_t i = 0; i < walk.modules; i++)
        search(&walk, all[i].name, &all[i]);
    assert_in_range(steps, 1, 40 * (uint64_t)walk.modules);
    free(memory);
}

static void without_time_nothing_is_taken(void **state)
{
    (void)state;
    struct walk walk;
    void *memory = begin(&walk, MODULES, 0);
    walk_run(&walk);
    assert_true(walk.truncated);
    assert_in_range(steps, 0, SLACK_STEPS);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_modules_are_taken_whole),
        cmocka_unit_test(a_million_take_no_more_than_their_part),
        cmocka_unit_test(with_all_the_time_there_is_room_for_more),
        cmocka_unit_test(without_time_nothing_is_taken),
    };
    all = calloc(MODULES, sizeof(*all));
    if (!all)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(all);
    return failed;
}
