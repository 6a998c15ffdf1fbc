/* SPDX-License-Identifier: MIT */
/*
 * The crossings of the protocol, one interleaving at a time: a hook at a named point of one side lets
 * the other side run in between. What random runs hit once in a million is hit here each time.
 *
 * A member "dies" by a long jump out of its operation; its handle is never used again, and the
 * survivors are told by the function that recovery calls when it holds the dead one's lock.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "point.h"
#include "ring.h"
#include "slot.h"
#include "support.h"

static struct fr_writer *writer;
static struct fr_writer *dying;
static struct fr_reader *reader;
static const struct fr_slot *held;
static jmp_buf death;

static void open_all(enum fr_overflow overflow, uint32_t slots)
{
    const char *name = fr_test_name();

    ck_assert_ok(fr_writer_create(
        name, &fr_writer_opts(.slot_size = 8, .slots = slots, .overflow = overflow), &writer));
    ck_assert_ok(fr_writer_open(name, FR_NOWAIT, &dying));
    ck_assert_ok(fr_reader_open(name, NULL, FR_NOWAIT, &reader));
}

static void close_all(void)
{
    fri_point_hook = NULL;
    fr_reader_release(&held);
    fr_reader_close(&reader);
    fr_writer_close(&dying);
    fr_writer_close(&writer);
}

static void write_value(struct fr_writer *to, uint64_t value)
{
    ck_assert_ok(fr_writer_write(to, &value, sizeof value, FR_NOWAIT));
}

static uint64_t value_of(const struct fr_slot *slot)
{
    uint64_t value;

    memcpy(&value, slot->data, sizeof value);
    return value;
}

/* ---- A writer dies between its claim and its look at the pins -------------------------------- */

static void pin_then_die(const char *name)
{
    if (strcmp(name, "chosen, not claimed") == 0 && !held)
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
    if (strcmp(name, "claimed, pins not looked at") == 0) {
        fri_point_hook = NULL;
        longjmp(death, 1);
    }
}

START_TEST(slot_of_a_dead_writer_is_not_filled_while_a_reader_holds_it)
{
    struct fr_slot *slot;

    open_all(FR_DROP_OLDEST, 2);
    write_value(writer, 1);
    write_value(writer, 2);
    /* The reader joined before, so it wants item 1: the very slot that the dying writer chooses. */
    fri_point_hook = pin_then_die;
    if (setjmp(death) == 0)
        ck_assert_int_eq(fri_claim(dying), -1);
    ck_assert_ptr_nonnull(held);
    ck_assert_uint_eq(value_of(held), 1);

    fri_seat_clear_place(reader->seat, dying->seat->place);
    /* Now the slot is FREE and pinned: nobody may have it. */
    ck_assert_error(fr_writer_acquire(writer, FR_NOWAIT, &slot), FR_ETIMEDOUT);
    ck_assert_uint_eq(value_of(held), 1);
    fr_reader_release(&held);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    fr_writer_abort(&slot);
    close_all();
}
END_TEST

/* ---- A reader's pin comes between a writer's choice and its claim ----------------------------- */

static void pin_once(const char *name)
{
    if (strcmp(name, "chosen, not claimed") == 0 && !held)
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
}

START_TEST(writer_steps_back_from_a_slot_that_was_pinned_after_it_was_chosen)
{
    struct fr_slot *slot;

    open_all(FR_DROP_OLDEST, 3);
    for (uint64_t i = 1; i <= 3; i++)
        write_value(writer, i);
    fri_point_hook = pin_once;
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    fri_point_hook = NULL;
    memset(slot->data, 0xff, 8);
    ck_assert_uint_eq(held->sequence, 1);
    ck_assert_uint_eq(value_of(held), 1);
    fr_writer_abort(&slot);
    close_all();
}
END_TEST

/* ---- A writer comes round between a reader's look and its pin --------------------------------- */

static void overtake(const char *name)
{
    if (strcmp(name, "looked, not pinned") != 0)
        return;
    fri_point_hook = NULL;
    for (uint64_t i = 10; i < 20; i++)
        write_value(writer, i);
}

START_TEST(reader_that_pins_too_late_gets_a_newer_item_and_counts_the_loss)
{
    open_all(FR_DROP_OLDEST, 3);
    write_value(writer, 1);
    write_value(writer, 2);
    fri_point_hook = overtake;
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
    ck_assert_uint_gt(held->sequence, 2);
    ck_assert_uint_eq(value_of(held), held->sequence - 3 + 10);
    ck_assert_uint_eq(held->loss.overwritten, held->sequence - 1);
    close_all();
}
END_TEST

/* ---- Somebody else publishes between a writer's announcement and its completion --------------- */

static void publish_too(const char *name)
{
    if (strcmp(name, "announced") != 0)
        return;
    fri_point_hook = NULL;
    write_value(writer, 2);
}

START_TEST(half_publication_is_helped_by_the_next_publisher)
{
    open_all(FR_BLOCK, 4);
    fri_point_hook = publish_too;
    write_value(dying, 1);
    for (uint64_t i = 1; i <= 2; i++) {
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
        ck_assert_uint_eq(held->sequence, i);
        ck_assert_uint_eq(value_of(held), i);
        fr_reader_release(&held);
    }
    ck_assert_uint_eq(word_load(&writer->seat->page->tail), 2);
    close_all();
}
END_TEST

static void read_it(const char *name)
{
    if (strcmp(name, "announced") != 0)
        return;
    fri_point_hook = NULL;
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
}

START_TEST(half_publication_is_helped_by_a_reader)
{
    open_all(FR_BLOCK, 4);
    fri_point_hook = read_it;
    write_value(dying, 7);
    ck_assert_ptr_nonnull(held);
    ck_assert_uint_eq(value_of(held), 7);
    close_all();
}
END_TEST

/* ---- A reader joins while a writer looks for what everybody has read --------------------------- */

static struct fr_reader *late;

static void join_late(const char *name)
{
    if (strcmp(name, "chosen, not claimed") != 0)
        return;
    fri_point_hook = NULL;
    ck_assert_ok(fr_reader_open(reader->name, NULL, FR_NOWAIT, &late));
}

START_TEST(reader_that_joins_during_a_claim_misses_nothing_from_then_on)
{
    const struct fr_slot *slot;

    open_all(FR_BLOCK, 3);
    for (uint64_t i = 1; i <= 3; i++) {
        write_value(writer, i);
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot));
        fr_reader_release(&slot);
    }
    fri_point_hook = join_late;
    write_value(writer, 4);
    /* The newest at its joining was 3; 4 came after. */
    for (uint64_t i = 3; i <= 4; i++) {
        ck_assert_ok(fr_reader_acquire(late, FR_NEXT, FR_NOWAIT, &slot));
        ck_assert_uint_eq(slot->sequence, i);
        ck_assert_uint_eq(value_of(slot), i);
        ck_assert_uint_eq(slot->loss.overwritten, 0);
        fr_reader_release(&slot);
    }
    fr_reader_close(&late);
    close_all();
}
END_TEST

/* ---- A writer sleeps until another one publishes ---------------------------------------------- */

START_TEST(publishing_wakes_writers_for_the_frame_before_is_not_the_newest_any_more)
{
    open_all(FR_BLOCK, 3);
    write_value(writer, 1);
    /* What a writer leaves that has announced its wait for space. */
    word32_set_bits(&writer->seat->page->space_event, 1);
    write_value(writer, 2);
    ck_assert_uint_eq(word32_load(&writer->seat->page->space_event) & 1, 0);
    close_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crossings");
    TCase *all = tcase_create("one interleaving at a time");

    tcase_add_test(all, slot_of_a_dead_writer_is_not_filled_while_a_reader_holds_it);
    tcase_add_test(all, writer_steps_back_from_a_slot_that_was_pinned_after_it_was_chosen);
    tcase_add_test(all, reader_that_pins_too_late_gets_a_newer_item_and_counts_the_loss);
    tcase_add_test(all, half_publication_is_helped_by_the_next_publisher);
    tcase_add_test(all, half_publication_is_helped_by_a_reader);
    tcase_add_test(all, reader_that_joins_during_a_claim_misses_nothing_from_then_on);
    tcase_add_test(all, publishing_wakes_writers_for_the_frame_before_is_not_the_newest_any_more);
    suite_add_tcase(suite, all);
    return fr_test_main(suite);
}
