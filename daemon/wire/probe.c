/* SPDX-License-Identifier: MIT */
#include "wire/probe.h"

#include "wire/probe_layers.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define PROBE_REQUEST_MAGIC UINT32_C(0x71706d74) /* "tmpq" */
#define PROBE_ANSWER_MAGIC  UINT32_C(0x61706d74) /* "tmpa" */

/* The packets as they travel: no padding, so that no byte of our memory leaks. */
struct request_packet {
    uint32_t magic, version;
    uint32_t sequence;
    int32_t pid;
    uint64_t start_ticks;
    uint32_t what, byte_budget;
    uint64_t time_budget_usec, deadline_usec;
    uint64_t cursor;
    uint32_t pool_bytes, scan_bytes;
};

struct answer_packet {
    uint32_t magic, version;
    uint32_t sequence;
    int32_t pid;
    uint64_t start_ticks;
    uint32_t what, present;
    int32_t result;
    uint32_t dropped;
    uint64_t cpu_usec;
    uint64_t exe_device, exe_inode;
    struct probe_rollup rollup;
    int64_t own_private_bytes, own_rss_bytes;
    uint32_t payload_length, rights;
    uint64_t exec_mark;
};

struct pools_packet {
    uint64_t cursor;
    uint32_t pool_bytes;
    uint16_t major, minor;
    uint64_t used_pools, free_pools, blocks;
    uint64_t used_bytes, pinned_bytes, free_bytes;
    uint64_t read_places, swapped_places, missed_places;
};

_Static_assert(sizeof(struct request_packet) == PROBE_REQUEST_SIZE, "no padding in a request");
_Static_assert(sizeof(struct pools_packet) == PROBE_POOLS_SIZE, "no padding in pools");
_Static_assert(sizeof(struct answer_packet) == PROBE_HEADER_SIZE, "no padding in an answer");

/* What is asked alone has a payload of one size. */
static const struct {
    uint32_t what, size;
} payloads[] = {{PROBE_WHAT_POOLS, PROBE_POOLS_SIZE},
                {PROBE_WHAT_LAYERS, PROBE_LAYERS_SIZE},
                {PROBE_WHAT_PAGES, PROBE_LAYERS_SIZE}};

/* 0: any size, or not asked alone. */
static uint32_t payload_size(uint32_t what)
{
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        if (payloads[i].what == what)
            return payloads[i].size;
    return 0;
}

static bool what_is_known(uint32_t what)
{
    if (payload_size(what) > 0)
        return true;
    return what != 0 && (what & ~(uint32_t)PROBE_WHAT_ALL) == 0;
}

/* No kernel's page is smaller than the least of them, no pool of any version larger. */
static bool pool_bytes_are_sane(uint32_t bytes)
{
    return bytes >= 4096 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
}

static bool request_scan_is_sane(const struct request_packet *packet)
{
    if (packet->what != PROBE_WHAT_POOLS)
        return (packet->cursor == 0 || packet->what == PROBE_WHAT_PAGES) &&
               packet->pool_bytes == 0 && packet->scan_bytes == 0;
    return (packet->pool_bytes == 0 || pool_bytes_are_sane(packet->pool_bytes)) &&
           packet->scan_bytes <= PROBE_SCAN_MAX_BYTES;
}

void probe_request_encode(const struct probe_request *request,
                          unsigned char ret_packet[static PROBE_REQUEST_SIZE])
{
    struct request_packet packet = {
        .magic = PROBE_REQUEST_MAGIC,
        .version = PROBE_VERSION,
        .sequence = request->sequence,
        .pid = request->pid,
        .start_ticks = request->start_ticks,
        .what = request->what,
        .byte_budget = request->byte_budget,
        .time_budget_usec = request->time_budget_usec,
        .deadline_usec = request->deadline_usec,
        .cursor = request->cursor,
        .pool_bytes = request->pool_bytes,
        .scan_bytes = request->scan_bytes,
    };
    memcpy(ret_packet, &packet, sizeof(packet));
}

int probe_request_decode(const unsigned char *bytes, size_t size, struct probe_request *ret_request)
{
    struct request_packet packet;
    if (size != sizeof(packet))
        return -EBADMSG;
    memcpy(&packet, bytes, sizeof(packet));
    if (packet.magic != PROBE_REQUEST_MAGIC || packet.version != PROBE_VERSION)
        return -EBADMSG;
    if (packet.pid <= 0 || !what_is_known(packet.what) || !request_scan_is_sane(&packet))
        return -EBADMSG;
    if (packet.byte_budget > PROBE_PAYLOAD_MAX || packet.time_budget_usec > PROBE_TIME_MAX_USEC)
        return -EBADMSG;
    *ret_request = (struct probe_request){
        .sequence = packet.sequence,
        .pid = packet.pid,
        .start_ticks = packet.start_ticks,
        .what = packet.what,
        .byte_budget = packet.byte_budget,
        .time_budget_usec = packet.time_budget_usec,
        .deadline_usec = packet.deadline_usec,
        .cursor = packet.cursor,
        .pool_bytes = packet.pool_bytes,
        .scan_bytes = packet.scan_bytes,
    };
    return 0;
}

void probe_answer_encode(const struct probe_answer *answer,
                         unsigned char ret_header[static PROBE_HEADER_SIZE])
{
    struct answer_packet packet = {
        .magic = PROBE_ANSWER_MAGIC,
        .version = PROBE_VERSION,
        .sequence = answer->sequence,
        .pid = answer->pid,
        .start_ticks = answer->start_ticks,
        .what = answer->what,
        .present = answer->present,
        .result = answer->result,
        .dropped = answer->dropped,
        .cpu_usec = answer->cpu_usec,
        .exe_device = answer->exe_device,
        .exe_inode = answer->exe_inode,
        .exec_mark = answer->exec_mark,
        .rollup = answer->rollup,
        .own_private_bytes = answer->own_private_bytes,
        .own_rss_bytes = answer->own_rss_bytes,
        .payload_length = answer->payload_length,
        .rights = answer->rights,
    };
    memcpy(ret_header, &packet, sizeof(packet));
}

static bool rollup_is_sane(const struct probe_rollup *rollup)
{
    return rollup->rss >= 0 && rollup->pss >= 0 && rollup->uss >= 0 && rollup->shared >= 0 &&
           rollup->private_dirty >= 0 && rollup->anonymous >= 0 && rollup->swap >= 0 &&
           rollup->swap_pss >= 0 && rollup->locked >= 0;
}

static bool answer_is_sane(const struct answer_packet *packet, size_t size)
{
    if (packet->magic != PROBE_ANSWER_MAGIC || packet->version != PROBE_VERSION)
        return false;
    if (packet->payload_length != size - sizeof(*packet) || packet->pid <= 0)
        return false;
    if (!what_is_known(packet->what) || (packet->present & ~packet->what) != 0)
        return false;
    if (packet->result > 0 || (packet->result == 0 && packet->present != packet->what))
        return false;
    if (payload_size(packet->present) > 0)
        return packet->payload_length == payload_size(packet->present);
    if (packet->payload_length > 0 && !(packet->present & PROBE_WHAT_CMDLINE))
        return false;
    return rollup_is_sane(&packet->rollup);
}

int probe_answer_decode(const unsigned char *bytes, size_t size, struct probe_answer *ret_answer)
{
    struct answer_packet packet;
    if (size < sizeof(packet) || size > PROBE_PACKET_MAX)
        return -EBADMSG;
    memcpy(&packet, bytes, sizeof(packet));
    if (!answer_is_sane(&packet, size))
        return -EBADMSG;
    *ret_answer = (struct probe_answer){
        .sequence = packet.sequence,
        .pid = packet.pid,
        .start_ticks = packet.start_ticks,
        .what = packet.what,
        .present = packet.present,
        .result = packet.result,
        .dropped = packet.dropped,
        .cpu_usec = packet.cpu_usec,
        .exe_device = packet.exe_device,
        .exe_inode = packet.exe_inode,
        .exec_mark = packet.exec_mark,
        .rollup = packet.rollup,
        .rights = packet.rights,
        .own_private_bytes = packet.own_private_bytes,
        .own_rss_bytes = packet.own_rss_bytes,
        .payload_length = packet.payload_length,
        .payload = (const char *)bytes + sizeof(packet),
    };
    return 0;
}

void probe_pools_add(struct probe_pools *sum, const struct probe_pools *part)
{
    sum->used_pools += part->used_pools;
    sum->free_pools += part->free_pools;
    sum->blocks += part->blocks;
    sum->used_bytes += part->used_bytes;
    sum->pinned_bytes += part->pinned_bytes;
    sum->free_bytes += part->free_bytes;
    sum->read_places += part->read_places;
    sum->missed_places += part->missed_places;
    sum->swapped_places += part->swapped_places;
}

void probe_pools_encode(const struct probe_pools *pools,
                        unsigned char ret_payload[static PROBE_POOLS_SIZE])
{
    struct pools_packet packet = {
        .cursor = pools->cursor,
        .pool_bytes = pools->pool_bytes,
        .major = pools->major,
        .minor = pools->minor,
        .used_pools = pools->used_pools,
        .free_pools = pools->free_pools,
        .blocks = pools->blocks,
        .used_bytes = pools->used_bytes,
        .pinned_bytes = pools->pinned_bytes,
        .free_bytes = pools->free_bytes,
        .read_places = pools->read_places,
        .swapped_places = pools->swapped_places,
        .missed_places = pools->missed_places,
    };
    memcpy(ret_payload, &packet, sizeof(packet));
}

/* What the pools hold lies in the places that were read, and those in one request's memory. */
static bool pools_are_sane(const struct pools_packet *packet)
{
    if (!pool_bytes_are_sane(packet->pool_bytes) ||
        packet->read_places > PROBE_SCAN_MAX_BYTES / packet->pool_bytes ||
        packet->swapped_places > UINT32_MAX || packet->missed_places > packet->read_places)
        return false;
    uint64_t room = packet->read_places * packet->pool_bytes;
    if (packet->used_bytes > room || packet->pinned_bytes > room || packet->free_bytes > room ||
        packet->used_bytes + packet->pinned_bytes + packet->free_bytes > room)
        return false;
    return packet->used_pools <= packet->read_places && packet->free_pools <= packet->read_places &&
           packet->blocks <= packet->used_bytes;
}

int probe_pools_decode(const char *payload, size_t size, struct probe_pools *ret_pools)
{
    struct pools_packet packet;
    if (size != sizeof(packet))
        return -EBADMSG;
    memcpy(&packet, payload, sizeof(packet));
    if (!pools_are_sane(&packet))
        return -EBADMSG;
    *ret_pools = (struct probe_pools){
        .cursor = packet.cursor,
        .pool_bytes = packet.pool_bytes,
        .major = packet.major,
        .minor = packet.minor,
        .used_pools = packet.used_pools,
        .free_pools = packet.free_pools,
        .blocks = packet.blocks,
        .used_bytes = packet.used_bytes,
        .pinned_bytes = packet.pinned_bytes,
        .free_bytes = packet.free_bytes,
        .read_places = packet.read_places,
        .swapped_places = packet.swapped_places,
        .missed_places = packet.missed_places,
    };
    return 0;
}
