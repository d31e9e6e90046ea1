/* SPDX-License-Identifier: MIT */
/* Quantities as people write them. */
#include "base/quantity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void good_ones(void **state)
{
    static const struct {
        const char *text;
        enum quantity_kind kind;
        int64_t value;
    } cases[] = {
        {"0", QUANTITY_PLAIN, 0},
        {"007", QUANTITY_PLAIN, 7},
        {"12", QUANTITY_PLAIN, 12},
        {"2.0", QUANTITY_PLAIN, 2},
        {"1B", QUANTITY_BYTES, 1},
        {"1 KiB", QUANTITY_BYTES, 1024},
        {"1\tkB", QUANTITY_BYTES, 1000},
        {"200MiB", QUANTITY_BYTES, INT64_C(200) << 20},
        {"1.8GiB", QUANTITY_BYTES, INT64_C(1932735283)},
        {"1TB", QUANTITY_BYTES, INT64_C(1000000000000)},
        {"8388607TiB", QUANTITY_BYTES, INT64_C(8388607) << 40},
        {"5%", QUANTITY_PERMYRIAD, 500},
        {"0.05 %", QUANTITY_PERMYRIAD, 5},
        {"20s", QUANTITY_USEC, 20000000},
        {"1.5m", QUANTITY_USEC, 90000000},
        {"500ms", QUANTITY_USEC, 500000},
        {"2h", QUANTITY_USEC, INT64_C(7200000000)},
        {"7d", QUANTITY_USEC, INT64_C(604800000000)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = -1;
        assert_int_equal(quantity_parse(cases[i].text, cases[i].kind, &value, NULL), 0);
        assert_int_equal(value, cases[i].value);
    }
}

static void wrong_ones(void **state)
{
    static const struct {
        const char *text;
        enum quantity_kind kind;
        const char *error;
    } cases[] = {
        {"", QUANTITY_PLAIN, "`' is not a plain number such as 30"},
        {"-1", QUANTITY_PLAIN, "`-1' is not a plain number such as 30"},
        {"1x", QUANTITY_PLAIN, "`1x' is not a plain number such as 30"},
        {"1.", QUANTITY_PLAIN, "`1.' is not a plain number such as 30"},
        {"1.5", QUANTITY_PLAIN, "`1.5' has too many decimals"},
        {"1.2.3", QUANTITY_PLAIN, "`1.2.3' is not a plain number such as 30"},
        {"1 ", QUANTITY_BYTES, "`1 ' needs a unit: bytes such as 200MiB or 1GiB"},
        {"1 mb", QUANTITY_BYTES, "unknown unit `mb' (did you mean `MB'?)"},
        {"1G", QUANTITY_BYTES, "unknown unit `G' (did you mean `GiB'?)"},
        {"1 MiBs", QUANTITY_BYTES, "unknown unit `MiBs' (did you mean `MiB'?)"},
        {"1s", QUANTITY_BYTES, "`1s' is not bytes such as 200MiB or 1GiB"},
        {"5 percent", QUANTITY_PERMYRIAD, "unknown unit `percent' (did you mean `%'?)"},
        {"0.005%", QUANTITY_PERMYRIAD, "`0.005%' has too many decimals"},
        {"8388608TiB", QUANTITY_BYTES, "`8388608TiB' is too large"},
        {"1234567890123456789", QUANTITY_PLAIN, "`1234567890123456789' has too many digits"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error = {0};
        int64_t value = 77;
        assert_int_equal(quantity_parse(cases[i].text, cases[i].kind, &value, &error), -EINVAL);
        assert_string_equal(error.text, cases[i].error);
        assert_int_equal(value, 77);
    }
}

static void shown_as_they_are_written(void **state)
{
    static const char *const texts[] = {"0",  "30",  "1B",   "1023B", "1KiB",  "1536KiB", "1GiB",
                                        "0%", "5%",  "0.5%", "0.05%", "12.5%", "1ms",     "1500ms",
                                        "2s", "90s", "2m",   "90m",   "1d",    "365d"};
    static const enum quantity_kind kinds[] = {QUANTITY_PLAIN, QUANTITY_BYTES, QUANTITY_PERMYRIAD,
                                               QUANTITY_USEC};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct quantity quantity = {.value = -1};
        char text[QUANTITY_SIZE];
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            if (quantity_parse(texts[i], kinds[k], &quantity.value, NULL) < 0)
                continue;
            quantity.kind = kinds[k];
            break;
        }
        quantity_format(quantity, text);
        assert_string_equal(text, texts[i]);
    }
}

static void the_front_of_a_span(void **state)
{
    struct quantity_number number;
    size_t used = 0;
    (void)state;
    assert_int_equal(quantity_scan_number("12345", 3, &number, &used), 0);
    assert_int_equal(used, 3);
    assert_int_equal(number.digits, 123);
    assert_int_equal(quantity_scan_number("1.x", 3, &number, &used), 0);
    assert_int_equal(used, 1);
    assert_int_equal(quantity_scan_number("1.5", 2, &number, &used), 0);
    assert_int_equal(used, 1);
    assert_int_equal(quantity_scan_number("1.5", 0, &number, &used), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones),
        cmocka_unit_test(wrong_ones),
        cmocka_unit_test(shown_as_they_are_written),
        cmocka_unit_test(the_front_of_a_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
