/* SPDX-License-Identifier: MIT */
/*
 * A Wayland window over the whole screen that shows what a test tells it to paint: reads lines from
 * standard input. The picture is larger than any screen; the window shows its upper left part.
 *
 *   paint X Y W H RRGGBB     a rectangle
 *   show                     puts it on the screen, and tells the compositor where it has changed
 *   save FILE                the pixels of the window, as tight rows of bgr0
 *   quit
 *
 * It answers each show with the window's size when the compositor wants the next picture.
 */
#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>
#include <xdg-shell.h>

#define SIDE 2048

static uint32_t picture[SIDE * SIDE];
static struct wl_display *display;
static struct wl_compositor *compositor;
static struct wl_shm *shm;
static struct xdg_wm_base *base;
static struct wl_surface *surface;
static int32_t width = 640; /* until the compositor says otherwise */
static int32_t height = 480;
static int is_configured;

static void on_global(void *data, struct wl_registry *registry, uint32_t name,
                      const char *interface, uint32_t version)
{
    (void)data;
    if (strcmp(interface, wl_compositor_interface.name) == 0 && version >= 4)
        compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 4);
    if (strcmp(interface, wl_shm_interface.name) == 0)
        shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
    if (strcmp(interface, xdg_wm_base_interface.name) == 0)
        base = wl_registry_bind(registry, name, &xdg_wm_base_interface, 1);
}

static void on_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
    (void)data, (void)registry, (void)name;
}

static void on_ping(void *data, struct xdg_wm_base *proxy, uint32_t serial)
{
    (void)data;
    xdg_wm_base_pong(proxy, serial);
}

static void on_size(void *data, struct xdg_toplevel *top, int32_t w, int32_t h,
                    struct wl_array *states)
{
    (void)data, (void)top, (void)states;
    if (w > 0 && h > 0 && w <= SIDE && h <= SIDE) {
        width = w;
        height = h;
    }
}

static void on_close(void *data, struct xdg_toplevel *top)
{
    (void)data, (void)top;
    exit(0);
}

static void on_configure(void *data, struct xdg_surface *proxy, uint32_t serial)
{
    (void)data;
    is_configured = 1;
    xdg_surface_ack_configure(proxy, serial);
}

static void on_release(void *data, struct wl_buffer *buffer)
{
    (void)data;
    wl_buffer_destroy(buffer);
}

static void on_done(void *data, struct wl_callback *callback, uint32_t time)
{
    (void)time;
    wl_callback_destroy(callback);
    *(int *)data = 1;
}

static const struct wl_registry_listener registry_listener = { on_global, on_global_remove };
static const struct xdg_wm_base_listener base_listener = { on_ping };
static const struct xdg_toplevel_listener top_listener = { .configure = on_size,
                                                           .close = on_close };
static const struct xdg_surface_listener surface_listener = { on_configure };
static const struct wl_buffer_listener buffer_listener = { on_release };
static const struct wl_callback_listener done_listener = { on_done };

static void copy_rows(uint32_t *to)
{
    for (int32_t y = 0; y < height; y++)
        memcpy(to + (size_t)y * (size_t)width, picture + (size_t)y * SIDE, 4 * (size_t)width);
}

/* A new one each time, so that the compositor never reads what is being drawn. */
static struct wl_buffer *make_buffer(void)
{
    int32_t size = width * height * 4;
    int fd = memfd_create("wl_paint", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, size) < 0)
        return NULL;
    uint32_t *pixels = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pixels == MAP_FAILED)
        return NULL;
    copy_rows(pixels);
    munmap(pixels, (size_t)size);
    struct wl_shm_pool *pool = wl_shm_create_pool(shm, fd, size);
    struct wl_buffer *buffer =
        wl_shm_pool_create_buffer(pool, 0, width, height, width * 4, WL_SHM_FORMAT_XRGB8888);
    wl_buffer_add_listener(buffer, &buffer_listener, NULL);
    wl_shm_pool_destroy(pool);
    close(fd);
    return buffer;
}

/* Damage is told as rectangles are painted; another size is told by itself. */
static int show(void)
{
    int is_done = 0;
    if (wl_display_roundtrip(display) < 0) /* it may have another size for us */
        return -1;
    struct wl_buffer *buffer = make_buffer();
    if (!buffer)
        return -1;
    wl_surface_attach(surface, buffer, 0, 0);
    wl_callback_add_listener(wl_surface_frame(surface), &done_listener, &is_done);
    wl_surface_commit(surface);
    while (!is_done)
        if (wl_display_dispatch(display) < 0)
            return -1;
    printf("%" PRId32 "x%" PRId32 "\n", width, height);
    return fflush(stdout);
}

static int paint(int32_t x, int32_t y, int32_t w, int32_t h, uint32_t color)
{
    if (x < 0 || y < 0 || w < 0 || h < 0 || x > SIDE - w || y > SIDE - h)
        return -1;
    for (int32_t row = y; row < y + h; row++)
        for (int32_t column = x; column < x + w; column++)
            picture[row * SIDE + column] = 0xff000000u | color;
    wl_surface_damage_buffer(surface, x, y, w, h);
    return 0;
}

static int save(const char *path)
{
    size_t pixels = (size_t)width * (size_t)height;
    uint32_t *rows = malloc(pixels * 4);
    FILE *file = fopen(path, "wb");
    if (!rows || !file)
        return -1;
    copy_rows(rows);
    size_t written = fwrite(rows, 4, pixels, file);
    free(rows);
    return fclose(file) == 0 && written == pixels ? 0 : -1;
}

static int obey(const char *line)
{
    char word[16];
    char path[256];
    int32_t x = 0;
    int32_t y = 0;
    int32_t w = 0;
    int32_t h = 0;
    uint32_t color = 0;
    /* Numbers of tests always fit. NOLINTNEXTLINE(cert-err34-c) */
    int read = sscanf(line, "%15s %" SCNd32 " %" SCNd32 " %" SCNd32 " %" SCNd32 " %" SCNx32, word,
                      &x, &y, &w, &h, &color);
    if (read == 6 && strcmp(word, "paint") == 0)
        return paint(x, y, w, h, color);
    if (strcmp(line, "show\n") == 0)
        return show();
    return sscanf(line, "save %255s", path) == 1 ? save(path) : -1;
}

/* A surface gets a size before its first picture. */
static int open_window(void)
{
    display = wl_display_connect(NULL);
    if (!display)
        return -1;
    wl_registry_add_listener(wl_display_get_registry(display), &registry_listener, NULL);
    if (wl_display_roundtrip(display) < 0 || !compositor || !shm || !base)
        return -1;
    xdg_wm_base_add_listener(base, &base_listener, NULL);
    surface = wl_compositor_create_surface(compositor);
    struct xdg_surface *shell = xdg_wm_base_get_xdg_surface(base, surface);
    xdg_surface_add_listener(shell, &surface_listener, NULL);
    struct xdg_toplevel *top = xdg_surface_get_toplevel(shell);
    xdg_toplevel_add_listener(top, &top_listener, NULL);
    xdg_toplevel_set_app_id(top, "wl_paint");
    xdg_toplevel_set_fullscreen(top, NULL);
    wl_surface_commit(surface);
    while (!is_configured)
        if (wl_display_dispatch(display) < 0)
            return -1;
    return 0;
}

int main(void)
{
    char line[300];
    int result = open_window();
    if (result < 0)
        fprintf(stderr, "wl_paint: no Wayland compositor with xdg-shell\n");
    while (result == 0 && fgets(line, sizeof line, stdin) && strcmp(line, "quit\n") != 0) {
        result = obey(line);
        if (result != 0)
            fprintf(stderr, "wl_paint: cannot do: %s", line);
    }
    if (display)
        wl_display_disconnect(display);
    return result != 0;
}
