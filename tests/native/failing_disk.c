/* A file layer that can fail: loaded in front of the C library, it lets one call of the program fail, or that one and
 * all that follow. Only calls on files below one folder count; reading never fails.
 *
 * FAULT_UNDER    the folder; relative paths count as below it
 * FAULT_CALL     open (for writing, or making a folder), write, sync or rename
 * FAULT_AT       the number of the call that fails, from 1
 * FAULT_ERROR    the error number
 * FAULT_FOR_GOOD every later call of the same kind fails too
 * FAULT_MARK     a file outside that is made when the call has failed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 65536
static unsigned char ours[FILES];
static long seen;

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static int is_under(const char *path) {
  const char *folder = setting("FAULT_UNDER");
  size_t length = strlen(folder);
  if (length == 0 || path == NULL) return 0;
  return path[0] != '/' || strncmp(path, folder, length) == 0;
}

static int is_ours(int file) { return file >= 0 && file < FILES && ours[file]; }

/* Whether this call is the one that fails. */
static int fails(const char *call) {
  if (strcmp(call, setting("FAULT_CALL")) != 0) return 0;
  long number = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
  long at = atol(setting("FAULT_AT"));
  if (number != at && !(number > at && *setting("FAULT_FOR_GOOD"))) return 0;
  long mark = syscall(SYS_openat, AT_FDCWD, setting("FAULT_MARK"), O_CREAT | O_WRONLY, 0600);
  if (mark >= 0) syscall(SYS_close, mark);
  errno = atoi(setting("FAULT_ERROR"));
  return 1;
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int opened(int file, int under) {
  if (file >= 0 && file < FILES) ours[file] = (unsigned char)under;
  return file;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
      va_list more; \
      va_start(more, flags); \
      mode = (mode_t)va_arg(more, int); \
      va_end(more); \
    } \
    int under = is_under(path); \
    if (under && (flags & O_ACCMODE) != O_RDONLY && fails("open")) return -1; \
    return opened(real(path, flags, mode), under); \
  }
OPEN(open)
OPEN(open64)

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  if (is_under(path) && fails("open")) return -1;
  return real(path, mode);
}

int close(int file) {
  REAL(close);
  if (file >= 0 && file < FILES) ours[file] = 0;
  return real(file);
}

ssize_t write(int file, const void *bytes, size_t length) {
  REAL(write);
  if (is_ours(file) && fails("write")) return -1;
  return real(file, bytes, length);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  REAL(writev);
  if (is_ours(file) && fails("write")) return -1;
  return real(file, parts, count);
}

#define PWRITE(name, offset_type) \
  ssize_t name(int file, const void *bytes, size_t length, offset_type offset) { \
    REAL(name); \
    if (is_ours(file) && fails("write")) return -1; \
    return real(file, bytes, length, offset); \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, offset_type) \
  int name(int file, offset_type length) { \
    REAL(name); \
    if (is_ours(file) && fails("write")) return -1; \
    return real(file, length); \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
  int name(int file) { \
    REAL(name); \
    if (is_ours(file) && fails("sync")) return -1; \
    return real(file); \
  }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
  REAL(rename);
  if (is_under(to) && fails("rename")) return -1;
  return real(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  REAL(renameat);
  if (is_under(to) && fails("rename")) return -1;
  return real(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  REAL(renameat2);
  if (is_under(to) && fails("rename")) return -1;
  return real(from_folder, from, to_folder, to, flags);
}
