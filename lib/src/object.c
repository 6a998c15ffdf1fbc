/* SPDX-License-Identifier: MIT */
/* Floor 2: see object.h for the life of a name; the step names are its own. */
#include "object.h"

#include <string.h>

#include "base.h"
#include "identity.h"
#include "log.h"
#include "name.h"
#include "point.h"
#include "share.h"

/* A name may be taken over by somebody else while we try to; so many times we look again. */
#define NAME_ATTEMPTS 16

/* How long we wait for somebody else to remove the name of the dead. */
#define REMOVAL_NS FR_MS(500)

#define NAMELESS "memory without a name"

static const char *const kind_names[] = { "nothing", "a region", "an array", "a ring" };

/* ---- Mapping ----------------------------------------------------------------------------- */

static int map_parts(int fd, const struct fri_object_wish *wish, bool is_allocated,
                     struct fri_object *object)
{
    const struct fri_identity *identity = &object->identity;
    void *control;
    void *data;
    int error =
        fri_share_map(fd, 0, identity->data_offset, wish->control_writable, false, &control);

    if (error < 0)
        return error;
    error = fri_share_map(fd, identity->data_offset, identity->total_size - identity->data_offset,
                          wish->data_writable, true, &data);
    if (error < 0) {
        fri_share_unmap(control, identity->data_offset);
        return error;
    }
    if (is_allocated) {
        fri_touch(control, identity->data_offset, wish->control_writable);
        fri_touch(data, identity->total_size - identity->data_offset, wish->data_writable);
    }
    object->control = control;
    object->data = data;
    object->is_writable = wish->control_writable;
    return 0;
}

static void unmap_parts(struct fri_object *object)
{
    fri_share_unmap(object->control, object->identity.data_offset);
    fri_share_unmap(object->data, object->identity.total_size - object->identity.data_offset);
}

void fri_object_close(struct fri_object *object)
{
    unmap_parts(object);
    fri_file_close(object->fd);
    if (object->lock_fd >= 0)
        fri_file_close(object->lock_fd);
}

void fri_object_forget(const struct fri_object *object, bool keep_fd)
{
    if (!keep_fd)
        fri_file_close(object->fd);
}

int fri_object_fd(const struct fri_object *object, enum fr_access access, int *fd)
{
    if (access == FR_READ_WRITE && !object->is_writable)
        return fri_fail(FR_EACCES, "%s was opened for reading only", object->path);
    return fri_file_reopen(object->fd, access == FR_READ_WRITE, fd);
}

/*
 * Maps through fd and takes the locks through it, so that they live and die with the mapping, and
 * keeps another description of the file, one without locks, for everything else. fd is consumed on
 * success.
 */
static int attach(int fd, const struct fri_object_wish *wish, struct fri_object *object)
{
    struct fri_file_info info;
    int error = fri_file_info(fd, &info);

    if (error < 0)
        return error;
    if (!fri_fork_watch())
        return fri_fail(FR_ENOMEM, "no memory to watch for forks");
    object->forks = fri_forks;
    object->device = info.device;
    object->inode = info.inode;
    object->lock_fd = -1;
    error = fri_file_reopen(fd, wish->control_writable, &object->fd);
    if (error < 0)
        return error;
    error = map_parts(fd, wish, info.allocated >= object->identity.total_size, object);
    if (error < 0) {
        fri_file_close(object->fd);
        return error;
    }
    error = wish->on_attach(object, fd, wish->context);
    if (error < 0) {
        unmap_parts(object);
        fri_file_close(object->fd);
        return error;
    }
    if (fri_share_is_on())
        object->lock_fd = fd; /* the mapping is another handle's, it cannot hold our locks */
    else
        fri_file_close(fd);
    return 0;
}

/* ---- Opening ----------------------------------------------------------------------------- */

/* A file under a name that its user would not have made is left alone, and told apart. */
static int check_file(const char *path, uint32_t user, const struct fri_file_info *info)
{
    if (!info->is_regular)
        return fri_fail(FR_EFOREIGN, "%s is not a regular file: remove it or take another name",
                        path);
    if (info->uid != user)
        return fri_fail(FR_EFOREIGN, "%s belongs to user %u: remove it or take another name", path,
                        info->uid);
    return 0;
}

/* Copies the identity, which is not read again, and checks it. */
static int read_identity(int fd, uint64_t size, struct fri_identity *identity)
{
    if (!fri_file_read(fd, identity, sizeof *identity))
        return FR_EFOREIGN;
    return fri_identity_check(identity, size);
}

static int check_named(int fd, const char *path, uint32_t user, struct fri_identity *identity)
{
    struct fri_file_info info;
    int error = fri_file_info(fd, &info);

    if (error == 0)
        error = check_file(path, user, &info);
    if (error < 0)
        return error;
    error = read_identity(fd, info.size, identity);
    if (error == FR_EFOREIGN)
        return fri_fail(FR_EFOREIGN,
                        "%s is not a file of framering: remove it or take another name", path);
    return error;
}

static int fail_open(int error, const char *path)
{
    if (error == FR_ENOENT)
        return fri_fail(error, "there is no %s", path);
    if (error == FR_EFOREIGN)
        return fri_fail(error, "%s is not a regular file: remove it or take another name", path);
    if (error == FR_EACCES)
        return fri_fail(error,
                        "%s: permission denied (its owner sets .mode when creating; an observer, "
                        ".observe, needs to read only)",
                        path);
    return fri_fail(error, "cannot open %s: %s", path, fr_strerror(error));
}

static int open_checked(const char *path, uint32_t user, bool writable,
                        struct fri_identity *identity, int *fd)
{
    int error = fri_file_open(path, writable, fd);

    if (error < 0)
        return fail_open(error, path);
    error = check_named(*fd, path, user, identity);
    if (error < 0)
        fri_file_close(*fd);
    return error;
}

int fri_object_look(const char *name, struct fri_identity *identity, int *fd)
{
    char path[FRI_PATH_SIZE];

    fri_name_path(name, path);
    return open_checked(path, fri_name_user(name), false, identity, fd);
}

static int open_named(const struct fri_object_wish *wish, struct fri_object *object, int *fd)
{
    object->is_named = true;
    fri_name_path(wish->name, object->path);
    return open_checked(object->path, fri_name_user(wish->name), wish->control_writable,
                        &object->identity, fd);
}

/* Nothing may be done with a stranger's descriptor before it is known to be memory that stays. */
static int check_given(const struct fri_object_wish *wish)
{
    struct fri_memory_info info = fri_memory_info(wish->fd);

    if (!info.is_memory)
        return fri_fail(FR_EFOREIGN, "the descriptor is not one of framering's memory");
    if (!info.keeps_size)
        return fri_fail(FR_ENOTSUP,
                        "this memory could be truncated under us: create it without a name");
    if (!wish->control_writable)
        return 0;
    if (info.is_for_reading)
        return fri_fail(FR_EACCES, "the object is sealed: it can only be looked at "
                                   "(.observe, FR_READ_ONLY)");
    if (!info.is_writable)
        return fri_fail(FR_EACCES, "the descriptor is read-only: it can only be looked at "
                                   "(.observe, FR_READ_ONLY)");
    return 0;
}

static int open_given(const struct fri_object_wish *wish, struct fri_object *object, int *fd)
{
    struct fri_file_info info;
    int error = check_given(wish);

    object->is_named = false;
    memcpy(object->path, NAMELESS, sizeof NAMELESS);
    if (error == 0)
        error = fri_file_reopen(wish->fd, wish->control_writable, fd);
    if (error < 0)
        return error;
    error = fri_file_info(*fd, &info);
    if (error == 0)
        error = read_identity(*fd, info.size, &object->identity);
    if (error == FR_EFOREIGN)
        fri_fail(error, "the descriptor is not one of framering's memory");
    if (error < 0)
        fri_file_close(*fd);
    return error;
}

int fri_object_open(const struct fri_object_wish *wish, struct fri_object *object)
{
    int fd;
    int error = wish->name ? open_named(wish, object, &fd) : open_given(wish, object, &fd);

    if (error < 0)
        return error;
    if (wish->kinds & (1u << object->identity.kind))
        error = attach(fd, wish, object);
    else
        error = fri_fail(FR_EKIND, "%s is %s", wish->name ? wish->name : NAMELESS,
                         kind_names[object->identity.kind]);
    if (error < 0)
        fri_file_close(fd);
    return error;
}

int fri_object_await(const struct fri_object_wish *wish, int64_t timeout_ns,
                     struct fri_object *object)
{
    struct fri_name_wait wait;
    int error = fri_object_open(wish, object);

    if (error != FR_ENOENT || timeout_ns == 0)
        return error;
    fri_name_wait_begin(&wait, timeout_ns);
    do {
        error = fri_object_open(wish, object);
    } while (error == FR_ENOENT && fri_name_wait_step(&wait));
    fri_name_wait_end(&wait);
    return error;
}

/* ---- Creating ---------------------------------------------------------------------------- */

/*
 * T1 and T2. 0: the name is free now; FR_ENOENT: it was when we looked; FR_EEXIST: its owner lives;
 * FR_EBUSY: it is dead, and somebody else is between T1 and T2.
 */
static int take_over(const char *path, uint32_t user)
{
    struct fri_identity identity;
    struct fri_file_info ours;
    struct fri_file_info named;
    int fd;
    int error = open_checked(path, user, true, &identity, &fd);

    if (error < 0)
        return error;
    error =
        fri_fail(FR_EEXIST, "%s is in use by a living owner: stop it or take another name", path);
    if (fri_lock_try(fd, FRI_LOCK_OWNER, FRI_LOCK_OWNERS)) { /* T1 */
        FR_POINT("owner bytes of the dead locked");
        /* Between opening and locking somebody else may have taken it over. Then look again. */
        error = FR_ENOENT;
        if (fri_file_info(fd, &ours) == 0 && fri_path_info(path, &named) == 0 &&
            ours.inode == named.inode && ours.device == named.device) {
            fri_log(FR_LOG_INFO, "removing %s: its owner is gone", path);
            error = fri_path_remove(path); /* T2 */
            FR_POINT("dead name removed");
        }
    } else if (fri_lock_is_held_whole(fd, FRI_LOCK_OWNER, FRI_LOCK_OWNERS)) {
        error = fri_fail(FR_EBUSY, "somebody else is removing %s", path);
    }
    fri_file_close(fd);
    return error;
}

FR_API int fr_collect(const char *name)
{
    char path[FRI_PATH_SIZE];

    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    fri_name_path(name, path);
    return take_over(path, fri_name_user(name));
}

/* Who is between T1 and T2 needs a moment for it, unless he is stopped there. */
static int await_removal(const char *path)
{
    struct fri_name_wait wait;
    int error;

    fri_name_wait_begin(&wait, REMOVAL_NS);
    do {
        error = take_over(path, fri_user());
    } while (error == FR_EBUSY && fri_name_wait_step(&wait));
    fri_name_wait_end(&wait);
    return error != FR_EBUSY ? error
                             : fri_fail(FR_EEXIST,
                                        "%s is being removed by a process that does not get on: "
                                        "is it stopped?",
                                        path);
}

/* T3 and C4 */
static int give_name(int fd, const char *path)
{
    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        int error = fri_file_name(fd, path);

        if (error != FR_EEXIST)
            return error;
        error = take_over(path, fri_user());
        if (error == FR_EBUSY)
            error = await_removal(path);
        if (error < 0 && error != FR_ENOENT)
            return error;
    }
    return fri_fail(FR_EEXIST, "%s is being made by others all the time", path);
}

struct creation {
    fri_attach_fn on_attach;
    void *context;
};

static int prepare(struct fri_object *object, int fd, void *context)
{
    const struct creation *creation = context;

    memcpy(object->control, &object->identity, sizeof object->identity); /* C2 */
    if (!fri_lock_try(fd, FRI_LOCK_OWNER, 1))                            /* C3 */
        return fri_fail(FR_ENOTSUP, "this kernel cannot lock bytes of an open file description");
    return creation->on_attach(object, fd, creation->context);
}

static void complete_identity(struct fri_identity *identity)
{
    identity->magic = FRI_MAGIC;
    identity->wire_major = FRI_WIRE_MAJOR;
    identity->wire_minor = FRI_WIRE_MINOR;
    identity->endian_tag = FRI_ENDIAN_TAG;
    identity->identity_size = sizeof *identity;
    identity->session = fri_random();
    identity->created_ns = fri_clock_now();
}

/* C1 to C3 */
static int make(const struct fri_object_plan *plan, struct fri_object *object)
{
    struct creation creation = { plan->on_attach, plan->context };
    const struct fri_object_wish wish = {
        .control_writable = true, .data_writable = true, .on_attach = prepare, .context = &creation
    };
    uint32_t mode = plan->mode ? plan->mode : plan->sealed ? 0444 : 0600;
    uint64_t size = plan->identity->total_size;
    int fd;

    object->identity = *plan->identity;
    complete_identity(&object->identity);
    int error = plan->name ? fri_file_create(size, mode, &fd) : fri_memory_create(size, mode, &fd);
    if (error < 0)
        return error;
    error = attach(fd, &wish, object);
    if (error < 0)
        fri_file_close(fd);
    return error;
}

static int create_named(const struct fri_object_plan *plan, struct fri_object *object)
{
    if (fri_name_user(plan->name) != fri_user())
        return fri_fail(FR_EACCES, "%s is another user's name: only that user can create it",
                        plan->name);
    object->is_named = true;
    fri_name_path(plan->name, object->path);
    int error = make(plan, object);
    if (error < 0)
        return error;
    FR_POINT("object complete, no name");
    error = give_name(object->fd, object->path);
    FR_POINT("object named");
    if (error < 0)
        fri_object_close(object);
    return error;
}

static int create_nameless(const struct fri_object_plan *plan, struct fri_object *object)
{
    object->is_named = false;
    memcpy(object->path, NAMELESS, sizeof NAMELESS);
    int error = make(plan, object);
    if (error < 0)
        return error;
    error = fri_memory_seal(object->fd, plan->sealed);
    if (error < 0)
        fri_object_close(object);
    return error;
}

int fri_object_create(const struct fri_object_plan *plan, struct fri_object *object)
{
    return plan->name ? create_named(plan, object) : create_nameless(plan, object);
}

/* ---- Ownership --------------------------------------------------------------------------- */

static bool is_ours(const struct fri_object *object, const struct fri_file_info *named)
{
    return named->inode == object->inode && named->device == object->device;
}

static bool has_name(const struct fri_object *object)
{
    struct fri_file_info named;

    return object->is_named && fri_path_info(object->path, &named) == 0 && is_ours(object, &named);
}

bool fri_object_lost_name(const struct fri_object *object)
{
    return object->is_named && !has_name(object);
}

bool fri_object_is_replaced(const struct fri_object *object)
{
    struct fri_file_info named;

    return object->is_named && fri_path_info(object->path, &named) == 0 && !is_ours(object, &named);
}

void fri_object_remove_name(const struct fri_object *object)
{
    if (has_name(object))
        fri_path_remove(object->path);
}

int fri_owner_status(int fd, const fri_word32 *closed)
{
    if (word32_load(closed))
        return FR_ECLOSED;
    return fri_lock_is_held(fd, FRI_LOCK_OWNER, FRI_LOCK_OWNERS) ? 0 : FR_EOWNERDEAD;
}
