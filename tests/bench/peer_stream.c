/* SPDX-License-Identifier: MIT */
/*
 * Items over streams of bytes: see peer_stream.h. One reader's stream is written with calls that
 * wait, because the kernel goes on by itself there; several are written in turns, as far as each
 * has room, and polled when none has.
 */
#define _GNU_SOURCE
#include "peer_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "peer_support.h"

#define MAX_BRANCHES 64

struct peer_fan *peer_fan_new(size_t item_size, uint32_t count, peer_push push)
{
    struct peer_fan *fan = calloc(1, sizeof *fan + count * sizeof fan->branch[0]);

    if (fan == NULL || count > MAX_BRANCHES) {
        free(fan);
        return NULL;
    }
    fan->push = push;
    fan->item_size = item_size;
    fan->count = count;
    for (uint32_t i = 0; i < count; i++)
        fan->branch[i].fd = -1;
    return fan;
}

static bool wants_more(const struct peer_fan *fan, const struct peer_branch *branch)
{
    return branch->fd >= 0 && branch->done < fan->item_size;
}

/* 1 if bytes moved, 0 if there was no room. A reader that has left is forgotten. */
static int push_some(struct peer_fan *fan, struct peer_branch *branch, const uint8_t *data)
{
    const ssize_t pushed =
        fan->push(branch->fd, data + branch->done, fan->item_size - branch->done, fan->count == 1);

    if (pushed >= 0) {
        branch->done += (size_t)pushed;
        return 1;
    }
    if (errno == EINTR)
        return 1;
    if (errno == EAGAIN)
        return 0;
    if (errno != EPIPE && errno != ECONNRESET)
        return -errno;
    branch->fd = -1;
    return 1;
}

static void wait_for_room(const struct peer_fan *fan)
{
    struct pollfd list[MAX_BRANCHES];
    nfds_t count = 0;

    for (uint32_t i = 0; i < fan->count; i++) {
        if (wants_more(fan, &fan->branch[i])) {
            list[count].fd = fan->branch[i].fd;
            list[count].events = POLLOUT;
            count++;
        }
    }
    poll(list, count, -1);
}

int peer_fan_write(struct peer_fan *fan, const void *data)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < fan->count; i++) {
        fan->branch[i].done = 0;
        left += fan->branch[i].fd < 0;
    }
    if (left == fan->count)
        return -EPIPE;
    for (;;) {
        bool unfinished = false;
        bool moved = false;

        for (uint32_t i = 0; i < fan->count; i++) {
            if (!wants_more(fan, &fan->branch[i]))
                continue;
            const int result = push_some(fan, &fan->branch[i], data);
            if (result < 0)
                return result;
            moved = moved || result > 0;
            unfinished = unfinished || wants_more(fan, &fan->branch[i]);
        }
        if (!unfinished)
            return 0;
        if (!moved)
            wait_for_room(fan);
    }
}

int peer_items_open(struct peer_items *items, int fd, size_t item_size, uint32_t slots)
{
    size_t fit = PEER_LARGE / item_size;
    void *memory;

    if (fit > slots)
        fit = slots;
    if (fit == 0)
        fit = 1;
    const int error = peer_map_private(fit * item_size, &memory);
    if (error < 0)
        return error;
    *items = (struct peer_items){
        .fd = fd, .item_size = item_size, .room = fit * item_size, .buffer = memory
    };
    return 0;
}

void peer_items_close(struct peer_items *items)
{
    peer_unmap(items->buffer, items->room);
    items->buffer = NULL;
}

int peer_items_next(struct peer_items *items, const void **data)
{
    /* The room holds whole items only, so that one never wraps around. */
    if (items->at == items->have)
        items->at = items->have = 0;
    while (items->have - items->at < items->item_size) {
        const ssize_t got = read(items->fd, items->buffer + items->have, items->room - items->have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return items->have == items->at ? 0 : -EPIPE;
        items->have += (size_t)got;
    }
    *data = items->buffer + items->at;
    items->at += items->item_size;
    return 1;
}
