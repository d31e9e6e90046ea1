/* SPDX-License-Identifier: MIT */
#include "pyobject_layout.h"

#include "python.h"
#include "symbols.h"

#include <string.h>

#define WORD sizeof(void *)

/* Offsets in bytes. The head of an object and of a type are the same from 2.7 to 3.13. */
#define OBJECT_REFERENCES 0
#define OBJECT_TYPE       (1 * WORD)
#define OBJECT_SIZE       (2 * WORD)
#define CELL_CONTENTS     (2 * WORD)
#define OLD_CLASS_DICT    (3 * WORD)
#define SET_MASK          (4 * WORD)
#define DICT_MASK_2_7     (4 * WORD)
#define DICT_KEYS         (4 * WORD)

#define TYPE_NAME       24
#define TYPE_BASICSIZE  32
#define TYPE_SEQUENCE   104
#define TYPE_FLAGS      168
#define TYPE_TRAVERSE   184
#define TYPE_MEMBERS    240
#define TYPE_BASE       256
#define TYPE_DICT       264
#define TYPE_DICTOFFSET 288

/* A str: bits beside its length, then its letters when both bits are set. */
#define TEXT_STATE       (4 * WORD)
#define TEXT_STATE_ASCII 0x60 /* compact and ASCII */
/* A str of 2.7. */
#define BYTES_LETTERS (4 * WORD + sizeof(int))

/* PyMemberDef */
struct layout_member {
    const char *name;
    int type;
    ssize_t offset;
    int flags;
    const char *doc;
};
#define MEMBER_OBJECT    6
#define MEMBER_OBJECT_EX 16
#define MEMBER_RELATIVE  8 /* flag: not an offset into the object as it stands */

/* From 3.11: where an instance without __dict__ keeps its attributes. */
#define FLAG_IMMUTABLE    (UINT64_C(1) << 8) /* 3.10 */
#define FLAG_MANAGED      (UINT64_C(1) << 4)
#define FLAG_INLINE       (UINT64_C(1) << 2) /* 3.13: behind the object */
#define MANAGED_DICT      (-3 * (ssize_t)WORD)
#define MANAGED_VALUES_11 (-4 * (ssize_t)WORD)
#define INLINE_VALID      3    /* byte: they are in use */
#define INLINE_VALUES     WORD /* from there on */
/* PyDictKeysObject: of a dict, and the names of the attributes that all instances share. */
#define KEYS_COUNT_3_6  32 /* up to 3.10 */
#define KEYS_INDEX_BITS 9
#define KEYS_KIND       10
#define KEYS_KIND_SPLIT 2
#define KEYS_COUNT      24
#define KEYS_INDEX      32
#define KEYS_COUNT_MAX  30 /* SHARED_KEYS_MAX_SIZE */

/* No chain of base classes is so long. */
#define BASES_MAX 64

static struct {
    unsigned version;      /* as python_version() */
    const void *text_type; /* the type of names: str */
    void **(*dict_place)(void *);
    size_t cached_keys;  /* offset in a type; 0: no values without a dict */
    size_t text_letters; /* offset of the letters of a str */
} layout;

static void *word_at(const void *object, ssize_t offset)
{
    void *word;
    memcpy(&word, (const char *)object + offset, sizeof(word));
    return word;
}

static uint64_t number_at(const void *object, ssize_t offset)
{
    uint64_t number;
    memcpy(&number, (const char *)object + offset, sizeof(number));
    return number;
}

/* ---- versions ---- */

#define PLACE(name_, member)                                                                       \
    {                                                                                              \
        .name = (name_), .offset = offsetof(__typeof__(layout), member), .required = true          \
    }

bool layout_load(void)
{
    const struct symbol symbols[] = {
        PLACE("_PyObject_GetDictPtr", dict_place),
        PLACE(python_version() == PYTHON_2_7 ? "PyString_Type" : "PyUnicode_Type", text_type),
    };
    layout.version = python_version();
    layout.text_letters = layout.version >= PYTHON_3_12 ? 40 : 48; /* less one pointer */
    layout.cached_keys = 0;
    if (layout.version >= PYTHON_3_11)
        layout.cached_keys = layout.version == PYTHON_3_11 ? 872 : 880;
    return WORD == 8 && layout.version <= PYTHON_3_13 &&
           python_symbols_load(symbols, sizeof(symbols) / sizeof(symbols[0]), &layout);
}

void layout_forget_values(void)
{
    layout.cached_keys = 0;
}

bool layout_is_sound(const void *dict_type)
{
    /* A build with reference tracing has two more words before these. */
    const void *type = layout_type(dict_type);
    return type && layout_type(type) == type && (layout_flags(type) & LAYOUT_FLAG_TYPE) &&
           (layout_flags(dict_type) & LAYOUT_FLAG_DICT) &&
           strcmp(layout_type_name(dict_type), "dict") == 0;
}

/* ---- objects ---- */

const void *layout_type(const void *object)
{
    return word_at(object, OBJECT_TYPE);
}

bool layout_references(const void *object, uint64_t *ret_count)
{
    uint64_t count = number_at(object, OBJECT_REFERENCES);
    /* 3.12: half of the word counts, and its highest bit says that the object lives for ever. */
    if (layout.version >= PYTHON_3_12) {
        if (count & (UINT64_C(1) << 31))
            return false;
        count &= UINT32_MAX;
    }
    *ret_count = count;
    return true;
}

ssize_t layout_size(const void *object)
{
    return (ssize_t)number_at(object, OBJECT_SIZE);
}

uint64_t layout_dict_room(const void *dict)
{
    if (layout.version == PYTHON_2_7)
        return number_at(dict, DICT_MASK_2_7) + 1;
    return number_at(word_at(dict, DICT_KEYS),
                     layout.version < PYTHON_3_11 ? KEYS_COUNT_3_6 : KEYS_COUNT);
}

uint64_t layout_set_room(const void *set)
{
    return number_at(set, SET_MASK) + 1;
}

const char *layout_ascii(const void *text, size_t *ret_length)
{
    if (layout_type(text) != layout.text_type)
        return NULL;
    *ret_length = (size_t)layout_size(text);
    if (layout.version == PYTHON_2_7)
        return (const char *)text + BYTES_LETTERS;
    uint64_t state = number_at(text, TEXT_STATE);
    if ((state & TEXT_STATE_ASCII) != TEXT_STATE_ASCII)
        return NULL;
    return (const char *)text + layout.text_letters;
}

void *layout_cell(const void *cell)
{
    return word_at(cell, CELL_CONTENTS);
}

void *layout_old_class_dict(const void *object)
{
    return word_at(object, OLD_CLASS_DICT);
}

/* The values themselves of an instance without a dict; NULL: it has none. */
static const void *instance_values(const void *object, const void *type, void **ret_dict)
{
    uintptr_t word = (uintptr_t)word_at(object, MANAGED_DICT);
    *ret_dict = NULL;
    if (layout.version == PYTHON_3_11) {
        *ret_dict = (void *)word;
        return word ? NULL : word_at(object, MANAGED_VALUES_11);
    }
    if (layout.version == PYTHON_3_12 && word & 1) /* tagged by pointing one byte before them */
        return (const void *)(word + 1);
    *ret_dict = (void *)word;
    if (layout.version == PYTHON_3_12 || word || !(layout_flags(type) & FLAG_INLINE))
        return NULL;
    const char *behind = (const char *)object + number_at(type, TYPE_BASICSIZE);
    return behind[INLINE_VALID] ? behind + INLINE_VALUES : NULL;
}

static void *managed_attributes(const void *object, const void *type,
                                struct layout_values *ret_values)
{
    void *dict;
    const void *values = instance_values(object, type, &dict);
    if (dict || !values || !layout.cached_keys || !(layout_flags(type) & LAYOUT_FLAG_HEAP))
        return dict;
    const char *keys = word_at(type, (ssize_t)layout.cached_keys);
    if (!keys || keys[KEYS_KIND] != KEYS_KIND_SPLIT || keys[KEYS_INDEX_BITS] > 8)
        return NULL;
    uint64_t count = number_at(keys, KEYS_COUNT);
    if (count > KEYS_COUNT_MAX)
        return NULL;
    const char *entries = keys + KEYS_INDEX + ((size_t)1 << keys[KEYS_INDEX_BITS]);
    *ret_values = (struct layout_values){.values = values,
                                         .keys = (const void *const *)(const void *)entries,
                                         .count = (size_t)count};
    return NULL;
}

void *layout_attributes(void *object, struct layout_values *ret_values)
{
    const void *type = layout_type(object);
    *ret_values = (struct layout_values){0};
    if (layout.version >= PYTHON_3_11 && layout_flags(type) & FLAG_MANAGED)
        return managed_attributes(object, type, ret_values);
    /* For all others this only computes an address. */
    void **place = layout.dict_place(object);
    return place ? *place : NULL;
}

void *layout_value(const struct layout_values *values, size_t index, const void **ret_name)
{
    *ret_name = values->keys[2 * index];
    return word_at(values->values, (ssize_t)(index * WORD));
}

/* ---- slots ---- */

static bool member_is_object(const struct layout_member *member, const void *type)
{
    return (member->type == MEMBER_OBJECT || member->type == MEMBER_OBJECT_EX) &&
           !(member->flags & MEMBER_RELATIVE) && member->offset >= (ssize_t)(2 * WORD) &&
           (uint64_t)member->offset + WORD <= number_at(type, TYPE_BASICSIZE);
}

static const struct layout_member *members_of(const void *type)
{
    return word_at(type, TYPE_MEMBERS);
}

bool layout_has_slots(const void *type)
{
    for (int i = 0; type && i < BASES_MAX; i++, type = word_at(type, TYPE_BASE)) {
        const struct layout_member *member = members_of(type);
        if (!(layout_flags(type) & LAYOUT_FLAG_HEAP))
            return false;
        for (; member && member->name; member++)
            if (member_is_object(member, type))
                return true;
    }
    return false;
}

bool layout_next_slot(const void *object, struct layout_slot *slot)
{
    for (int i = 0; slot->type && i < BASES_MAX; i++) {
        const struct layout_member *members = members_of(slot->type);
        while (members && members[slot->next].name) {
            const struct layout_member *member = &members[slot->next++];
            if (!member_is_object(member, slot->type))
                continue;
            slot->name = member->name;
            slot->value = word_at(object, member->offset);
            return true;
        }
        slot->type = word_at(slot->type, TYPE_BASE);
        slot->next = 0;
    }
    return false;
}

/* ---- types ---- */

uint64_t layout_flags(const void *type)
{
    return number_at(type, TYPE_FLAGS);
}

const char *layout_type_name(const void *type)
{
    return word_at(type, TYPE_NAME);
}

bool layout_is_c_class(const void *object)
{
    if (!(layout_flags(layout_type(object)) & LAYOUT_FLAG_TYPE))
        return false;
    bool fixed = layout.version >= PYTHON_3_10 && layout_flags(object) & FLAG_IMMUTABLE;
    return fixed || !(layout_flags(object) & LAYOUT_FLAG_HEAP);
}

bool layout_has_dict(const void *type)
{
    bool managed = layout.version >= PYTHON_3_11 && layout_flags(type) & FLAG_MANAGED;
    return managed || number_at(type, TYPE_DICTOFFSET) != 0;
}

layout_length *layout_length_function(const void *type)
{
    layout_length *function = NULL;
    const void *sequence = word_at(type, TYPE_SEQUENCE);
    if (sequence)
        memcpy(&function, sequence, sizeof(function));
    return function;
}

layout_traverse_function *layout_traverse(const void *type)
{
    layout_traverse_function *function = NULL;
    if (layout_flags(type) & LAYOUT_FLAG_GC) {
        void *word = word_at(type, TYPE_TRAVERSE);
        memcpy(&function, &word, sizeof(function));
    }
    return function;
}

void *layout_class_dict(const void *type)
{
    return word_at(type, TYPE_DICT);
}
