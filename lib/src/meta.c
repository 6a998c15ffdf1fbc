/* SPDX-License-Identifier: MIT */
/* Floor 5: see meta.h. */
#include "meta.h"

#include <framering/meta.h>
#include <string.h>

#include "base.h"

_Static_assert(FR_MAX_META == FRI_META_ROOM, "metadata: room");
_Static_assert(sizeof(struct fr_rect) == sizeof(struct fri_rect), "metadata: rectangles");

/* ---- Entries ------------------------------------------------------------------------------ */

static uint32_t entry_bytes(uint32_t size)
{
    return (uint32_t)sizeof(struct fri_meta_entry) + (uint32_t)fri_align(size, 8);
}

/* The entry at an offset; false at the end, which is also where an entry runs over it. */
static bool read_entry(const struct fri_loan *loan, uint32_t offset, struct fri_meta_entry *entry)
{
    uint32_t left = loan->meta_size - offset;

    if (left < sizeof *entry)
        return false;
    memcpy(entry, loan->meta + offset, sizeof *entry);
    return entry->size <= left && entry_bytes(entry->size) <= left;
}

static uint8_t *bytes_at(const struct fri_loan *loan, uint32_t offset)
{
    return loan->meta + offset + sizeof(struct fri_meta_entry);
}

/* Where the entry of a type is; false if there is none. */
static bool find(const struct fri_loan *loan, uint32_t type, uint32_t *offset,
                 struct fri_meta_entry *entry)
{
    for (*offset = 0; read_entry(loan, *offset, entry); *offset += entry_bytes(entry->size)) {
        if (entry->type == type)
            return true;
    }
    return false;
}

static void remove_entry(struct fri_loan *loan, uint32_t type)
{
    struct fri_meta_entry entry;
    uint32_t offset;

    if (!find(loan, type, &offset, &entry))
        return;
    uint32_t end = offset + entry_bytes(entry.size);
    memmove(loan->meta + offset, loan->meta + end, loan->meta_size - end);
    loan->meta_size -= end - offset;
}

/* Room for a new entry, all zero; NULL if there is not enough. */
static uint8_t *add_entry(struct fri_loan *loan, uint32_t type, size_t size)
{
    const struct fri_meta_entry entry = { type, (uint32_t)size };

    remove_entry(loan, type);
    uint8_t *at = loan->meta + loan->meta_size;
    if (size > FRI_META_ROOM || entry_bytes(entry.size) > FRI_META_ROOM - loan->meta_size)
        return NULL;
    memset(at, 0, entry_bytes(entry.size));
    memcpy(at, &entry, sizeof entry);
    loan->meta_size += entry_bytes(entry.size);
    return at + sizeof entry;
}

static struct fri_loan *loan_for_writing(const struct fr_frame *frame)
{
    struct fri_loan *loan = fri_loan_of_frame(frame);

    return word32_peek(&loan->state) == LOAN_WRITING ? loan : NULL;
}

static int fail_no_room(size_t size)
{
    return fri_fail(FR_EMSGSIZE, "no room for %zu bytes of metadata: a frame has %d in all", size,
                    FR_MAX_META);
}

FR_API int fr_frame_set_meta(struct fr_frame *frame, uint32_t type, const void *data, size_t size)
{
    FR_CHECK(frame && (data || size == 0));
    FR_CHECK(type != 0 && type != FR_META_DAMAGE);
    struct fri_loan *loan = loan_for_writing(frame);
    FR_CHECK(loan);
    uint8_t *bytes = add_entry(loan, type, size);
    if (!bytes)
        return fail_no_room(size);
    if (size > 0)
        memcpy(bytes, data, size);
    return 0;
}

FR_API const void *fr_frame_meta(const struct fr_frame *frame, uint32_t type, size_t *size)
{
    const struct fri_loan *loan = fri_loan_of_frame(frame);
    struct fri_meta_entry entry;
    uint32_t offset;

    if (!find(loan, type, &offset, &entry))
        return NULL;
    *size = entry.size;
    return bytes_at(loan, offset);
}

FR_API const void *fr_frame_meta_at(const struct fr_frame *frame, size_t index, uint32_t *type,
                                    size_t *size)
{
    const struct fri_loan *loan = fri_loan_of_frame(frame);
    struct fri_meta_entry entry;
    uint32_t offset = 0;

    for (; read_entry(loan, offset, &entry); offset += entry_bytes(entry.size)) {
        if (index-- > 0)
            continue;
        *type = entry.type;
        *size = entry.size;
        return bytes_at(loan, offset);
    }
    return NULL;
}

int fri_meta_adopt(struct fri_loan *loan, const struct fri_frame_header *header)
{
    loan->meta_size = 0;
    if (header->meta_size == 0)
        return 0;
    if (header->meta_offset < sizeof *header || header->meta_offset % 8 != 0 ||
        !fri_inside(header->meta_offset, header->meta_size, FRI_PAGE))
        return fri_fail(FR_ECORRUPT, "the frame's metadata lie outside its first page");
    memcpy(loan->meta, (const uint8_t *)loan->slot.data + header->meta_offset, header->meta_size);
    loan->meta_size = header->meta_size;
    return 0;
}

void fri_meta_store(struct fri_loan *loan, struct fri_frame_header *header)
{
    if (loan->meta_size == 0)
        return;
    header->meta_offset = sizeof *header;
    header->meta_size = loan->meta_size;
    memcpy((uint8_t *)loan->slot.data + sizeof *header, loan->meta, loan->meta_size);
}

/* ---- Rectangles --------------------------------------------------------------------------- */

static bool is_empty(const struct fri_rect *rect)
{
    return rect->width == 0 || rect->height == 0;
}

static uint32_t cut(int64_t at, int64_t side)
{
    return (uint32_t)(at < 0 ? 0 : at > side ? side : at);
}

/* What of it lies in the picture. */
static struct fri_rect clip(const struct fri_rect *rect, const struct fr_frame *frame)
{
    uint32_t left = cut(rect->x, frame->width);
    uint32_t top = cut(rect->y, frame->height);
    uint32_t right = cut(rect->x + (int64_t)rect->width, frame->width);
    uint32_t bottom = cut(rect->y + (int64_t)rect->height, frame->height);

    return (struct fri_rect){ (int32_t)left, (int32_t)top, right - left, bottom - top };
}

/* The smallest around both. Both lie in a picture, so that nothing overflows. */
static struct fri_rect around(const struct fri_rect *a, const struct fri_rect *b)
{
    if (is_empty(a))
        return *b;
    if (is_empty(b))
        return *a;
    uint32_t left = (uint32_t)(a->x < b->x ? a->x : b->x);
    uint32_t top = (uint32_t)(a->y < b->y ? a->y : b->y);
    uint64_t right = fri_max((uint32_t)a->x + a->width, (uint32_t)b->x + b->width);
    uint64_t bottom = fri_max((uint32_t)a->y + a->height, (uint32_t)b->y + b->height);

    return (struct fri_rect){ (int32_t)left, (int32_t)top, (uint32_t)right - left,
                              (uint32_t)bottom - top };
}

/* ---- Damage: writing ---------------------------------------------------------------------- */

struct area {
    uint32_t count;
    struct fri_rect rect[FR_MAX_DAMAGE];
    struct fri_rect around;
    bool is_too_much; /* more than there is room for: only the last counts */
};

static void add_rect(struct area *area, const struct fri_rect *rect)
{
    if (is_empty(rect))
        return;
    area->around = around(&area->around, rect);
    if (area->count == FR_MAX_DAMAGE)
        area->is_too_much = true;
    else
        area->rect[area->count++] = *rect;
}

static void merge_if_too_much(struct area *area)
{
    if (!area->is_too_much)
        return;
    area->count = 1;
    area->rect[0] = area->around;
}

FR_API int fr_frame_set_damage(struct fr_frame *frame, const struct fr_rect *rects, size_t count)
{
    struct area area = { 0 };

    FR_CHECK(frame && (rects || count == 0));
    struct fri_loan *loan = loan_for_writing(frame);
    FR_CHECK(loan);
    for (size_t i = 0; i < count; i++) {
        struct fri_rect rect = { rects[i].x, rects[i].y, rects[i].width, rects[i].height };

        rect = clip(&rect, frame);
        add_rect(&area, &rect);
    }
    merge_if_too_much(&area);
    struct fri_damage damage = { .count = area.count };
    size_t bytes = area.count * sizeof area.rect[0];
    uint8_t *entry = add_entry(loan, FR_META_DAMAGE, sizeof damage + bytes);
    if (!entry)
        return fail_no_room(sizeof damage + bytes);
    memcpy(entry, &damage, sizeof damage);
    memcpy(entry + sizeof damage, area.rect, bytes);
    return 0;
}

static bool is_same_shape(const struct fri_damage_past *past, const struct fr_frame *frame)
{
    return past->format == (uint32_t)frame->format && past->width == frame->width &&
           past->height == frame->height;
}

/* Around all that the entry says; its rectangles are ours, and in the picture. */
static struct fri_rect around_entry(const uint8_t *bytes, uint32_t count)
{
    struct fri_rect all = { 0 };
    struct fri_rect rect;

    for (uint32_t i = 0; i < count; i++) {
        memcpy(&rect, bytes + sizeof(struct fri_damage) + i * sizeof rect, sizeof rect);
        all = around(&all, &rect);
    }
    return all;
}

struct fri_damage_step fri_damage_begin(struct fri_loan *loan)
{
    struct fri_damage_past *past = &loan->seat->damage;
    struct fri_damage_step step = { 0 };
    struct fri_meta_entry entry;
    struct fri_damage damage;
    uint32_t offset;

    if (!find(loan, FR_META_DAMAGE, &offset, &entry) || !word32_try_change(&past->is_busy, 0, 1))
        return step;
    uint8_t *bytes = bytes_at(loan, offset);
    memcpy(&damage, bytes, sizeof damage);
    step.is_ours = true;
    step.around = around_entry(bytes, damage.count);
    if (!is_same_shape(past, &loan->frame)) {
        past->count = 0;
        past->sequence = 0;
        past->format = loan->frame.format;
        past->width = loan->frame.width;
        past->height = loan->frame.height;
    }
    damage.base = past->sequence;
    damage.history = past->count;
    for (uint32_t i = 0; i < past->count; i++)
        damage.past[i] = around(&past->past[i], &step.around);
    memcpy(bytes, &damage, sizeof damage);
    return step;
}

void fri_damage_end(struct fri_seat *seat, const struct fri_damage_step *step, uint64_t sequence)
{
    struct fri_damage_past *past = &seat->damage;

    if (!step->is_ours)
        return;
    /* Had another frame come in between, nobody would know how that one differs from this. */
    bool continues = past->sequence != 0 && sequence == past->sequence + 1;
    past->count = continues ? (uint32_t)fri_min(past->count + 1, FRI_DAMAGE_HISTORY) : 0;
    for (uint32_t i = past->count; i-- > 1;)
        past->past[i] = around(&past->past[i - 1], &step->around);
    past->past[0] = step->around;
    past->sequence = sequence;
    word32_store(&past->is_busy, 0);
}

/* ---- Damage: reading ---------------------------------------------------------------------- */

/* Copies the entry, as far as its size allows; false if there is none that makes sense. */
static bool read_damage(const struct fr_frame *frame, struct fri_damage *damage,
                        struct fri_rect rects[FR_MAX_DAMAGE])
{
    size_t size;
    const uint8_t *bytes = fr_frame_meta(frame, FR_META_DAMAGE, &size);

    if (!bytes || size < sizeof *damage)
        return false;
    memcpy(damage, bytes, sizeof *damage);
    if (damage->count > FR_MAX_DAMAGE || damage->history > FRI_DAMAGE_HISTORY ||
        size < sizeof *damage + damage->count * sizeof rects[0])
        return false;
    memcpy(rects, bytes + sizeof *damage, damage->count * sizeof rects[0]);
    return true;
}

/* Clips, and leaves out what is empty then. */
static size_t give_rects(const struct fr_frame *frame, const struct fri_rect *from, uint32_t count,
                         struct fr_rect rects[FR_MAX_DAMAGE])
{
    size_t given = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct fri_rect rect = clip(&from[i], frame);

        if (!is_empty(&rect))
            rects[given++] = (struct fr_rect){ rect.x, rect.y, rect.width, rect.height };
    }
    return given;
}

FR_API size_t fr_frame_damage(const struct fr_frame *frame, uint64_t since,
                              struct fr_rect rects[FR_MAX_DAMAGE])
{
    const struct fri_rect whole = { 0, 0, frame->width, frame->height };
    struct fri_rect exact[FR_MAX_DAMAGE];
    struct fri_damage damage;

    if (since == frame->sequence)
        return 0;
    if (since == 0 || since > frame->sequence || !read_damage(frame, &damage, exact) ||
        damage.base != frame->sequence - 1)
        return give_rects(frame, &whole, 1, rects);
    uint64_t missed = damage.base - since;
    if (missed == 0)
        return give_rects(frame, exact, damage.count, rects);
    if (missed > damage.history)
        return give_rects(frame, &whole, 1, rects);
    return give_rects(frame, &damage.past[missed - 1], 1, rects);
}
