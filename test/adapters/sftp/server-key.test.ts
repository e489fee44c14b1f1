import { execFile } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import SftpClient from 'ssh2-sftp-client';
import { expect, test, vi } from 'vitest';
import { connectSftp } from '../../../adapters/ssh/sftp/connect.ts';
import type { SftpSession } from '../../../adapters/ssh/sftp/sftp-session.ts';
import { fingerprintOf } from '../../../sandbox/ssh.ts';
import type { Seen } from '../../support/open-adapter.ts';
import { connectTo, describeWithSshd, lentTo, WRONG } from '../../support/ssh-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function refuseLater(): Promise<boolean> {
  return false;
}

describeWithSshd(
  'the host key of OpenSSH',
  (server) => {
    const pin = (type: string): string =>
      server().hostKeys.find((key) => key.type === type)?.fingerprint ?? '';
    const typed = (type: string): string =>
      server().hostKeys.find((key) => key.type === type)?.line ?? '';

    test('a pinned one is accepted', async () => {
      const session = await connectTo(server(), { settings: { hostKey: pin('ed25519') } });
      expect(session.facts.hostKey).toMatchObject({ type: 'ssh-ed25519', trusted: true });
      await session.close();
    });

    test('one of several pins is enough, for a change of keys', async () => {
      const hostKey = [`SHA256:${'A'.repeat(43)}`, pin('ed25519')];
      const session = await connectTo(server(), { settings: { hostKey } });
      expect(session.facts.hostKey.trusted).toBe(true);
      await session.close();
    });

    test('a pinned RSA key is asked for although the server has a newer one', async () => {
      const session = await connectTo(server(), { settings: { hostKey: typed('rsa') } });
      expect(session.facts.hostKey.type).toBe('ssh-rsa');
      await session.close();
    });

    test('it is asked for first also where algorithms are added', async () => {
      const algorithms = { hostKey: ['+ssh-rsa'] };
      const settings = { hostKey: typed('rsa'), algorithms };
      const session = await connectTo(server(), { settings });
      expect(session.facts.hostKey.type).toBe('ssh-rsa');
      await session.close();
    });

    test('a changed one stops the operation with both fingerprints, before any sign-in', async () => {
      const expected = `SHA256:${'A'.repeat(43)}`;
      const error: unknown = await connectTo(server(), {
        settings: { hostKey: expected },
        credential: WRONG,
      }).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'ADAPTER_DISABLED' });
      expect(String(error)).toContain(`it is ssh-ed25519 ${pin('ed25519')}`);
      expect(String(error)).toContain(`expected was ${expected}`);
      // Not even a wrong one was tried: a password given to an impostor is lost.
      expect(await readFile(join(server().folder, 'log'), 'utf8')).not.toMatch(
        /Failed \w+ for hub/,
      );
    });

    test('a verifier that is async would accept it: the library takes the promise for a yes', async () => {
      const client = new SftpClient('bare', { error() {}, end() {}, close() {} });
      const { port, user: username, password } = server();
      const options = { host: '127.0.0.1', port, username, password };
      // The types and the linter of the project refuse it in plain sight.
      Reflect.set(options, 'hostVerifier', refuseLater);
      await client.connect(options);
      expect(await client.cwd()).toBe(server().home);
      await client.end();
    });

    test('without any pin it is refused, and shown', async () => {
      await expect(connectTo(server(), { settings: { hostKey: [] } })).rejects.toThrow(
        `It has ssh-ed25519 ${pin('ed25519')}: compare that with what its owner says`,
      );
    });

    test('known_hosts serves as well, and is read at each connection', async () => {
      await using folder = await temporaryFolder();
      const knownHosts = join(folder.path, 'known_hosts');
      const settings = { hostKey: [], knownHosts };
      await expect(connectTo(server(), { settings })).rejects.toThrow(/knownHosts cannot be read/);
      await writeFile(knownHosts, `[127.0.0.1]:1 ${typed('ed25519')}\n`);
      await expect(connectTo(server(), { settings })).rejects.toThrow(/No host key of/);
      await writeFile(knownHosts, `[127.0.0.1]:${server().port} ${typed('ed25519')}\n`);
      await (await connectTo(server(), { settings })).close();
      await writeFile(knownHosts, `@cert-authority * ${typed('ed25519')}\n`);
      await expect(connectTo(server(), { settings })).rejects.toThrow(
        /by a host certificate \(@cert-authority\).*It has the host key ssh-ed25519 SHA256:.*set hostKey to it/,
      );
      await writeFile(knownHosts, `@revoked * ${typed('ed25519')}\n`);
      await expect(
        connectTo(server(), { settings: { ...settings, hostKey: pin('ed25519') } }),
      ).rejects.toThrow(/marks as revoked/);
    });

    test('the next one is told of while the server announces it, and nothing of other kinds', async () => {
      const next = join(server().folder, 'host_next');
      await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', next]);
      await appendFile(join(server().folder, 'sshd_config'), `HostKey ${next}\n`);
      await server().stop();
      await server().start();
      const fingerprint = fingerprintOf(await readFile(`${next}.pub`, 'utf8'));
      const { port, password } = server();
      const credential = { kind: 'basic', user: 'hub', password } as const;
      const opened = async (
        ...hostKey: readonly string[]
      ): Promise<{ session: SftpSession; seen: Seen }> => {
        const { lent, seen } = lentTo(port, { settings: { hostKey }, credential });
        return { session: await connectSftp(lent, lent.signal), seen };
      };
      const both = await opened(pin('ed25519'), fingerprint);
      const one = await opened(pin('ed25519'));
      await vi.waitFor(() => expect(one.seen.events).toHaveLength(1));
      const [event] = one.seen.events;
      expect(event).toMatchObject({ level: 'warn', name: 'host-key-announced' });
      expect(event?.text).toContain(
        `announces another host key, ssh-ed25519 ${fingerprint}, and will`,
      );
      expect(both.seen.events).toEqual([]);
      await Promise.all([one, both].map(({ session }) => session.close()));
    });
  },
  { hostKeys: ['ed25519', 'rsa'] },
);
