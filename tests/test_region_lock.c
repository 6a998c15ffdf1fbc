/* SPDX-License-Identifier: MIT */
/*
 * The lock of a region between processes, with holders that are killed at every step, stopped, or
 * interrupted; and between threads with a handle each, where ThreadSanitizer looks on.
 */
#define _GNU_SOURCE
#include "support.h"

#include <framering/framering.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform.h"
#include "point.h"
#include "share.h"

/* What a region of these tests holds. */
struct pair {
    uint64_t left;
    uint64_t right;
};

static char name[80];
static struct fr_region *region;
static struct pair *pair;
static uint32_t *flag;

static void set_up(void)
{
    snprintf(name, sizeof name, "%s", fr_test_name());
    ck_assert_ok(fr_region_create(name, sizeof *pair, NULL, &region));
    pair = fr_region_data(region);
    flag = fr_test_flag();
    ck_assert_ptr_nonnull(flag);
}

static void tear_down(void)
{
    fr_region_close(&region);
    ck_assert(!fr_test_exists(name));
}

static struct fr_region *open_again(void)
{
    struct fr_region *again;

    ck_assert_ok(fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &again));
    return again;
}

/* ---- The lock, one process ------------------------------------------------------------- */

START_TEST(of_two_readers_one_that_leaves_does_not_let_a_writer_in)
{
    struct fr_region *one = open_again();
    struct fr_region *two = open_again();

    ck_assert_ok(fr_region_lock(one, FR_SHARED, FR_NOWAIT));
    ck_assert_ok(fr_region_lock(two, FR_SHARED, FR_NOWAIT));
    ck_assert_ok(fr_region_unlock(one));
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_MS(10)), FR_ETIMEDOUT);
    ck_assert_ok(fr_region_unlock(two));
    ck_assert_ok(fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT));
    ck_assert_error(fr_region_lock(one, FR_EXCLUSIVE, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_error(fr_region_lock(region, FR_SHARED, FR_NOWAIT), FR_EINVAL);
    ck_assert_ok(fr_region_unlock(region));
    ck_assert_error(fr_region_unlock(region), FR_EINVAL);
    fr_region_close(&one);
    fr_region_close(&two);
}
END_TEST

START_TEST(a_holder_that_closes_gives_back_the_lock)
{
    for (int kind = FR_SHARED; kind <= FR_EXCLUSIVE; kind++) {
        struct fr_region *guest = open_again();

        ck_assert_ok(fr_region_lock(guest, (enum fr_lock)kind, FR_NOWAIT));
        fr_region_close(&guest);
        ck_assert_ok(fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT));
        ck_assert_ok(fr_region_unlock(region));
    }
}
END_TEST

START_TEST(the_257th_handle_has_the_memory_but_no_lock)
{
    struct fr_region *guests[256];

    for (int i = 0; i < 256; i++)
        guests[i] = open_again();
    for (int i = 0; i < 255; i++)
        ck_assert_ok(fr_region_lock(guests[i], FR_SHARED, FR_NOWAIT));
    ck_assert_error(fr_region_lock(guests[255], FR_SHARED, FR_FOREVER), FR_EBUSY);
    ck_assert_error(fr_region_lock(guests[255], FR_EXCLUSIVE, FR_NOWAIT), FR_EBUSY);
    ck_assert_ok(fr_region_write(guests[255], 0, "x", 1));
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT), FR_ETIMEDOUT);
    fr_region_close(&guests[255]);
    fr_region_close(&guests[100]);
    guests[255] = open_again();
    ck_assert_ok(fr_region_lock(guests[255], FR_SHARED, FR_NOWAIT));
    for (int i = 0; i < 256; i++)
        fr_region_close(&guests[i]);
    ck_assert_ok(fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT));
}
END_TEST

/* ---- The lock, several processes ------------------------------------------------------- */

struct task {
    enum fr_lock kind;
    int rounds;
    int64_t timeout_ns;
};

static int hammer(void *argument)
{
    const struct task *task = argument;
    struct fr_region *mine;
    int got = 0;

    if (fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &mine) < 0)
        return 1;
    volatile struct pair *both = fr_region_data(mine);
    while (got < task->rounds) {
        int result = fr_region_lock(mine, task->kind, task->timeout_ns);

        if (result == FR_ETIMEDOUT)
            continue;
        if (result < 0)
            return 2;
        got++;
        if (both->left != both->right)
            return 3;
        if (task->kind == FR_EXCLUSIVE) {
            both->left = both->left + 1;
            both->right = both->right + 1;
        }
        if (fr_region_unlock(mine) < 0)
            return 4;
    }
    fr_region_close(&mine);
    return 0;
}

START_TEST(processes_that_write_never_overlap)
{
    struct task writer = { FR_EXCLUSIVE, 3000, _i ? FR_US(50) : FR_FOREVER };
    struct task reader = { FR_SHARED, 3000, writer.timeout_ns };
    pid_t children[4];

    for (int i = 0; i < 4; i++)
        children[i] = fr_test_child(hammer, i < 2 ? &writer : &reader);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(fr_test_wait(children[i]), 0);
    ck_assert_uint_eq(pair->left, 2 * 3000);
    ck_assert_uint_eq(pair->right, 2 * 3000);
}
END_TEST

static int hold(void *argument)
{
    const struct task *task = argument;
    struct fr_region *mine;

    if (fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &mine) < 0)
        return 1;
    if (fr_region_lock(mine, task->kind, FR_NOWAIT) < 0)
        return 2;
    fr_test_raise(flag, 1);
    for (;;)
        pause();
}

static pid_t start_holder(enum fr_lock kind)
{
    struct task task = { .kind = kind };

    fr_test_raise(flag, 0);
    pid_t child = fr_test_child(hold, &task);
    return fr_test_await(flag, 1) ? child : -1;
}

static const int64_t patience[] = { FR_FOREVER, FR_NOWAIT, FR_MS(500) };

START_TEST(a_killed_writer_loses_the_lock_and_the_next_one_is_told_once)
{
    struct fr_region *guest = open_again();
    const enum fr_lock kind = _i % 2 ? FR_SHARED : FR_EXCLUSIVE;
    const int64_t timeout_ns = patience[_i / 2];

    pid_t child = start_holder(FR_EXCLUSIVE);
    ck_assert_int_gt(child, 0);
    ck_assert_error(fr_region_lock(region, kind, FR_NOWAIT), FR_ETIMEDOUT);
    fr_test_kill(child);
    ck_assert_error(fr_region_lock(region, kind, timeout_ns), FR_EOWNERDEAD);
    ck_assert_error(fr_region_lock(region, kind, timeout_ns), FR_EINVAL);
    ck_assert_ok(fr_region_unlock(region));
    ck_assert_ok(fr_region_lock(guest, kind, timeout_ns));
    ck_assert_ok(fr_region_unlock(guest));
    ck_assert_ok(fr_region_lock(region, kind, timeout_ns));
    fr_region_close(&guest);
}
END_TEST

START_TEST(a_killed_reader_lets_the_writer_in_and_there_is_no_news)
{
    pid_t child = start_holder(FR_SHARED);

    ck_assert_int_gt(child, 0);
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT), FR_ETIMEDOUT);
    fr_test_kill(child);
    ck_assert_ok(fr_region_lock(region, FR_EXCLUSIVE, patience[_i]));
}
END_TEST

static int wait_to_write(void *argument)
{
    struct fr_region *mine;

    (void)argument;
    if (fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &mine) < 0)
        return 1;
    fr_test_raise(flag, 1);
    return fr_region_lock(mine, FR_EXCLUSIVE, FR_FOREVER) < 0 ? 2 : 0;
}

START_TEST(a_writer_killed_while_it_waits_for_readers_shuts_nobody_out)
{
    struct fr_region *guest = open_again();
    const struct timespec nap = { .tv_nsec = 100000 };

    ck_assert_ok(fr_region_lock(region, FR_SHARED, FR_NOWAIT));
    pid_t child = fr_test_child(wait_to_write, NULL);
    ck_assert(fr_test_await(flag, 1));
    /* Its claim keeps us out. */
    while (fr_region_lock(guest, FR_SHARED, FR_NOWAIT) == 0) {
        ck_assert_ok(fr_region_unlock(guest));
        nanosleep(&nap, NULL);
    }
    fr_test_kill(child);
    ck_assert_ok(fr_region_lock(guest, FR_SHARED, patience[_i]));
    ck_assert_ok(fr_region_unlock(guest));
    ck_assert_ok(fr_region_unlock(region));
    ck_assert_ok(fr_region_lock(guest, FR_EXCLUSIVE, patience[_i]));
    fr_region_close(&guest);
}
END_TEST

START_TEST(a_stopped_holder_is_not_dead)
{
    int status;
    pid_t child = start_holder(_i ? FR_SHARED : FR_EXCLUSIVE);

    ck_assert_int_gt(child, 0);
    kill(child, SIGSTOP);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_MS(60)), FR_ETIMEDOUT);
    kill(child, SIGCONT);
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_MS(10)), FR_ETIMEDOUT);
    fr_test_kill(child);
}
END_TEST

START_TEST(the_time_is_not_over_much_earlier_than_asked)
{
    const int64_t times[] = { 0, 1, FR_US(500), FR_MS(20), FR_MS(50) };
    pid_t child = start_holder(FR_EXCLUSIVE);
    int64_t start = fri_clock_now();

    ck_assert_int_gt(child, 0);
    ck_assert_error(fr_region_lock(region, FR_SHARED, times[_i]), FR_ETIMEDOUT);
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, times[_i]), FR_ETIMEDOUT);
    ck_assert_int_ge(fri_clock_now() - start, 2 * times[_i]);
    fr_test_kill(child);
}
END_TEST

static void on_alarm(int number)
{
    (void)number;
}

START_TEST(a_storm_of_signals_neither_ends_nor_stretches_a_wait)
{
    const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = _i ? SA_RESTART : 0 };
    const struct itimerspec every = { { 0, 1000000 }, { 0, 1000000 } };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    pid_t child = start_holder(FR_SHARED);
    timer_t timer;

    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ck_assert_int_eq(timer_settime(timer, 0, &every, NULL), 0);
    int64_t start = fri_clock_now();
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_MS(100)), FR_ETIMEDOUT);
    ck_assert_int_ge(fri_clock_now() - start, FR_MS(100));
    fr_test_kill(child);
    ck_assert_ok(fr_region_lock(region, FR_EXCLUSIVE, FR_FOREVER));
    timer_delete(timer);
}
END_TEST

/* ---- Killed at every step -------------------------------------------------------------- */

static const char *kill_at;

static void kill_here(const char *point)
{
    if (strcmp(point, kill_at) == 0)
        raise(SIGKILL);
}

/* Hears of a death as a reader, leaves, and comes back as a writer. */
static int use_lock(void *unused)
{
    struct fr_region *mine;

    (void)unused;
    if (fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &mine) < 0)
        return 1;
    fr_test_raise(flag, 2);
    if (!fr_test_await(flag, 3))
        return 2;
    fri_point_hook = kill_here;
    if (fr_region_lock(mine, FR_SHARED, FR_FOREVER) != FR_EOWNERDEAD || fr_region_unlock(mine) < 0)
        return 3;
    return fr_region_lock(mine, FR_EXCLUSIVE, FR_FOREVER) < 0 ? 4 : 5;
}

/* The points in this order, and whether a death there leaves something to tell. */
static const struct {
    const char *point;
    bool is_news;
} steps[] = {
    { "lock byte of the dead taken", true },
    { "lock half recovered", true },
    { "lock recovered", true },
    { "reader entered", true },
    { "reader told", true },
    { "reader inside", true },
    { "reader leaving", false },
    { "lock given back", false },
    { "lock claimed", false },
    { "lock held", true },
};

START_TEST(wherever_a_locker_is_killed_the_others_go_on_and_no_news_is_lost)
{
    const int64_t timeout_ns = _i % 2 ? FR_FOREVER : FR_MS(500);
    const enum fr_lock kind = _i / 2 % 2 ? FR_SHARED : FR_EXCLUSIVE;
    const int step = _i / 4;

    kill_at = steps[step].point;
    pid_t holder = start_holder(FR_EXCLUSIVE);
    ck_assert_int_gt(holder, 0);
    pid_t victim = fr_test_child(use_lock, NULL);
    ck_assert(fr_test_await(flag, 2));
    fr_test_kill(holder);
    fr_test_raise(flag, 3);
    ck_assert_int_eq(fr_test_wait(victim), 128 + SIGKILL);
    ck_assert_error(fr_region_lock(region, kind, timeout_ns),
                    steps[step].is_news ? FR_EOWNERDEAD : 0);
    ck_assert_ok(fr_region_unlock(region));
    ck_assert_ok(fr_region_lock(region, FR_EXCLUSIVE, timeout_ns));
    ck_assert_ok(fr_region_unlock(region));
}
END_TEST

/* ---- Threads that share a mapping ------------------------------------------------------ */

struct worker {
    struct fr_region *handle;
    int failures;
};

static void *lock_and_count(void *argument)
{
    struct worker *worker = argument;
    struct pair *both = fr_region_data(worker->handle);

    for (int i = 0; i < 2000; i++) {
        enum fr_lock kind = i % 3 ? FR_SHARED : FR_EXCLUSIVE;

        if (fr_region_lock(worker->handle, kind, FR_FOREVER) < 0)
            worker->failures++;
        if (both->left != both->right)
            worker->failures++;
        if (kind == FR_EXCLUSIVE) {
            both->left++;
            both->right++;
        }
        if (fr_region_unlock(worker->handle) < 0)
            worker->failures++;
    }
    return NULL;
}

START_TEST(threads_with_a_handle_each_exclude_each_other)
{
    struct worker workers[3];
    pthread_t threads[3];

    fr_region_close(&region);
    fri_share_mappings = true;
    ck_assert_ok(fr_region_create(name, sizeof *pair, NULL, &region));
    for (int i = 0; i < 3; i++) {
        workers[i] = (struct worker){ .handle = open_again() };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, lock_and_count, &workers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(workers[i].failures, 0);
        fr_region_close(&workers[i].handle);
    }
    pair = fr_region_data(region);
    ck_assert_uint_eq(pair->left, 3 * 667);
}
END_TEST

static void add_lock_tests(Suite *suite)
{
    TCase *lock = tcase_create("lock");

    tcase_add_checked_fixture(lock, set_up, tear_down);
    tcase_set_timeout(lock, 60);
    tcase_add_test(lock, of_two_readers_one_that_leaves_does_not_let_a_writer_in);
    tcase_add_test(lock, a_holder_that_closes_gives_back_the_lock);
    tcase_add_test(lock, the_257th_handle_has_the_memory_but_no_lock);
    tcase_add_loop_test(lock, processes_that_write_never_overlap, 0, 2);
    tcase_add_loop_test(lock, the_time_is_not_over_much_earlier_than_asked, 0, 5);
    tcase_add_loop_test(lock, a_storm_of_signals_neither_ends_nor_stretches_a_wait, 0, 2);
    tcase_add_test(lock, threads_with_a_handle_each_exclude_each_other);
    suite_add_tcase(suite, lock);
}

static void add_death_tests(Suite *suite)
{
    const int steps_count = sizeof steps / sizeof steps[0];
    TCase *deaths = tcase_create("deaths");

    tcase_add_checked_fixture(deaths, set_up, tear_down);
    tcase_set_timeout(deaths, 60);
    tcase_add_loop_test(deaths, a_killed_writer_loses_the_lock_and_the_next_one_is_told_once, 0, 6);
    tcase_add_loop_test(deaths, a_killed_reader_lets_the_writer_in_and_there_is_no_news, 0, 3);
    tcase_add_loop_test(deaths, a_writer_killed_while_it_waits_for_readers_shuts_nobody_out, 0, 3);
    tcase_add_loop_test(deaths, a_stopped_holder_is_not_dead, 0, 2);
    tcase_add_loop_test(deaths, wherever_a_locker_is_killed_the_others_go_on_and_no_news_is_lost, 0,
                        4 * steps_count);
    suite_add_tcase(suite, deaths);
}

int main(void)
{
    Suite *suite = suite_create("region_lock");

    add_lock_tests(suite);
    add_death_tests(suite);
    return fr_test_main(suite);
}
