/* SPDX-License-Identifier: MIT */
/*
 * Metadata of frames: what was set comes out as it was, whatever somebody wrote there does no harm,
 * and damage is right also for a reader that skipped frames.
 */
#include <framering/framering.h>
#include <framering/meta.h>
#include <string.h>

#include "frames.h"
#include "layout.h"
#include "ring.h"

static struct fr_frame *begin_frame(struct frame_ring *ring)
{
    struct fr_frame *frame;

    ck_assert_ok(fr_frame_acquire(ring->writer, 32, 16, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
    return frame;
}

static const struct fr_frame *next_frame(struct frame_ring *ring)
{
    const struct fr_frame *frame;

    ck_assert_ok(fr_frame_wait(ring->reader, FR_NEXT, FR_NOWAIT, &frame));
    return frame;
}

static void expect_meta(const struct fr_frame *frame, uint32_t type, const char *text)
{
    size_t size = 99;
    const char *bytes = fr_frame_meta(frame, type, &size);

    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_mem_eq(bytes, text, size);
    ck_assert_uint_eq((uintptr_t)bytes % 8, 0);
}

/* ---- Entries ------------------------------------------------------------------------------ */

START_TEST(what_was_set_comes_out_and_the_last_word_counts)
{
    struct frame_ring ring = make_small_frame_ring();
    struct fr_frame *frame = begin_frame(&ring);
    uint32_t type;
    size_t size;

    ck_assert_ptr_null(fr_frame_meta(frame, FR_META_LABEL, &size));
    ck_assert_ok(fr_frame_set_meta(frame, FR_META_LABEL, "first", 5));
    ck_assert_ok(fr_frame_set_meta(frame, FR_META_USER, "mine, longer", 12));
    ck_assert_ok(fr_frame_set_meta(frame, FR_META_USER + 1, NULL, 0));
    ck_assert_ok(fr_frame_set_meta(frame, FR_META_LABEL, "the second", 10));
    expect_meta(frame, FR_META_LABEL, "the second"); /* also while it is written */
    ck_assert_ok(fr_frame_publish(&frame));

    const struct fr_frame *got = next_frame(&ring);
    expect_meta(got, FR_META_LABEL, "the second");
    expect_meta(got, FR_META_USER, "mine, longer");
    expect_meta(got, FR_META_USER + 1, "");
    ck_assert_ptr_null(fr_frame_meta(got, FR_META_HDR, &size));
    ck_assert_ptr_nonnull(fr_frame_meta_at(got, 0, &type, &size));
    ck_assert_uint_eq(type, FR_META_USER);
    ck_assert_ptr_eq(fr_frame_meta_at(got, 2, &type, &size),
                     fr_frame_meta(got, FR_META_LABEL, &size));
    ck_assert_ptr_null(fr_frame_meta_at(got, 3, &type, &size));
    fr_frame_release(&got);

    frame = begin_frame(&ring); /* nothing is left over */
    ck_assert_ok(fr_frame_publish(&frame));
    got = next_frame(&ring);
    ck_assert_ptr_null(fr_frame_meta_at(got, 0, &type, &size));
    fr_frame_release(&got);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(there_is_room_for_so_much_and_not_for_more)
{
    static const char bytes[FR_MAX_META];
    struct frame_ring ring = make_small_frame_ring();
    struct fr_frame *frame = begin_frame(&ring);
    size_t size;

    ck_assert_error(fr_frame_set_meta(frame, FR_META_USER, bytes, FR_MAX_META - 7), FR_EMSGSIZE);
    ck_assert_error(fr_frame_set_meta(frame, FR_META_USER, bytes, SIZE_MAX), FR_EMSGSIZE);
    ck_assert_ok(fr_frame_set_meta(frame, FR_META_USER, bytes, FR_MAX_META - 8));
    ck_assert_error(fr_frame_set_meta(frame, FR_META_LABEL, "", 0), FR_EMSGSIZE);
    ck_assert_error(fr_frame_set_damage(frame, NULL, 0), FR_EMSGSIZE);
    ck_assert_ok(fr_frame_publish(&frame));
    const struct fr_frame *got = next_frame(&ring);
    ck_assert_ptr_nonnull(fr_frame_meta(got, FR_META_USER, &size));
    ck_assert_uint_eq(size, FR_MAX_META - 8);
    fr_frame_release(&got);

    /* What no longer fits takes the old entry with it. */
    frame = begin_frame(&ring);
    ck_assert_ok(fr_frame_set_meta(frame, FR_META_USER, "old", 3));
    ck_assert_error(fr_frame_set_meta(frame, FR_META_USER, bytes, FR_MAX_META), FR_EMSGSIZE);
    ck_assert_ptr_null(fr_frame_meta(frame, FR_META_USER, &size));
    fr_frame_abort(&frame);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    struct frame_ring ring = make_small_frame_ring();
    struct fr_frame *frame = begin_frame(&ring);
    const struct fr_rect rect = { 0, 0, 1, 1 };

    ck_assert_error(fr_frame_set_meta(NULL, FR_META_USER, "x", 1), FR_EINVAL);
    ck_assert_error(fr_frame_set_meta(frame, FR_META_USER, NULL, 1), FR_EINVAL);
    ck_assert_error(fr_frame_set_meta(frame, 0, "x", 1), FR_EINVAL);
    ck_assert_error(fr_frame_set_meta(frame, FR_META_DAMAGE, "x", 1), FR_EINVAL);
    ck_assert_error(fr_frame_set_damage(NULL, &rect, 1), FR_EINVAL);
    ck_assert_error(fr_frame_set_damage(frame, NULL, 1), FR_EINVAL);
    struct fr_frame *published = frame;
    ck_assert_ok(fr_frame_publish(&frame));
    ck_assert_error(fr_frame_set_meta(published, FR_META_USER, "x", 1), FR_EINVAL);
    ck_assert_error(fr_frame_set_damage(published, &rect, 1), FR_EINVAL);
    close_frame_ring(&ring);
}
END_TEST

/* ---- Entries that somebody made up ---------------------------------------------------------- */

/* Publishes a frame with an entry, then lets a stranger change it; what is read of it then. */
static int read_tampered(struct frame_ring *ring, uint32_t meta_offset, uint32_t meta_size,
                         const void *bytes, size_t size)
{
    struct fr_frame *frame = begin_frame(ring);
    uint8_t *page = frame->plane[0].data - FRI_PAGE;
    const struct fr_frame *got;

    ck_assert_ok(fr_frame_set_meta(frame, FR_META_LABEL, "label", 5));
    ck_assert_ok(fr_frame_publish(&frame));
    struct fri_frame_header *header = (void *)page;
    header->meta_offset = meta_offset;
    header->meta_size = meta_size;
    memcpy(page + sizeof *header, bytes, size);
    int error = fr_frame_wait(ring->reader, FR_NEXT, FR_NOWAIT, &got);
    if (error < 0)
        return error;
    struct fr_rect rects[FR_MAX_DAMAGE];
    uint32_t type;
    size_t length;
    int entries = 0;
    while (fr_frame_meta_at(got, (size_t)entries, &type, &length)) {
        ck_assert_uint_le(length, meta_size);
        entries++;
    }
    size_t count = fr_frame_damage(got, got->sequence - 1, rects);
    ck_assert_uint_le(count, FR_MAX_DAMAGE);
    for (size_t i = 0; i < count; i++) {
        ck_assert(rects[i].x >= 0 && (uint32_t)rects[i].x + rects[i].width <= 32);
        ck_assert(rects[i].y >= 0 && (uint32_t)rects[i].y + rects[i].height <= 16);
    }
    fr_frame_release(&got);
    return entries;
}

START_TEST(made_up_entries_are_an_error_or_none)
{
    struct frame_ring ring = make_small_frame_ring();
    uint32_t entry[2] = { FR_META_LABEL, 5 };

    ck_assert_int_eq(read_tampered(&ring, 256, 16, entry, 8), 1);
    ck_assert_int_eq(read_tampered(&ring, 256, 15, entry, 8), 0);
    ck_assert_int_eq(read_tampered(&ring, 256, 7, entry, 8), 0);
    ck_assert_int_eq(read_tampered(&ring, 0, 0, entry, 8), 0);
    ck_assert_error(read_tampered(&ring, 248, 16, entry, 8), FR_ECORRUPT);
    ck_assert_error(read_tampered(&ring, 260, 16, entry, 8), FR_ECORRUPT);
    ck_assert_error(read_tampered(&ring, 4096, 8, entry, 8), FR_ECORRUPT);
    ck_assert_error(read_tampered(&ring, 256, 3841, entry, 8), FR_ECORRUPT);
    ck_assert_error(read_tampered(&ring, 0xfffffff8, 16, entry, 8), FR_ECORRUPT);
    ck_assert_error(read_tampered(&ring, 256, 0xffffffff, entry, 8), FR_ECORRUPT);
    entry[1] = 0xffffffff;
    ck_assert_int_eq(read_tampered(&ring, 256, 3840, entry, 8), 0);
    entry[1] = 3833; /* fits, but not with its padding */
    ck_assert_int_eq(read_tampered(&ring, 256, 3840, entry, 8), 0);
    close_frame_ring(&ring);
}
END_TEST

struct made_up {
    struct fri_meta_entry entry;
    struct fri_damage damage;
    struct fri_rect rect[2];
};

START_TEST(made_up_damage_is_all_or_lies_in_the_picture)
{
    struct frame_ring ring = make_small_frame_ring();
    struct made_up bad = { .entry = { FR_META_DAMAGE, sizeof bad - 8 },
                           .damage = { .base = 0, .count = 2 },
                           .rect = { { -5, -5, 0xffffffff, 0xffffffff },
                                     { INT32_MIN, INT32_MAX, 1, 1 } } };
    static const uint32_t counts[] = { 0, 1, 2, 3, 64, 65, 0xffffffff };
    static const uint32_t sizes[] = { 0, 15, 527, 528, 544, 560 };

    publish_picture(ring.writer, 1);
    const struct fr_frame *first = next_frame(&ring);
    fr_frame_release(&first);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            const uint32_t used = 8 + (sizes[k] + 7) / 8 * 8;

            bad.damage.base++; /* the number of the frame before */
            bad.damage.count = counts[i];
            bad.damage.history = counts[i] * 7;
            bad.entry.size = sizes[k];
            ck_assert_int_eq(read_tampered(&ring, 256, used, &bad, sizeof bad), 1);
        }
    }
    close_frame_ring(&ring);
}
END_TEST

/* ---- Damage --------------------------------------------------------------------------------- */

static void publish_damaged(struct frame_ring *ring, const struct fr_rect *rects, size_t count)
{
    struct fr_frame *frame = begin_frame(ring);

    ck_assert_ok(fr_frame_set_damage(frame, rects, count));
    ck_assert_ok(fr_frame_publish(&frame));
}

static void expect_rect(struct fr_rect rect, int32_t x, int32_t y, uint32_t width, uint32_t height)
{
    ck_assert_int_eq(rect.x, x);
    ck_assert_int_eq(rect.y, y);
    ck_assert_uint_eq(rect.width, width);
    ck_assert_uint_eq(rect.height, height);
}

/* What frame differs from since in is exactly this one rectangle. */
static void expect_damage(const struct fr_frame *frame, uint64_t since, int32_t x, int32_t y,
                          uint32_t width, uint32_t height)
{
    struct fr_rect rects[FR_MAX_DAMAGE];

    ck_assert_uint_eq(fr_frame_damage(frame, since, rects), 1);
    expect_rect(rects[0], x, y, width, height);
}

static const struct fr_frame *latest(struct frame_ring *ring)
{
    const struct fr_frame *frame;

    ck_assert_ok(fr_frame_wait(ring->reader, FR_LATEST, FR_NOWAIT, &frame));
    return frame;
}

START_TEST(damage_is_exact_for_the_frame_before_and_around_for_older_ones)
{
    struct frame_ring ring = make_frame_ring(8, SMALL_SLOT);
    const struct fr_rect two[] = { { 1, 2, 3, 4 }, { 20, 10, 5, 6 } };
    const struct fr_rect third = { 8, 8, 1, 1 };
    struct fr_rect rects[FR_MAX_DAMAGE];

    publish_damaged(&ring, &third, 1); /* 1: the first of all is new */
    publish_damaged(&ring, two, 2);    /* 2 */
    publish_damaged(&ring, NULL, 0);   /* 3 */
    publish_damaged(&ring, &third, 1); /* 4 */
    const struct fr_frame *frame = next_frame(&ring);
    expect_damage(frame, 0, 0, 0, 32, 16);
    fr_frame_release(&frame);
    frame = next_frame(&ring);
    ck_assert_uint_eq(fr_frame_damage(frame, 1, rects), 2);
    expect_rect(rects[0], 1, 2, 3, 4);
    expect_rect(rects[1], 20, 10, 5, 6);
    ck_assert_uint_eq(fr_frame_damage(frame, 2, rects), 0);
    fr_frame_release(&frame);
    frame = next_frame(&ring);
    ck_assert_uint_eq(fr_frame_damage(frame, 2, rects), 0);
    expect_damage(frame, 1, 1, 2, 24, 14);
    fr_frame_release(&frame);
    frame = next_frame(&ring);
    expect_damage(frame, 3, 8, 8, 1, 1);
    expect_damage(frame, 2, 8, 8, 1, 1);
    expect_damage(frame, 1, 1, 2, 24, 14);
    expect_damage(frame, 0, 0, 0, 32, 16);
    expect_damage(frame, 5, 0, 0, 32, 16); /* of another session, perhaps */
    fr_frame_release(&frame);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(the_last_32_frames_are_remembered)
{
    struct frame_ring ring = make_small_frame_ring();
    const struct fr_rect rect = { 3, 3, 1, 1 };

    for (uint64_t sequence = 1; sequence <= 40; sequence++) {
        publish_damaged(&ring, &rect, 1);
        const struct fr_frame *frame = latest(&ring);
        ck_assert_uint_eq(frame->sequence, sequence);
        for (uint64_t since = 1; since < sequence; since++) {
            if (since == 1 || sequence - 1 - since > 32)
                continue;
            expect_damage(frame, since, 3, 3, 1, 1);
        }
        if (sequence > 35)
            expect_damage(frame, sequence - 34, 0, 0, 32, 16);
        fr_frame_release(&frame);
    }
    close_frame_ring(&ring);
}
END_TEST

START_TEST(rectangles_are_clipped_and_too_many_become_one)
{
    struct frame_ring ring = make_frame_ring(8, SMALL_SLOT);
    const struct fr_rect outside[] = { { -4, -4, 6, 6 },
                                       { 31, 15, 9, 9 },
                                       { 40, 0, 5, 5 },
                                       { 0, -9, 5, 5 },
                                       { INT32_MIN, INT32_MIN, UINT32_MAX, UINT32_MAX } };
    struct fr_rect many[FR_MAX_DAMAGE + 1];
    struct fr_rect rects[FR_MAX_DAMAGE];

    publish_damaged(&ring, NULL, 0);
    publish_damaged(&ring, outside, 4);
    for (int32_t i = 0; i <= FR_MAX_DAMAGE; i++)
        many[i] = (struct fr_rect){ i % 16, i / 16, 1, 1 };
    publish_damaged(&ring, many, FR_MAX_DAMAGE);
    publish_damaged(&ring, many, FR_MAX_DAMAGE + 1);
    publish_damaged(&ring, outside, 5);

    const struct fr_frame *frame = next_frame(&ring);
    fr_frame_release(&frame);
    frame = next_frame(&ring);
    ck_assert_uint_eq(fr_frame_damage(frame, 1, rects), 2);
    expect_rect(rects[0], 0, 0, 2, 2);
    expect_rect(rects[1], 31, 15, 1, 1);
    fr_frame_release(&frame);
    frame = next_frame(&ring);
    ck_assert_uint_eq(fr_frame_damage(frame, 2, rects), FR_MAX_DAMAGE);
    expect_rect(rects[63], 15, 3, 1, 1);
    fr_frame_release(&frame);
    frame = next_frame(&ring);
    expect_damage(frame, 3, 0, 0, 16, 5);
    fr_frame_release(&frame);
    frame = next_frame(&ring);
    ck_assert_uint_ge(fr_frame_damage(frame, 4, rects), 2);
    fr_frame_release(&frame);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(what_is_not_known_is_all)
{
    struct frame_ring ring = make_frame_ring(16, SMALL_SLOT);
    const struct fr_rect rect = { 3, 3, 1, 1 };
    struct fr_writer *other = join_ring(ring.name);
    struct fr_frame *frame;

    publish_damaged(&ring, &rect, 1); /* 1 */
    publish_damaged(&ring, &rect, 1); /* 2 */
    publish_picture(ring.writer, 1);  /* 3: nothing told, and another size */
    publish_damaged(&ring, &rect, 1); /* 4: from a frame that it does not know */
    publish_damaged(&ring, &rect, 1); /* 5 */
    publish_picture(other, 1);        /* 6: somebody else's */
    publish_damaged(&ring, &rect, 1); /* 7 */
    publish_damaged(&ring, &rect, 1); /* 8 */
    ck_assert_ok(fr_frame_acquire(ring.writer, 32, 15, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
    ck_assert_ok(fr_frame_set_damage(frame, &rect, 1));
    ck_assert_ok(fr_frame_publish(&frame)); /* 9: another size */
    ck_assert_ok(fr_frame_acquire(ring.writer, 32, 15, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
    ck_assert_ok(fr_frame_set_damage(frame, &rect, 1));
    ck_assert_ok(fr_frame_publish(&frame)); /* 10 */
    ck_assert_ok(fr_frame_acquire(ring.writer, 31, 15, FR_FORMAT_BGRX, FR_NOWAIT, &frame));
    ck_assert_ok(fr_frame_set_damage(frame, &rect, 1));
    ck_assert_ok(fr_frame_publish(&frame)); /* 11: another size again */
    for (uint64_t sequence = 1; sequence <= 11; sequence++) {
        const struct fr_frame *got = next_frame(&ring);
        struct fr_rect rects[FR_MAX_DAMAGE];
        const bool is_known = sequence == 2 || sequence == 5 || sequence == 8 || sequence == 10;

        ck_assert_uint_eq(fr_frame_damage(got, sequence - 1, rects), 1);
        ck_assert_uint_eq(rects[0].width, is_known ? 1 : got->width);
        if (sequence > 2) {
            ck_assert_uint_eq(fr_frame_damage(got, sequence - 2, rects), 1);
            ck_assert_uint_eq(rects[0].width, got->width);
        }
        fr_frame_release(&got);
    }
    fr_writer_close(&other);
    close_frame_ring(&ring);
}
END_TEST

START_TEST(two_that_publish_at_once_do_not_wait_for_each_other)
{
    struct frame_ring ring = make_frame_ring(8, SMALL_SLOT);
    struct fri_damage_past *past = &ring.writer->seat->damage;
    const struct fr_rect rect = { 3, 3, 1, 1 };

    publish_damaged(&ring, &rect, 1); /* 1 */
    word32_store(&past->is_busy, 1);  /* as another thread in the middle of it has it */
    publish_damaged(&ring, &rect, 1); /* 2: nobody says what it differs from */
    word32_store(&past->is_busy, 0);
    publish_damaged(&ring, &rect, 1); /* 3: the one before is not known */
    publish_damaged(&ring, &rect, 1); /* 4 */
    for (uint64_t sequence = 1; sequence <= 4; sequence++) {
        const struct fr_frame *frame = next_frame(&ring);

        if (sequence < 4)
            expect_damage(frame, sequence - 1, 0, 0, 32, 16);
        else
            expect_damage(frame, 3, 3, 3, 1, 1);
        fr_frame_release(&frame);
    }
    close_frame_ring(&ring);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("meta");
    TCase *entries = tcase_create("entries");
    TCase *damage = tcase_create("damage");

    tcase_add_test(entries, what_was_set_comes_out_and_the_last_word_counts);
    tcase_add_test(entries, there_is_room_for_so_much_and_not_for_more);
    tcase_add_test(entries, what_makes_no_sense_is_refused);
    tcase_add_test(entries, made_up_entries_are_an_error_or_none);
    tcase_add_test(entries, made_up_damage_is_all_or_lies_in_the_picture);
    suite_add_tcase(suite, entries);
    tcase_add_test(damage, damage_is_exact_for_the_frame_before_and_around_for_older_ones);
    tcase_add_test(damage, the_last_32_frames_are_remembered);
    tcase_add_test(damage, rectangles_are_clipped_and_too_many_become_one);
    tcase_add_test(damage, what_is_not_known_is_all);
    tcase_add_test(damage, two_that_publish_at_once_do_not_wait_for_each_other);
    suite_add_tcase(suite, damage);
    return fr_test_main(suite);
}
