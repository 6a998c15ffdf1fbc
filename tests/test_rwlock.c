/* SPDX-License-Identifier: MIT */
/*
 * The lock's words on plain memory: its arrows in every order that one thread can make, and between
 * threads, where ThreadSanitizer looks on. Deaths are the matter of test_rwlock_deaths.c.
 */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "platform.h"
#include "rwlock.h"

/* The word of rwlock.h, spelled out once more: a test that borrowed it would borrow its mistakes. */
#define FREE UINT64_C(0)
#define CLAIMED(w) (UINT64_C(1) | (uint64_t)(w) << 8)
#define HELD(w) (UINT64_C(2) | (uint64_t)(w) << 8)
#define PENDING UINT64_C(4)
#define TOLD(r) (UINT64_C(8) | (uint64_t)(r) << 16)

/* The lowest bit of an event word, event.h. */
#define SOMEBODY_WAITS 1u

static struct fri_lock_words words;

/* A locker of the plain words whose peers all seem alive. */
static struct fri_rwlock locker(uint32_t index)
{
    return (struct fri_rwlock){ .words = &words, .probe_fd = -1, .index = index };
}

static void assert_untouched(void)
{
    ck_assert_uint_eq(word_load(&words.writer), FREE);
    for (int i = 0; i < FRI_LOCKER_WORDS; i++)
        ck_assert_uint_eq(word_load(&words.readers[i]), 0);
}

/* ---- One after the other --------------------------------------------------------------- */

START_TEST(a_free_lock_is_had_at_once_and_leaves_no_trace)
{
    struct fri_rwlock one = locker((uint32_t)_i);

    for (int kind = FR_SHARED; kind <= FR_EXCLUSIVE; kind++) {
        ck_assert_ok(fri_rwlock_lock(&one, (enum fr_lock)kind, FR_NOWAIT));
        ck_assert_ok(fri_rwlock_unlock(&one));
        assert_untouched();
    }
}
END_TEST

START_TEST(a_holder_must_unlock_before_it_locks_again)
{
    struct fri_rwlock one = locker(0);

    for (int kind = FR_SHARED; kind <= FR_EXCLUSIVE; kind++) {
        ck_assert_ok(fri_rwlock_lock(&one, (enum fr_lock)kind, FR_NOWAIT));
        ck_assert_error(fri_rwlock_lock(&one, FR_SHARED, FR_FOREVER), FR_EINVAL);
        ck_assert_error(fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_FOREVER), FR_EINVAL);
        ck_assert_ok(fri_rwlock_unlock(&one));
        ck_assert_error(fri_rwlock_unlock(&one), FR_EINVAL);
    }
    assert_untouched();
}
END_TEST

START_TEST(of_two_readers_one_that_leaves_does_not_let_a_writer_in)
{
    struct fri_rwlock one = locker(0);
    struct fri_rwlock two = locker(255);
    struct fri_rwlock writer = locker(100);

    ck_assert_ok(fri_rwlock_lock(&one, FR_SHARED, FR_NOWAIT));
    ck_assert_ok(fri_rwlock_lock(&two, FR_SHARED, FR_NOWAIT));
    ck_assert_error(fri_rwlock_lock(&writer, FR_EXCLUSIVE, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_ok(fri_rwlock_unlock(&one));
    ck_assert_error(fri_rwlock_lock(&writer, FR_EXCLUSIVE, FR_MS(3)), FR_ETIMEDOUT);
    ck_assert_ok(fri_rwlock_unlock(&two));
    ck_assert_ok(fri_rwlock_lock(&writer, FR_EXCLUSIVE, FR_NOWAIT));
    ck_assert_error(fri_rwlock_lock(&one, FR_SHARED, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_error(fri_rwlock_lock(&two, FR_EXCLUSIVE, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_ok(fri_rwlock_unlock(&writer));
    assert_untouched();
}
END_TEST

START_TEST(a_writer_that_gave_up_keeps_nobody_out)
{
    struct fri_rwlock reader = locker(0);
    struct fri_rwlock writer = locker(1);
    struct fri_rwlock other = locker(2);

    ck_assert_ok(fri_rwlock_lock(&reader, FR_SHARED, FR_NOWAIT));
    ck_assert_error(fri_rwlock_lock(&writer, FR_EXCLUSIVE, FR_MS(1)), FR_ETIMEDOUT);
    ck_assert_ok(fri_rwlock_lock(&other, FR_SHARED, FR_NOWAIT));
    ck_assert_ok(fri_rwlock_unlock(&other));
    ck_assert_ok(fri_rwlock_unlock(&reader));
    assert_untouched();
}
END_TEST

START_TEST(a_waiting_writer_keeps_new_readers_out)
{
    struct fri_rwlock reader = locker(9);

    word_store(&words.writer, CLAIMED(3));
    ck_assert_error(fri_rwlock_lock(&reader, FR_SHARED, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_error(fri_rwlock_lock(&reader, FR_SHARED, FR_MS(1)), FR_ETIMEDOUT);
    ck_assert_uint_eq(word_load(&words.writer), CLAIMED(3));
    ck_assert_uint_eq(word_load(&words.readers[0]), 0);
}
END_TEST

START_TEST(the_time_is_not_over_much_earlier_than_asked)
{
    struct fri_rwlock one = locker(1);
    int64_t start = fri_clock_now();

    word_store(&words.writer, HELD(3));
    ck_assert_error(fri_rwlock_lock(&one, _i ? FR_SHARED : FR_EXCLUSIVE, FR_MS(30)), FR_ETIMEDOUT);
    ck_assert_int_ge(fri_clock_now() - start, FR_MS(30));
}
END_TEST

START_TEST(whoever_makes_room_wakes_those_who_wait)
{
    struct fri_rwlock one = locker(1);
    struct fri_rwlock two = locker(2);

    for (int kind = FR_SHARED; kind <= FR_EXCLUSIVE; kind++) {
        ck_assert_ok(fri_rwlock_lock(&one, (enum fr_lock)kind, FR_NOWAIT));
        word32_store(&words.event, SOMEBODY_WAITS);
        ck_assert_ok(fri_rwlock_unlock(&one));
        ck_assert_uint_eq(word32_load(&words.event) & SOMEBODY_WAITS, 0);
    }
    /* A claim that is given up makes room as well. */
    ck_assert_ok(fri_rwlock_lock(&one, FR_SHARED, FR_NOWAIT));
    word32_store(&words.event, SOMEBODY_WAITS);
    ck_assert_error(fri_rwlock_lock(&two, FR_EXCLUSIVE, FR_NOWAIT), FR_ETIMEDOUT);
    ck_assert_uint_eq(word32_load(&words.event) & SOMEBODY_WAITS, 0);
}
END_TEST

START_TEST(without_a_place_there_is_no_lock)
{
    struct fri_rwlock one = locker(FRI_NO_LOCKER);

    ck_assert_error(fri_rwlock_lock(&one, FR_SHARED, FR_FOREVER), FR_EBUSY);
    ck_assert_error(fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_FOREVER), FR_EBUSY);
    ck_assert_error(fri_rwlock_unlock(&one), FR_EINVAL);
    assert_untouched();
}
END_TEST

/* ---- Threads --------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 3000

/* Not atomic: the lock is all that keeps ThreadSanitizer, and the sums, quiet. */
static uint64_t left;
static uint64_t right;

struct worker {
    struct fri_rwlock lock;
    int failures;
    int writes;
    int64_t timeout_ns;
};

static void write_both(struct worker *worker)
{
    if (left != right)
        worker->failures++;
    left++;
    right++;
    worker->writes++;
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    for (int i = 0; i < ROUNDS; i++) {
        enum fr_lock kind = i % 4 == 0 ? FR_EXCLUSIVE : FR_SHARED;
        int result = fri_rwlock_lock(&worker->lock, kind, worker->timeout_ns);

        if (result == FR_ETIMEDOUT && worker->timeout_ns >= 0)
            continue;
        if (result < 0)
            return worker;
        if (kind == FR_EXCLUSIVE)
            write_both(worker);
        else if (left != right)
            worker->failures++;
        if (fri_rwlock_unlock(&worker->lock) < 0)
            return worker;
    }
    return NULL;
}

static const int64_t patience[] = { FR_FOREVER, FR_NOWAIT, 1, FR_US(50) };

START_TEST(writers_exclude_everybody_and_readers_see_whole_writes)
{
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    uint64_t writes = 0;

    left = right = 0;
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .lock = locker(i * 60), .timeout_ns = patience[_i] };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
        ck_assert_int_eq(workers[i].failures, 0);
        writes += (uint64_t)workers[i].writes;
    }
    ck_assert_uint_eq(left, writes);
    ck_assert_uint_eq(right, writes);
    assert_untouched();
}
END_TEST

static void *lock_exclusively(void *lock)
{
    return fri_rwlock_lock(lock, FR_EXCLUSIVE, FR_FOREVER) < 0 ? lock : NULL;
}

START_TEST(a_writer_that_waits_for_a_reader_gets_in_when_it_leaves)
{
    struct fri_rwlock reader = locker(0);
    struct fri_rwlock late = locker(1);
    struct fri_rwlock writer = locker(2);
    pthread_t thread;
    void *failed;

    ck_assert_ok(fri_rwlock_lock(&reader, FR_SHARED, FR_NOWAIT));
    ck_assert_int_eq(pthread_create(&thread, NULL, lock_exclusively, &writer), 0);
    while (word_load(&words.writer) != CLAIMED(2))
        continue;
    ck_assert_error(fri_rwlock_lock(&late, FR_SHARED, FR_MS(1)), FR_ETIMEDOUT);
    ck_assert_ok(fri_rwlock_unlock(&reader));
    pthread_join(thread, &failed);
    ck_assert_ptr_null(failed);
    ck_assert_uint_eq(word_load(&words.writer), HELD(2));
    ck_assert_ok(fri_rwlock_unlock(&writer));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rwlock");

    TCase *alone = tcase_create("alone");
    tcase_add_loop_test(alone, a_free_lock_is_had_at_once_and_leaves_no_trace, 0, FRI_LOCKERS);
    tcase_add_test(alone, a_holder_must_unlock_before_it_locks_again);
    tcase_add_test(alone, of_two_readers_one_that_leaves_does_not_let_a_writer_in);
    tcase_add_test(alone, a_writer_that_gave_up_keeps_nobody_out);
    tcase_add_test(alone, a_waiting_writer_keeps_new_readers_out);
    tcase_add_loop_test(alone, the_time_is_not_over_much_earlier_than_asked, 0, 2);
    tcase_add_test(alone, whoever_makes_room_wakes_those_who_wait);
    tcase_add_test(alone, without_a_place_there_is_no_lock);
    suite_add_tcase(suite, alone);

    TCase *threads = tcase_create("threads");
    tcase_set_timeout(threads, 100);
    tcase_add_loop_test(threads, writers_exclude_everybody_and_readers_see_whole_writes, 0,
                        sizeof patience / sizeof patience[0]);
    tcase_add_test(threads, a_writer_that_waits_for_a_reader_gets_in_when_it_leaves);
    suite_add_tcase(suite, threads);

    return fr_test_main(suite);
}
