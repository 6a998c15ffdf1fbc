/* SPDX-License-Identifier: MIT */
/*
 * Codes, names and sentences: all from one list, none empty, none twice, and the sentence of the
 * last failure belongs to one thread and one code.
 */
#include "support.h"

#include <errno.h>
#include <framering/framering.h>
#include <pthread.h>
#include <string.h>

#include "base.h"
#include "opts.h"

static const struct {
    int code;
    int number;
    const char *name;
} table[] = {
#define ROW(name, number, text) { name, number, #name },
    FR_ERRORS(ROW)
#undef ROW
};

#define CODES (sizeof table / sizeof table[0])

START_TEST(every_code_has_its_number_its_name_and_a_sentence)
{
    ck_assert_int_eq(table[_i].code, table[_i].number);
    ck_assert_int_lt(table[_i].code, 0);
    ck_assert_str_eq(fr_errname(table[_i].code), table[_i].name);
    ck_assert_uint_gt(strlen(fr_strerror(table[_i].code)), 5);
}
END_TEST

START_TEST(no_two_codes_share_a_number_or_a_sentence)
{
    for (size_t i = 0; i < (size_t)_i; i++) {
        ck_assert_int_ne(table[i].code, table[_i].code);
        ck_assert_str_ne(fr_strerror(table[i].code), fr_strerror(table[_i].code));
    }
}
END_TEST

START_TEST(codes_that_the_system_has_carry_its_number)
{
    ck_assert_int_eq(FR_EINVAL, -EINVAL);
    ck_assert_int_eq(FR_ENOENT, -ENOENT);
    ck_assert_int_eq(FR_EEXIST, -EEXIST);
    ck_assert_int_eq(FR_EACCES, -EACCES);
    ck_assert_int_eq(FR_ENOMEM, -ENOMEM);
    ck_assert_int_eq(FR_ENOSPC, -ENOSPC);
    ck_assert_int_eq(FR_ETIMEDOUT, -ETIMEDOUT);
    ck_assert_int_eq(FR_EMSGSIZE, -EMSGSIZE);
    ck_assert_int_eq(FR_EBUSY, -EBUSY);
    ck_assert_int_eq(FR_ENOTSUP, -ENOTSUP);
    ck_assert_int_eq(FR_ERANGE, -ERANGE);
    ck_assert_int_eq(FR_EOWNERDEAD, -EOWNERDEAD);
}
END_TEST

START_TEST(codes_of_our_own_lie_beyond_those_of_the_system)
{
    const int own[] = { FR_ECLOSED, FR_EVERSION, FR_EKIND, FR_EFOREIGN, FR_ECORRUPT };

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        ck_assert_int_le(own[i], -5000);
}
END_TEST

START_TEST(any_number_at_all_has_a_sentence)
{
    const int odd[] = { 0, 1, -EMFILE, -4095, -4096, -4999, -6000, INT32_MAX, INT32_MIN };

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        ck_assert_ptr_nonnull(fr_strerror(odd[i]));
        ck_assert_uint_gt(strlen(fr_strerror(odd[i])), 0);
        ck_assert_ptr_nonnull(fr_error_detail(odd[i]));
    }
    ck_assert_str_eq(fr_strerror(-EMFILE), strerror(EMFILE));
    ck_assert_str_eq(fr_errname(-EMFILE), "unknown");
    ck_assert_str_eq(fr_errname(0), "FR_OK");
}
END_TEST

START_TEST(a_detail_is_told_for_its_code_only)
{
    ck_assert_int_eq(fri_fail(FR_ENOENT, "no stream named %s", "x"), FR_ENOENT);
    ck_assert_str_eq(fr_error_detail(FR_ENOENT), "no stream named x");
    ck_assert_str_eq(fr_error_detail(FR_EACCES), fr_strerror(FR_EACCES));
    ck_assert_str_eq(fr_error_detail(0), fr_strerror(0));
}
END_TEST

START_TEST(a_detail_that_is_too_long_is_cut_off)
{
    char text[2000];

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    fri_fail(FR_EINVAL, "%s", text);
    ck_assert_uint_lt(strlen(fr_error_detail(FR_EINVAL)), sizeof text);
    ck_assert_uint_gt(strlen(fr_error_detail(FR_EINVAL)), 200);
}
END_TEST

static void *fail_elsewhere(void *unused)
{
    (void)unused;
    fri_fail(FR_ENOENT, "elsewhere");
    return NULL;
}

START_TEST(a_detail_belongs_to_the_thread_that_failed)
{
    pthread_t thread;

    fri_fail(FR_ENOENT, "here");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(fr_error_detail(FR_ENOENT), "here");
}
END_TEST

START_TEST(a_broken_argument_names_the_condition)
{
    struct fr_region *region;

    ck_assert_error(fr_region_create("a", 0, NULL, &region), FR_EINVAL);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EINVAL), "size > 0"));
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EINVAL), "fr_region_create"));
}
END_TEST

/* ---- Structs that grow ------------------------------------------------------------------- */

struct grown {
    struct fr_region_opts known;
    uint64_t newer;
};

START_TEST(options_that_are_not_given_are_zero)
{
    struct fr_region_opts options = { 1, 2, 3 };

    ck_assert_ok(fri_opts_read(&options, sizeof options, NULL, 77));
    ck_assert_uint_eq(options.size, sizeof options);
    ck_assert_uint_eq(options.mode, 0);
}
END_TEST

START_TEST(options_of_a_newer_caller_are_fine_while_the_new_ones_are_zero)
{
    struct fr_region_opts options;
    struct grown given = { .known = { sizeof given, 0640, 0 } };

    ck_assert_ok(fri_opts_read(&options, sizeof options, &given, given.known.size));
    ck_assert_uint_eq(options.size, sizeof options);
    ck_assert_uint_eq(options.mode, 0640);
    given.newer = UINT64_C(1) << 63;
    ck_assert_error(fri_opts_read(&options, sizeof options, &given, given.known.size), FR_ENOTSUP);
}
END_TEST

START_TEST(options_without_a_credible_size_are_refused)
{
    const size_t sizes[] = { 0, 1, sizeof(struct fr_region_opts) - 1, 4097, SIZE_MAX };
    struct fr_region_opts options;
    struct grown given = { .known = { 0, 0640, 0 } };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        ck_assert_error(fri_opts_read(&options, sizeof options, &given, sizes[i]), FR_EINVAL);
}
END_TEST

/* ---- Arithmetic -------------------------------------------------------------------------- */

START_TEST(inside_is_right_at_the_ends_of_the_numbers)
{
    ck_assert(fri_inside(0, 0, 0));
    ck_assert(fri_inside(10, 0, 10));
    ck_assert(fri_inside(0, UINT64_MAX, UINT64_MAX));
    ck_assert(!fri_inside(1, UINT64_MAX, UINT64_MAX));
    ck_assert(!fri_inside(UINT64_MAX, 1, UINT64_MAX));
    ck_assert(!fri_inside(UINT64_MAX, UINT64_MAX, 10));
    ck_assert(!fri_inside(11, 0, 10));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");

    TCase *codes = tcase_create("codes");
    tcase_add_loop_test(codes, every_code_has_its_number_its_name_and_a_sentence, 0, CODES);
    tcase_add_loop_test(codes, no_two_codes_share_a_number_or_a_sentence, 0, CODES);
    tcase_add_test(codes, codes_that_the_system_has_carry_its_number);
    tcase_add_test(codes, codes_of_our_own_lie_beyond_those_of_the_system);
    tcase_add_test(codes, any_number_at_all_has_a_sentence);
    suite_add_tcase(suite, codes);

    TCase *details = tcase_create("details");
    tcase_add_test(details, a_detail_is_told_for_its_code_only);
    tcase_add_test(details, a_detail_that_is_too_long_is_cut_off);
    tcase_add_test(details, a_detail_belongs_to_the_thread_that_failed);
    tcase_add_test(details, a_broken_argument_names_the_condition);
    suite_add_tcase(suite, details);

    TCase *options = tcase_create("options");
    tcase_add_test(options, options_that_are_not_given_are_zero);
    tcase_add_test(options, options_of_a_newer_caller_are_fine_while_the_new_ones_are_zero);
    tcase_add_test(options, options_without_a_credible_size_are_refused);
    tcase_add_test(options, inside_is_right_at_the_ends_of_the_numbers);
    suite_add_tcase(suite, options);

    return fr_test_main(suite);
}
