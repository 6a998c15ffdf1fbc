/* SPDX-License-Identifier: MIT */
/*
 * Names and what stands behind them: who may have one, what becomes of it when its owner dies, and
 * how it is waited for. Files that are not ours or damaged are the matter of test_identity.c.
 */
#define _GNU_SOURCE
#include "support.h"

#include <framering/framering.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "layout.h"
#include "name.h"
#include "object.h"
#include "point.h"

#define PAGES 3

static struct fr_region *make(const char *name)
{
    struct fr_region *region;

    ck_assert_ok(fr_region_create(name, PAGES * FRI_PAGE, NULL, &region));
    return region;
}

static int create_and_die(void *name)
{
    struct fr_region *region;

    return fr_region_create(name, PAGES * FRI_PAGE, NULL, &region) < 0;
}

/* A name whose owner is dead, in storage that lasts. */
static void make_dead(char name[80])
{
    snprintf(name, 80, "%s", fr_test_name());
    ck_assert_int_eq(fr_test_wait(fr_test_child(create_and_die, name)), 0);
    ck_assert(fr_test_exists(name));
}

/* ---- Names ----------------------------------------------------------------------------- */

/* One character more than a name may have. */
#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123x"

START_TEST(good_names_are_good)
{
    const char *const names[] = { "a", "Z9", "a.b_c-d", "_x", "0", "a..b", "con", &LONG_NAME[1] };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(fri_name_is_valid(names[i]), "%s", names[i]);
}
END_TEST

START_TEST(bad_names_are_bad_for_every_function_that_takes_one)
{
    const char *const names[] = { "",     ".",     "..",   ".a",       "-a",     "a/b",
                                  "/a",   "a b",   "a\n",  "\xc3\xa4", "a*",     "../up",
                                  "a\\b", "a\x7f", "a\1b", "%s%n",     LONG_NAME };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fr_region *region = (void *)&region;

        ck_assert_error(fr_region_create(names[i], 1, NULL, &region), FR_EINVAL);
        ck_assert_ptr_null(region);
        ck_assert_error(fr_region_open(names[i], FR_READ_WRITE, FR_FOREVER, &region), FR_EINVAL);
        ck_assert_error(fr_array_create(names[i], 1, 1, NULL, &region), FR_EINVAL);
        ck_assert_error(fr_array_open(names[i], 1, FR_READ_ONLY, FR_FOREVER, &region), FR_EINVAL);
        ck_assert_error(fr_unlink(names[i]), FR_EINVAL);
    }
}
END_TEST

START_TEST(the_longest_name_works)
{
    char name[65];
    struct fr_region *region;

    snprintf(name, sizeof name, "%s", fr_test_name());
    memset(name + strlen(name), 'x', sizeof name - 1 - strlen(name));
    name[sizeof name - 1] = '\0';
    ck_assert_ok(fr_region_create(name, 1, NULL, &region));
    ck_assert(fr_test_exists(name));
    fr_region_close(&region);
    ck_assert(!fr_test_exists(name));
}
END_TEST

START_TEST(a_name_that_is_removed_leaves_those_attached_alone)
{
    const char *name = fr_test_name();
    struct fr_region *owner = make(name);
    struct fr_region *other;

    ck_assert_ok(fr_region_open(name, FR_READ_WRITE, 0, &other));
    ck_assert_ok(fr_unlink(name));
    ck_assert_error(fr_unlink(name), FR_ENOENT);
    *(unsigned char *)fr_region_data(owner) = 42;
    ck_assert_int_eq(*(unsigned char *)fr_region_data(other), 42);
    ck_assert_int_eq(fr_region_status(other), 0);
    fr_region_close(&owner);
    ck_assert_int_eq(fr_region_status(other), FR_ECLOSED);
    fr_region_close(&other);
}
END_TEST

START_TEST(an_owner_does_not_remove_a_name_that_is_another_object_now)
{
    const char *name = fr_test_name();
    struct fr_region *first = make(name);

    ck_assert_ok(fr_unlink(name));
    struct fr_region *second = make(name);
    fr_region_close(&first);
    ck_assert(fr_test_exists(name));
    fr_region_close(&second);
    ck_assert(!fr_test_exists(name));
}
END_TEST

/* ---- Owners ---------------------------------------------------------------------------- */

START_TEST(a_living_owner_keeps_his_name)
{
    const char *name = fr_test_name();
    struct fr_region *owner = make(name);
    struct fr_region *other = NULL;

    ck_assert_error(fr_region_create(name, 1, NULL, &other), FR_EEXIST);
    ck_assert_ptr_null(other);
    ck_assert_uint_eq(fr_region_size(owner), PAGES * FRI_PAGE);
    fr_region_close(&owner);
}
END_TEST

START_TEST(a_dead_owner_loses_it_and_his_guests_are_told)
{
    char name[80];
    struct fr_region *guest;
    struct fr_region *heir;

    make_dead(name);
    ck_assert_ok(fr_region_open(name, FR_READ_WRITE, 0, &guest));
    ck_assert_int_eq(fr_region_status(guest), FR_EOWNERDEAD);
    heir = make(name);
    ck_assert_int_eq(fr_region_status(guest), FR_EOWNERDEAD);
    ck_assert_int_eq(fr_region_status(heir), 0);
    *(unsigned char *)fr_region_data(guest) = 7;
    ck_assert_int_eq(*(unsigned char *)fr_region_data(heir), 0);
    fr_region_close(&guest);
    ck_assert(fr_test_exists(name));
    fr_region_close(&heir);
}
END_TEST

START_TEST(guests_of_a_dead_owner_do_not_keep_his_name)
{
    char name[80];
    struct fr_region *guests[3];

    make_dead(name);
    for (int i = 0; i < 3; i++)
        ck_assert_ok(fr_region_open(name, i ? FR_READ_WRITE : FR_READ_ONLY, 0, &guests[i]));
    struct fr_region *heir = make(name);
    fr_region_close(&heir);
    for (int i = 0; i < 3; i++)
        fr_region_close(&guests[i]);
}
END_TEST

struct contest {
    char name[80];
    uint32_t *start;
    uint32_t *tried;
    uint32_t *winners;
    uint32_t *stop;
};

static int contend(void *argument)
{
    struct contest *contest = argument;
    struct fr_region *region;

    while (fr_test_flag_value(contest->start) == 0)
        continue;
    int error = fr_region_create(contest->name, 1, NULL, &region);
    if (error == 0)
        __atomic_add_fetch(contest->winners, 1, __ATOMIC_SEQ_CST);
    else if (error != FR_EEXIST)
        return 1;
    __atomic_add_fetch(contest->tried, 1, __ATOMIC_SEQ_CST);
    return fr_test_await(contest->stop, 1) ? 0 : 2;
}

#define CONTENDERS 3

START_TEST(of_several_contenders_for_a_name_exactly_one_wins)
{
    for (int round = 0; round < 60; round++) {
        uint32_t *flags = fr_test_flag();
        struct contest contest = {
            .start = flags, .tried = flags + 1, .winners = flags + 2, .stop = flags + 3
        };
        pid_t children[CONTENDERS];

        if (_i)
            make_dead(contest.name);
        else
            snprintf(contest.name, sizeof contest.name, "%s", fr_test_name());
        for (int i = 0; i < CONTENDERS; i++)
            children[i] = fr_test_child(contend, &contest);
        fr_test_raise(contest.start, 1);
        ck_assert(fr_test_await(contest.tried, CONTENDERS));
        fr_test_raise(contest.stop, 1);
        for (int i = 0; i < CONTENDERS; i++)
            ck_assert_int_eq(fr_test_wait(children[i]), 0);
        ck_assert_uint_eq(fr_test_flag_value(contest.winners), 1);
        ck_assert_ok(fr_unlink(contest.name));
    }
}
END_TEST

START_TEST(a_name_can_be_made_and_lost_many_times)
{
    char name[80];

    snprintf(name, sizeof name, "%s", fr_test_name());
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(fr_test_wait(fr_test_child(create_and_die, name)), 0);
    ck_assert_ok(fr_unlink(name));
}
END_TEST

static const char *kill_at;

static void kill_here(const char *point)
{
    if (strcmp(point, kill_at) == 0)
        raise(SIGKILL);
}

static int create_until_killed(void *name)
{
    struct fr_region *region;

    fri_point_hook = kill_here;
    int error = fr_region_create(name, 1, NULL, &region);
    if (error == 0)
        fr_region_close(&region);
    return error < 0;
}

static const char *const life_of_a_name[] = {
    "owner bytes of the dead locked",
    "dead name removed",
    "locker byte taken",
    "object complete, no name",
    "object named",
    "region closed, name left",
    "region name removed",
};

START_TEST(wherever_an_owner_is_killed_the_name_can_be_had_at_once)
{
    char name[80];

    make_dead(name);
    kill_at = life_of_a_name[_i];
    ck_assert_int_eq(fr_test_wait(fr_test_child(create_until_killed, name)), 128 + SIGKILL);
    struct fr_region *heir = make(name);
    ck_assert_int_eq(fr_region_status(heir), 0);
    fr_region_close(&heir);
    ck_assert(!fr_test_exists(name));
}
END_TEST

/* ---- Removing at the same time --------------------------------------------------------- */

/* A child that removes a dead name: it stops in the middle for so long, and tells when it does. */
struct removal {
    char name[80];
    useconds_t pause_us;
    uint32_t *is_in_the_middle;
};

static struct removal removal;

static void tell_and_pause(const char *point)
{
    if (strcmp(point, "owner bytes of the dead locked") != 0)
        return;
    fr_test_raise(removal.is_in_the_middle, 1);
    usleep(removal.pause_us);
}

static int collect_slowly(void *unused)
{
    (void)unused;
    fri_point_hook = tell_and_pause;
    return fr_collect(removal.name) < 0;
}

static pid_t begin_to_collect(useconds_t pause_us)
{
    make_dead(removal.name);
    removal.pause_us = pause_us;
    removal.is_in_the_middle = fr_test_flag();
    pid_t child = fr_test_child(collect_slowly, NULL);
    ck_assert(fr_test_await(removal.is_in_the_middle, 1));
    return child;
}

START_TEST(a_dead_name_that_somebody_else_is_removing_is_waited_for)
{
    pid_t child = begin_to_collect(50000);

    ck_assert_error(fr_collect(removal.name), FR_EBUSY);
    struct fr_region *region = make(removal.name);
    ck_assert_int_eq(fr_test_wait(child), 0);
    ck_assert(fr_test_exists(removal.name));
    fr_region_close(&region);
}
END_TEST

START_TEST(who_removes_a_name_and_is_stopped_is_not_waited_for_without_end)
{
    pid_t child = begin_to_collect(60000000);
    struct fr_region *region;

    ck_assert_error(fr_region_create(removal.name, 1, NULL, &region), FR_EEXIST);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EEXIST), "is it stopped?"));
    fr_test_kill(child);
    region = make(removal.name);
    fr_region_close(&region);
}
END_TEST

/* ---- Waiting --------------------------------------------------------------------------- */

static int create_later(void *name)
{
    struct fr_region *region;
    struct timespec nap = { .tv_nsec = 20000000 };

    nanosleep(&nap, NULL);
    if (fr_region_create(name, 1, NULL, &region) < 0)
        return 1;
    pause();
    return 0;
}

START_TEST(a_name_can_be_waited_for)
{
    char name[80];
    struct fr_region *region;

    snprintf(name, sizeof name, "%s", fr_test_name());
    pid_t child = fr_test_child(create_later, name);
    ck_assert_ok(fr_region_open(name, FR_READ_WRITE, FR_FOREVER, &region));
    ck_assert_int_eq(fr_region_status(region), 0);
    fr_region_close(&region);
    fr_test_kill(child);
}
END_TEST

START_TEST(a_name_that_never_comes_is_not_waited_for_longer_or_much_shorter)
{
    const int64_t times[] = { 0, 1, FR_MS(1), FR_MS(30) };
    struct fr_region *region;
    int64_t start = fri_clock_now();

    ck_assert_error(fr_region_open(fr_test_name(), FR_READ_ONLY, times[_i], &region), FR_ENOENT);
    ck_assert_int_ge(fri_clock_now() - start, times[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("object");

    TCase *names = tcase_create("names");
    tcase_add_test(names, good_names_are_good);
    tcase_add_test(names, bad_names_are_bad_for_every_function_that_takes_one);
    tcase_add_test(names, the_longest_name_works);
    tcase_add_test(names, a_name_that_is_removed_leaves_those_attached_alone);
    tcase_add_test(names, an_owner_does_not_remove_a_name_that_is_another_object_now);
    suite_add_tcase(suite, names);

    TCase *owners = tcase_create("owners");
    tcase_set_timeout(owners, 60);
    tcase_add_test(owners, a_living_owner_keeps_his_name);
    tcase_add_test(owners, a_dead_owner_loses_it_and_his_guests_are_told);
    tcase_add_test(owners, guests_of_a_dead_owner_do_not_keep_his_name);
    tcase_add_loop_test(owners, of_several_contenders_for_a_name_exactly_one_wins, 0, 2);
    tcase_add_test(owners, a_name_can_be_made_and_lost_many_times);
    tcase_add_loop_test(owners, wherever_an_owner_is_killed_the_name_can_be_had_at_once, 0,
                        sizeof life_of_a_name / sizeof life_of_a_name[0]);
    suite_add_tcase(suite, owners);

    TCase *waiting = tcase_create("waiting");
    tcase_set_timeout(waiting, 30);
    tcase_add_test(waiting, a_dead_name_that_somebody_else_is_removing_is_waited_for);
    tcase_add_test(waiting, who_removes_a_name_and_is_stopped_is_not_waited_for_without_end);
    tcase_add_test(waiting, a_name_can_be_waited_for);
    tcase_add_loop_test(waiting, a_name_that_never_comes_is_not_waited_for_longer_or_much_shorter,
                        0, 4);
    suite_add_tcase(suite, waiting);

    return fr_test_main(suite);
}
