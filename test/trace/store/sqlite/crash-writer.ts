import { parseArgs } from 'node:util';
import { sqliteTraceStore } from '../../../../src/trace/store/sqlite/trace-store.ts';
import { crashBatch } from './crash-batch.ts';

/** Run as a process of its own, to be killed: writes batch after batch and says which is durable. */
const { values } = parseArgs({
  options: { folder: { type: 'string', default: '' }, first: { type: 'string', default: '0' } },
});
const store = sqliteTraceStore({ folder: values.folder });
for (let number = Number(values.first); ; number++) {
  await store.apply(crashBatch(number));
  process.stdout.write(`${number}\n`);
}
