/* SPDX-License-Identifier: MIT */
/* Floor 2: sending and receiving descriptors, for objects without a name. */
#include <framering/framering.h>

#include "base.h"
#include "platform.h"

FR_API int fr_fd_send(int socket, int fd)
{
    FR_CHECK(socket >= 0 && fd >= 0);
    return fri_socket_send(socket, fd);
}

FR_API int fr_fd_receive(int socket, int64_t timeout_ns, int *fd)
{
    FR_CHECK(socket >= 0 && fd);
    return fri_socket_receive(socket, timeout_ns, fd);
}
