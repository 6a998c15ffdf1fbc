/* SPDX-License-Identifier: MIT */
/*
 * What strangers can do with descriptors: sending others than they should, and attacking the memory
 * behind those that they were given.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rings.h"

/* ---- Descriptors of something else ------------------------------------------------------------- */

/* Consumes fd: joining in any way comes to that code. */
static void expect_refused(int fd, int code)
{
    struct fr_writer *writer;
    struct fr_reader *reader;
    struct fr_region *region;

    ck_assert_int_ge(fd, 0);
    ck_assert_error(fr_writer_from_fd(fd, &writer), code);
    ck_assert_error(fr_reader_from_fd(fd, NULL, &reader), code);
    ck_assert_error(fr_reader_from_fd(fd, &fr_reader_opts(.observe = 1), &reader), code);
    ck_assert_error(fr_region_from_fd(fd, FR_READ_ONLY, &region), code);
    ck_assert_error(fr_region_from_fd(fd, FR_READ_WRITE, &region), code);
    ck_assert_ptr_null(region);
    close(fd);
}

/* A memfd with the first bytes of an object in it, or rubbish, sealed or not. */
static int make_memfd(const void *bytes, size_t size, int seals)
{
    int fd = memfd_create("stranger", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
    if (seals)
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

START_TEST(descriptors_of_anything_else_are_refused)
{
    const char rubbish[5000] = "rubbish";
    int pipes[2];
    int sockets[2];

    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    expect_refused(pipes[0], FR_EFOREIGN);
    expect_refused(pipes[1], FR_EFOREIGN);
    expect_refused(sockets[0], FR_EFOREIGN);
    close(sockets[1]);
    expect_refused(open("/dev/null", O_RDWR), FR_EFOREIGN);
    expect_refused(open("/dev/zero", O_RDWR), FR_EFOREIGN);
    expect_refused(open("/proc/self/maps", O_RDONLY), FR_EFOREIGN);
    expect_refused(open("/", O_RDONLY), FR_EFOREIGN);
    expect_refused(open("/proc/self/exe", O_PATH), FR_EFOREIGN);
    expect_refused(make_memfd(rubbish, sizeof rubbish, F_SEAL_SHRINK), FR_EFOREIGN);
    expect_refused(make_memfd(rubbish, 3, F_SEAL_SHRINK), FR_EFOREIGN);
    expect_refused(make_memfd(rubbish, 0, F_SEAL_SHRINK), FR_EFOREIGN);
}
END_TEST

START_TEST(a_number_that_is_no_descriptor_is_refused)
{
    struct fr_reader *reader;

    ck_assert_error(fr_reader_from_fd(-1, NULL, &reader), FR_EINVAL);
    ck_assert_error(fr_reader_from_fd(200, NULL, &reader), FR_EFOREIGN);
}
END_TEST

/* Huge pages that are not there would fault when they are touched, however they are sealed. */
START_TEST(memory_of_huge_pages_is_refused)
{
    int fd = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

    if (fd < 0)
        return;
    if (ftruncate(fd, 2 << 20) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0)
        expect_refused(fd, FR_EFOREIGN);
    else
        close(fd);
}
END_TEST

/* The first pages of a good ring, in memory that its sender could still truncate. */
START_TEST(memory_that_could_be_truncated_is_refused)
{
    struct fr_writer *writer;
    char page[4096];
    int fd;

    ck_assert_ok(fr_writer_create(fr_test_name(), &fr_writer_opts(.slot_size = 8), &writer));
    ck_assert_ok(fr_writer_fd(writer, FR_READ_WRITE, &fd));
    ck_assert_int_eq(pread(fd, page, sizeof page, 0), sizeof page);
    expect_refused(fd, FR_ENOTSUP);
    expect_refused(make_memfd(page, sizeof page, 0), FR_ENOTSUP);
    expect_refused(make_memfd(page, sizeof page, F_SEAL_GROW), FR_ENOTSUP);
    /* Sealed, but shorter than it says. */
    expect_refused(make_memfd(page, sizeof page, F_SEAL_SHRINK), FR_ECORRUPT);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Attacks on the memory ----------------------------------------------------------------------- */

/* 0 if the kernel refuses all of it; else the number of what it did not. */
static int attack_size(int fd)
{
    if (ftruncate(fd, 0) == 0 || errno != EPERM)
        return 1;
    if (ftruncate(fd, 1 << 30) == 0 || errno != EPERM)
        return 2;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0 || errno != EPERM)
        return 3;
    return 0;
}

static int attack_bytes(int fd)
{
    char byte = 'x';

    if (pwrite(fd, &byte, 1, 600) == 1)
        return 11;
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
        return 12;
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
        return 13;
    char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return 14;
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0)
        return 15;
    if (madvise(page, 4096, MADV_REMOVE) == 0)
        return 16;
    munmap(page, 4096);
    return 0;
}

static int reopen(int fd)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDWR | O_CLOEXEC);
}

START_TEST(nobody_can_truncate_memory_without_a_name)
{
    struct fr_writer *writer;
    int fd;

    ck_assert_ok(fr_writer_create(NULL, &fr_writer_opts(.slot_size = ITEM_SLOT_SIZE), &writer));
    ck_assert_ok(fr_writer_fd(writer, FR_READ_WRITE, &fd));
    ck_assert_int_eq(attack_size(fd), 0);
    for (uint64_t i = 1; i <= 20; i++)
        ck_assert_ok(put(writer, i, FR_NOWAIT));
    close(fd);
    fr_writer_close(&writer);
}
END_TEST

/* Even the same user, and root, by descriptors that were opened again for writing. */
START_TEST(nobody_can_write_into_sealed_memory)
{
    struct fr_writer *writer;
    struct fr_reader *observer;
    struct fr_reader *member;
    int fd;

    ck_assert_ok(fr_writer_create(
        NULL, &fr_writer_opts(.slot_size = ITEM_SLOT_SIZE, .observers = 1, .sealed = 1), &writer));
    ck_assert_ok(fr_writer_fd(writer, FR_READ_ONLY, &fd));
    ck_assert_ok(fr_reader_from_fd(fd, &fr_reader_opts(.observe = 1), &observer));
    ck_assert_int_eq(attack_bytes(fd), 0);
    int writable = reopen(fd);
    if (writable >= 0) {
        ck_assert_int_eq(attack_size(writable), 0);
        ck_assert_int_eq(attack_bytes(writable), 0);
        ck_assert_error(fr_reader_from_fd(writable, NULL, &member), FR_EACCES);
        close(writable);
    }
    close(fd);
    for (uint64_t i = 1; i <= 20; i++) {
        ck_assert_ok(put(writer, i, FR_NOWAIT));
        expect_item(observer, i);
    }
    fr_reader_close(&observer);
    fr_writer_close(&writer);
}
END_TEST

/* ---- Messages ------------------------------------------------------------------------------------ */

static int sockets[2];

static void connect_sockets(int type)
{
    ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sockets), 0);
}

static void close_sockets(void)
{
    close(sockets[0]);
    close(sockets[1]);
}

/* Sends some bytes and some descriptors of /dev/null. */
static void send_message(const char *bytes, size_t size, int count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))] = { 0 };
    struct iovec data = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
    struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (count > 0) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        for (int i = 0; i < count; i++)
            memcpy(CMSG_DATA(part) + (size_t)i * sizeof fd, &fd, sizeof fd);
    }
    ck_assert_int_eq(sendmsg(sockets[1], &header, 0), (ssize_t)size);
    close(fd);
}

START_TEST(messages_of_anything_else_are_refused_and_leave_nothing)
{
    int fd = -2;

    connect_sockets(SOCK_SEQPACKET);
    int before = fr_test_descriptors();
    send_message("F", 1, 0);
    ck_assert_error(fr_fd_receive(sockets[0], FR_S(1), &fd), FR_EFOREIGN);
    send_message("x", 1, 1);
    ck_assert_error(fr_fd_receive(sockets[0], FR_S(1), &fd), FR_EFOREIGN);
    send_message("FF", 2, 2);
    ck_assert_error(fr_fd_receive(sockets[0], FR_S(1), &fd), FR_EFOREIGN);
    send_message("F", 1, 2);
    ck_assert_error(fr_fd_receive(sockets[0], FR_S(1), &fd), FR_EFOREIGN);
    send_message("F", 1, 64);
    ck_assert_error(fr_fd_receive(sockets[0], FR_S(1), &fd), FR_EFOREIGN);
    ck_assert_int_eq(fd, -2);
    ck_assert_int_eq(fr_test_descriptors(), before);
    send_message("F", 1, 1);
    ck_assert_ok(fr_fd_receive(sockets[0], FR_S(1), &fd));
    ck_assert_int_eq(fr_test_descriptors(), before + 1);
    close(fd);
    close_sockets();
}
END_TEST

START_TEST(waiting_for_a_message_ends_in_time_and_with_the_peer)
{
    int fd;

    connect_sockets(SOCK_STREAM);
    ck_assert_error(fr_fd_receive(sockets[0], FR_NOWAIT, &fd), FR_ETIMEDOUT);
    int64_t start_ns = fr_now_ns();
    ck_assert_error(fr_fd_receive(sockets[0], FR_MS(30), &fd), FR_ETIMEDOUT);
    ck_assert_int_ge(ms_since(start_ns), 30);
    close(sockets[1]);
    ck_assert_error(fr_fd_receive(sockets[0], FR_FOREVER, &fd), FR_ECLOSED);
    ck_assert_error(fr_fd_send(sockets[0], 0), FR_ECLOSED);
    close(sockets[0]);
    ck_assert_int_lt(fr_fd_send(sockets[0], 0), 0);
    ck_assert_int_lt(fr_fd_receive(sockets[0], FR_MS(10), &fd), 0);
    ck_assert_error(fr_fd_receive(-1, FR_NOWAIT, &fd), FR_EINVAL);
    ck_assert_error(fr_fd_receive(0, FR_NOWAIT, NULL), FR_EINVAL);
    ck_assert_error(fr_fd_send(-1, 0), FR_EINVAL);
    ck_assert_error(fr_fd_send(0, -1), FR_EINVAL);
}
END_TEST

START_TEST(sending_never_waits)
{
    int error = 0;
    int sent = 0;

    connect_sockets(SOCK_SEQPACKET);
    while (error == 0 && sent < 100000) {
        error = fr_fd_send(sockets[0], 0);
        sent += error == 0;
    }
    ck_assert_error(error, FR_EBUSY);
    int fd;
    ck_assert_ok(fr_fd_receive(sockets[1], FR_NOWAIT, &fd));
    close(fd);
    ck_assert_ok(fr_fd_send(sockets[0], 0));
    close_sockets();
}
END_TEST

START_TEST(a_full_table_of_descriptors_is_an_error)
{
    struct rlimit before;
    int fd;

    connect_sockets(SOCK_SEQPACKET);
    ck_assert_ok(fr_fd_send(sockets[1], 0));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit tight = { 3, before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int error = fr_fd_receive(sockets[0], FR_S(1), &fd);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_error(error, FR_EFOREIGN);
    close_sockets();
}
END_TEST

/* Signals do not end a wait. */
static void ignore(int number)
{
    (void)number;
}

START_TEST(signals_do_not_end_the_wait_for_a_message)
{
    const struct sigaction action = { .sa_handler = ignore };
    const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
    const struct itimerval never = { { 0, 0 }, { 0, 0 } };
    int fd;

    connect_sockets(SOCK_STREAM);
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    int64_t start_ns = fr_now_ns();
    int error = fr_fd_receive(sockets[0], FR_MS(100), &fd);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    ck_assert_error(error, FR_ETIMEDOUT);
    ck_assert_int_ge(ms_since(start_ns), 100);
    close_sockets();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("descriptor_hostile");
    TCase *tcase = tcase_create("descriptor_hostile");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, descriptors_of_anything_else_are_refused);
    tcase_add_test(tcase, a_number_that_is_no_descriptor_is_refused);
    tcase_add_test(tcase, memory_of_huge_pages_is_refused);
    tcase_add_test(tcase, memory_that_could_be_truncated_is_refused);
    tcase_add_test(tcase, nobody_can_truncate_memory_without_a_name);
    tcase_add_test(tcase, nobody_can_write_into_sealed_memory);
    tcase_add_test(tcase, messages_of_anything_else_are_refused_and_leave_nothing);
    tcase_add_test(tcase, waiting_for_a_message_ends_in_time_and_with_the_peer);
    tcase_add_test(tcase, sending_never_waits);
    tcase_add_test(tcase, a_full_table_of_descriptors_is_an_error);
    tcase_add_test(tcase, signals_do_not_end_the_wait_for_a_message);
    suite_add_tcase(suite, tcase);
    return fr_test_main(suite);
}
