/* libbpf answers with negative errno values and prints its reasons: both become one JavaScript
 * error. */
#pragma once
#include <napi.h>
#include <string>

/* Collects what libbpf prints on this thread for as long as it lives. */
class BpfLog
{
      public:
	BpfLog();
	~BpfLog();
	BpfLog(const BpfLog &) = delete;
	BpfLog &operator=(const BpfLog &) = delete;
	const std::string &text() const
	{
		return text_;
	}
	void append(const char *line);

      private:
	BpfLog *outer_;
	std::string text_;
};

/* Error with `code` (ENOENT, EPERM, ...) and `log` (libbpf's last words, the verifier's included).
 */
Napi::Error failure(
	Napi::Env env, const std::string &message, int error, const std::string &log = "");

/* Installs the collector; libbpf has one printer a process, so doing it again is harmless. */
void captureBpfLog();
