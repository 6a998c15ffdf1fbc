/* SPDX-License-Identifier: MIT */
/*
 * Files that stand where an object is expected: those that are not ours, are damaged, or come from
 * another version are told apart, left alone, and never crash whoever opens them.
 */
#define _GNU_SOURCE
#include "support.h"

#include <fcntl.h>
#include <framering/framering.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"
#include "platform.h"

#define PAGES 3

static const char *path_of(const char *name)
{
    static char path[FRI_PATH_SIZE];

    fri_path_make(fri_user(), name, path);
    return path;
}

/* Puts a file of these bytes under the name, as somebody else might. */
static void put_file(const char *name, const void *bytes, size_t size)
{
    int fd = open(path_of(name), O_CREAT | O_EXCL | O_RDWR, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void change_bytes(const char *name, size_t offset, const void *bytes, size_t size)
{
    int fd = open(path_of(name), O_RDWR);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
    close(fd);
}

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

/* ---- What is not ours ------------------------------------------------------------------ */

static void assert_foreign(const char *name)
{
    struct fr_region *region;

    ck_assert_error(fr_region_create(name, 1, NULL, &region), FR_EFOREIGN);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EFOREIGN), name));
    ck_assert_error(fr_region_open(name, FR_READ_WRITE, 0, &region), FR_EFOREIGN);
    ck_assert_error(fr_region_open(name, FR_READ_ONLY, FR_FOREVER, &region), FR_EFOREIGN);
    ck_assert_error(fr_array_open(name, 1, FR_READ_ONLY, 0, &region), FR_EFOREIGN);
    ck_assert_ptr_null(region);
    ck_assert(fr_test_exists(name));
}

START_TEST(a_file_that_is_not_ours_is_left_alone)
{
    const size_t sizes[] = { 0, 1, 255, 256, 8192 };
    static char text[8192];
    char back[8192];
    const char *name = fr_test_name();

    memset(text, 'x', sizeof text);
    put_file(name, text, sizes[_i]);
    assert_foreign(name);
    int fd = open(path_of(name), O_RDONLY);
    ck_assert_int_eq(read(fd, back, sizeof back), (ssize_t)sizes[_i]);
    ck_assert_mem_eq(back, text, sizes[_i]);
    close(fd);
}
END_TEST

START_TEST(a_directory_is_left_alone)
{
    const char *name = fr_test_name();

    ck_assert_int_eq(mkdir(path_of(name), 0700), 0);
    assert_foreign(name);
    ck_assert_int_eq(rmdir(path_of(name)), 0);
}
END_TEST

START_TEST(a_fifo_is_left_alone_and_waits_for_nobody)
{
    const char *name = fr_test_name();

    ck_assert_int_eq(mkfifo(path_of(name), 0600), 0);
    assert_foreign(name);
}
END_TEST

START_TEST(a_symbolic_link_even_to_an_object_is_left_alone)
{
    const char *target = fr_test_name();
    const char *name = fr_test_name();
    char path[FRI_PATH_SIZE];
    struct fr_region *region = make(target);

    fri_path_make(fri_user(), target, path);
    ck_assert_int_eq(symlink(path, path_of(name)), 0);
    ck_assert_int_eq(access(path_of(name), F_OK), 0);
    assert_foreign(name);
    fr_region_close(&region);
}
END_TEST

START_TEST(a_file_of_another_user_is_left_alone)
{
    const char *name = fr_test_name();

    if (geteuid() != 0) {
        fprintf(stderr, "not checked: a file of another user (needs root)\n");
        return;
    }
    struct fr_region *region = make(name);
    ck_assert_int_eq(chown(path_of(name), 65534, 65534), 0);
    assert_foreign(name);
    ck_assert_ok(fr_unlink(name));
    fr_region_close(&region);
}
END_TEST

static int open_as_nobody(void *name)
{
    struct fr_region *region;
    char path[FRI_PATH_SIZE];
    int fd;

    fri_path_make(fri_user(), name, path);
    if (setuid(65534) < 0)
        return 1;
    if (fri_file_open(path, false, &fd) != FR_EACCES)
        return 2;
    /* Names of another user are others. */
    return fr_region_open(name, FR_READ_ONLY, 0, &region) == FR_ENOENT ? 0 : 3;
}

START_TEST(objects_are_private_unless_said_otherwise)
{
    char name[80];
    struct stat status;

    snprintf(name, sizeof name, "%s", fr_test_name());
    struct fr_region *region = make(name);
    ck_assert_int_eq(stat(path_of(name), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    if (geteuid() == 0)
        ck_assert_int_eq(fr_test_wait(fr_test_child(open_as_nobody, name)), 0);
    fr_region_close(&region);
    ck_assert_ok(fr_region_create(name, 1, &fr_region_opts(.mode = 0644), &region));
    ck_assert_int_eq(stat(path_of(name), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0644);
    fr_region_close(&region);
    ck_assert_error(fr_region_create(name, 1, &fr_region_opts(.mode = 01000), &region), FR_EINVAL);
}
END_TEST

/* ---- Damage ---------------------------------------------------------------------------- */

#define FIELD(member)                                                                              \
    offsetof(struct fri_identity, member), sizeof((struct fri_identity *)0)->member

struct damage {
    size_t offset;
    size_t size;
    uint64_t value;
    int code;
};

static const struct damage damages[] = {
    { FIELD(magic), 0, FR_EFOREIGN },
    { FIELD(magic), FRI_MAGIC + 1, FR_EFOREIGN },
    { FIELD(wire_major), 0, FR_EVERSION },
    { FIELD(wire_major), 2, FR_EVERSION },
    { FIELD(wire_major), 0xffff, FR_EVERSION },
    { FIELD(wire_minor), 7, 0 },
    { FIELD(endian_tag), 0x04030201, FR_EVERSION },
    { FIELD(required_features), 1, FR_ECORRUPT }, /* observers of a region */
    { FIELD(required_features), 2, FR_EVERSION },
    { FIELD(required_features), UINT64_C(1) << 63, FR_EVERSION },
    { FIELD(optional_features), UINT64_MAX, 0 },
    { FIELD(kind), 0, FR_ECORRUPT },
    { FIELD(kind), 4, FR_ECORRUPT },
    { FIELD(kind), UINT32_MAX, FR_ECORRUPT },
    { FIELD(kind), FR_KIND_ARRAY, FR_ECORRUPT },
    { FIELD(kind), FR_KIND_RING, FR_ECORRUPT },
    { FIELD(identity_size), 512, 0 },
    { FIELD(total_size), 0, FR_ECORRUPT },
    { FIELD(total_size), (PAGES + 2) * FRI_PAGE, FR_ECORRUPT },
    { FIELD(total_size), UINT64_MAX, FR_ECORRUPT },
    { FIELD(session), 0, 0 },
    { FIELD(created_ns), UINT64_MAX, 0 },
    { FIELD(data_offset), 0, FR_ECORRUPT },
    { FIELD(data_offset), 8192, FR_ECORRUPT },
    { FIELD(data_offset), UINT64_MAX, FR_ECORRUPT },
    { FIELD(data_size), 0, FR_ECORRUPT },
    { FIELD(data_size), PAGES *FRI_PAGE + 1, FR_ECORRUPT },
    { FIELD(data_size), UINT64_MAX, FR_ECORRUPT },
    { FIELD(element_size), 16, FR_ECORRUPT },
    { FIELD(slots), 2, FR_ECORRUPT },
    { FIELD(order_size), 1, FR_ECORRUPT },
    { FIELD(slot_size), 1, FR_ECORRUPT },
    { FIELD(slots_offset), 1, FR_ECORRUPT },
    { offsetof(struct fri_identity, reserved), 8, UINT64_MAX, 0 },
};

START_TEST(a_damaged_identity_is_told_from_a_foreign_one_and_from_a_newer_one)
{
    const struct damage *damage = &damages[_i];
    const char *name = fr_test_name();
    struct fr_region *owner = make(name);
    struct fr_region *guest;

    change_bytes(name, damage->offset, &damage->value, damage->size);
    ck_assert_error(fr_region_open(name, FR_READ_WRITE, 0, &guest), damage->code);
    if (damage->code == 0)
        fr_region_close(&guest);
    ck_assert_error(fr_region_open(name, FR_READ_ONLY, 0, &guest), damage->code);
    if (damage->code == 0)
        fr_region_close(&guest);
    ck_assert_ok(fr_region_write(owner, 0, "still there", 11));
    fr_region_close(&owner);
}
END_TEST

START_TEST(the_words_behind_the_versions_are_in_the_message)
{
    const char *name = fr_test_name();
    struct fr_region *owner = make(name);
    struct fr_region *guest;
    const uint16_t version[] = { 3, 14 };

    change_bytes(name, 8, version, sizeof version);
    ck_assert_error(fr_region_open(name, FR_READ_WRITE, 0, &guest), FR_EVERSION);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EVERSION), "3.14"));
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_EVERSION), "1.0"));
    fr_region_close(&owner);
}
END_TEST

START_TEST(damage_after_opening_does_not_move_what_is_open)
{
    const char *name = fr_test_name();
    struct fr_region *owner = make(name);
    unsigned char rubbish[sizeof(struct fri_identity)];

    memset(rubbish, 0xff, sizeof rubbish);
    change_bytes(name, 0, rubbish, sizeof rubbish);
    ck_assert_uint_eq(fr_region_size(owner), PAGES * FRI_PAGE);
    ck_assert_ok(fr_region_write(owner, PAGES * FRI_PAGE - 1, "x", 1));
    ck_assert_error(fr_region_write(owner, PAGES * FRI_PAGE, "x", 1), FR_ERANGE);
    fr_region_close(&owner);
    ck_assert(!fr_test_exists(name));
}
END_TEST

START_TEST(an_object_that_was_cut_off_is_not_mapped)
{
    const off_t sizes[] = { 0, 255, 256, 4096, (PAGES + 1) * FRI_PAGE - 1 };
    char name[80];
    struct fr_region *guest;

    make_dead(name);
    ck_assert_int_eq(truncate(path_of(name), sizes[_i]), 0);
    ck_assert_error(fr_region_open(name, FR_READ_WRITE, 0, &guest),
                    sizes[_i] < 256 ? FR_EFOREIGN : FR_ECORRUPT);
    ck_assert_ok(fr_unlink(name));
}
END_TEST

START_TEST(random_damage_never_crashes)
{
    const char *name = fr_test_name();
    struct fr_region *owner = make(name);
    unsigned char original[256];
    int fd = open(path_of(name), O_RDWR);

    srand(1);
    ck_assert_int_eq(pread(fd, original, sizeof original, 0), 256);
    for (int i = 0; i < 20000; i++) {
        unsigned char bytes[256];
        struct fr_region *guest;

        memcpy(bytes, original, sizeof bytes);
        for (int k = 0; k <= i % 3; k++)
            bytes[8 + rand() % 136] = (unsigned char)rand();
        ck_assert_int_eq(pwrite(fd, bytes, sizeof bytes, 0), 256);
        int error = fr_region_open(name, FR_READ_WRITE, 0, &guest);
        if (error == 0) {
            ck_assert_ok(fr_region_write(guest, fr_region_size(guest) - 1, "", 1));
            fr_region_close(&guest);
        } else {
            ck_assert(error == FR_EVERSION || error == FR_ECORRUPT || error == FR_EKIND);
        }
    }
    close(fd);
    fr_region_close(&owner);
}
END_TEST

static void add_damage_tests(Suite *suite)
{
    TCase *damage = tcase_create("damage");

    tcase_set_timeout(damage, 30);
    tcase_add_loop_test(damage, a_damaged_identity_is_told_from_a_foreign_one_and_from_a_newer_one,
                        0, sizeof damages / sizeof damages[0]);
    tcase_add_test(damage, the_words_behind_the_versions_are_in_the_message);
    tcase_add_test(damage, damage_after_opening_does_not_move_what_is_open);
    tcase_add_loop_test(damage, an_object_that_was_cut_off_is_not_mapped, 0, 5);
    tcase_add_test(damage, random_damage_never_crashes);
    suite_add_tcase(suite, damage);
}

int main(void)
{
    Suite *suite = suite_create("identity");

    TCase *foreign = tcase_create("foreign");
    tcase_add_loop_test(foreign, a_file_that_is_not_ours_is_left_alone, 0, 5);
    tcase_add_test(foreign, a_directory_is_left_alone);
    tcase_add_test(foreign, a_fifo_is_left_alone_and_waits_for_nobody);
    tcase_add_test(foreign, a_symbolic_link_even_to_an_object_is_left_alone);
    tcase_add_test(foreign, a_file_of_another_user_is_left_alone);
    tcase_add_test(foreign, objects_are_private_unless_said_otherwise);
    suite_add_tcase(suite, foreign);

    add_damage_tests(suite);
    return fr_test_main(suite);
}
