/* SPDX-License-Identifier: MIT */
/*
 * Looking at a ring from outside: its newest frame, its members and what they did, names there are,
 * and names of the dead that are tidied up.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <framering/framering.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "frames.h"
#include "order.h"
#include "point.h"
#include "ring.h"

/* The members of a ring, as fr_members tells them. */
struct census {
    size_t count;
    struct fr_member member[FR_MAX_MEMBERS];
    int result; /* what the callback says to each */
};

static int note_member(void *user, const struct fr_member *member)
{
    struct census *census = user;

    census->member[census->count++] = *member;
    return census->result;
}

static struct census count_members(const char *name)
{
    struct census census = { 0 };

    ck_assert_int_eq(fr_members(name, note_member, &census), 0);
    return census;
}

static const char *joining; /* the ring that one joins while the hook looks on */
static int looks;

static void expect_no_reader_yet(const char *point)
{
    struct fr_info info = fr_info();

    if (strcmp(point, "attached") != 0 && strcmp(point, "joined with the lowest bound") != 0)
        return;
    looks++;
    ck_assert_ok(fr_inspect(joining, &info));
    ck_assert_uint_eq(info.writers, 1);
    ck_assert_uint_eq(info.readers, 0);
    ck_assert_uint_eq(count_members(joining).count, 1);
}

static uint64_t sum_of(const struct fr_histogram *histogram)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < FR_HISTOGRAM_BINS; i++)
        sum += histogram->bin[i];
    return sum;
}

/* ---- Joining -------------------------------------------------------------------------------- */

START_TEST(a_reader_is_seen_once_it_will_miss_nothing)
{
    const enum fr_delivery delivery = _i ? FR_QUEUE : FR_BROADCAST;
    struct fr_info info = fr_info();
    struct fr_writer *writer;
    struct fr_reader *reader;
    const char *name = fr_test_name();

    ck_assert_ok(
        fr_writer_create(name, &fr_writer_opts(.slot_size = 64, .slots = 4, .delivery = delivery),
                         &writer));
    joining = name;
    looks = 0;
    fri_point_hook = expect_no_reader_yet;
    int error = fr_reader_open(name, NULL, FR_NOWAIT, &reader);
    fri_point_hook = NULL;
    ck_assert_ok(error);
    ck_assert_int_eq(looks, delivery == FR_QUEUE ? 1 : 2);
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_uint_eq(info.readers, 1);
    ck_assert_uint_eq(count_members(name).count, 2);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Members -------------------------------------------------------------------------------- */

START_TEST(members_are_seen_with_what_they_do)
{
    char program[] = "a\001te\177st";
    prctl(PR_SET_NAME, program);
    struct frame_ring ring = make_small_frame_ring();
    const int64_t now = fr_now_ns();
    const struct fr_frame *frame;
    struct fr_frame *unseen;

    for (uint32_t i = 0; i < 4; i++)
        publish_picture(ring.writer, i);
    /* All are wanted by the reader. */
    ck_assert_error(fr_frame_acquire(ring.writer, 8, 8, FR_FORMAT_BGRX, FR_NOWAIT, &unseen),
                    FR_ETIMEDOUT);
    ck_assert_ok(fr_frame_wait(ring.reader, FR_LATEST, FR_NOWAIT, &frame));
    ck_assert_ok(fr_frame_acquire(ring.writer, 8, 8, FR_FORMAT_BGRX, FR_NOWAIT, &unseen));
    fr_frame_abort(&unseen);
    ck_assert_ok(fr_frame_acquire(ring.writer, 8, 8, FR_FORMAT_BGRX, FR_NOWAIT, &unseen));

    struct census census = count_members(ring.name);
    ck_assert_uint_eq(census.count, 2);
    const struct fr_member *writer = &census.member[0];
    ck_assert_uint_eq(writer->size, sizeof *writer);
    ck_assert_uint_eq(writer->place, 0);
    ck_assert_int_eq(writer->is_writer, 1);
    ck_assert_uint_eq(writer->process, (uint32_t)getpid());
    ck_assert_str_eq(writer->program, "a?te?st");
    ck_assert_int_le(writer->joined_ns, now);
    ck_assert_int_gt(writer->joined_ns, now - FR_S(60));
    ck_assert_uint_eq(writer->held, 1);
    ck_assert_uint_eq(writer->items, 5); /* four published, one in its hands */
    ck_assert_uint_eq(writer->aborted, 1);
    ck_assert_uint_eq(writer->sequence, 4);
    ck_assert_uint_eq(writer->timeouts, 1);
    ck_assert_uint_eq(sum_of(&writer->latency), 4);
    ck_assert_uint_eq(sum_of(&writer->hold), 4);

    const struct fr_member *reader = &census.member[1];
    ck_assert_uint_eq(reader->place, 1);
    ck_assert_int_eq(reader->is_writer, 0);
    ck_assert_uint_eq(reader->held, 1);
    ck_assert_uint_eq(reader->items, 1);
    ck_assert_uint_eq(reader->sequence, 4);
    ck_assert_uint_eq(reader->loss.skipped, 3);
    ck_assert_uint_eq(reader->loss.overwritten + reader->loss.dropped, 0);
    ck_assert_uint_eq(sum_of(&reader->latency), 1);
    ck_assert_uint_eq(sum_of(&reader->hold), 0);
    fr_frame_release(&frame);
    census = count_members(ring.name);
    ck_assert_uint_eq(sum_of(&census.member[1].hold), 1);
    ck_assert_uint_eq(census.member[1].held, 0);
    fr_frame_abort(&unseen);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(a_place_begins_anew_and_looking_ends_when_one_has_seen_enough)
{
    struct frame_ring ring = make_small_frame_ring();
    struct census census = { .result = 7 };
    const struct fr_frame *frame;

    publish_picture(ring.writer, 1);
    ck_assert_ok(fr_frame_wait(ring.reader, FR_NEXT, FR_NOWAIT, &frame));
    fr_frame_release(&frame);
    fr_reader_close(&ring.reader);
    ck_assert_uint_eq(count_members(ring.name).count, 1);
    ring.reader = open_reader(ring.name);
    ck_assert_uint_eq(count_members(ring.name).member[1].items, 0);
    ck_assert_uint_eq(sum_of(&count_members(ring.name).member[1].latency), 0);
    ck_assert_int_eq(fr_members(ring.name, note_member, &census), 7);
    ck_assert_uint_eq(census.count, 1);
    close_frame_ring(&ring);
}
END_TEST

static int hold_a_frame(void *argument)
{
    struct frame_ring *ring = argument;
    const struct fr_frame *frame;
    struct fr_reader *reader;

    if (fr_reader_open(ring->name, NULL, FR_NOWAIT, &reader) < 0 ||
        fr_frame_wait(reader, FR_LATEST, FR_NOWAIT, &frame) < 0)
        return 1;
    return 0; /* without giving anything back */
}

START_TEST(the_dead_are_no_members)
{
    struct frame_ring ring = make_small_frame_ring();

    publish_picture(ring.writer, 1);
    ck_assert_int_eq(fr_test_wait(fr_test_child(hold_a_frame, &ring)), 0);
    ck_assert_uint_eq(count_members(ring.name).count, 2);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(only_rings_have_members)
{
    const char *name = fr_test_name();
    struct census census = { 0 };
    struct fr_region *region;

    ck_assert_error(fr_members(name, note_member, &census), FR_ENOENT);
    ck_assert_error(fr_members("", note_member, &census), FR_EINVAL);
    ck_assert_error(fr_members(name, NULL, &census), FR_EINVAL);
    ck_assert_ok(fr_region_create(name, 1, NULL, &region));
    ck_assert_error(fr_members(name, note_member, &census), FR_EKIND);
    ck_assert_uint_eq(census.count, 0);
    fr_region_close(&region);
}
END_TEST

/* ---- The newest frame ------------------------------------------------------------------------ */

START_TEST(the_newest_frame_is_described)
{
    struct frame_ring ring = make_small_frame_ring();
    struct fr_info info = fr_info();
    struct fr_frame *frame;

    ck_assert_ok(fr_inspect(ring.name, &info));
    ck_assert_int_eq(info.format, FR_FORMAT_NONE);
    ck_assert_int_eq(info.observers, 0);
    ck_assert_ok(fr_frame_acquire(ring.writer, 32, 16, FR_FORMAT_NV12, FR_NOWAIT, &frame));
    frame->frame_rate = (struct fr_rational){ 60000, 1001 };
    frame->capture_ns = 5;
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_ok(fr_inspect(ring.name, &info));
    ck_assert_int_eq(info.format, FR_FORMAT_NV12);
    ck_assert_uint_eq(info.width, 32);
    ck_assert_uint_eq(info.height, 16);
    ck_assert_int_eq(info.frame_rate.num, 60000);
    ck_assert_int_eq(info.frame_rate.den, 1001);
    ck_assert_int_eq(info.capture_ns, 5);
    ck_assert_int_gt(info.publish_ns, fr_now_ns() - FR_S(60));
    ck_assert_ok(fr_writer_write(ring.writer, "bytes", 5, FR_NOWAIT));
    ck_assert_ok(fr_inspect(ring.name, &info));
    ck_assert_int_eq(info.format, FR_FORMAT_NONE);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(what_only_looks_like_a_frame_is_none)
{
    struct frame_ring ring = make_small_frame_ring();
    struct fr_info info = fr_info();
    uint8_t page[FRI_PAGE] = "FRAN";
    struct fri_frame_header header = { .magic = FRI_FRAME_MAGIC, .format = 77 };

    ck_assert_ok(fr_writer_write(ring.writer, page, sizeof page, FR_NOWAIT));
    ck_assert_ok(fr_inspect(ring.name, &info));
    ck_assert_int_eq(info.format, FR_FORMAT_NONE);
    memcpy(page, &header, sizeof header);
    ck_assert_ok(fr_writer_write(ring.writer, page, sizeof page, FR_NOWAIT));
    ck_assert_ok(fr_inspect(ring.name, &info));
    ck_assert_int_eq(info.format, FR_FORMAT_NONE);
    /* Words that somebody scribbled over are followed nowhere. */
    struct fri_seat *seat = ring.writer->seat;
    fri_word *entry = order_entry(seat, 2);
    word_store(entry, entry_make(2, 0xffff));
    ck_assert_ok(fr_inspect(ring.name, &info));
    ck_assert_int_eq(info.format, FR_FORMAT_NONE);
    word_store(entry, entry_make(3, 0));
    ck_assert_ok(fr_inspect(ring.name, &info));
    word_store(entry, entry_make(2, 3)); /* a slot that does not carry it */
    ck_assert_ok(fr_inspect(ring.name, &info));
    ck_assert_int_eq(info.format, FR_FORMAT_NONE);
    word_store(entry, entry_make(2, 1));
    close_frame_ring(&ring);
}
END_TEST

START_TEST(slots_that_observers_hold_are_counted)
{
    const char *name = fr_test_name();
    struct fr_info info = fr_info();
    const struct fr_frame *frame;
    struct fr_writer *writer;
    struct fr_reader *reader;

    ck_assert_ok(
        fr_writer_create(name, &fr_writer_opts(.slot_size = SMALL_SLOT, .slots = 4, .observers = 1),
                         &writer));
    ck_assert_ok(fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &reader));
    publish_picture(writer, 1);
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_int_eq(info.observers, 1);
    ck_assert_uint_eq(info.observed, 0);
    ck_assert_ok(fr_frame_wait(reader, FR_NEXT, FR_NOWAIT, &frame));
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_uint_eq(info.observed, 1);
    fr_frame_release(&frame);
    struct fr_stats stats = fr_stats();
    fr_reader_stats(reader, &stats); /* an observer counts too, for itself */
    ck_assert_uint_eq(sum_of(&stats.latency), 1);
    ck_assert_uint_eq(sum_of(&stats.hold), 1);
    ck_assert_uint_eq(count_members(name).count, 1);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Histograms ------------------------------------------------------------------------------ */

START_TEST(quantiles_are_right_within_a_bin)
{
    struct fr_histogram histogram = { 0 };

    ck_assert_int_eq(fr_histogram_quantile(&histogram, 0.5), 0);
    histogram.bin[10] = 100; /* 1024 to 2047 ns */
    ck_assert_int_eq(fr_histogram_quantile(&histogram, 0), 1024);
    ck_assert_int_eq(fr_histogram_quantile(&histogram, 0.5), 1536);
    ck_assert_int_eq(fr_histogram_quantile(&histogram, 1), 2048);
    ck_assert_int_eq(fr_histogram_quantile(&histogram, 2), 2048);
    ck_assert_int_eq(fr_histogram_quantile(&histogram, -1), 1024);
    histogram.bin[0] = 100;
    ck_assert_int_eq(fr_histogram_quantile(&histogram, 0.25), 1);
    ck_assert_int_eq(fr_histogram_quantile(&histogram, 0.75), 1536);
    histogram.bin[31] = 200;
    ck_assert_int_eq(fr_histogram_quantile(&histogram, 1), (int64_t)1 << 32);
    ck_assert_uint_eq(tally_bin(0, 0), 0);
    ck_assert_uint_eq(tally_bin(5, 2), 0);
    ck_assert_uint_eq(tally_bin(0, 1), 0);
    ck_assert_uint_eq(tally_bin(0, 2), 1);
    ck_assert_uint_eq(tally_bin(1, 1025), 10);
    ck_assert_uint_eq(tally_bin(INT64_MIN, INT64_MAX), 31);
}
END_TEST

/* ---- Names ----------------------------------------------------------------------------------- */

struct search {
    char name[80];
    int found;
};

static int look_for(void *user, const char *name)
{
    struct search *search = user;

    search->found += strcmp(name, search->name) == 0;
    return 0;
}

static int find_name(const char *name)
{
    struct search search = { 0 };

    snprintf(search.name, sizeof search.name, "%s", name);
    ck_assert_int_eq(fr_list(look_for, &search), 0);
    return search.found;
}

static int stop(void *user, const char *name)
{
    (void)name;
    ++*(int *)user;
    return -77;
}

START_TEST(names_are_listed)
{
    const char *name = fr_test_name();
    struct fr_region *region;
    int calls = 0;

    ck_assert_int_eq(find_name(name), 0);
    ck_assert_ok(fr_region_create(name, 1, NULL, &region));
    ck_assert_int_eq(find_name(name), 1);
    ck_assert_int_eq(fr_list(stop, &calls), -77);
    ck_assert_int_eq(calls, 1);
    ck_assert_error(fr_list(NULL, NULL), FR_EINVAL);
    fr_region_close(&region);
    ck_assert_int_eq(find_name(name), 0);
}
END_TEST

/* Makes a file in /dev/shm; whether a name is listed then. */
static int find_with_file(const char *file, const char *name)
{
    char path[200];

    snprintf(path, sizeof path, "/dev/shm/%s", file);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    int found = find_name(name);
    unlink(path);
    return found;
}

START_TEST(only_names_of_ours_are_listed_and_others_with_their_user)
{
    char file[120];
    char name[100];

    snprintf(name, sizeof name, "4000000001:t%d", getpid());
    snprintf(file, sizeof file, "framering.4000000001.t%d", getpid());
    ck_assert_int_eq(find_with_file(file, name), 1);
    snprintf(file, sizeof file, "framering.%u.-%d", geteuid(), getpid());
    ck_assert_int_eq(find_with_file(file, file + strlen(file)), 0);
    snprintf(name, sizeof name, "t%d", getpid());
    snprintf(file, sizeof file, "framering.x.t%d", getpid());
    ck_assert_int_eq(find_with_file(file, name), 0);
    snprintf(file, sizeof file, "framering..t%d", getpid());
    ck_assert_int_eq(find_with_file(file, name), 0);
    snprintf(file, sizeof file, "framering.%ut%d", geteuid(), getpid());
    ck_assert_int_eq(find_with_file(file, name), 0);
    snprintf(file, sizeof file, "framering.99999999999.t%d", getpid());
    ck_assert_int_eq(find_with_file(file, name), 0);
}
END_TEST

static int die_as_owner(void *name)
{
    struct fr_region *region;

    return fr_region_create(name, 100, NULL, &region) < 0;
}

START_TEST(what_the_dead_left_is_collected_and_nothing_else)
{
    char name[65];
    struct fr_info info = fr_info();
    struct fr_region *region;

    strcpy(name, fr_test_name());
    ck_assert_error(fr_collect(name), FR_ENOENT);
    ck_assert_error(fr_collect("-"), FR_EINVAL);
    ck_assert_int_eq(fr_test_wait(fr_test_child(die_as_owner, name)), 0);
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_int_eq(info.status, FR_EOWNERDEAD);
    ck_assert_ok(fr_collect(name));
    ck_assert(!fr_test_exists(name));
    ck_assert_ok(fr_region_create(name, 100, NULL, &region));
    ck_assert_error(fr_collect(name), FR_EEXIST);
    ck_assert(fr_test_exists(name));
    fr_region_close(&region);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("members");
    TCase *members = tcase_create("members");
    TCase *newest = tcase_create("newest frame");
    TCase *names = tcase_create("names");

    tcase_add_loop_test(members, a_reader_is_seen_once_it_will_miss_nothing, 0, 2);
    tcase_add_test(members, members_are_seen_with_what_they_do);
    tcase_add_test(members, a_place_begins_anew_and_looking_ends_when_one_has_seen_enough);
    tcase_add_test(members, the_dead_are_no_members);
    tcase_add_test(members, only_rings_have_members);
    suite_add_tcase(suite, members);
    tcase_add_test(newest, the_newest_frame_is_described);
    tcase_add_test(newest, what_only_looks_like_a_frame_is_none);
    tcase_add_test(newest, slots_that_observers_hold_are_counted);
    tcase_add_test(newest, quantiles_are_right_within_a_bin);
    suite_add_tcase(suite, newest);
    tcase_add_test(names, names_are_listed);
    tcase_add_test(names, only_names_of_ours_are_listed_and_others_with_their_user);
    tcase_add_test(names, what_the_dead_left_is_collected_and_nothing_else);
    suite_add_tcase(suite, names);
    return fr_test_main(suite);
}
