/* SPDX-License-Identifier: MIT */
/* Floor 4: looking in: the counters of a handle, and an object described without attaching to it. */
#include <string.h>

#include "base.h"
#include "event.h"
#include "identity.h"
#include "name.h"
#include "ring.h"

FR_API int64_t fr_now_ns(void)
{
    return fri_clock_now();
}

/* As much of ours as the caller's struct has room for; its .size stays the caller's. */
static void give(void *out, size_t out_size, const void *ours, size_t our_size)
{
    size_t count = fri_min(out_size, our_size);

    if (count > sizeof out_size)
        memcpy((char *)out + sizeof out_size, (const char *)ours + sizeof out_size,
               count - sizeof out_size);
}

FR_API void fr_writer_stats(const struct fr_writer *writer, struct fr_stats *stats)
{
    const struct fri_seat *seat = writer->seat;
    struct fr_stats now = writer->stats;

    for (uint32_t i = 0; i < seat->slots; i++) {
        now.published += word_peek(&seat->loans[i].published);
        now.aborted += word_peek(&seat->loans[i].aborted);
    }
    now.recovered = word_peek(&seat->recovered);
    give(stats, stats->size, &now, sizeof now);
}

FR_API void fr_reader_stats(const struct fr_reader *reader, struct fr_stats *stats)
{
    struct fr_stats now = reader->stats;

    now.recovered += word_peek(&reader->seat->recovered);
    give(stats, stats->size, &now, sizeof now);
}

static void describe(const struct fri_identity *identity, struct fr_info *info)
{
    info->kind = (enum fr_kind)identity->kind;
    info->version_major = identity->wire_major;
    info->version_minor = identity->wire_minor;
    info->session = identity->session;
    info->total_size = identity->total_size;
    info->created_ns = identity->created_ns;
    info->data_size = identity->data_size;
    info->element_size = identity->element_size;
    info->slots = identity->slots;
    info->delivery = (enum fr_delivery)identity->delivery;
    info->overflow = (enum fr_overflow)identity->overflow;
    info->slot_size = identity->slot_size;
}

/* The bits of the dead stay until a member cleans up; who looks in only leaves them out. */
static uint64_t living(int fd, const struct fri_ring_page *page)
{
    uint64_t attached = word_load(&page->attached);
    uint64_t alive = 0;

    for (; attached; attached &= attached - 1) {
        unsigned place = fri_lowest_bit(attached);

        if (fri_lock_is_held(fd, FRI_LOCK_MEMBER + place, 1))
            alive |= fri_bit(place);
    }
    return alive;
}

static void describe_ring(int fd, const struct fri_ring_page *page, struct fr_info *info)
{
    uint64_t attached = living(fd, page);
    uint64_t writers = word_load(&page->writers);

    info->writers = fri_count_bits(attached & writers);
    info->readers = fri_count_bits(attached & ~writers);
    info->published = word_load(&page->tail);
    info->dropped = word_peek(&page->dropped);
    info->overwritten = word_peek(&page->overwritten);
}

FR_API int fr_inspect(const char *name, struct fr_info *info)
{
    struct fri_identity identity;
    struct fr_info now = { 0 };
    void *first_page;
    int fd;

    FR_CHECK(info && info->size >= sizeof info->size);
    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    int error = fri_object_look(name, &identity, &fd);
    if (error < 0)
        return error;
    error = fri_map(fd, 0, FRI_PAGE, false, false, &first_page);
    if (error == 0) {
        const struct fri_ring_page *ring = first_page;
        const struct fri_region_page *region = first_page;
        bool is_ring = identity.kind == FR_KIND_RING;

        describe(&identity, &now);
        if (is_ring)
            describe_ring(fd, ring, &now);
        now.status = fri_owner_status(fd, is_ring ? &ring->closed : &region->closed);
        fri_unmap(first_page, FRI_PAGE);
        give(info, info->size, &now, sizeof now);
    }
    fri_file_close(fd);
    return error;
}
