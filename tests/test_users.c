/* SPDX-License-Identifier: MIT */
/*
 * Other users and other namespaces: who is kept out, that names of two users never meet, that no
 * squatter is adopted or followed, and that whether a peer lives is told right across namespaces of
 * processes and of time. Needs root to become another user and to make a namespace; what the
 * machine does not permit is said and passed over.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <framering/framering.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rings.h"

#define OTHER_USER 65534
#define NOT_PERMITTED 77

struct scene {
    char name[65];
    char path[128];
    uint32_t *ready;
    uint32_t *go;
};

static struct scene make_scene(void)
{
    struct scene scene = { .ready = fr_test_flag(), .go = fr_test_flag() };

    strcpy(scene.name, fr_test_name());
    snprintf(scene.path, sizeof scene.path, "/dev/shm/framering.%u.%s", geteuid(), scene.name);
    return scene;
}

static bool become_other_user(void)
{
    return setresgid(OTHER_USER, OTHER_USER, OTHER_USER) == 0 &&
           setresuid(OTHER_USER, OTHER_USER, OTHER_USER) == 0;
}

/* The result of the work done by another user; false if nobody may become one. */
static bool as_other_user(int (*work)(void *), void *argument, int *result)
{
    if (geteuid() != 0) {
        fprintf(stderr, "not checked: another user (needs root)\n");
        return false;
    }
    *result = fr_test_wait(fr_test_child(work, argument));
    return *result != NOT_PERMITTED;
}

/* ---- Kept out ---------------------------------------------------------------------------------- */

/* 0 if all of it is refused; else the number of what was not. */
static int attack(void *argument)
{
    const struct scene *scene = argument;
    char descriptor[64];
    struct fr_region *region;
    struct fr_reader *reader;
    struct fr_writer *writer;

    snprintf(descriptor, sizeof descriptor, "/proc/%d/fd", (int)getppid());
    if (!become_other_user())
        return NOT_PERMITTED;
    if (open(scene->path, O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
        return 1;
    if (open(scene->path, O_RDWR | O_CLOEXEC) >= 0 || errno != EACCES)
        return 2;
    if (truncate(scene->path, 0) == 0 || errno != EACCES)
        return 3;
    if (unlink(scene->path) == 0 || (errno != EPERM && errno != EACCES))
        return 4;
    if (rename(scene->path, "/dev/shm/framering.65534.stolen") == 0)
        return 5;
    if (chmod(scene->path, 0666) == 0 || chown(scene->path, OTHER_USER, OTHER_USER) == 0)
        return 6;
    if (open(descriptor, O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0)
        return 7;
    if (fr_reader_open(scene->name, NULL, FR_NOWAIT, &reader) != FR_ENOENT)
        return 8;
    if (fr_writer_open(scene->name, FR_NOWAIT, &writer) != FR_ENOENT)
        return 9;
    if (fr_region_open(scene->name, FR_READ_ONLY, FR_NOWAIT, &region) != FR_ENOENT)
        return 10;
    return fr_unlink(scene->name) == FR_ENOENT ? 0 : 11;
}

START_TEST(another_user_can_neither_read_nor_change_nor_remove_an_object)
{
    struct scene scene = make_scene();
    struct fr_writer *writer = make_ring(scene.name, 3, FR_BROADCAST, FR_BLOCK);
    struct fr_reader *reader = open_reader(scene.name);
    int result;

    put_all(writer, 1, 1);
    if (as_other_user(attack, &scene, &result))
        ck_assert_int_eq(result, 0);
    expect_item(reader, 1);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* Of a file that may be read: nothing but that, whatever way round. */
static int attack_readable(void *argument)
{
    const struct scene *scene = argument;
    char again[64];

    if (!become_other_user())
        return NOT_PERMITTED;
    int fd = open(scene->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 1;
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    if (open(again, O_RDWR | O_CLOEXEC) >= 0)
        return 2;
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
        return 3;
    void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED || mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0)
        return 4;
    if (ftruncate(fd, 0) == 0 ||
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
        return 5;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return 6;
    /* A nuisance that must have no effect: all that a reader may lock is locked. */
    lock.l_type = F_RDLCK;
    fcntl(fd, F_OFD_SETLK, &lock);
    flock(fd, LOCK_EX | LOCK_NB);
    fr_test_raise(scene->ready, 1);
    return fr_test_await(scene->go, 1) ? 0 : 7;
}

START_TEST(another_user_who_may_read_can_only_read)
{
    struct scene scene = make_scene();
    struct fr_writer *writer;

    ck_assert_ok(
        fr_writer_create(scene.name,
                         &fr_writer_opts(.slot_size = ITEM_SLOT_SIZE, .slots = 3, .mode = 0644),
                         &writer));
    if (geteuid() == 0) {
        pid_t child = fr_test_child(attack_readable, &scene);
        ck_assert(fr_test_await(scene.ready, 1));
        struct fr_reader *reader = open_reader(scene.name);
        for (uint64_t i = 1; i <= 100; i++) {
            ck_assert_ok(put(writer, i, FR_NOWAIT));
            expect_item(reader, i);
        }
        fr_reader_close(&reader);
        fr_test_raise(scene.go, 1);
        ck_assert_int_eq(fr_test_wait(child), 0);
    }
    fr_writer_close(&writer);
}
END_TEST

/* ---- Names ------------------------------------------------------------------------------------- */

static int use_same_name(void *argument)
{
    const struct scene *scene = argument;
    struct fr_writer *writer;
    struct fr_reader *reader;
    uint64_t number = 0;

    if (!become_other_user())
        return NOT_PERMITTED;
    if (fr_writer_create(scene->name, &fr_writer_opts(.slot_size = ITEM_SLOT_SIZE, .slots = 3),
                         &writer) < 0)
        return 1;
    if (fr_reader_open(scene->name, NULL, FR_NOWAIT, &reader) < 0)
        return 2;
    if (put(writer, 42, FR_NOWAIT) < 0 || get(reader, FR_NOWAIT, &number) < 0 || number != 42)
        return 3;
    fr_reader_close(&reader);
    fr_writer_close(&writer);
    return 0;
}

START_TEST(the_same_name_of_two_users_is_two_rings)
{
    struct scene scene = make_scene();
    struct fr_writer *writer = make_ring(scene.name, 3, FR_BROADCAST, FR_BLOCK);
    struct fr_reader *reader = open_reader(scene.name);
    int result;

    if (as_other_user(use_same_name, &scene, &result))
        ck_assert_int_eq(result, 0);
    put_all(writer, 1, 1);
    expect_item(reader, 1);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

enum squat { SQUAT_FILE, SQUAT_COPY, SQUAT_DIRECTORY, SQUAT_FIFO, SQUAT_LINK, SQUATS };

struct squatter {
    struct scene scene;
    enum squat kind;
    char target[128];
    char copy[16384];
    size_t copy_size;
};

static bool write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);

    if (fd < 0)
        return false;
    bool done = fchmod(fd, 0666) == 0 && write(fd, bytes, size) == (ssize_t)size;
    close(fd);
    return done;
}

static int squat(void *argument)
{
    const struct squatter *squatter = argument;
    const char *path = squatter->scene.path;
    bool done = false;

    if (!become_other_user())
        return NOT_PERMITTED;
    if (squatter->kind == SQUAT_FILE)
        done = write_file(path, "squat", 5);
    else if (squatter->kind == SQUAT_COPY)
        done = write_file(path, squatter->copy, squatter->copy_size);
    else if (squatter->kind == SQUAT_DIRECTORY)
        done = mkdir(path, 0777) == 0;
    else if (squatter->kind == SQUAT_FIFO)
        done = mkfifo(path, 0666) == 0;
    else
        done = symlink(squatter->target, path) == 0;
    return done ? 0 : 1;
}

/* Whoever opens or makes the name is told that it is foreign, and at once. */
static void expect_foreign(const char *name)
{
    int64_t start = fr_now_ns();
    struct fr_info info = fr_info();
    struct fr_region *region;
    struct fr_writer *writer;
    struct fr_reader *reader;

    ck_assert_error(fr_writer_create(name, &fr_writer_opts(.slot_size = 64), &writer), FR_EFOREIGN);
    ck_assert_error(fr_region_create(name, 64, NULL, &region), FR_EFOREIGN);
    ck_assert_error(fr_writer_open(name, FR_NOWAIT, &writer), FR_EFOREIGN);
    ck_assert_error(fr_reader_open(name, NULL, FR_NOWAIT, &reader), FR_EFOREIGN);
    ck_assert_error(fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &region), FR_EFOREIGN);
    ck_assert_error(fr_inspect(name, &info), FR_EFOREIGN);
    ck_assert_int_lt(ms_since(start), 1000);
}

START_TEST(what_another_user_put_under_our_name_is_neither_used_nor_followed_nor_touched)
{
    static struct squatter squatter;
    struct fr_region *region;
    struct stat before;
    struct stat after;
    int result;

    squatter = (struct squatter){ .scene = make_scene(), .kind = (enum squat)_i };
    /* A link leads to an object of ours, a copy is one to the byte: both would be good to open. */
    const char *target = fr_test_name();
    ck_assert_ok(fr_region_create(target, 4096, NULL, &region));
    snprintf(squatter.target, sizeof squatter.target, "/dev/shm/framering.%u.%s", geteuid(),
             target);
    int fd = open(squatter.target, O_RDONLY | O_CLOEXEC);
    squatter.copy_size = (size_t)read(fd, squatter.copy, sizeof squatter.copy);
    close(fd);
    if (as_other_user(squat, &squatter, &result)) {
        ck_assert_int_eq(result, 0);
        ck_assert_int_eq(lstat(squatter.scene.path, &before), 0);
        expect_foreign(squatter.scene.name);
        ck_assert_int_eq(lstat(squatter.scene.path, &after), 0);
        ck_assert(before.st_ino == after.st_ino && before.st_size == after.st_size);
        ck_assert_int_eq(remove(squatter.scene.path), 0);
    }
    ck_assert_ok(fr_region_status(region));
    fr_region_close(&region);
}
END_TEST

/* ---- Namespaces -------------------------------------------------------------------------------- */

/* Joins, holds a slot, publishes another, and waits to be killed. */
static int hold_inside(const struct scene *scene)
{
    struct fr_writer *writer;
    struct fr_slot *slot;
    int error = fr_writer_open(scene->name, FR_NOWAIT, &writer);

    if (error == 0)
        error = put(writer, 1, FR_NOWAIT);
    for (int i = 0; i < 2 && error == 0; i++)
        error = fr_writer_acquire(writer, FR_NOWAIT, &slot);
    fr_test_raise(scene->ready, error == 0 ? 1 : 2);
    nap_ms(20000);
    return 1;
}

/* Process 1 of a namespace of its own, where the numbers of those outside mean nothing. */
static int live_in_namespace(void *argument)
{
    if (unshare(CLONE_NEWPID) < 0)
        return NOT_PERMITTED;
    pid_t child = fork();
    if (child == 0)
        _exit(hold_inside(argument));
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 0 : 1;
}

static uint32_t living_writers(const char *name)
{
    struct fr_info info = fr_info();

    ck_assert_ok(fr_inspect(name, &info));
    return info.writers;
}

static bool kill_child_of(pid_t parent)
{
    char path[64];
    int child = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "r");
    bool found = file && fscanf(file, "%d", &child) == 1;
    if (file)
        fclose(file);
    return found && kill(child, SIGKILL) == 0;
}

START_TEST(life_and_death_are_told_right_across_namespaces_of_processes)
{
    struct scene scene = make_scene();
    struct fr_writer *writer = make_ring(scene.name, 3, FR_BROADCAST, FR_BLOCK);
    struct fr_slot *slots[2];
    pid_t child = fr_test_child(live_in_namespace, &scene);

    while (fr_test_flag_value(scene.ready) == 0 && waitpid(child, NULL, WNOHANG) == 0)
        nap_ms(1);
    if (fr_test_flag_value(scene.ready) == 0) {
        fprintf(stderr, "not checked: a namespace of processes (needs the right to make one)\n");
    } else {
        ck_assert_uint_eq(fr_test_flag_value(scene.ready), 1);
        ck_assert_uint_eq(living_writers(scene.name), 2);
        ck_assert_error(fr_writer_acquire(writer, FR_MS(50), &slots[0]), FR_ETIMEDOUT);
        ck_assert(kill_child_of(child));
        ck_assert_int_eq(fr_test_wait(child), 0);
        for (int i = 0; i < 2; i++)
            ck_assert_ok(fr_writer_acquire(writer, FR_S(2), &slots[i]));
        ck_assert_uint_eq(living_writers(scene.name), 1);
        for (int i = 0; i < 2; i++)
            fr_writer_abort(&slots[i]);
    }
    fr_writer_close(&writer);
}
END_TEST

/* A peer whose monotonic clock is a day ahead: no wait and no death depends on it. */
static int answer_from_tomorrow(void *argument)
{
    const struct scene *scene = argument;
    struct fr_reader *reader;
    uint64_t number = 0;

    if (fr_reader_open(scene->name, NULL, FR_NOWAIT, &reader) < 0)
        return 1;
    fr_test_raise(scene->ready, 1);
    for (uint64_t i = 1; i <= 50; i++) {
        if (get(reader, FR_S(5), &number) < 0 || number != i)
            return 2;
    }
    int64_t start = fr_now_ns();
    if (get(reader, FR_MS(100), &number) != FR_ETIMEDOUT || ms_since(start) < 100 ||
        ms_since(start) > 1100)
        return 3;
    fr_reader_close(&reader);
    return 0;
}

static int live_in_tomorrow(void *argument)
{
    const struct scene *scene = argument;

    if (unshare(CLONE_NEWTIME) < 0 || !freopen("/proc/self/timens_offsets", "w", stdout))
        return NOT_PERMITTED;
    int64_t today = fr_now_ns();
    if (puts("monotonic 86400 0") < 0 || fflush(stdout) != 0)
        return NOT_PERMITTED;
    pid_t child = fork();
    if (child == 0)
        _exit(fr_now_ns() - today > FR_S(86000) ? answer_from_tomorrow(argument) : 4);
    int status = fr_test_wait(child);
    fr_test_raise(scene->ready, 1);
    return status;
}

START_TEST(clocks_of_peers_may_differ)
{
    struct scene scene = make_scene();
    struct fr_writer *writer = make_ring(scene.name, 3, FR_BROADCAST, FR_BLOCK);
    pid_t child = fr_test_child(live_in_tomorrow, &scene);
    int status;

    while (fr_test_flag_value(scene.ready) == 0 && waitpid(child, &status, WNOHANG) == 0)
        nap_ms(1);
    if (fr_test_flag_value(scene.ready) == 0) {
        fprintf(stderr, "not checked: a namespace of time (needs the right to make one)\n");
    } else {
        for (uint64_t i = 1; i <= 50; i++)
            ck_assert_ok(put(writer, i, FR_S(5)));
        ck_assert_int_eq(fr_test_wait(child), 0);
    }
    fr_writer_close(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("users");

    TCase *users = tcase_create("users");
    tcase_set_timeout(users, 60);
    tcase_add_test(users, another_user_can_neither_read_nor_change_nor_remove_an_object);
    tcase_add_test(users, another_user_who_may_read_can_only_read);
    tcase_add_test(users, the_same_name_of_two_users_is_two_rings);
    tcase_add_loop_test(
        users, what_another_user_put_under_our_name_is_neither_used_nor_followed_nor_touched, 0,
        SQUATS);
    tcase_add_test(users, life_and_death_are_told_right_across_namespaces_of_processes);
    tcase_add_test(users, clocks_of_peers_may_differ);
    suite_add_tcase(suite, users);
    return fr_test_main(suite);
}
