/* SPDX-License-Identifier: MIT */
/*
 * Floor 5: frames. A frame is a slot whose payload begins with a header page, followed by the
 * picture. The header is written when the frame is published, from the struct that the user filled,
 * and copied out once when it is read: what is checked is the copy, so nobody can change it between
 * the check and its use.
 */
#include <string.h>

#include "base.h"
#include "copy.h"
#include "format.h"
#include "meta.h"
#include "order.h"
#include "platform.h"
#include "ring.h"

/* Readers may run this far over the end of the last row, see fr_frame in framering.h. */
#define READABLE_BEHIND 64

static const struct fr_rational nanoseconds = { 1, 1000000000 };
static const struct fr_rational unknown_ratio = { 0, 1 };

FR_API uint64_t fr_frame_size(uint32_t width, uint32_t height, enum fr_format format)
{
    struct fri_picture picture;

    if (fri_format_layout(format, width, height, &picture) < 0)
        return 0;
    return FRI_PAGE + picture.size;
}

/* ---- Planes: what a writer says is checked as what a reader finds ------------------------- */

/* Where a plane's bytes end, from the start of the payload; 0 if they are not all in the slot. */
static uint64_t plane_end(int64_t top, int64_t stride, uint32_t rows, uint32_t row_bytes,
                          uint64_t size)
{
    /* All are below 2^48 or so: stride has 32 bits, rows 17, top is inside the slot. */
    if (top < FRI_PAGE || (uint64_t)top > size)
        return 0;
    if (rows > 1 && stride < (int64_t)row_bytes && -stride < (int64_t)row_bytes)
        return 0;
    int64_t bottom = top + stride * (int64_t)(rows - 1);
    int64_t first = bottom < top ? bottom : top;
    int64_t last = bottom < top ? top : bottom;
    uint64_t end = (uint64_t)last + row_bytes;

    return first >= FRI_PAGE && fri_inside(end, READABLE_BEHIND, size) ? end : 0;
}

static void set_plane_shape(struct fr_frame *frame, const struct fr_format_info *info, unsigned i)
{
    frame->plane[i].rows = fri_plane_rows(&info->plane[i], frame->height);
    frame->plane[i].row_bytes = fri_plane_row_bytes(&info->plane[i], frame->width);
}

/* ---- Writing ----------------------------------------------------------------------------- */

static void start_frame(struct fri_loan *loan, enum fr_format format, uint32_t width,
                        uint32_t height, const struct fri_picture *picture)
{
    struct fr_frame *frame = &loan->frame;
    uint8_t *image = (uint8_t *)loan->slot.data + FRI_PAGE;

    *frame = (struct fr_frame){
        .session = loan->slot.session,
        .format = format,
        .width = width,
        .height = height,
        .planes = picture->planes,
        .pts = FR_NO_PTS,
        .time_base = nanoseconds,
        .frame_rate = unknown_ratio,
        .sample_aspect = unknown_ratio,
        .capture_ns = fri_clock_now(),
        .color = { .primaries = 2, .transfer = 2, .matrix = 2 },
    };
    loan->since_ns = frame->capture_ns;
    loan->meta_size = 0;
    for (uint32_t i = 0; i < picture->planes; i++) {
        frame->plane[i] = (struct fr_plane){
            .data = image + picture->plane[i].offset,
            .stride = (ptrdiff_t)picture->plane[i].stride,
            .rows = picture->plane[i].rows,
            .row_bytes = picture->plane[i].row_bytes,
        };
    }
}

FR_API int fr_frame_acquire(struct fr_writer *writer, uint32_t width, uint32_t height,
                            enum fr_format format, int64_t timeout_ns, struct fr_frame **out)
{
    struct fri_picture picture;
    struct fri_loan *loan;

    FR_CHECK(out);
    *out = NULL;
    FR_CHECK(writer);
    int error = fri_format_layout(format, width, height, &picture);
    if (error < 0)
        return fri_fail(error, "no frame of %ux%u in format %#x", width, height, (unsigned)format);
    if (FRI_PAGE + picture.size > writer->seat->slot_size)
        return fri_fail(FR_EMSGSIZE,
                        "a frame of %ux%u %s needs slots of %llu bytes, these have %llu", width,
                        height, fr_format_info(format)->name,
                        (unsigned long long)(FRI_PAGE + picture.size),
                        (unsigned long long)writer->seat->slot_size);
    error = fri_writer_lend(writer, timeout_ns, &loan);
    if (error < 0)
        return error;
    start_frame(loan, format, width, height, &picture);
    *out = &loan->frame;
    return 0;
}

static bool is_ratio(struct fr_rational ratio, int32_t lowest_num)
{
    return ratio.num >= lowest_num && ratio.den >= 1;
}

static int check_values(const struct fr_frame *frame)
{
    if (!is_ratio(frame->time_base, 1) || !is_ratio(frame->frame_rate, 0) ||
        !is_ratio(frame->sample_aspect, 0))
        return fri_fail(FR_EINVAL, "time_base, frame_rate or sample_aspect is not a ratio");
    if (frame->color.range > 2 || frame->color.chroma_location > 6)
        return fri_fail(FR_EINVAL, "color.range or color.chroma_location is not one of its values");
    return 0;
}

static struct fri_frame_header header_of(const struct fr_frame *frame)
{
    return (struct fri_frame_header){
        .magic = FRI_FRAME_MAGIC,
        .major = FRI_FRAME_MAJOR,
        .minor = FRI_FRAME_MINOR,
        .header_size = sizeof(struct fri_frame_header),
        .flags = frame->flags,
        .image_offset = FRI_PAGE,
        .format = frame->format,
        .width = frame->width,
        .height = frame->height,
        .planes = frame->planes,
        .pts = frame->pts,
        .duration = frame->duration,
        .capture_ns = frame->capture_ns,
        .publish_ns = fri_clock_now(),
        .time_base_num = frame->time_base.num,
        .time_base_den = frame->time_base.den,
        .frame_rate_num = frame->frame_rate.num,
        .frame_rate_den = frame->frame_rate.den,
        .sample_aspect_num = frame->sample_aspect.num,
        .sample_aspect_den = frame->sample_aspect.den,
        .color_range = frame->color.range,
        .color_primaries = frame->color.primaries,
        .color_transfer = frame->color.transfer,
        .color_matrix = frame->color.matrix,
        .chroma_location = frame->color.chroma_location,
        .source_number = frame->source_number,
        .source_drops = frame->source_drops,
    };
}

/* Where the planes are, in the header; how much of the slot is used, in *used. */
static int place_planes(const struct fri_loan *loan, struct fri_frame_header *header,
                        uint64_t *used)
{
    const struct fr_frame *frame = &loan->frame;
    uint64_t end = 0;

    for (uint32_t i = 0; i < frame->planes; i++) {
        const struct fr_plane *plane = &frame->plane[i];
        /* By numbers, not by pointers: the user may have put anything there. */
        int64_t top = (int64_t)((uintptr_t)plane->data - (uintptr_t)loan->slot.data);
        bool fits = plane->stride >= INT32_MIN && plane->stride <= INT32_MAX;
        uint64_t plane_ends = fits ? plane_end(top, plane->stride, plane->rows, plane->row_bytes,
                                               loan->seat->slot_size)
                                   : 0;

        if (plane_ends == 0)
            return fri_fail(FR_EINVAL, "plane %u does not lie inside the slot", i);
        header->plane[i].offset = (uint64_t)top;
        header->plane[i].stride = (int32_t)plane->stride;
        end = fri_max(end, plane_ends);
    }
    *used = fri_min(end + FRI_PICTURE_TAIL, loan->seat->slot_size);
    header->image_size = *used - FRI_PAGE;
    return 0;
}

/* The user may move planes, but what kind of picture it is was settled at acquire. */
static int check_shape(const struct fr_frame *frame)
{
    const struct fr_format_info *info = fr_format_info(frame->format);
    struct fr_frame expected = { .width = frame->width, .height = frame->height };

    if (!info || frame->planes != info->planes || frame->width == 0 || frame->height == 0 ||
        frame->width > FR_MAX_SIDE || frame->height > FR_MAX_SIDE)
        return fri_fail(FR_EINVAL, "format, size or planes were changed to what is none");
    for (unsigned i = 0; i < info->planes; i++) {
        set_plane_shape(&expected, info, i);
        if (frame->plane[i].rows != expected.plane[i].rows ||
            frame->plane[i].row_bytes != expected.plane[i].row_bytes)
            return fri_fail(FR_EINVAL, "the shape of plane %u does not go with the size", i);
    }
    return 0;
}

static int announce(struct fri_loan *loan, struct fri_frame_header *header)
{
    struct fri_seat *seat = loan->seat;
    uint64_t sequence = 0;

    struct fri_damage_step damage = fri_damage_begin(loan);
    fri_meta_store(loan, header);
    memcpy(loan->slot.data, header, sizeof *header);
    int error = fri_writer_announce(loan, &sequence);
    fri_damage_end(seat, &damage, sequence);
    tally_time(seat->tally->latency, header->capture_ns, header->publish_ns);
    tally_time(seat->tally->hold, loan->since_ns, header->publish_ns);
    fri_loan_settle(loan);
    return error;
}

/* While the checks are made, the lines come that a reader has had since the slot's last frame. */
static void foresee(const struct fri_loan *loan)
{
    if (fri_object_is_inherited(&loan->seat->object))
        return;
    order_foresee(loan->seat);
    fetch_to_write(loan->slot.data, sizeof(struct fri_frame_header));
}

FR_API int fr_frame_publish(struct fr_frame **frame)
{
    FR_CHECK(frame && *frame);
    struct fri_loan *loan = fri_loan_of_frame(*frame);
    foresee(loan);
    struct fri_frame_header header = header_of(*frame);
    int error = check_shape(*frame);

    if (error == 0)
        error = check_values(*frame);
    if (error == 0)
        error = place_planes(loan, &header, &loan->slot.used);
    if (error == 0)
        error = fri_writer_end_loan(loan);
    if (error < 0)
        return error;
    *frame = NULL;
    return announce(loan, &header);
}

FR_API void fr_frame_abort(struct fr_frame **frame)
{
    if (!frame || !*frame)
        return;
    struct fri_loan *loan = fri_loan_of_frame(*frame);
    *frame = NULL;
    fri_writer_abort_loan(loan);
}

/* ---- Reading ----------------------------------------------------------------------------- */

static void adopt_values(const struct fri_frame_header *header, struct fr_frame *frame)
{
    frame->flags = header->flags;
    frame->pts = header->pts;
    frame->duration = header->duration;
    frame->capture_ns = header->capture_ns;
    frame->publish_ns = header->publish_ns;
    frame->time_base = (struct fr_rational){ header->time_base_num, header->time_base_den };
    frame->frame_rate = (struct fr_rational){ header->frame_rate_num, header->frame_rate_den };
    frame->sample_aspect =
        (struct fr_rational){ header->sample_aspect_num, header->sample_aspect_den };
    frame->color =
        (struct fr_color){ header->color_range, header->color_primaries, header->color_transfer,
                           header->color_matrix, header->chroma_location };
    frame->source_number = header->source_number;
    frame->source_drops = header->source_drops;
}

static int adopt_planes(const struct fri_frame_header *header, const struct fri_loan *loan,
                        struct fr_frame *frame)
{
    const struct fr_format_info *info = fr_format_info((enum fr_format)header->format);

    if (!info)
        return fri_fail(FR_ENOTSUP, "pixel format %#x is unknown to this version", header->format);
    if (header->planes != info->planes || header->width == 0 || header->height == 0 ||
        header->width > FR_MAX_SIDE || header->height > FR_MAX_SIDE)
        return fri_fail(FR_ECORRUPT, "the frame's size makes no sense");
    frame->format = info->format;
    frame->width = header->width;
    frame->height = header->height;
    frame->planes = info->planes;
    for (unsigned i = 0; i < info->planes; i++) {
        const struct fri_frame_plane *plane = &header->plane[i];

        set_plane_shape(frame, info, i);
        if (plane->offset > INT64_MAX ||
            plane_end((int64_t)plane->offset, plane->stride, frame->plane[i].rows,
                      frame->plane[i].row_bytes, loan->slot.used) == 0)
            return fri_fail(FR_ECORRUPT, "plane %u of the frame lies outside its slot", i);
        frame->plane[i].data = (uint8_t *)loan->slot.data + plane->offset;
        frame->plane[i].stride = plane->stride;
    }
    return 0;
}

static int adopt(struct fri_loan *loan)
{
    struct fri_frame_header header;
    struct fr_frame *frame = &loan->frame;

    *frame = (struct fr_frame){ .sequence = loan->slot.sequence,
                                .session = loan->slot.session,
                                .loss = loan->slot.loss };
    if (loan->slot.used < FRI_PAGE)
        return fri_fail(FR_ENOTSUP, "the slot holds bytes, not a frame: use fr_reader_acquire");
    memcpy(&header, loan->slot.data, sizeof header);
    if (header.magic != FRI_FRAME_MAGIC)
        return fri_fail(FR_ENOTSUP, "the slot holds bytes, not a frame: use fr_reader_acquire");
    if (header.major != FRI_FRAME_MAJOR || header.header_size < sizeof header)
        return fri_fail(FR_ENOTSUP,
                        "the frame's header has version %u.%u, this library knows %u.%u",
                        header.major, header.minor, FRI_FRAME_MAJOR, FRI_FRAME_MINOR);
    adopt_values(&header, frame);
    if (check_values(frame) < 0)
        return fri_fail(FR_ECORRUPT, "a time base, rate or colour of the frame makes no sense");
    int error = adopt_planes(&header, loan, frame);
    return error < 0 ? error : fri_meta_adopt(loan, &header);
}

FR_API int fr_frame_wait(struct fr_reader *reader, enum fr_which which, int64_t timeout_ns,
                         const struct fr_frame **out)
{
    struct fri_loan *loan;

    FR_CHECK(out);
    *out = NULL;
    FR_CHECK(reader && (which == FR_NEXT || which == FR_LATEST));
    int error = fri_reader_lend(reader, which, timeout_ns, &loan);
    if (error < 0)
        return error;
    error = adopt(loan);
    if (error < 0) {
        fri_reader_keep_loss(reader, loan);
        fri_reader_release_loan(loan);
        return error;
    }
    loan->since_ns = fri_clock_now();
    tally_delivery(reader->seat->tally, loan->frame.publish_ns, loan->since_ns);
    *out = &loan->frame;
    return 0;
}

FR_API void fr_frame_release(const struct fr_frame **frame)
{
    if (!frame || !*frame)
        return;
    struct fri_loan *loan = fri_loan_of_frame(*frame);
    *frame = NULL;
    fri_reader_release_loan(loan);
}

/* ---- Copying, and where a frame lies ------------------------------------------------------ */

static void read_plane(uint8_t *to, ptrdiff_t to_stride, const struct fr_plane *plane)
{
    for (uint32_t y = 0; y < plane->rows; y++)
        memcpy(to + (ptrdiff_t)y * to_stride, plane->data + (ptrdiff_t)y * plane->stride,
               plane->row_bytes);
}

static size_t pixel_bytes(const struct fr_frame *frame)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < frame->planes; i++)
        bytes += (size_t)frame->plane[i].rows * frame->plane[i].row_bytes;
    return bytes;
}

static void write_plane(const struct fri_copying *copying, const struct fr_plane *plane,
                        const uint8_t *from, ptrdiff_t from_stride)
{
    for (uint32_t y = 0; y < plane->rows; y++) {
        uint8_t *row = plane->data + (ptrdiff_t)y * plane->stride;

        fri_copy_piece(copying, row, from + (ptrdiff_t)y * from_stride, plane->row_bytes);
    }
}

FR_API void fr_frame_write(struct fr_frame *frame, const void *const data[FR_MAX_PLANES],
                           const ptrdiff_t stride[FR_MAX_PLANES])
{
    const size_t bytes = pixel_bytes(frame);
    struct fri_copying copying = { .way = FRI_COPY_THROUGH };

    if (fri_copy_is_large(bytes))
        copying = fri_copy_begin(&fri_loan_of_frame(frame)->seat->copier, bytes, fri_clock_now());
    for (uint32_t i = 0; i < frame->planes; i++)
        write_plane(&copying, &frame->plane[i], data[i], stride[i]);
    if (copying.copier)
        fri_copy_end(&copying, fri_clock_now());
}

FR_API void fr_frame_read(const struct fr_frame *frame, void *const data[FR_MAX_PLANES],
                          const ptrdiff_t stride[FR_MAX_PLANES])
{
    for (uint32_t i = 0; i < frame->planes; i++)
        read_plane(data[i], stride[i], &frame->plane[i]);
}

FR_API uint64_t fr_frame_offset(const struct fr_frame *frame)
{
    const struct fri_loan *loan = fri_loan_of_frame(frame);

    return loan->seat->object.identity.data_offset +
           (uint64_t)(frame->plane[0].data - loan->seat->object.data);
}
