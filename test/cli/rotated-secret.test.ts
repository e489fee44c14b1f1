import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { runProduction } from '../../src/cli/run-production.ts';
import { masterKey } from '../../src/credential/secret/master-key.ts';
import { secretStore } from '../../src/credential/secret/secret-store.ts';
import { rootLogger } from '../../src/log/logger.ts';
import { webServer } from '../support/web-server.ts';

const basic = (text: string): string => `Basic ${Buffer.from(`hub:${text}`).toString('base64')}`;

const KEY = Buffer.alloc(32, 7).toString('base64');

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a rotated secret, in a file or in the store, is used with the next sign-in, without apply', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-rotated-'));
  const data = join(folder, 'data');
  vi.stubEnv('WAYBILL_MASTER_KEY', KEY);
  let accepted: readonly string[] = [];
  await using server = await webServer(({ headers }) => ({
    status: accepted.includes(headers.authorization ?? '') ? 200 : 401,
  }));
  const store = secretStore(join(folder, 'secrets.json'), masterKey(KEY));
  vi.stubEnv('WAYBILL_SECRETS', join(folder, 'secrets.json'));
  const password = join(folder, 'password');
  await store.set('api', 'key-one');
  await writeFile(password, 'first\n');
  await writeFile(
    join(folder, 'production.yaml'),
    `production: rotated
credentials:
  account: { kind: basic, user: "\${env:ACCOUNT}", password: "\${file:password}" }
  token: { kind: bearer, token: "\${secret:api}" }
services: { in: { adapter: file-in, settings: { folder: in, every: 20ms, stable: 0s }, to: [files, stored] } }
operations:
  files: { adapter: http-out, settings: { url: "${server.url}/files", credential: account } }
  stored: { adapter: http-out, settings: { url: "${server.url}/stored", credential: token } }
`,
  );
  const lines: string[] = [];
  /** Sends a file to both, and gives the sign-ins that were refused on the way and those that were not. */
  const sent = async (name: string, ...wanted: string[]): Promise<(string | undefined)[]> => {
    accepted = wanted;
    const before = server.requests.length;
    await writeFile(join(folder, 'part'), name);
    await rename(join(folder, 'part'), join(folder, 'in', name));
    await vi.waitFor(
      () => {
        const shown = server.requests.map(({ headers }) => headers.authorization);
        expect(shown.slice(before)).toEqual(expect.arrayContaining(wanted));
      },
      { timeout: 10_000 },
    );
    return server.requests.slice(before).map(({ headers }) => headers.authorization);
  };
  try {
    await mkdir(join(folder, 'in'));
    await using _ = await runProduction({
      folder,
      data,
      durability: 'process-crash',
      environment: { ACCOUNT: 'hub' },
      log: rootLogger('debug', { write: (line: string) => void lines.push(line) }),
    });
    const [one, two, keyOne, keyTwo] = [
      basic('first'),
      basic('second'),
      'Bearer key-one',
      'Bearer key-two',
    ];
    expect(new Set(await sent('a', one, keyOne))).toEqual(new Set([one, keyOne]));
    await writeFile(password, 'second\n');
    await store.set('api', 'key-two');
    // the old ones are refused once, and the new ones are used from then on
    expect(new Set(await sent('b', two, keyTwo))).toEqual(new Set([one, two, keyOne, keyTwo]));
    expect(new Set(await sent('c', two, keyTwo))).toEqual(new Set([two, keyTwo]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  expect(lines.filter((line) => /first|second|key-one|key-two/.test(line))).toEqual([]);
});
