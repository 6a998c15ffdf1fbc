/* SPDX-License-Identifier: MIT */
#ifndef DECODE_H
#define DECODE_H

/*
 * Pictures out of a pipe or file that libavformat can read from its beginning to its end: Y4M, NUT,
 * any other container of raw video, and compressed video, which is decoded.
 *
 * The picture of the first video stream that there is; sound and the rest are left out.
 */

#include <libavutil/frame.h>

struct decode;

/* Reads as far as needed to know what comes. NULL after a sentence, or when the user wants to end. */
struct decode *decode_open(int fd);
void decode_close(struct decode **decode);

/* The nominal rate, 0/1 if the input does not say one. */
AVRational decode_rate(const struct decode *decode);

/*
 * The next picture, with its time base and pts; a blank frame is given. 1; 0 at the end, also when
 * the user wants to end; -1 after a sentence.
 */
int decode_next(struct decode *decode, AVFrame *frame);

#endif
