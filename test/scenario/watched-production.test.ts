import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { commandLine } from '../support/command.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { productionFolder } from '../support/production.ts';

const messageOf = (n: number): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|W${n}|P|2.5.1\rEVN|A01\rPID|1||P1^^^H^MR||DOE^JOHN\rPV1|1|I\r`;

test('with --watch an imported module and a file that takes another’s name are applied, and no host goes while messages wait for it', async () => {
  const port = await freePort();
  await using production = await productionFolder({
    'production.yaml': `production: watched
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [decide] }
processes:
  decide: { code: ./processes/decide.ts, run: queued }
operations:
  out: { adapter: mllp-out, enabled: false, settings: { connect: "127.0.0.1:1" } }
  other: { adapter: mllp-out, enabled: false, settings: { connect: "127.0.0.1:1" } }
`,
    'processes/decide.ts': `import { target } from '../parts/target.ts';
export default async (_: unknown, context: { send(to: string, body: string): Promise<void> }) => {
  await context.send(target, 'MSH|');
};
`,
    'parts/target.ts': `export const target = 'out';\n`,
  });
  const data = join(production.path, 'data');
  await using engine = await startEngineProcess({
    production: production.path,
    data,
    ports: [port],
    arguments: ['--watch', '--log-level', 'error', '--durability', 'process-crash'],
  });
  const depths = async (): Promise<unknown> => {
    const { stdout } = await commandLine('status', '--data', data, '--json');
    const [{ hosts }] = JSON.parse(stdout) as [
      { hosts: { host: string; queue?: { depth: number } }[] },
    ];
    return Object.fromEntries(hosts.map(({ host, queue }) => [host, queue?.depth]));
  };
  const said = (text: RegExp): Promise<void> =>
    vi.waitFor(() => expect(engine.output()).toMatch(text), { timeout: 15_000 });

  await sendUntilAcknowledged(port, [messageOf(1)], () => undefined);
  await vi.waitFor(async () => expect(await depths()).toMatchObject({ out: 1, other: 0 }), {
    timeout: 15_000,
    interval: 200,
  });
  await writeFile(join(production.path, 'parts/target.ts'), `export const target = 'other';\n`);
  await said(/^applied: decide$/m);
  await sendUntilAcknowledged(port, [messageOf(2)], () => undefined);
  await vi.waitFor(async () => expect(await depths()).toMatchObject({ out: 1, other: 1 }), {
    timeout: 15_000,
    interval: 200,
  });

  const file = join(production.path, 'production.yaml');
  spawnSync('sed', ['-i', '/^  out:/d', file]);
  await said(/^not applied: 1 message waits for out: .*--leave-waiting/m);
  const refused = await commandLine('apply', '--data', data);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/1 message waits for out/),
  });
  const applied = await commandLine('apply', '--data', data, '--leave-waiting');
  expect(applied).toMatchObject({ code: 0, stdout: expect.stringMatching(/applied$/m) });
  const { stdout } = await commandLine('status', '--data', data);
  expect(stdout).toMatch(
    /1 message waits for out, the oldest for .*: the production no longer has that host/,
  );
  expect(stdout).toMatch(/^TRACE: no operator plane answers, .* not in the trace yet: [1-9]\d*$/m);
});
