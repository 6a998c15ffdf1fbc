/* SPDX-License-Identifier: MIT */
/*
 * Rings that deliver to every reader: what each reader gets from its opening on, what it loses and
 * is told about, and whom a slow one holds back, for each of the three policies.
 */
#include <framering/framering.h>
#include <pthread.h>

#include "rings.h"

static struct fr_writer *make_broadcast(const char *name, uint32_t slots, enum fr_overflow overflow)
{
    return make_ring(name, slots, FR_BROADCAST, overflow);
}

static const uint32_t slot_counts[] = { 2, 3, 8, 100, FR_MAX_SLOTS };
enum { SLOT_COUNTS = sizeof slot_counts / sizeof *slot_counts };

START_TEST(a_broadcast_holds_as_many_unread_items_as_it_has_slots)
{
    const char *name = fr_test_name();
    uint32_t slots = slot_counts[_i];
    struct fr_writer *writer = make_broadcast(name, slots, FR_BLOCK);
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
    struct fr_writer *writer = make_broadcast(name, 2, (enum fr_overflow)_i);
    struct fr_reader *reader = open_reader(name);

    for (uint64_t i = 0; i < 1000; i += 2) {
        put_all(writer, i, i + 1);
        expect_item(reader, i);
        expect_item(reader, i + 1);
    }
    fr_reader_close(&reader);
    put_all(writer, 0, 100); /* with nobody there, nobody is waited for */
    fr_writer_close(&writer);
}
END_TEST

START_TEST(items_come_in_the_order_of_publication_not_of_acquisition)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 4, FR_BLOCK);
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

START_TEST(every_reader_gets_every_item_from_its_opening_on)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 8, FR_BLOCK);
    struct fr_reader *reader[8];

    for (uint64_t i = 0; i < 8; i++) {
        reader[i] = open_reader(name);
        put_all(writer, i, i);
    }
    for (uint64_t i = 0; i < 8; i++) {
        for (uint64_t item = i == 0 ? 0 : i - 1; item < 8; item++)
            expect_item(reader[i], item);
        uint64_t number;
        ck_assert_error(get(reader[i], FR_NOWAIT, &number), FR_ETIMEDOUT);
        fr_reader_close(&reader[i]);
    }
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_late_joiner_gets_the_newest_at_once_and_counts_no_loss)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 4, (enum fr_overflow)_i);
    struct fr_loss loss;
    uint64_t number;

    for (uint64_t newest = 1; newest < 50; newest++) {
        put_all(writer, newest, newest);
        struct fr_reader *reader = open_reader(name);
        enum fr_which which = newest % 2 == 0 ? FR_NEXT : FR_LATEST;
        ck_assert_ok(get_with_loss(reader, which, FR_NOWAIT, &number, &loss));
        ck_assert_uint_eq(number, newest);
        ck_assert_uint_eq(loss.skipped + loss.overwritten + loss.dropped, 0);
        fr_reader_close(&reader);
    }
    fr_writer_close(&writer);
}
END_TEST

START_TEST(the_newest_stays_even_if_writers_take_all_that_they_can)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 4, (enum fr_overflow)_i);
    struct fr_slot *slot[3];
    struct fr_slot *more;

    put_all(writer, 1, 10);
    for (int i = 0; i < 3; i++)
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot[i]));
    ck_assert_error(fr_writer_acquire(writer, FR_NOWAIT, &more), FR_ETIMEDOUT);
    struct fr_reader *reader = open_reader(name);
    expect_item(reader, 10);
    for (int i = 0; i < 3; i++)
        fr_writer_abort(&slot[i]);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(what_a_joiner_missed_before_it_came_to_read_is_counted_from_its_joining_on)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 4, FR_DROP_OLDEST);
    struct fr_loss loss;
    uint64_t number;

    put_all(writer, 1, 100);
    struct fr_reader *reader = open_reader(name);
    put_all(writer, 101, 200);
    ck_assert_ok(get_with_loss(reader, FR_NEXT, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(number, 197);
    ck_assert_uint_eq(loss.overwritten, 96); /* 101 to 196 */
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(latest_passes_over_what_is_older_and_counts_it_exactly)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 8, (enum fr_overflow)_i);
    put_all(writer, 1, 1);
    struct fr_reader *reader = open_reader(name);
    struct fr_loss loss;
    uint64_t number;

    put_all(writer, 2, 4);
    ck_assert_ok(get_with_loss(reader, FR_LATEST, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(number, 4);
    ck_assert_uint_eq(loss.skipped, 2); /* 2 and 3; 1 was before its time */
    ck_assert_error(get_with_loss(reader, FR_LATEST, FR_NOWAIT, &number, &loss), FR_ETIMEDOUT);
    for (uint64_t step = 1; step <= 7; step++) {
        put_all(writer, 10 * step, 10 * step + step - 1);
        ck_assert_ok(get_with_loss(reader, FR_LATEST, FR_NOWAIT, &number, &loss));
        ck_assert_uint_eq(number, 10 * step + step - 1);
        ck_assert_uint_eq(loss.skipped, step - 1);
        ck_assert_uint_eq(loss.overwritten + loss.dropped, 0);
        ck_assert_error(get_with_loss(reader, FR_LATEST, FR_NOWAIT, &number, &loss), FR_ETIMEDOUT);
    }
    put_all(writer, 100, 101);
    ck_assert_ok(get_with_loss(reader, FR_NEXT, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(number, 100); /* next and latest may alternate */
    struct fr_stats stats = fr_stats();
    fr_reader_stats(reader, &stats);
    ck_assert_uint_eq(stats.loss.skipped, 23);
    ck_assert_uint_eq(stats.delivered, 9);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_reader_that_does_not_read_makes_a_blocking_writer_wait_as_long_as_it_said)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 3, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);

    put_all(writer, 1, 3);
    ck_assert_error(put(writer, 4, FR_NOWAIT), FR_ETIMEDOUT);
    int64_t start = fr_now_ns();
    ck_assert_error(put(writer, 4, FR_MS(30)), FR_ETIMEDOUT);
    ck_assert_int_ge(fr_now_ns() - start, FR_MS(30));
    ck_assert_int_lt(ms_since(start), 3000);
    expect_item(reader, 1);
    put_all(writer, 4, 4);
    fr_reader_close(&reader);
    put_all(writer, 5, 50);
    fr_writer_close(&writer);
}
END_TEST

static void *read_slowly(void *reader)
{
    for (uint64_t wanted = 1; wanted <= 40; wanted++) {
        uint64_t number = 0;

        if (get(reader, FR_S(10), &number) < 0 || number != wanted)
            return reader;
        nap_ms(1);
    }
    return NULL;
}

START_TEST(a_blocking_writer_loses_nothing_to_a_slow_reader)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, read_slowly, reader), 0);
    for (uint64_t number = 1; number <= 40; number++)
        ck_assert_ok(put(writer, number, FR_S(10)));
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_null(result);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

static void *close_after_a_while(void *reader)
{
    struct fr_reader *ours = reader;

    nap_ms(30);
    fr_reader_close(&ours);
    return NULL;
}

START_TEST(a_reader_that_closes_lets_the_waiting_writer_go_on)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 2, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    pthread_t thread;

    put_all(writer, 1, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, close_after_a_while, reader), 0);
    int64_t start = fr_now_ns();
    ck_assert_ok(put(writer, 3, FR_FOREVER));
    ck_assert_int_lt(ms_since(start), 5000);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_closed_reader_keeps_the_item_it_holds_and_nothing_else)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 4, (enum fr_overflow)_i);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *held;

    put_all(writer, 63, 66);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
    fr_reader_close(&reader);
    put_all(writer, 100, 200); /* nobody reads any more: nobody is waited for */
    ck_assert(is_item(held, 63));
    fr_reader_release(&held);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_lossy_reader_holds_nobody_back_and_counts_what_was_overwritten)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 4, FR_BLOCK);
    struct fr_reader *lossy = open_lossy_reader(name);
    uint64_t delivered = 0;
    uint64_t overwritten = 0;
    struct fr_loss loss;
    uint64_t number;

    for (uint64_t i = 1; i <= 1000; i++) {
        put_all(writer, i, i);
        if (i % 9 != 0)
            continue;
        ck_assert_ok(get_with_loss(lossy, FR_NEXT, FR_NOWAIT, &number, &loss));
        delivered++;
        overwritten += loss.overwritten;
        ck_assert_uint_eq(delivered + overwritten, number);
    }
    while (get_with_loss(lossy, FR_NEXT, FR_NOWAIT, &number, &loss) == 0) {
        delivered++;
        overwritten += loss.overwritten;
    }
    ck_assert_uint_eq(delivered + overwritten, 1000);
    fr_reader_close(&lossy);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_writer_that_drops_the_oldest_never_waits_and_keeps_the_newest)
{
    const char *name = fr_test_name();
    uint32_t slots = slot_counts[_i];
    struct fr_writer *writer = make_broadcast(name, slots, FR_DROP_OLDEST);
    struct fr_reader *reader = open_reader(name);
    struct fr_reader *late;
    struct fr_slot *slot;
    struct fr_loss loss;
    uint64_t number;

    put_all(writer, 1, 5 * slots);
    /* As many as there are, but for the newest, and given back: it must still be there. */
    for (uint32_t i = 0; i < slots; i++) {
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
        fr_writer_abort(&slot);
    }
    late = open_reader(name);
    expect_item(late, 5 * slots);
    ck_assert_ok(get_with_loss(reader, FR_NEXT, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(loss.overwritten + 1, number);
    fr_reader_close(&late);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(what_a_reader_got_and_what_was_overwritten_is_all_that_was_published)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 5, FR_DROP_OLDEST);
    struct fr_reader *reader = open_reader(name);
    uint64_t published = 0;
    struct fr_loss loss;
    uint64_t number;

    for (uint64_t burst = 0; burst < 60; burst++) {
        put_all(writer, published + 1, published + burst);
        published += burst;
        for (uint64_t i = 0; i < burst % 4; i++)
            (void)!get_with_loss(reader, FR_NEXT, FR_NOWAIT, &number, &loss);
    }
    while (get(reader, FR_NOWAIT, &number) == 0)
        ck_assert_uint_le(number, published);
    struct fr_stats stats = fr_stats();
    fr_reader_stats(reader, &stats);
    ck_assert_uint_eq(stats.delivered + stats.loss.overwritten, published);
    ck_assert_uint_gt(stats.loss.overwritten, 1000);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_held_item_is_never_touched_while_the_writer_laps)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 4, FR_DROP_OLDEST);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *held[2];
    struct fr_loss loss;
    uint64_t number;

    put_all(writer, 63, 64);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held[0]));
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held[1]));
    for (uint64_t i = 1000; i < 2000; i++) {
        put_all(writer, i, i);
        ck_assert(is_item(held[0], 63) && is_item(held[1], 64));
    }
    fr_reader_release(&held[1]);
    put_all(writer, 2000, 2001);
    ck_assert(is_item(held[0], 63));
    fr_reader_release(&held[0]);
    ck_assert_ok(get_with_loss(reader, FR_NEXT, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(loss.overwritten, number - 1000);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_full_ring_that_drops_the_newest_fails_at_once_and_tells_every_reader)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 2, FR_DROP_NEWEST);
    struct fr_reader *reader[2] = { open_reader(name), open_reader(name) };
    struct fr_loss loss;
    uint64_t number;
    int64_t start = fr_now_ns();

    put_all(writer, 1, 2);
    for (int i = 0; i < 5; i++)
        ck_assert_error(put(writer, 3, FR_S(20)), FR_ETIMEDOUT);
    ck_assert_int_lt(ms_since(start), 5000);
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(get_with_loss(reader[i], FR_NEXT, FR_NOWAIT, &number, &loss));
        ck_assert_uint_eq(number, 1);
        ck_assert_uint_eq(loss.dropped, 5);
        ck_assert_ok(get_with_loss(reader[i], FR_NEXT, FR_NOWAIT, &number, &loss));
        ck_assert_uint_eq(loss.dropped, 0);
    }
    struct fr_reader *late = open_reader(name);
    ck_assert_ok(get_with_loss(late, FR_NEXT, FR_NOWAIT, &number, &loss));
    ck_assert_uint_eq(loss.dropped, 0); /* that was before its time */
    fr_reader_close(&late);
    fr_reader_close(&reader[0]);
    fr_reader_close(&reader[1]);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(who_holds_all_slots_is_told_so)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_broadcast(name, 3, (enum fr_overflow)_i);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *held[3];
    const struct fr_slot *got;
    struct fr_slot *slot[3];
    struct fr_slot *more;

    for (unsigned i = 0; i < 3; i++)
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot[i]));
    ck_assert_error(fr_writer_acquire(writer, FR_FOREVER, &more), FR_EBUSY);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ok(fr_writer_publish(&slot[i]));
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held[i]));
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_FOREVER, &got), FR_EBUSY);
    ck_assert_error(fr_reader_acquire(reader, FR_LATEST, FR_FOREVER, &got), FR_EBUSY);
    for (unsigned i = 0; i < 3; i++)
        fr_reader_release(&held[2 - i]);
    put_all(writer, 4, 4);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

int main(void)
{
    const int policies = FR_DROP_NEWEST + 1;
    Suite *suite = suite_create("broadcast");
    TCase *tests = tcase_create("broadcast");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_broadcast_holds_as_many_unread_items_as_it_has_slots, 0,
                        SLOT_COUNTS);
    tcase_add_loop_test(tests, two_slots_do_for_every_policy, 0, policies);
    tcase_add_test(tests, items_come_in_the_order_of_publication_not_of_acquisition);
    tcase_add_test(tests, every_reader_gets_every_item_from_its_opening_on);
    tcase_add_loop_test(tests, a_late_joiner_gets_the_newest_at_once_and_counts_no_loss, 0,
                        policies);
    tcase_add_loop_test(tests, the_newest_stays_even_if_writers_take_all_that_they_can, 0,
                        policies);
    tcase_add_test(tests,
                   what_a_joiner_missed_before_it_came_to_read_is_counted_from_its_joining_on);
    tcase_add_loop_test(tests, latest_passes_over_what_is_older_and_counts_it_exactly, 0, policies);
    tcase_add_test(tests,
                   a_reader_that_does_not_read_makes_a_blocking_writer_wait_as_long_as_it_said);
    tcase_add_test(tests, a_blocking_writer_loses_nothing_to_a_slow_reader);
    tcase_add_test(tests, a_reader_that_closes_lets_the_waiting_writer_go_on);
    tcase_add_loop_test(tests, a_closed_reader_keeps_the_item_it_holds_and_nothing_else, 0,
                        policies);
    tcase_add_test(tests, a_lossy_reader_holds_nobody_back_and_counts_what_was_overwritten);
    tcase_add_loop_test(tests, a_writer_that_drops_the_oldest_never_waits_and_keeps_the_newest, 0,
                        SLOT_COUNTS);
    tcase_add_test(tests, what_a_reader_got_and_what_was_overwritten_is_all_that_was_published);
    tcase_add_test(tests, a_held_item_is_never_touched_while_the_writer_laps);
    tcase_add_test(tests, a_full_ring_that_drops_the_newest_fails_at_once_and_tells_every_reader);
    tcase_add_loop_test(tests, who_holds_all_slots_is_told_so, 0, policies);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
