/*
 * jobwarden-shim FOLDER WORK_DIR SCRIPT [ARGUMENT...]
 *
 * The parent of one job. It outlives the worker, so that a job's exit status is never lost with it.
 *
 *   1. waits at a gate (file descriptor 3): the byte 'G' starts the script, a closed gate means it never runs;
 *   2. runs SCRIPT in WORK_DIR, with standard output and error already pointing into the log, and inside the control
 *      group whose path is in FOLDER/control_group, when there is one;
 *   3. records how the script ended in FOLDER/exit_status, which appears complete or not at all;
 *   4. stays until every descendant is gone, marks that in the record, and exits with the script's status.
 *
 * A record is one line:
 *   exit CODE | signal NUMBER   ... END_NS USER_US SYSTEM_US MAXRSS_KIB ["core"]
 *   launch STEP ERRNO END_NS    STEP is fork, chdir or exec
 *   never END_NS
 * and a second line "gone" once no descendant is left.
 *
 * It is a subreaper: daemons that double-fork or call setsid become its children, so this process being gone by
 * its own will proves that all of the job is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GATE = 3, RECORD_SIZE = 128, BUSY_TRIES = 100, NOT_RUN = 125 };

/* Written by the child before exec, in memory that it shares with us, so that no pipe is needed to learn of it. */
static struct failure {
    const char *volatile step;
    volatile int error;
} here, *failed = &here;

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long micros(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

/* Nothing but the job's own three descriptors may reach the job, whatever the worker forgot to mark. */
static void close_from(unsigned first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, 0) == 0)
        return;
#endif
    for (unsigned fd = first; fd <= GATE; fd++)
        close((int)fd);
}

static int gate_opened(void)
{
    char byte = 0;
    ssize_t n;
    while ((n = read(GATE, &byte, 1)) < 0 && errno == EINTR)
        ;
    close(GATE);
    return n == 1 && byte == 'G';
}

/* The worker may ignore signals (Python ignores SIGPIPE), and ignored signals survive exec. All signals are blocked
 * here, so the defaults change nothing for the shim itself. */
static void default_dispositions(void)
{
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    /* posix_spawn ignores the two signals that glibc uses itself, and signal(3) does not touch them. */
    static const unsigned long default_action[16];
    for (long sig = 32; sig <= 33; sig++)
        syscall(SYS_rt_sigaction, sig, default_action, NULL, (size_t)(NSIG - 1) / 8);
}

/* Runs in the child: only system calls, and it never returns. */
static void become_script(char **argv)
{
    sigset_t none;
    const char *step = "chdir";
    sigemptyset(&none);
    setpgid(0, 0); /* so that a script's "kill -9 0" does not take the shim, and with it the exit status */
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir(argv[2]) == 0) {
        step = "exec";
        execv(argv[3], argv + 3);
        /* Another thread of the worker may be between fork and exec, still holding the script open for writing. */
        for (int i = 0; errno == ETXTBSY && i < BUSY_TRIES; i++) {
            pause_ms(10);
            execv(argv[3], argv + 3);
        }
        if (errno == ENOEXEC) { /* no shebang: a shell script, as execvp(3) and every shell have it */
            argv[2] = "/bin/sh";
            execv(argv[2], argv + 2);
        }
    }
    failed->error = errno;
    failed->step = step;
    _exit(NOT_RUN);
}

/*
 * Put the record in place; returns its descriptor, or -1 when the folder was deleted and nothing can ever be recorded.
 * The file exists at full size already, so a full disk cannot stop this; what can (a disk remounted read-only) is
 * waited out, because the outcome of the job must not be lost.
 */
static int record(const char *format, ...)
{
    char line[RECORD_SIZE];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (;; pause_ms(200)) {
        int fd = open("exit_status.new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0 && pwrite(fd, line, (size_t)n, 0) == n && rename("exit_status.new", "exit_status") == 0) {
            lseek(fd, n, SEEK_SET);
            return fd;
        }
        if (fd < 0 && errno == ENOENT)
            return -1;
        if (fd >= 0)
            close(fd);
    }
}

static int record_end(int status, const struct rusage *use)
{
    int killed = WIFSIGNALED(status);
    return record("%s %d %lld %lld %lld %ld%s\n", killed ? "signal" : "exit",
                  killed ? WTERMSIG(status) : WEXITSTATUS(status), now_ns(), micros(use->ru_utime),
                  micros(use->ru_stime), use->ru_maxrss, killed && WCOREDUMP(status) ? " core" : "");
}

/* Reap everything, record when the script itself ends, and return only when no descendant is left. */
static int supervise(pid_t script, int *fd)
{
    int status, result = NOT_RUN;
    struct rusage use;
    for (;;) {
        pid_t pid = wait4(-1, &status, 0, &use);
        if (pid < 0 && errno == ECHILD)
            return result;
        if (pid != script || failed->step) /* a child that failed before exec was never the script */
            continue;
        *fd = record_end(status, &use);
        result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

/* The directory of the job's control group; -1 when it has none. */
static int open_group(void)
{
    char path[PATH_MAX];
    int file = open("control_group", O_RDONLY | O_CLOEXEC);
    ssize_t n = file < 0 ? 0 : read(file, path, sizeof path - 1);
    if (file >= 0)
        close(file);
    if (n <= 0)
        return -1;
    path[n] = 0;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/*
 * Start the script as a member of its control group; -1 when there is none, or the kernel does not let us. Moving it
 * there later would cost some 10 ms of waiting in the kernel, being born there costs nothing (clone3(2), Linux 5.7).
 */
static pid_t start_in_group(char **argv)
{
#ifdef CLONE_INTO_CGROUP
    int group = open_group();
    void *shared = mmap(NULL, sizeof *failed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (group < 0 || shared == MAP_FAILED)
        return -1;
    failed = shared;
    struct clone_args how = {.flags = CLONE_VFORK | CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned)group};
    pid_t script = (pid_t)syscall(SYS_clone3, &how, sizeof how);
    if (script == 0)
        become_script(argv);
    close(group);
    return script;
#else
    (void)argv;
    return -1;
#endif
}

static pid_t start(char **argv)
{
    pid_t script = start_in_group(argv);
    if (script < 0)
        script = vfork();
    if (script == 0)
        become_script(argv);
    if (script < 0) {
        failed->error = errno;
        failed->step = "fork";
    }
    return script;
}

static int run(char **argv, int *fd)
{
    default_dispositions();
    pid_t script = start(argv);
    close_from(0); /* a deleted log gives its space back although the shim lives on */
    int result = supervise(script, fd);
    if (failed->step)
        *fd = record("launch %s %d %lld\n", failed->step, failed->error, now_ns());
    return result;
}

int main(int argc, char **argv)
{
    sigset_t all;
    int fd = -1, result = NOT_RUN;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (argc < 4 || chdir(argv[1]) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return NOT_RUN;
    close_from(GATE + 1);
    if (gate_opened())
        result = run(argv, &fd);
    else
        fd = record("never %lld\n", now_ns());
    if (fd >= 0 && write(fd, "gone\n", 5) != 5)
        return result; /* the mark is a shortcut for readers: without it they look for themselves */
    return result;
}
