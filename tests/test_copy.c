/* SPDX-License-Identifier: MIT */
/* Copies around the caches: every byte, and no other, at every alignment, of every size. */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { ROOM = 400, GUARD = 0xee };

static void copy_and_compare(size_t to, size_t from, size_t size)
{
    static _Alignas(64) uint8_t dst[ROOM];
    static _Alignas(64) uint8_t src[ROOM];
    static uint8_t expected[ROOM];

    for (size_t i = 0; i < ROOM; i++)
        src[i] = (uint8_t)(i * 7 + 1);
    memset(dst, GUARD, sizeof dst);
    memset(expected, GUARD, sizeof expected);
    memcpy(expected + to, src + from, size);
    fri_copy_streamed(dst + to, src + from, size);
    fri_copy_finish();
    ck_assert_msg(memcmp(dst, expected, ROOM) == 0, "to %zu, from %zu, size %zu", to, from, size);
}

START_TEST(every_byte_and_no_other_at_every_alignment)
{
    for (size_t to = 0; to < 66; to++) {
        for (size_t size = 0; size < 200; size++)
            copy_and_compare(to, (to * 5 + size) % 67, size);
    }
}
END_TEST

START_TEST(what_is_small_and_what_is_large_arrives_whole)
{
    static const size_t sizes[] = { 0, 1, 262143, 262144, 262145, 1000003 };

    ck_assert(!fri_copy_is_large(262143));
    ck_assert(fri_copy_is_large(262144));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *src = malloc(sizes[i] + 2);
        uint8_t *dst = malloc(sizes[i] + 2);

        ck_assert(src && dst);
        for (size_t k = 0; k < sizes[i] + 2; k++)
            src[k] = (uint8_t)(k * 31 >> 3);
        memset(dst, GUARD, sizes[i] + 2);
        fri_copy_in(dst + 1, src, sizes[i]);
        ck_assert_mem_eq(dst + 1, src, sizes[i]);
        ck_assert_uint_eq(dst[0], GUARD);
        ck_assert_uint_eq(dst[sizes[i] + 1], GUARD);
        free(src);
        free(dst);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copy");
    TCase *tests = tcase_create("copy");

    tcase_add_test(tests, every_byte_and_no_other_at_every_alignment);
    tcase_add_test(tests, what_is_small_and_what_is_large_arrives_whole);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
