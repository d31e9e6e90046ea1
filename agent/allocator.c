/* SPDX-License-Identifier: MIT */
#include "allocator.h"

#include "allocator_kind.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "symbols.h"

#include <stdatomic.h>
#include <time.h>

/* glibc first: whoever it serves has nothing else touched. jemalloc last: to ask it starts it. */
static const struct allocator_kind *const kinds[] = {
    &allocator_glibc,    &allocator_glibc_old, &allocator_mimalloc,
    &allocator_tcmalloc, &allocator_jemalloc,
};

/* A trim of one piece is over in milliseconds; longer, and the fork goes ahead. */
#define ALLOCATOR_FORK_USEC (1 * USEC_PER_SEC)
#define ALLOCATOR_NAP_NSEC  (50 * 1000L)

static struct {
    const struct allocator_kind *kind; /* NULL: not known */
    bool decided;
    char name[CONTROL_TEXT_SIZE];
} allocator;

/* ---- forks ---- */

/* Each side raises its own flag before it looks at the other's. */
static struct {
    _Atomic int forks;  /* under way in the program */
    _Atomic int inside; /* of our threads, in the allocator */
} gate;

static void allocator_nap(void)
{
    struct timespec nap = {.tv_nsec = ALLOCATOR_NAP_NSEC};
    nanosleep(&nap, NULL);
}

static void allocator_leave(void)
{
    atomic_fetch_sub(&gate.inside, 1);
}

static void allocator_enter(void)
{
    for (;;) {
        atomic_fetch_add(&gate.inside, 1);
        if (atomic_load(&gate.forks) == 0)
            return;
        allocator_leave();
        allocator_nap();
    }
}

void allocator_breathe(void)
{
    allocator_leave();
    allocator_enter();
}

static void allocator_before_fork(void)
{
    atomic_fetch_add(&gate.forks, 1);
    if (atomic_load(&gate.inside) == 0)
        return;
    uint64_t deadline = clock_mono_usec() + ALLOCATOR_FORK_USEC;
    while (atomic_load(&gate.inside) > 0 && clock_mono_usec() < deadline)
        allocator_nap();
}

static void allocator_after_fork_in_parent(void)
{
    atomic_fetch_sub(&gate.forks, 1);
}

static void allocator_after_fork_in_child(void)
{
    atomic_store(&gate.forks, 0);
    atomic_store(&gate.inside, 0);
}

/* ---- which one ---- */

void allocator_version(int major, int minor, const char *rest,
                       char ret_version[static CONTROL_TEXT_SIZE])
{
    struct buffer text;
    buffer_init_over(&text, ret_version, CONTROL_TEXT_SIZE - 1);
    if (buffer_printf(&text, "%d.%d%s", major, minor, rest) < 0)
        ret_version[0] = '\0';
}

static void allocator_settle(const struct allocator_kind *kind, const char *version)
{
    /* Registered when the allocator has started, hence behind what it may register itself: before
     * a fork ours runs first, and does not wait for a lock that is held until after it. */
    if (kind->fork_blind &&
        libc_.register_atfork(allocator_before_fork, allocator_after_fork_in_parent,
                              allocator_after_fork_in_child, NULL) != 0)
        return;
    size_t length = text_copy(allocator.name, sizeof(allocator.name), kind->name);
    if (version[0]) {
        length += text_copy(allocator.name + length, sizeof(allocator.name) - length, " ");
        text_copy(allocator.name + length, sizeof(allocator.name) - length, version);
    }
    allocator.kind = kind;
}

bool allocator_identify(void)
{
    bool decided = true;
    for (size_t i = 0; !allocator.decided && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char version[CONTROL_TEXT_SIZE] = "";
        enum allocator_claim claim = kinds[i]->identify(version);
        if (claim == ALLOCATOR_SERVES) {
            allocator_settle(kinds[i], version);
            allocator.decided = true;
        }
        decided = decided && claim != ALLOCATOR_UNDECIDED;
    }
    allocator.decided = allocator.decided || decided;
    return allocator.decided;
}

const char *allocator_name(void)
{
    return allocator.name;
}

uint32_t allocator_capabilities(void)
{
    const struct allocator_kind *kind = allocator.kind;
    if (!kind)
        return 0;
    return (kind->stats ? CONTROL_CAN_MALLOC : 0) | (kind->trim ? CONTROL_CAN_TRIM : 0);
}

bool allocator_trim_is_per_thread(void)
{
    return allocator.kind && allocator.kind->per_thread;
}

/* ---- work ---- */

void allocator_stats(struct control_stats *stats)
{
    if (!(allocator_capabilities() & CONTROL_CAN_MALLOC))
        return;
    allocator_enter();
    uint64_t begin = clock_mono_usec();
    allocator.kind->stats(stats);
    stats->malloc_usec = clock_mono_usec() - begin;
    allocator_leave();
    stats->has |= CONTROL_HAS_MALLOC_USEC;
}

enum control_result allocator_trim(uint64_t *ret_usec)
{
    if (!(allocator_capabilities() & CONTROL_CAN_TRIM))
        return CONTROL_RESULT_UNSUPPORTED;
    allocator_enter();
    uint64_t begin = clock_mono_usec();
    enum control_result result = allocator.kind->trim();
    uint64_t usec = clock_mono_usec() - begin;
    allocator_leave();
    if (result == CONTROL_RESULT_OK)
        *ret_usec = usec;
    return result;
}
