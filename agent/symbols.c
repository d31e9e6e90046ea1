/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include <dlfcn.h>
#include <string.h>

/*
 * A plain reference would bind to the newest version (2.34 on today's systems) and keep every
 * older program from starting. The oldest version is in every glibc: in libdl before 2.34, which
 * may not be loaded, hence weak. musl ignores versions.
 */
#if defined(__x86_64__)
#define SYMBOLS_OLDEST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define SYMBOLS_OLDEST "GLIBC_2.17"
#else
#error "the agent is built for x86-64 and aarch64"
#endif

extern void *symbols_dlsym(void *search, const char *name) __attribute__((weak));
__asm__(".symver symbols_dlsym,dlsym@" SYMBOLS_OLDEST);

struct symbols_libc libc_;

#define LIBC(member, name_, required_)                                                             \
    {                                                                                              \
        .name = (name_), .offset = offsetof(struct symbols_libc, member), .required = (required_)  \
    }

static const struct symbol libc_symbols[] = {
    LIBC(pthread_create, "pthread_create", true),
    LIBC(pthread_join, "pthread_join", true),
    LIBC(pthread_attr_init, "pthread_attr_init", true),
    LIBC(pthread_attr_setstacksize, "pthread_attr_setstacksize", true),
    LIBC(pthread_attr_setstack, "pthread_attr_setstack", true),
    LIBC(pthread_attr_destroy, "pthread_attr_destroy", true),
    LIBC(pthread_sigmask, "pthread_sigmask", true),
    /* pthread_atfork() is a static stub that only a link against libc_nonshared.a brings in. */
    LIBC(register_atfork, "__register_atfork", true),
    LIBC(version, "gnu_get_libc_version", true),
    LIBC(malloc_trim, "malloc_trim", false),
    LIBC(mallinfo2, "mallinfo2", false),
    LIBC(mallinfo, "mallinfo", false),
};

void *symbols_find(void *search, const char *name)
{
    return symbols_dlsym ? symbols_dlsym(search, name) : NULL;
}

bool symbols_load_by(void *(*find)(const void *context, const char *name), const void *context,
                     const struct symbol *symbols, size_t count, void *table)
{
    bool complete = true;
    for (size_t i = 0; i < count; i++) {
        void *found = find(context, symbols[i].name);
        memcpy((char *)table + symbols[i].offset, &found, sizeof(found));
        complete = complete && (found || !symbols[i].required);
    }
    return complete;
}

static void *symbols_search(const void *search, const char *name)
{
    return symbols_find(*(void *const *)search, name);
}

bool symbols_load(void *search, const struct symbol *symbols, size_t count, void *table)
{
    return symbols_load_by(symbols_search, &search, symbols, count, table);
}

bool symbols_resolve_libc(void)
{
    /* RTLD_NEXT: a program may export a malloc_trim or PLT stub of its own. */
    return symbols_load(RTLD_NEXT, libc_symbols, sizeof(libc_symbols) / sizeof(libc_symbols[0]),
                        &libc_);
}
