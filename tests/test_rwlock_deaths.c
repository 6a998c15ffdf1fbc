/* SPDX-License-Identifier: MIT */
/*
 * What lockers leave that died in each of the states of rwlock.h, and what somebody left who wrote
 * over the words. A descriptor that is closed stands for the death of its locker.
 */
#define _GNU_SOURCE
#include "support.h"

#include <stdlib.h>

#include "base.h"
#include "platform.h"
#include "rwlock.h"

/* The word of rwlock.h, spelled out once more: a test that borrowed it would borrow its mistakes. */
#define FREE UINT64_C(0)
#define CLAIMED(w) (UINT64_C(1) | (uint64_t)(w) << 8)
#define HELD(w) (UINT64_C(2) | (uint64_t)(w) << 8)
#define PENDING UINT64_C(4)
#define TOLD(r) (UINT64_C(8) | (uint64_t)(r) << 16)

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

/* ---- Deaths ---------------------------------------------------------------------------- */

static int object_fd;

static void open_object(void)
{
    ck_assert_ok(fri_file_create(1, 0600, &object_fd));
}

/* A locker with a place of its own; *fd is what keeps it alive. */
static struct fri_rwlock live_locker(int *fd)
{
    struct fri_rwlock lock;

    ck_assert_ok(fri_file_reopen(object_fd, true, fd));
    fri_rwlock_attach(&lock, &words, *fd, object_fd);
    return lock;
}

START_TEST(places_are_taken_in_order_and_again_when_free)
{
    int fds[3];

    open_object();
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(live_locker(&fds[i]).index, i);
    fri_file_close(fds[1]);
    ck_assert_uint_eq(live_locker(&fds[1]).index, 1);
}
END_TEST

START_TEST(there_are_256_places_and_no_more)
{
    int fds[257];

    open_object();
    for (uint32_t i = 0; i < 256; i++)
        ck_assert_uint_eq(live_locker(&fds[i]).index, i);
    ck_assert_uint_eq(live_locker(&fds[256]).index, FRI_NO_LOCKER);
    fri_file_close(fds[77]);
    fri_file_close(fds[256]);
    ck_assert_uint_eq(live_locker(&fds[256]).index, 77);
}
END_TEST

START_TEST(who_takes_the_place_of_a_dead_one_cleans_it_up)
{
    int fd;

    open_object();
    word_store(&words.readers[0], 1);
    word_store(&words.writer, TOLD(0));
    live_locker(&fd);
    ck_assert_uint_eq(word_load(&words.readers[0]), 0);
    ck_assert_uint_eq(word_load(&words.writer), PENDING);
}
END_TEST

/* What a dead locker can leave, for a locker alive at place 0 and dead ones at 5, 64 and 255. */
struct legacy {
    const char *what;
    uint64_t writer;
    uint64_t readers[4];
    int exclusive; /* what the next one is told that locks so */
    int shared;
};

static const struct legacy legacies[] = {
    { "nothing", FREE, { 0 }, 0, 0 },
    { "a reader died", FREE, { 1 << 5 }, 0, 0 },
    { "many readers died", FREE, { 1 << 5, 1, 0, UINT64_C(1) << 63 }, 0, 0 },
    { "a waiting writer died", CLAIMED(5), { 0 }, 0, 0 },
    { "it and a reader died", CLAIMED(64), { 1 << 5 }, 0, 0 },
    { "it died before looking at its own bit", CLAIMED(5), { 1 << 5 }, 0, 0 },
    { "a writer died", HELD(5), { 0 }, FR_EOWNERDEAD, FR_EOWNERDEAD },
    { "another writer died", HELD(255), { 0 }, FR_EOWNERDEAD, FR_EOWNERDEAD },
    { "it died while a reader looked", HELD(5), { 0, 1 }, FR_EOWNERDEAD, FR_EOWNERDEAD },
    { "nobody was told", PENDING, { 0 }, FR_EOWNERDEAD, FR_EOWNERDEAD },
    { "who waited for the news died", PENDING | CLAIMED(5), { 0 }, FR_EOWNERDEAD, FR_EOWNERDEAD },
    { "who was told died", TOLD(5), { 1 << 5 }, FR_EOWNERDEAD, FR_EOWNERDEAD },
    { "it and a waiting writer died",
      TOLD(5) | CLAIMED(64),
      { 1 << 5 },
      FR_EOWNERDEAD,
      FR_EOWNERDEAD },
};

static void inherit(const struct legacy *legacy)
{
    open_object();
    word_store(&words.writer, legacy->writer);
    for (int i = 0; i < 4; i++)
        word_store(&words.readers[i], legacy->readers[i]);
}

static void assert_told_once(enum fr_lock kind, int64_t timeout_ns, int expected)
{
    int fds[2];
    struct fri_rwlock one = live_locker(&fds[0]);
    struct fri_rwlock two = live_locker(&fds[1]);

    ck_assert_error(fri_rwlock_lock(&one, kind, timeout_ns), expected);
    ck_assert_ok(fri_rwlock_unlock(&one));
    ck_assert_ok(fri_rwlock_lock(&two, kind, timeout_ns));
    ck_assert_ok(fri_rwlock_unlock(&two));
    ck_assert_ok(fri_rwlock_lock(&one, FR_EXCLUSIVE, timeout_ns));
    ck_assert_ok(fri_rwlock_unlock(&one));
    assert_untouched();
}

START_TEST(whatever_a_death_left_the_next_writer_gets_in_and_is_told_once)
{
    inherit(&legacies[_i]);
    assert_told_once(FR_EXCLUSIVE, FR_FOREVER, legacies[_i].exclusive);
}
END_TEST

START_TEST(whatever_a_death_left_the_next_reader_gets_in_and_is_told_once)
{
    inherit(&legacies[_i]);
    assert_told_once(FR_SHARED, FR_FOREVER, legacies[_i].shared);
}
END_TEST

START_TEST(who_does_not_wait_finds_the_dead_as_well)
{
    int fd;

    inherit(&legacies[_i]);
    struct fri_rwlock one = live_locker(&fd);
    /* A claim and readers in its way are two deaths, and one look takes care of one. */
    int result = fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_NOWAIT);
    if (result == FR_ETIMEDOUT)
        result = fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_NOWAIT);
    ck_assert_error(result, legacies[_i].exclusive);
    ck_assert_ok(fri_rwlock_unlock(&one));
    assert_untouched();
}
END_TEST

START_TEST(the_news_is_told_again_when_a_writer_that_knew_it_dies)
{
    int fds[2];

    open_object();
    word_store(&words.writer, PENDING);
    struct fri_rwlock one = live_locker(&fds[0]);
    struct fri_rwlock two = live_locker(&fds[1]);
    ck_assert_error(fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_NOWAIT), FR_EOWNERDEAD);
    fri_file_close(fds[0]);
    ck_assert_error(fri_rwlock_lock(&two, FR_EXCLUSIVE, FR_FOREVER), FR_EOWNERDEAD);
    ck_assert_ok(fri_rwlock_unlock(&two));
    assert_untouched();
}
END_TEST

START_TEST(the_news_is_told_again_when_a_reader_that_knew_it_dies)
{
    int fds[3];

    open_object();
    word_store(&words.writer, PENDING);
    struct fri_rwlock one = live_locker(&fds[0]);
    struct fri_rwlock two = live_locker(&fds[1]);
    struct fri_rwlock three = live_locker(&fds[2]);
    ck_assert_error(fri_rwlock_lock(&one, FR_SHARED, FR_NOWAIT), FR_EOWNERDEAD);
    ck_assert_ok(fri_rwlock_lock(&two, FR_SHARED, FR_NOWAIT));
    fri_file_close(fds[0]);
    ck_assert_error(fri_rwlock_lock(&three, FR_SHARED, FR_NOWAIT), FR_EOWNERDEAD);
    ck_assert_ok(fri_rwlock_unlock(&two));
    ck_assert_ok(fri_rwlock_unlock(&three));
    assert_untouched();
}
END_TEST

START_TEST(news_waits_while_a_writer_only_waits)
{
    int fds[2];

    open_object();
    struct fri_rwlock reader = live_locker(&fds[0]);
    struct fri_rwlock writer = live_locker(&fds[1]);
    ck_assert_ok(fri_rwlock_lock(&reader, FR_SHARED, FR_NOWAIT));
    word_store(&words.writer, PENDING);
    ck_assert_error(fri_rwlock_lock(&writer, FR_EXCLUSIVE, FR_MS(1)), FR_ETIMEDOUT);
    ck_assert_uint_eq(word_load(&words.writer), PENDING);
    ck_assert_ok(fri_rwlock_unlock(&reader));
    ck_assert_error(fri_rwlock_lock(&writer, FR_EXCLUSIVE, FR_NOWAIT), FR_EOWNERDEAD);
    ck_assert_ok(fri_rwlock_unlock(&writer));
}
END_TEST

START_TEST(a_living_holder_is_never_recovered)
{
    int fds[3];

    open_object();
    struct fri_rwlock one = live_locker(&fds[0]);
    struct fri_rwlock two = live_locker(&fds[1]);
    struct fri_rwlock three = live_locker(&fds[2]);
    ck_assert_ok(fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_NOWAIT));
    ck_assert_error(fri_rwlock_lock(&two, FR_EXCLUSIVE, FR_MS(40)), FR_ETIMEDOUT);
    ck_assert_error(fri_rwlock_lock(&two, FR_SHARED, FR_MS(40)), FR_ETIMEDOUT);
    ck_assert_ok(fri_rwlock_unlock(&one));
    ck_assert_ok(fri_rwlock_lock(&one, FR_SHARED, FR_NOWAIT));
    ck_assert_ok(fri_rwlock_lock(&two, FR_SHARED, FR_NOWAIT));
    ck_assert_error(fri_rwlock_lock(&three, FR_EXCLUSIVE, FR_MS(40)), FR_ETIMEDOUT);
    ck_assert_ok(fri_rwlock_unlock(&two));
    ck_assert_ok(fri_rwlock_unlock(&one));
    assert_untouched();
}
END_TEST

/* ---- Words that somebody wrote over ---------------------------------------------------- */

static const uint64_t nonsense[] = {
    3,
    HELD(2), /* ours, and we hold nothing */
    CLAIMED(2),
    1 << 8,  /* free, with an owner */
    12,      /* news of no kind */
    1 << 16, /* told, without news */
    PENDING | 1 << 16,
    16,
    UINT64_C(1) << 24,
    UINT64_C(1) << 63,
    UINT64_MAX,
};

START_TEST(a_word_that_makes_no_sense_is_told_and_left_alone)
{
    struct fri_rwlock one = locker(2);

    word_store(&words.writer, nonsense[_i]);
    ck_assert_error(fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_FOREVER), FR_ECORRUPT);
    ck_assert_error(fri_rwlock_lock(&one, FR_SHARED, FR_FOREVER), FR_ECORRUPT);
    ck_assert_uint_eq(word_load(&words.writer), nonsense[_i]);
    ck_assert_uint_eq(word_load(&words.readers[0]), 0);
}
END_TEST

START_TEST(a_writer_whose_word_was_written_over_is_told_and_can_go_on)
{
    struct fri_rwlock one = locker(2);

    ck_assert_ok(fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_NOWAIT));
    word_store(&words.writer, HELD(3));
    ck_assert_error(fri_rwlock_unlock(&one), FR_ECORRUPT);
    ck_assert_uint_eq(word_load(&words.writer), HELD(3));
    word_store(&words.writer, FREE);
    ck_assert_ok(fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_NOWAIT));
    ck_assert_ok(fri_rwlock_unlock(&one));
}
END_TEST

START_TEST(our_own_bit_left_behind_is_not_waited_for)
{
    struct fri_rwlock one = locker(70);

    word_store(&words.readers[1], 1 << 6);
    ck_assert_ok(fri_rwlock_lock(&one, FR_EXCLUSIVE, FR_NOWAIT));
    ck_assert_ok(fri_rwlock_unlock(&one));
}
END_TEST

static uint64_t random_word(void)
{
    uint64_t word = 0;

    for (int i = 0; i < 5; i++)
        word = word << 16 ^ (uint64_t)rand();
    return rand() % 2 ? word : word & 0xff0fff;
}

START_TEST(random_words_neither_crash_nor_hang)
{
    int fd;

    open_object();
    struct fri_rwlock one = live_locker(&fd);
    srand(1);
    for (int i = 0; i < 20000; i++) {
        word_store(&words.writer, random_word());
        word_store(&words.readers[rand() % 4], random_word());
        word32_store(&words.event, (uint32_t)rand());
        enum fr_lock kind = rand() % 2 ? FR_SHARED : FR_EXCLUSIVE;
        int result = fri_rwlock_lock(&one, kind, FR_NOWAIT);

        ck_assert(result == 0 || result == FR_EOWNERDEAD || result == FR_ETIMEDOUT ||
                  result == FR_ECORRUPT);
        if (rand() % 2)
            word_store(&words.writer, random_word());
        if (result == 0 || result == FR_EOWNERDEAD)
            result = fri_rwlock_unlock(&one);
        ck_assert(result <= 0);
    }
}
END_TEST

static void add_death_tests(Suite *suite)
{
    const int count = sizeof legacies / sizeof legacies[0];
    TCase *deaths = tcase_create("deaths");

    tcase_set_timeout(deaths, 30);
    tcase_add_test(deaths, places_are_taken_in_order_and_again_when_free);
    tcase_add_test(deaths, there_are_256_places_and_no_more);
    tcase_add_test(deaths, who_takes_the_place_of_a_dead_one_cleans_it_up);
    tcase_add_loop_test(deaths, whatever_a_death_left_the_next_writer_gets_in_and_is_told_once, 0,
                        count);
    tcase_add_loop_test(deaths, whatever_a_death_left_the_next_reader_gets_in_and_is_told_once, 0,
                        count);
    tcase_add_loop_test(deaths, who_does_not_wait_finds_the_dead_as_well, 0, count);
    tcase_add_test(deaths, the_news_is_told_again_when_a_writer_that_knew_it_dies);
    tcase_add_test(deaths, the_news_is_told_again_when_a_reader_that_knew_it_dies);
    tcase_add_test(deaths, news_waits_while_a_writer_only_waits);
    tcase_add_test(deaths, a_living_holder_is_never_recovered);
    suite_add_tcase(suite, deaths);
}

int main(void)
{
    Suite *suite = suite_create("rwlock_deaths");

    add_death_tests(suite);

    TCase *rubbish = tcase_create("rubbish");
    tcase_set_timeout(rubbish, 30);
    tcase_add_loop_test(rubbish, a_word_that_makes_no_sense_is_told_and_left_alone, 0,
                        sizeof nonsense / sizeof nonsense[0]);
    tcase_add_test(rubbish, a_writer_whose_word_was_written_over_is_told_and_can_go_on);
    tcase_add_test(rubbish, our_own_bit_left_behind_is_not_waited_for);
    tcase_add_test(rubbish, random_words_neither_crash_nor_hang);
    suite_add_tcase(suite, rubbish);

    return fr_test_main(suite);
}
