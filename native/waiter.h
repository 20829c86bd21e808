/* A thread asleep in epoll on ring maps, which calls one JavaScript function when there is
 * something to read. */
#pragma once
#include <napi.h>
#include <thread>

class Waiter : public Napi::ObjectWrap<Waiter>
{
      public:
	static Napi::Function define(Napi::Env env);
	/* (wake: () => void, pauseUs: number): after a wake-up the thread lets pauseUs pass, so
	 * that records gather. */
	explicit Waiter(const Napi::CallbackInfo &info);
	~Waiter() override;

      private:
	Napi::Value add(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);
	static void atExit(void *waiter);
	void run();
	void stop();

	napi_env env_ = nullptr;
	napi_threadsafe_function wake_ = nullptr;
	std::thread thread_;
	uint32_t pauseUs_ = 0;
	int epoll_ = -1;
	int stop_ = -1;
};
