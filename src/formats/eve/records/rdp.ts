// rdp.
import { defineKind, record } from '../record.ts';

export const RDP = defineKind('rdp', (e) => {
  const client = {
    build: e.client_build,
    client_name: e.client_name,
    keyboard_layout: e.keyboard_layout,
    desktop_width: e.desktop_width,
    desktop_height: e.desktop_height,
    product_id: e.client_dig_product_id === '' ? null : e.client_dig_product_id,
  };
  const hasClient = Object.values(client).some((value) => value !== null) || e.client_channels.length > 0;
  const event_type = hasClient ? 'connect_request' : e.ssl ? 'tls_handshake' : 'initial_request';
  return [record('rdp', e, { rdp: { event_type, cookie: e.cookie, client, channels: e.client_channels } })];
});
