/* SPDX-License-Identifier: MIT */
/*
 * Floor 5: an object described without attaching to it. What is mapped here is mapped read-only and
 * changes while it is read: each number is read once, and none is followed beyond where the checked
 * identity says that the object ends.
 */
#include <string.h>

#include "base.h"
#include "format.h"
#include "identity.h"
#include "name.h"
#include "opts.h"
#include "order.h"
#include "ring.h"

/* A ring as one sees it from outside: its control words, and where they lie. */
struct sight {
    int fd;
    struct fri_identity identity;
    uint8_t *control;
    const struct fri_ring_page *page;
    const struct fri_member *members;
    const fri_word *order;
    const struct fri_slot *slot;
};

static int open_sight(const char *name, struct sight *sight)
{
    void *control;

    if (!fri_name_is_valid(name))
        return FR_EINVAL;
    int error = fri_object_look(name, &sight->identity, &sight->fd);
    if (error < 0)
        return error;
    error = fri_map(sight->fd, 0, sight->identity.data_offset, false, false, &control);
    if (error < 0) {
        fri_file_close(sight->fd);
        return error;
    }
    sight->control = control;
    sight->page = control;
    sight->members = (const void *)(sight->control + sight->identity.members_offset);
    sight->order = (const void *)(sight->control + sight->identity.order_offset);
    sight->slot = (const void *)(sight->control + sight->identity.slots_offset);
    return 0;
}

static void close_sight(struct sight *sight)
{
    fri_unmap(sight->control, sight->identity.data_offset);
    fri_file_close(sight->fd);
}

/*
 * The bits of the dead stay until a member cleans up; who looks in only leaves them out. So he does
 * with who is about to join: whoever counts on a reader's being there shall not publish too early.
 */
static uint64_t living(const struct sight *sight)
{
    uint64_t attached = word_load(&sight->page->attached);
    uint64_t alive = 0;

    for (; attached; attached &= attached - 1) {
        unsigned place = fri_lowest_bit(attached);

        if (word_load(&sight->members[place].tally.joined_ns) != 0 &&
            fri_lock_is_held(sight->fd, FRI_LOCK_MEMBER + place, 1))
            alive |= fri_bit(place);
    }
    return alive;
}

/* ---- Objects ------------------------------------------------------------------------------ */

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
    info->observers = (identity->required_features & FRI_FEATURE_OBSERVERS) != 0;
}

static uint32_t count_observed(const struct sight *sight)
{
    uint32_t count = 0;

    if (!fri_lock_is_held(sight->fd, FRI_LOCK_PIN, sight->identity.slots))
        return 0;
    for (uint32_t i = 0; i < sight->identity.slots; i++)
        count += fri_lock_is_held(sight->fd, FRI_LOCK_PIN + i, 1);
    return count;
}

/* Copies the header of the slot that carries a number; false if it does not, or not any more. */
static bool read_header(const struct sight *sight, uint32_t index, uint64_t sequence,
                        struct fri_frame_header *header)
{
    const struct fri_slot *slot = &sight->slot[index];
    void *payload;

    if (!slot_carries(slot, sequence) || word_peek(&slot->used) < FRI_PAGE)
        return false;
    if (fri_map(sight->fd, sight->identity.data_offset + index * sight->identity.slot_stride,
                FRI_PAGE, false, true, &payload) < 0)
        return false;
    memcpy(header, payload, sizeof *header);
    fri_unmap(payload, FRI_PAGE);
    return slot_carries(slot, sequence);
}

static void describe_newest(const struct sight *sight, struct fr_info *info)
{
    uint64_t entry = word_load(&sight->order[info->published & (sight->identity.order_size - 1)]);
    uint32_t index = (uint32_t)entry & 0xffff;
    struct fri_frame_header header;

    if (entry_sequence(entry) != info->published || index >= sight->identity.slots ||
        sight->identity.slot_size < FRI_PAGE ||
        !read_header(sight, index, info->published, &header) || header.magic != FRI_FRAME_MAGIC ||
        !fr_format_info((enum fr_format)header.format))
        return;
    info->format = (enum fr_format)header.format;
    info->width = header.width;
    info->height = header.height;
    info->frame_rate = (struct fr_rational){ header.frame_rate_num, header.frame_rate_den };
    info->capture_ns = header.capture_ns;
    info->publish_ns = header.publish_ns;
}

static void describe_ring(const struct sight *sight, struct fr_info *info)
{
    const struct fri_ring_page *page = sight->page;
    uint64_t attached = living(sight);
    uint64_t writers = word_load(&page->writers);

    info->writers = fri_count_bits(attached & writers);
    info->readers = fri_count_bits(attached & ~writers);
    info->published = word_load(&page->tail);
    info->dropped = word_peek(&page->dropped);
    info->overwritten = word_peek(&page->overwritten);
    info->observed = info->observers ? count_observed(sight) : 0;
    describe_newest(sight, info);
}

FR_API int fr_inspect(const char *name, struct fr_info *info)
{
    struct fr_info now = { 0 };
    struct sight sight;

    FR_CHECK(info && info->size >= sizeof info->size);
    int error = open_sight(name, &sight);
    if (error < 0)
        return error;
    const struct fri_region_page *region = (const void *)sight.control;
    bool is_ring = sight.identity.kind == FR_KIND_RING;
    describe(&sight.identity, &now);
    if (is_ring)
        describe_ring(&sight, &now);
    now.status = fri_owner_status(sight.fd, is_ring ? &sight.page->closed : &region->closed);
    fri_opts_give(info, info->size, &now, sizeof now);
    close_sight(&sight);
    return 0;
}

/* ---- Members ------------------------------------------------------------------------------ */

/* Slots whose words name the member: as a writer's or taker's own, or as pinned. */
static uint32_t count_held(const struct sight *sight, unsigned place)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < sight->identity.slots; i++) {
        const struct fri_slot *slot = &sight->slot[i];

        count += control_is_owned(slot_control(slot), place) ||
                 (word_load(&slot->pins) & fri_bit(place)) != 0;
    }
    return count;
}

/* Who wrote it may have written anything: it goes to terminals. */
static void copy_program(const fri_word words[2], char program[16])
{
    const uint64_t copy[2] = { word_peek(&words[0]), word_peek(&words[1]) };

    memcpy(program, copy, sizeof copy);
    program[15] = 0;
    for (char *c = program; *c; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}

static struct fr_member describe_member(const struct sight *sight, unsigned place)
{
    const struct fri_member *member = &sight->members[place];
    const struct fri_tally *tally = &member->tally;
    struct fr_member now = {
        .size = sizeof now,
        .place = place,
        .process = word32_load(&member->process),
        .is_writer = (word_load(&sight->page->writers) & fri_bit(place)) != 0,
        .joined_ns = (int64_t)word_peek(&tally->joined_ns),
        .held = count_held(sight, place),
        .items = word_peek(&tally->lent),
        .aborted = word_peek(&tally->aborted),
        .sequence = word_peek(&tally->sequence),
        .timeouts = word_peek(&tally->timeouts),
        .waits = word_peek(&tally->waits),
        .waited_ns = word_peek(&tally->waited_ns),
        .loss = { word_peek(&tally->skipped), word_peek(&tally->overwritten),
                  word_peek(&tally->dropped) },
    };

    /* What was lent to a writer, it published or gave back. */
    now.items -= now.aborted;
    copy_program(tally->program, now.program);
    fri_tally_copy_bins(tally->latency, &now.latency);
    fri_tally_copy_bins(tally->hold, &now.hold);
    return now;
}

static int tell_members(const struct sight *sight, int (*fn)(void *, const struct fr_member *),
                        void *user)
{
    uint64_t members = living(sight);
    int result = 0;

    for (; members && result == 0; members &= members - 1) {
        struct fr_member member = describe_member(sight, fri_lowest_bit(members));

        result = fn(user, &member);
    }
    return result;
}

FR_API int fr_members(const char *name, int (*fn)(void *user, const struct fr_member *member),
                      void *user)
{
    struct sight sight;

    FR_CHECK(fn);
    int result = open_sight(name, &sight);
    if (result < 0)
        return result;
    if (sight.identity.kind == FR_KIND_RING)
        result = tell_members(&sight, fn, user);
    else
        result = fri_fail(FR_EKIND, "%s is no ring: only rings have members", name);
    close_sight(&sight);
    return result;
}
