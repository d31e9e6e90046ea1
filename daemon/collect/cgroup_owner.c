/* SPDX-License-Identifier: MIT */
#include "collect/cgroup_owner.h"

#include "base/text.h"

#include <string.h>

/* What stands where an id is expected. */
enum owner_id {
    OWNER_ID_HEX,  /* 64 hexadecimal digits, as all OCI runtimes draw them */
    OWNER_ID_NAME, /* what a person called it, escaped as systemd does in names of units */
    OWNER_ID_NONE, /* this is no container: look no further */
};

/* A part of a path between "/" (or ":", as runc writes it when drivers disagree). */
struct owner_part {
    const char *text;
    size_t length;
};

struct owner_pattern {
    const char *parent; /* the part before must be this one; NULL = any */
    const char *prefix, *suffix;
    enum owner_id id;
    bool below_pod; /* only behind the group of a pod */
    enum container_runtime runtime;
};

/* The first that fits a part counts: what is said stands before what is only usual. */
static const struct owner_pattern owner_patterns[] = {
    /* systemd drivers: a scope below a slice */
    {NULL, "docker-", ".scope", OWNER_ID_HEX, false, CONTAINER_RUNTIME_DOCKER},
    {NULL, "cri-containerd-", ".scope", OWNER_ID_HEX, false, CONTAINER_RUNTIME_CONTAINERD},
    {NULL, "nerdctl-", ".scope", OWNER_ID_HEX, false, CONTAINER_RUNTIME_CONTAINERD},
    {NULL, "crio-", ".scope", OWNER_ID_HEX, false, CONTAINER_RUNTIME_CRIO},
    {NULL, "libpod-", ".scope", OWNER_ID_HEX, false, CONTAINER_RUNTIME_PODMAN},
    /* cgroupfs drivers: a directory */
    {"docker", "", "", OWNER_ID_HEX, false, CONTAINER_RUNTIME_DOCKER},
    {"cri-containerd", "", "", OWNER_ID_HEX, false, CONTAINER_RUNTIME_CONTAINERD},
    {"k8s.io", "", "", OWNER_ID_HEX, false, CONTAINER_RUNTIME_CONTAINERD},
    {NULL, "crio-", "", OWNER_ID_HEX, false, CONTAINER_RUNTIME_CRIO},
    {NULL, "libpod-payload-", "", OWNER_ID_HEX, false, CONTAINER_RUNTIME_PODMAN},
    {NULL, "libpod-", "", OWNER_ID_HEX, false, CONTAINER_RUNTIME_PODMAN},
    {NULL, "", "", OWNER_ID_HEX, true, CONTAINER_RUNTIME_CONTAINERD},
    /* whole systems */
    {"machine.slice", "systemd-nspawn@", ".service", OWNER_ID_NAME, false,
     CONTAINER_RUNTIME_NSPAWN},
    {"machine.slice", "machine-qemu\\x2d", ".scope", OWNER_ID_NONE, false, CONTAINER_RUNTIME_NONE},
    {"machine.slice", "machine-lxc\\x2d", ".scope", OWNER_ID_NAME, false, CONTAINER_RUNTIME_LXC},
    {"machine.slice", "machine-", ".scope", OWNER_ID_NAME, false, CONTAINER_RUNTIME_NSPAWN},
    {NULL, "lxc.payload.", "", OWNER_ID_NAME, false, CONTAINER_RUNTIME_LXC},
    {"lxc.payload", "", "", OWNER_ID_NAME, false, CONTAINER_RUNTIME_LXC},
    {"lxc", "", "", OWNER_ID_NAME, false, CONTAINER_RUNTIME_LXC},
    /* an OCI container below a parent that somebody chose: nobody says by which runtime */
    {NULL, "", "", OWNER_ID_HEX, false, CONTAINER_RUNTIME_NONE},
};

static bool part_is(struct owner_part part, const char *text)
{
    return part.length == strlen(text) && memcmp(part.text, text, part.length) == 0;
}

/* What is between prefix and suffix; false when it is nothing or they are not there. */
static bool part_cut(struct owner_part part, const char *prefix, const char *suffix,
                     struct owner_part *ret_middle)
{
    size_t before = strlen(prefix), after = strlen(suffix);
    if (part.length <= before + after || memcmp(part.text, prefix, before) != 0 ||
        memcmp(part.text + part.length - after, suffix, after) != 0)
        return false;
    *ret_middle = (struct owner_part){part.text + before, part.length - before - after};
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool part_is_hex(struct owner_part part, size_t digits)
{
    if (part.length != digits)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (!is_hex(part.text[i]))
            return false;
    return true;
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* "my\x2dbox" is "my-box". Whatever comes out is made clean. */
static bool owner_take_name(struct owner_part part, char ret_id[static CGROUP_CONTAINER_ID_SIZE])
{
    char plain[CGROUP_CONTAINER_ID_SIZE];
    size_t used = 0;
    for (size_t i = 0; i < part.length && used < sizeof(plain); i++) {
        const char *at = part.text + i;
        char byte = *at;
        if (part.length - i > 3 && at[0] == '\\' && at[1] == 'x' && is_hex(at[2]) &&
            is_hex(at[3])) {
            byte = (char)(hex_digit(at[2]) * 16 + hex_digit(at[3]));
            i += 3;
        }
        plain[used++] = byte;
    }
    return text_clean(ret_id, CGROUP_CONTAINER_ID_SIZE, plain, used) > 0;
}

static bool owner_take_id(const struct owner_pattern *pattern, struct owner_part part,
                          struct cgroup_owner *owner)
{
    struct owner_part id;
    if (!part_cut(part, pattern->prefix, pattern->suffix, &id))
        return false;
    switch (pattern->id) {
    case OWNER_ID_NONE:
        return true;
    case OWNER_ID_NAME:
        if (!owner_take_name(id, owner->container_id))
            return false;
        break;
    case OWNER_ID_HEX:
        if (!part_is_hex(id, 64))
            return false;
        text_copy_span(owner->container_id, sizeof(owner->container_id), id.text, id.length);
        break;
    }
    owner->runtime = pattern->runtime;
    return true;
}

static void owner_container(struct owner_part before, struct owner_part part, bool below_pod,
                            struct cgroup_owner *owner)
{
    for (size_t i = 0; i < sizeof(owner_patterns) / sizeof(owner_patterns[0]); i++) {
        const struct owner_pattern *pattern = &owner_patterns[i];
        if ((pattern->parent && !part_is(before, pattern->parent)) ||
            (pattern->below_pod && !below_pod))
            continue;
        if (owner_take_id(pattern, part, owner))
            return;
    }
}

/* "8-4-4-4-12", with "_" for "-" in names of slices; or the hash that a static pod has instead. */
static bool owner_take_pod_uid(struct owner_part uid, char ret_uid[static CGROUP_POD_UID_SIZE])
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (part_is_hex(uid, 32)) {
        text_copy_span(ret_uid, CGROUP_POD_UID_SIZE, uid.text, uid.length);
        return true;
    }
    char text[CGROUP_POD_UID_SIZE];
    if (uid.length != strlen(shape))
        return false;
    for (size_t i = 0; i < uid.length; i++) {
        text[i] = uid.text[i];
        if (text[i] == '_')
            text[i] = '-';
        if (shape[i] == '-' ? text[i] != '-' : !is_hex(text[i]))
            return false;
    }
    text_copy_span(ret_uid, CGROUP_POD_UID_SIZE, text, uid.length);
    return true;
}

/* "podUID", or "kubepods-burstable-podUID.slice" with whatever stands before the last "-pod". */
static bool owner_pod(struct owner_part part, struct cgroup_owner *owner)
{
    struct owner_part uid;
    if (part_cut(part, "pod", "", &uid) && owner_take_pod_uid(uid, owner->pod_uid))
        return true;
    if (!part_cut(part, "", ".slice", &part))
        return false;
    static const char mark[] = "-pod";
    for (size_t at = part.length; at-- > 0;) {
        uid = (struct owner_part){part.text + at, part.length - at};
        if (part_cut(uid, mark, "", &uid))
            return owner_take_pod_uid(uid, owner->pod_uid);
    }
    return false;
}

void cgroup_owner_parse(const char *path, struct cgroup_owner *ret_owner)
{
    struct owner_part before = {"", 0};
    bool below_pod = false;
    *ret_owner = (struct cgroup_owner){0};
    while (*path) {
        path += strspn(path, "/:");
        struct owner_part part = {path, strcspn(path, "/:")};
        if (owner_pod(part, ret_owner))
            below_pod = true;
        else
            owner_container(before, part, below_pod, ret_owner);
        before = part;
        path += part.length;
    }
}
