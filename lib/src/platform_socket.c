/* SPDX-License-Identifier: MIT */
/*
 * Floor 1: descriptors through Unix sockets. A message is one byte and one descriptor; whatever else
 * a peer sends is closed at once, so that nobody can fill our table of descriptors.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "platform.h"
#include "platform_cancel.h"

#define GREETING 'F'

/* More than we want, so that the surplus of a message is seen, and closed. */
#define MAX_RECEIVED 8

/* A message's parts, and the storage that they point to. */
struct parcel {
    char byte;
    struct iovec data;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(MAX_RECEIVED * sizeof(int))];
    struct msghdr header;
};

static void parcel_init(struct parcel *parcel)
{
    memset(parcel, 0, sizeof *parcel);
    parcel->byte = GREETING;
    parcel->data = (struct iovec){ .iov_base = &parcel->byte, .iov_len = 1 };
    parcel->header.msg_iov = &parcel->data;
    parcel->header.msg_iovlen = 1;
    parcel->header.msg_control = parcel->control;
    parcel->header.msg_controllen = sizeof parcel->control;
}

static int fail_socket(int error, const char *what)
{
    if (error == EPIPE || error == ECONNRESET || error == ENOTCONN)
        return fri_fail(FR_ECLOSED, "nobody is at the other end of the socket");
    return fri_fail(-error, "cannot %s a descriptor: %s", what, fr_strerror(-error));
}

static int send_now(int socket, int fd)
{
    struct parcel parcel;
    ssize_t sent;

    parcel_init(&parcel);
    parcel.header.msg_controllen = CMSG_SPACE(sizeof fd);
    struct cmsghdr *control = CMSG_FIRSTHDR(&parcel.header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
    do {
        sent = sendmsg(socket, &parcel.header, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    if (errno == EAGAIN || errno == ENOBUFS)
        return fri_fail(FR_EBUSY, "the socket's buffer is full: send again later");
    return fail_socket(errno, "send");
}

int fri_socket_send(int socket, int fd)
{
    int before = fri_hold_cancellation();
    int error = send_now(socket, fd);

    fri_restore_cancellation(before);
    return error;
}

/* The first descriptor of a message; those behind it are closed. Returns how many there were. */
static int take_first(struct msghdr *header, int *fd)
{
    int count = 0;

    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
            continue;
        size_t bytes = control->cmsg_len - CMSG_LEN(0);
        for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
            int received;

            memcpy(&received, CMSG_DATA(control) + at, sizeof received);
            if (count++ == 0)
                *fd = received;
            else
                close(received);
        }
    }
    return count;
}

/* What a message that came contains: the descriptor, or an error. */
static int unpack(struct parcel *parcel, ssize_t size, int *fd)
{
    int received = -1;
    int count = take_first(&parcel->header, &received);

    if (size == 1 && count == 1 && parcel->byte == GREETING &&
        !(parcel->header.msg_flags & MSG_CTRUNC)) {
        *fd = received;
        return 0;
    }
    if (received >= 0)
        close(received);
    if (size == 0 && count == 0)
        return fail_socket(EPIPE, "receive");
    if (parcel->header.msg_flags & MSG_CTRUNC)
        return fri_fail(FR_EFOREIGN,
                        "a message with more descriptors than one, or this process has "
                        "no room for it (ulimit -n)");
    return fri_fail(FR_EFOREIGN, "a message that is not one of fr_fd_send");
}

/* FR_ETIMEDOUT: nothing came so far. */
static int receive_now(int socket, int *fd)
{
    struct parcel parcel;

    parcel_init(&parcel);
    parcel.byte = 0;
    ssize_t size = recvmsg(socket, &parcel.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size >= 0)
        return unpack(&parcel, size, fd);
    if (errno == EAGAIN || errno == EINTR)
        return FR_ETIMEDOUT;
    return fail_socket(errno, "receive");
}

/* Sleeps until something came, or a signal; not longer than the deadline. */
static void wait_for_message(int socket, int64_t remaining_ns)
{
    struct timespec timeout = { .tv_sec = remaining_ns / 1000000000,
                                .tv_nsec = remaining_ns % 1000000000 };
    struct pollfd poll_fd = { .fd = socket, .events = POLLIN };

    ppoll(&poll_fd, 1, &timeout, NULL);
}

int fri_socket_receive(int socket, int64_t timeout_ns, int *fd)
{
    int64_t deadline_ns = fri_deadline(timeout_ns);
    int before = fri_hold_cancellation();
    int error = receive_now(socket, fd);

    for (int64_t rest = fri_remaining(deadline_ns); error == FR_ETIMEDOUT && rest > 0;
         rest = fri_remaining(deadline_ns)) {
        wait_for_message(socket, rest);
        error = receive_now(socket, fd);
    }
    fri_restore_cancellation(before);
    return error;
}
