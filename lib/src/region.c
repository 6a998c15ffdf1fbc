/* SPDX-License-Identifier: MIT */
/*
 * Floor 4: regions, named memory with a lock. object.c gives the name and the mapping, rwlock.c the
 * lock; what is left here is the life of the handle, in the order that object.h asks for.
 */
#include "region.h"

#include <stdlib.h>

#include "base.h"
#include "identity.h"
#include "name.h"
#include "opts.h"
#include "point.h"

#define PERMISSION_BITS 0777u

static struct fri_region_page *page_of(const struct fr_region *region)
{
    /* The control part starts on a memory page, whatever its type says. */
    return (struct fri_region_page *)(void *)region->object.control;
}

static int fail_no_memory(void)
{
    return fri_fail(FR_ENOMEM, "no memory for a handle");
}

/* ---- Creating and opening ---------------------------------------------------------------- */

/* A fresh page is all zero, and zero is a free lock. */
static int on_create(struct fri_object *object, int fd, void *context)
{
    struct fr_region *region = context;

    fri_rwlock_attach(&region->lock, &page_of(region)->lock, fd, object->fd);
    return 0;
}

struct opening {
    struct fr_region *region;
    uint64_t element_size;
};

static int on_open(struct fri_object *object, int fd, void *context)
{
    const struct opening *opening = context;

    if (opening->element_size && opening->element_size != object->identity.element_size)
        return fri_fail(FR_EKIND, "the elements of the array have %llu bytes, not %llu",
                        (unsigned long long)object->identity.element_size,
                        (unsigned long long)opening->element_size);
    return object->is_writable ? on_create(object, fd, opening->region) : 0;
}

int fri_region_create(const char *name, uint64_t size, uint64_t element_size,
                      const struct fr_region_opts *opts, struct fr_region **out)
{
    struct fr_region_opts options;
    struct fri_identity identity;

    int error = fri_opts_read(&options, sizeof options, opts, opts ? opts->size : 0);
    if (error == 0)
        error = fri_name_check_new(name, options.sealed);
    if (error < 0)
        return error;
    FR_CHECK(options.mode <= PERMISSION_BITS);
    error = fri_identity_for_region(size, element_size, &identity);
    if (error < 0)
        return error;
    struct fr_region *region = calloc(1, sizeof *region);
    if (!region)
        return fail_no_memory();
    region->is_owner = true;
    const struct fri_object_plan plan = { .name = name,
                                          .identity = &identity,
                                          .mode = options.mode,
                                          .sealed = options.sealed,
                                          .on_attach = on_create,
                                          .context = region };
    error = fri_object_create(&plan, &region->object);
    if (error < 0)
        free(region);
    else
        *out = region;
    return error;
}

int fri_region_open(const char *name, int fd, uint64_t element_size, enum fr_access access,
                    int64_t timeout_ns, struct fr_region **out)
{
    FR_CHECK(access == FR_READ_WRITE || access == FR_READ_ONLY);
    struct fr_region *region = calloc(1, sizeof *region);
    if (!region)
        return fail_no_memory();
    struct opening opening = { region, element_size };
    const struct fri_object_wish wish = {
        .name = name,
        .fd = fd,
        .kinds = 1u << FR_KIND_ARRAY | (element_size ? 0 : 1u << FR_KIND_REGION),
        .control_writable = access == FR_READ_WRITE,
        .data_writable = access == FR_READ_WRITE,
        .on_attach = on_open,
        .context = &opening,
    };
    int error = fri_object_await(&wish, timeout_ns, &region->object);
    if (error < 0)
        free(region);
    else
        *out = region;
    return error;
}

FR_API int fr_region_create(const char *name, uint64_t size, const struct fr_region_opts *opts,
                            struct fr_region **out)
{
    FR_CHECK(out != NULL);
    *out = NULL;
    FR_CHECK(size > 0);
    return fri_region_create(name, size, 0, opts, out);
}

FR_API int fr_region_open(const char *name, enum fr_access access, int64_t timeout_ns,
                          struct fr_region **out)
{
    FR_CHECK(out != NULL);
    *out = NULL;
    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    return fri_region_open(name, -1, 0, access, timeout_ns, out);
}

FR_API int fr_region_from_fd(int fd, enum fr_access access, struct fr_region **out)
{
    FR_CHECK(out != NULL);
    *out = NULL;
    FR_CHECK(fd >= 0);
    return fri_region_open(NULL, fd, 0, access, FR_NOWAIT, out);
}

FR_API int fr_region_fd(const struct fr_region *region, enum fr_access access, int *fd)
{
    FR_CHECK(region != NULL && fd != NULL);
    FR_CHECK(access == FR_READ_WRITE || access == FR_READ_ONLY);
    if (fri_object_is_inherited(&region->object))
        return fri_object_fail_inherited();
    return fri_object_fd(&region->object, access, fd);
}

/* E1 and E2 of object.h: whoever misses the name finds it closed already. */
static void end_region(struct fr_region *region)
{
    word32_store(&page_of(region)->closed, 1);
    FR_POINT("region closed, name left");
    fri_object_remove_name(&region->object);
    FR_POINT("region name removed");
}

static void leave(struct fr_region *region)
{
    if (region->lock.is_exclusive || region->lock.is_shared)
        fri_rwlock_unlock(&region->lock);
    if (region->is_owner)
        end_region(region);
    fri_object_close(&region->object);
}

FR_API void fr_region_close(struct fr_region **region)
{
    struct fr_region *closing = region ? *region : NULL;

    if (!closing)
        return;
    *region = NULL;
    if (fri_object_is_inherited(&closing->object))
        fri_object_forget(&closing->object, false);
    else
        leave(closing);
    free(closing);
}

/* ---- Asking ------------------------------------------------------------------------------ */

FR_API void *fr_region_data(const struct fr_region *region)
{
    return region->object.data;
}

FR_API uint64_t fr_region_size(const struct fr_region *region)
{
    return region->object.identity.data_size;
}

FR_API int fr_region_status(const struct fr_region *region)
{
    FR_CHECK(region != NULL);
    if (fri_object_is_inherited(&region->object))
        return fri_object_fail_inherited();
    if (region->is_owner)
        return 0;
    return fri_owner_status(region->object.fd, &page_of(region)->closed);
}

/* ---- The lock ---------------------------------------------------------------------------- */

FR_API int fr_region_lock(struct fr_region *region, enum fr_lock kind, int64_t timeout_ns)
{
    FR_CHECK(region != NULL);
    FR_CHECK(kind == FR_SHARED || kind == FR_EXCLUSIVE);
    if (fri_object_is_inherited(&region->object))
        return fri_object_fail_inherited();
    if (!region->object.is_writable)
        return fri_fail(FR_EACCES, "a region opened FR_READ_ONLY cannot lock: open FR_READ_WRITE");
    return fri_rwlock_lock(&region->lock, kind, timeout_ns);
}

FR_API int fr_region_unlock(struct fr_region *region)
{
    FR_CHECK(region != NULL);
    if (fri_object_is_inherited(&region->object))
        return fri_object_fail_inherited();
    return fri_rwlock_unlock(&region->lock);
}
