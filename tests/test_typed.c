/* SPDX-License-Identifier: MIT */

/*
 * typed.h: structures of even and odd sizes at aligned and misaligned addresses, in regions and in
 * arrays. Misaligned accesses that are not safe show under the undefined behaviour sanitizer.
 */

#include "support.h"

#include <check.h>
#include <framering/typed.h>
#include <string.h>

struct point {
    double x;
    double y;
};

struct reading {
    uint64_t at_ns;
    float value[3];
    uint8_t unit;
};

struct odd {
    uint8_t bytes[7];
};

struct large {
    uint32_t words[256];
};

FR_TYPED(byte, uint8_t);
FR_TYPED(half, int16_t);
FR_TYPED(word, uint32_t);
FR_TYPED(number, double);
FR_TYPED(point, struct point);
FR_TYPED(reading, struct reading);
FR_TYPED(odd, struct odd);
FR_TYPED(large, struct large);

static const struct reading sample = { 123456789012345, { 1.5F, -2.5F, 3.5F }, 7 };

static void expect_sample(struct reading got)
{
    ck_assert_uint_eq(got.at_ns, sample.at_ns);
    ck_assert_mem_eq(got.value, sample.value, sizeof sample.value);
    ck_assert_uint_eq(got.unit, sample.unit);
}

START_TEST(numbers_of_all_sizes_survive_at_any_address)
{
    uint8_t memory[64];
    uint8_t *at = memory + _i;
    byte_store(at, 0xa5);
    ck_assert_uint_eq(byte_load(at), 0xa5);
    half_store(at, -12345);
    ck_assert_int_eq(half_load(at), -12345);
    word_store(at, 0xdeadbeef);
    ck_assert_uint_eq(word_load(at), 0xdeadbeef);
    number_store(at, -0.125);
    ck_assert_double_eq(number_load(at), -0.125);
}
END_TEST

START_TEST(structures_survive_at_any_address)
{
    uint8_t memory[1100];
    uint8_t *at = memory + _i;
    reading_store(at, sample);
    expect_sample(reading_load(at));

    point_store(at, (struct point){ 1, -2 });
    ck_assert_double_eq(point_load(at).x, 1);
    ck_assert_double_eq(point_load(at).y, -2);

    const struct odd odd = { { 1, 2, 3, 4, 5, 6, 7 } };
    odd_store(at, odd);
    const struct odd odd_back = odd_load(at);
    ck_assert_mem_eq(&odd_back, &odd, sizeof odd);

    struct large large;
    for (uint32_t i = 0; i < 256; i++)
        large.words[i] = i * 0x01010101;
    large_store(at, large);
    const struct large large_back = large_load(at);
    ck_assert_mem_eq(&large_back, &large, sizeof large);
}
END_TEST

START_TEST(storing_touches_no_byte_beside_the_structure)
{
    uint8_t memory[9] = { 0xee, 0, 0, 0, 0, 0, 0, 0, 0xee };
    odd_store(memory + 1, (struct odd){ { 1, 2, 3, 4, 5, 6, 7 } });
    ck_assert_uint_eq(memory[0], 0xee);
    ck_assert_uint_eq(memory[1], 1);
    ck_assert_uint_eq(memory[7], 7);
    ck_assert_uint_eq(memory[8], 0xee);
}
END_TEST

START_TEST(runs_of_structures_survive_at_any_address)
{
    uint8_t memory[200];
    const struct odd odds[3] = { { { 1 } }, { { 2 } }, { { 3, 4, 5, 6, 7, 8, 9 } } };
    odd_store_many(memory + _i, odds, 3);
    ck_assert_mem_eq(memory + _i, odds, 21);
    struct odd back[3];
    odd_load_many(back, memory + _i, 3);
    ck_assert_mem_eq(back, odds, sizeof odds);

    const struct point points[2] = { { 1, 2 }, { 3, 4 } };
    point_store_many(memory + _i, points, 2);
    struct point points_back[2];
    point_load_many(points_back, memory + _i, 2);
    ck_assert_mem_eq(points_back, points, sizeof points);
}
END_TEST

START_TEST(empty_runs_need_no_memory)
{
    point_store_many(NULL, NULL, 0);
    point_load_many(NULL, NULL, 0);
}
END_TEST

START_TEST(structures_lie_anywhere_in_a_region)
{
    struct fr_region *region;
    ck_assert_ok(fr_region_create(fr_test_name(), 100, NULL, &region));
    struct reading back;
    for (uint64_t offset = 0; offset + sizeof back <= 100; offset++) {
        ck_assert_ok(reading_write(region, offset, &sample));
        ck_assert_ok(reading_read(region, offset, &back));
        expect_sample(back);
    }
    ck_assert_error(reading_write(region, 100 - sizeof back + 1, &sample), FR_ERANGE);
    ck_assert_error(reading_read(region, UINT64_MAX, &back), FR_ERANGE);
    fr_region_close(&region);
}
END_TEST

START_TEST(an_array_is_shared_element_by_element)
{
    const char *name = fr_test_name();
    struct fr_region *mine;
    struct fr_region *theirs;
    ck_assert_ok(reading_array_create(name, 10, NULL, &mine));
    ck_assert_ok(reading_array_open(name, FR_READ_WRITE, FR_S(1), &theirs));
    ck_assert_uint_eq(fr_array_count(theirs), 10);

    ck_assert_ok(reading_array_set(mine, 9, &sample));
    struct reading back;
    ck_assert_ok(reading_array_get(theirs, 9, &back));
    expect_sample(back);
    reading_array_at(theirs, 3)->unit = 42;
    ck_assert_uint_eq(reading_array_at(mine, 3)->unit, 42);

    ck_assert_error(reading_array_set(mine, 10, &sample), FR_ERANGE);
    ck_assert_error(reading_array_get(mine, UINT64_MAX, &back), FR_ERANGE);
    ck_assert_ptr_null(reading_array_at(mine, 10));
    fr_region_close(&theirs);
    fr_region_close(&mine);
}
END_TEST

START_TEST(elements_of_odd_size_are_packed)
{
    struct fr_region *region;
    ck_assert_ok(odd_array_create(fr_test_name(), 1000, NULL, &region));
    ck_assert_ptr_eq(odd_array_at(region, 999), odd_array_at(region, 0) + 999);
    const struct odd odds[3] = { { { 1 } }, { { 2 } }, { { 3, 4, 5, 6, 7, 8, 9 } } };
    ck_assert_ok(odd_array_set_many(region, 997, 3, odds));
    struct odd back[3];
    ck_assert_ok(odd_array_get_many(region, 997, 3, back));
    ck_assert_mem_eq(back, odds, sizeof odds);
    ck_assert_error(odd_array_set_many(region, 998, 3, odds), FR_ERANGE);
    ck_assert_error(odd_array_get_many(region, 2, UINT64_MAX, back), FR_ERANGE);
    ck_assert_ok(odd_array_get_many(region, 1000, 0, NULL));
    fr_region_close(&region);
}
END_TEST

START_TEST(an_array_of_another_element_size_is_refused)
{
    const char *name = fr_test_name();
    struct fr_region *region;
    struct fr_region *wrong;
    ck_assert_ok(point_array_create(name, 14, NULL, &region));
    ck_assert_error(odd_array_open(name, FR_READ_WRITE, FR_S(1), &wrong), FR_EKIND);

    struct odd odd = { { 0 } };
    ck_assert_error(odd_array_get(region, 0, &odd), FR_EKIND);
    ck_assert_error(odd_array_set(region, 0, &odd), FR_EKIND);
    ck_assert_ptr_null(odd_array_at(region, 0));
    fr_region_close(&region);

    ck_assert_ok(fr_region_create(fr_test_name(), 7, NULL, &region));
    ck_assert_error(odd_array_get(region, 0, &odd), FR_EKIND);
    ck_assert_ptr_null(odd_array_at(region, 0));
    fr_region_close(&region);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("typed");

    TCase *memory = tcase_create("memory");
    tcase_add_loop_test(memory, numbers_of_all_sizes_survive_at_any_address, 0, 17);
    tcase_add_loop_test(memory, structures_survive_at_any_address, 0, 17);
    tcase_add_loop_test(memory, runs_of_structures_survive_at_any_address, 0, 17);
    tcase_add_test(memory, storing_touches_no_byte_beside_the_structure);
    tcase_add_test(memory, empty_runs_need_no_memory);
    suite_add_tcase(suite, memory);

    TCase *regions = tcase_create("regions");
    tcase_add_test(regions, structures_lie_anywhere_in_a_region);
    tcase_add_test(regions, an_array_is_shared_element_by_element);
    tcase_add_test(regions, elements_of_odd_size_are_packed);
    tcase_add_test(regions, an_array_of_another_element_size_is_refused);
    suite_add_tcase(suite, regions);

    return fr_test_main(suite);
}
