import { afterAll, beforeAll, describe } from 'vitest';
import { connectSftp } from '../../adapters/ssh/sftp/connect.ts';
import type { SftpSession } from '../../adapters/ssh/sftp/sftp-session.ts';
import { sftpSettings } from '../../adapters/ssh/sftp/sftp-settings.ts';
import {
  type SshServer,
  type SshServerOptions,
  sshServer,
  whyNoSshServer,
} from '../../sandbox/ssh.ts';
import type { Credential, Lent } from '../../src/adapter/index.ts';
import { SECRET_MARKER } from '../contract/marker.ts';
import { lend, type Seen } from './open-adapter.ts';

/** Why tests against OpenSSH are skipped; undefined if they run. */
export const noSshServer: string | undefined = await whyNoSshServer();

/**
 * Declares tests against a real sshd, which is started once for all of them; skipped, with the
 * reason, if there is none.
 */
export function describeWithSshd(
  title: string,
  tests: (server: () => SshServer) => void,
  options: SshServerOptions = {},
): void {
  const why = noSshServer === undefined ? '' : ` (skipped: ${noSshServer})`;
  describe.skipIf(noSshServer !== undefined)(`${title}${why}`, () => {
    let server: SshServer | undefined;
    beforeAll(async () => {
      server = await sshServer(options);
    });
    afterAll(() => server?.[Symbol.asyncDispose]());
    tests(() => {
      if (server === undefined) throw new Error('the server was not started');
      return server;
    });
  });
}

/** The settings for a server, with the value of its credential `drop`. */
export function sftpTo(server: SshServer): {
  given: { connect: string; credential: string; hostKey: string };
  options: { credentials: Record<string, Credential> };
} {
  const { port, user, privateKey, hostKeys } = server;
  return {
    given: {
      connect: `127.0.0.1:${port}`,
      credential: 'drop',
      hostKey: hostKeys[0]?.fingerprint ?? '',
    },
    options: { credentials: { drop: { kind: 'ssh-key', user, privateKey } } },
  };
}

/** Settings and a credential for a connection; what is not given is correct. */
export interface ConnectGiven {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly credential?: Credential;
}

/** What `connectSftp` needs to reach a port of this machine. */
export function lentTo(
  port: number,
  { settings = {}, credential }: ConnectGiven,
): { lent: Lent<typeof sftpSettings>; seen: Seen } {
  const given = { connect: `127.0.0.1:${port}`, credential: 'drop', ...settings };
  return lend(sftpSettings, given, {
    credentials: { drop: credential ?? { kind: 'basic', user: 'hub', password: 'open sesame' } },
  });
}

/** Connects to a server with all its keys pinned; what is not given is correct. */
export async function connectTo(
  { port, hostKeys }: SshServer,
  { settings, ...rest }: ConnectGiven = {},
): Promise<SftpSession> {
  const hostKey = hostKeys.map(({ fingerprint }) => fingerprint);
  const { lent } = lentTo(port, { settings: { hostKey, ...settings }, ...rest });
  return await connectSftp(lent, lent.signal);
}

/** A wrong credential whose password must not appear anywhere. */
export const WRONG: Credential = { kind: 'basic', user: 'hub', password: SECRET_MARKER };
