/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program: makes the X server look like one that shares memory but has no pixmaps
 * of it, which is what most servers with a graphics card are.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <xcb/shm.h>

xcb_shm_query_version_reply_t *xcb_shm_query_version_reply(xcb_connection_t *connection,
                                                           xcb_shm_query_version_cookie_t cookie,
                                                           xcb_generic_error_t **error)
{
    xcb_shm_query_version_reply_t *(*original)(xcb_connection_t *, xcb_shm_query_version_cookie_t,
                                               xcb_generic_error_t **);
    void *symbol = dlsym(RTLD_NEXT, "xcb_shm_query_version_reply");
    __builtin_memcpy(&original, &symbol, sizeof original);
    xcb_shm_query_version_reply_t *reply = original(connection, cookie, error);
    if (reply)
        reply->shared_pixmaps = 0;
    return reply;
}
