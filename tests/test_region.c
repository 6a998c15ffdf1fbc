/* SPDX-License-Identifier: MIT */
/*
 * Regions between processes: opening one, however large, and seeing what becomes of its owner. The
 * lock is the matter of test_region_lock.c.
 */
#define _GNU_SOURCE
#include "support.h"

#include <framering/framering.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a region of these tests holds. */
struct pair {
    uint64_t left;
    uint64_t right;
};

static char name[80];
static struct fr_region *region;
static struct pair *pair;
static uint32_t *flag;

static void set_up(void)
{
    snprintf(name, sizeof name, "%s", fr_test_name());
    ck_assert_ok(fr_region_create(name, sizeof *pair, NULL, &region));
    pair = fr_region_data(region);
    flag = fr_test_flag();
    ck_assert_ptr_nonnull(flag);
}

static void tear_down(void)
{
    fr_region_close(&region);
    ck_assert(!fr_test_exists(name));
}

static struct fr_region *open_again(void)
{
    struct fr_region *again;

    ck_assert_ok(fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &again));
    return again;
}

/* ---- Opening --------------------------------------------------------------------------- */

START_TEST(a_new_region_is_zero_and_the_same_memory_for_everybody)
{
    struct fr_region *guest = open_again();
    struct fr_region *reader;

    ck_assert_ok(fr_region_open(name, FR_READ_ONLY, FR_NOWAIT, &reader));
    ck_assert_uint_eq(pair->left, 0);
    ck_assert_uint_eq(fr_region_size(guest), sizeof *pair);
    ck_assert_uint_eq(fr_region_size(reader), sizeof *pair);
    ck_assert_uint_eq((uintptr_t)fr_region_data(guest) % 4096, 0);
    pair->left = 42;
    ck_assert_uint_eq(((struct pair *)fr_region_data(guest))->left, 42);
    ck_assert_uint_eq(((struct pair *)fr_region_data(reader))->left, 42);
    fr_region_close(&guest);
    fr_region_close(&reader);
}
END_TEST

START_TEST(odd_sizes_are_kept)
{
    const uint64_t sizes[] = { 1, 13, 4095, 4096, 4097, (3 << 20) + 1 };
    const char *other = fr_test_name();
    struct fr_region *owner;
    struct fr_region *guest;

    ck_assert_ok(fr_region_create(other, sizes[_i], NULL, &owner));
    ck_assert_ok(fr_region_open(other, FR_READ_WRITE, FR_NOWAIT, &guest));
    ck_assert_uint_eq(fr_region_size(guest), sizes[_i]);
    ((unsigned char *)fr_region_data(owner))[sizes[_i] - 1] = 7;
    ck_assert_uint_eq(((unsigned char *)fr_region_data(guest))[sizes[_i] - 1], 7);
    fr_region_close(&guest);
    fr_region_close(&owner);
}
END_TEST

START_TEST(broken_calls_are_refused_and_leave_null)
{
    struct fr_region *other = region;
    struct fr_region_opts unset = { 0 };

    ck_assert_error(fr_region_create("a", 0, NULL, &other), FR_EINVAL);
    ck_assert_ptr_null(other);
    ck_assert_error(fr_region_create("a", 1, NULL, NULL), FR_EINVAL);
    ck_assert_error(fr_region_create("a", 1, &unset, &other), FR_EINVAL);
    ck_assert_error(fr_region_create("a", UINT64_MAX, NULL, &other), FR_ENOSPC);
    ck_assert_error(fr_region_open(name, (enum fr_access)2, 0, &other), FR_EINVAL);
    ck_assert_error(fr_region_open(name, FR_READ_WRITE, 0, NULL), FR_EINVAL);
    ck_assert_error(fr_region_status(NULL), FR_EINVAL);
    ck_assert_error(fr_region_lock(NULL, FR_SHARED, 0), FR_EINVAL);
    ck_assert_error(fr_region_lock(region, (enum fr_lock)2, 0), FR_EINVAL);
    ck_assert_error(fr_region_unlock(NULL), FR_EINVAL);
}
END_TEST

START_TEST(closing_twice_or_nothing_is_fine)
{
    struct fr_region *guest = open_again();

    fr_region_close(&guest);
    ck_assert_ptr_null(guest);
    fr_region_close(&guest);
    fr_region_close(NULL);
}
END_TEST

static int write_through_pointer(void *argument)
{
    const struct rlimit no_core = { 0, 0 };
    struct fr_region *reader;

    (void)argument;
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    if (fr_region_open(name, FR_READ_ONLY, FR_NOWAIT, &reader) < 0)
        return 1;
    ((volatile struct pair *)fr_region_data(reader))->left = 1;
    return 2;
}

START_TEST(writing_to_what_was_opened_for_reading_faults)
{
    ck_assert_int_eq(fr_test_wait(fr_test_child(write_through_pointer, NULL)), 128 + SIGSEGV);
    ck_assert_uint_eq(pair->left, 0);
}
END_TEST

START_TEST(what_was_opened_for_reading_cannot_lock)
{
    struct fr_region *reader;

    ck_assert_ok(fr_region_open(name, FR_READ_ONLY, FR_NOWAIT, &reader));
    ck_assert_error(fr_region_lock(reader, FR_SHARED, FR_FOREVER), FR_EACCES);
    ck_assert_error(fr_region_lock(reader, FR_EXCLUSIVE, FR_FOREVER), FR_EACCES);
    ck_assert_error(fr_region_unlock(reader), FR_EINVAL);
    ck_assert_int_eq(fr_region_status(reader), 0);
    fr_region_close(&reader);
}
END_TEST

/* MemAvailable in bytes. */
static uint64_t available_memory(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[256];
    unsigned long long kilobytes = 0;

    while (file && fgets(line, sizeof line, file) &&
           sscanf(line, "MemAvailable: %llu", &kilobytes) != 1)
        continue;
    if (file)
        fclose(file);
    return kilobytes * 1024;
}

START_TEST(a_region_may_be_larger_than_4_gib)
{
    const uint64_t size = (UINT64_C(4) << 30) + 8192;
    const char *large = fr_test_name();
    struct fr_region *owner;
    struct fr_region *guest;
    uint64_t value = 0;

    if (available_memory() < UINT64_C(8) << 30) {
        fprintf(stderr, "not checked: a region of 4 GiB (needs 8 GiB of free memory)\n");
        return;
    }
    int error = fr_region_create(large, size, NULL, &owner);
    if (error == FR_ENOSPC) {
        fprintf(stderr, "not checked: a region of 4 GiB: %s\n", fr_error_detail(error));
        return;
    }
    ck_assert_ok(error);
    ck_assert_ok(fr_region_open(large, FR_READ_WRITE, FR_NOWAIT, &guest));
    ck_assert_uint_eq(fr_region_size(guest), size);
    value = 77;
    ck_assert_ok(fr_region_write(owner, size - 8, &value, 8));
    value = 11;
    ck_assert_ok(fr_region_write(owner, (size - 8) & UINT32_MAX, &value, 8));
    ck_assert_ok(fr_region_read(guest, size - 8, &value, 8));
    ck_assert_uint_eq(value, 77);
    fr_region_close(&guest);
    fr_region_close(&owner);
}
END_TEST

/* ---- The owner ------------------------------------------------------------------------- */

START_TEST(guests_see_that_the_owner_closed_and_keep_their_memory)
{
    struct fr_region *guest = open_again();
    struct fr_region *reader;

    ck_assert_ok(fr_region_open(name, FR_READ_ONLY, FR_NOWAIT, &reader));
    ck_assert_int_eq(fr_region_status(region), 0);
    ck_assert_int_eq(fr_region_status(guest), 0);
    pair->left = 5;
    fr_region_close(&region);
    ck_assert(!fr_test_exists(name));
    ck_assert_int_eq(fr_region_status(guest), FR_ECLOSED);
    ck_assert_int_eq(fr_region_status(reader), FR_ECLOSED);
    ck_assert_uint_eq(((struct pair *)fr_region_data(guest))->left, 5);
    ck_assert_ok(fr_region_lock(guest, FR_EXCLUSIVE, FR_NOWAIT));
    ck_assert_ok(fr_region_create(name, 1, NULL, &region));
    fr_region_close(&guest);
    fr_region_close(&reader);
}
END_TEST

static int own_and_die(void *other)
{
    struct fr_region *owned;

    if (fr_region_create(other, sizeof(struct pair), NULL, &owned) < 0)
        return 1;
    fr_test_raise(flag, 1);
    for (;;)
        pause();
}

START_TEST(guests_see_that_the_owner_died_but_not_that_it_is_stopped)
{
    char other[80];
    struct fr_region *guest;
    struct fr_region *reader;
    int status;

    snprintf(other, sizeof other, "%s", fr_test_name());
    pid_t child = fr_test_child(own_and_die, other);
    ck_assert(fr_test_await(flag, 1));
    ck_assert_ok(fr_region_open(other, FR_READ_WRITE, FR_NOWAIT, &guest));
    ck_assert_ok(fr_region_open(other, FR_READ_ONLY, FR_NOWAIT, &reader));
    kill(child, SIGSTOP);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert_int_eq(fr_region_status(guest), 0);
    ck_assert_int_eq(fr_region_status(reader), 0);
    fr_test_kill(child);
    ck_assert_int_eq(fr_region_status(guest), FR_EOWNERDEAD);
    ck_assert_int_eq(fr_region_status(reader), FR_EOWNERDEAD);
    fr_region_close(&guest);
    fr_region_close(&reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("region");
    TCase *opening = tcase_create("opening");

    tcase_add_checked_fixture(opening, set_up, tear_down);
    tcase_set_timeout(opening, 60);
    tcase_add_test(opening, a_new_region_is_zero_and_the_same_memory_for_everybody);
    tcase_add_loop_test(opening, odd_sizes_are_kept, 0, 6);
    tcase_add_test(opening, broken_calls_are_refused_and_leave_null);
    tcase_add_test(opening, closing_twice_or_nothing_is_fine);
    tcase_add_test(opening, writing_to_what_was_opened_for_reading_faults);
    tcase_add_test(opening, what_was_opened_for_reading_cannot_lock);
    tcase_add_test(opening, a_region_may_be_larger_than_4_gib);
    tcase_add_test(opening, guests_see_that_the_owner_closed_and_keep_their_memory);
    tcase_add_test(opening, guests_see_that_the_owner_died_but_not_that_it_is_stopped);
    suite_add_tcase(suite, opening);
    return fr_test_main(suite);
}
