/* SPDX-License-Identifier: MIT */
/*
 * What a process can do to itself while it is a member of a ring or holds a region's lock: fork,
 * exec, take signals, cancel a thread, leave from another thread, run out of descriptors or address
 * space. Nobody else is disturbed, nothing is lost, and it goes on working where it goes on at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <framering/framering.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rings.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

/* What the parties of one test share; the flags are seen by all its processes. */
struct scene {
    char ring[65];
    char region[65];
    uint32_t *ready;
    uint32_t *go;
    uint32_t *grandchild;
};

static struct scene make_scene(void)
{
    struct scene scene = { .ready = fr_test_flag(),
                           .go = fr_test_flag(),
                           .grandchild = fr_test_flag() };

    strcpy(scene.ring, fr_test_name());
    strcpy(scene.region, fr_test_name());
    return scene;
}

/* ---- fork and exec --------------------------------------------------------------------------- */

/* Joins the ring, holds all but one of its four slots, and the region's lock. */
static int hold_much(const struct scene *scene)
{
    struct fr_writer *writer;
    struct fr_region *region;
    struct fr_slot *slot;
    int error = fr_writer_open(scene->ring, FR_NOWAIT, &writer);

    for (int i = 0; i < 3 && error == 0; i++)
        error = fr_writer_acquire(writer, FR_NOWAIT, &slot);
    if (error == 0)
        error = fr_region_open(scene->region, FR_READ_WRITE, FR_NOWAIT, &region);
    return error == 0 ? fr_region_lock(region, FR_EXCLUSIVE, FR_NOWAIT) : error;
}

/* Holds, and forks a child that outlives it; the test kills this one and later that one. */
static int hold_and_fork(void *argument)
{
    const struct scene *scene = argument;

    if (hold_much(scene) < 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        nap_ms(20000);
        _exit(0);
    }
    fr_test_raise(scene->grandchild, (uint32_t)child);
    fr_test_raise(scene->ready, 1);
    nap_ms(20000);
    return 2;
}

static int hold_and_exec(void *argument)
{
    const struct scene *scene = argument;

    if (hold_much(scene) < 0)
        return 1;
    fr_test_raise(scene->ready, 1);
    execl("/bin/sleep", "sleep", "20", (char *)NULL);
    return 2;
}

/* All four slots and the lock can be had within two seconds: nobody holds any. */
static void expect_all_free(struct fr_writer *writer, struct fr_region *region)
{
    struct fr_slot *slots[4];

    for (int i = 0; i < 4; i++)
        ck_assert_ok(fr_writer_acquire(writer, FR_S(2), &slots[i]));
    for (int i = 0; i < 4; i++)
        fr_writer_abort(&slots[i]);
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_S(2)), FR_EOWNERDEAD);
    ck_assert_ok(fr_region_unlock(region));
}

START_TEST(a_child_that_lives_on_keeps_nothing_of_its_dead_parent)
{
    struct scene scene = make_scene();
    struct fr_writer *writer = make_ring(scene.ring, 4, FR_BROADCAST, FR_BLOCK);
    struct fr_region *region;
    struct fr_slot *slot;
    struct fr_slot *second;

    ck_assert_ok(fr_region_create(scene.region, 64, NULL, &region));
    pid_t child = fr_test_child(hold_and_fork, &scene);
    ck_assert(fr_test_await(scene.ready, 1));
    pid_t grandchild = (pid_t)fr_test_flag_value(scene.grandchild);
    /* While it lives, what it holds is its own. */
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    ck_assert_error(fr_writer_acquire(writer, FR_MS(30), &second), FR_ETIMEDOUT);
    ck_assert_error(fr_region_lock(region, FR_EXCLUSIVE, FR_MS(30)), FR_ETIMEDOUT);
    fr_writer_abort(&slot);
    fr_test_kill(child);
    expect_all_free(writer, region);
    ck_assert_int_eq(kill(grandchild, 0), 0);
    kill(grandchild, SIGKILL);
    fr_region_close(&region);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(a_program_that_is_executed_keeps_nothing_of_the_one_before)
{
    struct scene scene = make_scene();
    struct fr_writer *writer = make_ring(scene.ring, 4, FR_BROADCAST, FR_BLOCK);
    struct fr_region *region;

    ck_assert_ok(fr_region_create(scene.region, 64, NULL, &region));
    pid_t child = fr_test_child(hold_and_exec, &scene);
    ck_assert(fr_test_await(scene.ready, 1));
    expect_all_free(writer, region);
    ck_assert_int_eq(kill(child, 0), 0);
    fr_test_kill(child);
    fr_region_close(&region);
    fr_writer_close(&writer);
}
END_TEST

static int leave_at_once(void *argument)
{
    (void)argument;
    return 7;
}

/* Opens for itself, as the header asks of a child. */
static int use_own_handles(void *argument)
{
    const struct scene *scene = argument;
    struct fr_writer *writer;
    int error = fr_writer_open(scene->ring, FR_NOWAIT, &writer);

    if (error == 0)
        error = put(writer, 2, FR_S(1));
    if (error == 0)
        fr_writer_close(&writer);
    return error == 0 ? 0 : 1;
}

START_TEST(children_come_and_go_while_their_parent_holds_slots)
{
    struct scene scene = make_scene();
    struct fr_writer *writer = make_ring(scene.ring, 4, FR_QUEUE, FR_BLOCK);
    struct fr_reader *reader = open_reader(scene.ring);
    const struct fr_slot *held;
    struct fr_slot *slot;

    put_all(writer, 1, 1);
    ck_assert_ok(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, &held));
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(fr_test_wait(fr_test_child(leave_at_once, NULL)), 7);
    ck_assert_int_eq(fr_test_wait(fr_test_child(use_own_handles, &scene)), 0);
    ck_assert(is_item(held, 1));
    fr_reader_release(&held);
    expect_item(reader, 2);
    fill_item(slot, 3);
    ck_assert_ok(fr_writer_publish(&slot));
    expect_item(reader, 3);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Signals --------------------------------------------------------------------------------- */

static void on_alarm(int number)
{
    (void)number;
}

/* A thousand signals a second, with SA_RESTART or without. */
static void start_alarms(bool restart)
{
    const struct sigaction action = { .sa_handler = on_alarm,
                                      .sa_flags = restart ? SA_RESTART : 0 };
    const struct itimerval each = { { 0, 1000 }, { 0, 1000 } };

    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &each, NULL), 0);
}

static void stop_alarms(void)
{
    const struct itimerval never = { { 0, 0 }, { 0, 0 } };

    setitimer(ITIMER_REAL, &never, NULL);
}

static void expect_timeout(int error, int expected, int64_t start, int64_t least_ms)
{
    ck_assert_error(error, expected);
    ck_assert_int_ge(ms_since(start), least_ms);
    ck_assert_int_lt(ms_since(start), least_ms + 10000);
}

START_TEST(a_storm_of_signals_changes_no_result)
{
    struct scene scene = make_scene();
    struct fr_reader *reader;
    struct fr_writer *writer;
    const struct fr_slot *got;
    struct fr_slot *slots[3];

    start_alarms(_i == 1);
    int64_t start = fr_now_ns();
    expect_timeout(fr_reader_open(scene.ring, NULL, FR_MS(200), &reader), FR_ENOENT, start, 200);
    for (int i = 0; i < 30; i++) {
        writer = make_ring(scene.ring, 64, FR_BROADCAST, FR_BLOCK);
        fr_writer_close(&writer);
    }
    writer = make_ring(scene.ring, 3, FR_BROADCAST, FR_BLOCK);
    reader = open_reader(scene.ring);
    start = fr_now_ns();
    expect_timeout(fr_reader_acquire(reader, FR_NEXT, FR_MS(200), &got), FR_ETIMEDOUT, start, 200);
    put_all(writer, 1, 1);
    for (int i = 0; i < 2; i++)
        ck_assert_ok(fr_writer_acquire(writer, FR_S(1), &slots[i]));
    start = fr_now_ns();
    expect_timeout(fr_writer_acquire(writer, FR_MS(200), &slots[2]), FR_ETIMEDOUT, start, 200);
    expect_item(reader, 1);
    for (int i = 0; i < 2; i++)
        fr_writer_abort(&slots[i]);
    stop_alarms();
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Threads that end while they wait --------------------------------------------------------- */

struct waiter {
    const char *name;
    struct fr_reader *reader;
    uint32_t *flag;
    int result;
};

__attribute__((noinline)) static void take_item(struct waiter *waiter)
{
    const struct fr_slot *slot;

    fr_test_raise(waiter->flag, 1);
    waiter->result = fr_reader_acquire(waiter->reader, FR_NEXT, FR_S(20), &slot);
    if (waiter->result == 0)
        fr_reader_release(&slot);
    fr_test_raise(waiter->flag, 2);
}

/* Cancelled in a function without variables: the address sanitizer would think them still there. */
static void *wait_for_item(void *argument)
{
    take_item(argument);
    for (;;)
        pause();
    return NULL;
}

static void *wait_for_name(void *argument)
{
    struct waiter *waiter = argument;

    fr_test_raise(waiter->flag, 1);
    waiter->result = fr_reader_open(waiter->name, NULL, FR_S(20), &waiter->reader);
    fr_test_raise(waiter->flag, 2);
    for (;;)
        pause();
    return NULL;
}

/* Cancelled in the middle of its wait, which is not ended by it; the thread ends behind it. */
static void cancel_waiting(pthread_t thread, struct waiter *waiter)
{
    ck_assert(fr_test_await(waiter->flag, 1));
    nap_ms(20);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    nap_ms(100);
    ck_assert_uint_eq(fr_test_flag_value(waiter->flag), 1);
}

static void expect_cancelled(pthread_t thread, const struct waiter *waiter)
{
    void *value;

    ck_assert_int_eq(pthread_join(thread, &value), 0);
    ck_assert_ptr_eq(value, PTHREAD_CANCELED);
    ck_assert_uint_eq(fr_test_flag_value(waiter->flag), 2);
    ck_assert_ok(waiter->result);
}

START_TEST(a_thread_that_is_cancelled_leaves_the_library_first)
{
    const char *name = fr_test_name();
    struct waiter waiter = { .name = name, .flag = fr_test_flag() };
    int descriptors = fr_test_descriptors();
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_name, &waiter), 0);
    cancel_waiting(thread, &waiter);
    struct fr_writer *writer = make_ring(name, 3, FR_BROADCAST, FR_BLOCK);
    expect_cancelled(thread, &waiter);

    waiter.flag = fr_test_flag();
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_item, &waiter), 0);
    cancel_waiting(thread, &waiter);
    put_all(writer, 1, 1);
    expect_cancelled(thread, &waiter);
    fr_reader_close(&waiter.reader);
    fr_writer_close(&writer);
    ck_assert_int_eq(fr_test_descriptors(), descriptors);
}
END_TEST

static int exit_while_waiting(void *argument)
{
    const struct scene *scene = argument;
    struct waiter waiter = { .flag = fr_test_flag() };
    pthread_t thread;

    if (hold_much(scene) < 0 || fr_reader_open(scene->ring, NULL, FR_NOWAIT, &waiter.reader) < 0 ||
        pthread_create(&thread, NULL, wait_for_item, &waiter) != 0 ||
        !fr_test_await(waiter.flag, 1))
        return 1;
    nap_ms(20);
    /* What exit does, without the report that check would write in our name. */
    fflush(stderr);
    _exit(9);
}

START_TEST(a_process_that_exits_in_one_thread_ends_the_waits_of_the_others)
{
    struct scene scene = make_scene();
    struct fr_writer *writer = make_ring(scene.ring, 4, FR_BROADCAST, FR_BLOCK);
    struct fr_region *region;

    ck_assert_ok(fr_region_create(scene.region, 64, NULL, &region));
    int64_t start = fr_now_ns();
    ck_assert_int_eq(fr_test_wait(fr_test_child(exit_while_waiting, &scene)), 9);
    ck_assert_int_lt(ms_since(start), 5000);
    expect_all_free(writer, region);
    fr_region_close(&region);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Limits ---------------------------------------------------------------------------------- */

/* Opens everything there is, closes what it got, and returns the first error. */
static int open_everything(const char *ring, const char *region)
{
    struct fr_writer *writer = NULL;
    struct fr_writer *second = NULL;
    struct fr_reader *reader = NULL;
    struct fr_region *owner = NULL;
    struct fr_region *guest = NULL;
    struct fr_info info = fr_info();
    int error = fr_writer_create(ring, &fr_writer_opts(.slot_size = 4096, .slots = 2), &writer);

    if (error == 0)
        error = fr_writer_open(ring, FR_NOWAIT, &second);
    if (error == 0)
        error = fr_reader_open(ring, NULL, FR_NOWAIT, &reader);
    if (error == 0)
        error = fr_region_create(region, 4096, NULL, &owner);
    if (error == 0)
        error = fr_region_open(region, FR_READ_WRITE, FR_NOWAIT, &guest);
    if (error == 0)
        error = fr_inspect(ring, &info);
    fr_region_close(&guest);
    fr_region_close(&owner);
    fr_reader_close(&reader);
    fr_writer_close(&second);
    fr_writer_close(&writer);
    return error;
}

/* Under each limit in turn: an error of that kind, no name or descriptor left, and then it works. */
static void try_limits(__rlimit_resource_t resource, rlim_t first, rlim_t step, int count,
                       int expected)
{
    const char *ring = fr_test_name();
    const char *region = fr_test_name();
    struct rlimit before;
    int failed = 0;
    int worked = 0;

    ck_assert_ok(open_everything(ring, region));
    int descriptors = fr_test_descriptors();
    ck_assert_int_eq(getrlimit(resource, &before), 0);
    for (int i = 0; i < count; i++) {
        struct rlimit limit = { .rlim_cur = first + (rlim_t)i * step, .rlim_max = before.rlim_max };

        ck_assert_int_eq(setrlimit(resource, &limit), 0);
        int error = open_everything(ring, region);
        setrlimit(resource, &before);
        ck_assert(error == 0 || error == expected);
        failed += error != 0;
        worked += error == 0;
        ck_assert_int_eq(fr_test_descriptors(), descriptors);
        ck_assert(!fr_test_exists(ring) && !fr_test_exists(region));
    }
    ck_assert_int_gt(failed, 0);
    ck_assert_int_gt(worked, 0);
    ck_assert_ok(open_everything(ring, region));
}

START_TEST(without_descriptors_each_opening_fails_and_leaves_nothing)
{
    try_limits(RLIMIT_NOFILE, 3, 1, 20, -EMFILE);
}
END_TEST

static rlim_t address_space(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return (rlim_t)pages * 4096;
}

START_TEST(without_address_space_each_opening_fails_and_leaves_nothing)
{
    if (!IS_SANITIZED)
        try_limits(RLIMIT_AS, address_space() & ~(rlim_t)4095, 4096, 120, FR_ENOMEM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process");

    TCase *process = tcase_create("process");
    tcase_set_timeout(process, 60);
    tcase_add_test(process, a_child_that_lives_on_keeps_nothing_of_its_dead_parent);
    tcase_add_test(process, a_program_that_is_executed_keeps_nothing_of_the_one_before);
    tcase_add_test(process, children_come_and_go_while_their_parent_holds_slots);
    tcase_add_loop_test(process, a_storm_of_signals_changes_no_result, 0, 2);
    tcase_add_test(process, a_thread_that_is_cancelled_leaves_the_library_first);
    tcase_add_test(process, a_process_that_exits_in_one_thread_ends_the_waits_of_the_others);
    tcase_add_test(process, without_descriptors_each_opening_fails_and_leaves_nothing);
    tcase_add_test(process, without_address_space_each_opening_fails_and_leaves_nothing);
    suite_add_tcase(suite, process);
    return fr_test_main(suite);
}
