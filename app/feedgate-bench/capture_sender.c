/* SPDX-License-Identifier: MIT */
/*
 * The sender: a process in a namespace of its own, on a processor of its own. A veth interface
 * delivers packets on the sending processor, so the sender also pays for their way to the
 * receiving socket's ring or queue.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"

/* If the sender is later than this, it shifts the schedule instead of catching up. */
#define BEHIND_NS 1000000u

/* The state of the sending process. */
struct sending {
	struct sender_view *view;
	int socket; /* -1: not attached yet. */
	uint8_t *frames;
	uint32_t frame_bytes;
	struct iovec vectors[SENDER_BURST_MAX];
	struct mmsghdr messages[SENDER_BURST_MAX];
};

/* Asks the sender to use the interfaces that were just made. */
static const struct sender_order attach_order = {.count = 0, .frame_bytes = 0};

uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int attach(struct sending *s)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	struct fg_error error;
	const int yes = 1;

	if (s->socket >= 0)
		close(s->socket);
	s->socket = -1;
	if (net_set_up(INTERFACE_SEND, &error) != 0)
		return ENETDOWN;
	to.sll_ifindex = (int)if_nametoindex(INTERFACE_SEND);
	s->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->socket < 0 ||
	    setsockopt(s->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)) != 0 ||
	    bind(s->socket, (const struct sockaddr *)&to, sizeof(to)) != 0)
		return errno;
	return 0;
}

static int make_frames(struct sending *s, uint32_t bytes)
{
	if (s->frame_bytes == bytes)
		return 0;
	free(s->frames);
	s->frame_bytes = 0;
	s->frames = malloc((size_t)CAPTURE_FRAMES * bytes);
	if (s->frames == NULL)
		return ENOMEM;
	frames_make(s->frames, bytes);
	s->frame_bytes = bytes;
	return 0;
}

/* @p count packets from number @p first on. @return 0 or errno. */
static int send_burst(struct sending *s, uint64_t first, uint32_t count)
{
	const uint64_t now_ns = realtime_ns();
	uint32_t done = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t *frame = s->frames + (first + i) % CAPTURE_FRAMES * s->frame_bytes;

		memcpy(frame + STAMP_OFFSET, &now_ns, sizeof(now_ns));
		s->vectors[i] = (struct iovec){frame, s->frame_bytes};
		s->messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &s->vectors[i], .msg_iovlen = 1};
	}
	while (done < count) {
		const int sent = sendmmsg(s->socket, s->messages + done, count - done, 0);

		if (sent > 0) {
			done += (uint32_t)sent;
			s->view->sent += (uint32_t)sent;
		} else if (errno == ENOBUFS) {
			/* The receiver's queue is full: the packet is lost, as on a real network.
			 */
			done++;
			s->view->refused++;
		} else if (errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

/* Spin until @p due_ns. @return it, or the time now if that is much later. */
static uint64_t wait_until(uint64_t due_ns)
{
	uint64_t now_ns = monotonic_ns();

	if (now_ns > due_ns + BEHIND_NS)
		return now_ns;
	while (now_ns < due_ns)
		now_ns = monotonic_ns();
	return due_ns;
}

static int carry_out(struct sending *s, const struct sender_order *order)
{
	int code = make_frames(s, order->frame_bytes);
	const uint64_t begin_ns = monotonic_ns();
	const double gap_ns = order->pps > 0 ? 1e9 * order->burst / (double)order->pps : 0;
	uint64_t start_ns = begin_ns, bursts = 0;

	for (uint64_t i = 0; code == 0 && i < order->count; i += order->burst) {
		const uint64_t left = order->count - i;
		const uint64_t due_ns = start_ns + (uint64_t)((double)bursts++ * gap_ns);
		const uint64_t at_ns = gap_ns > 0 ? wait_until(due_ns) : due_ns;

		start_ns += at_ns - due_ns;
		/* However busy the machine is, the first burst is sent. */
		if (i > 0 && order->duration_ns > 0 &&
		    monotonic_ns() - begin_ns >= order->duration_ns)
			break;
		code = send_burst(s, i, left < order->burst ? (uint32_t)left : order->burst);
	}
	s->view->took_ns = monotonic_ns() - begin_ns;
	return code;
}

static _Noreturn void serve(struct sending *s, int control)
{
	struct sender_order order;

	while (read(control, &order, sizeof(order)) == (ssize_t)sizeof(order)) {
		s->view->sent = 0;
		s->view->refused = 0;
		s->view->took_ns = 0;
		s->view->code = order.count == 0 ? attach(s) : carry_out(s, &order);
		atomic_store_explicit(&s->view->done, true, memory_order_release);
		if (write(control, "", 1) != 1)
			break;
	}
	_exit(0);
}

static _Noreturn void sender_main(struct sender_view *view, int control)
{
	static struct sending s;
	struct fg_error error = {0};
	int processor, reader;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	net_processors(&processor, &reader);
	s.view = view;
	s.socket = -1;
	view->code = -net_enter_own(&error);
	if (view->code == 0)
		view->code = -net_pin(processor, &error);
	if (write(control, "", 1) == 1 && view->code == 0)
		serve(&s, control);
	_exit(0);
}

int sender_start(struct sender *sender, struct fg_error *error)
{
	int ends[2];

	sender->view = mmap(NULL, sizeof(*sender->view), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sender->view == MAP_FAILED)
		return fg_error_set(error, errno, "sender: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return fg_error_set(error, errno, "sender: %s", strerror(errno));
	sender->pid = fork();
	if (sender->pid < 0)
		return fg_error_set(error, errno, "sender: %s", strerror(errno));
	if (sender->pid == 0) {
		close(ends[0]);
		sender_main(sender->view, ends[1]);
	}
	close(ends[1]);
	sender->control = ends[0];
	return sender_wait(sender, error);
}

int sender_wait(struct sender *sender, struct fg_error *error)
{
	char byte;
	ssize_t got;

	do
		got = read(sender->control, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		return fg_error_set(error, EPIPE, "sender: it ended too soon");
	if (sender->view->code != 0)
		return fg_error_set(error, sender->view->code, "sender: %s",
				    strerror(sender->view->code));
	return 0;
}

int sender_begin(struct sender *sender, const struct sender_order *order, struct fg_error *error)
{
	atomic_store_explicit(&sender->view->done, false, memory_order_relaxed);
	if (write(sender->control, order, sizeof(*order)) == (ssize_t)sizeof(*order))
		return 0;
	return fg_error_set(error, errno, "sender: it does not accept orders: %s", strerror(errno));
}

int sender_attach(struct sender *sender, struct fg_error *error)
{
	const int rc = sender_begin(sender, &attach_order, error);

	return rc == 0 ? sender_wait(sender, error) : rc;
}
