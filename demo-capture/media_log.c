/* SPDX-License-Identifier: MIT */

/* See media_log.h. Decoders complain from threads of their own. */

#include "media_log.h"

#include <libavutil/log.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define MAX_LINE 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char first[MAX_LINE];

/* Without the address of who says it, as in "[h264 @ 0x55d0…] ", which means nothing to anybody. */
static void keep_line(const char *line)
{
    const char *at = strstr(line, " @ ");
    const char *end = at ? strstr(at, "] ") : NULL;
    if (strncmp(line, "[NULL @ ", 8) == 0 && end)
        snprintf(first, sizeof first, "%s", end + 2);
    else if (line[0] == '[' && end)
        snprintf(first, sizeof first, "%.*s: %s", (int)(at - line - 1), line + 1, end + 2);
    else
        snprintf(first, sizeof first, "%s", line);
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
