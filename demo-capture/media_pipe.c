/* SPDX-License-Identifier: MIT */

/* See media_pipe.h. */

#define _GNU_SOURCE

#include "media_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES 65536
#define PIPE_BYTES (1 << 20) /* the largest that everybody may ask for */
#define POLL_MS 100

struct media_pipe {
    int fd;
    const volatile sig_atomic_t *stop;
    AVIOContext *io;
};

static int is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

int media_pipe_is(const char *path)
{
    struct stat status;
    return is_stdin(path) || (stat(path, &status) == 0 && S_ISFIFO(status.st_mode));
}

static int read_bytes(void *opaque, uint8_t *bytes, int size)
{
    const struct media_pipe *pipe = opaque;
    struct pollfd poll_fd = { .fd = pipe->fd, .events = POLLIN };
    while (!*pipe->stop) {
        if (poll(&poll_fd, 1, POLL_MS) <= 0)
            continue;
        ssize_t got = read(pipe->fd, bytes, (size_t)size);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return AVERROR(errno);
        if (got >= 0)
            return got == 0 ? AVERROR_EOF : (int)got;
    }
    return AVERROR_EXIT;
}

int media_pipe_open(const char *path, const volatile sig_atomic_t *stop, struct media_pipe **out,
                    AVIOContext **io)
{
    /* Opened so, a pipe that nobody writes to yet does not hold us up here, but in read_bytes. */
    int fd = is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return AVERROR(errno);
    struct media_pipe *pipe = calloc(1, sizeof *pipe);
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    if (pipe && buffer)
        pipe->io = avio_alloc_context(buffer, BUFFER_BYTES, 0, pipe, read_bytes, NULL, NULL);
    if (!pipe || !pipe->io) {
        av_free(buffer);
        free(pipe);
        if (!is_stdin(path))
            close(fd);
        return AVERROR(ENOMEM);
    }
    (void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* only speed depends on it */
    pipe->fd = fd;
    pipe->stop = stop;
    *out = pipe;
    *io = pipe->io;
    return 0;
}

void media_pipe_close(struct media_pipe **pipe)
{
    if (!*pipe)
        return;
    av_freep(&(*pipe)->io->buffer); /* libavformat may have replaced it */
    avio_context_free(&(*pipe)->io);
    if ((*pipe)->fd != STDIN_FILENO)
        close((*pipe)->fd);
    free(*pipe);
    *pipe = NULL;
}
