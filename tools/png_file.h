/* SPDX-License-Identifier: MIT */
#ifndef PNG_FILE_H
#define PNG_FILE_H

/*
 * A frame as PNG with every sample as it is: 8, 10, 12 and 16 bits, with alpha if the format has it,
 * gray as gray (samples of 10 and 12 bits are widened, sBIT tells how many are real). What PNG has
 * no kind for, YUV and half floats, becomes RGB of 8 bits as demo-viewer's screenshots do.
 */

#include <framering/framering.h>
#include <stdio.h>

/* A text chunk; the keyword has 1 to 79 characters of ASCII, the text is UTF-8. */
struct png_note {
    const char *keyword;
    const char *text;
};

/* 0, or -1, and then *why says what went wrong (static, or valid until the next system error). */
int png_file_write(FILE *file, const struct fr_frame *frame, const struct png_note *notes,
                   size_t count, const char **why);

#endif
