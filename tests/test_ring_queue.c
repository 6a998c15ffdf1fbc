/* SPDX-License-Identifier: MIT */
/*
 * Rings that deliver as a queue: each item to exactly one reader, in the order of publication.
 * Holds, losses and refusals for each of the three policies.
 */
#define _GNU_SOURCE
#include <framering/framering.h>
#include <pthread.h>
#include <string.h>

#include "rings.h"

static struct fr_writer *make_queue(const char *name, uint32_t slots, enum fr_overflow overflow)
{
    return make_ring(name, slots, FR_QUEUE, overflow);
}

static const uint32_t slot_counts[] = { 2, 3, 8, 100, FR_MAX_SLOTS };
enum { SLOT_COUNTS = sizeof slot_counts / sizeof *slot_counts };

START_TEST(a_queue_holds_as_many_items_as_it_has_slots)
{
    const char *name = fr_test_name();
    uint32_t slots = slot_counts[_i];
    struct fr_writer *writer = make_queue(name, slots, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);

    for (uint64_t lap = 0; lap < 3; lap++) {
        put_all(writer, lap * slots + 1, (lap + 1) * slots);
        ck_assert_error(put(writer, 0, FR_NOWAIT), FR_ETIMEDOUT);
        for (uint64_t i = 1; i <= slots; i++)
            expect_item(reader, lap * slots + i);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(two_slots_do_for_every_policy)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, (enum fr_overflow)_i);
    struct fr_reader *reader = open_reader(name);

    for (uint64_t i = 0; i < 1000; i += 2) {
        put_all(writer, i, i + 1);
        expect_item(reader, i);
        expect_item(reader, i + 1);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(items_come_in_the_order_of_publication_not_of_acquisition)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 4, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    static const unsigned order[] = { 2, 0, 3, 1 };
    struct fr_slot *slot[4];
    const struct fr_slot *got;

    for (unsigned i = 0; i < 4; i++) {
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot[i]));
        fill_item(slot[i], i);
    }
    for (unsigned i = 0; i < 4; i++)
        ck_assert_ok(fr_writer_publish(&slot[order[i]]));
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
        ck_assert(is_item(got, order[i]));
        ck_assert_uint_eq(got->sequence, i + 1);
        fr_reader_release(&got);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(several_items_are_held_at_once_and_released_in_any_order)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 4, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    static const unsigned order[] = { 2, 3, 0, 1 };
    const struct fr_slot *held[4];

    put_all(writer, 0, 3);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held[i]));
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_error(put(writer, 9, FR_NOWAIT), FR_ETIMEDOUT);
        ck_assert(is_item(held[order[i]], order[i]));
        fr_reader_release(&held[order[i]]);
        put_all(writer, 10 + i, 10 + i);
    }
    for (unsigned i = 0; i < 4; i++)
        expect_item(reader, 10 + i);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

static void *publish_elsewhere(void *slot)
{
    return fr_writer_publish(slot) == 0 ? NULL : slot;
}

static void *release_elsewhere(void *slot)
{
    fr_reader_release(slot);
    return NULL;
}

static void run_elsewhere(void *(*work)(void *), void *argument)
{
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, work, argument), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_null(result);
}

START_TEST(another_thread_may_publish_and_release)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *got;
    struct fr_slot *slot;

    for (uint64_t i = 0; i < 10; i++) {
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
        fill_item(slot, i);
        run_elsewhere(publish_elsewhere, &slot);
        ck_assert_ptr_null(slot);
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
        ck_assert(is_item(got, i));
        run_elsewhere(release_elsewhere, &got);
        ck_assert_ptr_null(got);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(the_length_travels_with_the_item_and_nothing_is_a_length_too)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    static const uint64_t lengths[] = { 0, 1, ITEM_SLOT_SIZE, 7, 0 };
    static const uint8_t source[ITEM_SLOT_SIZE] = { 1, 2, 3 };
    uint8_t copy[ITEM_SLOT_SIZE];
    size_t size;

    for (unsigned i = 0; i < 5; i++) {
        ck_assert_ok(fr_writer_write(writer, source, lengths[i], FR_NOWAIT));
        memset(copy, 0xee, sizeof copy);
        ck_assert_ok(fr_reader_read(reader, FR_NEXT, copy, sizeof copy, FR_NOWAIT, &size));
        ck_assert_uint_eq(size, lengths[i]);
        ck_assert_mem_eq(copy, source, size);
        if (size < sizeof copy)
            ck_assert_uint_eq(copy[size], 0xee);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(more_bytes_than_a_slot_has_are_refused)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    static const uint8_t source[ITEM_SLOT_SIZE + 1];
    uint8_t copy[ITEM_SLOT_SIZE];
    struct fr_slot *slot;
    size_t size;

    ck_assert_error(fr_writer_write(writer, source, sizeof source, FR_NOWAIT), FR_EMSGSIZE);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EMSGSIZE), "4001"));
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    ck_assert_uint_eq(slot->capacity, ITEM_SLOT_SIZE);
    slot->used = ITEM_SLOT_SIZE + 1;
    ck_assert_error(fr_writer_publish(&slot), FR_EMSGSIZE);
    ck_assert_ptr_nonnull(slot); /* it stays ours */
    fill_item(slot, 5);
    ck_assert_ok(fr_writer_publish(&slot));

    ck_assert_error(fr_reader_read(reader, FR_NEXT, copy, ITEM_SLOT_SIZE - 1, FR_NOWAIT, &size),
                    FR_EMSGSIZE);
    expect_item(reader, 5); /* nothing was taken */
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(what_is_aborted_is_never_seen_and_leaves_no_hole)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *got;
    struct fr_slot *slot;

    for (uint64_t i = 1; i <= 20; i++) {
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
        fill_item(slot, 1000);
        fr_writer_abort(&slot);
        ck_assert_ptr_null(slot);
        put_all(writer, i, i);
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
        ck_assert(is_item(got, i));
        ck_assert_uint_eq(got->sequence, i);
        fr_reader_release(&got);
    }
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(giving_back_twice_through_a_copied_pointer_does_nothing)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *got;
    struct fr_slot *slot;

    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    struct fr_slot *copy = slot;
    fill_item(slot, 3);
    ck_assert_ok(fr_writer_publish(&slot));
    copy->used = 1; /* must not become the length of what was published */
    struct fr_slot *again = copy;
    ck_assert_error(fr_writer_publish(&again), FR_EINVAL);
    fr_writer_abort(&copy);

    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
    ck_assert(is_item(got, 3));
    const struct fr_slot *got_copy = got;
    const struct fr_slot *got_again = got;
    fr_reader_release(&got);
    fr_reader_release(&got_copy);
    put_all(writer, 4, 5); /* both slots are free, once */
    ck_assert_error(put(writer, 6, FR_NOWAIT), FR_ETIMEDOUT);
    fr_reader_release(&got_again);
    ck_assert_error(put(writer, 6, FR_NOWAIT), FR_ETIMEDOUT);
    fr_reader_release(&got); /* NULL by now */
    fr_reader_release(NULL);
    fr_writer_abort(NULL);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_queue_has_no_latest_item)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *got;

    put_all(writer, 1, 1);
    ck_assert_error(fr_reader_acquire(reader, FR_LATEST, FR_NOWAIT, &got), FR_ENOTSUP);
    ck_assert_ptr_null(got);
    expect_item(reader, 1);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(who_holds_all_slots_is_told_so)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 3, (enum fr_overflow)_i);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *held[3];
    const struct fr_slot *got;
    struct fr_slot *slot[3];
    struct fr_slot *more;

    for (unsigned i = 0; i < 3; i++)
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot[i]));
    ck_assert_error(fr_writer_acquire(writer, FR_FOREVER, &more), FR_EBUSY);
    ck_assert_ptr_null(more);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ok(fr_writer_publish(&slot[i]));
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held[i]));
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_FOREVER, &got), FR_EBUSY);
    for (unsigned i = 0; i < 3; i++)
        fr_reader_release(&held[i]);
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got), FR_ETIMEDOUT);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_full_queue_that_drops_the_newest_fails_at_once_and_tells_each_reader)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_DROP_NEWEST);
    struct fr_reader *reader = open_reader(name);
    struct fr_reader *other = open_reader(name);
    struct fr_loss loss;
    uint64_t number;
    int64_t start = fr_now_ns();

    put_all(writer, 1, 2);
    for (int i = 0; i < 5; i++)
        ck_assert_error(put(writer, 3, FR_S(20)), FR_ETIMEDOUT);
    ck_assert_int_lt(ms_since(start), 5000);
    ck_assert_ok(get_with_loss(reader, FR_NEXT, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(number, 1);
    ck_assert_uint_eq(loss.dropped, 5);
    ck_assert_ok(get_with_loss(other, FR_NEXT, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(number, 2);
    ck_assert_uint_eq(loss.dropped, 5);
    put_all(writer, 3, 3);
    ck_assert_ok(get_with_loss(reader, FR_NEXT, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(loss.dropped + loss.overwritten + loss.skipped, 0);
    fr_reader_close(&reader);
    fr_reader_close(&other);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_queue_that_drops_the_oldest_reports_each_loss_to_exactly_one_reader)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 4, FR_DROP_OLDEST);
    struct fr_reader *reader[2] = { open_reader(name), open_reader(name) };
    uint64_t delivered = 0;
    uint64_t overwritten = 0;
    uint64_t last = 0;

    for (uint64_t i = 1; i <= 1000; i++) {
        put_all(writer, i, i);
        if (i % 7 != 0)
            continue;
        struct fr_loss loss;
        uint64_t number;
        ck_assert_ok(get_with_loss(reader[i % 2], FR_NEXT, FR_NOWAIT, &number, &loss));
        delivered++;
        overwritten += loss.overwritten;
        ck_assert_uint_eq(number, last + loss.overwritten + 1);
        last = number;
    }
    struct fr_info info = fr_info();
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_uint_eq(info.overwritten + delivered, 1000 - 4);
    ck_assert_uint_eq(delivered + overwritten, last);
    fr_reader_close(&reader[0]);
    fr_reader_close(&reader[1]);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(an_item_that_is_held_is_never_touched_while_the_writer_laps)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 4, FR_DROP_OLDEST);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *held[2];

    put_all(writer, 63, 64); /* number 63 has the longest payload */
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held[0]));
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held[1]));
    for (uint64_t i = 100; i < 1100; i++) {
        put_all(writer, i, i);
        ck_assert(is_item(held[0], 63) && is_item(held[1], 64));
    }
    fr_reader_release(&held[1]);
    fr_reader_release(&held[0]);
    expect_item(reader, 1098);
    expect_item(reader, 1099);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_full_queue_makes_the_writer_wait_as_long_as_it_said)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_BLOCK);
    int64_t start = fr_now_ns();

    put_all(writer, 1, 2);
    ck_assert_error(put(writer, 3, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_int_lt(ms_since(start), 2000);
    start = fr_now_ns();
    ck_assert_error(put(writer, 3, FR_MS(30)), FR_ETIMEDOUT);
    ck_assert_int_ge(fr_now_ns() - start, FR_MS(30));
    ck_assert_int_lt(ms_since(start), 3000);
    fr_writer_close(&writer);
}
END_TEST

static void *get_after_a_while(void *reader)
{
    uint64_t number = 0;

    nap_ms(30);
    return get(reader, FR_NOWAIT, &number) == 0 && number == 1 ? NULL : reader;
}

START_TEST(a_release_wakes_the_writer_that_waits)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    pthread_t thread;
    void *result;

    put_all(writer, 1, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, get_after_a_while, reader), 0);
    int64_t start = fr_now_ns();
    ck_assert_ok(put(writer, 3, FR_FOREVER));
    ck_assert_int_lt(ms_since(start), 5000);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_null(result);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(what_a_closed_reader_left_in_the_queue_goes_to_the_others)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_queue(name, 4, FR_BLOCK);
    struct fr_reader *first = open_reader(name);
    const struct fr_slot *held;

    put_all(writer, 1, 4);
    ck_assert_ok(fr_reader_acquire(first, FR_NEXT, FR_NOWAIT, &held));
    fr_reader_close(&first);
    struct fr_reader *second = open_reader(name);
    for (uint64_t i = 2; i <= 4; i++)
        expect_item(second, i);
    ck_assert(is_item(held, 1));
    fr_reader_release(&held);
    put_all(writer, 5, 8);
    fr_reader_close(&second);
    fr_writer_close(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queue");
    TCase *tests = tcase_create("queue");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_queue_holds_as_many_items_as_it_has_slots, 0, SLOT_COUNTS);
    tcase_add_loop_test(tests, two_slots_do_for_every_policy, FR_BLOCK, FR_DROP_NEWEST + 1);
    tcase_add_test(tests, items_come_in_the_order_of_publication_not_of_acquisition);
    tcase_add_test(tests, several_items_are_held_at_once_and_released_in_any_order);
    tcase_add_test(tests, another_thread_may_publish_and_release);
    tcase_add_test(tests, the_length_travels_with_the_item_and_nothing_is_a_length_too);
    tcase_add_test(tests, more_bytes_than_a_slot_has_are_refused);
    tcase_add_test(tests, what_is_aborted_is_never_seen_and_leaves_no_hole);
    tcase_add_test(tests, giving_back_twice_through_a_copied_pointer_does_nothing);
    tcase_add_test(tests, a_queue_has_no_latest_item);
    tcase_add_loop_test(tests, who_holds_all_slots_is_told_so, FR_BLOCK, FR_DROP_NEWEST + 1);
    tcase_add_test(tests, a_full_queue_that_drops_the_newest_fails_at_once_and_tells_each_reader);
    tcase_add_test(tests, a_queue_that_drops_the_oldest_reports_each_loss_to_exactly_one_reader);
    tcase_add_test(tests, an_item_that_is_held_is_never_touched_while_the_writer_laps);
    tcase_add_test(tests, a_full_queue_makes_the_writer_wait_as_long_as_it_said);
    tcase_add_test(tests, a_release_wakes_the_writer_that_waits);
    tcase_add_test(tests, what_a_closed_reader_left_in_the_queue_goes_to_the_others);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
