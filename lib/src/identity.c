/* SPDX-License-Identifier: MIT */
/*
 * Floor 2: the geometry of an object is a function of a few numbers. The creator computes it, and
 * whoever opens it computes it again and compares, so that a damaged or hostile identity can name
 * no offset of its own.
 */
#include "identity.h"

#include <string.h>

#include "base.h"

/* Far below where any sum of ours could overflow, far above any machine's memory. */
#define MAX_OBJECT (UINT64_C(1) << 46)

static int fail_too_large(void)
{
    return fri_fail(FR_ENOSPC, "the object would be larger than 64 TB");
}

int fri_identity_for_region(uint64_t size, uint64_t element_size, struct fri_identity *identity)
{
    if (size > MAX_OBJECT)
        return fail_too_large();
    *identity = (struct fri_identity){
        .kind = element_size ? FR_KIND_ARRAY : FR_KIND_REGION,
        .data_offset = FRI_PAGE,
        .data_size = size,
        .element_size = element_size,
        .total_size = FRI_PAGE + fri_align(size, FRI_PAGE),
    };
    return 0;
}

/*
 * Twice as many order entries as slots: an entry is written again only when the slot it named has
 * long been claimed again, so that a reader never finds its next entry overwritten by a ring that
 * keeps all its promises.
 */
static uint32_t order_size_for(uint32_t slots)
{
    uint32_t size = 4;

    while (size < 2 * slots)
        size *= 2;
    return size;
}

int fri_identity_for_ring(uint32_t slots, uint64_t slot_size, uint32_t delivery, uint32_t overflow,
                          struct fri_identity *identity)
{
    uint32_t order_size = order_size_for(slots);
    uint64_t members_offset = FRI_PAGE;
    uint64_t order_offset = members_offset + FRI_MEMBERS * sizeof(struct fri_member);
    uint64_t slots_offset = fri_align(order_offset + order_size * sizeof(fri_word), FRI_LINE);
    uint64_t data_offset = fri_align(slots_offset + slots * sizeof(struct fri_slot), FRI_PAGE);

    if (slot_size > MAX_OBJECT / slots)
        return fail_too_large();
    uint64_t stride = fri_align(slot_size, FRI_PAGE);
    *identity = (struct fri_identity){
        .kind = FR_KIND_RING,
        .slots = slots,
        .order_size = order_size,
        .delivery = delivery,
        .overflow = overflow,
        .slot_size = slot_size,
        .slot_stride = stride,
        .members_offset = members_offset,
        .order_offset = order_offset,
        .slots_offset = slots_offset,
        .data_offset = data_offset,
        .total_size = data_offset + stride * slots,
    };
    return 0;
}

/* The geometry that the free numbers of the identity lead to; false if they are out of bounds. */
static bool recompute(const struct fri_identity *from, struct fri_identity *out)
{
    switch (from->kind) {
    case FR_KIND_REGION:
    case FR_KIND_ARRAY:
        if (from->data_size == 0 || from->required_features != 0 ||
            (from->kind == FR_KIND_ARRAY) != (from->element_size != 0))
            return false;
        if (from->element_size && from->data_size % from->element_size != 0)
            return false;
        return fri_identity_for_region(from->data_size, from->element_size, out) == 0;
    case FR_KIND_RING:
        if (from->slots < FR_MIN_SLOTS || from->slots > FR_MAX_SLOTS || from->slot_size == 0)
            return false;
        if (from->delivery > FR_QUEUE || from->overflow > FR_DROP_NEWEST)
            return false;
        if (from->delivery == FR_QUEUE && from->required_features & FRI_FEATURE_OBSERVERS)
            return false;
        return fri_identity_for_ring(from->slots, from->slot_size, from->delivery, from->overflow,
                                     out) == 0;
    default:
        return false;
    }
}

static int fail_version(const struct fri_identity *identity)
{
    return fri_fail(FR_EVERSION,
                    "made with layout version %u.%u (byte order %#x, features %#llx), "
                    "this library knows %u.%u: rebuild the older side",
                    identity->wire_major, identity->wire_minor, identity->endian_tag,
                    (unsigned long long)identity->required_features, FRI_WIRE_MAJOR,
                    FRI_WIRE_MINOR);
}

int fri_identity_check(const struct fri_identity *identity, uint64_t file_size)
{
    struct fri_identity expected;

    if (identity->magic != FRI_MAGIC)
        return FR_EFOREIGN;
    if (identity->wire_major != FRI_WIRE_MAJOR || identity->endian_tag != FRI_ENDIAN_TAG ||
        (identity->required_features & ~(uint64_t)FRI_FEATURES_KNOWN) != 0)
        return fail_version(identity);
    if (!recompute(identity, &expected))
        return fri_fail(FR_ECORRUPT, "the identity of the object makes no sense");
    expected.magic = identity->magic;
    expected.wire_major = identity->wire_major;
    expected.wire_minor = identity->wire_minor;
    expected.endian_tag = identity->endian_tag;
    expected.identity_size = identity->identity_size;
    expected.session = identity->session;
    expected.created_ns = identity->created_ns;
    expected.required_features = identity->required_features;
    expected.optional_features = identity->optional_features;
    /* What a newer minor version keeps in the reserved bytes is its own affair. */
    if (memcmp(identity, &expected, offsetof(struct fri_identity, reserved)) != 0)
        return fri_fail(FR_ECORRUPT, "the identity of the object contradicts itself");
    if (file_size < expected.total_size)
        return fri_fail(FR_ECORRUPT, "the object was cut off: %llu bytes of %llu",
                        (unsigned long long)file_size, (unsigned long long)expected.total_size);
    return 0;
}
