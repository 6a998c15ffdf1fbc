/* SPDX-License-Identifier: MIT */
/*
 * What runs out: descriptors, file sizes, /dev/shm. It fails with a code that says so, costs nothing
 * then, and works again afterwards; and what works costs nothing once it is closed.
 */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <framering/framering.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
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

static int mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096];
    int count = 0;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps))
        count += strstr(line, "/dev/shm/") || strstr(line, "(deleted)") ? 1 : 0;
    fclose(maps);
    return count;
}

static void use_everything_once(void)
{
    char name[80];
    struct fr_region *owner = make(fr_test_name());
    struct fr_region *guest;

    fr_region_close(&owner);
    snprintf(name, sizeof name, "%s", fr_test_name());
    owner = make(name);
    ck_assert_error(fr_region_create(name, 1, NULL, &guest), FR_EEXIST);
    ck_assert_error(fr_region_create(name, UINT64_C(1) << 45, NULL, &guest), FR_ENOSPC);
    ck_assert_error(fr_region_open("not-there", FR_READ_ONLY, FR_US(100), &guest), FR_ENOENT);
    ck_assert_error(fr_array_open(name, 4, FR_READ_ONLY, 0, &guest), FR_EKIND);
    for (int access = FR_READ_WRITE; access <= FR_READ_ONLY; access++) {
        ck_assert_ok(fr_region_open(name, (enum fr_access)access, 0, &guest));
        fr_region_close(&guest);
    }
    change_bytes(name, 16, "\0", 1);
    ck_assert_error(fr_region_open(name, FR_READ_ONLY, 0, &guest), FR_ECORRUPT);
    fr_region_close(&owner);
}

START_TEST(nothing_leaks_whatever_succeeds_or_fails)
{
    use_everything_once();
    int descriptors = fr_test_descriptors();
    int maps = mappings();
    for (int i = 0; i < 50; i++)
        use_everything_once();
    ck_assert_int_eq(fr_test_descriptors(), descriptors);
    ck_assert_int_eq(mappings(), maps);
}
END_TEST

START_TEST(without_descriptors_it_fails_and_works_again_afterwards)
{
    struct rlimit limit;
    struct rlimit small;
    int worked = 0;

    use_everything_once();
    int descriptors = fr_test_descriptors();
    int maps = mappings();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (rlim_t count = 0; count < 16; count++) {
        struct fr_region *region;

        small = limit;
        small.rlim_cur = count;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &small), 0);
        int error = fr_region_create(fr_test_name(), 1, NULL, &region);
        setrlimit(RLIMIT_NOFILE, &limit);
        ck_assert(error == 0 || error == -EMFILE);
        worked += error == 0;
        if (error == 0)
            fr_region_close(&region);
        ck_assert_int_eq(fr_test_descriptors(), descriptors);
        ck_assert_int_eq(mappings(), maps);
    }
    ck_assert_int_gt(worked, 0);
}
END_TEST

START_TEST(a_limit_of_file_sizes_is_no_space)
{
    struct rlimit limit;
    struct fr_region *region;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 3 * FRI_PAGE;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_error(fr_region_create(fr_test_name(), 3 * FRI_PAGE, NULL, &region), FR_ENOSPC);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_ENOSPC), "ulimit"));
    ck_assert_ok(fr_region_create(fr_test_name(), 2 * FRI_PAGE, NULL, &region));
    fr_region_close(&region);
}
END_TEST

#define SMALL_PAGES 64

/* 77: this machine does not let us have a /dev/shm of our own. */
static int fill_small_shm(void *unused)
{
    struct fr_region *region;
    int made = 0;

    (void)unused;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=256k") < 0)
        return 77;
    for (uint64_t pages = SMALL_PAGES + 10; pages > 0; pages--) {
        int error = fr_region_create("small", pages * FRI_PAGE, NULL, &region);

        if (error != 0 && error != FR_ENOSPC)
            return 1;
        if (error == FR_ENOSPC && !strstr(fr_error_detail(error), "--shm-size"))
            return 2;
        if (fr_test_exists("small") != (error == 0))
            return 3;
        if (error != 0)
            continue;
        memset(fr_region_data(region), 1, fr_region_size(region));
        fr_region_close(&region);
        made++;
    }
    return made >= SMALL_PAGES - 1 && made < SMALL_PAGES + 10 ? 0 : 4;
}

START_TEST(a_full_shm_is_an_error_and_never_a_bus_error)
{
    int result = fr_test_wait(fr_test_child(fill_small_shm, NULL));

    if (result == 77)
        fprintf(stderr, "not checked: a full /dev/shm (needs the right to mount)\n");
    else
        ck_assert_int_eq(result, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resources");

    TCase *resources = tcase_create("resources");
    tcase_set_timeout(resources, 30);
    tcase_add_test(resources, nothing_leaks_whatever_succeeds_or_fails);
    tcase_add_test(resources, without_descriptors_it_fails_and_works_again_afterwards);
    tcase_add_test(resources, a_limit_of_file_sizes_is_no_space);
    tcase_add_test(resources, a_full_shm_is_an_error_and_never_a_bus_error);
    suite_add_tcase(suite, resources);
    return fr_test_main(suite);
}
