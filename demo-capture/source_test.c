/* SPDX-License-Identifier: MIT */

/*
 * The test picture as a source: drawn straight into the ring, in every format and size.
 */

#include <string.h>

#include "pattern.h"
#include "report.h"
#include "source.h"

struct test {
    struct pattern *pattern;
    uint16_t writer_id;
};

static int test_matches(const struct options *options)
{
    return !options->container && strcmp(options->input, "test") == 0;
}

static enum source_result test_open(void *self, const struct options *options,
                                    const volatile sig_atomic_t *stop, struct stream *stream)
{
    (void)stop;
    struct test *test = self;
    test->writer_id = options->writer_id;
    stream->width = options->width ? options->width : 1920;
    stream->height = options->height ? options->height : 1080;
    stream->format = options->format ? options->format : FR_FORMAT_BGRX;
    int error = pattern_create(stream->width, stream->height, stream->format, &test->pattern);
    if (error < 0) {
        report_error("cannot draw the test picture: %s", fr_strerror(error));
        return SOURCE_FAILED;
    }
    return SOURCE_OK;
}

static enum source_result test_read(void *self, uint64_t number, struct fr_frame *frame,
                                    struct stream *stream)
{
    (void)stream;
    struct test *test = self;
    if (frame)
        pattern_draw(test->pattern, pattern_number_make(test->writer_id, number), frame);
    return SOURCE_OK;
}

static void test_close(void *self)
{
    struct test *test = self;
    pattern_destroy(&test->pattern);
}

const struct source source_test = {
    .name = "test",
    .help = "  test          a moving picture that proves that no frame is torn\n",
    .private_size = sizeof(struct test),
    .matches = test_matches,
    .open = test_open,
    .read = test_read,
    .close = test_close,
};
