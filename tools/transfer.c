/* SPDX-License-Identifier: MIT */

/* See transfer.h. */

#define _GNU_SOURCE

#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "stop.h"

#define MAX_PIECES 256
#define PIPE_BYTES (1 << 20) /* the largest that everybody may ask for */
#define LAST_WAIT_MS 1000    /* for the other end of a pipe when the user wants to end */

/* Takes what was moved off the pieces; returns how many pieces are done with. */
static int advance(struct iovec *piece, int count, size_t moved)
{
    int done = 0;
    while (done < count && moved >= piece[done].iov_len) {
        moved -= piece[done].iov_len;
        done++;
    }
    if (done < count) {
        piece[done].iov_base = (uint8_t *)piece[done].iov_base + moved;
        piece[done].iov_len -= moved;
    }
    return done;
}

/* One write. When the user wants to end it takes no more than surely fits into a pipe. */
static ssize_t write_some(int fd, const struct iovec *piece, int count)
{
    if (!stop_asked)
        return writev(fd, piece, count);
    struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
    if (poll(&poll_fd, 1, LAST_WAIT_MS) == 0) {
        errno = ECANCELED;
        return -1;
    }
    size_t size = piece[0].iov_len < PIPE_BUF ? piece[0].iov_len : PIPE_BUF;
    return write(fd, piece[0].iov_base, size);
}

static int write_pieces(int fd, struct iovec *piece, int count)
{
    while (count > 0) {
        ssize_t moved = write_some(fd, piece, count);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0)
            return -errno;
        int done = advance(piece, count, (size_t)moved);
        piece += done;
        count -= done;
    }
    return 0;
}

static int64_t read_some(int fd, const struct iovec *piece, int count)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    while (!stop_asked) {
        if (poll(&poll_fd, 1, STOP_SLICE_MS) <= 0)
            continue;
        ssize_t moved = readv(fd, piece, count);
        if (moved >= 0)
            return moved;
        if (errno != EINTR)
            return -errno;
    }
    return -ECANCELED;
}

static int64_t read_pieces(int fd, struct iovec *piece, int count)
{
    int64_t total = 0;
    while (count > 0) {
        int64_t moved = read_some(fd, piece, count);
        if (moved < 0)
            return moved;
        if (moved == 0)
            break;
        total += moved;
        int done = advance(piece, count, (size_t)moved);
        piece += done;
        count -= done;
    }
    return total;
}

int transfer_write(int fd, const void *bytes, size_t size)
{
    /* The same struct serves both directions; nobody writes through it here. */
    struct iovec piece = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
    return size == 0 ? 0 : write_pieces(fd, &piece, 1);
}

int64_t transfer_read(int fd, void *bytes, size_t size)
{
    struct iovec piece = { .iov_base = bytes, .iov_len = size };
    return size == 0 ? 0 : read_pieces(fd, &piece, 1);
}

int64_t transfer_read_some(int fd, void *bytes, size_t size)
{
    struct iovec piece = { .iov_base = bytes, .iov_len = size };
    return read_some(fd, &piece, 1);
}

void transfer_widen_pipe(int fd)
{
    (void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
}

const char *transfer_strerror(int error)
{
    /* The library's words for the numbers that it shares with the system are about /dev/shm. */
    if (error == -ENOSPC)
        return "no space is left there; free some, or write to another disk";
    return error > FR_ECLOSED ? strerror(-error) : fr_strerror(error);
}

uint64_t transfer_frame_bytes(const struct fr_frame *frame)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < frame->planes; i++)
        bytes += (uint64_t)frame->plane[i].rows * frame->plane[i].row_bytes;
    return bytes;
}

int transfer_pieces(struct transfer_walk *walk, struct iovec *pieces, int max)
{
    int count = 0;
    while (count < max && walk->plane < walk->frame->planes) {
        const struct fr_plane *plane = &walk->frame->plane[walk->plane];
        int is_tight = plane->stride == (ptrdiff_t)plane->row_bytes;
        size_t rows = is_tight ? plane->rows - walk->row : 1;
        pieces[count++] = (struct iovec){
            .iov_base = plane->data + (ptrdiff_t)walk->row * plane->stride,
            .iov_len = rows * plane->row_bytes,
        };
        walk->row += (uint32_t)rows;
        if (walk->row == plane->rows) {
            walk->plane++;
            walk->row = 0;
        }
    }
    return count;
}

int transfer_write_frame(int fd, const struct fr_frame *frame)
{
    struct iovec pieces[MAX_PIECES];
    struct transfer_walk walk = { .frame = frame };
    int count = transfer_pieces(&walk, pieces, MAX_PIECES);
    while (count > 0) {
        int error = write_pieces(fd, pieces, count);
        if (error < 0)
            return error;
        count = transfer_pieces(&walk, pieces, MAX_PIECES);
    }
    return 0;
}

int64_t transfer_read_frame(int fd, const struct fr_frame *frame)
{
    /* Set for gcc's analyzer alone, to which a failure's -errno may be a number of bytes, too. */
    struct iovec pieces[MAX_PIECES] = { 0 };
    struct transfer_walk walk = { .frame = frame };
    int64_t total = 0;
    int count = transfer_pieces(&walk, pieces, MAX_PIECES);
    while (count > 0) {
        int64_t expected = 0;
        for (int i = 0; i < count; i++)
            expected += (int64_t)pieces[i].iov_len;
        int64_t got = read_pieces(fd, pieces, count);
        if (got < 0)
            return got;
        total += got;
        if (got < expected)
            break;
        count = transfer_pieces(&walk, pieces, MAX_PIECES);
    }
    return total;
}
