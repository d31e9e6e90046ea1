/* SPDX-License-Identifier: MIT */
#include "collect/proc_smaps.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB INT64_C(1024)

/* What was visited. */
struct seen {
    size_t count;
    int64_t rss, swap;
    uint64_t end;
    struct mapping first, last;
    char name[64]; /* of the last one, cut */
};

static void see(void *context, const struct mapping *mapping)
{
    struct seen *seen = context;
    assert_true(mapping->end > mapping->start && mapping->start >= seen->end);
    seen->end = mapping->end;
    seen->rss += mapping->rss;
    seen->swap += mapping->swap;
    seen->last = *mapping;
    if (seen->count++ == 0)
        seen->first = *mapping;
    size_t length = mapping->name_length < sizeof(seen->name) - 1 ? mapping->name_length
                                                                  : sizeof(seen->name) - 1;
    memcpy(seen->name, mapping->name, length);
    seen->name[length] = '\0';
}

static enum outcome parse(const char *text, struct seen *ret_seen)
{
    *ret_seen = (struct seen){0};
    return proc_smaps_parse(text, strlen(text), see, ret_seen);
}

#define HEADER "7f0000000000-7f0000010000 rw-p 00000000 00:00 0 "

/* As 2.6.32 writes it. */
static const char old[] = HEADER "\n"
                                 "Size:                 64 kB\n"
                                 "Rss:                  48 kB\n"
                                 "Pss:                  40 kB\n"
                                 "Shared_Clean:          8 kB\n"
                                 "Shared_Dirty:          8 kB\n"
                                 "Private_Clean:         4 kB\n"
                                 "Private_Dirty:        28 kB\n"
                                 "Referenced:           48 kB\n"
                                 "Swap:                  8 kB\n"
                                 "KernelPageSize:        4 kB\n"
                                 "MMUPageSize:           4 kB\n";

static void test_format_of_2_6_32(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(parse(old, &seen), OUTCOME_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.rss, 48 * KIB);
    assert_int_equal(seen.last.pss, 40 * KIB);
    assert_int_equal(seen.last.private_bytes, 32 * KIB);
    assert_int_equal(seen.last.swap, 8 * KIB);
    /* Unknown, not nothing. */
    assert_int_equal(seen.last.anonymous, -1);
    assert_int_equal(seen.last.huge, -1);
    assert_int_equal(seen.last.swap_pss, -1);
}

/* As 3.10 writes it (SwapPss came with 4.3), and as 6.18 does. */
static void test_formats_since(void **state)
{
    (void)state;
    struct seen seen;
    static const char since_3_8[] =
        "00400000-0040b000 r-xp 00000000 fd:01 1443                   /usr/bin/cat\n"
        "Size:                 44 kB\nRss:                  40 kB\nPss:                  20 kB\n"
        "Shared_Clean:         40 kB\nShared_Dirty:          0 kB\nPrivate_Clean:         0 kB\n"
        "Private_Dirty:         0 kB\nReferenced:           40 kB\nAnonymous:             4 kB\n"
        "AnonHugePages:         0 kB\nSwap:                  0 kB\nKernelPageSize:        4 kB\n"
        "MMUPageSize:           4 kB\nLocked:                0 kB\nVmFlags: rd ex mr mw me dw sd "
        "\n";
    assert_int_equal(parse(since_3_8, &seen), OUTCOME_OK);
    assert_string_equal(seen.name, "/usr/bin/cat");
    assert_int_equal(seen.last.anonymous, 4 * KIB);
    assert_int_equal(seen.last.huge, 0);
    assert_int_equal(seen.last.swap_pss, -1);
    assert_int_equal(seen.last.inode, 1443);
    static const char new[] =
        "7f0000000000-7f0000800000 rw-s 00000000 00:01 5              /memfd:a (deleted)\n"
        "Size:               8192 kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"
        "Rss:                8192 kB\nPss:                4096 kB\nPss_Dirty:          4096 kB\n"
        "Shared_Clean:          0 kB\nShared_Dirty:       8192 kB\nPrivate_Clean:         0 kB\n"
        "Private_Dirty:         0 kB\nReferenced:         8192 kB\nAnonymous:             0 kB\n"
        "KSM:                   0 kB\nLazyFree:              0 kB\nAnonHugePages:      2048 kB\n"
        "ShmemPmdMapped:     4096 kB\nFilePmdMapped:      2048 kB\nShared_Hugetlb:        0 kB\n"
        "Private_Hugetlb:       0 kB\nSwap:                 16 kB\nSwapPss:               4 kB\n"
        "Locked:                0 kB\nTHPeligible:           1\nProtectionKey:         0\n"
        "SomethingNew:          7 kB\nVmFlags: rd wr sh mr mw me ms \n";
    assert_int_equal(parse(new, &seen), OUTCOME_OK);
    assert_true(seen.last.shared);
    assert_int_equal(seen.last.huge, 8192 * KIB);
    assert_int_equal(seen.last.swap, 16 * KIB);
    assert_int_equal(seen.last.swap_pss, 4 * KIB);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "[heap]",
        "/tmp/a\\012Rss: 99 kB",
        "/tmp/[heap]",
        "/tmp/x (deleted) (deleted)",
        "[anon:Rss:   77 kB]",
        "//deleted \x1b[31m\xff",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[2048];
        struct seen seen;
        snprintf(text, sizeof(text), HEADER "   %s\n%s", names[i], old + sizeof(HEADER));
        assert_int_equal(parse(text, &seen), OUTCOME_OK);
        assert_string_equal(seen.name, names[i]);
        assert_int_equal(seen.rss, 48 * KIB);
    }
}

static void test_what_is_none(void **state)
{
    (void)state;
    struct seen seen;
    char text[4096];
    assert_int_equal(parse("", &seen), OUTCOME_GONE);
    assert_int_equal(parse("nonsense\n", &seen), OUTCOME_MALFORMED);
    assert_int_equal(parse("Rss: 4 kB\n", &seen), OUTCOME_MALFORMED);
    assert_int_equal(parse(HEADER "\n", &seen), OUTCOME_MALFORMED);
    assert_int_equal(parse("7f0000000000-7e0000010000 rw-p 00000000 00:00 0 \n", &seen),
                     OUTCOME_MALFORMED);
    /* Cut anywhere inside: never a part for the whole. */
    for (size_t length = 1; length < strlen(old); length++) {
        seen = (struct seen){0};
        enum outcome outcome = proc_smaps_parse(old, length, see, &seen);
        bool told_all = length > (size_t)(strstr(old, "Swap:") - old) + 26;
        if (outcome != (told_all && old[length - 1] == '\n' ? OUTCOME_OK : OUTCOME_MALFORMED))
            fail_msg("cut at %zu: outcome %d", length, (int)outcome);
    }
    /* One bad range spoils the sum. */
    snprintf(text, sizeof(text), "%s%s", old, "7f0000010000-7f0000020000 rw-q 00000000 00:00 0\n");
    assert_int_equal(parse(text, &seen), OUTCOME_MALFORMED);
    assert_int_equal(parse(HEADER "\nRss: 99999999999999999999 kB\nPss: 1 kB\nPrivate_Clean: 1 kB\n"
                                  "Private_Dirty: 1 kB\nSwap: 1 kB\n",
                           &seen),
                     OUTCOME_MALFORMED);
}

/* --- files --- */

static char folder[] = "/tmp/memtend-smaps-XXXXXX";
static int tree;

static FILE *file_begin(void)
{
    char path[64];
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/7", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/7/smaps", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static enum outcome file_walk(FILE *file, struct seen *ret_seen)
{
    char path[64];
    assert_int_equal(fclose(file), 0);
    *ret_seen = (struct seen){0};
    tree = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum outcome outcome = proc_smaps_walk(tree, 7, see, ret_seen);
    close(tree);
    snprintf(path, sizeof(path), "%s/7/smaps", folder);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(folder);
    return outcome;
}

static void test_hundred_thousand(void **state)
{
    (void)state;
    FILE *file = file_begin();
    for (unsigned i = 1; i <= 100000; i++)
        fprintf(file, "%x000-%x000 rw-p 00000000 00:00 0 \n%s", i, i + 1, old + sizeof(HEADER));
    struct seen seen;
    assert_int_equal(file_walk(file, &seen), OUTCOME_OK);
    assert_int_equal(seen.count, 100000);
    assert_int_equal(seen.rss, 100000 * 48 * KIB);
    assert_true(seen.end == UINT64_C(100001) << 12);
}

/* A path of newlines is four times as long as any other. */
static void test_longest_name(void **state)
{
    (void)state;
    FILE *file = file_begin();
    fputs(old, file);
    fputs("7f0000010000-7f0000020000 rw-p 00000000 fe:00 9     ", file);
    for (unsigned i = 0; i < 4095; i++)
        fputs("\\012", file);
    fprintf(file, "\n%s", old + sizeof(HEADER));
    struct seen seen;
    assert_int_equal(file_walk(file, &seen), OUTCOME_OK);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.last.name_length, 4 * 4095);
    file = file_begin();
    for (unsigned i = 0; i < 100000; i++)
        fputc('7', file);
    assert_int_equal(file_walk(file, &seen), OUTCOME_MALFORMED);
}

/* --- the running kernel --- */

static void test_this_process(void **state)
{
    (void)state;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t size = 512 * 4096;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memset(memory, 1, size);
    struct seen seen = {0};
    assert_int_equal(proc_smaps_walk(proc, getpid(), see, &seen), OUTCOME_OK);
    assert_true(seen.count > 10 && seen.rss > (int64_t)size);
    munmap(memory, size);
    assert_int_equal(proc_smaps_walk(proc, 0x7fffffff, see, &seen), OUTCOME_GONE);
    close(proc);
}

static void test_without_memory(void **state)
{
    (void)state;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct seen seen = {0};
    pid_t zombie = fork();
    if (zombie == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_smaps_walk(proc, zombie, see, &seen), OUTCOME_GONE);
    waitpid(zombie, NULL, 0);
    assert_int_equal(seen.count, 0);
    close(proc);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_of_2_6_32),
        cmocka_unit_test(test_formats_since),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_hundred_thousand),
        cmocka_unit_test(test_longest_name),
        cmocka_unit_test(test_this_process),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
