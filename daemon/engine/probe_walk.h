/* SPDX-License-Identifier: MIT */
/*
 * Layers of a process, on both sides of the socket: the probe walks over its mappings into what
 * travels, from PID/smaps at once or, without holding the process up, page by page in parts; the
 * head makes what the model knows of it.
 */
#ifndef MEMTEND_ENGINE_PROBE_WALK_H
#define MEMTEND_ENGINE_PROBE_WALK_H

#include "collect/outcome.h"
#include "model/layer.h"
#include "wire/probe_layers.h"

#include <sys/types.h>

/* Called often while a walk gets on; NULL: nobody is interested. */
struct probe_moved {
    void *context;
    void (*moved)(void *context);
};

/* Any thread. */
enum outcome probe_walk_smaps(int proc, pid_t pid, const struct probe_moved *moved,
                              struct probe_layers *ret_layers);

/*
 * A part from the cursor on, at most until the monotonic time. Works on a static buffer: one
 * thread, in the probe. 0, also when there is more to do (ret_layers->cursor); else nothing is
 * known: -EPERM the right to look into the process is missing (CAP_SYS_PTRACE); -EACCES the right
 * to read its PID/pagemap (CAP_DAC_READ_SEARCH); -ENODATA it has no memory any more; -EFBIG it has
 * a range with rights that is larger than all memory; -EIO.
 */
int probe_walk_pages(int proc, pid_t pid, uint64_t cursor, uint64_t until_usec,
                     const struct probe_moved *moved, struct probe_layers *ret_layers);

/* mono_usec: when it was read. Births are not known. */
void probe_walk_layers(const struct probe_layers *layers, uint64_t mono_usec,
                       struct layers *ret_layers);

#endif
