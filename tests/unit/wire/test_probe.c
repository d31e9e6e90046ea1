/* SPDX-License-Identifier: MIT */
#include "wire/probe.h"
#include "wire/probe_layers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct probe_request some_request(void)
{
    return (struct probe_request){.sequence = 7,
                                  .pid = 4711,
                                  .start_ticks = UINT64_MAX,
                                  .what = PROBE_WHAT_ALL,
                                  .byte_budget = PROBE_PAYLOAD_MAX,
                                  .time_budget_usec = 2000000,
                                  .deadline_usec = 123456789};
}

static struct probe_answer some_answer(void)
{
    return (struct probe_answer){.sequence = 7,
                                 .pid = 4711,
                                 .start_ticks = 88213,
                                 .what = PROBE_WHAT_ALL,
                                 .present = PROBE_WHAT_ALL,
                                 .dropped = 3,
                                 .rights = PROBE_RIGHT_PTRACE,
                                 .cpu_usec = 99,
                                 .exe_device = 1,
                                 .exe_inode = 2,
                                 .exec_mark = 3,
                                 .rollup = {.rss = 10, .pss = 9, .uss = 8, .swap_pss = 1},
                                 .own_private_bytes = -1,
                                 .own_rss_bytes = 5,
                                 .payload_length = 4};
}

/* The packet of an answer with payload "a\0b\0"; its size. */
static size_t pack(const struct probe_answer *answer,
                   unsigned char ret_packet[static PROBE_HEADER_SIZE + 4])
{
    probe_answer_encode(answer, ret_packet);
    memcpy(ret_packet + PROBE_HEADER_SIZE, "a\0b", 4);
    return PROBE_HEADER_SIZE + answer->payload_length;
}

static void test_request_round_trip(void **state)
{
    (void)state;
    struct probe_request request = some_request(), back;
    unsigned char packet[PROBE_REQUEST_SIZE];
    probe_request_encode(&request, packet);
    assert_int_equal(probe_request_decode(packet, sizeof(packet), &back), 0);
    assert_int_equal(back.sequence, 7);
    assert_int_equal(back.pid, 4711);
    assert_true(back.start_ticks == UINT64_MAX);
    assert_int_equal(back.what, PROBE_WHAT_ALL);
    assert_int_equal(back.byte_budget, PROBE_PAYLOAD_MAX);
    assert_int_equal(back.time_budget_usec, 2000000);
    assert_int_equal(back.deadline_usec, 123456789);
}

static void refuse_request(struct probe_request request)
{
    unsigned char packet[PROBE_REQUEST_SIZE];
    struct probe_request back = {.sequence = 42};
    probe_request_encode(&request, packet);
    assert_int_equal(probe_request_decode(packet, sizeof(packet), &back), -EBADMSG);
    assert_int_equal(back.sequence, 42);
}

static void test_request_refusals(void **state)
{
    (void)state;
    struct probe_request request = some_request();
    request.pid = 0;
    refuse_request(request);
    request.pid = -1;
    refuse_request(request);
    request = some_request();
    request.what = 0;
    refuse_request(request);
    request.what = PROBE_WHAT_ALL | PROBE_WHAT_POOLS;
    refuse_request(request);
    request.what = PROBE_WHAT_POOLS | PROBE_WHAT_LAYERS;
    refuse_request(request);
    request.what = PROBE_WHAT_PAGES << 1;
    refuse_request(request);
    request = some_request();
    request.cursor = 4096; /* for pools only */
    refuse_request(request);
    request = some_request();
    request.byte_budget = PROBE_PAYLOAD_MAX + 1;
    refuse_request(request);
    request = some_request();
    request.time_budget_usec = PROBE_TIME_MAX_USEC + 1;
    refuse_request(request);
}

static struct probe_request some_scan(void)
{
    struct probe_request request = some_request();
    request.what = PROBE_WHAT_POOLS;
    request.cursor = UINT64_C(0x7f0123456000);
    request.pool_bytes = 16384;
    request.scan_bytes = PROBE_SCAN_MAX_BYTES;
    return request;
}

static void test_request_for_pools(void **state)
{
    (void)state;
    struct probe_request request = some_scan(), back;
    unsigned char packet[PROBE_REQUEST_SIZE];
    probe_request_encode(&request, packet);
    assert_int_equal(probe_request_decode(packet, sizeof(packet), &back), 0);
    assert_int_equal(back.what, PROBE_WHAT_POOLS);
    assert_true(back.cursor == UINT64_C(0x7f0123456000));
    assert_int_equal(back.pool_bytes, 16384);
    assert_int_equal(back.scan_bytes, PROBE_SCAN_MAX_BYTES);
    request.scan_bytes++;
    refuse_request(request);
    static const uint32_t wrong[] = {1, 2048, 4097, 24576, 131072, UINT32_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        request = some_scan();
        request.pool_bytes = wrong[i];
        refuse_request(request);
    }
}

static struct probe_pools some_pools(void)
{
    return (struct probe_pools){.cursor = UINT64_C(0x7f0000000000),
                                .pool_bytes = 4096,
                                .major = 2,
                                .minor = 7,
                                .used_pools = 10,
                                .free_pools = 1,
                                .blocks = 100,
                                .used_bytes = 3200,
                                .pinned_bytes = 500,
                                .free_bytes = 4096,
                                .read_places = 20,
                                .missed_places = 2,
                                .swapped_places = 7};
}

static void test_pools_round_trip(void **state)
{
    (void)state;
    struct probe_pools pools = some_pools(), back;
    unsigned char payload[PROBE_POOLS_SIZE];
    probe_pools_encode(&pools, payload);
    assert_int_equal(probe_pools_decode((const char *)payload, sizeof(payload), &back), 0);
    assert_memory_equal(&back, &pools, sizeof(pools));
    for (size_t size = 0; size < sizeof(payload); size++)
        assert_int_equal(probe_pools_decode((const char *)payload, size, &back), -EBADMSG);
}

static void refuse_pools(struct probe_pools pools)
{
    unsigned char payload[PROBE_POOLS_SIZE];
    struct probe_pools back = {.minor = 42};
    probe_pools_encode(&pools, payload);
    assert_int_equal(probe_pools_decode((const char *)payload, sizeof(payload), &back), -EBADMSG);
    assert_int_equal(back.minor, 42);
}

static void test_pools_that_cannot_be(void **state)
{
    (void)state;
    struct probe_pools pools = some_pools();
    pools.used_bytes = pools.read_places * pools.pool_bytes + 1;
    refuse_pools(pools);
    pools = some_pools();
    pools.pinned_bytes = UINT64_MAX; /* the sum would be small again */
    refuse_pools(pools);
    pools = some_pools();
    pools.used_pools = pools.read_places + 1;
    refuse_pools(pools);
    pools = some_pools();
    pools.blocks = pools.used_bytes + 1;
    refuse_pools(pools);
    pools = some_pools();
    pools.missed_places = pools.read_places + 1;
    refuse_pools(pools);
    pools = some_pools();
    pools.pool_bytes = 0;
    refuse_pools(pools);
    pools = some_pools();
    pools.read_places = PROBE_SCAN_MAX_BYTES / pools.pool_bytes + 1;
    refuse_pools(pools);
}

/* Pools come alone and whole. */
static void test_answer_with_pools(void **state)
{
    (void)state;
    struct probe_answer answer = some_answer(), back;
    unsigned char packet[PROBE_HEADER_SIZE + PROBE_POOLS_SIZE] = {0};
    answer.what = answer.present = PROBE_WHAT_POOLS;
    answer.payload_length = PROBE_POOLS_SIZE;
    probe_answer_encode(&answer, packet);
    assert_int_equal(probe_answer_decode(packet, sizeof(packet), &back), 0);
    answer.payload_length = PROBE_POOLS_SIZE - 1;
    probe_answer_encode(&answer, packet);
    assert_int_equal(probe_answer_decode(packet, sizeof(packet) - 1, &back), -EBADMSG);
    answer.payload_length = 0;
    answer.present = 0;
    answer.result = -ENOEXEC;
    probe_answer_encode(&answer, packet);
    assert_int_equal(probe_answer_decode(packet, PROBE_HEADER_SIZE, &back), 0);
}

static struct probe_layers some_layers(void)
{
    return (struct probe_layers){
        .rss = {1000, 2000, 9000},
        .swap = {0, 4096},
        .rss_sum = 12000,
        .pss = 9000,
        .uss = 8000,
        .swap_sum = 4096,
        .swap_pss = -1,
        .huge = -1,
        .anonymous = 11000,
        .mappings = 30,
        .large_count = 2,
        .large = {{0x7f0000000000, 8 << 20, 8000}, {0x7f1000000000, 8 << 20, 1000}}};
}

static void refuse_layers(struct probe_layers layers)
{
    unsigned char payload[PROBE_LAYERS_SIZE];
    struct probe_layers back = {.mappings = 42};
    probe_layers_encode(&layers, payload);
    assert_int_equal(probe_layers_decode((const char *)payload, sizeof(payload), &back), -EBADMSG);
    assert_int_equal(back.mappings, 42);
}

static void test_layers(void **state)
{
    (void)state;
    struct probe_layers layers = some_layers(), back;
    unsigned char payload[PROBE_LAYERS_SIZE];
    probe_layers_encode(&layers, payload);
    assert_int_equal(probe_layers_decode((const char *)payload, sizeof(payload), &back), 0);
    assert_memory_equal(&back, &layers, sizeof(layers));
    for (size_t size = 0; size < sizeof(payload); size++)
        assert_int_equal(probe_layers_decode((const char *)payload, size, &back), -EBADMSG);
    /* They sum to RSS, or they are none. */
    layers.rss_sum++;
    refuse_layers(layers);
    layers = some_layers();
    layers.rss[7] = -1;
    layers.rss[6] = 1;
    refuse_layers(layers);
    layers = some_layers();
    layers.rss[7] = INT64_MAX;
    refuse_layers(layers);
    layers = some_layers();
    layers.swap_sum = 0;
    refuse_layers(layers);
    layers = some_layers();
    layers.uss = -1;
    refuse_layers(layers);
    layers = some_layers();
    layers.uss = layers.rss_sum + 1;
    refuse_layers(layers);
    layers = some_layers();
    layers.huge = -2;
    refuse_layers(layers);
    layers = some_layers();
    layers.anonymous = layers.rss_sum + 1;
    refuse_layers(layers);
    layers = some_layers();
    layers.swap_pss = layers.swap_sum + 1;
    refuse_layers(layers);
    layers = some_layers();
    layers.large_count = PROBE_LAYERS_LARGE + 1;
    refuse_layers(layers);
    layers = some_layers();
    layers.large[1].rss = 8001; /* largest first */
    refuse_layers(layers);
}

/* A mapping that two parts share is one again; the largest stay. */
static void test_layers_in_parts(void **state)
{
    (void)state;
    struct probe_layers sum = {0}, part = some_layers();
    part.cursor = 4096;
    part.pss = -1;
    assert_int_equal(probe_layers_add(&sum, &part), 0);
    assert_int_equal(sum.pss, -1);
    assert_int_equal(sum.cursor, 4096);
    part.cursor = 0;
    part.large[0] = part.large[1];
    part.large_count = 1;
    part.large[0].rss = 8500;
    part.mappings = 31;
    assert_int_equal(probe_layers_add(&sum, &part), 0);
    assert_int_equal(sum.cursor, 0);
    assert_int_equal(sum.rss_sum, 24000);
    assert_int_equal(sum.rss[1], 4000);
    assert_int_equal(sum.swap_sum, 8192);
    assert_int_equal(sum.anonymous, 22000);
    assert_int_equal(sum.mappings, 31);
    assert_int_equal(sum.large_count, 2);
    assert_int_equal(sum.large[0].start, 0x7f1000000000);
    assert_int_equal(sum.large[0].rss, 9500);
    assert_int_equal(sum.large[1].rss, 8000);
    for (uint64_t i = 0; i < 10; i++) {
        part.large[0] = (struct probe_layers_large){i << 30, 8 << 20, (int64_t)(9000 + i)};
        assert_int_equal(probe_layers_add(&sum, &part), 0);
    }
    assert_int_equal(sum.large_count, PROBE_LAYERS_LARGE);
    assert_int_equal(sum.large[0].rss, 9500);
    assert_int_equal(sum.large[7].rss, 9003);
    /* Never more than there can be. */
    sum.rss_sum = INT64_MAX;
    assert_int_equal(probe_layers_add(&sum, &part), -EBADMSG);
}

static void test_request_for_pages(void **state)
{
    (void)state;
    struct probe_request request = some_request();
    unsigned char packet[PROBE_REQUEST_SIZE];
    request.what = PROBE_WHAT_PAGES;
    request.cursor = 4096;
    probe_request_encode(&request, packet);
    assert_int_equal(probe_request_decode(packet, sizeof(packet), &request), 0);
    assert_int_equal(request.cursor, 4096);
    /* A cursor is for what is read in parts. */
    request.what = PROBE_WHAT_LAYERS;
    refuse_request(request);
}

static void test_request_size_magic_and_version(void **state)
{
    (void)state;
    struct probe_request request = some_request(), back;
    unsigned char packet[PROBE_REQUEST_SIZE + 1] = {0};
    probe_request_encode(&request, packet);
    for (size_t size = 0; size <= sizeof(packet); size++)
        assert_int_equal(probe_request_decode(packet, size, &back),
                         size == PROBE_REQUEST_SIZE ? 0 : -EBADMSG);
    for (size_t i = 0; i < 8; i++) {
        packet[i] ^= 1;
        assert_int_equal(probe_request_decode(packet, PROBE_REQUEST_SIZE, &back), -EBADMSG);
        packet[i] ^= 1;
    }
}

static void test_answer_round_trip(void **state)
{
    (void)state;
    struct probe_answer answer = some_answer(), back;
    unsigned char packet[PROBE_HEADER_SIZE + 4];
    size_t size = pack(&answer, packet);
    assert_int_equal(probe_answer_decode(packet, size, &back), 0);
    assert_int_equal(back.sequence, 7);
    assert_int_equal(back.start_ticks, 88213);
    assert_int_equal(back.rollup.pss, 9);
    assert_int_equal(back.rollup.swap_pss, 1);
    assert_int_equal(back.exec_mark, 3);
    assert_int_equal(back.rights, PROBE_RIGHT_PTRACE);
    assert_int_equal(back.own_private_bytes, -1);
    assert_int_equal(back.payload_length, 4);
    assert_memory_equal(back.payload, "a\0b", 4);
}

static void refuse_answer(struct probe_answer answer)
{
    unsigned char packet[PROBE_HEADER_SIZE + 4];
    struct probe_answer back = {.sequence = 42};
    size_t size = pack(&answer, packet);
    assert_int_equal(probe_answer_decode(packet, size, &back), -EBADMSG);
    assert_int_equal(back.sequence, 42);
}

static void test_answer_refusals(void **state)
{
    (void)state;
    struct probe_answer answer = some_answer();
    answer.result = 1;
    refuse_answer(answer);
    answer = some_answer();
    answer.present = PROBE_WHAT_ROLLUP; /* a payload without a command line, and no reason */
    refuse_answer(answer);
    answer.result = -13;
    refuse_answer(answer);
    answer = some_answer();
    answer.what = PROBE_WHAT_CMDLINE; /* more than was asked */
    refuse_answer(answer);
    answer = some_answer();
    answer.rollup.locked = -1;
    refuse_answer(answer);
    answer = some_answer();
    answer.pid = 0;
    refuse_answer(answer);
    answer = some_answer();
    answer.payload_length = 0;
    answer.present = 0;
    answer.result = -3;
    struct probe_answer back;
    unsigned char packet[PROBE_HEADER_SIZE + 4];
    assert_int_equal(probe_answer_decode(packet, pack(&answer, packet), &back), 0);
}

static void test_answer_sizes(void **state)
{
    (void)state;
    struct probe_answer answer = some_answer(), back;
    unsigned char packet[PROBE_HEADER_SIZE + 4];
    size_t whole = pack(&answer, packet);
    for (size_t size = 0; size < whole; size++)
        assert_int_equal(probe_answer_decode(packet, size, &back), -EBADMSG);
    unsigned char *large = calloc(1, PROBE_PACKET_MAX + 1);
    assert_non_null(large);
    answer.payload_length = PROBE_PAYLOAD_MAX;
    probe_answer_encode(&answer, large);
    assert_int_equal(probe_answer_decode(large, PROBE_PACKET_MAX, &back), 0);
    answer.payload_length++;
    probe_answer_encode(&answer, large);
    assert_int_equal(probe_answer_decode(large, PROBE_PACKET_MAX + 1, &back), -EBADMSG);
    free(large);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_round_trip),
        cmocka_unit_test(test_request_refusals),
        cmocka_unit_test(test_request_for_pools),
        cmocka_unit_test(test_pools_round_trip),
        cmocka_unit_test(test_pools_that_cannot_be),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_layers_in_parts),
        cmocka_unit_test(test_request_for_pages),
        cmocka_unit_test(test_answer_with_pools),
        cmocka_unit_test(test_request_size_magic_and_version),
        cmocka_unit_test(test_answer_round_trip),
        cmocka_unit_test(test_answer_refusals),
        cmocka_unit_test(test_answer_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
