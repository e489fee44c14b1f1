import { afterAll, beforeAll, describe } from 'vitest';
import { ftpsSettings } from '../../adapters/ftps/ftps-settings.ts';
import {
  type FtpsProgram,
  type FtpsServer,
  type FtpsServerOptions,
  ftpsServer,
  whyNoFtpsServer,
} from '../../sandbox/ftps/ftps.ts';
import type { Credential, Lent } from '../../src/adapter/index.ts';
import { lend, type OpenOptions } from './open-adapter.ts';

/** Debian's packages exclude each other, so a machine usually has one. */
export const ftpsPrograms: readonly FtpsProgram[] = ['vsftpd', 'proftpd'];

const reasons: Readonly<Record<FtpsProgram, string | undefined>> = {
  vsftpd: await whyNoFtpsServer('vsftpd'),
  proftpd: await whyNoFtpsServer('proftpd'),
};

/**
 * Declares tests against a real FTP server, which is started once for all of them; skipped, with
 * the reason, if there is none.
 */
export function describeWithFtpd(
  title: string,
  options: FtpsServerOptions & { readonly program: FtpsProgram },
  tests: (server: () => FtpsServer) => void,
): void {
  const reason = reasons[options.program];
  const why = reason === undefined ? '' : ` (skipped: ${reason})`;
  describe.skipIf(reason !== undefined)(`${title}: ${options.program}${why}`, () => {
    let server: FtpsServer | undefined;
    beforeAll(async () => {
      server = await ftpsServer(options);
    });
    afterAll(() => server?.[Symbol.asyncDispose]());
    tests(() => {
      if (server === undefined) throw new Error('the server was not started');
      return server;
    });
  });
}

/** The settings for a server, with the value of its credential `drop`. */
export function ftpsTo(
  { port, user, password, trust }: Pick<FtpsServer, 'port' | 'user' | 'password' | 'trust'>,
  security: 'explicit' | 'implicit' | 'none' = 'explicit',
): { given: Record<string, unknown>; options: OpenOptions } {
  return {
    given: {
      connect: `127.0.0.1:${port}`,
      credential: 'drop',
      security,
      ...(security !== 'none' && { tls: { trust } }),
    },
    options: { credentials: { drop: { kind: 'basic', user, password } } },
  };
}

/** What `connectFtps` needs to reach a port of this machine. */
export function ftpsLent(
  port: number,
  settings: Readonly<Record<string, unknown>> = {},
  credential: Credential = { kind: 'basic', user: 'hub', password: 'open sesame' },
): Lent<typeof ftpsSettings> {
  const given = { connect: `127.0.0.1:${port}`, credential: 'drop', ...settings };
  return lend(ftpsSettings, given, { credentials: { drop: credential } }).lent;
}
