/* SPDX-License-Identifier: MIT */
#ifndef AV_SUPPORT_H
#define AV_SUPPORT_H

/*
 * What the suites of the bridge share: a ring opened for each test, AVFrames full of noise, and the
 * comparison of two pictures by the geometry of our own format table.
 */

#include "support.h"

#include <framering/av.h>

/* The ring of the running test. */
extern struct fr_writer *writer;
extern struct fr_reader *reader;

void open_ring(uint32_t slots, enum fr_overflow overflow);
void close_ring(void);

/* A test case whose tests run between open and close_ring. */
TCase *ring_case(Suite *suite, const char *name, SFun open);

/* An AVFrame that has a shape and no memory; one with noise in it; one lent by the ring. */
AVFrame *blank(enum AVPixelFormat format, int width, int height);
AVFrame *painted(enum AVPixelFormat format, int width, int height);
AVFrame *lent(enum AVPixelFormat format, int width, int height);

/* Fills the picture with noise that seed decides. */
void paint(AVFrame *frame, unsigned seed);

/* Turns the picture's memory over: what was the last row is the first one. */
void turn_over(AVFrame *frame);

/* The next frame of the ring, wrapped. */
AVFrame *received(void);
void expect_nothing_received(void);

void expect_same_picture(const AVFrame *a, const AVFrame *b);

#endif
