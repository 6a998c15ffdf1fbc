/* SPDX-License-Identifier: MIT */
/*
 * What platform.h promises of the system: memory that is really there, locks that say exactly
 * whether somebody can still write, and waits that end when they should.
 */
#define _GNU_SOURCE
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "name.h"
#include "platform.h"

#define BYTE 1000

/* ---- Time ------------------------------------------------------------------------------ */

START_TEST(deadlines_saturate_and_never_come_without_a_limit)
{
    ck_assert_int_eq(fri_deadline(-1), INT64_MAX);
    ck_assert_int_eq(fri_deadline(INT64_MIN), INT64_MAX);
    ck_assert_int_eq(fri_deadline(INT64_MAX), INT64_MAX);
    ck_assert_int_eq(fri_deadline(INT64_MAX - 1), INT64_MAX);
    ck_assert_int_eq(fri_remaining(INT64_MAX), INT64_MAX);
}
END_TEST

START_TEST(a_moment_that_is_over_has_nothing_left)
{
    int64_t now = fri_clock_now();

    ck_assert_int_gt(now, 0);
    ck_assert_int_eq(fri_remaining(now), 0);
    ck_assert_int_eq(fri_remaining(INT64_MIN / 2), 0);
    ck_assert_int_ge(fri_deadline(0), now);
    int64_t rest = fri_remaining(fri_deadline(FR_S(100)));
    ck_assert_int_gt(rest, FR_S(50));
    ck_assert_int_le(rest, FR_S(100));
}
END_TEST

/* ---- Files ----------------------------------------------------------------------------- */

static void make_path(char path[FRI_PATH_SIZE])
{
    fri_path_make(fri_user(), fr_test_name(), path);
}

START_TEST(a_new_file_is_zero_and_all_of_it_is_really_there)
{
    const uint64_t size = 3 * 4096 + 5;
    unsigned char bytes[3 * 4096 + 5];
    struct stat status;
    int fd;

    ck_assert_ok(fri_file_create(size, 0640, &fd));
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_size, (off_t)size);
    ck_assert_int_ge(status.st_blocks * 512, (off_t)size);
    ck_assert_uint_eq(status.st_mode & 0777, 0640);
    ck_assert_uint_eq(status.st_nlink, 0);
    ck_assert(fri_file_read(fd, bytes, sizeof bytes));
    for (size_t i = 0; i < sizeof bytes; i++)
        ck_assert_uint_eq(bytes[i], 0);
    ck_assert(!fri_file_read(fd, (unsigned char[4 * 4096]){ 0 }, 4 * 4096));
    fri_file_close(fd);
}
END_TEST

START_TEST(permissions_do_not_depend_on_the_umask)
{
    struct fri_file_info info;
    int fd;

    umask(0777);
    ck_assert_ok(fri_file_create(1, 0666, &fd));
    ck_assert_ok(fri_file_info(fd, &info));
    ck_assert_uint_eq(info.mode, 0666);
    fri_file_close(fd);
}
END_TEST

START_TEST(what_cannot_fit_fails_at_once_and_takes_nothing)
{
    const uint64_t sizes[] = { UINT64_C(1) << 46, INT64_MAX, UINT64_MAX };
    int fd = -7;

    ck_assert_error(fri_file_create(sizes[_i], 0600, &fd), FR_ENOSPC);
    ck_assert_int_eq(fd, -7);
    ck_assert_ptr_nonnull(strstr(fr_error_detail(FR_ENOSPC), "/dev/shm has"));
}
END_TEST

START_TEST(a_limit_of_file_sizes_is_an_error_and_not_a_signal)
{
    struct rlimit limit;
    int fd;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 8192;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_error(fri_file_create(8193, 0600, &fd), FR_ENOSPC);
    ck_assert_ok(fri_file_create(8192, 0600, &fd));
    fri_file_close(fd);
}
END_TEST

static void count_signal(int number)
{
    (void)number;
}

static void start_alarm_storm(void)
{
    const struct sigaction action = { .sa_handler = count_signal };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    const struct itimerspec every = { { 0, 200000 }, { 0, 200000 } };
    timer_t timer;

    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ck_assert_int_eq(timer_settime(timer, 0, &every, NULL), 0);
}

START_TEST(a_storm_of_signals_does_not_keep_memory_from_being_made)
{
    int fd;

    start_alarm_storm();
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(fri_file_create(UINT64_C(64) << 20, 0600, &fd));
        fri_file_close(fd);
    }
}
END_TEST

START_TEST(a_name_is_given_once)
{
    char path[FRI_PATH_SIZE];
    int first;
    int second;

    make_path(path);
    ck_assert_ok(fri_file_create(1, 0600, &first));
    ck_assert_ok(fri_file_create(1, 0600, &second));
    ck_assert_ok(fri_file_name(first, path));
    ck_assert_error(fri_file_name(second, path), FR_EEXIST);
    ck_assert_ok(fri_path_remove(path));
    ck_assert_ok(fri_file_name(second, path));
    ck_assert_ok(fri_path_remove(path));
    ck_assert_error(fri_path_remove(path), FR_ENOENT);
    fri_file_close(first);
    fri_file_close(second);
}
END_TEST

START_TEST(a_symbolic_link_is_never_followed)
{
    char path[FRI_PATH_SIZE];
    struct fri_file_info info;
    int fd;

    make_path(path);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    ck_assert_error(fri_file_open(path, false, &fd), FR_EFOREIGN);
    ck_assert_error(fri_file_open(path, true, &fd), FR_EFOREIGN);
    ck_assert_ok(fri_path_info(path, &info));
    ck_assert(!info.is_regular);
    ck_assert_ok(fri_path_remove(path));
    ck_assert_error(fri_file_open(path, false, &fd), FR_ENOENT);
}
END_TEST

START_TEST(no_descriptor_is_inherited_by_another_program)
{
    struct fri_watch watch;
    int fds[3];

    ck_assert_ok(fri_file_create(1, 0600, &fds[0]));
    ck_assert_ok(fri_file_reopen(fds[0], false, &fds[1]));
    fri_watch_open(&watch);
    fds[2] = watch.fd;
    for (int i = 0; i < 3; i++) {
        int flags = fcntl(fds[i], F_GETFD);

        ck_assert_int_ge(flags, 0);
        ck_assert(flags & FD_CLOEXEC);
    }
    fri_watch_close(&watch);
    fri_file_close(fds[0]);
    fri_file_close(fds[1]);
}
END_TEST

static int touch(void *address)
{
    const struct rlimit no_core = { 0, 0 };

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    return *(volatile unsigned char *)address;
}

START_TEST(a_mapping_is_not_there_in_a_child)
{
    void *address;
    int fd;

    ck_assert_ok(fri_file_create(4096, 0600, &fd));
    ck_assert_ok(fri_map(fd, 0, 4096, true, true, &address));
    ck_assert_int_eq(touch(address), 0);
    ck_assert_int_eq(fr_test_wait(fr_test_child(touch, address)), 128 + SIGSEGV);
    fri_unmap(address, 4096);
    fri_file_close(fd);
}
END_TEST

/* ---- Liveness -------------------------------------------------------------------------- */

START_TEST(a_lock_is_seen_by_other_descriptions_only)
{
    int first;
    int second;

    ck_assert_ok(fri_file_create(1, 0600, &first));
    ck_assert_ok(fri_file_reopen(first, true, &second));
    ck_assert(fri_lock_try(first, BYTE, 1));
    ck_assert(fri_lock_try(first, BYTE, 1));
    ck_assert(!fri_lock_is_held(first, BYTE, 1));
    ck_assert(fri_lock_is_held(second, BYTE, 1));
    ck_assert(!fri_lock_try(second, BYTE, 1));
    ck_assert(!fri_lock_try(second, BYTE - 1, 2));
    ck_assert(fri_lock_try(second, BYTE + 1, 1));
    ck_assert(fri_lock_is_held(second, BYTE - 10, 100));
    ck_assert(!fri_lock_is_held(second, BYTE - 10, 10));
    fri_file_close(first);
    ck_assert(fri_lock_try(second, BYTE, 1));
    fri_file_close(second);
}
END_TEST

START_TEST(a_lock_lives_as_long_as_the_mapping)
{
    void *address;
    int holder;
    int prober;

    ck_assert_ok(fri_file_create(4096, 0600, &holder));
    ck_assert_ok(fri_file_reopen(holder, true, &prober));
    ck_assert_ok(fri_map(holder, 0, 4096, true, false, &address));
    ck_assert(fri_lock_try(holder, BYTE, 1));
    fri_file_close(holder);
    ck_assert(fri_lock_is_held(prober, BYTE, 1));
    fri_unmap(address, 4096);
    ck_assert(!fri_lock_is_held(prober, BYTE, 1));
    fri_file_close(prober);
}
END_TEST

START_TEST(a_process_that_only_looks_cannot_take_a_lock)
{
    int fd;
    int reader;

    ck_assert_ok(fri_file_create(1, 0600, &fd));
    ck_assert_ok(fri_file_reopen(fd, false, &reader));
    ck_assert(!fri_lock_try(reader, BYTE, 1));
    ck_assert(!fri_lock_is_held(reader, BYTE, 1));
    ck_assert(fri_lock_try(fd, BYTE, 1));
    ck_assert(fri_lock_is_held(reader, BYTE, 1));
    fri_file_close(reader);
    fri_file_close(fd);
}
END_TEST

START_TEST(when_the_kernel_cannot_say_everybody_is_alive)
{
    ck_assert(fri_lock_is_held(-1, BYTE, 1));
    ck_assert(!fri_lock_try(-1, BYTE, 1));
}
END_TEST

static uint32_t *ready;

static int hold_by_mapping(void *path)
{
    void *address;
    int fd;

    if (fri_file_open(path, true, &fd) < 0 || fri_map(fd, 0, 4096, true, false, &address) < 0)
        return 1;
    if (!fri_lock_try(fd, BYTE, 1))
        return 2;
    fri_file_close(fd);
    fr_test_raise(ready, 1);
    for (;;)
        pause();
}

static int start_holder(char path[FRI_PATH_SIZE], int *fd, pid_t *child)
{
    make_path(path);
    ready = fr_test_flag();
    int error = fri_file_create(4096, 0600, fd);
    if (error == 0)
        error = fri_file_name(*fd, path);
    *child = fr_test_child(hold_by_mapping, path);
    return error == 0 && fr_test_await(ready, 1) ? 0 : -1;
}

START_TEST(a_killed_process_loses_its_locks_and_a_stopped_one_does_not)
{
    char path[FRI_PATH_SIZE];
    pid_t child;
    int status;
    int fd;

    ck_assert_int_eq(start_holder(path, &fd, &child), 0);
    ck_assert(fri_lock_is_held(fd, BYTE, 1));
    kill(child, SIGSTOP);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(fri_lock_is_held(fd, BYTE, 1));
    ck_assert(!fri_lock_try(fd, BYTE, 1));
    fr_test_kill(child);
    ck_assert(!fri_lock_is_held(fd, BYTE, 1));
    ck_assert(fri_lock_try(fd, BYTE, 1));
    fri_path_remove(path);
    fri_file_close(fd);
}
END_TEST

static int hold_and_fork(void *path)
{
    void *address;
    int fd;

    if (fri_file_open(path, true, &fd) < 0 || fri_map(fd, 0, 4096, true, false, &address) < 0 ||
        !fri_lock_try(fd, BYTE, 1))
        return 1;
    fri_file_close(fd);
    if (fork() == 0) {
        setpgid(0, 0);
        fr_test_raise(ready + 1, (uint32_t)getpid());
        sleep(20);
        _exit(0);
    }
    return fr_test_await(ready + 1, 1) ? 0 : 2;
}

START_TEST(a_child_that_outlives_its_parent_does_not_keep_his_locks)
{
    char path[FRI_PATH_SIZE];
    int fd;

    make_path(path);
    ready = fr_test_flag();
    ck_assert_ok(fri_file_create(4096, 0600, &fd));
    ck_assert_ok(fri_file_name(fd, path));
    ck_assert_int_eq(fr_test_wait(fr_test_child(hold_and_fork, path)), 0);
    bool held = fri_lock_is_held(fd, BYTE, 1);
    kill((pid_t)fr_test_flag_value(ready + 1), SIGKILL);
    ck_assert(!held);
    fri_path_remove(path);
    fri_file_close(fd);
}
END_TEST

/* ---- Waiting --------------------------------------------------------------------------- */

START_TEST(a_futex_wait_ends_with_its_time_and_not_much_earlier)
{
    fri_word32 word = 5;
    int64_t start = fri_clock_now();

    fri_futex_wait(&word, 4, FR_S(1000));
    fri_futex_wait(&word, 5, FR_MS(30));
    ck_assert_int_ge(fri_clock_now() - start, FR_MS(29));
}
END_TEST

static void *make_names(void *unused)
{
    char path[FRI_PATH_SIZE];
    int fd;

    (void)unused;
    make_path(path);
    if (fri_file_create(1, 0600, &fd) == 0 && fri_file_name(fd, path) == 0)
        fri_file_close(fd);
    return NULL;
}

START_TEST(a_watch_ends_when_a_name_appears)
{
    struct fri_watch watch;
    pthread_t thread;

    fri_watch_open(&watch);
    ck_assert_int_ge(watch.fd, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, make_names, NULL), 0);
    fri_watch_wait(&watch, FR_S(1000));
    pthread_join(thread, NULL);
    fri_watch_close(&watch);
    fri_watch_close(&watch);
}
END_TEST

START_TEST(without_a_watch_to_have_names_are_looked_for_in_naps)
{
    struct fri_watch watch = { -1 };
    int64_t start = fri_clock_now();

    fri_watch_wait(&watch, FR_S(1000));
    ck_assert_int_ge(fri_clock_now() - start, FR_MS(49));
    ck_assert_int_lt(fri_clock_now() - start, FR_S(500));
}
END_TEST

START_TEST(a_wait_for_a_name_that_never_comes_ends_with_its_time)
{
    struct fri_name_wait wait;
    int64_t start = fri_clock_now();

    fri_name_wait_begin(&wait, FR_MS(20));
    while (fri_name_wait_step(&wait))
        continue;
    fri_name_wait_end(&wait);
    ck_assert_int_ge(fri_clock_now() - start, FR_MS(19));
}
END_TEST

START_TEST(random_numbers_are_neither_zero_nor_the_same)
{
    uint64_t first = fri_random();

    ck_assert_uint_ne(first, 0);
    ck_assert_uint_ne(first, fri_random());
    ck_assert_uint_eq(fri_process(), (uint32_t)getpid());
    ck_assert_uint_eq(fri_user(), geteuid());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform");

    TCase *time = tcase_create("time");
    tcase_add_test(time, deadlines_saturate_and_never_come_without_a_limit);
    tcase_add_test(time, a_moment_that_is_over_has_nothing_left);
    suite_add_tcase(suite, time);

    TCase *files = tcase_create("files");
    tcase_set_timeout(files, 30);
    tcase_add_test(files, a_new_file_is_zero_and_all_of_it_is_really_there);
    tcase_add_test(files, permissions_do_not_depend_on_the_umask);
    tcase_add_loop_test(files, what_cannot_fit_fails_at_once_and_takes_nothing, 0, 3);
    tcase_add_test(files, a_limit_of_file_sizes_is_an_error_and_not_a_signal);
    tcase_add_test(files, a_storm_of_signals_does_not_keep_memory_from_being_made);
    tcase_add_test(files, a_name_is_given_once);
    tcase_add_test(files, a_symbolic_link_is_never_followed);
    tcase_add_test(files, no_descriptor_is_inherited_by_another_program);
    tcase_add_test(files, a_mapping_is_not_there_in_a_child);
    suite_add_tcase(suite, files);

    TCase *liveness = tcase_create("liveness");
    tcase_set_timeout(liveness, 30);
    tcase_add_test(liveness, a_lock_is_seen_by_other_descriptions_only);
    tcase_add_test(liveness, a_lock_lives_as_long_as_the_mapping);
    tcase_add_test(liveness, a_process_that_only_looks_cannot_take_a_lock);
    tcase_add_test(liveness, when_the_kernel_cannot_say_everybody_is_alive);
    tcase_add_test(liveness, a_killed_process_loses_its_locks_and_a_stopped_one_does_not);
    tcase_add_test(liveness, a_child_that_outlives_its_parent_does_not_keep_his_locks);
    suite_add_tcase(suite, liveness);

    TCase *waiting = tcase_create("waiting");
    tcase_set_timeout(waiting, 30);
    tcase_add_test(waiting, a_futex_wait_ends_with_its_time_and_not_much_earlier);
    tcase_add_test(waiting, a_watch_ends_when_a_name_appears);
    tcase_add_test(waiting, without_a_watch_to_have_names_are_looked_for_in_naps);
    tcase_add_test(waiting, a_wait_for_a_name_that_never_comes_ends_with_its_time);
    tcase_add_test(waiting, random_numbers_are_neither_zero_nor_the_same);
    suite_add_tcase(suite, waiting);

    return fr_test_main(suite);
}
