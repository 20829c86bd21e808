#include "link.h"
#include "failure.h"
#include <bpf/bpf.h>
#include <cstring>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * One perf event opens the tracepoint on every CPU for a BPF program. libbpf would look the number
 * up in a mounted tracefs; ours may be mounted nowhere (tracefs.cc).
 */
static bpf_link *attachTracepoint(const bpf_program *program, uint32_t id)
{
	perf_event_attr event;
	memset(&event, 0, sizeof(event));
	event.size = sizeof(event);
	event.type = PERF_TYPE_TRACEPOINT;
	event.config = id;
	int fd = int(syscall(SYS_perf_event_open, &event, -1, 0, -1, PERF_FLAG_FD_CLOEXEC));

	if (fd < 0)
		return nullptr;
	bpf_link *link = bpf_program__attach_perf_event(program, fd);
	if (!link) {
		int error = errno;
		close(fd);
		errno = error;
	}
	return link;
}

static bpf_link *attachCgroup(const bpf_program *program, const std::string &path)
{
	int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return nullptr;
	bpf_link *link = bpf_program__attach_cgroup(program, fd);
	int error = errno;
	close(fd);
	errno = error;
	return link;
}

bpf_link *attachProgram(Napi::Env env, const bpf_program *program, Napi::Value target)
{
	if (target.IsUndefined())
		return bpf_program__attach(program);
	if (!target.IsObject())
		throw Napi::TypeError::New(env, "a target is an object");
	Napi::Object choice = target.As<Napi::Object>();
	if (choice.Get("tracepointId").IsNumber())
		return attachTracepoint(
			program, choice.Get("tracepointId").As<Napi::Number>().Uint32Value());
	return attachCgroup(program, choice.Get("cgroup").As<Napi::String>().Utf8Value());
}

static std::string readToEnd(Napi::Env env, int fd)
{
	std::string text;
	char chunk[65536];
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			throw failure(env, "cannot read the iterator", errno);
		if (got > 0)
			text.append(chunk, size_t(got));
	}
	return text;
}

Napi::Value readIterator(Napi::Env env, const bpf_program *program)
{
	bpf_link *link = bpf_program__attach_iter(program, nullptr);
	if (!link)
		throw failure(env, "cannot attach the iterator", errno);
	int fd = bpf_iter_create(bpf_link__fd(link));
	int error = errno;
	bpf_link__destroy(link);
	if (fd < 0)
		throw failure(env, "cannot open the iterator", error);
	try {
		std::string text = readToEnd(env, fd);
		close(fd);
		return Napi::Buffer<char>::Copy(env, text.data(), text.size());
	} catch (...) {
		close(fd);
		throw;
	}
}
