// Which ports a protocol is spoken on, where a port is asked for at all: a service is what a parser confirmed.

/** Where TLS is usual (IANA's registry, and 8443 by habit). */
export const TLS_PORTS: ReadonlySet<number> = new Set([
  443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 5061, 8443,
]);

/** Where TLS is better than nothing, begins within another protocol, and nobody checks certificates (RFC 7435). */
export const OPPORTUNISTIC_PORTS: ReadonlySet<number> = new Set([21, 25, 110, 119, 143, 389, 587, 5222, 5269, 5432]);

/** The ports at which each service is no surprise. */
export const USUAL_PORTS: Readonly<Record<string, ReadonlySet<number>>> = {
  http: new Set([80, 81, 591, 3000, 3128, 5000, 5357, 5985, 8000, 8008, 8080, 8081, 8088, 8888, 9000, 9090]),
  tls: new Set([...TLS_PORTS, ...OPPORTUNISTIC_PORTS, 4443, 5223, 5228, 5986, 9443]),
  ssh: new Set([22, 2222]),
  ftp: new Set([21, 2121]),
  dns: new Set([53, 137, 5353, 5355]),
};
