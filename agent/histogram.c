/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include "base/clock.h"
#include "collector.h"
#include "gil.h"
#include "pyobject.h"
#include "python.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A power of two, many times what large services have; 88 bytes each, touched as far as used. */
#define HISTOGRAM_TYPES 8192
#define HISTOGRAM_FILL  (HISTOGRAM_TYPES * 3 / 4)
/* An object that the collector tracks is two to three blocks of pymalloc, the smallest about so
 * many bytes. */
#define HISTOGRAM_BLOCKS_PER_OBJECT 3
#define HISTOGRAM_BYTES_PER_OBJECT  128
#define HISTOGRAM_GENERATIONS       3
#define HISTOGRAM_PIECES_SINCE      308 /* gc.get_objects(generation) */
/* Between two pieces: others that wait for the GIL get it. */
#define HISTOGRAM_PAUSE_USEC 1000

struct histogram_type {
    const void *type; /* NULL = free; may be gone and its place another's: only compared */
    uint64_t count;
    char name[CONTROL_TEXT_SIZE];
};

struct histogram {
    struct histogram_type *types;
    size_t type_count;
    uint64_t objects, max_objects;
    bool truncated; /* more types than there is room for */
};

size_t histogram_memory_bytes(void)
{
    return HISTOGRAM_TYPES * sizeof(struct histogram_type);
}

static struct histogram_type *histogram_place(struct histogram *histogram, const void *type)
{
    uint64_t hash = ((uintptr_t)type >> 4) * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(hash >> 32) & (HISTOGRAM_TYPES - 1);
    while (histogram->types[at].type && histogram->types[at].type != type)
        at = (at + 1) & (HISTOGRAM_TYPES - 1);
    return &histogram->types[at];
}

/* An object by an object: the next one's cost is this one's look at its head. */
static int histogram_add(void *object, void *argument)
{
    struct histogram *histogram = argument;
    const void *type = pyobject_type_of(object);
    if (++histogram->objects > histogram->max_objects)
        return 0;
    struct histogram_type *place = histogram_place(histogram, type);
    if (!place->type && histogram->type_count >= HISTOGRAM_FILL) {
        histogram->truncated = true;
        return 1;
    }
    if (!place->type) {
        place->type = type;
        pyobject_type_name(type, place->name, sizeof(place->name));
        histogram->type_count++;
    }
    place->count++;
    return 1;
}

/* ---- lists of objects, before 3.12 ---- */

static uint64_t histogram_estimate(void)
{
    uint64_t blocks;
    struct rusage usage = {0};
    if (collector_blocks(&blocks))
        return blocks / HISTOGRAM_BLOCKS_PER_OBJECT;
    syscall(SYS_getrusage, RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024 / HISTOGRAM_BYTES_PER_OBJECT;
}

/* gc.get_objects(generation), or gc.get_objects() for -1. */
static void *histogram_list(void *get_objects, int generation)
{
    void *arguments = NULL;
    if (generation >= 0) {
        arguments = python_api.tuple_new(1);
        if (!arguments)
            return NULL;
        python_api.tuple_set(arguments, 0, python_api.long_new(generation));
    }
    return python_call(get_objects, arguments);
}

/*
 * The list holds a reference to every object. It is gone again before the GIL is: nobody else ran,
 * so none of these references is the last one and no finaliser runs here.
 */
static bool histogram_count_list(struct histogram *histogram, void *get_objects, int generation)
{
    bool enabled = collector_pause();
    void *list = histogram_list(get_objects, generation);
    /* The function's name may be the program's by now, and its answer anything. */
    bool sound = list && pyobject_classify(pyobject_type_of(list)).kind == PYOBJECT_LIST;
    uint64_t count = sound ? pyobject_length(list, PYOBJECT_LIST) : 0;
    for (uint64_t i = 0; i < count; i++)
        if (histogram_add(python_api.list_get(list, (ssize_t)i), histogram) == 0)
            break;
    if (list)
        python_api.unref(list);
    collector_unpause(enabled);
    return sound;
}

static enum control_result histogram_lists(struct histogram *histogram, struct job_result *result)
{
    void *get_objects = python_api.get_attribute(collector_module(), "get_objects");
    bool in_pieces = python_version() >= HISTOGRAM_PIECES_SINCE;
    bool done = get_objects != NULL;
    uint64_t begin = clock_mono_usec();
    if (histogram_estimate() > histogram->max_objects)
        histogram->objects = histogram_estimate();
    for (int i = 0; done && histogram->objects <= histogram->max_objects; i++) {
        done = histogram_count_list(histogram, get_objects, in_pieces ? i : -1);
        uint64_t usec = clock_mono_usec() - begin;
        if (usec > result->hold_usec)
            result->hold_usec = usec;
        if (!in_pieces || i + 1 == HISTOGRAM_GENERATIONS)
            break;
        if (!gil_breathe(HISTOGRAM_PAUSE_USEC)) {
            result->truncated = true;
            break;
        }
        begin = clock_mono_usec();
    }
    if (get_objects)
        python_api.unref(get_objects);
    python_api.error_clear();
    return done ? CONTROL_RESULT_OK : CONTROL_RESULT_FAILED;
}

/* ---- the result ---- */

static struct histogram_type *histogram_largest(struct histogram *histogram)
{
    struct histogram_type *best = NULL;
    for (size_t i = 0; i < HISTOGRAM_TYPES; i++) {
        struct histogram_type *type = &histogram->types[i];
        if (type->count > 0 && (!best || type->count > best->count))
            best = type;
    }
    return best;
}

static size_t histogram_finish(struct histogram *histogram, struct control_finding *findings,
                               size_t limit)
{
    size_t count = 0;
    struct histogram_type *type;
    while (count < limit && (type = histogram_largest(histogram))) {
        struct control_finding *finding = &findings[count++];
        *finding = (struct control_finding){
            .kind = CONTROL_FINDING_TYPE, .has = CONTROL_FINDING_HAS_COUNT, .count = type->count};
        memcpy(finding->type, type->name, sizeof(finding->type));
        type->count = 0;
    }
    return count;
}

size_t histogram_take(const struct control_census *census, void *memory, struct job_result *result,
                      struct control_finding *findings, size_t limit)
{
    struct histogram histogram = {.types = memory, .max_objects = census->max_objects};
    /* From 3.12 without a list: no reference is taken, and it ends when told to. */
    if (pyobject_visit_heap(histogram_add, &histogram))
        result->result = CONTROL_RESULT_OK;
    else
        result->result = histogram_lists(&histogram, result);
    if (histogram.objects > histogram.max_objects)
        result->result = CONTROL_RESULT_TOO_MANY_OBJECTS;
    if (result->result != CONTROL_RESULT_OK)
        return 0;
    result->objects = histogram.objects;
    result->truncated = result->truncated || histogram.truncated;
    return histogram_finish(&histogram, findings, limit);
}
