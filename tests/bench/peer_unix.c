/* SPDX-License-Identifier: MIT */
/*
 * Connected stream sockets of the Unix domain, one for each reader. The bytes are copied into the
 * kernel and out of it; the writer produces in a buffer of its own, which is not a copy more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "peer_stream.h"
#include "peer_support.h"
#include "transport.h"

static int prepare(const struct transport_spec *spec, void **out)
{
    return peer_channel_new(spec, SOCK_STREAM, out);
}

/* Writing -------------------------------------------------------------------------------------- */

static ssize_t push(int fd, const void *data, size_t size, bool wait)
{
    return send(fd, data, size, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
}

static int open_writer(void *user, uint32_t index, void **out)
{
    const struct peer_channel *channel = user;
    const struct transport_spec *spec = channel->spec;
    struct peer_fan *fan = peer_fan_new(spec->item_size, spec->readers, push);
    const size_t wanted = spec->item_size * spec->slots;
    const int bytes = wanted > INT_MAX / 4 ? INT_MAX / 4 : (int)wanted;

    (void)index;
    if (fan == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < spec->readers; i++) {
        fan->branch[i].fd = channel->pairs[i].end[0];
        /* The system takes what it allows, net.core.wmem_max. */
        setsockopt(fan->branch[i].fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
    *out = fan;
    return 0;
}

static int write_item(void *user, const void *data)
{
    return peer_fan_write(user, data);
}

static int finish(void *user)
{
    const struct peer_fan *fan = user;

    for (uint32_t i = 0; i < fan->count; i++) {
        if (fan->branch[i].fd >= 0)
            shutdown(fan->branch[i].fd, SHUT_WR);
    }
    return 0;
}

static void close_writer(void *user)
{
    finish(user);
    free(user);
}

/* Reading -------------------------------------------------------------------------------------- */

static int open_reader(void *user, uint32_t index, void **out)
{
    const struct peer_channel *channel = user;
    const struct transport_spec *spec = channel->spec;
    struct peer_items *items = calloc(1, sizeof *items);

    if (items == NULL)
        return -ENOMEM;
    const int error =
        peer_items_open(items, channel->pairs[index].end[1], spec->item_size, spec->slots);
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

    /* The main process has the socket, too: closing it here would not tell the writer. */
    shutdown(items->fd, SHUT_RDWR);
    peer_items_close(items);
    free(items);
}

const struct transport bench_peer_unix = {
    .name = "unix",
    .title = "AF_UNIX stream",
    .can = TRANSPORT_MANY_READERS | TRANSPORT_THREADS,
    .prepare = prepare,
    .dispose = peer_channel_free,
    .open_writer = open_writer,
    .open_reader = open_reader,
    .write = write_item,
    .receive = receive,
    .release = release,
    .finish = finish,
    .close_writer = close_writer,
    .close_reader = close_reader,
};
