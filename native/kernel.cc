#include "kernel.h"
#include "failure.h"
#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

/* A detached mount: readable through its descriptor, visible in no mount table, gone when it is
 * closed. */
Napi::Value openTracefs(const Napi::CallbackInfo &info)
{
	int root = -1;
	int error = 0;
	int context = int(syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC));

	if (context < 0)
		throw failure(info.Env(), "the kernel has no tracefs", errno);
	if (!syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0))
		root = int(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0));
	error = errno;
	close(context);
	if (root < 0)
		throw failure(info.Env(), "cannot open tracefs", error);
	return Napi::Number::New(info.Env(), root);
}

Napi::Value kernelHas(const Napi::CallbackInfo &info)
{
	std::string kind = info[0].As<Napi::String>().Utf8Value();
	std::string name = info[1].As<Napi::String>().Utf8Value();
	BpfLog log;
	btf *types = btf__load_vmlinux_btf();

	if (!types)
		throw failure(info.Env(), "cannot read the kernel's BTF", errno, log.text());
	uint32_t wanted = kind == "typedef" ? BTF_KIND_TYPEDEF
			  : kind == "func"  ? BTF_KIND_FUNC
					    : BTF_KIND_STRUCT;
	bool isKnown = btf__find_by_name_kind(types, name.c_str(), wanted) > 0;
	btf__free(types);
	return Napi::Boolean::New(info.Env(), isKnown);
}
