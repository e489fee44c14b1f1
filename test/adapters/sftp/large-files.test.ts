import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../../adapters/ssh/sftp/sftp-out.ts';
import type { Body, NewMessage } from '../../../src/adapter/index.ts';
import { memoryGrowth } from '../../support/memory-growth.ts';
import { lend, messageOf } from '../../support/open-adapter.ts';
import { remoteFolder } from '../../support/remote-folder.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

const SIZE = 200_000_000;
/** What a whole file in memory would exceed. */
const BOUND = 150_000_000;
const PIECE = Buffer.alloc(1_000_000, 'a line of a long report\n');

/** A body of 200 MB that exists one piece at a time. */
const large: Body = {
  size: SIZE,
  inline: undefined,
  bytes: () => Promise.reject(new Error('read as a whole')),
  async *stream() {
    for (let sent = 0; sent < SIZE; sent += PIECE.length) yield PIECE;
  },
};

/** Whether a file is the large body, byte by byte. */
async function isLarge(file: string): Promise<boolean> {
  for await (const chunk of createReadStream(file, { highWaterMark: PIECE.length })) {
    if (!PIECE.equals(chunk as Buffer)) return false;
  }
  return (await stat(file)).size === SIZE;
}

describeWithSshd('a file of 200 MB', (server) => {
  test('is sent in bounded memory, whole', async () => {
    await using folder = await remoteFolder(server().home);
    const { given, options } = sftpTo(server());
    const settings = { ...given, folder: folder.name, name: 'large.bin' };
    const { lent } = lend(sftpOut.settings, settings, options);
    const sender = await sftpOut.open(lent);
    const grown = await memoryGrowth(async () => {
      await sender.send(messageOf(large), new AbortController().signal);
    });
    await sender.close();
    expect(await isLarge(join(folder.path, 'large.bin'))).toBe(true);
    expect(grown).toBeLessThan(BOUND);
  });

  test('is taken in bounded memory, whole, also by an engine that is slow', async () => {
    await using folder = await remoteFolder(server().home);
    // A file with holes takes no room on the disk and reads like any other.
    const file = await open(join(folder.path, 'large.bin'), 'w');
    await file.write(PIECE, 0, 1_000, SIZE - 1_000);
    await file.close();
    const { given, options } = sftpTo(server());
    const settings = { ...given, folder: folder.name, stable: '0s', every: '10ms' };
    const { lent } = lend(sftpIn.settings, settings, options);
    const taken = Promise.withResolvers<number>();
    const deliver = async ({
      body,
    }: NewMessage): Promise<{ messageId: number; sessionId: number; status: 'stored' }> => {
      let size = 0;
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        size += chunk.byteLength;
        if (size % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      taken.resolve(size);
      return { messageId: 1, sessionId: 1, status: 'stored' };
    };
    const grown = await memoryGrowth(async () => {
      const service = await sftpIn.open({
        ...lent,
        deliver,
        lost: taken.reject,
        memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
      });
      expect(await taken.promise).toBe(SIZE);
      await service.close();
    });
    expect(await folder.names()).toEqual([]);
    expect(grown).toBeLessThan(BOUND);
  });
});
