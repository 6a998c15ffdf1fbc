/* SPDX-License-Identifier: MIT */
#ifndef MEDIA_PIPE_H
#define MEDIA_PIPE_H

/*
 * Pipes for libavformat. Its own reading of them blocks in the kernel, where a request to stop that
 * comes just before is not seen; this one looks for it.
 */

#include <libavformat/avio.h>
#include <signal.h>

struct media_pipe;

/* True if the input is one: - (standard input), or a named pipe. */
int media_pipe_is(const char *path);

/* 0, or AVERROR. io is what libavformat reads. */
int media_pipe_open(const char *path, const volatile sig_atomic_t *stop, struct media_pipe **pipe,
                    AVIOContext **io);

/* After the input that read from it was closed. */
void media_pipe_close(struct media_pipe **pipe);

#endif
