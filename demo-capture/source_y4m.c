/* SPDX-License-Identifier: MIT */

/*
 * YUV4MPEG2 ("Y4M") files and pipes: a line of text that names size, rate and pixel format, then
 * for each frame a line FRAME and the raw planes, which are read straight into the ring. What
 * FFmpeg and mjpegtools write is understood; alpha, and depths that framering lacks, are not.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"
#include "source.h"

#define SIGNATURE "YUV4MPEG2"
#define PIPE_BYTES (1 << 20) /* the largest that everybody may ask for */
#define POLL_MS 100
#define MAX_PIECES 256

struct y4m {
    const char *path; /* for messages */
    int fd;
    int is_file; /* else something that may make us wait */
    int must_loop;
    off_t data_start;
    uint64_t frames;
    struct fr_color color;
    struct fr_rational aspect;
    const volatile sig_atomic_t *stop;
};

/* The names of FFmpeg's and mjpegtools' chroma tag, and where 4:2:0 has its chroma (H.273 + 1). */
static const struct chroma {
    const char *tag;
    enum fr_format format;
    uint8_t location;
} chromas[] = {
    { "420jpeg", FR_FORMAT_YUV420P, 2 },  { "420mpeg2", FR_FORMAT_YUV420P, 1 },
    { "420paldv", FR_FORMAT_YUV420P, 3 }, { "420", FR_FORMAT_YUV420P, 2 },
    { "422", FR_FORMAT_YUV422P, 0 },      { "444", FR_FORMAT_YUV444P, 0 },
    { "420p10", FR_FORMAT_YUV420P10, 1 }, { "422p10", FR_FORMAT_YUV422P10, 0 },
    { "444p10", FR_FORMAT_YUV444P10, 0 }, { "mono", FR_FORMAT_GRAY8, 0 },
    { "mono10", FR_FORMAT_GRAY10, 0 },    { "mono12", FR_FORMAT_GRAY12, 0 },
    { "mono16", FR_FORMAT_GRAY16, 0 },
};

static int y4m_matches(const struct options *options)
{
    const char *input = options->input;
    size_t length = strlen(input);
    return strcmp(input, "-") == 0 || strchr(input, '/') != NULL ||
           (length > 4 && strcmp(input + length - 4, ".y4m") == 0) || access(input, F_OK) == 0;
}

/* Waits until there is something to read; false if the user wants to stop first. */
static int wait_for_input(const struct y4m *y4m)
{
    struct pollfd poll_fd = { .fd = y4m->fd, .events = POLLIN };
    while (!*y4m->stop) {
        if (y4m->is_file || poll(&poll_fd, 1, POLL_MS) > 0)
            return 1;
    }
    return 0;
}

/*
 * Reads until all pieces are full. Returns the number of bytes read, fewer only at the end of the
 * input, or -1 (stop was asked for, or an error that it has reported). Uses the pieces up.
 */
static int64_t read_pieces(const struct y4m *y4m, struct iovec *piece, int count)
{
    int64_t total = 0;
    while (count > 0) {
        if (piece->iov_len == 0) {
            piece++;
            count--;
            continue;
        }
        if (!wait_for_input(y4m))
            return -1;
        ssize_t got = readv(y4m->fd, piece, count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            report_error("cannot read %s: %s", y4m->path, strerror(errno));
            return -1;
        }
        if (got == 0)
            return total;
        total += got;
        size_t rest = (size_t)got;
        for (int i = 0; i < count && rest > 0; i++) {
            size_t used = rest < piece[i].iov_len ? rest : piece[i].iov_len;
            piece[i].iov_base = (uint8_t *)piece[i].iov_base + used;
            piece[i].iov_len -= used;
            rest -= used;
        }
    }
    return total;
}

static int64_t read_bytes(const struct y4m *y4m, void *to, size_t size)
{
    struct iovec piece = { .iov_base = to, .iov_len = size };
    return read_pieces(y4m, &piece, 1);
}

/* Reads a line without its end. Its length, or -1: no end within size bytes, stop, or an error. */
static int read_line(const struct y4m *y4m, char *line, int size)
{
    for (int i = 0; i < size; i++) {
        if (read_bytes(y4m, line + i, 1) != 1)
            return -1;
        if (line[i] == '\n') {
            line[i] = '\0';
            return i;
        }
    }
    return -1;
}

/* "N:D" with both above 0; anything else, such as 0:0, is unknown and becomes 0/1. */
static struct fr_rational parse_ratio(const char *text)
{
    char *end = NULL;
    long long num = strtoll(text, &end, 10);
    long long den = *end == ':' ? strtoll(end + 1, &end, 10) : 0;
    if (num <= 0 || den <= 0 || num > INT32_MAX || den > INT32_MAX || *end != '\0')
        return (struct fr_rational){ 0, 1 };
    return (struct fr_rational){ (int32_t)num, (int32_t)den };
}

static uint32_t parse_side(const char *text)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    return *end == '\0' && value <= FR_MAX_SIDE ? (uint32_t)value : 0;
}

static enum source_result parse_chroma(struct y4m *y4m, const char *tag, struct stream *stream)
{
    for (size_t i = 0; i < sizeof chromas / sizeof *chromas; i++) {
        if (strcmp(tag, chromas[i].tag) == 0) {
            stream->format = chromas[i].format;
            y4m->color.chroma_location = chromas[i].location;
            return SOURCE_OK;
        }
    }
    report_error("%s has the pixel format '%s', which demo-capture does not know; let ffmpeg "
                 "convert it first (-pix_fmt yuv420p)",
                 y4m->path, tag);
    return SOURCE_FAILED;
}

static enum source_result parse_header(struct y4m *y4m, char *line, struct stream *stream)
{
    char *rest = NULL;
    const char *chroma = "420jpeg";
    strtok_r(line, " ", &rest);
    for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        const char *value = word + 1;
        switch (word[0]) {
        case 'W':
            stream->width = parse_side(value);
            break;
        case 'H':
            stream->height = parse_side(value);
            break;
        case 'F':
            stream->rate = parse_ratio(value);
            break;
        case 'A':
            y4m->aspect = parse_ratio(value);
            break;
        case 'C':
            chroma = value;
            break;
        case 'X':
            if (strcmp(value, "COLORRANGE=FULL") == 0)
                y4m->color.range = 2;
            if (strcmp(value, "COLORRANGE=LIMITED") == 0)
                y4m->color.range = 1;
            break;
        default: /* fields are passed on as they are woven, and private tags mean nothing to us */
            break;
        }
    }
    if (stream->width == 0 || stream->height == 0) {
        report_error("%s has no size from 1x1 to %dx%d in its first line", y4m->path, FR_MAX_SIDE,
                     FR_MAX_SIDE);
        return SOURCE_FAILED;
    }
    if (stream->rate.num == 0)
        stream->rate = (struct fr_rational){ 25, 1 };
    return parse_chroma(y4m, chroma, stream);
}

static enum source_result read_header(struct y4m *y4m, struct stream *stream)
{
    char line[1024] = "";
    size_t signature = sizeof SIGNATURE - 1;
    int64_t got = read_bytes(y4m, line, signature);
    if (got < 0)
        return *y4m->stop ? SOURCE_END : SOURCE_FAILED;
    if (got == 0) {
        report_error("%s is empty", y4m->path);
        return SOURCE_FAILED;
    }
    int length = -1;
    if (memcmp(line, SIGNATURE, signature) == 0)
        length = read_line(y4m, line + signature, (int)(sizeof line - signature));
    if (*y4m->stop)
        return SOURCE_END;
    if (length < 0) {
        report_error("%s is not Y4M; make it so with: ffmpeg -i INPUT -f yuv4mpegpipe OUTPUT.y4m",
                     y4m->path);
        return SOURCE_FAILED;
    }
    return parse_header(y4m, line, stream);
}

static enum source_result open_file(struct y4m *y4m, const struct options *options)
{
    int is_stdin = strcmp(options->input, "-") == 0;
    y4m->path = is_stdin ? "standard input" : options->input;
    y4m->fd = is_stdin ? STDIN_FILENO : open(options->input, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (y4m->fd < 0 || fstat(y4m->fd, &status) < 0) {
        report_error("cannot open %s: %s", y4m->path, strerror(errno));
        return SOURCE_FAILED;
    }
    if (is_stdin && isatty(y4m->fd)) {
        report_error("-i - reads Y4M from a pipe, not from a terminal; for instance: "
                     "ffmpeg -v error -i film.mkv -f yuv4mpegpipe - | demo-capture -i -");
        return SOURCE_FAILED;
    }
    y4m->is_file = S_ISREG(status.st_mode);
    y4m->must_loop = options->loop;
    if (options->loop && !y4m->is_file) {
        report_error("--loop needs a file, because %s cannot be read twice", y4m->path);
        return SOURCE_FAILED;
    }
    if (S_ISFIFO(status.st_mode))
        (void)fcntl(y4m->fd, F_SETPIPE_SZ, PIPE_BYTES); /* only speed depends on it */
    return SOURCE_OK;
}

static enum source_result y4m_open(void *self, const struct options *options,
                                   const volatile sig_atomic_t *stop, struct stream *stream)
{
    struct y4m *y4m = self;
    y4m->stop = stop;
    y4m->color = (struct fr_color){ .primaries = 2, .transfer = 2, .matrix = 2 };
    y4m->aspect = (struct fr_rational){ 0, 1 };
    enum source_result result = open_file(y4m, options);
    if (result == SOURCE_OK)
        result = read_header(y4m, stream);
    if (result != SOURCE_OK)
        return result;
    int has_format = !options->format || options->format == stream->format;
    int has_size =
        !options->width || (options->width == stream->width && options->height == stream->height);
    if (!has_format || !has_size) {
        report_error("%s is %" PRIu32 "x%" PRIu32 " %s, and demo-capture does not convert; leave "
                     "out -s and -x, or let ffmpeg convert it first (-s, -pix_fmt)",
                     y4m->path, stream->width, stream->height,
                     fr_format_info(stream->format)->name);
        return SOURCE_FAILED;
    }
    y4m->data_start = y4m->is_file ? lseek(y4m->fd, 0, SEEK_CUR) : 0;
    return SOURCE_OK;
}

static enum source_result fail_inside(const struct y4m *y4m)
{
    report_error("%s ends in the middle of frame %" PRIu64, y4m->path, y4m->frames);
    return SOURCE_FAILED;
}

/* Reads the line before a frame. SOURCE_END if there is nothing at all. */
static enum source_result read_frame_line(struct y4m *y4m)
{
    char line[256];
    int64_t got = read_bytes(y4m, line, 6);
    if (got == 0 && y4m->must_loop && y4m->frames > 0 &&
        lseek(y4m->fd, y4m->data_start, SEEK_SET) == y4m->data_start)
        got = read_bytes(y4m, line, 6);
    if (got == 0)
        return SOURCE_END;
    if (got < 0)
        return *y4m->stop ? SOURCE_END : SOURCE_FAILED;
    if (got < 6)
        return fail_inside(y4m);
    int is_frame = memcmp(line, "FRAME", 5) == 0 && (line[5] == '\n' || line[5] == ' ');
    if (!is_frame) {
        report_error("%s is damaged: frame %" PRIu64 " does not begin with FRAME", y4m->path,
                     y4m->frames);
        return SOURCE_FAILED;
    }
    if (line[5] == ' ' && read_line(y4m, line, (int)sizeof line) < 0)
        return *y4m->stop ? SOURCE_END : fail_inside(y4m);
    return SOURCE_OK;
}

/* Reads one plane. A run of rows is one system call, a plane without padding is one piece. */
static enum source_result read_plane(const struct y4m *y4m, const struct fr_plane *plane)
{
    struct iovec pieces[MAX_PIECES];
    int is_tight = plane->stride == (ptrdiff_t)plane->row_bytes;
    uint32_t rows = is_tight ? 1 : plane->rows;
    size_t bytes = is_tight ? (size_t)plane->rows * plane->row_bytes : plane->row_bytes;
    uint8_t *to = plane->data;
    for (uint32_t done = 0; done < rows;) {
        int count = 0;
        for (; count < MAX_PIECES && done < rows; count++, done++, to += plane->stride)
            pieces[count] = (struct iovec){ .iov_base = to, .iov_len = bytes };
        int64_t expected = (int64_t)bytes * count;
        int64_t got = read_pieces(y4m, pieces, count);
        if (got < 0)
            return *y4m->stop ? SOURCE_END : SOURCE_FAILED;
        if (got < expected)
            return fail_inside(y4m);
    }
    return SOURCE_OK;
}

/* Reads a frame that nobody will see. */
static enum source_result skip_planes(const struct y4m *y4m, const struct stream *stream)
{
    const struct fr_format_info *info = fr_format_info(stream->format);
    for (uint32_t i = 0; i < info->planes; i++) {
        const struct fr_plane_info *plane = &info->plane[i];
        uint8_t row[FR_MAX_SIDE * 2]; /* the widest row of any Y4M plane */
        uint32_t columns = (stream->width + (1u << plane->log2_w) - 1) >> plane->log2_w;
        struct fr_plane to = { .data = row,
                               .rows =
                                   (stream->height + (1u << plane->log2_h) - 1) >> plane->log2_h,
                               .row_bytes = columns * plane->group_bytes };
        enum source_result result = read_plane(y4m, &to);
        if (result != SOURCE_OK)
            return result;
    }
    return SOURCE_OK;
}

static enum source_result y4m_read(void *self, uint64_t number, struct fr_frame *frame,
                                   struct stream *stream)
{
    (void)number;
    struct y4m *y4m = self;
    enum source_result result = read_frame_line(y4m);
    if (result == SOURCE_OK && !frame)
        result = skip_planes(y4m, stream);
    for (uint32_t i = 0; frame && i < frame->planes && result == SOURCE_OK; i++)
        result = read_plane(y4m, &frame->plane[i]);
    if (result != SOURCE_OK)
        return result;
    if (frame) {
        frame->pts = (int64_t)y4m->frames;
        frame->color = y4m->color;
        frame->sample_aspect = y4m->aspect;
    }
    y4m->frames++;
    return SOURCE_OK;
}

static void y4m_close(void *self)
{
    const struct y4m *y4m = self;
    if (y4m->fd > STDERR_FILENO)
        close(y4m->fd);
}

const struct source source_y4m = {
    .name = "y4m",
    .help = "  FILE.y4m      uncompressed video, as ffmpeg -f yuv4mpegpipe writes it\n"
            "  -             the same from standard input\n",
    .private_size = sizeof(struct y4m),
    .matches = y4m_matches,
    .open = y4m_open,
    .read = y4m_read,
    .close = y4m_close,
};
