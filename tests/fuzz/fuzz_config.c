/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a configuration: every error has a place, and whatever is read stays in its range.
 */
#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    static struct config_errors errors;
    config_init(&config);
    errors.count = 0;
    int r = config_parse(&config, "m.conf", (const char *)data, size, &errors);
    check((r == 0) == (errors.count == 0));
    for (size_t i = 0; i < errors.count && i < CONFIG_ERROR_LIMIT; i++) {
        const struct error *error = &errors.items[i].error;
        check(error->text[0] && memchr(error->text, '\0', sizeof(error->text)));
        check((error->line > 0 && error->column > 0) || size > CONFIG_TEXT_LIMIT);
    }
    check(config.tick_usec >= 100000 && config.tick_usec <= 10000000);
    check(config.max_processes >= 64 && config.deep_budget_permyriad <= 1000);
    check(memchr(config.state_directory, '\0', sizeof(config.state_directory)));
    check(memchr(config.http_address, '\0', sizeof(config.http_address)));
    check(memchr(config.admin_group, '\0', sizeof(config.admin_group)));
    config_check(&config, &errors);
    return 0;
}
