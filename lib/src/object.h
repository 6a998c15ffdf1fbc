/* SPDX-License-Identifier: MIT */
#ifndef FRI_OBJECT_H
#define FRI_OBJECT_H

/*
 * Floor 2: a named object in shared memory: made, opened, mapped, owned, removed. Knows the identity
 * that regions and rings share, not what stands behind it.
 *
 * The life of a name, and what a death leaves:
 *
 *      step                                            a death there leaves
 *      C1  make a file without a name, with all bytes  nothing
 *      C2  write identity and first state              nothing
 *      C3  lock the owner's byte, through the mapping  nothing
 *      C4  link the file to its name                   an object without a living owner (as D1)
 *      D1  the owner dies                              the name; its memory until the last one leaves
 *      T1  newcomer locks all owner bytes of the dead  nothing: the kernel drops the locks
 *      T2  newcomer removes the name                   no name
 *      T3  C4                                          as C4
 *      E1  the owner closes: marks closed, wakes       as D1
 *      E2  it removes the name                         nothing
 *
 * An object that is to have no name is a memfd, and instead of C4 it is sealed; then descriptors lead
 * to it, and it has no T and no E2.
 *
 * An object is complete or has no name; there is no state of being set up to die in. T1 is both the
 * proof that no owner lives and the right to act on it, so two newcomers never take over at once: the
 * second one sees all bytes locked by one, which no owner does, and waits for T2.
 */

#include <framering/framering.h>

#include "error.h"
#include "layout.h"
#include "platform.h"

struct fri_object {
    struct fri_identity identity; /* our copy: checked, never read from shared memory again */
    uint8_t *control;             /* [0, identity.data_offset) */
    uint8_t *data;                /* [identity.data_offset, identity.total_size) */
    int fd;                       /* for probing locks and opening again; holds no lock itself */
    bool is_writable;
    bool is_named;
    char path[FRI_PATH_SIZE]; /* without a name: what to call it in messages */
    uint64_t device;
    uint64_t inode;
    uint32_t forks; /* see fri_forks: at another count the memory is not there */
    int lock_fd;    /* -1; in tests that share mappings, what holds the locks instead of ours */
};

/*
 * Called when the object is mapped: sets up what stands behind the identity (creating), and locks
 * bytes through fd, which live as long as the mapping then. 0, or an error that ends the call.
 */
typedef int (*fri_attach_fn)(struct fri_object *object, int fd, void *context);

/* What to make, and how. */
struct fri_object_plan {
    const char *name;                    /* or NULL */
    const struct fri_identity *identity; /* all but magic, versions, session and time */
    uint32_t mode;                       /* 0: the default */
    bool sealed;                         /* without a name: nobody else may ever write */
    fri_attach_fn on_attach;
    void *context;
};

/*
 * C1 to C4, taking over the name of a dead owner.
 *
 * FR_EEXIST, FR_EFOREIGN, FR_ENOSPC, FR_ENOMEM, FR_EACCES, or what on_attach returned.
 */
int fri_object_create(const struct fri_object_plan *plan, struct fri_object *object);

/* What to open, and how. */
struct fri_object_wish {
    const char *name; /* or NULL: */
    int fd;           /* the object behind this descriptor, which stays the caller's */
    uint32_t kinds;   /* a bit for each enum fr_kind that will do */
    bool control_writable;
    bool data_writable;
    fri_attach_fn on_attach;
    void *context;
};

/*
 * Opens an object, checks its identity and maps it.
 *
 * FR_ENOENT, FR_EACCES, FR_EFOREIGN, FR_EVERSION, FR_EKIND, FR_ECORRUPT, FR_ENOMEM, FR_ENOTSUP, or
 * what on_attach returned.
 */
int fri_object_open(const struct fri_object_wish *wish, struct fri_object *object);

/* The same, waiting up to timeout_ns for the name to appear (FR_ENOENT then). */
int fri_object_await(const struct fri_object_wish *wish, int64_t timeout_ns,
                     struct fri_object *object);

/* Reads and checks the identity behind a name without mapping it. *fd is yours to close. */
int fri_object_look(const char *name, struct fri_identity *identity, int *fd);

/* Unmaps; the locks go with it. */
void fri_object_close(struct fri_object *object);

/* A new descriptor of it, for others. FR_EACCES, or the system's code. */
int fri_object_fd(const struct fri_object *object, enum fr_access access, int *fd);

/*
 * True in a child of the process that opened it: the memory is not there, and its address may be
 * something else's by now. All that is left to do with it is fri_object_forget, instead of closing.
 */
static inline bool fri_object_is_inherited(const struct fri_object *object)
{
    return object->forks != fri_forks;
}

/* FR_EINVAL, with the sentence for it. */
static inline int fri_object_fail_inherited(void)
{
    return fri_fail(FR_EINVAL, "a handle does not outlive a fork: open it again in the child");
}

/* What is left to close of an inherited object; keep_fd: that was closed by the fork already. */
void fri_object_forget(const struct fri_object *object, bool keep_fd);

/* E2: removes the name if it is still this object's. */
void fri_object_remove_name(const struct fri_object *object);

/* True if it had a name and lost it; true if another object has that name now. */
bool fri_object_lost_name(const struct fri_object *object);
bool fri_object_is_replaced(const struct fri_object *object);

/* 0 while an owner lives, FR_ECLOSED, FR_EOWNERDEAD. fd is a descriptor of the object. */
int fri_owner_status(int fd, const fri_word32 *closed);

#endif
