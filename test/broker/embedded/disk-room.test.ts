import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskRoom } from '../../../src/broker/embedded/disk-room.ts';
import { canMount, smallDisk } from '../../support/small-disk.ts';

test.skipIf(!canMount)(
  'what is just being put aside is not counted as room twice, nor what an earlier engine put aside as taken',
  async () => {
    await using disk = await smallDisk(24);
    // 2.8 MB are left, of which 3 are kept
    await writeFile(join(disk.path, 'others'), Buffer.alloc(21.2 * 1_048_576));
    const refusedAtFirst = async (): Promise<string | undefined> => {
      const room = diskRoom({ folder: disk.path, onChange: () => undefined });
      const refusal = await room.refusal(1);
      await room.close();
      return refusal?.message;
    };
    const full = expect.stringContaining('the disk of NATS has 2 MB left');
    expect(await refusedAtFirst()).toEqual(full);
    expect(await refusedAtFirst()).toEqual(full);
  },
);
