import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fileOut from '../../../adapters/file/file-out.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const number = (name: string): number => Number(/-(\d+)/.exec(name)?.[1] ?? 0);

/** A folder whose files arrived in the order of their numbers. */
async function peer(): Promise<OutboundPeer> {
  const folder = await temporaryFolder('file-out');
  const path = join(folder.path, 'out');
  await mkdir(path);
  return {
    given: { folder: path, name: 'm.hl7', exists: 'number' },
    async received() {
      const names = await readdir(path);
      const ordered = names.toSorted((a, b) => number(a) - number(b));
      return await Promise.all(ordered.map((name) => readFile(join(path, name))));
    },
    breakDown: () => rm(path, { recursive: true }),
    repair: () => mkdir(path),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describeOutbound(fileOut, {
  peer,
  gaps: {
    signal: 'a disk cannot be told to wait; giving up is tested with a slow body',
    usable: 'a disk cannot be told to wait; giving up is tested with a slow body',
    temporary: 'a folder does not refuse messages; a full disk is tested by itself',
    final: 'a folder does not refuse messages; forbidden folders are tested by themselves',
  },
});
