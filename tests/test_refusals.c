/* SPDX-License-Identifier: MIT */
/*
 * The system refuses: each call that making or opening an object asks of the platform fails in turn,
 * once and for good. The opening fails with a code of its own or does without, nothing of it stays
 * (no descriptor, no mapping, no name), and the next one succeeds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <framering/framering.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "intrude.h"
#include "ring.h"
#include "rings.h"

/* ---- What can be opened ---------------------------------------------------------------------- */

static struct fr_writer *writer; /* of the ring that others open */
static struct fr_region *region;
static struct fr_writer *nameless; /* the ring and the region behind the descriptors */
static struct fr_region *memory;
static const char *ring_name;
static const char *region_name;
static const char *new_name;
static int ring_fd;
static int region_fd;

static struct fr_writer *new_writer;
static struct fr_reader *new_reader;
static struct fr_region *new_region;

static int create_ring(void)
{
    return fr_writer_create(new_name, &fr_writer_opts(.slot_size = 8, .observers = 1), &new_writer);
}

static int create_nameless_ring(void)
{
    return fr_writer_create(NULL, &fr_writer_opts(.slot_size = 8, .observers = 1, .sealed = 1),
                            &new_writer);
}

static int open_ring(void)
{
    return fr_writer_open(ring_name, FR_NOWAIT, &new_writer);
}

static int read_ring(void)
{
    return fr_reader_open(ring_name, NULL, FR_NOWAIT, &new_reader);
}

static int observe_ring(void)
{
    return fr_reader_open(ring_name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &new_reader);
}

static int write_given_ring(void)
{
    return fr_writer_from_fd(ring_fd, &new_writer);
}

static int create_region(void)
{
    return fr_region_create(new_name, 100, NULL, &new_region);
}

static int create_nameless_region(void)
{
    return fr_region_create(NULL, 100, NULL, &new_region);
}

static int open_region(void)
{
    return fr_region_open(region_name, FR_READ_WRITE, FR_NOWAIT, &new_region);
}

static int open_given_region(void)
{
    return fr_region_from_fd(region_fd, FR_READ_ONLY, &new_region);
}

static const struct {
    const char *what;
    int (*open)(void);
} openings[] = {
    { "create a ring", create_ring },
    { "create a ring without a name", create_nameless_ring },
    { "open a ring for writing", open_ring },
    { "open a ring for reading", read_ring },
    { "observe a ring", observe_ring },
    { "write to a ring by descriptor", write_given_ring },
    { "create a region", create_region },
    { "create a region without a name", create_nameless_region },
    { "open a region", open_region },
    { "open a region by descriptor", open_given_region },
};
enum { OPENINGS = sizeof openings / sizeof *openings };

static void close_new(void)
{
    fr_writer_close(&new_writer);
    fr_reader_close(&new_reader);
    fr_region_close(&new_region);
}

static void open_all(void)
{
    ring_name = fr_test_name();
    region_name = fr_test_name();
    new_name = fr_test_name();
    ck_assert_ok(
        fr_writer_create(ring_name, &fr_writer_opts(.slot_size = 8, .observers = 1), &writer));
    ck_assert_ok(fr_region_create(region_name, 100, NULL, &region));
    ck_assert_ok(fr_writer_create(NULL, &fr_writer_opts(.slot_size = 8), &nameless));
    ck_assert_ok(fr_writer_fd(nameless, FR_READ_WRITE, &ring_fd));
    ck_assert_ok(fr_region_create(NULL, 100, NULL, &memory));
    ck_assert_ok(fr_region_fd(memory, FR_READ_ONLY, &region_fd));
}

/* ---- What may be left ------------------------------------------------------------------------ */

static int mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    int count = 0;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps)) {
        if (strstr(line, "framering") || strstr(line, "/dev/shm"))
            count++;
    }
    fclose(maps);
    return count;
}

struct belongings {
    int descriptors;
    int mappings;
};

static struct belongings belongings(void)
{
    return (struct belongings){ fr_test_descriptors(), mappings() };
}

static void expect_unchanged(struct belongings before, const char *what, const char *when)
{
    struct belongings after = belongings();

    ck_assert_msg(after.descriptors == before.descriptors && after.mappings == before.mappings,
                  "%s, %s: %d descriptors became %d, %d mappings %d", what, when,
                  before.descriptors, after.descriptors, before.mappings, after.mappings);
    ck_assert_msg(!fr_test_exists(new_name), "%s, %s: its name is left", what, when);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    enum intrude_at at;
    int code;
} refusals[] = {
    { "memory", AT_ALLOC, 0 },
    { "a watch for forks", AT_FORK_WATCH, 0 },
    { "closing at forks", AT_FORK_CLOSES, 0 },
    { "a file", AT_FILE_CREATE, FR_ENOSPC },
    { "a memfd", AT_MEMORY_CREATE, FR_ENOMEM },
    { "seals", AT_MEMORY_SEAL, FR_EINVAL },
    { "a name", AT_FILE_NAME, FR_EACCES },
    { "opening", AT_FILE_OPEN, -EMFILE },
    { "permission to open", AT_FILE_OPEN, FR_EACCES },
    { "opening again", AT_FILE_REOPEN, -EMFILE },
    { "the look at a file", AT_FILE_INFO, FR_EACCES },
    { "reading", AT_FILE_READ, 0 },
    { "a mapping", AT_MAP, FR_ENOMEM },
    { "a lock", AT_LOCK_TRY, 0 },
};
enum { REFUSALS = sizeof refusals / sizeof *refusals };

/* Refuses the call of that number, or all from it on. False if the opening made no such call. */
static bool refuse(int opening, int refusal, unsigned number, bool for_good)
{
    const char *when = refusals[refusal].what;
    const char *what = openings[opening].what;
    struct belongings before = belongings();

    intrude_begin((struct intrusion){ .at = refusals[refusal].at,
                                      .first = number,
                                      .calls = for_good ? INTRUDE_ALWAYS : 1,
                                      .refuses = true,
                                      .code = refusals[refusal].code });
    int error = openings[opening].open();
    bool was_met = intrude_end() > 0;

    /* Who is refused one place takes the next, and a region does without a lock until it locks. */
    ck_assert_msg(error < 0 || !was_met || refusals[refusal].at == AT_LOCK_TRY,
                  "%s succeeds although it was refused %s", what, when);
    ck_assert_msg(error == 0 || was_met, "%s: %s", what, fr_error_detail(error));
    ck_assert_msg(error == 0 || strlen(fr_error_detail(error)) > 0, "%s: no sentence", what);
    ck_assert((error == 0) == (new_writer || new_reader || new_region));
    close_new();
    expect_unchanged(before, what, when);
    return was_met;
}

/* Number _i: which opening. */
START_TEST(what_is_refused_when_an_object_is_opened_leaves_nothing_behind)
{
    open_all();
    for (int refusal = 0; refusal < REFUSALS; refusal++) {
        for (int for_good = 0; for_good < 2; for_good++) {
            for (unsigned number = 1; number < 100; number++) {
                if (!refuse(_i, refusal, number, for_good != 0))
                    break;
            }
        }
        struct belongings before = belongings();
        ck_assert_ok(openings[_i].open());
        close_new();
        expect_unchanged(before, openings[_i].what, "undisturbed");
    }
}
END_TEST

/* ---- Refusals later on ----------------------------------------------------------------------- */

START_TEST(a_ring_that_is_looked_at_needs_a_mapping)
{
    struct fr_info info = { .size = sizeof info };
    struct belongings before;

    open_all();
    before = belongings();
    intrude_begin((struct intrusion){ .at = AT_MAP, .refuses = true, .code = FR_ENOMEM });
    ck_assert_error(fr_inspect(ring_name, &info), FR_ENOMEM);
    ck_assert_uint_eq(intrude_end(), 1);
    expect_unchanged(before, "inspecting", "a mapping");
}
END_TEST

/* The newest frame takes a second mapping, and is left out without. */
START_TEST(a_ring_is_described_as_far_as_it_can_be_seen)
{
    struct fr_info info = { .size = sizeof info };
    struct fr_writer *frames;
    struct belongings before;
    struct fr_frame *frame;
    char name[65];

    strcpy(name, fr_test_name());
    ck_assert_ok(fr_writer_create(name, &fr_writer_opts(.slot_size = 65536), &frames));
    ck_assert_ok(fr_frame_acquire(frames, 8, 8, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
    ck_assert_ok(fr_frame_publish(&frame));
    before = belongings();
    intrude_begin(
        (struct intrusion){ .at = AT_MAP, .first = 2, .refuses = true, .code = FR_ENOMEM });
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_uint_eq(intrude_end(), 1);
    ck_assert_uint_eq(info.published, 1);
    ck_assert_int_eq(info.format, FR_FORMAT_NONE);
    expect_unchanged(before, "inspecting", "a second mapping");
    ck_assert_ok(fr_inspect(name, &info));
    ck_assert_int_eq(info.format, FR_FORMAT_BGRX);
    fr_writer_close(&frames);
}
END_TEST

static int die_with_a_slot(void *argument)
{
    struct fr_writer *dying;
    struct fr_slot *slot;

    (void)argument;
    if (fr_writer_open(ring_name, FR_NOWAIT, &dying) < 0)
        return 1;
    return fr_writer_acquire(dying, FR_NOWAIT, &slot) < 0;
}

/* Without a descriptor, and without the lock, the dead cannot be told from the living for certain. */
START_TEST(the_dead_are_cleaned_up_when_the_system_has_what_that_takes)
{
    static const enum intrude_at needed[] = { AT_FILE_REOPEN, AT_LOCK_TRY };

    open_all();
    ck_assert_int_eq(fr_test_wait(fr_test_child(die_with_a_slot, NULL)), 0);
    for (int i = 0; i < 2; i++) {
        intrude_begin((struct intrusion){ .at = needed[i], .refuses = true, .code = -EMFILE });
        ck_assert_uint_eq(fri_seat_recover(writer->seat), 0);
        ck_assert_uint_eq(intrude_end(), 1);
    }
    ck_assert_uint_eq(fri_seat_recover(writer->seat), 1);
}
END_TEST

static int die_with_the_lock(void *argument)
{
    struct fr_region *dying;

    (void)argument;
    if (fr_region_open(region_name, FR_READ_WRITE, FR_NOWAIT, &dying) < 0)
        return 1;
    return fr_region_lock(dying, FR_EXCLUSIVE, FR_NOWAIT) < 0;
}

START_TEST(the_lock_of_the_dead_is_had_when_the_system_has_what_that_takes)
{
    static const enum intrude_at needed[] = { AT_FILE_REOPEN, AT_LOCK_TRY };

    open_all();
    ck_assert_int_eq(fr_test_wait(fr_test_child(die_with_the_lock, NULL)), 0);
    for (int i = 0; i < 2; i++) {
        intrude_begin((struct intrusion){
            .at = needed[i], .calls = INTRUDE_ALWAYS, .refuses = true, .code = -EMFILE });
        ck_assert_error(fr_region_lock(region, FR_SHARED, FR_NOWAIT), FR_ETIMEDOUT);
        ck_assert_uint_gt(intrude_end(), 0);
    }
    ck_assert_error(fr_region_lock(region, FR_SHARED, FR_NOWAIT), FR_EOWNERDEAD);
}
END_TEST

/* The system has no lock for it: as if the item had been overwritten before it could be held. */
START_TEST(an_observer_without_a_lock_passes_over_the_item)
{
    const struct fr_slot *slot;
    uint64_t value = 7;

    open_all();
    ck_assert_ok(observe_ring());
    ck_assert_ok(fr_writer_write(writer, &value, sizeof value, FR_NOWAIT));
    ck_assert_ok(fr_writer_write(writer, &value, sizeof value, FR_NOWAIT));
    intrude_begin((struct intrusion){ .at = AT_LOCK_SHARE, .refuses = true });
    ck_assert_ok(fr_reader_acquire(new_reader, FR_NEXT, FR_NOWAIT, &slot));
    ck_assert_uint_eq(intrude_end(), 1);
    ck_assert_uint_eq(slot->sequence, 2);
    fr_reader_release(&slot);
    close_new();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusals");
    TCase *tests = tcase_create("refusals");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, what_is_refused_when_an_object_is_opened_leaves_nothing_behind, 0,
                        OPENINGS);
    tcase_add_test(tests, a_ring_that_is_looked_at_needs_a_mapping);
    tcase_add_test(tests, a_ring_is_described_as_far_as_it_can_be_seen);
    tcase_add_test(tests, the_dead_are_cleaned_up_when_the_system_has_what_that_takes);
    tcase_add_test(tests, the_lock_of_the_dead_is_had_when_the_system_has_what_that_takes);
    tcase_add_test(tests, an_observer_without_a_lock_passes_over_the_item);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
