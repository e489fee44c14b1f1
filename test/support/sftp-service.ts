import { expect, vi } from 'vitest';
import sftpIn from '../../adapters/ssh/sftp/sftp-in.ts';
import type { SshServer } from '../../sandbox/ssh.ts';
import { type OpenedInbound, type OpenOptions, openInbound } from './open-adapter.ts';
import { type RemoteFolder } from './remote-folder.ts';
import { sftpTo } from './ssh-server.ts';

/** A busy machine may need this long. */
export const PATIENCE = { timeout: 10_000, interval: 5 };

/** Opens `sftp-in` on a folder, polling continuously. */
export async function openedSftpIn(
  server: SshServer,
  folder: RemoteFolder,
  settings: Readonly<Record<string, unknown>> = {},
  memory?: string,
): Promise<OpenedInbound> {
  const { given, options } = sftpTo(server);
  const more: OpenOptions = { ...options, ...(memory !== undefined && { memory }) };
  return await openInbound(
    sftpIn,
    { ...given, folder: folder.name, every: '10ms', stable: '0s', ...settings },
    more,
  );
}

/** The names delivered so far. */
export const names = (service: OpenedInbound): (string | undefined)[] =>
  service.delivered.map(({ name }) => name);

/** Resolves once a further poll has completed. */
export async function looksAgain(service: OpenedInbound, folder: RemoteFolder): Promise<void> {
  // A later file is fetched by a later poll, by which every earlier one has been checked again.
  const later = `zz-later-${service.delivered.length}.txt`;
  await folder.put(later, 'later');
  await vi.waitFor(() => expect(names(service)).toContain(later), PATIENCE);
}
