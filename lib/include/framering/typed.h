/* SPDX-License-Identifier: MIT */
#ifndef FRAMERING_TYPED_H
#define FRAMERING_TYPED_H

/*
 * Structures and arrays of structures in shared memory, without casts and without sizes:
 *
 *      struct point { float x, y; };
 *      FR_TYPED(point, struct point);
 *
 *      struct fr_region *region;
 *      if (point_array_create("track", 1000, NULL, &region) < 0)
 *          return 1;
 *      const struct point start = { 1, 2 };
 *      int error = point_array_set(region, 0, &start);
 *
 * FR_TYPED(prefix, type) makes the functions listed below for one type. They are plain C (or C++17)
 * inline functions; what is loaded or stored through them may lie at any address, aligned or not,
 * and a small structure moves in registers, without a call. The type must mean the same in every
 * process: numbers, arrays and structures of these, no pointers, and integers of fixed width.
 *
 * One structure at an address, for instance in a slot (struct fr_slot):
 *
 *      type prefix_load(const void *from)
 *      void prefix_store(void *to, type value)
 *      void prefix_load_many(type *dst, const void *from, size_t count)
 *      void prefix_store_many(void *to, const type *src, size_t count)
 *
 * One structure in a region, offset bytes from its start (fr_region_read, fr_region_write):
 *
 *      int prefix_read(const struct fr_region *, uint64_t offset, type *out)
 *      int prefix_write(struct fr_region *, uint64_t offset, const type *value)
 *
 * An array (fr_array_…). The functions with an index check that the region is an array of elements
 * of this size: FR_EKIND or NULL otherwise.
 *
 *      int prefix_array_create(const char *name, uint64_t count, const struct fr_region_opts *,
 *                              struct fr_region **out)
 *      int prefix_array_open(const char *name, enum fr_access, int64_t timeout_ns,
 *                            struct fr_region **out)
 *      type *prefix_array_at(const struct fr_region *, uint64_t index)
 *      int prefix_array_get(const struct fr_region *, uint64_t index, type *out)
 *      int prefix_array_set(struct fr_region *, uint64_t index, const type *value)
 *      int prefix_array_get_many(const struct fr_region *, uint64_t first, uint64_t count,
 *                                type *dst)
 *      int prefix_array_set_many(struct fr_region *, uint64_t first, uint64_t count,
 *                                const type *src)
 *
 * prefix_array_at gives NULL beyond the end. A loop over all elements asks once for element 0 and
 * counts with fr_array_count; there is no search function, because whether two structures are equal
 * is a matter of their members and not of the padding between them.
 *
 * None of these locks: see fr_region_lock.
 */

#include <framering/framering.h>
#include <string.h>

#if defined(__cplusplus)
#define FR_TYPED_CHECK(type)                                                                       \
    static_assert(__is_trivially_copyable(type), "FR_TYPED: the type must be plain data")
#else
#define FR_TYPED_CHECK(type) _Static_assert(sizeof(type) > 0, "FR_TYPED: the type is empty")
#endif

#if defined(__GNUC__)
#define FR_TYPED_FUNCTION static inline __attribute__((unused))
#else
#define FR_TYPED_FUNCTION static inline
#endif

/* Copies count elements of size bytes; with nothing to copy the addresses may be NULL. */
FR_TYPED_FUNCTION void fr_typed_copy(void *dst, const void *src, size_t count, size_t size)
{
    if (count > 0)
        memcpy(dst, src, count * size);
}

/* True if the region is an array of elements of that size. */
FR_TYPED_FUNCTION int fr_typed_is_array(const struct fr_region *region, size_t size)
{
    return fr_array_count(region) * size == fr_region_size(region);
}

#define FR_TYPED(prefix, type)                                                                     \
    FR_TYPED_FUNCTION type prefix##_load(const void *from)                                         \
    {                                                                                              \
        type value;                                                                                \
        memcpy(&value, from, sizeof value);                                                        \
        return value;                                                                              \
    }                                                                                              \
    FR_TYPED_FUNCTION void prefix##_store(void *to, type value)                                    \
    {                                                                                              \
        memcpy(to, &value, sizeof value);                                                          \
    }                                                                                              \
    FR_TYPED_FUNCTION void prefix##_load_many(type *dst, const void *from, size_t count)           \
    {                                                                                              \
        fr_typed_copy(dst, from, count, sizeof *dst);                                              \
    }                                                                                              \
    FR_TYPED_FUNCTION void prefix##_store_many(void *to, const type *src, size_t count)            \
    {                                                                                              \
        fr_typed_copy(to, src, count, sizeof *src);                                                \
    }                                                                                              \
    FR_TYPED_FUNCTION FR_MUST_CHECK int prefix##_read(const struct fr_region *region,              \
                                                      uint64_t offset, type *out)                  \
    {                                                                                              \
        return fr_region_read(region, offset, out, sizeof *out);                                   \
    }                                                                                              \
    FR_TYPED_FUNCTION FR_MUST_CHECK int prefix##_write(struct fr_region *region, uint64_t offset,  \
                                                       const type *value)                          \
    {                                                                                              \
        return fr_region_write(region, offset, value, sizeof *value);                              \
    }                                                                                              \
    FR_TYPED_FUNCTION FR_MUST_CHECK int prefix##_array_create(const char *name, uint64_t count,    \
                                                              const struct fr_region_opts *opts,   \
                                                              struct fr_region **out)              \
    {                                                                                              \
        return fr_array_create(name, count, sizeof(type), opts, out);                              \
    }                                                                                              \
    FR_TYPED_FUNCTION FR_MUST_CHECK int prefix##_array_open(const char *name,                      \
                                                            enum fr_access access,                 \
                                                            int64_t timeout_ns,                    \
                                                            struct fr_region **out)                \
    {                                                                                              \
        return fr_array_open(name, sizeof(type), access, timeout_ns, out);                         \
    }                                                                                              \
    FR_TYPED_FUNCTION type *prefix##_array_at(const struct fr_region *region, uint64_t index)      \
    {                                                                                              \
        if (!fr_typed_is_array(region, sizeof(type)))                                              \
            return NULL;                                                                           \
        return (type *)fr_array_at(region, index);                                                 \
    }                                                                                              \
    FR_TYPED_FUNCTION FR_MUST_CHECK int prefix##_array_get_many(const struct fr_region *region,    \
                                                                uint64_t first, uint64_t count,    \
                                                                type *dst)                         \
    {                                                                                              \
        if (!fr_typed_is_array(region, sizeof(type)))                                              \
            return FR_EKIND;                                                                       \
        return fr_array_get(region, first, count, dst);                                            \
    }                                                                                              \
    FR_TYPED_FUNCTION FR_MUST_CHECK int prefix##_array_set_many(struct fr_region *region,          \
                                                                uint64_t first, uint64_t count,    \
                                                                const type *src)                   \
    {                                                                                              \
        if (!fr_typed_is_array(region, sizeof(type)))                                              \
            return FR_EKIND;                                                                       \
        return fr_array_set(region, first, count, src);                                            \
    }                                                                                              \
    FR_TYPED_FUNCTION FR_MUST_CHECK int prefix##_array_get(const struct fr_region *region,         \
                                                           uint64_t index, type *out)              \
    {                                                                                              \
        return prefix##_array_get_many(region, index, 1, out);                                     \
    }                                                                                              \
    FR_TYPED_FUNCTION FR_MUST_CHECK int prefix##_array_set(struct fr_region *region,               \
                                                           uint64_t index, const type *value)      \
    {                                                                                              \
        return prefix##_array_set_many(region, index, 1, value);                                   \
    }                                                                                              \
    FR_TYPED_CHECK(type)

#endif
