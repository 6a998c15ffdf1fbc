/* SPDX-License-Identifier: MIT */
/*
 * Floor 4: random access to a region, by bytes and by elements. Bounds come from the handle's own
 * copy of the identity, and sums are never formed that could wrap.
 */
#include <string.h>

#include "base.h"
#include "name.h"
#include "region.h"

/* ---- Bytes ------------------------------------------------------------------------------- */

static int check_bytes(const struct fr_region *region, uint64_t offset, uint64_t size)
{
    const uint64_t total = region->object.identity.data_size;

    if (fri_object_is_inherited(&region->object))
        return fri_object_fail_inherited();
    if (fri_inside(offset, size, total))
        return 0;
    return fri_fail(FR_ERANGE, "%llu bytes at %llu are not inside a region of %llu",
                    (unsigned long long)size, (unsigned long long)offset,
                    (unsigned long long)total);
}

static int check_writable(const struct fr_region *region)
{
    if (region->object.is_writable)
        return 0;
    return fri_fail(FR_EACCES, "the region was opened FR_READ_ONLY: open it FR_READ_WRITE");
}

/* Size 0 copies nothing from or to anywhere, so that NULL will do; for memcpy it would not. */
static void copy(void *dst, const void *src, size_t size)
{
    if (size > 0)
        memcpy(dst, src, size);
}

FR_API int fr_region_read(const struct fr_region *region, uint64_t offset, void *dst, size_t size)
{
    FR_CHECK(region != NULL);
    FR_CHECK(dst != NULL || size == 0);
    int error = check_bytes(region, offset, size);
    if (error < 0)
        return error;
    copy(dst, region->object.data + offset, size);
    return 0;
}

FR_API int fr_region_write(struct fr_region *region, uint64_t offset, const void *src, size_t size)
{
    FR_CHECK(region != NULL);
    FR_CHECK(src != NULL || size == 0);
    int error = check_writable(region);
    if (error == 0)
        error = check_bytes(region, offset, size);
    if (error < 0)
        return error;
    copy(region->object.data + offset, src, size);
    return 0;
}

/* ---- Arrays ------------------------------------------------------------------------------ */

FR_API int fr_array_create(const char *name, uint64_t count, size_t element_size,
                           const struct fr_region_opts *opts, struct fr_region **out)
{
    FR_CHECK(out != NULL);
    *out = NULL;
    FR_CHECK(count > 0);
    FR_CHECK(element_size > 0);
    if (count > UINT64_MAX / element_size)
        return fri_fail(FR_ENOSPC, "%llu elements of %zu bytes are more than 2^64 bytes",
                        (unsigned long long)count, element_size);
    return fri_region_create(name, count * element_size, element_size, opts, out);
}

FR_API int fr_array_open(const char *name, size_t element_size, enum fr_access access,
                         int64_t timeout_ns, struct fr_region **out)
{
    FR_CHECK(out != NULL);
    *out = NULL;
    FR_CHECK(element_size > 0);
    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    return fri_region_open(name, -1, element_size, access, timeout_ns, out);
}

FR_API int fr_array_from_fd(int fd, size_t element_size, enum fr_access access,
                            struct fr_region **out)
{
    FR_CHECK(out != NULL);
    *out = NULL;
    FR_CHECK(fd >= 0);
    FR_CHECK(element_size > 0);
    return fri_region_open(NULL, fd, element_size, access, FR_NOWAIT, out);
}

FR_API uint64_t fr_array_count(const struct fr_region *region)
{
    const struct fri_identity *identity = &region->object.identity;

    return identity->element_size ? identity->data_size / identity->element_size : 0;
}

FR_API void *fr_array_at(const struct fr_region *region, uint64_t index)
{
    if (index >= fr_array_count(region) || fri_object_is_inherited(&region->object))
        return NULL;
    return region->object.data + index * region->object.identity.element_size;
}

static int check_elements(const struct fr_region *region, uint64_t first, uint64_t count)
{
    const uint64_t total = fr_array_count(region);

    if (fri_object_is_inherited(&region->object))
        return fri_object_fail_inherited();
    if (fri_inside(first, count, total))
        return 0;
    return fri_fail(FR_ERANGE, "%llu elements from %llu on are not inside an array of %llu",
                    (unsigned long long)count, (unsigned long long)first,
                    (unsigned long long)total);
}

FR_API int fr_array_get(const struct fr_region *region, uint64_t first, uint64_t count, void *dst)
{
    FR_CHECK(region != NULL);
    FR_CHECK(dst != NULL || count == 0);
    int error = check_elements(region, first, count);
    if (error < 0)
        return error;
    const uint64_t size = region->object.identity.element_size;
    copy(dst, region->object.data + first * size, count * size);
    return 0;
}

FR_API int fr_array_set(struct fr_region *region, uint64_t first, uint64_t count, const void *src)
{
    FR_CHECK(region != NULL);
    FR_CHECK(src != NULL || count == 0);
    int error = check_writable(region);
    if (error == 0)
        error = check_elements(region, first, count);
    if (error < 0)
        return error;
    const uint64_t size = region->object.identity.element_size;
    copy(region->object.data + first * size, src, count * size);
    return 0;
}
