import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { secretCommand } from '../../src/cli/command/secret.ts';
import { traceKeys } from '../../src/cli/trace-keys.ts';
import { masterKey } from '../../src/credential/secret/master-key.ts';
import { listSecrets, secretStore } from '../../src/credential/secret/secret-store.ts';
import { ran } from '../support/command.ts';
import { sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { adt } from '../support/operator.ts';
import { program } from '../support/program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KEY = 'q6b1hU4m2v0fJm0X1yq7c5pWn8sT3eLrG9dKzVxYaBc=';
const OTHER = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const hex = (keys: readonly Uint8Array[]): string[] =>
  keys.map((key) => Buffer.from(key).toString('hex'));

test('the first key is made once, another one by hand, and another master key changes none of them', async () => {
  await using folder = await temporaryFolder('trace-keys');
  const data = folder.path;
  const environment = { WAYBILL_MASTER_KEY: KEY };
  expect(await traceKeys(data, false, environment)).toEqual([]);
  const first = hex(await traceKeys(data, true, environment));
  expect(first).toHaveLength(1);
  expect(hex(await traceKeys(data, true, environment))).toEqual(first);
  expect(hex(await traceKeys(data, false, environment))).toEqual(first);
  expect(await readFile(join(data, 'secrets.json'), 'utf8')).not.toContain(first[0]);

  vi.stubEnv('WAYBILL_MASTER_KEY', KEY);
  expect((await ran(secretCommand(), ['trace-key', '--data', data])).code).toBe(0);
  vi.unstubAllEnvs();
  const both = hex(await traceKeys(data, true, environment));
  expect(both).toHaveLength(2);
  expect(both[0]).toBe(first[0]);

  const file = join(data, 'secrets.json');
  expect(await secretStore(file, masterKey(KEY)).rotate(masterKey(OTHER))).toBe(2);
  expect(hex(await traceKeys(data, true, { WAYBILL_MASTER_KEY: OTHER }))).toEqual(both);
  await expect(traceKeys(data, true, environment)).rejects.toMatchObject({
    code: 'CREDENTIAL_REFUSED',
  });
  await expect(traceKeys(data, true, {})).rejects.toMatchObject({ code: 'CREDENTIAL_MISSING' });
  expect(await traceKeys(data, false, {})).toEqual([]);
});

test('a key of the trace is not removed like any secret', async () => {
  await using folder = await temporaryFolder('trace-key-removed');
  const data = folder.path;
  await traceKeys(data, true, { WAYBILL_MASTER_KEY: KEY });
  const [{ name } = { name: '' }] = await listSecrets(join(data, 'secrets.json'));
  vi.stubEnv('WAYBILL_MASTER_KEY', KEY);
  const removal = secretCommand().parseAsync(['remove', name, '--data', data], { from: 'user' });
  await expect(removal).rejects.toThrow(/is a key of the trace.*--forever/);
  expect((await ran(secretCommand(), ['remove', name, '--forever', '--data', data])).code).toBe(0);
  vi.unstubAllEnvs();
  expect(await traceKeys(data, false, { WAYBILL_MASTER_KEY: KEY })).toEqual([]);
});

interface Run extends AsyncDisposable {
  readonly child: ChildProcess;
  said(): string;
}

async function waybillRun(
  data: string,
  listen: number,
  key: string,
  metrics = 'off',
): Promise<Run> {
  const child = spawn(
    process.execPath,
    await program(
      'src/main.ts',
      'run',
      'productions/passthrough',
      '--data',
      data,
      '--durability',
      'process-crash',
      '--metrics',
      metrics,
      '--encrypt',
      '--log-level',
      'error',
      '--console',
      '127.0.0.1:0',
    ),
    {
      env: { ...process.env, LISTEN: `127.0.0.1:${listen}`, WAYBILL_MASTER_KEY: key },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  return {
    child,
    said: () => said,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

test('without its key the trace is told to be shut, and messages are acknowledged all the same', async () => {
  await using folder = await temporaryFolder('no-trace-key');
  const listen = await freePort();
  const metrics = `127.0.0.1:${await freePort()}`;
  await using run = await waybillRun(folder.path, listen, '', metrics);
  await vi.waitFor(() => expect(run.said()).toContain('operator-failed'), 40_000);
  expect(run.said()).toContain('needs its master key');
  const figures = await fetch(`http://${metrics}/metrics`);
  expect(await figures.text()).toMatch(
    /^waybill_events_total\{production="[^"]+",host="",event="operator-failed"\} [1-9]/m,
  );
  await sendUntilAcknowledged(listen, [adt('A1')], () => undefined);
});
