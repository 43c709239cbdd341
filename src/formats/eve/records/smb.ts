// smb, from the connection, its shares and its files, and dcerpc, within smb where a pipe carries it.
import type { DceRpcEvent, SmbFileEvent } from '../../../schema/gen/events.gen.ts';
import { defineKind, record, type Section } from '../record.ts';
import { wholeSeconds } from '../time.ts';

const command = (version: number, one: string, two: string): string =>
  version === 1 ? `SMB1_COMMAND_${one}` : `SMB2_COMMAND_${two}`;

export const SMB = defineKind('smb', (e) => [
  record('smb', e, {
    smb: {
      command: command(e.version, 'NEGOTIATE_PROTOCOL', 'NEGOTIATE_PROTOCOL'),
      dialect: e.dialect === null ? 'unknown' : e.dialect,
      server_guid: e.server_guid,
      request: { native_os: e.client_os },
      response: { native_os: e.server_os },
    },
  }),
]);

export const SMB_MAPPING = defineKind('smb_mapping', (e) => [
  record('smb', e, {
    smb: {
      // Only version 1 says what kind of resource it is.
      command: command(e.service === null ? 2 : 1, 'TREE_CONNECT_ANDX', 'TREE_CONNECT'),
      share: e.path,
      share_type: e.share_type === 'DISK' ? 'FILE' : e.share_type,
      service: { response: e.service },
    },
  }),
]);

const seconds = (us: number | null): number | null => (us === null ? null : wholeSeconds(us));

function fileCommand({ action, version }: SmbFileEvent): string {
  if (action.endsWith('_RENAME')) return command(version, 'RENAME', 'SET_INFO');
  return action.endsWith('_DELETE')
    ? command(version, 'DELETE', 'SET_INFO')
    : command(version, 'NT_CREATE_ANDX', 'CREATE');
}

export const SMB_FILE = defineKind('smb_file', (e) => [
  record('smb', e, {
    smb: {
      command: fileCommand(e),
      filename: e.name,
      share: e.path,
      size: e.size,
      created: seconds(e.created),
      accessed: seconds(e.accessed),
      modified: seconds(e.modified),
      changed: seconds(e.changed),
      rename: e.prev_name === null ? null : { from: e.prev_name, to: e.name },
    },
  }),
]);

function call(e: DceRpcEvent): Section {
  return {
    request: 'REQUEST',
    response: e.fault !== null ? 'FAULT' : e.is_answered ? 'RESPONSE' : 'UNREPLIED',
    interfaces: e.uuid === null ? [] : [{ uuid: e.uuid }],
  };
}

export const DCERPC = defineKind('dce_rpc', (e) => [
  e.pipe === null
    ? record('dcerpc', e, { dcerpc: { ...call(e), rpc_version: '5.0', req: { opnum: e.opnum } } })
    : record('smb', e, { smb: { named_pipe: e.pipe, dcerpc: { ...call(e), opnum: e.opnum } } }),
]);
