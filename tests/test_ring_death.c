/* SPDX-License-Identifier: MIT */
/*
 * Members of a ring that are killed (kill -9, real processes): what they held comes back, what they
 * published is read, their names can be taken, and those who wait are not left waiting. Kills at
 * every single step are crash_step's and storm's affair; here are the promises of the header.
 */
#define _GNU_SOURCE
#include <framering/framering.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "rings.h"

/* A child that makes or joins a ring, holds some of it, says so, and waits to be killed. */
struct victim {
    char name[65];
    enum fr_delivery delivery;
    enum fr_overflow overflow;
    uint64_t items;
    unsigned holds;
    uint32_t *ready;
};

static struct victim *make_victim(const char *name)
{
    static struct victim victim;

    victim = (struct victim){ .ready = fr_test_flag() };
    strcpy(victim.name, name);
    return &victim;
}

static int stay(const struct victim *victim, int error)
{
    if (error < 0)
        return 1;
    fr_test_raise(victim->ready, 2);
    nap_ms(60000);
    return 2;
}

static int host_ring(void *argument)
{
    const struct victim *victim = argument;
    struct fr_writer *writer;
    struct fr_slot *slot;
    int error = fr_writer_create(victim->name,
                                 &fr_writer_opts(.slot_size = ITEM_SLOT_SIZE, .slots = 4,
                                                 .delivery = victim->delivery,
                                                 .overflow = victim->overflow),
                                 &writer);

    for (uint64_t i = 1; i <= victim->items && error == 0; i++)
        error = put(writer, i, FR_NOWAIT);
    for (unsigned i = 0; i < victim->holds && error == 0; i++)
        error = fr_writer_acquire(writer, FR_NOWAIT, &slot);
    return stay(victim, error);
}

static int hold_for_writing(void *argument)
{
    const struct victim *victim = argument;
    struct fr_writer *writer;
    struct fr_slot *slot;
    int error = fr_writer_open(victim->name, FR_NOWAIT, &writer);

    for (unsigned i = 0; i < victim->holds && error == 0; i++)
        error = fr_writer_acquire(writer, FR_NOWAIT, &slot);
    return stay(victim, error);
}

static int hold_for_reading(void *argument)
{
    const struct victim *victim = argument;
    const struct fr_slot *slot;
    struct fr_reader *reader;
    int error = fr_reader_open(victim->name, NULL, FR_NOWAIT, &reader);

    fr_test_raise(victim->ready, 1);
    for (unsigned i = 0; i < victim->holds && error == 0; i++)
        error = fr_reader_acquire(reader, FR_NEXT, FR_S(20), &slot);
    return stay(victim, error);
}

/* Started and attached; fr_test_await(victim->ready, 2) waits until it holds all it wants. */
static pid_t start(int (*work)(void *), struct victim *victim)
{
    pid_t child = fr_test_child(work, victim);

    ck_assert(fr_test_await(victim->ready, 1));
    return child;
}

START_TEST(what_a_killed_writer_published_is_read_before_its_death_is_told)
{
    struct victim *victim = make_victim(fr_test_name());
    const struct fr_slot *slot;

    victim->delivery = (enum fr_delivery)(_i % 2);
    victim->items = 4;
    pid_t child = start(host_ring, victim);
    struct fr_reader *reader = open_reader(victim->name);
    fr_test_kill(child);
    for (uint64_t i = victim->delivery == FR_QUEUE ? 1 : 4; i <= 4; i++)
        expect_item(reader, i);
    for (int i = 0; i < 3; i++)
        ck_assert_error(fr_reader_acquire(reader, FR_NEXT, _i / 2 ? FR_FOREVER : FR_S(20), &slot),
                        FR_EOWNERDEAD);
    ck_assert(fr_test_exists(victim->name));
    fr_reader_close(&reader);
}
END_TEST

START_TEST(the_last_frame_of_a_dead_ring_is_there_for_who_comes_later)
{
    struct victim *victim = make_victim(fr_test_name());
    struct fr_info info = fr_info();
    struct fr_writer *writer;
    struct fr_region *region;
    uint64_t number;

    victim->items = 3;
    victim->holds = 1;
    pid_t child = start(host_ring, victim);
    fr_test_kill(child);
    for (int i = 0; i < 3; i++) {
        struct fr_reader *reader = open_reader(victim->name);
        expect_item(reader, 3);
        ck_assert_error(get(reader, FR_S(20), &number), FR_EOWNERDEAD);
        fr_reader_close(&reader);
    }
    ck_assert_error(fr_writer_open(victim->name, FR_NOWAIT, &writer), FR_EOWNERDEAD);
    ck_assert_error(fr_region_open(victim->name, FR_READ_ONLY, FR_NOWAIT, &region), FR_EKIND);
    ck_assert_ok(fr_inspect(victim->name, &info));
    ck_assert_int_eq(info.status, FR_EOWNERDEAD);
    ck_assert_uint_eq(info.published, 3);
    ck_assert_uint_eq(info.writers, 0);
    ck_assert_uint_eq(info.readers, 0);
}
END_TEST

START_TEST(the_name_of_a_dead_ring_is_taken_over_at_once_and_its_reader_moves_over)
{
    struct victim *victim = make_victim(fr_test_name());
    struct fr_stats stats = fr_stats();
    const struct fr_slot *old;
    const struct fr_slot *got;

    victim->delivery = (enum fr_delivery)_i;
    victim->items = 2;
    pid_t child = start(host_ring, victim);
    struct fr_reader *reader = open_reader(victim->name);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &old));
    fr_test_kill(child);
    struct fr_writer *writer = make_ring(victim->name, 2, FR_QUEUE, FR_BLOCK);
    put_all(writer, 63, 63);
    if (_i == FR_QUEUE)
        expect_item(reader, 2);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_S(20), &got));
    ck_assert(is_item(got, 63));
    ck_assert_uint_ne(got->session, old->session);
    ck_assert(is_item(old, _i == FR_QUEUE ? 1 : 2));
    fr_reader_stats(reader, &stats);
    ck_assert_uint_eq(stats.sessions, 2);
    fr_reader_release(&got);
    fr_reader_release(&old);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_sleeping_reader_learns_that_the_writer_was_killed)
{
    struct victim *victim = make_victim(fr_test_name());
    const struct fr_slot *slot;

    victim->delivery = (enum fr_delivery)_i;
    pid_t child = start(host_ring, victim);
    struct fr_reader *reader = open_reader(victim->name);
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_MS(20), &slot), FR_ETIMEDOUT);
    pid_t killer = fork();
    if (killer == 0) {
        nap_ms(50);
        kill(child, SIGKILL);
        _exit(0);
    }
    int64_t begin = fr_now_ns();
    ck_assert_error(fr_reader_acquire(reader, FR_NEXT, FR_FOREVER, &slot), FR_EOWNERDEAD);
    ck_assert_int_lt(ms_since(begin), 5000);
    ck_assert_int_eq(fr_test_wait(killer), 0);
    ck_assert_int_eq(fr_test_wait(child), 128 + SIGKILL);
    fr_reader_close(&reader);
}
END_TEST

START_TEST(a_following_reader_outlives_any_number_of_killed_writers)
{
    struct victim *victim = make_victim(fr_test_name());
    struct fr_stats stats = fr_stats();
    struct fr_reader *reader = NULL;
    uint64_t number = 0;

    for (uint64_t i = 1; i <= 5; i++) {
        victim->items = i;
        fr_test_raise(victim->ready, 0);
        pid_t child = start(host_ring, victim);
        if (!reader)
            ck_assert_ok(
                fr_reader_open(victim->name, &fr_reader_opts(.follow = 1), FR_NOWAIT, &reader));
        ck_assert_ok(get(reader, FR_S(20), &number));
        ck_assert_uint_eq(number, i); /* the newest of each */
        fr_test_kill(child);
        ck_assert_error(get(reader, FR_MS(20), &number), FR_ETIMEDOUT);
    }
    fr_reader_stats(reader, &stats);
    ck_assert_uint_eq(stats.sessions, 5);
    fr_reader_close(&reader);
}
END_TEST

START_TEST(what_a_killed_writer_held_comes_back_to_a_writer_that_waits)
{
    const enum fr_delivery delivery = (enum fr_delivery)(_i % 2);
    struct victim *victim = make_victim(fr_test_name());
    struct fr_writer *writer = make_ring(victim->name, 4, delivery, (enum fr_overflow)(_i / 2));
    struct fr_stats stats = fr_stats();
    struct fr_slot *slot[4];

    victim->holds = 4;
    pid_t child = start(hold_for_writing, victim);
    ck_assert_error(fr_writer_acquire(writer, FR_NOWAIT, &slot[0]), FR_ETIMEDOUT);
    fr_test_kill(child);
    nap_ms(10); /* the pause between two looks at who is dead */
    for (unsigned i = 0; i < 4; i++)
        ck_assert_ok(fr_writer_acquire(writer, FR_S(20), &slot[i]));
    for (unsigned i = 0; i < 4; i++)
        fr_writer_abort(&slot[i]);
    fr_writer_stats(writer, &stats);
    ck_assert_uint_eq(stats.recovered, 1);
    fr_writer_close(&writer);
    ck_assert(!fr_test_exists(victim->name)); /* the dead one did not count as the last writer */
}
END_TEST

START_TEST(what_a_killed_reader_held_comes_back_to_a_writer_that_waits)
{
    const enum fr_delivery delivery = (enum fr_delivery)(_i % 2);
    struct victim *victim = make_victim(fr_test_name());
    struct fr_writer *writer = make_ring(victim->name, 4, delivery, FR_BLOCK);

    victim->holds = 3;
    pid_t child = start(hold_for_reading, victim);
    put_all(writer, 1, 4);
    ck_assert(fr_test_await(victim->ready, 2));
    ck_assert_error(put(writer, 5, FR_MS(20)), FR_ETIMEDOUT);
    if (_i / 2 == 0)
        fr_test_kill(child);
    else
        kill(child, SIGKILL); /* and the writer is waiting by the time it is dead */
    int64_t begin = fr_now_ns();
    for (uint64_t i = 5; i < (delivery == FR_QUEUE ? 8 : 50); i++)
        ck_assert_ok(put(writer, i, FR_S(20)));
    ck_assert_int_lt(ms_since(begin), 5000);
    if (_i / 2 == 1)
        ck_assert_int_eq(fr_test_wait(child), 128 + SIGKILL);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(pins_of_a_killed_reader_stop_a_writer_that_drops_the_oldest_for_no_call)
{
    struct victim *victim = make_victim(fr_test_name());
    struct fr_writer *writer = make_ring(victim->name, 4, FR_BROADCAST, FR_DROP_OLDEST);

    victim->holds = 3;
    pid_t child = start(hold_for_reading, victim);
    put_all(writer, 1, 3);
    ck_assert(fr_test_await(victim->ready, 2));
    put_all(writer, 4, 4);
    ck_assert_error(put(writer, 5, FR_NOWAIT), FR_ETIMEDOUT);
    fr_test_kill(child);
    nap_ms(10);
    put_all(writer, 5, 100);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_ring_goes_on_when_one_of_its_writers_is_killed)
{
    struct victim *victim = make_victim(fr_test_name());
    struct fr_info info = fr_info();
    uint64_t number;

    victim->items = 1;
    victim->holds = 1;
    pid_t child = start(host_ring, victim);
    struct fr_writer *writer = join_ring(victim->name);
    struct fr_reader *reader = open_reader(victim->name);
    fr_test_kill(child); /* the one that made the ring */
    expect_item(reader, 1);
    ck_assert_error(get(reader, FR_MS(20), &number), FR_ETIMEDOUT);
    for (uint64_t i = 2; i < 50; i++) {
        put_all(writer, i, i);
        expect_item(reader, i);
    }
    ck_assert_ok(fr_inspect(victim->name, &info));
    ck_assert_int_eq(info.status, 0);
    ck_assert_uint_eq(info.writers, 1);
    ck_assert_uint_eq(info.readers, 1);
    fr_writer_close(&writer);
    ck_assert_error(get(reader, FR_S(20), &number), FR_ECLOSED);
    fr_reader_close(&reader);
}
END_TEST

START_TEST(a_stopped_reader_is_not_dead_and_keeps_what_it_holds)
{
    struct victim *victim = make_victim(fr_test_name());
    struct fr_writer *writer = make_ring(victim->name, 2, (enum fr_delivery)_i, FR_BLOCK);

    victim->holds = 2;
    pid_t child = start(hold_for_reading, victim);
    put_all(writer, 1, 2);
    ck_assert(fr_test_await(victim->ready, 2));
    kill(child, SIGSTOP);
    ck_assert_error(put(writer, 3, FR_MS(60)), FR_ETIMEDOUT);
    fr_test_kill(child);
    ck_assert_ok(put(writer, 3, FR_S(20)));
    fr_writer_close(&writer);
}
END_TEST

START_TEST(places_of_the_dead_are_free_for_newcomers)
{
    struct victim *victim = make_victim(fr_test_name());
    struct fr_writer *writer = make_ring(victim->name, 4, FR_BROADCAST, FR_BLOCK);
    struct fr_reader *reader[FR_MAX_MEMBERS - 2];
    struct fr_reader *more;

    pid_t child = start(hold_for_reading, victim);
    for (unsigned i = 0; i < FR_MAX_MEMBERS - 2; i++)
        reader[i] = open_reader(victim->name);
    ck_assert_error(fr_reader_open(victim->name, NULL, FR_NOWAIT, &more), FR_EBUSY);
    fr_test_kill(child);
    more = open_reader(victim->name);
    put_all(writer, 1, 4);
    for (uint64_t i = 1; i <= 4; i++)
        expect_item(more, i);
    for (unsigned i = 0; i < FR_MAX_MEMBERS - 2; i++)
        fr_reader_close(&reader[i]);
    fr_reader_close(&more);
    fr_writer_close(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("death");
    TCase *tests = tcase_create("death");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, what_a_killed_writer_published_is_read_before_its_death_is_told, 0,
                        4);
    tcase_add_test(tests, the_last_frame_of_a_dead_ring_is_there_for_who_comes_later);
    tcase_add_loop_test(tests,
                        the_name_of_a_dead_ring_is_taken_over_at_once_and_its_reader_moves_over, 0,
                        2);
    tcase_add_loop_test(tests, a_sleeping_reader_learns_that_the_writer_was_killed, 0, 2);
    tcase_add_test(tests, a_following_reader_outlives_any_number_of_killed_writers);
    tcase_add_loop_test(tests, what_a_killed_writer_held_comes_back_to_a_writer_that_waits, 0, 6);
    tcase_add_loop_test(tests, what_a_killed_reader_held_comes_back_to_a_writer_that_waits, 0, 4);
    tcase_add_test(tests, pins_of_a_killed_reader_stop_a_writer_that_drops_the_oldest_for_no_call);
    tcase_add_test(tests, a_ring_goes_on_when_one_of_its_writers_is_killed);
    tcase_add_loop_test(tests, a_stopped_reader_is_not_dead_and_keeps_what_it_holds, 0, 2);
    tcase_add_test(tests, places_of_the_dead_are_free_for_newcomers);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
