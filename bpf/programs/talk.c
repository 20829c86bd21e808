/* Sending and receiving: the first bytes, and both ends. */
#define DATA_BYTES 128

/* struct msghdr of the caller, whatever the width of its pointers. */
struct message {
	u64 name, name_length, vector, control, control_length;
};

static __always_inline void read_message(struct call *call, u64 header, struct message *to)
{
	u32 word = call->is_compat ? 4 : 8;

	to->name = user_pointer(call, header, 0);
	to->name_length = (u32)user_pointer(call, header, 1);
	to->vector = user_pointer(call, header, 2);
	to->control = user_pointer(call, header + 4 * word, 0);
	to->control_length = user_pointer(call, header + 4 * word, 1);
}

static __always_inline void record__data(struct record *r, s64 result, u64 start, u64 length)
{
	if (result < 0)
		record__none(r);
	else
		record__user_bytes(r, start, length < (u64)result ? length : result, DATA_BYTES);
}

static __always_inline void record__first_part(struct record *r, struct call *call, u64 vector)
{
	record__data(r, call->result, user_pointer(call, vector, 0), user_pointer(call, vector, 1));
}

CALL(sendto)
{
	struct record *r = begin(SENDTO);

	record__s64(r, call->result);
	record__data(r, call->result, ARG(1), ARG(2));
	record__s64(r, (int)ARG(0));
	record__s64(r, ARG(2));
	record__tuple_to(r, sock_of((int)ARG(0)), 0, ADDRESS_WINS, ARG(4), short_length(ARG(5)));
	return record__send(r, SENDTO);
}

CALL(sendmsg)
{
	struct record *r = begin(SENDMSG);
	struct message message;

	read_message(call, ARG(1), &message);
	record__s64(r, call->result);
	record__first_part(r, call, message.vector);
	record__s64(r, (int)ARG(0));
	record__s64(r, call->result < 0 ? 0 : call->result);
	record__tuple_to(r, sock_of((int)ARG(0)), 0, ADDRESS_WINS, message.name,
		short_length(message.name_length));
	return record__send(r, SENDMSG);
}

CALL(recvfrom)
{
	struct record *r = begin(RECVFROM);
	u32 length = 0;

	if (ARG(5))
		bpf_probe_read_user(&length, sizeof(length), (void *)ARG(5));
	record__s64(r, call->result);
	record__data(r, call->result, ARG(1), ARG(2));
	record__tuple_to(r, sock_of((int)ARG(0)), 0, ADDRESS_WINS, length ? ARG(4) : 0,
		short_length(length));
	record__s64(r, (int)ARG(0));
	record__s64(r, ARG(2));
	return record__send(r, RECVFROM);
}

CALL(recvmsg)
{
	struct record *r = begin(RECVMSG);
	struct message message;

	read_message(call, ARG(1), &message);
	record__s64(r, call->result);
	record__s64(r, call->result < 0 ? 0 : call->result);
	record__first_part(r, call, message.vector);
	record__tuple_to(r, sock_of((int)ARG(0)), 0, ADDRESS_WINS,
		message.name_length ? message.name : 0, short_length(message.name_length));
	record__user_bytes(r, message.control, message.control_length, DATA_BYTES);
	record__s64(r, (int)ARG(0));
	return record__send(r, RECVMSG);
}
