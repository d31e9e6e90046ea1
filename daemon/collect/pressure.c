/* SPDX-License-Identifier: MIT */
#include "collect/pressure.h"

#include "base/file.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

#define PRESSURE_SIZE 512

static const enum metric pressure_metrics[] = {METRIC_PSI_SOME_AVG10, METRIC_PSI_SOME_AVG60,
                                               METRIC_PSI_FULL_AVG10, METRIC_PSI_FULL_AVG60};

#define PRESSURE_COUNT (sizeof(pressure_metrics) / sizeof(pressure_metrics[0]))

/* " avg10=12.34" in permyriad; moves *text behind it. */
static bool pressure_share(const char **text, const char *end, const char *key, int64_t *ret_share)
{
    const char *at = *text;
    size_t key_length = strlen(key), used;
    uint64_t whole, hundredths;
    if ((size_t)(end - at) < key_length || memcmp(at, key, key_length) != 0)
        return false;
    at += key_length;
    if (text_scan_u64(at, (size_t)(end - at), &whole, &used) < 0 || whole > 100)
        return false;
    at += used;
    if (at == end || *at++ != '.')
        return false;
    if (text_scan_u64(at, (size_t)(end - at), &hundredths, &used) < 0 || used != 2)
        return false;
    if (whole == 100 && hundredths > 0)
        return false;
    *ret_share = (int64_t)(whole * 100 + hundredths);
    *text = at + used;
    return true;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"; moves *text to the next line. */
static bool pressure_line(const char **text, const char *end, const char *kind, int64_t shares[2])
{
    const char *newline = memchr(*text, '\n', (size_t)(end - *text));
    if (!newline)
        return false;
    size_t kind_length = strlen(kind);
    const char *at = *text;
    if ((size_t)(newline - at) < kind_length || memcmp(at, kind, kind_length) != 0)
        return false;
    at += kind_length;
    if (!pressure_share(&at, newline, " avg10=", &shares[0]) ||
        !pressure_share(&at, newline, " avg60=", &shares[1]))
        return false;
    *text = newline + 1;
    return true;
}

bool pressure_shares(const char *text, size_t length, struct pressure *ret_pressure)
{
    const char *end = text + length;
    struct pressure pressure = {0};
    if (!pressure_line(&text, end, "some", pressure.some) ||
        !pressure_line(&text, end, "full", pressure.full))
        return false;
    *ret_pressure = pressure;
    return true;
}

enum outcome pressure_parse(const char *text, size_t length, uint64_t mono_usec,
                            struct sample *host)
{
    struct pressure pressure = {0};
    bool whole = pressure_shares(text, length, &pressure);
    const int64_t shares[PRESSURE_COUNT] = {pressure.some[0], pressure.some[1], pressure.full[0],
                                            pressure.full[1]};
    for (size_t i = 0; i < PRESSURE_COUNT; i++) {
        if (whole)
            sample_set(host, pressure_metrics[i], shares[i], mono_usec);
        else
            sample_clear(host, pressure_metrics[i]);
    }
    return whole ? OUTCOME_OK : OUTCOME_MALFORMED;
}

enum outcome pressure_read(int proc, uint64_t mono_usec, struct sample *host)
{
    char text[PRESSURE_SIZE];
    size_t length = 0;
    int r = file_read_at(proc, "pressure/memory", text, sizeof(text), &length);
    enum outcome parsed = pressure_parse(text, length, mono_usec, host);
    return r < 0 ? outcome_of_host(r) : parsed;
}
