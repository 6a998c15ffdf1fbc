/* SPDX-License-Identifier: MIT */
/*
 * Others act between two steps of ours: names change hands, peers leave, writers come round. Each
 * test makes one such moment happen, by a point of the library or just before a call of its platform
 * (intrude.h), where chance would need millions of tries.
 */
#include <framering/framering.h>
#include <string.h>

#include "intrude.h"
#include "order.h"
#include "point.h"
#include "ring.h"
#include "rings.h"
#include "rwlock.h"

static const char *name;
static struct fr_writer *writer;
static struct fr_writer *other;
static struct fr_reader *reader;

static int own_the_name(void *argument)
{
    (void)argument;
    return fr_writer_create(name, &fr_writer_opts(.slot_size = 8), &writer) < 0;
}

/* A name whose owner is dead. */
static void make_dead_name(void)
{
    name = fr_test_name();
    ck_assert_int_eq(fr_test_wait(fr_test_child(own_the_name, NULL)), 0);
    ck_assert(fr_test_exists(name));
}

static int create(void)
{
    return fr_writer_create(name, &fr_writer_opts(.slot_size = 8), &writer);
}

static void close_all(void)
{
    fri_point_hook = NULL;
    fr_reader_close(&reader);
    fr_writer_close(&other);
    fr_writer_close(&writer);
}

/* ---- Names ----------------------------------------------------------------------------------- */

START_TEST(a_name_that_vanishes_again_is_taken_at_the_next_look)
{
    name = fr_test_name();
    intrude_begin((struct intrusion){ .at = AT_FILE_NAME, .refuses = true, .code = FR_EEXIST });
    ck_assert_ok(create());
    ck_assert_uint_eq(intrude_end(), 1);
    close_all();
}
END_TEST

START_TEST(a_name_that_comes_and_goes_all_the_time_is_given_up)
{
    name = fr_test_name();
    intrude_begin((struct intrusion){
        .at = AT_FILE_NAME, .calls = INTRUDE_ALWAYS, .refuses = true, .code = FR_EEXIST });
    ck_assert_error(create(), FR_EEXIST);
    ck_assert_uint_gt(intrude_end(), 1);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EEXIST), "all the time"));
}
END_TEST

static void change_inode(struct fri_file_info *found)
{
    found->inode++;
}

static void change_device(struct fri_file_info *found)
{
    found->device++;
}

/* What the second look at a dead name may find: another file of that name, or none, or no answer. */
static const struct intrusion second_looks[] = {
    { .at = AT_PATH_INFO, .doctor = change_inode },
    { .at = AT_PATH_INFO, .doctor = change_device },
    { .at = AT_PATH_INFO, .refuses = true, .code = FR_ENOENT },
    { .at = AT_FILE_INFO, .first = 3, .refuses = true, .code = FR_EACCES },
};

START_TEST(a_dead_name_that_is_not_the_same_any_more_is_looked_at_again)
{
    make_dead_name();
    intrude_begin(second_looks[_i]);
    ck_assert_ok(create());
    ck_assert_uint_eq(intrude_end(), 1);
    close_all();
}
END_TEST

static void remove_name(void)
{
    ck_assert_ok(fr_unlink(name));
}

START_TEST(a_dead_name_that_somebody_else_removes_is_taken_all_the_same)
{
    make_dead_name();
    intrude_begin((struct intrusion){
        .at = AT_PATH_REMOVE, .refuses = true, .code = FR_ENOENT, .act = remove_name });
    ck_assert_ok(create());
    ck_assert_uint_eq(intrude_end(), 1);
    close_all();
}
END_TEST

START_TEST(a_dead_name_that_cannot_be_removed_is_told)
{
    make_dead_name();
    intrude_begin((struct intrusion){ .at = AT_PATH_REMOVE, .refuses = true, .code = FR_EACCES });
    ck_assert_error(create(), FR_EACCES);
    ck_assert_uint_eq(intrude_end(), 1);
}
END_TEST

START_TEST(a_name_of_another_device_is_not_removed)
{
    name = fr_test_name();
    ck_assert_ok(create());
    intrude_begin((struct intrusion){ .at = AT_PATH_INFO, .doctor = change_device });
    close_all();
    ck_assert_uint_eq(intrude_end(), 1);
    ck_assert(fr_test_exists(name));
    ck_assert_ok(fr_unlink(name));
}
END_TEST

static void lose_name(const char *point)
{
    if (strcmp(point, "attached") != 0)
        return;
    fri_point_hook = NULL;
    ck_assert_ok(fr_unlink(name));
}

START_TEST(a_writer_that_joins_a_ring_as_it_loses_its_name_is_told)
{
    name = fr_test_name();
    ck_assert_ok(create());
    fri_point_hook = lose_name;
    ck_assert_error(fr_writer_open(name, FR_NOWAIT, &other), FR_EOWNERDEAD);
    ck_assert_uint_eq(word_load(&writer->seat->page->writers), 1);
    close_all();
}
END_TEST

/* ---- The end of a ring ----------------------------------------------------------------------- */

static void read_name(const char *of)
{
    ck_assert_ok(fr_reader_open(of, &fr_reader_opts(.follow = 1), FR_NOWAIT, &reader));
}

static void publish_and_close(void)
{
    uint64_t value = 1;

    ck_assert_ok(fr_writer_write(writer, &value, sizeof value, FR_NOWAIT));
    fr_writer_close(&writer);
}

START_TEST(what_was_published_just_before_the_end_is_still_read)
{
    const struct fr_slot *slot;

    name = fr_test_name();
    ck_assert_ok(create());
    read_name(name);
    intrude_begin((struct intrusion){ .at = AT_TAKE,
                                      .first = 2,
                                      .refuses = true,
                                      .code = FR_ETIMEDOUT,
                                      .act = publish_and_close });
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot));
    ck_assert_uint_eq(intrude_end(), 1);
    ck_assert_uint_eq(slot->sequence, 1);
    fr_reader_release(&slot);
    close_all();
}
END_TEST

START_TEST(the_next_ring_may_be_gone_again_before_it_is_opened)
{
    const struct fr_slot *slot;

    name = fr_test_name();
    ck_assert_ok(create());
    read_name(name);
    fr_writer_close(&writer);
    ck_assert_ok(create());
    intrude_begin((struct intrusion){ .at = AT_FILE_OPEN, .refuses = true, .code = FR_ENOENT });
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot), FR_ETIMEDOUT);
    ck_assert_uint_eq(intrude_end(), 1);
    ck_assert_uint_eq(reader->stats.sessions, 1);
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot), FR_ETIMEDOUT);
    ck_assert_uint_eq(reader->stats.sessions, 2);
    close_all();
}
END_TEST

START_TEST(what_follows_a_ring_may_be_none)
{
    const struct fr_slot *slot;
    struct fr_region *region;

    name = fr_test_name();
    ck_assert_ok(create());
    read_name(name);
    fr_writer_close(&writer);
    ck_assert_ok(fr_region_create(name, 8, NULL, &region));
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_MS(100), &slot), FR_EKIND);
    fr_region_close(&region);
    close_all();
}
END_TEST

START_TEST(an_item_of_the_next_ring_may_be_too_large_for_the_room)
{
    uint64_t room[2] = { 0 };
    size_t size;

    name = fr_test_name();
    ck_assert_ok(create());
    read_name(name);
    fr_writer_close(&writer);
    ck_assert_ok(fr_writer_create(name, &fr_writer_opts(.slot_size = 16), &writer));
    ck_assert_error(fr_reader_read(reader, FR_NEXT, room, 8, FR_NOWAIT, &size), FR_ETIMEDOUT);
    /* It joined the new ring with that look; now the room is too small for what may come. */
    ck_assert_error(fr_reader_read(reader, FR_NEXT, room, 8, FR_NOWAIT, &size), FR_EMSGSIZE);
    fr_writer_close(&writer);
    ck_assert_ok(fr_writer_create(name, &fr_writer_opts(.slot_size = 32), &writer));
    ck_assert_ok(fr_writer_write(writer, (uint64_t[4]){ 1, 2, 3, 4 }, 32, FR_NOWAIT));
    ck_assert_error(fr_reader_read(reader, FR_NEXT, room, 16, FR_NOWAIT, &size), FR_EMSGSIZE);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EMSGSIZE), "the item has 32"));
    close_all();
}
END_TEST

/* ---- Members --------------------------------------------------------------------------------- */

static void close_other(void)
{
    fr_writer_close(&other);
}

START_TEST(who_leaves_in_order_while_somebody_looks_for_the_dead_is_not_counted_as_dead)
{
    name = fr_test_name();
    ck_assert_ok(create());
    ck_assert_ok(fr_writer_open(name, FR_NOWAIT, &other));
    intrude_begin((struct intrusion){ .at = AT_LOCK_IS_HELD, .act = close_other });
    ck_assert_uint_eq(fri_seat_recover(writer->seat), 0);
    ck_assert_uint_eq(intrude_end(), 1);
    close_all();
}
END_TEST

static struct fr_slot *stolen;

static void steal(const char *point)
{
    if (strcmp(point, "chosen, not claimed") != 0)
        return;
    fri_point_hook = NULL;
    ck_assert_ok(fr_writer_acquire(other, FR_NOWAIT, &stolen));
}

/* Number _i: the policy; FR_DROP_OLDEST claims the oldest by a way of its own. */
START_TEST(a_slot_that_another_writer_claims_first_is_not_had_twice)
{
    struct fr_slot *slot;
    uint64_t value = 1;

    name = fr_test_name();
    writer = make_ring(name, 4, FR_BROADCAST, (enum fr_overflow)_i);
    other = join_ring(name);
    for (int i = 0; i < 4; i++)
        ck_assert_ok(fr_writer_write(writer, &value, sizeof value, FR_NOWAIT));
    fri_point_hook = steal;
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    ck_assert_ptr_nonnull(stolen);
    ck_assert_uint_ne(fri_loan_of_slot(slot)->index, fri_loan_of_slot(stolen)->index);
    fr_writer_abort(&slot);
    fr_writer_abort(&stolen);
    close_all();
}
END_TEST

/* ---- Observers ------------------------------------------------------------------------------- */

static struct fr_slot *filling;

static void observe(uint32_t slots)
{
    uint64_t value = 1;

    name = fr_test_name();
    ck_assert_ok(fr_writer_create(name,
                                  &fr_writer_opts(.slot_size = 8, .slots = slots, .observers = 1,
                                                  .overflow = FR_DROP_OLDEST),
                                  &writer));
    ck_assert_ok(fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &reader));
    for (uint32_t i = 0; i < slots; i++)
        ck_assert_ok(fr_writer_write(writer, &value, sizeof value, FR_NOWAIT));
}

static void claim_the_oldest(void)
{
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &filling));
}

static void overwrite_the_oldest(void)
{
    uint64_t value = 2;

    ck_assert_ok(fr_writer_write(writer, &value, sizeof value, FR_NOWAIT));
}

/* Number _i: whether the slot is being filled, or full again, when the observer holds it. */
START_TEST(an_observer_that_holds_an_item_too_late_passes_over_it)
{
    const struct fr_slot *slot;

    observe(3);
    intrude_begin((struct intrusion){ .at = AT_LOCK_SHARE,
                                      .act = _i ? overwrite_the_oldest : claim_the_oldest });
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot));
    ck_assert_uint_eq(intrude_end(), 1);
    ck_assert_uint_eq(slot->sequence, 2);
    ck_assert_uint_eq(slot->loss.overwritten, 1);
    fr_reader_release(&slot);
    fr_writer_abort(&filling);
    close_all();
}
END_TEST

START_TEST(an_observer_does_not_reach_for_a_slot_that_is_being_filled)
{
    const struct fr_slot *slot;

    observe(3);
    claim_the_oldest();
    intrude_begin((struct intrusion){ .at = AT_LOCK_SHARE });
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot));
    ck_assert_uint_eq(intrude_end(), 1);
    ck_assert_uint_eq(slot->sequence, 2);
    fr_reader_release(&slot);
    fr_writer_abort(&filling);
    close_all();
}
END_TEST

/* ---- Readers --------------------------------------------------------------------------------- */

START_TEST(what_was_newest_when_a_reader_joined_is_no_loss)
{
    const struct fr_slot *slot;

    name = fr_test_name();
    writer = make_ring(name, 4, FR_BROADCAST, FR_DROP_OLDEST);
    put_all(writer, 1, 1);
    reader = open_reader(name);
    put_all(writer, 2, 2);
    /* The one passed over was there before it came. */
    ck_assert_ok(fr_reader_acquire(reader, FR_LATEST, FR_NOWAIT, &slot));
    ck_assert_uint_eq(slot->sequence, 2);
    ck_assert_uint_eq(slot->loss.skipped, 0);
    fr_reader_release(&slot);
    fr_reader_close(&reader);

    reader = open_reader(name);
    put_all(writer, 3, 5);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &filling)); /* in the slot of item 2 */
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot));
    ck_assert_uint_eq(slot->sequence, 3);
    ck_assert_uint_eq(slot->loss.overwritten, 0);
    fr_reader_release(&slot);
    fr_writer_abort(&filling);
    close_all();
}
END_TEST

START_TEST(writers_wait_for_nobody_who_reads_a_queue)
{
    name = fr_test_name();
    writer = make_ring(name, 4, FR_QUEUE, FR_BLOCK);
    reader = open_reader(name);
    ck_assert(!fri_gates(reader));
    ck_assert_uint_eq(word_load(&writer->seat->page->gating), 0);
    close_all();
}
END_TEST

START_TEST(the_oldest_is_dropped_wherever_the_search_for_it_begins)
{
    const struct fr_slot *slot;

    name = fr_test_name();
    writer = make_ring(name, 4, FR_BROADCAST, FR_DROP_OLDEST);
    reader = open_reader(name);
    put_all(writer, 1, 4);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &slot));
    put_all(writer, 5, 5); /* in the slot of item 2, for item 1 is held */
    fr_reader_release(&slot);
    put_all(writer, 6, 6); /* in the slot of item 1, which comes last in the search */
    expect_item(reader, 3);
    close_all();
}
END_TEST

/* ---- The lock -------------------------------------------------------------------------------- */

static struct fri_lock_words words;

/* Another locker waits for the lock when we have entered, and gives up when we have stepped back. */
static void come_and_go(const char *point)
{
    if (strcmp(point, "reader entered") == 0)
        word_store(&words.writer, 1 | 5 << 8);
    if (strcmp(point, "reader stepped back") == 0) {
        fri_point_hook = NULL;
        word_store(&words.writer, 0);
    }
}

START_TEST(a_reader_that_met_a_writer_who_gave_up_gets_in)
{
    struct fri_rwlock lock = { .words = &words, .probe_fd = -1, .index = 0 };

    fri_point_hook = come_and_go;
    ck_assert_ok(fri_rwlock_lock(&lock, FR_SHARED, FR_NOWAIT));
    ck_assert(!fri_point_hook);
    ck_assert_ok(fri_rwlock_unlock(&lock));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("meanwhile");
    TCase *tests = tcase_create("meanwhile");

    tcase_add_test(tests, a_name_that_vanishes_again_is_taken_at_the_next_look);
    tcase_add_test(tests, a_name_that_comes_and_goes_all_the_time_is_given_up);
    tcase_add_loop_test(tests, a_dead_name_that_is_not_the_same_any_more_is_looked_at_again, 0,
                        sizeof second_looks / sizeof *second_looks);
    tcase_add_test(tests, a_dead_name_that_somebody_else_removes_is_taken_all_the_same);
    tcase_add_test(tests, a_dead_name_that_cannot_be_removed_is_told);
    tcase_add_test(tests, a_name_of_another_device_is_not_removed);
    tcase_add_test(tests, a_writer_that_joins_a_ring_as_it_loses_its_name_is_told);
    tcase_add_test(tests, what_was_published_just_before_the_end_is_still_read);
    tcase_add_test(tests, the_next_ring_may_be_gone_again_before_it_is_opened);
    tcase_add_test(tests, what_follows_a_ring_may_be_none);
    tcase_add_test(tests, an_item_of_the_next_ring_may_be_too_large_for_the_room);
    tcase_add_test(tests,
                   who_leaves_in_order_while_somebody_looks_for_the_dead_is_not_counted_as_dead);
    tcase_add_loop_test(tests, a_slot_that_another_writer_claims_first_is_not_had_twice, 0, 2);
    tcase_add_loop_test(tests, an_observer_that_holds_an_item_too_late_passes_over_it, 0, 2);
    tcase_add_test(tests, an_observer_does_not_reach_for_a_slot_that_is_being_filled);
    tcase_add_test(tests, what_was_newest_when_a_reader_joined_is_no_loss);
    tcase_add_test(tests, writers_wait_for_nobody_who_reads_a_queue);
    tcase_add_test(tests, the_oldest_is_dropped_wherever_the_search_for_it_begins);
    tcase_add_test(tests, a_reader_that_met_a_writer_who_gave_up_gets_in);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
