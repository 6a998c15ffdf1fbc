/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what is opened: the input is an object that somebody made up, under a name of this process.
 * Everything that can be opened is opened on it, and what opens is used for a bounded number of calls.
 * Beyond what the sanitizers see, a call that takes longer than a second, a frame that lies outside
 * its slot, and a descriptor or mapping that is left over end the run.
 *
 * Linked twice: with a made-up system (fuzz_open), and with the kernel (fuzz_open_kernel).
 *
 * The input: one byte of flags, then
 *   raw       the bytes of the file
 *   otherwise kind, slots, delivery, overflow and items, two bytes of size; the identity that goes
 *             with them is made here, because no mutation would ever find its sums; then words to
 *             write over the object, of 10 bytes each: which (2 bytes, see patch_offset), value (8)
 */
#define _GNU_SOURCE
#include <framering/framering.h>
#include <framering/meta.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "fake_platform.h"
#include "identity.h"
#include "layout.h"
#include "order.h"
#include "platform.h"

enum {
    FLAG_RAW = 1 << 0,
    FLAG_OWNED = 1 << 1,   /* somebody holds an owner's byte */
    FLAG_PEOPLED = 1 << 2, /* somebody holds the bytes of members 1 to 8 and lockers 1 to 8 */
    FLAG_CUT = 1 << 3,     /* the file ends a page early */
    FLAG_LONG = 1 << 4,    /* and here a page late */
    FLAGS_CHOICE = 5,      /* the bits from here on: what is done with it, see use */
};

#define HEADER_BYTES 7
#define PATCH_BYTES 10
#define FRAME_PATCHES 1024 /* bytes at the start of a slot */
#define CALLS 12
#define LONGEST_NS FR_S(1)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char name[32];
static char path[FRI_PATH_SIZE];
static uint64_t executions;
static volatile uint8_t sink;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "fuzz_open: %s\n", what);
    fri_path_remove(path);
    abort();
}

/* ---- The object ------------------------------------------------------------------------------ */

static uint64_t number_at(const uint8_t *bytes, unsigned count)
{
    uint64_t number = 0;

    memcpy(&number, bytes, count);
    return number;
}

static struct fri_identity make_identity(const uint8_t *data)
{
    struct fri_identity identity = { 0 };
    uint64_t size = 1 + number_at(data + 5, 2) % 12000;

    if (data[1] % 4 == FR_KIND_RING)
        fri_identity_for_ring(FR_MIN_SLOTS + data[2] % 7, size, data[3] % 2, data[4] % 3,
                              &identity);
    else if (data[1] % 4 == FR_KIND_ARRAY)
        fri_identity_for_region((1 + size % 511) * (1 + data[2]), 1 + data[2], &identity);
    else
        fri_identity_for_region(size, 0, &identity);
    identity.magic = FRI_MAGIC;
    identity.wire_major = FRI_WIRE_MAJOR;
    identity.wire_minor = FRI_WIRE_MINOR;
    identity.endian_tag = FRI_ENDIAN_TAG;
    identity.identity_size = sizeof identity;
    identity.session = 1;
    if (identity.kind == FR_KIND_RING && data[3] % 4 == 2)
        identity.required_features = 1;
    return identity;
}

/* A small NV12 picture, whole. */
static const struct fri_frame_header good_frame = {
    .magic = FRI_FRAME_MAGIC,
    .major = FRI_FRAME_MAJOR,
    .header_size = sizeof(struct fri_frame_header),
    .image_offset = FRI_PAGE,
    .image_size = 64 * 16 + 64 * 8 + 128,
    .format = FR_FORMAT_NV12,
    .width = 16,
    .height = 16,
    .planes = 2,
    .plane = { { .offset = FRI_PAGE, .stride = 64 },
               { .offset = FRI_PAGE + 64 * 16, .stride = 64 } },
    .time_base_num = 1,
    .time_base_den = 1000,
    .frame_rate_den = 1,
    .sample_aspect_den = 1,
};

/* Items that are there already, frames if they fit: words are then written over something good. */
static void publish_items(uint8_t *bytes, const struct fri_identity *identity, uint64_t count)
{
    struct fri_ring_page *page = (void *)bytes;
    fri_word *order = (void *)(bytes + identity->order_offset);
    struct fri_slot *slots = (void *)(bytes + identity->slots_offset);
    const uint64_t frame_size = good_frame.image_offset + good_frame.image_size;
    bool fits = identity->slot_size >= frame_size;

    for (uint64_t i = 0; i < count; i++) {
        word_store(&slots[i].control, control_make(i + 1, SLOT_PUBLISHED, 0));
        word_store(&slots[i].used, fits ? frame_size : 1);
        word_store(&order[(i + 1) % identity->order_size], entry_make(i + 1, (uint32_t)i));
        if (fits)
            memcpy(bytes + identity->data_offset + i * identity->slot_stride, &good_frame,
                   sizeof good_frame);
    }
    word_store(&page->tail, count);
    word_store(&page->head, 1);
}

/* The words of a ring that mean something, by number: those of its page, its order, its slots. */
static uint64_t ring_word(const struct fri_identity *identity, uint64_t wanted)
{
    static const uint16_t page_words[] = {
        512,
        520,
        528,
        536,
        640,
        768,
        896,
        1024,
        1152,
        1160,
        1168,
        FRI_PAGE,
        FRI_PAGE + sizeof(struct fri_member),
    };
    const uint64_t of_page = sizeof page_words / sizeof *page_words;
    uint64_t number = wanted % (of_page + identity->order_size + 3 * identity->slots);

    if (number < of_page)
        return page_words[number];
    number -= of_page;
    if (number < identity->order_size)
        return identity->order_offset + 8 * number;
    number -= identity->order_size;
    return identity->slots_offset + number / 3 * sizeof(struct fri_slot) +
           (number % 3 == 2 ? offsetof(struct fri_slot, used) : number % 3 * 8);
}

/* Words go anywhere; of the payloads only into first pages, where frames have their headers. */
static uint64_t patch_offset(const struct fri_identity *identity, uint64_t wanted)
{
    if (wanted & 0x8000 && identity->kind == FR_KIND_RING)
        return ring_word(identity, wanted & 0x7fff);
    if (!(wanted & 0x4000))
        return wanted * 8 % identity->data_offset;
    /* The headers of the first frames, and the metadata behind them. */
    uint64_t offset = wanted * 8 % (4 * FRAME_PATCHES);
    return identity->data_offset + offset / FRAME_PATCHES * identity->slot_stride +
           offset % FRAME_PATCHES;
}

static uint8_t *make_file(uint64_t size)
{
    void *bytes;
    int fd;

    if (fri_file_create(size, 0600, &fd) < 0 || fri_file_name(fd, path) < 0 ||
        fri_map(fd, 0, size, true, false, &bytes) < 0)
        fail("cannot make the object: is /dev/shm full?");
    fri_file_close(fd);
    return bytes;
}

static void write_raw(const uint8_t *data, size_t size)
{
    uint8_t *bytes = make_file(size);

    memcpy(bytes, data, size);
    fri_unmap(bytes, size);
}

static void write_object(const uint8_t *data, size_t size)
{
    struct fri_identity identity = make_identity(data);
    uint64_t length = identity.total_size;

    if (data[0] & FLAG_CUT)
        length -= FRI_PAGE;
    else if (data[0] & FLAG_LONG)
        length += FRI_PAGE;
    uint8_t *bytes = make_file(length);
    memcpy(bytes, &identity, sizeof identity);
    if (identity.kind == FR_KIND_RING && length > identity.data_offset)
        publish_items(bytes, &identity,
                      fri_min(data[4] / 3 % 9,
                              (length - identity.data_offset) / identity.slot_stride));
    for (size_t at = HEADER_BYTES; at + PATCH_BYTES <= size; at += PATCH_BYTES) {
        uint64_t offset = patch_offset(&identity, number_at(data + at, 2));

        if (offset + 8 <= length)
            memcpy(bytes + offset, data + at + 2, 8);
    }
    fri_unmap(bytes, length);
}

/* A description of its own, as another process would have it. */
static int hold_bytes(uint8_t flags)
{
    int fd;

    if (fri_file_open(path, true, &fd) < 0)
        fail("cannot open the object");
    if (flags & FLAG_OWNED)
        fri_lock_try(fd, FRI_LOCK_OWNER + 63, 1);
    if (flags & FLAG_PEOPLED) {
        fri_lock_try(fd, FRI_LOCK_MEMBER + 1, 8);
        fri_lock_try(fd, FRI_LOCK_LOCKER + 1, 8);
    }
    return fd;
}

/* ---- Use ------------------------------------------------------------------------------------- */

static int64_t started;

/* Between two of these is one call, or a few. */
static void check_time(void)
{
    int64_t now = fr_now_ns();

    if (started && now - started > LONGEST_NS)
        fail("a call took more than a second");
    started = now;
}

static void touch(const uint8_t *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += 509)
        sink = bytes[i];
    if (size > 0)
        sink = bytes[size - 1];
}

static void touch_frame(const struct fr_frame *frame)
{
    for (uint32_t i = 0; i < frame->planes; i++) {
        for (uint32_t y = 0; y < frame->plane[i].rows; y += 7)
            touch(frame->plane[i].data + (ptrdiff_t)y * frame->plane[i].stride,
                  frame->plane[i].row_bytes);
    }
}

static void touch_meta(const struct fr_frame *frame)
{
    struct fr_rect rects[FR_MAX_DAMAGE];
    uint32_t type;
    size_t size;

    for (size_t i = 0;; i++) {
        const void *bytes = fr_frame_meta_at(frame, i, &type, &size);

        if (!bytes)
            break;
        touch(bytes, size);
    }
    for (uint64_t back = 0; back < 3; back++) {
        size_t count = fr_frame_damage(frame, frame->sequence - back, rects);

        for (size_t i = 0; i < count; i++) {
            if (rects[i].x < 0 || (uint32_t)rects[i].x + rects[i].width > frame->width ||
                rects[i].y < 0 || (uint32_t)rects[i].y + rects[i].height > frame->height)
                fail("damage outside the picture");
        }
    }
}

static int touch_member(void *user, const struct fr_member *member)
{
    (void)user;
    if (strlen(member->program) > 15 || member->place >= FR_MAX_MEMBERS)
        fail("a member that makes no sense");
    return 0;
}

static void use_reader(const struct fr_reader_opts *opts)
{
    const struct fr_slot *held[CALLS] = { NULL };
    struct fr_stats stats = fr_stats();
    const struct fr_frame *frame;
    struct fr_reader *reader;

    if (fr_reader_open(name, opts, FR_NOWAIT, &reader) < 0)
        return;
    check_time();
    for (int i = 0; i < CALLS; i++) {
        enum fr_which which = i % 3 == 2 ? FR_LATEST : FR_NEXT;

        if (i % 2 == 0 && fr_reader_acquire(reader, which, FR_NOWAIT, &held[i]) == 0) {
            if (held[i]->used > held[i]->capacity)
                fail("a slot uses more than it has");
            touch(held[i]->data, held[i]->used);
        }
        if (i % 2 == 1 &&
            fr_frame_wait(reader, which, i == 1 ? FR_US(50) : FR_NOWAIT, &frame) == 0) {
            touch_frame(frame);
            touch_meta(frame);
            fr_frame_release(&frame);
        }
        if (i % 4 == 3)
            fr_reader_release(&held[i - 1]);
        check_time();
    }
    fr_reader_stats(reader, &stats);
    fr_reader_close(&reader);
    for (int i = 0; i < CALLS; i++)
        fr_reader_release(&held[i]);
    check_time();
}

static void use_writer(void)
{
    struct fr_slot *held[CALLS] = { NULL };
    struct fr_frame *frame;
    struct fr_writer *writer;

    if (fr_writer_open(name, FR_NOWAIT, &writer) < 0)
        return;
    check_time();
    for (int i = 0; i < CALLS; i++) {
        if (i % 2 == 0 &&
            fr_writer_acquire(writer, i == 2 ? FR_US(50) : FR_NOWAIT, &held[i]) == 0) {
            memset(held[i]->data, i, held[i]->capacity);
            held[i]->used = held[i]->capacity;
        }
        if (i % 2 == 1 && fr_frame_acquire(writer, 8, 8, FR_FORMAT_GRAY8, FR_NOWAIT, &frame) == 0)
            (void)!fr_frame_publish(&frame);
        if (i % 4 == 0 && held[i])
            (void)!fr_writer_publish(&held[i]);
        check_time();
    }
    fr_writer_close(&writer);
    for (int i = 0; i < CALLS; i++)
        fr_writer_abort(&held[i]);
    check_time();
}

static void use_region(struct fr_region *region)
{
    uint64_t word = 0;

    touch(fr_region_data(region), fr_region_size(region));
    (void)!fr_region_read(region, fr_region_size(region) - 1, &word, 1);
    (void)!fr_region_read(region, UINT64_MAX, &word, 8);
    (void)!fr_region_status(region);
    for (int i = 0; i < 4; i++) {
        int error = fr_region_lock(region, i % 2 ? FR_SHARED : FR_EXCLUSIVE, FR_US(i * 30));

        if (error == 0 || error == FR_EOWNERDEAD)
            fr_region_unlock(region);
        check_time();
    }
    for (uint64_t i = 0; i < 3 && i < fr_array_count(region); i++)
        touch(fr_array_at(region, fr_array_count(region) - 1 - i), 1);
    fr_region_close(&region);
    check_time();
}

static void use_regions(void)
{
    struct fr_region *region;

    if (fr_region_open(name, FR_READ_WRITE, FR_NOWAIT, &region) == 0)
        use_region(region);
    if (fr_region_open(name, FR_READ_ONLY, FR_NOWAIT, &region) == 0)
        use_region(region);
    for (size_t element = 1; element < 4; element++) {
        if (fr_array_open(name, element, FR_READ_WRITE, FR_NOWAIT, &region) == 0)
            use_region(region);
    }
}

/* One of the uses, because that is four times faster than all of them; or all, one after the other. */
static void use(unsigned choice)
{
    struct fr_info info = fr_info();
    bool all = choice > 4;

    (void)!fr_inspect(name, &info);
    (void)!fr_members(name, touch_member, NULL);
    check_time();
    if (all || choice == 0)
        use_reader(NULL);
    if (all || choice == 1)
        use_writer();
    if (all || choice == 2)
        use_reader(&fr_reader_opts(.lossy = 1, .follow = 1));
    if (all || choice == 3)
        use_reader(&fr_reader_opts(.observe = 1));
    if (all || choice == 4)
        use_regions();
}

/* Whoever dies leaves an object such as this one: a new owner takes its name over. */
static void take_over(void)
{
    struct fr_writer *writer;

    if (fr_writer_create(name, &fr_writer_opts(.slot_size = 8, .slots = 2), &writer) == 0)
        fr_writer_close(&writer);
    check_time();
}

/* ---- The runs --------------------------------------------------------------------------------- */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    snprintf(name, sizeof name, "fuzz-%d", (int)getpid());
    fri_path_make(fri_user(), name, path);
    return 0;
}

/* Also when the system's own clock is made up, and stands still. */
static void expect_in_time(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - start->tv_sec > 5)
        fail("all calls together took more than five seconds");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned before = system_descriptors();
    struct timespec start;

    if (size < HEADER_BYTES)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (data[0] & FLAG_RAW)
        write_raw(data + 1, size - 1);
    else
        write_object(data, size);
    int holder = hold_bytes(data[0]);
    started = 0;
    check_time();
    use(data[0] >> FLAGS_CHOICE);
    if (!(data[0] & FLAG_OWNED))
        take_over();
    fri_file_close(holder);
    int error = fri_path_remove(path);
    if (error < 0 && error != FR_ENOENT)
        fail("the name cannot be removed");
    if (system_descriptors() != before)
        fail("a descriptor is left over");
    if (executions++ % 512 == 0 && system_mappings(name) != 0)
        fail("a mapping is left over");
    expect_in_time(&start);
    return 0;
}
