/* look-up NAME: prints its IPv4 addresses as resolv.conf's servers and search list give them. A static glibc program may
 * not use getaddrinfo (it loads libraries, which is why busybox-static's nslookup crashes), but may use the resolver. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	unsigned char answer[4096];
	char text[INET_ADDRSTRLEN];
	ns_msg message;
	ns_rr record;
	int length;

	if (argc != 2)
		return 2;
	length = res_search(argv[1], ns_c_in, ns_t_a, answer, sizeof(answer));
	if (length < 0 || ns_initparse(answer, length, &message) < 0) {
		fprintf(stderr, "no address of %s\n", argv[1]);
		return 1;
	}
	for (int at = 0; at < ns_msg_count(message, ns_s_an); at++) {
		if (ns_parserr(&message, ns_s_an, at, &record) < 0 || ns_rr_type(record) != ns_t_a)
			continue;
		puts(inet_ntop(AF_INET, ns_rr_rdata(record), text, sizeof(text)));
	}
	return 0;
}
