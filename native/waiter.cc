#include "waiter.h"
#include "failure.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

Napi::Function Waiter::define(Napi::Env env)
{
	return DefineClass(env, "Waiter",
		{InstanceMethod("add", &Waiter::add), InstanceMethod("close", &Waiter::close)});
}

Waiter::Waiter(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Waiter>(info)
{
	Napi::Env env = info.Env();

	if (!info[0].IsFunction())
		throw Napi::TypeError::New(env, "wake is a function");
	pauseUs_ = info[1].As<Napi::Number>().Uint32Value();
	epoll_ = epoll_create1(EPOLL_CLOEXEC);
	stop_ = eventfd(0, EFD_CLOEXEC);
	epoll_event event = {EPOLLIN, {.fd = stop_}};
	if (epoll_ < 0 || stop_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, stop_, &event)) {
		int error = errno;
		stop();
		throw failure(env, "cannot wait", error);
	}
	/* A queue of one: a wake-up that is still to be delivered stands for all that follow. */
	/* The plain API: its C++ wrapper throws through C when a worker ends with a wake-up under
	 * way. */
	if (napi_create_threadsafe_function(env, info[0], nullptr,
		    Napi::String::New(env, "riposte waiter"), 1, 1, nullptr, nullptr, nullptr,
		    nullptr, &wake_) != napi_ok) {
		stop();
		throw failure(env, "cannot wait", ENOMEM);
	}
	/* Hooks run last in, first out: the thread ends before the function it calls does. */
	env_ = env;
	napi_add_env_cleanup_hook(env_, atExit, this);
	thread_ = std::thread([this] { run(); });
}

Waiter::~Waiter()
{
	if (env_)
		napi_remove_env_cleanup_hook(env_, atExit, this);
	stop();
}

void Waiter::atExit(void *waiter)
{
	static_cast<Waiter *>(waiter)->stop();
}

Napi::Value Waiter::add(const Napi::CallbackInfo &info)
{
	int fd = info[0].As<Napi::Number>().Int32Value();
	/* Edge-triggered: JavaScript drains, so an unread ring must not keep the thread spinning.
	 */
	epoll_event event = {EPOLLIN | EPOLLET, {.fd = fd}};

	if (epoll_ < 0)
		throw failure(info.Env(), "the waiter is closed", EBADF);
	if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event))
		throw failure(info.Env(), "cannot wait for this descriptor", errno);
	return info.Env().Undefined();
}

Napi::Value Waiter::close(const Napi::CallbackInfo &info)
{
	stop();
	return info.Env().Undefined();
}

void Waiter::run()
{
	epoll_event events[8];
	pollfd stopped = {stop_, POLLIN, 0};
	timespec pause = {0, long(pauseUs_) * 1000};

	for (;;) {
		int count = epoll_wait(epoll_, events, 8, -1);
		if (count < 0 && errno != EINTR)
			return;
		for (int i = 0; i < count; i++)
			if (events[i].data.fd == stop_)
				return;
		if (count > 0 && napi_call_threadsafe_function(
					 wake_, nullptr, napi_tsfn_nonblocking) == napi_closing)
			return;
		if (ppoll(&stopped, 1, &pause, nullptr) > 0)
			return;
	}
}

void Waiter::stop()
{
	if (thread_.joinable()) {
		eventfd_write(stop_, 1);
		thread_.join();
		napi_release_threadsafe_function(wake_, napi_tsfn_release);
	}
	for (int *fd : {&epoll_, &stop_}) {
		if (*fd >= 0)
			::close(*fd);
		*fd = -1;
	}
}
