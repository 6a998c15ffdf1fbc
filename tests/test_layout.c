/* SPDX-License-Identifier: MIT */
/*
 * The bytes in shared memory, as numbers written out: whoever moves one breaks programs that were
 * built before, and has to come here and say so. FORMAT.md shows the same numbers to people.
 */
#define _GNU_SOURCE
#include "support.h"

#include <fcntl.h>
#include <framering/framering.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"
#include "layout.h"

struct number {
    const char *what;
    uint64_t value;
    uint64_t expected;
};

#define AT(type, member, offset)                                                                   \
    {                                                                                              \
#type "." #member, offsetof(struct type, member), offset                                   \
    }
#define SIZE(type, size)                                                                           \
    {                                                                                              \
#type, sizeof(struct type), size                                                           \
    }
#define IS(constant, value)                                                                        \
    {                                                                                              \
#constant, constant, value                                                                 \
    }

static const struct number numbers[] = {
    IS(FRI_PAGE, 4096),
    IS(FRI_LINE, 128),
    IS(FRI_MEMBERS, 64),
    IS(FRI_LOCKERS, 256),
    IS(FRI_WIRE_MAJOR, 1),
    IS(FRI_WIRE_MINOR, 0),
    IS(FRI_LOCK_MEMBER, 0),
    IS(FRI_LOCK_OWNER, 64),
    IS(FRI_LOCK_OWNERS, 64),
    IS(FRI_LOCK_LOCKER, 256),
    IS(FRI_LOCK_PIN, 4096),
    IS(FR_KIND_REGION, 1),
    IS(FR_KIND_ARRAY, 2),
    IS(FR_KIND_RING, 3),

    SIZE(fri_identity, 256),
    AT(fri_identity, magic, 0),
    AT(fri_identity, wire_major, 8),
    AT(fri_identity, wire_minor, 10),
    AT(fri_identity, endian_tag, 12),
    AT(fri_identity, kind, 16),
    AT(fri_identity, identity_size, 20),
    AT(fri_identity, total_size, 24),
    AT(fri_identity, session, 32),
    AT(fri_identity, created_ns, 40),
    AT(fri_identity, required_features, 48),
    AT(fri_identity, optional_features, 56),
    AT(fri_identity, data_offset, 64),
    AT(fri_identity, data_size, 72),
    AT(fri_identity, element_size, 80),
    AT(fri_identity, slots, 88),
    AT(fri_identity, order_size, 92),
    AT(fri_identity, delivery, 96),
    AT(fri_identity, overflow, 100),
    AT(fri_identity, slot_size, 104),
    AT(fri_identity, slot_stride, 112),
    AT(fri_identity, members_offset, 120),
    AT(fri_identity, order_offset, 128),
    AT(fri_identity, slots_offset, 136),
    AT(fri_identity, reserved, 144),

    SIZE(fri_lock_words, 384),
    AT(fri_lock_words, writer, 0),
    AT(fri_lock_words, readers, 128),
    AT(fri_lock_words, event, 256),
    SIZE(fri_region_page, 4096),
    AT(fri_region_page, closed, 512),
    AT(fri_region_page, lock, 640),

    SIZE(fri_ring_page, 4096),
    AT(fri_ring_page, attached, 512),
    AT(fri_ring_page, writers, 520),
    AT(fri_ring_page, gating, 528),
    AT(fri_ring_page, closed, 536),
    AT(fri_ring_page, tail, 640),
    AT(fri_ring_page, head, 768),
    AT(fri_ring_page, data_event, 896),
    AT(fri_ring_page, space_event, 1024),
    AT(fri_ring_page, dropped, 1152),
    AT(fri_ring_page, overwritten, 1160),
    AT(fri_ring_page, unreported, 1168),

    SIZE(fri_member, 896),
    AT(fri_member, cursor, 0),
    AT(fri_member, incarnation, 8),
    AT(fri_member, process, 16),
    AT(fri_member, tally, 128),
    AT(fri_tally, program, 0),
    AT(fri_tally, joined_ns, 16),
    AT(fri_tally, lent, 128),
    AT(fri_tally, aborted, 136),
    AT(fri_tally, sequence, 144),
    AT(fri_tally, timeouts, 152),
    AT(fri_tally, waits, 160),
    AT(fri_tally, waited_ns, 168),
    AT(fri_tally, skipped, 176),
    AT(fri_tally, overwritten, 184),
    AT(fri_tally, dropped, 192),
    AT(fri_tally, latency, 256),
    AT(fri_tally, hold, 512),

    SIZE(fri_slot, 128),
    AT(fri_slot, control, 0),
    AT(fri_slot, pins, 8),
    AT(fri_slot, used, 64),

    IS(FRI_FRAME_MAGIC, 0x4d415246),
    IS(FRI_FRAME_MAJOR, 1),
    IS(FRI_FRAME_MINOR, 1),
    SIZE(fri_frame_plane, 16),
    AT(fri_frame_plane, offset, 0),
    AT(fri_frame_plane, stride, 8),
    SIZE(fri_frame_header, 256),
    AT(fri_frame_header, magic, 0),
    AT(fri_frame_header, major, 4),
    AT(fri_frame_header, minor, 6),
    AT(fri_frame_header, header_size, 8),
    AT(fri_frame_header, flags, 12),
    AT(fri_frame_header, image_offset, 16),
    AT(fri_frame_header, image_size, 24),
    AT(fri_frame_header, format, 32),
    AT(fri_frame_header, width, 36),
    AT(fri_frame_header, height, 40),
    AT(fri_frame_header, planes, 44),
    AT(fri_frame_header, plane, 48),
    AT(fri_frame_header, pts, 112),
    AT(fri_frame_header, duration, 120),
    AT(fri_frame_header, capture_ns, 128),
    AT(fri_frame_header, publish_ns, 136),
    AT(fri_frame_header, time_base_num, 144),
    AT(fri_frame_header, time_base_den, 148),
    AT(fri_frame_header, frame_rate_num, 152),
    AT(fri_frame_header, frame_rate_den, 156),
    AT(fri_frame_header, sample_aspect_num, 160),
    AT(fri_frame_header, sample_aspect_den, 164),
    AT(fri_frame_header, color_range, 168),
    AT(fri_frame_header, color_primaries, 169),
    AT(fri_frame_header, color_transfer, 170),
    AT(fri_frame_header, color_matrix, 171),
    AT(fri_frame_header, chroma_location, 172),
    AT(fri_frame_header, source_number, 176),
    AT(fri_frame_header, source_drops, 184),
    AT(fri_frame_header, meta_offset, 192),
    AT(fri_frame_header, meta_size, 196),
    AT(fri_frame_header, reserved1, 200),

    IS(FRI_META_ROOM, 3840),
    SIZE(fri_meta_entry, 8),
    AT(fri_meta_entry, size, 4),
    SIZE(fri_rect, 16),
    IS(FRI_DAMAGE_HISTORY, 32),
    SIZE(fri_damage, 528),
    AT(fri_damage, base, 0),
    AT(fri_damage, count, 8),
    AT(fri_damage, history, 12),
    AT(fri_damage, past, 16),
};

START_TEST(every_byte_stands_where_it_always_stood)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        ck_assert_msg(numbers[i].value == numbers[i].expected, "%s is %llu, was %llu",
                      numbers[i].what, (unsigned long long)numbers[i].value,
                      (unsigned long long)numbers[i].expected);
}
END_TEST

static void read_object(const char *name, unsigned char *bytes, size_t size)
{
    char path[256];

    snprintf(path, sizeof path, "/dev/shm/framering.%u.%s", geteuid(), name);
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, bytes, size, 0), (ssize_t)size);
    close(fd);
}

/* Bytes of an array of 3 elements of 1000 bytes; those of session and time are not compared. */
static const unsigned char array_image[88] = {
    0x01, 'F',  'R',  'A',  'M', 'I', 'N', 'G', /* magic */
    1,    0,    0,    0,                        /* wire version 1.0 */
    0x04, 0x03, 0x02, 0x01,                     /* byte order */
    2,    0,    0,    0,                        /* kind: array */
    0,    1,    0,    0,                        /* identity_size */
    0,    0x20, 0,    0,    0,   0,   0,   0,   /* total_size: two pages */
    0,    0,    0,    0,    0,   0,   0,   0,   /* session */
    0,    0,    0,    0,    0,   0,   0,   0,   /* created_ns */
    0,    0,    0,    0,    0,   0,   0,   0,   /* required_features */
    0,    0,    0,    0,    0,   0,   0,   0,   /* optional_features */
    0,    0x10, 0,    0,    0,   0,   0,   0,   /* data_offset */
    0xb8, 0x0b, 0,    0,    0,   0,   0,   0,   /* data_size: 3000 */
    0xe8, 0x03, 0,    0,    0,   0,   0,   0,   /* element_size: 1000 */
};

START_TEST(a_fresh_array_is_these_bytes_and_else_zero)
{
    static unsigned char bytes[2 * 4096];
    const char *name = fr_test_name();
    struct fr_region *region;

    ck_assert_ok(fr_array_create(name, 3, 1000, NULL, &region));
    read_object(name, bytes, sizeof bytes);
    memset(bytes + 32, 0, 16);
    ck_assert_mem_eq(bytes, array_image, sizeof array_image);
    for (size_t i = sizeof array_image; i < sizeof bytes; i++)
        ck_assert_msg(bytes[i] == 0, "byte %zu is %u", i, bytes[i]);
    fr_region_close(&region);
}
END_TEST

START_TEST(a_fresh_region_differs_from_an_array_in_two_numbers)
{
    unsigned char bytes[96];
    const char *name = fr_test_name();
    struct fr_region *region;

    ck_assert_ok(fr_region_create(name, 3000, NULL, &region));
    read_object(name, bytes, sizeof bytes);
    memset(bytes + 32, 0, 16);
    ck_assert_mem_eq(bytes, array_image, 16);
    ck_assert_uint_eq(bytes[16], 1);
    ck_assert_mem_eq(bytes + 20, array_image + 20, 60);
    for (size_t i = 80; i < sizeof bytes; i++)
        ck_assert_uint_eq(bytes[i], 0);
    fr_region_close(&region);
}
END_TEST

START_TEST(no_two_objects_have_the_same_session)
{
    uint64_t sessions[16];

    for (size_t i = 0; i < 16; i++) {
        unsigned char bytes[40];
        const char *name = fr_test_name();
        struct fr_region *region;

        ck_assert_ok(fr_region_create(name, 1, NULL, &region));
        read_object(name, bytes, sizeof bytes);
        memcpy(&sessions[i], bytes + 32, 8);
        ck_assert_uint_ne(sessions[i], 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(sessions[i], sessions[k]);
        fr_region_close(&region);
    }
}
END_TEST

START_TEST(the_geometry_of_a_ring_is_a_function_of_four_numbers)
{
    struct fri_identity identity;

    ck_assert_ok(fri_identity_for_ring(3, 5000, FR_QUEUE, FR_DROP_OLDEST, &identity));
    ck_assert_uint_eq(identity.kind, 3);
    ck_assert_uint_eq(identity.order_size, 8);
    ck_assert_uint_eq(identity.members_offset, 4096);
    ck_assert_uint_eq(identity.order_offset, 4096 + 64 * 896);
    ck_assert_uint_eq(identity.slots_offset, 4096 + 64 * 896 + 128);
    ck_assert_uint_eq(identity.data_offset, 16 * 4096);
    ck_assert_uint_eq(identity.slot_stride, 2 * 4096);
    ck_assert_uint_eq(identity.total_size, 22 * 4096);
}
END_TEST

START_TEST(sizes_beyond_any_machine_are_refused_before_they_overflow)
{
    const uint64_t sizes[] = { (UINT64_C(1) << 46) + 1, UINT64_C(1) << 63, UINT64_MAX };
    struct fri_identity identity;

    for (size_t i = 0; i < 3; i++) {
        ck_assert_error(fri_identity_for_region(sizes[i], 0, &identity), FR_ENOSPC);
        ck_assert_error(fri_identity_for_ring(2, sizes[i], 0, 0, &identity), FR_ENOSPC);
    }
    ck_assert_error(fri_identity_for_ring(1024, UINT64_C(1) << 40, 0, 0, &identity), FR_ENOSPC);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layout");
    TCase *bytes = tcase_create("bytes");

    tcase_add_test(bytes, every_byte_stands_where_it_always_stood);
    tcase_add_test(bytes, a_fresh_array_is_these_bytes_and_else_zero);
    tcase_add_test(bytes, a_fresh_region_differs_from_an_array_in_two_numbers);
    tcase_add_test(bytes, no_two_objects_have_the_same_session);
    tcase_add_test(bytes, the_geometry_of_a_ring_is_a_function_of_four_numbers);
    tcase_add_test(bytes, sizes_beyond_any_machine_are_refused_before_they_overflow);
    suite_add_tcase(suite, bytes);
    return fr_test_main(suite);
}
