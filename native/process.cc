/* Processes by descriptor: a pid can be another process by the time a signal is sent, a pidfd
 * cannot. */
#include "process.h"
#include "failure.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

Napi::Value pidfdOpen(const Napi::CallbackInfo &info)
{
	int pid = info[0].As<Napi::Number>().Int32Value();
	int fd = int(syscall(SYS_pidfd_open, pid, 0));

	if (fd < 0)
		throw failure(info.Env(), "cannot open process " + std::to_string(pid), errno);
	return Napi::Number::New(info.Env(), fd);
}

Napi::Value pidfdSendSignal(const Napi::CallbackInfo &info)
{
	int fd = info[0].As<Napi::Number>().Int32Value();
	int signal = info[1].As<Napi::Number>().Int32Value();

	if (syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0))
		throw failure(info.Env(), "cannot signal the process", errno);
	return info.Env().Undefined();
}
