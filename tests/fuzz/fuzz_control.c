/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a line of the control socket. What decodes must encode again and decode to the same
 * message: a line that means two things to two readers would be a hole.
 */
#include "wire/control.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int encode_again(struct buffer *out, const struct control_message *message)
{
    switch (message->type) {
    case CONTROL_HELLO:
        return control_encode_hello(out, &message->hello);
    case CONTROL_STAT:
        return control_encode_stat(out, message->id, &message->stat);
    case CONTROL_STATS:
        return control_encode_stats(out, message->id, &message->stats);
    case CONTROL_RUN:
        return control_encode_run(out, message->id, &message->run);
    case CONTROL_STEP:
        return control_encode_step(out, message->id, &message->step);
    case CONTROL_DONE:
        return control_encode_done(out, message->id, &message->done);
    case CONTROL_CENSUS:
        return control_encode_census(out, message->id, &message->census);
    case CONTROL_FINDING:
        return control_encode_finding(out, message->id, &message->finding);
    case CONTROL_CENSUSED:
        return control_encode_censused(out, message->id, &message->censused);
    case CONTROL_MARK:
        return control_encode_mark(out, &message->mark);
    case CONTROL_ERROR:
        return control_encode_error(out, message->id, message->error.error);
    case CONTROL_BYE:
        return control_encode_bye(out, message->bye.why);
    }
    return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char storage[2][8192];
    struct control_message message;
    struct buffer once, twice;
    if (control_decode((const char *)data, size, &message) != CONTROL_DECODED)
        return 0;
    buffer_init_over(&once, storage[0], sizeof(storage[0]));
    buffer_init_over(&twice, storage[1], sizeof(storage[1]));
    if (encode_again(&once, &message) < 0 || once.data[once.size - 1] != '\n')
        abort();
    if (control_decode(once.data, once.size - 1, &message) != CONTROL_DECODED)
        abort();
    if (encode_again(&twice, &message) < 0 || once.size != twice.size ||
        memcmp(once.data, twice.data, once.size) != 0)
        abort();
    return 0;
}
