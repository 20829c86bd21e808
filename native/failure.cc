#include "failure.h"
#include <bpf/libbpf.h>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

/* A rejected program's log can be megabytes; the reason stands at its end. */
static const size_t LOG_KEPT = 16384;
static thread_local BpfLog *current;

BpfLog::BpfLog() : outer_(current)
{
	current = this;
}

BpfLog::~BpfLog()
{
	current = outer_;
}

void BpfLog::append(const char *line)
{
	text_ += line;
	if (text_.size() > 2 * LOG_KEPT)
		text_.erase(0, text_.size() - LOG_KEPT);
}

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *line = nullptr;

	if (level == LIBBPF_DEBUG || !current)
		return 0;
	if (vasprintf(&line, format, arguments) < 0)
		return 0;
	current->append(line);
	free(line);
	return 0;
}

void captureBpfLog()
{
	libbpf_set_print(print);
}

Napi::Error failure(Napi::Env env, const std::string &message, int error, const std::string &log)
{
	int number = error < 0 ? -error : error;
	const char *name = strerrorname_np(number);
	Napi::Error thrown = Napi::Error::New(env, message + ": " + strerror(number));

	thrown.Set("code", Napi::String::New(env, name ? name : "EUNKNOWN"));
	thrown.Set("log", Napi::String::New(env,
				  log.size() > LOG_KEPT ? log.substr(log.size() - LOG_KEPT) : log));
	return thrown;
}
