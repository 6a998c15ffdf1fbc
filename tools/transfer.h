/* SPDX-License-Identifier: MIT */
#ifndef TRANSFER_H
#define TRANSFER_H

/*
 * Moves bytes between memory and files or pipes, all of them or until the end, however the system
 * cuts them into pieces; and the pixels of frames, row after row without the padding in between, as
 * all formats of files have them.
 *
 * A user who wants to end (stop.h) ends a wait for input at once. Output goes on as long as the
 * other end takes it, so that it does not end in the middle of a frame.
 */

#include <framering/framering.h>
#include <sys/uio.h>

/* 0; -ECANCELED stopped; or the system's code: -EPIPE says that nobody reads any more. */
int transfer_write(int fd, const void *bytes, size_t size);

/* The number of bytes, below size only at the end of the input; -ECANCELED, or the system's code. */
int64_t transfer_read(int fd, void *bytes, size_t size);

/* As read(2) but for signals: some bytes, 0 at the end; -ECANCELED, or the system's code. */
int64_t transfer_read_some(int fd, void *bytes, size_t size);

/* What stdin and stdout gain by it is speed; nothing happens if fd is not a pipe. */
void transfer_widen_pipe(int fd);

/* What a failure of a file means, which need not be in /dev/shm as the library's words have it. */
const char *transfer_strerror(int error);

/* The bytes of all rows. */
uint64_t transfer_frame_bytes(const struct fr_frame *frame);

/* As transfer_write, transfer_read for a frame's rows. */
int transfer_write_frame(int fd, const struct fr_frame *frame);
int64_t transfer_read_frame(int fd, const struct fr_frame *frame);

/*
 * The next pieces of memory that a frame's rows lie in, at most max; how many, 0 behind the last.
 * A walk begins as { .frame = frame }.
 */
struct transfer_walk {
    const struct fr_frame *frame;
    uint32_t plane;
    uint32_t row;
};
int transfer_pieces(struct transfer_walk *walk, struct iovec *pieces, int max);

#endif
