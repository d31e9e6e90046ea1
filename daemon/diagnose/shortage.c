/* SPDX-License-Identifier: MIT */
#include "diagnose/shortage.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "diagnose/phrase.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/*
 * Permyriad of time. systemd-oomd acts at 60 % some over 30 s; a machine at rest stays below 0.1 %.
 * Some: one task waits while others work; full: nobody works.
 */
#define SHORTAGE_SOME_PERMYRIAD 1000
#define SHORTAGE_FULL_PERMYRIAD 200
/* Of MemTotal: below the first the kernel is about to kill (earlyoom acts at 10 % of memory and of
 * swap), below the second there is little left for a burst. */
#define SHORTAGE_GONE_PERCENT 2
#define SHORTAGE_NEAR_PERCENT 10

struct numbers {
    int64_t total, available, free, cached, shmem, swap_total, swap_free;
    int64_t some10, some60, full10, full60, kills;
};

static int64_t number(const struct sample *host, enum metric metric)
{
    int64_t value = -1;
    sample_get(host, metric, &value);
    return value;
}

static struct numbers read_numbers(const struct sample *host)
{
    return (struct numbers){
        .total = number(host, METRIC_MEM_TOTAL),
        .available = number(host, METRIC_MEM_AVAILABLE),
        .free = number(host, METRIC_MEM_FREE),
        .cached = number(host, METRIC_MEM_CACHED),
        .shmem = number(host, METRIC_MEM_SHMEM),
        .swap_total = number(host, METRIC_SWAP_TOTAL),
        .swap_free = number(host, METRIC_SWAP_FREE),
        .some10 = number(host, METRIC_PSI_SOME_AVG10),
        .some60 = number(host, METRIC_PSI_SOME_AVG60),
        .full10 = number(host, METRIC_PSI_FULL_AVG10),
        .full60 = number(host, METRIC_PSI_FULL_AVG60),
        .kills = number(host, METRIC_OOM_KILLS),
    };
}

static bool is_below(const struct numbers *host, int64_t percent)
{
    return host->available < host->total / 100 * percent;
}

static enum shortage_state state_of(const struct numbers *host)
{
    if (host->total <= 0 || host->available < 0)
        return SHORTAGE_UNKNOWN;
    if (host->some10 >= SHORTAGE_SOME_PERMYRIAD || host->full10 >= SHORTAGE_FULL_PERMYRIAD ||
        is_below(host, SHORTAGE_GONE_PERCENT))
        return SHORTAGE_NOW;
    if (host->some60 >= SHORTAGE_SOME_PERMYRIAD || host->full60 >= SHORTAGE_FULL_PERMYRIAD)
        return SHORTAGE_RECENT;
    return is_below(host, SHORTAGE_NEAR_PERCENT) ? SHORTAGE_NEAR : SHORTAGE_NONE;
}

static void line(struct shortage *shortage, const char *format, ...) _printf_(2, 3);

static void line(struct shortage *shortage, const char *format, ...)
{
    va_list arguments;
    if (shortage->line_count == SHORTAGE_LINES)
        return;
    va_start(arguments, format);
    vsnprintf(shortage->lines[shortage->line_count++], SHORTAGE_LINE_SIZE, format, arguments);
    va_end(arguments);
}

static void tell_pressure(const struct numbers *host, struct shortage *shortage)
{
    if (host->some10 < 0) {
        line(shortage,
             "pressure: this kernel has no PSI (boot with psi=1), so waiting is not seen");
        return;
    }
    line(shortage,
         "pressure: some task waited for memory %.1f %% of the last 10 s, %.1f %% of the last 60 s",
         (double)host->some10 / 100, (double)host->some60 / 100);
    if (host->full10 > 0 || host->full60 > 0)
        line(shortage, "pressure: nobody could work %.1f %% of the last 10 s, %.1f %% of 60 s",
             (double)host->full10 / 100, (double)host->full60 / 100);
}

static void tell_swap(const struct numbers *host, struct shortage *shortage)
{
    if (host->swap_total == 0)
        line(shortage, "swap: none, so anonymous memory that nobody uses cannot be moved out");
    else if (host->swap_total > 0 && host->swap_free >= 0)
        line(shortage, "swap: %s of %s in use%s",
             phrase_bytes(host->swap_total - host->swap_free).text,
             phrase_bytes(host->swap_total).text,
             host->some60 >= 0 && host->some60 < SHORTAGE_SOME_PERMYRIAD / 10
                 ? "; nobody waits, so it holds what is not used"
                 : "");
}

static void tell_lines(const struct numbers *host, struct shortage *shortage)
{
    line(shortage, "available: %s of %s (MemAvailable: free, and what can be had without swapping)",
         phrase_bytes(host->available).text, phrase_bytes(host->total).text);
    if (host->cached >= 0 && host->shmem >= 0 && host->cached >= host->shmem)
        line(shortage,
             "cache: %s of files, given away by the kernel when needed; dropping it frees "
             "nothing that was missing",
             phrase_bytes(host->cached - host->shmem).text);
    if (host->shmem > host->total / 20)
        line(shortage, "shared memory and tmpfs: %s, which no cache drop gives back",
             phrase_bytes(host->shmem).text);
    tell_pressure(host, shortage);
    tell_swap(host, shortage);
    if (host->kills > 0)
        line(shortage, "the kernel has killed %" PRId64 " process%s for want of memory since boot",
             host->kills, host->kills == 1 ? "" : "es");
}

/* What stands around "A of B are available". */
static void tell_sentence(const struct numbers *host, struct shortage *shortage)
{
    static const struct {
        const char *before, *behind;
    } forms[SHORTAGE_COUNT] = {
        [SHORTAGE_NOW] = {"Memory is short now: ", ""},
        [SHORTAGE_RECENT] = {"Memory was short within the last minute; now ", ""},
        [SHORTAGE_NEAR] = {"Nobody waits for memory yet, but only ", ""},
        [SHORTAGE_NONE] = {"Memory is not short: ", ", and nobody waits for it"},
    };
    bool waits = host->some10 >= SHORTAGE_SOME_PERMYRIAD || host->full10 >= SHORTAGE_FULL_PERMYRIAD;
    if (shortage->state == SHORTAGE_UNKNOWN) {
        snprintf(shortage->sentence, sizeof(shortage->sentence),
                 "/proc/meminfo does not say how much memory is available.");
        return;
    }
    const char *behind = waits ? ", and tasks wait for it" : forms[shortage->state].behind;
    snprintf(shortage->sentence, sizeof(shortage->sentence), "%s%s of %s are available%s.",
             forms[shortage->state].before, phrase_bytes(host->available).text,
             phrase_bytes(host->total).text, host->some10 < 0 ? "" : behind);
}

void shortage_find(const struct sample *host, struct shortage *ret_shortage)
{
    struct numbers numbers = read_numbers(host);
    *ret_shortage = (struct shortage){.state = state_of(&numbers), .next = "memtend ps --sort pss"};
    tell_sentence(&numbers, ret_shortage);
    if (ret_shortage->state != SHORTAGE_UNKNOWN)
        tell_lines(&numbers, ret_shortage);
}

const char *shortage_state_name(enum shortage_state state)
{
    static const char *const names[SHORTAGE_COUNT] = {
        [SHORTAGE_UNKNOWN] = "unknown", [SHORTAGE_NOW] = "short",   [SHORTAGE_RECENT] = "was_short",
        [SHORTAGE_NEAR] = "near",       [SHORTAGE_NONE] = "enough",
    };
    return names[state];
}
