/* What TypeScript cannot do: BPF, mapped rings, sleeping on them, pidfds. detector/native.ts is its
 * face. */
#include "failure.h"
#include "kernel.h"
#include "object.h"
#include "process.h"
#include "waiter.h"

static Napi::Object load(Napi::Env env, Napi::Object exports)
{
	captureBpfLog();
	exports.Set("BpfObject", BpfObject::define(env));
	exports.Set("Waiter", Waiter::define(env));
	exports.Set("openTracefs", Napi::Function::New(env, openTracefs));
	exports.Set("kernelHas", Napi::Function::New(env, kernelHas));
	exports.Set("pidfdOpen", Napi::Function::New(env, pidfdOpen));
	exports.Set("pidfdSendSignal", Napi::Function::New(env, pidfdSendSignal));
	return exports;
}

NODE_API_MODULE(riposte, load)
