/* SPDX-License-Identifier: MIT */
/*
 * The check of an identity, condition by condition: an identity is good, one of its numbers is made to
 * break one condition, and that alone decides. (test_identity does it with files, and for regions.)
 */
#include <framering/framering.h>

#include "identity.h"
#include "support.h"

#define PLENTY (UINT64_C(1) << 40)

static struct fri_identity complete(struct fri_identity identity)
{
    identity.magic = FRI_MAGIC;
    identity.wire_major = FRI_WIRE_MAJOR;
    identity.endian_tag = FRI_ENDIAN_TAG;
    return identity;
}

static struct fri_identity ring(uint32_t delivery)
{
    struct fri_identity identity;

    ck_assert_ok(fri_identity_for_ring(4, 100, delivery, FR_BLOCK, &identity));
    return complete(identity);
}

static struct fri_identity region(uint64_t size, uint64_t element_size)
{
    struct fri_identity identity;

    ck_assert_ok(fri_identity_for_region(size, element_size, &identity));
    return complete(identity);
}

static void expect(int code, const struct fri_identity *identity)
{
    ck_assert_error(fri_identity_check(identity, PLENTY), code);
}

START_TEST(good_identities_are_good)
{
    struct fri_identity identity = region(24, 8);

    expect(0, &identity);
    identity = region(24, 0);
    expect(0, &identity);
    identity = ring(FR_QUEUE);
    expect(0, &identity);
    identity = ring(FR_BROADCAST);
    expect(0, &identity);
    identity.required_features = FRI_FEATURE_OBSERVERS;
    expect(0, &identity);
}
END_TEST

#define SPOILED(make, field, value, code)                                                          \
    do {                                                                                           \
        struct fri_identity spoiled = make;                                                        \
        spoiled.field = (value);                                                                   \
        expect(code, &spoiled);                                                                    \
    } while (0)

START_TEST(what_is_not_ours_or_not_our_version_is_told_apart)
{
    SPOILED(ring(FR_QUEUE), magic, 0, FR_EFOREIGN);
    SPOILED(ring(FR_QUEUE), wire_major, FRI_WIRE_MAJOR + 1, FR_EVERSION);
    SPOILED(ring(FR_QUEUE), endian_tag, 0x04030201, FR_EVERSION);
    SPOILED(ring(FR_QUEUE), required_features, UINT64_C(1) << 40, FR_EVERSION);
    SPOILED(ring(FR_QUEUE), kind, 0, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), kind, 77, FR_ECORRUPT);
}
END_TEST

START_TEST(each_number_of_a_region_is_checked)
{
    SPOILED(region(24, 0), data_size, 0, FR_ECORRUPT);
    SPOILED(region(24, 0), required_features, FRI_FEATURE_OBSERVERS, FR_ECORRUPT);
    SPOILED(region(24, 0), element_size, 8, FR_ECORRUPT);
    SPOILED(region(24, 8), element_size, 0, FR_ECORRUPT);
    SPOILED(region(24, 8), element_size, 7, FR_ECORRUPT);
    SPOILED(region(24, 8), data_size, UINT64_C(1) << 47, FR_ECORRUPT);
    SPOILED(region(24, 8), total_size, 3, FR_ECORRUPT);
}
END_TEST

START_TEST(each_number_of_a_ring_is_checked)
{
    SPOILED(ring(FR_QUEUE), slots, FR_MIN_SLOTS - 1, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), slots, FR_MAX_SLOTS + 1, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), slot_size, 0, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), slot_size, UINT64_C(1) << 60, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), delivery, FR_QUEUE + 1, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), overflow, FR_DROP_NEWEST + 1, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), required_features, FRI_FEATURE_OBSERVERS, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), order_size, 4, FR_ECORRUPT);
    SPOILED(ring(FR_QUEUE), slots_offset, 0, FR_ECORRUPT);
}
END_TEST

START_TEST(a_file_that_ends_before_its_object_is_refused)
{
    struct fri_identity identity = ring(FR_BROADCAST);

    ck_assert_ok(fri_identity_check(&identity, identity.total_size));
    ck_assert_error(fri_identity_check(&identity, identity.total_size - 1), FR_ECORRUPT);
}
END_TEST

START_TEST(what_no_machine_could_hold_is_not_made)
{
    struct fri_identity identity;
    struct fr_writer *writer;

    ck_assert_error(fri_identity_for_region((UINT64_C(1) << 46) + 1, 0, &identity), FR_ENOSPC);
    ck_assert_error(fri_identity_for_ring(4, (UINT64_C(1) << 44) + 1, FR_QUEUE, FR_BLOCK,
                                          &identity),
                    FR_ENOSPC);
    ck_assert_error(fr_writer_create(NULL, &fr_writer_opts(.slot_size = UINT64_MAX), &writer),
                    FR_ENOSPC);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identity check");
    TCase *tests = tcase_create("identity check");

    tcase_add_test(tests, good_identities_are_good);
    tcase_add_test(tests, what_is_not_ours_or_not_our_version_is_told_apart);
    tcase_add_test(tests, each_number_of_a_region_is_checked);
    tcase_add_test(tests, each_number_of_a_ring_is_checked);
    tcase_add_test(tests, a_file_that_ends_before_its_object_is_refused);
    tcase_add_test(tests, what_no_machine_could_hold_is_not_made);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
