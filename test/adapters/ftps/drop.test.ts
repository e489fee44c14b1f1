import { chmod } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import ftpsOut from '../../../adapters/ftps/ftps-out.ts';
import type { FtpsServer } from '../../../sandbox/ftps/ftps.ts';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import {
  failureOf,
  type OpenedOutbound,
  openOutbound,
  slowBody,
  streamedBody,
} from '../../support/open-adapter.ts';
import { type RemoteFolder, remoteFolder } from '../../support/remote-folder.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5.1\r');

async function opened(
  server: FtpsServer,
  folder: Pick<RemoteFolder, 'name'>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<OpenedOutbound> {
  const { given, options } = ftpsTo(server);
  return await openOutbound(
    ftpsOut,
    { ...given, folder: folder.name, name: '{id}.hl7', ...settings },
    options,
  );
}

for (const program of ftpsPrograms) {
  describeWithFtpd('dropping', { program, smallDisk: true }, (server) => {
    test('nobody sees half a file: it has its own name only once it is whole', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder);
      const chunks = new PassThrough();
      const sending = sender.send(slowBody(chunks), { id: 17 });
      chunks.write('first half, ');
      await vi.waitFor(async () => expect(await folder.names()).toEqual(['.17.hl7.17.part']));
      chunks.end('second half');
      await sending;
      expect(await folder.names()).toEqual(['17.hl7']);
      expect((await folder.read('17.hl7')).toString()).toBe('first half, second half');
    });

    test('an empty message is an empty file', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder);
      for (let id = 1; id <= 10; id++) await sender.send(Buffer.alloc(0), { id });
      expect(await folder.names()).toHaveLength(10);
    });

    test('a body that breaks off or is given up leaves nothing, and the connection goes on', async () => {
      await using folder = await remoteFolder(server().home);
      await using sender = await opened(server(), folder);
      const broken = new PassThrough();
      const sending = failureOf(sender.send(slowBody(broken)));
      broken.write('first half');
      await vi.waitFor(async () => expect(await folder.names()).toHaveLength(1));
      broken.destroy(new Error('the store is gone'));
      expect((await sending).message).toBe('the store is gone');
      await vi.waitFor(async () => expect(await folder.names()).toEqual([]));
      const controller = new AbortController();
      const stalled = new PassThrough();
      const waiting = failureOf(sender.send(slowBody(stalled), {}, controller.signal));
      stalled.write('first half');
      await vi.waitFor(async () => expect(await folder.names()).toHaveLength(1));
      controller.abort(new Error('timed out'));
      expect((await waiting).message).toBe('timed out');
      await vi.waitFor(async () => expect(await folder.names()).toEqual([]));
      await sender.send(BODY, { id: 17 });
      expect(await folder.names()).toEqual(['17.hl7']);
      expect(new Set(sender.states.map(({ state }) => state))).toEqual(new Set(['connected']));
    });

    test('what is there already is kept, replaced or numbered, as told', async () => {
      await using folder = await remoteFolder(server().home);
      await folder.put('lab.hl7', 'another file');
      const name = 'lab.hl7';
      await using careful = await opened(server(), folder, { name });
      expect(await failureOf(careful.send(BODY))).toMatchObject({ code: 'ADAPTER_SUSPEND' });
      expect((await folder.read('lab.hl7')).toString()).toBe('another file');
      await using numbering = await opened(server(), folder, { name, exists: 'number' });
      await numbering.send(BODY, { id: 1 });
      await numbering.send(BODY, { id: 2 });
      expect(await folder.names()).toEqual(['lab-1.hl7', 'lab-2.hl7', 'lab.hl7']);
      await numbering.send(BODY, { id: 2, possibleDuplicate: true });
      expect(await folder.names()).toHaveLength(3);
      await using replacing = await opened(server(), folder, { name, exists: 'replace' });
      await replacing.send(BODY);
      expect(await folder.read('lab.hl7')).toEqual(BODY);
      await careful.send(BODY);
      expect(await folder.names()).toHaveLength(3);
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
        message: expect.stringMatching(`does not allow us to write in ${folder.path}`),
        detail: expect.stringMatching(/denied|not permitted|create/i),
      });
      await using lost = await opened(server(), { name: `${folder.name}/away` }, { denied });
      expect(await failureOf(lost.send(BODY))).toMatchObject({
        code,
        message: expect.stringMatching(`no such file or folder in ${folder.path}/away on 127`),
      });
    });

    test('a missing folder is made where told', async () => {
      await using folder = await remoteFolder(server().home);
      const deep = { name: `${folder.name}/a/b` };
      await using sender = await opened(server(), deep, { makeFolder: true });
      await sender.send(BODY, { id: 17 });
      expect(await folder.read('a/b/17.hl7')).toEqual(BODY);
    });

    test('a full disk is an error that is tried again, names itself, and leaves room', async () => {
      await using sender = await opened(server(), { name: 'small' }, { name: '{id}.bin' });
      const error = await failureOf(sender.send(streamedBody(Buffer.alloc(3_000_000))));
      expect(error).toMatchObject({
        code: 'ADAPTER_TEMPORARY',
        message: expect.stringMatching(/full/),
      });
      await sender.send(Buffer.alloc(500_000), { id: 18 });
      await sender.send(Buffer.alloc(400_000), { id: 19 });
    });
  });
}
