import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { readProduction } from '../../src/definition/read.ts';
import { READ_LIMIT } from '../../src/flow/subject.ts';
import { dicomFile } from '../support/dicom.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PRODUCTION = `production: films
services:
  films: { adapter: file-in, settings: { folder: in, pattern: "*.dcm", every: 50ms }, to: [which] }
processes:
  which:
    rules:
      - { name: changed, when: 'field("PatientID") == "CHANGE"', send: { to: out, transform: change } }
      - { name: ours, when: 'field("PatientID") == "P0815"', send: out }
      - otherwise: discard
operations:
  out: { adapter: file-out, settings: { folder: out, name: "{name}" } }
transforms:
  change: change.yaml
`;

test('what is too large to be held is told apart by its attributes and passed on whole; a change is refused', async () => {
  await using folder = await temporaryFolder('films');
  await writeFile(join(folder.path, 'production.yaml'), PRODUCTION);
  await writeFile(join(folder.path, 'change.yaml'), 'steps:\n  - { set: PatientID, value: X }\n');
  for (const name of ['in', 'out', 'made']) await mkdir(join(folder.path, name));
  const picture = Buffer.alloc(READ_LIMIT + 1_000_000, 5);
  const film = dicomFile({ picture });
  const other = dicomFile({ picture, instance: 2, patientId: 'CHANGE' });
  const { definition, problems } = await readProduction(folder.path, {
    adapters: await allAdapters(),
  });
  if (definition === undefined) throw new Error(JSON.stringify(problems));
  await using nats = await startNats();
  await using running = await run(nats, definition);
  for (const [name, bytes] of Object.entries({ 'a.dcm': other, 'b.dcm': film })) {
    await writeFile(join(folder.path, 'made', name), bytes);
    await cp(join(folder.path, 'made', name), join(folder.path, 'in', name));
  }
  await vi.waitFor(async () => expect(await readdir(join(folder.path, 'out'))).toEqual(['b.dcm']), {
    timeout: 30_000,
  });
  expect((await readFile(join(folder.path, 'out/b.dcm'))).equals(film)).toBe(true);
  const { broker } = running.engine;
  const { state } = await broker.manager.streams.info(broker.names.suspended.stream);
  expect(state.messages).toBe(1);
});
