/* SPDX-License-Identifier: MIT */
/* Observers: readers that may only read. What they see, what they hold, what they cannot do. */
#define _GNU_SOURCE
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "point.h"
#include "ring.h"
#include "slot.h"
#include "support.h"

#define NOBODY 65534

static const char *name;
static struct fr_writer *writer;
static struct fr_reader *observer;

static void create(enum fr_overflow overflow, uint32_t slots, uint32_t mode)
{
    name = fr_test_name();
    ck_assert_ok(
        fr_writer_create(name,
                         &fr_writer_opts(.slot_size = 8, .slots = slots, .overflow = overflow,
                                         .observers = 1, .mode = mode),
                         &writer));
}

static void observe(void)
{
    ck_assert_ok(fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &observer));
}

static void finish(void)
{
    fri_point_hook = NULL;
    fr_reader_close(&observer);
    fr_writer_close(&writer);
    ck_assert(!fr_test_exists(name));
}

static void write_value(uint64_t value)
{
    ck_assert_ok(fr_writer_write(writer, &value, sizeof value, FR_NOWAIT));
}

static uint64_t value_of(const struct fr_slot *slot)
{
    uint64_t value;

    memcpy(&value, slot->data, sizeof value);
    return value;
}

START_TEST(observer_sees_every_item_in_order)
{
    const struct fr_slot *slot;

    create(FR_BLOCK, 4, 0);
    observe();
    for (uint64_t i = 1; i <= 100; i++) {
        write_value(i * 7);
        ck_assert_ok(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &slot));
        ck_assert_uint_eq(slot->sequence, i);
        ck_assert_uint_eq(value_of(slot), i * 7);
        fr_reader_release(&slot);
    }
    ck_assert_error(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &slot), FR_ETIMEDOUT);
    finish();
}
END_TEST

START_TEST(observer_that_comes_late_gets_the_newest_item_at_once)
{
    const struct fr_slot *slot;

    create(FR_DROP_OLDEST, 4, 0);
    for (uint64_t i = 1; i <= 10; i++)
        write_value(i);
    observe();
    ck_assert_ok(fr_reader_acquire(observer, FR_LATEST, FR_NOWAIT, &slot));
    ck_assert_uint_eq(value_of(slot), 10);
    ck_assert_uint_eq(slot->loss.overwritten + slot->loss.skipped, 0);
    fr_reader_release(&slot);
    finish();
}
END_TEST

START_TEST(what_an_observer_holds_is_not_overwritten)
{
    const struct fr_slot *held[2];

    create(FR_DROP_OLDEST, 4, 0);
    observe();
    write_value(1);
    write_value(2);
    ck_assert_ok(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &held[0]));
    ck_assert_ok(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &held[1]));
    for (uint64_t i = 3; i <= 200; i++) {
        write_value(i);
        ck_assert_uint_eq(value_of(held[0]), 1);
        ck_assert_uint_eq(value_of(held[1]), 2);
    }
    fr_reader_release(&held[1]);
    fr_reader_release(&held[0]);
    finish();
}
END_TEST

START_TEST(slots_that_observers_hold_are_all_that_a_blocking_writer_waits_for)
{
    const struct fr_slot *held;
    uint64_t value = 9;

    create(FR_BLOCK, 2, 0);
    observe();
    write_value(1);
    ck_assert_ok(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &held));
    write_value(2);
    /* One slot is held, the other has the newest item. */
    ck_assert_error(fr_writer_write(writer, &value, sizeof value, FR_MS(20)), FR_ETIMEDOUT);
    fr_reader_release(&held);
    ck_assert_ok(fr_writer_write(writer, &value, sizeof value, FR_S(1)));
    finish();
}
END_TEST

static int wait_and_hold(void *argument)
{
    uint32_t *flag = argument;
    const struct fr_slot *slot;

    if (fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &observer) < 0)
        return 1;
    fr_test_raise(flag, 1);
    if (fr_reader_acquire(observer, FR_NEXT, FR_S(10), &slot) < 0 || value_of(slot) != 5)
        return 2;
    fr_test_raise(flag, 2);
    for (;;)
        pause();
}

START_TEST(sleeping_observer_is_woken_and_its_slot_comes_back_when_it_is_killed)
{
    uint32_t *flag = fr_test_flag();
    struct fr_slot *slot;

    create(FR_BLOCK, 2, 0);
    pid_t child = fr_test_child(wait_and_hold, flag);
    ck_assert(fr_test_await(flag, 1));
    usleep(20000);
    write_value(5);
    ck_assert(fr_test_await(flag, 2));
    write_value(6);
    ck_assert_error(fr_writer_acquire(writer, FR_MS(20), &slot), FR_ETIMEDOUT);
    fr_test_kill(child);
    ck_assert_ok(fr_writer_acquire(writer, FR_S(2), &slot));
    fr_writer_abort(&slot);
    finish();
}
END_TEST

START_TEST(child_of_a_dead_observer_does_not_keep_its_slots)
{
    uint32_t *flag = fr_test_flag();
    const struct fr_slot *held;
    struct fr_slot *slot;

    create(FR_BLOCK, 2, 0);
    observe();
    write_value(1);
    ck_assert_ok(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &held));
    pid_t child = fork();
    if (child == 0) {
        fr_test_raise(flag, 1);
        for (;;)
            pause();
    }
    ck_assert(fr_test_await(flag, 1));
    write_value(2);
    /* As if we had died: the descriptor goes, and the child has none. */
    close(observer->seat->object.fd);
    ck_assert_ok(fr_writer_acquire(writer, FR_S(1), &slot));
    fr_writer_abort(&slot);
    fr_test_kill(child);
    observer->seat->object.fd = dup(STDERR_FILENO);
    fr_reader_release(&held);
    finish();
}
END_TEST

static int write_through(void *argument)
{
    const struct fr_slot *slot;
    const bool control = argument != NULL;

    /* A sanitizer would catch the signal, and end us in its own way. */
    signal(SIGSEGV, SIG_DFL);
    if (fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &observer) < 0 ||
        fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &slot) < 0)
        return 1;
    if (control)
        word_store(&observer->seat->page->tail, 77);
    else
        memset((void *)(uintptr_t)slot->data, 1, 1);
    return 0;
}

START_TEST(observer_cannot_write_neither_pixels_nor_control_words)
{
    create(FR_BLOCK, 4, 0);
    write_value(1);
    ck_assert_int_eq(fr_test_wait(fr_test_child(write_through, NULL)), 128 + SIGSEGV);
    ck_assert_int_eq(fr_test_wait(fr_test_child(write_through, &writer)), 128 + SIGSEGV);
    fr_reader_close(&observer);
    fr_writer_close(&writer);
}
END_TEST

START_TEST(ring_that_does_not_admit_observers_says_so)
{
    name = fr_test_name();
    ck_assert_ok(fr_writer_create(name, &fr_writer_opts(.slot_size = 8), &writer));
    ck_assert_error(fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &observer),
                    FR_ENOTSUP);
    ck_assert_ptr_null(observer);
    fr_writer_close(&writer);
    ck_assert_error(fr_writer_create(name,
                                     &fr_writer_opts(.slot_size = 8, .observers = 1,
                                                     .delivery = FR_QUEUE),
                                     &writer),
                    FR_EINVAL);
}
END_TEST

START_TEST(more_observers_than_members_can_look)
{
    struct fr_reader *many[FR_MAX_MEMBERS + 8];
    const struct fr_slot *slot;
    const int count = FR_MAX_MEMBERS + 8;

    create(FR_BLOCK, 4, 0);
    write_value(3);
    for (int i = 0; i < count; i++)
        ck_assert_ok(fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &many[i]));
    for (int i = 0; i < count; i++) {
        ck_assert_ok(fr_reader_acquire(many[i], FR_NEXT, FR_NOWAIT, &slot));
        ck_assert_uint_eq(value_of(slot), 3);
        fr_reader_release(&slot);
        fr_reader_close(&many[i]);
    }
    fr_writer_close(&writer);
}
END_TEST

START_TEST(observer_sees_the_end_and_moves_over_to_the_next_ring)
{
    const struct fr_slot *slot;

    create(FR_DROP_OLDEST, 4, 0);
    observe();
    write_value(1);
    fr_writer_close(&writer);
    ck_assert_ok(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &slot));
    fr_reader_release(&slot);
    ck_assert_error(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &slot), FR_ECLOSED);
    ck_assert_ok(fr_writer_create(name, &fr_writer_opts(.slot_size = 64, .observers = 1), &writer));
    write_value(2);
    ck_assert_ok(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &slot));
    ck_assert_uint_eq(value_of(slot), 2);
    fr_reader_release(&slot);
    finish();
}
END_TEST

/* ---- The crossing of claim and observation ------------------------------------------------- */

static const struct fr_slot *held;

static void observe_once(const char *point)
{
    if (strcmp(point, "chosen, not claimed") == 0 && !held)
        ck_assert_ok(fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &held));
}

START_TEST(writer_steps_back_from_a_slot_that_was_observed_after_it_was_chosen)
{
    struct fr_slot *slot;

    create(FR_DROP_OLDEST, 3, 0);
    observe();
    for (uint64_t i = 1; i <= 3; i++)
        write_value(i);
    fri_point_hook = observe_once;
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &slot));
    fri_point_hook = NULL;
    ck_assert_ptr_nonnull(held);
    memset(slot->data, 0xff, 8);
    ck_assert_uint_eq(value_of(held), held->sequence);
    fr_writer_abort(&slot);
    fr_reader_release(&held);
    finish();
}
END_TEST

static void announce_only(const char *point)
{
    if (strcmp(point, "announced") != 0)
        return;
    fri_point_hook = NULL;
    ck_assert_ok(fr_reader_acquire(observer, FR_LATEST, FR_NOWAIT, &held));
}

START_TEST(observer_reads_an_item_that_is_announced_but_not_completed)
{
    create(FR_BLOCK, 4, 0);
    observe();
    write_value(1);
    fri_point_hook = announce_only;
    write_value(2);
    ck_assert_ptr_nonnull(held);
    ck_assert_uint_eq(value_of(held), 2);
    fr_reader_release(&held);
    finish();
}
END_TEST

/* ---- Another user --------------------------------------------------------------------------- */

/* 0 if the other user can do exactly what mode allows it to. */
static int look_as_nobody(void *argument)
{
    const uint32_t mode = *(const uint32_t *)argument;
    const struct fr_slot *slot;
    struct fr_reader *member;
    char full[80];

    snprintf(full, sizeof full, "%u:%s", (unsigned)geteuid(), name);
    if (setgroups(0, NULL) < 0 || setresgid(getegid(), getegid(), getegid()) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return 77;
    int error = fr_reader_open(full, &fr_reader_opts(.observe = 1), FR_NOWAIT, &observer);
    if (mode == 0600)
        return error == FR_EACCES ? 0 : 1;
    if (error < 0 || fr_reader_acquire(observer, FR_NEXT, FR_NOWAIT, &slot) < 0 ||
        value_of(slot) != 11)
        return 2;
    if (fr_reader_open(full, NULL, FR_NOWAIT, &member) != FR_EACCES)
        return 3;
    if (fr_unlink(full) != FR_EACCES && geteuid() != 0)
        return fr_unlink(full) == -1 /* EPERM, of the sticky directory */ ? 0 : 4;
    return 0;
}

START_TEST(user_of_the_group_can_observe_and_nothing_else)
{
    uint32_t modes[] = { 0600, 0640 };

    if (geteuid() != 0) {
        printf("skipped: becoming another user needs root\n");
        return;
    }
    for (int i = 0; i < 2; i++) {
        create(FR_BLOCK, 4, modes[i]);
        write_value(11);
        ck_assert_int_eq(fr_test_wait(fr_test_child(look_as_nobody, &modes[i])), 0);
        fr_writer_close(&writer);
    }
}
END_TEST

START_TEST(name_of_another_user_cannot_be_created)
{
    ck_assert_error(fr_writer_create("4294967294:x", &fr_writer_opts(.slot_size = 8), &writer),
                    FR_EACCES);
    ck_assert_error(fr_writer_create("x:y", &fr_writer_opts(.slot_size = 8), &writer), FR_EINVAL);
    ck_assert_error(fr_writer_create("12345678901:y", &fr_writer_opts(.slot_size = 8), &writer),
                    FR_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("observer");
    TCase *all = tcase_create("observer");

    tcase_set_timeout(all, 30);
    tcase_add_test(all, observer_sees_every_item_in_order);
    tcase_add_test(all, observer_that_comes_late_gets_the_newest_item_at_once);
    tcase_add_test(all, what_an_observer_holds_is_not_overwritten);
    tcase_add_test(all, slots_that_observers_hold_are_all_that_a_blocking_writer_waits_for);
    tcase_add_test(all, sleeping_observer_is_woken_and_its_slot_comes_back_when_it_is_killed);
    tcase_add_test(all, child_of_a_dead_observer_does_not_keep_its_slots);
    tcase_add_test(all, observer_cannot_write_neither_pixels_nor_control_words);
    tcase_add_test(all, ring_that_does_not_admit_observers_says_so);
    tcase_add_test(all, more_observers_than_members_can_look);
    tcase_add_test(all, observer_sees_the_end_and_moves_over_to_the_next_ring);
    tcase_add_test(all, writer_steps_back_from_a_slot_that_was_observed_after_it_was_chosen);
    tcase_add_test(all, observer_reads_an_item_that_is_announced_but_not_completed);
    tcase_add_test(all, user_of_the_group_can_observe_and_nothing_else);
    tcase_add_test(all, name_of_another_user_cannot_be_created);
    suite_add_tcase(suite, all);
    return fr_test_main(suite);
}
