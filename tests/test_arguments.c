/* SPDX-License-Identifier: MIT */
/*
 * Broken arguments, one condition at a time: each public function refuses them with FR_EINVAL before
 * it does anything, clears what it would have given out, and what gives back or closes does nothing.
 */
#include <framering/framering.h>
#include <stdint.h>
#include <unistd.h>

#include "rings.h"

#define REFUSED(call) ck_assert_error(call, FR_EINVAL)

/* A code, a kind or a way that nobody defined. */
#define NO_ACCESS ((enum fr_access)7)
#define NO_WHICH ((enum fr_which)7)
#define NO_LOCK ((enum fr_lock)7)

static struct fr_writer *writer;
static struct fr_reader *reader;
static struct fr_region *array;
static const char *ring_name;
static const char *array_name;
static int fd;

static void open_all(void)
{
    ring_name = fr_test_name();
    writer = make_ring(ring_name, 4, FR_BROADCAST, FR_BLOCK);
    reader = open_reader(ring_name);
    array_name = fr_test_name();
    ck_assert_ok(fr_array_create(array_name, 4, 8, NULL, &array));
    fd = 0;
}

static void close_all(void)
{
    fr_reader_close(&reader);
    fr_writer_close(&writer);
    fr_region_close(&array);
}

/* ---- Regions and arrays ---------------------------------------------------------------------- */

START_TEST(region_functions_refuse_what_is_missing)
{
    struct fr_region *none = (struct fr_region *)1;
    struct fr_region_opts without_size = { .mode = 0600 };

    REFUSED(fr_region_create("a", 8, &without_size, &none));
    REFUSED(fr_region_create("a", 8, NULL, NULL));
    REFUSED(fr_region_create("a", 0, NULL, &none));
    ck_assert_ptr_null(none);
    REFUSED(fr_region_create("-", 8, NULL, &none));
    REFUSED(fr_region_open("a", FR_READ_WRITE, FR_NOWAIT, NULL));
    REFUSED(fr_region_open("-", FR_READ_WRITE, FR_NOWAIT, &none));
    REFUSED(fr_region_open("a", NO_ACCESS, FR_NOWAIT, &none));
    REFUSED(fr_region_from_fd(0, FR_READ_WRITE, NULL));
    REFUSED(fr_region_from_fd(-1, FR_READ_WRITE, &none));
    REFUSED(fr_region_fd(NULL, FR_READ_ONLY, &fd));
    REFUSED(fr_region_fd(array, FR_READ_ONLY, NULL));
    REFUSED(fr_region_fd(array, NO_ACCESS, &fd));
    REFUSED(fr_region_status(NULL));
    REFUSED(fr_region_lock(NULL, FR_SHARED, FR_NOWAIT));
    REFUSED(fr_region_lock(array, NO_LOCK, FR_NOWAIT));
    REFUSED(fr_region_unlock(NULL));
    REFUSED(fr_unlink("-"));
}
END_TEST

START_TEST(a_region_for_reading_has_no_lock_to_take)
{
    struct fr_region *looking;

    ck_assert_ok(fr_region_fd(array, FR_READ_ONLY, &fd));
    close(fd);
    ck_assert_ok(fr_region_open(array_name, FR_READ_ONLY, FR_NOWAIT, &looking));
    ck_assert_error(fr_region_lock(looking, FR_SHARED, FR_NOWAIT), FR_EACCES);
    REFUSED(fr_region_unlock(looking));
    fr_region_close(&looking);
}
END_TEST

START_TEST(array_functions_refuse_what_is_missing)
{
    struct fr_region *none = (struct fr_region *)1;
    uint64_t value = 0;

    REFUSED(fr_array_create("a", 4, 8, NULL, NULL));
    REFUSED(fr_array_create("a", 0, 8, NULL, &none));
    ck_assert_ptr_null(none);
    REFUSED(fr_array_create("a", 4, 0, NULL, &none));
    REFUSED(fr_array_open("a", 8, FR_READ_WRITE, FR_NOWAIT, NULL));
    REFUSED(fr_array_open("a", 0, FR_READ_WRITE, FR_NOWAIT, &none));
    REFUSED(fr_array_open("-", 8, FR_READ_WRITE, FR_NOWAIT, &none));
    REFUSED(fr_array_from_fd(0, 8, FR_READ_WRITE, NULL));
    REFUSED(fr_array_from_fd(-1, 8, FR_READ_WRITE, &none));
    REFUSED(fr_array_from_fd(0, 0, FR_READ_WRITE, &none));
    REFUSED(fr_region_read(NULL, 0, &value, 8));
    REFUSED(fr_region_read(array, 0, NULL, 8));
    REFUSED(fr_region_write(NULL, 0, &value, 8));
    REFUSED(fr_region_write(array, 0, NULL, 8));
    REFUSED(fr_array_get(NULL, 0, 1, &value));
    REFUSED(fr_array_get(array, 0, 1, NULL));
    REFUSED(fr_array_set(NULL, 0, 1, &value));
    REFUSED(fr_array_set(array, 0, 1, NULL));
}
END_TEST

/* ---- Rings ----------------------------------------------------------------------------------- */

START_TEST(writer_functions_refuse_what_is_missing)
{
    struct fr_writer *none = (struct fr_writer *)1;
    struct fr_slot *slot = (struct fr_slot *)1;
    struct fr_writer_opts without_size = { .slot_size = 8 };

    REFUSED(fr_writer_create("a", &without_size, &none));
    REFUSED(fr_writer_create("a", &fr_writer_opts(.slot_size = 8), NULL));
    REFUSED(fr_writer_create("a", NULL, &none));
    ck_assert_ptr_null(none);
    REFUSED(fr_writer_create("-", &fr_writer_opts(.slot_size = 8), &none));
    REFUSED(fr_writer_open("a", FR_NOWAIT, NULL));
    REFUSED(fr_writer_open("-", FR_NOWAIT, &none));
    REFUSED(fr_writer_from_fd(0, NULL));
    REFUSED(fr_writer_from_fd(-1, &none));
    REFUSED(fr_writer_fd(NULL, FR_READ_ONLY, &fd));
    REFUSED(fr_writer_fd(writer, FR_READ_ONLY, NULL));
    REFUSED(fr_writer_fd(writer, NO_ACCESS, &fd));
    REFUSED(fr_writer_acquire(writer, FR_NOWAIT, NULL));
    REFUSED(fr_writer_acquire(NULL, FR_NOWAIT, &slot));
    ck_assert_ptr_null(slot);
    REFUSED(fr_writer_publish(NULL));
    REFUSED(fr_writer_publish(&slot));
    REFUSED(fr_writer_write(NULL, "x", 1, FR_NOWAIT));
    REFUSED(fr_writer_write(writer, NULL, 1, FR_NOWAIT));
    ck_assert_ok(fr_writer_write(writer, NULL, 0, FR_NOWAIT));
}
END_TEST

START_TEST(reader_functions_refuse_what_is_missing)
{
    struct fr_reader_opts without_size = { .lossy = 1 };
    struct fr_reader *none = (struct fr_reader *)1;
    const struct fr_slot *slot = (const struct fr_slot *)1;
    char room[ITEM_SLOT_SIZE];
    size_t size;

    REFUSED(fr_reader_open("a", NULL, FR_NOWAIT, NULL));
    REFUSED(fr_reader_open("-", NULL, FR_NOWAIT, &none));
    ck_assert_ptr_null(none);
    REFUSED(fr_reader_open("a", &without_size, FR_NOWAIT, &none));
    REFUSED(fr_reader_from_fd(0, NULL, NULL));
    REFUSED(fr_reader_from_fd(-1, NULL, &none));
    REFUSED(fr_reader_from_fd(0, &without_size, &none));
    REFUSED(fr_reader_acquire(reader, FR_NEXT, FR_NOWAIT, NULL));
    REFUSED(fr_reader_acquire(NULL, FR_NEXT, FR_NOWAIT, &slot));
    ck_assert_ptr_null(slot);
    REFUSED(fr_reader_acquire(reader, NO_WHICH, FR_NOWAIT, &slot));
    REFUSED(fr_reader_read(NULL, FR_NEXT, room, sizeof room, FR_NOWAIT, &size));
    REFUSED(fr_reader_read(reader, FR_NEXT, NULL, sizeof room, FR_NOWAIT, &size));
    REFUSED(fr_reader_read(reader, FR_NEXT, room, sizeof room, FR_NOWAIT, NULL));
}
END_TEST

START_TEST(frame_functions_refuse_what_is_missing)
{
    struct fr_frame *frame = (struct fr_frame *)1;
    const struct fr_frame *shown = (const struct fr_frame *)1;

    REFUSED(fr_frame_acquire(writer, 8, 8, FR_FORMAT_BGRA, FR_NOWAIT, NULL));
    REFUSED(fr_frame_acquire(NULL, 8, 8, FR_FORMAT_BGRA, FR_NOWAIT, &frame));
    ck_assert_ptr_null(frame);
    REFUSED(fr_frame_publish(NULL));
    REFUSED(fr_frame_publish(&frame));
    REFUSED(fr_frame_wait(reader, FR_NEXT, FR_NOWAIT, NULL));
    REFUSED(fr_frame_wait(NULL, FR_NEXT, FR_NOWAIT, &shown));
    ck_assert_ptr_null(shown);
    REFUSED(fr_frame_wait(reader, NO_WHICH, FR_NOWAIT, &shown));
}
END_TEST

/* A descriptor for reading is enough to look, and not to change anything. */
START_TEST(a_descriptor_for_reading_opens_no_writer)
{
    struct fr_writer *nameless;
    struct fr_writer *none;

    ck_assert_ok(fr_writer_create(NULL, &fr_writer_opts(.slot_size = 8), &nameless));
    ck_assert_ok(fr_writer_fd(nameless, FR_READ_ONLY, &fd));
    ck_assert_error(fr_writer_from_fd(fd, &none), FR_EACCES);
    ck_assert_ptr_null(none);
    close(fd);
    fr_writer_close(&nameless);
}
END_TEST

START_TEST(looking_in_and_descriptors_refuse_what_is_missing)
{
    struct fr_info only_a_size = { .size = sizeof only_a_size.size };
    struct fr_info too_small = { .size = 4 };
    struct fr_info info = { .size = sizeof info };

    REFUSED(fr_inspect(ring_name, NULL));
    REFUSED(fr_inspect(ring_name, &too_small));
    REFUSED(fr_inspect("-", &info));
    ck_assert_ok(fr_inspect(ring_name, &only_a_size));
    ck_assert_int_eq(only_a_size.kind, 0);
    REFUSED(fr_fd_send(-1, 0));
    REFUSED(fr_fd_send(0, -1));
    REFUSED(fr_fd_receive(-1, FR_NOWAIT, &fd));
    REFUSED(fr_fd_receive(0, FR_NOWAIT, NULL));
    ck_assert_uint_eq(fr_version(), FR_VERSION);
}
END_TEST

/* ---- Giving back nothing --------------------------------------------------------------------- */

START_TEST(what_is_not_there_can_be_closed_and_given_back)
{
    struct fr_region *no_region = NULL;
    struct fr_writer *no_writer = NULL;
    struct fr_reader *no_reader = NULL;
    struct fr_slot *no_slot = NULL;
    const struct fr_slot *no_item = NULL;
    struct fr_frame *no_frame = NULL;
    const struct fr_frame *nothing_shown = NULL;

    fr_region_close(NULL);
    fr_region_close(&no_region);
    fr_writer_close(NULL);
    fr_writer_close(&no_writer);
    fr_reader_close(NULL);
    fr_reader_close(&no_reader);
    fr_writer_abort(NULL);
    fr_writer_abort(&no_slot);
    fr_reader_release(NULL);
    fr_reader_release(&no_item);
    fr_frame_abort(NULL);
    fr_frame_abort(&no_frame);
    fr_frame_release(NULL);
    fr_frame_release(&nothing_shown);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arguments");
    TCase *tests = tcase_create("arguments");

    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, region_functions_refuse_what_is_missing);
    tcase_add_test(tests, a_region_for_reading_has_no_lock_to_take);
    tcase_add_test(tests, array_functions_refuse_what_is_missing);
    tcase_add_test(tests, writer_functions_refuse_what_is_missing);
    tcase_add_test(tests, reader_functions_refuse_what_is_missing);
    tcase_add_test(tests, frame_functions_refuse_what_is_missing);
    tcase_add_test(tests, a_descriptor_for_reading_opens_no_writer);
    tcase_add_test(tests, looking_in_and_descriptors_refuse_what_is_missing);
    tcase_add_test(tests, what_is_not_there_can_be_closed_and_given_back);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
