/* SPDX-License-Identifier: MIT */
/*
 * What several peers need: see peer_support.h.
 */
#define _GNU_SOURCE
#include "peer_support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int map(size_t size, int flags, void **memory)
{
    *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return *memory == MAP_FAILED ? -errno : 0;
}

int peer_map_shared(size_t size, void **memory)
{
    return map(size, MAP_SHARED, memory);
}

int peer_map_private(size_t size, void **memory)
{
    return map(size, MAP_PRIVATE, memory);
}

void peer_unmap(void *memory, size_t size)
{
    if (memory != NULL && memory != MAP_FAILED)
        munmap(memory, size);
}

void peer_touch(void *memory, size_t size)
{
    /* Kernels before 5.14 do not know this; there the first items pay, in the warm-up. */
    madvise(memory, size, MADV_POPULATE_WRITE);
}

/* Sockets -------------------------------------------------------------------------------------- */

int peer_pairs_open(int type, uint32_t count, struct peer_pair **pairs)
{
    struct peer_pair *all = calloc(count, sizeof *all);

    if (all == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, all[i].end) < 0) {
            const int error = -errno;

            peer_pairs_close(all, i);
            return error;
        }
    }
    *pairs = all;
    return 0;
}

void peer_pairs_close(struct peer_pair *pairs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        close(pairs[i].end[0]);
        close(pairs[i].end[1]);
    }
    free(pairs);
}

int peer_channel_new(const struct transport_spec *spec, int type, void **out)
{
    struct peer_channel *channel = calloc(1, sizeof *channel);

    if (channel == NULL)
        return -ENOMEM;
    channel->spec = spec;
    const int error = peer_pairs_open(type, spec->readers, &channel->pairs);
    if (error < 0) {
        free(channel);
        return error;
    }
    *out = channel;
    return 0;
}

void peer_channel_free(void *user)
{
    struct peer_channel *channel = user;

    peer_pairs_close(channel->pairs, channel->spec->readers);
    free(channel);
}

int peer_send(int socket, const void *message, size_t size, int fd)
{
    struct iovec part = { .iov_base = (void *)(uintptr_t)message, .iov_len = size };
    union peer_control control;
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        header.msg_control = &control;
        header.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    while (sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int peer_receive(int socket, void *message, size_t size, int *fd)
{
    struct iovec part = { .iov_base = message, .iov_len = size };
    union peer_control control;
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    ssize_t got;

    do
        got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : 0;
    *fd = -1;
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(rights), sizeof *fd);
    return (size_t)got == size ? 1 : -EBADMSG;
}

/* The stage ------------------------------------------------------------------------------------ */

int peer_stage_new(struct peer_stage **stage)
{
    void *memory;
    const int error = peer_map_shared(sizeof **stage, &memory);

    if (error < 0)
        return error;
    *stage = memory;
    sem_init(&(*stage)->open, 1, 0);
    sem_init(&(*stage)->ready, 1, 0);
    sem_init(&(*stage)->left, 1, 0);
    atomic_init(&(*stage)->total, UINT64_MAX);
    return 0;
}

void peer_stage_free(struct peer_stage *stage)
{
    peer_unmap(stage, sizeof *stage);
}

void peer_post(sem_t *semaphore, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        sem_post(semaphore);
}

void peer_wait(sem_t *semaphore, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        while (sem_wait(semaphore) < 0 && errno == EINTR)
            continue;
    }
}

void peer_remove_all(const char *directory, const char *beginning)
{
    DIR *list = opendir(directory);

    if (list == NULL)
        return;
    for (const struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (strncmp(entry->d_name, beginning, strlen(beginning)) == 0)
            unlinkat(dirfd(list), entry->d_name, 0);
    }
    closedir(list);
}
