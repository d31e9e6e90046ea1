/* SPDX-License-Identifier: MIT */
/*
 * Packets between head and probe, as hostile bytes: what is taken is sane, and it is taken as the
 * same when it is packed again.
 */
#include "wire/probe.h"
#include "wire/probe_layers.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_request(const uint8_t *data, size_t size)
{
    struct probe_request request, again;
    unsigned char packet[PROBE_REQUEST_SIZE];
    if (probe_request_decode(data, size, &request) < 0)
        return;
    if (request.pid <= 0 || request.byte_budget > PROBE_PAYLOAD_MAX)
        abort();
    probe_request_encode(&request, packet);
    if (probe_request_decode(packet, sizeof(packet), &again) < 0 ||
        again.start_ticks != request.start_ticks || again.what != request.what)
        abort();
}

static void fuzz_pools(const char *payload, size_t size)
{
    struct probe_pools pools, again;
    unsigned char packet[PROBE_POOLS_SIZE];
    if (probe_pools_decode(payload, size, &pools) < 0)
        return;
    if (pools.used_bytes + pools.pinned_bytes + pools.free_bytes > PROBE_SCAN_MAX_BYTES)
        abort();
    probe_pools_encode(&pools, packet);
    if (probe_pools_decode((const char *)packet, sizeof(packet), &again) < 0 ||
        again.free_bytes != pools.free_bytes)
        abort();
}

static void fuzz_layers(const char *payload, size_t size)
{
    struct probe_layers layers;
    unsigned char packet[PROBE_LAYERS_SIZE];
    if (probe_layers_decode(payload, size, &layers) < 0)
        return;
    int64_t sum = 0;
    for (size_t i = 0; i < PROBE_LAYERS_KINDS; i++)
        sum += layers.rss[i];
    if (sum != layers.rss_sum || layers.large_count > PROBE_LAYERS_LARGE)
        abort();
    probe_layers_encode(&layers, packet);
    if (memcmp(packet, payload, size) != 0)
        abort();
    /* Parts add up to what is sane as well. */
    struct probe_layers twice = layers;
    if (probe_layers_add(&twice, &layers) < 0 || twice.large_count > PROBE_LAYERS_LARGE ||
        twice.rss_sum != 2 * layers.rss_sum)
        abort();
}

static void fuzz_answer(const uint8_t *data, size_t size)
{
    struct probe_answer answer, again;
    unsigned char packet[PROBE_PACKET_MAX];
    if (probe_answer_decode(data, size, &answer) < 0)
        return;
    if (answer.payload_length > PROBE_PAYLOAD_MAX || (answer.present & ~answer.what) != 0)
        abort();
    fuzz_pools(answer.payload, answer.payload_length);
    fuzz_layers(answer.payload, answer.payload_length);
    probe_answer_encode(&answer, packet);
    memcpy(packet + PROBE_HEADER_SIZE, answer.payload, answer.payload_length);
    if (probe_answer_decode(packet, size, &again) < 0 || again.result != answer.result ||
        memcmp(again.payload, answer.payload, answer.payload_length) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_request(data, size);
    fuzz_answer(data, size);
    return 0;
}
