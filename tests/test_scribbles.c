/* SPDX-License-Identifier: MIT */
/*
 * Single words of a ring or a lock, set to what no peer that keeps the protocol would leave: each call
 * that meets one ends, with a code of its own or by passing over it, and touches nothing that the
 * user has. (test_ring_limits scribbles at random; here each case is made.)
 */
#include <framering/framering.h>
#include <string.h>

#include "order.h"
#include "point.h"
#include "ring.h"
#include "rings.h"
#include "rwlock.h"

enum { SLOTS = 4 };

static struct fr_writer *writer;
static struct fr_reader *reader;
static const struct fr_slot *got;
static struct fr_slot *slot;

static void open_ring(enum fr_delivery delivery, enum fr_overflow overflow)
{
    const char *name = fr_test_name();

    writer = make_ring(name, SLOTS, delivery, overflow);
    reader = open_reader(name);
}

static void close_ring(void)
{
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}

/* Which slot carries a number, as an index. */
static uint32_t slot_of(uint64_t number)
{
    return (uint32_t)word_load(order_entry(writer->seat, number)) & 0xffff;
}

static void set_entry(uint64_t place, uint64_t number, uint32_t index)
{
    word_store(order_entry(writer->seat, place), entry_make(number, index));
}

static void set_control(uint32_t index, uint64_t number, enum fri_slot_state state, unsigned owner)
{
    word_store(&writer->seat->slot[index].control, control_make(number, state, owner));
}

/* ---- The order of publication ---------------------------------------------------------------- */

/* The entry of a number carries one that is yet to come. */
static void publish_from_the_future(void)
{
    uint64_t next = word_load(&writer->seat->page->tail) + 1;

    set_entry(next, next + 100 * (writer->seat->order_mask + 1), 0);
}

START_TEST(an_entry_from_the_future_is_not_published_over)
{
    open_ring(FR_BROADCAST, FR_BLOCK);
    publish_from_the_future();
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    ck_assert_error(fr_writer_publish(&slot), FR_ECORRUPT);
    ck_assert_ptr_null(slot);
    ck_assert_uint_eq(fri_order_newest(writer->seat), 0);
    /* The slot came back: all of them can be had. */
    for (int i = 0; i < SLOTS; i++)
        ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    close_ring();
}
END_TEST

START_TEST(an_entry_that_names_no_slot_is_passed_over)
{
    open_ring(FR_BROADCAST, FR_BLOCK);
    set_entry(1, 1, SLOTS);
    ck_assert_uint_eq(fri_order_newest(writer->seat), 1);
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got), FR_ECORRUPT);
    close_ring();
}
END_TEST

START_TEST(an_entry_that_names_a_slot_that_we_hold_is_refused)
{
    const struct fr_slot *second;

    open_ring(FR_BROADCAST, FR_BLOCK);
    put_all(writer, 1, 2);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
    set_entry(2, 2, slot_of(1));
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &second), FR_ECORRUPT);
    ck_assert(is_item(got, 1));
    fr_reader_release(&got);
    close_ring();
}
END_TEST

/* The item of every number is said to be somewhere else: a reader finds none, and an end. */
START_TEST(an_order_whose_items_are_nowhere_is_refused)
{
    open_ring(FR_BROADCAST, FR_DROP_OLDEST);
    put_all(writer, 1, 3);
    for (uint64_t i = 0; i <= writer->seat->order_mask; i++)
        set_entry(i, FRI_SEQUENCE_LIMIT - writer->seat->order_mask + i, 0);
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got), FR_ECORRUPT);
    close_ring();
}
END_TEST

START_TEST(numbers_that_are_used_up_are_not_begun_again)
{
    open_ring(FR_BROADCAST, FR_BLOCK);
    word_store(&writer->seat->page->tail, FRI_SEQUENCE_LIMIT);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    ck_assert_error(fr_writer_publish(&slot), FR_ECORRUPT);
    close_ring();
}
END_TEST

START_TEST(a_ring_that_says_it_is_closed_lends_nothing)
{
    open_ring(FR_BROADCAST, FR_BLOCK);
    word32_store(&writer->seat->page->closed, 1);
    ck_assert_error(fr_writer_acquire(writer, FR_FOREVER, &slot), FR_ECLOSED);
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_FOREVER, &got), FR_ECLOSED);
    close_ring();
}
END_TEST

/* ---- The head of a queue --------------------------------------------------------------------- */

/* All slots are out or queued, so that a writer must take the item at the head. */
static void fill_queue(void)
{
    open_ring(FR_QUEUE, FR_DROP_OLDEST);
    put_all(writer, 1, SLOTS);
}

static void expect_nothing_at_the_head(int read_code)
{
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got), read_code);
    close_ring();
}

START_TEST(a_head_that_is_left_behind_is_not_moved_by_guessing)
{
    fill_queue();
    set_entry(1, 1 + writer->seat->order_mask + 1, slot_of(1));
    ck_assert_error(fr_writer_acquire(writer, FR_NOWAIT, &slot), FR_ETIMEDOUT);
    ck_assert_uint_eq(word_load(&writer->seat->page->head), 1);
    expect_nothing_at_the_head(FR_ECORRUPT);
}
END_TEST

START_TEST(a_head_without_a_slot_is_passed_over_by_writers)
{
    fill_queue();
    set_entry(1, 1, SLOTS);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    ck_assert_uint_eq(word_load(&writer->seat->page->head), 3);
    expect_item(reader, 3);
    close_ring();
}
END_TEST

START_TEST(a_head_without_a_slot_is_passed_over_by_readers)
{
    fill_queue();
    set_entry(1, 1, SLOTS);
    expect_item(reader, 2);
    close_ring();
}
END_TEST

/* Number _i: what became of the slot: it is free, or being filled. */
START_TEST(a_head_whose_item_is_gone_is_passed_over)
{
    fill_queue();
    set_control(slot_of(1), 0, _i ? SLOT_WRITING : SLOT_TAKEN, 9);
    if (_i)
        set_control(slot_of(1), 1, SLOT_WRITING, 9);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    ck_assert_uint_eq(word_load(&writer->seat->page->head), 3);
    set_control(slot_of(3), 3, SLOT_TAKEN, 9);
    expect_item(reader, 4);
    close_ring();
}
END_TEST

START_TEST(a_head_that_the_user_holds_is_not_lent_again)
{
    const struct fr_slot *second;

    fill_queue();
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &got));
    set_entry(2, 2, slot_of(1));
    set_control(slot_of(1), 2, SLOT_PUBLISHED, 0);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &second));
    ck_assert_uint_eq(second->sequence, 3);
    ck_assert(is_item(got, 1));
    fr_reader_release(&got);
    fr_reader_release(&second);
    close_ring();
}
END_TEST

START_TEST(a_head_that_the_writer_holds_is_not_lent_again)
{
    struct fr_slot *second;

    open_ring(FR_QUEUE, FR_DROP_OLDEST);
    put_all(writer, 1, SLOTS - 1);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    uint32_t held = fri_loan_of_slot(slot)->index;
    set_entry(1, 1, held);
    set_control(held, 1, SLOT_PUBLISHED, 0);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &second));
    ck_assert_ptr_ne(second, slot);
    ck_assert_uint_eq(word_load(&writer->seat->page->head), 3);
    fr_writer_abort(&second);
    close_ring();
}
END_TEST

/* ---- Slots ----------------------------------------------------------------------------------- */

START_TEST(a_free_slot_that_the_user_has_is_not_lent_again)
{
    struct fr_slot *second;

    open_ring(FR_BROADCAST, FR_BLOCK);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    uint32_t held = fri_loan_of_slot(slot)->index;
    set_control(held, 0, SLOT_FREE, 0);
    writer->next_slot = held;
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &second));
    ck_assert_ptr_ne(second, slot);
    close_ring();
}
END_TEST

/* Number _i: what the slot of ours is said to be. */
START_TEST(a_slot_that_is_said_to_be_another_ones_is_not_aborted)
{
    static const enum fri_slot_state states[] = { SLOT_WRITING, SLOT_TAKEN };

    open_ring(FR_BROADCAST, FR_BLOCK);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    uint32_t held = fri_loan_of_slot(slot)->index;
    unsigned owner = states[_i] == SLOT_WRITING ? 9 : writer->seat->place;
    set_control(held, 0, states[_i], owner);
    fr_writer_abort(&slot);
    ck_assert_uint_eq(slot_control(&writer->seat->slot[held]), control_make(0, states[_i], owner));
    close_ring();
}
END_TEST

/* ---- The lock -------------------------------------------------------------------------------- */

static struct fri_lock_words words;

static void overwrite_claim(const char *point)
{
    if (strcmp(point, "lock claimed") == 0)
        word_store(&words.writer, 1 | 7 << 8);
}

START_TEST(a_claim_that_was_written_over_is_told)
{
    struct fri_rwlock lock = { .words = &words, .probe_fd = -1, .index = 0 };

    fri_point_hook = overwrite_claim;
    ck_assert_error(fri_rwlock_lock(&lock, FR_EXCLUSIVE, FR_NOWAIT), FR_ECORRUPT);
    ck_assert(!lock.is_claimed && !lock.is_exclusive);
    fri_point_hook = NULL;
}
END_TEST

/* News that we were told already, in another life: we are no locker to ask the kernel for. */
START_TEST(news_that_was_told_to_us_before_is_no_news)
{
    struct fri_rwlock lock = { .words = &words, .probe_fd = -1, .index = 0 };

    word_store(&words.writer, 8);
    ck_assert_ok(fri_rwlock_lock(&lock, FR_SHARED, FR_NOWAIT));
    ck_assert_ok(fri_rwlock_unlock(&lock));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scribbles");
    TCase *tests = tcase_create("scribbles");

    tcase_add_test(tests, an_entry_from_the_future_is_not_published_over);
    tcase_add_test(tests, an_entry_that_names_no_slot_is_passed_over);
    tcase_add_test(tests, an_entry_that_names_a_slot_that_we_hold_is_refused);
    tcase_add_test(tests, an_order_whose_items_are_nowhere_is_refused);
    tcase_add_test(tests, numbers_that_are_used_up_are_not_begun_again);
    tcase_add_test(tests, a_ring_that_says_it_is_closed_lends_nothing);
    tcase_add_test(tests, a_head_that_is_left_behind_is_not_moved_by_guessing);
    tcase_add_test(tests, a_head_without_a_slot_is_passed_over_by_writers);
    tcase_add_test(tests, a_head_without_a_slot_is_passed_over_by_readers);
    tcase_add_loop_test(tests, a_head_whose_item_is_gone_is_passed_over, 0, 2);
    tcase_add_test(tests, a_head_that_the_user_holds_is_not_lent_again);
    tcase_add_test(tests, a_head_that_the_writer_holds_is_not_lent_again);
    tcase_add_test(tests, a_free_slot_that_the_user_has_is_not_lent_again);
    tcase_add_loop_test(tests, a_slot_that_is_said_to_be_another_ones_is_not_aborted, 0, 2);
    tcase_add_test(tests, a_claim_that_was_written_over_is_told);
    tcase_add_test(tests, news_that_was_told_to_us_before_is_no_news);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
