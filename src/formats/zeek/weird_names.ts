// Our weirds under Zeek's names, where Zeek has the same observation; what has no such twin keeps its own name. A name
// is only here if both mean the same: a filter written for Zeek's must not match something else.

/** Zeek's name, and the source Zeek gives with it; null where it gives none. */
export type ZeekWeird = readonly [name: string, source: string | null];

// A Map is made of it: a record's text is never looked up among the names that every object has.
const TWINS: Readonly<Record<string, ZeekWeird>> = {
  ethernet_header_too_short: ['truncated_ethernet_frame', 'ETHERNET'],
  ip_unknown_version: ['unknown_ip_version', 'IP'],
  ip4_header_too_short: ['truncated_IP', 'IP'],
  ip6_header_too_short: ['truncated_IP', 'IP'],
  ip4_header_malformed: ['invalid_IP_header_size', 'IP'],
  ip_fragment_overlap_differs: ['fragment_inconsistency', null],
  ip_fragment_past_64k: ['excessively_large_fragment', null],
  tcp_header_too_short: ['truncated_header', 'TCP'],
  tcp_header_malformed: ['bad_TCP_header_len', 'TCP'],
  tcp_payload_cut_by_snaplen: ['truncated_tcp_payload', 'TCP'],
  tcp_seq_before_start: ['TCP_seq_underflow_or_misorder', 'TCP'],
  tcp_syn_seq_jump: ['SYN_seq_jump', 'TCP'],
  udp_header_too_short: ['truncated_header', 'UDP'],
  udp_length_differs: ['UDP_datagram_length_mismatch', 'UDP'],
  dns_header_truncated: ['DNS_truncated_len_lt_hdr_len', 'DNS'],
  dns_name_pointer_loop: ['DNS_label_forward_compress_offset', 'DNS'],
  dns_opcode_unknown: ['DNS_unknown_opcode', 'DNS'],
  http_request_line_malformed: ['bad_HTTP_request', 'HTTP'],
  http_header_folded: ['HTTP_obsolete_line_folding', 'HTTP'],
  http_chunk_size_malformed: ['HTTP_bad_chunk_size', 'HTTP'],
  http_content_length_malformed: ['HTTP_bad_content_length', 'HTTP'],
  http_response_without_request: ['HTTP_response_before_request', null],
  http_content_decode_failed: ['inflate_failed', 'ZIP'],
  x509_der_malformed: ['x509_cert_parse_error', null],
};

export const ZEEK_WEIRDS: ReadonlyMap<string, ZeekWeird> = new Map(Object.entries(TWINS));
