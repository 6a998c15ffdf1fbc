/* SPDX-License-Identifier: MIT */
#ifndef FRI_PLATFORM_H
#define FRI_PLATFORM_H

/*
 * Floor 1: the only door to the operating system. The platform_… files behind it are the only ones
 * that include its headers. Nothing here knows what a region or a ring is.
 *
 * All functions return 0 (or what they say) or a negative error code, and retry what a signal
 * interrupted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

/* ---- Time ------------------------------------------------------------------------------ */

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t fri_clock_now(void);

/* The moment timeout_ns from now, or from then; INT64_MAX, which never comes, for a negative one. */
int64_t fri_deadline(int64_t timeout_ns);
int64_t fri_deadline_from(int64_t start_ns, int64_t timeout_ns);

/* Nanoseconds until then: 0 when it is over, INT64_MAX if it never comes. */
int64_t fri_remaining(int64_t deadline_ns);

/* ---- Files of shared memory ------------------------------------------------------------ */

struct fri_file_info {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    uint64_t allocated; /* bytes that are really there */
    uint32_t uid;
    uint32_t mode; /* permission bits */
    bool is_regular;
};

#define FRI_SHM_DIRECTORY "/dev/shm"

/* Room for the longest path that fri_path_make makes. */
#define FRI_PATH_SIZE 128

/* The path of a user's object: /dev/shm/framering.UID.NAME */
void fri_path_make(uint32_t user, const char *name, char path[FRI_PATH_SIZE]);

/* The effective user. */
uint32_t fri_user(void);

/*
 * Makes a file without a name, of size bytes of zeros that are really there: FR_ENOSPC now rather
 * than a bus error at the first touch. It vanishes with its last descriptor and mapping unless
 * fri_file_name gives it a name.
 */
int fri_file_create(uint64_t size, uint32_t mode, int *fd);

/*
 * The same as a memfd, which no name can ever lead to, but which can be sealed: when its owner has
 * mapped it, against changing its size and, for_reading_only, against any new way to write it.
 */
int fri_memory_create(uint64_t size, uint32_t mode, int *fd);
int fri_memory_seal(int fd, bool for_reading_only);

/*
 * What a descriptor that somebody gave us leads to, without touching it: opening, reading or mapping
 * other things than memory may block, have effects, or fault later.
 */
struct fri_memory_info {
    bool is_memory;      /* of a tmpfs */
    bool keeps_size;     /* sealed against shrinking */
    bool is_for_reading; /* sealed against new writers */
    bool is_writable;    /* the descriptor */
};

struct fri_memory_info fri_memory_info(int fd);

/* Gives the file a name, atomically. FR_EEXIST if there is one already. */
int fri_file_name(int fd, const char *path);

/* Opens a named file. FR_ENOENT, FR_EACCES; a symbolic link is FR_EFOREIGN. */
int fri_file_open(const char *path, bool writable, int *fd);

/* A new open file description of the same file: one whose locks are its own. */
int fri_file_reopen(int fd, bool writable, int *out);

void fri_file_close(int fd);

int fri_file_info(int fd, struct fri_file_info *info);
int fri_path_info(const char *path, struct fri_file_info *info);
int fri_path_remove(const char *path);

/*
 * Calls fn with user and name of each file that has such a path as fri_path_make makes, until it
 * returns anything but 0; returns that.
 */
int fri_path_list(int (*fn)(void *context, uint32_t user, const char *name), void *context);

/* Reads size bytes from the start; false if there are fewer. */
bool fri_file_read(int fd, void *buffer, size_t size);

/*
 * Maps [offset, offset + size) shared, and absent from children after fork: the memory of a ring is
 * not theirs, and a mapping that a child inherited would keep our locks alive. With is_payload it
 * also stays out of core dumps, which would be huge, and hold the locks while they are written.
 */
int fri_map(int fd, uint64_t offset, uint64_t size, bool writable, bool is_payload, void **out);
void fri_unmap(void *address, uint64_t size);

/*
 * Does now, for all pages, what the first touch of each would do: one call is up to fifty times
 * faster than so many faults, and it is not the first frames that pay. What the system cannot do is
 * left to the first touch. Memory that is not there would be *made*: not for a stranger's.
 */
void fri_touch(void *address, uint64_t size, bool writable);

/* ---- Liveness: locks on bytes of an open file description ------------------------------- */

/*
 * Takes an exclusive lock on count bytes of lock space, from first on, for this open file
 * description, without waiting: true if it is now held. The kernel drops it when the last
 * descriptor *and mapping* of the description are gone, whatever kills the process. So: open, map
 * through the descriptor, lock through it, close it, and the lock says exactly "somebody can still
 * write through this mapping". No descriptor is left that fork, exec or closefrom could spoil.
 *
 * Holding the lock of a dead peer's byte is the proof of its death and the sole right to clean up.
 */
bool fri_lock_try(int fd, uint32_t first, uint32_t count);

/*
 * Takes, or drops, a shared lock on one byte for this open file description: a descriptor that may
 * only read can do so. False if somebody has it exclusively, or the system has no lock to give.
 */
bool fri_lock_share(int fd, uint32_t byte);
void fri_lock_drop(int fd, uint32_t byte);

/*
 * A member's locks hang on its mapping, which is absent from children. An observer's pins hang on a
 * descriptor, and a child that inherits it would keep them alive after our death: so it is closed in
 * the child as soon as that is forked. False if there is no room to remember it.
 */
bool fri_fork_closes(int fd);
void fri_fork_closes_no_more(int fd);

/*
 * How many forks lie between the first process that watched and this one: a handle that was made at
 * another count is a parent's, whose memory is not there. False: no room to watch for forks.
 */
extern uint32_t fri_forks;
bool fri_fork_watch(void);

/* True if another open file description holds a lock in the range. A hint: act on fri_lock_try. */
bool fri_lock_is_held(int fd, uint32_t first, uint32_t count);

/* True if one holds all of the range, of which others lock single bytes. A hint, too. */
bool fri_lock_is_held_whole(int fd, uint32_t first, uint32_t count);

/* ---- Waiting --------------------------------------------------------------------------- */

/* Offers the processor to others that are ready to run. */
void fri_yield(void);

/* Sleeps while *word == expected, timeout_ns at the longest; may return early for no reason. */
void fri_futex_wait(fri_word32 *word, uint32_t expected, int64_t timeout_ns);
void fri_futex_wake_all(fri_word32 *word);

/*
 * Watches the directory of names, so that waiting for a name needs no polling. fri_watch_wait
 * sleeps until a name has appeared or vanished since the last call, timeout_ns at the longest. If
 * the system has no watch to give, it sleeps 50 ms at a time instead.
 */
struct fri_watch {
    int fd;
};

void fri_watch_open(struct fri_watch *watch);
void fri_watch_wait(struct fri_watch *watch, int64_t timeout_ns);
void fri_watch_close(struct fri_watch *watch);

/* ---- Descriptors through sockets: the codes are fr_fd_send's --------------------------------- */

int fri_socket_send(int socket, int fd);
int fri_socket_receive(int socket, int64_t timeout_ns, int *fd);

/* ---- Odds and ends --------------------------------------------------------------------- */

/* A number that no other object will have. Never 0. */
uint64_t fri_random(void);

/* The calling process and what the kernel calls it, for people who look on: never for decisions. */
uint32_t fri_process(void);
void fri_program(char name[16]);

#endif
