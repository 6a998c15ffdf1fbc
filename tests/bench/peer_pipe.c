/* SPDX-License-Identifier: MIT */
/*
 * Pipes, one for each reader. A large item goes in by vmsplice: the pipe refers to the writer's
 * pages and the reader's read() makes the only copy. Because a pipe has room for no more pages than
 * an item has, the item before it has left the pipe when one is completely in it: two buffers are
 * enough. Small items are written as usual.
 *
 * The pipes are made by the writer and handed to the readers, so that nobody else has them open and
 * the kernel notices when a side ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "peer_stream.h"
#include "peer_support.h"
#include "transport.h"

#define PAGE_SIZE 4096
#define MOST_PIPE_BYTES (1 << 20) /* what everybody may have */

struct writer {
    struct peer_fan *fan;
    uint8_t *buffers;
    size_t stride;
    uint32_t turn;
};

static int prepare(const struct transport_spec *spec, void **out)
{
    return peer_channel_new(spec, SOCK_SEQPACKET, out);
}

/* Writing -------------------------------------------------------------------------------------- */

static ssize_t push_small(int fd, const void *data, size_t size, bool wait)
{
    (void)wait; /* the pipe itself knows */
    return write(fd, data, size);
}

static ssize_t push_large(int fd, const void *data, size_t size, bool wait)
{
    const struct iovec part = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };

    return vmsplice(fd, &part, 1, wait ? 0 : SPLICE_F_NONBLOCK);
}

static int pipe_bytes(const struct transport_spec *spec)
{
    size_t most = spec->item_size < PEER_LARGE ? spec->item_size * spec->slots : spec->item_size;
    int bytes = PAGE_SIZE;

    if (most > MOST_PIPE_BYTES)
        most = MOST_PIPE_BYTES;
    while ((size_t)bytes * 2 <= most)
        bytes *= 2;
    return bytes;
}

static int open_pipe(const struct transport_spec *spec, int socket, int *fd)
{
    const char nothing = 0;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | (spec->readers > 1 ? O_NONBLOCK : 0)) < 0)
        return -errno;
    /* The reader waits, in any case. */
    fcntl(ends[0], F_SETFL, 0);
    const int size = fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes(spec));
    const int error = size < 0 ? -errno : peer_send(socket, &nothing, sizeof nothing, ends[0]);
    close(ends[0]);
    *fd = ends[1];
    return error;
}

static void close_writer(void *user)
{
    struct writer *writer = user;

    for (uint32_t i = 0; i < writer->fan->count; i++) {
        if (writer->fan->branch[i].fd >= 0)
            close(writer->fan->branch[i].fd);
    }
    free(writer->fan);
    peer_unmap(writer->buffers, 2 * writer->stride);
    free(writer);
}

static int open_branches(const struct peer_channel *channel, struct writer *writer)
{
    const struct transport_spec *spec = channel->spec;
    void *memory;
    int error;

    writer->stride = (spec->item_size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    error = peer_map_private(2 * writer->stride, &memory);
    if (error == 0)
        writer->buffers = memory;
    for (uint32_t i = 0; error == 0 && i < spec->readers; i++)
        error = open_pipe(spec, channel->pairs[i].end[0], &writer->fan->branch[i].fd);
    return error;
}

static int open_writer(void *user, uint32_t index, void **out)
{
    const struct peer_channel *channel = user;
    const struct transport_spec *spec = channel->spec;
    struct writer *writer = calloc(1, sizeof *writer);
    sigset_t broken;

    (void)index;
    if (writer == NULL)
        return -ENOMEM;
    writer->fan = peer_fan_new(spec->item_size, spec->readers,
                               spec->item_size < PEER_LARGE ? push_small : push_large);
    if (writer->fan == NULL) {
        free(writer);
        return -ENOMEM;
    }
    /* A reader that has left is an error to look at, not the end of the process. */
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken, NULL);
    const int error = open_branches(channel, writer);
    if (error < 0) {
        close_writer(writer);
        return error;
    }
    *out = writer;
    return 0;
}

static int acquire(void *user, void **data)
{
    struct writer *writer = user;

    *data = writer->buffers + writer->turn * writer->stride;
    return 0;
}

static int publish(void *user)
{
    struct writer *writer = user;
    const uint8_t *data = writer->buffers + writer->turn * writer->stride;

    writer->turn ^= 1;
    return peer_fan_write(writer->fan, data);
}

static int write_item(void *user, const void *data)
{
    struct writer *writer = user;

    if (writer->fan->push == push_small)
        return peer_fan_write(writer->fan, data);
    memcpy(writer->buffers + writer->turn * writer->stride, data, writer->fan->item_size);
    return publish(writer);
}

static int finish(void *user)
{
    struct writer *writer = user;

    for (uint32_t i = 0; i < writer->fan->count; i++) {
        if (writer->fan->branch[i].fd >= 0)
            close(writer->fan->branch[i].fd);
        writer->fan->branch[i].fd = -1;
    }
    return 0;
}

/* Reading -------------------------------------------------------------------------------------- */

static int open_reader(void *user, uint32_t index, void **out)
{
    const struct peer_channel *channel = user;
    struct peer_items *items = calloc(1, sizeof *items);
    char nothing;
    int fd;

    if (items == NULL)
        return -ENOMEM;
    int error = peer_receive(channel->pairs[index].end[1], &nothing, sizeof nothing, &fd);
    if (error > 0)
        error = peer_items_open(items, fd, channel->spec->item_size, channel->spec->slots);
    if (error < 0) {
        free(items);
        return error;
    }
    *out = items;
    return 0;
}

static int receive(void *user, const void **data)
{
    return peer_items_next(user, data);
}

static int release(void *user)
{
    (void)user;
    return 0;
}

static void close_reader(void *user)
{
    struct peer_items *items = user;

    close(items->fd);
    peer_items_close(items);
    free(items);
}

const struct transport bench_peer_pipe = {
    .name = "pipe",
    .title = "pipe (vmsplice for large items)",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_MANY_READERS | TRANSPORT_THREADS,
    .prepare = prepare,
    .dispose = peer_channel_free,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .acquire = acquire,
    .publish = publish,
    .write = write_item,
    .receive = receive,
    .release = release,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};
