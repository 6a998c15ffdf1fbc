/* SPDX-License-Identifier: MIT */
/*
 * Objects without a name: made, handed over through a socket, joined by other processes, left, and
 * gone without a trace. What strangers can do with descriptors is test_descriptor_hostile.c's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rings.h"

#define NOBODY 65534

static struct fr_writer *make_nameless(const struct fr_writer_opts *wanted)
{
    struct fr_writer_opts opts = *wanted;
    struct fr_writer *writer;

    if (opts.slot_size == 0)
        opts.slot_size = ITEM_SLOT_SIZE;
    ck_assert_ok(fr_writer_create(NULL, &opts, &writer));
    return writer;
}

static int fd_of(const struct fr_writer *writer, enum fr_access access)
{
    int fd;

    ck_assert_ok(fr_writer_fd(writer, access, &fd));
    return fd;
}

/* ---- Through a socket, to another process ----------------------------------------------------- */

/* The child's part: receives a descriptor, joins as told, reads items 1 to 100. */
struct peer {
    int socket;
    struct fr_reader_opts opts;
};

static int receive_and_read(void *argument)
{
    const struct peer *peer = argument;
    struct fr_reader *reader;
    uint64_t number;
    int fd;

    if (fr_fd_receive(peer->socket, FR_S(10), &fd) < 0)
        return 1;
    if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
        return 2;
    if (fr_reader_from_fd(fd, &peer->opts, &reader) < 0)
        return 3;
    close(fd);
    if (write(peer->socket, "r", 1) != 1)
        return 4;
    for (uint64_t i = 1; i <= 100; i++) {
        if (get(reader, FR_S(10), &number) < 0 || number != i)
            return 5;
    }
    int end = get(reader, FR_S(10), &number);
    fr_reader_close(&reader);
    return end == FR_ECLOSED ? 0 : 6;
}

static void serve_a_child(enum fr_access access, const struct fr_writer_opts *opts,
                          const struct fr_reader_opts *reader_opts)
{
    int sockets[2];
    char ready;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    struct peer peer = { sockets[1], *reader_opts };
    pid_t child = fr_test_child(receive_and_read, &peer);
    struct fr_writer *writer = make_nameless(opts);
    int fd = fd_of(writer, access);
    ck_assert_ok(fr_fd_send(sockets[0], fd));
    close(fd);
    ck_assert_int_eq(read(sockets[0], &ready, 1), 1);
    for (uint64_t i = 1; i <= 100; i++)
        ck_assert_ok(put(writer, i, FR_S(10)));
    if (reader_opts->observe)
        nap_ms(200); /* nobody waits for it */
    fr_writer_close(&writer);
    ck_assert_int_eq(fr_test_wait(child), 0);
    close(sockets[0]);
    close(sockets[1]);
}

START_TEST(member_in_another_process_reads_every_item)
{
    int before = fr_test_descriptors();

    serve_a_child(FR_READ_WRITE, &fr_writer_opts(.slots = 4), &fr_reader_opts(0));
    serve_a_child(FR_READ_WRITE, &fr_writer_opts(.slots = 4, .delivery = FR_QUEUE),
                  &fr_reader_opts(0));
    ck_assert_int_eq(fr_test_descriptors(), before);
}
END_TEST

START_TEST(observer_in_another_process_reads_every_item)
{
    const struct fr_writer_opts open = fr_writer_opts(.slots = 120, .observers = 1);
    const struct fr_writer_opts sealed = fr_writer_opts(.slots = 120, .observers = 1, .sealed = 1);
    int before = fr_test_descriptors();

    serve_a_child(FR_READ_ONLY, &open, &fr_reader_opts(.observe = 1));
    serve_a_child(FR_READ_ONLY, &sealed, &fr_reader_opts(.observe = 1));
    ck_assert_int_eq(fr_test_descriptors(), before);
}
END_TEST

/* ---- Handles ------------------------------------------------------------------------------------ */

START_TEST(second_writer_and_two_readers_join_through_one_descriptor)
{
    struct fr_writer *first = make_nameless(&fr_writer_opts(.slots = 8));
    struct fr_writer *second;
    struct fr_reader *readers[2];
    int fd = fd_of(first, FR_READ_WRITE);

    ck_assert_ok(fr_writer_from_fd(fd, &second));
    ck_assert_ok(fr_reader_from_fd(fd, NULL, &readers[0]));
    ck_assert_ok(fr_reader_from_fd(fd, NULL, &readers[1]));
    close(fd);
    ck_assert_ok(put(first, 1, FR_NOWAIT));
    ck_assert_ok(put(second, 2, FR_NOWAIT));
    fr_writer_close(&first);
    ck_assert_ok(put(second, 3, FR_NOWAIT));
    for (uint64_t i = 1; i <= 3; i++) {
        expect_item(readers[0], i);
        expect_item(readers[1], i);
    }
    fr_writer_close(&second);
    uint64_t number;
    ck_assert_error(get(readers[0], FR_FOREVER, &number), FR_ECLOSED);
    fr_reader_close(&readers[0]);
    fr_reader_close(&readers[1]);
}
END_TEST

/* Two observers from one descriptor: the pins of one are not the other's to drop. */
START_TEST(observers_of_one_descriptor_hold_slots_apart)
{
    struct fr_writer *writer =
        make_nameless(&fr_writer_opts(.slots = 2, .observers = 1, .overflow = FR_DROP_OLDEST));
    struct fr_reader *observers[2];
    const struct fr_slot *slots[2];
    struct fr_slot *filled;
    int fd = fd_of(writer, FR_READ_ONLY);

    for (int i = 0; i < 2; i++)
        ck_assert_ok(fr_reader_from_fd(fd, &fr_reader_opts(.observe = 1), &observers[i]));
    close(fd);
    ck_assert_ok(put(writer, 1, FR_NOWAIT));
    for (int i = 0; i < 2; i++)
        ck_assert_ok(fr_reader_acquire(observers[i], FR_NEXT, FR_NOWAIT, &slots[i]));
    ck_assert_ok(put(writer, 2, FR_NOWAIT));
    fr_reader_release(&slots[0]);
    ck_assert_error(fr_writer_acquire(writer, FR_NOWAIT, &filled), FR_ETIMEDOUT);
    ck_assert(is_item(slots[1], 1));
    fr_reader_release(&slots[1]);
    ck_assert_ok(fr_writer_acquire(writer, FR_NOWAIT, &filled));
    fr_writer_abort(&filled);
    for (int i = 0; i < 2; i++)
        fr_reader_close(&observers[i]);
    fr_writer_close(&writer);
}
END_TEST

static int write_and_hang(void *argument)
{
    struct fr_writer *writer;
    int fd;

    if (fr_writer_create(NULL, &fr_writer_opts(.slot_size = ITEM_SLOT_SIZE, .slots = 4), &writer) <
            0 ||
        put(writer, 1, FR_NOWAIT) < 0 || fr_writer_fd(writer, FR_READ_WRITE, &fd) < 0 ||
        fr_fd_send(*(int *)argument, fd) < 0)
        return 1;
    pause();
    return 0;
}

START_TEST(death_of_the_writer_leaves_its_last_item_to_read)
{
    struct fr_reader *reader;
    struct fr_writer *late;
    uint64_t number;
    int sockets[2];
    int fd;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    pid_t child = fr_test_child(write_and_hang, &sockets[1]);
    ck_assert_ok(fr_fd_receive(sockets[0], FR_S(10), &fd));
    ck_assert_ok(fr_reader_from_fd(fd, NULL, &reader));
    fr_test_kill(child);
    expect_item(reader, 1);
    ck_assert_error(get(reader, FR_FOREVER, &number), FR_EOWNERDEAD);
    ck_assert_error(fr_writer_from_fd(fd, &late), FR_EOWNERDEAD);
    fr_reader_close(&reader);
    close(fd);
    close(sockets[0]);
    close(sockets[1]);
}
END_TEST

START_TEST(arguments_that_make_no_sense_without_a_name)
{
    struct fr_writer *writer;
    struct fr_reader *reader;
    struct fr_region *region;
    int fd;

    ck_assert_error(fr_writer_open(NULL, FR_NOWAIT, &writer), FR_EINVAL);
    ck_assert_error(fr_reader_open(NULL, NULL, FR_NOWAIT, &reader), FR_EINVAL);
    ck_assert_error(fr_region_open(NULL, FR_READ_ONLY, FR_NOWAIT, &region), FR_EINVAL);
    ck_assert_error(fr_array_open(NULL, 4, FR_READ_ONLY, FR_NOWAIT, &region), FR_EINVAL);
    ck_assert_error(fr_writer_create(NULL, &fr_writer_opts(.slot_size = 8, .sealed = 1), &writer),
                    FR_EINVAL);
    ck_assert_error(fr_writer_create(fr_test_name(),
                                     &fr_writer_opts(.slot_size = 8, .observers = 1, .sealed = 1),
                                     &writer),
                    FR_EINVAL);
    ck_assert_error(fr_region_create(fr_test_name(), 8, &fr_region_opts(.sealed = 1), &region),
                    FR_EINVAL);
    writer = make_nameless(&fr_writer_opts(0));
    fd = fd_of(writer, FR_READ_WRITE);
    ck_assert_error(fr_reader_from_fd(fd, &fr_reader_opts(.follow = 1), &reader), FR_EINVAL);
    ck_assert_error(fr_reader_from_fd(fd, &fr_reader_opts(.observe = 1), &reader), FR_ENOTSUP);
    ck_assert_error(fr_region_from_fd(fd, FR_READ_ONLY, &region), FR_EKIND);
    close(fd);
    fr_writer_close(&writer);
}
END_TEST

/* The mapping of memory that nobody holds any more: its pages have gone back to the system. */
START_TEST(memory_goes_with_the_last_handle)
{
    struct fr_reader *reader;
    struct fr_writer *writer = make_nameless(&fr_writer_opts(0));
    int before = fr_test_descriptors();
    int fd = fd_of(writer, FR_READ_WRITE);

    ck_assert_ok(fr_reader_from_fd(fd, NULL, &reader));
    close(fd);
    fr_writer_close(&writer);
    fr_reader_close(&reader);
    ck_assert_int_eq(fr_test_descriptors(), before - 1);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps))
        ck_assert_msg(!strstr(line, "memfd:framering"), "left: %s", line);
    fclose(maps);
}
END_TEST

/* ---- Regions ------------------------------------------------------------------------------------ */

static int count_up(void *argument)
{
    struct fr_region *region;

    if (fr_region_from_fd(*(int *)argument, FR_READ_WRITE, &region) < 0)
        return 1;
    uint64_t *counter = fr_region_data(region);
    for (int i = 0; i < 10000; i++) {
        if (fr_region_lock(region, FR_EXCLUSIVE, FR_S(10)) < 0)
            return 2;
        *counter += 1;
        fr_region_unlock(region);
    }
    fr_region_close(&region);
    return 0;
}

START_TEST(region_without_a_name_is_locked_across_processes)
{
    struct fr_region *region;
    pid_t children[2];
    int fd;

    ck_assert_ok(fr_region_create(NULL, 8, NULL, &region));
    ck_assert_ok(fr_region_fd(region, FR_READ_WRITE, &fd));
    for (int i = 0; i < 2; i++)
        children[i] = fr_test_child(count_up, &fd);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(fr_test_wait(children[i]), 0);
    ck_assert_uint_eq(*(uint64_t *)fr_region_data(region), 20000);
    close(fd);
    fr_region_close(&region);
}
END_TEST

START_TEST(sealed_array_is_for_reading_and_tells_of_its_end)
{
    const uint32_t value = 77;
    struct fr_region *owner;
    struct fr_region *other;
    uint32_t seen;
    int fd;

    ck_assert_ok(fr_array_create(NULL, 10, 4, &fr_region_opts(.sealed = 1), &owner));
    ck_assert_ok(fr_region_fd(owner, FR_READ_ONLY, &fd));
    ck_assert_error(fr_array_from_fd(fd, 4, FR_READ_WRITE, &other), FR_EACCES);
    ck_assert_error(fr_array_from_fd(fd, 8, FR_READ_ONLY, &other), FR_EKIND);
    ck_assert_ok(fr_array_from_fd(fd, 4, FR_READ_ONLY, &other));
    close(fd);
    ck_assert_ok(fr_array_set(owner, 9, 1, &value));
    ck_assert_ok(fr_array_get(other, 9, 1, &seen));
    ck_assert_uint_eq(seen, value);
    ck_assert_error(fr_region_fd(other, FR_READ_WRITE, &fd), FR_EACCES);
    ck_assert_ok(fr_region_status(other));
    fr_region_close(&owner);
    ck_assert_error(fr_region_status(other), FR_ECLOSED);
    fr_region_close(&other);
}
END_TEST

/* ---- Other users -------------------------------------------------------------------------------- */

struct stranger {
    int fd;
    int as_member; /* what joining must come to */
    int as_observer;
};

static int join_as_nobody(void *argument)
{
    const struct stranger *stranger = argument;
    struct fr_reader *reader;

    if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
        return 77;
    int error = fr_reader_from_fd(stranger->fd, NULL, &reader);
    fr_reader_close(&reader);
    if (error != stranger->as_member)
        return 1;
    error = fr_reader_from_fd(stranger->fd, &fr_reader_opts(.observe = 1), &reader);
    fr_reader_close(&reader);
    return error == stranger->as_observer ? 0 : 2;
}

static void expect_for_nobody(const struct fr_writer_opts *opts, enum fr_access access,
                              int as_member, int as_observer)
{
    struct fr_writer *writer = make_nameless(opts);
    struct stranger stranger = { fd_of(writer, access), as_member, as_observer };

    ck_assert_int_eq(fr_test_wait(fr_test_child(join_as_nobody, &stranger)), 0);
    close(stranger.fd);
    fr_writer_close(&writer);
}

START_TEST(other_users_need_a_descriptor_and_the_bits)
{
    if (geteuid() != 0) {
        fprintf(stderr, "not checked: another user (needs root)\n");
        return;
    }
    expect_for_nobody(&fr_writer_opts(.observers = 1), FR_READ_WRITE, FR_EACCES, FR_EACCES);
    expect_for_nobody(&fr_writer_opts(.observers = 1, .mode = 0644), FR_READ_WRITE, FR_EACCES, 0);
    expect_for_nobody(&fr_writer_opts(.observers = 1, .mode = 0666), FR_READ_WRITE, 0, 0);
    expect_for_nobody(&fr_writer_opts(.observers = 1, .mode = 0666), FR_READ_ONLY, FR_EACCES, 0);
    expect_for_nobody(&fr_writer_opts(.observers = 1, .sealed = 1), FR_READ_ONLY, FR_EACCES, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("descriptor");
    TCase *tcase = tcase_create("descriptor");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, member_in_another_process_reads_every_item);
    tcase_add_test(tcase, observer_in_another_process_reads_every_item);
    tcase_add_test(tcase, second_writer_and_two_readers_join_through_one_descriptor);
    tcase_add_test(tcase, observers_of_one_descriptor_hold_slots_apart);
    tcase_add_test(tcase, death_of_the_writer_leaves_its_last_item_to_read);
    tcase_add_test(tcase, arguments_that_make_no_sense_without_a_name);
    tcase_add_test(tcase, memory_goes_with_the_last_handle);
    tcase_add_test(tcase, region_without_a_name_is_locked_across_processes);
    tcase_add_test(tcase, sealed_array_is_for_reading_and_tells_of_its_end);
    tcase_add_test(tcase, other_users_need_a_descriptor_and_the_bits);
    suite_add_tcase(suite, tcase);
    return fr_test_main(suite);
}
