/* SPDX-License-Identifier: MIT */
/*
 * Looking in: the counters of handles, and objects described without attaching to them. Counts of
 * losses are tested with the policies that cause them, in test_ring_queue.c and its siblings.
 */
#include <framering/framering.h>
#include <string.h>

#include "rings.h"

START_TEST(a_writer_counts_what_it_does)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 2, FR_QUEUE, FR_BLOCK);
    struct fr_stats stats = fr_stats();
    struct fr_slot *slot;

    fr_writer_stats(writer, &stats);
    ck_assert_uint_eq(stats.published + stats.aborted + stats.timeouts + stats.waits, 0);
    put_all(writer, 1, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
        fr_writer_abort(&slot);
    }
    put_all(writer, 2, 2);
    ck_assert_error(put(writer, 3, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_error(put(writer, 3, FR_MS(20)), FR_ETIMEDOUT);
    fr_writer_stats(writer, &stats);
    ck_assert_uint_eq(stats.published, 2);
    ck_assert_uint_eq(stats.aborted, 3);
    ck_assert_uint_eq(stats.timeouts, 2);
    ck_assert_uint_ge(stats.waits, 1);
    ck_assert_uint_ge(stats.waited_ns, (uint64_t)FR_MS(10));
    ck_assert_uint_lt(stats.waited_ns, (uint64_t)FR_S(5));
    ck_assert_uint_eq(stats.recovered, 0);
    ck_assert_uint_eq(stats.delivered + stats.sessions, 0);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_reader_counts_what_it_gets_and_what_it_does_not)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 4, FR_BROADCAST, FR_DROP_OLDEST);
    struct fr_reader *reader = open_reader(name);
    struct fr_stats stats = fr_stats();
    struct fr_loss loss;
    uint64_t number;

    put_all(writer, 1, 10);
    expect_item(reader, 7); /* 1 to 6 were overwritten */
    ck_assert_ok(get_with_loss(reader, FR_LATEST, FR_NOWAIT, &number, &loss)); /* 8 and 9 passed */
    ck_assert_error(get(reader, FR_NOWAIT, &number), FR_ETIMEDOUT);
    fr_reader_stats(reader, &stats);
    ck_assert_uint_eq(stats.delivered, 2);
    ck_assert_uint_eq(stats.loss.overwritten, 6);
    ck_assert_uint_eq(stats.loss.skipped, 2);
    ck_assert_uint_eq(stats.loss.dropped, 0);
    ck_assert_uint_eq(stats.timeouts, 1);
    ck_assert_uint_eq(stats.sessions, 1);
    ck_assert_uint_eq(stats.published + stats.aborted, 0);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_ring_is_described_without_attaching_to_it)
{
    const char *name = fr_test_name();
    const int64_t before = fr_now_ns();
    struct fr_info info = fr_info();
    struct fr_writer *writer;

    ck_assert_ok(fr_writer_create(name,
                                  &fr_writer_opts(.slot_size = 100001, .slots = 5,
                                                  .delivery = FR_QUEUE, .overflow = FR_DROP_OLDEST),
                                  &writer));
    struct fr_writer *second = join_ring(name);
    struct fr_reader *reader = open_reader(name);
    for (int i = 0; i < 9; i++)
        ck_assert_ok(fr_writer_write(writer, "x", 1, FR_NOWAIT));
    for (int i = 0; i < 3; i++) /* looking changes nothing */
        ck_assert_ok(fr_inspect(name, &info));
    ck_assert_int_eq(info.kind, FR_KIND_RING);
    ck_assert_int_eq(info.status, 0);
    ck_assert_uint_eq(info.slots, 5);
    ck_assert_uint_eq(info.slot_size, 100001);
    ck_assert_uint_eq(info.writers, 2);
    ck_assert_uint_eq(info.readers, 1);
    ck_assert_int_eq(info.delivery, FR_QUEUE);
    ck_assert_int_eq(info.overflow, FR_DROP_OLDEST);
    ck_assert_uint_eq(info.published, 9);
    ck_assert_uint_eq(info.overwritten, 4);
    ck_assert_uint_eq(info.dropped, 0);
    ck_assert_uint_ge(info.total_size, 5 * 100001);
    ck_assert_uint_ne(info.session, 0);
    ck_assert_int_ge(info.created_ns, before);
    ck_assert_int_le(info.created_ns, fr_now_ns());
    ck_assert_uint_eq(info.data_size + info.element_size, 0);
    fr_reader_close(&reader);
    fr_writer_close(&second);
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_uint_eq(info.writers, 1);
    ck_assert_uint_eq(info.readers, 0);
    fr_writer_close(&writer);
    ck_assert_error(fr_inspect(name, &info), FR_ENOENT);
}
END_TEST

START_TEST(regions_and_arrays_are_described_too)
{
    const char *name = fr_test_name();
    struct fr_info info = fr_info();
    struct fr_region *region;

    ck_assert_ok(fr_region_create(name, 12345, NULL, &region));
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_int_eq(info.kind, FR_KIND_REGION);
    ck_assert_uint_eq(info.data_size, 12345);
    ck_assert_uint_eq(info.element_size, 0);
    ck_assert_int_eq(info.status, 0);
    fr_region_close(&region);
    ck_assert_ok(fr_array_create(name, 100, 24, NULL, &region));
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_int_eq(info.kind, FR_KIND_ARRAY);
    ck_assert_uint_eq(info.data_size, 2400);
    ck_assert_uint_eq(info.element_size, 24);
    ck_assert_uint_eq(info.slots + info.writers + info.readers + info.published, 0);
    fr_region_close(&region);
}
END_TEST

START_TEST(a_struct_of_an_older_version_is_filled_as_far_as_it_goes)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 2, FR_BROADCAST, FR_BLOCK);
    struct fr_stats stats;
    struct fr_info info;

    put_all(writer, 1, 1);
    memset(&stats, 0x77, sizeof stats);
    stats.size = offsetof(struct fr_stats, aborted);
    fr_writer_stats(writer, &stats);
    ck_assert_uint_eq(stats.size, offsetof(struct fr_stats, aborted));
    ck_assert_uint_eq(stats.published, 1);
    ck_assert_uint_eq(stats.aborted, UINT64_C(0x7777777777777777));

    memset(&info, 0x77, sizeof info);
    info.size = offsetof(struct fr_info, session);
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_int_eq(info.kind, FR_KIND_RING);
    ck_assert_uint_eq(info.session, UINT64_C(0x7777777777777777));
    info.size = 0;
    ck_assert_error(fr_inspect(name, &info), FR_EINVAL);
    ck_assert_error(fr_inspect(name, NULL), FR_EINVAL);
    ck_assert_error(fr_inspect("", &info), FR_EINVAL);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_struct_of_a_newer_version_is_not_written_beyond_what_is_known)
{
    struct {
        struct fr_info info;
        uint64_t newer;
    } larger = { .newer = 42 };
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, 2, FR_BROADCAST, FR_BLOCK);

    larger.info.size = sizeof larger;
    ck_assert_ok(fr_inspect(name, &larger.info));
    ck_assert_uint_eq(larger.newer, 42);
    ck_assert_uint_eq(larger.info.size, sizeof larger);
    ck_assert_uint_eq(larger.info.slots, 2);
    fr_writer_close(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats");
    TCase *tests = tcase_create("stats");

    tcase_add_test(tests, a_writer_counts_what_it_does);
    tcase_add_test(tests, a_reader_counts_what_it_gets_and_what_it_does_not);
    tcase_add_test(tests, a_ring_is_described_without_attaching_to_it);
    tcase_add_test(tests, regions_and_arrays_are_described_too);
    tcase_add_test(tests, a_struct_of_an_older_version_is_filled_as_far_as_it_goes);
    tcase_add_test(tests, a_struct_of_a_newer_version_is_not_written_beyond_what_is_known);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
