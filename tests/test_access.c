/* SPDX-License-Identifier: MIT */
/*
 * Bytes and elements at any place of a region: exact at both ends, whatever the numbers are, and
 * nothing copied when a call is refused.
 */
#define _GNU_SOURCE
#include "support.h"

#include <framering/framering.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SIZE 5000
#define COUNT 300
#define ELEMENT 12

static struct fr_region *region;
static struct fr_region *array;
static char name[80];
static char array_name[80];

static void set_up(void)
{
    snprintf(name, sizeof name, "%s", fr_test_name());
    snprintf(array_name, sizeof array_name, "%s", fr_test_name());
    ck_assert_ok(fr_region_create(name, SIZE, NULL, &region));
    ck_assert_ok(fr_array_create(array_name, COUNT, ELEMENT, NULL, &array));
}

static void tear_down(void)
{
    fr_region_close(&region);
    fr_region_close(&array);
}

/* ---- Bytes ----------------------------------------------------------------------------- */

struct range {
    uint64_t offset;
    size_t size;
    int code;
};

static const struct range byte_ranges[] = {
    { 0, 0, 0 },
    { 0, SIZE, 0 },
    { SIZE, 0, 0 },
    { SIZE - 1, 1, 0 },
    { 1, SIZE - 1, 0 },
    { 0, SIZE + 1, FR_ERANGE },
    { 1, SIZE, FR_ERANGE },
    { SIZE, 1, FR_ERANGE },
    { SIZE + 1, 0, FR_ERANGE },
    { UINT64_MAX, 0, FR_ERANGE },
    { UINT64_MAX, 1, FR_ERANGE },
    { UINT64_MAX - 7, 8, FR_ERANGE },
    { UINT64_MAX - SIZE + 1, SIZE, FR_ERANGE },
    { 8, SIZE_MAX - 7, FR_ERANGE },
    { 0, SIZE_MAX, FR_ERANGE },
    { UINT64_C(1) << 32, 1, FR_ERANGE },
    { UINT64_C(1) << 63, 8, FR_ERANGE },
};

START_TEST(bytes_are_copied_if_all_of_them_are_inside)
{
    const struct range *range = &byte_ranges[_i];
    static unsigned char out[SIZE + 1];
    static unsigned char in[SIZE + 1];

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * 31 + 1);
    ck_assert_error(fr_region_write(region, range->offset, in, range->size), range->code);
    ck_assert_error(fr_region_read(region, range->offset, out, range->size), range->code);
    if (range->code == 0)
        ck_assert_mem_eq(out, in, range->size);
    const unsigned char *data = fr_region_data(region);
    for (uint64_t i = 0; i < SIZE; i++) {
        if (range->code < 0 || i < range->offset || i >= range->offset + range->size)
            ck_assert_uint_eq(data[i], 0);
    }
    ck_assert(range->code == 0 || out[0] == 0);
}
END_TEST

START_TEST(nothing_may_be_copied_from_or_to_nowhere)
{
    ck_assert_ok(fr_region_read(region, SIZE, NULL, 0));
    ck_assert_ok(fr_region_write(region, 0, NULL, 0));
    ck_assert_error(fr_region_read(region, 0, NULL, 1), FR_EINVAL);
    ck_assert_error(fr_region_write(region, 0, NULL, 1), FR_EINVAL);
    ck_assert_error(fr_region_read(NULL, 0, &(char){ 0 }, 1), FR_EINVAL);
    ck_assert_error(fr_region_write(NULL, 0, "", 1), FR_EINVAL);
}
END_TEST

START_TEST(bytes_may_lie_at_odd_places)
{
    uint64_t value = UINT64_C(0x0123456789abcdef);

    for (uint64_t offset = 1; offset < 16; offset++) {
        uint64_t back = 0;

        ck_assert_ok(fr_region_write(region, offset, &value, sizeof value));
        ck_assert_ok(fr_region_read(region, offset, &back, sizeof back));
        ck_assert_uint_eq(back, value);
        value = value * 3 + 1;
    }
}
END_TEST

START_TEST(what_was_opened_for_reading_is_not_written)
{
    struct fr_region *reader;
    char back = 1;

    ck_assert_ok(fr_region_open(name, FR_READ_ONLY, FR_NOWAIT, &reader));
    ck_assert_error(fr_region_write(reader, 0, "x", 1), FR_EACCES);
    ck_assert_error(fr_region_write(reader, SIZE, "x", 1), FR_EACCES);
    ck_assert_ok(fr_region_read(reader, 0, &back, 1));
    ck_assert_int_eq(back, 0);
    fr_region_close(&reader);
    ck_assert_ok(fr_array_open(array_name, ELEMENT, FR_READ_ONLY, FR_NOWAIT, &reader));
    ck_assert_error(fr_array_set(reader, 0, 1, "twelve bytes"), FR_EACCES);
    ck_assert_ptr_nonnull(fr_array_at(reader, 0));
    fr_region_close(&reader);
}
END_TEST

static int write_element(void *unused)
{
    const struct rlimit no_core = { 0, 0 };
    struct fr_region *reader;

    (void)unused;
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    if (fr_array_open(array_name, ELEMENT, FR_READ_ONLY, FR_NOWAIT, &reader) < 0)
        return 1;
    *(volatile char *)fr_array_at(reader, 7) = 1;
    return 2;
}

START_TEST(writing_an_element_of_what_was_opened_for_reading_faults)
{
    ck_assert_int_eq(fr_test_wait(fr_test_child(write_element, NULL)), 128 + SIGSEGV);
}
END_TEST

/* ---- Elements -------------------------------------------------------------------------- */

static const struct {
    uint64_t first;
    uint64_t count;
    int code;
} element_ranges[] = {
    { 0, 0, 0 },
    { 0, COUNT, 0 },
    { COUNT, 0, 0 },
    { COUNT - 1, 1, 0 },
    { 7, 100, 0 },
    { 0, COUNT + 1, FR_ERANGE },
    { COUNT, 1, FR_ERANGE },
    { COUNT + 1, 0, FR_ERANGE },
    { UINT64_MAX, 1, FR_ERANGE },
    { UINT64_MAX, UINT64_MAX, FR_ERANGE },
    { 1, UINT64_MAX, FR_ERANGE },
    /* Numbers whose product with the size of an element wraps to something small. */
    { UINT64_MAX / ELEMENT + 1, 1, FR_ERANGE },
    { 0, UINT64_MAX / ELEMENT + 1, FR_ERANGE },
    { UINT64_C(1) << 62, 4, FR_ERANGE },
};

START_TEST(elements_are_copied_if_all_of_them_are_inside)
{
    const uint64_t first = element_ranges[_i].first;
    const uint64_t count = element_ranges[_i].count;
    static unsigned char in[(COUNT + 1) * ELEMENT];
    static unsigned char out[(COUNT + 1) * ELEMENT];

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * 7 + 3);
    ck_assert_error(fr_array_set(array, first, count, in), element_ranges[_i].code);
    ck_assert_error(fr_array_get(array, first, count, out), element_ranges[_i].code);
    if (element_ranges[_i].code < 0) {
        ck_assert_uint_eq(out[0], 0);
        return;
    }
    ck_assert_mem_eq(out, in, count * ELEMENT);
    ck_assert_mem_eq((const char *)fr_region_data(array) + first * ELEMENT, in, count * ELEMENT);
}
END_TEST

START_TEST(elements_have_addresses_until_the_end)
{
    char *start = fr_region_data(array);
    uint64_t count = 0;

    while (fr_array_at(array, count)) {
        ck_assert_ptr_eq(fr_array_at(array, count), start + count * ELEMENT);
        count++;
    }
    ck_assert_uint_eq(count, COUNT);
    ck_assert_uint_eq(fr_array_count(array), COUNT);
    ck_assert_ptr_null(fr_array_at(array, COUNT + 1));
    ck_assert_ptr_null(fr_array_at(array, UINT64_MAX));
    ck_assert_ptr_null(fr_array_at(array, UINT64_MAX / ELEMENT + 1));
}
END_TEST

START_TEST(an_array_is_a_region)
{
    struct fr_region *again;
    char back[ELEMENT];

    ck_assert_uint_eq(fr_region_size(array), COUNT * ELEMENT);
    ck_assert_ok(fr_region_write(array, ELEMENT, "twelve bytes", ELEMENT));
    ck_assert_ok(fr_array_get(array, 1, 1, back));
    ck_assert_mem_eq(back, "twelve bytes", ELEMENT);
    ck_assert_ok(fr_region_open(array_name, FR_READ_WRITE, FR_NOWAIT, &again));
    ck_assert_uint_eq(fr_array_count(again), COUNT);
    ck_assert_ok(fr_region_lock(again, FR_EXCLUSIVE, FR_NOWAIT));
    ck_assert_error(fr_region_lock(array, FR_SHARED, FR_NOWAIT), FR_ETIMEDOUT);
    fr_region_close(&again);
}
END_TEST

START_TEST(a_region_is_no_array)
{
    struct fr_region *again;

    ck_assert_uint_eq(fr_array_count(region), 0);
    ck_assert_ptr_null(fr_array_at(region, 0));
    ck_assert_error(fr_array_get(region, 0, 1, &again), FR_ERANGE);
    ck_assert_error(fr_array_open(name, 1, FR_READ_WRITE, FR_FOREVER, &again), FR_EKIND);
    ck_assert_ptr_null(again);
}
END_TEST

START_TEST(elements_of_another_size_are_another_kind)
{
    const size_t sizes[] = { 1, ELEMENT - 1, ELEMENT + 1, ELEMENT * 2, COUNT * ELEMENT, SIZE_MAX };
    struct fr_region *again = array;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ck_assert_error(fr_array_open(array_name, sizes[i], FR_READ_WRITE, FR_NOWAIT, &again),
                        FR_EKIND);
        ck_assert_ptr_null(again);
    }
    ck_assert_ok(fr_array_open(array_name, ELEMENT, FR_READ_WRITE, FR_NOWAIT, &again));
    fr_region_close(&again);
}
END_TEST

START_TEST(broken_calls_are_refused)
{
    const char *other = fr_test_name();
    struct fr_region *again = array;

    ck_assert_error(fr_array_create(other, 0, 1, NULL, &again), FR_EINVAL);
    ck_assert_ptr_null(again);
    ck_assert_error(fr_array_create(other, 1, 0, NULL, &again), FR_EINVAL);
    ck_assert_error(fr_array_create(other, 1, 1, NULL, NULL), FR_EINVAL);
    ck_assert_error(fr_array_open(array_name, 0, FR_READ_WRITE, 0, &again), FR_EINVAL);
    ck_assert_error(fr_array_get(array, 0, 1, NULL), FR_EINVAL);
    ck_assert_error(fr_array_set(array, 0, 1, NULL), FR_EINVAL);
    ck_assert_error(fr_array_get(NULL, 0, 0, NULL), FR_EINVAL);
    ck_assert_ok(fr_array_get(array, 0, 0, NULL));
    ck_assert_ok(fr_array_set(array, COUNT, 0, NULL));
}
END_TEST

START_TEST(an_array_whose_size_would_wrap_is_refused)
{
    const char *other = fr_test_name();
    struct fr_region *again;

    ck_assert_error(fr_array_create(other, UINT64_C(1) << 61, 8, NULL, &again), FR_ENOSPC);
    ck_assert_error(fr_array_create(other, (UINT64_C(1) << 61) + 1, 8, NULL, &again), FR_ENOSPC);
    ck_assert_error(fr_array_create(other, UINT64_MAX, SIZE_MAX, NULL, &again), FR_ENOSPC);
    ck_assert_error(fr_array_create(other, UINT64_MAX, 1, NULL, &again), FR_ENOSPC);
    ck_assert(!fr_test_exists(other));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access");

    TCase *bytes = tcase_create("bytes");
    tcase_add_checked_fixture(bytes, set_up, tear_down);
    tcase_add_loop_test(bytes, bytes_are_copied_if_all_of_them_are_inside, 0,
                        sizeof byte_ranges / sizeof byte_ranges[0]);
    tcase_add_test(bytes, nothing_may_be_copied_from_or_to_nowhere);
    tcase_add_test(bytes, bytes_may_lie_at_odd_places);
    tcase_add_test(bytes, what_was_opened_for_reading_is_not_written);
    tcase_add_test(bytes, writing_an_element_of_what_was_opened_for_reading_faults);
    suite_add_tcase(suite, bytes);

    TCase *elements = tcase_create("elements");
    tcase_add_checked_fixture(elements, set_up, tear_down);
    tcase_add_loop_test(elements, elements_are_copied_if_all_of_them_are_inside, 0,
                        sizeof element_ranges / sizeof element_ranges[0]);
    tcase_add_test(elements, elements_have_addresses_until_the_end);
    tcase_add_test(elements, an_array_is_a_region);
    tcase_add_test(elements, a_region_is_no_array);
    tcase_add_test(elements, elements_of_another_size_are_another_kind);
    tcase_add_test(elements, broken_calls_are_refused);
    tcase_add_test(elements, an_array_whose_size_would_wrap_is_refused);
    suite_add_tcase(suite, elements);

    return fr_test_main(suite);
}
