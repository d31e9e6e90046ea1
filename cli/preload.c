/* SPDX-License-Identifier: MIT */
#include "preload.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "program.h"
#include "say.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRELOAD_SONAMES 3

struct allocator {
    const char *name;
    const char *prefix; /* of its files */
    const char *sonames[PRELOAD_SONAMES];
    const char *package;
};

static const struct allocator allocators[] = {
    {.name = "glibc"},
    {"jemalloc", "libjemalloc", {"libjemalloc.so.2"}, "libjemalloc2"},
    {"tcmalloc",
     "libtcmalloc",
     {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"},
     "libtcmalloc-minimal4"},
    {"mimalloc", "libmimalloc", {"libmimalloc.so.2", "libmimalloc.so.2.0"}, "libmimalloc2.0"},
};
#define PRELOAD_ALLOCATORS (sizeof(allocators) / sizeof(allocators[0]))

const char *preload_allocator_names(void)
{
    return "glibc jemalloc tcmalloc mimalloc";
}

/* ---- the agent ---- */

/* ld.so splits LD_PRELOAD at blanks and colons and knows no quoting. */
static bool is_preloadable(const char *path)
{
    return path[0] == '/' && !strpbrk(path, " :\t\n");
}

/* Beside the running program: a build tree and an installation both have ../lib. */
static bool find_agent_beside(char ret_path[static PATH_MAX])
{
    static const char *const folders[] = {
        "../lib",
        "../" MEMTEND_LIBDIR "/memtend",
        "../lib/memtend",
        "../lib/" MEMTEND_MULTIARCH,
        "../lib/" MEMTEND_MULTIARCH "/memtend",
    };
    char program[PATH_MAX], candidate[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0)
        return false;
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(candidate, sizeof(candidate), "%s/%s/" PRELOAD_AGENT, program, folders[i]);
        if (access(candidate, R_OK) == 0 && realpath(candidate, ret_path))
            return true;
    }
    return false;
}

int preload_find_agent(char ret_path[static PATH_MAX])
{
    const char *given = getenv("MEMTEND_AGENT");
    if (given && *given) {
        if (given[0] != '/' || strlen(given) >= PATH_MAX || access(given, R_OK) != 0) {
            say("MEMTEND_AGENT must be the absolute path of a readable " PRELOAD_AGENT ", not %s",
                given);
            return -ENOENT;
        }
        text_copy(ret_path, PATH_MAX, given);
    } else if (!find_agent_beside(ret_path)) {
        say("cannot find " PRELOAD_AGENT " beside this program");
        say_try("MEMTEND_AGENT=/path/to/" PRELOAD_AGENT " memtend run ...");
        return -ENOENT;
    }
    if (is_preloadable(ret_path))
        return 0;
    say("%s: LD_PRELOAD cannot hold a path with blanks or colons", ret_path);
    say_try("a copy of the agent elsewhere, and MEMTEND_AGENT=/path/to/the/copy");
    return -EINVAL;
}

/* ---- the allocator ---- */

static bool is_library(const char *directory, const char *soname, char ret_path[static PATH_MAX])
{
    int length = snprintf(ret_path, PATH_MAX, "%s/%s", directory, soname);
    return length < PATH_MAX && is_preloadable(ret_path) && program_is_native(ret_path);
}

/* The directories that the dynamic linker itself names; NULL when it does not. Caller frees. */
static Dl_serinfo *search_path(void)
{
    Dl_serinfo size;
    void *self = dlopen(NULL, RTLD_LAZY);
    if (!self || dlinfo(self, RTLD_DI_SERINFOSIZE, &size) != 0)
        return NULL;
    _cleanup_(freep) Dl_serinfo *path = say_no_memory(calloc(1, size.dls_size));
    if (dlinfo(self, RTLD_DI_SERINFOSIZE, path) != 0 || dlinfo(self, RTLD_DI_SERINFO, path) != 0)
        return NULL;
    return STEAL(path);
}

/* Beside the linker's own: what Debian's ld.so.conf adds. */
static const char *const local_directories[] = {"/usr/local/lib/" MEMTEND_MULTIARCH,
                                                "/usr/local/lib"};

static bool find_library(const char *soname, char ret_path[static PATH_MAX])
{
    _cleanup_(freep) Dl_serinfo *path = search_path();
    for (unsigned i = 0; path && i < path->dls_cnt; i++)
        if (is_library(path->dls_serpath[i].dls_name, soname, ret_path))
            return true;
    for (size_t i = 0; i < sizeof(local_directories) / sizeof(local_directories[0]); i++)
        if (is_library(local_directories[i], soname, ret_path))
            return true;
    return false;
}

static const struct allocator *allocator_named(const char *name)
{
    for (size_t i = 0; i < PRELOAD_ALLOCATORS; i++)
        if (strcmp(allocators[i].name, name) == 0)
            return &allocators[i];
    return NULL;
}

int preload_find_allocator(const char *name, struct preload *preload)
{
    preload->allocator[0] = '\0';
    preload->replace_allocator = name != NULL;
    if (!name)
        return 0;
    const struct allocator *allocator = allocator_named(name);
    if (!allocator) {
        say("--malloc takes one of %s, not %s", preload_allocator_names(), name);
        return -EINVAL;
    }
    for (size_t i = 0; i < PRELOAD_SONAMES && allocator->sonames[i]; i++)
        if (find_library(allocator->sonames[i], preload->allocator))
            return 0;
    preload->allocator[0] = '\0';
    if (!allocator->package)
        return 0;
    say("%s is not installed: no %s in the directories of the dynamic linker", name,
        allocator->sonames[0]);
    say_try("apt-get install %s", allocator->package);
    return -ENOENT;
}

/* ---- joining ---- */

static bool is_allocator(const char *entry, size_t length)
{
    const char *slash = memrchr(entry, '/', length);
    const char *file = slash ? slash + 1 : entry;
    size_t left = length - (size_t)(file - entry);
    for (size_t i = 0; i < PRELOAD_ALLOCATORS; i++) {
        const char *prefix = allocators[i].prefix;
        if (prefix && left >= strlen(prefix) && strncmp(file, prefix, strlen(prefix)) == 0)
            return true;
    }
    return false;
}

static void append(char *joined, size_t size, const char *entry, size_t length)
{
    size_t used = strlen(joined);
    snprintf(joined + used, size - used, "%s%.*s", used > 0 ? ":" : "", (int)length, entry);
}

static bool is_entry(const char *entry, size_t length, const char *path)
{
    return strlen(path) == length && strncmp(entry, path, length) == 0;
}

char *preload_join(const char *old, const struct preload *preload)
{
    const char *at = old ? old : "";
    size_t size = strlen(at) + strlen(preload->allocator) + strlen(preload->agent) + 3;
    char *joined = say_no_memory(calloc(1, size));
    bool has_agent = false;
    while (*(at += strspn(at, " :"))) {
        size_t length = strcspn(at, " :");
        bool agent = is_entry(at, length, preload->agent);
        bool drop =
            (agent && has_agent) || (preload->replace_allocator && is_allocator(at, length));
        if (!drop)
            append(joined, size, at, length);
        has_agent = has_agent || agent;
        at += length;
    }
    if (preload->allocator[0])
        append(joined, size, preload->allocator, strlen(preload->allocator));
    if (!has_agent && preload->agent[0])
        append(joined, size, preload->agent, strlen(preload->agent));
    return joined;
}
