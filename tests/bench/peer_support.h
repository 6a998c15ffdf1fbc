/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PEER_SUPPORT_H
#define BENCH_PEER_SUPPORT_H

/*
 * What several peers need: memory that is inherited or private, file descriptors that travel through
 * a socket, and a stage on which sides that find each other by name wait for one another. Nothing
 * here has a name in the system, so nothing can be left behind. Functions return 0 or a negative
 * errno.
 */

#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "transport.h"

/* Zeroed memory from its first page on, shared with the children or not. */
int peer_map_shared(size_t size, void **memory);
int peer_map_private(size_t size, void **memory);
void peer_unmap(void *memory, size_t size);

/* Enters inherited memory into the page tables of this process, so that nothing is left to be done
 * at the first use of each page. */
void peer_touch(void *memory, size_t size);

/* As many connected pairs of sockets as there are readers: [0] is for the writer, [1] for the
 * reader. */
struct peer_pair {
    int end[2];
};

int peer_pairs_open(int type, uint32_t count, struct peer_pair **pairs);
void peer_pairs_close(struct peer_pair *pairs, uint32_t count);

/* The channel of a transport that needs no more than these pairs; and its prepare and dispose. */
struct peer_channel {
    const struct transport_spec *spec;
    struct peer_pair *pairs;
};

int peer_channel_new(const struct transport_spec *spec, int type, void **channel);
void peer_channel_free(void *channel);

/* Room for one file descriptor beside a message. */
union peer_control {
    struct cmsghdr align;
    unsigned char bytes[CMSG_SPACE(sizeof(int))];
};

/* Sends a message, with a file descriptor or with -1. */
int peer_send(int socket, const void *message, size_t size, int fd);

/* Waits for a message of that size: 1 with it, and in *fd what came with it or -1; 0 at the end. */
int peer_receive(int socket, void *message, size_t size, int *fd);

/* For libraries in which a side that is early loses something, and whose items cannot say that they
 * are the last. In shared memory. */
struct peer_stage {
    sem_t open;             /* posted once for each reader when the writer can be found */
    sem_t ready;            /* posted by each reader that will not miss anything any more */
    sem_t left;             /* posted by each reader that needs nothing any more */
    _Atomic uint64_t total; /* how many items there have been, once the writer has finished */
};

int peer_stage_new(struct peer_stage **stage);
void peer_stage_free(struct peer_stage *stage);
void peer_post(sem_t *semaphore, uint32_t times);
void peer_wait(sem_t *semaphore, uint32_t times);

/* Removes what is in a directory and begins with that. */
void peer_remove_all(const char *directory, const char *beginning);

#endif
