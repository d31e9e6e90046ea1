/* SPDX-License-Identifier: MIT */
#include "engine/publication.h"

#include "base/text.h"
#include "engine/pages.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static void publication_init_locks(struct publication *publication)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&publication->published, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&publication->lock, NULL);
}

int publication_init(struct publication *publication, size_t capacity)
{
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0)
        return -errno;
    *publication = (struct publication){.capacity = capacity, .wake = wake};
    publication_init_locks(publication);
    for (size_t i = 0; i < PUBLICATION_BUFFERS; i++) {
        struct snapshot *buffer = &publication->buffers[i];
        buffer->processes = pages_map(capacity, sizeof(struct process));
        publication->texts[i] = pages_map(capacity, PUBLICATION_TEXT_BYTES);
        buffer->cgroups = pages_map(CGROUP_TABLE_LIMIT, sizeof(struct cgroup));
        buffer->groups = pages_map(GROUP_LIMIT, sizeof(struct group_record));
        if (!buffer->processes || !publication->texts[i] || !buffer->cgroups || !buffer->groups) {
            publication_finish(publication);
            return -ENOMEM;
        }
    }
    return 0;
}

void publication_finish(struct publication *publication)
{
    if (publication->capacity == 0)
        return;
    for (size_t i = 0; i < PUBLICATION_BUFFERS; i++) {
        pages_unmap(publication->buffers[i].processes, publication->capacity,
                    sizeof(struct process));
        pages_unmap(publication->texts[i], publication->capacity, PUBLICATION_TEXT_BYTES);
        pages_unmap(publication->buffers[i].cgroups, CGROUP_TABLE_LIMIT, sizeof(struct cgroup));
        pages_unmap(publication->buffers[i].groups, GROUP_LIMIT, sizeof(struct group_record));
    }
    close(publication->wake);
    pthread_cond_destroy(&publication->published);
    pthread_mutex_destroy(&publication->lock);
    *publication = (struct publication){0};
}

/* NULL: none. */
static const char *publication_text(char *texts, size_t *used, const char *text)
{
    if (!text)
        return NULL;
    char *copy = texts + *used;
    *used += text_copy(copy, PUBLICATION_TEXT_BYTES, text) + 1;
    return copy;
}

/* NULL: none. */
static const struct agent_info *publication_agent(char *texts, size_t *used,
                                                  const struct agent_info *agent)
{
    if (!agent)
        return NULL;
    size_t rest = *used % _Alignof(struct agent_info);
    *used += rest > 0 ? _Alignof(struct agent_info) - rest : 0;
    void *copy = texts + *used;
    *used += sizeof(*agent);
    return memcpy(copy, agent, sizeof(*agent));
}

void publication_copy(struct publication *publication, const struct table *table,
                      struct snapshot *snapshot)
{
    char *texts = publication->texts[snapshot - publication->buffers];
    size_t used = 0;
    snapshot->count = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (table->glances[i].kernel_thread)
            continue;
        struct process *process = &snapshot->processes[snapshot->count++];
        *process = table->processes[i];
        process->name = publication_text(texts, &used, process->name);
        process->unit = publication_text(texts, &used, process->unit);
        process->cmdline = publication_text(texts, &used, process->cmdline);
        process->agent = publication_agent(texts, &used, process->agent);
    }
}

static bool publication_is_free(const struct publication *publication, size_t i)
{
    return publication->readers[i] == 0 && &publication->buffers[i] != publication->current;
}

struct snapshot *publication_begin(struct publication *publication)
{
    struct snapshot *found = NULL;
    pthread_mutex_lock(&publication->lock);
    for (size_t i = 0; i < PUBLICATION_BUFFERS && !found; i++)
        if (publication_is_free(publication, i))
            found = &publication->buffers[i];
    pthread_mutex_unlock(&publication->lock);
    return found;
}

void publication_publish(struct publication *publication, struct snapshot *snapshot, bool whole)
{
    pthread_mutex_lock(&publication->lock);
    publication->current = snapshot;
    publication->whole[snapshot - publication->buffers] = whole;
    publication->touched[snapshot - publication->buffers] |= whole;
    if (whole)
        pthread_cond_broadcast(&publication->published);
    pthread_mutex_unlock(&publication->lock);
}

bool publication_wanted(struct publication *publication, uint64_t now_usec)
{
    pthread_mutex_lock(&publication->lock);
    uint64_t wanted = publication->wanted_usec;
    pthread_mutex_unlock(&publication->lock);
    return wanted > 0 && (now_usec < wanted || now_usec - wanted < PUBLICATION_WANTED_USEC);
}

static bool publication_has(const struct publication *publication, bool whole)
{
    const struct snapshot *current = publication->current;
    return current && (!whole || publication->whole[current - publication->buffers]);
}

bool publication_woken(struct publication *publication)
{
    eventfd_t count;
    eventfd_read(publication->wake, &count);
    pthread_mutex_lock(&publication->lock);
    bool waits = publication->current && !publication_has(publication, true);
    pthread_mutex_unlock(&publication->lock);
    return waits;
}

/* Only the loop makes a free buffer current: what is free here stays so until it begins one. */
void publication_trim(struct publication *publication)
{
    for (size_t i = 0; i < PUBLICATION_BUFFERS; i++) {
        pthread_mutex_lock(&publication->lock);
        bool idle = publication->touched[i] && publication_is_free(publication, i);
        if (idle)
            publication->touched[i] = false;
        pthread_mutex_unlock(&publication->lock);
        if (!idle)
            continue;
        pages_release(publication->buffers[i].processes, publication->capacity,
                      sizeof(struct process));
        pages_release(publication->texts[i], publication->capacity, PUBLICATION_TEXT_BYTES);
    }
}

static struct timespec publication_deadline(uint64_t usec)
{
    return (struct timespec){.tv_sec = (time_t)(usec / USEC_PER_SEC),
                             .tv_nsec = (long)(usec % USEC_PER_SEC * 1000)};
}

/* Holds the lock. Before the first tick there is nothing to wait for. */
static void publication_wait(struct publication *publication, uint64_t now_usec)
{
    struct timespec deadline = publication_deadline(now_usec + PUBLICATION_WAIT_USEC);
    if (!publication->current)
        return;
    eventfd_write(publication->wake, 1);
    while (!publication_has(publication, true))
        if (pthread_cond_timedwait(&publication->published, &publication->lock, &deadline) != 0)
            return;
}

const struct snapshot *publication_acquire(struct publication *publication, bool whole)
{
    uint64_t now = whole ? clock_mono_usec() : 0;
    const struct snapshot *snapshot = NULL;
    pthread_mutex_lock(&publication->lock);
    if (whole) {
        publication->wanted_usec = now;
        if (!publication_has(publication, true))
            publication_wait(publication, now);
    }
    if (publication_has(publication, whole)) {
        snapshot = publication->current;
        publication->readers[snapshot - publication->buffers]++;
    }
    pthread_mutex_unlock(&publication->lock);
    return snapshot;
}

void publication_release(struct publication *publication, const struct snapshot *snapshot)
{
    pthread_mutex_lock(&publication->lock);
    publication->readers[snapshot - publication->buffers]--;
    pthread_mutex_unlock(&publication->lock);
}
