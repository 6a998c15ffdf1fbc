/* SPDX-License-Identifier: MIT */
/*
 * Buffers in memfds that are passed over sockets, as Wayland and PipeWire do it: a reader gets the
 * file descriptor with the first item that is in a buffer and keeps it mapped, later items are only
 * the buffer's number. The reader sends the number back when it is done. The writer takes the buffer
 * that became free last, which is the warmest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer_support.h"
#include "transport.h"

#define MAX_READERS 64

struct buffer {
    int fd;
    void *memory;
    uint64_t known;   /* a bit for each reader that has mapped it */
    uint64_t holders; /* a bit for each reader that has it now */
};

struct writer {
    const struct peer_channel *channel;
    uint64_t readers; /* a bit for each that is still there */
    uint32_t current;
    uint32_t free_count;
    uint32_t *free; /* a stack */
    struct buffer buffers[];
};

struct reader {
    size_t item_size;
    uint32_t slots;
    int socket;
    uint32_t current;
    void *memory[];
};

static int prepare(const struct transport_spec *spec, void **out)
{
    if (spec->readers > MAX_READERS)
        return -E2BIG;
    return peer_channel_new(spec, SOCK_SEQPACKET, out);
}

/* Writing -------------------------------------------------------------------------------------- */

static int open_buffer(struct buffer *buffer, size_t size)
{
    buffer->fd = memfd_create("bench", MFD_CLOEXEC);
    if (buffer->fd < 0)
        return -errno;
    if (ftruncate(buffer->fd, (off_t)size) < 0)
        return -errno;
    buffer->memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, buffer->fd, 0);
    return buffer->memory == MAP_FAILED ? -errno : 0;
}

static void close_writer(void *user)
{
    struct writer *writer = user;
    const struct transport_spec *spec = writer->channel->spec;

    for (uint32_t i = 0; i < spec->slots; i++) {
        peer_unmap(writer->buffers[i].memory, spec->item_size);
        if (writer->buffers[i].fd >= 0)
            close(writer->buffers[i].fd);
    }
    free(writer->free);
    free(writer);
}

static int open_writer(void *user, uint32_t index, void **out)
{
    const struct peer_channel *channel = user;
    const uint32_t slots = channel->spec->slots;
    struct writer *writer = calloc(1, sizeof *writer + slots * sizeof writer->buffers[0]);
    int error = 0;

    (void)index;
    if (writer == NULL)
        return -ENOMEM;
    writer->channel = channel;
    writer->readers = UINT64_MAX >> (MAX_READERS - channel->spec->readers);
    writer->free = calloc(slots, sizeof writer->free[0]);
    for (uint32_t i = 0; i < slots; i++)
        writer->buffers[i].fd = -1;
    if (writer->free == NULL)
        error = -ENOMEM;
    for (uint32_t i = 0; error == 0 && i < slots; i++) {
        error = open_buffer(&writer->buffers[i], channel->spec->item_size);
        writer->free[writer->free_count++] = i;
    }
    if (error < 0) {
        close_writer(writer);
        return error;
    }
    *out = writer;
    return 0;
}

static void give_back(struct writer *writer, uint32_t number, uint64_t reader_bit)
{
    struct buffer *buffer = &writer->buffers[number];

    if ((buffer->holders & reader_bit) == 0)
        return;
    buffer->holders &= ~reader_bit;
    if (buffer->holders == 0)
        writer->free[writer->free_count++] = number;
}

static void forget_reader(struct writer *writer, uint32_t reader)
{
    const uint64_t bit = UINT64_C(1) << reader;

    writer->readers &= ~bit;
    for (uint32_t i = 0; i < writer->channel->spec->slots; i++)
        give_back(writer, i, bit);
}

static bool has_reader(const struct writer *writer, uint32_t reader)
{
    return (writer->readers >> reader & 1) != 0;
}

/* Takes what a reader has given back; flags 0 waits for one. */
static void collect(struct writer *writer, uint32_t reader, int flags)
{
    while (has_reader(writer, reader)) {
        uint32_t number;
        const ssize_t got =
            recv(writer->channel->pairs[reader].end[0], &number, sizeof number, flags);

        if (got == sizeof number) {
            give_back(writer, number, UINT64_C(1) << reader);
            flags = MSG_DONTWAIT;
        } else if (got < 0 && errno == EAGAIN) {
            return;
        } else if (got >= 0 || errno != EINTR) {
            forget_reader(writer, reader);
        }
    }
}

static void collect_all(struct writer *writer)
{
    for (uint32_t i = 0; i < writer->channel->spec->readers; i++)
        collect(writer, i, MSG_DONTWAIT);
}

/* Every reader that is still there holds a buffer or has one to give back. */
static void wait_for_any(const struct writer *writer)
{
    struct pollfd list[MAX_READERS];
    nfds_t count = 0;

    for (uint32_t i = 0; i < writer->channel->spec->readers; i++) {
        if (has_reader(writer, i)) {
            list[count].fd = writer->channel->pairs[i].end[0];
            list[count].events = POLLIN;
            count++;
        }
    }
    poll(list, count, -1);
}

static int acquire(void *user, void **data)
{
    struct writer *writer = user;

    collect_all(writer);
    while (writer->free_count == 0) {
        if (writer->channel->spec->readers == 1) {
            collect(writer, 0, 0);
        } else {
            wait_for_any(writer);
            collect_all(writer);
        }
    }
    writer->current = writer->free[--writer->free_count];
    *data = writer->buffers[writer->current].memory;
    return 0;
}

static int publish(void *user)
{
    struct writer *writer = user;
    const uint32_t number = writer->current;
    struct buffer *buffer = &writer->buffers[number];

    buffer->holders = writer->readers;
    for (uint32_t i = 0; i < writer->channel->spec->readers; i++) {
        if (!has_reader(writer, i))
            continue;
        const bool is_new = (buffer->known >> i & 1) == 0;
        const int error = peer_send(writer->channel->pairs[i].end[0], &number, sizeof number,
                                    is_new ? buffer->fd : -1);
        if (error == -EPIPE || error == -ECONNRESET)
            forget_reader(writer, i);
        else if (error < 0)
            return error;
        buffer->known |= UINT64_C(1) << i;
    }
    return writer->readers == 0 ? -EPIPE : 0;
}

static int finish(void *user)
{
    const struct writer *writer = user;

    for (uint32_t i = 0; i < writer->channel->spec->readers; i++)
        shutdown(writer->channel->pairs[i].end[0], SHUT_WR);
    return 0;
}

/* Reading -------------------------------------------------------------------------------------- */

static int open_reader(void *user, uint32_t index, void **out)
{
    const struct peer_channel *channel = user;
    const uint32_t slots = channel->spec->slots;
    struct reader *reader = calloc(1, sizeof *reader + slots * sizeof reader->memory[0]);

    if (reader == NULL)
        return -ENOMEM;
    reader->item_size = channel->spec->item_size;
    reader->slots = slots;
    reader->socket = channel->pairs[index].end[1];
    *out = reader;
    return 0;
}

static int map_buffer(const struct reader *reader, int fd, void **memory)
{
    void *address = mmap(NULL, reader->item_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    const int error = address == MAP_FAILED ? -errno : 0;

    close(fd);
    if (error == 0)
        *memory = address;
    return error;
}

static int receive(void *user, const void **data)
{
    struct reader *reader = user;
    int fd;
    int result = peer_receive(reader->socket, &reader->current, sizeof reader->current, &fd);

    if (result <= 0)
        return result;
    if (reader->current >= reader->slots)
        return -EBADMSG;
    if (fd >= 0)
        result = map_buffer(reader, fd, &reader->memory[reader->current]);
    *data = reader->memory[reader->current];
    return result < 0 ? result : 1;
}

static int release(void *user)
{
    const struct reader *reader = user;
    const int error = peer_send(reader->socket, &reader->current, sizeof reader->current, -1);

    /* The writer does not wait for what comes back at the end. */
    return error == -EPIPE || error == -ECONNRESET ? 0 : error;
}

static void close_reader(void *user)
{
    struct reader *reader = user;

    /* The main process has the socket, too: closing it here would not tell the writer. */
    shutdown(reader->socket, SHUT_RDWR);
    for (uint32_t i = 0; i < reader->slots; i++)
        peer_unmap(reader->memory[i], reader->item_size);
    free(reader);
}

const struct transport bench_peer_memfd = {
    .name = "memfd",
    .title = "memfds passed over AF_UNIX, kept mapped",
    .can = TRANSPORT_IN_PLACE | TRANSPORT_MANY_READERS | TRANSPORT_THREADS | TRANSPORT_LARGE_ONLY,
    .prepare = prepare,
    .dispose = peer_channel_free,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .acquire = acquire,
    .publish = publish,
    .receive = receive,
    .release = release,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};
