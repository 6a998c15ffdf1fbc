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

static const char *const kind_names[] = { "nothing", "a region", "an array", "a ring" };

/* ---- Mapping ----------------------------------------------------------------------------- */

static int map_parts(int fd, const struct fri_object_wish *wish, struct fri_object *object)
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
    object->device = info.device;
    object->inode = info.inode;
    object->lock_fd = -1;
    error = fri_file_reopen(fd, wish->control_writable, &object->fd);
    if (error < 0)
        return error;
    error = map_parts(fd, wish, object);
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

static int read_identity(int fd, const char *path, uint32_t user, struct fri_identity *identity)
{
    struct fri_file_info info;
    int error = fri_file_info(fd, &info);

    if (error == 0)
        error = check_file(path, user, &info);
    if (error < 0)
        return error;
    if (!fri_file_read(fd, identity, sizeof *identity))
        error = FR_EFOREIGN;
    else
        error = fri_identity_check(identity, info.size);
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
        return fri_fail(error, "%s: permission denied (its owner sets .mode when creating)", path);
    return fri_fail(error, "cannot open %s: %s", path, fr_strerror(error));
}

static int open_checked(const char *path, uint32_t user, bool writable,
                        struct fri_identity *identity, int *fd)
{
    int error = fri_file_open(path, writable, fd);

    if (error < 0)
        return fail_open(error, path);
    error = read_identity(*fd, path, user, identity);
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

int fri_object_open(const struct fri_object_wish *wish, struct fri_object *object)
{
    int fd;

    fri_name_path(wish->name, object->path);
    int error = open_checked(object->path, fri_name_user(wish->name), wish->control_writable,
                             &object->identity, &fd);
    if (error < 0)
        return error;
    if (wish->kinds & (1u << object->identity.kind))
        error = attach(fd, wish, object);
    else
        error = fri_fail(FR_EKIND, "%s is %s", wish->name, kind_names[object->identity.kind]);
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

/* T1 and T2. 0: the name is free now, or was when we looked; FR_EEXIST: its owner lives. */
static int take_over(const char *path)
{
    struct fri_identity identity;
    struct fri_file_info ours;
    struct fri_file_info named;
    int fd;
    int error = open_checked(path, fri_user(), true, &identity, &fd);

    if (error == FR_ENOENT)
        return 0;
    if (error < 0)
        return error;
    error =
        fri_fail(FR_EEXIST, "%s is in use by a living owner: stop it or take another name", path);
    if (fri_lock_try(fd, FRI_LOCK_OWNER, FRI_LOCK_OWNERS)) { /* T1 */
        FR_POINT("owner bytes of the dead locked");
        /* Between opening and locking somebody else may have taken it over. Then look again. */
        error = 0;
        if (fri_file_info(fd, &ours) == 0 && fri_path_info(path, &named) == 0 &&
            ours.inode == named.inode && ours.device == named.device) {
            fri_log(FR_LOG_INFO, "taking over %s: its owner is gone", path);
            error = fri_path_remove(path); /* T2 */
            error = error == FR_ENOENT ? 0 : error;
            FR_POINT("dead name removed");
        }
    }
    fri_file_close(fd);
    return error;
}

/* T3 and C4 */
static int give_name(int fd, const char *path)
{
    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        int error = fri_file_name(fd, path);

        if (error != FR_EEXIST)
            return error;
        error = take_over(path);
        if (error < 0)
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

int fri_object_create(const char *name, const struct fri_identity *identity, uint32_t mode,
                      fri_attach_fn on_attach, void *context, struct fri_object *object)
{
    struct creation creation = { on_attach, context };
    const struct fri_object_wish wish = {
        .control_writable = true, .data_writable = true, .on_attach = prepare, .context = &creation
    };
    int fd;

    if (fri_name_user(name) != fri_user())
        return fri_fail(FR_EACCES, "%s is another user's name: only that user can create it", name);
    fri_name_path(name, object->path);
    object->identity = *identity;
    complete_identity(&object->identity);
    int error = fri_file_create(identity->total_size, mode ? mode : 0600, &fd); /* C1 */
    if (error < 0)
        return error;
    error = attach(fd, &wish, object);
    if (error < 0) {
        fri_file_close(fd);
        return error;
    }
    FR_POINT("object complete, no name");
    error = give_name(object->fd, object->path);
    FR_POINT("object named");
    if (error < 0)
        fri_object_close(object);
    return error;
}

/* ---- Ownership --------------------------------------------------------------------------- */

static bool is_ours(const struct fri_object *object, const struct fri_file_info *named)
{
    return named->inode == object->inode && named->device == object->device;
}

bool fri_object_has_name(const struct fri_object *object)
{
    struct fri_file_info named;

    return fri_path_info(object->path, &named) == 0 && is_ours(object, &named);
}

bool fri_object_is_replaced(const struct fri_object *object)
{
    struct fri_file_info named;

    return fri_path_info(object->path, &named) == 0 && !is_ours(object, &named);
}

void fri_object_remove_name(const struct fri_object *object)
{
    if (fri_object_has_name(object))
        fri_path_remove(object->path);
}

int fri_owner_status(int fd, const fri_word32 *closed)
{
    if (word32_load(closed))
        return FR_ECLOSED;
    return fri_lock_is_held(fd, FRI_LOCK_OWNER, FRI_LOCK_OWNERS) ? 0 : FR_EOWNERDEAD;
}
