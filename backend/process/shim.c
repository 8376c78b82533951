/*
 * jobwarden-shim: the parent of one job. It outlives the worker, so that a job's exit status is never lost with it.
 *
 * It is a fork of the launch server (launch.h), in the folder of its job, with its orders in memory (orders.h). It
 *
 *   1. waits at its gate, a pipe (file descriptor 3): the byte 'G' starts the script, a closed gate means it never runs;
 *   2. runs the script in its directory, as the user of the orders, and inside the control group whose path is in
 *      control_group, when there is one; standard output and error are a pipe, which this process copies into the log
 *      that its own descriptor 1 is;
 *   3. records how the script ended in exit_status, which it has open since before the script started;
 *   4. stays until every descendant is gone, marks that in the record, and exits with the script's status.
 *
 * The script gets exactly the variables it was sent with; none of them is ever this process's own, which a C library
 * might obey with the rights of the worker.
 *
 * A record is one line:
 *   exit CODE | signal NUMBER   ... END_NS USER_US SYSTEM_US MAXRSS_KIB ["core"]
 *   launch STEP ERRNO END_NS    STEP is fork, output, limits, user, chdir or exec
 *   never END_NS
 * and a second line "gone" once no descendant is left. Each ends with its seal, the second one's is of both: a job that
 * may write to the folder can destroy a record, and cannot make one.
 *
 * It is a subreaper: daemons that double-fork or call setsid become its children, so this process being gone by
 * its own will proves that all of the job is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "seal.h"

enum { GATE = 3, RECORD = 4, RECORD_SIZE = 256, BUSY_TRIES = 100, NOT_RUN = 125, MOST_FILES = 1024 };

/* The environment of the script. */
static char **variables;

/* What is recorded so far, with the seals; it is in the file at once. */
static char written[RECORD_SIZE];

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

#include "orders.h"
#include "output.h"

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
    for (unsigned fd = first; fd < MOST_FILES; fd++) /* Linux before 5.9: more than a launch server ever has */
        close((int)fd);
}

/*
 * Open the place of the record, before anything of the job runs and could put another thing there. Ends this process
 * when there is none: by KILL, so that nobody takes its status for the script's.
 */
static void open_record(void)
{
    struct stat info;
    int fd = open("exit_status", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
        (fd != RECORD && dup3(fd, RECORD, O_CLOEXEC) < 0))
        kill(getpid(), SIGKILL);
    if (fd != RECORD)
        close(fd);
}

/* Wait at the gate: whether it was opened. */
static int gate_opened(void)
{
    char letter = 0;
    ssize_t n;
    do
        n = read(GATE, &letter, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 && letter == 'G';
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

/* Runs in the child. The worker has found out who may be whom; here it only happens, whole or not at all. */
static int become_user(void)
{
    if (orders.uid < 0)
        return 0;
    if (setgroups(orders.group_count, orders.groups) != 0 || setresgid(orders.gid, orders.gid, orders.gid) != 0)
        return -1;
    return setresuid((uid_t)orders.uid, (uid_t)orders.uid, (uid_t)orders.uid);
}

static int set_limits(void)
{
    struct rlimit core;
    if (orders.umask >= 0)
        umask((mode_t)orders.umask);
    /* No core unless the script itself asks for one: it may raise the soft limit again. */
    if (getrlimit(RLIMIT_CORE, &core) != 0)
        return -1;
    core.rlim_cur = 0;
    if (setrlimit(RLIMIT_CORE, &core) != 0)
        return -1;
    struct rlimit most;
    if (orders.processes < 0 || getrlimit(RLIMIT_NPROC, &most) != 0 || most.rlim_cur <= (rlim_t)orders.processes)
        return 0;
    most.rlim_cur = (rlim_t)orders.processes;
    if (most.rlim_max > most.rlim_cur)
        most.rlim_max = most.rlim_cur;
    return setrlimit(RLIMIT_NPROC, &most);
}

/* Runs in the child: only system calls, and it never returns. */
static void become_script(char **argv)
{
    sigset_t none;
    const char *step = "output";
    sigemptyset(&none);
    setpgid(0, 0); /* so that a script's "kill -9 0" does not take the shim, and with it the exit status */
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (take_output() == 0 && (step = "limits", set_limits()) == 0 && (step = "user", become_user()) == 0 &&
        (step = "chdir", chdir(argv[2])) == 0) {
        step = "exec";
        execve(argv[3], argv + 3, variables);
        /* Another thread of the worker may be between fork and exec, still holding the script open for writing. */
        for (int i = 0; errno == ETXTBSY && i < BUSY_TRIES; i++) {
            pause_ms(10);
            execve(argv[3], argv + 3, variables);
        }
        if (errno == ENOEXEC) { /* no shebang: a shell script, as execvp(3) and every shell have it */
            argv[2] = "/bin/sh";
            execve(argv[2], argv + 2, variables);
        }
    }
    failed->error = errno;
    failed->step = step;
    _exit(NOT_RUN);
}

/* Add a sealed line to the record, in one write. The file has its full size already: a full disk cannot stop this. */
static int write_line(size_t before)
{
    char digits[2 * SEAL_TAG + 1];
    size_t n = strlen(written);
    seal(orders.key, written, n, digits);
    snprintf(written + n, sizeof written - n, " %s\n", digits);
    n = strlen(written) - before;
    return pwrite(RECORD, written + before, n, (off_t)before) == (ssize_t)n;
}

/* What can stop it (a disk that fails for a while) is waited out: the outcome of the job must not be lost. */
static void record(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(written, sizeof written, format, args);
    va_end(args);
    size_t length = strlen(written);
    while (!write_line(0)) {
        written[length] = 0;
        pause_ms(200);
    }
}

/* A shortcut for readers, who look for themselves without it: tried once. */
static void record_gone(void)
{
    size_t before = strlen(written);
    strcpy(written + before, "gone");
    write_line(before);
}

static void record_end(int status, const struct rusage *use)
{
    int killed = WIFSIGNALED(status);
    record("%s %d %lld %lld %lld %ld%s", killed ? "signal" : "exit",
           killed ? WTERMSIG(status) : WEXITSTATUS(status), now_ns(), micros(use->ru_utime), micros(use->ru_stime),
           use->ru_maxrss, killed && WCOREDUMP(status) ? " core" : "");
}

/* Reap what has ended, record when it was the script; whether any descendant is left. */
static int reap(pid_t script, int *result)
{
    int status;
    struct rusage use;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &use)) > 0) {
        if (pid != script || failed->step) /* a child that failed before exec was never the script */
            continue;
        drain_output(); /* who reads the record finds all in the log that the script printed */
        record_end(status, &use);
        *result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return pid == 0;
}

/* Copy the output, record when the script itself ends, and return only when no descendant is left. */
static int supervise(pid_t script, int signals)
{
    int result = NOT_RUN;
    while (reap(script, &result))
        copy_until(signals);
    drain_output();
    return result;
}

/* The directory of the job's control group; -1 when it has none. */
static int open_group(void)
{
    char path[PATH_MAX];
    int file = open("control_group", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
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

/* Told of the end of a child, since all signals are blocked. */
static int open_signals(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(char **argv)
{
    int signals = open_signals(), result = NOT_RUN;
    output.ceiling = orders.log;
    default_dispositions();
    if (signals < 0 || open_output(orders.uid, orders.gid) != 0) {
        failed->error = errno;
        failed->step = "output";
    } else {
        pid_t script = start(argv);
        close(0);
        close(2);
        close(output.out);
        result = supervise(script, signals);
        if (*output.name)
            unlink(output.name);
    }
    if (failed->step)
        record("launch %s %d %lld", failed->step, failed->error, now_ns());
    return result;
}

#include "launch.h"

/* The life of a shim, up to its exit status. */
static int supervise_job(char **argv, char **environment)
{
    int result = NOT_RUN;
    variables = environment;
    open_record();
    int gate = gate_opened();
    close(GATE);
    if (gate)
        result = run(argv);
    else
        record("never %lld", now_ns());
    record_gone();
    return result;
}

int main(int argc, char **argv)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (argc < 2 || strcmp(argv[1], "--serve") != 0) {
        fputs("jobwarden-shim: the worker starts this program: see `jobwarden worker --help`\n", stderr);
        return NOT_RUN;
    }
    return serve(argv, environ);
}
