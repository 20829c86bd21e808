/* Who a process is: users, groups, session, capabilities, its name. Numbers only, as the caller
 * passed them. */
#define NUMBERS_CALL(name, EVENT, ...)                                                             \
	CALL(name)                                                                                 \
	{                                                                                          \
		struct record *r = begin(EVENT);                                                   \
                                                                                                   \
		record__s64(r, call->result);                                                      \
		__VA_ARGS__;                                                                       \
		return record__send(r, EVENT);                                                     \
	}
#define NUMBER(n) record__s64(r, (int)ARG(n))

NUMBERS_CALL(setuid, SETUID, NUMBER(0))
NUMBERS_CALL(setgid, SETGID, NUMBER(0))
NUMBERS_CALL(setreuid, SETREUID, NUMBER(0), NUMBER(1))
NUMBERS_CALL(setregid, SETREGID, NUMBER(0), NUMBER(1))
NUMBERS_CALL(setresuid, SETRESUID, NUMBER(0), NUMBER(1), NUMBER(2))
NUMBERS_CALL(setresgid, SETRESGID, NUMBER(0), NUMBER(1), NUMBER(2))
NUMBERS_CALL(setsid, SETSID)
NUMBERS_CALL(setpgid, SETPGID, NUMBER(0), NUMBER(1))
NUMBERS_CALL(unshare, UNSHARE, record__s64(r, (u32)ARG(0)))
NUMBERS_CALL(
	setns, SETNS, NUMBER(0), record__s64(r, (u32)ARG(1)), record__file(r, file_of((int)ARG(0))))

CALL(capset)
{
	struct task_struct *task = current_task();
	struct record *r = begin(CAPSET);

	record__s64(r, call->result);
	record__capabilities(r, task->cred);
	return record__send(r, CAPSET);
}

#define PR_SET_NAME 15

CALL(prctl)
{
	struct record *r = begin(PRCTL);

	record__s64(r, call->result);
	record__s64(r, (int)ARG(0));
	if ((int)ARG(0) == PR_SET_NAME)
		record__user_text(r, ARG(1));
	else
		record__none(r);
	if ((int)ARG(0) == PR_SET_NAME && call->result == 0)
		judge_rename(bpf_get_current_task_btf()->comm);
	record__s64(r, ARG(1));
	return record__send(r, PRCTL);
}
