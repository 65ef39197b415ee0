// The readers of the fan-out cases, in C: Node's client takes more CPU for a delivery than the servers, and would be what is
// measured. Reads commands from stdin, a line each, and answers each with a line on stdout:
//
//   join PORT COUNT    opens readers of GET /fan; the time until all have the head of their response, us
//   fan N SIZE MS      publishes N messages at a time, the next when all readers have the last, for MS:
//                      deliveries, us, CPU us, then the latencies in us of every 16th delivery
//
// It ends with an error where a reader gets more or fewer messages than were published, or another last one than the others.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define OPENING 1000 // connections opened at the same time, well under the backlog of the servers
#define TAIL 512
#define SAMPLE 16
#define MOST_SAMPLES (1 << 20)
#define QUIET 100 // ms without a byte after which a server has said all that it says first by itself

struct reader { int fd; int has_head; char last; char tail[TAIL]; };

static struct reader *readers;
static int count, joined, epoll, publisher, port;
static char buffer[256 * 1024];
static long seen, measured;
static double latencies[MOST_SAMPLES];

static void fail (const char *why) { fprintf(stderr, "fan-reader: %s\n", why); exit(1); }

/* The monotonic clock, which the servers share, us. */
static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double cpu (void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static int open_connection (void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof address) < 0) fail("cannot connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void watch (int fd, int index) {
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = index };
  fcntl(fd, F_SETFL, O_NONBLOCK);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("cannot watch a connection");
}

static void send_text (int fd, const char *text) {
  if (write(fd, text, strlen(text)) != (ssize_t) strlen(text)) fail("cannot send a request");
}

/* The digits of `ts`, the last member of the payload of the frame that ends at `end`: the brace before them ends its last line, or
   the one before that, where an `id` line is the last. */
static void measure (const char *end, double at) {
  const char *p = end - 1;
  if (*p != '}') p = memrchr(buffer, '\n', p - buffer);
  if (p == NULL || p - buffer < 20) return;
  if (*p == '\n') p--;
  double sent = 0, unit = 1;
  for (p--; p > buffer && *p >= '0' && *p <= '9'; p--, unit *= 10) sent += (*p - '0') * unit;
  if (sent > 0) latencies[measured++ % MOST_SAMPLES] = at - sent;
}

/* Counts the frames that end in what one reader has received. */
static long take (struct reader *reader, ssize_t length) {
  long frames = reader->last == '\n' && buffer[0] == '\n';
  const char *end = buffer + length;
  seen += frames;
  for (const char *p = buffer; (p = memmem(p, end - p, "\n\n", 2)) != NULL; p += 2, frames++) {
    if (seen++ % SAMPLE == 0 && p > buffer) measure(p, now());
  }
  reader->last = end[-1];
  if (length >= TAIL) {
    memcpy(reader->tail, end - TAIL, TAIL);
  } else {
    memmove(reader->tail, reader->tail + length, TAIL - length);
    memcpy(reader->tail + TAIL - length, buffer, length);
  }
  return frames;
}

/* Reads what there is, or waits for it, up to `timeout` ms, or for ever where that is -1; the frames, or -1 where there was nothing. */
static long pass (int timeout, int *answers) {
  static struct epoll_event events[1024];
  int ready = epoll_wait(epoll, events, 1024, timeout);
  long frames = 0;
  if (ready < 0) fail("cannot wait");
  for (int i = 0; i < ready; i++) {
    int index = events[i].data.u32;
    ssize_t length = read(index < 0 ? publisher : readers[index].fd, buffer, sizeof buffer);
    if (length <= 0) fail("a connection was closed");
    if (index < 0) {
      if (answers != NULL) (*answers)++;
      continue;
    }
    if (!readers[index].has_head) {
      if (length < 12 || memcmp(buffer, "HTTP/1.1 200", 12) != 0) fail("the status is not 200");
      readers[index].has_head = 1;
      joined++;
    }
    frames += take(&readers[index], length);
  }
  return ready == 0 ? -1 : frames;
}

static void join (int target, int more) {
  port = target;
  readers = calloc(more, sizeof *readers);
  double started = now();
  while (count < more) {
    int end = count + OPENING < more ? count + OPENING : more;
    for (; count < end; count++) {
      readers[count].fd = open_connection();
      send_text(readers[count].fd, "GET /fan HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n");
      watch(readers[count].fd, count);
    }
    while (joined < count) pass(-1, NULL);
  }
  printf("%.0f\n", now() - started);
  while (pass(QUIET, NULL) >= 0) continue;
  watch(publisher = open_connection(), -1);
}

/* The id in the last event of a reader; -1 where there is none. */
static long last_id (const struct reader *reader) {
  for (const char *p = reader->tail + TAIL - 5; p >= reader->tail; p--) if (memcmp(p, "\"id\":", 5) == 0) return atol(p + 5);
  return -1;
}

static void fan (int n, int size, double ms) {
  char request[128];
  long deliveries = 0;
  sprintf(request, "POST /publish?n=%d&size=%d HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n", n, size);
  measured = 0;
  double used = cpu(), started = now();
  while (now() - started < ms * 1000) {
    int answers = 0;
    long due = (long) count * n;
    send_text(publisher, request);
    while (due > 0 || answers == 0) due -= pass(-1, &answers);
    if (due < 0) fail("more messages arrived than were published");
    deliveries += (long) count * n;
  }
  double took = now() - started;
  used = cpu() - used;
  for (int i = 0; i < count; i++) if (last_id(&readers[i]) < 0 || last_id(&readers[i]) != last_id(&readers[0])) fail("readers ended at different messages");
  printf("%ld %.0f %.0f", deliveries, took, used);
  for (long i = 0; i < measured && i < MOST_SAMPLES; i++) printf(" %.0f", latencies[i]);
  printf("\n");
}

int main (void) {
  char line[128];
  int a, b, c;
  epoll = epoll_create1(0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "join %d %d", &a, &b) == 2) join(a, b);
    else if (sscanf(line, "fan %d %d %d", &a, &b, &c) == 3) fan(a, b, c);
    else fail("an unknown command");
    fflush(stdout);
  }
  return 0;
}
