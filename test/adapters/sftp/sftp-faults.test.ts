import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import type { Interception } from '../../../sandbox/sftp-files.ts';
import { type SftpServer, sftpServer } from '../../../sandbox/sftp-server.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { dropFile } from '../../support/drop-file.ts';
import { openResources } from '../../support/nothing-open.ts';
import type { OpenOptions } from '../../support/open-adapter.ts';
import { sentAtLast, supervised } from '../../support/supervised.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';

/** A busy machine may take its time. */
const PATIENCE = { timeout: 10_000, interval: 5 };
const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5.1\rPID|1||42\r');

function reach(server: SftpServer): {
  given: Record<string, unknown>;
  options: OpenOptions;
} {
  const { port, user, password, fingerprint } = server;
  return {
    given: { connect: `127.0.0.1:${port}`, credential: 'drop', hostKey: fingerprint, folder: 'in' },
    options: { credentials: { drop: { kind: 'basic', user, password } } },
  };
}

async function withFolders(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder('sftp');
  await mkdir(join(folder.path, 'in'));
  return folder;
}

/** Lets the n-th request of a kind end as told, once. */
function once(wanted: number, verdict: ReturnType<Interception>): Interception {
  let seen = 0;
  return () => (++seen === wanted ? verdict : undefined);
}

const inbound = { every: '5ms', stable: '0s', archive: 'taken' };

async function pickUp(intercept: Interception): Promise<{
  delivered: number;
  left: string[];
  archived: string[];
  requests: number;
}> {
  await using folder = await withFolders();
  await using server = await sftpServer({ folder: folder.path, intercept });
  await writeFile(join(folder.path, 'in', 'lab.hl7'), BODY);
  const { given, options } = reach(server);
  const run = supervised(sftpIn, { ...given, ...inbound }, options);
  await vi.waitFor(async () => {
    expect(await readdir(join(folder.path, 'in'))).toEqual([]);
    expect(run.delivered).toHaveLength(1);
  }, PATIENCE);
  const requests = server.requests.length;
  // A second file shows that the service goes on, and that the first is not delivered again.
  await dropFile(join(folder.path, 'in', 'next.hl7'), BODY);
  await vi.waitFor(async () => {
    expect(await readdir(join(folder.path, 'in'))).toEqual([]);
  }, PATIENCE);
  await run[Symbol.asyncDispose]();
  expect(run.delivered.map(({ name }) => name)).toEqual(['lab.hl7', 'next.hl7']);
  expect(run.delivered[0]?.body).toEqual(BODY);
  return {
    delivered: run.delivered.length,
    left: await readdir(join(folder.path, 'in')),
    archived: (await readdir(join(folder.path, 'taken'))).toSorted(),
    requests,
  };
}

describe('sftp-in when the server dies', () => {
  test('every file is delivered once, whichever request the server dies before or after', async () => {
    const { requests } = await pickUp(() => undefined);
    expect(requests).toBeGreaterThan(8);
    for (let step = 1; step <= requests; step++) {
      for (const death of ['die-before', 'die-after'] as const) {
        const { archived } = await pickUp(once(step, death));
        expect(archived, `${death} request ${step}`).toEqual(['lab.hl7', 'next.hl7']);
      }
    }
  });
});

const silentAboutLinks: Interception = ({ name, path }) =>
  name === 'STAT' && path.endsWith('.hl7') ? 'silent' : undefined;

test('a folder full of links does not ask a server about all of them at once', async () => {
  await using folder = await withFolders();
  for (let n = 0; n < 200; n++) await symlink('.target', join(folder.path, 'in', `${n}.hl7`));
  // while it does not answer about these, no others are asked about
  await using server = await sftpServer({ folder: folder.path, intercept: silentAboutLinks });
  const { given, options } = reach(server);
  await using _ = supervised(
    sftpIn,
    { ...given, ...inbound, followLinks: true, timeout: '1s' },
    options,
  );
  const listings = (): number[] =>
    server.requests.flatMap((name, at) => (name === 'OPENDIR' ? [at] : []));
  await vi.waitFor(() => expect(listings().length).toBeGreaterThan(1), PATIENCE);
  const [first = 0, second = 0] = listings();
  const asked = server.requests.slice(first, second).filter((name) => name === 'STAT');
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.length).toBeLessThan(100);
});

async function putDown(
  exists: 'suspend' | 'replace' | 'number',
  intercept: Interception,
): Promise<{ requests: number; files: string[] }> {
  await using folder = await withFolders();
  await using server = await sftpServer({ folder: folder.path, intercept });
  const { given, options } = reach(server);
  const settings = { ...given, name: 'lab.hl7', exists };
  await sentAtLast(sftpOut, { given: settings, options }, { body: inlineBody(BODY) });
  const files = await readdir(join(folder.path, 'in'));
  for (const file of files) {
    expect(await readFile(join(folder.path, 'in', file))).toEqual(BODY);
  }
  return { requests: server.requests.length, files };
}

describe('sftp-out when the server dies', () => {
  test.for(['suspend', 'replace', 'number'] as const)(
    'one whole file is there, whichever request the server dies before or after (exists: %s)',
    async (exists) => {
      const { requests } = await putDown(exists, () => undefined);
      expect(requests).toBeGreaterThan(4);
      for (let step = 1; step <= requests; step++) {
        for (const death of ['die-before', 'die-after'] as const) {
          const { files } = await putDown(exists, once(step, death));
          expect(files, `${death} request ${step}`).toEqual(['lab.hl7']);
        }
      }
    },
  );

  test('leaves no socket or timer behind after a death', async () => {
    await using folder = await withFolders();
    await using server = await sftpServer({
      folder: folder.path,
      intercept: once(3, 'die-before'),
    });
    const { given, options } = reach(server);
    const resources = openResources();
    const errors = await sentAtLast(
      sftpOut,
      { given: { ...given, name: 'lab.hl7' }, options },
      { body: inlineBody(BODY) },
    );
    expect(errors).toEqual(['ADAPTER_NOT_CONNECTED']);
    await resources.expectNothingNew();
  });
});
