/*
 * Stands between a process and the C library, below one directory: makes the Nth call of a kind
 * fail, be short, lie or be the last one, and writes down what was done, in order.
 *
 * Built and used by shim.py, which has the same numbers. Calls below the directory are made one
 * at a time, so that the order in the log is the order in which they were done.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE, FDATASYNC, FSYNC, RENAME, OPEN, FTRUNCATE, MKDIR, FLOCK, UNLINK, READ, CLOSE, NOTE };
enum { NOTHING, FAIL, SHORT, SHORT_THEN_FAIL, KILL_BEFORE, KILL_AFTER, KILL_WITHIN, LIE };
enum { FILES = 4096 };

struct entry {
    int32_t kind, file, error, struck;
    int64_t result, offset, path_size, data_size;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char root[4096];
static char is_watched[FILES];
static int log_file = -1, armed_kind = -1, armed_action, armed_error;
static long wait_calls;
static long hits, calls[NOTE + 1];
/* After a short write that is to be followed by an error: the kind whose next call fails. */
static int fails_next = -1;

void shim_watch(const char *directory, int log) {
    memset(is_watched, 0, sizeof is_watched);
    memset(calls, 0, sizeof calls);
    strncpy(root, directory, sizeof root - 1);
    log_file = log;
    hits = 0;
    armed_kind = fails_next = -1;
}

void shim_arm(int kind, long nth, int action, int error) {
    armed_kind = kind, wait_calls = nth, armed_action = action, armed_error = error;
}

long shim_hits(void) { return hits; }
long shim_calls(int kind) { return calls[kind]; }

static int is_below(const char *path) {
    size_t size = strlen(root);
    return size && !strncmp(path, root, size) && (path[size] == '/' || !path[size]);
}

static int is_file(int file) { return file >= 0 && file < FILES && is_watched[file]; }

static void write_down(struct entry e, const char *path, const void *data) {
    struct iovec parts[3] = {{&e, sizeof e}, {(void *)path, 0}, {(void *)data, 0}};
    parts[1].iov_len = e.path_size = path ? strlen(path) : 0;
    parts[2].iov_len = e.data_size = data && e.data_size > 0 ? e.data_size : 0;
    if (log_file >= 0) syscall(SYS_writev, log_file, parts, 3);
}

void shim_note(const char *data, long size) {
    pthread_mutex_lock(&mutex);
    write_down((struct entry){.kind = NOTE, .data_size = size}, NULL, data);
    pthread_mutex_unlock(&mutex);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* What is to be done with this call instead; with the mutex held. */
static int strike(int kind) {
    calls[kind]++;
    if (fails_next == kind) {
        fails_next = -1;
        return FAIL;
    }
    if (armed_kind != kind || --wait_calls) return NOTHING;
    hits++;
    armed_kind = -1;
    if (armed_action == KILL_BEFORE) die();
    if (armed_action == SHORT_THEN_FAIL) fails_next = kind;
    return armed_action;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* One call: struck or made, written down, and whoever is to die after it dies. */
#define CALL(KIND, FILE, OFFSET, PATH, DATA, SIZE, MADE)                                      \
    pthread_mutex_lock(&mutex);                                                               \
    int action = strike(KIND);                                                                \
    int64_t result = action == FAIL ? -1 : action == LIE ? 0 : (MADE);                        \
    int error = action == FAIL ? armed_error : errno;                                         \
    struct entry e = {KIND, FILE, result < 0 ? error : 0, action, result, OFFSET, 0,          \
                      KIND == WRITE ? result : (int64_t)(SIZE)};                              \
    write_down(e, PATH, DATA);                                                                \
    if (action == KILL_AFTER || action == KILL_WITHIN) die();                                 \
    pthread_mutex_unlock(&mutex);                                                             \
    errno = error

static size_t cut(int action, size_t size) {
    return action == SHORT || action == SHORT_THEN_FAIL || action == KILL_WITHIN
               ? (size + 1) / 2 : size;
}

static ssize_t written(int file, const void *data, size_t size, off64_t offset) {
    if (!is_file(file)) return REAL(pwrite64)(file, data, size, offset);
    CALL(WRITE, file, offset, NULL, data, 0,
         REAL(pwrite64)(file, data, cut(action, size), offset));
    return result;
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
    return written(file, data, size, offset);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t offset) {
    return written(file, data, size, offset);
}

static ssize_t was_read(int file, void *data, size_t size, off64_t offset) {
    if (!is_file(file)) return REAL(pread64)(file, data, size, offset);
    CALL(READ, file, offset, NULL, NULL, 0, REAL(pread64)(file, data, cut(action, size), offset));
    return result;
}
ssize_t pread64(int file, void *data, size_t size, off64_t offset) {
    return was_read(file, data, size, offset);
}
ssize_t pread(int file, void *data, size_t size, off_t offset) {
    return was_read(file, data, size, offset);
}

int fdatasync(int file) {
    if (!is_file(file)) return REAL(fdatasync)(file);
    CALL(FDATASYNC, file, 0, NULL, NULL, 0, REAL(fdatasync)(file));
    return result;
}

int fsync(int file) {
    if (!is_file(file)) return REAL(fsync)(file);
    CALL(FSYNC, file, 0, NULL, NULL, 0, REAL(fsync)(file));
    return result;
}

static int truncated(int file, off64_t size) {
    if (!is_file(file)) return REAL(ftruncate64)(file, size);
    CALL(FTRUNCATE, file, size, NULL, NULL, 0, REAL(ftruncate64)(file, size));
    return result;
}
int ftruncate64(int file, off64_t size) { return truncated(file, size); }
int ftruncate(int file, off_t size) { return truncated(file, size); }

int flock(int file, int operation) {
    static int (*real)(int, int);
    if (!real) real = dlsym(RTLD_NEXT, "flock");
    if (!is_file(file)) return real(file, operation);
    CALL(FLOCK, file, operation, NULL, NULL, 0, real(file, operation));
    return result;
}

int rename(const char *old, const char *new) {
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    if (!is_below(old)) return real(old, new);
    CALL(RENAME, -1, 0, old, new, strlen(new), real(old, new));
    return result;
}

int mkdir(const char *path, mode_t mode) {
    int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");
    if (!is_below(path)) return real(path, mode);
    CALL(MKDIR, -1, 0, path, NULL, 0, real(path, mode));
    return result;
}

int unlink(const char *path) {
    if (!is_below(path)) return REAL(unlink)(path);
    CALL(UNLINK, -1, 0, path, NULL, 0, REAL(unlink)(path));
    return result;
}

static int opened(const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    if (!is_below(path)) return real(path, flags, mode);
    CALL(OPEN, -1, flags, path, NULL, 0, real(path, flags, mode));
    if (result >= 0 && result < FILES) is_watched[result] = 1;
    return result;
}

#define MODE                                                                                  \
    va_list more;                                                                             \
    va_start(more, flags);                                                                    \
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;                                 \
    va_end(more)

int open64(const char *path, int flags, ...) {
    MODE;
    return opened(path, flags, mode);
}
int open(const char *path, int flags, ...) {
    MODE;
    return opened(path, flags, mode);
}

int close(int file) {
    if (!is_file(file)) return REAL(close)(file);
    /* Before it is closed: its number may be another file's at once. */
    CALL(CLOSE, file, 0, NULL, NULL, 0, (is_watched[file] = 0, REAL(close)(file)));
    return result;
}
