import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import type { Interception } from '../../../sandbox/sftp-files.ts';
import { sftpServer } from '../../../sandbox/sftp-server.ts';
import { lend, messageOf, openOutbound } from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5.1\r');

/** Sends one message to a server that is not OpenSSH, in whose folder `lab.hl7` is already. */
async function sendTo(
  settings: Readonly<Record<string, unknown>>,
  intercept: Interception = () => undefined,
  overwrites = false,
): Promise<{ error: unknown; folder: string; requests: readonly string[] } & AsyncDisposable> {
  const folder = await temporaryFolder('sftp');
  await mkdir(join(folder.path, 'in'));
  await writeFile(join(folder.path, 'in', 'lab.hl7'), 'old');
  const server = await sftpServer({ folder: folder.path, intercept, overwrites });
  const { port, user, password, fingerprint } = server;
  const given = { connect: `127.0.0.1:${port}`, credential: 'drop', hostKey: fingerprint };
  await using sender = await openOutbound(
    sftpOut,
    { ...given, folder: 'in', name: 'lab.hl7', ...settings },
    { credentials: { drop: { kind: 'basic', user, password } } },
  );
  const error = await sender.send(BODY).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return {
    error,
    folder: join(folder.path, 'in'),
    requests: server.requests,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('without posix-rename the old file is moved aside until the new one is in place', async () => {
  await using sent = await sendTo({ exists: 'replace' });
  expect(sent.error).toBeUndefined();
  expect(await readdir(sent.folder)).toEqual(['lab.hl7']);
  expect(await readFile(join(sent.folder, 'lab.hl7'))).toEqual(BODY);
  expect(sent.requests.filter((name) => name === 'RENAME')).toHaveLength(2);
});

test.for([
  ['suspend', 'ADAPTER_SUSPEND', ['lab.hl7']],
  ['number', undefined, ['lab-1.hl7', 'lab.hl7']],
] as const)(
  'a server whose renames write over files loses none of them (exists: %s)',
  async ([exists, code, names]) => {
    await using sent = await sendTo({ exists }, undefined, true);
    expect((sent.error as { code?: string } | undefined)?.code).toBe(code);
    expect((await readdir(sent.folder)).toSorted()).toEqual(names);
    expect(await readFile(join(sent.folder, 'lab.hl7'), 'utf8')).toBe('old');
  },
);

test('if the new one cannot be put there, the old one comes back', async () => {
  let renames = 0;
  await using sent = await sendTo({ exists: 'replace' }, ({ name }) =>
    name === 'RENAME' && ++renames === 2 ? { status: 3 } : undefined,
  );
  expect(sent.error).toMatchObject({ code: 'ADAPTER_TEMPORARY' });
  expect(await readdir(sent.folder)).toEqual(['lab.hl7']);
  expect(await readFile(join(sent.folder, 'lab.hl7'), 'utf8')).toBe('old');
});

test.for(['die-before', 'die-after'] as const)(
  'what was moved aside is gone after the next try, when the connection broke in between (%s)',
  async (broken) => {
    await using folder = await temporaryFolder('sftp');
    await mkdir(join(folder.path, 'in'));
    await writeFile(join(folder.path, 'in', 'lab.hl7'), 'old');
    let renames = 0;
    await using server = await sftpServer({
      folder: folder.path,
      intercept: ({ name }) => (name === 'RENAME' && ++renames === 2 ? broken : undefined),
    });
    const { port, user, password, fingerprint } = server;
    const given = { connect: `127.0.0.1:${port}`, credential: 'drop', hostKey: fingerprint };
    const { lent } = lend(
      sftpOut.settings,
      { ...given, folder: 'in', name: 'lab.hl7', exists: 'replace' },
      { credentials: { drop: { kind: 'basic', user, password } } },
    );
    const sender = await sftpOut.open(lent);
    const message = messageOf(BODY);
    const { signal } = new AbortController();
    await expect(sender.send(message, signal)).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
    });
    await sender.send(message, signal);
    await sender.close();
    expect(await readdir(join(folder.path, 'in'))).toEqual(['lab.hl7']);
    expect(await readFile(join(folder.path, 'in', 'lab.hl7'))).toEqual(BODY);
  },
);

test.for([
  ['a quota (code 15)', { status: 15 }, /quota of 127.0.0.1:\d+ is full/],
  ['a full disk (code 14)', { status: 14 }, /disk or the quota/],
  ['a full disk in words', { status: 4, text: 'Disk quota exceeded' }, /disk or the quota/],
  ['a refusal in words', { status: 4, text: 'Permission denied' }, /does not allow us to write/],
  ['a failure without words', { status: 4 }, /does not say why\. Its disk or a quota may be full/],
] as const)('%s is told', async ([, refusal, message]) => {
  await using sent = await sendTo({ exists: 'number' }, ({ name }) =>
    name === 'WRITE' ? refusal : undefined,
  );
  expect(sent.error).toMatchObject({
    code: 'ADAPTER_TEMPORARY',
    message: expect.stringMatching(message),
  });
  expect(await readdir(sent.folder)).toEqual(['lab.hl7']);
});

test('a server that confirms bytes which it does not hold is found out', async () => {
  await using sent = await sendTo({ exists: 'number' }, ({ name }) =>
    name === 'WRITE' ? { status: 0 } : undefined,
  );
  expect(sent.error).toMatchObject({ message: expect.stringMatching(/has 0 bytes of the 45/) });
  expect(await readdir(sent.folder)).toEqual(['lab.hl7']);
});
