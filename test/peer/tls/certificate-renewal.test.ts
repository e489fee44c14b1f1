import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { certificates, credentialOf } from '../../support/certificates.ts';
import { greeting, listen } from './tls-listener.ts';

describe('a server whose certificate is renewed', () => {
  test('shows the new one without a restart', async () => {
    await using all = await certificates();
    const files = [join(all.folder, 'hub.crt'), join(all.folder, 'hub.key')];
    let current = all.server;
    await writeFile(files[0] ?? '', current.certificate);
    await writeFile(files[1] ?? '', current.key);
    await using server = await listen(
      { certificate: 'hub' },
      { hub: () => ({ ...current, files }) },
    );
    const ca = all.authority.certificate;
    const before = await greeting(server.port, { ca });
    current = credentialOf(
      all.authority.issue({ commonName: 'localhost', names: ['DNS:localhost'] }),
    );
    await writeFile(join(all.folder, 'next'), current.certificate);
    await rename(join(all.folder, 'next'), files[0] ?? '');
    await vi.waitFor(() => expect(server.events.at(-1)?.name).toBe('certificate-renewed'));
    const after = await greeting(server.port, { ca });
    expect(after.text).toBe('welcome');
    expect(after.serial).not.toBe(before.serial);
    expect(server.tls.certificate.serial).toBe(after.serial);
  });

  test('keeps the old one if certificate and key do not belong together, and says so', async () => {
    await using all = await certificates();
    const file = await all.file('hub.crt', all.server.certificate);
    let current = all.server;
    await using server = await listen(
      { certificate: 'hub' },
      { hub: () => ({ ...current, files: [file] }) },
    );
    const before = await greeting(server.port, { ca: all.authority.certificate });
    current = { ...current, key: all.client.key };
    await writeFile(file, 'changed');
    await vi.waitFor(() => expect(server.events.at(-1)?.name).toBe('certificate-not-renewed'));
    expect(server.events.at(-1)?.text).toMatch(/key of hub does not belong to its certificate/);
    const after = await greeting(server.port, { ca: all.authority.certificate });
    expect(after.serial).toBe(before.serial);
  });

  test('warns of a certificate that expires soon', async () => {
    await using all = await certificates();
    const soon = credentialOf(
      all.authority.issue({
        commonName: 'localhost',
        notBefore: new Date(Date.now() - 300 * 86_400_000),
        notAfter: new Date(Date.now() + 10.5 * 86_400_000),
      }),
    );
    await using server = await listen({ certificate: 'hub' }, { hub: soon });
    expect(server.events).toMatchObject([
      {
        level: 'warn',
        name: 'expires-soon',
        text: expect.stringMatching(/CN=localhost expires on .*, in 10 days/),
      },
    ]);
  });
});
