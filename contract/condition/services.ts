/** Service names as ports: those of the services database that rules are written with, so that no host file decides. */
const services: Readonly<Record<string, number>> = {
  ftp: 21, ssh: 22, telnet: 23, smtp: 25, domain: 53, tftp: 69, http: 80, www: 80, kerberos: 88, pop3: 110,
  sunrpc: 111, ntp: 123, imap2: 143, imap: 143, snmp: 161, ldap: 389, https: 443, 'microsoft-ds': 445,
  submission: 587, ldaps: 636, imaps: 993, pop3s: 995, 'ms-sql-s': 1433, nfs: 2049, zookeeper: 2181,
  mysql: 3306, postgresql: 5432, amqp: 5672, redis: 6379, x11: 6000, 'http-alt': 8080,
} // prettier-ignore

export const servicePort = (name: string): number | undefined =>
  Object.hasOwn(services, name) ? services[name] : undefined
