import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Each of them takes a twentieth of a start or more, in one thread or in both. */
const HEAVY = ['typebox', 'undici', 'mailparser', 'imapflow', 'pg', 'ssh2', '@azure/msal-node'];

test('an engine reads no library at its start that its production does not need', async () => {
  await using folder = await temporaryFolder('modules');
  const [hook, list] = ['hook.mjs', 'modules'].map((name) => join(folder.path, name)) as [
    string,
    string,
  ];
  await writeFile(
    hook,
    `import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
const note = (name) => appendFileSync(${JSON.stringify(list)}, name + '\\n');
registerHooks({
  load(url, context, next) {
    note(url);
    return next(url, context);
  },
});
// what Node itself has read, whoever asked for it
process.on('exit', () => process.moduleLoadList.filter((name) => /undici/.test(name)).forEach(note));
`,
  );
  const [port, shown] = [await freePort(), await freePort()];
  await using engine = await startEngineProcess({
    production: 'productions/passthrough',
    data: join(folder.path, 'data'),
    ports: [port, shown],
    plane: true,
    byModule: true,
    arguments: ['--console', `127.0.0.1:${shown}`],
    environment: {
      LISTEN: `127.0.0.1:${port}`,
      NODE_OPTIONS: `--import=${pathToFileURL(hook).href}`,
    },
  });
  await engine.stop();
  const modules = await readFile(list, 'utf8');
  const packages = new Set(
    [...modules.matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)].map(([, name]) => name),
  );
  // of the engine's thread, and of the operator plane's, which has no console
  expect(modules).toMatch(/\/src\/engine\/director\.ts\n[^]*\/src\/trace\/projector\.ts\n/);
  expect(HEAVY.filter((name) => packages.has(name))).toEqual([]);
  expect(modules.match(/^NativeModule .+/gm)).toBe(null);
});
