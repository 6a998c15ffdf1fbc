/* SPDX-License-Identifier: MIT */
#ifndef FRI_PLATFORM_CANCEL_H
#define FRI_PLATFORM_CANCEL_H

/*
 * Floor 1, for the platform's own files. A thread that was cancelled in the middle of the library
 * would leave its descriptors, memory and locks behind. So no function is a cancellation point: all
 * calls of the system that are one stand between these two, and the thread ends after it has left
 * the library.
 */

#include <pthread.h>

static inline int fri_hold_cancellation(void)
{
    int before = PTHREAD_CANCEL_ENABLE;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void fri_restore_cancellation(int before)
{
    pthread_setcancelstate(before, NULL);
}

#endif
