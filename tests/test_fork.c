/* SPDX-License-Identifier: MIT */
/*
 * Handles in children: each call with one that was the parent's is refused before it touches memory
 * that is not there, closing is allowed, and the parent notices nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <framering/framering.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rings.h"

/* Everything that a process may have in hand when it forks. */
struct hands {
    struct fr_writer *writer;
    struct fr_reader *reader;
    struct fr_reader *observer;
    struct fr_region *region;
    struct fr_slot *filling;
    struct fr_frame *painting;
    const struct fr_slot *reading;
    const struct fr_slot *watching;
};

static struct hands fill_hands(void)
{
    const char *name = fr_test_name();
    uint64_t size = fr_frame_size(16, 16, FR_FORMAT_BGRA);
    struct hands hands;

    ck_assert_ok(
        fr_writer_create(name, &fr_writer_opts(.slot_size = size, .observers = 1), &hands.writer));
    hands.reader = open_reader(name);
    ck_assert_ok(fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &hands.observer));
    ck_assert_ok(put(hands.writer, 1, FR_NOWAIT));
    ck_assert_ok(fr_reader_acquire(hands.reader, FR_NEXT, FR_NOWAIT, &hands.reading));
    ck_assert_ok(fr_reader_acquire(hands.observer, FR_NEXT, FR_NOWAIT, &hands.watching));
    ck_assert_ok(fr_writer_acquire(hands.writer, FR_NOWAIT, &hands.filling));
    ck_assert_ok(
        fr_frame_acquire(hands.writer, 16, 16, FR_FORMAT_BGRA, FR_NOWAIT, &hands.painting));
    ck_assert_ok(fr_array_create(fr_test_name(), 4, 8, NULL, &hands.region));
    ck_assert_ok(fr_region_lock(hands.region, FR_EXCLUSIVE, FR_NOWAIT));
    return hands;
}

/* The parent's hands work as if there had never been a child. */
static void empty_hands(struct hands *hands)
{
    ck_assert(is_item(hands->reading, 1));
    ck_assert(is_item(hands->watching, 1));
    fr_reader_release(&hands->reading);
    fr_reader_release(&hands->watching);
    fill_item(hands->filling, 2);
    ck_assert_ok(fr_writer_publish(&hands->filling));
    ck_assert_ok(fr_frame_publish(&hands->painting));
    expect_item(hands->reader, 2);
    expect_item(hands->observer, 2);
    ck_assert_ok(fr_region_status(hands->region));
    ck_assert_ok(fr_region_unlock(hands->region));
    fr_reader_close(&hands->reader);
    fr_reader_close(&hands->observer);
    fr_writer_close(&hands->writer);
    fr_region_close(&hands->region);
}

#define REFUSED(call)                                                                              \
    do {                                                                                           \
        if ((call) != FR_EINVAL)                                                                   \
            return __LINE__ % 250 + 1;                                                             \
    } while (0)

static int use_ring(struct hands *hands)
{
    const struct fr_frame *shown;
    const struct fr_slot *read_slot;
    struct fr_frame *frame;
    struct fr_slot *slot;
    char bytes[8] = { 0 };
    size_t size;
    int fd;

    REFUSED(fr_writer_acquire(hands->writer, FR_NOWAIT, &slot));
    REFUSED(fr_frame_acquire(hands->writer, 16, 16, FR_FORMAT_BGRA, FR_NOWAIT, &frame));
    REFUSED(fr_writer_write(hands->writer, bytes, sizeof bytes, FR_NOWAIT));
    REFUSED(fr_writer_publish(&hands->filling));
    REFUSED(fr_frame_publish(&hands->painting));
    REFUSED(fr_writer_fd(hands->writer, FR_READ_ONLY, &fd));
    REFUSED(fr_reader_acquire(hands->reader, FR_NEXT, FR_FOREVER, &read_slot));
    REFUSED(fr_frame_wait(hands->reader, FR_LATEST, FR_FOREVER, &shown));
    char *room = malloc(fr_reader_slot_size(hands->reader));
    int error = fr_reader_read(hands->reader, FR_NEXT, room, fr_reader_slot_size(hands->reader),
                               FR_NOWAIT, &size);
    free(room);
    REFUSED(error);
    REFUSED(fr_reader_acquire(hands->observer, FR_NEXT, FR_FOREVER, &read_slot));
    /* Counters can be asked for, but those in the ring's memory are not there. */
    struct fr_stats stats = fr_stats();
    fr_writer_stats(hands->writer, &stats);
    fr_reader_stats(hands->reader, &stats);
    for (unsigned i = 0; i < FR_HISTOGRAM_BINS; i++) {
        if (stats.latency.bin[i] + stats.hold.bin[i] != 0)
            return 252;
    }
    return 0;
}

static int use_region(struct hands *hands)
{
    uint64_t value = 7;
    int fd;

    REFUSED(fr_region_status(hands->region));
    REFUSED(fr_region_lock(hands->region, FR_SHARED, FR_NOWAIT));
    REFUSED(fr_region_unlock(hands->region));
    REFUSED(fr_region_read(hands->region, 0, &value, sizeof value));
    REFUSED(fr_region_write(hands->region, 0, &value, sizeof value));
    REFUSED(fr_array_get(hands->region, 0, 1, &value));
    REFUSED(fr_array_set(hands->region, 0, 1, &value));
    REFUSED(fr_region_fd(hands->region, FR_READ_ONLY, &fd));
    return fr_array_at(hands->region, 0) ? 251 : 0;
}

static void give_all_back(struct hands *hands)
{
    fr_writer_abort(&hands->filling);
    fr_frame_abort(&hands->painting);
    fr_reader_release(&hands->reading);
    fr_reader_release(&hands->watching);
}

static void close_all(struct hands *hands)
{
    fr_writer_close(&hands->writer);
    fr_reader_close(&hands->reader);
    fr_reader_close(&hands->observer);
    fr_region_close(&hands->region);
}

static int use_everything(void *argument)
{
    struct hands hands = *(struct hands *)argument;
    int result = use_ring(&hands);

    if (result == 0)
        result = use_region(&hands);
    give_all_back(&hands);
    return result;
}

static int close_everything(void *argument)
{
    struct hands hands = *(struct hands *)argument;

    close_all(&hands);
    return hands.writer || hands.reader || hands.observer || hands.region;
}

/* The pins of an observer hang on a descriptor that the fork closed: its number may be another's. */
static int close_beside_a_file(void *argument)
{
    struct hands hands = *(struct hands *)argument;
    int files[8];

    for (int i = 0; i < 8; i++)
        files[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close_all(&hands);
    for (int i = 0; i < 8; i++) {
        if (fcntl(files[i], F_GETFD) < 0)
            return 1;
    }
    return 0;
}

static int use_everything_in_a_grandchild(void *argument)
{
    return fr_test_wait(fr_test_child(use_everything, argument));
}

/* What a child opens is its own, whatever it inherited. */
static int open_own(void *argument)
{
    struct fr_region *region;
    uint64_t value = 7;

    (void)argument;
    if (fr_region_create(NULL, 8, NULL, &region) < 0 ||
        fr_region_write(region, 0, &value, sizeof value) < 0 ||
        fr_region_lock(region, FR_SHARED, FR_NOWAIT) < 0)
        return 1;
    fr_region_close(&region);
    return 0;
}

/* Nothing is in hand: each handle is the last of what it stands for, and goes with its closing. */
static int close_with_empty_hands(void *argument)
{
    struct hands *hands = argument;

    close_all(hands);
    return 0;
}

static void expect_of_child(int (*work)(void *))
{
    struct hands hands = fill_hands();

    ck_assert_int_eq(fr_test_wait(fr_test_child(work, &hands)), 0);
    empty_hands(&hands);
}

START_TEST(calls_with_handles_of_the_parent_are_refused)
{
    expect_of_child(use_everything);
    expect_of_child(use_everything_in_a_grandchild);
}
END_TEST

START_TEST(closing_handles_of_the_parent_changes_nothing_for_it)
{
    expect_of_child(close_everything);
    expect_of_child(close_beside_a_file);
}
END_TEST

START_TEST(handles_that_lend_nothing_are_closed_in_a_child)
{
    struct hands hands = fill_hands();

    fr_reader_release(&hands.reading);
    fr_reader_release(&hands.watching);
    fr_writer_abort(&hands.filling);
    fr_frame_abort(&hands.painting);
    ck_assert_int_eq(fr_test_wait(fr_test_child(close_with_empty_hands, &hands)), 0);
    ck_assert_ok(put(hands.writer, 2, FR_NOWAIT));
    expect_item(hands.reader, 2);
    expect_item(hands.observer, 2);
    close_all(&hands);
}
END_TEST

START_TEST(handles_that_a_child_opens_are_its_own)
{
    expect_of_child(open_own);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fork");
    TCase *tcase = tcase_create("fork");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, calls_with_handles_of_the_parent_are_refused);
    tcase_add_test(tcase, closing_handles_of_the_parent_changes_nothing_for_it);
    tcase_add_test(tcase, handles_that_lend_nothing_are_closed_in_a_child);
    tcase_add_test(tcase, handles_that_a_child_opens_are_its_own);
    suite_add_tcase(suite, tcase);
    return fr_test_main(suite);
}
