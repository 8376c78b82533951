/*
 * The output of a job: a pipe that this process copies into the log.
 *
 * Were descriptors 1 and 2 of the script the log itself, then "> /dev/stderr", which opens that file anew, would empty
 * it: a pipe is the one thing that can be opened again through /proc and loses nothing (moby and containerd have one a
 * container for the same reason). It also lets one process say how fast a log may grow.
 *
 * The log is this process's descriptor 1, from its start on.
 */
#ifndef JOBWARDEN_OUTPUT_H
#define JOBWARDEN_OUTPUT_H

#include <poll.h>
#include <sys/signalfd.h>

enum { LOG = 1, CHUNK = 65536, MOST_AT_ONCE = 64, WAIT_MS = 20 };

/* in and out are the ends of the pipe; ceiling: bytes on the disk from which on the log waits for being cut, or -1. */
static struct output {
    int in, out, open, ended;
    char name[16 + 2 * SEAL_TAG];
    long long ceiling;
    unsigned long long lost;
    int error;
} output = {-1, -1, 1, 0, "", -1, 0, 0};

/*
 * Make the pipe, in the folder of the job: who holds an end of it is seen to be of this job (/proc/PID/fd), also when its
 * environment and its supervisor are gone, and from another PID namespace it is seen whether anybody does. Its name is
 * sealed, so that a job cannot put another one in its place. Where the disk takes no such file, a pipe without a name
 * does. 0 or -1.
 */
static int make_pipe(void)
{
    static const char first[] = "output.new";
    struct stat info;
    char text[32], digits[2 * SEAL_TAG + 1];
    if (mkfifo(first, 0600) == 0) {
        output.in = open(first, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        output.out = open(first, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (output.in >= 0 && output.out >= 0 && fstat(output.in, &info) == 0 && S_ISFIFO(info.st_mode)) {
            snprintf(text, sizeof text, "pipe %llu", (unsigned long long)info.st_ino);
            seal(orders.key, text, strlen(text), digits);
            snprintf(output.name, sizeof output.name, "output.%s", digits);
            if (rename(first, output.name) != 0)
                unlink(first);
            return 0;
        }
        unlink(first);
        close(output.in);
        close(output.out);
    }
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return -1;
    output.in = ends[0];
    output.out = ends[1];
    return 0;
}

/* The pipe, which the job's user may open again: 0 or -1. */
static int open_output(long uid, long gid)
{
    /* A job whose output has no room waits for it, as it would for a terminal: only our own end never waits. */
    if (make_pipe() != 0 || fcntl(output.out, F_SETFL, 0) != 0)
        return -1;
    return uid < 0 ? 0 : fchown(output.out, (uid_t)uid, (gid_t)gid);
}

/* Runs in the child. */
static int take_output(void)
{
    return dup2(output.out, 1) < 0 || dup2(output.out, 2) < 0 ? -1 : 0;
}

/* Whether the log is still there. One that was deleted is closed, so that it gives its space back while the job runs;
 * one that is too large waits a little for the worker, which cuts it: a job is slowed by this, and never stopped. */
static int log_takes_more(void)
{
    struct stat info;
    for (int waited = 0; output.open; waited++) {
        if (fstat(LOG, &info) != 0 || info.st_nlink == 0) {
            close(LOG);
            output.open = 0;
        } else if (output.ceiling < 0 || info.st_blocks * 512LL <= output.ceiling || waited >= WAIT_MS) {
            return 1;
        } else {
            pause_ms(1);
        }
    }
    return 0;
}

/* 0 when all of it is in the log. */
static int append(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(LOG, text, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            output.error = errno;
            output.lost += size;
            return -1;
        }
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Say in the log what is missing, as soon as it takes anything again. */
static void tell_lost(void)
{
    char line[160];
    unsigned long long lost = output.lost;
    if (lost == 0)
        return;
    snprintf(line, sizeof line, "\njobwarden: %llu bytes of output are missing here: %s\n", lost, strerror(output.error));
    output.lost = 0;
    if (append(line, strlen(line)) != 0)
        output.lost = lost;
}

/* Copy what is there: 1 when something was, 0 when nothing is now, -1 when nobody can write any more. */
static int copy_output(void)
{
    static char chunk[CHUNK];
    ssize_t n = output.ended ? 0 : read(output.in, chunk, sizeof chunk);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        return -1;
    if (log_takes_more()) {
        tell_lost();
        append(chunk, (size_t)n);
    }
    return 1;
}

/* Copy what was written until now, and no more than a pipe can hold: others may go on writing for ever. */
static void drain_output(void)
{
    for (int i = 0; i < MOST_AT_ONCE && copy_output() > 0; i++)
        ;
    if (output.open)
        tell_lost();
}

/* Wait for a signal in `signals`, and copy meanwhile. */
static void copy_until(int signals)
{
    struct signalfd_siginfo news;
    for (;;) {
        /* poll passes over a negative one. Our end stays open all the same: it shows that we live. */
        struct pollfd ready[] = {{signals, POLLIN, 0}, {output.ended ? -1 : output.in, POLLIN, 0}};
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            return;
        if (ready[1].revents != 0 && copy_output() < 0)
            output.ended = 1;
        if (ready[0].revents != 0) {
            while (read(signals, &news, sizeof news) > 0)
                ;
            return;
        }
    }
}

#endif
