/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PEER_STREAM_H
#define BENCH_PEER_STREAM_H

/*
 * Items over streams of bytes, as pipes and stream sockets are: written to all readers' streams side
 * by side, so that a slow one does not hold up the others before it must; read many at a time when
 * they are small. Functions return 0 or more, or a negative errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Items of at least this size are large: system calls do not matter, copies do. */
#define PEER_LARGE 65536

/* Sends some of that, at least a byte; waits for room if it should, else fails with EAGAIN. */
typedef ssize_t (*peer_push)(int fd, const void *data, size_t size, bool wait);

struct peer_fan {
    peer_push push;
    size_t item_size;
    uint32_t count;
    struct peer_branch {
        int fd; /* negative when the reader has left */
        size_t done;
    } branch[];
};

/* All branches begin without a stream. */
struct peer_fan *peer_fan_new(size_t item_size, uint32_t count, peer_push push);

/* Returns when every reader's stream has all of it. -EPIPE if no reader is left. */
int peer_fan_write(struct peer_fan *fan, const void *data);

struct peer_items {
    int fd;
    size_t item_size;
    size_t room;
    size_t have;
    size_t at;
    uint8_t *buffer;
};

int peer_items_open(struct peer_items *items, int fd, size_t item_size, uint32_t slots);
void peer_items_close(struct peer_items *items);

/* The next item, which stays until it is called again: 1; 0 at the end of the stream. */
int peer_items_next(struct peer_items *items, const void **data);

#endif
