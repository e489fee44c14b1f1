import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fileIn from '../../../adapters/file/file-in.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A folder into which files are renamed when they are complete. */
async function peer(): Promise<InboundPeer> {
  const folder = await temporaryFolder('file-in');
  let count = 0;
  return {
    given: { folder: folder.path, every: '10ms', stable: '0s' },
    async offer(body) {
      count += 1;
      const path = join(folder.path, `m${count}.hl7`);
      await writeFile(`${path}.part`, body);
      await rename(`${path}.part`, path);
      return {
        standing: () =>
          stat(path).then(
            () => 'waiting' as const,
            () => 'taken' as const,
          ),
      };
    },
    breakDown: () => rm(folder.path, { recursive: true }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describeInbound(fileIn, { peer });
