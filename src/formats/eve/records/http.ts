// http.
import { defineKind, record } from '../record.ts';

export const HTTP = defineKind('http', (e) => [
  record('http', e, {
    // Where the beginning was not seen, nobody knows how many went before.
    tx_id: e.mid_stream ? null : e.trans_depth - 1,
    http: {
      hostname: e.host,
      http_port: e.host_port,
      url: e.uri,
      http_user_agent: e.user_agent,
      http_content_type: e.response_content_type,
      http_refer: e.referrer,
      http_method: e.method,
      protocol: e.version === null ? null : `HTTP/${e.version}`,
      status: e.status_code,
      redirect: e.location,
      length: e.response_body_len,
    },
  }),
]);
