import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { webServer } from '../support/web-server.ts';

const QUESTIONS = 30;
/** At which answers the engine is killed. */
const KILLS: ReadonlySet<number> = new Set([3, 8, 9, 14, 20, 26]);

test('what a registry answers is routed on by rules and put into a folder, in YAML alone', async () => {
  await using folder = await temporaryFolder('answers');
  await using registry = await webServer(({ body }) => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ asked: String(body), found: String(body) !== 'nobody' }),
  }));
  for (const name of ['in', 'found']) await mkdir(join(folder.path, name));
  await writeFile(
    join(folder.path, 'production.yaml'),
    `production: answers
services:
  questions: { adapter: file-in, settings: { folder: in, every: 50ms, stable: 200ms }, to: [registry] }
operations:
  registry: { adapter: http-out, settings: { url: "${registry.url}/patients" }, answersTo: [sorted] }
  found: { adapter: file-out, settings: { folder: found, name: '{json("/asked")}.json' } }
processes:
  sorted:
    rules:
      - { name: found, when: json("/found") == "true", send: found }
      - { otherwise: discard }
`,
  );
  await using _ = await runProduction({
    folder: folder.path,
    data: join(folder.path, 'data'),
    durability: 'process-crash',
    log: silentLogger,
  });
  for (const name of ['nobody', 'doe', 'roe']) {
    await writeFile(join(folder.path, 'in', `${name}.txt`), name);
  }
  await vi.waitFor(
    async () =>
      expect((await readdir(join(folder.path, 'found'))).toSorted()).toEqual([
        'doe.json',
        'roe.json',
      ]),
    15_000,
  );
  expect(await readFile(join(folder.path, 'found', 'doe.json'), 'utf8')).toBe(
    '{"asked":"doe","found":true}',
  );
});

test('an engine that is killed again and again as an answer comes in loses no answer, and stores each once', async () => {
  await using folder = await temporaryFolder('answers');
  const engines: EngineProcess[] = [];
  let answered = 0;
  let kills = 0;
  await using registry = await webServer(({ body }) => {
    answered += 1;
    // The answer is on its way while the engine dies: before or after it was stored.
    const engine = engines.at(-1);
    if (KILLS.has(answered) && engine !== undefined) {
      kills += 1;
      setTimeout(() => void engine.kill(), 1 + (answered % 4));
    }
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: `re ${String(body)}` };
  });
  for (const name of ['in', 'out']) await mkdir(join(folder.path, name));
  await writeFile(
    join(folder.path, 'production.yaml'),
    `production: killed
services:
  questions: { adapter: file-in, settings: { folder: in, every: 50ms, stable: 0s }, to: [registry] }
operations:
  registry: { adapter: http-out, settings: { url: "${registry.url}" }, answersTo: [out] }
  out: { adapter: file-out, settings: { folder: out, name: '{session}-{id}.txt', exists: suspend } }
`,
  );
  const questions = Array.from({ length: QUESTIONS }, (_, n) => `q${n}`);
  for (const name of questions) await writeFile(join(folder.path, 'in', `${name}.txt`), name);
  const answers = async (): Promise<string[]> => {
    const names = await readdir(join(folder.path, 'out'));
    const whole = names.filter((name) => !name.startsWith('.'));
    return Promise.all(whole.map((name) => readFile(join(folder.path, 'out', name), 'utf8')));
  };
  for (let starts = 0; starts <= KILLS.size; starts++) {
    const engine = await startEngineProcess({
      production: folder.path,
      data: join(folder.path, 'data'),
      ports: [],
      arguments: ['--durability', 'process-crash', '--log-level', 'warn'],
    });
    engines.push(engine);
    await vi.waitFor(async () => {
      if (engine.ended) return;
      expect(await answers()).toHaveLength(QUESTIONS);
    }, 20_000);
    await engine.stop();
  }
  expect(kills).toBe(KILLS.size);
  expect((await answers()).toSorted()).toEqual(questions.map((name) => `re ${name}`).toSorted());
});
