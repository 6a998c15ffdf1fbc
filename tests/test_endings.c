/* SPDX-License-Identifier: MIT */
/*
 * Threads and processes that end in the middle of traffic, many times: threads that are cancelled at
 * any moment, processes in which another thread calls exit, and forks of a process that has slots in
 * its hands. Nothing stays behind in anybody's hands, and nothing is lost but what was held.
 *
 * The environment's FR_ROUNDS multiplies the numbers; 10 makes them those of the long form.
 */
#define _GNU_SOURCE
#include <framering/framering.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring.h"
#include "rings.h"
#include "slot.h"

#define SLOTS 6

static int rounds(int count)
{
    const char *text = getenv("FR_ROUNDS");
    int factor = text ? atoi(text) : 1;

    return factor > 1 ? factor * count : count;
}

/* Nobody but the ring itself has any of its slots. */
static void expect_idle(struct fr_writer *writer)
{
    struct fri_seat *seat = writer->seat;

    fri_seat_recover(seat);
    for (uint32_t i = 0; i < seat->slots; i++) {
        uint64_t control = slot_control(&seat->slot[i]);

        ck_assert(control_state(control) == SLOT_FREE || control_state(control) == SLOT_PUBLISHED);
        ck_assert(!slot_is_pinned(&seat->slot[i]));
    }
}

/* ---- Cancelled threads -------------------------------------------------------------------------- */

/* A thread's handles, and what it had in its hands when it was cancelled. */
struct worker {
    struct fr_writer *writer;
    struct fr_reader *reader;
    struct fr_slot *slot;
    const struct fr_slot *item;
    _Atomic int laps;
};

/*
 * Without a variable of its own. Between two calls is the only place where a thread can end, and
 * there everything that it holds is known; in the library nothing may end it.
 */
static void *work_until_cancelled(void *argument)
{
    struct worker *worker = argument;

    for (;;) {
        if (fr_writer_acquire(worker->writer, FR_US(300), &worker->slot) == 0) {
            fill_item(worker->slot, 7);
            pthread_testcancel();
            (void)!fr_writer_publish(&worker->slot);
        }
        pthread_testcancel();
        if (fr_reader_acquire(worker->reader, FR_NEXT, FR_US(300), &worker->item) == 0) {
            pthread_testcancel();
            fr_reader_release(&worker->item);
        }
        worker->laps++;
    }
    return NULL;
}

static void cancel_once(struct worker *worker, int round)
{
    const struct timespec nap = { .tv_nsec = (long)round * 7919 % 200000 };
    pthread_t thread;
    void *value;

    ck_assert_int_eq(pthread_create(&thread, NULL, work_until_cancelled, worker), 0);
    nanosleep(&nap, NULL);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    ck_assert_int_eq(pthread_join(thread, &value), 0);
    ck_assert_ptr_eq(value, PTHREAD_CANCELED);
    fr_writer_abort(&worker->slot);
    fr_reader_release(&worker->item);
}

START_TEST(threads_that_are_cancelled_at_any_moment_leave_nothing_in_their_hands)
{
    const char *name = fr_test_name();
    struct worker worker = { .writer = make_ring(name, SLOTS, (enum fr_delivery)_i, FR_BLOCK) };

    worker.reader = open_reader(name);
    for (int i = 0; i < rounds(500); i++)
        cancel_once(&worker, i);
    ck_assert_int_gt(worker.laps, 0);
    expect_idle(worker.writer);
    uint64_t number;
    while (get(worker.reader, FR_NOWAIT, &number) == 0)
        ck_assert_uint_eq(number, 7);
    put_all(worker.writer, 1, 1);
    expect_item(worker.reader, 1);
    fr_reader_close(&worker.reader);
    fr_writer_close(&worker.writer);
    ck_assert(!fr_test_exists(name));
}
END_TEST

/* ---- Processes that exit ------------------------------------------------------------------------ */

static int exit_in_traffic(void *argument)
{
    static struct worker worker;
    static struct worker other;
    const char *name = argument;
    pthread_t threads[2];

    if (fr_writer_open(name, FR_NOWAIT, &worker.writer) < 0 ||
        fr_reader_open(name, NULL, FR_NOWAIT, &worker.reader) < 0 ||
        fr_writer_open(name, FR_NOWAIT, &other.writer) < 0 ||
        fr_reader_open(name, NULL, FR_NOWAIT, &other.reader) < 0)
        return 1;
    if (pthread_create(&threads[0], NULL, work_until_cancelled, &worker) != 0 ||
        pthread_create(&threads[1], NULL, work_until_cancelled, &other) != 0)
        return 2;
    usleep((unsigned)getpid() * 7919u % 2000u);
    quick_exit(9); /* as exit, but without the report that check would write in our name */
}

START_TEST(processes_that_exit_while_their_threads_are_at_work_leave_nothing)
{
    char name[65];

    snprintf(name, sizeof name, "%s", fr_test_name());
    struct fr_writer *writer = make_ring(name, SLOTS, (enum fr_delivery)_i, FR_BLOCK);
    for (int i = 0; i < rounds(40); i++)
        ck_assert_int_eq(fr_test_wait(fr_test_child(exit_in_traffic, name)), 9);
    expect_idle(writer);
    ck_assert_uint_eq(word_load(&writer->seat->page->attached), fri_bit(writer->seat->place));
    fr_writer_close(&writer);
}
END_TEST

/* ---- Forks -------------------------------------------------------------------------------------- */

static int leave(void *unused)
{
    (void)unused;
    return 0;
}

START_TEST(forks_of_a_process_that_holds_slots_take_nothing_from_it)
{
    const char *name = fr_test_name();
    struct fr_writer *writer = make_ring(name, SLOTS, (enum fr_delivery)_i, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);
    const struct fr_slot *held = NULL;
    struct fr_slot *slot;

    for (int i = 0; i < rounds(200); i++) {
        uint64_t number = (uint64_t)i;

        ck_assert_ok(fr_writer_acquire(writer, FR_S(1), &slot));
        fill_item(slot, number);
        pid_t child = fr_test_child(leave, NULL);
        ck_assert_ok(fr_writer_publish(&slot));
        fr_reader_release(&held);
        ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_S(1), &held));
        ck_assert_int_eq(fr_test_wait(child), 0);
        ck_assert(is_item(held, number));
    }
    fr_reader_release(&held);
    expect_idle(writer);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("endings");
    TCase *tests = tcase_create("endings");

    tcase_set_timeout(tests, 60.0 * rounds(1));
    tcase_add_loop_test(tests,
                        threads_that_are_cancelled_at_any_moment_leave_nothing_in_their_hands, 0,
                        2);
    tcase_add_loop_test(tests, processes_that_exit_while_their_threads_are_at_work_leave_nothing, 0,
                        2);
    tcase_add_loop_test(tests, forks_of_a_process_that_holds_slots_take_nothing_from_it, 0, 2);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
