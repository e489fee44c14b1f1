import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import type { SshServer } from '../../../sandbox/ssh.ts';
import {
  failureOf,
  type OpenedOutbound,
  openOutbound,
  slowBody,
  streamedBody,
} from '../../support/open-adapter.ts';
import { type RemoteFolder, remoteFolder } from '../../support/remote-folder.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5.1\r');

async function opened(
  server: SshServer,
  folder: Pick<RemoteFolder, 'name'>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<OpenedOutbound> {
  const { given, options } = sftpTo(server);
  return await openOutbound(
    sftpOut,
    { ...given, folder: folder.name, name: '{id}.hl7', ...settings },
    options,
  );
}

describeWithSshd(
  'dropping at OpenSSH',
  (server) => {
    test('nobody sees half a file: it has its own name only once it is whole', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder);
      const chunks = new PassThrough();
      const sending = sender.send(slowBody(chunks), { id: 17 });
      chunks.write('first half, ');
      await vi.waitFor(async () => expect(await folder.names()).toEqual(['.17.hl7.17.part']));
      chunks.write('second half');
      chunks.end();
      await sending;
      expect(await folder.names()).toEqual(['17.hl7']);
      expect((await folder.read('17.hl7')).toString()).toBe('first half, second half');
    });

    test('a marker says that a file is there', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder, { marker: '*.ok' });
      await sender.send(BODY, { id: 17 });
      await sender.send(BODY, { id: 18 });
      expect((await folder.names()).toSorted()).toEqual(['17.hl7', '17.ok', '18.hl7', '18.ok']);
      expect(await folder.read('17.ok')).toHaveLength(0);
    });

    test('a body that breaks off leaves nothing behind', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder);
      const chunks = new PassThrough();
      const sending = failureOf(sender.send(slowBody(chunks)));
      chunks.write('first half');
      await vi.waitFor(async () => expect(await folder.names()).toHaveLength(1));
      chunks.destroy(new Error('the store is gone'));
      expect((await sending).message).toBe('the store is gone');
      await vi.waitFor(async () => expect(await folder.names()).toEqual([]));
    });

    test('a message that is given up leaves nothing behind', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder);
      const chunks = new PassThrough();
      const controller = new AbortController();
      const sending = failureOf(sender.send(slowBody(chunks), {}, controller.signal));
      chunks.write('first half');
      await vi.waitFor(async () => expect(await folder.names()).toHaveLength(1));
      controller.abort(new Error('timed out'));
      expect((await sending).message).toBe('timed out');
      await vi.waitFor(async () => expect(await folder.names()).toEqual([]));
    });

    test('a leftover of an earlier try is written over', async () => {
      await using folder = await remoteFolder(server().home);
      await writeFile(join(folder.path, '.17.hl7.17.part'), 'x'.repeat(10_000), { mode: 0o666 });
      await chmod(join(folder.path, '.17.hl7.17.part'), 0o666);
      await using sender = await opened(server(), folder);
      await sender.send(BODY, { id: 17 });
      expect(await folder.names()).toEqual(['17.hl7']);
      expect(await folder.read('17.hl7')).toEqual(BODY);
    });

    test('the mode is as set, whatever the umask of the server', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder, { mode: '0666' });
      await sender.send(BODY, { id: 17 });
      expect((await stat(join(folder.path, '17.hl7'))).mode & 0o777).toBe(0o666);
    });

    test('exists: suspend keeps the message for a person, and takes the same bytes for sent', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder, { name: 'lab.hl7' });
      await folder.put('lab.hl7', 'another file');
      const error = await failureOf(sender.send(BODY));
      expect(error).toMatchObject({ code: 'ADAPTER_SUSPEND' });
      expect(error.message).toMatch(/with other content is already in .*\. Remove it/);
      expect((await folder.read('lab.hl7')).toString()).toBe('another file');
      await folder.put('lab.hl7', BODY);
      await sender.send(BODY);
      expect(await folder.names()).toEqual(['lab.hl7']);
    });

    test('exists: replace puts the new file in place of the old', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder, { name: 'lab.hl7', exists: 'replace' });
      await folder.put('lab.hl7', 'another file');
      await sender.send(BODY);
      expect(await folder.names()).toEqual(['lab.hl7']);
      expect(await folder.read('lab.hl7')).toEqual(BODY);
    });

    test('exists: number writes over nothing, not even equal bytes', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder, { name: 'lab.hl7', exists: 'number' });
      for (let id = 1; id <= 3; id++) await sender.send(BODY, { id });
      expect(await folder.names()).toEqual(['lab-1.hl7', 'lab-2.hl7', 'lab.hl7']);
      await sender.send(BODY, { id: 3, possibleDuplicate: true });
      expect(await folder.names()).toHaveLength(3);
    });

    test('several at once with one name are each kept', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder, { name: 'lab.hl7', exists: 'number' });
      const bodies = Array.from({ length: 8 }, (_, n) => Buffer.from(`body ${n}`));
      await Promise.all(bodies.map((body, id) => sender.send(body, { id })));
      const files = await folder.names();
      const seen = await Promise.all(files.map((name) => folder.read(name)));
      expect(seen.map(String).toSorted()).toEqual(bodies.map(String).toSorted());
    });

    test.for([
      ['retry', 'ADAPTER_TEMPORARY'],
      ['suspend', 'ADAPTER_SUSPEND'],
      ['reject', 'ADAPTER_REJECTED'],
      ['stop', 'ADAPTER_DISABLED'],
    ] as const)('a forbidden or missing folder is named; denied: %s', async ([denied, code]) => {
      await using folder = await remoteFolder(server().home);
      await chmod(folder.path, 0o555);
      await using sender = await opened(server(), folder, { denied });
      expect(await failureOf(sender.send(BODY))).toMatchObject({
        code,
        message: expect.stringMatching(`does not allow us to write in ${folder.name}. Ask its`),
        detail: expect.stringMatching(/denied|not permitted|create/i),
      });
      const away = { name: `${folder.name}/away` };
      await using lost = await opened(server(), away, { denied });
      expect(await failureOf(lost.send(BODY))).toMatchObject({
        code,
        message: expect.stringMatching(`no such file or folder in ${folder.name}/away on 127`),
      });
    });

    test('a missing folder is made where told', async () => {
      await using folder = await remoteFolder(server().home);
      const deep = { name: `${folder.name}/a/b` };
      await using sender = await opened(server(), deep, { makeFolder: true });
      await sender.send(BODY, { id: 17 });
      expect(await folder.read('a/b/17.hl7')).toEqual(BODY);
    });

    test('a name that leaves the folder is refused and not quoted', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder, { name: '{name}' });
      const error = await failureOf(sender.send(BODY, { name: '../DOE-JOHN.hl7' }));
      expect(error).toMatchObject({ code: 'ADAPTER_SUSPEND' });
      expect(error.message).not.toContain('DOE');
      expect(await folder.names()).toEqual([]);
    });

    test('a full disk is an error that is tried again, names itself, and leaves nothing', async () => {
      const small = join(server().home, 'small');
      await using sender = await opened(server(), { name: 'small' }, { name: '{id}.bin' });
      const error = await failureOf(sender.send(streamedBody(Buffer.alloc(3_000_000))));
      expect(error).toMatchObject({
        code: 'ADAPTER_TEMPORARY',
        message: expect.stringMatching(
          /disk or the quota of 127.0.0.1:\d+ is full\. It is retried/,
        ),
      });
      // The disk is the server's own: it is looked at through the server.
      await sender.send(Buffer.alloc(500_000), { id: 18 });
      await sender.send(Buffer.alloc(400_000), { id: 19 });
      expect(await readdir(small)).toEqual([]);
    });
  },
  { smallDisk: true },
);
