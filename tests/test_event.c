/* SPDX-License-Identifier: MIT */
/*
 * Waiting on an event word: no wake-up is lost, no time is stretched, and a waiter that was killed
 * costs the others nothing.
 */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "event.h"
#include "platform.h"

#define ROUNDS 20000
#define SOMEBODY_WAITS 1u

/* Waits until *flag is at least value, the way every caller does it. */
static int await_value(fri_word *flag, fri_word32 *event, uint64_t value, int64_t timeout_ns)
{
    struct fri_wait wait;

    fri_wait_begin(&wait, timeout_ns);
    while (word_load(flag) < value) {
        int error = fri_wait_step(&wait, event);

        if (error < 0)
            return error;
    }
    return 0;
}

START_TEST(who_does_not_wait_looks_once)
{
    fri_word32 event = 0;
    struct fri_wait wait;

    fri_wait_begin(&wait, FR_NOWAIT);
    ck_assert_error(fri_wait_step(&wait, &event), FR_ETIMEDOUT);
    ck_assert_int_eq(fri_wait_remaining(&wait), 0);
    ck_assert_uint_eq(word32_load(&event), 0);
}
END_TEST

START_TEST(the_time_is_not_over_much_earlier_than_asked)
{
    const int64_t times[] = { 1, FR_US(100), FR_MS(1), FR_MS(7), FR_MS(40) };
    fri_word flag = 0;
    fri_word32 event = 0;
    int64_t start = fri_clock_now();

    ck_assert_error(await_value(&flag, &event, 1, times[_i]), FR_ETIMEDOUT);
    ck_assert_int_ge(fri_clock_now() - start, times[_i]);
}
END_TEST

START_TEST(nobody_sleeps_without_having_looked_after_the_announcement)
{
    fri_word32 event = 0;
    struct fri_wait wait;

    fri_wait_begin(&wait, FR_FOREVER);
    ck_assert_ok(fri_wait_step(&wait, &event));
    ck_assert_uint_eq(wait.sleeps, 0);
    ck_assert_uint_eq(word32_load(&event), SOMEBODY_WAITS);
    fri_event_wake(&event);
    ck_assert_uint_eq(word32_load(&event), 2);
    ck_assert_ok(fri_wait_step(&wait, &event));
    ck_assert_uint_eq(wait.sleeps, 1);
}
END_TEST

START_TEST(a_change_between_announcement_and_sleep_is_not_slept_through)
{
    fri_word32 event = 0;
    struct fri_wait wait;

    fri_wait_begin(&wait, FR_FOREVER);
    for (int i = 0; i < 100; i++) {
        ck_assert_ok(fri_wait_step(&wait, &event));
        fri_event_wake(&event);
        ck_assert_ok(fri_wait_step(&wait, &event));
    }
    /* A hundred slices of 80 ms would be 8 s; time out is the only way to fail in between. */
    ck_assert_int_lt(wait.slept_ns, FR_S(4));
}
END_TEST

START_TEST(waking_nobody_changes_nothing)
{
    fri_word32 event = 8;

    for (int i = 0; i < 10; i++)
        fri_event_wake(&event);
    ck_assert_uint_eq(word32_load(&event), 8);
}
END_TEST

START_TEST(the_count_may_wrap)
{
    fri_word32 event = UINT32_MAX;

    fri_event_wake(&event);
    ck_assert_uint_eq(word32_load(&event), 0);
}
END_TEST

START_TEST(a_slice_grows_to_80_ms_and_no_further)
{
    fri_word32 event = 0;
    struct fri_wait wait;

    fri_wait_begin(&wait, FR_FOREVER);
    ck_assert_int_eq(wait.slice_ns, FR_MS(20));
    for (int i = 0; i < 6; i++) {
        ck_assert_ok(fri_wait_step(&wait, &event));
        ck_assert_ok(fri_wait_step(&wait, &event));
        ck_assert_int_le(wait.slice_ns, FR_MS(80));
    }
    ck_assert_int_eq(wait.slice_ns, FR_MS(80));
}
END_TEST

/* ---- Two sides ------------------------------------------------------------------------- */

struct table {
    fri_word ball; /* even: player 0 has it */
    fri_word32 event;
};

static struct table table;

static void *play(void *argument)
{
    const uint64_t player = *(const uint64_t *)argument;

    for (uint64_t i = player; i < ROUNDS; i += 2) {
        if (await_value(&table.ball, &table.event, i, FR_FOREVER) < 0)
            return argument;
        word_store(&table.ball, i + 1);
        fri_event_wake(&table.event);
    }
    return NULL;
}

START_TEST(no_wake_up_is_lost_between_two)
{
    uint64_t players[] = { 0, 1 };
    pthread_t threads[2];
    int64_t start = fri_clock_now();

    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, play, &players[i]), 0);
    for (int i = 0; i < 2; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(word_load(&table.ball), ROUNDS);
    /* Each wake-up that is lost costs a slice of at least 20 ms. */
    ck_assert_int_lt(fri_clock_now() - start, ROUNDS / 2 * FR_MS(20));
}
END_TEST

static void *wait_for_one(void *unused)
{
    (void)unused;
    return await_value(&table.ball, &table.event, 1, FR_FOREVER) < 0 ? &table : NULL;
}

START_TEST(one_wake_up_wakes_everybody)
{
    pthread_t threads[8];

    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for_one, NULL), 0);
    while (!(word32_load(&table.event) & SOMEBODY_WAITS))
        continue;
    word_store(&table.ball, 1);
    fri_event_wake(&table.event);
    for (int i = 0; i < 8; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
}
END_TEST

static void *wake_all_the_time(void *stop)
{
    while (!word_load((fri_word *)stop)) {
        word32_set_bits(&table.event, SOMEBODY_WAITS);
        fri_event_wake(&table.event);
    }
    return NULL;
}

START_TEST(wake_ups_for_others_neither_stretch_nor_shorten_the_time)
{
    fri_word stop = 0;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, wake_all_the_time, &stop), 0);
    int64_t start = fri_clock_now();
    int result = await_value(&table.ball, &table.event, 1, FR_MS(50));
    int64_t took = fri_clock_now() - start;
    word_store(&stop, 1);
    pthread_join(thread, NULL);
    ck_assert_int_eq(result, FR_ETIMEDOUT);
    ck_assert_int_ge(took, FR_MS(50));
}
END_TEST

static void on_alarm(int number)
{
    (void)number;
}

START_TEST(a_storm_of_signals_neither_stretches_nor_shortens_the_time)
{
    const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = _i ? SA_RESTART : 0 };
    const struct itimerspec every = { { 0, 1000000 }, { 0, 1000000 } };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    timer_t timer;

    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ck_assert_int_eq(timer_settime(timer, 0, &every, NULL), 0);
    int64_t start = fri_clock_now();
    ck_assert_error(await_value(&table.ball, &table.event, 1, FR_MS(100)), FR_ETIMEDOUT);
    ck_assert_int_ge(fri_clock_now() - start, FR_MS(100));
    timer_delete(timer);
}
END_TEST

struct shared_table {
    fri_word ball;
    fri_word32 event;
};

static int wait_in_child(void *argument)
{
    struct shared_table *shared = argument;

    return await_value(&shared->ball, &shared->event, 1, FR_FOREVER) < 0;
}

START_TEST(a_waiter_killed_in_its_sleep_costs_the_others_one_call_and_no_more)
{
    struct shared_table *shared = (void *)fr_test_flag();

    ck_assert_ptr_nonnull(shared);
    pid_t child = fr_test_child(wait_in_child, shared);
    while (!(word32_load(&shared->event) & SOMEBODY_WAITS))
        continue;
    fr_test_kill(child);
    fri_event_wake(&shared->event);
    ck_assert_uint_eq(word32_load(&shared->event) & SOMEBODY_WAITS, 0);
}
END_TEST

START_TEST(a_change_whose_maker_died_before_waking_is_found_all_the_same)
{
    struct shared_table *shared = (void *)fr_test_flag();

    ck_assert_ptr_nonnull(shared);
    pid_t child = fr_test_child(wait_in_child, shared);
    while (!(word32_load(&shared->event) & SOMEBODY_WAITS))
        continue;
    word_store(&shared->ball, 1);
    ck_assert_int_eq(fr_test_wait(child), 0);
}
END_TEST

/* A hundred times, since each wait may be interrupted for longer than anybody would look. */
START_TEST(who_looks_first_looks_no_longer_than_its_time)
{
    fri_word32 event = 0;
    struct fri_wait wait;

    fri_wait_begin(&wait, FR_NOWAIT);
    fri_wait_look_first(&wait);
    ck_assert_error(fri_wait_step(&wait, &event), FR_ETIMEDOUT);
    for (int i = 0; i < 100; i++) {
        fri_wait_begin(&wait, 1);
        fri_wait_look_first(&wait);
        ck_assert_ok(fri_wait_step(&wait, &event));
        ck_assert(wait.announced);
        ck_assert_error(fri_wait_step(&wait, &event), FR_ETIMEDOUT);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");

    TCase *alone = tcase_create("alone");
    tcase_set_timeout(alone, 30);
    tcase_add_test(alone, who_does_not_wait_looks_once);
    tcase_add_loop_test(alone, the_time_is_not_over_much_earlier_than_asked, 0, 5);
    tcase_add_test(alone, nobody_sleeps_without_having_looked_after_the_announcement);
    tcase_add_test(alone, a_change_between_announcement_and_sleep_is_not_slept_through);
    tcase_add_test(alone, waking_nobody_changes_nothing);
    tcase_add_test(alone, the_count_may_wrap);
    tcase_add_test(alone, a_slice_grows_to_80_ms_and_no_further);
    tcase_add_test(alone, who_looks_first_looks_no_longer_than_its_time);
    suite_add_tcase(suite, alone);

    TCase *together = tcase_create("together");
    tcase_set_timeout(together, 60);
    tcase_add_test(together, no_wake_up_is_lost_between_two);
    tcase_add_test(together, one_wake_up_wakes_everybody);
    tcase_add_test(together, wake_ups_for_others_neither_stretch_nor_shorten_the_time);
    tcase_add_loop_test(together, a_storm_of_signals_neither_stretches_nor_shortens_the_time, 0, 2);
    tcase_add_test(together, a_waiter_killed_in_its_sleep_costs_the_others_one_call_and_no_more);
    tcase_add_test(together, a_change_whose_maker_died_before_waking_is_found_all_the_same);
    suite_add_tcase(suite, together);

    return fr_test_main(suite);
}
