/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <stddef.h>
#include <string.h>

#define OBJECTS_WORD_BITS (sizeof(Elf64_Addr) * 8)

/* glibc writes addresses into the dynamic section when it loads an object, except in the vDSO;
 * other loaders leave offsets. */
static const void *objects_pointer(uintptr_t base, Elf64_Addr value)
{
    uintptr_t address = value < base ? base + value : value;
    const void *pointer;
    memcpy(&pointer, &address, sizeof(pointer));
    return pointer;
}

static const Elf64_Dyn *objects_dynamic(const struct dl_phdr_info *info)
{
    for (size_t i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            return objects_pointer(0, info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    return NULL;
}

static bool objects_open(const struct dl_phdr_info *info, struct object *ret_object)
{
    struct object object = {.base = info->dlpi_addr};
    const Elf64_Dyn *entry = objects_dynamic(info);
    for (; entry && entry->d_tag != DT_NULL; entry++) {
        const void *pointer = objects_pointer(object.base, entry->d_un.d_ptr);
        if (entry->d_tag == DT_SYMTAB)
            object.symbols = pointer;
        else if (entry->d_tag == DT_STRTAB)
            object.strings = pointer;
        else if (entry->d_tag == DT_GNU_HASH)
            object.gnu_hash = pointer;
        else if (entry->d_tag == DT_HASH)
            object.hash = pointer;
    }
    *ret_object = object;
    return object.symbols && object.strings && (object.gnu_hash || object.hash);
}

struct objects_walk {
    bool (*visit)(const struct object *object, void *argument);
    void *argument;
};

static int objects_step(struct dl_phdr_info *info, size_t size, void *argument)
{
    (void)size;
    struct objects_walk *walk = argument;
    struct object object;
    return objects_open(info, &object) && walk->visit(&object, walk->argument);
}

bool objects_visit(bool (*visit)(const struct object *object, void *argument), void *argument)
{
    struct objects_walk walk = {.visit = visit, .argument = argument};
    return dl_iterate_phdr(objects_step, &walk) != 0;
}

static int objects_count(struct dl_phdr_info *info, size_t size, void *argument)
{
    uint64_t *ret_added = argument;
    if (size >= offsetof(struct dl_phdr_info, dlpi_adds) + sizeof(info->dlpi_adds))
        *ret_added = info->dlpi_adds;
    return 1; /* it is the same in all of them */
}

uint64_t objects_added(void)
{
    uint64_t added = 0;
    dl_iterate_phdr(objects_count, &added);
    return added;
}

/* ---- symbols ---- */

static void *objects_value(const struct object *object, uint32_t index, const char *name)
{
    const Elf64_Sym *symbol = &object->symbols[index];
    unsigned type = ELF64_ST_TYPE(symbol->st_info); /* the same for 32 bits */
    if (symbol->st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_OBJECT) ||
        strcmp(object->strings + symbol->st_name, name) != 0)
        return NULL;
    uintptr_t address = object->base + symbol->st_value;
    void *pointer;
    memcpy(&pointer, &address, sizeof(pointer));
    return pointer;
}

/* Layout: buckets, first symbol, words of the filter, its shift; filter; buckets; chains. */
static void *objects_by_gnu_hash(const struct object *object, const char *name)
{
    const uint32_t *head = object->gnu_hash;
    const Elf64_Addr *filter = (const void *)(head + 4);
    const uint32_t *buckets = (const void *)(filter + head[2]);
    const uint32_t *chains = buckets + head[0];
    uint32_t hash = 5381;
    for (const unsigned char *at = (const unsigned char *)name; *at; at++)
        hash = hash * 33 + *at;
    Elf64_Addr word = filter[hash / OBJECTS_WORD_BITS % head[2]];
    if (!(word >> hash % OBJECTS_WORD_BITS & word >> (hash >> head[3]) % OBJECTS_WORD_BITS & 1))
        return NULL;
    uint32_t index = head[0] ? buckets[hash % head[0]] : 0;
    for (; index >= head[1] && index != 0; index++) {
        uint32_t link = chains[index - head[1]];
        void *value = (link | 1) == (hash | 1) ? objects_value(object, index, name) : NULL;
        if (value || link & 1)
            return value;
    }
    return NULL;
}

/* Layout: buckets, symbols; buckets; chains. */
static void *objects_by_hash(const struct object *object, const char *name)
{
    const uint32_t *head = object->hash;
    uint32_t hash = 0;
    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        hash = (hash << 4) + *at;
        hash = (hash ^ (hash >> 24 & 0xF0)) & 0x0FFFFFFF;
    }
    void *value = NULL;
    uint32_t index = head[0] ? head[2 + hash % head[0]] : 0;
    for (; index != 0 && !value; index = head[2 + head[0] + index])
        value = objects_value(object, index, name);
    return value;
}

void *objects_symbol(const struct object *object, const char *name)
{
    return object->gnu_hash ? objects_by_gnu_hash(object, name) : objects_by_hash(object, name);
}
