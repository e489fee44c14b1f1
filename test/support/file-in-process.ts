import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fileIn from '../../adapters/file/file-in.ts';
import { hl7Header } from '../../src/document/index.ts';
import { lend } from './open-adapter.ts';

/**
 * Runs `file-in` in a process that can be killed: `node file-in-process.ts <inbox> <archive> <records>`. What
 * is delivered and what is remembered lies in files of the folder `records`, as durable as it gets
 * without a broker.
 */
const [inbox = '', archive = '', records = ''] = process.argv.slice(2);
const memory = join(records, 'memory');

const { lent } = lend(fileIn.settings, { folder: inbox, archive, every: '5ms', stable: '0s' }, {});

await fileIn.open({
  ...lent,
  lost: (reason) => {
    throw reason;
  },
  deliver({ name = '', body }) {
    const { controlId } = hl7Header(body instanceof Uint8Array ? body : new Uint8Array());
    appendFileSync(join(records, 'delivered'), `${controlId || name}\n`);
    return Promise.resolve({ messageId: 1, sessionId: 1, status: 'stored' });
  },
  memory: {
    read: () => Promise.resolve(existsSync(memory) ? readFileSync(memory, 'utf8') : undefined),
    write(value) {
      writeFileSync(`${memory}.next`, value);
      renameSync(`${memory}.next`, memory);
      return Promise.resolve();
    },
  },
});
