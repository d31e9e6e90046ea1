/* SPDX-License-Identifier: MIT */
#include "heap/cpython.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>

#define CPYTHON_DELETED " (deleted)"

/* "3.11" or "3" at the front; how many bytes it took, 0 = none. */
static size_t cpython_number(const char *text, size_t length, struct cpython *ret_version)
{
    uint64_t major, minor = 0;
    size_t used, more;
    if (text_scan_u64(text, length, &major, &used) < 0 || major < 2 || major > 3)
        return 0;
    *ret_version = (struct cpython){0};
    if (used + 1 >= length || text[used] != '.' ||
        text_scan_u64(text + used + 1, length - used - 1, &minor, &more) < 0 || minor > 99)
        return used; /* "python3": it may be any of them */
    *ret_version = (struct cpython){.major = (unsigned)major, .minor = (unsigned)minor};
    return used + 1 + more;
}

static bool cpython_take(const char **name, size_t *length, const char *prefix)
{
    size_t size = strlen(prefix);
    if (*length < size || memcmp(*name, prefix, size) != 0)
        return false;
    *name += size;
    *length -= size;
    return true;
}

bool cpython_of_file(const char *name, size_t length, struct cpython *ret_version)
{
    static const size_t mark = sizeof(CPYTHON_DELETED) - 1;
    if (length > mark && memcmp(name + length - mark, CPYTHON_DELETED, mark) == 0)
        length -= mark;
    bool library = cpython_take(&name, &length, "lib");
    if (!cpython_take(&name, &length, "python"))
        return false;
    struct cpython version = {0};
    size_t used = cpython_number(name, length, &version);
    name += used;
    length -= used;
    /* Letters of the build: d debug, m pymalloc, u wide characters. Not t: it has no pymalloc. */
    while (used > 0 && length > 0 && strchr("dmu", *name)) {
        name++;
        length--;
    }
    bool whole = library ? length >= 3 && memcmp(name, ".so", 3) == 0 : length == 0;
    if (!whole)
        return false;
    *ret_version = version;
    return true;
}

bool cpython_of_runtime(const char *text, struct cpython *ret_version)
{
    size_t length = strlen(text);
    struct cpython version = {0};
    if (!cpython_take(&text, &length, "cpython ") || cpython_number(text, length, &version) == 0)
        return false;
    *ret_version = version;
    return true;
}
