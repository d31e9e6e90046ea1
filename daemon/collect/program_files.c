/* SPDX-License-Identifier: MIT */
#include "collect/program_files.h"

#include "collect/proc_exe.h"

#include <string.h>

static bool visit_mapping(const struct proc_mapping *mapping, program_files_visit visit,
                          void *context)
{
    const char *slash = memrchr(mapping->name, '/', mapping->name_length);
    if (mapping->inode == 0 || !slash)
        return false;
    size_t before = (size_t)(slash + 1 - mapping->name);
    return visit(context, false, slash + 1, mapping->name_length - before);
}

enum outcome program_files_walk(int proc, pid_t pid, struct proc_maps *maps,
                                program_files_visit visit, void *context)
{
    char name[PROC_EXE_NAME_SIZE];
    enum outcome outcome = proc_exe_name(proc, pid, name);
    if (outcome != OUTCOME_OK || visit(context, true, name, strlen(name)))
        return outcome;
    outcome = proc_maps_open(proc, pid, maps);
    if (outcome != OUTCOME_OK)
        return outcome;
    struct proc_mapping mapping;
    bool enough = false;
    while (!enough && proc_maps_next(maps, &mapping))
        enough = visit_mapping(&mapping, visit, context);
    proc_maps_close(maps);
    return OUTCOME_OK;
}
