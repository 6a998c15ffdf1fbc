/* SPDX-License-Identifier: MIT */

/* See media_log.h. Decoders complain from threads of their own. */

#include "media_log.h"

#include <libavutil/log.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define MAX_LINE 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char first[2 * MAX_LINE];

/*
 * Lines begin with who says it, and that may be two: "[rawvideo @ 0x55d0…] [IMGUTILS @ 0x7ffd…] ".
 * The last one is kept, without its address, which means nothing to anybody.
 */
static void keep_line(const char *line)
{
    const char *name = "";
    int length = 0;
    for (const char *end = strstr(line, "] "); line[0] == '[' && end; end = strstr(line, "] ")) {
        const char *at = strstr(line, " @ ");
        if (!at || at > end)
            break;
        length = strncmp(line, "[NULL @", 7) == 0 ? 0 : (int)(at - line - 1);
        name = line + 1;
        line = end + 2;
    }
    snprintf(first, sizeof first, "%.*s%s%s", length, name, length > 0 ? ": " : "", line);
    first[strcspn(first, "\r\n")] = '\0';
}

static void on_line(void *context, int level, const char *format, va_list arguments)
{
    char line[MAX_LINE];
    int has_prefix = 1;
    if (level > AV_LOG_ERROR)
        return;
    pthread_mutex_lock(&lock);
    if (first[0] == '\0') {
        av_log_format_line2(context, level, format, arguments, line, sizeof line, &has_prefix);
        keep_line(line);
    }
    pthread_mutex_unlock(&lock);
}

void media_log_begin(void)
{
    av_log_set_callback(on_line);
}

void media_log_forget(void)
{
    pthread_mutex_lock(&lock);
    first[0] = '\0';
    pthread_mutex_unlock(&lock);
}

void media_log_first(char *text, size_t size)
{
    pthread_mutex_lock(&lock);
    snprintf(text, size, "%s", first);
    pthread_mutex_unlock(&lock);
}
