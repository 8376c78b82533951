/*
 * jobwarden-shim --serve: the launch server, one for each worker, which starts the shims of its jobs.
 *
 * A process that is small and does not change is forked in a tenth of the time that an exec takes. So this one stays,
 * and each shim is a fork of it; its parent is the worker all the same (CLONE_PARENT), which waits for it as before.
 * This process holds no secret: what came for one job is wiped once its shim is there, before the next one's is read.
 *
 * Descriptor 3 is a socket to the worker, and whoever has its other end may start processes here. Descriptor 4 is
 * memory shared with it, two numbers for each place: the kernel puts the pid of a shim there before that can run, so that
 * none is lost when this process is killed the moment after. All numbers are of this machine's order and size.
 *
 *   LAUNCH  a head, then its texts and the script: makes the folder of the job and a shim behind a shut gate
 *   OPEN    the places whose gates to open; SHUT those to shut, as happens to all when this process ends
 *
 * Each place that is named is answered, in that order.
 */
#ifndef JOBWARDEN_LAUNCH_H
#define JOBWARDEN_LAUNCH_H

#include <sched.h>

#include "message.h"
#include "folder.h"

static int gates[MOST_PLACES];

/* Where the arguments and the variables of this process lie: a shim has its job's in their place, for ps(1) and for
 * whoever looks for its cookie. */
static struct room {
    char *start;
    size_t size;
} arguments_room, variables_room;

/* A fault for a test, as in faults.py; without one this costs a comparison. */
static struct fault {
    char point[32];
    int signal, left;
} fault;

static void arm(const char *text)
{
    char action[8] = "";
    fault.left = 1;
    if (text != NULL && sscanf(text, "%31[^:]:%7[^:]:%d", fault.point, action, &fault.left) >= 2)
        fault.signal = strcmp(action, "kill") == 0 ? SIGKILL : SIGSTOP;
}

static void point(const char *name)
{
    if (fault.signal && strcmp(fault.point, name) == 0 && --fault.left == 0)
        kill(getpid(), fault.signal);
}

static void fill(struct room room, char *const *texts, size_t count)
{
    size_t used = 0;
    if (room.size == 0)
        return;
    memset(room.start, 0, room.size);
    for (size_t i = 0; i < count && used + 1 < room.size; i++) {
        size_t length = strnlen(texts[i], room.size - used - 1);
        memcpy(room.start + used, texts[i], length);
        used += length + 1;
    }
}

/* The texts of a process follow each other, each with its NUL. */
static struct room room_of(char **texts)
{
    struct room room = {texts[0], 0};
    for (size_t i = 0; texts[i] != NULL; i++)
        room.size = (size_t)(texts[i] + strlen(texts[i]) + 1 - room.start);
    return room;
}

/* When a process started, in clock ticks since the boot (proc_pid_stat(5)); 0 when that cannot be read. */
static uint64_t start_of(pid_t pid)
{
    char path[32], text[1024], *at;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = 0;
    if ((at = strrchr(text, ')')) == NULL)
        return 0;
    for (int field = 2; field < 22 && at != NULL; field++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

/* The usual number of open files, and no niceness of the worker's, as far as we may. */
static int set_own_limits(int open_files)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return -1;
    files.rlim_cur = (rlim_t)open_files < files.rlim_max ? (rlim_t)open_files : files.rlim_max;
    if (getpriority(PRIO_PROCESS, 0) != 0)
        setpriority(PRIO_PROCESS, 0, 0);
    return setrlimit(RLIMIT_NOFILE, &files);
}

static int supervise_job(char **argv, char **environment);

/* Runs in the child, and never returns. Ends by KILL when nothing could be recorded, or run as it should be. */
static void become_shim(const struct head *head, const struct launch *order, int folder, int gate, int log)
{
    prctl(PR_SET_NAME, "jobwarden-shim");
    fill(variables_room, order->variables, head->marks);
    fill(arguments_room, order->argv, 4 + head->arguments);
    __atomic_store_n(&places[head->place].ready, 1, __ATOMIC_RELEASE);
    munmap((void *)places, MOST_PLACES * sizeof *places);
    if (setsid() < 0 || fchdir(folder) != 0 || dup2(log, LOG) < 0 || dup2(log, 2) < 0 || dup2(gate, GATE) < 0 ||
        prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || set_own_limits(head->open_files) != 0)
        kill(getpid(), SIGKILL);
    close_from(GATE + 1);
    _exit(supervise_job(order->argv, order->variables));
}

/* Another process, whose parent is ours: the worker. */
static pid_t fork_shim(uint32_t place)
{
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, NULL, &places[place].pid, NULL, 0UL);
}

static void start_shim(const struct head *head, const struct launch *order, int folder)
{
    int gate[2] = {-1, -1};
    int log = openat(folder, "output.log", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (log < 0 || pipe2(gate, O_CLOEXEC) != 0) {
        answer(head->place, DESCRIPTORS, 0, errno, 0);
        if (log >= 0)
            close(log);
        remove_folder(folder, order);
        return;
    }
    pid_t pid = fork_shim(head->place);
    int error = errno;
    if (pid == 0)
        become_shim(head, order, folder, gate[0], log);
    close(gate[0]);
    close(log);
    if (pid < 0) {
        close(gate[1]);
        remove_folder(folder, order);
        answer(head->place, FORK, 0, error, 0);
        return;
    }
    point("launch-forked");
    uint64_t ticks = start_of(pid);
    if (ticks == 0 || write_identity(folder, order, pid, ticks) != 0) {
        error = errno;
        close(gate[1]); /* it ends at once */
        answer(head->place, IDENTITY, pid, error, 0);
        return;
    }
    gates[head->place] = gate[1];
    answer(head->place, DONE, pid, 0, ticks);
    point("launch-answered");
}

static void launch(const struct head *head, char *text)
{
    struct launch order = {0};
    int folder, step = ORDERS;
    memset(&orders, 0, sizeof orders);
    places[head->place].pid = places[head->place].ready = 0;
    if (gates[head->place] >= 0 || !cut(head, text, &order) || !parse_orders(order.orders)) {
        answer(head->place, step, 0, EINVAL, 0);
    } else {
        step = make_folder(head, &order, &folder);
        point("launch-folder");
        if (step == DONE)
            start_shim(head, &order, folder);
        else
            answer(head->place, (uint32_t)step, 0, errno, 0);
        if (folder >= 0)
            close(folder);
    }
    explicit_bzero(&orders, sizeof orders);
    free(order.argv);
}

/* Let go those behind the gates of these places, or shut them. */
static void settle(uint32_t kind, const uint32_t *named, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t place = named[i];
        if (place >= MOST_PLACES || gates[place] < 0) {
            answer(place, ORDERS, 0, EINVAL, 0);
            continue;
        }
        int let_go = kind == OPEN && write(gates[place], "G", 1) == 1; /* EPIPE: killed meanwhile, it never will */
        close(gates[place]);
        gates[place] = -1;
        answer(place, DONE, let_go, 0, 0);
        point("launch-opened");
    }
}

static int serve(char **argv, char **variables)
{
    struct head head;
    arm(getenv("JOBWARDEN_FAULT"));
    arguments_room = room_of(argv);
    variables_room = room_of(variables);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* stopped, it would hold the gates of a dead worker for ever */
    prctl(PR_SET_NAME, "jobwarden-serve");
    if ((program = strdup(argv[0])) == NULL)
        return NOT_RUN;
    fill(arguments_room, (char *[]){program, "--serve"}, 2);
    places = mmap(NULL, MOST_PLACES * sizeof *places, PROT_READ | PROT_WRITE, MAP_SHARED, PLACES, 0);
    if (places == MAP_FAILED)
        return NOT_RUN;
    close_from(SOCKET + 1);
    for (size_t i = 0; i < MOST_PLACES; i++)
        gates[i] = -1;
    for (;;) {
        take(&head, sizeof head);
        char *text = head.size <= MOST_TEXT ? malloc(head.size + 1) : NULL;
        if (text == NULL || head.place >= MOST_PLACES)
            return NOT_RUN;
        take(text, head.size);
        point("launch-read");
        if (head.kind == LAUNCH)
            launch(&head, text);
        else
            settle(head.kind, (const uint32_t *)text, head.size / sizeof(uint32_t));
        explicit_bzero(text, head.size);
        free(text);
    }
}

#endif
